// SPDX-License-Identifier: MIT
#pragma once

// unit: what every unit test includes, in the order cmocka wants, and a temporary directory.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/fd.h"

#define BYTES(literal) ((const uint8_t *)(literal)), (sizeof(literal) - 1)

// A call that may fail with `err`, which is there for it, and must not.
#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct error err = { 0 };                                                                  \
        if ((call) < 0)                                                                            \
            fail_msg("%s", err.message);                                                           \
    } while (0)

#define UNIT_TOP_MAX 20u // bytes: sockets have short paths

struct unit_dir {
    int  fd;
    char path[64];
};

// A cmocka setup function: *state becomes a struct unit_dir, in $TMPDIR or /tmp.
static inline int unit_dir_setup(void **state)
{
    struct unit_dir *dir = calloc(1, sizeof *dir);
    const char      *top = getenv("TMPDIR");

    if (!top || strlen(top) > UNIT_TOP_MAX)
        top = "/tmp";
    snprintf(dir->path, sizeof dir->path, "%s/left4me-unit-XXXXXX", top);
    if (!mkdtemp(dir->path))
        return -1;
    dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = dir;
    return dir->fd < 0 ? -1 : 0;
}

static inline int unit_dir_teardown(void **state)
{
    struct unit_dir *dir = *state;
    char             command[192];

    snprintf(command, sizeof command, "chmod -R u+rwX '%s' && rm -rf '%s'", dir->path, dir->path);
    int status = system(command);
    close(dir->fd);
    free(dir);
    return status == 0 ? 0 : -1;
}

// Writes a file below the directory, making the directories in between.
static inline void unit_write(int dir_fd, const char *path, const char *text)
{
    char copy[512];

    snprintf(copy, sizeof copy, "%s", path);
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdirat(dir_fd, copy, 0755); // it may be there already
        *slash = '/';
    }
    AUTO_FD fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}
