// SPDX-License-Identifier: MIT

// overlaytext: the script, or the list of Workshop items, that an overlay is built from. Who
// replaces it says which one he has seen.

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "host/source.h"
#include "store/change.h"
#include "web/beside.h"

#define HASH_BYTES 16u
#define ETAG_BYTES (2 * HASH_BYTES + 1)
#define BODY_MAX   (2u << 20) // of JSON

struct textwork {
    struct beside beside;
    uint32_t      overlay;
    char          wanted[API_ETAG_MAX + 1]; // the etag that it must have, or "*"; not of a new one
    bool          is_new;                   // there must be none
    char         *bytes;                    // to write, owned
    size_t        n;
    struct buffer text; // that is there
    char          etag[ETAG_BYTES];
};

static void done(struct beside *beside)
{
    struct textwork *work = (struct textwork *)beside;

    free(work->bytes);
    buffer_done(&work->text);
}

static int new_work(struct textwork **ret, const struct beside_kind *kind,
                    const struct api_request *request, struct error *err)
{
    struct beside *beside = NULL;

    if (beside_new(&beside, kind, request, err) < 0)
        return -1;
    *ret = (struct textwork *)beside;
    (*ret)->overlay = (uint32_t)request->parameters[0]; // it was found
    return 0;
}

// ---- on a thread ------------------------------------------------------------------------------

static int load(struct source *ret, const struct textwork *work, struct error *err)
{
    if (source_load(ret, work->beside.paths, work->overlay, err) < 0)
        return -1;
    if (!source_text_file(ret->type))
        return error_set(err, ERROR_INVALID, "'%s' is not made from a text", ret->title);
    return 0;
}

// No text yet is an empty one, which has no etag.
static int read_text(struct textwork *work, const struct source *source, struct error *err)
{
    uint8_t hash[HASH_BYTES];

    buffer_done(&work->text);
    work->text = (struct buffer){ 0 };
    work->etag[0] = '\0';
    if (source_read_text(&work->text, work->beside.paths, source, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)work->text.bytes, work->text.n,
                             NULL, 0); // these sizes are right
    (void)sodium_bin2hex(work->etag, sizeof work->etag, hash, sizeof hash);
    return 0;
}

static int read_work(struct beside *beside, struct error *err)
{
    struct textwork *work = (struct textwork *)beside;
    struct source    source;

    return load(&source, work, err) < 0 ? -1 : read_text(work, &source, err);
}

static int check_seen(const struct textwork *work, struct error *err)
{
    bool is_any = strcmp(work->wanted, "*") == 0;
    bool is_seen = work->is_new ? !*work->etag
                   : is_any     ? *work->etag
                                : strcmp(work->wanted, work->etag) == 0;

    return is_seen ? 0
                   : error_set(err, ERROR_CONFLICT,
                               "the text was changed by somebody else since it was opened");
}

static int write_work(struct beside *beside, struct error *err)
{
    struct textwork *work = (struct textwork *)beside;
    AUTO_FD          lock_fd = -1;
    struct source    source;

    if (source_lock(&lock_fd, beside->paths, err) < 0 || load(&source, work, err) < 0 ||
        read_text(work, &source, err) < 0 || check_seen(work, err) < 0 ||
        source_check_text(&source, work->bytes, work->n, err) < 0 ||
        source_write_text(beside->paths, &source, work->bytes, work->n, err) < 0)
        return -1;
    return read_text(work, &source, err);
}

// ---- in the loop ------------------------------------------------------------------------------

static int answer(struct textwork *work, struct api_request *request, struct error *err)
{
    json_t *text = json_stringn(work->text.n ? work->text.bytes : "", work->text.n);

    if (*work->etag)
        api_set_etag(request, work->etag);
    return api_answer(request, 200, json_pack("{s:o}", "text", text), err);
}

static int read_said(struct beside *beside, struct api_request *request, struct error *err)
{
    return request ? answer((struct textwork *)beside, request, err) : 0;
}

static int read_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct textwork), read_work, read_said, done };
    struct textwork                *work = NULL;

    return new_work(&work, &kind, request, err) < 0 ? -1 : beside_run(&work->beside, request, err);
}

static int write_said(struct beside *beside, struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct textwork                          *work = (struct textwork *)beside;
    char                                      subject[32];

    (void)snprintf(subject, sizeof subject, "overlay %u", work->overlay); // it fits
    if (transaction_begin(&transaction, beside->web->db, err) < 0 ||
        beside_audit(beside, "overlay.text", subject,
                     json_pack("{s:s, s:I}", "hash", work->etag, "size", (json_int_t)work->text.n),
                     err) < 0 ||
        change_note(beside->web->db, CHANGE_OVERLAY, work->overlay, false, err) < 0 ||
        beside_commit(beside, &transaction, err) < 0)
        return -1;
    return request ? answer(work, request, err) : 0;
}

static int write_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct textwork), write_work, write_said,
                                             done };
    static const char *const        fields[] = { "text", NULL };
    const json_t                   *text = json_object_get(request->body, "text");
    struct textwork                *work = NULL;
    char                            etag[API_ETAG_MAX + 1];
    bool                            is_new;

    if (api_check_fields(request, fields, err) < 0 ||
        api_read_match(etag, &is_new, request, err) < 0)
        return -1;
    if (!json_is_string(text)) {
        (void)error_set(err, ERROR_INVALID, "'text' must be a text");
        return api_about(request, "text");
    }
    if (new_work(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->wanted, etag, sizeof etag);
    work->is_new = is_new;
    work->n = json_string_length(text);
    work->bytes = malloc(work->n + 1);
    if (!work->bytes) {
        beside_drop(&work->beside);
        return error_sys(err, ENOMEM, "replacing a text");
    }
    memcpy(work->bytes, json_string_value(text), work->n + 1);
    return beside_run(&work->beside, request, err);
}

static const struct route routes[] = {
    { HTTP_GET, "/overlays/#/text", API_USER, TOKEN_READ, read_run, API_OVERLAY, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_PUT, "/overlays/#/text", API_USER, TOKEN_MANAGE, write_run, API_OVERLAY, GRANT_FILES,
      API_JSON, BODY_MAX },
};

const struct route_table overlaytext_routes = { routes, ELEMENTS(routes) };
