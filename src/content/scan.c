// SPDX-License-Identifier: MIT
#include "content/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/hash64.h"
#include "content/entry.h"
#include "content/findings.h"
#include "content/packscan.h"
#include "content/place.h"
#include "content/textscan.h"
#include "overlay/indexbuild.h"

#define DEPTH_MAX      66u // directories above a file; flatten.h allows fewer
#define HASH_BYTES     131072u
#define LIVE_NODES_MAX 200000u
#define LIVE_PACKS_MAX 256u
#define LIVE_READ_MAX  (64u << 20)
#define GEN_READ_MAX   (1u << 30)
#define GEN_HASH_MAX   (64u << 20)

const struct scan_options scan_generation = {
    .nodes_max = INDEX_NODES_MAX,
    .packs_max = INDEX_PACKS_MAX,
    .read_max_bytes = GEN_READ_MAX,
    .hash_max_bytes = GEN_HASH_MAX,
};

const struct scan_options scan_live = {
    .is_live = true,
    .nodes_max = LIVE_NODES_MAX,
    .packs_max = LIVE_PACKS_MAX,
    .read_max_bytes = LIVE_READ_MAX,
};

// The names in one directory, sorted.
struct names {
    char     *bytes; // owned, each with its NUL
    size_t    n_bytes, n_room;
    uint32_t *at; // owned: where they begin
    uint32_t  n, n_at_room;
};

struct walk {
    const struct scan_options *options;
    struct index_builder      *builder;
    uint64_t                   n_read; // bytes of texts
    char                       path[INDEX_PATH_MAX];
    char                       target[PATH_MAX];
    char                       buffer[HASH_BYTES];
};

// A directory that is being walked.
struct place_at {
    int          fd;
    uint32_t     node;
    uint32_t     base; // the same in the base, or INDEX_NONE
    size_t       n_path;
    unsigned     depth;
    bool         is_misplaced; // it, or one above it: no more is said about what is in it
    struct names names;
};

static void walk_freep(struct walk **walk)
{
    if (!*walk)
        return;
    index_builder_free((*walk)->builder);
    free(*walk);
}

static int fail(const struct walk *walk, const char *doing, struct error *err)
{
    char shown[ENTRY_SHOW_MAX];
    int  saved = errno;

    return error_sys(err, saved, "%s '%s'", doing, entry_show(shown, "", walk->path));
}

// ---- names -------------------------------------------------------------------------------------

static void names_done(struct names *names)
{
    free(names->bytes);
    free(names->at);
}

static int names_add(struct names *names, const char *name, struct error *err)
{
    size_t n = strlen(name) + 1;

    if (n > names->n_room - names->n_bytes) {
        size_t n_room = MAX(2 * names->n_room, (size_t)4096);
        char  *bytes = realloc(names->bytes, n_room);
        if (!bytes)
            return error_sys(err, ENOMEM, "listing a directory");
        names->bytes = bytes;
        names->n_room = n_room;
    }
    if (names->n == names->n_at_room) {
        uint32_t  n_at_room = names->n_at_room ? 2 * names->n_at_room : 64;
        uint32_t *at = reallocarray(names->at, n_at_room, sizeof *at);
        if (!at)
            return error_sys(err, ENOMEM, "listing a directory");
        names->at = at;
        names->n_at_room = n_at_room;
    }
    memcpy(names->bytes + names->n_bytes, name, n);
    names->at[names->n++] = (uint32_t)names->n_bytes;
    names->n_bytes += n;
    return 0;
}

static const char *name_at(const struct names *names, uint32_t i)
{
    return names->bytes + names->at[i];
}

static int compare_names(const void *a, const void *b, void *bytes)
{
    return strcmp((const char *)bytes + *(const uint32_t *)a,
                  (const char *)bytes + *(const uint32_t *)b);
}

static bool has_name(const void *user, const char *name)
{
    const struct names *names = user;
    uint32_t            low = 0, high = names->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int      order = strcmp(name_at(names, middle), name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int read_names(struct walk *walk, struct place_at *at, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r = 0;

    if (dir_open(&dir, at->fd, err) < 0)
        return -1;
    // One more than there is room for: so it is seen that something is left out.
    uint32_t n_nodes = index_builder_n_nodes(walk->builder), n_max = walk->options->nodes_max;
    uint32_t n_room = n_nodes < n_max ? n_max - n_nodes + 1 : 1;
    while (at->names.n < n_room && (r = dir_next(&name, dir, err)) > 0)
        if (names_add(&at->names, name, err) < 0)
            return -1;
    if (at->names.n > 0)
        qsort_r(at->names.at, at->names.n, sizeof *at->names.at, compare_names, at->names.bytes);
    return r < 0 ? -1 : 0;
}

// ---- nodes -------------------------------------------------------------------------------------

static enum index_kind kind_of(const struct stat *st, bool is_live)
{
    if (S_ISREG(st->st_mode))
        return INDEX_FILE;
    if (S_ISDIR(st->st_mode))
        return INDEX_DIR;
    if (S_ISLNK(st->st_mode))
        return INDEX_LINK;
    if (is_live && S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
        return INDEX_WHITEOUT;
    return INDEX_SPECIAL;
}

static bool is_opaque(int fd)
{
    char value[2];

    return fgetxattr(fd, "user.overlay.opaque", value, sizeof value) == 1 && *value == 'y';
}

// A directory of a live layer may be closed, and may hide the one below it.
static struct index_node look_into(const struct place_at *at, const char *name,
                                   struct index_node node)
{
    AUTO_FD fd = openat(at->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        node.kind = INDEX_UNREADABLE;
    else if (is_opaque(fd))
        node.flags |= INDEX_OPAQUE;
    return node;
}

// 1: *ret is the node of `name`; 0: there is none any more.
static int look(struct walk *walk, const struct place_at *at, const char *name,
                struct index_node *ret, struct error *err)
{
    bool        is_live = walk->options->is_live;
    struct stat st;

    *ret = (struct index_node){ .kind = INDEX_UNREADABLE };
    if (fstatat(at->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (!is_live)
            return fail(walk, "looking into", err);
        return errno != ENOENT;
    }
    enum index_kind kind = kind_of(&st, is_live);
    bool            has_bytes = kind == INDEX_FILE || kind == INDEX_LINK;
    *ret = (struct index_node){
        .size = has_bytes ? (uint64_t)st.st_size : 0,
        .inode = st.st_ino,
        .mtime_ns =
            (int64_t)((uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec),
        .kind = (uint8_t)kind,
        .flags = kind == INDEX_FILE && st.st_mode & 0111 ? INDEX_PROGRAM : 0,
    };
    if (is_live && kind == INDEX_DIR)
        *ret = look_into(at, name, *ret);
    return 1;
}

// Adds all children of a directory; those that are gone, or one too many, leave the list of names.
static int add_children(struct walk *walk, struct place_at *at, struct error *err)
{
    uint32_t n_kept = 0;

    for (uint32_t i = 0; i < at->names.n; i++) {
        const char       *name = name_at(&at->names, i);
        struct index_node node;
        if (index_builder_n_nodes(walk->builder) >= walk->options->nodes_max ||
            at->n_path + strlen(name) + 2 > sizeof walk->path) {
            index_builder_set_cut(walk->builder);
            continue;
        }
        int r = look(walk, at, name, &node, err);
        if (r < 0)
            return -1;
        if (r == 0)
            continue;
        at->names.at[n_kept++] = at->names.at[i];
        if (index_builder_add(walk->builder, at->node, name, &node, err) < 0)
            return -1;
    }
    at->names.n = n_kept;
    return 0;
}

// ---- files -------------------------------------------------------------------------------------

static int hash_file(struct walk *walk, const struct place_at *at, const char *name, uint32_t node,
                     struct error *err)
{
    struct hash64 hash;
    struct error  ignored;
    uint64_t      n_bytes = 0;
    AUTO_FD       fd = -1;
    ssize_t       n;

    if (fd_open_file(&fd, &n_bytes, at->fd, name, &ignored) < 0)
        return fail(walk, "opening", err);
    hash64_init(&hash);
    while ((n = fd_read_up_to(fd, walk->buffer, sizeof walk->buffer)) > 0)
        hash64_add(&hash, walk->buffer, (size_t)n);
    if (n < 0)
        return fail(walk, "reading", err);
    uint64_t value = hash64_value(&hash);
    index_builder_set_hash(walk->builder, node, value ? value : 1); // 0 says that it is not known
    return 0;
}

static int hash_link(struct walk *walk, const struct place_at *at, const char *name, uint32_t node,
                     struct error *err)
{
    ssize_t n = readlinkat(at->fd, name, walk->target, sizeof walk->target);

    if (n < 0)
        return fail(walk, "reading the link", err);
    uint64_t value = hash64_of(walk->target, (size_t)n);
    index_builder_set_hash(walk->builder, node, value ? value : 1);
    return 0;
}

static int scan_link(struct walk *walk, const struct place_at *at, const char *name, uint32_t node,
                     const struct place *place, struct error *err)
{
    struct index_finding like = { .node = node, .code = FINDING_PACK_LINK };

    if (!walk->options->is_live && hash_link(walk, at, name, node, err) < 0)
        return -1;
    return place_of_pack(place) ? index_builder_finding(walk->builder, &like, "", err) : 0;
}

// Reads a text and says what is in it. One that is too large, or gone, says nothing.
static int scan_text(struct walk *walk, const struct place_at *at, const char *name, uint32_t node,
                     enum textscan_kind kind, struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    struct error      why = { 0 };
    size_t            n = 0;

    if (walk->n_read >= walk->options->read_max_bytes) {
        index_builder_set_cut(walk->builder);
        return 0;
    }
    if (fd_read_file(&bytes, &n, at->fd, name, TEXTSCAN_BYTES_MAX, &why) < 0) {
        if (why.kind == ERROR_INVALID || walk->options->is_live)
            return 0;
        *err = why;
        return -1;
    }
    walk->n_read += n;
    return textscan(walk->builder, node, kind, walk->path, (const uint8_t *)bytes, n, err);
}

static int scan_content(struct walk *walk, const struct place_at *at, const char *name,
                        uint32_t node, const struct place *place, struct error *err)
{
    enum index_place   pack = place_of_pack(place);
    enum textscan_kind text = textscan_kind_of(walk->path);

    if (pack && index_builder_n_packs(walk->builder) >= walk->options->packs_max) {
        index_builder_set_cut(walk->builder);
        return 0;
    }
    if (pack)
        return packscan(walk->builder, node, pack, at->fd, name, err);
    return text ? scan_text(walk, at, name, node, text, err) : 0;
}

// The node of the same file in the base, or INDEX_NONE.
static uint32_t same_in_base(const struct walk *walk, const struct place_at *at, const char *name,
                             const struct index_node *node)
{
    uint32_t base = at->base == INDEX_NONE
                        ? INDEX_NONE
                        : index_child(walk->options->base, at->base, name, strlen(name));

    if (base == INDEX_NONE)
        return INDEX_NONE;
    const struct index_node *old = index_node(walk->options->base, base);
    bool                     is_same = old->kind == node->kind && old->inode == node->inode &&
                   old->size == node->size && old->mtime_ns == node->mtime_ns;
    return is_same ? base : INDEX_NONE;
}

static int scan_file(struct walk *walk, const struct place_at *at, const char *name, uint32_t node,
                     const struct place *place, struct error *err)
{
    const struct index_node    like = *index_builder_node(walk->builder, node);
    uint32_t                   base = same_in_base(walk, at, name, &like);
    const struct scan_options *options = walk->options;

    if (base != INDEX_NONE)
        return index_builder_copy(walk->builder, node, options->base, base, FINDING_LAST_OF_CONTENT,
                                  err);
    if (like.kind == INDEX_LINK)
        return scan_link(walk, at, name, node, place, err);
    if (options->base && like.size <= options->hash_max_bytes &&
        hash_file(walk, at, name, node, err) < 0)
        return -1;
    return scan_content(walk, at, name, node, place, err);
}

// ---- the walk ----------------------------------------------------------------------------------

struct finder {
    struct index_builder *builder;
    uint32_t              node;
    bool                  is_misplaced;
};

static int take_finding(void *user, uint32_t code, const char *text, struct error *err)
{
    struct finder       *finder = user;
    struct index_finding like = { .node = finder->node, .code = code };

    finder->is_misplaced = true;
    return index_builder_finding(finder->builder, &like, text, err);
}

static void path_set(struct walk *walk, const struct place_at *at, const char *name)
{
    size_t n = at->n_path;

    if (n > 0)
        walk->path[n++] = '/';
    memcpy(walk->path + n, name, strlen(name) + 1); // add_children saw that it fits
}

// Looks at what a child is called, and into it if it is a file. *ret_is_misplaced: a directory that
// is wrong here.
static int scan_child(struct walk *walk, const struct place_at *at, uint32_t i,
                      bool *ret_is_misplaced, struct error *err)
{
    const char     *name = name_at(&at->names, i);
    uint32_t        node = index_builder_node(walk->builder, at->node)->first + i;
    enum index_kind kind = index_builder_node(walk->builder, node)->kind;
    struct finder   finder = { walk->builder, node, false };
    struct place    place = { walk->path, kind == INDEX_DIR, has_name, &at->names };

    *ret_is_misplaced = at->is_misplaced;
    if (kind != INDEX_FILE && kind != INDEX_LINK && kind != INDEX_DIR)
        return 0;
    path_set(walk, at, name);
    if (kind != INDEX_DIR && scan_file(walk, at, name, node, &place, err) < 0)
        return -1;
    if (walk->options->is_game || at->is_misplaced)
        return 0;
    if (place_check(&place, take_finding, &finder, err) < 0)
        return -1;
    *ret_is_misplaced = finder.is_misplaced;
    return 0;
}

static int walk_dir(struct walk *walk, struct place_at *at, struct error *err);

static int descend(struct walk *walk, const struct place_at *at, uint32_t i, bool is_misplaced,
                   struct error *err)
{
    const char *name = name_at(&at->names, i);
    AUTO_FD     fd = -1;

    struct place_at below = {
        .node = index_builder_node(walk->builder, at->node)->first + i,
        .base = INDEX_NONE,
        .depth = at->depth + 1,
        .is_misplaced = is_misplaced,
    };
    path_set(walk, at, name);
    below.n_path = strlen(walk->path);
    fd = openat(at->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && !walk->options->is_live)
        return fail(walk, "opening directory", err);
    if (fd < 0 || below.depth >= DEPTH_MAX) {
        if (fd < 0)
            index_builder_set_unreadable(walk->builder, below.node);
        else
            index_builder_set_cut(walk->builder);
        return 0;
    }
    below.fd = fd;
    if (at->base != INDEX_NONE)
        below.base = index_child(walk->options->base, at->base, name, strlen(name));
    int r = walk_dir(walk, &below, err);
    names_done(&below.names);
    return r;
}

static int walk_dir(struct walk *walk, struct place_at *at, struct error *err)
{
    AUTO(freep) bool *is_misplaced = NULL;

    if (read_names(walk, at, err) < 0 || add_children(walk, at, err) < 0)
        return -1;
    is_misplaced = calloc(at->names.n + 1u, sizeof *is_misplaced);
    if (!is_misplaced)
        return error_sys(err, ENOMEM, "listing a directory");
    for (uint32_t i = 0; i < at->names.n; i++)
        if (scan_child(walk, at, i, &is_misplaced[i], err) < 0)
            return -1;
    for (uint32_t i = 0; i < at->names.n; i++) {
        uint32_t node = index_builder_node(walk->builder, at->node)->first + i;
        if (index_builder_node(walk->builder, node)->kind == INDEX_DIR &&
            descend(walk, at, i, is_misplaced[i], err) < 0)
            return -1;
    }
    return 0;
}

int scan(struct index **ret, int tree_fd, const struct scan_options *options, struct error *err)
{
    AUTO(walk_freep) struct walk *walk = calloc(1, sizeof *walk);
    struct place_at               root = { .fd = tree_fd, .node = INDEX_ROOT };

    if (!walk)
        return error_sys(err, ENOMEM, "looking at a tree");
    walk->options = options;
    root.base = options->base ? INDEX_ROOT : INDEX_NONE;
    if (index_builder_new(&walk->builder, err) < 0)
        return -1;
    if (options->is_live && is_opaque(tree_fd))
        index_builder_set_opaque(walk->builder, INDEX_ROOT);
    int r = walk_dir(walk, &root, err);
    names_done(&root.names);
    return r < 0 ? -1 : index_builder_end(walk->builder, ret, err);
}
