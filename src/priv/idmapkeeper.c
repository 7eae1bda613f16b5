// SPDX-License-Identifier: MIT

// left4me-idmap: makes the id maps of the stacks, once, and keeps them for the mount helper.
//
//     left4me-idmap up | down
//
// The only program of ours that may write id maps. It takes no name and reads nothing but the
// numbers of our own users.

#include <string.h>
#include "base/log.h"
#include "priv/idmap.h"

int main(int argc, char **argv)
{
    struct error err = { 0 };
    bool         is_up = argc == 2 && strcmp(argv[1], "up") == 0;
    bool         is_down = argc == 2 && strcmp(argv[1], "down") == 0;

    if (!is_up && !is_down) {
        log_line(LEVEL_ERROR, "left4me-idmap is started by its unit: up | down");
        return 2;
    }
    if ((is_up ? idmap_keep_all(&err) : idmap_drop_all(&err)) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    return 0;
}
