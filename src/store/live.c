// SPDX-License-Identifier: MIT
#include "store/live.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store/change.h"

static const char *const words[] = {
    [LIVE_UNKNOWN] = "unknown",       [LIVE_STOPPED] = "stopped",   [LIVE_STARTING] = "starting",
    [LIVE_RUNNING] = "running",       [LIVE_STOPPING] = "stopping", [LIVE_FAILED] = "failed",
    [LIVE_RESTARTING] = "restarting",
};
_Static_assert(ELEMENTS(words) == LIVE_STATES, "every state has a word");

const char *live_state_word(enum live_state state)
{
    return words[state];
}

enum live_state live_state_of(const char *word)
{
    for (size_t i = 0; i < ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0)
            return (enum live_state)i;
    return LIVE_UNKNOWN;
}

void live_done(struct live *live)
{
    free(live->status);
    live->status = NULL;
}

static int set_unknown(struct live *ret, struct error *err)
{
    *ret = (struct live){ .state = LIVE_UNKNOWN, .status = calloc(1, 1) };
    return ret->status ? 0 : error_sys(err, ENOMEM, "reading the state of a server");
}

int live_find(struct live *ret, struct database *db, int64_t server, struct error *err)
{
    static const struct query query =
        QUERY("SELECT state, changed_us, status FROM live_states WHERE server = :server");
    AUTO(statement_done) struct statement row = { 0 };
    int                                   state = 0;

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r < 0 ? -1 : set_unknown(ret, err);
    if (statement_word(&row, 0, &state, words, ELEMENTS(words), err) < 0 ||
        statement_duplicate(&row, 2, &ret->status, err) < 0)
        return -1;
    ret->state = (enum live_state)state;
    ret->changed_us = statement_number(&row, 1);
    return 0;
}

// The row changes if one of its values does.
static int put(unsigned *ret_n, struct database *db, int64_t server, const struct live *live,
               struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO live_states (server, state, changed_us, status) "
              "VALUES (:server, :state, :changed, nullif(:status, '')) "
              "ON CONFLICT (server) DO UPDATE SET state = excluded.state, "
              "changed_us = excluded.changed_us, status = excluded.status "
              "WHERE (state, changed_us, status) IS NOT "
              "(excluded.state, excluded.changed_us, excluded.status)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":server", server);
    statement_bind_text(&row, ":state", words[live->state]);
    statement_bind_number(&row, ":changed", live->changed_us);
    statement_bind_text(&row, ":status", live->status);
    return statement_change(&row, ret_n, err);
}

int live_set(bool *ret_is_new, struct database *db, int64_t server, const struct live *live,
             struct error *err)
{
    unsigned n = 0;

    assert(database_is_writing(db));
    if (live->status && strnlen(live->status, LIVE_STATUS_MAX) == LIVE_STATUS_MAX)
        return error_set(err, ERROR_INVALID, "the state of a server has %u bytes at most",
                         LIVE_STATUS_MAX - 1);
    if (put(&n, db, server, live, err) < 0)
        return err->kind == ERROR_BUSY ? error_set(err, ERROR_NOT_FOUND, "there is no such server")
                                       : -1;
    *ret_is_new = n > 0;
    return n > 0 ? change_note(db, CHANGE_SERVER, server, false, err) : 0;
}
