// SPDX-License-Identifier: MIT
#include "files.h"

#include "base/fd.h"
#include "pak/kv.h"
#include "pak/vpk.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_GAMEINFO_MAX (256u * 1024)
#define FILES_MAPS_SHOWN   256u // bytes of the list of maps that is printed for an add-on

struct files {
    struct console *console;
    const char     *game;
    size_t          n_paths;
    char            paths[FILES_PATHS_MAX][PATH_MAX];
    size_t          n_archives; // add-ons first, then those of the search paths
    struct vpk     *archives[FILES_ADDONS_MAX + FILES_PATHS_MAX];
};

const char *files_game(const struct files *files)
{
    return files->game;
}

// --- archives ---------------------------------------------------------------------------------

// Opens an archive by path; symbolic links are resolved first, because vpk_open() refuses them.
static int archive_open(struct vpk **ret, const char *path, struct error *err)
{
    char real[PATH_MAX];

    if (!realpath(path, real))
        return error_sys(err, errno, "resolving it");

    char *slash = strrchr(real, '/');
    *slash = '\0';
    AUTO_FD dir_fd = open(slash == real ? "/" : real, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_sys(err, errno, "opening its directory");
    return vpk_open(ret, dir_fd, slash + 1, err);
}

static bool is_map(const char *path, const char **ret_name, int *ret_n)
{
    size_t n = strlen(path);

    if (n <= 9 || strncmp(path, "maps/", 5) != 0 || strcmp(path + n - 4, ".bsp") != 0)
        return false;
    *ret_name = path + 5;
    *ret_n = (int)n - 9;
    return true;
}

static void addon_announce(const struct files *files, const char *name, const struct vpk *vpk)
{
    char        maps[FILES_MAPS_SHOWN] = "";
    bool        has_mission = false;
    const char *map;
    int         n_map, n = 0;

    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const char *path = vpk_at(vpk, i)->path;
        has_mission |= strncmp(path, "missions/", 9) == 0;
        if (is_map(path, &map, &n_map) && n + n_map + 2 < (int)sizeof maps)
            n += snprintf(maps + n, sizeof maps - (size_t)n, " %.*s", n_map, map);
    }
    console_print(files->console, "[sim] addon loaded: %s (%zu files, maps:%s%s)\n", name,
                  vpk_count(vpk), *maps ? maps : " none", has_mission ? ", campaign" : "");
}

static int is_vpk_name(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 4 && strcmp(entry->d_name + n - 4, ".vpk") == 0;
}

static void addon_load(struct files *files, const char *name)
{
    struct vpk  *vpk = NULL;
    char         path[PATH_MAX];
    struct error err;

    if (files->n_archives == FILES_ADDONS_MAX)
        return;
    int n = snprintf(path, sizeof path, "%s/addons/%s", files->game, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return;
    if (archive_open(&vpk, path, &err) < 0) {
        console_print(files->console, "[sim] addon broken: %s: %s\n", name, err.message);
        return;
    }
    addon_announce(files, name, vpk);
    files->archives[files->n_archives++] = vpk;
}

static void addons_load(struct files *files)
{
    struct dirent **entries = NULL;
    char            path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/addons", files->game); // a game's name is short
    int n = scandir(path, &entries, is_vpk_name, alphasort);
    for (int i = 0; i < n; i++) {
        addon_load(files, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);

    static const char *const loaders[] = { "addons/metamod", "addons/sourcemod" };
    for (size_t i = 0; i < ELEMENTS(loaders); i++)
        if (files_exists(files, loaders[i]))
            console_print(files->console, "[sim] %s is present\n", loaders[i]);
}

// --- search paths -----------------------------------------------------------------------------

static void path_add(struct files *files, const char *path)
{
    char         archive[PATH_MAX];
    struct vpk  *vpk = NULL;
    struct error err;

    if (files->n_paths == FILES_PATHS_MAX || access(path, F_OK) < 0 ||
        strlen(path) + sizeof "/pak01_dir.vpk" > PATH_MAX)
        return;

    (void)snprintf(files->paths[files->n_paths++], PATH_MAX, "%s", path); // fits
    console_print(files->console, "[sim] search path: %s\n", path);
    (void)snprintf(archive, sizeof archive, "%s/pak01_dir.vpk", path); // fits
    if (access(archive, F_OK) < 0)
        return;
    if (archive_open(&vpk, archive, &err) < 0)
        console_print(files->console, "[sim] archive broken: %s: %s\n", archive, err.message);
    else
        files->archives[files->n_archives++] = vpk;
}

// |gameinfo_path|x is x below the game, |all_source_engine_paths|x and x are below the root.
static void path_add_named(struct files *files, const char *name)
{
    static const char in_game[] = "|gameinfo_path|";
    static const char in_engine[] = "|all_source_engine_paths|";
    char              path[PATH_MAX];

    bool is_in_game = strncmp(name, in_game, sizeof in_game - 1) == 0;
    bool is_in_engine = strncmp(name, in_engine, sizeof in_engine - 1) == 0;
    name += is_in_game ? sizeof in_game - 1 : is_in_engine ? sizeof in_engine - 1 : 0;
    int n = snprintf(path, sizeof path, "%s%s%s", is_in_game ? files->game : "",
                     is_in_game && strcmp(name, ".") != 0 ? "/" : "",
                     is_in_game && strcmp(name, ".") == 0 ? "" : name);
    if (n > 0 && (size_t)n < sizeof path)
        path_add(files, path);
}

static int gameinfo_read(struct files *files, struct error *err)
{
    char path[PATH_MAX];
    AUTO(freep)
    char  *text = NULL;
    size_t n_text = 0;

    (void)snprintf(path, sizeof path, "%s/gameinfo.txt", files->game); // a game's name is short
    if (fd_read_file(&text, &n_text, AT_FDCWD, path, FILES_GAMEINFO_MAX, err) < 0)
        return -1;

    AUTO(kv_freep)
    struct kv *kv = NULL;
    if (kv_parse(&kv, (const uint8_t *)text, n_text, err) < 0)
        return error_prefix(err, "%s", path);

    const struct kv_node *info = kv_find(kv_root(kv), "GameInfo");
    const struct kv_node *system = kv_find(info ? info->first : NULL, "FileSystem");
    const struct kv_node *paths = kv_find(system ? system->first : NULL, "SearchPaths");
    if (!paths)
        return error_set(err, ERROR_INVALID, "%s names no search paths", path);

    const struct kv_node *node = kv_find(paths->first, "Game");
    for (; node; node = kv_find(node->next, "Game"))
        if (node->value)
            path_add_named(files, node->value);
    return 0;
}

static void files_freep(struct files **files)
{
    *files = files_free(*files);
}

int files_new(struct files **ret, const char *game, struct console *console, struct error *err)
{
    if (!fd_is_component(game))
        return error_set(err, ERROR_INVALID, "-game must name a directory here");

    AUTO(files_freep)
    struct files *files = calloc(1, sizeof *files);
    if (!files)
        return error_sys(err, ENOMEM, "allocating the file system");

    files->console = console;
    files->game = game;
    if (gameinfo_read(files, err) < 0)
        return -1;
    addons_load(files);

    *ret = TAKE(files);
    return 0;
}

struct files *files_free(struct files *files)
{
    if (!files)
        return NULL;

    for (size_t i = 0; i < files->n_archives; i++)
        files->archives[i] = vpk_close(files->archives[i]);
    free(files);
    return NULL;
}

// --- look-ups ---------------------------------------------------------------------------------

static bool path_below(char full[PATH_MAX], const struct files *files, size_t i, const char *path)
{
    int n = snprintf(full, PATH_MAX, "%s/%s", files->paths[i], path);

    return n > 0 && n < PATH_MAX && access(full, F_OK) == 0;
}

bool files_exists(const struct files *files, const char *path)
{
    char full[PATH_MAX];

    for (size_t i = 0; i < files->n_paths; i++)
        if (path_below(full, files, i, path))
            return true;
    return false;
}

static int read_stream(char **ret, size_t *ret_n, const char *path, size_t max_bytes,
                       struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", path);

    AUTO(freep)
    char *text = malloc(max_bytes + 1);
    if (!text)
        return error_sys(err, ENOMEM, "allocating %zu bytes", max_bytes + 1);

    size_t  n_text = 0;
    ssize_t n = 1;
    while (n > 0 && n_text < max_bytes) {
        n = read(fd, text + n_text, max_bytes - n_text);
        if (n < 0)
            return error_sys(err, errno, "reading '%s'", path);
        n_text += (size_t)n;
    }
    text[n_text] = '\0';
    *ret = TAKE(text);
    *ret_n = n_text;
    return 0;
}

int files_read(char **ret, size_t *ret_n, const struct files *files, const char *path,
               size_t max_bytes, struct error *err)
{
    char full[PATH_MAX];

    for (size_t i = 0; i < files->n_paths; i++)
        if (path_below(full, files, i, path))
            return read_stream(ret, ret_n, full, max_bytes, err);
    return error_set(err, ERROR_NOT_FOUND, "no search path has '%s'", path);
}

bool files_has_map(const struct files *files, const char *map)
{
    char path[PATH_MAX];

    int n = snprintf(path, sizeof path, "maps/%s.bsp", map);
    if (n < 0 || (size_t)n >= sizeof path || strchr(map, '/') || !*map)
        return false;
    if (files_exists(files, path))
        return true;
    for (size_t i = 0; i < files->n_archives; i++)
        if (vpk_find(files->archives[i], path))
            return true;
    return false;
}
