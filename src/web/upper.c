// SPDX-License-Identifier: MIT

// upper: the layer of a server that its game writes to.
//
// It is hostile: a game can put FIFOs, giants, links and names of any bytes there. So what is
// looked at is found by descriptor, through no link; nothing is opened that is no regular file, and
// nothing waits; no more is read than there was when it was opened, and no file that is larger than
// one should be. Bytes go out as something to be saved.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/fd.h"
#include "explain/layers.h"
#include "store/server.h"
#include "store/ownedoverlay.h"
#include "web/filework.h"

#define PAGE_MAX 1000u
#define READ_MAX (UINT64_C(1) << 30) // bytes of a file that is read

struct upperwork {
    struct beside        beside;
    char                 instance[SERVER_INSTANCE_MAX];
    char                 path[LAYERS_PATH_MAX];
    char                 after[FILENAME_BYTES_MAX + 1];
    size_t               n_max;
    json_t              *json;
    struct download_file file;
};

static void done(struct beside *beside)
{
    struct upperwork *work = (struct upperwork *)beside;

    json_decref(work->json);
    download_file_done(&work->file);
}

static int read_path(char ret[LAYERS_PATH_MAX], struct api_request *request, bool is_optional,
                     struct error *err)
{
    if (api_query_text(ret, LAYERS_PATH_MAX, request, "path", err) < 0)
        return -1;
    if (!*ret && is_optional)
        return 0;
    return layers_check_path(ret, err) < 0 ? api_about(request, "path") : 0;
}

static int new_work(struct upperwork **ret, const struct beside_kind *kind,
                    const struct api_request *request, const char *path, struct error *err)
{
    struct beside *beside = NULL;

    if (beside_new(&beside, kind, request, err) < 0)
        return -1;
    *ret = (struct upperwork *)beside;
    (*ret)->file = DOWNLOAD_FILE_NONE;
    (void)snprintf((*ret)->instance, sizeof(*ret)->instance, "%s", request->server->instance);
    (void)snprintf((*ret)->path, sizeof(*ret)->path, "%s", path); // both fit
    return 0;
}

// ---- on a thread ------------------------------------------------------------------------------

static int open_upper(int *ret, const struct upperwork *work, struct error *err)
{
    char path[SERVER_INSTANCE_MAX + 16];

    (void)snprintf(path, sizeof path, "runtime/%s/upper", work->instance); // it fits
    return host_open_data_dir(ret, work->beside.paths, path, err);
}

// A server that was never started has written nothing.
static int open_dir(int *ret, const struct upperwork *work, struct error *err)
{
    AUTO_FD upper_fd = -1;

    if (open_upper(&upper_fd, work, err) < 0)
        return -1;
    if (*work->path)
        return fd_open_dir(ret, upper_fd, work->path, err);
    *ret = TAKE_FD(upper_fd);
    return 0;
}

// The mark that something below is removed: a character device 0/0.
static bool is_removed(int dir_fd, const struct listing_entry *entry)
{
    struct stat st;

    return entry->kind == LISTING_OTHER &&
           fstatat(dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == 0;
}

static json_t *entry_json(int dir_fd, const struct listing_entry *entry)
{
    return json_pack("{s:o, s:s, s:I, s:I}", "name",
                     filework_name_json(entry->name, strlen(entry->name)), "kind",
                     is_removed(dir_fd, entry) ? "removed" : listing_kind_word(entry->kind), "size",
                     (json_int_t)entry->size, "changed", (json_int_t)entry->mtime_unix_s);
}

static int list_work(struct beside *beside, struct error *err)
{
    struct upperwork                   *work = (struct upperwork *)beside;
    AUTO(listing_freep) struct listing *page = NULL;
    AUTO_FD                             fd = -1;
    json_t                             *rows, *next = NULL;

    int r = open_dir(&fd, work, err);
    if (r < 0 && (err->kind != ERROR_NOT_FOUND || *work->path))
        return -1;
    if (r == 0 &&
        listing_read_at(&page, fd, *work->after ? work->after : NULL, work->n_max, err) < 0)
        return -1;
    rows = json_array();
    for (size_t i = 0; page && i < page->n; i++)
        (void)json_array_append_new(rows, entry_json(fd, &page->entries[i])); // absent then
    if (page && page->has_more && page->n > 0)
        next = filework_cursor_json(page->entries[page->n - 1].name);
    work->json = json_pack("{s:o, s:o}", "entries", rows, "next", next ? next : json_null());
    return 0;
}

static int open_file(struct download_file *file, int upper_fd, const char *path, struct error *err)
{
    struct stat st;

    if (fd_open_beneath(&file->fd, upper_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err) < 0)
        return err->errnum == ENXIO || err->errnum == ELOOP
                   ? error_set(err, ERROR_INVALID, "'%.160s' is not a regular file", path)
                   : -1;
    if (fstat(file->fd, &st) < 0)
        return error_sys(err, errno, "opening '%.160s'", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "'%.160s' is not a regular file", path);
    if ((uint64_t)st.st_size > READ_MAX)
        return error_set(err, ERROR_INVALID, "'%.160s' is larger than 1 GiB", path);
    file->size = (uint64_t)st.st_size;
    return 0;
}

static int read_work(struct beside *beside, struct error *err)
{
    struct upperwork *work = (struct upperwork *)beside;
    AUTO_FD           upper_fd = -1;
    const char       *slash = strrchr(work->path, '/');

    if (open_upper(&upper_fd, work, err) < 0 ||
        open_file(&work->file, upper_fd, work->path, err) < 0)
        return -1;
    (void)snprintf(work->file.name, sizeof work->file.name, "%.255s",
                   slash ? slash + 1 : work->path);
    return download_read_first(&work->file, err);
}

// ---- in the loop ------------------------------------------------------------------------------

static int list_said(struct beside *beside, struct api_request *request, struct error *err)
{
    struct upperwork *work = (struct upperwork *)beside;

    return request ? api_answer(request, 200, json_incref(work->json), err) : 0;
}

static int list_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct upperwork), list_work, list_said, done };
    struct upperwork               *work = NULL;
    char                            path[LAYERS_PATH_MAX], after[FILENAME_BYTES_MAX + 1];
    int64_t                         limit;

    if (read_path(path, request, true, err) < 0 || filework_read_cursor(after, request, err) < 0 ||
        api_query_number(&limit, request, "limit", 1, PAGE_MAX, PAGE_MAX, err) < 0 ||
        new_work(&work, &kind, request, path, err) < 0)
        return -1;
    memcpy(work->after, after, sizeof after);
    work->n_max = (size_t)limit;
    return beside_run(&work->beside, request, err);
}

static int read_said(struct beside *beside, struct api_request *request, struct error *err)
{
    return request ? download_answer(request, &((struct upperwork *)beside)->file, err) : 0;
}

static int read_run(struct api_request *request, struct error *err)
{
    static const struct beside_kind kind = { sizeof(struct upperwork), read_work, read_said, done };
    struct upperwork               *work = NULL;
    char                            path[LAYERS_PATH_MAX];

    if (read_path(path, request, false, err) < 0 || new_work(&work, &kind, request, path, err) < 0)
        return -1;
    return beside_run(&work->beside, request, err);
}

// ---- dropping and keeping ---------------------------------------------------------------------

static int drop_run(struct api_request *request, struct error *err)
{
    char path[LAYERS_PATH_MAX];

    if (read_path(path, request, false, err) < 0)
        return -1;
    return api_run_job(request, "server.drop", request->server->id, 0,
                       json_pack("{s:s}", "path", path), err);
}

// Where it goes to must be one whose files he may change.
static int check_target(struct api_request *request, int64_t to, struct error *err)
{
    struct owned_overlay overlay;

    if (owned_overlay_find(&overlay, request->web->db, to, user_viewer(&request->user), err) < 0) {
        (void)api_about(request, "to");
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_INVALID, "there is no such overlay")
                   : -1;
    }
    if (overlay.type != OVERLAY_FILES) {
        (void)error_set(err, ERROR_INVALID, "'%s' is not an overlay of files", overlay.name);
        return api_about(request, "to");
    }
    return api_check_may(overlay.may, GRANT_FILES, "overlay", err);
}

static int keep_run(struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "path", "to", NULL };
    char                     path[LAYERS_PATH_MAX];
    int64_t                  to = 0;

    if (api_check_fields(request, fields, err) < 0 ||
        api_text(path, sizeof path, 1, request, "path", err) < 0)
        return -1;
    if (layers_check_path(path, err) < 0)
        return api_about(request, "path");
    if (api_has(request, "to") && (api_number(&to, request, "to", 1, NUMBER_MAX, err) < 0 ||
                                   check_target(request, to, err) < 0))
        return -1;
    json_t *parameters = json_pack("{s:s}", "path", path);
    if (to)
        (void)json_object_set_new(parameters, "to", json_integer(to)); // refused without memory
    return api_run_job(request, "server.keep", request->server->id, 0, parameters, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/servers/#/upper", API_USER, TOKEN_READ, list_run, API_SERVER, GRANT_FILES,
      API_EMPTY, 0 },
    { HTTP_DELETE, "/servers/#/upper", API_USER, TOKEN_MANAGE, drop_run, API_SERVER, GRANT_FILES,
      API_EMPTY, 0 },
    { HTTP_GET, "/servers/#/upper/content", API_USER, TOKEN_READ, read_run, API_SERVER, GRANT_FILES,
      API_EMPTY, 0 },
    { HTTP_POST, "/servers/#/upper/keep", API_USER, TOKEN_MANAGE, keep_run, API_SERVER, GRANT_FILES,
      API_JSON, 0 },
};

const struct route_table upper_routes = { routes, ELEMENTS(routes) };
