// SPDX-License-Identifier: MIT
#include "host/drift.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/dir.h"
#include "base/fd.h"
#include "host/buffer.h"

struct walk {
    const struct layers *layers;
    struct drift        *drift;
    struct buffer        paths; // becomes drift->paths
    size_t               capacity;
    size_t               n_visits;
    char                 path[LAYERS_PATH_MAX];
};

const char *drift_change_word(enum drift_change change)
{
    static const char *const words[] = {
        [DRIFT_ADDED] = "added",           [DRIFT_CHANGED] = "changed",
        [DRIFT_REMOVED] = "removed",       [DRIFT_REPLACED] = "replaced",
        [DRIFT_UNREADABLE] = "unreadable", [DRIFT_UNKNOWN] = "unknown",
    };

    _Static_assert(ELEMENTS(words) == DRIFT_CHANGE_COUNT, "every change has a word");
    return words[change];
}

static int report(struct walk *walk, struct drift_entry entry, struct error *err)
{
    struct drift *drift = walk->drift;

    if (drift->n == DRIFT_ENTRIES_MAX) {
        drift->is_cut = true;
        return 0;
    }
    if (drift->n == walk->capacity) {
        size_t              capacity = MAX(walk->capacity * 2, (size_t)64);
        struct drift_entry *grown = reallocarray(drift->entries, capacity, sizeof *grown);
        if (!grown)
            return error_sys(err, ENOMEM, "listing what changed");
        drift->entries = grown;
        walk->capacity = capacity;
    }
    entry.path_offset = walk->paths.n;
    buffer_add(&walk->paths, walk->path, strlen(walk->path) + 1);
    if (walk->paths.is_failed) { // its limit counts as one of ours
        drift->is_cut = true;
        return 0;
    }
    drift->entries[drift->n++] = entry;
    return 0;
}

static bool is_something(enum layer_entry entry)
{
    return entry == LAYER_HAS_FILE || entry == LAYER_HAS_DIR || entry == LAYER_HAS_LINK ||
           entry == LAYER_HAS_SPECIAL;
}

// What it means that the game has an entry where the layers below have `below`.
static enum drift_change change_of(enum layer_entry below)
{
    if (below == LAYER_IS_UNREADABLE)
        return DRIFT_UNKNOWN;
    return is_something(below) ? DRIFT_CHANGED : DRIFT_ADDED;
}

static int walk_dir(struct walk *walk, int fd, size_t n_path, unsigned depth, struct error *err);

static int visit_dir(struct walk *walk, int parent_fd, const char *name, size_t n_path,
                     struct layer_look below, unsigned depth, struct error *err)
{
    AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool    was_dir = below.entry == LAYER_HAS_DIR;

    if (fd < 0)
        return report(walk, (struct drift_entry){ DRIFT_UNREADABLE, LAYER_HAS_DIR }, err);
    if (!was_dir && report(walk,
                           (struct drift_entry){ change_of(below.entry), LAYER_HAS_DIR,
                                                 .size_before = below.size },
                           err) < 0)
        return -1;
    if (was_dir && layers_is_opaque(fd) &&
        report(walk, (struct drift_entry){ DRIFT_REPLACED, LAYER_HAS_DIR }, err) < 0)
        return -1;
    return walk_dir(walk, fd, n_path, depth + 1, err);
}

// A whiteout of what may not have been there says nothing.
static int visit_whiteout(struct walk *walk, struct layer_look below, struct error *err)
{
    struct drift_entry entry = { DRIFT_REMOVED, below.entry, .size_before = below.size };

    if (below.entry == LAYER_IS_UNREADABLE)
        entry = (struct drift_entry){ DRIFT_UNKNOWN, LAYER_HAS_WHITEOUT };
    else if (!is_something(below.entry))
        return 0;
    return report(walk, entry, err);
}

static int visit(struct walk *walk, int parent_fd, const char *name, size_t n_path, unsigned depth,
                 struct error *err)
{
    struct layer_look below = layers_look(walk->layers, 1, walk->path);
    struct layer_look look = { .entry = LAYER_IS_UNREADABLE };
    struct stat       st;

    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT // the game may be at work
                   ? 0
                   : report(walk, (struct drift_entry){ DRIFT_UNREADABLE, look.entry }, err);
    if (S_ISDIR(st.st_mode))
        return visit_dir(walk, parent_fd, name, n_path, below, depth, err);
    look = layer_look(&walk->layers->layer[0], walk->path);
    if (look.entry == LAYER_HAS_WHITEOUT)
        return visit_whiteout(walk, below, err);
    return report(walk,
                  (struct drift_entry){ change_of(below.entry), look.entry, look.size, below.size },
                  err);
}

// walk->path holds `n_path` bytes that lead here.
static int walk_dir(struct walk *walk, int fd, size_t n_path, unsigned depth, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        size_t n = strlen(name);
        if (walk->n_visits == DRIFT_VISITS_MAX) { // all the way up, the walk ends here
            walk->drift->is_cut = true;
            return 0;
        }
        walk->n_visits++;
        if (depth == DRIFT_DEPTH_MAX || n_path + n + 2 > sizeof walk->path) {
            walk->drift->is_cut = true;
            continue;
        }
        size_t n_child = n_path;
        if (n_path > 0)
            walk->path[n_child++] = '/';
        memcpy(walk->path + n_child, name, n + 1);
        if (visit(walk, fd, name, n_child + n, depth, err) < 0)
            return -1;
    }
    return r;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct drift_entry *)a)->path, ((const struct drift_entry *)b)->path);
}

int drift_read(struct drift **ret, const struct layers *layers, struct error *err)
{
    AUTO(drift_freep) struct drift *drift = calloc(1, sizeof *drift);
    AUTO(freep) struct walk        *walk = calloc(1, sizeof *walk);

    if (!drift || !walk)
        return error_sys(err, ENOMEM, "listing what changed");
    walk->layers = layers;
    walk->drift = drift;
    if (layers->layer[0].fd < 0)
        return error_set(err, ERROR_DENIED,
                         "the game's own layer cannot be read: is left4me in the group "
                         "left4me-content?");
    int r = walk_dir(walk, layers->layer[0].fd, 0, 0, err);
    drift->paths = TAKE(walk->paths.bytes);
    if (r < 0)
        return -1;
    for (size_t i = 0; i < drift->n; i++)
        drift->entries[i].path = drift->paths + drift->entries[i].path_offset;
    if (drift->n > 0)
        qsort(drift->entries, drift->n, sizeof *drift->entries, compare_entries);
    *ret = TAKE(drift);
    return 0;
}

void drift_free(struct drift *drift)
{
    if (!drift)
        return;
    free(drift->entries);
    free(drift->paths);
    free(drift);
}

void drift_freep(struct drift **drift)
{
    drift_free(*drift);
}
