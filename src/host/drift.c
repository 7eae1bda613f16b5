// SPDX-License-Identifier: MIT
#include "host/drift.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void closedirp(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir); // it was only read
}

const char *drift_change_word(enum drift_change change)
{
    static const char *const words[] = {
        [DRIFT_ADDED] = "added",           [DRIFT_CHANGED] = "changed",
        [DRIFT_REMOVED] = "removed",       [DRIFT_REPLACED] = "replaced",
        [DRIFT_UNREADABLE] = "unreadable",
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

static int walk_dir(struct walk *walk, int fd, size_t n_path, unsigned depth, struct error *err);

static int visit_dir(struct walk *walk, int parent_fd, const char *name, size_t n_path,
                     struct layer_look below, unsigned depth, struct error *err)
{
    int  fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool was_dir = below.entry == LAYER_HAS_DIR;

    if (fd < 0)
        return report(walk, (struct drift_entry){ DRIFT_UNREADABLE, LAYER_HAS_DIR }, err);
    if (!was_dir &&
        report(walk,
               (struct drift_entry){ is_something(below.entry) ? DRIFT_CHANGED : DRIFT_ADDED,
                                     LAYER_HAS_DIR, .size_before = below.size },
               err) < 0) {
        (void)fd_close(fd); // only looked at
        return -1;
    }
    if (was_dir && layers_is_opaque(fd) &&
        report(walk, (struct drift_entry){ DRIFT_REPLACED, LAYER_HAS_DIR }, err) < 0) {
        (void)fd_close(fd); // likewise
        return -1;
    }
    return walk_dir(walk, fd, n_path, depth + 1, err); // takes fd
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
        return is_something(below.entry) ? report(walk,
                                                  (struct drift_entry){ DRIFT_REMOVED, below.entry,
                                                                        .size_before = below.size },
                                                  err)
                                         : 0;
    return report(walk,
                  (struct drift_entry){ is_something(below.entry) ? DRIFT_CHANGED : DRIFT_ADDED,
                                        look.entry, look.size, below.size },
                  err);
}

// Takes `fd`. walk->path holds `n_path` bytes that lead here.
static int walk_dir(struct walk *walk, int fd, size_t n_path, unsigned depth, struct error *err)
{
    AUTO(closedirp) DIR *dir = fdopendir(fd);

    if (!dir) {
        (void)error_sys(err, errno, "listing what changed");
        (void)fd_close(fd); // the DIR would own it
        return -1;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        size_t n = strlen(entry->d_name);
        if (!fd_is_component(entry->d_name))
            continue;
        if (++walk->n_visits > DRIFT_VISITS_MAX || depth == DRIFT_DEPTH_MAX ||
            n_path + n + 2 > sizeof walk->path) {
            walk->drift->is_cut = true;
            continue;
        }
        size_t n_child = n_path;
        if (n_path > 0)
            walk->path[n_child++] = '/';
        memcpy(walk->path + n_child, entry->d_name, n + 1);
        if (visit(walk, fd, entry->d_name, n_child + n, depth, err) < 0)
            return -1;
    }
    return 0;
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
    int fd = layers->layer[0].fd < 0
                 ? -1
                 : openat(layers->layer[0].fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_DENIED,
                         "the game's own layer cannot be read: is left4me in the group "
                         "left4me-content?");
    int r = walk_dir(walk, fd, 0, 0, err);
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
