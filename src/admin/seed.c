// SPDX-License-Identifier: MIT

// seed: every script of a directory becomes an overlay of this machine, named after its file, or
// changes the one there is. What has not changed is left alone.

#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "admin/overlays.h"
#include "base/dir.h"
#include "base/fd.h"

#define SCRIPT_END  ".sh"
#define SCRIPTS_MAX 256u

// ---- one ---------------------------------------------------------------------------------------

// New ones have the usual settings, those that are there keep theirs.
static int seed(enum overlay_change *ret, struct admin *admin, struct source *source,
                const struct overlay_content *content, struct error *err)
{
    struct source there;

    if (source_find(&there, &admin->places.host, source->name, err) == 0) {
        enum overlay_type wanted = source->type;
        *source = there;
        source->type = wanted; // another one is refused
        return overlays_change(ret, admin, source, content, err);
    }
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    *ret = OVERLAY_CREATED;
    return overlays_create(admin, source, content, 0, err);
}

static int seed_file(struct admin *admin, const char *file, struct error *err)
{
    static const char *const words[] = {
        [OVERLAY_SAME] = "unchanged", [OVERLAY_CHANGED] = "changed", [OVERLAY_CREATED] = "created"
    };
    AUTO(freep) char      *text = NULL;
    struct source          source = { .type = OVERLAY_SCRIPT };
    struct overlay_content content = { .dir_fd = -1 };
    enum overlay_change    change = OVERLAY_SAME;
    char                   name[SOURCE_NAME_MAX + 2];

    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(SCRIPT_END)),
                   file); // one that is too long is refused
    if (source_set_name(&source, name, err) < 0 ||
        fd_read_file(&text, &content.n_text, admin->fd, file, SOURCE_TEXT_MAX, err) < 0)
        return error_prefix(err, "%.100s", file);
    content.text = text;
    if (seed(&change, admin, &source, &content, err) < 0)
        return error_prefix(err, "%.100s", file);
    return admin_sayf(
        admin,
        json_pack("{s:s, s:I, s:s, s:s}", "file", file, "overlay", (json_int_t)source.number,
                  "name", source.name, "state", words[change]),
        err, "%s: overlay %" PRIu32 " '%s' %s", file, source.number, source.name, words[change]);
}

// ---- all of them -------------------------------------------------------------------------------

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_script(const char *name)
{
    size_t n = strlen(name);

    return n > strlen(SCRIPT_END) && *name != '.' &&
           strcmp(name + n - strlen(SCRIPT_END), SCRIPT_END) == 0;
}

static int list(struct strings *ret, const struct admin *admin, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, admin->fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (is_script(name))
            strings_add(ret, name, strlen(name));
    return r < 0 ? -1 : buffer_check(&ret->text, err);
}

int seed_prepare(struct admin *admin, struct error *err)
{
    admin->fd = open(admin->args[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return admin->fd < 0 ? error_sys(err, errno, "opening '%s'", admin->args[0]) : 0;
}

int seed_run(struct admin *admin, struct error *err)
{
    AUTO(strings_done) struct strings names = { 0 };
    const char                       *sorted[SCRIPTS_MAX];
    size_t                            n = 0;

    if (list(&names, admin, err) < 0)
        return -1;
    if (names.n == 0)
        return error_set(err, ERROR_NOT_FOUND, "'%s' has no *" SCRIPT_END, admin->args[0]);
    if (names.n > SCRIPTS_MAX)
        return error_set(err, ERROR_INVALID, "more than %u scripts are too many", SCRIPTS_MAX);
    for (const char *s = NULL; (s = strings_next(&names, s));)
        sorted[n++] = s;
    qsort(sorted, n, sizeof *sorted, compare_names);
    for (size_t i = 0; i < n; i++)
        if (seed_file(admin, sorted[i], err) < 0)
            return -1;
    return 0;
}
