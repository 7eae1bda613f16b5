// SPDX-License-Identifier: MIT

// child: a part of a command, done by a child that is another user for good.

#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"

// What the child tells of its end; a later field is not read without the ones before it.
struct ending {
    int          code;
    struct error err;
};

static NORETURN void be_child(struct admin *admin, const struct admin_part *part, int fd)
{
    struct ending ending = { .code = -1 };
    struct error  ignored;

    if (admin_become(part->user, &ending.err) == 0)
        ending.code = part->run(admin, part->context, &ending.err);
    (void)fflush(stdout); // whoever reads it has left, or the caller sees it himself
    (void)!fd_write_all(fd, &ending, sizeof ending, &ignored); // or there is no word of it
    _exit(0);
}

static int wait_for(pid_t pid, int fd, struct error *err)
{
    struct ending ending;
    struct error  ignored;
    int           status;
    bool          has_ended = fd_read_exactly(fd, &ending, sizeof ending, &ignored) == 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!has_ended)
        return error_set(err, ERROR_FAILED, "a part of the command was killed");
    if (ending.code >= 0)
        return ending.code;
    return error_adopt(err, (int)ending.err.kind, ending.err.errnum, ending.err.message,
                       sizeof ending.err.message);
}

int admin_run_as(struct admin *admin, const struct admin_part *part, struct error *err)
{
    AUTO_FD read_fd = -1;
    AUTO_FD write_fd = -1;
    int     fds[2];

    if (admin->is_own || geteuid() != 0)
        return admin->is_own || admin_become(part->user, err) == 0
                   ? part->run(admin, part->context, err)
                   : -1;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_sys(err, errno, "beginning a part of the command");
    read_fd = fds[0];
    write_fd = fds[1];
    (void)fflush(stdout); // or the child says it as well
    pid_t pid = fork();
    if (pid < 0)
        return error_sys(err, errno, "beginning a part of the command");
    if (pid == 0)
        be_child(admin, part, write_fd);
    write_fd = fd_close(write_fd);
    return wait_for(pid, read_fd, err);
}
