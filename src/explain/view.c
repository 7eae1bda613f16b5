// SPDX-License-Identifier: MIT
#include "explain/view.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "content/scan.h"

#define DEPTH_MAX        66u       // as deep as a scan goes
#define FOLDED_NAMES_MAX 10000000u // that are compared, of one view

struct view {
    const struct layers *layers;
    struct index        *indexes[LAYERS_MAX]; // owned
    uint64_t            *shown[LAYERS_MAX];   // owned: a bit for each node
    size_t               n_scanned;
    uint32_t            *folded_left; // owned: names that may still be compared, see view.h
};

// ---- the merge ---------------------------------------------------------------------------------
//
// Directory by directory: the children of one directory, side by side in each index, are sorted, so
// a heap of cursors, one for each layer that has the directory, yields the names in order, and the
// layers of one name from top to bottom. Nothing is allocated on the way.

struct cursor {
    uint64_t                 key;  // the first bytes of the name, most significant first
    const struct index_node *node; // at hand
    const char              *name;
    uint32_t                 number, end; // of the node at hand, and behind the last one
    uint32_t                 layer;
};

// A directory of a layer that takes part.
struct part {
    uint32_t layer, node;
};

struct merge {
    const struct view *view;
    int (*take)(void *user, const struct view_entry *entry, struct error *err);
    void             *user;
    size_t            n_layers;
    struct cursor    *cursors; // owned: n_layers for each level
    struct part      *parts;   // owned: likewise
    struct view_claim claims[LAYERS_MAX];
    char              path[INDEX_PATH_MAX];
};

// One directory on the way down.
struct level {
    struct part *parts;
    size_t       n_parts;
    size_t       final_at;   // layers below this one are hidden here
    size_t       unknown_at; // nobody knows about layers below this one
    size_t       n_path;
    unsigned     depth;
};

static uint64_t key_of(const char *name, size_t n)
{
    uint64_t key = 0;

    memcpy(&key, name, MIN(n, sizeof key));
    return be64toh(key);
}

static void cursor_set(struct cursor *cursor, const struct index *index)
{
    cursor->node = index_node(index, cursor->number);
    cursor->name = index_string(index, cursor->node->name);
    cursor->key = key_of(cursor->name, cursor->node->n_name);
}

// By name, then from top to bottom.
static int compare_names(const struct cursor *a, const struct cursor *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return index_compare_names(a->name, a->node->n_name, b->name, b->node->n_name);
}

static bool comes_before(const struct cursor *a, const struct cursor *b)
{
    int order = compare_names(a, b);

    return order != 0 ? order < 0 : a->layer < b->layer;
}

static void sift_down(struct cursor *heap, size_t n, size_t i)
{
    struct cursor moving = heap[i];

    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && comes_before(&heap[child + 1], &heap[child]))
            child++;
        if (!comes_before(&heap[child], &moving))
            break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

// The cursor at the top goes on, or leaves.
static void advance(const struct merge *merge, struct cursor *heap, size_t *n)
{
    if (++heap[0].number < heap[0].end)
        cursor_set(&heap[0], merge->view->indexes[heap[0].layer]);
    else
        heap[0] = heap[--*n];
    if (*n > 1)
        sift_down(heap, *n, 0);
}

static size_t make_heap(const struct merge *merge, struct cursor *heap, const struct level *level)
{
    size_t n = 0;

    for (size_t i = 0; i < level->n_parts; i++) {
        const struct part       *part = &level->parts[i];
        const struct index      *index = merge->view->indexes[part->layer];
        const struct index_node *dir = index_node(index, part->node);
        if (dir->n == 0)
            continue;
        heap[n] = (struct cursor){ .number = dir->first,
                                   .end = dir->first + dir->n,
                                   .layer = part->layer };
        cursor_set(&heap[n++], index);
    }
    for (size_t i = n / 2; i > 0; i--)
        sift_down(heap, n, i - 1);
    return n;
}

// A kind as explain/layers.h calls it.
static enum layer_entry entry_of(enum index_kind kind)
{
    static const enum layer_entry entries[INDEX_KIND_COUNT] = {
        [INDEX_FILE] = LAYER_HAS_FILE,         [INDEX_DIR] = LAYER_HAS_DIR,
        [INDEX_LINK] = LAYER_HAS_LINK,         [INDEX_SPECIAL] = LAYER_HAS_SPECIAL,
        [INDEX_WHITEOUT] = LAYER_HAS_WHITEOUT, [INDEX_UNREADABLE] = LAYER_IS_UNREADABLE,
    };

    return entries[kind];
}

static bool is_final(const struct index_node *node)
{
    return node->kind == INDEX_DIR ? node->flags & INDEX_OPAQUE : node->kind != INDEX_UNREADABLE;
}

// Gives each claim its role, and `below` what is hidden and unknown in the directory of this name.
static const struct view_claim *judge(struct merge *merge, size_t n_claims,
                                      const struct level *level, struct level *below)
{
    const struct view_claim *shown = NULL;
    enum layer_above         above = LAYER_ABOVE_NOTHING;

    for (size_t i = 0; i < n_claims; i++) {
        struct view_claim       *claim = &merge->claims[i];
        const struct index_node *node = index_node(merge->view->indexes[claim->layer], claim->node);
        enum layer_entry         entry = entry_of(node->kind);
        if (claim->layer > level->final_at)
            above = LAYER_ABOVE_FINAL;
        else if (claim->layer > level->unknown_at && above != LAYER_ABOVE_FINAL)
            above = LAYER_ABOVE_UNKNOWN;
        claim->role = layer_role_of(entry, above);
        above = layer_above_after(entry, is_final(node), above);
        if (claim->role == LAYER_ROLE_SHOWN)
            shown = claim;
        if (is_final(node))
            below->final_at = MIN(below->final_at, claim->layer);
        if (node->kind == INDEX_UNREADABLE)
            below->unknown_at = MIN(below->unknown_at, claim->layer);
        if (node->kind == INDEX_DIR)
            below->parts[below->n_parts++] = (struct part){ (uint32_t)claim->layer, claim->node };
    }
    return shown;
}

// Takes every cursor that stands at the least name. Returns how many claims there are.
static size_t take_claims(struct merge *merge, struct cursor *heap, size_t *n, struct level *below)
{
    const struct cursor first = heap[0];
    size_t              n_claims = 0, at = below->n_path;

    if (at > 0)
        merge->path[at++] = '/';
    memcpy(merge->path + at, first.name, first.node->n_name + 1u); // view_open saw that it fits
    below->n_path = at + first.node->n_name;
    do {
        merge->claims[n_claims++] = (struct view_claim){ heap[0].layer, heap[0].number, 0 };
        advance(merge, heap, n);
    } while (*n > 0 && compare_names(&heap[0], &first) == 0);
    return n_claims;
}

static int merge_level(struct merge *merge, const struct level *level, struct error *err)
{
    struct cursor *heap = merge->cursors + level->depth * merge->n_layers;
    size_t         n = make_heap(merge, heap, level);

    while (n > 0) {
        struct level below = {
            .parts = merge->parts + (level->depth + 1) * merge->n_layers,
            .final_at = level->final_at,
            .unknown_at = level->unknown_at,
            .n_path = level->n_path,
            .depth = level->depth + 1,
        };
        size_t                   n_claims = take_claims(merge, heap, &n, &below);
        const struct view_claim *shown = judge(merge, n_claims, level, &below);
        struct view_entry        entry = { merge->path, merge->claims, n_claims, shown };
        int                      r = merge->take(merge->user, &entry, err);
        if (r == 0 && below.n_parts > 0)
            r = merge_level(merge, &below, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int merge_root(struct merge *merge, struct error *err)
{
    struct level level = { .parts = merge->parts, .final_at = SIZE_MAX, .unknown_at = SIZE_MAX };

    for (size_t i = 0; i < merge->n_layers; i++) {
        const struct index *index = merge->view->indexes[i];
        if (!index)
            level.unknown_at = MIN(level.unknown_at, i);
        else
            level.parts[level.n_parts++] = (struct part){ (uint32_t)i, INDEX_ROOT };
        if (index && index_node(index, INDEX_ROOT)->flags & INDEX_OPAQUE)
            level.final_at = MIN(level.final_at, i);
    }
    return merge_level(merge, &level, err);
}

static void merge_freep(struct merge **merge)
{
    if (!*merge)
        return;
    free((*merge)->cursors);
    free((*merge)->parts);
    free(*merge);
}

int view_walk(const struct view *view,
              int (*take)(void *user, const struct view_entry *entry, struct error *err),
              void *user, struct error *err)
{
    AUTO(merge_freep) struct merge *merge = calloc(1, sizeof *merge);
    size_t                          n = view->layers->n;

    if (merge)
        merge->cursors = calloc(n * (DEPTH_MAX + 2), sizeof *merge->cursors);
    if (merge)
        merge->parts = calloc(n * (DEPTH_MAX + 2), sizeof *merge->parts);
    if (!merge || !merge->cursors || !merge->parts)
        return error_sys(err, ENOMEM, "looking at the layers");
    merge->view = view;
    merge->take = take;
    merge->user = user;
    merge->n_layers = n;
    return merge_root(merge, err);
}

// ---- opening -----------------------------------------------------------------------------------

// Trees that are deeper, or have longer paths, than a scan makes them: nobody's but a forger's.
static bool has_sane_paths(const struct index *index)
{
    uint32_t n = index_n_nodes(index);
    bool     is_sane = true;
    struct at {
        uint16_t depth, n_path;
    } *at = calloc(n, sizeof *at);

    for (uint32_t i = 1; at && i < n && is_sane; i++) {
        const struct index_node *node = index_node(index, i);
        const struct at         *parent = &at[node->parent];
        is_sane = parent->depth < DEPTH_MAX && parent->n_path + node->n_name + 2u <= INDEX_PATH_MAX;
        at[i] = (struct at){ (uint16_t)(parent->depth + 1),
                             (uint16_t)(parent->n_path + node->n_name + 1) };
    }
    free(at);
    return at && is_sane;
}

static int open_index(struct view *view, size_t i, struct error *err)
{
    const struct layer *layer = &view->layers->layer[i];
    bool                is_generation = layer->kind == LAYER_OVERLAY;
    struct scan_options options = is_generation ? scan_generation : scan_live;
    struct index       *index = NULL;
    struct error        why = { 0 };

    if (layer->fd < 0)
        return 0; // it stays unreadable
    if (layer->index_fd >= 0 && index_read(&index, layer->index_fd, &why) == 0) {
        if (has_sane_paths(index)) {
            view->indexes[i] = index;
            return 0;
        }
        index_free(index);
    }
    options.is_game = is_generation && layer->overlay == GAME_OVERLAY;
    options.is_live = true; // whatever it is, what cannot be read is no reason to give up
    view->n_scanned += is_generation;
    if (scan(&view->indexes[i], layer->fd, &options, &why) == 0)
        return 0;
    view->indexes[i] = NULL;
    if (why.kind != ERROR_NO_SPACE || why.errnum == 0)
        return 0; // likewise
    *err = why;   // there is no memory left
    return -1;
}

static int mark_shown(void *user, const struct view_entry *entry, struct error *err)
{
    struct view *view = user;

    (void)err;
    for (size_t i = 0; i < entry->n_claims; i++) {
        const struct view_claim *claim = &entry->claims[i];
        if (claim->role == LAYER_ROLE_SHOWN || claim->role == LAYER_ROLE_MERGED)
            view->shown[claim->layer][claim->node / 64] |= UINT64_C(1) << claim->node % 64;
    }
    return 0;
}

static int open_all(struct view *view, struct error *err)
{
    for (size_t i = 0; i < view->layers->n; i++) {
        if (open_index(view, i, err) < 0)
            return -1;
        if (!view->indexes[i])
            continue;
        view->shown[i] = calloc(index_n_nodes(view->indexes[i]) / 64 + 1, sizeof **view->shown);
        if (!view->shown[i])
            return error_sys(err, ENOMEM, "looking at the layers");
        view->shown[i][0] = 1; // the root
    }
    return view_walk(view, mark_shown, view, err);
}

int view_open(struct view **ret, const struct layers *layers, struct error *err)
{
    AUTO(view_freep) struct view *view = calloc(1, sizeof *view);

    if (view)
        view->folded_left = malloc(sizeof *view->folded_left);
    if (!view || !view->folded_left)
        return error_sys(err, ENOMEM, "looking at the layers");
    *view->folded_left = FOLDED_NAMES_MAX;
    view->layers = layers;
    if (open_all(view, err) < 0)
        return -1;
    *ret = TAKE(view);
    return 0;
}

void view_free(struct view *view)
{
    for (size_t i = 0; view && i < LAYERS_MAX; i++) {
        index_free(view->indexes[i]);
        free(view->shown[i]);
    }
    if (view)
        free(view->folded_left);
    free(view);
}

void view_freep(struct view **view)
{
    view_free(*view);
}

// ---- looking -----------------------------------------------------------------------------------

const struct layers *view_layers(const struct view *view)
{
    return view->layers;
}

const struct index *view_index(const struct view *view, size_t layer)
{
    return view->indexes[layer];
}

size_t view_n_scanned(const struct view *view)
{
    return view->n_scanned;
}

bool view_has_given_up(const struct view *view)
{
    return *view->folded_left == 0;
}

bool view_shows(const struct view *view, size_t layer, uint32_t node)
{
    assert(view->shown[layer]);
    return view->shown[layer][node / 64] >> node % 64 & 1;
}

struct view_node view_find(const struct view *view, const char *path)
{
    for (size_t i = 0; i < view->layers->n; i++) {
        uint32_t node = view->indexes[i] ? index_find(view->indexes[i], path) : INDEX_NONE;
        if (node != INDEX_NONE && view_shows(view, i, node))
            return (struct view_node){ i, node };
    }
    return (struct view_node){ 0, INDEX_NONE };
}

static bool is_folded_name(const char *name, size_t n_name, const char *want, size_t n_want)
{
    char folded[256];

    return n_name == n_want && n_name < sizeof folded &&
           index_fold(folded, sizeof folded, name) == n_want && memcmp(folded, want, n_want) == 0;
}

static struct view_node descend_folded(const struct view *view, char *path, const char *rest);

// Goes on below a child of the directory `path` whose name is right but for its case. `path` comes
// back as it was, unless that leads to what is looked for.
static struct view_node try_child(const struct view *view, char *path, struct view_node child,
                                  const char *rest)
{
    const struct index      *index = view_index(view, child.layer);
    const struct index_node *node = index_node(index, child.node);
    struct view_node         found = { 0, INDEX_NONE };
    size_t                   n = strlen(path), end = n;

    if (n + node->n_name + 2 > INDEX_PATH_MAX)
        return found;
    if (end > 0)
        path[end++] = '/';
    memcpy(path + end, index_string(index, node->name), node->n_name + 1u);
    struct view_node top = view_find(view, path); // the same name in several layers is tried once
    if (top.layer == child.layer && top.node == child.node)
        found = *rest ? descend_folded(view, path, rest) : child;
    if (found.node == INDEX_NONE)
        path[n] = '\0';
    return found;
}

static struct view_node descend_folded(const struct view *view, char *path, const char *rest)
{
    struct view_node found = { 0, INDEX_NONE };
    size_t           n = strcspn(rest, "/");

    for (size_t i = 0; i < view->layers->n; i++) {
        const struct index *index = view->indexes[i];
        uint32_t            dir = index ? index_find(index, path) : INDEX_NONE;
        if (dir == INDEX_NONE || !view_shows(view, i, dir))
            continue;
        const struct index_node *node = index_node(index, dir);
        for (uint32_t j = node->first; j < node->first + node->n; j++) {
            const struct index_node *child = index_node(index, j);
            if (*view->folded_left == 0)
                return found;
            --*view->folded_left;
            if (!view_shows(view, i, j) ||
                !is_folded_name(index_string(index, child->name), child->n_name, rest, n))
                continue;
            found = try_child(view, path, (struct view_node){ i, j }, rest + n + (rest[n] == '/'));
            if (found.node != INDEX_NONE)
                return found;
        }
    }
    return found;
}

struct view_node view_find_folded(char *ret, const struct view *view, const char *path)
{
    struct view_node exact = view_find(view, path);
    char             folded[INDEX_PATH_MAX];

    if (exact.node != INDEX_NONE) {
        memcpy(ret, path, strlen(path) + 1); // it is in an index, so it fits
        return exact;
    }
    (void)index_fold(folded, sizeof folded, path);
    ret[0] = '\0';
    return *folded ? descend_folded(view, ret, folded) : exact;
}
