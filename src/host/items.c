// SPDX-License-Identifier: MIT
#include "host/items.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/number.h"
#include "steam/itemlist.h"

#define ADDONS     "left4dead2/addons"
#define SUFFIX     ".vpk"
#define DIGITS_MAX 20u // of a number

struct row {
    uint64_t id, size_bytes;
    bool     is_published;
};

struct rows {        // starts as { 0 }
    struct row *row; // owned
    size_t      n, room;
};

static void rows_done(struct rows *rows)
{
    free(rows->row);
}

static int add_row(struct rows *rows, const struct row *row, struct error *err)
{
    if (rows->n == rows->room) {
        size_t      room = 2 * rows->room + 64;
        struct row *more = reallocarray(rows->row, room, sizeof *more);
        if (!more)
            return error_sys(err, ENOMEM, "listing Workshop items");
        rows->row = more;
        rows->room = room;
    }
    rows->row[rows->n++] = *row;
    return 0;
}

// ---- which ones --------------------------------------------------------------------------------

// "121088.vpk"; whatever else there is was not made from a list.
static bool read_name(uint64_t *ret, const char *name)
{
    struct error ignored;
    char         digits[DIGITS_MAX + 1] = "";
    size_t       n = strcspn(name, ".");

    if (n > DIGITS_MAX || strcmp(name + n, SUFFIX) != 0)
        return false;
    memcpy(digits, name, n);
    return number_parse_u64(ret, digits, 1, INT64_MAX, &ignored) == 0;
}

static int add_published(struct rows *rows, const struct host_paths *paths, uint32_t overlay,
                         uint32_t generation, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    char        path[64];
    int         r;

    (void)snprintf(path, sizeof path, "overlays/%" PRIu32 "/%" PRIu32 "/" ADDONS, overlay,
                   generation); // two numbers fit
    if (host_open_data_dir(&fd, paths, path, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        struct row  row = { .is_published = true };
        struct stat st;
        if (!read_name(&row.id, name) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue; // it may be dropped meanwhile
        row.size_bytes = (uint64_t)st.st_size;
        if (add_row(rows, &row, err) < 0)
            return -1;
    }
    return r;
}

static int add_listed(struct rows *rows, const struct host_paths *paths,
                      const struct source *source, struct error *err)
{
    AUTO(buffer_done) struct buffer     text = { 0 };
    AUTO(itemlist_done) struct itemlist list = { 0 };

    if (source_read_text(&text, paths, source, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (itemlist_parse(&list, text.n ? text.bytes : "", text.n, err) < 0)
        return -1;
    for (size_t i = 0; i < list.n; i++)
        if (add_row(rows, &(struct row){ .id = list.ids[i] }, err) < 0)
            return -1;
    return 0;
}

// By number, the published one of two first.
static int compare(const void *left, const void *right)
{
    const struct row *a = left, *b = right;

    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (int)b->is_published - (int)a->is_published;
}

// ---- what they are -----------------------------------------------------------------------------

static int look_up(struct overlay_item *item, const struct host_paths *paths, struct error *err)
{
    AUTO_FD fd = -1;
    char    path[64];

    (void)snprintf(path, sizeof path, CACHE_PATH "/%" PRIu64, item->id); // a number fits
    if (host_open_data_dir(&fd, paths, path, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (item_read(&item->known, fd, err) < 0)
        return -1;
    item->is_known = item->known.id == item->id;
    if (!item->is_known)
        memset(&item->known, 0, sizeof item->known);
    return 0;
}

int items_walk(const struct host_paths *paths, const struct source *source, uint32_t generation,
               items_take *take, void *user, struct error *err)
{
    AUTO(rows_done) struct rows      rows = { 0 };
    AUTO(freep) struct overlay_item *item = malloc(sizeof *item);
    int                              r = 0;

    if (!item)
        return error_sys(err, ENOMEM, "listing Workshop items");
    if ((generation && add_published(&rows, paths, source->number, generation, err) < 0) ||
        add_listed(&rows, paths, source, err) < 0)
        return -1;
    if (rows.n > 0)
        qsort(rows.row, rows.n, sizeof *rows.row, compare);
    for (size_t i = 0; i < rows.n && r == 0; i++) {
        const struct row *row = &rows.row[i];
        if (i > 0 && row->id == rows.row[i - 1].id)
            continue;
        *item = (struct overlay_item){ .id = row->id,
                                       .is_published = row->is_published,
                                       .size_bytes = row->size_bytes };
        if (look_up(item, paths, err) < 0)
            return error_prefix(err, "item %" PRIu64, row->id);
        if (item->is_published || item->is_known) // or it is a collection, or was never asked for
            r = take(user, item, err);
    }
    return r;
}
