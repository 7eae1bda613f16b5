// SPDX-License-Identifier: MIT
#include "store/count.h"

#include <string.h>

// Of each row the word tells the place, which is `word_of` of it.
static int count(uint64_t *ret, size_t n, struct database *db, const struct query *query,
                 size_t (*place_of)(const char *word), struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };
    int                                   r;

    memset(ret, 0, n * sizeof *ret);
    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    while ((r = statement_next(&row, err)) > 0) {
        size_t place = place_of(statement_text(&row, 0));
        if (place < n)
            ret[place] += (uint64_t)statement_number(&row, 1);
    }
    return r;
}

static size_t place_of_job(const char *word)
{
    size_t i = 0;

    while (i < JOB_STATES && strcmp(job_state_word((enum job_state)i), word) != 0)
        i++;
    return i;
}

static size_t place_of_server(const char *word)
{
    return (size_t)live_state_of(word);
}

int count_jobs(uint64_t ret[JOB_STATES], struct database *db, struct error *err)
{
    static const struct query query = QUERY("SELECT state, count(*) FROM jobs GROUP BY state");

    return count(ret, JOB_STATES, db, &query, place_of_job, err);
}

int count_servers(uint64_t ret[LIVE_STATES], struct database *db, struct error *err)
{
    static const struct query query =
        QUERY("SELECT coalesce(live_states.state, 'unknown') AS state, count(*) FROM servers "
              "LEFT JOIN live_states ON live_states.server = servers.id GROUP BY 1");

    return count(ret, LIVE_STATES, db, &query, place_of_server, err);
}

// Of a query that gives one number.
static int read_one(uint64_t *ret, struct database *db, const struct query *query,
                    struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    int r = statement_next(&row, err);
    *ret = r > 0 ? (uint64_t)statement_number(&row, 0) : 0;
    return MIN(r, 0);
}

int count_players(uint64_t *ret, struct database *db, struct error *err)
{
    static const struct query query = QUERY("SELECT coalesce(sum(n_humans), 0) FROM live_players");

    return read_one(ret, db, &query, err);
}

int count_bytes(uint64_t *ret, struct database *db, struct error *err)
{
    static const struct query query =
        QUERY("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");

    return read_one(ret, db, &query, err);
}
