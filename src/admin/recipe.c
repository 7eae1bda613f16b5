// SPDX-License-Identifier: MIT
#include "admin/recipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void recipe_freep(struct recipe **recipe)
{
    if (!*recipe)
        return;
    free((*recipe)->blueprint.arguments);
    free((*recipe)->blueprint.config);
    free(*recipe);
}

char *recipe_format(const struct blueprint *blueprint)
{
    json_t *overlays = json_array();

    for (size_t i = 0; i < blueprint->n_overlays; i++)
        (void)json_array_append_new( // seen to be missing
            overlays,
            json_pack("{s:s, s:b}", "name", blueprint->overlays[i].name, "expose_server_cfg",
                      (int)blueprint->overlays[i].exposes_server_cfg));
    bool    is_whole = json_array_size(overlays) == blueprint->n_overlays;
    json_t *json =
        json_pack("{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:b}", "name", blueprint->name, "arguments",
                  json_loads(blueprint->arguments, 0, NULL), "config", blueprint->config,
                  "overlays", overlays, "memory_bytes", (json_int_t)blueprint->memory_bytes,
                  "cpu_percent", (json_int_t)blueprint->cpu_percent, "tasks",
                  (json_int_t)blueprint->tasks, "shared", (int)blueprint->is_shared);
    char *text = json && is_whole ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    return text;
}

static int take_overlays(struct recipe *recipe, const json_t *list, struct error *err)
{
    json_t *row;
    size_t  i;

    if (!json_is_array(list) || json_array_size(list) > BLUEPRINT_OVERLAYS_MAX)
        return error_set(err, ERROR_INVALID, "it has too many overlays");
    json_array_foreach(list, i, row)
    {
        const char *name = NULL;
        int         exposes = 0;
        if (json_unpack_ex(row, NULL, JSON_STRICT, "{s:s, s:b}", "name", &name, "expose_server_cfg",
                           &exposes) < 0 ||
            strlen(name) >= NAME_MAX_BYTES)
            return error_set(err, ERROR_INVALID, "an overlay in it is none");
        (void)strcpy(recipe->overlays[i].name, name); // it fits
        recipe->overlays[i].exposes_server_cfg = exposes;
    }
    recipe->blueprint.n_overlays = json_array_size(list);
    recipe->blueprint.overlays = recipe->overlays;
    return 0;
}

static int check_arguments(const json_t *list, struct error *err)
{
    json_t *word;
    size_t  i;

    if (!json_is_array(list))
        return error_set(err, ERROR_INVALID, "its arguments are no list");
    json_array_foreach(list, i, word) if (!json_is_string(word)) return error_set(
        err, ERROR_INVALID, "its arguments are no words");
    return 0;
}

static int take(struct recipe *recipe, json_t *json, struct error *err)
{
    struct blueprint *blueprint = &recipe->blueprint;
    const char       *name = NULL, *config = NULL;
    json_t           *arguments = NULL, *overlays = NULL;
    json_int_t        memory = 0, cpu = 0, tasks = 0;
    int               is_shared = 0;

    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:b}", "name",
                       &name, "arguments", &arguments, "config", &config, "overlays", &overlays,
                       "memory_bytes", &memory, "cpu_percent", &cpu, "tasks", &tasks, "shared",
                       &is_shared) < 0)
        return error_set(err, ERROR_INVALID, "it has not the keys that it should have");
    if (memory < 0 || cpu < 0 || cpu > UINT32_MAX || tasks < 0 || tasks > UINT32_MAX)
        return error_set(err, ERROR_INVALID, "a limit in it is out of range");
    if (name_check(name, "a blueprint", err) < 0 || check_arguments(arguments, err) < 0 ||
        take_overlays(recipe, overlays, err) < 0)
        return -1;
    (void)strcpy(blueprint->name, name); // it was checked
    blueprint->memory_bytes = (uint64_t)memory;
    blueprint->cpu_percent = (uint32_t)cpu;
    blueprint->tasks = (uint32_t)tasks;
    blueprint->is_shared = is_shared;
    blueprint->arguments = json_dumps(arguments, JSON_COMPACT);
    blueprint->config = strdup(config);
    return blueprint->arguments && blueprint->config
               ? 0
               : error_sys(err, ENOMEM, "reading a blueprint");
}

int recipe_parse(struct recipe **ret, const char *bytes, size_t n_bytes, struct error *err)
{
    AUTO(recipe_freep) struct recipe *recipe = calloc(1, sizeof *recipe);
    json_error_t                      why;

    if (!recipe)
        return error_sys(err, ENOMEM, "reading a blueprint");
    if (n_bytes > RECIPE_MAX)
        return error_set(err, ERROR_INVALID, "it is too large");
    json_t *json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return error_set(err, ERROR_INVALID, "line %d is not JSON", why.line);
    int r = take(recipe, json, err);
    json_decref(json);
    if (r == 0)
        *ret = TAKE(recipe);
    return r;
}
