// SPDX-License-Identifier: MIT

// instanceformat: an instance as text again, and the words for what differs between two.

#include "host/instance.h"

#include <inttypes.h>
#include <string.h>
#include "host/limittext.h"

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

static void format_numbers(struct buffer *text, const char *key, const uint32_t *numbers,
                           uint32_t n)
{
    if (n == 0)
        return;
    buffer_printf(text, "%s: [", key);
    for (uint32_t i = 0; i < n; i++)
        buffer_printf(text, "%s%" PRIu32, i ? ", " : "", numbers[i]);
    buffer_add_string(text, "]\n");
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
    format_numbers(text, "overlays", instance->overlays, instance->n_overlays);
    format_numbers(text, "server_cfg_of", instance->server_cfg_of, instance->n_server_cfg_of);
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
        { "server_cfg_of",
          a->n_server_cfg_of != b->n_server_cfg_of ||
              memcmp(a->server_cfg_of, b->server_cfg_of, sizeof a->server_cfg_of) != 0 },
        { "arguments", !strings_equal(&a->arguments, &b->arguments) },
        { "config", !strings_equal(&a->config, &b->config) },
        { "limits", memcmp(&a->limits, &b->limits, sizeof a->limits) != 0 },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (rows[i].is_different)
            strings_add(ret, rows[i].word, strlen(rows[i].word));
}
