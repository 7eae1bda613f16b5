// SPDX-License-Identifier: MIT
#include "content/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/protocol.h"
#include "base/tree.h"

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
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, overlay_fd, err) < 0)
        return error_prefix(err, "the generations");
    while ((r = dir_next(&name, dir, err)) > 0) {
        int result = 0;
        if (has_prefix(name, COLLECT_NEW_PREFIX) || has_prefix(name, COLLECT_OLD_PREFIX)) {
            watch_step(watch, "remove");
            result = tree_remove(overlay_fd, name, err);
        } else if (is_unneeded(name, state, uses)) {
            result = drop(overlay_fd, name, watch, err);
        }
        if (result < 0)
            return -1;
    }
    return r < 0 ? error_prefix(err, "the generations") : 0;
}
