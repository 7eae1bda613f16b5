// SPDX-License-Identifier: MIT
#include "host/instance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/number.h"
#include "host/limittext.h"
#include "host/owned.h"
#include "host/yamlcursor.h"

#define KEY_MAX       40u // bytes
#define SIZE_WORD_MAX 20u // likewise

#define PORT_MIN 1024 // below it only root may bind

// From the game port. Servers are numbered upwards from 27015, by one or by ten: so both are far
// from it, to either side, and below 32768, where the ports begin that Linux gives to programs
// which want any, and which may be taken by chance.
#define TV_PORT_OFFSET     5000
#define CLIENT_PORT_OFFSET (-5000)

enum mark { MARK_PORT, MARK_SERVER_CFG_OF, MARK_COUNT };
_Static_assert((unsigned)MARK_COUNT == YAMLCURSOR_MARKS, "a line for each mark");

// ---- maps: a table of keys ---------------------------------------------------------------------

struct key {
    const char *name;
    int (*read)(struct yamlcursor *yaml, struct instance *instance);
};

static int read_key(struct yamlcursor *yaml, struct instance *instance, const struct key *keys,
                    size_t n_keys, uint32_t *seen)
{
    unsigned    line = yamlcursor_line(yaml);
    const char *word = yamlcursor_word(yaml, "a key", KEY_MAX);

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

    if (yamlcursor_next_number(yaml, key, PORT_MIN, UINT16_MAX, &value) < 0)
        return -1;
    *ret = (uint16_t)value;
    return 0;
}

static int read_game_port(struct yamlcursor *yaml, struct instance *instance)
{
    yamlcursor_mark(yaml, MARK_PORT);
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

static bool is_in_list(const uint32_t *overlays, uint32_t n, uint32_t number)
{
    for (uint32_t i = 0; i < n; i++)
        if (overlays[i] == number)
            return true;
    return false;
}

// Adds to a list of INSTANCE_OVERLAYS_MAX.
static int add_overlay(struct yamlcursor *yaml, uint32_t *overlays, uint32_t *n, uint32_t number)
{
    if (is_in_list(overlays, *n, number))
        return yamlcursor_fail(yaml, yamlcursor_line(yaml),
                               "overlay %" PRIu32 " is in the list twice", number);
    if (*n == INSTANCE_OVERLAYS_MAX)
        return yamlcursor_fail(yaml, yamlcursor_line(yaml), "a server has at most %u overlays",
                               INSTANCE_OVERLAYS_MAX);
    overlays[(*n)++] = number;
    return 0;
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
    return add_overlay(yaml, instance->overlays, &instance->n_overlays, number);
}

static int read_overlays(struct yamlcursor *yaml, struct instance *instance)
{
    return read_list(yaml, instance, "overlays wants a list of overlay numbers", read_overlay);
}

static int read_server_cfg(struct yamlcursor *yaml, struct instance *instance)
{
    uint32_t number = 0;

    if (yamlcursor_number(yaml, "server_cfg_of", 1, NUMBER_MAX, &number) < 0)
        return -1;
    return add_overlay(yaml, instance->server_cfg_of, &instance->n_server_cfg_of, number);
}

static int read_server_cfg_of(struct yamlcursor *yaml, struct instance *instance)
{
    yamlcursor_mark(yaml, MARK_SERVER_CFG_OF);
    return read_list(yaml, instance, "server_cfg_of wants a list of overlay numbers",
                     read_server_cfg);
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
    const char  *text = yamlcursor_next_word(yaml, "memory", SIZE_WORD_MAX);

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
    const char  *text = yamlcursor_next_word(yaml, "cpus", LIMITTEXT_CPUS_MAX);

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

static int default_port(struct yamlcursor *yaml, uint16_t port, int offset, const char *key,
                        uint16_t *port_to_set)
{
    const int usual = port + offset;

    if (*port_to_set)
        return 0;
    if (usual < PORT_MIN || usual > UINT16_MAX)
        return yamlcursor_fail(yaml, yamlcursor_marked_line(yaml, MARK_PORT),
                               "port %u leaves no room for the usual %s (port %c %d): give %s a "
                               "value",
                               port, key, offset < 0 ? '-' : '+', abs(offset), key);
    *port_to_set = (uint16_t)usual;
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
        return yamlcursor_fail(yaml, yamlcursor_marked_line(yaml, MARK_PORT),
                               "port, tv_port and client_port must be three different numbers");
    return 0;
}

// The files are run in the order in which the overlays lie, however the list is written.
static int complete_server_cfg_of(struct yamlcursor *yaml, struct instance *instance)
{
    uint32_t ordered[INSTANCE_OVERLAYS_MAX] = { 0 };
    uint32_t n = 0;

    for (uint32_t i = 0; i < instance->n_server_cfg_of; i++)
        if (!is_in_list(instance->overlays, instance->n_overlays, instance->server_cfg_of[i]))
            return yamlcursor_fail(yaml, yamlcursor_marked_line(yaml, MARK_SERVER_CFG_OF),
                                   "server_cfg_of has overlay %" PRIu32
                                   ", which is not in overlays",
                                   instance->server_cfg_of[i]);
    for (uint32_t i = 0; i < instance->n_overlays; i++)
        if (is_in_list(instance->server_cfg_of, instance->n_server_cfg_of, instance->overlays[i]))
            ordered[n++] = instance->overlays[i];
    memcpy(instance->server_cfg_of, ordered, sizeof ordered);
    return 0;
}

static int read_document(struct yamlcursor *yaml, struct instance *instance)
{
    static const struct key keys[] = {
        { "port", read_game_port },
        { "tv_port", read_tv_port },
        { "client_port", read_client_port },
        { "hostname", read_hostname },
        { "rcon_password", read_password },
        { "overlays", read_overlays },
        { "server_cfg_of", read_server_cfg_of },
        { "arguments", read_arguments },
        { "config", read_config },
        { "limits", read_limits },
    };
    static const char wanted[] = "a map of keys is wanted here, such as port: 27015";

    if (yamlcursor_expect(yaml, YAML_STREAM_START_EVENT, wanted) < 0 ||
        yamlcursor_expect(yaml, YAML_DOCUMENT_START_EVENT, wanted) < 0 ||
        yamlcursor_expect(yaml, YAML_MAPPING_START_EVENT, wanted) < 0 ||
        read_map(yaml, instance, keys, ELEMENTS(keys)) < 0 || complete_ports(yaml, instance) < 0 ||
        complete_server_cfg_of(yaml, instance) < 0 ||
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
