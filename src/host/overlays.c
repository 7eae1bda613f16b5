// SPDX-License-Identifier: MIT
#include "host/overlays.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/fd.h"
#include "base/protocol.h"
#include "host/buffer.h"

// An absent or negative number is 0, one that is too large is cut.
static uint64_t number_of(const json_t *object, const char *key, uint64_t max)
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return value < 0 ? 0 : MIN((uint64_t)value, max);
}

// jansson has checked that it is UTF-8; what does not fit is left out as a whole character.
static void copy_text(char *ret, size_t size, const char *text)
{
    size_t n = 0, length;

    while (text && text[n] && (length = buffer_utf8_length(text + n, strlen(text + n))) > 0 &&
           n + length < size)
        n += length;
    if (n > 0)
        memcpy(ret, text, n);
    ret[n] = '\0';
}

static void fill_generation(struct overlay_generation *ret, const json_t *json)
{
    ret->number = (uint32_t)number_of(json, "number", NUMBER_MAX);
    ret->build = (uint32_t)number_of(json, "build", NUMBER_MAX);
    ret->created_unix_s = number_of(json, "created_unix_s", INT64_MAX);
    ret->files = number_of(json, "files", INT64_MAX);
    ret->bytes = number_of(json, "bytes", INT64_MAX);
    copy_text(ret->note, sizeof ret->note, json_string_value(json_object_get(json, "note")));
}

int overlay_parse(struct overlay **ret, uint32_t number, const char *bytes, size_t n_bytes,
                  struct error *err)
{
    json_error_t                why;
    AUTO(json_decrefp) json_t  *json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &why);
    AUTO(freep) struct overlay *overlay = calloc(1, sizeof *overlay);

    if (!overlay)
        return error_sys(err, ENOMEM, "reading the state of overlay %" PRIu32, number);
    const json_t *generations = json_object_get(json, "generations");
    if (!json_is_object(json) || !json_is_array(generations) ||
        json_array_size(generations) > OVERLAY_GENERATIONS_MAX)
        return error_set(err, ERROR_FAILED,
                         "the state file of overlay %" PRIu32 " is damaged: put a copy from a "
                         "backup in its place",
                         number);

    overlay->number = number;
    overlay->current = (uint32_t)number_of(json, "current", NUMBER_MAX);
    copy_text(overlay->type, sizeof overlay->type,
              json_string_value(json_object_get(json, "type")));
    for (size_t i = 0; i < json_array_size(generations); i++)
        fill_generation(&overlay->generations[overlay->n_generations++],
                        json_array_get(generations, i));
    if (overlay->current && !overlay_find(overlay, overlay->current))
        return error_set(err, ERROR_FAILED,
                         "the state file of overlay %" PRIu32 " is damaged: its current generation "
                         "%" PRIu32 " is not listed",
                         number, overlay->current);
    *ret = TAKE(overlay);
    return 0;
}

int overlays_read(struct overlay **ret, const struct host_paths *paths, uint32_t number,
                  struct error *err)
{
    AUTO_FD           fd = -1;
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;
    char              path[32];

    (void)snprintf(path, sizeof path, "overlays/%" PRIu32, number); // ten digits fit
    if (host_open_data_dir(&fd, paths, path, err) < 0 ||
        fd_read_file(&bytes, &n, fd, "state.json", OVERLAY_STATE_MAX, err) < 0) {
        if (err->kind == ERROR_INVALID) // it is ours: nobody's input was wrong
            err->kind = ERROR_FAILED;
        return error_prefix(err, "overlay %" PRIu32, number);
    }
    return overlay_parse(ret, number, bytes, n, err);
}

int overlays_current(uint32_t *ret, const struct host_paths *paths, uint32_t number,
                     struct error *err)
{
    AUTO(freep) struct overlay *overlay = NULL;

    if (overlays_read(&overlay, paths, number, err) < 0) {
        if (err->kind != ERROR_NOT_FOUND)
            return -1;
        *ret = 0;
        return 0;
    }
    *ret = overlay->current;
    return 0;
}

const struct overlay_generation *overlay_find(const struct overlay *overlay, uint32_t generation)
{
    for (uint32_t i = 0; i < overlay->n_generations; i++)
        if (overlay->generations[i].number == generation)
            return &overlay->generations[i];
    return NULL;
}
