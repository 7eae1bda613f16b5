// SPDX-License-Identifier: MIT
#pragma once

// blueprint: what servers are made from: arguments, lines of config, overlays in order, limits.
//
// Its owner and admins change it; if it is shared, everybody may look at it and use it. Who changes
// one tells the revision that he has seen, so that nobody overwrites what he does not know of. What
// the words and lines mean is the host's to check. All that changes something is part of a
// transaction.

#include "base/protocol.h"
#include "store/name.h"
#include "store/user.h"

#define BLUEPRINT_ARGUMENTS_MAX 65536u  // bytes of the list in JSON, the NUL included
#define BLUEPRINT_CONFIG_MAX    131072u // likewise, of its lines
#define BLUEPRINT_OVERLAYS_MAX  (STACK_LAYERS_MAX - 2u) // the game and a private one come besides

struct blueprint_overlay {
    int64_t           overlay;
    bool              exposes_server_cfg;
    char              name[NAME_MAX_BYTES]; // of one that is read
    enum overlay_type type;                 // likewise
};

struct blueprint {
    int64_t                   id;
    char                      name[NAME_MAX_BYTES]; // of its owner's only one
    int64_t                   owner;
    char                      owner_name[USER_NAME_MAX];
    bool                      is_shared;
    char                     *arguments;    // JSON, a list of words
    char                     *config;       // lines
    uint64_t                  memory_bytes; // 0: as the unit file says
    uint32_t                  cpu_percent;  // 0: no limit
    uint32_t                  tasks;        // 0: as the unit file says
    size_t                    n_overlays;
    struct blueprint_overlay *overlays; // top first
    unsigned                  n_servers;
    unsigned                  may; // bits of grant.h, of who asked for it
    int64_t                   revision;
    int64_t                   created_unix_s;
    int64_t                   changed_unix_s;
};

// What was read owns its texts and overlays.
struct blueprint *blueprint_free(struct blueprint *blueprint); // takes NULL, returns NULL
void              blueprint_freep(struct blueprint **blueprint);

// ERROR_NOT_FOUND: there is none that `viewer` sees. *ret is owned.
int blueprint_find(struct blueprint **ret, struct database *db, int64_t id, int64_t viewer,
                   struct error *err) MUST_USE;
// The next one after `id` that `viewer` sees, owned; 1: there is one, 0: no more.
int blueprint_next(struct blueprint **ret, struct database *db, int64_t id, int64_t viewer,
                   struct error *err) MUST_USE;

// Whether `overlay` may stand in blueprint `id`, which has it already or whose maker sees it.
// ERROR_INVALID: not, in the same words for one that he does not see and for one that is not there.
int blueprint_check_overlay(struct database *db, int64_t id, int64_t overlay, int64_t viewer,
                            struct error *err) MUST_USE;
// Takes name, owner, is_shared, arguments, config, limits, overlays and created_unix_s from
// `blueprint`. ERROR_INVALID: an overlay that `viewer` does not see, that is a server's own, the
// game or there twice.
int blueprint_add(int64_t *ret_id, struct database *db, const struct blueprint *blueprint,
                  int64_t viewer, struct error *err) MUST_USE;
// Takes id, revision, changed_unix_s and all of the above but the owner. ERROR_CONFLICT: it has
// another revision by now. Overlays that it has already it may keep, whoever changes it.
int blueprint_replace(struct database *db, const struct blueprint *blueprint, int64_t viewer,
                      struct error *err) MUST_USE;
// One of the same for `owner`, who is not asked whether he sees the overlays. `name` may be NULL:
// then it is the name of the other and "copy".
int blueprint_copy(int64_t *ret_id, struct database *db, int64_t id, const char *name,
                   int64_t owner, int64_t now_unix_s, struct error *err) MUST_USE;
int blueprint_set_owner(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                        struct error *err) MUST_USE;
// ERROR_BUSY: servers use it, one of which is named if `viewer` sees it. Which ones tells
// server_next().
int blueprint_remove(struct database *db, int64_t id, int64_t viewer, struct error *err) MUST_USE;
