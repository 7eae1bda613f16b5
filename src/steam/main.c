// SPDX-License-Identifier: MIT
// left4me-steamcmd: installs or updates the game inside the sandbox of left4me-update@.service.

#include <stdlib.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "base/scope.h"
#include "base/spec.h"
#include "steam/update.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

int main(int argc, char **argv)
{
    // As the unit binds them.
    static const struct install_paths paths = {
        .tree_dir = "/overlay",
        .cache_dir = "/cache",
        .steamcmd_dir = "/run/steamcmd",
    };
    struct build_spec build;
    struct error      err = { 0 };

    (void)unsetenv(
        "JOURNAL_STREAM"); // a level before a line is not read: SteamCMD has the same output

    (void)argv;
    if (argc != 1) {
        (void)fputs("usage: left4me-steamcmd\n", stderr);
        return EXIT_USAGE;
    }
    if (spec_read_bound_build(&build, SPEC_BOUND_BUILD, &err) < 0) {
        (void)printf("error start %s\n", err.message); // as update.c does
        return EXIT_FAILED;
    }
    (void)umask(0022);
    (void)prctl(PR_SET_DUMPABLE, 0); // SteamCMD is the same user, and not to write into the guard
    (void)scope_abstract_sockets();  // before Linux 6.12 they stay shared
    return update_run(&paths, build.output_max_bytes, stdout, &err) < 0 ? EXIT_FAILED
                                                                        : 0; // it has printed why
}
