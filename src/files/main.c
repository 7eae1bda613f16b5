// SPDX-License-Identifier: MIT
// left4me-files: makes the upper layer of a build out of the working tree of its overlay.

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/protocol.h"
#include "files/layer.h"

#define EXIT_USAGE 2

static void say(void *user, const char *line)
{
    (void)user;
    (void)puts(line); // whoever closed the journal misses it
}

static int run(uint32_t build, struct error *err)
{
    static const struct layer_paths paths = {
        .data_dir = PROTOCOL_DATA_DIR,
        .host_dir = PROTOCOL_HOST_DIR,
    };
    static const struct copytree_limits limits = {
        .bytes_max = LAYER_BYTES_MAX,
        .file_bytes_max = LAYER_BYTES_MAX,
        .entries_max = LAYER_ENTRIES_MAX,
        .depth_max = LAYER_DEPTH_MAX,
    };
    static const struct layer_watch watch = { .say = say };
    struct copytree_counts          counts = { 0 };

    if (layer_build(&counts, build, &paths, &limits, &watch, err) < 0)
        return -1;
    (void)printf("%" PRIu64 " files, %" PRIu64 " bytes; %" PRIu64 " of them as they were\n",
                 counts.files, counts.bytes, counts.linked);
    return 0;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    uint32_t     build = 0;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); // progress is read while it happens
    (void)umask(0027);
    if (argc != 2) {
        (void)fputs("usage: left4me-files BUILD\n", stderr);
        return EXIT_USAGE;
    }
    if (number_name_parse(&build, argv[1], &err) < 0 || run(build, &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    log_line(LEVEL_NOTICE, "done"); // whoever follows the log waits for it
    return 0;
}
