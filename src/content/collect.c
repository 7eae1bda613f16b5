// SPDX-License-Identifier: MIT
#include "content/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/protocol.h"
#include "base/tree.h"

static void closedirp(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir); // it was only read
}

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_unneeded(const char *name, const struct state *state, const struct uses *uses)
{
    struct error not_a_number;
    uint32_t     number = 0;

    return uses && number_name_parse(&number, name, &not_a_number) == 0 &&
           !state_find(state, number) && !uses_has(uses, number);
}

static int drop(int overlay_fd, const char *name, const struct watch *watch, struct error *err)
{
    char old[32];

    (void)snprintf(old, sizeof old, COLLECT_OLD_PREFIX "%.20s", name);
    watch_step(watch, "remove");
    if (tree_remove(overlay_fd, old, err) < 0)
        return -1;
    watch_step(watch, "rename");
    if (renameat(overlay_fd, name, overlay_fd, old) < 0)
        return error_sys(err, errno, "dropping generation %s", name);
    watch_say(watch, "dropping generation %s", name);
    watch_step(watch, "remove");
    return tree_remove(overlay_fd, old, err);
}

int collect(int overlay_fd, const struct state *state, const struct uses *uses,
            const struct watch *watch, struct error *err)
{
    int                  fd = openat(overlay_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        (void)error_sys(err, errno, "reading the generations");
        return fd_close(fd);
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? error_sys(err, errno, "reading the generations") : 0;

        const char *name = entry->d_name;
        int         result = 0;
        if (has_prefix(name, COLLECT_NEW_PREFIX) || has_prefix(name, COLLECT_OLD_PREFIX)) {
            watch_step(watch, "remove");
            result = tree_remove(overlay_fd, name, err);
        } else if (is_unneeded(name, state, uses)) {
            result = drop(overlay_fd, name, watch, err);
        }
        if (result < 0)
            return -1;
    }
}
