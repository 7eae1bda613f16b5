// SPDX-License-Identifier: MIT

// uploads: files that come in chunks, in any order and as often as needed: what a browser sends of
// a large file while people close it, lose their network and come back.
//
// Who sends asks which chunks are there, and sends the others; each has its hash with it. One that
// nothing has come for in three days goes when the next one begins.

#include <stdio.h>
#include <string.h>
#include "base/hex.h"
#include "files/upload.h"
#include "web/filework.h"

#define HASH_DIGITS ((size_t)2 * UPLOAD_HASH)
#define STALE_S     INT64_C(259200) // three days
#define BYTES_MAX   (INT64_C(1) << 53)

struct uploading {
    struct filework       files;
    char                  id[API_WORD_MAX];
    struct upload_options options; // its texts are those of `files`
    uint8_t               sha256[UPLOAD_HASH];
    uint64_t              offset;
    int64_t               now_unix_s;
};

// ---- what is asked ----------------------------------------------------------------------------

static int parse_hash(uint8_t ret[UPLOAD_HASH], const char *text, struct api_request *request,
                      struct error *err)
{
    size_t n = strspn(text, HEX_DIGITS);

    if (n != HASH_DIGITS || text[n] || hex_read(ret, UPLOAD_HASH, text) < 0) {
        (void)error_set(err, ERROR_INVALID, "'sha256' must be 64 digits of 0-9 and a-f");
        return api_about(request, "sha256");
    }
    return 0;
}

static int new_work(struct uploading **ret, const struct beside_kind *kind,
                    const struct api_request *request, struct error *err)
{
    struct filework *files = NULL;

    if (filework_new(&files, kind, request, err) < 0)
        return -1;
    *ret = (struct uploading *)files;
    memcpy((*ret)->id, request->word, sizeof(*ret)->id);
    (*ret)->now_unix_s = api_now_unix_s();
    return 0;
}

static int open_space(struct space **ret, const struct beside *beside, struct error *err)
{
    return filework_open(ret, (const struct filework *)beside, err);
}

// ---- beginning --------------------------------------------------------------------------------

static int begin_work(struct beside *beside, struct error *err)
{
    struct uploading                *work = (struct uploading *)beside;
    AUTO(space_closep) struct space *space = NULL;
    struct upload_id                 id;
    unsigned                         n_swept = 0;

    if (open_space(&space, beside, err) < 0 ||
        upload_sweep(&n_swept, space, work->now_unix_s - STALE_S, err) < 0)
        return -1;
    if (upload_begin(&id, space, &work->options, err) < 0)
        return filework_conflict(&work->files, err);
    uint32_t chunk_bytes =
        work->options.chunk_bytes ? work->options.chunk_bytes : UPLOAD_CHUNK_DEFAULT;
    work->files.json =
        json_pack("{s:s, s:s, s:I, s:I, s:I}", "upload", id.text, "path", work->files.path, "size",
                  (json_int_t)work->options.total, "chunk_bytes", (json_int_t)chunk_bytes, "chunks",
                  (json_int_t)upload_n_chunks(work->options.total, chunk_bytes));
    return 0;
}

static int begin_said(struct beside *beside, struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct filework                          *work = (struct filework *)beside;

    if (!request)
        return 0;
    if (transaction_begin(&transaction, request->web->db, err) < 0)
        return -1;
    return api_answer_made(request, &transaction, json_incref(work->json), err);
}

static int read_flags(struct upload_options *options, struct api_request *request,
                      struct error *err)
{
    if ((api_has(request, "replace") &&
         api_bool(&options->replaces, request, "replace", err) < 0) ||
        (api_has(request, "program") &&
         api_bool(&options->is_program, request, "program", err) < 0))
        return -1;
    return 0;
}

static int read_sizes(struct upload_options *options, struct api_request *request,
                      struct error *err)
{
    int64_t size = 0, chunk_bytes = 0;

    if (api_number(&size, request, "size", 0, BYTES_MAX, err) < 0 ||
        (api_has(request, "chunk_bytes") &&
         api_number(&chunk_bytes, request, "chunk_bytes", UPLOAD_CHUNK_MIN, UPLOAD_CHUNK_MAX, err) <
             0))
        return -1;
    options->total = (uint64_t)size;
    options->chunk_bytes = (uint32_t)chunk_bytes;
    return 0;
}

// "" is a path as well: an archive that is unpacked goes nowhere itself.
static int read_path(char ret[FILENAME_PATH_MAX + 1], struct api_request *request,
                     struct error *err)
{
    if (api_text(ret, FILENAME_PATH_MAX + 1, 0, request, "path", err) < 0)
        return -1;
    return *ret && filename_check(ret, err) < 0 ? api_about(request, "path") : 0;
}

static int read_begin(struct uploading *work, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "path",    "size",    "chunk_bytes", "sha256",
                                          "replace", "program", "etag",        NULL };
    struct filework         *files = &work->files;
    char                     hash[HASH_DIGITS + 1];

    if (api_check_fields(request, fields, err) < 0 || read_path(files->path, request, err) < 0 ||
        read_sizes(&work->options, request, err) < 0 ||
        read_flags(&work->options, request, err) < 0 ||
        (api_has(request, "etag") &&
         api_text(files->etag, sizeof files->etag, 1, request, "etag", err) < 0))
        return -1;
    work->options.path = files->path;
    work->options.only_if = *files->etag ? files->etag : NULL;
    if (!api_has(request, "sha256"))
        return 0;
    work->options.sha256 = work->sha256;
    return api_text(hash, sizeof hash, sizeof hash - 1, request, "sha256", err) < 0
               ? -1
               : parse_hash(work->sha256, hash, request, err);
}

static int begin_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct uploading), begin_work, begin_said,
                                             filework_done };
    struct uploading               *work = NULL;

    if (new_work(&work, &kind, request, err) < 0)
        return -1;
    if (read_begin(work, request, err) == 0)
        return filework_run(&work->files, request, err);
    beside_drop(&work->files.beside);
    return -1;
}

// ---- looking ----------------------------------------------------------------------------------

// The chunks that are there, as ranges: [[0, 3], [5, 5]].
static json_t *ranges_json(const struct upload_status *status)
{
    json_t *rows = json_array();

    for (uint32_t i = 0, first; i < status->n_chunks; i++) {
        if (!(status->is_there[i / 8] & 1u << i % 8))
            continue;
        for (first = i;
             i + 1 < status->n_chunks && status->is_there[(i + 1) / 8] & 1u << (i + 1) % 8;)
            i++;
        (void)json_array_append_new(rows, json_pack("[I, I]", (json_int_t)first, (json_int_t)i));
    }
    return rows;
}

static json_t *status_json(const char *id, const struct upload_status *status)
{
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:I}", "upload", id, "path",
                     filework_name_json(status->path, strlen(status->path)), "size",
                     (json_int_t)status->total, "chunk_bytes", (json_int_t)status->chunk_bytes,
                     "chunks", (json_int_t)status->n_chunks, "chunks_there",
                     (json_int_t)status->n_there, "there", ranges_json(status), "changed",
                     (json_int_t)status->touched_unix_s);
}

static int status_work(struct beside *beside, struct error *err)
{
    struct uploading                *work = (struct uploading *)beside;
    AUTO(space_closep) struct space *space = NULL;
    struct upload_status             status;

    if (open_space(&space, beside, err) < 0 ||
        upload_read_status(&status, space, work->id, err) < 0)
        return -1;
    work->files.json = status_json(work->id, &status);
    return 0;
}

// Those that end meanwhile are left out.
static int list_work(struct beside *beside, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;
    struct upload_id                 ids[UPLOADS_MAX];
    unsigned                         n = 0;

    if (open_space(&space, beside, err) < 0 || upload_list(ids, &n, space, err) < 0)
        return -1;
    json_t *rows = json_array();
    for (unsigned i = 0; i < n; i++) {
        struct upload_status status;
        struct error         ignored;
        if (upload_read_status(&status, space, ids[i].text, &ignored) == 0)
            (void)json_array_append_new(rows, status_json(ids[i].text, &status)); // absent then
    }
    ((struct filework *)beside)->json = json_pack("{s:o}", "uploads", rows);
    return 0;
}

static int answer_json(struct beside *beside, struct api_request *request, struct error *err)
{
    struct filework *work = (struct filework *)beside;

    return request ? api_answer(request, 200, json_incref(work->json), err) : 0;
}

static int ask(const struct beside_kind *kind, struct api_request *request, struct error *err)
{
    struct uploading *work = NULL;

    return new_work(&work, kind, request, err) < 0 ? -1 : filework_run(&work->files, request, err);
}

static int status_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct uploading), status_work, answer_json,
                                             filework_done };

    return ask(&kind, request, err);
}

static int list_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct uploading), list_work, answer_json,
                                             filework_done };

    return ask(&kind, request, err);
}

// ---- a chunk ----------------------------------------------------------------------------------

static int put_work(struct beside *beside, struct error *err)
{
    struct uploading                *work = (struct uploading *)beside;
    AUTO(space_closep) struct space *space = NULL;

    return open_space(&space, beside, err) < 0
               ? -1
               : upload_put(space, work->id, work->offset, work->files.n ? work->files.bytes : "",
                            work->files.n, work->sha256, err);
}

static int answer_nothing(struct beside *beside, struct api_request *request, struct error *err)
{
    (void)beside;
    (void)err;
    if (request)
        api_answer_nothing(request);
    return 0;
}

static int put_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct uploading), put_work, answer_nothing,
                                             filework_done };
    struct uploading               *work = NULL;
    char                            hash[HASH_DIGITS + 1];
    uint8_t                         sha256[UPLOAD_HASH];
    int64_t                         offset;

    if (api_query_number(&offset, request, "offset", 0, BYTES_MAX, 0, err) < 0 ||
        api_query_text(hash, sizeof hash, request, "sha256", err) < 0 ||
        parse_hash(sha256, hash, request, err) < 0 || new_work(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->sha256, sha256, sizeof sha256);
    work->offset = (uint64_t)offset;
    work->files.n = request->n_bytes;
    work->files.bytes = http_exchange_take_body(request->exchange);
    return filework_run(&work->files, request, err);
}

// ---- the end ----------------------------------------------------------------------------------

static int finish_work(struct beside *beside, struct error *err)
{
    struct uploading                *work = (struct uploading *)beside;
    AUTO(space_closep) struct space *space = NULL;
    struct upload_status             status;
    struct listing_entry             entry;

    if (open_space(&space, beside, err) < 0 ||
        upload_read_status(&status, space, work->id, err) < 0 ||
        upload_finish(&entry, space, work->id, err) < 0)
        return -1;
    const char *name = strrchr(status.path, '/');
    (void)snprintf(work->files.path, sizeof work->files.path, "%s", status.path); // it fits
    entry.name = name ? name + 1 : status.path;
    work->files.n = (size_t)status.total;
    filework_take_entry(&work->files, &entry);
    return 0;
}

static int finish_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct uploading), finish_work,
                                             filework_said_saved, filework_done };

    return ask(&kind, request, err);
}

static int abort_work(struct beside *beside, struct error *err)
{
    AUTO(space_closep) struct space *space = NULL;

    return open_space(&space, beside, err) < 0
               ? -1
               : upload_abort(space, ((struct uploading *)beside)->id, err);
}

static int abort_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct uploading), abort_work, answer_nothing,
                                             filework_done };

    return ask(&kind, request, err);
}

// ---- archives ---------------------------------------------------------------------------------

// It takes its time: the worker does it.
static int extract_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "upload", "path", "strip", NULL };
    char                     upload[API_WORD_MAX], path[FILENAME_PATH_MAX + 1];
    bool                     strips = false;

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(upload, sizeof upload, sizeof upload - 1, request, "upload", err) < 0 ||
        read_path(path, request, err) < 0 ||
        (api_has(request, "strip") && api_bool(&strips, request, "strip", err) < 0))
        return -1;
    if (strspn(upload, HEX_DIGITS) != sizeof upload - 1) {
        (void)error_set(err, ERROR_INVALID, "'upload' is what the answer to its beginning says");
        return api_about(request, "upload");
    }
    json_t *parameters = json_pack("{s:s, s:s*, s:b}", "upload", upload, "path",
                                   *path ? path : NULL, "strip", (int)strips);
    return api_run_job(request, "overlay.extract", 0, request->parameters[0], parameters, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/overlays/#/files/uploads", API_USER, TOKEN_READ, list_run, API_OVERLAY,
      GRANT_FILES, API_EMPTY, 0 },
    { HTTP_POST, "/overlays/#/files/uploads", API_USER, TOKEN_MANAGE, begin_run, API_OVERLAY,
      GRANT_FILES, API_JSON, 0 },
    { HTTP_GET, "/overlays/#/files/uploads/*", API_USER, TOKEN_READ, status_run, API_OVERLAY,
      GRANT_FILES, API_EMPTY, 0 },
    { HTTP_PUT, "/overlays/#/files/uploads/*", API_USER, TOKEN_MANAGE, put_run, API_OVERLAY,
      GRANT_FILES, API_BYTES, UPLOAD_CHUNK_MAX },
    { HTTP_DELETE, "/overlays/#/files/uploads/*", API_USER, TOKEN_MANAGE, abort_run, API_OVERLAY,
      GRANT_FILES, API_EMPTY, 0 },
    { HTTP_POST, "/overlays/#/files/uploads/*/finish", API_USER, TOKEN_MANAGE, finish_run,
      API_OVERLAY, GRANT_FILES, API_EMPTY, 0 },
    { HTTP_POST, "/overlays/#/files/extract", API_USER, TOKEN_MANAGE, extract_run, API_OVERLAY,
      GRANT_FILES, API_JSON, 0 },
};

const struct route_table upload_routes = { routes, ELEMENTS(routes) };
