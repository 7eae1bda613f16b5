// SPDX-License-Identifier: MIT
#pragma once

// resolve: asks the Workshop what a list of numbers comes to.
//
// Everything is asked for as an item first, a hundred at a time. What has no file may be a
// collection: its contents are asked for, and then for what is in there, and so on. So 500 items
// cost five questions, and collections one more for each level. A collection that holds itself,
// directly or through others, is cut there; so is what is nested too deep; both are said.

#include "steam/itemlist.h"
#include "steam/webapi.h"
#include "workshop/fetch.h"
#include "workshop/say.h"

#define RESOLVE_ITEMS_MAX 2000u // items and collections that a list may come to
#define RESOLVE_DEPTH_MAX 5u    // collections in collections

// An item of the list, or of a collection in it.
struct wanted {
    uint64_t           id;
    bool               is_answered; // the Workshop says something about it
    struct webapi_item details;     // then
};

struct resolution {      // starts as { 0 }
    struct wanted *rows; // owned; each item once, in the order in which they were found
    size_t         n;
    size_t         n_collections;
    size_t         n_questions; // that were asked, without repetitions
};

// ERROR_UNAVAILABLE: the Workshop cannot be reached, or answers nonsense. ERROR_INVALID: the list
// comes to too much.
int  resolve(struct resolution *ret, const struct itemlist *list, const char *api_url,
             struct fetcher *fetcher, const struct say *out, struct error *err) MUST_USE;
void resolution_done(struct resolution *resolution);
