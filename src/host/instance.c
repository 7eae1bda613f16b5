// SPDX-License-Identifier: MIT
#include "host/instance.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>
#include "base/number.h"
#include "host/limittext.h"

#define TV_PORT_OFFSET     5000u
#define CLIENT_PORT_OFFSET 10000u

// The cursor: one event at a time, each looked at once.
struct yamlcursor {
    yaml_parser_t parser;
    yaml_event_t  event;
    bool          has_event;
    unsigned      marked_line;
    const char   *file;
    struct error *err;
};

static int yamlcursor_open(struct yamlcursor **ret, const char *file, const char *bytes,
                           size_t n_bytes, struct error *err)
{
    struct yamlcursor *yaml = calloc(1, sizeof *yaml);

    if (!yaml || !yaml_parser_initialize(&yaml->parser)) {
        free(yaml);
        return error_set(err, ERROR_NO_SPACE, "no memory to read %.100s", file);
    }
    yaml->file = file;
    yaml->err = err;
    yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)bytes, n_bytes);
    *ret = yaml;
    return 0;
}

static void yamlcursor_closep(struct yamlcursor **yaml)
{
    if (!*yaml)
        return;
    if ((*yaml)->has_event)
        yaml_event_delete(&(*yaml)->event);
    yaml_parser_delete(&(*yaml)->parser);
    free(*yaml);
}

static unsigned yamlcursor_line(const struct yamlcursor *yaml)
{
    return (unsigned)yaml->event.start_mark.line + 1;
}

static void yamlcursor_mark(struct yamlcursor *yaml)
{
    yaml->marked_line = yamlcursor_line(yaml);
}

static unsigned yamlcursor_marked_line(const struct yamlcursor *yaml)
{
    return yaml->marked_line;
}

static yaml_event_type_t yamlcursor_type(const struct yamlcursor *yaml)
{
    return yaml->event.type;
}

static yaml_scalar_style_t yamlcursor_style(const struct yamlcursor *yaml)
{
    return yaml->event.data.scalar.style;
}

// Raises "FILE:LINE: sentence". The sentence may quote the file: only printable ASCII gets through.
static int PRINTF_LIKE(3, 4)
    yamlcursor_fail(struct yamlcursor *yaml, unsigned line, const char *format, ...)
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

static int yamlcursor_next(struct yamlcursor *yaml)
{
    if (yaml->has_event)
        yaml_event_delete(&yaml->event);
    yaml->has_event = false;
    if (!yaml_parser_parse(&yaml->parser, &yaml->event)) {
        unsigned line = (unsigned)yaml->parser.problem_mark.line + 1;
        return yamlcursor_fail(yaml, line, "this is not YAML: %s",
                               yaml->parser.problem ? yaml->parser.problem : "it cannot be read");
    }
    yaml->has_event = true;
    if (is_decorated(&yaml->event))
        return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                               "anchors, aliases and tags are not used here");
    return 0;
}

static int yamlcursor_expect(struct yamlcursor *yaml, yaml_event_type_t type, const char *wanted)
{
    if (yamlcursor_next(yaml) < 0)
        return -1;
    if (yaml->event.type != type)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "%s", wanted);
    return 0;
}

// The scalar of the current event; borrowed until the next one.
static const char *yamlcursor_text(const struct yamlcursor *yaml, size_t *ret_n)
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

// Reads the current event as one line of 1 to `max` bytes of printable ASCII.
static const char *yamlcursor_word(struct yamlcursor *yaml, const char *key, size_t max)
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

static const char *yamlcursor_next_word(struct yamlcursor *yaml, const char *key, size_t max)
{
    return yamlcursor_next(yaml) < 0 ? NULL : yamlcursor_word(yaml, key, max);
}

// The current event as an unquoted number.
static int yamlcursor_number(struct yamlcursor *yaml, const char *key, uint32_t min, uint32_t max,
                             uint32_t *ret)
{
    struct error why;
    unsigned     line = yamlcursor_line(yaml);
    const char  *text = yamlcursor_word(yaml, key, 20);

    if (!text)
        return -1;
    if (yaml->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return yamlcursor_fail(yaml, line, "%s wants a number without quotes", key);
    if (number_parse_u32(ret, text, min, max, &why) < 0)
        return yamlcursor_fail(yaml, line, "%s: %s", key, why.message);
    return 0;
}

static int yamlcursor_next_number(struct yamlcursor *yaml, const char *key, uint32_t min,
                                  uint32_t max, uint32_t *ret)
{
    return yamlcursor_next(yaml) < 0 ? -1 : yamlcursor_number(yaml, key, min, max, ret);
}

// ---- maps: a table of keys ---------------------------------------------------------------------

struct key {
    const char *name;
    int (*read)(struct yamlcursor *yaml, struct instance *instance);
};

static int read_key(struct yamlcursor *yaml, struct instance *instance, const struct key *keys,
                    size_t n_keys, uint32_t *seen)
{
    unsigned    line = yamlcursor_line(yaml);
    const char *word = yamlcursor_word(yaml, "a key", 40);

    if (!word)
        return -1;
    for (size_t i = 0; i < n_keys; i++) {
        if (strcmp(word, keys[i].name) != 0)
            continue;
        if (*seen & 1u << i)
            return yamlcursor_fail(yaml, line, "'%s' is given twice", keys[i].name);
        *seen |= 1u << i;
        return keys[i].read(yaml, instance);
    }
    return yamlcursor_fail(yaml, line, "unknown key '%.40s'", word);
}

// Reads pairs up to the end of the map whose start is the current event.
static int read_map(struct yamlcursor *yaml, struct instance *instance, const struct key *keys,
                    size_t n_keys)
{
    uint32_t seen = 0;

    for (;;) {
        if (yamlcursor_next(yaml) < 0)
            return -1;
        if (yamlcursor_type(yaml) == YAML_MAPPING_END_EVENT)
            return 0;
        if (read_key(yaml, instance, keys, n_keys, &seen) < 0)
            return -1;
    }
}

// Calls `item` for each item of the list that comes next.
static int read_list(struct yamlcursor *yaml, struct instance *instance, const char *wanted,
                     int (*item)(struct yamlcursor *yaml, struct instance *instance))
{
    if (yamlcursor_expect(yaml, YAML_SEQUENCE_START_EVENT, wanted) < 0)
        return -1;
    for (;;) {
        if (yamlcursor_next(yaml) < 0)
            return -1;
        if (yamlcursor_type(yaml) == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (item(yaml, instance) < 0)
            return -1;
    }
}

// ---- the values --------------------------------------------------------------------------------

static int read_port(struct yamlcursor *yaml, const char *key, uint16_t *ret)
{
    uint32_t value = 0;

    if (yamlcursor_next_number(yaml, key, 1024, 65535, &value) < 0)
        return -1;
    *ret = (uint16_t)value;
    return 0;
}

static int read_game_port(struct yamlcursor *yaml, struct instance *instance)
{
    yamlcursor_mark(yaml);
    return read_port(yaml, "port", &instance->port);
}

static int read_tv_port(struct yamlcursor *yaml, struct instance *instance)
{
    return read_port(yaml, "tv_port", &instance->tv_port);
}

static int read_client_port(struct yamlcursor *yaml, struct instance *instance)
{
    return read_port(yaml, "client_port", &instance->client_port);
}

static int read_hostname(struct yamlcursor *yaml, struct instance *instance)
{
    const char *text = yamlcursor_next_word(yaml, "hostname", INSTANCE_HOSTNAME_MAX);

    if (!text)
        return -1;
    if (strpbrk(text, "\";\\"))
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "hostname must not contain \" ; or \\");
    (void)snprintf(instance->hostname, sizeof instance->hostname, "%s", text); // measured
    return 0;
}

bool instance_password_is_valid(const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789._~+=-";
    size_t            n = strlen(text);

    return n >= INSTANCE_PASSWORD_MIN && n <= INSTANCE_PASSWORD_MAX && strspn(text, alphabet) == n;
}

static int read_password(struct yamlcursor *yaml, struct instance *instance)
{
    if (yamlcursor_next(yaml) < 0)
        return -1;
    // One sentence for all that can be wrong, because none may quote the secret.
    if (yamlcursor_type(yaml) == YAML_SCALAR_EVENT) {
        size_t      n = 0;
        const char *text = yamlcursor_text(yaml, &n);
        if (strlen(text) == n && instance_password_is_valid(text)) {
            memcpy(instance->rcon_password, text, n + 1);
            return 0;
        }
    }
    return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                           "rcon_password wants %u to %u characters of A-Z a-z 0-9 . _ ~ + = -",
                           INSTANCE_PASSWORD_MIN, INSTANCE_PASSWORD_MAX);
}

static int read_overlay(struct yamlcursor *yaml, struct instance *instance)
{
    uint32_t number = 0;

    if (yamlcursor_number(yaml, "overlays", 1, NUMBER_MAX, &number) < 0)
        return -1;
    if (number == GAME_OVERLAY)
        return yamlcursor_fail(
            yaml, yamlcursor_line(yaml),
            "overlay %u is the game, which is below every server by itself: leave it out",
            GAME_OVERLAY);
    for (uint32_t i = 0; i < instance->n_overlays; i++)
        if (instance->overlays[i] == number)
            return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                                   "overlay %" PRIu32 " is in the list twice", number);
    if (instance->n_overlays == INSTANCE_OVERLAYS_MAX)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "a server has at most %u overlays",
                               INSTANCE_OVERLAYS_MAX);
    instance->overlays[instance->n_overlays++] = number;
    return 0;
}

static int read_overlays(struct yamlcursor *yaml, struct instance *instance)
{
    return read_list(yaml, instance, "overlays wants a list of overlay numbers", read_overlay);
}

// What we say ourselves on the command line of the game, and what to use instead.
struct owned_word {
    const char *word;
    const char *instead;
};

static const struct owned_word owned_arguments[] = {
    { "-port", "use the key port" },
    { "+port", "use the key port" },
    { "-hostport", "use the key port" },
    { "+hostport", "use the key port" },
    { "-clientport", "use the key client_port" },
    { "+clientport", "use the key client_port" },
    { "-tv_port", "use the key tv_port" },
    { "+tv_port", "use the key tv_port" },
    { "+hostname", "use the key hostname" },
    { "-hostname", "use the key hostname" },
    { "+rcon_password", "use the key rcon_password" },
    { "-rcon_password", "use the key rcon_password" },
    { "+servercfgfile",
      "this engine ignores it and always runs cfg/server.cfg: use the key config" },
    { "-servercfgfile",
      "this engine ignores it and always runs cfg/server.cfg: use the key config" },
    { "-game", "it is always left4dead2: leave it out" },
    { "-console", "it is always there: leave it out" },
    { "-strictportbind", "it is always there: leave it out" },
    { "-norestart", "systemd restarts the server: leave it out" },
    { "-autorestart", "systemd restarts the server: leave it out" },
    { "-autoupdate", "use 'l4d2ctl install' to update the game" },
    { "-steam_dir", "use 'l4d2ctl install' to update the game" },
    { "-steamcmd_script", "use 'l4d2ctl install' to update the game" },
    { "-ip", "a server listens on every address: leave it out" },
    { "+ip", "a server listens on every address: leave it out" },
    { "-fork", "an instance is one process: make another instance" },
    { "-pidfile", "systemd knows the process: leave it out" },
};

static const struct owned_word *owned_argument(const char *text)
{
    for (size_t i = 0; i < ELEMENTS(owned_arguments); i++)
        if (strcasecmp(text, owned_arguments[i].word) == 0)
            return &owned_arguments[i];
    return NULL;
}

static int read_argument(struct yamlcursor *yaml, struct instance *instance)
{
    unsigned                 line = yamlcursor_line(yaml);
    const char              *text = yamlcursor_word(yaml, "arguments", INSTANCE_ARGUMENT_MAX);
    const struct owned_word *owned;

    if (!text)
        return -1;
    if (strchr(text, '"'))
        return yamlcursor_fail(yaml, line, "an argument must not contain a double quote");
    if ((*text == '-' || *text == '+') && strchr(text, ' '))
        return yamlcursor_fail(yaml, line, "write '%.40s' as one item per word", text);
    if ((owned = owned_argument(text)))
        return yamlcursor_fail(yaml, line, "the argument %s is not yours to give: %s", owned->word,
                               owned->instead);
    if (instance->arguments.n == INSTANCE_ARGUMENTS_MAX)
        return yamlcursor_fail(yaml, line, "a server has at most %u arguments",
                               INSTANCE_ARGUMENTS_MAX);
    strings_add(&instance->arguments, text, strlen(text));
    return 0;
}

static int read_arguments(struct yamlcursor *yaml, struct instance *instance)
{
    return read_list(yaml, instance, "arguments wants a list, one word an item", read_argument);
}

// ---- config lines ------------------------------------------------------------------------------

// Settings that the end of server.cfg sets for good.
static const struct owned_word owned_settings[] = {
    { "hostname", "use the key hostname" },
    { "rcon_password", "use the key rcon_password" },
    { "log", "logging is always on: leave it out" },
    { "sv_logecho", "logging is always on: leave it out" },
};

// The sentence for a command that begins at `text` and is not the user's to give, or NULL.
static const char *owned_command(const char *text, size_t n)
{
    size_t start = 0, end;

    while (start < n && strchr(" \t\"", text[start]))
        start++;
    for (end = start; end < n && !strchr(" \t\"", text[end]);)
        end++;
    for (size_t i = 0; i < ELEMENTS(owned_settings); i++)
        if (strlen(owned_settings[i].word) == end - start &&
            strncasecmp(text + start, owned_settings[i].word, end - start) == 0)
            return owned_settings[i].instead;
    return NULL;
}

// Looks at every command of a line, as the engine splits it: by semicolons outside quotes, up to
// a comment.
static const char *owned_setting(const char *text, size_t n)
{
    bool   is_quoted = false;
    size_t start = 0;

    for (size_t i = 0; i <= n; i++) {
        bool is_comment = !is_quoted && i + 1 < n && text[i] == '/' && text[i + 1] == '/';
        if (i == n || is_comment || (text[i] == ';' && !is_quoted)) {
            const char *instead = owned_command(text + start, i - start);
            if (instead || i == n || is_comment)
                return instead;
            start = i + 1;
        } else if (text[i] == '"') {
            is_quoted = !is_quoted;
        }
    }
    return NULL;
}

static int add_config_line(struct yamlcursor *yaml, struct instance *instance, const char *text,
                           size_t n, unsigned line)
{
    const char *instead;

    if (n > INSTANCE_CONFIG_LINE_MAX)
        return yamlcursor_fail(yaml, line, "this config line is longer than %u bytes",
                               INSTANCE_CONFIG_LINE_MAX);
    for (size_t i = 0; i < n; i++)
        if ((text[i] < 0x20 && text[i] != '\t') || text[i] > 0x7e)
            return yamlcursor_fail(
                yaml, line,
                "column %zu of this config line is not printable ASCII, which can hang the "
                "game",
                i + 1);
    if ((instead = owned_setting(text, n)))
        return yamlcursor_fail(yaml, line, "this config line sets what it cannot: %s", instead);
    if (instance->config.n == INSTANCE_CONFIG_LINES_MAX)
        return yamlcursor_fail(yaml, line, "a server has at most %u config lines",
                               INSTANCE_CONFIG_LINES_MAX);
    strings_add(&instance->config, text, n);
    return 0;
}

static int read_config_item(struct yamlcursor *yaml, struct instance *instance)
{
    size_t n = 0;

    if (yamlcursor_type(yaml) != YAML_SCALAR_EVENT)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "config wants lines of text");
    const char *text = yamlcursor_text(yaml, &n);
    return add_config_line(yaml, instance, text, n, yamlcursor_line(yaml));
}

// A block of text: its lines are numbered from the one after the '|'.
static int read_config_block(struct yamlcursor *yaml, struct instance *instance)
{
    size_t      n = 0;
    const char *text = yamlcursor_text(yaml, &n);
    unsigned    line = yamlcursor_line(yaml);

    if (yamlcursor_style(yaml) == YAML_LITERAL_SCALAR_STYLE)
        line++;
    for (size_t start = 0; start < n; line++) {
        const char *end = memchr(text + start, '\n', n - start);
        size_t      length = end ? (size_t)(end - text) - start : n - start;
        if (add_config_line(yaml, instance, text + start, length, line) < 0)
            return -1;
        start += length + 1;
    }
    return 0;
}

static int read_config(struct yamlcursor *yaml, struct instance *instance)
{
    if (yamlcursor_next(yaml) < 0)
        return -1;
    if (yamlcursor_type(yaml) == YAML_SCALAR_EVENT)
        return read_config_block(yaml, instance);
    if (yamlcursor_type(yaml) != YAML_SEQUENCE_START_EVENT)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                               "config wants a list of lines or a block of text");
    for (;;) {
        if (yamlcursor_next(yaml) < 0)
            return -1;
        if (yamlcursor_type(yaml) == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (read_config_item(yaml, instance) < 0)
            return -1;
    }
}

// ---- limits ------------------------------------------------------------------------------------

static int read_memory(struct yamlcursor *yaml, struct instance *instance)
{
    struct error why;
    const char  *text = yamlcursor_next_word(yaml, "memory", 20);

    if (!text)
        return -1;
    if (number_parse_bytes(&instance->limits.memory_bytes, text, LIMIT_MEMORY_MIN, LIMIT_MEMORY_MAX,
                           &why) < 0)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                               "memory wants a size from 64M to 16T, such as 4G");
    return 0;
}

static int read_cpu(struct yamlcursor *yaml, struct instance *instance)
{
    return yamlcursor_next_number(yaml, "cpu (percent of one processor)", 1, LIMIT_CPU_PERCENT_MAX,
                                  &instance->limits.cpu_percent);
}

static int read_cpus(struct yamlcursor *yaml, struct instance *instance)
{
    struct error why;
    const char  *text = yamlcursor_next_word(yaml, "cpus", 1000);

    if (!text)
        return -1;
    if (limittext_parse_cpus(&instance->limits, text, &why) < 0)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "cpus: %s", why.message);
    return 0;
}

static int read_tasks(struct yamlcursor *yaml, struct instance *instance)
{
    return yamlcursor_next_number(yaml, "tasks", LIMIT_TASKS_MIN, LIMIT_TASKS_MAX,
                                  &instance->limits.tasks);
}

static int read_limits(struct yamlcursor *yaml, struct instance *instance)
{
    static const struct key keys[] = {
        { "memory", read_memory },
        { "cpu", read_cpu },
        { "cpus", read_cpus },
        { "tasks", read_tasks },
    };

    if (yamlcursor_expect(yaml, YAML_MAPPING_START_EVENT,
                          "limits wants a map of memory, cpu, cpus and tasks") < 0)
        return -1;
    return read_map(yaml, instance, keys, ELEMENTS(keys));
}

// ---- the whole ---------------------------------------------------------------------------------

static int default_port(struct yamlcursor *yaml, uint16_t port, uint32_t offset, const char *key,
                        uint16_t *port_to_set)
{
    if (*port_to_set)
        return 0;
    if (port + offset > 65535)
        return yamlcursor_fail(yaml, yamlcursor_marked_line(yaml),
                               "port %u leaves no room for the usual %s (port + %" PRIu32
                               "): give %s a value",
                               port, key, offset, key);
    *port_to_set = (uint16_t)(port + offset);
    return 0;
}

static int complete_ports(struct yamlcursor *yaml, struct instance *instance)
{
    if (!instance->port)
        return yamlcursor_fail(yaml, 1, "port is missing: every server needs one, such as 27015");
    if (default_port(yaml, instance->port, TV_PORT_OFFSET, "tv_port", &instance->tv_port) < 0 ||
        default_port(yaml, instance->port, CLIENT_PORT_OFFSET, "client_port",
                     &instance->client_port) < 0)
        return -1;
    if (instance->port == instance->tv_port || instance->port == instance->client_port ||
        instance->tv_port == instance->client_port)
        return yamlcursor_fail(yaml, yamlcursor_marked_line(yaml),
                               "port, tv_port and client_port must be three different numbers");
    return 0;
}

static int read_document(struct yamlcursor *yaml, struct instance *instance)
{
    static const struct key keys[] = {
        { "port", read_game_port },          { "tv_port", read_tv_port },
        { "client_port", read_client_port }, { "hostname", read_hostname },
        { "rcon_password", read_password },  { "overlays", read_overlays },
        { "arguments", read_arguments },     { "config", read_config },
        { "limits", read_limits },
    };
    static const char wanted[] = "a map of keys is wanted here, such as port: 27015";

    if (yamlcursor_expect(yaml, YAML_STREAM_START_EVENT, wanted) < 0 ||
        yamlcursor_expect(yaml, YAML_DOCUMENT_START_EVENT, wanted) < 0 ||
        yamlcursor_expect(yaml, YAML_MAPPING_START_EVENT, wanted) < 0 ||
        read_map(yaml, instance, keys, ELEMENTS(keys)) < 0 || complete_ports(yaml, instance) < 0 ||
        yamlcursor_expect(yaml, YAML_DOCUMENT_END_EVENT, wanted) < 0)
        return -1;
    return yamlcursor_expect(yaml, YAML_STREAM_END_EVENT,
                             "only one document is wanted in this file");
}

int instance_parse(struct instance **ret, const char *file, const char *bytes, size_t n_bytes,
                   struct error *err)
{
    AUTO(instance_freep) struct instance      *instance = calloc(1, sizeof *instance);
    AUTO(yamlcursor_closep) struct yamlcursor *yaml = NULL;

    if (!instance)
        return error_set(err, ERROR_NO_SPACE, "no memory to read %.100s", file);
    if (yamlcursor_open(&yaml, file, bytes, n_bytes, err) < 0)
        return -1;
    if (n_bytes > INSTANCE_BYTES_MAX)
        return yamlcursor_fail(yaml, 1, "the file is larger than %u bytes", INSTANCE_BYTES_MAX);

    if (read_document(yaml, instance) < 0)
        return -1;
    if (buffer_check(&instance->arguments.text, err) < 0 ||
        buffer_check(&instance->config.text, err) < 0)
        return -1;
    *ret = TAKE(instance);
    return 0;
}

void instance_free(struct instance *instance)
{
    if (!instance)
        return;
    strings_done(&instance->arguments);
    strings_done(&instance->config);
    free(instance);
}

void instance_freep(struct instance **instance)
{
    instance_free(*instance);
}

// ---- writing it back ---------------------------------------------------------------------------

// Printable ASCII and tabs only, which is all that instance_parse lets in.
static void format_quoted(struct buffer *text, const char *string)
{
    buffer_add_string(text, "\"");
    for (const char *c = string; *c; c++) {
        if (*c == '\t') {
            buffer_add_string(text, "\\t");
            continue;
        }
        if (*c == '"' || *c == '\\')
            buffer_add_string(text, "\\");
        buffer_add(text, c, 1);
    }
    buffer_add_string(text, "\"");
}

static void format_strings(struct buffer *text, const char *key, const struct strings *strings)
{
    if (strings->n == 0)
        return;
    buffer_printf(text, "%s:\n", key);
    for (const char *s = strings_next(strings, NULL); s; s = strings_next(strings, s)) {
        buffer_add_string(text, "  - ");
        format_quoted(text, s);
        buffer_add_string(text, "\n");
    }
}

static void format_limits(struct buffer *text, const struct instance_limits *limits)
{
    if (!limits->memory_bytes && !limits->cpu_percent && !limits->tasks &&
        !limittext_has_cpus(limits))
        return;
    buffer_add_string(text, "limits:\n");
    if (limits->memory_bytes) {
        buffer_add_string(text, "  memory: ");
        limittext_format_bytes(text, limits->memory_bytes);
        buffer_add_string(text, "\n");
    }
    if (limits->cpu_percent)
        buffer_printf(text, "  cpu: %" PRIu32 "\n", limits->cpu_percent);
    if (limittext_has_cpus(limits)) {
        buffer_add_string(text, "  cpus: \"");
        limittext_format_cpus(text, limits);
        buffer_add_string(text, "\"\n");
    }
    if (limits->tasks)
        buffer_printf(text, "  tasks: %" PRIu32 "\n", limits->tasks);
}

void instance_format(struct buffer *text, const struct instance *instance)
{
    buffer_printf(text, "port: %u\ntv_port: %u\nclient_port: %u\n", instance->port,
                  instance->tv_port, instance->client_port);
    if (*instance->hostname) {
        buffer_add_string(text, "hostname: ");
        format_quoted(text, instance->hostname);
        buffer_add_string(text, "\n");
    }
    if (instance->n_overlays > 0) {
        buffer_add_string(text, "overlays: [");
        for (uint32_t i = 0; i < instance->n_overlays; i++)
            buffer_printf(text, "%s%" PRIu32, i ? ", " : "", instance->overlays[i]);
        buffer_add_string(text, "]\n");
    }
    format_strings(text, "arguments", &instance->arguments);
    format_strings(text, "config", &instance->config);
    format_limits(text, &instance->limits);
}

void instance_compare(struct strings *ret, const struct instance *a, const struct instance *b)
{
    const struct {
        const char *word;
        bool        is_different;
    } rows[] = {
        { "port", a->port != b->port },
        { "tv_port", a->tv_port != b->tv_port },
        { "client_port", a->client_port != b->client_port },
        { "hostname", strcmp(a->hostname, b->hostname) != 0 },
        { "overlays", a->n_overlays != b->n_overlays ||
                          memcmp(a->overlays, b->overlays, sizeof a->overlays) != 0 },
        { "arguments", !strings_equal(&a->arguments, &b->arguments) },
        { "config", !strings_equal(&a->config, &b->config) },
        { "limits", memcmp(&a->limits, &b->limits, sizeof a->limits) != 0 },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (rows[i].is_different)
            strings_add(ret, rows[i].word, strlen(rows[i].word));
}
