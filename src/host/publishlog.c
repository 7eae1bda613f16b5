// SPDX-License-Identifier: MIT
#include "host/publishlog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/text.h"

#define UNCHANGED "nothing changed"
#define PUBLISHED "published generation "
#define ALREADY   "generation " // …
#define ALREADY_2 " is published already"

#define LINE_SHOWN_MAX 4096u // bytes of a line; ours are shorter

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

// Its progress speaks of generations as well.
static bool is_summary(const char *text)
{
    return begins_with(text, PUBLISHED) || (begins_with(text, ALREADY) && strstr(text, ALREADY_2));
}

static bool begins_character(char byte)
{
    return (byte & 0xc0) != 0x80; // RFC 3629, section 3
}

// The beginning and the end of a long line, with three dots between them.
static void quote(char ret[PUBLISHLOG_SENTENCE_MAX + 1], const char *text, size_t n_text)
{
    static const char dots[] = "\xe2\x80\xa6";
    char              safe[LINE_SHOWN_MAX + 1];
    size_t            n = text_sanitize(safe, sizeof safe, text, n_text);
    size_t            n_head = PUBLISHLOG_SENTENCE_MAX / 2, tail;

    if (n <= PUBLISHLOG_SENTENCE_MAX) {
        memcpy(ret, safe, n + 1);
        return;
    }
    tail = n - (PUBLISHLOG_SENTENCE_MAX - n_head - strlen(dots));
    while (!begins_character(safe[n_head]))
        n_head--;
    while (!begins_character(safe[tail]))
        tail++;
    (void)snprintf(ret, PUBLISHLOG_SENTENCE_MAX + 1, "%.*s%s%s", (int)n_head, safe, dots,
                   safe + tail); // it fits
}

void publishlog_take(struct publishlog *log, const struct journal_line *line)
{
    if (line->is_init) // speaks of the unit
        return;
    if (strcmp(line->text, UNCHANGED) == 0)
        log->is_unchanged = true;
    if (is_summary(line->text))
        (void)text_sanitize(log->summary, sizeof log->summary, line->text, line->n_text);
    if (line->priority > LEVEL_ERROR)
        return;
    quote(log->sentence, line->text, line->n_text);
    log->is_out_of_space =
        strstr(line->text, strerror(ENOSPC)) || strstr(line->text, strerror(EDQUOT));
}
