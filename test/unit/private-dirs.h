// SPDX-License-Identifier: MIT
#pragma once

// private-dirs: a /run and a /var/lib of the test's own, so that the files, locks and sockets of
// the privileged programs are really there.

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "base/macros.h"

// Enters a mount namespace in which /run and /var/lib are empty, but for our directories. Needs
// root. Returns -1 with errno.
static inline int private_dirs_enter(void)
{
    static const char *const dirs[] = {
        "/var/lib/left4me-host",        "/var/lib/left4me-host/instances",
        "/var/lib/left4me-host/builds", "/var/lib/left4me-host/overlays",
        "/var/lib/left4me-host/edits",  "/run/left4me-host",
        "/run/left4me-host/lock",       "/run/left4me-host/mounted",
    };

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("test", "/var/lib", "tmpfs", 0, NULL) < 0 ||
        mount("test", "/run", "tmpfs", 0, NULL) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        if (mkdir(dirs[i], 0755) < 0)
            return -1;
    return 0;
}
