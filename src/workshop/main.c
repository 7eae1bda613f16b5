// SPDX-License-Identifier: MIT
// left4me-workshop: builds a Workshop overlay, in the sandbox of left4me-workshop@.service.

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/protocol.h"
#include "settings/settings.h"
#include "workshop/sync.h"

#define EXIT_USAGE 2

static void print_line(void *user, const char *line)
{
    (void)user;
    (void)puts(line); // whoever closed the journal misses it
}

static int run(const char *build_text, struct error *err)
{
    static const struct say out = { .line = print_line };
    struct settings         settings;
    struct workshop_result  result;
    uint32_t                build = 0;

    if (number_name_parse(&build, build_text, err) < 0 ||
        settings_read(&settings, SETTINGS_PATH, err) < 0)
        return -1;
    struct workshop_options options = {
        .api_url = settings.workshop.api_url,
        .item_max_bytes = settings.workshop.item_max_bytes,
        .total_max_bytes = settings.workshop.total_max_bytes,
        .rules = fetch_rules_default,
    };
    options.rules.parallel = settings.workshop.downloads;
    options.rules.rate_max_bytes_s = settings.workshop.rate_max_bytes_s;
    return workshop_sync(&result, PROTOCOL_DATA_DIR, build, &options, &out, err);
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
    return 0;
}
