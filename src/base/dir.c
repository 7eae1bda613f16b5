// SPDX-License-Identifier: MIT
#include "base/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "base/fd.h"

void dir_closep(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir); // it was only read
    *dir = NULL;
}

int dir_open(DIR **ret, int dir_fd, struct error *err)
{
    AUTO_FD fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "listing a directory");
    DIR *dir = fdopendir(fd);
    if (!dir)
        return error_sys(err, errno, "listing a directory");
    fd = -1; // the list's now
    *ret = dir;
    return 0;
}

int dir_next(const char **ret_name, DIR *dir, struct error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? error_sys(err, errno, "listing a directory") : 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *ret_name = entry->d_name;
        return 1;
    }
}
