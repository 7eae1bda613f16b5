// SPDX-License-Identifier: MIT
#include "explain/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include "base/fd.h"

// ---- layers ------------------------------------------------------------------------------------

void layers_free(struct layers *layers)
{
    for (size_t i = 0; layers && i < layers->n; i++) {
        (void)fd_close(layers->layer[i].fd);       // only looked at
        (void)fd_close(layers->layer[i].index_fd); // likewise
    }
    free(layers);
}

void layers_freep(struct layers **layers)
{
    layers_free(*layers);
}

void layer_describe(char ret[LAYER_DESCRIPTION_MAX], const struct layer *layer)
{
    switch (layer->kind) {
    case LAYER_UPPER:
        (void)snprintf(ret, LAYER_DESCRIPTION_MAX, "the game's own layer");
        break;
    case LAYER_CONFIG:
        (void)snprintf(ret, LAYER_DESCRIPTION_MAX, "config generation %" PRIu32, layer->generation);
        break;
    case LAYER_OVERLAY:
        (void)snprintf(ret, LAYER_DESCRIPTION_MAX, "overlay %" PRIu32 " generation %" PRIu32,
                       layer->overlay, layer->generation);
        break;
    }
}

// ---- looking -----------------------------------------------------------------------------------

int layers_check_path(const char *path, struct error *err)
{
    const char *part = path;

    if (!*path || strlen(path) >= LAYERS_PATH_MAX)
        return error_set(err, ERROR_INVALID, "a path has 1 to %u bytes", LAYERS_PATH_MAX - 1);
    if (*path == '/')
        return error_set(err, ERROR_INVALID,
                         "the path must be relative to the installation, such as "
                         "left4dead2/cfg/server.cfg");
    while (part) {
        size_t      n = strcspn(part, "/");
        const char *next = part[n] ? part + n + 1 : NULL;
        if (n == 0 || n > NAME_MAX || strncmp(part, ".", n) == 0 ||
            (n == 2 && strncmp(part, "..", 2) == 0))
            return error_set(err, ERROR_INVALID,
                             "the path must not have empty, '.' or '..' components");
        part = next;
    }
    return 0;
}

bool layers_is_opaque(int dir_fd)
{
    char value[2];

    return fgetxattr(dir_fd, "user.overlay.opaque", value, sizeof value) == 1 && *value == 'y';
}

static enum layer_entry entry_of(const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return LAYER_HAS_FILE;
    if (S_ISDIR(st->st_mode))
        return LAYER_HAS_DIR;
    if (S_ISLNK(st->st_mode))
        return LAYER_HAS_LINK;
    if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
        return LAYER_HAS_WHITEOUT;
    return LAYER_HAS_SPECIAL;
}

// Steps into the directory `name`, replacing *fd.
static bool enter(int *fd, const char *name, struct layer_look *look)
{
    int next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (next < 0) {
        look->entry = LAYER_IS_UNREADABLE;
        return false;
    }
    (void)fd_close(*fd); // only looked at
    *fd = next;
    look->is_final = look->is_final || layers_is_opaque(next);
    return true;
}

// Looks at one component. False: the walk ends here.
static bool step(int *fd, const char *name, bool is_last, struct layer_look *look)
{
    struct stat st;

    if (fstatat(*fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        look->entry = errno == ENOENT ? LAYER_HAS_NOTHING : LAYER_IS_UNREADABLE;
        return false;
    }
    enum layer_entry entry = entry_of(&st);
    if (entry == LAYER_HAS_DIR && !enter(fd, name, look))
        return false;
    if (entry != LAYER_HAS_DIR)
        look->is_final = true;
    if (!is_last && entry != LAYER_HAS_DIR && entry != LAYER_HAS_WHITEOUT)
        entry = LAYER_HAS_OBSTACLE;
    look->entry = entry;
    if (entry == LAYER_HAS_FILE || entry == LAYER_HAS_LINK)
        look->size = (uint64_t)st.st_size;
    return entry == LAYER_HAS_DIR;
}

struct layer_look layer_look(const struct layer *layer, const char *path)
{
    struct layer_look look = { .entry = LAYER_IS_UNREADABLE };
    AUTO_FD           fd = -1;
    char              name[NAME_MAX + 1];

    if (layer->fd < 0)
        return look;
    fd = fcntl(layer->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return look;
    look.entry = LAYER_HAS_DIR;
    look.is_final = layers_is_opaque(fd);
    for (bool is_last = false; !is_last;) {
        size_t n = strcspn(path, "/");
        if (n >= sizeof name)
            return (struct layer_look){ .entry = LAYER_HAS_NOTHING };
        memcpy(name, path, n);
        name[n] = '\0';
        is_last = path[n] == '\0';
        path += n + 1;
        if (!step(&fd, name, is_last, &look))
            break;
    }
    return look;
}

struct layer_look layers_look(const struct layers *layers, size_t first, const char *path)
{
    struct layer_look look = { .entry = LAYER_HAS_NOTHING };

    for (size_t i = first; i < layers->n; i++) {
        look = layer_look(&layers->layer[i], path);
        if (look.is_final || look.entry != LAYER_HAS_NOTHING)
            return look;
    }
    return look;
}

// ---- explain -----------------------------------------------------------------------------------

enum layer_role layer_role_of(enum layer_entry entry, enum layer_above above)
{
    bool is_hidden = above == LAYER_ABOVE_FINAL;

    if (above == LAYER_ABOVE_UNKNOWN)
        return LAYER_ROLE_UNKNOWN;
    switch (entry) {
    case LAYER_IS_UNREADABLE:
        return LAYER_ROLE_UNKNOWN;
    case LAYER_HAS_WHITEOUT:
    case LAYER_HAS_OBSTACLE:
    case LAYER_HAS_NOTHING: // an opaque directory on the way
        return is_hidden ? LAYER_ROLE_SHADOWED : LAYER_ROLE_REMOVES;
    case LAYER_HAS_DIR:
        if (above == LAYER_ABOVE_DIR)
            return LAYER_ROLE_MERGED;
        return is_hidden ? LAYER_ROLE_SHADOWED : LAYER_ROLE_SHOWN;
    case LAYER_HAS_FILE:
    case LAYER_HAS_LINK:
    case LAYER_HAS_SPECIAL:
        return above == LAYER_ABOVE_NOTHING ? LAYER_ROLE_SHOWN : LAYER_ROLE_SHADOWED;
    }
    return LAYER_ROLE_UNKNOWN;
}

enum layer_above layer_above_after(enum layer_entry entry, bool is_final, enum layer_above above)
{
    if (is_final || above == LAYER_ABOVE_FINAL)
        return LAYER_ABOVE_FINAL;
    if (entry == LAYER_IS_UNREADABLE)
        return LAYER_ABOVE_UNKNOWN;
    return entry == LAYER_HAS_DIR && above == LAYER_ABOVE_NOTHING ? LAYER_ABOVE_DIR : above;
}

size_t layers_explain(struct layer_finding *ret, const struct layers *layers, const char *path)
{
    enum layer_above above = LAYER_ABOVE_NOTHING;
    size_t           n = 0;

    for (size_t i = 0; i < layers->n; i++) {
        struct layer_look look = layer_look(&layers->layer[i], path);
        if (look.entry != LAYER_HAS_NOTHING || (look.is_final && above != LAYER_ABOVE_FINAL))
            ret[n++] = (struct layer_finding){ i, layer_role_of(look.entry, above), look.entry,
                                               look.size };
        above = layer_above_after(look.entry, look.is_final, above);
    }
    return n;
}
