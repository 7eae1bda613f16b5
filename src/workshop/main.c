// SPDX-License-Identifier: MIT
// left4me-workshop: BUILD builds a Workshop overlay, in the sandbox of left4me-workshop@.service;
// `collect` removes from the cache what nobody uses, in that of left4me-collect.service.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/number.h"
#include "base/protocol.h"
#include "base/spec.h"
#include "settings/settings.h"
#include "workshop/collect.h"
#include "workshop/sync.h"

#define EXIT_USAGE 2
#define USAGE      "usage: left4me-workshop BUILD | collect [SECONDS]\n"
#define BUILDS_DIR PROTOCOL_HOST_DIR "/builds"

static void print_line(void *user, const char *line)
{
    (void)user;
    (void)puts(line); // whoever closed the journal misses it
}

static int read_spec(struct build_spec *ret, const char *build_text, struct error *err)
{
    AUTO_FD fd = open(BUILDS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening " BUILDS_DIR);
    return spec_read_build(ret, fd, build_text, err);
}

static const struct say out = { .line = print_line };

static int build(const char *build_text, struct error *err)
{
    struct settings        settings;
    struct workshop_result result;
    struct build_spec      spec;

    if (read_spec(&spec, build_text, err) < 0 || settings_read(&settings, SETTINGS_PATH, err) < 0)
        return -1;
    struct workshop_options options = {
        .api_url = settings.workshop.api_url,
        .item_max_bytes = settings.workshop.item_max_bytes,
        .total_max_bytes = MIN(settings.workshop.total_max_bytes, spec.output_max_bytes),
        .collect_after_s = COLLECT_AFTER_S,
        .rules = fetch_rules_default,
    };
    options.rules.parallel = settings.workshop.downloads;
    options.rules.rate_max_bytes_s = settings.workshop.rate_max_bytes_s;
    return workshop_sync(&result, PROTOCOL_DATA_DIR, spec.build, &options, &out, err);
}

static int collect(const char *after_text, struct error *err)
{
    uint64_t after_s = COLLECT_AFTER_S;

    if (after_text && number_parse_u64(&after_s, after_text, 0, UINT32_MAX, err) < 0)
        return error_prefix(err, "seconds");
    return collect_unused(PROTOCOL_DATA_DIR, after_s, &out, err);
}

int main(int argc, char **argv)
{
    struct error err = { 0 };

    (void)setvbuf(stdout, NULL, _IOLBF, 0); // progress is read while it happens
    (void)signal(SIGPIPE, SIG_IGN);         // of connections that break
    (void)umask(0027);                      // left4me reads what is known of items
    bool is_collection = argc >= 2 && strcmp(argv[1], "collect") == 0;
    if (argc < 2 || argc > 2 + is_collection) {
        (void)fputs(USAGE, stderr);
        return EXIT_USAGE;
    }
    if ((is_collection ? collect(argv[2], &err) : build(argv[1], &err)) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    log_line(LEVEL_NOTICE, "done"); // whoever follows the log waits for it
    return 0;
}
