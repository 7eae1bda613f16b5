// SPDX-License-Identifier: MIT

// logs: what a server wrote, and what the init system said about it.

#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/fd.h"
#include "cli/interrupt.h"
#include "host/instances.h"
#include "host/journal.h"

#define INTERRUPT_MS 1000 // a Ctrl-C that comes just before the wait is seen after it

static void print_line(const struct journal_line *line)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    char                            stamp[OUTPUT_TIME_MAX];

    output_time(stamp, line->realtime_us);
    stamp[strcspn(stamp, "Z")] = '\0'; // comes after the fraction
    buffer_printf(&text, "%s.%03uZ ", stamp, (unsigned)(line->realtime_us / 1000 % 1000));
    buffer_add_escaped(&text, line->text, line->n_text);
    buffer_add_string(&text, "\n");
    output_flush(&text);
}

static void print_line_json(const struct journal_line *line)
{
    char    stamp[OUTPUT_TIME_MAX];
    json_t *json;

    output_time(stamp, line->realtime_us);
    json = json_pack("{s:s, s:I, s:i, s:o, s:o}", "time", stamp, "unix_us",
                     (json_int_t)line->realtime_us, "priority", (int)line->priority, "run",
                     *line->run ? output_text_json(line->run, strlen(line->run)) : json_null(),
                     "text", output_text_json(line->text, line->n_text));
    (void)json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII); // main checks stdout
    (void)putchar('\n');
    json_decref(json);
}

int logs_run(struct cli *cli, struct error *err)
{
    AUTO(journal_closep) struct journal *journal = NULL;
    AUTO_FD                              fd = -1;
    struct journal_line                  line;
    bool                                 is_end = false;
    int                                  r = 0;
    uint32_t flags = (cli->is_following ? LOG_FOLLOW : 0) | (cli->has_all_runs ? LOG_ALL_RUNS : 0);

    if (instances_open(&fd, cli->paths, &cli->name, err) < 0 ||
        journal_open(&journal, cli->paths, LOG_SERVER, &cli->name, cli->n_lines, flags, err) < 0)
        return -1;
    interrupt_catch();
    while (!interrupt_came() && !is_end && !ferror(stdout) &&
           (r = journal_next(journal, INTERRUPT_MS, &line, &is_end, err)) >= 0) {
        if (r == 0)
            continue;
        if (line.is_mark && !cli->is_following)
            break;
        if (line.is_mark)
            (void)fflush(stdout); // main checks stdout
        else if (cli->is_json)
            print_line_json(&line);
        else
            print_line(&line);
        if (cli->is_following)
            (void)fflush(stdout); // likewise
    }
    if (r < 0)
        return -1;
    if (is_end && !interrupt_came()) // it sends a mark, or goes on for ever
        return error_set(err, ERROR_UNAVAILABLE,
                         "the log reader went away: see 'journalctl -u left4me-log'");
    return 0;
}
