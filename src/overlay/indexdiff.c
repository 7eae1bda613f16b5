// SPDX-License-Identifier: MIT
#include "overlay/indexdiff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    const struct index *old, *new;
    struct index_totals totals;
    int (*take)(void *user, const struct index_difference *difference, struct error *err);
    void *user;
    char  path[INDEX_PATH_MAX]; // of the node at hand
};

// Whether two files or links are known to hold the same, x bit included; *ret_is_sure is false when
// "not the same" is only an assumption.
static bool is_same(const struct index_node *a, const struct index_node *b, bool *ret_is_sure)
{
    *ret_is_sure = true;
    if (a->kind != b->kind || a->flags != b->flags || a->size != b->size)
        return false;
    if (a->inode == b->inode && a->mtime_ns == b->mtime_ns)
        return true;
    if (a->hash && b->hash)
        return a->hash == b->hash;
    *ret_is_sure = false;
    return false;
}

static int report(struct walk *walk, enum index_change change, const struct index_node *old,
                  const struct index_node *new, bool is_sure, struct error *err)
{
    const struct index_node *node = new ? new : old;
    struct index_difference  difference = { change, walk->path, old, new, is_sure };

    if (node->kind == INDEX_DIR) {
        walk->totals.dirs[change]++;
    } else {
        walk->totals.files[change]++;
        walk->totals.bytes[change] += node->size;
    }
    return walk->take(walk->user, &difference, err);
}

static int push(struct walk *walk, size_t *n_path, const struct index *index,
                const struct index_node *node, struct error *err)
{
    size_t n = *n_path;

    if (n + node->n_name + 2 > sizeof walk->path)
        return error_set(err, ERROR_INVALID, "a path in the tree is too long");
    if (n > 0)
        walk->path[n++] = '/';
    memcpy(walk->path + n, index_string(index, node->name), node->n_name + 1u);
    *n_path = n + node->n_name;
    return 0;
}

// All of a tree that only one of the two has, in the order of its paths.
static int walk_one(struct walk *walk, enum index_change change, uint32_t node, size_t n_path,
                    struct error *err)
{
    bool                     is_old = change == INDEX_REMOVED;
    const struct index      *index = is_old ? walk->old : walk->new;
    const struct index_node *at = index_node(index, node);
    int                      r;

    if (push(walk, &n_path, index, at, err) < 0)
        return -1;
    if ((r = report(walk, change, is_old ? at : NULL, is_old ? NULL : at, true, err)) != 0)
        return r;
    for (uint32_t i = at->first; i < at->first + at->n; i++)
        if ((r = walk_one(walk, change, i, n_path, err)) != 0)
            return r;
    return 0;
}

static int walk_both(struct walk *walk, uint32_t old, uint32_t new, size_t n_path,
                     struct error *err);

// Two nodes of one name.
static int compare(struct walk *walk, uint32_t old, uint32_t new, size_t n_path, struct error *err)
{
    const struct index_node *a = index_node(walk->old, old), *b = index_node(walk->new, new);
    bool                     is_sure = true;
    int                      r;

    if (a->kind != b->kind) {
        r = walk_one(walk, INDEX_REMOVED, old, n_path, err);
        return r != 0 ? r : walk_one(walk, INDEX_ADDED, new, n_path, err);
    }
    if (push(walk, &n_path, walk->new, b, err) < 0)
        return -1;
    if (a->kind == INDEX_DIR)
        return walk_both(walk, old, new, n_path, err);
    if (is_same(a, b, &is_sure))
        return 0;
    return report(walk, INDEX_CHANGED, a, b, is_sure, err);
}

// Which of the two comes first; one that is NULL, behind the last of its directory, does not.
static int order_of(const struct walk *walk, const struct index_node *old,
                    const struct index_node *new)
{
    if (!old)
        return 1;
    if (!new)
        return -1;
    return index_compare_names(index_string(walk->old, old->name), old->n_name,
                               index_string(walk->new, new->name), new->n_name);
}

static int walk_both(struct walk *walk, uint32_t old, uint32_t new, size_t n_path,
                     struct error *err)
{
    const struct index_node *a = index_node(walk->old, old), *b = index_node(walk->new, new);
    uint32_t                 i = a->first, j = b->first, i_end = i + a->n, j_end = j + b->n;
    int                      r = 0;

    while (r == 0 && (i < i_end || j < j_end)) {
        const struct index_node *x = i < i_end ? index_node(walk->old, i) : NULL;
        const struct index_node *y = j < j_end ? index_node(walk->new, j) : NULL;
        int                      order = order_of(walk, x, y);
        if (order < 0)
            r = walk_one(walk, INDEX_REMOVED, i++, n_path, err);
        else if (order > 0)
            r = walk_one(walk, INDEX_ADDED, j++, n_path, err);
        else
            r = compare(walk, i++, j++, n_path, err);
    }
    return r;
}

int index_diff(const struct index *old, const struct index *new, struct index_totals *ret_totals,
               int (*take)(void *user, const struct index_difference *difference,
                           struct error *err),
               void *user, struct error *err)
{
    AUTO(freep) struct walk *walk = calloc(1, sizeof *walk);

    if (!walk)
        return error_sys(err, ENOMEM, "comparing two generations");
    walk->old = old;
    walk->new = new;
    walk->take = take;
    walk->user = user;
    int r = walk_both(walk, INDEX_ROOT, INDEX_ROOT, 0, err);
    if (r == 0 && ret_totals)
        *ret_totals = walk->totals;
    return r;
}
