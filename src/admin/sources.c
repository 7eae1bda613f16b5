// SPDX-License-Identifier: MIT
#include "admin/sources.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/dir.h"
#include "base/fd.h"

#define PATH_ROOM 64u

// One that is not there is left out.
static int add_if_there(struct pack *pack, uint32_t number, int dir_fd, const char *name,
                        struct error *err)
{
    char path[PATH_ROOM];

    (void)snprintf(path, sizeof path, "sources/%" PRIu32 "/%s", number, name); // words of ours
    if (pack_add_file(pack, path, dir_fd, name, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

static int add_tree(struct pack *pack, uint32_t number, int dir_fd, const struct pack_tree *tree,
                    struct error *err)
{
    static const struct pack_tree silent = { 0 };
    AUTO_FD                       fd = -1;
    char                          path[PATH_ROOM];

    (void)snprintf(path, sizeof path, "sources/%" PRIu32 "/tree", number); // it fits
    if (fd_open_dir(&fd, dir_fd, "tree", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // nothing was put there yet
    return pack_add_tree(pack, path, fd, tree ? tree : &silent, err);
}

int sources_pack(struct pack *pack, const struct host_paths *paths, const struct source *source,
                 const struct pack_tree *tree, struct error *err)
{
    const char *text = source_text_file(source->type);
    AUTO_FD     fd = -1;

    if (source_open(&fd, paths, source->number, err) < 0 ||
        add_if_there(pack, source->number, fd, "source.json", err) < 0 ||
        (text && add_if_there(pack, source->number, fd, text, err) < 0))
        return -1;
    return source->type == OVERLAY_FILES ? add_tree(pack, source->number, fd, tree, err) : 0;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct source *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static int load_unpacked(struct source *ret, int fd, const char *name, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    AUTO_FD           source_fd = -1;
    size_t            n = 0;

    *ret = (struct source){ 0 };
    if (number_name_parse(&ret->number, name, err) < 0 || ret->number == GAME_OVERLAY)
        return error_set(err, ERROR_INVALID, "the archive has an overlay without a number");
    if (fd_open_dir(&source_fd, fd, name, err) < 0 ||
        fd_read_file(&bytes, &n, source_fd, "source.json", SOURCE_JSON_MAX, err) < 0 ||
        source_parse(ret, bytes, n, err) < 0)
        return error_prefix(err, "overlay %s in the archive", name);
    return 0;
}

int sources_list_unpacked(struct source *ret, size_t *ret_n, int fd, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    size_t      n = 0;
    int         r;

    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (n == SOURCES_MAX)
            return error_set(err, ERROR_INVALID, "the archive has more than %u overlays",
                             SOURCES_MAX);
        if (load_unpacked(&ret[n++], fd, name, err) < 0)
            return -1;
    }
    if (r < 0)
        return -1;
    if (n > 0)
        qsort(ret, n, sizeof *ret, compare_numbers);
    *ret_n = n;
    return 0;
}
