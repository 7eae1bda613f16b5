// SPDX-License-Identifier: MIT

// file: the file of -f, read as the caller, before l4d2ctl becomes left4me.

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"

#define READ_BYTES 8192u // at a time

static int read_all(struct buffer *ret, int fd, const char *file, size_t max_bytes,
                    struct error *err)
{
    char    part[READ_BYTES];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, errno, "reading %.150s", file);
        buffer_add(ret, part, (size_t)n);
        if (ret->n > max_bytes)
            return error_set(err, ERROR_INVALID, "%.150s:1: the file is larger than %zu bytes",
                             file, max_bytes);
    }
    return buffer_check(ret, err);
}

int file_open(int *ret, const char *file, int flags, struct error *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);

    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_INVALID, "there is no file %.150s", file);
    if (fd < 0)
        return error_sys(err, errno, "opening %.150s", file);
    *ret = fd;
    return 0;
}

int file_prepare(struct cli *cli, size_t max_bytes, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    AUTO_FD                         fd = -1;

    if (strcmp(cli->file, "-") == 0) {
        cli->file = "standard input";
        fd = dup(STDIN_FILENO);
        if (fd < 0)
            return error_sys(err, errno, "opening %s", cli->file);
    } else if (file_open(&fd, cli->file, 0, err) < 0) {
        return -1;
    }
    if (read_all(&text, fd, cli->file, max_bytes, err) < 0)
        return -1;
    cli->n_file_bytes = text.n;
    cli->file_bytes = TAKE(text.bytes);
    return 0;
}
