// SPDX-License-Identifier: MIT
#include "workshop/item.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/number.h"
#include "base/text.h"

// The numbers: name in the file, place in the struct.
static const struct number_field {
    const char *key;
    size_t      offset;
    bool        is_u32;
} number_fields[] = {
    { "size_bytes", offsetof(struct item, size_bytes), false },
    { "updated_unix_s", offsetof(struct item, updated_unix_s), false },
    { "files", offsetof(struct item, contents.n_files), true },
    { "models", offsetof(struct item, contents.n_models), true },
    { "scripts", offsetof(struct item, contents.n_scripts), true },
    { "maps", offsetof(struct item, contents.maps.n), true },
    { "missions", offsetof(struct item, contents.missions.n), true },
};

static const struct text_field {
    const char *key;
    size_t      offset, size;
} text_fields[] = {
    { "title", offsetof(struct item, title), WEBAPI_TITLE_MAX },
    { "preview_url", offsetof(struct item, preview_url), WEBAPI_URL_MAX },
    { "error", offsetof(struct item, error), ERROR_MESSAGE_MAX },
};

void item_set_details(struct item *item, const struct webapi_item *details)
{
    if (details->result != WEBAPI_RESULT_OK)
        return;
    item->size_bytes = details->size_bytes;
    item->updated_unix_s = details->updated_unix_s;
    item->n_tags = details->n_tags;
    memcpy(item->title, details->title, sizeof item->title);
    memcpy(item->preview_url, details->preview_url, sizeof item->preview_url);
    memcpy(item->tags, details->tags, sizeof item->tags);
}

// ---- reading ----------------------------------------------------------------------------------

static int read_number(struct item *item, const json_t *root, const struct number_field *field,
                       struct error *err)
{
    const json_t *value = json_object_get(root, field->key);
    json_int_t    max = field->is_u32 ? UINT32_MAX : INT64_MAX;
    char         *place = (char *)item + field->offset;

    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return error_set(err, ERROR_INVALID, "'%s' is not a number in range", field->key);
    uint64_t number = (uint64_t)json_integer_value(value);
    if (field->is_u32)
        memcpy(place, &(uint32_t){ (uint32_t)number }, sizeof(uint32_t));
    else
        memcpy(place, &number, sizeof number);
    return 0;
}

// A text as it was written: bounded, and safe to show.
static int read_text(char *ret, size_t size, const json_t *value, const char *key,
                     struct error *err)
{
    const char *text = json_string_value(value);

    if (!text ||
        text_sanitize(ret, size, text, json_string_length(value)) != json_string_length(value) ||
        strcmp(ret, text) != 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a text in range", key);
    return 0;
}

static int read_texts(char *ret, size_t size, size_t n_max, uint32_t *ret_n, const json_t *root,
                      const char *key, struct error *err)
{
    const json_t *list = json_object_get(root, key);

    if (!json_is_array(list) || json_array_size(list) > n_max)
        return error_set(err, ERROR_INVALID, "'%s' is not a list in range", key);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_text(ret + i * size, size, json_array_get(list, i), key, err) < 0)
            return -1;
    *ret_n = (uint32_t)json_array_size(list);
    return 0;
}

static int read_names(struct contents_list *list, const json_t *root, const char *key,
                      struct error *err)
{
    uint32_t n = 0;

    if (read_texts(list->names[0], CONTENTS_NAME_MAX, CONTENTS_LIST_MAX, &n, root, key, err) < 0)
        return -1;
    if (n != MIN(list->n, CONTENTS_LIST_MAX))
        return error_set(err, ERROR_INVALID, "'%s' has not as many as there are", key);
    return 0;
}

static int read_version(struct item *item, const json_t *root, struct error *err)
{
    const char *text = json_string_value(json_object_get(root, "version"));

    if (!text)
        return error_set(err, ERROR_INVALID, "'version' is not a text");
    item->has_version = *text;
    if (item->has_version && !version_parse(&item->version, text, ""))
        return error_set(err, ERROR_INVALID, "'version' is not a version");
    return 0;
}

static int read_id(struct item *item, const json_t *root, struct error *err)
{
    const char *text = json_string_value(json_object_get(root, "id"));

    if (!text || number_parse_u64(&item->id, text, 1, INT64_MAX, err) < 0)
        return error_set(err, ERROR_INVALID, "'id' is not the number of an item");
    return 0;
}

int item_parse(struct item *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    AUTO(json_decrefp) json_t *root = NULL;
    AUTO(freep) struct item   *item = calloc(1, sizeof *item);
    json_error_t               why;

    if (!item)
        return error_sys(err, ENOMEM, "reading '" ITEM_FILE "'");
    if (n_bytes > ITEM_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "it is larger than %u bytes", ITEM_BYTES_MAX);
    root = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(root))
        return error_set(err, ERROR_INVALID, "it is not JSON");
    for (size_t i = 0; i < ELEMENTS(number_fields); i++)
        if (read_number(item, root, &number_fields[i], err) < 0)
            return -1;
    for (size_t i = 0; i < ELEMENTS(text_fields); i++)
        if (read_text((char *)item + text_fields[i].offset, text_fields[i].size,
                      json_object_get(root, text_fields[i].key), text_fields[i].key, err) < 0)
            return -1;
    if (read_id(item, root, err) < 0 || read_version(item, root, err) < 0 ||
        read_texts(item->tags[0], WEBAPI_TAG_MAX, WEBAPI_TAGS_MAX, &item->n_tags, root, "tags",
                   err) < 0 ||
        read_names(&item->contents.maps, root, "map_names", err) < 0 ||
        read_names(&item->contents.missions, root, "mission_names", err) < 0)
        return -1;
    *ret = *item;
    return 0;
}

int item_read(struct item *ret, int item_fd, struct error *err)
{
    AUTO(freep) char *text = NULL;
    size_t            n = 0;
    struct error      why = { 0 };

    memset(ret, 0, sizeof *ret);
    if (fd_read_file(&text, &n, item_fd, ITEM_FILE, ITEM_BYTES_MAX, &why) < 0) {
        if (why.errnum == ENOENT || why.kind == ERROR_INVALID)
            return 0;
        *err = why;
        return -1;
    }
    if (item_parse(ret, text, n, &why) < 0)
        memset(ret, 0, sizeof *ret);
    return 0;
}

// ---- writing ----------------------------------------------------------------------------------

// NULL: out of memory, which the caller finds out when it adds it.
static json_t *write_texts(const char *texts, size_t size, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_string(texts + i * size)) < 0)
            return json_decref(list), NULL;
    return list;
}

static json_t *write_names(const struct contents_list *list)
{
    return write_texts(list->names[0], CONTENTS_NAME_MAX, MIN(list->n, CONTENTS_LIST_MAX));
}

static bool add_numbers(json_t *root, const struct item *item)
{
    for (size_t i = 0; i < ELEMENTS(number_fields); i++) {
        const char *place = (const char *)item + number_fields[i].offset;
        uint64_t    number = 0;
        uint32_t    narrow = 0;
        if (number_fields[i].is_u32) {
            memcpy(&narrow, place, sizeof narrow);
            number = narrow;
        } else {
            memcpy(&number, place, sizeof number);
        }
        if (json_object_set_new(root, number_fields[i].key, json_integer((json_int_t)number)) < 0)
            return false;
    }
    return true;
}

char *item_format(const struct item *item)
{
    AUTO(json_decrefp) json_t *root = NULL;
    char                       id[24], version[CACHE_NAME_MAX] = "";

    (void)snprintf(id, sizeof id, "%" PRIu64, item->id);
    if (item->has_version)
        version_name(version, &item->version, "");
    root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id", id, "title", item->title,
                     "preview_url", item->preview_url, "error", item->error, "version", version,
                     "tags", write_texts(item->tags[0], WEBAPI_TAG_MAX, item->n_tags), "map_names",
                     write_names(&item->contents.maps), "mission_names",
                     write_names(&item->contents.missions));
    if (!root || !add_numbers(root, item))
        return NULL;
    return json_dumps(root, JSON_INDENT(1));
}

static bool is_same(int item_fd, const char *text)
{
    AUTO(freep) char *old = NULL;
    size_t            n = 0;
    struct error      ignored;

    return fd_read_file(&old, &n, item_fd, ITEM_FILE, ITEM_BYTES_MAX, &ignored) == 0 &&
           n == strlen(text) && memcmp(old, text, n) == 0;
}

// The time of the last change is all that shows that somebody still wants to know.
static int touch(int item_fd, struct error *err)
{
    if (utimensat(item_fd, ITEM_FILE, NULL, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "touching '" ITEM_FILE "'");
    return 0;
}

int item_write(const struct item *item, int item_fd, struct error *err)
{
    AUTO(freep) char *text = item_format(item);
    AUTO_FD           fd = -1;
    // Of two builds that have the item one writes after the other.
    AUTO_FD lock_fd = openat(item_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (!text)
        return error_sys(err, ENOMEM, "writing '" ITEM_FILE "'");
    if (is_same(item_fd, text))
        return item->has_version ? 0 : touch(item_fd, err);
    if (flock(lock_fd, LOCK_EX) < 0)
        return error_sys(err, errno, "locking '" ITEM_FILE "'");
    fd = openat(item_fd, ITEM_TMP, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                CACHE_FILE_MODE);
    if (fd < 0 || fchmod(fd, CACHE_FILE_MODE) < 0)
        return error_sys(err, errno, "making '" ITEM_FILE "'");
    if (fd_write_all(fd, text, strlen(text), err) < 0)
        return error_prefix(err, "'" ITEM_FILE "'");
    if (renameat(item_fd, ITEM_TMP, item_fd, ITEM_FILE) < 0)
        return error_sys(err, errno, "replacing '" ITEM_FILE "'");
    return 0;
}
