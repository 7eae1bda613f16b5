// SPDX-License-Identifier: MIT
#include "guard/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "guard/names.h"
#include "guard/procfs.h"

#define INFO_MAX   4096u
#define MAPS_BYTES 16384u // a line has a path of PATH_MAX, each byte of which may become four
#define LINK_MAX_  64u

struct scan {
    struct holders_opaque       opaque;
    struct measure             *measure;
    const struct holders_roots *roots;
    bool                        has_memory; // of this process: its maps have been read
};

static bool is_refused(int errnum)
{
    return errnum == EACCES || errnum == EPERM;
}

static bool is_on_roots(const struct scan *scan, const struct statx *st)
{
    for (unsigned i = 0; i < scan->roots->n; i++)
        if (st->stx_mnt_id == scan->roots->mounts[i])
            return true;
    return false;
}

// Of a directory that the lower layer has as well, overlayfs always says that it has one name. The
// kernel's words for its path tell; a directory that is really called so counts twice.
static bool is_removed(const struct statx *st, int dir_fd, const char *name)
{
    static const char word[] = " (deleted)";
    const size_t      n_word = sizeof word - 1;
    char              path[PATH_MAX];

    if (st->stx_nlink == 0 || !S_ISDIR(st->stx_mode))
        return st->stx_nlink == 0;
    ssize_t n = readlinkat(dir_fd, name, path, sizeof path);
    return n < 0 || ((size_t)n >= n_word && memcmp(path + n - n_word, word, n_word) == 0);
}

// Looks at what the link `name` of /proc leads to. 0: at nothing.
static int look(struct scan *scan, struct statx *ret, int dir_fd, const char *name,
                struct error *err)
{
    if (statx(dir_fd, name, AT_NO_AUTOMOUNT, MEASURE_STATX, ret) < 0)
        return processes_is_gone(errno) || is_refused(errno)
                   ? 0
                   : error_sys(err, errno, "looking at what a process holds");
    if (is_on_roots(scan, ret) && is_removed(ret, dir_fd, name) &&
        measure_add_file(scan->measure, ret, err) < 0)
        return -1;
    return 1;
}

// ---- descriptors ------------------------------------------------------------------------------

static int look_into_socket(struct scan *scan, int task_fd, const char *name, struct error *err)
{
    char path[LINK_MAX_], text[INFO_MAX];

    (void)snprintf(path, sizeof path, "fdinfo/%.20s", name); // a number
    AUTO_FD fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : fd_read_up_to(fd, text, sizeof text);
    if (n < 0)
        return processes_is_gone(errno) || is_refused(errno)
                   ? 0
                   : error_sys(err, errno, "looking into a socket of a process");
    scan->opaque.n_in_flight += procfs_parse_in_flight(text, (size_t)n);
    return 0;
}

// What has ended does not let anybody look either.
static int count_hidden(struct scan *scan, int task_fd, struct error *err)
{
    struct procfs_status status;
    int                  r = processes_status(&status, task_fd, "status", err);

    if (r > 0 && !processes_has_ended(status.state))
        scan->opaque.n_hidden++;
    return MIN(r, 0);
}

static int look_at_descriptors(struct scan *scan, int task_fd, struct error *err)
{
    AUTO_FD      fd = openat(task_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct names names;
    const char  *name;
    int          r;

    if (fd < 0 && is_refused(errno))
        return count_hidden(scan, task_fd, err);
    if (fd < 0)
        return processes_is_gone(errno) ? 0
                                        : error_sys(err, errno, "listing what a process has open");
    names_begin(&names, fd);
    while ((r = names_next(&name, &names)) > 0) {
        struct statx st;
        int          found = look(scan, &st, fd, name, err);
        if (found < 0 ||
            (found > 0 && S_ISSOCK(st.stx_mode) && look_into_socket(scan, task_fd, name, err) < 0))
            return -1;
    }
    return r < 0 && !processes_is_gone(errno)
               ? error_sys(err, errno, "listing what a process has open")
               : 0;
}

// ---- memory -----------------------------------------------------------------------------------

static void take_mapping(struct scan *scan, const char *line, size_t n)
{
    for (unsigned i = 0; i < scan->roots->n; i++)
        scan->opaque.n_mapped += procfs_is_deleted_below(line, n, scan->roots->paths[i]);
}

// Hands on whole lines of what is there, and moves the rest to the front. *n is its length.
static void take_mappings(struct scan *scan, char *text, size_t *n)
{
    char *at = text, *end;

    while ((end = memchr(at, '\n', *n - (size_t)(at - text)))) {
        take_mapping(scan, at, (size_t)(end - at));
        at = end + 1;
    }
    *n -= (size_t)(at - text);
    memmove(text, at, *n);
}

// All tasks of a process have the same memory; one that has ended shows none.
static int look_at_mappings(struct scan *scan, int task_fd, struct error *err)
{
    char    text[MAPS_BYTES];
    AUTO_FD fd = openat(task_fd, "maps", O_RDONLY | O_CLOEXEC);
    size_t  n = 0;
    ssize_t got = 0;

    if (fd < 0)
        return processes_is_gone(errno) || is_refused(errno)
                   ? 0
                   : error_sys(err, errno, "listing what a process has mapped");
    while ((got = read(fd, text + n, sizeof text - n)) > 0) {
        scan->has_memory = true;
        n += (size_t)got;
        take_mappings(scan, text, &n);
        if (n == sizeof text)
            return error_set(err, ERROR_SYSTEM, "a mapping of a process has too long a line");
    }
    return got < 0 && !processes_is_gone(errno)
               ? error_sys(err, errno, "listing what a process has mapped")
               : 0;
}

// ---- tasks ------------------------------------------------------------------------------------

// Each task may have descriptors and a working directory of its own.
static int look_at_task(void *context, int tasks_fd, const char *name, struct error *err)
{
    struct scan *scan = context;
    struct statx st;
    AUTO_FD      fd = openat(tasks_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return processes_is_gone(errno) ? 0 : error_sys(err, errno, "opening a task");
    if (look_at_descriptors(scan, fd, err) < 0 || look(scan, &st, fd, "cwd", err) < 0)
        return -1;
    if (scan->has_memory)
        return 0;
    if (look(scan, &st, fd, "exe", err) < 0)
        return -1;
    return look_at_mappings(scan, fd, err);
}

int holders_measure(struct holders_opaque *ret, struct measure *measure,
                    const struct processes *processes, const struct holders_roots *roots,
                    struct error *err)
{
    struct scan scan = { .measure = measure, .roots = roots };

    for (size_t i = 0; i < processes->n; i++) {
        scan.has_memory = false;
        if (processes_visit_tasks(processes, processes->list[i], look_at_task, &scan, err) < 0)
            return -1;
    }
    *ret = scan.opaque;
    return 0;
}
