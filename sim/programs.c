// SPDX-License-Identifier: MIT
#include "programs.h"

#include "base/fd.h"
#include "console.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

struct programs {
    struct game *game;
    size_t       n;
    pid_t        pids[PROGRAMS_MAX];
};

struct programs *programs_new(struct game *game)
{
    struct programs *programs = calloc(1, sizeof *programs);

    if (programs)
        programs->game = game;
    return programs;
}

struct programs *programs_free(struct programs *programs)
{
    if (!programs)
        return NULL;

    for (size_t i = 0; i < programs->n; i++)
        (void)kill(programs->pids[i], SIGKILL); // not reaped yet, so the id is still its own
    free(programs);
    return NULL;
}

static NORETURN void run_child(char *const argv[])
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(argv[0], argv);
    dprintf(STDERR_FILENO, "[sim] run: %s: %s\n", argv[0], strerrordesc_np(errno));
    _exit(127);
}

int programs_run(struct programs *programs, char *const argv[], struct error *err)
{
    if (programs->n == PROGRAMS_MAX)
        return error_set(err, ERROR_BUSY, "%u programs run already", PROGRAMS_MAX);

    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        return error_sys(err, errno, "starting %s", argv[0]);
    if (pid == 0)
        run_child(argv);

    programs->pids[programs->n++] = pid;
    return 0;
}

// Waits until the parent has named us as its tracer, which Yama asks for. What came of it goes
// straight to standard output: the console is the parent's.
static NORETURN void inspect_parent(pid_t parent, int go_fd)
{
    char        nothing;
    int         status;
    const char *result = "ok";

    (void)!read(go_fd, &nothing, 1); // ends when the parent closes its side
    if (ptrace(PTRACE_ATTACH, parent, NULL, NULL) == 0) {
        (void)waitpid(parent, &status, __WALL);          // it stops, or is gone: both are fine
        (void)ptrace(PTRACE_DETACH, parent, NULL, NULL); // our exit would detach as well
    } else {
        result = strerrorname_np(errno);
    }
    dprintf(STDOUT_FILENO, "[sim] crash reporter: ptrace: %s\n", result);
    _exit(0);
}

void programs_start_breakpad(struct programs *programs)
{
    pid_t parent = getpid();
    int   go[2];

    (void)programs; // its end is nobody's business
    if (pipe2(go, O_CLOEXEC) < 0)
        return;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        fd_close(go[1]);
        inspect_parent(parent, go[0]);
    }
    if (child > 0)
        (void)prctl(PR_SET_PTRACER, child); // as Breakpad does; EINVAL without Yama
    fd_close(go[0]);
    fd_close(go[1]);
}

static void report(struct programs *programs, pid_t pid, int status)
{
    for (size_t i = 0; i < programs->n; i++) {
        if (programs->pids[i] != pid)
            continue;
        programs->pids[i] = programs->pids[--programs->n];
        if (WIFSIGNALED(status))
            console_print(programs->game->console, "[sim] run killed by signal %d\n",
                          WTERMSIG(status));
        else
            console_print(programs->game->console, "[sim] run exited %d\n", WEXITSTATUS(status));
        return;
    }
}

void programs_reap(struct programs *programs)
{
    int   status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        report(programs, pid, status);
}
