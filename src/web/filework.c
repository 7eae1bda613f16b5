// SPDX-License-Identifier: MIT
#include "web/filework.h"

#include <stdio.h>
#include <string.h>
#include "base/hex.h"
#include "host/buffer.h"
#include "host/worktree.h"
#include "store/change.h"

int filework_new(struct filework **ret, const struct beside_kind *kind,
                 const struct api_request *request, struct error *err)
{
    struct beside *beside = NULL;

    if (beside_new(&beside, kind, request, err) < 0)
        return -1;
    *ret = (struct filework *)beside;
    (*ret)->file = DOWNLOAD_FILE_NONE;
    (*ret)->overlay = (uint32_t)request->parameters[0]; // it was found
    return 0;
}

int filework_run(struct filework *work, struct api_request *request, struct error *err)
{
    return beside_run(&work->beside, request, err);
}

void filework_done(struct beside *beside)
{
    struct filework *work = (struct filework *)beside;

    free(work->bytes);
    json_decref(work->json);
    download_file_done(&work->file);
}

// ---- what is asked ----------------------------------------------------------------------------

int filework_query_path(char ret[FILENAME_PATH_MAX + 1], struct api_request *request,
                        bool is_optional, struct error *err)
{
    if (api_query_text(ret, FILENAME_PATH_MAX + 1, request, "path", err) < 0)
        return -1;
    if (!*ret && is_optional)
        return 0;
    return filename_check_old(ret, err) < 0 ? api_about(request, "path") : 0;
}

int filework_body_path(char ret[FILENAME_PATH_MAX + 1], struct api_request *request,
                       const char *field, struct error *err)
{
    if (api_text(ret, FILENAME_PATH_MAX + 1, 1, request, field, err) < 0)
        return -1;
    return filename_check(ret, err) < 0 ? api_about(request, field) : 0;
}

// ---- on a thread ------------------------------------------------------------------------------

int filework_open(struct space **ret, const struct filework *work, struct error *err)
{
    struct source source;

    return source_load(&source, work->beside.paths, work->overlay, err) < 0
               ? -1
               : worktree_open(ret, work->beside.paths, &source, err);
}

int filework_conflict(const struct filework *work, struct error *err)
{
    bool was_seen = *work->etag || work->is_new;

    if (was_seen && (err->kind == ERROR_EXISTS || err->kind == ERROR_NOT_FOUND))
        err->kind = ERROR_CONFLICT;
    return -1;
}

json_t *filework_name_json(const char *name, size_t n)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_add_utf8(&text, name, n);
    return text.is_failed ? NULL : json_stringn(text.n ? text.bytes : "", text.n);
}

json_t *filework_entry_json(const struct listing_entry *entry)
{
    return json_pack("{s:o, s:s, s:I, s:I, s:b, s:s}", "name",
                     filework_name_json(entry->name, strlen(entry->name)), "kind",
                     listing_kind_word(entry->kind), "size", (json_int_t)entry->size, "changed",
                     (json_int_t)entry->mtime_unix_s, "program", (int)entry->is_program, "etag",
                     entry->etag.text);
}

json_t *filework_change_json(const struct filework *work)
{
    const char *path = *work->to ? work->to : work->path;

    return json_pack("{s:s, s:s?}", "path", path, "warning", filename_warning(path));
}

void filework_take_entry(struct filework *work, const struct listing_entry *entry)
{
    work->made = entry->etag;
    work->json = filework_entry_json(entry);
    (void)json_object_update_new(work->json, filework_change_json(work)); // absent without memory
}

json_t *filework_cursor_json(const char *name)
{
    char   text[FILEWORK_CURSOR_MAX];
    size_t n = strnlen(name, FILENAME_BYTES_MAX);

    hex_write(text, name, n);
    return json_stringn(text, 2 * n);
}

int filework_read_cursor(char ret[FILENAME_BYTES_MAX + 1], struct api_request *request,
                         struct error *err)
{
    char   text[FILEWORK_CURSOR_MAX];
    size_t n;

    if (api_query_text(text, sizeof text, request, "after", err) < 0)
        return -1;
    n = strlen(text);
    ret[n / 2] = '\0';
    if (n % 2 == 0 && hex_read(ret, n / 2, text) == 0 && strlen(ret) == n / 2)
        return 0;
    (void)error_set(err, ERROR_INVALID, "'after' is not what 'next' of an answer has said");
    return api_about(request, "after");
}

// ---- in the loop ------------------------------------------------------------------------------

static int note(const struct filework *work, const char *action, json_t *after, struct error *err)
{
    char subject[32];

    (void)snprintf(subject, sizeof subject, "overlay %u", work->overlay); // it fits
    if (beside_audit(&work->beside, action, subject, after, err) < 0)
        return -1;
    return change_note(work->beside.web->db, CHANGE_OVERLAY, work->overlay, false, err);
}

int filework_record(struct filework *work, const char *action, json_t *after, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };

    if (transaction_begin(&transaction, work->beside.web->db, err) < 0) {
        json_decref(after);
        return -1;
    }
    if (note(work, action, after, err) < 0)
        return -1;
    return beside_commit(&work->beside, &transaction, err);
}

int filework_said_saved(struct beside *beside, struct api_request *request, struct error *err)
{
    struct filework *work = (struct filework *)beside;
    json_t *after = json_pack("{s:s, s:I}", "path", work->path, "size", (json_int_t)work->n);

    if (filework_record(work, "files.put", after, err) < 0)
        return -1;
    if (!request)
        return 0;
    api_set_etag(request, work->made.text);
    return api_answer(request, work->is_new ? 201 : 200, json_incref(work->json), err);
}
