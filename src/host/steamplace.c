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

// The sandbox runs as another user, so modes count, not that root may read everything.
static int check_directory(const char *dir, struct error *err)
{
    static const char *const programs[] = { "steamcmd.sh", "steamcmd" };
    AUTO_FD                  fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat              st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening %.150s", dir);
    if ((st.st_mode & 0005) != 0005)
        return error_set(err, ERROR_DENIED,
                         "%.120s is closed to other users, but SteamCMD runs as left4me-build: "
                         "run 'chmod -R o+rX' on it",
                         dir);
    for (size_t i = 0; i < ELEMENTS(programs); i++)
        if (fstatat(fd, programs[i], &st, 0) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mode & 0005) == 0005)
            return 0;
    return error_set(err, ERROR_INVALID,
                     "%.120s holds no steamcmd.sh or steamcmd that every user may run", dir);
}

static int point_link(const char *link, const char *target, struct error *err)
{
    char dir[PATH_MAX], tmp[PATH_MAX];

    (void)snprintf(dir, sizeof dir, "%s", link); // our own short constant
    *strrchr(dir, '/') = '\0';
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making %s", dir);
    if (chmod(dir, 0755) < 0) // the umask took from it what left4me needs
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

    if (find_directory(dir, path, err) < 0 || check_directory(dir, err) < 0)
        return -1;
    return point_link(paths->steamcmd_link, dir, err);
}
