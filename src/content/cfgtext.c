// SPDX-License-Identifier: MIT
#include "content/cfgtext.h"

#include <string.h>

struct cfg_reader cfg_reader_of(const uint8_t *bytes, size_t n_bytes)
{
    return (struct cfg_reader){ bytes, bytes + n_bytes, 1 };
}

static bool is_at(const struct cfg_reader *reader, char c)
{
    return reader->next < reader->end && *reader->next == (uint8_t)c;
}

static bool is_at_comment(const struct cfg_reader *reader)
{
    return reader->end - reader->next >= 2 && reader->next[0] == '/' && reader->next[1] == '/';
}

static bool is_at_end_of_line(const struct cfg_reader *reader)
{
    return reader->next == reader->end || is_at(reader, '\n');
}

static bool is_at_space(const struct cfg_reader *reader)
{
    return !is_at_end_of_line(reader) && *reader->next <= ' ';
}

// Adds a byte to the command's text; what does not fit makes the command one to skip.
static void put(struct cfg_command *command, size_t *n, uint8_t c, bool *is_too_long)
{
    if (*n < sizeof command->text)
        command->text[(*n)++] = c ? (char)c : '?';
    else
        *is_too_long = true;
}

// A byte that belongs to no quoted word, and the last one of the word before.
static bool is_at_word(const struct cfg_reader *reader)
{
    return !is_at_end_of_line(reader) && !is_at_space(reader) && !is_at(reader, ';') &&
           !is_at(reader, '"') && !is_at_comment(reader);
}

static void take_word(struct cfg_command *command, struct cfg_reader *reader, size_t *n,
                      bool *is_too_long)
{
    size_t start = *n;

    if (is_at(reader, '"')) {
        for (reader->next++; !is_at_end_of_line(reader) && !is_at(reader, '"'); reader->next++)
            put(command, n, *reader->next, is_too_long);
        reader->next += is_at(reader, '"');
    } else {
        for (; is_at_word(reader); reader->next++)
            put(command, n, *reader->next, is_too_long);
    }
    if (*n == sizeof command->text) {
        *is_too_long = true;
        return;
    }
    command->text[(*n)++] = '\0';
    if (command->n_words < CFG_WORDS_MAX)
        command->words[command->n_words++] = command->text + start;
}

// Reads up to the end of one command, which may be empty.
static bool take_command(struct cfg_command *command, struct cfg_reader *reader)
{
    bool   is_too_long = false;
    size_t n = 0;

    command->line = reader->line;
    command->n_words = 0;
    while (!is_at_end_of_line(reader) && !is_at(reader, ';')) {
        if (is_at_space(reader)) {
            reader->next++;
        } else if (is_at_comment(reader)) {
            const void *end = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
            reader->next = end ? end : reader->end;
        } else {
            take_word(command, reader, &n, &is_too_long);
        }
    }
    if (reader->next < reader->end)
        reader->line += *reader->next++ == '\n';
    return command->n_words > 0 && !is_too_long;
}

bool cfg_next(struct cfg_command *ret, struct cfg_reader *reader)
{
    while (reader->next < reader->end)
        if (take_command(ret, reader))
            return true;
    return false;
}

struct cfg_bytes cfg_look_at_bytes(const uint8_t *bytes, size_t n_bytes)
{
    struct cfg_bytes ret = { 0 };
    uint32_t         line = 1, last = 0;

    for (size_t i = 0; i < n_bytes; i++) {
        if (bytes[i] == '\n')
            line++;
        if (bytes[i] < 0x80 || line == last)
            continue;
        last = line;
        ret.n_lines++;
        if (!ret.first_line)
            ret.first_line = line;
    }
    ret.has_mark =
        (n_bytes >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) ||
        (n_bytes >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0));
    return ret;
}
