// SPDX-License-Identifier: MIT
#include "files/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/dir.h"
#include "base/fd.h"

const char *listing_kind_word(enum listing_kind kind)
{
    static const char *const words[] = {
        [LISTING_FILE] = "file",
        [LISTING_DIR] = "dir",
        [LISTING_LINK] = "link",
        [LISTING_OTHER] = "other",
    };

    _Static_assert(ELEMENTS(words) == LISTING_KIND_COUNT, "every kind has a word");
    return words[kind];
}

static enum listing_kind kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return LISTING_FILE;
    case S_IFDIR:
        return LISTING_DIR;
    case S_IFLNK:
        return LISTING_LINK;
    default:
        return LISTING_OTHER;
    }
}

void listing_describe(struct listing_entry *ret, const char *name, const struct stat *st)
{
    *ret = (struct listing_entry){
        .name = name,
        .kind = kind_of(st->st_mode),
        .is_program = S_ISREG(st->st_mode) && st->st_mode & 0100,
        .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
        .mtime_unix_s = st->st_mtim.tv_sec,
        .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
    };
    uint64_t time = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
    (void)snprintf(ret->etag.text, sizeof ret->etag.text, "%" PRIx64 "-%" PRIx64 "-%" PRIx64,
                   (uint64_t)st->st_ino, ret->size, time);
}

// ---- the names of a page ----------------------------------------------------------------------

// The names that come first of all that were shown to it: a heap with the last of them on top.
struct page {
    char **names;
    size_t n, n_max;
    bool   has_more;
};

static void swap(struct page *page, size_t a, size_t b)
{
    char *name = page->names[a];

    page->names[a] = page->names[b];
    page->names[b] = name;
}

static bool is_after(const struct page *page, size_t a, size_t b)
{
    return strcmp(page->names[a], page->names[b]) > 0;
}

static void sift_up(struct page *page, size_t i)
{
    for (; i > 0 && is_after(page, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(page, i, (i - 1) / 2);
}

static void sift_down(struct page *page)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < page->n; i = child) {
        if (child + 1 < page->n && is_after(page, child + 1, child))
            child++;
        if (!is_after(page, child, i))
            return;
        swap(page, i, child);
    }
}

static int page_add(struct page *page, const char *name, struct error *err)
{
    if (page->n == page->n_max) {
        page->has_more = true;
        if (strcmp(name, page->names[0]) > 0)
            return 0;
    }
    char *copy = strdup(name);
    if (!copy)
        return error_sys(err, ENOMEM, "listing a directory");
    if (page->n < page->n_max) {
        page->names[page->n] = copy;
        sift_up(page, page->n++);
        return 0;
    }
    free(page->names[0]);
    page->names[0] = copy;
    sift_down(page);
    return 0;
}

static int page_fill(struct page *page, int dir_fd, const char *after, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    size_t      n_names = 0;
    int         r;

    if (dir_open(&dir, dir_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (++n_names > LISTING_NAMES_MAX)
            return error_set(err, ERROR_INVALID, "the directory has more than %u entries",
                             LISTING_NAMES_MAX);
        if (!(after && strcmp(name, after) <= 0) && page_add(page, name, err) < 0)
            return -1;
    }
    return r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// ---- listing ----------------------------------------------------------------------------------

void listing_freep(struct listing **listing)
{
    if (!*listing)
        return;
    for (size_t i = 0; (*listing)->names && (*listing)->names[i]; i++)
        free((*listing)->names[i]);
    free((*listing)->names);
    free((*listing)->entries);
    free(*listing);
    *listing = NULL;
}

static int describe_all(struct listing *listing, int dir_fd, size_t n, struct error *err)
{
    struct stat st;

    listing->entries = calloc(MAX(n, (size_t)1), sizeof *listing->entries);
    if (!listing->entries)
        return error_sys(err, ENOMEM, "listing a directory");
    for (size_t i = 0; i < n; i++) {
        if (fstatat(dir_fd, listing->names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            listing_describe(&listing->entries[listing->n++], listing->names[i], &st);
        else if (errno != ENOENT)
            return error_sys(err, errno, "looking at '%.120s'", listing->names[i]);
    }
    return 0;
}

int listing_read_at(struct listing **ret, int dir_fd, const char *after, size_t n_max,
                    struct error *err)
{
    AUTO(listing_freep) struct listing *listing = calloc(1, sizeof *listing);

    if (n_max == 0 || n_max > LISTING_PAGE_MAX)
        return error_set(err, ERROR_INVALID, "a page of a listing has 1 to %u entries",
                         LISTING_PAGE_MAX);
    if (listing)
        listing->names = calloc(n_max + 1, sizeof *listing->names); // NULL stands after the last
    if (!listing || !listing->names)
        return error_sys(err, ENOMEM, "listing a directory");
    struct page page = { .names = listing->names, .n_max = n_max };
    if (page_fill(&page, dir_fd, after, err) < 0)
        return -1;
    qsort(page.names, page.n, sizeof *page.names, compare_names);
    listing->has_more = page.has_more;
    if (describe_all(listing, dir_fd, page.n, err) < 0)
        return -1;
    *ret = TAKE(listing);
    return 0;
}

int listing_read(struct listing **ret, const struct space *space, const char *path,
                 const char *after, size_t n_max, struct error *err)
{
    AUTO_FD fd = -1;

    if (space_open_dir(&fd, space, path, err) < 0)
        return -1;
    return listing_read_at(ret, fd, after, n_max, err) < 0 ? error_prefix(err, "'%.120s'", path)
                                                           : 0;
}

int listing_look(struct listing_entry *ret, struct space *space, const char *path,
                 struct error *err)
{
    AUTO_FD     fd = -1;
    const char *name;
    struct stat st;

    if (space_open_parent(&fd, &name, space, path, false, err) < 0)
        return -1;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%.160s'", path);
    listing_describe(ret, name, &st);
    return 0;
}
