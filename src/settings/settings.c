// SPDX-License-Identifier: MIT
#include "settings/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/fd.h"
#include "base/number.h"
#include "base/protocol.h"
#include "base/text.h"

#define BYTES_MAX (UINT64_C(1) << 50)

enum setting_kind { SETTING_COUNT, SETTING_BYTES, SETTING_BYTES_OR_0, SETTING_URL, SETTING_WORDS };

// Every key there is. The default is read like a value of the file.
static const struct setting {
    const char       *section, *key, *fallback;
    enum setting_kind kind;
    size_t            offset;
    uint64_t          min, max;
} table[] = {
    { "overlays", "keep", "3", SETTING_COUNT, offsetof(struct settings, overlays.keep), 1,
      KEEP_MAX },
    { "overlays", "output_max", "20G", SETTING_BYTES,
      offsetof(struct settings, overlays.output_max_bytes), OUTPUT_MAX_MIN, OUTPUT_MAX_MAX },
    { "overlays", "budget", "0", SETTING_BYTES_OR_0,
      offsetof(struct settings, overlays.budget_bytes), 1 << 20, BYTES_MAX },
    { "workshop", "api_url", "https://api.steampowered.com", SETTING_URL,
      offsetof(struct settings, workshop.api_url), 0, 0 },
    { "workshop", "downloads", "4", SETTING_COUNT, offsetof(struct settings, workshop.downloads), 1,
      32 },
    // With less a share of it would look like a server that has stalled.
    { "workshop", "rate_max", "0", SETTING_BYTES_OR_0,
      offsetof(struct settings, workshop.rate_max_bytes_s), 128 << 10, BYTES_MAX },
    { "workshop", "item_max", "4G", SETTING_BYTES,
      offsetof(struct settings, workshop.item_max_bytes), 1, BYTES_MAX },
    { "workshop", "total_max", "20G", SETTING_BYTES,
      offsetof(struct settings, workshop.total_max_bytes), 1, BYTES_MAX },
    { "web", "proxies", "", SETTING_WORDS, offsetof(struct settings, web.proxies), 0, 0 },
    { "web", "connections", "64", SETTING_COUNT, offsetof(struct settings, web.connections), 0,
      100000 },
    { "web", "requests", "50", SETTING_COUNT, offsetof(struct settings, web.requests_s), 0,
      1000000 },
};

// The text as libinih reads it, one line after the other. It does not tell the line to who takes
// the values, and goes on after an error: so the lines are counted here, and the first error kept.
struct reading {
    const char     *next, *end;
    unsigned        line;
    unsigned        line_of_error; // 0: none
    struct error    error;
    bool            is_seen[ELEMENTS(table)];
    struct settings settings;
};

static void fault(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);

static void fault(struct reading *reading, const char *format, ...)
{
    char    text[ERROR_MESSAGE_MAX];
    va_list args;

    if (reading->line_of_error)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); // truncation is fine
    va_end(args);
    reading->line_of_error = reading->line;
    (void)error_set(&reading->error, ERROR_INVALID, "line %u: %s", reading->line, text);
}

// ---- values -----------------------------------------------------------------------------------

static bool is_url(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~:/[]";
    static const char scheme[] = "https://";
    size_t            n = strlen(text);

    return strncmp(text, scheme, strlen(scheme)) == 0 && n > strlen(scheme) &&
           n < SETTINGS_URL_MAX && strspn(text, allowed) == n && text[n - 1] != '/';
}

static int take_value(struct settings *settings, const struct setting *setting, const char *value,
                      struct error *err)
{
    char    *place = (char *)settings + setting->offset;
    uint32_t count = 0;
    uint64_t bytes = 0;

    switch (setting->kind) {
    case SETTING_COUNT:
        if (number_parse_u32(&count, value, (uint32_t)setting->min, (uint32_t)setting->max, err) <
            0)
            return -1;
        memcpy(place, &count, sizeof count);
        return 0;
    case SETTING_BYTES_OR_0:
        if (strcmp(value, "0") == 0) {
            memcpy(place, &bytes, sizeof bytes);
            return 0;
        }
        __attribute__((fallthrough));
    case SETTING_BYTES:
        if (number_parse_bytes(&bytes, value, setting->min, setting->max, err) < 0)
            return -1;
        memcpy(place, &bytes, sizeof bytes);
        return 0;
    case SETTING_URL:
        if (!is_url(value))
            return error_set(err, ERROR_INVALID,
                             "'%.60s' is not a link like https://api.example.com, without a slash "
                             "at its end",
                             value);
        memcpy(place, value, strlen(value) + 1);
        return 0;
    case SETTING_WORDS: // a line is shorter, and what the words mean is for whoever needs them
        memcpy(place, value, strnlen(value, SETTINGS_WORDS_MAX - 1) + 1);
        return 0;
    }
    return error_set(err, ERROR_INVALID, "a setting of an unknown kind");
}

static int take_pair(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    struct error    err = { 0 };

    for (size_t i = 0; i < ELEMENTS(table); i++) {
        if (strcmp(table[i].section, section) != 0 || strcmp(table[i].key, key) != 0)
            continue;
        if (reading->is_seen[i])
            fault(reading, "'%s' is there twice", key);
        else if (take_value(&reading->settings, &table[i], value, &err) < 0)
            fault(reading, "'%s': %s", key, err.message);
        reading->is_seen[i] = true;
        return 1;
    }
    if (*section)
        fault(reading, "there is no key '%.60s' in [%.60s]", key, section);
    else
        fault(reading, "'%.60s' stands before the first section", key);
    return 1;
}

// ---- lines ------------------------------------------------------------------------------------

// Of a section without keys libinih says nothing.
static void check_section(struct reading *reading, const char *name)
{
    size_t n = strcspn(name, "]");

    for (size_t i = 0; i < ELEMENTS(table); i++)
        if (strlen(table[i].section) == n && strncmp(table[i].section, name, n) == 0)
            return;
    fault(reading, "there is no section [%.*s]", (int)n, name);
}

static void check_line(struct reading *reading, const char *line, size_t n)
{
    for (size_t i = 0, length; i < n; i += length) {
        length = text_character(line + i, n - i);
        if (length == 0 || (line[i] != '\t' && text_is_control(line + i, length))) {
            fault(reading, "it holds bytes that are no text");
            return;
        }
    }
    // To libinih it would be more of the value above.
    size_t n_indent = strspn(line, " \t");
    if (n_indent > 0 && line[n_indent] && !strchr(";#", line[n_indent]))
        fault(reading, "it is indented");
    if (line[0] == '[')
        check_section(reading, line + 1);
}

// A reader as libinih asks for: the next line in `ret`, NULL at the end, or at a line that is
// wrong.
static char *next_line(char *ret, int size, void *user)
{
    struct reading *reading = user;

    if (reading->next == reading->end || reading->line_of_error)
        return NULL;
    size_t      left = (size_t)(reading->end - reading->next);
    const char *newline = memchr(reading->next, '\n', left);
    size_t      n = newline ? (size_t)(newline - reading->next) : left;
    size_t      n_text = n > 0 && reading->next[n - 1] == '\r' ? n - 1 : n;

    reading->line++;
    if (n_text > SETTINGS_LINE_MAX || n_text >= (size_t)size) {
        fault(reading, "it is longer than %u bytes", SETTINGS_LINE_MAX);
        return NULL;
    }
    memcpy(ret, reading->next, n_text);
    ret[n_text] = '\0';
    reading->next += newline ? n + 1 : n;
    check_line(reading, ret, n_text);
    return reading->line_of_error ? NULL : ret;
}

int settings_parse(struct settings *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    struct reading reading = { .next = bytes, .end = bytes + n_bytes };

    if (n_bytes > SETTINGS_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "it is larger than %u bytes", SETTINGS_BYTES_MAX);
    for (size_t i = 0; i < ELEMENTS(table); i++)
        if (take_value(&reading.settings, &table[i], table[i].fallback, err) < 0)
            return error_prefix(err, "the default of '%s'", table[i].key);

    int line = ini_parse_stream(next_line, &reading, take_pair, &reading);
    if (line > 0 && (!reading.line_of_error || (unsigned)line < reading.line_of_error))
        return error_set(err, ERROR_INVALID, "line %d: it is neither [SECTION] nor KEY = VALUE",
                         line);
    if (line < 0)
        return error_set(err, ERROR_NO_SPACE, "no memory to read it");
    if (reading.line_of_error) {
        *err = reading.error;
        return -1;
    }
    *ret = reading.settings;
    return 0;
}

// An operator may have linked the file from elsewhere: it is followed like any path of a person.
static int read_text(char **ret, size_t *ret_n, const char *path, struct error *err)
{
    AUTO_FD           fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    AUTO(freep) char *text = malloc(SETTINGS_BYTES_MAX + 1);
    struct stat       st;

    if (!text)
        return error_sys(err, ENOMEM, "reading '%s'", path);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening '%s'", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "'%s' is not a regular file", path);
    ssize_t n =
        fd_read_up_to(fd, text, SETTINGS_BYTES_MAX + 1); // one more shows that it is too large
    if (n < 0)
        return error_sys(err, errno, "reading '%s'", path);
    *ret = TAKE(text);
    *ret_n = (size_t)n;
    return 0;
}

int settings_read(struct settings *ret, const char *path, struct error *err)
{
    AUTO(freep) char *text = NULL;
    size_t            n = 0;

    if (read_text(&text, &n, path, err) < 0 && err->errnum != ENOENT)
        return -1;
    if (settings_parse(ret, text ? text : "", n, err) < 0)
        return error_prefix(err, "%s", path);
    return 0;
}
