// SPDX-License-Identifier: MIT
// left4me-workshop: builds a Workshop overlay, in the sandbox of left4me-workshop@.service.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "base/protocol.h"
#include "base/spec.h"
#include "settings/settings.h"
#include "workshop/sync.h"

#define EXIT_USAGE 2
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

static int run(const char *build_text, struct error *err)
{
    static const struct say out = { .line = print_line };
    struct settings         settings;
    struct workshop_result  result;
    struct build_spec       spec;

    if (read_spec(&spec, build_text, err) < 0 || settings_read(&settings, SETTINGS_PATH, err) < 0)
        return -1;
    struct workshop_options options = {
        .api_url = settings.workshop.api_url,
        .item_max_bytes = settings.workshop.item_max_bytes,
        .total_max_bytes = MIN(settings.workshop.total_max_bytes, spec.output_max_bytes),
        .rules = fetch_rules_default,
    };
    options.rules.parallel = settings.workshop.downloads;
    options.rules.rate_max_bytes_s = settings.workshop.rate_max_bytes_s;
    return workshop_sync(&result, PROTOCOL_DATA_DIR, spec.build, &options, &out, err);
}

int main(int argc, char **argv)
{
    struct error err = { 0 };

    (void)setvbuf(stdout, NULL, _IOLBF, 0); // progress is read while it happens
    (void)signal(SIGPIPE, SIG_IGN);         // of connections that break
    (void)umask(0027);                      // left4me reads what is known of items
    if (argc != 2) {
        (void)fputs("usage: left4me-workshop BUILD\n", stderr);
        return EXIT_USAGE;
    }
    if (run(argv[1], &err) < 0) {
        log_line(LEVEL_ERROR, "%s", err.message);
        return error_kind_info(err.kind)->exit_code;
    }
    log_line(LEVEL_NOTICE, "done"); // whoever follows the log waits for it
    return 0;
}
