// SPDX-License-Identifier: MIT
#include "work/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host/instances.h"

#define OWN_DIR        "left4dead2/cfg" // what a server's own overlay is for
#define NAME_MAX_BYTES 64
#define PATH_MAX_BYTES 4096
#define WITH_MAX       64
#define TEXT(key, option, max)                                                                     \
    {                                                                                              \
        key, PARAMETER_TEXT, option, false, max                                                    \
    }
#define NUMBER(key, option, max)                                                                   \
    {                                                                                              \
        key, PARAMETER_NUMBER, option, false, max                                                  \
    }
#define FLAG(key, option)                                                                          \
    {                                                                                              \
        key, PARAMETER_FLAG, option, false, 0                                                      \
    }
#define NEEDED(type, key, option, max)                                                             \
    {                                                                                              \
        key, PARAMETER_##type, option, true, max                                                   \
    }
#define WITH                                                                                       \
    {                                                                                              \
        "with", PARAMETER_LIST, "--with", false, WITH_MAX                                          \
    }
#define SETTINGS                                                                                   \
    TEXT("refresh", "--refresh", 16), NUMBER("keep", "--keep", 200),                               \
        NUMBER("output_max", "--output-max", INT64_MAX)

#define NONE                                                                                       \
    {                                                                                              \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
#define PATH NEEDED(TEXT, "path", NULL, PATH_MAX_BYTES)
#define HOLD FLAG("hold", "--hold")

// clang-format off
static const struct kind kinds[] = {
    { "server.initialize", NULL,        NULL, KIND_OF_SERVER, KIND_SPEC, NONE },
    { "server.start",      "start",     NULL, KIND_OF_SERVER, KIND_SPEC | KIND_PATIENT, { WITH } },
    { "server.restart",    "restart",   NULL, KIND_OF_SERVER, KIND_SPEC | KIND_PATIENT, { WITH } },
    { "server.stop",       "stop",      NULL, KIND_OF_SERVER, KIND_ABSENT_IS_FINE, NONE },
    { "server.kill",       "kill",      NULL, KIND_OF_SERVER, KIND_ABSENT_IS_FINE, NONE },
    { "server.reset",      "reset",     NULL, KIND_OF_SERVER, KIND_ABSENT_IS_FINE, NONE },
    { "server.delete",     "delete",    NULL, KIND_OF_SERVER, 0, NONE },
    { "server.drop",       "drop",      NULL, KIND_OF_SERVER, KIND_TAKES, { PATH } },
    { "server.keep",       "keep",      NULL, KIND_OF_SERVER, KIND_TAKES,
      { PATH, NUMBER("to", "--to", NUMBER_MAX) } },
    { "server.overlay",    "files mkdir", NULL, KIND_OF_SERVER, KIND_SPEC | KIND_OWN, NONE },

    { "overlay.create",    "overlay create", "overlay show", KIND_OF_NONE, 0,
      { NEEDED(TEXT, "name", NULL, NAME_MAX_BYTES), NEEDED(TEXT, "type", "--type", 16), SETTINGS,
        { "text", PARAMETER_INPUT, "--file", false, KIND_INPUT_MAX } } },
    { "overlay.set",       "overlay set", NULL, KIND_OF_OVERLAY, 0,
      { TEXT("name", "--name", NAME_MAX_BYTES), SETTINGS } },
    { "overlay.build",     "overlay build", NULL, KIND_OF_OVERLAY, KIND_BUILD, { HOLD } },
    { "overlay.wipe",      "overlay wipe", NULL, KIND_OF_OVERLAY, KIND_BUILD, { HOLD } },
    { "overlay.select",    "overlay select", NULL, KIND_OF_OVERLAY, 0,
      { NEEDED(NUMBER, "generation", NULL, NUMBER_MAX) } },
    { "overlay.rollback",  "overlay rollback", NULL, KIND_OF_OVERLAY, KIND_ONCE,
      { NUMBER("generation", NULL, NUMBER_MAX) } },
    { "overlay.cancel",    "overlay cancel", NULL, KIND_OF_OVERLAY, 0, NONE },
    { "overlay.delete",    "overlay delete", NULL, KIND_OF_OVERLAY, 0, NONE },
    { "overlay.extract",   "files extract", NULL, KIND_OF_OVERLAY, KIND_TAKES,
      { NEEDED(TEXT, "upload", "--upload", 32), TEXT("path", NULL, PATH_MAX_BYTES),
        FLAG("strip", "--strip") } },
    { "overlay.refresh",   "overlay refresh", NULL, KIND_OF_NONE, KIND_BUILD, NONE },
    { "overlay.collect",   "overlay gc", NULL, KIND_OF_NONE, 0, NONE },

    { "game.install",      "install --verbose", NULL, KIND_OF_OVERLAY,
      KIND_BUILD | KIND_GAME | KIND_LONG, { HOLD } },
    { "game.rollout",      NULL, NULL, KIND_OF_NONE, KIND_ROLLOUT,
      { NEEDED(TEXT, "policy", NULL, 16) } },
};
// clang-format on

const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const struct kind *kind_next(const struct kind *previous)
{
    const struct kind *next = previous ? previous + 1 : kinds;

    return next < kinds + ELEMENTS(kinds) ? next : NULL;
}

// ---- one parameter ----------------------------------------------------------------------------

static void add_word(struct command *command, const char *word)
{
    strings_add(&command->words, word, strlen(word));
}

// In one word with its option: a value is never taken for an option itself.
static void add_option(struct command *command, const char *option, const char *value)
{
    AUTO(buffer_done) struct buffer word = { 0 };

    buffer_printf(&word, "%s=%s", option, value);
    if (word.n > 0)
        strings_add(&command->words, word.bytes, word.n);
}

static int wrong(struct error *err, const struct parameter *parameter, const char *what)
{
    return error_set(err, ERROR_INVALID, "%s: %s", parameter->key, what);
}

static int add_text(struct command *command, const struct parameter *parameter, const json_t *value,
                    struct error *err)
{
    const char *text = json_string_value(value);

    if (!text)
        return wrong(err, parameter, "it is a text");
    if (!*text || json_string_length(value) > (size_t)parameter->max)
        return error_set(err, ERROR_INVALID, "%s: it has 1 to %" PRId64 " bytes", parameter->key,
                         parameter->max);
    if (parameter->option)
        add_option(command, parameter->option, text);
    else
        add_word(command, text);
    return 0;
}

static int add_number(struct command *command, const struct parameter *parameter,
                      const json_t *value, struct error *err)
{
    json_int_t number = json_integer_value(value);
    char       text[24];

    if (!json_is_integer(value) || number < 0 || number > parameter->max)
        return error_set(err, ERROR_INVALID, "%s: it is a number from 0 to %" PRId64,
                         parameter->key, parameter->max);
    (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, number); // 20 digits fit
    if (parameter->option)
        add_option(command, parameter->option, text);
    else
        add_word(command, text);
    return 0;
}

static int add_list(struct command *command, const struct parameter *parameter, const json_t *value,
                    struct error *err)
{
    if (!json_is_array(value) || json_array_size(value) > (size_t)parameter->max)
        return error_set(err, ERROR_INVALID, "%s: it is a list of at most %" PRId64, parameter->key,
                         parameter->max);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text)
            return wrong(err, parameter, "it is a list of texts");
        add_option(command, parameter->option, text);
    }
    return 0;
}

static int add_input(struct command *command, const struct parameter *parameter,
                     const json_t *value, struct error *err)
{
    if (!json_is_string(value))
        return wrong(err, parameter, "it is a text");
    if (json_string_length(value) > (size_t)parameter->max)
        return error_set(err, ERROR_INVALID, "%s: it has at most %" PRId64 " bytes", parameter->key,
                         parameter->max);
    add_option(command, parameter->option, "-");
    buffer_add(&command->input, json_string_value(value), json_string_length(value));
    command->has_input = true;
    return 0;
}

static int add_parameter(struct command *command, const struct parameter *parameter,
                         const json_t *value, struct error *err)
{
    switch (parameter->type) {
    case PARAMETER_TEXT:
        return add_text(command, parameter, value, err);
    case PARAMETER_NUMBER:
        return add_number(command, parameter, value, err);
    case PARAMETER_FLAG:
        if (!json_is_boolean(value))
            return wrong(err, parameter, "it is true or false");
        if (json_is_true(value))
            add_word(command, parameter->option);
        return 0;
    case PARAMETER_LIST:
        return add_list(command, parameter, value, err);
    case PARAMETER_INPUT:
        return add_input(command, parameter, value, err);
    }
    return 0;
}

// ---- all of them ------------------------------------------------------------------------------

static const struct parameter *find_parameter(const struct kind *kind, const char *key)
{
    for (size_t i = 0; i < KIND_PARAMETERS_MAX && kind->parameters[i].key; i++)
        if (strcmp(kind->parameters[i].key, key) == 0)
            return &kind->parameters[i];
    return NULL;
}

static int check_keys(const struct kind *kind, json_t *parameters, struct error *err)
{
    const char *key;
    json_t     *value;

    if (!json_is_object(parameters))
        return error_set(err, ERROR_INVALID, "the parameters of a job are an object");
    json_object_foreach(parameters, key, value) if (!find_parameter(kind, key)) return error_set(
        err, ERROR_INVALID, "%.32s: %s does not take it", key, kind->name);
    return 0;
}

// Those with an option, or those without.
static int add_parameters(struct command *command, const struct kind *kind,
                          const json_t *parameters, bool has_option, struct error *err)
{
    for (size_t i = 0; i < KIND_PARAMETERS_MAX && kind->parameters[i].key; i++) {
        const struct parameter *parameter = &kind->parameters[i];
        const json_t           *value = json_object_get(parameters, parameter->key);
        if ((parameter->option != NULL) != has_option)
            continue;
        if ((!value || json_is_null(value)) && parameter->is_required)
            return wrong(err, parameter, "it is missing");
        if (value && !json_is_null(value) && add_parameter(command, parameter, value, err) < 0)
            return -1;
    }
    return 0;
}

static void add_command(struct command *command, const char *words)
{
    for (size_t n; *words; words += n) {
        words += strspn(words, " ");
        n = strcspn(words, " ");
        strings_add(&command->words, words, n);
    }
}

static int check_subject(const struct kind *kind, const struct job *job, struct error *err)
{
    bool is_right = (kind->subject == KIND_OF_SERVER) == (job->server != 0) &&
                    (kind->subject == KIND_OF_OVERLAY) == (job->overlay != 0);

    return is_right
               ? 0
               : error_set(err, ERROR_INVALID, "a job '%s' is about another thing", kind->name);
}

// What the command is about, before its own arguments.
static void add_subject(struct command *command, const struct kind *kind, const struct job *job,
                        const char *instance)
{
    AUTO(buffer_done) struct buffer word = { 0 };

    if (kind->subject == KIND_OF_NONE || kind->flags & KIND_GAME)
        return;
    if (kind->subject == KIND_OF_SERVER)
        buffer_printf(&word, "%s%s", kind->flags & KIND_OWN ? "@" : "", instance);
    else
        buffer_printf(&word, "%" PRId64, job->overlay);
    add_word(command, word.n ? word.bytes : "");
    if (kind->flags & KIND_OWN)
        add_word(command, OWN_DIR);
}

// What begins with a dash is an argument from here on.
static void end_options(struct command *command)
{
    add_word(command, "--json");
    add_word(command, "--");
}

static int complete(struct command *ret, struct command *command, struct error *err)
{
    if (buffer_check(&command->words.text, err) < 0 || buffer_check(&command->input, err) < 0)
        return -1;
    *ret = *command;
    *command = (struct command){ 0 };
    return 0;
}

int kind_command(struct command *ret, const struct job *job, const char *instance,
                 struct error *err)
{
    const struct kind                *kind = kind_find(job->kind);
    AUTO(command_done) struct command command = { 0 };
    AUTO(json_decrefp) json_t        *parameters = json_loads(job->parameters, 0, NULL);

    if (!kind)
        return error_set(err, ERROR_INVALID, "there is no job '%s'", job->kind);
    if (kind->command)
        add_command(&command, kind->command);
    if (check_subject(kind, job, err) < 0 || check_keys(kind, parameters, err) < 0 ||
        add_parameters(&command, kind, parameters, true, err) < 0)
        return -1;
    end_options(&command);
    add_subject(&command, kind, job, instance);
    if (add_parameters(&command, kind, parameters, false, err) < 0)
        return -1;
    return complete(ret, &command, err);
}

// ---- commands besides -------------------------------------------------------------------------

int kind_specify(struct command *ret, const char *instance, const struct buffer *spec,
                 struct error *err)
{
    AUTO(command_done) struct command command = { .has_input = true };
    struct instance_name              name;

    if (instance_name_set(&name, instance, err) < 0)
        return -1;
    add_word(&command, "initialize");
    add_word(&command, "--file=-");
    if (instances_is_of_page(&name))
        add_word(&command, "--page");
    end_options(&command);
    add_word(&command, instance);
    buffer_add(&command.input, spec->bytes, spec->n);
    return complete(ret, &command, err);
}

static int about_overlay(struct command *ret, const char *words, const struct job *job,
                         struct error *err)
{
    AUTO(command_done) struct command command = { 0 };
    char                              number[24];

    (void)snprintf(number, sizeof number, "%" PRId64, job->overlay); // 20 digits fit
    add_command(&command, words);
    end_options(&command);
    add_word(&command, number);
    return complete(ret, &command, err);
}

int kind_cancel(struct command *ret, const struct job *job, struct error *err)
{
    return about_overlay(ret, "overlay cancel", job, err);
}

int kind_show(struct command *ret, const struct job *job, struct error *err)
{
    return about_overlay(ret, "overlay show", job, err);
}

int kind_recall(struct command *ret, const struct job *job, struct error *err)
{
    AUTO(command_done) struct command command = { 0 };
    AUTO(json_decrefp) json_t        *parameters = json_loads(job->parameters, 0, NULL);
    const char                       *name = json_string_value(json_object_get(parameters, "name"));

    add_command(&command, kind_find(job->kind)->again);
    end_options(&command);
    add_word(&command, name ? name : "");
    return complete(ret, &command, err);
}

int kind_check(const struct job *job, struct error *err)
{
    AUTO(command_done) struct command command = { 0 };

    return kind_command(&command, job, "s1", err);
}

bool kind_is(const struct job *job, enum kind_flag flag)
{
    const struct kind *kind = kind_find(job->kind);

    return kind && kind->flags & flag;
}

bool kind_is_repeatable(const struct job *job)
{
    json_t *parameters = json_loads(job->parameters, 0, NULL);
    bool    has_generation = json_is_integer(json_object_get(parameters, "generation"));

    json_decref(parameters);
    return !kind_is(job, KIND_ONCE) || has_generation;
}

void command_done(struct command *command)
{
    strings_done(&command->words);
    buffer_done(&command->input);
}
