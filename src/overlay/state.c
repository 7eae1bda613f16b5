// SPDX-License-Identifier: MIT
#include "overlay/state.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/protocol.h"
#include "base/text.h"

#define STATE_MODE 0640

// The whole numbers of a generation: name in the file, place in the struct, largest value.
static const struct number_field {
    const char *key;
    size_t      offset;
    bool        is_u32;
} number_fields[] = {
    { "number", offsetof(struct generation, number), true },
    { "created_unix_s", offsetof(struct generation, created_unix_s), false },
    { "files", offsetof(struct generation, files), false },
    { "bytes", offsetof(struct generation, bytes), false },
    { "build", offsetof(struct generation, build), true },
    { "added", offsetof(struct generation, added), false },
    { "changed", offsetof(struct generation, changed), false },
    { "removed", offsetof(struct generation, removed), false },
    { "bytes_changed", offsetof(struct generation, bytes_changed), false },
};

// ---- reading ----------------------------------------------------------------------------------

static int read_number(uint64_t *ret, const json_t *object, const char *key, uint64_t max,
                       struct error *err)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return error_set(err, ERROR_INVALID, "'%s' is not a number in range", key);
    *ret = (uint64_t)json_integer_value(value);
    return 0;
}

static int read_text(char *ret, size_t size, const json_t *object, const char *key,
                     struct error *err)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_string(value) || json_string_length(value) >= size ||
        strlen(json_string_value(value)) != json_string_length(value))
        return error_set(err, ERROR_INVALID, "'%s' is not a text in range", key);
    memcpy(ret, json_string_value(value), json_string_length(value) + 1);
    if (!text_is_plain(ret, strlen(ret))) // jansson has seen to it that it is UTF-8
        return error_set(err, ERROR_INVALID, "'%s' holds control characters", key);
    return 0;
}

static int read_generation(struct generation *ret, const json_t *object, struct error *err)
{
    struct generation generation = { 0 };

    if (!json_is_object(object) || json_object_size(object) != ELEMENTS(number_fields) + 1)
        return error_set(err, ERROR_INVALID, "it has not the keys that it should have");
    for (size_t i = 0; i < ELEMENTS(number_fields); i++) {
        const struct number_field *field = &number_fields[i];
        uint64_t                   value = 0;
        uint64_t                   max = field->is_u32 ? NUMBER_MAX : INT64_MAX;
        if (read_number(&value, object, field->key, max, err) < 0)
            return -1;
        char *place = (char *)&generation + field->offset;
        if (field->is_u32)
            memcpy(place, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
        else
            memcpy(place, &value, sizeof value);
    }
    if (generation.number == 0)
        return error_set(err, ERROR_INVALID, "'number' is 0");
    if (read_text(generation.note, sizeof generation.note, object, "note", err) < 0)
        return -1;
    *ret = generation;
    return 0;
}

static int read_generations(struct state *state, const json_t *list, struct error *err)
{
    if (!json_is_array(list) || json_array_size(list) > STATE_GENERATIONS_MAX)
        return error_set(err, ERROR_INVALID, "'generations' is not a list of at most %u",
                         STATE_GENERATIONS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct generation *generation = &state->generations[i];
        if (read_generation(generation, json_array_get(list, i), err) < 0)
            return error_prefix(err, "generation in place %zu", i + 1);
        if (i > 0 && generation->number >= generation[-1].number)
            return error_set(err, ERROR_INVALID, "the generations are not sorted");
        state->n_generations++;
    }
    return 0;
}

static int read_state(struct state *state, const json_t *root, struct error *err)
{
    uint64_t current = 0;

    if (!json_is_object(root) || json_object_size(root) != 3)
        return error_set(err, ERROR_INVALID, "it has not the keys that it should have");
    if (read_text(state->type, sizeof state->type, root, "type", err) < 0 ||
        read_number(&current, root, "current", NUMBER_MAX, err) < 0 ||
        read_generations(state, json_object_get(root, "generations"), err) < 0)
        return -1;
    state->current = (uint32_t)current;
    if (!state->type[0])
        return error_set(err, ERROR_INVALID, "'type' is empty");
    if (current != 0 && !state_find(state, state->current))
        return error_set(err, ERROR_INVALID, "the current generation is not listed");
    return 0;
}

static void state_freep(struct state **state)
{
    free(*state);
}

int state_parse(struct state *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    json_error_t                    why;
    AUTO(json_decrefp) json_t      *root = NULL;
    AUTO(state_freep) struct state *state = calloc(1, sizeof *state);

    if (!state)
        return error_sys(err, ENOMEM, "reading the state of an overlay");
    if (n_bytes > STATE_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "it is larger than %u bytes", STATE_BYTES_MAX);
    root = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return error_set(err, ERROR_INVALID, "line %d is not JSON", why.line);
    if (read_state(state, root, err) < 0)
        return -1;
    *ret = *state;
    return 0;
}

// It is ours, so nobody's input was wrong.
static int damaged(struct error *err)
{
    if (err->kind == ERROR_INVALID)
        err->kind = ERROR_FAILED;
    return error_prefix(err, "'" STATE_FILE "' is damaged and was left as it is; put a copy from a "
                             "backup in its place");
}

int state_read(struct state *ret, int dir_fd, struct error *err)
{
    AUTO(freep) char *text = NULL;
    size_t            n = 0;

    if (fd_read_file(&text, &n, dir_fd, STATE_FILE, STATE_BYTES_MAX, err) < 0) {
        if (err->kind == ERROR_INVALID)
            return damaged(err);
        if (err->errnum != ENOENT)
            return -1;
        memset(ret, 0, sizeof *ret);
        return 0;
    }
    if (state_parse(ret, text, n, err) < 0)
        return damaged(err);
    return 0;
}

// ---- writing ----------------------------------------------------------------------------------

// NULL: out of memory, which the caller finds out when it adds it.
static json_t *write_generation(const struct generation *generation)
{
    json_t *object = json_object();

    for (size_t i = 0; object && i < ELEMENTS(number_fields); i++) {
        const struct number_field *field = &number_fields[i];
        const char                *place = (const char *)generation + field->offset;
        uint32_t                   narrow = 0;
        uint64_t                   value = 0;
        if (field->is_u32) {
            memcpy(&narrow, place, sizeof narrow);
            value = narrow;
        } else {
            memcpy(&value, place, sizeof value);
        }
        if (json_object_set_new(object, field->key, json_integer((json_int_t)value)) < 0)
            return json_decref(object), NULL;
    }
    if (object && json_object_set_new(object, "note", json_string(generation->note)) < 0)
        return json_decref(object), NULL;
    return object;
}

char *state_format(const struct state *state)
{
    json_t                    *list = json_array();
    AUTO(json_decrefp) json_t *root = NULL;

    for (uint32_t i = 0; list && i < state->n_generations; i++)
        if (json_array_append_new(list, write_generation(&state->generations[i])) < 0)
            return json_decref(list), NULL;
    root = json_pack("{s:s, s:I, s:o}", "type", state->type, "current", (json_int_t)state->current,
                     "generations", list);
    return root ? json_dumps(root, JSON_INDENT(1)) : NULL;
}

int state_write(const struct state *state, int dir_fd, struct error *err)
{
    AUTO(freep) char         *text = state_format(state);
    AUTO(freep) struct state *reread = calloc(1, sizeof *reread);

    if (!text || !reread)
        return error_sys(err, ENOMEM, "writing '" STATE_FILE "'");
    // What could not be read again would be the end of the overlay.
    if (state_parse(reread, text, strlen(text), err) < 0)
        return error_prefix(err, "it would not be readable");
    return fd_replace_file(dir_fd, STATE_FILE, text, strlen(text), STATE_MODE, err);
}

// ---- the list ---------------------------------------------------------------------------------

const struct generation *state_find(const struct state *state, uint32_t number)
{
    for (uint32_t i = 0; i < state->n_generations; i++)
        if (state->generations[i].number == number)
            return &state->generations[i];
    return NULL;
}

void state_insert(struct state *state, const struct generation *generation)
{
    uint32_t place = 0;

    while (place < state->n_generations && state->generations[place].number > generation->number)
        place++;
    memmove(&state->generations[place + 1], &state->generations[place],
            (state->n_generations - place) * sizeof *generation);
    state->generations[place] = *generation;
    state->n_generations++;
}
