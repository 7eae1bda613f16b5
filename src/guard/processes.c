// SPDX-License-Identifier: MIT
#include "guard/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/number.h"
#include "guard/names.h"
#include "guard/procfs.h"

#define PID_MAX        4194304 // the kernel's own limit
#define TURNS_MAX      5000u   // of a millisecond, until all are gone
#define PROC_PATH_MAX  300u
#define CHILDREN_BYTES 4096u
#define IO_BYTES       512u

// Without that file it would seem that nobody has a child.
static int check_proc(int proc_fd, struct error *err)
{
    char link[16] = "", self[16], path[PROC_PATH_MAX];

    (void)snprintf(self, sizeof self, "%d", (int)getpid()); // it fits
    (void)snprintf(path, sizeof path, "self/task/%d/children", (int)getpid());
    if (readlinkat(proc_fd, "self", link, sizeof link - 1) < 0)
        return error_sys(err, errno, "reading /proc/self");
    if (strcmp(link, self) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "/proc is that of other processes");
    if (faccessat(proc_fd, path, F_OK, 0) < 0)
        return error_sys(err, errno, "listing children (CONFIG_PROC_CHILDREN)");
    return 0;
}

int processes_new(struct processes **ret, struct error *err)
{
    AUTO(freep) struct processes *processes = calloc(1, sizeof *processes);
    AUTO_FD                       fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (!processes)
        return error_sys(err, ENOMEM, "making room for a list of processes");
    if (fd < 0)
        return error_sys(err, errno, "opening /proc");
    if (check_proc(fd, err) < 0)
        return -1;
    processes->proc_fd = TAKE_FD(fd);
    processes->self = getpid();
    processes->is_init = processes->self == 1;
    if (!processes->is_init && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return error_sys(err, errno, "becoming the parent of orphans");
    *ret = TAKE(processes);
    return 0;
}

struct processes *processes_free(struct processes *processes)
{
    if (processes)
        (void)fd_close(processes->proc_fd);
    free(processes);
    return NULL;
}

int processes_open(const struct processes *processes, pid_t pid, const char *name, int flags)
{
    char path[PROC_PATH_MAX];

    (void)snprintf(path, sizeof path, "%d/%s", (int)pid, name); // names are a few words of ours
    return openat(processes->proc_fd, path, flags | O_CLOEXEC);
}

// ---- who is there -----------------------------------------------------------------------------

bool processes_is_gone(int errnum)
{
    return errnum == ENOENT || errnum == ESRCH;
}

bool processes_has_ended(char state)
{
    return state == 'Z' || state == 'X';
}

int processes_status(struct procfs_status *ret, int dir_fd, const char *path, struct error *err)
{
    char    text[PROCFS_STATUS_MAX];
    AUTO_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_up_to(fd, text, sizeof text);

    if (n < 0)
        return processes_is_gone(errno) ? 0
                                        : error_sys(err, errno, "reading the status of a process");
    if (!procfs_parse_status(ret, text, (size_t)n))
        return error_set(err, ERROR_SYSTEM, "the status of a process makes no sense");
    return 1;
}

int processes_visit_tasks(const struct processes *processes, pid_t pid, processes_task *visit,
                          void *context, struct error *err)
{
    AUTO_FD      fd = processes_open(processes, pid, "task", O_RDONLY | O_DIRECTORY);
    struct names names;
    const char  *name;
    int          r;

    if (fd < 0)
        return processes_is_gone(errno) ? 0 : error_sys(err, errno, "listing tasks");
    names_begin(&names, fd);
    while ((r = names_next(&name, &names)) > 0)
        if (visit(context, fd, name, err) < 0)
            return -1;
    return r < 0 && !processes_is_gone(errno) ? error_sys(err, errno, "listing tasks") : 0;
}

static int add(struct processes *processes, pid_t pid, struct error *err)
{
    if (processes->n == PROCESSES_MAX)
        return error_set(err, ERROR_NO_SPACE, "there are more than %u processes", PROCESSES_MAX);
    processes->list[processes->n++] = pid;
    return 0;
}

static int add_children(void *context, int tasks_fd, const char *task, struct error *err)
{
    struct processes *processes = context;
    char              path[PROC_PATH_MAX], text[CHILDREN_BYTES];
    size_t            n = 0, at;
    uint32_t          pid;
    ssize_t           got;

    (void)snprintf(path, sizeof path, "%.20s/children", task); // a number
    AUTO_FD fd = openat(tasks_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return processes_is_gone(errno) ? 0 : error_sys(err, errno, "listing children");
    while ((got = read(fd, text + n, sizeof text - n)) > 0) {
        n += (size_t)got;
        size_t used = 0;
        while ((at = procfs_next_number(&pid, text + used, n - used)) > 0) {
            used += at;
            if (add(processes, (pid_t)pid, err) < 0)
                return -1;
        }
        n -= used;
        memmove(text, text + used, n);
    }
    return got < 0 && !processes_is_gone(errno) ? error_sys(err, errno, "listing children") : 0;
}

int processes_list(struct processes *processes, struct error *err)
{
    processes->n = 0;
    if (processes_visit_tasks(processes, processes->self, add_children, processes, err) < 0)
        return -1;
    for (size_t i = 0; i < processes->n; i++) // it grows meanwhile
        if (processes_visit_tasks(processes, processes->list[i], add_children, processes, err) < 0)
            return -1;
    return 0;
}

// ---- signals ----------------------------------------------------------------------------------

static void rest(void)
{
    const struct timespec millisecond = { .tv_nsec = 1000000 };

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &millisecond, NULL); // shorter does no harm
}

// Once for all of them; *ret_is_any: some have not ended.
static int signal_each(struct processes *processes, int signal, bool *ret_is_any, struct error *err)
{
    *ret_is_any = false;
    if (processes_list(processes, err) < 0)
        return -1;
    for (size_t i = 0; i < processes->n; i++)
        if (kill(processes->list[i], signal) < 0 && errno != ESRCH)
            return error_sys(err, errno, "signalling a process");
    for (size_t i = 0; i < processes->n && !*ret_is_any; i++) {
        struct procfs_status status;
        char                 path[PROC_PATH_MAX];
        (void)snprintf(path, sizeof path, "%d/status", (int)processes->list[i]); // it fits
        int r = processes_status(&status, processes->proc_fd, path, err);
        if (r < 0)
            return -1;
        *ret_is_any = r > 0 && !processes_has_ended(status.state);
    }
    return 0;
}

int processes_signal(struct processes *processes, int signal, struct error *err)
{
    bool is_any = true;

    if (processes->is_init)
        return kill(-1, signal) < 0 && errno != ESRCH
                   ? error_sys(err, errno, "signalling all processes")
                   : 0;
    if (signal != SIGKILL)
        return signal_each(processes, signal, &is_any, err);
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        if (signal_each(processes, signal, &is_any, err) < 0)
            return -1;
        if (!is_any)
            return 0;
        rest();
    }
    return error_set(err, ERROR_TIMEOUT, "a process does not end");
}

// ---- do they rest? ----------------------------------------------------------------------------

static int add_motion(void *context, int tasks_fd, const char *task, struct error *err)
{
    struct processes_motion *motion = context;
    struct procfs_status     status;
    char                     path[PROC_PATH_MAX];
    uint32_t                 number = 0;

    if (number_parse_u32(&number, task, 1, PID_MAX, err) < 0)
        return -1;
    (void)snprintf(path, sizeof path, "%" PRIu32 "/status", number); // it fits
    int r = processes_status(&status, tasks_fd, path, err);
    if (r <= 0)
        return r;
    if (processes_has_ended(status.state))
        return 0;
    motion->n_tasks++;
    motion->switches += status.switches;
    motion->mix += (number + UINT64_C(1)) * 0x9e3779b97f4a7c15u; // which they are
    motion->is_running = motion->is_running || status.state == 'R';
    return 0;
}

int processes_motion(struct processes_motion *ret, const struct processes *processes,
                     struct error *err)
{
    struct processes_motion motion = { 0 };

    for (size_t i = 0; i < processes->n; i++)
        if (processes_visit_tasks(processes, processes->list[i], add_motion, &motion, err) < 0)
            return -1;
    *ret = motion;
    return 0;
}

bool processes_rested(const struct processes_motion *before, const struct processes_motion *after)
{
    return !before->is_running && !after->is_running && before->n_tasks == after->n_tasks &&
           before->switches == after->switches && before->mix == after->mix;
}

// ---- what they write --------------------------------------------------------------------------

bool processes_are_counted(int dir_fd)
{
    static const char byte = 0;
    struct rusage     before, after;
    AUTO_FD           fd = openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);

    return fd >= 0 && getrusage(RUSAGE_SELF, &before) == 0 && write(fd, &byte, 1) == 1 &&
           getrusage(RUSAGE_SELF, &after) == 0 && after.ru_oublock > before.ru_oublock;
}

bool processes_written(uint64_t *ret, const struct processes *processes)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < processes->n; i++) {
        char     text[IO_BYTES];
        uint64_t written = 0;
        AUTO_FD  fd = processes_open(processes, processes->list[i], "io", O_RDONLY);
        ssize_t  n = fd < 0 ? -1 : fd_read_up_to(fd, text, sizeof text);
        if (n < 0 || !procfs_parse_written(&written, text, (size_t)n))
            return false;
        sum += written;
    }
    *ret = sum;
    return true;
}

// ---- those that hide --------------------------------------------------------------------------

static bool is_there(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

// Whether it runs and is not shown. It may begin or end while it is looked for.
static bool is_hidden(const struct processes *processes, pid_t pid)
{
    char        path[16];
    struct stat st;

    (void)snprintf(path, sizeof path, "%d", (int)pid); // it fits
    for (int i = 0; i < 2; i++)
        if (!is_there(pid) || fstatat(processes->proc_fd, path, &st, 0) == 0)
            return false;
    return is_there(pid);
}

uint32_t processes_count_hidden(const struct processes *processes)
{
    uint32_t n = 0;

    for (size_t i = 0; i < processes->n; i++)
        n += is_hidden(processes, processes->list[i]);
    return n;
}
