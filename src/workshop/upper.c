// SPDX-License-Identifier: MIT
#include "workshop/upper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/tree.h"

#define OPAQUE_XATTR "user.overlay.opaque" // as overlayfs with userxattr writes and reads it

static int make_dir(int *ret, int dir_fd, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    if (mkdirat(dir_fd, name, CACHE_DIR_MODE) < 0)
        return error_sys(err, errno, "making '%s'", name);
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, CACHE_DIR_MODE) < 0) // the umask may have had its way
        return error_sys(err, errno, "making '%s'", name);
    *ret = TAKE_FD(fd);
    return 0;
}

int upper_open(struct upper *ret, int data_fd, uint32_t build, struct error *err)
{
    AUTO_FD fd = -1;
    AUTO_FD game_fd = -1;
    AUTO_FD addons_fd = -1;
    char    path[48];

    (void)snprintf(path, sizeof path, "builds/%" PRIu32 "/upper", build);
    if (fd_open_dir(&fd, data_fd, path, err) < 0 || tree_empty(fd, err) < 0)
        return error_prefix(err, "the upper layer of build %" PRIu32, build);
    if (fsetxattr(fd, OPAQUE_XATTR, "y", 1, 0) < 0)
        return error_sys(err, errno, "marking the upper layer of build %" PRIu32, build);
    if (make_dir(&game_fd, fd, "left4dead2", err) < 0 ||
        make_dir(&addons_fd, game_fd, "addons", err) < 0)
        return -1;
    *ret = (struct upper){ TAKE_FD(fd), TAKE_FD(addons_fd) };
    return 0;
}

void upper_done(struct upper *upper)
{
    upper->addons_fd = fd_close(upper->addons_fd);
    upper->fd = fd_close(upper->fd);
}

int upper_add(const struct upper *upper, uint64_t id, int item_fd,
              const struct item_version *version, struct error *err)
{
    char from[CACHE_NAME_MAX], to[CACHE_NAME_MAX];

    version_name(from, version, CACHE_WHOLE);
    (void)snprintf(to, sizeof to, "%" PRIu64 ".vpk", id);
    if (linkat(item_fd, from, upper->addons_fd, to, 0) < 0)
        return error_sys(err, errno, "adding '%s'", to);
    return 0;
}
