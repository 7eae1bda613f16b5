// SPDX-License-Identifier: MIT
#pragma once

// files-world: a working tree in a temporary directory, for the tests of src/files.

#include "unit.h"
#include <errno.h>
#include "base/dir.h"
#include "files/arrange.h"
#include "files/edit.h"
#include "files/listing.h"
#include "files/space.h"

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

static const struct space_limits files_limits = { MIB(1024), 20000, MIB(512) };

struct files_world {
    struct unit_dir *dir;
    struct space    *space;
};

// Opens a working tree with these limits; once more is another process's view of it.
static inline struct files_world files_open(void **state, const struct space_limits *limits)
{
    struct files_world world = { .dir = *state };
    struct error       err = { 0 };

    if (space_open(&world.space, world.dir->fd, limits ? limits : &files_limits, &err) < 0)
        fail_msg("%s", err.message);
    return world;
}

static inline void files_close(struct files_world *world)
{
    space_closep(&world->space);
}

static inline int files_save(const struct files_world *world, const char *path, const char *text,
                             struct error *err)
{
    const struct edit_options options = { .makes_parents = true };
    struct listing_entry      entry;

    return edit_save(&entry, world->space, path, text, strlen(text), &options, err);
}

static inline void files_put(const struct files_world *world, const char *path, const char *text)
{
    struct error err = { 0 };

    if (files_save(world, path, text, &err) < 0)
        fail_msg("%s: %s", path, err.message);
}

// The first `size` bytes of a file, as the page reads it. -1: there is none.
static inline ssize_t files_read(void *bytes, size_t size, const struct files_world *world,
                                 const char *path)
{
    struct listing_entry entry;
    struct error         err = { 0 };
    AUTO_FD              fd = -1;

    return edit_open(&fd, &entry, world->space, path, &err) < 0 ? -1
                                                                : fd_read_up_to(fd, bytes, size);
}

// What the file says; "-" if there is none.
static inline const char *files_text(const struct files_world *world, const char *path)
{
    static char text[4096];
    ssize_t     n = files_read(text, sizeof text - 1, world, path);

    if (n < 0)
        return "-";
    text[n] = '\0';
    return text;
}

// Gives a file the x bit.
static inline void files_make_program(const struct files_world *world, const char *path)
{
    assert_return_code(fchmodat(world->space->tree_fd, path, 0750, 0), errno);
}

// What was counted on the way is what is there.
static inline void files_check_usage(const struct files_world *world)
{
    struct error       err = { 0 };
    struct space_usage kept, counted;

    assert_int_equal(space_read_usage(&kept, world->space, false, &err), 0);
    assert_int_equal(space_read_usage(&counted, world->space, true, &err), 0);
    assert_int_equal(kept.bytes, counted.bytes);
    assert_int_equal(kept.entries, counted.entries);
}

// Nothing is left of what was being made.
static inline unsigned files_staged(const struct files_world *world)
{
    AUTO_DIR     dir = NULL;
    const char  *name;
    struct error err = { 0 };
    unsigned     n = 0;

    assert_int_equal(dir_open(&dir, world->space->stage_fd, &err), 0);
    while (dir_next(&name, dir, &err) > 0)
        n++;
    return n;
}

// "dir/ dir/file=text program*=text link@", sorted, of what is below `path`.
static inline void files_show_below(char *ret, size_t n_ret, const struct files_world *world,
                                    const char *path)
{
    struct error                        err = { 0 };
    AUTO(listing_freep) struct listing *listing = NULL;
    char                                below[2048];

    if (listing_read(&listing, world->space, path, NULL, LISTING_PAGE_MAX, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < listing->n; i++) {
        const struct listing_entry *entry = &listing->entries[i];
        size_t                      n = strlen(ret);
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", entry->name);
        snprintf(ret + n, n_ret - n, "%s%s%s%s", n ? " " : "", below,
                 entry->kind == LISTING_DIR    ? "/"
                 : entry->kind == LISTING_LINK ? "@"
                 : entry->kind == LISTING_FILE ? entry->is_program ? "*=" : "="
                                               : "?",
                 entry->kind == LISTING_FILE ? files_text(world, below) : "");
        if (entry->kind == LISTING_DIR)
            files_show_below(ret, n_ret, world, below);
    }
}

static inline const char *files_show(const struct files_world *world)
{
    static char text[16384];

    text[0] = '\0';
    files_show_below(text, sizeof text, world, "");
    return text;
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
