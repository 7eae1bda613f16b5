// SPDX-License-Identifier: MIT
#include "content/place.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "content/findings.h"

#define PARTS_MAX 6u // components of a path that are looked at
#define NAME_ROOM 256u
#define GAME_DIR  "left4dead2"
#define PLUGINS   "left4dead2/addons/sourcemod/plugins"

// What the game looks for in its own directory.
static const char *const game_dirs[] = {
    "addons",   "cfg",    "ems",       "maps",     "materials", "media",
    "missions", "models", "particles", "resource", "scripts",   "sound",
};
static const char *const addon_dirs[] = { "metamod", "sourcemod" };
// In these a directory of the same name is a mistake.
static const char *const never_nested[] = { GAME_DIR,   "addons",  "cfg",     "maps",
                                            "missions", "plugins", "scripts", "sourcemod" };
// What an installation has at its top, besides directories called like the game's.
static const char *const root_dirs[] = { "bin", "hl2", "platform", "steamapps", "update" };
static const char *const wrapped_dirs[] = { GAME_DIR, "addons", "cfg" };
static const char *const archives[] = {
    ".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"
};
static const char *const windows_dirs[] = { "win32", "win64", "windows" };

// A path in parts: where they begin, and how long they are.
struct parts {
    unsigned    n; // all there are
    const char *at[PARTS_MAX];
    size_t      length[PARTS_MAX];
    const char *name; // the last one
};

static struct parts parts_of(const char *path)
{
    struct parts parts = { 0 };

    for (;;) {
        size_t n = strcspn(path, "/");
        if (parts.n < PARTS_MAX) {
            parts.at[parts.n] = path;
            parts.length[parts.n] = n;
        }
        parts.n++;
        parts.name = path;
        if (!path[n])
            return parts;
        path += n + 1;
    }
}

static bool is_part(const struct parts *parts, unsigned i, const char *word)
{
    return i < parts->n && i < PARTS_MAX && strlen(word) == parts->length[i] &&
           strncmp(parts->at[i], word, parts->length[i]) == 0;
}

static bool is_part_of(const struct parts *parts, unsigned i, const char *const *words, size_t n)
{
    for (size_t w = 0; w < n; w++)
        if (is_part(parts, i, words[w]))
            return true;
    return false;
}

static bool is_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return strncmp(path, dir, n) == 0 && path[n] == '/';
}

bool place_has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), n_suffix = strlen(suffix);

    return n > n_suffix && strcasecmp(path + n - n_suffix, suffix) == 0;
}

// ---- packs -------------------------------------------------------------------------------------

// "pak01_003.vpk" is a part of "pak01_dir.vpk", if that is there.
static bool is_numbered_part(const struct place *place, const char *name)
{
    char   whole[NAME_ROOM];
    size_t n = strlen(name), n_tail = strlen("_000.vpk");

    if (n <= n_tail || n >= sizeof whole || name[n - n_tail] != '_')
        return false;
    for (size_t i = n - n_tail + 1; i < n - strlen(".vpk"); i++)
        if (!isdigit((unsigned char)name[i]))
            return false;
    (void)snprintf(whole, sizeof whole, "%.*s_dir.vpk", (int)(n - n_tail), name); // as long
    return place->has_beside(place->user, whole);
}

enum index_place place_of_pack(const struct place *place)
{
    struct parts parts = parts_of(place->path);

    if (place->is_dir || !place_has_suffix(parts.name, ".vpk") ||
        is_numbered_part(place, parts.name))
        return 0;
    if (parts.n == 2 && place_has_suffix(parts.name, "_dir.vpk"))
        return INDEX_PACK_GAME;
    if (!is_part(&parts, 0, GAME_DIR) || !is_part(&parts, 1, "addons"))
        return 0;
    if (parts.n == 3)
        return INDEX_PACK_ADDON;
    return parts.n == 4 && is_part(&parts, 2, "workshop") ? INDEX_PACK_WORKSHOP : 0;
}

// ---- rules -------------------------------------------------------------------------------------
//
// Each fills in `text` and returns a code, or 0.

typedef uint32_t rule(char text[PLACE_TEXT_MAX], const struct place *place,
                      const struct parts *parts);

static uint32_t say(char text[PLACE_TEXT_MAX], uint32_t code, const char *where)
{
    (void)snprintf(text, PLACE_TEXT_MAX, "%s", where); // cut is fine
    return code;
}

static uint32_t say_below(char text[PLACE_TEXT_MAX], uint32_t code, const char *where,
                          const char *name)
{
    (void)snprintf(text, PLACE_TEXT_MAX, "%s/%s", where, name); // cut is fine
    return code;
}

static uint32_t rule_root_dir(char text[PLACE_TEXT_MAX], const struct place *place,
                              const struct parts *parts)
{
    bool is_root = parts->n == 1, is_in_game = parts->n == 2 && is_part(parts, 0, GAME_DIR);

    (void)place;
    if (is_root && is_part_of(parts, 0, game_dirs, ELEMENTS(game_dirs)))
        return say_below(text, FINDING_MISPLACED, GAME_DIR, parts->name);
    if ((is_root || is_in_game) &&
        is_part_of(parts, parts->n - 1, addon_dirs, ELEMENTS(addon_dirs)))
        return say_below(text, FINDING_MISPLACED, GAME_DIR "/addons", parts->name);
    return 0;
}

// "Addons" is another directory than "addons" here.
static uint32_t rule_dir_case(char text[PLACE_TEXT_MAX], const struct place *place,
                              const struct parts *parts)
{
    char         folded[NAME_ROOM];
    struct parts low = { 0 };

    (void)place;
    (void)index_fold(folded, sizeof folded, parts->name);
    if (strcmp(folded, parts->name) == 0)
        return 0;
    low = parts_of(folded);
    if (parts->n == 1 && is_part(&low, 0, GAME_DIR))
        return say(text, FINDING_MISPLACED, GAME_DIR);
    if (parts->n == 2 && is_part(parts, 0, GAME_DIR) &&
        is_part_of(&low, 0, game_dirs, ELEMENTS(game_dirs)))
        return say_below(text, FINDING_MISPLACED, GAME_DIR, folded);
    return 0;
}

static uint32_t rule_nested(char text[PLACE_TEXT_MAX], const struct place *place,
                            const struct parts *parts)
{
    unsigned last = parts->n - 1;

    (void)place;
    if (parts->n < 2 || parts->n > 4 || !is_part(parts, last - 1, parts->name) ||
        !is_part_of(parts, last, never_nested, ELEMENTS(never_nested)))
        return 0;
    return say(text, FINDING_NESTED, parts->name);
}

static bool is_at_home(const struct parts *parts, unsigned i)
{
    if (i == 0)
        return strncmp(parts->at[0], GAME_DIR, strlen(GAME_DIR)) == 0 ||
               is_part_of(parts, 0, root_dirs, ELEMENTS(root_dirs));
    return is_part_of(parts, i, game_dirs, ELEMENTS(game_dirs));
}

// SomePack-main/left4dead2, left4dead2/SomePack/addons
static uint32_t rule_wrapped(char text[PLACE_TEXT_MAX], const struct place *place,
                             const struct parts *parts)
{
    unsigned last = parts->n - 1;

    (void)place;
    if (parts->n < 2 || parts->n > 3 || (parts->n == 3 && !is_part(parts, 0, GAME_DIR)) ||
        is_at_home(parts, last - 1) ||
        !is_part_of(parts, last, wrapped_dirs, ELEMENTS(wrapped_dirs)))
        return 0;
    (void)snprintf(text, PLACE_TEXT_MAX, "%.*s", (int)parts->length[last - 1],
                   parts->at[last - 1]); // cut is fine
    return FINDING_WRAPPED;
}

static uint32_t rule_pack_dir(char text[PLACE_TEXT_MAX], const struct place *place,
                              const struct parts *parts)
{
    if (parts->n != 3 || !is_below(place->path, GAME_DIR "/addons") ||
        !place_has_suffix(parts->name, ".vpk"))
        return 0;
    return say(text, FINDING_PACK_DIR, "");
}

static uint32_t rule_pack_place(char text[PLACE_TEXT_MAX], const struct place *place,
                                const struct parts *parts)
{
    if (!place_has_suffix(parts->name, ".vpk") || place_of_pack(place) ||
        is_numbered_part(place, parts->name) ||
        is_part_of(parts, 0, root_dirs, ELEMENTS(root_dirs)))
        return 0;
    return say(text, FINDING_PACK_PLACE, GAME_DIR "/addons");
}

static bool is_addon(const struct place *place)
{
    enum index_place where = place_of_pack(place);

    return where == INDEX_PACK_ADDON || where == INDEX_PACK_WORKSHOP;
}

static uint32_t rule_pack_workshop(char text[PLACE_TEXT_MAX], const struct place *place,
                                   const struct parts *parts)
{
    (void)parts;
    return place_of_pack(place) == INDEX_PACK_WORKSHOP ? say(text, FINDING_PACK_WORKSHOP, "") : 0;
}

static uint32_t rule_pack_case(char text[PLACE_TEXT_MAX], const struct place *place,
                               const struct parts *parts)
{
    if (!is_addon(place))
        return 0;
    for (const char *c = parts->name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            return say(text, FINDING_PACK_CASE, "");
    return 0;
}

static uint32_t rule_pack_bytes(char text[PLACE_TEXT_MAX], const struct place *place,
                                const struct parts *parts)
{
    if (!is_addon(place))
        return 0;
    for (const char *c = parts->name; *c; c++)
        if ((unsigned char)*c >= 0x80 || (unsigned char)*c < ' ' || *c == 0x7f)
            return say(text, FINDING_PACK_BYTES, "");
    return 0;
}

static uint32_t rule_pack_dots(char text[PLACE_TEXT_MAX], const struct place *place,
                               const struct parts *parts)
{
    if (!is_addon(place) || strchr(parts->name, '.') == strrchr(parts->name, '.'))
        return 0;
    return say(text, FINDING_PACK_DOTS, "");
}

// Unless what is in it stands beside it, as for a server of downloads.
static uint32_t rule_archive(char text[PLACE_TEXT_MAX], const struct place *place,
                             const struct parts *parts)
{
    char   unpacked[NAME_ROOM];
    size_t n = strlen(parts->name);

    if (parts->n != 3 || n >= sizeof unpacked ||
        (!is_below(place->path, GAME_DIR "/addons") && !is_below(place->path, GAME_DIR "/maps")))
        return 0;
    for (size_t i = 0; i < ELEMENTS(archives); i++) {
        if (!place_has_suffix(parts->name, archives[i]))
            continue;
        (void)snprintf(unpacked, sizeof unpacked, "%.*s", (int)(n - strlen(archives[i])),
                       parts->name);
        return place->has_beside(place->user, unpacked) ? 0 : say(text, FINDING_ARCHIVE, "");
    }
    return 0;
}

static uint32_t rule_map(char text[PLACE_TEXT_MAX], const struct place *place,
                         const struct parts *parts)
{
    if (!place_has_suffix(parts->name, ".bsp") || (parts->n == 3 && is_part(parts, 1, "maps")) ||
        is_below(place->path, GAME_DIR "/download"))
        return 0;
    return say(text, FINDING_MAP_PLACE, GAME_DIR "/maps");
}

static uint32_t rule_plugin(char text[PLACE_TEXT_MAX], const struct place *place,
                            const struct parts *parts)
{
    if (!place_has_suffix(parts->name, ".smx") || is_below(place->path, PLUGINS) ||
        is_below(place->path, "left4dead2/addons/sourcemod/scripting"))
        return 0;
    return say(text, FINDING_PLUGIN_PLACE, PLUGINS);
}

static uint32_t rule_source(char text[PLACE_TEXT_MAX], const struct place *place,
                            const struct parts *parts)
{
    if (!place_has_suffix(parts->name, ".sp") || !is_below(place->path, PLUGINS))
        return 0;
    return say(text, FINDING_PLUGIN_SOURCE, "");
}

static uint32_t rule_library(char text[PLACE_TEXT_MAX], const struct place *place,
                             const struct parts *parts)
{
    char   wanted[NAME_ROOM];
    size_t n = strlen(parts->name);

    if (!place_has_suffix(parts->name, ".dll") || !is_below(place->path, GAME_DIR "/addons") ||
        n >= sizeof wanted)
        return 0;
    for (unsigned i = 2; i < MIN(parts->n, PARTS_MAX); i++)
        if (is_part_of(parts, i, windows_dirs, ELEMENTS(windows_dirs)))
            return 0;
    (void)snprintf(wanted, sizeof wanted, "%.*s.so", (int)(n - strlen(".dll")), parts->name);
    if (place->has_beside(place->user, wanted))
        return 0;
    return say(text, FINDING_WINDOWS_LIBRARY, "");
}

static uint32_t rule_config(char text[PLACE_TEXT_MAX], const struct place *place,
                            const struct parts *parts)
{
    (void)place;
    if (!place_has_suffix(parts->name, ".cfg") ||
        (parts->n != 1 && (parts->n != 2 || !is_part(parts, 0, GAME_DIR))))
        return 0;
    return say(text, FINDING_MISPLACED, GAME_DIR "/cfg");
}

static rule *const dir_rules[] = { rule_root_dir, rule_dir_case, rule_nested, rule_wrapped,
                                   rule_pack_dir };
static rule *const file_rules[] = {
    rule_pack_place, rule_pack_workshop, rule_pack_case, rule_pack_bytes,
    rule_pack_dots,  rule_archive,       rule_map,       rule_plugin,
    rule_source,     rule_library,       rule_config,
};

int place_check(const struct place *place,
                int (*found)(void *user, uint32_t code, const char *text, struct error *err),
                void *user, struct error *err)
{
    struct parts parts = parts_of(place->path);
    size_t       n = place->is_dir ? ELEMENTS(dir_rules) : ELEMENTS(file_rules);

    // Every rule about files begins with what they are called.
    if (!place->is_dir && !strchr(parts.name, '.'))
        return 0;
    for (size_t i = 0; i < n; i++) {
        char     text[PLACE_TEXT_MAX];
        uint32_t code = (place->is_dir ? dir_rules : file_rules)[i](text, place, &parts);
        int      r = code ? found(user, code, text, err) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}
