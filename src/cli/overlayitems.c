// SPDX-License-Identifier: MIT

// overlayitems: what is in a Workshop overlay, a line for each item.

#include "cli/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host/items.h"

#define DATE_BYTES 10u // of "2026-11-22T03:00:00Z"

// ---- JSON --------------------------------------------------------------------------------------

static json_t *text_json(const char *text)
{
    return *text ? output_text_json(text, strlen(text)) : json_null();
}

static json_t *texts_json(const char *texts, size_t size, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(array, text_json(texts + i * size)); // absent without memory
    return array;
}

static json_t *names_json(const struct contents_list *list)
{
    return texts_json(list->names[0], CONTENTS_NAME_MAX, MIN(list->n, CONTENTS_LIST_MAX));
}

// What the Workshop said of it; null where nobody knows.
static json_t *said_json(const struct item *known)
{
    bool is_said = known->updated_unix_s > 0;

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "title", text_json(known->title), "size",
                     is_said ? output_count_json(known->size_bytes) : json_null(), "updated",
                     output_time_json(known->updated_unix_s * 1000000), "tags",
                     texts_json(known->tags[0], WEBAPI_TAG_MAX, known->n_tags), "preview_url",
                     text_json(known->preview_url));
}

static json_t *count_json(const struct item *known, uint32_t n)
{
    return known->has_version ? json_integer(n) : json_null();
}

// What is in the file that the cache has; null without one.
static json_t *contents_json(const struct item *known)
{
    const struct contents *contents = &known->contents;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "files", count_json(known, contents->n_files),
        "maps", count_json(known, contents->maps.n), "map_names", names_json(&contents->maps),
        "missions", count_json(known, contents->missions.n), "mission_names",
        names_json(&contents->missions), "models", count_json(known, contents->n_models), "scripts",
        count_json(known, contents->n_scripts));
}

static int add_json(void *user, const struct overlay_item *item, struct error *err)
{
    json_t *row = json_pack("{s:I, s:b, s:o, s:o}", "item", (json_int_t)item->id, "published",
                            (int)item->is_published, "published_size",
                            item->is_published ? output_count_json(item->size_bytes) : json_null(),
                            "error", text_json(item->known.error));
    int     r = json_object_update_new(row, said_json(&item->known));

    r |= json_object_update_new(row, contents_json(&item->known));
    if (json_array_append_new(user, row) < 0 || r < 0)
        return error_sys(err, ENOMEM, "listing Workshop items");
    return 0;
}

int overlay_items_json(json_t **ret, const struct cli *cli, const struct source *source,
                       uint32_t generation, struct error *err)
{
    json_t *rows = json_array();

    if (items_walk(cli->paths, source, generation, add_json, rows, err) < 0) {
        json_decref(rows);
        return -1;
    }
    *ret = rows;
    return 0;
}

// ---- text --------------------------------------------------------------------------------------

struct table {
    struct buffer text;
    size_t        n;
};

static void table_done(struct table *table)
{
    buffer_done(&table->text);
}

static void add_count(struct buffer *text, const struct item *known, int width, uint32_t n)
{
    if (known->has_version)
        buffer_printf(text, " %*" PRIu32, width, n);
    else
        buffer_printf(text, " %*s", width, "-");
}

static void add_numbers(struct buffer *text, const struct overlay_item *item)
{
    AUTO(buffer_done) struct buffer size = { 0 };
    const struct item              *known = &item->known;
    char                            time[OUTPUT_TIME_MAX];

    output_size(&size, item->is_published ? item->size_bytes : known->size_bytes);
    output_time(time, known->updated_unix_s * 1000000);
    if (!*time)
        memcpy(time, "-", sizeof "-");
    time[DATE_BYTES] = '\0';
    buffer_printf(text, "%-12" PRIu64 " %10s  %-10s", item->id, size.n ? size.bytes : "", time);
    add_count(text, known, 5, known->contents.maps.n);
    add_count(text, known, 8, known->contents.missions.n);
    add_count(text, known, 6, known->contents.n_models);
    add_count(text, known, 7, known->contents.n_scripts);
}

static void add_words(struct buffer *text, const struct overlay_item *item)
{
    const struct item *known = &item->known;

    buffer_add_string(text, "  ");
    output_escaped(text, *known->title ? known->title : "-");
    for (uint32_t i = 0; i < known->n_tags; i++) {
        buffer_add_string(text, i == 0 ? " [" : ", ");
        output_escaped(text, known->tags[i]);
    }
    buffer_add_string(text, known->n_tags > 0 ? "]" : "");
    if (*known->preview_url) {
        buffer_add_string(text, " ");
        output_escaped(text, known->preview_url);
    }
    if (!item->is_published)
        buffer_add_string(text, "; not published");
    if (*known->error) {
        buffer_add_string(text, item->is_published ? "; not the newest: " : ": ");
        output_escaped(text, known->error);
    }
    buffer_add_string(text, "\n");
}

static int add_line(void *user, const struct overlay_item *item, struct error *err)
{
    struct table *table = user;

    if (table->n++ == 0)
        buffer_printf(&table->text, "%-12s %10s  %-10s %5s %8s %6s %7s  %s\n", "ITEM", "SIZE",
                      "UPDATED", "MAPS", "MISSIONS", "MODELS", "SCRIPTS", "TITLE [TAGS] PREVIEW");
    add_numbers(&table->text, item);
    add_words(&table->text, item);
    if (buffer_check(&table->text, err) < 0)
        return -1;
    if (table->text.n > BUFSIZ)
        output_flush(&table->text);
    return 0;
}

int overlay_items_print(const struct cli *cli, const struct source *source, uint32_t generation,
                        struct error *err)
{
    AUTO(table_done) struct table table = { 0 };

    if (items_walk(cli->paths, source, generation, add_line, &table, err) < 0)
        return -1;
    output_flush(&table.text);
    return 0;
}
