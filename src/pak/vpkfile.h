// SPDX-License-Identifier: MIT
#pragma once

// vpkfile: what is behind a `struct vpk`. For the files of this folder that work on archives; the
// others know pak/vpk.h alone.

#include "pak/vpk.h"

#define VPK_ARCHIVE_SAME 0x7fffu // the data lie in the directory file, behind the directory
#define VPK_SHORT_MAX    128u    // bytes of a path as sentences show it, the NUL included

struct vpk_item {
    struct vpk_entry shown;      // first, so that a borrowed entry leads back here
    uint32_t         path_at;    // where its path begins in vpk->paths
    uint32_t         preload_at; // and its preloaded bytes in vpk->directory
    uint32_t         offset;
    uint32_t         length; // bytes outside the directory
    uint16_t         preload_size;
    uint16_t         archive;
    uint16_t         n_path;
    bool             is_renamed; // what the archive calls it follows behind shown.path's NUL
};

// Bytes of the sections of the directory file, in the order they have there. Version 1 has but the
// first two, and its data are what follows them.
struct vpk_sections {
    uint32_t header;
    uint32_t directory;
    uint32_t data;
    uint32_t archive_md5;
    uint32_t other_md5;
    uint32_t signature;
};

struct vpk {
    int                 dir_fd; // -1: parsed from memory
    int                 fd;
    char                name[VPK_NAME_MAX];
    unsigned            version;
    struct vpk_sections sections;
    uint8_t            *directory; // owned
    uint32_t            n_unread;  // bytes behind the end of the directory's lists
    struct vpk_item    *items;     // owned, as the directory has them
    uint32_t           *order;     // owned: their indices, by path
    size_t              n_items;
    char               *paths; // owned
};

// A list of files: those of one folder that have one extension.
struct vpk_folder {
    uint32_t first, n; // items, at least one
    uint32_t n_path;   // bytes of their paths that name the folder, the slash included
};

// Fills vpk->order, with the items and their paths in place. `is_by_folder` tells that no file's
// part of a path has a slash: then folders are sorted first, which are few and all that is long,
// and the files in each by what is different in them.
int vpk_order(struct vpk *vpk, const struct vpk_folder *folders, size_t n_folders,
              bool is_by_folder, struct error *err) MUST_USE;

// Reads the lists in vpk->directory into vpk->items, vpk->paths and vpk->order.
int vpk_read_lists(struct vpk *vpk, struct error *err) MUST_USE;

// What the archive calls it, byte by byte.
const char *vpk_item_name(const struct vpk_item *item);

// `path`, or its last bytes behind "...", when it is too long for a sentence. `buffer` is where
// the latter go.
const char *vpk_short(char buffer[VPK_SHORT_MAX], const char *path);

// Where offsets of entries in the directory file count from.
uint64_t vpk_data_start(const struct vpk *vpk);

// Opens numbered part `archive` of a directory file: "pak01_dir.vpk" has "pak01_000.vpk".
int vpk_open_part(int *ret, uint64_t *ret_bytes, const struct vpk *vpk, uint16_t archive,
                  struct error *err) MUST_USE;

// Reads exactly `n_bytes` at `offset`; a file that ends before is ERROR_INVALID.
int vpk_pread(int fd, uint8_t *bytes, size_t n_bytes, uint64_t offset, struct error *err) MUST_USE;
