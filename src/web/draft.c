// SPDX-License-Identifier: MIT
#include "web/draft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "host/config.h"
#include "work/spec.h"

#define EXAMPLE_PORT 27015
#define HIDDEN       "(the password of the server)"
#define PROBLEMS_MAX 100u

static const struct server example = {
    .name = "example",
    .ports = { .game = EXAMPLE_PORT,
               .client = EXAMPLE_PORT + SERVER_CLIENT_OFFSET,
               .tv = EXAMPLE_PORT + SERVER_TV_OFFSET },
};

// ---- the host's rules -------------------------------------------------------------------------

// Of "FILE:LINE: sentence" the sentence: people see no file.
static int without_place(struct error *err)
{
    char *colon = strstr(err->message, ": ");

    if (err->message[0] == ':' && colon)
        memmove(err->message, colon + 2, strlen(colon + 2) + 1);
    return -1;
}

int draft_parse(struct instance **ret, const struct blueprint *blueprint,
                const struct server *server, struct error *err)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    spec_format(&text, server, blueprint, "");
    if (buffer_check(&text, err) < 0)
        return -1;
    return instance_parse(ret, "", text.bytes, text.n, err) < 0 ? without_place(err) : 0;
}

static int judge(const struct blueprint *blueprint, const struct server *server, struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;

    return draft_parse(&instance, blueprint, server, err);
}

int draft_check_hostname(const char *hostname, struct error *err)
{
    char                   none[] = "[]";
    const struct blueprint empty = { .arguments = none, .config = none + 2 };
    struct server          server = example;

    (void)snprintf(server.hostname, sizeof server.hostname, "%s", hostname); // what is stored fits
    return judge(&empty, &server, err);
}

// ---- its parts --------------------------------------------------------------------------------

// What the host says of a blueprint with nothing in it but some of another one.
static int judge_arguments(const struct blueprint *blueprint, struct error *err)
{
    char                   none[] = "";
    const struct blueprint only = { .arguments = blueprint->arguments, .config = none };

    return judge(&only, &example, err);
}

static int judge_config(const struct blueprint *blueprint, struct error *err)
{
    char                   none[] = "[]";
    const struct blueprint only = { .arguments = none, .config = blueprint->config };

    return judge(&only, &example, err);
}

static int judge_overlays(const struct blueprint *blueprint, struct error *err)
{
    char                   none[] = "[]";
    const struct blueprint only = { .arguments = none,
                                    .config = none + 2,
                                    .overlays = blueprint->overlays,
                                    .n_overlays = blueprint->n_overlays };

    return judge(&only, &example, err);
}

static int judge_limits(const struct blueprint *blueprint, struct error *err)
{
    char                   none[] = "[]";
    const struct blueprint only = { .arguments = none,
                                    .config = none + 2,
                                    .memory_bytes = blueprint->memory_bytes,
                                    .cpu_percent = blueprint->cpu_percent,
                                    .tasks = blueprint->tasks };

    return judge(&only, &example, err);
}

// ---- what is wrong ----------------------------------------------------------------------------

static void add_problem(json_t *rows, const char *field, json_int_t index, const struct error *why)
{
    if (json_array_size(rows) < PROBLEMS_MAX)
        (void)json_array_append_new(rows, json_pack("{s:s, s:o, s:s}", "field", field, "index",
                                                    index >= 0 ? json_integer(index) : json_null(),
                                                    "message", why->message)); // absent then
}

static void add_arguments(json_t *rows, const struct blueprint *blueprint)
{
    json_t      *words = json_loads(blueprint->arguments, 0, NULL), *word;
    size_t       i;
    struct error why;

    json_array_foreach(words, i, word)
    {
        if (i > INSTANCE_ARGUMENTS_MAX || json_array_size(rows) == PROBLEMS_MAX)
            break;
        json_t                *list = json_pack("[O]", word);
        AUTO(freep) char      *text = list ? json_dumps(list, 0) : NULL;
        const struct blueprint one = { .arguments = text };
        json_decref(list);
        if (text && judge_arguments(&one, &why) < 0)
            add_problem(rows, "arguments", (json_int_t)i, &why);
    }
    json_decref(words);
}

static void add_lines(json_t *rows, const struct blueprint *blueprint)
{
    AUTO(freep) char *copy = strdup(blueprint->config);
    char             *rest = copy, *line;
    struct error      why;

    // Of more lines than there may be those that are beyond say nothing new.
    for (json_int_t i = 0; i <= (json_int_t)INSTANCE_CONFIG_LINES_MAX &&
                           json_array_size(rows) < PROBLEMS_MAX && (line = strsep(&rest, "\n"));
         i++) {
        const struct blueprint one = { .config = line };
        if (judge_config(&one, &why) < 0)
            add_problem(rows, "config", i, &why);
    }
}

static const struct {
    const char *field;
    int (*judge)(const struct blueprint *blueprint, struct error *err);
    void (*add)(json_t *rows, const struct blueprint *blueprint); // one for one; may be NULL
} parts[] = {
    { "arguments", judge_arguments, add_arguments },
    { "config", judge_config, add_lines },
    { "overlays", judge_overlays, NULL },
    { "limits", judge_limits, NULL },
};

int draft_check(const struct blueprint *blueprint, char ret_field[DRAFT_FIELD_MAX],
                struct error *err)
{
    *ret_field = '\0';
    for (size_t i = 0; i < ELEMENTS(parts); i++)
        if (parts[i].judge(blueprint, err) < 0) {
            (void)snprintf(ret_field, DRAFT_FIELD_MAX, "%s", parts[i].field); // it fits
            return -1;
        }
    return judge(blueprint, &example, err); // all of it together
}

json_t *draft_problems(const struct blueprint *blueprint)
{
    json_t      *rows = json_array();
    struct error why;

    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        size_t n = json_array_size(rows);
        if (parts[i].judge(blueprint, &why) == 0)
            continue;
        if (parts[i].add)
            parts[i].add(rows, blueprint);
        if (json_array_size(rows) == n) // there are too many, each of which is right
            add_problem(rows, parts[i].field, -1, &why);
    }
    if (json_array_size(rows) == 0 && judge(blueprint, &example, &why) < 0)
        add_problem(rows, "", -1, &why);
    return rows;
}

// ---- what it makes ----------------------------------------------------------------------------

static json_t *arguments_json(const struct buffer *args)
{
    json_t     *words = json_array();
    const char *end = args->bytes + args->n;

    for (const char *word = args->bytes + strlen(args->bytes) + 1; word < end;
         word += strlen(word) + 1) // the first one is the port, for whoever starts the game
        (void)json_array_append_new(words, json_string(word)); // absent without memory
    return words;
}

// As if each of the overlays had the file: whether it does is known when they are built.
static void expose(struct exposed *ret, const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->n_server_cfg_of; i++)
        ret->files[ret->n++] =
            (struct exposed_file){ .overlay = instance->server_cfg_of[i], .is_there = true };
}

int draft_render(json_t **ret, const struct blueprint *blueprint, const struct server *server,
                 struct error *err)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    AUTO(freep) struct exposed           *exposed = calloc(1, sizeof *exposed);
    AUTO(freep) struct config            *config = calloc(1, sizeof *config);

    if (!exposed || !config)
        return error_sys(err, ENOMEM, "rendering a configuration");
    if (draft_parse(&instance, blueprint, server ? server : &example, err) < 0)
        return -1;
    expose(exposed, instance);
    if (config_render(config, instance, "", HIDDEN, exposed, err) < 0)
        return -1;
    *ret = json_pack("{s:s, s:o}", "server_cfg", config->server_cfg.bytes, "arguments",
                     arguments_json(&config->args));
    config_done(config);
    return *ret ? 0 : error_sys(err, ENOMEM, "rendering a configuration");
}
