// SPDX-License-Identifier: MIT

// mkvpk OUT.vpk DIR: packs the regular files below DIR into an archive.
// mkvpk OUT.vpk --campaign NAME MAP…: an add-on with a mission file and empty maps.

#include "base/fd.h"
#include "vpk-write.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (64u * 1024 * 1024) // bytes of one file

static int add_file(struct vpk_writer *writer, const char *path, const char *name,
                    struct error *err)
{
    AUTO(freep)
    char *bytes = malloc(FILE_MAX);
    if (!bytes)
        return error_sys(err, ENOMEM, "adding '%s'", path);

    FILE *file = fopen(path, "re");
    if (!file)
        return error_sys(err, errno, "opening '%s'", path);
    size_t n = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    return vpk_writer_add(writer, name, bytes, n, err);
}

static int add_directory(struct vpk_writer *writer, char *dir, struct error *err)
{
    char *const   roots[] = { dir, NULL };
    const FTSENT *entry;
    int           result = 0;

    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!fts)
        return error_sys(err, errno, "opening '%s'", dir);
    while (result == 0 && (entry = fts_read(fts)))
        if (entry->fts_info == FTS_F)
            result = add_file(writer, entry->fts_path, entry->fts_path + strlen(dir) + 1, err);
    fts_close(fts);
    return result;
}

static int add_campaign(struct vpk_writer *writer, const char *name, char **maps, int n_maps,
                        struct error *err)
{
    char path[256], text[1024];

    int n = snprintf(text, sizeof text, "\"AddonInfo\"\n{\n\taddontitle \"%s\"\n}\n", name);
    if (vpk_writer_add(writer, "addoninfo.txt", text, (size_t)n, err) < 0)
        return -1;
    n = snprintf(text, sizeof text, "\"mission\"\n{\n\t\"Name\" \"%s\"\n}\n", name);
    snprintf(path, sizeof path, "missions/%s.txt", name);
    if (vpk_writer_add(writer, path, text, (size_t)n, err) < 0)
        return -1;
    for (int i = 0; i < n_maps; i++) {
        snprintf(path, sizeof path, "maps/%s.bsp", maps[i]);
        if (vpk_writer_add(writer, path, "VBSP\25\0\0\0", 8, err) < 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct error err;

    if (argc < 3) {
        fprintf(stderr, "usage: mkvpk OUT.vpk DIR | mkvpk OUT.vpk --campaign NAME MAP...\n");
        return 2;
    }
    struct vpk_writer *writer = vpk_writer_new();
    bool               is_campaign = argc > 3 && strcmp(argv[2], "--campaign") == 0;
    int                result = !writer       ? error_sys(&err, ENOMEM, "starting")
                                : is_campaign ? add_campaign(writer, argv[3], argv + 4, argc - 4, &err)
                                              : add_directory(writer, argv[2], &err);
    if (result == 0)
        result = vpk_writer_save(writer, argv[1], 1, &err);
    vpk_writer_free(writer);
    if (result < 0)
        fprintf(stderr, "mkvpk: %s\n", err.message);
    return result == 0 ? 0 : 1;
}
