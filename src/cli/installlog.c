// SPDX-License-Identifier: MIT

// installlog: the log of an update, line by line, on a terminal or wherever the output goes.

#include "cli/build.h"

#include <stdio.h>
#include "host/steamline.h"

#define STEP_PERCENT 5u // between two lines when no terminal shows them

static void show_progress(struct build *build, const struct steamline *line)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (!build->is_terminal && line->percent < build->next_percent)
        return;
    build->next_percent = (line->percent / STEP_PERCENT + 1) * STEP_PERCENT;
    buffer_printf(&text, "%s%3u %%  ", build->is_terminal ? "\r\x1b[K" : "", line->percent);
    if (line->total > 0) {
        output_size(&text, line->done);
        buffer_add_string(&text, " of ");
        output_size(&text, line->total);
        buffer_add_string(&text, "  ");
    }
    output_escaped(&text, line->words);
    if (!build->is_terminal)
        buffer_add_string(&text, "\n");
    build->has_line = build->is_terminal;
    output_flush(&text);
}

static void show_words(struct build *build, const char *words)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    build_end_line(build);
    output_escaped(&text, words);
    buffer_add_string(&text, "\n");
    output_flush(&text);
}

void installlog_take(struct build *build, const struct journal_line *said)
{
    struct steamline line = steamline_parse(said->text);
    bool             is_quiet = build->cli->is_json;

    build->has_end = build->has_end || line.kind == STEAMLINE_DONE;
    switch (line.kind) {
    case STEAMLINE_PROGRESS:
        if (!is_quiet)
            show_progress(build, &line);
        break;
    case STEAMLINE_NOTE:
        if (!is_quiet)
            show_words(build, line.words);
        break;
    case STEAMLINE_ERROR:
        (void)snprintf(build->failure, sizeof build->failure, "%s", line.words); // cut is fine
        break;
    case STEAMLINE_DONE:
    case STEAMLINE_OTHER:
        if (!is_quiet && build->cli->is_verbose)
            show_words(build, said->text);
        break;
    }
    (void)fflush(stdout); // main checks stdout
}
