// SPDX-License-Identifier: MIT
#pragma once

// itemlist: the list of Workshop items as people paste it.
//
// Numbers and links to the Workshop's pages, between spaces, commas, semicolons and ends of lines
// (LF or CR LF). A '#' where a word would begin makes the rest of the line a comment. Whatever else
// is there is a fault that tells its line; what is there twice counts once, in the first place.
//
//   https://steamcommunity.com/sharedfiles/filedetails/?id=121088 , 121090
//   steamcommunity.com/workshop/filedetails/?l=german&id=121092#comments

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define ITEMLIST_BYTES_MAX  262144u
#define ITEMLIST_ITEMS_MAX  1000u
#define ITEMLIST_FAULTS_MAX 20u // that are kept; all are counted
#define ITEMLIST_TOKEN_MAX  64u // bytes of a word as it is shown, the NUL included

struct itemlist_fault {
    uint32_t    line;                      // from 1
    char        token[ITEMLIST_TOKEN_MAX]; // its beginning, safe to show
    const char *why;
};

struct itemlist {
    uint64_t             *ids; // owned; in order, each once
    size_t                n;
    struct itemlist_fault faults[ITEMLIST_FAULTS_MAX];
    size_t                n_faults; // may be more than are kept
};

// Fails only on a text that is too large as a whole; the faults in it are in *ret.
int itemlist_parse(struct itemlist *ret, const char *bytes, size_t n_bytes, struct error *err)
    MUST_USE;
void itemlist_done(struct itemlist *list);

// ERROR_INVALID if the list has faults: tells the first one, and how many more there are.
int itemlist_check(const struct itemlist *list, struct error *err) MUST_USE;
