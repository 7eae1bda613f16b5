// SPDX-License-Identifier: MIT
#include "host/steamline.h"

#include <stdio.h>
#include <string.h>
#include "base/number.h"

#define FIELD_MAX 24u // bytes of a number

// Copies the word at *cursor and steps over it and one space. False: there is none that fits.
static bool take_word(char ret[FIELD_MAX], const char **cursor)
{
    size_t n = strcspn(*cursor, " ");

    if (n == 0 || n >= FIELD_MAX)
        return false;
    memcpy(ret, *cursor, n);
    ret[n] = '\0';
    *cursor += n + ((*cursor)[n] == ' ');
    return true;
}

static bool take_number(uint64_t *ret, const char **cursor, uint64_t max)
{
    char         word[FIELD_MAX];
    struct error ignored;

    return take_word(word, cursor) && number_parse_u64(ret, word, 0, max, &ignored) == 0;
}

static bool parse_progress(struct steamline *ret, const char *cursor)
{
    uint64_t percent = 0;

    if (!take_number(&percent, &cursor, 100) || !take_number(&ret->done, &cursor, UINT64_MAX) ||
        !take_number(&ret->total, &cursor, UINT64_MAX))
        return false;
    ret->percent = (unsigned)percent;
    ret->words = cursor;
    return true;
}

static const char *after(const char *line, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(line, prefix, n) == 0 ? line + n : NULL;
}

struct steamline steamline_parse(const char *line)
{
    struct steamline result = { .kind = STEAMLINE_OTHER, .words = line };
    struct steamline progress = { .kind = STEAMLINE_PROGRESS };
    char             code[FIELD_MAX];
    const char      *rest;

    if ((rest = after(line, "progress ")) && parse_progress(&progress, rest))
        return progress;
    if ((rest = after(line, "note "))) {
        result.kind = STEAMLINE_NOTE;
        result.words = rest;
    } else if ((rest = after(line, "error ")) && take_word(code, &rest) && *rest) {
        result.kind = STEAMLINE_ERROR;
        result.words = rest;
    } else if ((rest = after(line, "done ")) && *rest) {
        result.kind = STEAMLINE_DONE;
        result.words = rest;
    }
    return result;
}
