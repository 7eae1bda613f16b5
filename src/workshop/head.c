// SPDX-License-Identifier: MIT
#include "workshop/head.h"

#include <string.h>
#include <strings.h>
#include "base/number.h"

// The value of the header `name` in the line; NULL: it is another header.
static const char *value_of(const char *line, const char *name)
{
    size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + strspn(line + n + 1, " \t");
}

// "bytes 5-9/10"; the total may be "*". Cuts the text to pieces.
static void read_range(struct head *head, char *text)
{
    static const char unit[] = "bytes ";
    struct error      ignored;
    uint64_t          from = 0, to = 0, total = UINT64_MAX;
    char             *dash = strchr(text, '-'), *slash = strchr(text, '/');

    if (strncasecmp(text, unit, strlen(unit)) != 0 || !dash || !slash || slash < dash)
        return;
    *dash = *slash = '\0';
    if (number_parse_u64(&from, text + strlen(unit), 0, INT64_MAX - 1, &ignored) < 0 ||
        number_parse_u64(&to, dash + 1, from, INT64_MAX - 1, &ignored) < 0)
        return;
    if (strcmp(slash + 1, "*") != 0 &&
        number_parse_u64(&total, slash + 1, to + 1, INT64_MAX, &ignored) < 0)
        return;
    head->has_range = true;
    head->from = from;
    head->total_bytes = total;
}

static void read_validator(struct head *head, const char *value, bool is_etag)
{
    size_t n = strlen(value);

    if (n == 0 || n >= HEAD_VALIDATOR_MAX || (head->has_etag && !is_etag))
        return;
    for (const char *c = value; *c; c++)
        if (*c < ' ' || *c > '~')
            return;
    memcpy(head->validator, value, n + 1);
    head->has_etag = is_etag;
}

static void take_text(struct head *head, char *line)
{
    static const char range[] = "Content-Range";
    const char       *value;

    if (strncmp(line, "HTTP/", 5) == 0)
        *head = HEAD_NONE; // the next answer begins
    else if ((value = value_of(line, range)))
        read_range(head, line + (value - line));
    else if ((value = value_of(line, "ETag")) && *value == '"') // W/"…" may be that of two files
        read_validator(head, value, true);
    else if ((value = value_of(line, "Last-Modified")))
        read_validator(head, value, false);
}

void head_take_line(struct head *head, const char *line, size_t n_line)
{
    char text[HEAD_LINE_MAX];

    while (n_line > 0 && line[n_line - 1] && strchr("\r\n \t", line[n_line - 1]))
        n_line--;
    if (n_line >= sizeof text || memchr(line, '\0', n_line))
        return;
    memcpy(text, line, n_line);
    text[n_line] = '\0';
    take_text(head, text);
}
