// SPDX-License-Identifier: MIT
#pragma once

// live: what a server was last seen to do. systemd is the truth; this is for whoever shows it.

#include "store/database.h"

#define LIVE_STATUS_MAX 65536u // bytes, the NUL included

enum live_state {
    LIVE_UNKNOWN, // nobody has looked yet
    LIVE_STOPPED,
    LIVE_STARTING,
    LIVE_RUNNING,
    LIVE_STOPPING,
    LIVE_FAILED,
    LIVE_RESTARTING,
    LIVE_STATES,
};

struct live {
    enum live_state state;
    int64_t         changed_us; // 0: not known
    char           *status;     // owned: JSON of `l4d2ctl status NAME --json`; "": not known
};

const char *live_state_word(enum live_state state);
// LIVE_UNKNOWN for a word that is none.
enum live_state live_state_of(const char *word);

void live_done(struct live *live);

// One of which nothing is known is LIVE_UNKNOWN.
int live_find(struct live *ret, struct database *db, int64_t server, struct error *err) MUST_USE;
// As a part of a transaction. It is a change of the server, but if it is what was known already.
int live_set(bool *ret_is_new, struct database *db, int64_t server, const struct live *live,
             struct error *err) MUST_USE;
