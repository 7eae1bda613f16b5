// SPDX-License-Identifier: MIT
#include "content/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/tree.h"
#include "content/entry.h"

// Opens the directory that holds the last component of `path`, which becomes *ret_name. Directories
// on the way that the game closed are opened for us, who own them.
static int open_parent(int *ret, char *path, const char **ret_name, int upper_fd, struct error *err)
{
    AUTO_FD fd = fcntl(upper_fd, F_DUPFD_CLOEXEC, 0);
    char   *slash;

    if (fd < 0)
        return error_sys(err, errno, "opening the upper layer");
    for (; (slash = strchr(path, '/')); path = slash + 1) {
        int next = -1;
        *slash = '\0';
        if (entry_open_dir(&next, fd, path, err) < 0)
            return -1;
        (void)fd_close(fd); // only walked through
        fd = next;
    }
    *ret_name = path;
    *ret = TAKE_FD(fd);
    return 0;
}

static int drop(int upper_fd, const char *path, const struct watch *watch, struct error *err)
{
    AUTO_FD     fd = -1;
    char        copy[DROP_PATH_MAX], shown[ENTRY_SHOW_MAX];
    const char *name = NULL;

    memcpy(copy, path, strlen(path) + 1);                 // it was checked
    if (open_parent(&fd, copy, &name, upper_fd, err) < 0) // below a file or a link there is nothing
        return err->errnum == ENOENT || err->errnum == ENOTDIR ? 0 : -1;
    watch_step(watch, "drop");
    if (tree_remove(fd, name, err) < 0)
        return error_prefix(err, "'%s'", entry_show(shown, "", path));
    watch_say(watch, "dropped '%s'", entry_show(shown, "", path));
    return 0;
}

static int check_path(const char *path, struct error *err)
{
    char shown[ENTRY_SHOW_MAX];

    if (!*path || strlen(path) >= DROP_PATH_MAX)
        return error_set(err, ERROR_INVALID, "a path is empty or too long");
    for (const char *part = path; part; part = strchr(part, '/')) {
        char   name[NAME_MAX + 2];
        size_t n;
        part += part != path;
        n = strcspn(part, "/");
        if (n > NAME_MAX)
            return error_set(err, ERROR_INVALID, "a component of a path is too long");
        memcpy(name, part, n);
        name[n] = '\0';
        if (!fd_is_component(name))
            return error_set(err, ERROR_INVALID, "'%s' is not a path below the upper layer",
                             entry_show(shown, "", path));
    }
    return 0;
}

int drop_paths(int upper_fd, const char *paths, size_t n_bytes, const struct watch *watch,
               struct error *err)
{
    if (n_bytes == 0 || paths[n_bytes - 1] != '\0')
        return error_set(err, ERROR_INVALID, "the list is empty or cut off");
    for (const char *p = paths; p < paths + n_bytes; p += strlen(p) + 1)
        if (check_path(p, err) < 0)
            return -1;
    for (const char *p = paths; p < paths + n_bytes; p += strlen(p) + 1)
        if (drop(upper_fd, p, watch, err) < 0)
            return -1;
    return 0;
}
