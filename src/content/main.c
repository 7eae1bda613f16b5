// SPDX-License-Identifier: MIT
// left4me-content: works on what left4me-content owns: `publish BUILD` makes published content,
// `edit INSTANCE` drops some of what a stopped game wrote.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/protocol.h"
#include "content/drop.h"
#include "content/entry.h"
#include "content/publish.h"

#define EXIT_USAGE  2
#define EDITS_DIR   PROTOCOL_HOST_DIR "/edits"
#define RUNTIME_DIR PROTOCOL_DATA_DIR "/runtime"

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
    case PUBLISH_UNFINISHED:
        log_line(LEVEL_ERROR, "the builder was stopped before its end: nothing is published");
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

static int publish_named(const char *name, struct error *err)
{
    uint32_t build = 0;

    if (number_name_parse(&build, name, err) < 0)
        return -1;
    return run_publish(build, err);
}

// The game may have closed the root of its layer.
static int open_upper(int *ret, const struct instance_name *name, struct error *err)
{
    AUTO_FD runtime_fd = open(RUNTIME_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD fd = -1;

    if (runtime_fd < 0)
        return error_sys(err, errno, "opening " RUNTIME_DIR);
    if (fd_open_dir(&fd, runtime_fd, name->text, err) < 0)
        return -1;
    return entry_open_dir(ret, fd, "upper", err);
}

static int edit_named(const char *text, struct error *err)
{
    static const struct watch watch = { .say = say };
    struct instance_name      name;
    AUTO(freep) char         *paths = NULL;
    AUTO_FD                   edits_fd = open(EDITS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD                   upper_fd = -1;
    size_t                    n = 0;

    if (instance_name_set(&name, text, err) < 0)
        return -1;
    if (edits_fd < 0)
        return error_sys(err, errno, "opening " EDITS_DIR);
    if (fd_read_file(&paths, &n, edits_fd, name.text, EDIT_BYTES_MAX, err) < 0 ||
        open_upper(&upper_fd, &name, err) < 0)
        return -1;
    return drop_paths(upper_fd, paths, n, &watch, err);
}

static const struct {
    const char *word;
    int (*run)(const char *name, struct error *err);
} commands[] = {
    { "publish", publish_named }, // BUILD
    { "edit", edit_named },       // INSTANCE
};

int main(int argc, char **argv)
{
    struct error err = { 0 };

    (void)setvbuf(stdout, NULL, _IOLBF, 0); // progress is read while it happens
    (void)signal(SIGIO, SIG_IGN);           // of leases, see flatten.h
    (void)umask(0027);                      // generations may hold secrets
    for (size_t i = 0; argc == 3 && i < ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].word) != 0)
            continue;
        if (commands[i].run(argv[2], &err) == 0)
            return 0;
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    (void)fputs("usage: left4me-content publish BUILD | edit INSTANCE\n", stderr);
    return EXIT_USAGE;
}
