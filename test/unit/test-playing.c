// SPDX-License-Identifier: MIT
#include "store/playing.h"
#include "store/change.h"
#include "store/moved.h"
#include "store-things.h"

struct place {
    struct database *db;
    int64_t          server;
};

static const struct playing some = {
    .n_humans = 1, .n_max = 8, .map = "c1m1_hotel", .has_names = true
};

static struct place place_of(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);

    return (struct place){ db, things_server(db, "Friday", bill,
                                             things_blueprint(db, "plain", bill, false)) };
}

static bool set(struct place *place, const struct playing *playing,
                const struct playing_player *list, unsigned n, int64_t now)
{
    struct error err = { 0 };
    bool         is_new = false;

    if (STORED(place->db,
               playing_set(&is_new, place->db, place->server, playing, list, n, now, &err)) < 0)
        fail_msg("%s", err.message);
    return is_new;
}

// "name score joined-left; …", of those that are open or of all.
static void check(struct place *place, bool is_open, const char *want)
{
    AUTO(statement_done) struct statement row = { 0 };
    struct playing_session                session;
    struct error                          err = { 0 };
    char                                  text[512] = "";

    assert_int_equal(is_open ? playing_open_begin(&row, place->db, place->server, &err)
                             : playing_past_begin(&row, place->db, place->server, INT64_MAX, &err),
                     0);
    while (playing_next(&session, &row, &err) > 0)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %d %d-%d;", session.one.name,
                 (int)session.one.score, (int)session.one.joined_unix_s, (int)session.left_unix_s);
    assert_string_equal(text, want);
}

static bool is_noted(struct database *db, int64_t *after, enum change_topic topic)
{
    struct change change;
    struct error  err = { 0 };
    bool          is_it = false;

    while (change_next(&change, db, *after, &err) > 0) {
        is_it = is_it || change.topic == topic;
        *after = change.number;
    }
    return is_it;
}

static void test_coming_and_going(void **state)
{
    struct place                place = place_of(state);
    const struct playing_player ellis = { "Ellis", 0, 1000 }, later = { "Ellis", 4, 1003 };
    const struct playing_player both[] = { { "Ellis", 4, 998 },
                                           { "", 0, 1050 },
                                           { "Nick", 0, 1040 } };
    struct playing              found;
    struct error                err = { 0 };

    assert_int_equal(playing_find(&found, place.db, place.server, &err), 0);
    assert_true(set(&place, &some, &ellis, 1, 1010));
    assert_int_equal(playing_find(&found, place.db, place.server, &err), 1);
    assert_int_equal(found.n_humans, 1);
    assert_string_equal(found.map, "c1m1_hotel");
    check(&place, true, "Ellis 0 1000-0;");
    assert_false(set(&place, &some, &ellis, 1, 1015)); // the same
    assert_true(set(&place, &some, &later, 1, 1020));  // another score
    assert_false(set(&place, &some, &later, 1, 1025)); // and a little later, which is nothing
    assert_true(set(&place, &some, both, 3, 1050));
    check(&place, true, "Ellis 4 1000-0;Nick 0 1040-0;");
    assert_true(set(&place, &some, &both[2], 1, 1060));
    check(&place, true, "Nick 0 1040-0;");
    check(&place, false, "Nick 0 1040-0;Ellis 4 1000-1060;");
}

static void test_who_comes_again(void **state)
{
    struct place                place = place_of(state);
    const struct playing_player before = { "Ellis", 9, 1000 };
    const struct playing_player again = { "Ellis", 0, 1000 + PLAYING_AGAIN_S + 1 };

    assert_true(set(&place, &some, &before, 1, 1010));
    assert_true(set(&place, &some, &again, 1, 1040));
    check(&place, false, "Ellis 0 1031-0;Ellis 9 1000-1040;");
}

static void test_of_the_same_name(void **state)
{
    struct place                place = place_of(state);
    const struct playing_player list[] = { { "x", 1, 1000 }, { "x", 2, 1001 } };

    assert_true(set(&place, &some, list, 2, 1010));
    assert_false(set(&place, &some, list, 2, 1015));
    assert_true(set(&place, &some, list, 1, 1020));
    check(&place, true, "x 1 1000-0;");
}

// Without names nothing is known of who they are; without an answer nothing at all.
static void test_what_is_not_known(void **state)
{
    struct place                place = place_of(state);
    const struct playing        nameless = { .n_humans = 2, .n_max = 8, .map = "c2" };
    const struct playing_player ellis = { "Ellis", 0, 1000 };
    struct playing              found;
    struct error                err = { 0 };
    bool                        is_new = false;

    assert_true(set(&place, &some, &ellis, 1, 1010));
    assert_true(set(&place, &nameless, NULL, 0, 1020));
    check(&place, true, "Ellis 0 1000-0;");
    assert_int_equal(STORED(place.db, playing_forget(&is_new, place.db, place.server, &err)), 0);
    assert_true(is_new);
    assert_int_equal(playing_find(&found, place.db, place.server, &err), 0);
    check(&place, true, "Ellis 0 1000-0;");
    assert_int_equal(STORED(place.db, playing_forget(&is_new, place.db, place.server, &err)), 0);
    assert_false(is_new);
    assert_int_equal(STORED(place.db, playing_end(&is_new, place.db, place.server, 990, &err)), 0);
    assert_true(is_new);
    check(&place, false, "Ellis 0 1000-1000;");
    assert_int_equal(STORED(place.db, playing_end(&is_new, place.db, place.server, 990, &err)), 0);
    assert_false(is_new);
}

static void test_what_is_told(void **state)
{
    struct place                place = place_of(state);
    struct playing              more = some;
    const struct playing_player ellis = { "Ellis", 0, 1000 }, better = { "Ellis", 1, 1000 };
    int64_t                     at = 0, seen;

    assert_true(is_noted(place.db, &at, CHANGE_SERVER));
    for (unsigned i = 0; i < 2; i++) {
        more.n_humans = i + 5;
        assert_true(set(&place, &more, &ellis, 1, 1010));
        seen = at;
        assert_true(is_noted(place.db, &at, CHANGE_SERVER));
        assert_true(is_noted(place.db, &seen, CHANGE_PLAYERS));
    }
    assert_true(set(&place, &more, &better, 1, 1010));
    seen = at;
    assert_false(is_noted(place.db, &at, CHANGE_SERVER)); // a score is nothing to a list of servers
    assert_true(is_noted(place.db, &seen, CHANGE_PLAYERS));
}

static void test_many(void **state)
{
    static struct playing_player list[PLAYING_NAMES_MAX + 1];
    struct place                 place = place_of(state);

    for (unsigned i = 0; i < ELEMENTS(list); i++)
        snprintf(list[i].name, sizeof list[i].name, "%u", i);
    assert_true(set(&place, &some, list, ELEMENTS(list), 10));
    assert_false(set(&place, &some, list, ELEMENTS(list), 10));
    assert_true(set(&place, &some, NULL, 0, 20));
    check(&place, true, "");
}

static void test_a_server_that_goes(void **state)
{
    struct place                place = place_of(state);
    const struct playing_player ellis = { "Ellis", 0, 1000 };
    struct error                err = { 0 };
    int64_t                     at = 0;
    bool                        is_new;

    assert_true(set(&place, &some, &ellis, 1, 1010));
    assert_int_equal(STORED(place.db, server_remove(place.db, place.server, &err)), 0);
    check(&place, false, "");
    assert_false(is_noted(place.db, &at, CHANGE_PLAYERS));
    assert_int_equal(
        STORED(place.db, playing_set(&is_new, place.db, place.server, &some, NULL, 0, 1, &err)),
        -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_another_machine(void **state)
{
    struct place                place = place_of(state);
    const struct playing_player ellis = { "Ellis", 0, 1000 };
    struct playing              found;
    struct error                err = { 0 };

    assert_true(set(&place, &some, &ellis, 1, 1010));
    assert_int_equal(STORED(place.db, moved_settle(place.db, INT64_C(1234000000), &err)), 0);
    assert_int_equal(playing_find(&found, place.db, place.server, &err), 0);
    check(&place, false, "Ellis 0 1000-1234;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_coming_and_going),   IN_STORE(test_who_comes_again),
        IN_STORE(test_of_the_same_name),   IN_STORE(test_what_is_not_known),
        IN_STORE(test_what_is_told),       IN_STORE(test_many),
        IN_STORE(test_a_server_that_goes), IN_STORE(test_another_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
