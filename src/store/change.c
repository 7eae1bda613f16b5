// SPDX-License-Identifier: MIT
#include "store/change.h"

#include <assert.h>

static const char *const words[] = {
    [CHANGE_SERVER] = "server",   [CHANGE_PLAYERS] = "players", [CHANGE_BLUEPRINT] = "blueprint",
    [CHANGE_OVERLAY] = "overlay", [CHANGE_JOB] = "job",         [CHANGE_USER] = "user",
    [CHANGE_MACHINE] = "machine",
};
_Static_assert(ELEMENTS(words) == CHANGE_TOPICS, "every topic has a word");

const char *change_topic_word(enum change_topic topic)
{
    return words[topic];
}

int change_note(struct database *db, enum change_topic topic, int64_t object, bool is_deleted,
                struct error *err)
{
    static const struct query query = QUERY("INSERT OR REPLACE INTO changes (topic, object, "
                                            "is_deleted) VALUES (:topic, :object, :deleted)");
    AUTO(statement_done) struct statement row = { 0 };

    assert(database_is_writing(db) && (topic == CHANGE_MACHINE) == (object == 0));
    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":topic", words[topic]);
    statement_bind_number(&row, ":object", object);
    statement_bind_number(&row, ":deleted", is_deleted);
    return statement_run(&row, err);
}

int change_note_all(struct database *db, enum change_topic topic, const struct query *query,
                    const char *name, int64_t value, unsigned *ret_n, struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };
    unsigned                              n = 0;
    int                                   r;

    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    statement_bind_number(&row, name, value);
    for (; (r = statement_next(&row, err)) > 0; n++)
        if (change_note(db, topic, statement_number(&row, 0), false, err) < 0)
            return -1;
    if (r == 0 && ret_n)
        *ret_n = n;
    return r;
}

int change_next(struct change *ret, struct database *db, int64_t after, struct error *err)
{
    static const struct query query =
        QUERY("SELECT number, topic, object, is_deleted, lost_by FROM changes "
              "WHERE number > :after ORDER BY number LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };
    int                                   topic = 0;

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":after", after);
    int r = statement_next(&row, err);
    if (r <= 0)
        return r;
    if (statement_word(&row, 1, &topic, words, ELEMENTS(words), err) < 0)
        return -1;
    *ret = (struct change){
        .number = statement_number(&row, 0),
        .topic = (enum change_topic)topic,
        .object = statement_number(&row, 2),
        .is_deleted = statement_number(&row, 3),
        .lost_by = statement_number(&row, 4),
    };
    return 1;
}

int change_is_after(bool *ret, struct database *db, enum change_topic topic, int64_t object,
                    int64_t after, struct error *err)
{
    static const struct query query = QUERY("SELECT 1 FROM changes WHERE topic = :topic AND "
                                            "object = :object AND number > :after LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_text(&row, ":topic", words[topic]);
    statement_bind_number(&row, ":object", object);
    statement_bind_number(&row, ":after", after);
    int r = statement_next(&row, err);
    if (r < 0)
        return -1;
    *ret = r > 0;
    return 0;
}

int change_newest(int64_t *ret, struct database *db, struct error *err)
{
    static const struct query             query = QUERY("SELECT max(number) FROM changes");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0 || statement_next(&row, err) < 0)
        return -1;
    *ret = statement_number(&row, 0);
    return 0;
}
