// SPDX-License-Identifier: MIT
#include "ctl/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/spawnchild.h"

#ifndef MFD_NOEXEC_SEAL // of Linux 6.3
#define MFD_NOEXEC_SEAL 0x0008u
#endif

static const char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    NULL,
};

// The ends that are the child's.
struct ends {
    int input, output, error;
};

// A file in memory: unlike a pipe it is full at once, and nobody is killed for writing to it.
static int open_input(int *ret, const void *input, size_t n, struct error *err)
{
    AUTO_FD fd = input ? memfd_create("input", MFD_CLOEXEC | MFD_NOEXEC_SEAL)
                       : open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return error_sys(err, errno, "preparing the input of a command");
    if (input && fd_write_all(fd, input, n, err) < 0)
        return -1;
    if (input && lseek(fd, 0, SEEK_SET) < 0)
        return error_sys(err, errno, "preparing the input of a command");
    *ret = TAKE_FD(fd);
    return 0;
}

static int open_pipe(int *ret_ours, int *ret_theirs, struct error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_sys(err, errno, "making a pipe");
    *ret_ours = ends[0];
    *ret_theirs = ends[1];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
        return error_sys(err, errno, "making a pipe");
    return 0;
}

// What none of these do fails for want of memory alone.
static int add_actions(posix_spawn_file_actions_t *actions, const struct ends *theirs)
{
    int r = posix_spawn_file_actions_adddup2(actions, theirs->input, STDIN_FILENO);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, theirs->output, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, theirs->error, STDERR_FILENO);
    return r == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) : r;
}

static int spawn(pid_t *ret, const char *program, const char *const *argv,
                 const struct ends *theirs)
{
    posix_spawn_file_actions_t actions;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    int r = add_actions(&actions, theirs);
    if (r == 0)
        r = spawn_child(ret, program, &actions, true, argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    return r;
}

// A child that cannot be watched is not left behind.
static int watch(int *ret, pid_t pid, struct error *err)
{
    int fd = pidfd_open(pid, 0);

    if (fd >= 0) {
        *ret = fd;
        return 0;
    }
    (void)error_sys(err, errno, "watching a command");
    (void)kill(-pid, SIGKILL);   // it is not reaped yet, so it is this one
    (void)waitpid(pid, NULL, 0); // likewise
    return -1;
}

int process_start(struct process *ret, const char *program, const char *const *argv,
                  const void *input, size_t n_input, struct error *err)
{
    AUTO_FD     in = -1, out = -1, out_theirs = -1, error = -1, error_theirs = -1;
    struct ends theirs;

    if (open_input(&in, input, n_input, err) < 0 || open_pipe(&out, &out_theirs, err) < 0 ||
        open_pipe(&error, &error_theirs, err) < 0)
        return -1;
    theirs = (struct ends){ in, out_theirs, error_theirs };
    int r = spawn(&ret->pid, program, argv, &theirs);
    if (r != 0) {
        (void)error_sys(err, r, "running %.150s", program);
        err->kind = ERROR_UNAVAILABLE; // whatever was asked of it is not what is not found
        return -1;
    }
    if (watch(&ret->pid_fd, ret->pid, err) < 0)
        return -1;
    ret->output_fd = TAKE_FD(out);
    ret->error_fd = TAKE_FD(error);
    return 0;
}
