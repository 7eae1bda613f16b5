// SPDX-License-Identifier: MIT

// layers: explain and drift: where a file of a server comes from, and what the game wrote.

#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/drift.h"
#include "host/instances.h"
#include "host/layers.h"
#include "host/stack.h"

// What is mounted, else what was applied, else what the next start would take.
static int open_layers(struct layers **ret, const char **ret_when, const struct cli *cli,
                       struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    struct instance_spec                  spec;
    bool                                  is_there = false, is_damaged = false;

    if (instances_load(&instance, cli->paths, &cli->name, err) < 0)
        return -1;
    *ret_when = "as it runs now";
    if (stack_read_mounted(&spec, &is_there, cli->paths, &cli->name, err) < 0)
        return -1;
    if (!is_there) {
        *ret_when = "as it ran last";
        if (stack_read_applied(&spec, &is_there, &is_damaged, cli->paths, &cli->name, err) < 0)
            return -1;
    }
    if (!is_there) {
        *ret_when = "as it would start now, without its configuration";
        if (stack_plan(&spec.stack, cli->paths, instance, 0, err) < 0)
            return -1;
    }
    return layers_open(ret, cli->paths, &cli->name, &spec.stack, err);
}

static const char *entry_word(enum layer_entry entry)
{
    switch (entry) {
    case LAYER_HAS_NOTHING:
        return "opaque directory";
    case LAYER_HAS_FILE:
        return "file";
    case LAYER_HAS_DIR:
        return "directory";
    case LAYER_HAS_LINK:
        return "symbolic link";
    case LAYER_HAS_SPECIAL:
        return "special file";
    case LAYER_HAS_WHITEOUT:
        return "removal";
    case LAYER_HAS_OBSTACLE:
        return "no directory on the way";
    case LAYER_IS_UNREADABLE:
        return "unreadable";
    }
    return "";
}

static const char *role_word(enum layer_role role)
{
    static const char *const words[] = {
        [LAYER_ROLE_SHOWN] = "shown",       [LAYER_ROLE_MERGED] = "merged",
        [LAYER_ROLE_SHADOWED] = "shadowed", [LAYER_ROLE_REMOVES] = "removes",
        [LAYER_ROLE_UNKNOWN] = "unknown",
    };

    return words[role];
}

// ---- explain -----------------------------------------------------------------------------------

static json_t *finding_json(const struct layers *layers, const struct layer_finding *finding)
{
    const struct layer *layer = &layers->layer[finding->layer];
    char                description[LAYER_DESCRIPTION_MAX];

    layer_describe(description, layer);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "layer", description, "role",
                     role_word(finding->role), "entry", entry_word(finding->entry), "overlay",
                     layer->overlay ? json_integer(layer->overlay) : json_null(), "generation",
                     layer->generation ? json_integer(layer->generation) : json_null(), "size",
                     finding->entry == LAYER_HAS_FILE ? output_count_json(finding->size)
                                                      : json_null());
}

static void print_findings(const struct cli *cli, const struct layers *layers, const char *when,
                           const struct layer_finding *findings, size_t n)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_add_escaped(&text, cli->args[1], strlen(cli->args[1]));
    buffer_printf(&text, " in '%s', %s:\n", cli->name.text, when);
    for (size_t i = 0; i < n; i++) {
        char description[LAYER_DESCRIPTION_MAX];
        layer_describe(description, &layers->layer[findings[i].layer]);
        buffer_printf(&text, "  %-9s %-34s %s", role_word(findings[i].role), description,
                      entry_word(findings[i].entry));
        if (findings[i].entry == LAYER_HAS_FILE) {
            buffer_add_string(&text, ", ");
            output_size(&text, findings[i].size);
        }
        buffer_add_string(&text, "\n");
    }
    if (n == 0)
        buffer_add_string(&text, "  no layer has it\n");
    output_flush(&text);
}

int explain_run(struct cli *cli, struct error *err)
{
    AUTO(layers_freep) struct layers *layers = NULL;
    AUTO(freep) struct layer_finding *findings = calloc(LAYERS_MAX, sizeof *findings);
    const char                       *when = "";

    if (!findings)
        return error_set(err, ERROR_NO_SPACE, "no memory to look at the layers");
    if (layers_check_path(cli->args[1], err) < 0 || open_layers(&layers, &when, cli, err) < 0)
        return -1;
    size_t n = layers_explain(findings, layers, cli->args[1]);
    if (!cli->is_json) {
        print_findings(cli, layers, when, findings, n);
        return 0;
    }
    json_t *array = json_array();
    bool    is_shown = false, is_unknown = false;
    for (size_t i = 0; i < n; i++) {
        is_shown = is_shown || findings[i].role == LAYER_ROLE_SHOWN;
        is_unknown = is_unknown || findings[i].role == LAYER_ROLE_UNKNOWN;
        (void)json_array_append_new(array, finding_json(layers, &findings[i])); // absent then
    }
    return output_json(
        json_pack("{s:s, s:o, s:s, s:o, s:o}", "name", cli->name.text, "path",
                  output_text_json(cli->args[1], strlen(cli->args[1])), "seen", when, "exists",
                  is_shown || !is_unknown ? json_boolean(is_shown) : json_null(), "layers", array),
        err);
}

// ---- drift -------------------------------------------------------------------------------------

struct totals {
    size_t   count[DRIFT_CHANGE_COUNT];
    uint64_t bytes;
};

static struct totals count(const struct drift *drift)
{
    struct totals totals = { 0 };

    for (size_t i = 0; i < drift->n; i++) {
        totals.count[drift->entries[i].change]++;
        totals.bytes += drift->entries[i].size;
    }
    return totals;
}

static json_t *drift_json(const struct cli *cli, const struct drift *drift)
{
    struct totals totals = count(drift);
    json_t       *entries = json_array();
    json_t *json = json_pack("{s:s, s:o, s:I, s:b}", "name", cli->name.text, "entries", entries,
                             "bytes", (json_int_t)totals.bytes, "truncated", (int)drift->is_cut);

    for (size_t i = 0; i < DRIFT_CHANGE_COUNT; i++)
        (void)json_object_set_new(json, drift_change_word((enum drift_change)i),
                                  json_integer((json_int_t)totals.count[i])); // absent then
    for (size_t i = 0; i < drift->n; i++) {
        const struct drift_entry *entry = &drift->entries[i];
        (void)json_array_append_new(
            entries,
            json_pack("{s:o, s:s, s:s, s:I, s:I}", "path",
                      output_text_json(entry->path, strlen(entry->path)), "change",
                      drift_change_word(entry->change), "entry", entry_word(entry->entry), "size",
                      (json_int_t)entry->size, "size_before", (json_int_t)entry->size_before));
    }
    return json;
}

static void print_drift(const struct drift *drift)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    struct totals                   totals = count(drift);

    for (size_t i = 0; i < drift->n; i++) {
        const struct drift_entry       *entry = &drift->entries[i];
        AUTO(buffer_done) struct buffer size = { 0 };
        if (entry->entry == LAYER_HAS_FILE)
            output_size(&size, entry->change == DRIFT_REMOVED ? entry->size_before : entry->size);
        if (entry->entry == LAYER_HAS_FILE && entry->change == DRIFT_CHANGED) {
            buffer_add_string(&size, ", was ");
            output_size(&size, entry->size_before);
        }
        buffer_printf(&text, "%-10s %-24s ", drift_change_word(entry->change),
                      size.n ? size.bytes : "");
        buffer_add_escaped(&text, entry->path, strlen(entry->path));
        buffer_add_string(&text, entry->entry == LAYER_HAS_DIR ? "/\n" : "\n");
    }
    buffer_printf(&text, "%zu added, %zu changed, %zu removed", totals.count[DRIFT_ADDED],
                  totals.count[DRIFT_CHANGED],
                  totals.count[DRIFT_REMOVED] + totals.count[DRIFT_REPLACED]);
    if (totals.count[DRIFT_UNKNOWN] > 0) // a layer below cannot be read
        buffer_printf(&text, ", %zu unknown", totals.count[DRIFT_UNKNOWN]);
    buffer_add_string(&text, "; ");
    output_size(&text, totals.bytes);
    buffer_add_string(&text, " in the game's own layer\n");
    if (drift->is_cut)
        buffer_add_string(&text, "There is more than is shown here.\n");
    output_flush(&text);
}

int drift_run(struct cli *cli, struct error *err)
{
    AUTO(layers_freep) struct layers *layers = NULL;
    AUTO(drift_freep) struct drift   *drift = NULL;
    const char                       *when = "";

    if (open_layers(&layers, &when, cli, err) < 0 || drift_read(&drift, layers, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(drift_json(cli, drift), err);
    print_drift(drift);
    return 0;
}
