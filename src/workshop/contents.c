// SPDX-License-Identifier: MIT
#include "workshop/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "pak/vpk.h"

static bool has_prefix(const char *path, const char *prefix)
{
    return strncasecmp(path, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), n_suffix = strlen(suffix);

    return n >= n_suffix && strcasecmp(path + n - n_suffix, suffix) == 0;
}

// Counts "PREFIXnameSUFFIX", and keeps the name.
static void take_name(struct contents_list *list, const char *path, const char *prefix,
                      const char *suffix)
{
    if (!has_prefix(path, prefix) || !has_suffix(path, suffix) ||
        strlen(path) <= strlen(prefix) + strlen(suffix) || strchr(path + strlen(prefix), '/'))
        return;
    if (list->n < CONTENTS_LIST_MAX)
        (void)text_sanitize(list->names[list->n], CONTENTS_NAME_MAX, path + strlen(prefix),
                            strlen(path) - strlen(prefix) - strlen(suffix));
    list->n++;
}

static void take_path(struct contents *contents, const char *path)
{
    contents->n_files++;
    contents->n_models += has_prefix(path, "models/") && has_suffix(path, ".mdl");
    contents->n_scripts += has_prefix(path, "scripts/");
    take_name(&contents->maps, path, "maps/", ".bsp");
    take_name(&contents->missions, path, "missions/", ".txt");
}

static int read_all(struct contents *contents, const struct vpk *vpk, struct error *err)
{
    AUTO(freep) uint8_t *bytes = NULL;
    uint64_t             n_bytes = 0;

    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const struct vpk_entry *entry = vpk_at(vpk, i);
        if (entry->size > VPK_ENTRY_SIZE_MAX)
            return error_set(err, ERROR_INVALID, "'%s' is larger than %u bytes", entry->path,
                             VPK_ENTRY_SIZE_MAX);
        if (!bytes || entry->size > n_bytes) {
            free(bytes);
            n_bytes = entry->size;
            bytes = malloc(n_bytes + 1);
            if (!bytes)
                return error_sys(err, ENOMEM, "reading '%s'", entry->path);
        }
        if (vpk_read(vpk, entry, bytes, err) < 0)
            return -1;
        take_path(contents, entry->path);
    }
    return 0;
}

int contents_read(struct contents *ret, int dir_fd, const char *name, struct error *err)
{
    AUTO(vpk_closep) struct vpk *vpk = NULL;
    struct contents              contents = { 0 };

    if (vpk_open(&vpk, dir_fd, name, err) < 0 || read_all(&contents, vpk, err) < 0)
        return -1;
    *ret = contents;
    return 0;
}
