// SPDX-License-Identifier: MIT
#include "guard/names.h"

#include <dirent.h>
#include <string.h>
#include <sys/types.h>

void names_begin(struct names *names, int fd)
{
    names->fd = fd;
    names->n = names->at = 0;
}

int names_next(const char **ret_name, struct names *names)
{
    for (;;) {
        if (names->at == names->n) {
            ssize_t n = getdents64(names->fd, names->bytes, sizeof names->bytes);
            if (n <= 0)
                return (int)n;
            names->n = (size_t)n;
            names->at = 0;
        }
        const struct dirent64 *entry = (const void *)(names->bytes + names->at);
        names->at += entry->d_reclen;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *ret_name = entry->d_name;
        return 1;
    }
}
