// SPDX-License-Identifier: MIT
#include "work/spec.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include "base/text.h"

// ---- texts ------------------------------------------------------------------------------------

// Of a well-formed character, `n` bytes long.
static uint32_t code_point(const char *bytes, size_t n)
{
    uint32_t code = (uint8_t)bytes[0] & (n == 1 ? 0x7f : 0xff >> (n + 1));

    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((uint8_t)bytes[i] & 0x3f);
    return code;
}

// Printable ASCII is itself; all else is written as a number, for not every character may stand in
// YAML. What is no character is a byte, which no text of a specification may hold.
static size_t format_character(struct buffer *text, const char *bytes, size_t n)
{
    size_t   n_character = text_character(bytes, n);
    uint32_t code = n_character ? code_point(bytes, n_character) : (uint8_t)*bytes;

    if (code == '"' || code == '\\')
        buffer_printf(text, "\\%c", (char)code);
    else if (code >= 0x20 && code < 0x7f)
        buffer_add(text, bytes, 1);
    else
        buffer_printf(text, "\\U%08" PRIX32, code);
    return MAX(n_character, 1u);
}

static void format_quoted(struct buffer *text, const char *bytes, size_t n)
{
    buffer_add_string(text, "\"");
    for (size_t i = 0; i < n;)
        i += format_character(text, bytes + i, n - i);
    buffer_add_string(text, "\"");
}

static void format_item(struct buffer *text, const char *bytes, size_t n)
{
    buffer_add_string(text, "  - ");
    format_quoted(text, bytes, n);
    buffer_add_string(text, "\n");
}

// ---- the parts --------------------------------------------------------------------------------

// A server without a host name is called as its people call it, as far as the game can show that.
static void format_hostname(struct buffer *text, const struct server *server)
{
    char        plain[NAME_MAX_BYTES];
    const char *hostname = server->hostname;
    size_t      n = 0;

    if (!*hostname) {
        for (const char *c = server->name; *c; c++)
            plain[n++] = *c >= 0x20 && *c < 0x7f && !strchr("\";\\", *c) ? *c : '?';
        plain[n] = '\0';
        hostname = plain;
    }
    buffer_add_string(text, "hostname: ");
    format_quoted(text, hostname, strlen(hostname));
    buffer_add_string(text, "\n");
}

// Here the lowest is the first; in a blueprint it is the last.
static void format_overlays(struct buffer *text, const char *key, const struct blueprint *blueprint,
                            bool is_of_all)
{
    const char *comma = "";

    buffer_printf(text, "%s: [", key);
    for (size_t i = blueprint->n_overlays; i > 0; i--) {
        const struct blueprint_overlay *overlay = &blueprint->overlays[i - 1];
        if (!is_of_all && !overlay->exposes_server_cfg)
            continue;
        buffer_printf(text, "%s%" PRId64, comma, overlay->overlay);
        comma = ", ";
    }
    buffer_add_string(text, "]\n");
}

// What is in the row was a list of words when it was stored; something else is left out, as nobody
// could have meant it.
static void format_arguments(struct buffer *text, const char *json)
{
    json_t *words = json_loads(json, 0, NULL), *word;
    size_t  i;

    if (json_array_size(words) > 0)
        buffer_add_string(text, "arguments:\n");
    json_array_foreach(words, i, word) if (json_is_string(word))
        format_item(text, json_string_value(word), json_string_length(word));
    json_decref(words);
}

static void format_config(struct buffer *text, const char *lines)
{
    if (*lines)
        buffer_add_string(text, "config:\n");
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        bool   has_cr = n > 0 && lines[n - 1] == '\r';
        format_item(text, lines, has_cr ? n - 1 : n);
        lines += n + (lines[n] == '\n' ? 1 : 0);
    }
}

static void format_limits(struct buffer *text, const struct blueprint *blueprint)
{
    if (!blueprint->memory_bytes && !blueprint->cpu_percent && !blueprint->tasks)
        return;
    buffer_add_string(text, "limits:\n");
    if (blueprint->memory_bytes)
        buffer_printf(text, "  memory: %" PRIu64 "\n", blueprint->memory_bytes);
    if (blueprint->cpu_percent)
        buffer_printf(text, "  cpu: %" PRIu32 "\n", blueprint->cpu_percent);
    if (blueprint->tasks)
        buffer_printf(text, "  tasks: %" PRIu32 "\n", blueprint->tasks);
}

// ---- all of it --------------------------------------------------------------------------------

void spec_format(struct buffer *text, const struct server *server,
                 const struct blueprint *blueprint, const char *rcon_password)
{
    buffer_printf(text, "port: %u\ntv_port: %u\nclient_port: %u\n", server->ports.game,
                  server->ports.tv, server->ports.client);
    format_hostname(text, server);
    if (*rcon_password) {
        buffer_add_string(text, "rcon_password: ");
        format_quoted(text, rcon_password, strlen(rcon_password));
        buffer_add_string(text, "\n");
    }
    format_overlays(text, "overlays", blueprint, true);
    format_overlays(text, "server_cfg_of", blueprint, false);
    format_arguments(text, blueprint->arguments);
    format_config(text, blueprint->config);
    format_limits(text, blueprint);
}

int spec_read(struct buffer *text, struct database *db, int64_t server,
              const struct secret_key *key, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *blueprint = NULL;
    char                                    password[SERVER_RCON_MAX] = "";
    struct server                           row;

    if (server_find(&row, db, server, VIEWER_ALL, err) < 0 ||
        blueprint_find(&blueprint, db, row.blueprint, VIEWER_ALL, err) < 0 ||
        (key && server_rcon_password(password, db, server, key, err) < 0))
        return -1;
    spec_format(text, &row, blueprint, password);
    sodium_memzero(password, sizeof password);
    return buffer_check(text, err);
}
