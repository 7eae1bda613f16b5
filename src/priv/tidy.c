// SPDX-License-Identifier: MIT

// left4me-tidy: makes, empties and removes the directories of one server, one build or one overlay.
//
// Runs as root, started by its socket, which only root may use: the broker. A process for each
// request. Works by descriptor from root-owned directories that nobody else can rename or replace,
// and never follows a link. The broker lets it near an instance only while that is stopped.
//
//     instances/NAME    left4me          what the control plane writes: spec, config layers
//     runtime/NAME      root             the mount points merged and config
//     runtime/NAME/upper, work           left4me-content
//     builds/ID         likewise, with the mount points merged, cache and source
//     overlays/ID, cache/script/ID    left4me-content
//     sources/ID        left4me

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/protocol.h"
#include "base/tree.h"
#include "priv/acceptor.h"
#include "priv/account.h"
#include "priv/peer.h"
#include "priv/tidy.h"

#define DONE_WITHIN_S 600

struct dirs {
    int            data_fd;
    struct account content, control;
};

static const struct account root = { 0, 0 };

static const char *const server_mount_points[] = { "merged", "config", NULL };
static const char *const build_mount_points[] = { "merged", "cache", "source", NULL };

// Makes the directory, or sets right the one that a killed run left.
static int make_dir(int parent_fd, const char *name, struct account owner, mode_t mode,
                    struct error *err)
{
    AUTO_FD fd = -1;

    if (mkdirat(parent_fd, name, 0700) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making the directory '%s'", name);
    if (fd_open_dir(&fd, parent_fd, name, err) < 0)
        return -1;
    if (fchown(fd, owner.uid, owner.gid) < 0 || fchmod(fd, mode) < 0)
        return error_sys(err, errno, "giving away the directory '%s'", name);
    return 0;
}

// parent/name with upper, work and mount points below. left4me reads the upper of a server, for
// what drifted; a build's is nobody's but the publisher's.
static int make_stack(const struct dirs *dirs, const char *parent, const char *name,
                      const char *const *mount_points, mode_t upper_mode, struct error *err)
{
    AUTO_FD parent_fd = -1;
    AUTO_FD fd = -1;

    if (fd_open_dir(&parent_fd, dirs->data_fd, parent, err) < 0 ||
        make_dir(parent_fd, name, root, 0755, err) < 0 ||
        fd_open_dir(&fd, parent_fd, name, err) < 0)
        return -1;
    for (; *mount_points; mount_points++)
        if (make_dir(fd, *mount_points, root, 0755, err) < 0)
            return -1;
    if (make_dir(fd, "work", dirs->content, 0700, err) < 0)
        return -1;
    return make_dir(fd, "upper", dirs->content, upper_mode, err);
}

static int make_below(const struct dirs *dirs, const char *parent, const char *name,
                      struct account owner, mode_t mode, struct error *err)
{
    AUTO_FD fd = -1;

    if (fd_open_dir(&fd, dirs->data_fd, parent, err) < 0)
        return -1;
    return make_dir(fd, name, owner, mode, err);
}

static int remove_below(const struct dirs *dirs, const char *parent, const char *name,
                        struct error *err)
{
    AUTO_FD parent_fd = -1;

    if (fd_open_dir(&parent_fd, dirs->data_fd, parent, err) < 0)
        return -1;
    return tree_remove(parent_fd, name, err);
}

static int instance_create(const struct dirs *dirs, const char *name, struct error *err)
{
    if (make_stack(dirs, "runtime", name, server_mount_points, 0750, err) < 0)
        return -1;
    return make_below(dirs, "instances", name, dirs->control, 0700, err);
}

static int instance_wipe(const struct dirs *dirs, const char *name, struct error *err)
{
    AUTO_FD runtime_fd = -1;
    AUTO_FD fd = -1;

    if (fd_open_dir(&runtime_fd, dirs->data_fd, "runtime", err) < 0 ||
        fd_open_dir(&fd, runtime_fd, name, err) < 0 || tree_remove(fd, "upper", err) < 0 ||
        tree_remove(fd, "work", err) < 0)
        return -1;
    return make_stack(dirs, "runtime", name, server_mount_points, 0750, err);
}

static int instance_remove(const struct dirs *dirs, const char *name, struct error *err)
{
    if (remove_below(dirs, "runtime", name, err) < 0)
        return -1;
    return remove_below(dirs, "instances", name, err);
}

static int build_create(const struct dirs *dirs, const char *id, struct error *err)
{
    return make_stack(dirs, "builds", id, build_mount_points, 0700, err);
}

static int build_remove(const struct dirs *dirs, const char *id, struct error *err)
{
    return remove_below(dirs, "builds", id, err);
}

// Every overlay has all three, whatever its type.
static int overlay_create(const struct dirs *dirs, const char *id, struct error *err)
{
    if (make_below(dirs, "overlays", id, dirs->content, 0750, err) < 0 ||
        make_below(dirs, "cache/script", id, dirs->content, 0700, err) < 0)
        return -1;
    return make_below(dirs, "sources", id, dirs->control, 0700, err);
}

static int overlay_wipe(const struct dirs *dirs, const char *id, struct error *err)
{
    if (remove_below(dirs, "cache/script", id, err) < 0)
        return -1;
    return make_below(dirs, "cache/script", id, dirs->content, 0700, err);
}

static int overlay_remove(const struct dirs *dirs, const char *id, struct error *err)
{
    if (remove_below(dirs, "cache/script", id, err) < 0 ||
        remove_below(dirs, "overlays", id, err) < 0)
        return -1;
    return remove_below(dirs, "sources", id, err);
}

static int (*const actions[])(const struct dirs *dirs, const char *name, struct error *err) = {
    [TIDY_INSTANCE_CREATE] = instance_create, [TIDY_INSTANCE_WIPE] = instance_wipe,
    [TIDY_INSTANCE_REMOVE] = instance_remove, [TIDY_BUILD_CREATE] = build_create,
    [TIDY_BUILD_REMOVE] = build_remove,       [TIDY_OVERLAY_CREATE] = overlay_create,
    [TIDY_OVERLAY_WIPE] = overlay_wipe,       [TIDY_OVERLAY_REMOVE] = overlay_remove,
};
_Static_assert(ELEMENTS(actions) == TIDY_ACTION_COUNT, "every action has a function");

static int act(const struct tidy_request *request, struct error *err)
{
    AUTO_FD     data_fd = open(PROTOCOL_DATA_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct dirs dirs = { .data_fd = data_fd };
    char        number[16];

    if (data_fd < 0)
        return error_sys(err, errno, "opening " PROTOCOL_DATA_DIR);
    if (account_find(&dirs.content, "left4me-content", err) < 0 ||
        account_find(&dirs.control, "left4me", err) < 0)
        return -1;
    (void)snprintf(number, sizeof number, "%u", request->number);
    return actions[request->action](&dirs, request->number ? number : request->name.text, err);
}

// ---- one request --------------------------------------------------------------------------------

// The lock is held until it is closed: *ret_lock is a descriptor or -1.
static int answer(int fd, int *ret_lock, struct error *err)
{
    struct tidy_request request;
    size_t              n_bytes = 0;

    if (peer_is_root(fd, err) < 0 ||
        peer_receive(fd, &request, sizeof request, &n_bytes, ret_lock, err) < 0 ||
        tidy_request_check(&request, n_bytes, err) < 0)
        return -1;
    if (*ret_lock < 0)
        return error_set(err, ERROR_INVALID, "the request comes without a lock");
    return act(&request, err);
}

static int serve(int fd)
{
    struct tidy_reply reply = { .magic = PROTOCOL_MAGIC };
    struct error      err = { 0 };
    int               lock_fd = -1;

    // Others write in an instance's directory while it is removed, perhaps faster than we do. What
    // is cut short, the next command repairs.
    (void)alarm(DONE_WITHIN_S);
    if (answer(fd, &lock_fd, &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        reply.kind = err.kind;
        reply.errnum = err.errnum;
        memcpy(reply.message, err.message, sizeof reply.message);
    }
    // Let go before whoever waits for the answer asks for the next thing.
    (void)fd_close(lock_fd);
    (void)send(fd, &reply, sizeof reply, MSG_NOSIGNAL); // the broker may be gone
    return 0;
}

int main(void)
{
    (void)umask(022);
    return acceptor_main(serve, ACCEPTOR_FINISHES);
}
