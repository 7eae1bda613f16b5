// SPDX-License-Identifier: MIT
#pragma once

// ownedoverlay: whose an overlay is.
//
// The host is the truth of all else: its number, its text and its generations. Name and type stand
// here as they were last seen, so that a list or a blueprint can be shown without asking it.
//
// Who sees an overlay: its owner, an admin, everybody if it is shared, or the game. A server's own
// has no owner: who has the server has it, and who may change the server's files may change it.
// All that changes something is part of a transaction.

#include "base/protocol.h"
#include "store/name.h"
#include "store/user.h"

struct owned_overlay {
    int64_t           id; // the host's number
    char              name[NAME_MAX_BYTES];
    enum overlay_type type;
    int64_t           owner;                     // 0: the machine's, or a server's own
    char              owner_name[USER_NAME_MAX]; // "" likewise
    bool              is_shared;
    int64_t           server; // whose own it is; 0: no server's
    unsigned          may;    // bits of grant.h, of who asked for it
    int64_t           created_unix_s;
    int64_t           changed_unix_s;
};

// Takes id, name, type, owner, is_shared and created_unix_s from `overlay`.
int owned_overlay_add(struct database *db, const struct owned_overlay *overlay, struct error *err)
    MUST_USE;

// ERROR_NOT_FOUND: there is none that `viewer` sees.
int owned_overlay_find(struct owned_overlay *ret, struct database *db, int64_t id, int64_t viewer,
                       struct error *err) MUST_USE;
// The next one after `id` that `viewer` sees; 1: there is one, 0: no more.
int owned_overlay_next(struct owned_overlay *ret, struct database *db, int64_t id, int64_t viewer,
                       struct error *err) MUST_USE;

int owned_overlay_set_name(struct database *db, int64_t id, const char *name, int64_t now_unix_s,
                           struct error *err) MUST_USE;
// 0: the machine's.
int owned_overlay_set_owner(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                            struct error *err) MUST_USE;
// Blueprints that have it already keep it when it is shared no longer.
int owned_overlay_set_shared(struct database *db, int64_t id, bool is_shared, int64_t now_unix_s,
                             struct error *err) MUST_USE;

// ERROR_BUSY: a blueprint or a server has it, which is named if `viewer` sees it, or it is the
// game.
int owned_overlay_check_unused(struct database *db, int64_t id, int64_t viewer, struct error *err)
    MUST_USE;
// The same of one that is to go.
int owned_overlay_remove(struct database *db, int64_t id, struct error *err) MUST_USE;
