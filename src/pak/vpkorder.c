// SPDX-License-Identifier: MIT
#include "pak/vpkfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "pak/pathsort.h"

_Static_assert(VPK_PATH_MAX <= PATHSORT_BYTES_MAX, "paths can be sorted");

// A folder whose files are not all in order yet, because those of folders in it come in between.
struct pending {
    const struct pathsort_item *next, *end;
    const char                 *path;
    size_t                      n_path; // with its slash
};

struct sorter {
    struct vpk              *vpk;
    const struct vpk_folder *folders;
    struct pathsort_path    *paths;                     // of all items
    struct pathsort_item    *files, *spare, *by_folder; // scratch
    uint32_t                *order;                     // where the next one goes
    struct pending           pending[VPK_PATH_MAX / 2]; // a folder takes two bytes of a path
    size_t                   n_pending;
};

// --- the files of one folder ------------------------------------------------------------------

static struct pathsort_path folder_path(const struct sorter *sorter, uint32_t index)
{
    const struct vpk_folder *folder = &sorter->folders[index];

    return (struct pathsort_path){ sorter->paths[folder->first].path, folder->n_path };
}

static void emit(struct sorter *sorter, struct pending *pending)
{
    *sorter->order++ = (pending->next++)->index;
}

// What is left of the innermost folder comes after everything in it.
static void finish(struct sorter *sorter)
{
    struct pending *innermost = &sorter->pending[--sorter->n_pending];

    while (innermost->next < innermost->end)
        emit(sorter, innermost);
}

static bool is_within(const struct pending *outer, const struct pathsort_path *folder)
{
    return outer->n_path <= folder->n_path && memcmp(outer->path, folder->path, outer->n_path) == 0;
}

// Folders come in order, so that what is pending are those that this one is in.
static void enter(struct sorter *sorter, const struct pathsort_path *folder, size_t n_files)
{
    while (sorter->n_pending && !is_within(&sorter->pending[sorter->n_pending - 1], folder))
        finish(sorter);
    if (sorter->n_pending) {
        struct pending *outer = &sorter->pending[sorter->n_pending - 1];
        size_t          n = outer->n_path;
        while (outer->next < outer->end && strncmp(sorter->paths[outer->next->index].path + n,
                                                   folder->path + n, folder->n_path - n) < 0)
            emit(sorter, outer);
    }
    sorter->pending[sorter->n_pending++] =
        (struct pending){ sorter->files, sorter->files + n_files, folder->path, folder->n_path };
    sorter->files += n_files;
}

// The lists of one folder, one for each extension, follow each other. Returns how many they are.
static size_t sort_folder(struct sorter *sorter, size_t at, size_t n_folders)
{
    struct pathsort_path path = folder_path(sorter, sorter->by_folder[at].index);
    size_t               n_files = 0, n = 0;

    for (; at + n < n_folders; n++) {
        const struct vpk_folder *list = &sorter->folders[sorter->by_folder[at + n].index];
        struct pathsort_path     other = folder_path(sorter, sorter->by_folder[at + n].index);
        if (!pathsort_is_equal(&path, &other, false))
            break;
        for (uint32_t i = 0; i < list->n; i++)
            sorter->files[n_files++].index = list->first + i;
    }
    pathsort(sorter->files, sorter->spare, n_files, sorter->paths, path.n_path, false);
    enter(sorter, &path, n_files);
    return n;
}

// --- all --------------------------------------------------------------------------------------

static int sort_by_folder(struct sorter *sorter, size_t n_folders, struct error *err)
{
    AUTO(freep)
    struct pathsort_path *paths = reallocarray(NULL, n_folders + 1, sizeof *paths);
    AUTO(freep)
    struct pathsort_item *items = reallocarray(NULL, 2 * n_folders + 1, sizeof *items);

    if (!paths || !items)
        return error_sys(err, ENOMEM, "sorting %zu VPK folders", n_folders);
    for (size_t i = 0; i < n_folders; i++) {
        paths[i] = folder_path(sorter, (uint32_t)i);
        items[i].index = (uint32_t)i;
    }
    pathsort(items, items + n_folders, n_folders, paths, 0, false);

    sorter->by_folder = items;
    for (size_t at = 0; at < n_folders;)
        at += sort_folder(sorter, at, n_folders);
    while (sorter->n_pending)
        finish(sorter);
    return 0;
}

static void sort_all(struct sorter *sorter)
{
    size_t n = sorter->vpk->n_items;

    for (size_t i = 0; i < n; i++)
        sorter->files[i].index = (uint32_t)i;
    pathsort(sorter->files, sorter->spare, n, sorter->paths, 0, false);
    for (size_t i = 0; i < n; i++)
        sorter->order[i] = sorter->files[i].index;
}

int vpk_order(struct vpk *vpk, const struct vpk_folder *folders, size_t n_folders,
              bool is_by_folder, struct error *err)
{
    size_t n = vpk->n_items;

    AUTO(freep)
    struct pathsort_item *files = reallocarray(NULL, 2 * n + 1, sizeof *files);
    AUTO(freep)
    struct pathsort_path *paths = reallocarray(NULL, n + 1, sizeof *paths);
    vpk->order = reallocarray(NULL, n + 1, sizeof *vpk->order);
    if (!files || !paths || !vpk->order)
        return error_sys(err, ENOMEM, "sorting %zu VPK entries", n);

    for (size_t i = 0; i < n; i++)
        paths[i] = (struct pathsort_path){ vpk->items[i].shown.path, vpk->items[i].n_path };
    struct sorter sorter = { .vpk = vpk,
                             .folders = folders,
                             .paths = paths,
                             .files = files,
                             .spare = files + n,
                             .order = vpk->order };
    if (is_by_folder)
        return sort_by_folder(&sorter, n_folders, err);
    sort_all(&sorter);
    return 0;
}
