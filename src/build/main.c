// SPDX-License-Identifier: MIT

// left4me-script: process 1 of the sandbox of a script build, as left4me-script@.service binds it.

#include <stdio.h>
#include <unistd.h>
#include "base/log.h"
#include "base/spec.h"
#include "build/script.h"

#define EXIT_USAGE 2

int main(int argc, char **argv)
{
    struct script_spec spec = {
        .shell = "/bin/bash",
        .script = "/source/script",
        .overlay_dir = "/overlay",
        .cache_dir = "/cache",
        .tmp_dir = "/tmp",
        .log_lines_max = SCRIPT_LOG_LINES_MAX,
        .log_bytes_max = SCRIPT_LOG_BYTES_MAX,
        .output_fd = STDOUT_FILENO,
    };
    struct build_spec build;
    struct error      err = { 0 };

    (void)argv;
    if (argc != 1) {
        (void)fputs("usage: left4me-script\n", stderr);
        return EXIT_USAGE;
    }
    if (spec_read_bound_build(&build, SPEC_BOUND_BUILD, &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return SCRIPT_FAILED;
    }
    spec.output_max_bytes = build.output_max_bytes;
    return script_run(&spec);
}
