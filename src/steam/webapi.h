// SPDX-License-Identifier: MIT
#pragma once

// webapi: the two questions to Steam's Web API that need no key, and what is answered.
//
// ISteamRemoteStorage/GetPublishedFileDetails/v1 tells about items, GetCollectionDetails/v1 what is
// in collections; both take up to a hundred numbers as a form and answer in JSON. Numbers come as
// numbers or as texts, "banned" also as a truth value: all are understood. Of what is not as it
// should be the row stays 0 or empty; a row without a number is skipped. All texts are bounded,
// without control characters, and valid UTF-8, whatever was sent. Nothing here knows a socket.
// Source: Steamworks documentation, "ISteamRemoteStorage Interface".

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define WEBAPI_BATCH_MAX    100u     // numbers in one question
#define WEBAPI_ANSWER_MAX   8388608u // bytes
#define WEBAPI_ROWS_MAX     1000u    // in one answer; more are skipped
#define WEBAPI_CHILDREN_MAX 5000u    // of one collection; more are skipped
#define WEBAPI_TITLE_MAX    256u     // bytes, the NUL included, like all that follow
#define WEBAPI_URL_MAX      1024u
#define WEBAPI_NAME_MAX     256u
#define WEBAPI_TAG_MAX      64u
#define WEBAPI_TAGS_MAX     16u

#define WEBAPI_GAME             550u // Left 4 Dead 2
#define WEBAPI_RESULT_OK        1u
#define WEBAPI_RESULT_NOT_FOUND 9u // removed, or for its author's eyes only

enum webapi_question { WEBAPI_ITEMS, WEBAPI_COLLECTIONS };

enum webapi_visibility {
    WEBAPI_PUBLIC,
    WEBAPI_FRIENDS,
    WEBAPI_PRIVATE,
    WEBAPI_UNLISTED,
};

struct webapi_item {
    uint64_t id;
    uint32_t result; // WEBAPI_RESULT_OK, or the rest says nothing
    uint32_t app;    // the game it is for
    uint32_t visibility;
    bool     is_banned;
    bool     is_perhaps_collection; // it has not what items have: ask what is in it
    uint64_t size_bytes;
    uint64_t updated_unix_s;
    char     title[WEBAPI_TITLE_MAX];
    char     filename[WEBAPI_NAME_MAX];
    char     preview_url[WEBAPI_URL_MAX];
    char     file_url[WEBAPI_URL_MAX]; // https; empty: there is no link to its file
    uint32_t n_tags;
    char     tags[WEBAPI_TAGS_MAX][WEBAPI_TAG_MAX];
};

struct webapi_items {         // starts as { 0 }
    struct webapi_item *rows; // owned
    size_t              n;
};

struct webapi_child {
    uint64_t id;
    bool     is_collection;
};

struct webapi_collection {
    uint64_t             id;
    bool                 is_collection; // false: what was asked for is none, or is not there
    struct webapi_child *children;      // owned; in the order of the collection
    size_t               n_children;
};

struct webapi_collections {         // starts as { 0 }
    struct webapi_collection *rows; // owned
    size_t                    n;
};

// What comes behind the address of the API.
const char *webapi_path(enum webapi_question question);
// The body of a question about 1 to WEBAPI_BATCH_MAX numbers, owned, as of a form; NULL: no memory.
char *webapi_form(enum webapi_question question, const uint64_t *ids, size_t n) MUST_USE;

// ERROR_INVALID: this is no such answer.
int  webapi_parse_items(struct webapi_items *ret, const char *bytes, size_t n_bytes,
                        struct error *err) MUST_USE;
int  webapi_parse_collections(struct webapi_collections *ret, const char *bytes, size_t n_bytes,
                              struct error *err) MUST_USE;
void webapi_items_done(struct webapi_items *items);
void webapi_collections_done(struct webapi_collections *collections);
