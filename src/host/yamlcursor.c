// SPDX-License-Identifier: MIT
#include "host/yamlcursor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/number.h"

#define NUMBER_WORD_MAX 20u // bytes: the longest number that fits 64 bits

struct yamlcursor {
    yaml_parser_t parser;
    yaml_event_t  event;
    bool          has_event;
    unsigned      marked_lines[YAMLCURSOR_MARKS];
    const char   *file, *bytes;
    size_t        n_bytes;
    struct error *err;
};

int yamlcursor_open(struct yamlcursor **ret, const char *file, const char *bytes, size_t n_bytes,
                    struct error *err)
{
    struct yamlcursor *yaml = calloc(1, sizeof *yaml);

    if (!yaml || !yaml_parser_initialize(&yaml->parser)) {
        free(yaml);
        return error_set(err, ERROR_NO_SPACE, "no memory to read %.100s", file);
    }
    yaml->file = file;
    yaml->bytes = bytes;
    yaml->n_bytes = n_bytes;
    yaml->err = err;
    yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)bytes, n_bytes);
    *ret = yaml;
    return 0;
}

void yamlcursor_closep(struct yamlcursor **yaml)
{
    if (!*yaml)
        return;
    if ((*yaml)->has_event)
        yaml_event_delete(&(*yaml)->event);
    yaml_parser_delete(&(*yaml)->parser);
    free(*yaml);
}

unsigned yamlcursor_line(const struct yamlcursor *yaml)
{
    return (unsigned)yaml->event.start_mark.line + 1;
}

void yamlcursor_mark(struct yamlcursor *yaml, unsigned mark)
{
    assert(mark < YAMLCURSOR_MARKS);
    yaml->marked_lines[mark] = yamlcursor_line(yaml);
}

unsigned yamlcursor_marked_line(const struct yamlcursor *yaml, unsigned mark)
{
    assert(mark < YAMLCURSOR_MARKS);
    return yaml->marked_lines[mark];
}

yaml_event_type_t yamlcursor_type(const struct yamlcursor *yaml)
{
    return yaml->event.type;
}

yaml_scalar_style_t yamlcursor_style(const struct yamlcursor *yaml)
{
    return yaml->event.data.scalar.style;
}

int yamlcursor_fail(struct yamlcursor *yaml, unsigned line, const char *format, ...)
{
    char    sentence[ERROR_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args); // truncation is fine
    va_end(args);
    for (char *c = sentence; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return error_set(yaml->err, ERROR_INVALID, "%.100s:%u: %s", yaml->file, line, sentence);
}

static bool is_decorated(const yaml_event_t *event)
{
    switch ((int)event->type) { // the enum has events that carry nothing of the kind
    case YAML_ALIAS_EVENT:
        return true;
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    default:
        return false;
    }
}

// Bytes that are no text are met long before their line is: the parser says how far they are.
static unsigned problem_line(const struct yamlcursor *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    unsigned             line = 1;

    if (parser->error != YAML_READER_ERROR)
        return (unsigned)parser->problem_mark.line + 1;
    for (size_t i = 0; i < MIN(parser->problem_offset, yaml->n_bytes); i++)
        line += yaml->bytes[i] == '\n';
    return line;
}

int yamlcursor_next(struct yamlcursor *yaml)
{
    if (yaml->has_event)
        yaml_event_delete(&yaml->event);
    yaml->has_event = false;
    if (!yaml_parser_parse(&yaml->parser, &yaml->event))
        return yamlcursor_fail(yaml, problem_line(yaml), "this is not YAML: %s",
                               yaml->parser.problem ? yaml->parser.problem : "it cannot be read");
    yaml->has_event = true;
    if (is_decorated(&yaml->event))
        return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                               "anchors, aliases and tags are not used here");
    return 0;
}

int yamlcursor_expect(struct yamlcursor *yaml, yaml_event_type_t type, const char *wanted)
{
    if (yamlcursor_next(yaml) < 0)
        return -1;
    if (yaml->event.type != type)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "%s", wanted);
    return 0;
}

const char *yamlcursor_text(const struct yamlcursor *yaml, size_t *ret_n)
{
    *ret_n = yaml->event.data.scalar.length;
    return (const char *)yaml->event.data.scalar.value;
}

static bool is_printable(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return true;
}

const char *yamlcursor_word(struct yamlcursor *yaml, const char *key, size_t max)
{
    size_t n = 0;

    if (yaml->event.type != YAML_SCALAR_EVENT) {
        yamlcursor_fail(yaml, yamlcursor_line(yaml), "%s wants a text, not a list or a map", key);
        return NULL;
    }
    const char *text = yamlcursor_text(yaml, &n);
    if (n == 0 || n > max) {
        yamlcursor_fail(yaml, yamlcursor_line(yaml), "%s wants 1 to %zu characters", key, max);
        return NULL;
    }
    if (!is_printable(text, n)) {
        yamlcursor_fail(yaml, yamlcursor_line(yaml), "%s wants printable ASCII on one line", key);
        return NULL;
    }
    return text;
}

const char *yamlcursor_next_word(struct yamlcursor *yaml, const char *key, size_t max)
{
    return yamlcursor_next(yaml) < 0 ? NULL : yamlcursor_word(yaml, key, max);
}

int yamlcursor_number(struct yamlcursor *yaml, const char *key, uint32_t min, uint32_t max,
                      uint32_t *ret)
{
    struct error why;
    unsigned     line = yamlcursor_line(yaml);
    const char  *text = yamlcursor_word(yaml, key, NUMBER_WORD_MAX);

    if (!text)
        return -1;
    if (yaml->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return yamlcursor_fail(yaml, line, "%s wants a number without quotes", key);
    if (number_parse_u32(ret, text, min, max, &why) < 0)
        return yamlcursor_fail(yaml, line, "%s: %s", key, why.message);
    return 0;
}

int yamlcursor_next_number(struct yamlcursor *yaml, const char *key, uint32_t min, uint32_t max,
                           uint32_t *ret)
{
    return yamlcursor_next(yaml) < 0 ? -1 : yamlcursor_number(yaml, key, min, max, ret);
}
