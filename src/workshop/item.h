// SPDX-License-Identifier: MIT
#pragma once

// item: the file item.json beside the versions of an item: what is known of it, for whoever shows
// it.
//
//   {"id":"121088","title":"…","preview_url":"https://…","size_bytes":N,"updated_unix_s":N,
//    "tags":["Campaigns"],"version":"UPDATED-SIZE","files":N,"models":N,"scripts":N,"maps":N,
//    "map_names":["…"],"missions":N,"mission_names":["…"],"error":"…"}
//
// The first part is what the Workshop said last; "version" is the one that is there whole, and what
// follows is what is in it; "error" is why it is not the newest one, or why there is none. It can
// be made again at any time: who finds it damaged takes it for absent.

#include "steam/webapi.h"
#include "workshop/cache.h"
#include "workshop/contents.h"

#define ITEM_FILE      "item.json"
#define ITEM_TMP       "." ITEM_FILE ".tmp"
#define ITEM_BYTES_MAX 65536u

struct item {
    uint64_t            id;
    uint64_t            size_bytes, updated_unix_s; // of the newest version there is anywhere
    char                title[WEBAPI_TITLE_MAX];
    char                preview_url[WEBAPI_URL_MAX];
    uint32_t            n_tags;
    char                tags[WEBAPI_TAGS_MAX][WEBAPI_TAG_MAX];
    bool                has_version;
    struct item_version version;
    struct contents     contents;                 // of that version
    char                error[ERROR_MESSAGE_MAX]; // empty: none
};

// Takes over what the Workshop says, if it says something.
void item_set_details(struct item *item, const struct webapi_item *details);

// ERROR_INVALID: the text is no such file.
int   item_parse(struct item *ret, const char *bytes, size_t n_bytes, struct error *err) MUST_USE;
char *item_format(const struct item *item) MUST_USE; // owned; NULL: no memory

// Of the item whose directory this is; one that is absent or damaged is { 0 }.
int item_read(struct item *ret, int item_fd, struct error *err) MUST_USE;
// Replaces the file, unless it says the same already; then that of an item without a version gets
// the time of today. Not forced to disk.
int item_write(const struct item *item, int item_fd, struct error *err) MUST_USE;
