// SPDX-License-Identifier: MIT
#include "store/grant.h"
#include "store/live.h"
#include "store/right.h"
#include "store-things.h"
#include "work/kinds.h"

// Who there is: zoey has the things, louis is granted something, ellis sees what is shared.
struct people {
    int64_t bill, zoey, louis, ellis, server;
};

static struct people people_of(struct database *db, unsigned may)
{
    struct people people = { .bill = things_user(db, "bill", ROLE_ADMIN),
                             .zoey = things_user(db, "zoey", ROLE_USER),
                             .louis = things_user(db, "louis", ROLE_USER),
                             .ellis = things_user(db, "ellis", ROLE_USER) };
    struct grant  grant = { .user = people.louis, .may = may };
    struct error  err = { 0 };

    people.server =
        things_server(db, "s", people.zoey, things_blueprint(db, "b", people.zoey, false));
    things_overlay(db, 7, "hers", people.zoey, false);
    things_overlay(db, 8, "hers, shared", people.zoey, true);
    if (STORED(db, grant_replace(db, people.server, &grant, 1, &err)) < 0)
        fail_msg("%s", err.message);
    return people;
}

static struct job job_of(const char *kind, int64_t user, int64_t server, int64_t overlay,
                         const char *parameters)
{
    struct job job = { .server = server, .overlay = overlay, .asked_by = user };

    snprintf(job.kind, sizeof job.kind, "%s", kind);
    snprintf(job.asked_by_name, sizeof job.asked_by_name, "somebody");
    snprintf(job.parameters, sizeof job.parameters, "%s", parameters);
    return job;
}

static enum error_kind check(struct database *db, const struct job *job)
{
    struct error err = { 0 };

    return right_check(db, job, &err) == 0 ? ERROR_NONE : err.kind;
}

static void test_who_may(void **state)
{
    struct database    *db = ((struct store_world *)*state)->db;
    const struct people who = people_of(db, GRANT_OPERATE | GRANT_FILES);
    const struct {
        const char *kind, *parameters;
        int64_t     user, server, overlay;
        bool        may;
    } cases[] = {
        { "server.start", "", who.zoey, who.server, 0, true },
        { "server.start", "", who.louis, who.server, 0, true },
        { "server.start", "", who.ellis, who.server, 0, false },
        { "server.start", "", who.bill, who.server, 0, true },
        { "server.start", "", 0, who.server, 0, true },
        { "server.start", "", 99, who.server, 0, false },
        { "server.start", "", who.zoey, 99, 0, false },
        { "server.delete", "", who.louis, who.server, 0, false },
        { "server.drop", "{\"path\":\"a\"}", who.louis, who.server, 0, true },
        { "server.keep", "{\"path\":\"a\"}", who.louis, who.server, 0, true },
        { "server.keep", "{\"path\":\"a\",\"to\":7}", who.louis, who.server, 0, false },
        { "server.keep", "{\"path\":\"a\",\"to\":8}", who.louis, who.server, 0, false },
        { "server.keep", "{\"path\":\"a\",\"to\":7}", who.zoey, who.server, 0, true },
        { "overlay.build", "", who.zoey, 0, 7, true },
        { "overlay.build", "", who.louis, 0, 7, false },
        { "overlay.build", "", who.louis, 0, 8, false },
        { "overlay.build", "", who.bill, 0, 7, true },
        { "overlay.create", "", who.ellis, 0, 0, true },
        { "overlay.collect", "", who.zoey, 0, 0, false },
        { "game.install", "", who.zoey, 0, GAME_OVERLAY, false },
        { "game.install", "", who.bill, 0, GAME_OVERLAY, true },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct job job = job_of(cases[i].kind, cases[i].user, cases[i].server, cases[i].overlay,
                                cases[i].parameters);
        if (check(db, &job) != (cases[i].may ? ERROR_NONE : ERROR_DENIED))
            fail_msg("case %zu: %s", i, cases[i].kind);
    }
}

static void test_who_may_no_longer(void **state)
{
    struct database    *db = ((struct store_world *)*state)->db;
    const struct people who = people_of(db, GRANT_OPERATE);
    struct job          job = job_of("server.start", who.louis, who.server, 0, "");
    struct error        err = { 0 };

    assert_int_equal(STORED(db, user_set_active(db, who.louis, false, &err)), 0);
    assert_int_equal(check(db, &job), ERROR_DENIED);
    assert_int_equal(STORED(db, user_set_active(db, who.louis, true, &err)), 0);
    assert_int_equal(check(db, &job), ERROR_NONE);
    assert_int_equal(STORED(db, grant_replace(db, who.server, NULL, 0, &err)), 0);
    assert_int_equal(check(db, &job), ERROR_DENIED);
}

// A kind without a row would be refused to all.
static void test_every_kind(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    struct job       job = job_of("server.dance", 0, 0, 0, "");

    assert_int_equal(check(db, &job), ERROR_INVALID);
    for (const struct kind *kind = NULL; (kind = kind_next(kind));) {
        job = job_of(kind->name, 0, 0, 0, "");
        if (check(db, &job) != ERROR_NONE)
            fail_msg("%s has no row in right.c", kind->name);
    }
}

static int64_t add(struct database *db, const struct job *job)
{
    struct error err = { 0 };
    int64_t      id = 0;
    bool         is_new;

    if (STORED(db, job_add(&id, &is_new, db, job, &err)) < 0)
        fail_msg("%s", err.message);
    return id;
}

static bool is_wanted(struct database *db, int64_t server)
{
    struct server row;
    struct error  err = { 0 };

    if (server_find(&row, db, server, VIEWER_ALL, &err) < 0)
        fail_msg("%s", err.message);
    return row.is_wanted;
}

static void test_what_is_wanted(void **state)
{
    struct database    *db = ((struct store_world *)*state)->db;
    const struct people who = people_of(db, GRANT_OPERATE);
    struct job          start = job_of("server.start", who.louis, who.server, 0, "");
    struct job          stop = job_of("server.stop", who.zoey, who.server, 0, "");
    struct live         live = { .state = LIVE_RUNNING };
    struct error        err = { 0 };
    bool                is_new;

    // Nobody has wanted anything: what it does.
    start.id = add(db, &start);
    assert_int_equal(STORED(db, server_set_wanted(db, who.server, true, &err)), 0);
    assert_int_equal(STORED(db, right_forget_wish(db, &start, &err)), 0);
    assert_false(is_wanted(db, who.server));
    assert_int_equal(STORED(db, live_set(&is_new, db, who.server, &live, &err)), 0);
    assert_int_equal(STORED(db, right_forget_wish(db, &start, &err)), 0);
    assert_true(is_wanted(db, who.server));
    // One that has not been refused, whether older or newer.
    stop.id = add(db, &stop);
    assert_int_equal(STORED(db, right_forget_wish(db, &start, &err)), 0);
    assert_false(is_wanted(db, who.server));
    // Of one that is gone nothing is wanted.
    stop.server = 99;
    assert_int_equal(STORED(db, right_forget_wish(db, &stop, &err)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_who_may),
        IN_STORE(test_who_may_no_longer),
        IN_STORE(test_every_kind),
        IN_STORE(test_what_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
