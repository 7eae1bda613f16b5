// SPDX-License-Identifier: MIT
#pragma once

// publish-world: a data directory with one overlay, and builds to publish in it, for tests of
// publishing and of what it drops.

#include "content-tree.h"
#include "base/done.h"
#include "base/protocol.h"
#include "content/publish.h"
#include "overlay/index.h"

#define OVERLAY "data/overlays/1"

// One world: a data directory with overlay 1, a host directory, records of mounts.
struct world {
    struct unit_dir     *dir;
    char                 data[96], host[96], mounted[96];
    struct publish_paths paths;
};

static inline void own(const struct world *world, const char *path)
{
    assert_return_code(fchownat(world->dir->fd, path, CONTENT_UID, CONTENT_UID, 0), errno);
}

static inline void make_path(const struct world *world, const char *path)
{
    assert_return_code(mkdirat(world->dir->fd, path, 0755), errno);
}

static inline struct world world_make(void **state)
{
    static const char *const dirs[] = { "data", "data/overlays",  OVERLAY,       "data/builds",
                                        "host", "host/instances", "host/builds", "mounted" };
    struct world             world = { .dir = *state };

    assert_return_code(fchmod(world.dir->fd, 0755), errno);
    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        make_path(&world, dirs[i]);
    own(&world, OVERLAY);
    snprintf(world.data, sizeof world.data, "%s/data", world.dir->path);
    snprintf(world.host, sizeof world.host, "%s/host", world.dir->path);
    snprintf(world.mounted, sizeof world.mounted, "%s/mounted", world.dir->path);
    return world;
}

static inline void set_paths(struct world *world)
{
    world->paths = (struct publish_paths){ world->data, world->host, world->mounted };
}

static inline void world_empty(const struct world *world)
{
    char command[160];

    snprintf(command, sizeof command, "rm -rf '%s'/*", world->dir->path);
    assert_int_equal(system(command), 0);
}

static inline void write_bytes(const struct world *world, const char *path, const void *bytes,
                               size_t n)
{
    AUTO_FD fd = openat(world->dir->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, bytes, n), n);
}

// What the broker says of a build.
static inline void build_spec_make(const struct world *world, enum build_kind kind, uint32_t flags,
                                   uint32_t number, uint32_t base, uint32_t keep)
{
    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec,        number, kind, 1, base, number,
                               keep,           OUTPUT_MAX_DEFAULT, flags,  0 };
    char              path[64];

    snprintf(path, sizeof path, "host/builds/%u", number);
    write_bytes(world, path, &spec, sizeof spec);
}

// A build `number` that makes generation `number` over `base`, with this upper layer.
static inline void build_make_as(const struct world *world, enum build_kind kind, uint32_t flags,
                                 uint32_t number, uint32_t base, uint32_t keep, const char *upper)
{
    char path[64];

    build_spec_make(world, kind, flags, number, base, keep);
    snprintf(path, sizeof path, "data/builds/%u", number);
    make_path(world, path);
    snprintf(path, sizeof path, "data/builds/%u/upper", number);
    make_path(world, path);
    own(world, path);
    AUTO_FD fd = openat(world->dir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(fd, errno);
    tree_make(fd, upper);
    struct error err = { 0 };
    assert_int_equal(done_mark(fd, &err), 0);
}

static inline void build_make(const struct world *world, uint32_t number, uint32_t base,
                              uint32_t keep, const char *upper)
{
    build_make_as(world, BUILD_UPDATE, 0, number, base, keep, upper);
}

// The broker forgets a build when its scratch has been removed.
static inline void build_forget(const struct world *world, uint32_t number)
{
    char path[64];

    snprintf(path, sizeof path, "host/builds/%u", number);
    assert_return_code(unlinkat(world->dir->fd, path, 0), errno);
}

static inline void instance_make(const struct world *world, const char *where, const char *name,
                                 uint32_t overlay, uint32_t generation)
{
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC, .n_bytes = sizeof spec, .revision = 1 };
    struct error         err = { 0 };
    char                 path[64];

    assert_int_equal(instance_name_set(&spec.name, name, &err), 0);
    spec.stack = (struct instance_stack){ .config_generation = 1, .n_layers = 1, .port = 27015 };
    spec.stack.layers[0] = (struct layer_ref){ overlay, generation };
    snprintf(path, sizeof path, "%s/%s", where, name);
    write_bytes(world, path, &spec, sizeof spec);
}

static inline int run_watched(struct world *world, uint32_t build, struct publish_result *ret,
                              const struct watch *watch, struct error *err)
{
    set_paths(world);
    become_content();
    int result = publish(ret, build, &world->paths, watch, err);
    root_again();
    return result;
}

static inline struct publish_result must_publish(struct world *world, uint32_t build,
                                                 enum publish_outcome want)
{
    struct publish_result result = { 0 };
    struct watch          watch = { 0 };
    struct error          err = { 0 };

    if (run_watched(world, build, &result, &watch, &err) < 0)
        fail_msg("build %u: %s", build, err.message);
    assert_int_equal(result.outcome, want);
    return result;
}

static inline void overlay_open(int *ret, const struct world *world)
{
    *ret = openat(world->dir->fd, OVERLAY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(*ret, errno);
}

static inline void assert_generation(const struct world *world, uint32_t number, const char *want)
{
    AUTO_FD fd = -1;
    char    name[16];

    overlay_open(&fd, world);
    snprintf(name, sizeof name, "%u", number);
    assert_string_equal(tree_show(fd, name).text, want);
}

// True for "N.index" with an N beside it, which every generation may have.
static inline bool is_index_of_a_tree(const struct world *world, const char *name)
{
    char        path[128];
    const char *suffix = strstr(name, INDEX_NAME_SUFFIX);

    if (!suffix || strcmp(suffix, INDEX_NAME_SUFFIX) != 0)
        return false;
    snprintf(path, sizeof path, OVERLAY "/%.*s", (int)(suffix - name), name);
    return faccessat(world->dir->fd, path, F_OK, 0) == 0;
}

// What lies in the overlay's directory, sorted, besides its state, its lock and indexes of trees.
static inline void assert_overlay_holds(const struct world *world, const char *want)
{
    struct dirent **entries = NULL;
    char            path[160], found[512] = "";

    snprintf(path, sizeof path, "%s/" OVERLAY, world->dir->path);
    int n = scandir(path, &entries, NULL, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, ".lock") != 0 &&
            strcmp(name, STATE_FILE) != 0 && strcmp(name, ".state.json.tmp") != 0 &&
            !is_index_of_a_tree(world, name))
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", *found ? " " : "",
                     name);
        free(entries[i]);
    }
    free(entries);
    assert_string_equal(found, want);
}

static inline struct state *state_of(const struct world *world)
{
    struct state *state = calloc(1, sizeof *state);
    struct error  err = { 0 };
    AUTO_FD       fd = -1;

    overlay_open(&fd, world);
    if (state_read(state, fd, &err) < 0)
        fail_msg("%s", err.message);
    return state;
}

// What a published generation holds, by its index.
static inline struct index *index_of(const struct world *world, uint32_t number)
{
    struct index *index = NULL;
    struct error  err = { 0 };
    AUTO_FD       fd = -1;
    char          name[32];

    overlay_open(&fd, world);
    snprintf(name, sizeof name, "%u" INDEX_NAME_SUFFIX, number);
    if (index_open(&index, fd, name, &err) < 0)
        fail_msg("%s: %s", name, err.message);
    return index;
}

// Each generation that is listed has an index that can be read.
static inline void assert_state(const struct world *world, uint32_t current, const char *want)
{
    AUTO(freep) struct state *state = state_of(world);
    char                      found[512] = "";

    for (uint32_t i = 0; i < state->n_generations; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u", *found ? " " : "",
                 state->generations[i].number);
    for (uint32_t i = 0; i < state->n_generations; i++)
        index_free(index_of(world, state->generations[i].number));
    assert_string_equal(found, want);
    assert_int_equal(state->current, current);
}

static inline void publish_many(struct world *world, uint32_t from, uint32_t to, uint32_t keep)
{
    char upper[32];

    for (uint32_t number = from; number <= to; number++) {
        snprintf(upper, sizeof upper, "f a=%u", number);
        build_make(world, number, number - 1, keep, upper);
        (void)must_publish(world, number, PUBLISH_DONE);
        build_forget(world, number);
    }
}

static inline bool is_upper_empty(const struct world *world, uint32_t build)
{
    char path[64];

    snprintf(path, sizeof path, "data/builds/%u/upper", build);
    DIR *dir = fdopendir(openat(world->dir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n == 2;
}

// ---- a cache, whose files builds share --------------------------------------------------------

#define CACHE "data/cache"

static inline nlink_t names_of(const struct world *world, const char *path)
{
    struct stat st;

    assert_return_code(fstatat(world->dir->fd, path, &st, AT_SYMLINK_NOFOLLOW), errno);
    return st.st_nlink;
}

// A directory of the cache in which each file has `n_names` names more.
static inline void cache_make(const struct world *world, const char *tree, unsigned n_names)
{
    char from[64], to[64];

    make_path(world, CACHE);
    AUTO_FD fd = openat(world->dir->fd, CACHE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(fd, errno);
    tree_make(fd, tree);
    for (const char *file = "123"; *file; file++)
        for (unsigned i = 0; i < n_names; i++) {
            snprintf(from, sizeof from, "%c", *file);
            snprintf(to, sizeof to, "%c-%u", *file, i);
            if (faccessat(fd, from, F_OK, 0) == 0)
                assert_return_code(linkat(fd, from, fd, to, 0), errno);
        }
}

// Gives a file of `from` another name in the upper layer of a build.
static inline void share(const struct world *world, uint32_t build, const char *from,
                         const char *to)
{
    char path[128];

    snprintf(path, sizeof path, "data/builds/%u/upper/%s", build, to);
    assert_return_code(linkat(world->dir->fd, from, world->dir->fd, path, 0), errno);
}

// Such an upper holds all there is: the generation below is only compared with.
static inline void hide_below(const struct world *world, uint32_t build)
{
    char path[64];

    snprintf(path, sizeof path, "data/builds/%u/upper", build);
    set_xattr(world->dir->fd, path, "user.overlay.opaque", "y");
}

#define CACHED "f 1=one; f 2=two; f 3=three; a x=attributes"
