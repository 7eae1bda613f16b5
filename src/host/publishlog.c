// SPDX-License-Identifier: MIT
#include "host/publishlog.h"

#include <errno.h>
#include <string.h>
#include "base/log.h"
#include "base/text.h"

#define UNCHANGED "nothing changed"
#define PUBLISHED "published generation "
#define ALREADY   "generation " // …
#define ALREADY_2 " is published already"

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

// Its progress speaks of generations as well.
static bool is_summary(const char *text)
{
    return begins_with(text, PUBLISHED) || (begins_with(text, ALREADY) && strstr(text, ALREADY_2));
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
    (void)text_sanitize(log->sentence, sizeof log->sentence, line->text, line->n_text);
    log->is_out_of_space =
        strstr(line->text, strerror(ENOSPC)) || strstr(line->text, strerror(EDQUOT));
}
