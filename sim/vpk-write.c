// SPDX-License-Identifier: MIT
#include "vpk-write.h"

#include "pak/crc32.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY_TAIL "_dir.vpk"
#define ARCHIVE_SAME   0x7fffu

struct item {
    char    *folder;
    char    *name;
    char    *extension;
    void    *bytes;
    uint32_t n_bytes;
    uint32_t offset;
};

struct vpk_writer {
    struct item *items;
    size_t       n;
};

struct vpk_writer *vpk_writer_new(void)
{
    return calloc(1, sizeof(struct vpk_writer));
}

struct vpk_writer *vpk_writer_free(struct vpk_writer *writer)
{
    if (!writer)
        return NULL;

    for (size_t i = 0; i < writer->n; i++) {
        free(writer->items[i].folder);
        free(writer->items[i].name);
        free(writer->items[i].extension);
        free(writer->items[i].bytes);
    }
    free(writer->items);
    free(writer);
    return NULL;
}

// An empty part is stored as one space.
static char *copy_part(const char *part, size_t n)
{
    return n ? strndup(part, n) : strdup(" ");
}

int vpk_writer_add(struct vpk_writer *writer, const char *path, const void *bytes, size_t n_bytes,
                   struct error *err)
{
    struct item *items = reallocarray(writer->items, writer->n + 1, sizeof *items);
    if (!items)
        return error_sys(err, ENOMEM, "adding '%s'", path);
    writer->items = items;

    const char  *slash = strrchr(path, '/');
    const char  *name = slash ? slash + 1 : path;
    const char  *dot = strrchr(name, '.');
    struct item *item = &items[writer->n];
    *item = (struct item){
        .folder = copy_part(path, slash ? (size_t)(slash - path) : 0),
        .name = copy_part(name, dot ? (size_t)(dot - name) : strlen(name)),
        .extension = copy_part(dot ? dot + 1 : "", dot ? strlen(dot + 1) : 0),
        .bytes = malloc(n_bytes + 1),
        .n_bytes = (uint32_t)n_bytes,
    };
    writer->n++;
    if (!item->folder || !item->name || !item->extension || !item->bytes)
        return error_sys(err, ENOMEM, "adding '%s'", path);
    memcpy(item->bytes, bytes, n_bytes);
    return 0;
}

static int compare_items(const void *a, const void *b)
{
    const struct item *one = a, *other = b;
    int                order = strcmp(one->extension, other->extension);

    if (order == 0)
        order = strcmp(one->folder, other->folder);
    return order ? order : strcmp(one->name, other->name);
}

static void put_text(FILE *file, const char *text)
{
    fwrite(text, 1, strlen(text) + 1, file);
}

static void put_entry(FILE *file, const struct item *item, uint16_t archive)
{
    const uint32_t crc = crc32_update(0, item->bytes, item->n_bytes);
    const uint16_t preload = 0, end = 0xffff;

    put_text(file, item->name);
    fwrite(&crc, sizeof crc, 1, file);
    fwrite(&preload, sizeof preload, 1, file);
    fwrite(&archive, sizeof archive, 1, file);
    fwrite(&item->offset, sizeof item->offset, 1, file);
    fwrite(&item->n_bytes, sizeof item->n_bytes, 1, file);
    fwrite(&end, sizeof end, 1, file);
}

// Three nested lists, each ended by an empty string.
static void put_directory(FILE *file, const struct vpk_writer *writer, uint16_t archive)
{
    for (size_t i = 0; i < writer->n; i++) {
        const struct item *item = &writer->items[i];
        const struct item *before = i ? item - 1 : NULL;
        bool is_extension = !before || strcmp(before->extension, item->extension) != 0;
        bool is_folder = is_extension || strcmp(before->folder, item->folder) != 0;

        if (before && is_folder)
            put_text(file, "");
        if (before && is_extension)
            put_text(file, "");
        if (is_extension)
            put_text(file, item->extension);
        if (is_folder)
            put_text(file, item->folder);
        put_entry(file, item, archive);
    }
    for (int i = 0; i < (writer->n ? 3 : 1); i++)
        put_text(file, "");
}

static void put_header(FILE *file, unsigned version, uint32_t n_directory, uint32_t n_data)
{
    const uint32_t header[] = { 0x55aa1234, version, n_directory, n_data, 0, 0, 0 };

    fwrite(header, sizeof *header, version == 1 ? 3 : 7, file);
}

static void put_data(FILE *file, const struct vpk_writer *writer)
{
    for (size_t i = 0; i < writer->n; i++)
        fwrite(writer->items[i].bytes, 1, writer->items[i].n_bytes, file);
}

static int finish(FILE *file, const char *path, struct error *err)
{
    bool is_bad = ferror(file);

    if (fclose(file) != 0 || is_bad)
        return error_sys(err, errno, "writing '%s'", path);
    return 0;
}

static int save_part(const struct vpk_writer *writer, const char *path, struct error *err)
{
    char part[PATH_MAX];

    snprintf(part, sizeof part, "%.*s_000.vpk", (int)(strlen(path) - strlen(DIRECTORY_TAIL)), path);
    FILE *file = fopen(part, "we");
    if (!file)
        return error_sys(err, errno, "creating '%s'", part);
    put_data(file, writer);
    return finish(file, part, err);
}

int vpk_writer_save(struct vpk_writer *writer, const char *path, unsigned version,
                    struct error *err)
{
    size_t   n_path = strlen(path), n_tail = strlen(DIRECTORY_TAIL);
    bool     is_directory = n_path > n_tail && strcmp(path + n_path - n_tail, DIRECTORY_TAIL) == 0;
    uint16_t archive = is_directory ? 0 : ARCHIVE_SAME;
    uint32_t n_data = 0;

    if (writer->n)
        qsort(writer->items, writer->n, sizeof *writer->items, compare_items);
    for (size_t i = 0; i < writer->n; i++) {
        writer->items[i].offset = n_data;
        n_data += writer->items[i].n_bytes;
    }

    FILE *file = fopen(path, "we");
    if (!file)
        return error_sys(err, errno, "creating '%s'", path);
    put_header(file, version, 0, 0);
    long start = ftell(file);
    put_directory(file, writer, archive);
    uint32_t n_directory = (uint32_t)(ftell(file) - start);
    if (!is_directory)
        put_data(file, writer);
    rewind(file);
    put_header(file, version, n_directory, is_directory ? 0 : n_data);
    if (finish(file, path, err) < 0)
        return -1;
    return is_directory ? save_part(writer, path, err) : 0;
}
