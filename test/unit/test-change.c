// SPDX-License-Identifier: MIT
#include "store/change.h"
#include "store/job.h"
#include "store/setting.h"
#include "store/totp.h"
#include "store-things.h"

static const struct job_choice any = { "[]", "[]", "[]" };

static const char *next(struct database *db, int64_t *after)
{
    static char   text[64];
    struct change change;
    struct error  err = { 0 };
    int           r = change_next(&change, db, *after, &err);

    if (r < 0)
        fail_msg("%s", err.message);
    if (r == 0)
        return "none";
    *after = change.number;
    snprintf(text, sizeof text, "%s %d%s", change_topic_word(change.topic), (int)change.object,
             change.is_deleted ? " deleted" : "");
    return text;
}

static int64_t newest(struct database *db)
{
    int64_t      number = -1;
    struct error err = { 0 };

    assert_int_equal(change_newest(&number, db, &err), 0);
    return number;
}

static void note(struct database *db, enum change_topic topic, int64_t object, bool is_deleted)
{
    struct error err = { 0 };

    if (STORED(db, change_note(db, topic, object, is_deleted, &err)) < 0)
        fail_msg("%s", err.message);
}

static void test_in_their_order(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          at = 0, middle = 0;

    assert_int_equal(newest(db), 0);
    assert_string_equal(next(db, &at), "none");
    note(db, CHANGE_SERVER, 3, false);
    note(db, CHANGE_BLUEPRINT, 3, false);
    note(db, CHANGE_SERVER, 4, false);
    middle = newest(db);
    note(db, CHANGE_SERVER, 3, true);
    note(db, CHANGE_MACHINE, 0, false);
    // Of the first server its newest change alone.
    assert_string_equal(next(db, &at), "blueprint 3");
    assert_string_equal(next(db, &at), "server 4");
    assert_string_equal(next(db, &at), "server 3 deleted");
    assert_string_equal(next(db, &at), "machine 0");
    assert_string_equal(next(db, &at), "none");
    assert_int_equal(at, newest(db));
    assert_string_equal(next(db, &middle), "server 3 deleted");
}

// A number is never that of another change, not even of one that was replaced.
static void test_numbers_are_new(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          last = 0;

    for (unsigned i = 0; i < 5; i++) {
        note(db, CHANGE_JOB, 1, i % 2);
        assert_true(newest(db) > last);
        last = newest(db);
    }
}

static void test_what_is_taken_back(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    struct transaction transaction = { 0 };
    struct error       err = { 0 };

    assert_int_equal(transaction_begin(&transaction, db, &err), 0);
    assert_int_equal(change_note(db, CHANGE_USER, 1, false, &err), 0);
    transaction_done(&transaction);
    assert_int_equal(newest(db), 0);
}

// ---- who notes what ---------------------------------------------------------------------------

static void test_people(void **state)
{
    struct database   *db = ((struct store_world *)*state)->db;
    struct secret_hash codes[USER_RECOVERY_CODES] = { 0 };
    struct user_totp   totp = { .n = 20 };
    struct error       err = { 0 };
    int64_t            at = 0, bill = things_user(db, "bill", ROLE_ADMIN);

    for (size_t i = 0; i < ELEMENTS(codes); i++)
        codes[i].bytes[0] = (uint8_t)i;
    assert_string_equal(next(db, &at), "user 1");
    for (unsigned i = 0; i < 7; i++) {
        int r = i == 0   ? STORED(db, user_set_role(db, bill, ROLE_USER, &err))
                : i == 1 ? STORED(db, user_set_active(db, bill, true, &err))
                : i == 2 ? STORED(db, user_set_password_hash(db, bill, "$hash", &err))
                : i == 3 ? STORED(db, user_set_login(db, bill, NOW, &err))
                : i == 4 ? STORED(db, user_totp_begin(db, bill, &things_key, &totp, &err))
                : i == 5 ? STORED(db, user_totp_confirm(db, bill, 1, codes, &err))
                         : STORED(db, user_totp_remove(db, bill, &err));
        assert_int_equal(r, 0);
        assert_string_equal(next(db, &at), i == 4 ? "none" : "user 1"); // nothing is his yet
    }
    assert_int_equal(STORED(db, user_remove(db, bill, &err)), 0);
    assert_string_equal(next(db, &at), "user 1 deleted");
    assert_int_equal(STORED(db, setting_set(db, SETTING_REPAIR, "auto", NOW, &err)), 0);
    assert_string_equal(next(db, &at), "machine 0");
}

static void ask(struct database *db, const char *kind, int64_t *ret_id)
{
    struct job   job = { .asked_by_name = "bill" };
    bool         is_new = false;
    struct error err = { 0 };

    snprintf(job.kind, sizeof job.kind, "%s", kind);
    assert_int_equal(STORED(db, job_add(ret_id, &is_new, db, &job, &err)), 0);
}

static void take(struct database *db)
{
    struct job   job;
    struct error err = { 0 };

    (void)STORED(db, job_take(&job, db, "worker", &any, 1, 50, &err) < 0 ? -1 : 0);
}

static void renew(struct database *db, int64_t id, int progress)
{
    bool         is_cancelled;
    struct error err = { 0 };

    assert_int_equal(STORED(db, job_renew(&is_cancelled, db, id, "worker", 100, progress, &err)),
                     0);
}

static void test_jobs(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct job       job;
    struct error     err = { 0 };
    int64_t          at = 0, first = 0, second = 0;

    ask(db, "overlay.refresh", &first);
    assert_string_equal(next(db, &at), "job 1");
    ask(db, "overlay.refresh", &first); // it is that one
    assert_string_equal(next(db, &at), "none");
    ask(db, "overlay.collect", &second);
    assert_string_equal(next(db, &at), "job 2");
    assert_int_equal(STORED(db, job_wait_for(db, second, first, &err)), 0);
    take(db);
    assert_string_equal(next(db, &at), "job 1");
    renew(db, first, -1);
    assert_string_equal(next(db, &at), "none"); // a lease is nobody's news
    renew(db, first, 10);
    assert_string_equal(next(db, &at), "job 1");
    renew(db, first, 10);
    assert_string_equal(next(db, &at), "none");
    (void)STORED(db, job_take_over(&job, db, "another", 200, 300, &err) < 0 ? -1 : 0);
    assert_string_equal(next(db, &at), "job 1");
    assert_int_equal(STORED(db, job_cancel(db, first, 1, &err)), 0);
    assert_string_equal(next(db, &at), "job 1");
    assert_int_equal(STORED(db, job_end(db, first, "another", JOB_CANCELLED, NULL, "{}", 2, &err)),
                     0);
    assert_string_equal(next(db, &at), "job 1");
    // It fails, for what it has waited for did not succeed.
    take(db);
    assert_string_equal(next(db, &at), "job 2");
    assert_string_equal(next(db, &at), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_in_their_order),
        IN_STORE(test_numbers_are_new),
        IN_STORE(test_what_is_taken_back),
        IN_STORE(test_people),
        IN_STORE(test_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
