// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// DEL is the one control byte that JSON_ENSURE_ASCII leaves; outside of a string it cannot be.
static int write_json(const char *bytes, size_t n, void *userdata)
{
    for (size_t i = 0; i < n; i++)
        (void)(bytes[i] == 0x7f ? fputs("\\u007f", userdata) : putc(bytes[i], userdata));
    return 0; // main checks stdout
}

static int print_json(json_t *json, size_t flags, struct error *err)
{
    if (!json)
        return error_set(err, ERROR_FAILED, "the answer could not be put into JSON");
    (void)json_dump_callback(json, write_json, stdout, flags | JSON_ENSURE_ASCII);
    (void)putchar('\n');
    json_decref(json);
    return 0;
}

int output_json(json_t *json, struct error *err)
{
    return print_json(json, JSON_INDENT(2), err);
}

int output_json_line(json_t *json, struct error *err)
{
    return print_json(json, JSON_COMPACT, err);
}

json_t *output_text_json(const char *bytes, size_t n)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_add_utf8(&text, bytes, n);
    return json_stringn(text.n ? text.bytes : "", text.n);
}

json_t *output_strings_json(const struct strings *strings)
{
    json_t *array = json_array();

    for (const char *s = NULL; (s = strings_next(strings, s));)
        (void)json_array_append_new(array, output_text_json(s, strlen(s))); // null in place of it
    return array;
}

json_t *output_count_json(uint64_t value)
{
    return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

// The log and the exit code are absent where they are not known, or memory runs out.
json_t *output_error_json(const struct cli *cli, const struct error *err)
{
    json_t *json = json_pack("{s:s, s:o}", "kind", error_kind_info(err->kind)->word, "message",
                             output_text_json(err->message, strlen(err->message)));

    if (json && cli->script_exit_code)
        (void)json_object_set_new(json, "exit_code", json_integer(cli->script_exit_code));
    if (json && cli->tail.n > 0)
        (void)json_object_set_new(json, "log", output_strings_json(&cli->tail));
    return json;
}

void output_escaped(struct buffer *text, const char *string)
{
    buffer_add_escaped(text, string, strlen(string));
}

void output_strings(struct buffer *text, const struct strings *strings)
{
    const char *comma = "";

    for (const char *s = NULL; (s = strings_next(strings, s)); comma = ", ")
        buffer_printf(text, "%s%s", comma, s);
}

void output_time(char ret[OUTPUT_TIME_MAX], uint64_t realtime_us)
{
    time_t    seconds = (time_t)(realtime_us / 1000000);
    struct tm tm;

    ret[0] = '\0';
    if (realtime_us == 0 || realtime_us == UINT64_MAX || !gmtime_r(&seconds, &tm))
        return;
    (void)strftime(ret, OUTPUT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm); // it fits until the year 9999
}

json_t *output_time_json(uint64_t realtime_us)
{
    char text[OUTPUT_TIME_MAX];

    output_time(text, realtime_us);
    return *text ? json_pack("{s:s, s:I}", "time", text, "unix_s",
                             (json_int_t)(realtime_us / 1000000))
                 : json_null();
}

void output_size(struct buffer *text, uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    double                   value = (double)bytes;
    size_t                   i = 0;

    if (bytes < 1024) {
        buffer_printf(text, "%" PRIu64 " B", bytes);
        return;
    }
    for (value /= 1024; value >= 1024 && i + 1 < ELEMENTS(units); i++)
        value /= 1024;
    buffer_printf(text, "%.1f %s", value, units[i]);
}

int output_action(const struct cli *cli, const char *action, const char *state, bool has_changed,
                  const char *note, struct error *err)
{
    const char *name = cli->title ? cli->title : cli->name.text;

    if (!cli->is_json) {
        printf("%s: %s%s%s\n", name, state, note ? "; " : "", note ? note : "");
        return 0;
    }
    json_t *json = json_pack("{s:s, s:s, s:s, s:b}", "name", name, "action", action, "state", state,
                             "changed", (int)has_changed);
    if (note)
        (void)json_object_set_new(json, "note", json_string(note)); // absent if memory runs out
    return output_json(json, err);
}

void output_tail(const struct cli *cli)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    for (const char *s = NULL; (s = strings_next(&cli->tail, s));) {
        buffer_add_string(&text, text.n ? "\n  " : "The last lines of its log:\n  ");
        output_escaped(&text, s);
    }
    if (text.n)
        fprintf(stderr, "%s\n", text.bytes);
}

void output_flush(struct buffer *text)
{
    if (text->n > 0)
        (void)fwrite(text->bytes, 1, text->n, stdout); // main checks stdout
    buffer_done(text);
}
