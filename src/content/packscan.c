// SPDX-License-Identifier: MIT
#include "content/packscan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "content/findings.h"
#include "pak/addon.h"
#include "pak/kv.h"
#include "pak/vpk.h"

#define MISSION_MAPS_MAX 64u
#define REASON_MAX       640u

static int add_finding(struct index_builder *builder, uint32_t node, uint32_t code,
                       const char *text, struct error *err)
{
    struct index_finding finding = { .node = node, .code = code };

    return index_builder_finding(builder, &finding, text, err);
}

// ---- missions ----------------------------------------------------------------------------------

static bool has_map(const struct kv_node *const *maps, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(maps[i]->value, name) == 0)
            return true;
    return false;
}

// The maps of a campaign in the order of its chapters; modes share them mostly.
static size_t collect_maps(const struct kv_node *ret[MISSION_MAPS_MAX], const struct kv_node *modes)
{
    size_t n = 0;

    for (const struct kv_node *mode = modes ? modes->first : NULL; mode; mode = mode->next)
        for (const struct kv_node *chapter = mode->first; chapter; chapter = chapter->next) {
            const struct kv_node *map = kv_find(chapter->first, "Map");
            if (map && map->value && n < MISSION_MAPS_MAX && !has_map(ret, n, map->value))
                ret[n++] = map;
        }
    return n;
}

static int add_mission(struct index_builder *builder, uint32_t node, bool is_loose,
                       const char *path, const struct kv_node *mission, struct error *err)
{
    const struct kv_node *maps[MISSION_MAPS_MAX];
    const char           *name = kv_find_value(mission->first, "Name");
    const char           *title = kv_find_value(mission->first, "DisplayTitle");
    size_t                n = collect_maps(maps, kv_find(mission->first, "modes"));

    if (index_builder_mission(builder, node, is_loose, path, name ? name : "", title ? title : "",
                              err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (index_builder_map(builder, maps[i]->value, err) < 0)
            return -1;
    return 0;
}

int packscan_mission(struct index_builder *builder, uint32_t node, bool is_loose, const char *path,
                     const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    AUTO(kv_freep) struct kv *kv = NULL;
    struct error              why = { 0 };
    char                      reason[REASON_MAX];

    if (kv_parse(&kv, bytes, n_bytes, &why) < 0) {
        (void)snprintf(reason, sizeof reason, "%s: %s", path, why.message); // cut is fine
        return add_finding(builder, node, FINDING_MISSION_BROKEN, reason, err);
    }
    const struct kv_node *mission = kv_find(kv_root(kv), "mission");
    if (!mission || mission->value) {
        (void)snprintf(reason, sizeof reason, "%s: it describes no mission", path);
        return add_finding(builder, node, FINDING_MISSION_BROKEN, reason, err);
    }
    return add_mission(builder, node, is_loose, path, mission, err);
}

// ---- what is in a pack -------------------------------------------------------------------------
//
// Which files count and up to where is as in pak/addon.h. But that cannot take the place of this
// part: it looks into a whole pack and tells its faults to people, where an index wants them by
// code, each with its mission, and the missions in the tree as well; and it reads a mission up to
// its first fault, which is to be found here.

// The whole text of an entry, or false: it is too large or damaged.
static bool read_text(uint8_t **ret, const struct vpk *vpk, const struct vpk_entry *entry,
                      struct error *why)
{
    if (entry->size > ADDON_TEXT_MAX) {
        (void)error_set(why, ERROR_INVALID, "it is larger than %u bytes", ADDON_TEXT_MAX);
        return false;
    }
    *ret = malloc((size_t)entry->size + 1);
    if (!*ret) {
        (void)error_sys(why, ENOMEM, "reading it");
        return false;
    }
    return vpk_read(vpk, entry, *ret, why) == 0;
}

static int scan_mission(struct index_builder *builder, uint32_t node, const struct vpk *vpk,
                        const struct vpk_entry *entry, struct error *err)
{
    AUTO(freep) uint8_t *bytes = NULL;
    struct error         why = { 0 };
    char                 reason[REASON_MAX];

    if (read_text(&bytes, vpk, entry, &why))
        return packscan_mission(builder, node, false, entry->path, bytes, (size_t)entry->size, err);
    (void)snprintf(reason, sizeof reason, "%s: %s", entry->path, why.message); // cut is fine
    return add_finding(builder, node, FINDING_MISSION_BROKEN, reason, err);
}

static int scan_missions(struct index_builder *builder, uint32_t node, const struct vpk *vpk,
                         struct error *err)
{
    unsigned n = 0;

    for (size_t i = 0; i < vpk_count(vpk) && n < ADDON_MISSIONS_MAX; i++) {
        const struct vpk_entry *entry = vpk_at(vpk, i);
        if (addon_kind_of(entry->path) != ADDON_MISSION)
            continue;
        n++;
        if (scan_mission(builder, node, vpk, entry, err) < 0)
            return -1;
    }
    return 0;
}

static int scan_title(struct index_builder *builder, const struct vpk *vpk, struct error *err)
{
    AUTO(kv_freep) struct kv *kv = NULL;
    AUTO(freep) uint8_t      *bytes = NULL;
    const struct vpk_entry   *entry = vpk_find(vpk, "addoninfo.txt");
    struct error              why = { 0 };

    if (!entry || !read_text(&bytes, vpk, entry, &why) ||
        kv_parse(&kv, bytes, (size_t)entry->size, &why) < 0)
        return 0; // it has none that can be read
    const struct kv_node *info = kv_find(kv_root(kv), "AddonInfo");
    const char           *title = info ? kv_find_value(info->first, "addonTitle") : NULL;
    return title ? index_builder_pack_title(builder, title, err) : 0;
}

// ---- packs -------------------------------------------------------------------------------------

// What a file begins with that is no pack; the reason of the reader stands behind it.
static const char *guess(int dir_fd, const char *name)
{
    static const struct {
        const char *bytes;
        size_t      n;
        const char *what;
    } rows[] = {
        { "PK\x03\x04", 4, "it is a zip archive; " },
        { "Rar!", 4, "it is a rar archive; " },
        { "7z\xbc\xaf", 4, "it is a 7z archive; " },
        { "\x1f\x8b", 2, "it is compressed; " },
        { "<", 1, "it is a web page; " },
        { "VBSP", 4, "it is a map; " },
    };
    struct error ignored;
    uint64_t     n_bytes = 0;
    char         head[4] = "";
    AUTO_FD      fd = -1;

    if (fd_open_file(&fd, &n_bytes, dir_fd, name, &ignored) < 0)
        return "";
    if (n_bytes == 0)
        return "it is empty; ";
    ssize_t n = fd_read_up_to(fd, head, sizeof head);
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (n >= (ssize_t)rows[i].n && memcmp(head, rows[i].bytes, rows[i].n) == 0)
            return rows[i].what;
    return "";
}

static int add_broken(struct index_builder *builder, uint32_t node, int dir_fd, const char *name,
                      const struct error *why, struct error *err)
{
    const char *message = strstr(why->message, "': "); // without the name, which is known
    char        reason[REASON_MAX];

    (void)snprintf(reason, sizeof reason, "%s%s", guess(dir_fd, name),
                   message ? message + 3 : why->message); // cut is fine
    if (index_builder_pack_problem(builder, reason, err) < 0)
        return -1;
    return add_finding(builder, node, FINDING_PACK_BROKEN, reason, err);
}

static int add_entries(struct index_builder *builder, uint32_t node, enum index_place place,
                       const struct vpk *vpk, struct error *err)
{
    uint32_t n_twice = 0;
    char     text[32];

    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const struct vpk_entry *entry = vpk_at(vpk, i);
        if (index_builder_entry(builder, entry->path, entry->size, entry->crc32, err) < 0)
            return -1;
    }
    index_builder_pack_end(builder, &n_twice);
    if (n_twice == 0 || place == INDEX_PACK_GAME)
        return 0;
    (void)snprintf(text, sizeof text, "%u path%s", n_twice, n_twice == 1 ? "" : "s"); // it fits
    return add_finding(builder, node, FINDING_PACK_TWICE, text, err);
}

int packscan(struct index_builder *builder, uint32_t node, enum index_place place, int dir_fd,
             const char *name, struct error *err)
{
    AUTO(vpk_closep) struct vpk *vpk = NULL;
    struct error                 why = { 0 };
    uint32_t                     none = 0;

    if (index_builder_pack(builder, node, place, err) < 0)
        return -1;
    if (vpk_open(&vpk, dir_fd, name, &why) < 0 || vpk_check_end(vpk, &why) < 0) {
        index_builder_pack_end(builder, &none);
        return add_broken(builder, node, dir_fd, name, &why, err);
    }
    if (add_entries(builder, node, place, vpk, err) < 0 || scan_title(builder, vpk, err) < 0)
        return -1;
    return scan_missions(builder, node, vpk, err);
}
