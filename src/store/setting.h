// SPDX-License-Identifier: MIT
#pragma once

// setting: what admins decide on the page, by key. A key that was never set has its default.
//
// What the operator of the machine decides is in src/settings.

#include "store/database.h"

#define SETTING_TEXT_MAX 32u // bytes of a value, the NUL included

enum setting {
    SETTING_PORT_FROM, // of the game, of servers that are given one
    SETTING_PORT_TO,
    SETTING_LOG_DAYS,     // logs of jobs
    SETTING_HISTORY_DAYS, // jobs, players, commands
    SETTING_AUDIT_DAYS,
    SETTING_USER_SERVERS, // how many one user may have, who is no admin
    SETTING_USER_BLUEPRINTS,
    SETTING_USER_OVERLAYS,
    SETTING_REPAIR,       // "auto": a server that is not what it should be is made so; "off"
    SETTING_METRICS_OPEN, // "on": /metrics asks for no token; "off"
    SETTING_COUNT,
};

struct setting_info {
    const char        *key;
    const char        *usual; // its default
    const char *const *words; // NULL: it is a number, from min to max
    size_t             n_words;
    int64_t            min, max;
};

const struct setting_info *setting_info(enum setting setting);
// ERROR_NOT_FOUND: there is no such key.
int setting_of(enum setting *ret, const char *key, struct error *err) MUST_USE;

int setting_text(char ret[SETTING_TEXT_MAX], struct database *db, enum setting setting,
                 struct error *err) MUST_USE;
int setting_number(int64_t *ret, struct database *db, enum setting setting, struct error *err)
    MUST_USE;
// Whether it is that word.
int setting_is(bool *ret, struct database *db, enum setting setting, const char *word,
               struct error *err) MUST_USE;

// As a part of a transaction. ERROR_INVALID: it does not take that value.
int setting_set(struct database *db, enum setting setting, const char *text, int64_t now_unix_s,
                struct error *err) MUST_USE;
// When all of them are set: that they agree with each other.
int setting_check(struct database *db, struct error *err) MUST_USE;
