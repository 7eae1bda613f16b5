// SPDX-License-Identifier: MIT

// layers: which layers a server has, and drift: what the game wrote into its own.

#include "cli/layers.h"

#include <string.h>
#include "host/drift.h"
#include "host/instances.h"
#include "host/layers.h"
#include "host/stack.h"

int layers_open_now(struct layers **ret, const char **ret_when, const struct cli *cli,
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

const char *layers_entry_word(enum layer_entry entry)
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

const char *layers_role_word(enum layer_role role)
{
    static const char *const words[] = {
        [LAYER_ROLE_SHOWN] = "shown",       [LAYER_ROLE_MERGED] = "merged",
        [LAYER_ROLE_SHADOWED] = "shadowed", [LAYER_ROLE_REMOVES] = "removes",
        [LAYER_ROLE_UNKNOWN] = "unknown",
    };

    return words[role];
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
            entries, json_pack("{s:o, s:s, s:s, s:I, s:I}", "path",
                               output_text_json(entry->path, strlen(entry->path)), "change",
                               drift_change_word(entry->change), "entry",
                               layers_entry_word(entry->entry), "size", (json_int_t)entry->size,
                               "size_before", (json_int_t)entry->size_before));
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
        output_escaped(&text, entry->path);
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

    if (layers_open_now(&layers, &when, cli, err) < 0 || drift_read(&drift, layers, err) < 0)
        return -1;
    if (cli->is_json)
        return output_json(drift_json(cli, drift), err);
    print_drift(drift);
    return 0;
}
