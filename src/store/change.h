// SPDX-License-Identifier: MIT
#pragma once

// change: what has changed, for those who show it.
//
// Each change of a thing has a number, higher than all before it; of a thing only the newest one
// is kept. Who has seen all up to a number and asks for those after it misses nothing: that number
// is a place in the stream of events, whatever process reads it.
//
// Whoever takes from somebody what he saw, by a grant, an owner or a share, writes a change for him
// alone beforehand: a row with lost_by, of who may have lost it. Whether he has is seen when he is
// told: he may see it for another reason.

#include "store/database.h"

enum change_topic {
    CHANGE_SERVER,
    CHANGE_PLAYERS, // who plays on a server; its object is that
    CHANGE_BLUEPRINT,
    CHANGE_OVERLAY,
    CHANGE_JOB,
    CHANGE_USER,
    CHANGE_MACHINE, // its settings and health; its object is 0
    CHANGE_TOPICS,
};

struct change {
    int64_t           number;
    enum change_topic topic;
    int64_t           object; // its id
    bool              is_deleted;
    int64_t           lost_by; // a user who may not see it any more; 0: it is a change of the thing
};

const char *change_topic_word(enum change_topic topic);

// As a part of the transaction that changes it.
int change_note(struct database *db, enum change_topic topic, int64_t object, bool is_deleted,
                struct error *err) MUST_USE;
// The same of all whose ids a query gives that has the one value `name`. *ret_n, if it is asked
// for: how many they are.
int change_note_all(struct database *db, enum change_topic topic, const struct query *query,
                    const char *name, int64_t value, unsigned *ret_n, struct error *err) MUST_USE;
// The next one after the number `after`; 1: there is one, 0: no more.
int change_next(struct change *ret, struct database *db, int64_t after, struct error *err) MUST_USE;
// Whether a thing has changed, or went, after the number `after`.
int change_is_after(bool *ret, struct database *db, enum change_topic topic, int64_t object,
                    int64_t after, struct error *err) MUST_USE;
// The number after which nothing has changed yet.
int change_newest(int64_t *ret, struct database *db, struct error *err) MUST_USE;
