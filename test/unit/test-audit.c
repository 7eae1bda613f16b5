// SPDX-License-Identifier: MIT
#include "store/audit.h"
#include "store-world.h"

#include <errno.h>
#include <sys/wait.h>

static int add(struct database *db, int64_t time_us, const char *subject, struct error *err)
{
    struct audit_event event = { .time_us = time_us,
                                 .user = 7,
                                 .user_name = "bill",
                                 .origin = "192.0.2.7",
                                 .action = "server.create",
                                 .subject = subject,
                                 .after = "{\"port\":27015}" };

    return STORED(db, audit_add(db, &event, err));
}

static void add_three(struct database *db)
{
    static const char *const subjects[] = { "server 1", "server 2", "server 3" };
    struct error             err = { 0 };

    for (size_t i = 0; i < ELEMENTS(subjects); i++)
        assert_int_equal(add(db, 1000 * (int64_t)(i + 1), subjects[i], &err), 0);
}

static void test_list(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    struct statement   list = { 0 };
    struct audit_event event;
    struct error       err;

    add_three(db);
    assert_int_equal(audit_list_begin(&list, db, 0, &err), 0);
    for (int64_t id = 3; id > 0; id--) {
        assert_int_equal(audit_list_next(&event, &list, &err), 1);
        assert_int_equal(event.id, id);
        assert_int_equal(event.time_us, 1000 * id);
    }
    assert_string_equal(event.subject, "server 1");
    assert_string_equal(event.user_name, "bill");
    assert_null(event.before);
    assert_string_equal(event.after, "{\"port\":27015}");
    assert_int_equal(audit_list_next(&event, &list, &err), 0);
    statement_done(&list);
    assert_int_equal(audit_list_begin(&list, db, 2, &err), 0);
    assert_int_equal(audit_list_next(&event, &list, &err), 1);
    assert_int_equal(event.id, 1);
    statement_done(&list);
}

// What somebody does to a copy of the file.
static struct database *changed_copy(const struct store_world *world, const char *sql)
{
    struct database *db = NULL;
    struct error     err = { 0 };
    char             copy[128], command[1024];

    snprintf(copy, sizeof copy, "%s/copy", world->dir->path);
    (void)unlink(copy); // of the last one
    if (database_back_up(world->db, copy, &err) < 0)
        fail_msg("%s", err.message);
    snprintf(command, sizeof command, "sqlite3 %s \"%s\" >/dev/null 2>&1", copy, sql);
    if (system(command) != 0)
        return NULL;
    if (database_open(&db, copy, &err) < 0)
        fail_msg("%s", err.message);
    return db;
}

static void test_tampering_is_found(void **state)
{
    static const struct {
        const char *sql;
        const char *want; // NULL: nothing is wrong
    } cases[] = {
        { "SELECT 1", NULL },
        { "UPDATE audit_events SET subject = 'server 9' WHERE id = 2", "event 2" },
        { "UPDATE audit_events SET user = NULL WHERE id = 1", "event 1" },
        { "UPDATE audit_events SET before = '' WHERE id = 3", "event 3" },
        { "UPDATE audit_events SET origin = '192.0.2.7s', action = 'erver.create' WHERE id = 3",
          "event 3" },
        { "DELETE FROM audit_events WHERE id = 2", "event 3" },
        { "DELETE FROM audit_events WHERE id = 1", "event 2" },
        { "UPDATE audit_events SET hash = zeroblob(32) WHERE id = 3", "event 3" },
        { "INSERT INTO audit_events SELECT 4, time_us, user, user_name, origin, action, subject, "
          "before, after, hash FROM audit_events WHERE id = 3",
          "event 4" },
    };
    struct store_world *world = *state;
    struct audit_hash   newest;
    struct error        err = { 0 };
    char                sql[512];

    add_three(world->db);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        snprintf(sql, sizeof sql, "DROP TRIGGER audit_events_stay; %s", cases[i].sql);
        struct database *db = changed_copy(world, sql);
        assert_non_null(db);
        int r = audit_check(&newest, db, &err);
        if ((r == 0) != !cases[i].want || (r < 0 && !strstr(err.message, cases[i].want)))
            fail_msg("%s: %d %s", cases[i].sql, r, err.message);
        database_close(db);
    }
    assert_null(changed_copy(world, "UPDATE audit_events SET subject = 'server 9'"));
}

static void test_old_ones_go(void **state)
{
    struct database  *db = ((struct store_world *)*state)->db;
    struct audit_hash newest, now;
    struct error      err = { 0 };

    add_three(db);
    assert_int_equal(audit_check(&newest, db, &err), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(STORED(db, audit_drop_before(db, 1000 * i + 1, &err)), 0);
        assert_int_equal(audit_check(&now, db, &err), 0);
        assert_memory_equal(&now, &newest, sizeof now);
    }
    assert_int_equal(add(db, 5000, "server 4", &err), 0);
    if (audit_check(&now, db, &err) < 0)
        fail_msg("%s", err.message);
    assert_memory_not_equal(&now, &newest, sizeof now);
}

// Whoever has written down the newest hash notices what the chain by itself does not show.
static void test_a_hash_that_was_written_down(void **state)
{
    struct store_world *world = *state;
    struct audit_hash   newest, now;
    struct error        err = { 0 };
    bool                has = false;

    add_three(world->db);
    assert_int_equal(audit_check(&newest, world->db, &err), 0);
    assert_int_equal(add(world->db, 4000, "server 4", &err), 0);
    assert_int_equal(audit_has(&has, world->db, &newest, &err), 0);
    assert_true(has);
    struct database *db = changed_copy(
        world, "DROP TRIGGER audit_events_stay; DELETE FROM audit_events WHERE id >= 3");
    assert_non_null(db);
    assert_int_equal(audit_check(&now, db, &err), 0);
    assert_int_equal(audit_has(&has, db, &newest, &err), 0);
    assert_false(has);
    database_close(db);
    // It is the last one that was dropped, and then one of those that were.
    assert_int_equal(STORED(world->db, audit_drop_before(world->db, 3500, &err)), 0);
    assert_int_equal(audit_has(&has, world->db, &newest, &err), 0);
    assert_true(has);
    assert_int_equal(STORED(world->db, audit_drop_before(world->db, 9000, &err)), 0);
    assert_int_equal(audit_has(&has, world->db, &newest, &err), 0);
    assert_false(has);
}

// A clock that was wrong for one event does not take away what came before it.
static void test_a_clock_that_was_wrong(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    struct statement   list = { 0 };
    struct audit_event event;
    struct audit_hash  newest;
    struct error       err = { 0 };

    add_three(db);
    assert_int_equal(add(db, 1, "server 4", &err), 0);
    assert_int_equal(STORED(db, audit_drop_before(db, 1500, &err)), 0);
    assert_int_equal(audit_check(&newest, db, &err), 0);
    assert_int_equal(audit_list_begin(&list, db, 3, &err), 0);
    assert_int_equal(audit_list_next(&event, &list, &err), 1);
    assert_int_equal(event.id, 2);
    assert_int_equal(audit_list_next(&event, &list, &err), 0);
    statement_done(&list);
}

static void add_and_drop(const char *path)
{
    struct database *db = NULL;
    struct error     err = { 0 };

    if (database_open(&db, path, &err) < 0)
        _exit(1);
    for (int64_t i = 0; i < 400; i++)
        if (add(db, 10000 + i, "server 1", &err) < 0 ||
            STORED(db, audit_drop_before(db, 10000 + i - 2, &err)) < 0)
            _exit(1);
    _exit(0);
}

static void test_checking_beside_who_drops(void **state)
{
    struct store_world *world = *state;
    struct audit_hash   newest;
    struct error        err = { 0 };
    char                path[128];
    int                 status;

    snprintf(path, sizeof path, "%s/db", world->dir->path);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0)
        add_and_drop(path);
    while (waitpid(pid, &status, WNOHANG) == 0)
        if (audit_check(&newest, world->db, &err) < 0)
            fail_msg("%s", err.message);
    assert_int_equal(status, 0);
}

// A character is not cut in two, and the chain is over what is stored.
static void test_long_texts_are_cut(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    static char        text[3 * AUDIT_TEXT_MAX];
    struct audit_event event = { .time_us = 1,
                                 .user_name = "",
                                 .origin = "",
                                 .action = "",
                                 .subject = "",
                                 .before = text,
                                 .after = text + 1 };
    struct statement   list = { 0 };
    struct audit_hash  newest;
    struct error       err = { 0 };

    for (size_t i = 0; i < sizeof text - 2; i += 2)
        memcpy(text + i, "\u00e4", 2);
    event.after = text + 2 * AUDIT_TEXT_MAX; // short enough
    event.after += 2 * ((sizeof text - 2 * AUDIT_TEXT_MAX) / 4);
    assert_int_equal(STORED(db, audit_add(db, &event, &err)), 0);
    assert_int_equal(audit_list_begin(&list, db, 0, &err), 0);
    assert_int_equal(audit_list_next(&event, &list, &err), 1);
    assert_in_range(strlen(event.before), AUDIT_TEXT_MAX - 6, AUDIT_TEXT_MAX - 1);
    assert_string_equal(event.before + strlen(event.before) - 5, "\u00e4\u2026");
    assert_in_range(strlen(event.after), 2, AUDIT_TEXT_MAX - 1);
    statement_done(&list);
    assert_int_equal(audit_check(&newest, db, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_list),
        IN_STORE(test_tampering_is_found),
        IN_STORE(test_a_hash_that_was_written_down),
        IN_STORE(test_old_ones_go),
        IN_STORE(test_a_clock_that_was_wrong),
        IN_STORE(test_checking_beside_who_drops),
        IN_STORE(test_long_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
