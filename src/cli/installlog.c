// SPDX-License-Identifier: MIT

// installlog: the log of an update, line by line, on a terminal or wherever the output goes.

#include "cli/build.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"
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

// ---- with --json -------------------------------------------------------------------------------

static void show_progress_json(const struct steamline *line)
{
    struct error ignored; // a line that cannot be shown is left out
    json_t      *json = json_pack("{s:i, s:I, s:I, s:o}", "progress", (int)line->percent, "done",
                                  (json_int_t)line->done, "total", (json_int_t)line->total, "text",
                                  output_text_json(line->words, strlen(line->words)));

    (void)!output_json_line(json, &ignored);
}

static void show_line_json(const struct build *build, const struct journal_line *said,
                           const struct steamline *line)
{
    struct journal_line shown = *said;

    shown.priority = line->kind == STEAMLINE_ERROR ? LEVEL_ERROR : LEVEL_INFO;
    if (line->kind == STEAMLINE_NOTE || line->kind == STEAMLINE_ERROR) {
        shown.text = line->words;
        shown.n_text = strlen(line->words);
    }
    buildlog_show(build, &shown);
}

// Whoever wants the result alone does not ask for more.
static void show_json(const struct build *build, const struct journal_line *said,
                      const struct steamline *line)
{
    if (!build->cli->is_verbose || said->is_init || line->kind == STEAMLINE_DONE)
        return;
    if (line->kind == STEAMLINE_PROGRESS)
        show_progress_json(line);
    else
        show_line_json(build, said, line);
}

// ---- line by line ------------------------------------------------------------------------------

void installlog_take(struct build *build, const struct journal_line *said)
{
    struct steamline line = steamline_parse(said->text);
    bool             is_quiet = build->cli->is_json;

    if (is_quiet)
        show_json(build, said, &line);
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
