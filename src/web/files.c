// SPDX-License-Identifier: MIT

// files: the working tree of an overlay of files. What is changed here is seen by servers when the
// overlay has been built.
//
// A path is a parameter or a field, never a part of the address. Who saves a file says which
// version of it he has seen, or that there was none. What comes as bytes goes out as something to
// be saved.

#include <stdio.h>
#include <string.h>
#include "files/arrange.h"
#include "web/filework.h"

#define PAGE_MAX 1000u // entries

// ---- looking ----------------------------------------------------------------------------------

static int list_work(struct beside *beside, struct error *err)
{
    struct filework                    *work = (struct filework *)beside;
    AUTO(space_closep) struct space    *space = NULL;
    AUTO(listing_freep) struct listing *page = NULL;
    struct space_usage                  usage;
    json_t                             *rows;

    if (filework_open(&space, work, err) < 0 ||
        listing_read(&page, space, work->path, *work->after ? work->after : NULL, work->n_max,
                     err) < 0 ||
        space_read_usage(&usage, space, false, err) < 0)
        return -1;
    rows = json_array();
    for (size_t i = 0; i < page->n; i++)
        (void)json_array_append_new(rows, filework_entry_json(&page->entries[i])); // absent then
    json_t *next = page->has_more && page->n > 0
                       ? filework_cursor_json(page->entries[page->n - 1].name)
                       : json_null();
    work->json = json_pack("{s:o, s:o, s:I, s:I}", "entries", rows, "next", next, "used_bytes",
                           (json_int_t)usage.bytes, "used_entries", (json_int_t)usage.entries);
    return 0;
}

static int answer_json(struct beside *beside, struct api_request *request, struct error *err)
{
    struct filework *work = (struct filework *)beside;

    return request ? api_answer(request, 200, json_incref(work->json), err) : 0;
}

static int list_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct filework), list_work, answer_json,
                                             filework_done };
    struct filework                *work = NULL;
    char                            path[FILENAME_PATH_MAX + 1], after[FILENAME_BYTES_MAX + 1];
    int64_t                         limit;

    if (filework_query_path(path, request, true, err) < 0 ||
        filework_read_cursor(after, request, err) < 0 ||
        api_query_number(&limit, request, "limit", 1, PAGE_MAX, PAGE_MAX, err) < 0 ||
        filework_new(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->path, path, sizeof path);
    memcpy(work->after, after, sizeof after);
    work->n_max = (size_t)limit;
    return filework_run(work, request, err);
}

static int read_work(struct beside *beside, struct error *err)
{
    struct filework                 *work = (struct filework *)beside;
    AUTO(space_closep) struct space *space = NULL;
    struct listing_entry             entry;

    if (filework_open(&space, work, err) < 0 ||
        edit_open(&work->file.fd, &entry, space, work->path, err) < 0)
        return -1;
    work->file.size = entry.size;
    work->file.etag = entry.etag;
    (void)snprintf(work->file.name, sizeof work->file.name, "%s", entry.name); // a component fits
    return download_read_first(&work->file, err);
}

static int read_said(struct beside *beside, struct api_request *request, struct error *err)
{
    return request ? download_answer(request, &((struct filework *)beside)->file, err) : 0;
}

static int read_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct filework), read_work, read_said,
                                             filework_done };
    struct filework                *work = NULL;
    char                            path[FILENAME_PATH_MAX + 1];

    if (filework_query_path(path, request, false, err) < 0 ||
        filework_new(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->path, path, sizeof path);
    return filework_run(work, request, err);
}

// ---- saving -----------------------------------------------------------------------------------

static int save_work(struct beside *beside, struct error *err)
{
    struct filework                 *work = (struct filework *)beside;
    AUTO(space_closep) struct space *space = NULL;
    struct listing_entry             entry;
    const struct edit_options        options = { .only_if = *work->etag ? work->etag : NULL,
                                                 .is_new = work->is_new,
                                                 .makes_parents = true,
                                                 .program = work->program };

    if (filework_open(&space, work, err) < 0)
        return -1;
    if (edit_save(&entry, space, work->path, work->n ? work->bytes : "", work->n, &options, err) <
        0)
        return filework_conflict(work, err);
    filework_take_entry(work, &entry);
    return 0;
}

static int save_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct filework), save_work,
                                             filework_said_saved, filework_done };
    static const enum edit_program  programs[] = { EDIT_PROGRAM_NO, EDIT_PROGRAM_YES,
                                                   EDIT_PROGRAM_KEEP };
    struct filework                *work = NULL;
    char                            path[FILENAME_PATH_MAX + 1], etag[API_ETAG_MAX + 1];
    bool                            is_new;
    int64_t                         program;

    if (filework_query_path(path, request, false, err) < 0 ||
        api_query_number(&program, request, "program", 0, 1, 2, err) < 0 ||
        api_read_match(etag, &is_new, request, err) < 0)
        return -1;
    if (filename_check(path, err) < 0)
        return api_about(request, "path");
    if (filework_new(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->path, path, sizeof path);
    memcpy(work->etag, etag, sizeof etag);
    work->is_new = is_new;
    work->program = programs[program];
    work->n = request->n_bytes;
    work->bytes = http_exchange_take_body(request->exchange);
    return filework_run(work, request, err);
}

// ---- directories, moving, removing ------------------------------------------------------------

static int record(struct filework *work, const char *action, struct error *err)
{
    json_t *after = *work->to ? json_pack("{s:s, s:s}", "from", work->path, "to", work->to)
                              : json_pack("{s:s}", "path", work->path);

    return filework_record(work, action, after, err);
}

static int mkdir_work(struct beside *beside, struct error *err)
{
    struct filework                 *work = (struct filework *)beside;
    AUTO(space_closep) struct space *space = NULL;

    return filework_open(&space, work, err) < 0 ? -1 : arrange_mkdir(space, work->path, true, err);
}

static int mkdir_said(struct beside *beside, struct api_request *request, struct error *err)
{
    struct filework *work = (struct filework *)beside;

    if (record(work, "files.mkdir", err) < 0)
        return -1;
    return request ? api_answer(request, 200, filework_change_json(work), err) : 0;
}

static int mkdir_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct filework), mkdir_work, mkdir_said,
                                             filework_done };
    static const char *const        fields[] = { "path", NULL };
    struct filework                *work = NULL;
    char                            path[FILENAME_PATH_MAX + 1];

    if (api_check_fields(request, fields, err) < 0 ||
        filework_body_path(path, request, "path", err) < 0 ||
        filework_new(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->path, path, sizeof path);
    return filework_run(work, request, err);
}

static int move_work(struct beside *beside, struct error *err)
{
    struct filework                 *work = (struct filework *)beside;
    AUTO(space_closep) struct space *space = NULL;

    return filework_open(&space, work, err) < 0
               ? -1
               : arrange_move(space, work->path, work->to, false, err);
}

static int move_said(struct beside *beside, struct api_request *request, struct error *err)
{
    struct filework *work = (struct filework *)beside;

    if (record(work, "files.move", err) < 0)
        return -1;
    return request ? api_answer(request, 200, filework_change_json(work), err) : 0;
}

static int move_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct filework), move_work, move_said,
                                             filework_done };
    static const char *const        fields[] = { "from", "to", NULL };
    struct filework                *work = NULL;
    char                            from[FILENAME_PATH_MAX + 1], to[FILENAME_PATH_MAX + 1];

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(from, sizeof from, 1, request, "from", err) < 0 ||
        filework_body_path(to, request, "to", err) < 0)
        return -1;
    if (filename_check_old(from, err) < 0)
        return api_about(request, "from");
    if (filework_new(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->path, from, sizeof from);
    memcpy(work->to, to, sizeof to);
    return filework_run(work, request, err);
}

static int remove_work(struct beside *beside, struct error *err)
{
    struct filework                 *work = (struct filework *)beside;
    AUTO(space_closep) struct space *space = NULL;

    return filework_open(&space, work, err) < 0
               ? -1
               : arrange_remove(space, work->path, work->takes_all, err);
}

static int remove_said(struct beside *beside, struct api_request *request, struct error *err)
{
    if (record((struct filework *)beside, "files.remove", err) < 0)
        return -1;
    if (request)
        api_answer_nothing(request);
    return 0;
}

static int remove_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct filework), remove_work, remove_said,
                                             filework_done };
    struct filework                *work = NULL;
    char                            path[FILENAME_PATH_MAX + 1];
    int64_t                         all;

    if (filework_query_path(path, request, false, err) < 0 ||
        api_query_number(&all, request, "all", 0, 1, 0, err) < 0 ||
        filework_new(&work, &kind, request, err) < 0)
        return -1;
    memcpy(work->path, path, sizeof path);
    work->takes_all = all;
    return filework_run(work, request, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/overlays/#/files", API_USER, TOKEN_READ, list_run, API_OVERLAY, GRANT_VIEW,
      API_EMPTY, 0 },
    { HTTP_DELETE, "/overlays/#/files", API_USER, TOKEN_MANAGE, remove_run, API_OVERLAY,
      GRANT_FILES, API_EMPTY, 0 },
    { HTTP_GET, "/overlays/#/files/content", API_USER, TOKEN_READ, read_run, API_OVERLAY,
      GRANT_VIEW, API_EMPTY, 0 },
    { HTTP_PUT, "/overlays/#/files/content", API_USER, TOKEN_MANAGE, save_run, API_OVERLAY,
      GRANT_FILES, API_BYTES, EDIT_SAVE_MAX },
    { HTTP_POST, "/overlays/#/files/mkdir", API_USER, TOKEN_MANAGE, mkdir_run, API_OVERLAY,
      GRANT_FILES, API_JSON, 0 },
    { HTTP_POST, "/overlays/#/files/move", API_USER, TOKEN_MANAGE, move_run, API_OVERLAY,
      GRANT_FILES, API_JSON, 0 },
};

const struct route_table file_routes = { routes, ELEMENTS(routes) };
