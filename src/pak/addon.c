// SPDX-License-Identifier: MIT
#include "pak/addon.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "pak/encoding.h"
#include "pak/kv.h"
#include "pak/stockmaps.h"
#include "pak/vpkfile.h"

#define BSP_SIGNATURE "VBSP"

_Static_assert(ADDON_TEXT_MAX <= ENCODING_BYTES_MAX, "any text can be decoded");
_Static_assert(3 * ADDON_TEXT_MAX <= KV_BYTES_MAX, "and what comes out be parsed");

// --- kinds ------------------------------------------------------------------------------------

enum reach { BELOW, WITHIN, ALONE }; // in folders below too; in this one; the path is just that

// The first row that fits.
static const struct {
    const char     *start, *end;
    enum reach      reach;
    enum addon_kind kind;
} kinds[] = {
    { "maps/", ".bsp", WITHIN, ADDON_MAP },
    { "missions/", ".txt", WITHIN, ADDON_MISSION },
    { "scripts/vscripts/", ".nut", BELOW, ADDON_SCRIPT },
    { "scripts/vscripts/", ".nuc", BELOW, ADDON_SCRIPT },
    { "", ".vpk", BELOW, ADDON_ARCHIVE },
    { "models/", ".mdl", BELOW, ADDON_MODEL },
    { "models/", "", BELOW, ADDON_MODEL_DATA },
    { "materials/", ".vmt", BELOW, ADDON_MATERIAL },
    { "materials/", ".vtf", BELOW, ADDON_TEXTURE },
    { "sound/", ".wav", BELOW, ADDON_SOUND },
    { "sound/", ".mp3", BELOW, ADDON_SOUND },
    { "addoninfo", ".txt", ALONE, ADDON_DESCRIPTION },
    { "addonimage.", "", WITHIN, ADDON_DESCRIPTION },
};

static const char *const kind_words[] = {
    [ADDON_MAP] = "maps",
    [ADDON_MISSION] = "missions",
    [ADDON_MODEL] = "models",
    [ADDON_MODEL_DATA] = "model_data",
    [ADDON_SCRIPT] = "scripts",
    [ADDON_MATERIAL] = "materials",
    [ADDON_TEXTURE] = "textures",
    [ADDON_SOUND] = "sounds",
    [ADDON_DESCRIPTION] = "description",
    [ADDON_ARCHIVE] = "archives",
    [ADDON_OTHER] = "other",
};
_Static_assert(ELEMENTS(kind_words) == ADDON_KIND_COUNT, "every kind has its word");

const char *addon_kind_word(enum addon_kind kind)
{
    return kind_words[kind];
}

enum addon_kind addon_kind_of(const char *path)
{
    size_t n_path = strlen(path);

    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        size_t n_start = strlen(kinds[i].start), n_end = strlen(kinds[i].end);
        if (n_path < n_start + n_end || (kinds[i].reach == ALONE && n_path > n_start + n_end))
            continue;
        if (strncasecmp(path, kinds[i].start, n_start) == 0 &&
            strcasecmp(path + n_path - n_end, kinds[i].end) == 0 &&
            !(kinds[i].reach == WITHIN && strchr(path + n_start, '/')))
            return kinds[i].kind;
    }
    return ADDON_OTHER;
}

// --- strings ----------------------------------------------------------------------------------

static void problem(struct addon *addon, const char *format, ...) PRINTF_LIKE(2, 3);

static void problem(struct addon *addon, const char *format, ...)
{
    char    sentence[2 * ADDON_PROBLEM_MAX];
    va_list args;

    if (addon->n_problems == ADDON_PROBLEMS_MAX)
        return;
    va_start(args, format);
    int n = vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (n > 0) // cut is fine, but not within a character
        (void)text_sanitize(addon->problems[addon->n_problems++], ADDON_PROBLEM_MAX, sentence,
                            MIN((size_t)n, sizeof sentence - 1));
}

// Blanks at both ends go, and so do lines, unless `has_lines`. `value` is UTF-8, or NULL.
static void copy_string(char *ret, size_t n_ret, const char *value, bool has_lines)
{
    size_t done = 0, last = 0; // last: behind what is no blank

    for (size_t i = 0, n = value ? strlen(value) : 0; i < n;) {
        size_t length = MAX(text_character(value + i, n - i), 1);
        char   byte = value[i];
        bool   is_line = byte == '\n' && has_lines;
        if (done + length >= n_ret)
            break;
        if (byte == '\r' || (done == 0 && (unsigned char)byte <= ' ')) {
            i++;
            continue;
        }
        memcpy(ret + done, value + i, length);
        if ((unsigned char)byte < ' ' && !is_line)
            ret[done] = ' ';
        done += length;
        i += length;
        if ((unsigned char)byte > ' ')
            last = done;
    }
    ret[last] = '\0';
}

// --- texts ------------------------------------------------------------------------------------

// Backslashes are escapes, as people use them; or nothing, as the game has it; and if it is
// neither, what is before the fault.
static int parse(struct kv **ret, const char *text, size_t n_text, struct error *err)
{
    static const unsigned tries[] = { 0, KV_PLAIN };

    for (size_t i = 0; i < ELEMENTS(tries); i++) {
        if (kv_read(ret, (const uint8_t *)text, n_text, tries[i], err) == 0)
            return 0;
        if (err->kind != ERROR_INVALID)
            return -1;
    }
    return kv_read(ret, (const uint8_t *)text, n_text, KV_PLAIN | KV_TOLERANT, err);
}

static int read_text(struct kv **ret, const struct vpk *vpk, const struct vpk_entry *entry,
                     struct error *err)
{
    AUTO(freep)
    uint8_t *bytes = NULL;
    AUTO(freep)
    char  *text = NULL;
    size_t n_text = 0;
    char   path[VPK_SHORT_MAX];

    if (entry->size > ADDON_TEXT_MAX)
        return error_set(err, ERROR_INVALID, "'%s' is longer than %u bytes",
                         vpk_short(path, entry->path), ADDON_TEXT_MAX);
    bytes = malloc(entry->size + 1);
    if (!bytes)
        return error_sys(err, ENOMEM, "reading '%s'", entry->path);
    if (vpk_read(vpk, entry, bytes, err) < 0)
        return -1;
    if (encoding_to_utf8(&text, &n_text, bytes, entry->size, err) < 0)
        return -1;
    return parse(ret, text, n_text, err);
}

// The first block of a text, in *ret, and the tree it is in. A fault becomes a problem; *ret is
// NULL when there is nothing to be had. -1: no memory.
static int read_block(struct kv **ret_kv, const struct kv_node **ret, struct addon *addon,
                      const struct vpk *vpk, const struct vpk_entry *entry, struct error *err)
{
    char path[VPK_SHORT_MAX];

    *ret = NULL;
    if (read_text(ret_kv, vpk, entry, err) < 0) {
        if (err->kind == ERROR_NO_SPACE)
            return -1;
        problem(addon, "%s", err->message);
        return 0;
    }
    if (kv_fault(*ret_kv))
        problem(addon, "'%s' is damaged: %s", vpk_short(path, entry->path), kv_fault(*ret_kv));

    const struct kv_node *node = kv_root(*ret_kv);
    while (node && node->value)
        node = node->next;
    if (!node && !kv_fault(*ret_kv))
        problem(addon, "'%s' describes nothing", vpk_short(path, entry->path));
    *ret = node;
    return 0;
}

static int info_read(struct addon *addon, const struct vpk *vpk, const struct vpk_entry *entry,
                     struct error *err)
{
    AUTO(kv_freep)
    struct kv            *kv = NULL;
    const struct kv_node *block = NULL;

    addon->has_info = true;
    if (read_block(&kv, &block, addon, vpk, entry, err) < 0)
        return -1;
    if (!block)
        return 0;

    const struct {
        const char *key;
        char       *to;
        size_t      n_to;
    } fields[] = {
        { "addontitle", addon->title, sizeof addon->title },
        { "addonauthor", addon->author, sizeof addon->author },
        { "addonversion", addon->version, sizeof addon->version },
        { "addontagline", addon->tagline, sizeof addon->tagline },
        { "addondescription", addon->description, sizeof addon->description },
    };
    for (size_t i = 0; i < ELEMENTS(fields); i++)
        copy_string(fields[i].to, fields[i].n_to, kv_find_value(block->first, fields[i].key),
                    fields[i].to == addon->description);
    return 0;
}

// --- missions ---------------------------------------------------------------------------------

static bool has_map(const struct addon *addon, const char *name)
{
    for (uint32_t i = 0; i < addon->n_maps; i++)
        if (strcasecmp(addon->maps[i].name, name) == 0)
            return true;
    return false;
}

static void chapter_add(struct addon *addon, struct addon_mission *mission, const char *mode,
                        const struct kv_node *fields)
{
    const char *map = kv_find_value(fields, "map");

    if (!map || !*map)
        return;
    if (addon->n_chapters == ADDON_CHAPTERS_MAX) {
        addon->is_cut = true;
        return;
    }

    struct addon_chapter *chapter = &addon->chapters[addon->n_chapters++];
    mission->n_chapters++;
    copy_string(chapter->mode, sizeof chapter->mode, mode, false);
    copy_string(chapter->map, sizeof chapter->map, map, false);
    copy_string(chapter->title, sizeof chapter->title, kv_find_value(fields, "displayname"), false);
    chapter->is_here = has_map(addon, chapter->map);
    chapter->is_stock = stockmaps_has(chapter->map);
}

static void modes_read(struct addon *addon, struct addon_mission *mission,
                       const struct kv_node *fields)
{
    const struct kv_node *modes = kv_find(fields, "modes");

    for (; modes; modes = kv_find(modes->next, "modes"))
        for (const struct kv_node *mode = modes->first; mode; mode = mode->next)
            for (const struct kv_node *chapter = mode->first; chapter; chapter = chapter->next)
                chapter_add(addon, mission, mode->key, chapter->first);
}

// A map is told about once, however many modes have it.
static bool is_first_of_its_map(const struct addon *addon, const struct addon_mission *mission,
                                uint32_t i)
{
    for (uint32_t j = mission->first_chapter; j < i; j++)
        if (strcasecmp(addon->chapters[j].map, addon->chapters[i].map) == 0)
            return false;
    return true;
}

static void mission_judge(struct addon *addon, const struct addon_mission *mission)
{
    char        buffer[VPK_SHORT_MAX];
    const char *path = vpk_short(buffer, mission->path);

    if (!*mission->name)
        problem(addon, "'%s' has no name", path);
    if (mission->n_chapters == 0)
        problem(addon, "'%s' names no map", path);
    for (uint32_t i = 0; i < mission->n_chapters; i++) {
        const struct addon_chapter *chapter = &addon->chapters[mission->first_chapter + i];
        if (!chapter->is_here && !chapter->is_stock &&
            addon->n_files[ADDON_MAP] <= ADDON_MAPS_MAX &&
            is_first_of_its_map(addon, mission, mission->first_chapter + i))
            problem(addon, "'%s' names the map '%s', which is not in the add-on", path,
                    chapter->map);
    }
}

static int mission_read(struct addon *addon, const struct vpk *vpk, const struct vpk_entry *entry,
                        struct error *err)
{
    AUTO(kv_freep)
    struct kv            *kv = NULL;
    const struct kv_node *block = NULL;

    if (addon->n_missions == ADDON_MISSIONS_MAX) {
        addon->is_cut = true;
        return 0;
    }
    if (read_block(&kv, &block, addon, vpk, entry, err) < 0)
        return -1;

    struct addon_mission *mission = &addon->missions[addon->n_missions++];
    const struct kv_node *fields = block ? block->first : NULL;
    copy_string(mission->path, sizeof mission->path, entry->path, false);
    copy_string(mission->name, sizeof mission->name, kv_find_value(fields, "name"), false);
    copy_string(mission->title, sizeof mission->title, kv_find_value(fields, "displaytitle"),
                false);
    mission->first_chapter = addon->n_chapters;
    modes_read(addon, mission, fields);
    if (block && (fields || !kv_fault(kv)))
        mission_judge(addon, mission);
    return 0;
}

// --- files ------------------------------------------------------------------------------------

static void map_read(struct addon *addon, const struct vpk *vpk, const struct vpk_entry *entry)
{
    const size_t n_folder = strlen("maps/"), n_extension = strlen(".bsp");
    char         name[VPK_PATH_MAX], path[VPK_SHORT_MAX], signature[sizeof BSP_SIGNATURE - 1];
    struct error err;

    if (addon->n_maps == ADDON_MAPS_MAX) {
        addon->is_cut = true;
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(entry->path) - n_folder - n_extension),
                   entry->path + n_folder); // fits
    struct addon_map *map = &addon->maps[addon->n_maps++];
    copy_string(map->name, sizeof map->name, name, false);

    if (entry->size < sizeof signature)
        problem(addon, "'%s' is empty", vpk_short(path, entry->path));
    else if (vpk_read_piece(vpk, entry, 0, (uint8_t *)signature, sizeof signature, &err) < 0)
        problem(addon, "%s", err.message);
    else if (memcmp(signature, BSP_SIGNATURE, sizeof signature) != 0)
        problem(addon, "'%s' is no map: it does not begin with " BSP_SIGNATURE,
                vpk_short(path, entry->path));
    else
        map->is_bsp = true;
}

static int entry_read(struct addon *addon, const struct vpk *vpk, const struct vpk_entry *entry,
                      struct error *err)
{
    char path[VPK_SHORT_MAX];

    switch (addon_kind_of(entry->path)) {
    case ADDON_MISSION:
        return mission_read(addon, vpk, entry, err);
    case ADDON_DESCRIPTION:
        if (addon->has_info || strcasecmp(entry->path, "addoninfo.txt") != 0)
            return 0; // names that differ in case are one to the game
        return info_read(addon, vpk, entry, err);
    case ADDON_ARCHIVE:
        problem(addon, "'%s' is an archive in the archive, which the game does not open",
                vpk_short(path, entry->path));
        return 0;
    case ADDON_MAP: // was read before
    case ADDON_MODEL:
    case ADDON_MODEL_DATA:
    case ADDON_SCRIPT:
    case ADDON_MATERIAL:
    case ADDON_TEXTURE:
    case ADDON_SOUND:
    case ADDON_OTHER:
    case ADDON_KIND_COUNT:
        break;
    }
    return 0;
}

static void judge(struct addon *addon, size_t n_entries)
{
    if (n_entries == 0)
        problem(addon, "there is nothing in it");
    else if (addon->n_files[ADDON_DESCRIPTION] == n_entries)
        problem(addon, "there is nothing in it but its description");
    if (addon->is_cut)
        problem(addon,
                "there are more than %u maps, %u missions or %u chapters of them: the rest was not "
                "looked at",
                ADDON_MAPS_MAX, ADDON_MISSIONS_MAX, ADDON_CHAPTERS_MAX);
}

int addon_inspect(struct addon **ret, const struct vpk *vpk, struct error *err)
{
    size_t n = vpk_count(vpk);

    AUTO(addon_freep)
    struct addon *addon = calloc(1, sizeof *addon);
    if (!addon)
        return error_sys(err, ENOMEM, "looking into an add-on");

    // Maps first: missions are about them.
    for (size_t i = 0; i < n; i++) {
        enum addon_kind kind = addon_kind_of(vpk_at(vpk, i)->path);
        addon->n_files[kind]++;
        if (kind == ADDON_MAP)
            map_read(addon, vpk, vpk_at(vpk, i));
    }
    for (size_t i = 0; i < n; i++)
        if (entry_read(addon, vpk, vpk_at(vpk, i), err) < 0)
            return -1;

    addon->is_campaign = addon->n_files[ADDON_MAP] && addon->n_files[ADDON_MISSION];
    judge(addon, n);
    *ret = TAKE(addon);
    return 0;
}

struct addon *addon_free(struct addon *addon)
{
    free(addon);
    return NULL;
}

void addon_freep(struct addon **addon)
{
    *addon = addon_free(*addon);
}
