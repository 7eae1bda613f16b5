// SPDX-License-Identifier: MIT
#include "explain/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "content/findings.h"

static const char *const usual_dirs[] = { "update",          "left4dead2_dlc3", "left4dead2_dlc2",
                                          "left4dead2_dlc1", "left4dead2",      "hl2" };

// ---- gameinfo.txt ------------------------------------------------------------------------------

static void add_dir(struct sources *sources, const char *dir)
{
    for (size_t i = 0; i < sources->n_dirs; i++)
        if (strcmp(sources->dirs[i], dir) == 0)
            return;
    if (sources->n_dirs == SEARCH_DIRS_MAX || strlen(dir) >= SEARCH_DIR_MAX) {
        sources->is_cut = true;
        return;
    }
    (void)snprintf(sources->dirs[sources->n_dirs++], SEARCH_DIR_MAX, "%s", dir); // it fits
}

static void find_dirs(struct sources *sources)
{
    struct view_node file = view_find(sources->view, "left4dead2/gameinfo.txt");

    if (file.node != INDEX_NONE) {
        const struct index *index = view_index(sources->view, file.layer);
        for (uint32_t i = index_findings_of(index, file.node); i < index_n_findings(index); i++) {
            const struct index_finding *finding = index_finding(index, i);
            if (finding->node != file.node)
                break;
            if (finding->code == FINDING_SEARCH_PATH)
                add_dir(sources, index_string(index, finding->text));
        }
    }
    sources->has_gameinfo = sources->n_dirs > 0;
    for (size_t i = 0; !sources->has_gameinfo && i < ELEMENTS(usual_dirs); i++)
        add_dir(sources, usual_dirs[i]);
}

// ---- add-ons -----------------------------------------------------------------------------------

// What addonlist.txt, which is `file`, says about an add-on, called as there: 0 if nothing.
static uint32_t find_in_list(const struct view *view, struct view_node file, const char *name,
                             bool *ret_is_off)
{
    *ret_is_off = false;
    if (file.node == INDEX_NONE)
        return 0;
    const struct index *index = view_index(view, file.layer);
    for (uint32_t i = index_findings_of(index, file.node); i < index_n_findings(index); i++) {
        const struct index_finding *finding = index_finding(index, i);
        if (finding->node != file.node)
            break;
        if ((finding->code != FINDING_ADDON_ON && finding->code != FINDING_ADDON_OFF) ||
            strcmp(index_string(index, finding->text), name) != 0)
            continue;
        *ret_is_off = finding->code == FINDING_ADDON_OFF;
        return finding->line;
    }
    return 0;
}

static struct addon addon_of(const struct view *view, struct view_node list, size_t layer,
                             uint32_t number)
{
    const struct index      *index = view_index(view, layer);
    const struct index_pack *pack = index_pack(index, number);
    bool                     is_workshop = pack->place == INDEX_PACK_WORKSHOP, is_off = false;
    char                     listed[300], folded[256];
    struct addon             addon = {
                    .layer = layer,
                    .node = pack->node,
                    .pack = number,
                    .name = index_string(index, index_node(index, pack->node)->name),
                    .title = index_string(index, pack->title),
    };

    (void)index_fold(folded, sizeof folded, addon.name);
    (void)snprintf(listed, sizeof listed, "%s%s", is_workshop ? "workshop/" : "", folded);
    addon.place_in_list = find_in_list(view, list, listed, &is_off);
    addon.state = index_string(index, pack->problem)[0] ? ADDON_BROKEN
                  : is_off                              ? ADDON_OFF
                  : is_workshop                         ? ADDON_POSSIBLE
                                                        : ADDON_LOADED;
    return addon;
}

// Those of the list first, in its order; then by name, and by the whole path where that is equal.
static int compare_addons(const void *a, const void *b)
{
    const struct addon *x = a, *y = b;

    if (x->place_in_list != y->place_in_list)
        return x->place_in_list - 1 < y->place_in_list - 1 ? -1 : 1; // 0 comes last
    int order = strcmp(x->name, y->name);
    if (order != 0)
        return order;
    return x->state != y->state ? (int)x->state - (int)y->state
                                : (x->layer > y->layer) - (x->layer < y->layer);
}

static int find_addons(struct sources *sources, struct error *err)
{
    struct view_node list = view_find(sources->view, "left4dead2/addonlist.txt");
    size_t           n_room = 0;

    for (size_t layer = 0; layer < view_layers(sources->view)->n; layer++) {
        const struct index *index = view_index(sources->view, layer);
        for (uint32_t i = 0; index && i < index_n_packs(index); i++) {
            const struct index_pack *pack = index_pack(index, i);
            if (pack->place == INDEX_PACK_GAME || !view_shows(sources->view, layer, pack->node))
                continue;
            if (sources->n_addons == ADDONS_MAX) {
                sources->is_cut = true;
                break;
            }
            if (sources->n_addons == n_room) {
                n_room = n_room ? 2 * n_room : 64;
                struct addon *addons = reallocarray(sources->addons, n_room, sizeof *addons);
                if (!addons)
                    return error_sys(err, ENOMEM, "listing add-ons");
                sources->addons = addons;
            }
            sources->addons[sources->n_addons++] = addon_of(sources->view, list, layer, i);
        }
    }
    if (sources->n_addons > 0)
        qsort(sources->addons, sources->n_addons, sizeof *sources->addons, compare_addons);
    return 0;
}

int sources_open(struct sources **ret, const struct view *view, struct error *err)
{
    AUTO(sources_freep) struct sources *sources = calloc(1, sizeof *sources);

    if (!sources)
        return error_sys(err, ENOMEM, "listing add-ons");
    sources->view = view;
    find_dirs(sources);
    if (find_addons(sources, err) < 0)
        return -1;
    *ret = TAKE(sources);
    return 0;
}

void sources_free(struct sources *sources)
{
    if (!sources)
        return;
    free(sources->addons);
    free(sources);
}

void sources_freep(struct sources **sources)
{
    sources_free(*sources);
}

// ---- one path ----------------------------------------------------------------------------------

static void add_source(struct source_list *list, struct source source)
{
    if (list->n == SOURCES_MAX)
        list->is_cut = true;
    else
        list->source[list->n++] = source;
}

static bool pack_source(struct source *ret, const struct view *view, size_t layer, uint32_t pack,
                        const char *folded)
{
    const struct index *index = view_index(view, layer);
    uint32_t            number = index_pack_find(index, pack, folded);

    if (number == INDEX_NONE)
        return false;
    const struct index_entry *entry = index_entry(index, number);
    *ret = (struct source){ .layer = layer,
                            .node = index_pack(index, pack)->node,
                            .size = entry->size,
                            .crc = entry->crc };
    return true;
}

static void find_in_addons(struct source_list *list, const struct sources *sources)
{
    static const enum source_use uses[ADDON_STATE_COUNT] = {
        [ADDON_LOADED] = SOURCE_USED,
        [ADDON_POSSIBLE] = SOURCE_POSSIBLE,
        [ADDON_OFF] = SOURCE_NOT_LOADED,
        [ADDON_BROKEN] = SOURCE_NOT_LOADED,
    };

    for (size_t i = 0; i < sources->n_addons; i++) {
        const struct addon *addon = &sources->addons[i];
        struct source       source;
        if (!pack_source(&source, sources->view, addon->layer, addon->pack, list->path))
            continue;
        source.kind = SOURCE_ADDON;
        source.use = uses[addon->state];
        add_source(list, source);
    }
}

// The pack of a directory of the game: what it shows under that name, in whichever layer.
static bool find_in_pak(struct source *ret, const struct sources *sources, const char *dir,
                        const char *folded)
{
    char             path[SEARCH_DIR_MAX + 16];
    struct view_node file;

    (void)snprintf(path, sizeof path, "%s/pak01_dir.vpk", dir); // a directory fits
    file = view_find(sources->view, path);
    if (file.node == INDEX_NONE)
        return false;
    uint32_t pack = index_pack_of(view_index(sources->view, file.layer), file.node);
    if (pack == INDEX_NONE || !pack_source(ret, sources->view, file.layer, pack, folded))
        return false;
    ret->kind = SOURCE_PAK;
    return true;
}

static bool find_loose(struct source *ret, const struct sources *sources, const char *dir,
                       const char *path)
{
    char             whole[INDEX_PATH_MAX], found[INDEX_PATH_MAX];
    struct view_node file;

    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", dir, path) >= sizeof whole)
        return false;
    file = view_find_folded(found, sources->view, whole);
    if (file.node == INDEX_NONE)
        return false;
    const struct index_node *node = index_node(view_index(sources->view, file.layer), file.node);
    if (node->kind != INDEX_FILE && node->kind != INDEX_LINK)
        return false;
    *ret = (struct source){
        .kind = SOURCE_LOOSE, .layer = file.layer, .node = file.node, .size = node->size
    };
    return true;
}

// Everything before the first one that is used may be used or not; everything behind it is not.
static void judge(struct source_list *list)
{
    const struct source *used = NULL;

    list->certainty = SOURCE_SURE;
    for (size_t i = 0; i < list->n; i++) {
        struct source *source = &list->source[i];
        if (source->use == SOURCE_NOT_LOADED)
            continue;
        if (source->use == SOURCE_POSSIBLE && !used) {
            list->certainty = SOURCE_UNSURE;
            continue;
        }
        if (!used) {
            used = source;

            continue;
        }
        bool is_same = used->kind != SOURCE_LOOSE && source->kind != SOURCE_LOOSE &&
                       used->crc == source->crc && used->size == source->size;
        if (!is_same && used->kind == SOURCE_ADDON && source->kind == SOURCE_ADDON)
            list->certainty = SOURCE_UNSURE;
        if (used->kind == SOURCE_PAK && source->kind == SOURCE_LOOSE)
            list->certainty = MAX(list->certainty, SOURCE_LIKELY);
        source->use = SOURCE_SHADOWED;
    }
}

// Without the directory in front that the game looks in, if there is one.
static const char *strip_dir(const struct sources *sources, const char *path)
{
    for (size_t i = 0; i < sources->n_dirs; i++) {
        size_t n = strlen(sources->dirs[i]);
        if (strncmp(path, sources->dirs[i], n) == 0 && path[n] == '/')
            return path + n + 1;
    }
    return path;
}

void sources_find(struct source_list *ret, const struct sources *sources, const char *path)
{
    const char   *name = strip_dir(sources, path);
    struct source source;

    ret->n = 0;
    ret->is_cut = false;
    (void)index_fold(ret->path, sizeof ret->path, name);
    find_in_addons(ret, sources);
    for (size_t i = 0; i < sources->n_dirs; i++) {
        if (find_in_pak(&source, sources, sources->dirs[i], ret->path))
            add_source(ret, source);
        if (find_loose(&source, sources, sources->dirs[i], name))
            add_source(ret, source);
    }
    judge(ret);
}

bool sources_has(const struct sources *sources, const char *folded)
{
    struct source source;

    for (size_t i = 0; i < sources->n_addons; i++) {
        const struct addon *addon = &sources->addons[i];
        if ((addon->state == ADDON_LOADED || addon->state == ADDON_POSSIBLE) &&
            pack_source(&source, sources->view, addon->layer, addon->pack, folded))
            return true;
    }
    for (size_t i = 0; i < sources->n_dirs; i++)
        if (find_in_pak(&source, sources, sources->dirs[i], folded) ||
            find_loose(&source, sources, sources->dirs[i], folded))
            return true;
    return false;
}
