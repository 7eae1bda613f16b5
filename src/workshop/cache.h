// SPDX-License-Identifier: MIT
#pragma once

// cache: the directory cache/workshop, which holds each version of an item once.
//
//   ITEM/UPDATED-SIZE.vpk   whole and checked. Whoever uses it has a hard link to it, and the
//   number
//                           of links is the number of users and one
//   ITEM/UPDATED-SIZE.part  on its way; see part.h
//   ITEM/item.json          what is known of the item; see item.h
//   .lock                   shared by builds, exclusive for whoever removes what is unused
//
// A file gets its name `.vpk` by a rename, when all of it is on disk. So whatever dies at any
// moment leaves files that are whole, or `.part`, or used by nobody.

#include <stdint.h>
#include "base/error.h"

#define CACHE_PATH      "cache/workshop" // below the directory of all data
#define CACHE_NAME_MAX  64u              // bytes of a file's name, the NUL included
#define CACHE_FILE_MODE 0640
#define CACHE_DIR_MODE  0750
#define CACHE_WHOLE     ".vpk"
#define CACHE_PART      ".part"

struct cache { // starts as { -1, -1 }
    int fd;
    int lock_fd;
};

struct item_version {
    uint64_t updated_unix_s;
    uint64_t size_bytes;
};

// Opens the cache in the directory `path` below `data_fd` and locks it for a build; waits while
// somebody cleans up.
int  cache_open(struct cache *ret, int data_fd, const char *path, struct error *err) MUST_USE;
void cache_done(struct cache *cache);

// The directory of an item, made if it is not there.
int cache_open_item(int *ret, const struct cache *cache, uint64_t id, struct error *err) MUST_USE;

// Writes the name of a version's file, and reads one; false: it is not that of a version.
void version_name(char ret[CACHE_NAME_MAX], const struct item_version *version, const char *suffix);
bool version_parse(struct item_version *ret, const char *name, const char *suffix);

// 1: the version is there, whole; 0: it is not.
int cache_has(int item_fd, const struct item_version *version, struct error *err) MUST_USE;
// 1: *ret is the newest version that is there; 0: there is none.
int cache_newest(struct item_version *ret, int item_fd, struct error *err) MUST_USE;
