// SPDX-License-Identifier: MIT

// installlog: the log of an update, line by line, on a terminal or wherever the output goes.

#include "cli/install.h"

#include <stdio.h>
#include <string.h>
#include "host/steamline.h"

#define STEP_PERCENT 5u // between two lines when no terminal shows them

void install_end_line(struct install *install)
{
    if (install->has_line)
        (void)putchar('\n');
    install->has_line = false;
}

static void show_progress(struct install *install, const struct steamline *line)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (!install->is_terminal && line->percent < install->next_percent)
        return;
    install->next_percent = (line->percent / STEP_PERCENT + 1) * STEP_PERCENT;
    buffer_printf(&text, "%s%3u %%  ", install->is_terminal ? "\r\x1b[K" : "", line->percent);
    if (line->total > 0) {
        output_size(&text, line->done);
        buffer_add_string(&text, " of ");
        output_size(&text, line->total);
        buffer_add_string(&text, "  ");
    }
    buffer_add_escaped(&text, line->words, strlen(line->words));
    if (!install->is_terminal)
        buffer_add_string(&text, "\n");
    install->has_line = install->is_terminal;
    output_flush(&text);
}

static void show_words(struct install *install, const char *words)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    install_end_line(install);
    buffer_add_escaped(&text, words, strlen(words));
    buffer_add_string(&text, "\n");
    output_flush(&text);
}

void install_show_line(struct install *install, const char *text)
{
    struct steamline line = steamline_parse(text);
    bool             is_quiet = install->cli->is_json;

    install->has_end = install->has_end || line.kind == STEAMLINE_DONE;
    switch (line.kind) {
    case STEAMLINE_PROGRESS:
        if (!is_quiet)
            show_progress(install, &line);
        break;
    case STEAMLINE_NOTE:
        if (!is_quiet)
            show_words(install, line.words);
        break;
    case STEAMLINE_ERROR:
        (void)snprintf(install->failure, sizeof install->failure, "%s", line.words); // cut is fine
        break;
    case STEAMLINE_DONE:
    case STEAMLINE_OTHER:
        if (!is_quiet && install->cli->is_verbose)
            show_words(install, text);
        break;
    }
    (void)fflush(stdout); // main checks stdout
}

int install_read_log(struct install *install, int timeout_ms, struct error *err)
{
    struct journal_line line;
    bool                is_end = false;
    int                 r;

    while ((r = journal_next(install->journal, timeout_ms, &line, &is_end, err)) > 0)
        if (line.is_mark)
            install->has_mark = true;
        else
            install_show_line(install, line.text);
    if (is_end) // the update goes on without a log
        return error_set(err, ERROR_UNAVAILABLE, "the log reader went away");
    return r;
}

int install_drain_log(struct install *install, bool has_succeeded, struct error *err)
{
    const int n_turns = JOURNAL_SILENCE_MS / INSTALL_DRAIN_MS;

    for (int i = 0; i < n_turns && !(install->has_mark && (install->has_end || !has_succeeded));
         i++)
        if (install_read_log(install, INSTALL_DRAIN_MS, err) < 0)
            return -1;
    return install_read_log(install, INSTALL_DRAIN_MS, err);
}
