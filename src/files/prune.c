// SPDX-License-Identifier: MIT
#include "files/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/text.h"
#include "base/tree.h"

#define SHOW_MAX 121u // bytes of a path in a message, the NUL included

static const char *show(char ret[SHOW_MAX], const char *path)
{
    (void)text_sanitize(ret, SHOW_MAX, path, strlen(path));
    return ret;
}

// ---- the list ---------------------------------------------------------------------------------

static bool is_path(const char *path, size_t n)
{
    if (n == 0 || n > PRUNE_PATH_MAX)
        return false;
    for (const char *name = path;;) {
        size_t n_name = strcspn(name, "/");
        if (n_name == 0 || n_name > NAME_MAX || (n_name == 1 && name[0] == '.') ||
            (n_name == 2 && name[0] == '.' && name[1] == '.'))
            return false;
        if (!name[n_name])
            return true;
        name += n_name + 1;
    }
}

static int check_list(const char *list, size_t n_list, struct error *err)
{
    char   shown[SHOW_MAX];
    size_t n_paths = 0;

    if (n_list > PRUNE_LIST_MAX)
        return error_set(err, ERROR_INVALID, "the list of paths has more than %u bytes",
                         PRUNE_LIST_MAX);
    if (n_list > 0 && list[n_list - 1])
        return error_set(err, ERROR_INVALID, "the last path of the list is not ended");
    for (size_t i = 0, n; i < n_list; i += n + 1) {
        n = strlen(list + i);
        if (++n_paths > PRUNE_PATHS_MAX)
            return error_set(err, ERROR_INVALID, "the list has more than %u paths",
                             PRUNE_PATHS_MAX);
        if (!is_path(list + i, n))
            return error_set(err, ERROR_INVALID, "'%s' is not a path below the directory",
                             show(shown, list + i));
    }
    return 0;
}

// ---- one path ---------------------------------------------------------------------------------

// Enters the directory `name`, which its owner may have been kept out of.
static int enter(int dir_fd, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int       fd = openat(dir_fd, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(dir_fd, name, flags);
    return fd;
}

// Opens the directory that `path` ends in; *ret_name is the last name. 0: there is none.
static int open_parent(int *ret, const char **ret_name, int dir_fd, const char *path,
                       struct error *err)
{
    AUTO_FD     fd = enter(dir_fd, ".");
    char        name[NAME_MAX + 1], shown[SHOW_MAX];
    const char *rest = path;

    for (const char *slash; fd >= 0 && (slash = strchr(rest, '/')); rest = slash + 1) {
        size_t n = (size_t)(slash - rest); // check_list() has seen its length
        memcpy(name, rest, n);
        name[n] = '\0';
        int next = enter(fd, name);
        fd = fd_close(fd);
        fd = next;
    }
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0; // what is not a directory holds nothing of this name
    if (fd < 0)
        return error_sys(err, errno, "opening what '%s' lies in", show(shown, path));
    *ret = TAKE_FD(fd);
    *ret_name = rest;
    return 1;
}

static int remove_path(struct prune_result *result, int dir_fd, const char *path, struct error *err)
{
    AUTO_FD     fd = -1;
    char        shown[SHOW_MAX];
    const char *name;
    struct stat st;
    int         r = open_parent(&fd, &name, dir_fd, path, err);

    if (r < 0)
        return -1;
    if (r == 0 || (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)) {
        result->absent++;
        return 0;
    }
    // The directory must let its owner write, or nothing in it can be removed.
    if (faccessat(fd, ".", W_OK, AT_EACCESS) < 0)
        (void)fchmod(fd, 0700); // a failure shows in the next line
    if (tree_remove(fd, name, err) < 0)
        return error_prefix(err, "'%s'", show(shown, path));
    result->removed++;
    return 0;
}

int prune_run(struct prune_result *ret, int dir_fd, const char *list, size_t n_list,
              struct error *err)
{
    struct prune_result result = { 0 };
    struct error        why = { 0 };

    if (check_list(list, n_list, err) < 0)
        return -1;
    for (size_t i = 0; i < n_list; i += strlen(list + i) + 1)
        if (remove_path(&result, dir_fd, list + i, &why) < 0 && result.failed++ == 0)
            *err = why;
    *ret = result;
    return result.failed ? -1 : 0;
}
