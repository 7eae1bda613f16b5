// SPDX-License-Identifier: MIT
#include "overlay/index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/hash64.h"
#include "overlay/indexfile.h"

#define INDEX_MODE 0640

_Static_assert(sizeof(struct index_header) % 8 == 0 && sizeof(struct index_node) == 56 &&
                   sizeof(struct index_pack) == 64 && sizeof(struct index_entry) == 24 &&
                   sizeof(struct index_mission) == 32 && sizeof(struct index_map) == 8 &&
                   sizeof(struct index_finding) == 16,
               "no padding, and every section starts at a multiple of 8");

const struct index_shape index_shapes[SECTION_COUNT] = {
    [SECTION_NODES] = { sizeof(struct index_node), INDEX_NODES_MAX },
    [SECTION_PACKS] = { sizeof(struct index_pack), INDEX_PACKS_MAX },
    [SECTION_ENTRIES] = { sizeof(struct index_entry), INDEX_ENTRIES_MAX },
    [SECTION_MISSIONS] = { sizeof(struct index_mission), INDEX_MISSIONS_MAX },
    [SECTION_MAPS] = { sizeof(struct index_map), INDEX_MAPS_MAX },
    [SECTION_FINDINGS] = { sizeof(struct index_finding), INDEX_FINDINGS_MAX },
    [SECTION_STRINGS] = { 1, INDEX_STRINGS_MAX },
};

// ---- the check ---------------------------------------------------------------------------------

static int damaged(struct error *err, const char *what)
{
    return error_set(err, ERROR_INVALID, "the index is damaged: %s", what);
}

static uint32_t n_of(const struct index *index, enum index_section section)
{
    return index->header->counts[section];
}

static const char *strings_of(const struct index *index)
{
    return index->sections[SECTION_STRINGS];
}

static bool is_string(const struct index *index, uint32_t offset)
{
    return offset < n_of(index, SECTION_STRINGS); // the last byte of all ends it
}

// A string of exactly this length.
static bool is_string_of(const struct index *index, uint32_t offset, uint32_t n)
{
    const char *strings = strings_of(index);
    uint32_t    n_strings = n_of(index, SECTION_STRINGS);

    return offset < n_strings && n < n_strings - offset && strings[offset + n] == '\0' &&
           !memchr(strings + offset, '\0', n);
}

static bool is_range(uint32_t first, uint32_t n, uint32_t n_all)
{
    return first <= n_all && n <= n_all - first;
}

static int check_header(const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    struct index_header header;
    uint64_t            n = sizeof header;

    if (n_bytes < sizeof header)
        return damaged(err, "it is too short");
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.magic, INDEX_MAGIC, sizeof header.magic) != 0)
        return error_set(err, ERROR_INVALID, "it is not an index");
    if (header.version != INDEX_VERSION)
        return error_set(err, ERROR_INVALID, "the index is of another version");
    if (header.zero != 0 || header.flags & ~INDEX_ALL_BITS)
        return damaged(err, "its head");
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (header.counts[i] > index_shapes[i].max)
            return damaged(err, "it claims to hold too much");
        n += (uint64_t)header.counts[i] * index_shapes[i].size;
    }
    if (n != n_bytes)
        return damaged(err, "it has not the length that it should have");
    return 0;
}

static int check_strings(const struct index *index, struct error *err)
{
    const char *strings = strings_of(index);
    uint32_t    n = n_of(index, SECTION_STRINGS);

    if (n == 0 || strings[0] != '\0' || strings[n - 1] != '\0')
        return damaged(err, "its strings");
    return 0;
}

static bool is_name(const struct index *index, const struct index_node *node)
{
    const char *name = strings_of(index) + node->name;

    if (node->n_name == 0 || !is_string_of(index, node->name, node->n_name) ||
        memchr(name, '/', node->n_name))
        return false;
    return name[0] != '.' || (strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

// The children of one directory: theirs is it, and they are sorted.
static bool has_children(const struct index *index, uint32_t dir)
{
    const struct index_node *nodes = index->sections[SECTION_NODES], *parent = &nodes[dir];

    if (parent->n == 0)
        return parent->first == 0;
    if (parent->first <= dir || !is_range(parent->first, parent->n, n_of(index, SECTION_NODES)))
        return false;
    for (uint32_t i = parent->first; i < parent->first + parent->n; i++) {
        const struct index_node *node = &nodes[i];
        if (node->parent != dir || !is_name(index, node))
            return false;
        if (i > parent->first &&
            index_compare_names(strings_of(index) + node[-1].name, node[-1].n_name,
                                strings_of(index) + node->name, node->n_name) >= 0)
            return false;
    }
    return true;
}

// Each node but the root is the child of one directory before it: so they are a tree.
static int check_nodes(const struct index *index, struct error *err)
{
    const struct index_node *nodes = index->sections[SECTION_NODES];
    uint32_t                 n = n_of(index, SECTION_NODES);
    uint64_t                 n_children = 0;

    if (n == 0 || nodes[0].kind != INDEX_DIR || nodes[0].parent != 0 || nodes[0].n_name != 0 ||
        nodes[0].name != 0)
        return damaged(err, "its root");
    for (uint32_t i = 0; i < n; i++) {
        const struct index_node *node = &nodes[i];
        if (node->kind == 0 || node->kind >= INDEX_KIND_COUNT || node->flags & ~INDEX_ALL_BITS ||
            node->zero != 0)
            return damaged(err, "a node");
        if (node->kind == INDEX_DIR ? !has_children(index, i) : node->first != 0 || node->n != 0)
            return damaged(err, "its tree");
        n_children += node->n;
    }
    return n_children == n - 1 ? 0 : damaged(err, "its tree");
}

static int check_packs(const struct index *index, struct error *err)
{
    const struct index_node *nodes = index->sections[SECTION_NODES];
    const struct index_pack *packs = index->sections[SECTION_PACKS];
    uint32_t                 n_entries = 0;

    for (uint32_t i = 0; i < n_of(index, SECTION_PACKS); i++) {
        const struct index_pack *pack = &packs[i];
        if (pack->node >= n_of(index, SECTION_NODES) || nodes[pack->node].kind != INDEX_FILE ||
            (i > 0 && pack->node <= packs[i - 1].node) || pack->place == 0 ||
            pack->place >= INDEX_PLACE_COUNT || pack->zero != 0 || !is_string(index, pack->title) ||
            !is_string(index, pack->problem))
            return damaged(err, "a pack");
        if (pack->first_entry != n_entries ||
            !is_range(pack->first_entry, pack->n_entries, n_of(index, SECTION_ENTRIES)) ||
            !is_range(pack->first_mission, pack->n_missions, n_of(index, SECTION_MISSIONS)))
            return damaged(err, "the content of a pack");
        n_entries += pack->n_entries;
    }
    return n_entries == n_of(index, SECTION_ENTRIES) ? 0 : damaged(err, "the content of a pack");
}

static int check_entries(const struct index *index, struct error *err)
{
    const struct index_pack  *packs = index->sections[SECTION_PACKS];
    const struct index_entry *entries = index->sections[SECTION_ENTRIES];
    const char               *strings = strings_of(index);

    for (uint32_t i = 0; i < n_of(index, SECTION_ENTRIES); i++)
        if (entries[i].n_path == 0 || entries[i].zero != 0 ||
            !is_string_of(index, entries[i].path, entries[i].n_path))
            return damaged(err, "a path in a pack");
    for (uint32_t i = 0; i < n_of(index, SECTION_PACKS); i++)
        for (uint32_t j = 1; j < packs[i].n_entries; j++) {
            const struct index_entry *entry = &entries[packs[i].first_entry + j];
            if (strcmp(strings + entry[-1].path, strings + entry->path) >= 0)
                return damaged(err, "the order of a pack");
        }
    return 0;
}

static int check_missions(const struct index *index, struct error *err)
{
    const struct index_mission *missions = index->sections[SECTION_MISSIONS];
    const struct index_map     *maps = index->sections[SECTION_MAPS];

    for (uint32_t i = 0; i < n_of(index, SECTION_MISSIONS); i++) {
        const struct index_mission *mission = &missions[i];
        if (mission->node >= n_of(index, SECTION_NODES) || mission->zero != 0 ||
            (i > 0 && mission->node < missions[i - 1].node) ||
            (mission->pack != INDEX_NONE && mission->pack >= n_of(index, SECTION_PACKS)) ||
            !is_string(index, mission->path) || !is_string(index, mission->name) ||
            !is_string(index, mission->title) ||
            !is_range(mission->first_map, mission->n_maps, n_of(index, SECTION_MAPS)))
            return damaged(err, "a mission");
    }
    for (uint32_t i = 0; i < n_of(index, SECTION_MAPS); i++)
        if (!is_string(index, maps[i].name) || maps[i].zero != 0)
            return damaged(err, "a map");
    return 0;
}

static int check_findings(const struct index *index, struct error *err)
{
    const struct index_finding *findings = index->sections[SECTION_FINDINGS];

    for (uint32_t i = 0; i < n_of(index, SECTION_FINDINGS); i++)
        if (findings[i].node >= n_of(index, SECTION_NODES) || !is_string(index, findings[i].text) ||
            (i > 0 && findings[i].node < findings[i - 1].node))
            return damaged(err, "a finding");
    return 0;
}

// ---- open and close ----------------------------------------------------------------------------

static void find_sections(struct index *index)
{
    size_t at = sizeof(struct index_header);

    index->header = (const struct index_header *)(void *)index->bytes; // malloc aligned it
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        index->sections[i] = index->bytes + at;
        at += (size_t)index->header->counts[i] * index_shapes[i].size;
    }
}

static int check(const struct index *index, struct error *err)
{
    static int (*const checks[])(const struct index *index, struct error *err) = {
        check_strings, check_nodes, check_packs, check_entries, check_missions, check_findings,
    };
    const size_t n_head = sizeof(struct index_header);

    if (hash64_of(index->bytes + n_head, index->n_bytes - n_head) != index->header->sum)
        return damaged(err, "its sum");
    for (size_t i = 0; i < ELEMENTS(checks); i++)
        if (checks[i](index, err) < 0)
            return -1;
    return 0;
}

int index_take(struct index **ret, uint8_t *bytes, size_t n_bytes, bool is_ours, struct error *err)
{
    AUTO(index_freep) struct index *index = calloc(1, sizeof *index);

    if (!index) {
        free(bytes);
        return error_sys(err, ENOMEM, "reading an index");
    }
    index->bytes = bytes;
    index->n_bytes = n_bytes;
    if (check_header(bytes, n_bytes, err) < 0)
        return -1;
    find_sections(index);
    if (!is_ours && check(index, err) < 0)
        return -1;
    *ret = TAKE(index);
    return 0;
}

int index_parse(struct index **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    uint8_t *copy = malloc(n_bytes + 1);

    if (!copy)
        return error_sys(err, ENOMEM, "reading an index");
    memcpy(copy, bytes, n_bytes);
    return index_take(ret, copy, n_bytes, false, err);
}

int index_read(struct index **ret, int fd, struct error *err)
{
    AUTO(freep) uint8_t *bytes = NULL;
    struct stat          st;

    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at an index");
    if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > INDEX_BYTES_MAX)
        return damaged(err, "its length");
    bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        return error_sys(err, ENOMEM, "reading an index");
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_sys(err, errno, "reading an index");
    if (fd_read_exactly(fd, bytes, (size_t)st.st_size, err) < 0)
        return error_prefix(err, "the index");
    return index_take(ret, TAKE(bytes), (size_t)st.st_size, false, err);
}

int index_open(struct index **ret, int dir_fd, const char *name, struct error *err)
{
    AUTO_FD  fd = -1;
    uint64_t n_bytes = 0;

    if (fd_open_file(&fd, &n_bytes, dir_fd, name, err) < 0)
        return -1;
    return index_read(ret, fd, err);
}

int index_write(const struct index *index, int dir_fd, const char *name, struct error *err)
{
    return fd_replace_file(dir_fd, name, index->bytes, index->n_bytes, INDEX_MODE, err);
}

void index_free(struct index *index)
{
    if (!index)
        return;
    free(index->bytes);
    free(index);
}

void index_freep(struct index **index)
{
    index_free(*index);
}

// ---- reading -----------------------------------------------------------------------------------

uint32_t index_flags(const struct index *index)
{
    return index->header->flags;
}

size_t index_bytes(const struct index *index)
{
    return index->n_bytes;
}

#define ACCESSORS(noun, plural, section)                                                           \
    uint32_t index_n_##plural(const struct index *index)                                           \
    {                                                                                              \
        return n_of(index, section);                                                               \
    }                                                                                              \
    const struct index_##noun *index_##noun(const struct index *index, uint32_t i)                 \
    {                                                                                              \
        assert(i < n_of(index, section));                                                          \
        return (const struct index_##noun *)index->sections[section] + i;                          \
    }

ACCESSORS(node, nodes, SECTION_NODES)
ACCESSORS(pack, packs, SECTION_PACKS)
ACCESSORS(entry, entries, SECTION_ENTRIES)
ACCESSORS(mission, missions, SECTION_MISSIONS)
ACCESSORS(map, maps, SECTION_MAPS)
ACCESSORS(finding, findings, SECTION_FINDINGS)

const char *index_string(const struct index *index, uint32_t offset)
{
    assert(is_string(index, offset));
    return strings_of(index) + offset;
}

int index_compare_names(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int order = memcmp(a, b, MIN(n_a, n_b));

    if (order != 0)
        return order;
    return n_a < n_b ? -1 : n_a > n_b;
}

uint32_t index_child(const struct index *index, uint32_t dir, const char *name, size_t n_name)
{
    const struct index_node *nodes = index->sections[SECTION_NODES];
    uint32_t                 low = nodes[dir].first, high = low + nodes[dir].n;

    assert(dir < n_of(index, SECTION_NODES));
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int      order = index_compare_names(strings_of(index) + nodes[middle].name,
                                             nodes[middle].n_name, name, n_name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return INDEX_NONE;
}

uint32_t index_find(const struct index *index, const char *path)
{
    uint32_t node = INDEX_ROOT;

    while (*path && node != INDEX_NONE) {
        size_t n = strcspn(path, "/");
        node = index_child(index, node, path, n);
        path += n + (path[n] == '/');
    }
    return node;
}

size_t index_path(const struct index *index, uint32_t node, char *ret, size_t n_ret)
{
    const struct index_node *nodes = index->sections[SECTION_NODES];
    size_t                   n = 0;

    assert(node < n_of(index, SECTION_NODES) && n_ret > 0);
    ret[0] = '\0';
    for (uint32_t i = node; i != INDEX_ROOT; i = nodes[i].parent)
        n += nodes[i].n_name + 1u;
    if (n == 0 || n > n_ret)
        return 0;
    size_t end = n - 1;
    ret[end] = '\0';
    for (uint32_t i = node; i != INDEX_ROOT; i = nodes[i].parent) {
        end -= nodes[i].n_name;
        memcpy(ret + end, strings_of(index) + nodes[i].name, nodes[i].n_name);
        if (end > 0)
            ret[--end] = '/';
    }
    return n - 1;
}

uint32_t index_pack_find(const struct index *index, uint32_t pack, const char *folded)
{
    const struct index_pack  *found = index_pack(index, pack);
    const struct index_entry *entries = index->sections[SECTION_ENTRIES];
    uint32_t                  low = found->first_entry, high = low + found->n_entries;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int      order = strcmp(strings_of(index) + entries[middle].path, folded);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return INDEX_NONE;
}

// The first record of a section, whose records begin with the number of a node and are sorted by
// it, that is about `node` or a later one.
static uint32_t first_of(const struct index *index, enum index_section section, uint32_t node)
{
    const uint8_t *records = index->sections[section];
    uint32_t       low = 0, high = n_of(index, section);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2, at;
        memcpy(&at, records + (size_t)middle * index_shapes[section].size, sizeof at);
        if (at < node)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

_Static_assert(offsetof(struct index_pack, node) == 0 &&
                   offsetof(struct index_mission, node) == 0 &&
                   offsetof(struct index_finding, node) == 0,
               "they begin with their node");

uint32_t index_pack_of(const struct index *index, uint32_t node)
{
    uint32_t i = first_of(index, SECTION_PACKS, node);

    return i < n_of(index, SECTION_PACKS) && index_pack(index, i)->node == node ? i : INDEX_NONE;
}

uint32_t index_findings_of(const struct index *index, uint32_t node)
{
    return first_of(index, SECTION_FINDINGS, node);
}

uint32_t index_missions_of(const struct index *index, uint32_t node)
{
    return first_of(index, SECTION_MISSIONS, node);
}

size_t index_fold(char *ret, size_t n_ret, const char *path)
{
    size_t n = 0;

    assert(n_ret > 0);
    for (; path[n] && n + 1 < n_ret; n++) {
        char c = path[n];
        ret[n] = c == '\\' ? '/' : (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    ret[n] = '\0';
    return n;
}
