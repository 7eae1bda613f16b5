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

// A mission whose chapters, in two modes, are these maps.
static int add_mission(struct vpk_writer *writer, const char *name, char **maps, int n_maps,
                       struct error *err)
{
    static const char *const modes[] = { "coop", "versus" };
    char                     path[256];
    AUTO(freep)
    char  *text = NULL;
    size_t n_text = 0;

    FILE *file = open_memstream(&text, &n_text);
    if (!file)
        return error_sys(err, errno, "writing a mission");
    fprintf(file, "\"mission\"\n{\n\t\"Name\" \"%s\"\n\t\"DisplayTitle\" \"%s\"\n", name, name);
    fprintf(file, "\t\"modes\"\n\t{\n");
    for (size_t i = 0; i < ELEMENTS(modes); i++) {
        fprintf(file, "\t\t\"%s\"\n\t\t{\n", modes[i]);
        for (int j = 0; j < n_maps; j++)
            fprintf(file, "\t\t\t\"%d\"\n\t\t\t{\n\t\t\t\t\"Map\" \"%s\"\n\t\t\t}\n", j + 1,
                    maps[j]);
        fprintf(file, "\t\t}\n");
    }
    fprintf(file, "\t}\n}\n");
    if (fclose(file) != 0)
        return error_sys(err, errno, "writing a mission");
    snprintf(path, sizeof path, "missions/%s.txt", name);
    return vpk_writer_add(writer, path, text, n_text, err);
}

static int add_campaign(struct vpk_writer *writer, const char *name, char **maps, int n_maps,
                        struct error *err)
{
    char path[256], text[1024];

    int n = snprintf(text, sizeof text, "\"AddonInfo\"\n{\n\taddontitle \"%s\"\n}\n", name);
    if (vpk_writer_add(writer, "addoninfo.txt", text, (size_t)n, err) < 0)
        return -1;
    if (add_mission(writer, name, maps, n_maps, err) < 0)
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
    int                result = -1;

    if (!writer)
        (void)error_sys(&err, ENOMEM, "starting");
    else if (is_campaign)
        result = add_campaign(writer, argv[3], argv + 4, argc - 4, &err);
    else
        result = add_directory(writer, argv[2], &err);
    if (result == 0)
        result = vpk_writer_save(writer, argv[1], 1, &err);
    vpk_writer_free(writer);
    if (result < 0)
        fprintf(stderr, "mkvpk: %s\n", err.message);
    return result == 0 ? 0 : 1;
}
