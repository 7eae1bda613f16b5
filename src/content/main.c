// SPDX-License-Identifier: MIT
// left4me-content: makes published content. One command so far: `publish BUILD`.

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/protocol.h"
#include "content/publish.h"

#define EXIT_USAGE 2

static void say(void *user, const char *line)
{
    (void)user;
    (void)puts(line); // whoever closed the journal misses it
}

static void print_result(const struct publish_result *result)
{
    const struct generation *g = &result->generation;

    switch (result->outcome) {
    case PUBLISH_DONE:
        (void)printf("published generation %" PRIu32 ": %" PRIu64 " added, %" PRIu64
                     " changed, %" PRIu64 " removed, %" PRIu64 " bytes\n",
                     g->number, g->added, g->changed, g->removed, g->bytes_changed);
        return;
    case PUBLISH_ALREADY:
        (void)printf("generation %" PRIu32 " of this build is published already\n", g->number);
        return;
    case PUBLISH_UNCHANGED:
        (void)puts("nothing changed");
        return;
    case PUBLISH_SELECTED:
        (void)printf("selected generation %" PRIu32 "\n", g->number);
        return;
    case PUBLISH_COLLECTED:
        (void)printf("collected: %" PRIu32 " generations dropped\n", result->n_dropped);
        return;
    }
}

static int run_publish(uint32_t build, struct error *err)
{
    static const struct publish_paths paths = {
        .data_dir = PROTOCOL_DATA_DIR,
        .host_dir = PROTOCOL_HOST_DIR,
        .mounted_dir = PROTOCOL_MOUNTED_DIR,
    };
    static const struct watch watch = { .say = say };
    struct publish_result     result = { 0 };

    if (publish(&result, build, &paths, &watch, err) < 0)
        return -1;
    print_result(&result);
    return 0;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    uint32_t     build = 0;

    (void)setvbuf(stdout, NULL, _IOLBF, 0); // progress is read while it happens
    (void)signal(SIGIO, SIG_IGN);           // of leases, see flatten.h
    (void)umask(0027);                      // generations may hold secrets
    if (argc != 3 || strcmp(argv[1], "publish") != 0) {
        (void)fputs("usage: left4me-content publish BUILD\n", stderr);
        return EXIT_USAGE;
    }
    if (number_name_parse(&build, argv[2], &err) < 0 || run_publish(build, &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    return 0;
}
