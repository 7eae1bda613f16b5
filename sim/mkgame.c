// SPDX-License-Identifier: MIT

// mkgame DIR [--build N] [--only common|linux|windows] [--no-manifest]: writes an installation tree
// that looks like app 222860, with the emulator beside this program as its server.
//
// The same arguments write the same bytes. Another build number changes steam.inf, one map and one
// script, adds a file and leaves one out, so that an update has something of each kind to do.

#include "base/fd.h"
#include "base/number.h"
#include "vpk-write.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILD_DEFAULT 9477u
#define CONTENT_MAX   65536u

enum depot { DEPOT_COMMON = 1, DEPOT_LINUX = 2, DEPOT_WINDOWS = 4, DEPOT_ALL = 7 };

struct tree {
    const char *root;
    unsigned    build;
    int         depots; // those to write
    bool        has_manifest;
};

// --- files ------------------------------------------------------------------------------------

static int make_parents(char *path, struct error *err)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return error_sys(err, errno, "creating '%s'", path);
        *slash = '/';
    }
    return 0;
}

static int write_bytes(const struct tree *tree, const char *name, mode_t mode, const void *bytes,
                       size_t n_bytes, struct error *err)
{
    char path[PATH_MAX];

    int n = snprintf(path, sizeof path, "%s/%s", tree->root, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(err, ERROR_INVALID, "the path of the tree is too long");
    if (make_parents(path, err) < 0)
        return -1;

    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return error_sys(err, errno, "creating '%s'", path);
    return fd_write_all(fd, bytes, n_bytes, err);
}

static int write_text(const struct tree *tree, const char *name, struct error *err,
                      const char *format, ...) PRINTF_LIKE(4, 5);
static int write_text(const struct tree *tree, const char *name, struct error *err,
                      const char *format, ...)
{
    char    text[CONTENT_MAX];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return write_bytes(tree, name, 0644, text, (size_t)n, err);
}

// Bytes that look like a binary of this kind and differ from name to name.
static int write_dummy(const struct tree *tree, const char *name, const void *magic, size_t n_magic,
                       size_t n_bytes, unsigned salt, struct error *err)
{
    uint8_t  bytes[CONTENT_MAX];
    uint32_t state = salt * 2654435761u + 1;

    for (const char *cursor = name; *cursor; cursor++)
        state = state * 31 + (uint8_t)*cursor;
    for (size_t i = 0; i < n_bytes; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
    memcpy(bytes, magic, n_magic);
    return write_bytes(tree, name, 0644, bytes, n_bytes, err);
}

static void vpk_writer_freep(struct vpk_writer **writer)
{
    *writer = vpk_writer_free(*writer);
}

// --- what is in the depots --------------------------------------------------------------------

static const char *const maps[] = {
    "c1m1_hotel",
    "c1m2_streets",
    "c1m3_mall",
    "c1m4_atrium",
    "c2m1_highway",
    "c2m2_fairgrounds",
    "c2m3_coaster",
    "c2m4_barns",
    "c2m5_concert",
    "c3m1_plankcountry",
    "c3m2_swamp",
    "c3m3_shantytown",
    "c3m4_plantation",
    "c4m1_milltown_a",
    "c4m2_sugarmill_a",
    "c4m3_sugarmill_b",
    "c4m4_milltown_b",
    "c4m5_milltown_escape",
    "c5m1_waterfront",
    "c5m2_park",
    "c5m3_cemetery",
    "c5m4_quarter",
    "c5m5_bridge",
    "c6m1_riverbank",
    "c6m2_bedlam",
    "c6m3_port",
    "c7m1_docks",
    "c7m2_barge",
    "c7m3_port",
    "c8m1_apartment",
    "c8m2_subway",
    "c8m3_sewers",
    "c8m4_interior",
    "c8m5_rooftop",
    "c9m1_alleys",
    "c9m2_lots",
    "c10m1_caves",
    "c10m2_drainage",
    "c10m3_ranchhouse",
    "c10m4_mainstreet",
    "c10m5_houseboat",
    "c11m1_greenhouse",
    "c11m2_offices",
    "c11m3_garage",
    "c11m4_terminal",
    "c11m5_runway",
    "c12m1_hilltop",
    "c12m2_traintunnel",
    "c12m3_bridge",
    "c12m4_barn",
    "c12m5_cornfield",
    "c13m1_alpinecreek",
    "c13m2_southpinestream",
    "c13m3_memorialbridge",
    "c13m4_cutthroatcreek",
    "c14m1_junkyard",
    "c14m2_lighthouse",
};

static const char *const libraries[] = {
    "datacache",          "dedicated",      "engine",         "filesystem_stdio", "libtier0",
    "libvstdlib",         "materialsystem", "matchmaking_ds", "scenefilecache",   "shaderapiempty",
    "soundemittersystem", "studiorender",   "vphysics",       "vscript",          "replay",
};

static const char *const configs[] = {
    "config_default.cfg", "360controller.cfg", "chapter1.cfg", "listenserver.cfg", "joystick.cfg",
    "perftest.cfg",       "skill1.cfg",        "skill2.cfg",   "skill3.cfg",       "valve.rc",
};

static const char *const scripts[] = {
    "gamemodes.txt",
    "weapon_rifle.txt",
    "weapon_smg.txt",
    "weapon_autoshotgun.txt",
    "weapon_hunting_rifle.txt",
    "weapon_pistol.txt",
    "weapon_pistol_magnum.txt",
    "weapon_sniper_awp.txt",
    "population.txt",
    "soundmixers.txt",
    "surfaceproperties.txt",
    "game_sounds_manifest.txt",
    "game_sounds_player.txt",
    "vehicles/jeep_test.txt",
    "vscripts/director_base.nuc",
    "vscripts/mapspawn.nuc",
    "talker/coach.txt",
    "talker/ellis.txt",
    "talker/nick.txt",
    "talker/rochelle.txt",
};

static const char *const folders[] = { "left4dead2_dlc1", "left4dead2_dlc2", "left4dead2_dlc3",
                                       "update" };

static const char gameinfo[] = "\"GameInfo\"\n"
                               "{\n"
                               "\tgame\t\t\"Left 4 Dead 2\"\n"
                               "\ttype\t\tmultiplayer_only\n"
                               "\tnomodels\t1\n"
                               "\tFileSystem\n"
                               "\t{\n"
                               "\t\tSteamAppId\t\t550\n"
                               "\t\tToolsAppId\t\t211\n"
                               "\t\tSearchPaths\n"
                               "\t\t{\n"
                               "\t\t\tGame\t\t\tupdate\n"
                               "\t\t\tGame\t\t\tleft4dead2_dlc3\n"
                               "\t\t\tGame\t\t\tleft4dead2_dlc2\n"
                               "\t\t\tGame\t\t\tleft4dead2_dlc1\n"
                               "\t\t\tGame\t\t\t|gameinfo_path|.\n"
                               "\t\t\tGame\t\t\thl2\n"
                               "\t\t}\n"
                               "\t}\n"
                               "}\n";

static int write_maps(const struct tree *tree, struct error *err)
{
    char name[256];

    for (size_t i = 0; i < ELEMENTS(maps); i++) {
        unsigned salt = i == 0 ? tree->build : 0; // an update changes the first map
        snprintf(name, sizeof name, "left4dead2/maps/%s.bsp", maps[i]);
        if (write_dummy(tree, name, "VBSP\25\0\0\0", 8, 8192, salt, err) < 0)
            return -1;
        snprintf(name, sizeof name, "left4dead2/maps/%s.nav", maps[i]);
        if (write_dummy(tree, name, "\xce\xfa\xed\xfe", 4, 2048, 0, err) < 0)
            return -1;
    }
    return 0;
}

static int write_configs(const struct tree *tree, struct error *err)
{
    char name[256];

    for (size_t i = 0; i < ELEMENTS(configs); i++) {
        snprintf(name, sizeof name, "left4dead2/cfg/%s", configs[i]);
        if (write_text(tree, name, err, "// %s\n", configs[i]) < 0)
            return -1;
    }
    for (size_t i = 0; i < ELEMENTS(scripts); i++) {
        unsigned salt = i == 0 ? tree->build : 0; // an update changes the first script
        snprintf(name, sizeof name, "left4dead2/scripts/%s", scripts[i]);
        if (write_text(tree, name, err, "// %s %u\n", scripts[i], salt) < 0)
            return -1;
    }
    return 0;
}

// pak01 of the game, with the mission files, as directory and part; it is written by its own
// writer.
static int write_pak(const struct tree *tree, struct error *err)
{
    char path[PATH_MAX], name[64], text[128];
    int  result = 0;

    struct vpk_writer *writer = vpk_writer_new();
    if (!writer)
        return error_sys(err, ENOMEM, "writing pak01");
    for (unsigned i = 1; result == 0 && i <= 14; i++) {
        snprintf(name, sizeof name, "missions/campaign%u.txt", i);
        int n = snprintf(text, sizeof text, "\"mission\"\n{\n\t\"Name\"\t\"L4D2C%u\"\n}\n", i);
        result = vpk_writer_add(writer, name, text, (size_t)n, err);
    }
    for (unsigned i = 0; result == 0 && i < 40; i++) {
        snprintf(name, sizeof name, "materials/emulator/texture%02u.vmt", i);
        result = vpk_writer_add(writer, name, "LightmappedGeneric {}\n", 22, err);
    }
    snprintf(path, sizeof path, "%s/left4dead2/pak01_dir.vpk", tree->root);
    if (result == 0)
        result = vpk_writer_save(writer, path, 1, err);
    vpk_writer_free(writer);
    return result;
}

// The other search paths have archives as well, of one file here.
static int write_small_pak(const struct tree *tree, const char *folder, struct error *err)
{
    char path[PATH_MAX], name[64];
    AUTO(vpk_writer_freep)
    struct vpk_writer *writer = vpk_writer_new();

    if (!writer)
        return error_sys(err, ENOMEM, "writing a pak01");
    snprintf(name, sizeof name, "materials/emulator/%s.vmt", folder);
    if (vpk_writer_add(writer, name, "LightmappedGeneric {}\n", 22, err) < 0)
        return -1;
    int n = snprintf(path, sizeof path, "%s/%s/pak01_dir.vpk", tree->root, folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(err, ERROR_INVALID, "the path of the tree is too long");
    return vpk_writer_save(writer, path, 1, err);
}

static int write_loose(const struct tree *tree, struct error *err)
{
    char name[256];

    for (size_t i = 0; i < ELEMENTS(folders); i++) {
        snprintf(name, sizeof name, "%s/maps/readme.txt", folders[i]);
        if (write_text(tree, name, err, "%s\n", folders[i]) < 0 ||
            write_small_pak(tree, folders[i], err) < 0)
            return -1;
    }
    snprintf(name, sizeof name, "left4dead2/resource/added_in_%u.txt", tree->build);
    if (write_text(tree, name, err, "only in build %u\n", tree->build) < 0)
        return -1;
    if (write_text(tree, "left4dead2/gameinfo.txt", err, "%s", gameinfo) < 0 ||
        write_text(tree, "left4dead2/motd.txt", err, "Welcome\n") < 0 ||
        write_text(tree, "left4dead2/host.txt", err, "A host\n") < 0 ||
        write_text(tree, "left4dead2/addons/README.txt", err, "Put add-ons here\n") < 0 ||
        write_text(tree, "left4dead2/missions/README.txt", err, "See pak01\n") < 0 ||
        write_text(tree, "left4dead2/whitelist.cfg", err, "// sv_pure\n") < 0 ||
        write_text(tree, "hl2/resource/valve.txt", err, "hl2\n") < 0 ||
        write_text(tree, "steam_appid.txt", err, "550\n") < 0)
        return -1;
    return write_text(tree, "left4dead2/steam.inf", err,
                      "PatchVersion=2.2.4.3\nServerVersion=%u\nProductName=left4dead2\n"
                      "appID=550\nServerAppID=222860\nSourceRevision=%u\n",
                      tree->build, tree->build);
}

static int write_common(const struct tree *tree, struct error *err)
{
    if (write_loose(tree, err) < 0 || write_maps(tree, err) < 0 || write_configs(tree, err) < 0)
        return -1;
    return write_pak(tree, err);
}

// Copies srcds_linux and srcds_run from the directory of this program.
static int copy_program(const struct tree *tree, const char *name, struct error *err)
{
    char self[PATH_MAX];
    AUTO(freep)
    char  *bytes = NULL;
    size_t n_bytes = 0;

    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return error_sys(err, errno, "finding my own directory");
    self[n] = '\0';
    AUTO_FD dir_fd = open(dirname(self), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return error_sys(err, errno, "opening my own directory");
    if (fd_read_file(&bytes, &n_bytes, dir_fd, name, 64u * 1024 * 1024, err) < 0)
        return -1;
    return write_bytes(tree, name, 0755, bytes, n_bytes, err);
}

static int write_linux(const struct tree *tree, struct error *err)
{
    char name[256];

    if (copy_program(tree, "srcds_linux", err) < 0 || copy_program(tree, "srcds_run", err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(libraries); i++) {
        snprintf(name, sizeof name, "bin/%s_srv.so", libraries[i]);
        if (write_dummy(tree, name, "\177ELF\1\1\1", 7, 4096, 0, err) < 0)
            return -1;
    }
    if (write_dummy(tree, "bin/libsteam_api.so", "\177ELF\1\1\1", 7, 4096, 0, err) < 0)
        return -1;
    return write_dummy(tree, "left4dead2/bin/server_srv.so", "\177ELF\1\1\1", 7, 32768, 0, err);
}

static int write_windows(const struct tree *tree, struct error *err)
{
    char name[256];

    if (write_dummy(tree, "srcds.exe", "MZ", 2, 16384, 0, err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(libraries); i++) {
        snprintf(name, sizeof name, "bin/%s.dll", libraries[i]);
        if (write_dummy(tree, name, "MZ", 2, 4096, 0, err) < 0)
            return -1;
    }
    return write_dummy(tree, "left4dead2/bin/server.dll", "MZ", 2, 32768, 0, err);
}

static int write_manifest(const struct tree *tree, struct error *err)
{
    return write_text(tree, "steamapps/appmanifest_222860.acf", err,
                      "\"AppState\"\n{\n"
                      "\t\"appid\"\t\t\"222860\"\n"
                      "\t\"Universe\"\t\t\"1\"\n"
                      "\t\"name\"\t\t\"Left 4 Dead 2 Dedicated Server\"\n"
                      "\t\"StateFlags\"\t\t\"4\"\n"
                      "\t\"installdir\"\t\t\"Left 4 Dead 2 Dedicated Server\"\n"
                      "\t\"buildid\"\t\t\"%u\"\n"
                      "\t\"BytesToDownload\"\t\t\"0\"\n\t\"BytesDownloaded\"\t\t\"0\"\n"
                      "\t\"BytesToStage\"\t\t\"0\"\n\t\"BytesStaged\"\t\t\"0\"\n"
                      "}\n",
                      tree->build);
}

static int write_tree(const struct tree *tree, struct error *err)
{
    static const struct {
        enum depot depot;
        int (*write)(const struct tree *tree, struct error *err);
    } rows[] = {
        { DEPOT_COMMON, write_common },
        { DEPOT_LINUX, write_linux },
        { DEPOT_WINDOWS, write_windows },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (tree->depots & rows[i].depot && rows[i].write(tree, err) < 0)
            return -1;
    return tree->has_manifest ? write_manifest(tree, err) : 0;
}

// --- options ----------------------------------------------------------------------------------

static int parse_depot(const char *name)
{
    static const struct {
        const char *name;
        enum depot  depot;
    } rows[] = { { "common", DEPOT_COMMON },
                 { "linux", DEPOT_LINUX },
                 { "windows", DEPOT_WINDOWS } };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].depot;
    return 0;
}

static int parse_options(struct tree *ret, int argc, char **argv, struct error *err)
{
    *ret = (struct tree){ .build = BUILD_DEFAULT,
                          .depots = DEPOT_COMMON | DEPOT_LINUX,
                          .has_manifest = true };
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--no-manifest") == 0) {
            ret->has_manifest = false;
        } else if (strcmp(argv[i], "--build") == 0 && has_value) {
            if (number_parse_u32(&ret->build, argv[++i], 1, 1000000000, err) < 0)
                return error_prefix(err, "--build");
        } else if (strcmp(argv[i], "--only") == 0 && has_value) {
            ret->depots = parse_depot(argv[++i]);
        } else {
            ret->root = argv[i];
        }
    }
    if (!ret->root || !ret->depots)
        return error_set(err, ERROR_INVALID,
                         "usage: mkgame DIR [--build N] "
                         "[--only common|linux|windows] [--no-manifest]");
    return 0;
}

int main(int argc, char **argv)
{
    struct tree  tree;
    struct error err;

    umask(022);
    if (parse_options(&tree, argc, argv, &err) < 0 || write_tree(&tree, &err) < 0) {
        fprintf(stderr, "mkgame: %s\n", err.message);
        return err.kind == ERROR_INVALID ? 2 : 1;
    }
    return 0;
}
