// SPDX-License-Identifier: MIT
#include "host/steamplace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"

#define OTHERS_MAY_CHANGE 0022 // group and others
#define OTHERS_MAY_RUN    0005 // and read
#define LINK_DIR_MODE     0755

// The directory that holds the program `path` names, or that `path` is.
static int find_directory(char ret[PATH_MAX], const char *path, struct error *err)
{
    struct stat st;
    char       *slash;

    if (!realpath(path, ret))
        return errno == ENOENT || errno == ENOTDIR
                   ? error_set(err, ERROR_INVALID, "there is no SteamCMD at %.120s", path)
                   : error_sys(err, errno, "SteamCMD at %.120s", path);
    if (stat(ret, &st) < 0)
        return error_sys(err, errno, "SteamCMD at %.120s", path);
    if (S_ISDIR(st.st_mode))
        return 0;
    slash = strrchr(ret, '/');
    if (!S_ISREG(st.st_mode) || !slash ||
        (strcmp(slash, "/steamcmd.sh") != 0 && strcmp(slash, "/steamcmd") != 0))
        return error_set(err, ERROR_INVALID,
                         "%.120s is neither a directory nor a program called steamcmd.sh or "
                         "steamcmd",
                         path);
    *(slash == ret ? slash + 1 : slash) = '\0';
    return 0;
}

static int check_owner(const struct stat *st, const char *path, uid_t owner, struct error *err)
{
    if (st->st_uid == owner && (st->st_mode & OTHERS_MAY_CHANGE) == 0)
        return 0;
    return error_set(err, ERROR_DENIED,
                     "%.80s can be changed by others than root (owner %u, mode %03o): put SteamCMD "
                     "into a directory of root's, and run 'chown -R root:root' and 'chmod -R go-w' "
                     "on it",
                     path, (unsigned)st->st_uid, (unsigned)st->st_mode & 0777);
}

// The sandbox runs as another user, so modes count, not that root may read everything.
static int check_programs(int fd, const char *dir, uid_t owner, struct error *err)
{
    static const char *const programs[] = { "steamcmd.sh", "steamcmd" };
    struct stat              st;
    char                     path[PATH_MAX + sizeof "/steamcmd.sh"];

    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening %.150s", dir);
    if ((st.st_mode & OTHERS_MAY_RUN) != OTHERS_MAY_RUN)
        return error_set(err, ERROR_DENIED,
                         "%.120s is closed to other users, but SteamCMD runs as left4me-build: "
                         "run 'chmod -R o+rX' on it",
                         dir);
    for (size_t i = 0; i < ELEMENTS(programs); i++) {
        if (fstatat(fd, programs[i], &st, 0) < 0 || !S_ISREG(st.st_mode) ||
            (st.st_mode & OTHERS_MAY_RUN) != OTHERS_MAY_RUN)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, programs[i]); // it fits
        return check_owner(&st, path, owner, err);
    }
    return error_set(err, ERROR_INVALID,
                     "%.120s holds no steamcmd.sh or steamcmd that every user may run", dir);
}

// One directory further down; *fd is the one it is in, then itself.
static int check_step(int *fd, const char *name, const char *path, uid_t owner, struct error *err)
{
    int         next = -1;
    struct stat st;

    if (fd_open_beneath(&next, *fd, name, O_PATH | O_DIRECTORY, 0, err) < 0)
        return -1;
    (void)fd_close(*fd);
    *fd = next;
    if (fstat(*fd, &st) < 0)
        return error_sys(err, errno, "looking at %.150s", path);
    return check_owner(&st, path, owner, err);
}

int steamplace_check_below(const char *top, const char *path, uid_t owner, struct error *err)
{
    AUTO_FD fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char    copy[PATH_MAX];

    if (fd < 0)
        return error_sys(err, errno, "opening %.150s", top);
    if (*path != '/' || (size_t)snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
        return error_set(err, ERROR_INVALID, "%.150s is not the whole path of a directory", path);
    if (check_step(&fd, ".", "/", owner, err) < 0)
        return -1;
    for (char *name = copy + 1; *name;) {
        char *end = strchrnul(name, '/'), c = *end;
        *end = '\0';
        if (check_step(&fd, name, copy, owner, err) < 0)
            return -1;
        *end = c;
        name = c ? end + 1 : end;
    }
    return check_programs(fd, path, owner, err);
}

int steamplace_check(const char *dir, struct error *err)
{
    return steamplace_check_below("/", dir, 0, err);
}

static int point_link(const char *link, const char *target, struct error *err)
{
    char dir[PATH_MAX], tmp[PATH_MAX];

    (void)snprintf(dir, sizeof dir, "%s", link); // our own short constant
    *strrchr(dir, '/') = '\0';
    if (mkdir(dir, LINK_DIR_MODE) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making %s", dir);
    if (chmod(dir, LINK_DIR_MODE) < 0) // the umask took from it what left4me needs
        return error_sys(err, errno, "opening %s to all", dir);
    (void)snprintf(tmp, sizeof tmp, "%s.tmp", link); // likewise
    if (unlink(tmp) < 0 && errno != ENOENT)
        return error_sys(err, errno, "removing %s", tmp);
    if (symlink(target, tmp) < 0 || rename(tmp, link) < 0)
        return error_sys(err, errno, "pointing %s at SteamCMD", link);
    return 0;
}

int steamplace_set(const struct host_paths *paths, const char *path, struct error *err)
{
    char dir[PATH_MAX];

    if (find_directory(dir, path, err) < 0 || steamplace_check(dir, err) < 0)
        return -1;
    return point_link(paths->steamcmd_link, dir, err);
}
