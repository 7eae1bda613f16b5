// SPDX-License-Identifier: MIT

// left4me-mount: puts up and takes down the stack of one server or one build.
//
//     left4me-mount server-up NAME | server-down NAME | build-up ID | build-down ID
//
// Runs as root in the mount namespace of the machine, started by a unit alone. What to mount comes
// from a root-owned spec of fixed size; every directory is reached by descriptor from a root-owned
// one, without following a link. It reads no text, takes no path and waits for nobody.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/protocol.h"
#include "priv/idmap.h"
#include "priv/mountapi.h"
#include "priv/specfile.h"
#include "priv/stackmount.h"

#define BUSY_STEP_MS   50u
#define BUSY_SERVER_MS 2000u  // a restart waits for it
#define BUSY_BUILD_MS  20000u // nobody does; less than the unit has

static int open_data_dir(int *ret, struct error *err)
{
    *ret = open(PROTOCOL_DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (*ret < 0)
        return error_sys(err, errno, "opening " PROTOCOL_DATA_DIR);
    return 0;
}

// A detached clone of the directory `path` below `dir_fd`, its owner mapped.
static int clone_dir(int *ret, int dir_fd, const char *path, int map_fd, unsigned long attributes,
                     struct error *err)
{
    AUTO_FD fd = -1;

    if (fd_open_dir(&fd, dir_fd, path, err) < 0)
        return -1;
    if (idmap_clone(ret, fd, map_fd, attributes, err) < 0)
        return error_prefix(err, "'%s'", path);
    return 0;
}

// Attaches a detached mount to the directory `name` below `parent_fd`.
static int put_up(int mount_fd, int parent_fd, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    if (fd_open_dir(&fd, parent_fd, name, err) < 0)
        return -1;
    if (mount_attach(mount_fd, fd) < 0)
        return error_sys(err, errno, "mounting on '%s'", name);
    return 0;
}

// Unmounts whatever lies on the directory `name` below `parent_fd`; nothing there is success. Never
// lazily: a busy mount is an error to be seen, not a leak. But sockets that hold each other, and a
// file, are let go of by the kernel when it comes to it, some time after the last process has
// ended.
static int take_down(int parent_fd, const char *name, unsigned busy_max_ms, struct error *err)
{
    static unsigned       waited_ms; // for all that this process takes down
    const struct timespec step = { .tv_nsec = BUSY_STEP_MS * 1000000L };

    if (fchdir(parent_fd) < 0) // umount2 takes only paths; the parent is root's, nobody can swap it
        return error_sys(err, errno, "entering the directory");
    for (;;) {
        if (umount2(name, UMOUNT_NOFOLLOW) == 0)
            continue; // a killed helper may have left one below
        if (errno == EINVAL || errno == ENOENT)
            return 0;
        if (errno != EBUSY || waited_ms >= busy_max_ms)
            return error_sys(err, errno, "unmounting '%s'", name);
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &step, NULL); // shorter does no harm
        waited_ms += BUSY_STEP_MS;
    }
}

static void close_layers(struct stackmount_layer *layers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)fd_close(layers[i].fd);
}

static int clone_generation(int *ret, int data_fd, uint32_t overlay, uint32_t generation,
                            int map_fd, struct error *err)
{
    char path[64];

    snprintf(path, sizeof path, "overlays/%u/%u", overlay, generation);
    if (clone_dir(ret, data_fd, path, map_fd, 0, err) < 0)
        return error_prefix(err, "generation %u of overlay %u", generation, overlay);
    return 0;
}

// ---- servers ----------------------------------------------------------------------------------

struct server {
    struct instance_spec    spec;
    int                     data_fd, run_fd;      // /var/lib/left4me, runtime/NAME
    int                     disk_map, config_map; // user namespaces
    size_t                  n_layers;
    struct stackmount_layer layers[STACKMOUNT_LAYERS_MAX];
};

static void server_done(struct server *server)
{
    close_layers(server->layers, server->n_layers);
    (void)fd_close(server->config_map);
    (void)fd_close(server->disk_map);
    (void)fd_close(server->run_fd);
    (void)fd_close(server->data_fd);
}

static int server_open_dirs(struct server *server, const char *name, struct error *err)
{
    char path[16 + INSTANCE_NAME_MAX];

    if (open_data_dir(&server->data_fd, err) < 0)
        return -1;
    snprintf(path, sizeof path, "runtime/%s", name);
    return fd_open_dir(&server->run_fd, server->data_fd, path, err);
}

static int server_open_maps(struct server *server, struct error *err)
{
    if (idmap_open(&server->disk_map, IDMAP_CONTENT_TO_GAME, err) < 0)
        return -1;
    return idmap_open(&server->config_map, IDMAP_CONTROL_TO_GAME, err);
}

static int server_open_layers(struct server *server, struct error *err)
{
    const struct instance_stack *stack = &server->spec.stack;
    char                         path[32 + INSTANCE_NAME_MAX];

    snprintf(path, sizeof path, "instances/%s/%u/tree", server->spec.name.text,
             stack->config_generation);
    if (clone_dir(&server->layers[0].fd, server->data_fd, path, server->config_map, 0, err) < 0)
        return error_prefix(err, "config generation %u", stack->config_generation);
    server->n_layers = 1;
    for (uint32_t i = 0; i < stack->n_layers; i++) {
        struct stackmount_layer *layer = &server->layers[server->n_layers];
        if (clone_generation(&layer->fd, server->data_fd, stack->layers[i].overlay,
                             stack->layers[i].generation, server->disk_map, err) < 0)
            return -1;
        server->n_layers++;
    }
    return 0;
}

// The game's supervisor reads its arguments here: the layer below the tree could be shadowed by the
// upper one, this cannot.
static int server_put_up_config(const struct server *server, struct error *err)
{
    const unsigned long read_only =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    AUTO_FD fd = -1;
    char    path[32 + INSTANCE_NAME_MAX];

    snprintf(path, sizeof path, "instances/%s/%u", server->spec.name.text,
             server->spec.stack.config_generation);
    if (clone_dir(&fd, server->data_fd, path, server->config_map, read_only, err) < 0)
        return -1;
    return put_up(fd, server->run_fd, "config", err);
}

static int server_put_up_stack(const struct server *server, struct error *err)
{
    AUTO_FD upper_fd = -1;
    AUTO_FD stack_fd = -1;

    if (idmap_clone(&upper_fd, server->run_fd, server->disk_map, 0, err) < 0)
        return error_prefix(err, "the upper layer");
    if (stackmount_open(&stack_fd, upper_fd, server->layers, server->n_layers, err) < 0)
        return -1;
    return put_up(stack_fd, server->run_fd, "merged", err);
}

static int server_take_down(const struct server *server, const char *name, struct error *err)
{
    if (take_down(server->run_fd, "merged", BUSY_SERVER_MS, err) < 0 ||
        take_down(server->run_fd, "config", BUSY_SERVER_MS, err) < 0)
        return -1;
    return specfile_remove_record(name, err);
}

static int server_read_spec(struct server *server, const char *name, struct error *err)
{
    if (specfile_read_instance(&server->spec, name, err) < 0)
        return -1;
    if (server->spec.is_unsettled) // its port may be closed to it, its limits are anybody's guess
        return error_set(err, ERROR_FAILED,
                         "its last change was cut short: 'l4d2ctl start %s' makes it whole", name);
    return 0;
}

static int server_up_steps(struct server *server, const char *name, struct error *err)
{
    if (server_read_spec(server, name, err) < 0 || server_open_dirs(server, name, err) < 0 ||
        server_take_down(server, name, err) < 0 || server_open_maps(server, err) < 0 ||
        server_open_layers(server, err) < 0)
        return -1;
    // The record comes first: whatever is mounted, also by a helper that was killed, has one.
    if (specfile_write_record(&server->spec, err) < 0 || server_put_up_config(server, err) < 0)
        return -1;
    return server_put_up_stack(server, err);
}

static int server_up(const char *name, struct error *err)
{
    struct server server = { .data_fd = -1, .run_fd = -1, .disk_map = -1, .config_map = -1 };
    int           r = server_up_steps(&server, name, err);

    if (r < 0 && server.run_fd >= 0) {
        struct error ignored; // the first error is the one to report
        (void)server_take_down(&server, name, &ignored);
    }
    server_done(&server);
    return r;
}

static int server_down(const char *name, struct error *err)
{
    struct server server = { .data_fd = -1, .run_fd = -1, .disk_map = -1, .config_map = -1 };
    int           r = server_open_dirs(&server, name, err);

    if (r == 0)
        r = server_take_down(&server, name, err);
    server_done(&server);
    return r;
}

// ---- builds -----------------------------------------------------------------------------------

// What a build of a kind works on. Where the builder is left4me-content itself it fills the upper
// layer on disk, and there is nothing to be laid over anything.
static const struct build_view {
    bool        has_scratch; // merged: the upper over the generation below
    bool        has_source;  // source: what the overlay is made from, to be read
    enum idmap  source_map;
    const char *cache;            // the directory that is shown as cache; NULL: none
    bool        is_cache_private; // to the overlay: its number comes behind
} build_views[] = {
    [BUILD_UPDATE] = { .has_scratch = true, .cache = "cache/steamcmd" },
    [BUILD_SCRIPT] = { .has_scratch = true,
                       .has_source = true,
                       .source_map = IDMAP_CONTROL_TO_BUILD,
                       .cache = "cache/script",
                       .is_cache_private = true },
    [BUILD_WORKSHOP] = { .has_source = true, .source_map = IDMAP_CONTROL_TO_CONTENT },
    [BUILD_FILES] = { .has_source = true, .source_map = IDMAP_CONTROL_TO_CONTENT },
    [BUILD_SELECT] = { 0 },
    [BUILD_COLLECT] = { 0 },
};
_Static_assert(ELEMENTS(build_views) == BUILD_KIND_COUNT, "every kind of build has a row");

struct build {
    struct build_spec        spec;
    const struct build_view *view;
    int                      data_fd, run_fd; // /var/lib/left4me, builds/ID
};

static void build_done(struct build *build)
{
    (void)fd_close(build->run_fd);
    (void)fd_close(build->data_fd);
}

static int build_open_dirs(struct build *build, const char *id, struct error *err)
{
    char path[32];

    snprintf(path, sizeof path, "builds/%s", id);
    if (open_data_dir(&build->data_fd, err) < 0)
        return -1;
    return fd_open_dir(&build->run_fd, build->data_fd, path, err);
}

static int build_take_down(const struct build *build, struct error *err)
{
    if (take_down(build->run_fd, "merged", BUSY_BUILD_MS, err) < 0 ||
        take_down(build->run_fd, "cache", BUSY_BUILD_MS, err) < 0)
        return -1;
    return take_down(build->run_fd, "source", BUSY_BUILD_MS, err);
}

// Shows the directory `path` below the data directory at `place`, its owner mapped.
static int build_show(const struct build *build, const char *path, const char *place,
                      enum idmap map, unsigned long attributes, struct error *err)
{
    AUTO_FD map_fd = -1;
    AUTO_FD fd = -1;

    if (idmap_open(&map_fd, map, err) < 0 ||
        clone_dir(&fd, build->data_fd, path, map_fd, attributes | MOUNT_ATTR_NOSUID, err) < 0)
        return -1;
    return put_up(fd, build->run_fd, place, err);
}

static int build_put_up_cache(const struct build *build, struct error *err)
{
    char path[48];

    if (!build->view->cache)
        return 0;
    if (build->view->is_cache_private)
        snprintf(path, sizeof path, "%s/%u", build->view->cache, build->spec.overlay);
    else
        snprintf(path, sizeof path, "%s", build->view->cache);
    return build_show(build, path, "cache", IDMAP_CONTENT_TO_BUILD, MOUNT_ATTR_NODEV, err);
}

static int build_put_up_source(const struct build *build, struct error *err)
{
    char path[48];

    if (!build->view->has_source)
        return 0;
    snprintf(path, sizeof path, "sources/%u", build->spec.overlay);
    return build_show(build, path, "source", build->view->source_map,
                      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
}

static int build_put_up_scratch(const struct build *build, struct error *err)
{
    AUTO_FD                  map_fd = -1;
    AUTO_FD                  upper_fd = -1;
    AUTO_FD                  base_fd = -1;
    AUTO_FD                  stack_fd = -1;
    struct stackmount_layer  base = { .fd = -1 };
    const struct build_spec *spec = &build->spec;

    if (!build->view->has_scratch)
        return 0;
    if (idmap_open(&map_fd, IDMAP_CONTENT_TO_BUILD, err) < 0)
        return -1;
    if (idmap_clone(&upper_fd, build->run_fd, map_fd, 0, err) < 0)
        return error_prefix(err, "the scratch");
    if (spec->base_generation) {
        if (clone_generation(&base_fd, build->data_fd, spec->overlay, spec->base_generation, map_fd,
                             err) < 0)
            return -1;
    } else { // overlayfs wants a lower layer: the bare mount point serves as the empty one
        if (clone_dir(&base_fd, build->run_fd, "merged", map_fd, 0, err) < 0)
            return -1;
    }
    base.fd = base_fd;
    if (stackmount_open(&stack_fd, upper_fd, &base, 1, err) < 0)
        return -1;
    return put_up(stack_fd, build->run_fd, "merged", err);
}

static int build_up_steps(struct build *build, const char *id, struct error *err)
{
    if (specfile_read_build(&build->spec, id, err) < 0 || build_open_dirs(build, id, err) < 0 ||
        build_take_down(build, err) < 0)
        return -1;
    build->view = &build_views[build->spec.kind];
    if (build_put_up_cache(build, err) < 0 || build_put_up_source(build, err) < 0)
        return -1;
    return build_put_up_scratch(build, err);
}

static int build_up(const char *id, struct error *err)
{
    struct build build = { .data_fd = -1, .run_fd = -1 };
    int          r = build_up_steps(&build, id, err);

    if (r < 0 && build.run_fd >= 0) {
        struct error ignored; // the first error is the one to report
        (void)build_take_down(&build, &ignored);
    }
    build_done(&build);
    return r;
}

static int build_down(const char *id, struct error *err)
{
    struct build build = { .data_fd = -1, .run_fd = -1 };
    int          r = build_open_dirs(&build, id, err);

    if (r == 0)
        r = build_take_down(&build, err);
    build_done(&build);
    return r;
}

// -----------------------------------------------------------------------------------------------

static int check_instance(const char *text, struct error *err)
{
    struct instance_name name;

    return instance_name_set(&name, text, err);
}

static int check_number(const char *text, struct error *err)
{
    uint32_t number;

    return number_name_parse(&number, text, err);
}

static const struct action {
    const char *word;
    int (*check)(const char *name, struct error *err);
    int (*run)(const char *name, struct error *err);
} actions[] = {
    { "server-up", check_instance, server_up },
    { "server-down", check_instance, server_down },
    { "build-up", check_number, build_up },
    { "build-down", check_number, build_down },
};

int main(int argc, char **argv)
{
    struct error err = { 0 };

    if (argc != 3) {
        log_line(LEVEL_ERROR, "left4me-mount is started by its units: ACTION NAME");
        return 2;
    }
    for (size_t i = 0; i < ELEMENTS(actions); i++) {
        const struct action *action = &actions[i];
        if (strcmp(action->word, argv[1]) != 0)
            continue;
        if (action->check(argv[2], &err) == 0 && action->run(argv[2], &err) == 0)
            return 0;
        log_line(LEVEL_ERROR, "%s: %s", argv[2], err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    log_line(LEVEL_ERROR, "there is no action '%.40s'", argv[1]);
    return 2;
}
