// SPDX-License-Identifier: MIT
#include "content/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/text.h"

int entry_chmod(int dir_fd, const char *name, mode_t mode)
{
    return fchmodat(dir_fd, name, mode, AT_SYMLINK_NOFOLLOW);
}

int entry_open_dir(int *ret, int dir_fd, const char *name, struct error *err)
{
    const int   flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    char        shown[ENTRY_SHOW_MAX];
    AUTO_FD     fd = openat(dir_fd, name, flags);
    struct stat st;

    if (fd < 0 && errno == EACCES && entry_chmod(dir_fd, name, 0700) == 0)
        fd = openat(dir_fd, name, flags);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening directory '%s'", entry_show(shown, "", name));
    if ((st.st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
        return error_sys(err, errno, "entering directory '%s'", entry_show(shown, "", name));
    *ret = TAKE_FD(fd);
    return 0;
}

// ---- counting ---------------------------------------------------------------------------------

int entry_count(int dir_fd, const char *name, unsigned depth_max, uint64_t *files, uint64_t *dirs,
                struct error *err)
{
    char        shown[ENTRY_SHOW_MAX];
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    struct stat st;
    int         r;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%s'", entry_show(shown, "", name));
    if (!S_ISDIR(st.st_mode)) {
        ++*files;
        return 0;
    }
    ++*dirs;
    if (depth_max == 0)
        return error_set(err, ERROR_INVALID, "'%s' is too deep", entry_show(shown, "", name));
    if (entry_open_dir(&fd, dir_fd, name, err) < 0)
        return -1;
    if (dir_open(&dir, fd, err) < 0)
        return error_prefix(err, "'%s'", entry_show(shown, "", name));
    const char *below;
    while ((r = dir_next(&below, dir, err)) > 0)
        if (entry_count(fd, below, depth_max - 1, files, dirs, err) < 0)
            return -1;
    return r < 0 ? error_prefix(err, "'%s'", entry_show(shown, "", name)) : 0;
}

// ---- showing ----------------------------------------------------------------------------------

const char *entry_show(char ret[ENTRY_SHOW_MAX], const char *parent, const char *name)
{
    static const char ellipsis[] = "…";
    char              path[PATH_MAX + NAME_MAX + 2];
    const char       *from = path;

    (void)snprintf(path, sizeof path, "%s%s%s", parent, *parent ? "/" : "", name);
    size_t n = strlen(path), room = ENTRY_SHOW_MAX - sizeof ellipsis;
    ret[0] = '\0';
    if (n > room) {
        from += n - room;
        while (((unsigned char)*from & 0xc0) == 0x80)
            from++; // not from the middle of a character
        memcpy(ret, ellipsis, sizeof ellipsis);
    }
    n = strlen(ret);
    (void)text_sanitize(ret + n, ENTRY_SHOW_MAX - n, from, strlen(from));
    return ret;
}
