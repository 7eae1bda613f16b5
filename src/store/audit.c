// SPDX-License-Identifier: MIT
#include "store/audit.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#define COLUMNS       "id, time_us, user, user_name, origin, action, subject, before, after, hash"
#define COLUMN_HASH   9
#define COLUMN_ANCHOR 10

_Static_assert(AUDIT_HASH_BYTES == crypto_generichash_BYTES, "a hash of the usual length");

// ---- the hash of an event ----------------------------------------------------------------------

static void add_number(crypto_generichash_state *state, int64_t number)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * i));
    (void)crypto_generichash_update(state, bytes, sizeof bytes); // only bad lengths fail
}

// With its length, so that no two events are the same bytes; -1: there is none.
static void add_text(crypto_generichash_state *state, const char *text)
{
    add_number(state, text ? (int64_t)strlen(text) : -1);
    if (text)
        (void)crypto_generichash_update(state, (const uint8_t *)text, strlen(text));
}

static void hash_event(struct audit_hash *ret, const struct audit_hash *last,
                       const struct audit_event *event)
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof ret->bytes);
    (void)crypto_generichash_update(&state, last->bytes, sizeof last->bytes);
    add_number(&state, event->time_us);
    add_number(&state, event->user);
    add_text(&state, event->user_name);
    add_text(&state, event->origin);
    add_text(&state, event->action);
    add_text(&state, event->subject);
    add_text(&state, event->before);
    add_text(&state, event->after);
    (void)crypto_generichash_final(&state, ret->bytes, sizeof ret->bytes);
}

// ---- the ends of the chain ---------------------------------------------------------------------

static int take_hash(struct audit_hash *ret, const struct statement *row, int column,
                     struct error *err)
{
    size_t      n = 0;
    const void *bytes = statement_bytes(row, column, &n);

    if (n != sizeof ret->bytes)
        return error_set(err, ERROR_FAILED, "the database holds a hash that is not of ours");
    memcpy(ret->bytes, bytes, n);
    return 0;
}

// Of a query that gives one hash or none; none is one of zeros.
static int read_hash(struct audit_hash *ret, struct database *db, const struct query *query,
                     struct error *err)
{
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, query, err) < 0)
        return -1;
    int r = statement_next(&row, err);
    memset(ret, 0, sizeof *ret);
    return r <= 0 ? r : take_hash(ret, &row, 0, err);
}

static int read_anchor(struct audit_hash *ret, struct database *db, struct error *err)
{
    static const struct query query = QUERY("SELECT hash FROM audit_anchor");

    return read_hash(ret, db, &query, err);
}

static int read_newest(struct audit_hash *ret, struct database *db, struct error *err)
{
    static const struct query query =
        QUERY("SELECT hash FROM audit_events ORDER BY id DESC LIMIT 1");
    static const struct query             any = QUERY("SELECT 1 FROM audit_events LIMIT 1");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &any, err) < 0)
        return -1;
    int r = statement_next(&row, err);
    if (r < 0)
        return -1;
    return r ? read_hash(ret, db, &query, err) : read_anchor(ret, db, err);
}

// ---- adding -----------------------------------------------------------------------------------

static void cut(struct audit_event *event, char before[AUDIT_TEXT_MAX], char after[AUDIT_TEXT_MAX])
{
    const char **texts[] = { &event->before, &event->after };
    char        *copies[] = { before, after };

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        if (!*texts[i] || strnlen(*texts[i], AUDIT_TEXT_MAX) < AUDIT_TEXT_MAX)
            continue;
        size_t n = AUDIT_TEXT_MAX - sizeof "…";
        while (n > 0 && ((uint8_t)(*texts[i])[n] & 0xc0) == 0x80)
            n--; // not within a character
        memcpy(copies[i], *texts[i], n);
        memcpy(copies[i] + n, "…", sizeof "…");
        *texts[i] = copies[i];
    }
}

static int insert(struct database *db, const struct audit_event *event,
                  const struct audit_hash *hash, struct error *err)
{
    static const struct query query =
        QUERY("INSERT INTO audit_events (time_us, user, user_name, origin, action, subject, "
              "before, after, hash) VALUES (:time, nullif(:user, 0), :user_name, :origin, "
              ":action, :subject, :before, :after, :hash)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_number(&row, ":time", event->time_us);
    statement_bind_number(&row, ":user", event->user);
    statement_bind_text(&row, ":user_name", event->user_name);
    statement_bind_text(&row, ":origin", event->origin);
    statement_bind_text(&row, ":action", event->action);
    statement_bind_text(&row, ":subject", event->subject);
    statement_bind_text(&row, ":before", event->before);
    statement_bind_text(&row, ":after", event->after);
    statement_bind_bytes(&row, ":hash", hash->bytes, sizeof hash->bytes);
    return statement_run(&row, err);
}

int audit_add(struct database *db, const struct audit_event *event, struct error *err)
{
    struct audit_event short_event = *event;
    struct audit_hash  last, hash;
    char               before[AUDIT_TEXT_MAX], after[AUDIT_TEXT_MAX];

    assert(database_is_writing(db));
    cut(&short_event, before, after);
    if (read_newest(&last, db, err) < 0)
        return -1;
    hash_event(&hash, &last, &short_event);
    return insert(db, &short_event, &hash, err);
}

// ---- reading ----------------------------------------------------------------------------------

static void take_event(struct audit_event *ret, const struct statement *row)
{
    *ret = (struct audit_event){
        .id = statement_number(row, 0),
        .time_us = statement_number(row, 1),
        .user = statement_number(row, 2),
        .user_name = statement_text(row, 3),
        .origin = statement_text(row, 4),
        .action = statement_text(row, 5),
        .subject = statement_text(row, 6),
        .before = statement_text(row, 7),
        .after = statement_text(row, 8),
    };
}

int audit_list_begin(struct statement *ret, struct database *db, int64_t before, struct error *err)
{
    static const struct query query =
        QUERY("SELECT " COLUMNS " FROM audit_events WHERE id < :before ORDER BY id DESC");

    if (statement_begin(ret, db, &query, err) < 0)
        return -1;
    statement_bind_number(ret, ":before", before ? before : INT64_MAX);
    return 0;
}

int audit_list_next(struct audit_event *ret, struct statement *list, struct error *err)
{
    int r = statement_next(list, err);

    if (r > 0)
        take_event(ret, list);
    return r;
}

static int check_event(struct audit_hash *last, const struct statement *row, struct error *err)
{
    struct audit_event event;
    struct audit_hash  want, is;

    take_event(&event, row);
    hash_event(&want, last, &event);
    if (take_hash(&is, row, COLUMN_HASH, err) < 0)
        return -1;
    if (memcmp(is.bytes, want.bytes, sizeof is.bytes) != 0)
        return error_set(err, ERROR_FAILED,
                         "the audit log was tampered with: event %" PRIi64
                         " is not what followed the one before",
                         event.id);
    *last = is;
    return 0;
}

int audit_check(struct audit_hash *ret_newest, struct database *db, struct error *err)
{
    // In one statement, or another program might drop some between the anchor and the first one.
    static const struct query query =
        QUERY("SELECT " COLUMNS ", coalesce((SELECT hash FROM audit_anchor), zeroblob(32)) "
              "FROM audit_events ORDER BY id");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    int r = statement_next(&row, err);
    if (r <= 0)
        return r < 0 ? -1 : read_anchor(ret_newest, db, err);
    if (take_hash(ret_newest, &row, COLUMN_ANCHOR, err) < 0)
        return -1;
    for (; r > 0; r = statement_next(&row, err))
        if (check_event(ret_newest, &row, err) < 0)
            return -1;
    return r;
}

int audit_has(bool *ret, struct database *db, const struct audit_hash *hash, struct error *err)
{
    static const struct query query =
        QUERY("SELECT EXISTS (SELECT 1 FROM audit_events WHERE hash = :hash) OR "
              "EXISTS (SELECT 1 FROM audit_anchor WHERE hash = :hash)");
    AUTO(statement_done) struct statement row = { 0 };

    if (statement_begin(&row, db, &query, err) < 0)
        return -1;
    statement_bind_bytes(&row, ":hash", hash->bytes, sizeof hash->bytes);
    if (statement_next(&row, err) < 0)
        return -1;
    *ret = statement_number(&row, 0);
    return 0;
}

// ---- dropping ---------------------------------------------------------------------------------

// All up to the first one that is young enough: a clock that was in the past for a moment takes
// nothing away, and one that was in the future keeps what came after it.
#define IS_OLD                                                                                     \
    "id < coalesce((SELECT min(id) FROM audit_events WHERE time_us >= :time), "                    \
    "9223372036854775807) "

int audit_drop_before(struct database *db, int64_t time_us, struct error *err)
{
    static const struct query keep_hash =
        QUERY("INSERT INTO audit_anchor (id, hash) SELECT 1, hash FROM audit_events "
              "WHERE " IS_OLD "ORDER BY id DESC LIMIT 1 "
              "ON CONFLICT (id) DO UPDATE SET hash = excluded.hash");
    static const struct query drop = QUERY("DELETE FROM audit_events WHERE " IS_OLD);

    assert(database_is_writing(db));
    return database_run(db, &keep_hash, ":time", time_us, NULL, err) < 0
               ? -1
               : database_run(db, &drop, ":time", time_us, NULL, err);
}
