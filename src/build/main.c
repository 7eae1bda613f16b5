// SPDX-License-Identifier: MIT

// left4me-script: process 1 of the sandbox of a script build, as left4me-script@.service binds it.

#include <stdio.h>
#include <unistd.h>
#include "build/script.h"

#define EXIT_USAGE         2
#define OUTPUT_MAX_DEFAULT (UINT64_C(20) << 30)

// What the overlay and its cache may take of the disk.
static uint64_t output_max_bytes(void)
{
    return OUTPUT_MAX_DEFAULT;
}

int main(int argc, char **argv)
{
    const struct script_spec spec = {
        .shell = "/bin/bash",
        .script = "/source/script",
        .overlay_dir = "/overlay",
        .cache_dir = "/cache",
        .tmp_dir = "/tmp",
        .output_max_bytes = output_max_bytes(),
        .log_lines_max = SCRIPT_LOG_LINES_MAX,
        .log_bytes_max = SCRIPT_LOG_BYTES_MAX,
        .output_fd = STDOUT_FILENO,
    };

    (void)argv;
    if (argc != 1) {
        (void)fputs("usage: left4me-script\n", stderr);
        return EXIT_USAGE;
    }
    return script_run(&spec);
}
