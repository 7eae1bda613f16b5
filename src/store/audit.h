// SPDX-License-Identifier: MIT
#pragma once

// audit: what was changed, by whom, from where.
//
// Events are only ever added. Each has a hash over itself and the one before, so that one that is
// changed, taken out or put in between is found: by whoever has written down the newest hash, even
// if the whole file was in wrong hands. Old ones are dropped from the beginning, and the hash of
// the last one that was dropped is kept to go on from.

#include "store/database.h"

#define AUDIT_HASH_BYTES 32u
#define AUDIT_TEXT_MAX   4096u // bytes of `before` and of `after`; longer ones are cut off

struct audit_event {
    int64_t     id; // of one that is read
    int64_t     time_us;
    int64_t     user; // 0: root, by a command
    const char *user_name;
    const char *origin;  // an address, or "command line"
    const char *action;  // "server.create"
    const char *subject; // "server 12"
    const char *before;  // JSON without secrets; NULL: there was nothing
    const char *after;
};

struct audit_hash {
    uint8_t bytes[AUDIT_HASH_BYTES];
};

// As a part of the transaction that changes what it tells of.
int audit_add(struct database *db, const struct audit_event *event, struct error *err) MUST_USE;

// The newest ones first, those before the id `before` (0: all). The texts are borrowed until the
// next.
int audit_list_begin(struct statement *ret, struct database *db, int64_t before, struct error *err)
    MUST_USE;
int audit_list_next(struct audit_event *ret, struct statement *list, struct error *err) MUST_USE;

// Goes through the chain. ERROR_FAILED: it names the first event that does not fit.
int audit_check(struct audit_hash *ret_newest, struct database *db, struct error *err) MUST_USE;
// Of a chain that was checked: whether a hash that was its newest at some time is in it. If not,
// its end was taken off, or all from some place on was written anew; or it is too old to be kept.
int audit_has(bool *ret, struct database *db, const struct audit_hash *hash, struct error *err)
    MUST_USE;

// Drops those before a time, within a transaction.
int audit_drop_before(struct database *db, int64_t time_us, struct error *err) MUST_USE;
