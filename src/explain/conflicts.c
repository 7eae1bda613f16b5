// SPDX-License-Identifier: MIT
#include "explain/conflicts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Where a path was seen first, in the order in which the game looks.
struct slot {
    const struct index_entry *entry; // NULL: it is free
    uint32_t                  addon;
};

struct search {
    struct report *report;
    struct slot   *slots; // owned; their number is a power of two
    size_t         n_slots;
    size_t         n_room; // conflicts there is memory for
    size_t         last;   // the one that was counted last: the next is mostly the same
};

static bool begins_with(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

// Files that say something about the pack, not about the game.
static bool is_of_pack(const char *path)
{
    return !strchr(path, '/') && (begins_with(path, "addoninfo.") ||
                                  begins_with(path, "addonimage.") || begins_with(path, "readme") ||
                                  begins_with(path, "license") || begins_with(path, "credits"));
}

static bool is_loaded(const struct addon *addon)
{
    return addon->state == ADDON_LOADED || addon->state == ADDON_POSSIBLE;
}

static const struct index *index_of(const struct report *report, uint32_t addon)
{
    return view_index(report->view, report->sources->addons[addon].layer);
}

static const char *path_of(const struct report *report, uint32_t addon,
                           const struct index_entry *entry)
{
    return index_string(index_of(report, addon), entry->path);
}

// ---- counting ----------------------------------------------------------------------------------

static struct report_conflict *add_conflict(struct search *search, uint32_t winner, uint32_t loser,
                                            struct error *err)
{
    struct report *report = search->report;

    if (report->n_conflicts == search->n_room) {
        size_t                  n_room = search->n_room ? 2 * search->n_room : 64;
        struct report_conflict *grown =
            reallocarray(report->conflicts, n_room, sizeof *report->conflicts);
        if (!grown) {
            (void)error_sys(err, ENOMEM, "comparing add-ons");
            return NULL;
        }
        report->conflicts = grown;
        search->n_room = n_room;
    }
    search->last = report->n_conflicts;
    struct report_conflict *conflict = &report->conflicts[report->n_conflicts++];
    *conflict = (struct report_conflict){ .winner = winner, .loser = loser };
    return conflict;
}

static bool is_pair(const struct report_conflict *conflict, uint32_t winner, uint32_t loser)
{
    return conflict->winner == winner && conflict->loser == loser;
}

// The conflict of two add-ons. Those of one loser stand together, since it is looked at alone.
static int find_conflict(struct search *search, struct report_conflict **ret, uint32_t winner,
                         uint32_t loser, struct error *err)
{
    struct report *report = search->report;

    *ret = NULL;
    if (report->n_conflicts > 0 && is_pair(&report->conflicts[search->last], winner, loser)) {
        *ret = &report->conflicts[search->last];
        return 0;
    }
    for (size_t i = report->n_conflicts; i > 0 && report->conflicts[i - 1].loser == loser; i--)
        if (is_pair(&report->conflicts[i - 1], winner, loser)) {
            search->last = i - 1;
            *ret = &report->conflicts[i - 1];
            return 0;
        }
    if (report->n_conflicts == REPORT_CONFLICTS_MAX) {
        report->is_cut = true;
        return 0;
    }
    *ret = add_conflict(search, winner, loser, err);
    return *ret ? 0 : -1;
}

static int count(struct search *search, const struct slot *first, const struct index_entry *entry,
                 uint32_t loser, const char *path, struct error *err)
{
    bool is_same = first->entry->crc == entry->crc && first->entry->size == entry->size;
    struct report_conflict *conflict = NULL;

    if (find_conflict(search, &conflict, first->addon, loser, err) < 0)
        return -1;
    if (!conflict)
        return 0;
    conflict->n_same += is_same;
    conflict->n_files += !is_same;
    if (!is_same && !conflict->example)
        conflict->example = path;
    return 0;
}

// ---- looking -----------------------------------------------------------------------------------

static int look_at_entry(struct search *search, uint32_t addon, const struct index_entry *entry,
                         struct error *err)
{
    size_t      mask = search->n_slots - 1;
    const char *path = path_of(search->report, addon, entry);

    if (is_of_pack(path))
        return 0;
    for (size_t i = entry->hash & mask;; i = (i + 1) & mask) {
        struct slot *slot = &search->slots[i];
        if (!slot->entry) {
            *slot = (struct slot){ entry, addon };
            return 0;
        }
        if (slot->entry->hash == entry->hash &&
            strcmp(path_of(search->report, slot->addon, slot->entry), path) == 0)
            return count(search, slot, entry, addon, path, err);
    }
}

static int look_at_addon(struct search *search, uint32_t number, struct error *err)
{
    const struct index      *index = index_of(search->report, number);
    const struct addon      *addon = &search->report->sources->addons[number];
    const struct index_pack *pack = index_pack(index, addon->pack);

    for (uint32_t i = 0; i < pack->n_entries; i++)
        if (look_at_entry(search, number, index_entry(index, pack->first_entry + i), err) < 0)
            return -1;
    return 0;
}

static size_t count_entries(const struct report *report)
{
    size_t n = 0;

    for (uint32_t i = 0; i < report->sources->n_addons; i++) {
        const struct addon *addon = &report->sources->addons[i];
        if (is_loaded(addon))
            n += index_pack(index_of(report, i), addon->pack)->n_entries;
    }
    return n;
}

static int compare_conflicts(const void *a, const void *b)
{
    const struct report_conflict *x = a, *y = b;

    if (x->winner != y->winner)
        return x->winner < y->winner ? -1 : 1;
    return x->loser < y->loser ? -1 : x->loser > y->loser;
}

// Two that have nothing but equal files are in nobody's way.
static void drop_equal_ones(struct report *report)
{
    size_t n = 0;

    for (size_t i = 0; i < report->n_conflicts; i++)
        if (report->conflicts[i].n_files > 0)
            report->conflicts[n++] = report->conflicts[i];
    report->n_conflicts = n;
    if (n > 0)
        qsort(report->conflicts, n, sizeof *report->conflicts, compare_conflicts);
}

int conflicts_find(struct report *report, struct error *err)
{
    struct search search = { .report = report, .n_slots = 1024 };

    for (size_t n = 2 * count_entries(report); search.n_slots < n;)
        search.n_slots *= 2;
    AUTO(freep) struct slot *slots = calloc(search.n_slots, sizeof *slots);
    if (!slots)
        return error_sys(err, ENOMEM, "comparing add-ons");
    search.slots = slots;
    for (uint32_t i = 0; i < report->sources->n_addons; i++)
        if (is_loaded(&report->sources->addons[i]) && look_at_addon(&search, i, err) < 0)
            return -1;
    drop_equal_ones(report);
    return 0;
}
