// SPDX-License-Identifier: MIT
#include "build/stream.h"

#include <string.h>
#include "base/text.h"

#define CHARACTER_MAX 4u // bytes

void stream_init(struct stream *ret, struct outlet *outlet, enum log_level level)
{
    ret->outlet = outlet;
    ret->level = level;
    ret->shown_ms = INT64_MIN / 2; // long ago
    ret->line.n = ret->bar.n = 0;
    ret->line.n_cut = ret->bar.n_cut = 0;
}

static void append(struct stream_line *line, const char *bytes, size_t n)
{
    size_t n_taken = MIN(n, sizeof line->text - line->n);

    memcpy(line->text + line->n, bytes, n_taken);
    line->n += n_taken;
    line->n_cut += n - n_taken;
}

static void clear(struct stream_line *line)
{
    line->n = 0;
    line->n_cut = 0;
}

// A line that was cut within a character loses the part of it, too.
static void drop_part(struct stream_line *line)
{
    size_t n = 0;

    while (n < MIN(line->n, CHARACTER_MAX - 1) &&
           ((unsigned char)line->text[line->n - 1 - n] & 0xc0) == 0x80)
        n++;
    if (n == line->n)
        return;
    n++; // and its first byte
    bool is_begun = (unsigned char)line->text[line->n - n] >= 0xc2;
    if (is_begun && text_character(line->text + line->n - n, n) == 0) {
        line->n -= n;
        line->n_cut += n;
    }
}

static void show(struct stream *stream, struct stream_line *line)
{
    if (line->n_cut > 0)
        drop_part(line);
    outlet_add(stream->outlet, stream->level, line->text, line->n, line->n_cut);
    clear(line);
}

static void end_line(struct stream *stream)
{
    if (stream->line.n > 0)
        show(stream, &stream->line);
    else if (stream->bar.n > 0)
        show(stream, &stream->bar);
    clear(&stream->bar); // the line was written over it
}

static void end_state(struct stream *stream)
{
    if (stream->line.n == 0)
        return;
    clear(&stream->bar);
    append(&stream->bar, stream->line.text, stream->line.n);
    stream->bar.n_cut = stream->line.n_cut;
    clear(&stream->line);
}

void stream_feed(struct stream *stream, const char *bytes, size_t n, int64_t now_ms)
{
    for (size_t at = 0; at < n; at++) {
        size_t begin = at;
        while (at < n && bytes[at] != '\n' && bytes[at] != '\r')
            at++;
        append(&stream->line, bytes + begin, at - begin);
        if (at < n && bytes[at] == '\n')
            end_line(stream);
        else if (at < n)
            end_state(stream);
    }
    (void)stream_show_bar(stream, now_ms); // the caller asks when to wait
}

int64_t stream_show_bar(struct stream *stream, int64_t now_ms)
{
    if (stream->bar.n == 0)
        return -1;
    int64_t due_ms = stream->shown_ms + STREAM_BAR_MS;
    if (now_ms < due_ms)
        return due_ms - now_ms;
    stream->shown_ms = now_ms;
    show(stream, &stream->bar);
    return -1;
}

void stream_finish(struct stream *stream)
{
    end_line(stream);
}
