// SPDX-License-Identifier: MIT
#include "overlay/indexbuild.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash64.h"
#include "overlay/indexfile.h"

struct rows {
    uint8_t *bytes; // owned
    uint32_t n, n_room;
};

struct index_builder {
    struct rows rows[SECTION_COUNT];
    uint32_t    flags;
    bool        has_pack; // one that was not ended
};

// ---- rows --------------------------------------------------------------------------------------

// Room for `n` more at the end of a section; what is there is zero.
static void *grow(struct index_builder *builder, enum index_section section, uint32_t n,
                  struct error *err)
{
    const struct index_shape *shape = &index_shapes[section];
    struct rows              *rows = &builder->rows[section];

    if (n > shape->max - rows->n) {
        (void)error_set(err, ERROR_NO_SPACE, "there is more in the tree than an index may hold");
        return NULL;
    }
    if (n > rows->n_room - rows->n) {
        uint32_t n_room = MIN(MAX(MAX(2 * rows->n_room, rows->n + n), 64u), shape->max);
        uint8_t *bytes = reallocarray(rows->bytes, n_room, shape->size);
        if (!bytes) {
            (void)error_sys(err, ENOMEM, "making an index");
            return NULL;
        }
        rows->bytes = bytes;
        rows->n_room = n_room;
    }
    void *row = rows->bytes + (size_t)rows->n * shape->size;
    memset(row, 0, (size_t)n * shape->size);
    rows->n += n;
    return row;
}

static void *row_at(const struct index_builder *builder, enum index_section section, uint32_t i)
{
    assert(i < builder->rows[section].n);
    return builder->rows[section].bytes + (size_t)i * index_shapes[section].size;
}

static uint32_t n_rows(const struct index_builder *builder, enum index_section section)
{
    return builder->rows[section].n;
}

static int add_string(struct index_builder *builder, uint32_t *ret, const char *text, size_t n,
                      struct error *err)
{
    uint32_t offset = n_rows(builder, SECTION_STRINGS);

    if (n == 0) { // the first one
        *ret = 0;
        return 0;
    }
    if (n >= INDEX_STRINGS_MAX)
        return error_set(err, ERROR_NO_SPACE, "there is more in the tree than an index may hold");
    char *bytes = grow(builder, SECTION_STRINGS, (uint32_t)n + 1, err);
    if (!bytes)
        return -1;
    memcpy(bytes, text, n);
    *ret = offset;
    return 0;
}

// ---- new and free ------------------------------------------------------------------------------

int index_builder_new(struct index_builder **ret, struct error *err)
{
    AUTO(index_builder_freep) struct index_builder *builder = calloc(1, sizeof *builder);

    if (!builder)
        return error_sys(err, ENOMEM, "making an index");
    struct index_node *root = grow(builder, SECTION_NODES, 1, err);
    if (!root || !grow(builder, SECTION_STRINGS, 1, err))
        return -1;
    root->kind = INDEX_DIR;
    *ret = TAKE(builder);
    return 0;
}

void index_builder_free(struct index_builder *builder)
{
    for (size_t i = 0; builder && i < SECTION_COUNT; i++)
        free(builder->rows[i].bytes);
    free(builder);
}

void index_builder_freep(struct index_builder **builder)
{
    index_builder_free(*builder);
}

// ---- nodes -------------------------------------------------------------------------------------

void index_builder_set_cut(struct index_builder *builder)
{
    builder->flags |= INDEX_IS_CUT;
}

uint32_t index_builder_n_nodes(const struct index_builder *builder)
{
    return n_rows(builder, SECTION_NODES);
}

uint32_t index_builder_n_packs(const struct index_builder *builder)
{
    return n_rows(builder, SECTION_PACKS);
}

uint32_t index_builder_n_findings(const struct index_builder *builder)
{
    return n_rows(builder, SECTION_FINDINGS);
}

const struct index_node *index_builder_node(const struct index_builder *builder, uint32_t i)
{
    return row_at(builder, SECTION_NODES, i);
}

void index_builder_set_hash(struct index_builder *builder, uint32_t node, uint64_t hash)
{
    ((struct index_node *)row_at(builder, SECTION_NODES, node))->hash = hash;
}

void index_builder_set_opaque(struct index_builder *builder, uint32_t node)
{
    ((struct index_node *)row_at(builder, SECTION_NODES, node))->flags |= INDEX_OPAQUE;
}

void index_builder_set_unreadable(struct index_builder *builder, uint32_t node)
{
    struct index_node *row = row_at(builder, SECTION_NODES, node);

    assert(row->n == 0);
    row->kind = INDEX_UNREADABLE;
}

int index_builder_add(struct index_builder *builder, uint32_t parent, const char *name,
                      const struct index_node *like, struct error *err)
{
    uint32_t           number = n_rows(builder, SECTION_NODES), offset = 0;
    size_t             n_name = strlen(name);
    struct index_node *node = grow(builder, SECTION_NODES, 1, err);

    if (!node || add_string(builder, &offset, name, n_name, err) < 0)
        return -1;
    *node = (struct index_node){
        .size = like->size,
        .inode = like->inode,
        .mtime_ns = like->mtime_ns,
        .hash = like->hash,
        .name = offset,
        .parent = parent,
        .n_name = (uint16_t)n_name,
        .kind = like->kind,
        .flags = like->flags,
    };
    struct index_node *dir = row_at(builder, SECTION_NODES, parent);
    assert(n_name > 0 && n_name <= UINT16_MAX && dir->kind == INDEX_DIR);
    if (dir->n == 0)
        dir->first = number;
    assert(dir->first + dir->n == number);
    dir->n++;
    return 0;
}

int index_builder_finding(struct index_builder *builder, const struct index_finding *like,
                          const char *text, struct error *err)
{
    uint32_t              n = n_rows(builder, SECTION_FINDINGS), offset = 0;
    struct index_finding *last = n > 0 ? row_at(builder, SECTION_FINDINGS, n - 1) : NULL;

    assert(!last || last->node <= like->node);
    if (add_string(builder, &offset, text, strlen(text), err) < 0)
        return -1;
    struct index_finding *finding = grow(builder, SECTION_FINDINGS, 1, err);
    if (!finding)
        return -1;
    *finding = *like;
    finding->text = offset;
    return 0;
}

// ---- packs -------------------------------------------------------------------------------------

static struct index_pack *pack_at_hand(const struct index_builder *builder)
{
    return row_at(builder, SECTION_PACKS, n_rows(builder, SECTION_PACKS) - 1);
}

int index_builder_pack(struct index_builder *builder, uint32_t node, enum index_place place,
                       struct error *err)
{
    uint32_t n = n_rows(builder, SECTION_PACKS);

    assert(!builder->has_pack && (n == 0 || pack_at_hand(builder)->node < node));
    struct index_pack *pack = grow(builder, SECTION_PACKS, 1, err);
    if (!pack)
        return -1;
    *pack = (struct index_pack){
        .node = node,
        .first_entry = n_rows(builder, SECTION_ENTRIES),
        .first_mission = n_rows(builder, SECTION_MISSIONS),
        .place = place,
    };
    builder->has_pack = true;
    return 0;
}

int index_builder_pack_title(struct index_builder *builder, const char *title, struct error *err)
{
    return add_string(builder, &pack_at_hand(builder)->title, title, strlen(title), err);
}

int index_builder_pack_problem(struct index_builder *builder, const char *problem,
                               struct error *err)
{
    return add_string(builder, &pack_at_hand(builder)->problem, problem, strlen(problem), err);
}

static bool begins_with(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static enum index_content content_of(const char *path)
{
    static const struct {
        const char        *prefix, *suffix;
        enum index_content content;
    } rows[] = {
        { "maps/", ".bsp", INDEX_MAPS },     { "missions/", ".txt", INDEX_MISSIONS },
        { "models/", ".mdl", INDEX_MODELS }, { "materials/", "", INDEX_MATERIALS },
        { "sound/", "", INDEX_SOUNDS },      { "scripts/", "", INDEX_SCRIPTS },
    };
    size_t n = strlen(path);

    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        size_t n_suffix = strlen(rows[i].suffix);
        if (begins_with(path, rows[i].prefix) && n >= n_suffix &&
            strcmp(path + n - n_suffix, rows[i].suffix) == 0)
            return rows[i].content;
    }
    return INDEX_OTHERS;
}

int index_builder_entry(struct index_builder *builder, const char *path, uint64_t size,
                        uint32_t crc, struct error *err)
{
    char     folded[INDEX_PATH_MAX];
    size_t   n = index_fold(folded, sizeof folded, path);
    uint32_t offset = 0;

    assert(builder->has_pack);
    if (n == 0)
        return 0;
    if (add_string(builder, &offset, folded, n, err) < 0)
        return -1;
    struct index_entry *entry = grow(builder, SECTION_ENTRIES, 1, err);
    if (!entry)
        return -1;
    *entry = (struct index_entry){
        .hash = hash64_of(folded, n),
        .crc = crc,
        .size = (uint32_t)MIN(size, (uint64_t)UINT32_MAX),
        .path = offset,
        .n_path = (uint16_t)n,
    };
    return 0;
}

static int compare_entries(const void *a, const void *b, void *strings)
{
    const char *path_a = (const char *)strings + ((const struct index_entry *)a)->path;
    const char *path_b = (const char *)strings + ((const struct index_entry *)b)->path;
    int         order = strcmp(path_a, path_b);

    return order ? order : path_a < path_b ? -1 : path_a > path_b; // the first one comes first
}

void index_builder_pack_end(struct index_builder *builder, uint32_t *ret_n_twice)
{
    struct index_pack *pack = pack_at_hand(builder);
    struct rows       *rows = &builder->rows[SECTION_ENTRIES];
    const char        *strings = (const char *)builder->rows[SECTION_STRINGS].bytes;
    uint32_t           n = rows->n - pack->first_entry, n_kept = 0;

    builder->has_pack = false;
    *ret_n_twice = 0;
    if (n == 0)
        return;
    struct index_entry *entries = row_at(builder, SECTION_ENTRIES, pack->first_entry);
    qsort_r(entries, n, sizeof *entries, compare_entries, builder->rows[SECTION_STRINGS].bytes);
    for (uint32_t i = 0; i < n; i++) {
        const char *path = strings + entries[i].path;
        if (n_kept > 0 && strcmp(strings + entries[n_kept - 1].path, path) == 0)
            continue;
        pack->counts[content_of(path)]++;
        entries[n_kept++] = entries[i];
    }
    *ret_n_twice = n - n_kept;
    pack->n_entries = n_kept;
    rows->n = pack->first_entry + n_kept;
}

// ---- missions ----------------------------------------------------------------------------------

int index_builder_mission(struct index_builder *builder, uint32_t node, bool is_loose,
                          const char *path, const char *name, const char *title, struct error *err)
{
    struct index_mission like = {
        .node = node,
        .pack = is_loose ? INDEX_NONE : n_rows(builder, SECTION_PACKS) - 1,
        .first_map = n_rows(builder, SECTION_MAPS),
    };

    if (add_string(builder, &like.path, path, strlen(path), err) < 0 ||
        add_string(builder, &like.name, name, strlen(name), err) < 0 ||
        add_string(builder, &like.title, title, strlen(title), err) < 0)
        return -1;
    struct index_mission *mission = grow(builder, SECTION_MISSIONS, 1, err);
    if (!mission)
        return -1;
    *mission = like;
    if (!is_loose)
        pack_at_hand(builder)->n_missions++;
    return 0;
}

int index_builder_map(struct index_builder *builder, const char *name, struct error *err)
{
    struct index_mission *mission =
        row_at(builder, SECTION_MISSIONS, n_rows(builder, SECTION_MISSIONS) - 1);
    struct index_map like = { 0 };
    char             folded[INDEX_PATH_MAX];
    size_t           n = index_fold(folded, sizeof folded, name);

    if (add_string(builder, &like.name, folded, n, err) < 0)
        return -1;
    struct index_map *map = grow(builder, SECTION_MAPS, 1, err);
    if (!map)
        return -1;
    *map = like;
    mission->n_maps++;
    return 0;
}

// ---- copying -----------------------------------------------------------------------------------

static int copy_mission(struct index_builder *builder, uint32_t to, const struct index *from,
                        const struct index_mission *mission, struct error *err)
{
    if (index_builder_mission(builder, to, mission->pack == INDEX_NONE,
                              index_string(from, mission->path), index_string(from, mission->name),
                              index_string(from, mission->title), err) < 0)
        return -1;
    for (uint32_t i = 0; i < mission->n_maps; i++) {
        const struct index_map *map = index_map(from, mission->first_map + i);
        if (index_builder_map(builder, index_string(from, map->name), err) < 0)
            return -1;
    }
    return 0;
}

static int copy_entries(struct index_builder *builder, const struct index *from,
                        const struct index_pack *pack, struct error *err)
{
    for (uint32_t i = 0; i < pack->n_entries; i++) {
        const struct index_entry *entry = index_entry(from, pack->first_entry + i);
        struct index_entry        like = *entry;
        if (add_string(builder, &like.path, index_string(from, entry->path), entry->n_path, err) <
            0)
            return -1;
        struct index_entry *row = grow(builder, SECTION_ENTRIES, 1, err);
        if (!row)
            return -1;
        *row = like;
    }
    return 0;
}

static int copy_pack(struct index_builder *builder, uint32_t to, const struct index *from,
                     uint32_t number, struct error *err)
{
    const struct index_pack *pack = index_pack(from, number);

    if (index_builder_pack(builder, to, pack->place, err) < 0)
        return -1;
    builder->has_pack = false; // it comes sorted
    memcpy(pack_at_hand(builder)->counts, pack->counts, sizeof pack->counts);
    pack_at_hand(builder)->n_entries = pack->n_entries;
    if (index_builder_pack_title(builder, index_string(from, pack->title), err) < 0 ||
        index_builder_pack_problem(builder, index_string(from, pack->problem), err) < 0)
        return -1;
    return copy_entries(builder, from, pack, err);
}

static int copy_findings(struct index_builder *builder, uint32_t to, const struct index *from,
                         uint32_t node, uint32_t code_max, struct error *err)
{
    for (uint32_t i = index_findings_of(from, node); i < index_n_findings(from); i++) {
        struct index_finding like = *index_finding(from, i);
        if (like.node != node)
            break;
        like.node = to;
        if (like.code <= code_max &&
            index_builder_finding(builder, &like, index_string(from, like.text), err) < 0)
            return -1;
    }
    return 0;
}

int index_builder_copy(struct index_builder *builder, uint32_t to, const struct index *from,
                       uint32_t node, uint32_t code_max, struct error *err)
{
    uint32_t pack = index_pack_of(from, node);

    index_builder_set_hash(builder, to, index_node(from, node)->hash);
    if (copy_findings(builder, to, from, node, code_max, err) < 0 ||
        (pack != INDEX_NONE && copy_pack(builder, to, from, pack, err) < 0))
        return -1;
    for (uint32_t i = index_missions_of(from, node); i < index_n_missions(from); i++) {
        if (index_mission(from, i)->node != node)
            break;
        if (copy_mission(builder, to, from, index_mission(from, i), err) < 0)
            return -1;
    }
    return 0;
}

// ---- the end -----------------------------------------------------------------------------------

int index_builder_end(struct index_builder *builder, struct index **ret, struct error *err)
{
    struct index_header header = { .version = INDEX_VERSION, .flags = builder->flags };
    size_t              n_bytes = sizeof header, at = sizeof header;

    assert(!builder->has_pack);
    memcpy(header.magic, INDEX_MAGIC, sizeof header.magic);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        header.counts[i] = builder->rows[i].n;
        n_bytes += (size_t)header.counts[i] * index_shapes[i].size;
    }
    if (n_bytes > INDEX_BYTES_MAX)
        return error_set(err, ERROR_NO_SPACE, "there is more in the tree than an index may hold");
    AUTO(freep) uint8_t *bytes = malloc(n_bytes);
    if (!bytes)
        return error_sys(err, ENOMEM, "making an index");
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        size_t n = (size_t)header.counts[i] * index_shapes[i].size;
        if (n > 0)
            memcpy(bytes + at, builder->rows[i].bytes, n);
        at += n;
        free(builder->rows[i].bytes);
        builder->rows[i] = (struct rows){ 0 };
    }
    header.sum = hash64_of(bytes + sizeof header, n_bytes - sizeof header);
    memcpy(bytes, &header, sizeof header);
    return index_take(ret, TAKE(bytes), n_bytes, true, err);
}
