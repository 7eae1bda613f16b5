// SPDX-License-Identifier: MIT
#include "base/done.h"

#include <errno.h>
#include <sys/xattr.h>

#define MARK "user.left4me.done"

int done_mark(int output_fd, struct error *err)
{
    if (fsetxattr(output_fd, MARK, "y", 1, 0) < 0)
        return error_sys(err, errno, "marking the output as whole");
    return 0;
}

bool done_is_marked(int output_fd)
{
    char value;

    return fgetxattr(output_fd, MARK, &value, 1) == 1 && value == 'y';
}
