// SPDX-License-Identifier: MIT
#include "store/change.h"
#include "store/grant.h"
#include "store/live.h"
#include "store/setting.h"
#include "store-things.h"

static struct server find(struct database *db, int64_t id)
{
    struct server server = { 0 };
    struct error  err = { 0 };

    if (server_find(&server, db, id, VIEWER_ALL, &err) < 0)
        fail_msg("%s", err.message);
    return server;
}

// Bill's, of a blueprint of his.
static int64_t make(struct database *db, int64_t *ret_bill, int64_t *ret_blueprint)
{
    *ret_bill = things_user(db, "bill", ROLE_USER);
    *ret_blueprint = things_blueprint(db, "plain", *ret_bill, false);
    return things_server(db, "coop", *ret_bill, *ret_blueprint);
}

static int add(struct database *db, const struct server *server, struct error *err)
{
    int64_t id = 0;

    return STORED(db, server_add(&id, db, server, &things_key, NULL, err)) < 0 ? -1 : (int)id;
}

// What is found by its owner, as it was made.
static void test_a_server(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    struct server    server;
    struct error     err = { 0 };
    char             want[SERVER_INSTANCE_MAX];

    if (server_find(&server, db, id, bill, &err) < 0)
        fail_msg("%s", err.message);
    snprintf(want, sizeof want, "s%d", (int)id);
    assert_string_equal(server.instance, want);
    assert_string_equal(server.name, "coop");
    assert_string_equal(server.owner_name, "bill");
    assert_string_equal(server.blueprint_name, "plain");
    assert_string_equal(server.hostname, "");
    assert_true(server.ports.game == 27015 && server.ports.client == 22015);
    assert_int_equal(server.ports.tv, 32015);
    assert_true(!server.is_wanted && server.overlay == 0 && server.may == GRANT_ALL);
    assert_true(server.revision == 1 && server.created_unix_s == NOW);
    assert_int_equal(server_find_instance(&server, db, want, &err), 0);
    assert_int_equal(server.id, id);
    assert_int_equal(server_find_instance(&server, db, "s99", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(STORED(db, server_remove(db, id, &err)), 0);
    assert_int_equal(server_find(&server, db, id, bill, &err), -1);
    assert_int_equal(STORED(db, server_remove(db, id, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_true(things_server(db, "coop", bill, blueprint) > id); // its name was on the host
}

static void test_what_it_does_not_take(void **state)
{
    static char too_long[SERVER_HOSTNAME_MAX + 1];
    static const struct {
        const char   *name, *want;
        struct server server;
    } cases[] = {
        { "no name", "the name of a server has 1 to 64 bytes", { .blueprint = 1 } },
        { "a bad name", "no control characters", { .name = "a\tb", .blueprint = 1 } },
        { "no blueprint", "there is no such blueprint", { .name = "a", .blueprint = 77 } },
        { "hostname", "no control characters", { .name = "a", .blueprint = 1, .hostname = "\n" } },
        { "an instance of ours",
          "'s12' is a name that the page gives",
          { .name = "a", .blueprint = 1, .instance = "s12" } },
        { "a low port",
          "the port is a number from 6024 to 60535",
          { .name = "a", .blueprint = 1, .ports = { .game = 6023 } } },
        { "a high port",
          "the port is a number from 6024 to 60535",
          { .name = "a", .blueprint = 1, .ports = { .game = 60536 } } },
    };
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint;
    struct error     err = { 0 };

    (void)make(db, &bill, &blueprint);
    assert_int_equal(blueprint, 1);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct server server = cases[i].server;
        server.owner = bill;
        assert_int_equal(add(db, &server, &err), -1);
        if (err.kind != ERROR_INVALID || !strstr(err.message, cases[i].want))
            fail_msg("%s: %d %s", cases[i].name, err.kind, err.message);
    }
    memset(too_long, 'x', SERVER_HOSTNAME_MAX);
    struct server server = find(db, 1);
    memcpy(server.hostname, too_long, sizeof server.hostname); // without its NUL
    assert_int_equal(STORED(db, server_change(db, &server, &err)), -1);
    assert_string_equal(err.message, "the hostname has 120 bytes at most");
}

// ---- ports ------------------------------------------------------------------------------------

static void test_ports_are_chosen(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, first = make(db, &bill, &blueprint);
    struct server    server = { .name = "x", .owner = bill, .blueprint = blueprint };
    struct error     err = { 0 };

    assert_int_equal(STORED(db, setting_set(db, SETTING_PORT_TO, "27018", NOW, &err)), 0);
    assert_int_equal(find(db, first).ports.game, 27015);
    // Another one has for something else what a server on 27016 would need.
    server.ports = (struct server_ports){ .game = 40000, .client = 22016 };
    int odd = add(db, &server, &err);
    assert_true(find(db, odd).ports.client == 22016 && find(db, odd).ports.tv == 45000);
    server.ports = (struct server_ports){ 0 };
    int next = add(db, &server, &err);
    assert_int_equal(find(db, next).ports.game, 27017);
    assert_true(add(db, &server, &err) > 0);
    assert_int_equal(add(db, &server, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message,
                        "no port from 27015 to 27018 is free: an admin can set a wider range");
    assert_int_equal(STORED(db, server_remove(db, next, &err)), 0);
    assert_int_equal(find(db, add(db, &server, &err)).ports.game, 27017);
}

static void see(struct database *db, int64_t server, const char *status)
{
    AUTO(freep) char *text = strdup(status);
    struct live       live = { .state = LIVE_RUNNING, .status = text };
    struct error      err = { 0 };
    bool              is_new;

    if (STORED(db, live_set(&is_new, db, server, &live, &err)) < 0)
        fail_msg("%s", err.message);
}

// Of a server whose ports were changed, until it is started again.
static void test_ports_that_are_held(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    struct server    server = { .name = "x", .owner = bill, .blueprint = blueprint };
    struct error     err = { 0 };
    const struct {
        const char *status;
        uint16_t    game; // that is held; 0: none is
    } cases[] = {
        { "{}", 0 },
        { "{\"port\": 27015, \"mounted\": null, \"applied\": null}", 27015 },
        { "{\"port\": 28000, \"mounted\": {\"port\": 27015}}", 27015 },
        { "{\"port\": 28000, \"mounted\": {\"port\": 1, \"tv_port\": 32015}}", 27015 },
        { "{\"port\": 28000, \"mounted\": {\"port\": 1, \"client_port\": 22015}}", 27015 },
        { "{\"enabled\": true, \"applied\": {\"port\": 27015}}", 27015 },
        { "{\"enabled\": false, \"applied\": {\"port\": 27015}}", 0 },
    };

    struct server old = find(db, id);
    old.ports.game = 28000;
    assert_int_equal(STORED(db, server_change(db, &old, &err)), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        see(db, id, cases[i].status);
        server.ports = (struct server_ports){ 0 };
        int chosen = add(db, &server, &err);
        if (chosen < 0 || find(db, chosen).ports.game != (cases[i].game ? 27016 : 27015))
            fail_msg("case %zu: %s", i, chosen < 0 ? err.message : "another port");
        assert_int_equal(STORED(db, server_remove(db, chosen, &err)), 0);
        server.ports.game = 27015;
        chosen = add(db, &server, &err);
        if (cases[i].game ? chosen >= 0 || err.kind != ERROR_BUSY : chosen < 0)
            fail_msg("case %zu", i);
        if (chosen >= 0)
            assert_int_equal(STORED(db, server_remove(db, chosen, &err)), 0);
    }
    see(db, id, cases[2].status);
    assert_int_equal(add(db, &server, &err), -1);
    assert_string_equal(err.message, "port 27015, for the game, is in use by another server until "
                                     "that is started again: choose another port");
    // It may have its own again.
    old = find(db, id);
    old.ports.game = 27015;
    assert_int_equal(STORED(db, server_change(db, &old, &err)), 0);
}

static void test_ports_that_are_taken(void **state)
{
    static const struct {
        uint16_t    game;
        const char *want;
    } cases[] = {
        { 27015, "port 27015, for the game, is another server's: choose another port" },
        { 22015, "port 22015, for the game, is another server's: choose another port" },
        { 32015, "port 32015, for the game, is another server's: choose another port" },
        { 37015, "port 32015, for the client, is another server's: choose another port" },
        { 17015, "port 22015, for the tv, is another server's: choose another port" },
    };
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint;
    struct error     err = { 0 };

    (void)make(db, &bill, &blueprint);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct server server = {
            .name = "x", .owner = bill, .blueprint = blueprint, .ports.game = cases[i].game
        };
        assert_int_equal(add(db, &server, &err), -1);
        assert_int_equal(err.kind, ERROR_BUSY);
        assert_string_equal(err.message, cases[i].want);
    }
}

static void test_an_adopted_one(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, first = make(db, &bill, &blueprint), id = 0;
    struct server    server = { .name = "x",
                                .owner = bill,
                                .blueprint = blueprint,
                                .instance = "alpha",
                                .ports = { 28000, 28001, 28002 } };
    struct error     err = { 0 };
    char             password[SERVER_RCON_MAX];

    (void)first;
    assert_int_equal(STORED(db, server_add(&id, db, &server, &things_key, "changeme", &err)), 0);
    assert_string_equal(find(db, id).instance, "alpha");
    assert_int_equal(server_rcon_password(password, db, id, &things_key, &err), 0);
    assert_string_equal(password, "changeme");
    server.ports = (struct server_ports){ 0 };
    assert_int_equal(add(db, &server, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_string_equal(err.message, "'alpha' is on the page already");
    // Its ports stay what they are until another one is asked for.
    server = find(db, id);
    server.ports.game = 0;
    assert_int_equal(STORED(db, server_change(db, &server, &err)), 0);
    assert_int_equal(find(db, id).ports.tv, 28002);
    server.revision++;
    server.ports.game = 29000;
    assert_int_equal(STORED(db, server_change(db, &server, &err)), 0);
    assert_true(find(db, id).ports.tv == 34000 && find(db, id).ports.client == 24000);
}

// ---- changing ---------------------------------------------------------------------------------

static void test_it_is_changed(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t          other = things_blueprint(db, "other", bill, false);
    struct server    server = find(db, id);
    struct error     err = { 0 };

    snprintf(server.name, sizeof server.name, "versus");
    snprintf(server.hostname, sizeof server.hostname, "Versus by Bill");
    server.blueprint = other;
    server.changed_unix_s = NOW + 5;
    if (STORED(db, server_change(db, &server, &err)) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(STORED(db, server_change(db, &server, &err)), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    server = find(db, id);
    assert_string_equal(server.name, "versus");
    assert_string_equal(server.hostname, "Versus by Bill");
    assert_string_equal(server.blueprint_name, "other");
    assert_true(server.revision == 2 && server.changed_unix_s == NOW + 5);
    assert_int_equal(STORED(db, blueprint_remove(db, blueprint, VIEWER_ALL, &err)), 0);
    server.blueprint = blueprint;
    assert_int_equal(STORED(db, server_change(db, &server, &err)), -1);
    assert_string_equal(err.message, "there is no such blueprint");
    // What it is wanted to do is no change of what it is.
    assert_int_equal(STORED(db, server_set_wanted(db, id, true, &err)), 0);
    assert_true(find(db, id).is_wanted && find(db, id).revision == 2);
    assert_int_equal(STORED(db, server_set_wanted(db, 99, true, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    server.id = 99;
    assert_int_equal(STORED(db, server_change(db, &server, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_whom_it_concerns(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint), at = 0;
    int64_t          other = things_blueprint(db, "other", bill, false);
    struct server    server = find(db, id);
    struct change    change = { 0 };
    struct error     err = { 0 };

    server.blueprint = other;
    assert_int_equal(change_newest(&at, db, &err), 0);
    assert_int_equal(STORED(db, server_change(db, &server, &err)), 0);
    const struct {
        enum change_topic topic;
        int64_t           object;
    } want[] = { { CHANGE_BLUEPRINT, blueprint },
                 { CHANGE_BLUEPRINT, other },
                 { CHANGE_SERVER, id } };
    for (size_t i = 0; i < ELEMENTS(want); i++) {
        assert_int_equal(change_next(&change, db, at, &err), 1);
        assert_true(change.topic == want[i].topic && change.object == want[i].object);
        at = change.number;
    }
    assert_int_equal(change_next(&change, db, at, &err), 0);
}

static void test_its_password(void **state)
{
    static const char *const refused[] = { "", "short", "with a blank", "quote\"quote",
                                           "semi;colon" };
    struct database         *db = ((struct store_world *)*state)->db;
    int64_t                  bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t                  second = things_server(db, "two", bill, blueprint);
    char                     first[SERVER_RCON_MAX], other[SERVER_RCON_MAX];
    struct secret_key        another_key = { { 9 } };
    struct error             err = { 0 };

    assert_int_equal(server_rcon_password(first, db, id, &things_key, &err), 0);
    assert_int_equal(server_rcon_password(other, db, second, &things_key, &err), 0);
    assert_string_not_equal(first, other);
    assert_true(strlen(first) >= 32);
    assert_int_equal(server_rcon_password(other, db, id, &another_key, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
    assert_int_equal(server_rcon_password(other, db, 99, &things_key, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        assert_int_equal(
            STORED(db, server_set_rcon_password(db, id, &things_key, refused[i], NOW, &err)), -1);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    assert_int_equal(STORED(db, server_set_rcon_password(db, id, &things_key, NULL, NOW, &err)), 0);
    assert_int_equal(server_rcon_password(other, db, id, &things_key, &err), 0);
    assert_string_not_equal(first, other);
}

// What is sealed for one is of no use in the row of another.
static void test_a_password_that_is_moved(void **state)
{
    static const struct query move =
        QUERY("UPDATE servers SET rcon_sealed = (SELECT rcon_sealed FROM servers WHERE id = 1) "
              "WHERE id = :id");
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, first = make(db, &bill, &blueprint);
    int64_t          second = things_server(db, "two", bill, blueprint);
    char             password[SERVER_RCON_MAX];
    struct error     err = { 0 };

    assert_int_equal(first, 1);
    assert_int_equal(database_run(db, &move, ":id", second, NULL, &err), 0);
    assert_int_equal(server_rcon_password(password, db, second, &things_key, &err), -1);
    assert_int_equal(err.kind, ERROR_DENIED);
}

// ---- who sees it, and what he may -------------------------------------------------------------

static unsigned may(struct database *db, int64_t id, int64_t viewer)
{
    const struct server_filter filter = { .viewer = viewer };
    struct server              server = { 0 }, next = { 0 };
    struct error               err = { 0 };
    int                        r = server_find(&server, db, id, viewer, &err);

    assert_true(server_next(&next, db, id - 1, &filter, &err) >= 0);
    assert_int_equal(next.id == id, r == 0);
    if (r == 0)
        assert_int_equal(next.may, server.may);
    return r < 0 ? 0 : server.may;
}

static void test_grants(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t          zoey = things_user(db, "zoey", 0), louis = things_user(db, "louis", 0);
    int64_t          other = things_server(db, "other", zoey, blueprint);
    struct grant     grants[] = { { .user = zoey, .may = GRANT_OPERATE },
                                  { .user = louis, .may = GRANT_VIEW } };
    struct grant     found = { 0 };
    struct error     err = { 0 };

    assert_int_equal(may(db, id, zoey), 0);
    assert_int_equal(STORED(db, grant_replace(db, id, grants, 2, &err)), 0);
    assert_int_equal(may(db, id, zoey), GRANT_VIEW | GRANT_OPERATE);
    assert_int_equal(may(db, id, louis), GRANT_VIEW);
    assert_int_equal(may(db, other, louis), 0);
    assert_int_equal(may(db, id, bill), GRANT_ALL);
    assert_int_equal(may(db, id, VIEWER_ALL), GRANT_ALL);
    assert_int_equal(grant_next(&found, db, id, 0, &err), 1);
    assert_true(found.user == zoey && found.may == (GRANT_VIEW | GRANT_OPERATE));
    assert_string_equal(found.user_name, "zoey");
    assert_int_equal(grant_next(&found, db, id, zoey, &err), 1);
    assert_int_equal(grant_next(&found, db, id, louis, &err), 0);
    assert_int_equal(STORED(db, grant_replace(db, id, grants + 1, 1, &err)), 0);
    assert_int_equal(may(db, id, zoey), 0);
    // With him goes what he was granted.
    assert_int_equal(STORED(db, user_remove(db, louis, &err)), 0);
    assert_int_equal(grant_next(&found, db, id, 0, &err), 0);
}

static void test_grants_that_are_none(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t          zoey = things_user(db, "zoey", 0);
    const struct {
        struct grant grants[2];
        size_t       n;
        const char  *want;
    } cases[] = {
        { { { .user = bill, .may = GRANT_VIEW } }, 1, "the owner of a server may do everything" },
        { { { .user = 99, .may = GRANT_VIEW } }, 1, "there is no user 99" },
        { { { .user = zoey, .may = 0 } }, 1, "is granted nothing" },
        { { { .user = zoey, .may = GRANT_ALL + 1 } }, 1, "is granted nothing" },
        { { { .user = zoey, .may = 1 }, { .user = zoey, .may = 2 } }, 2, "stands there twice" },
        { { { .user = 0 } }, GRANT_USERS_MAX + 1, "for 256 users at most" },
    };
    struct error err = { 0 };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(STORED(db, grant_replace(db, id, cases[i].grants, cases[i].n, &err)), -1);
        if (err.kind != ERROR_INVALID || !strstr(err.message, cases[i].want))
            fail_msg("%s: %s", cases[i].want, err.message);
    }
    assert_int_equal(STORED(db, grant_replace(db, 99, NULL, 0, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_words_of_grants(void **state)
{
    struct error err = { 0 };
    unsigned     bit = 0, all = 0;

    (void)state;
    for (unsigned i = 0; i < GRANT_WORDS; i++) {
        assert_int_equal(grant_parse(&bit, grant_word(i), &err), 0);
        assert_int_equal(bit, 1u << i);
        all |= bit;
    }
    assert_int_equal(all, GRANT_ALL);
    assert_string_equal(grant_word(3), "files");
    assert_int_equal(grant_parse(&bit, "all", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

static void test_what_somebody_may(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t          zoey = things_user(db, "zoey", 0), francis = things_user(db, "francis", 0);
    int64_t          admin = things_user(db, "admin", ROLE_ADMIN);
    struct grant     grants[] = { { .user = zoey, .may = GRANT_CONSOLE } };
    const struct {
        int64_t  user;
        unsigned want;
    } cases[] = { { bill, GRANT_ALL },
                  { admin, GRANT_ALL },
                  { zoey, GRANT_VIEW | GRANT_CONSOLE },
                  { francis, 0 } };
    struct error err = { 0 };

    assert_int_equal(STORED(db, grant_replace(db, id, grants, 1, &err)), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct user user;
        assert_int_equal(user_find(&user, db, cases[i].user, &err), 0);
        assert_int_equal(may(db, id, user_viewer(&user)), cases[i].want);
    }
}

static void test_it_is_given_away(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t          zoey = things_user(db, "zoey", 0);
    struct grant     grants[] = { { .user = zoey, .may = GRANT_FILES } };
    struct grant     found;
    struct error     err = { 0 };

    assert_int_equal(STORED(db, grant_replace(db, id, grants, 1, &err)), 0);
    assert_int_equal(STORED(db, server_set_owner(db, id, 99, NOW, &err)), -1);
    assert_string_equal(err.message, "there is no such user");
    assert_int_equal(STORED(db, server_set_owner(db, id, zoey, NOW, &err)), 0);
    assert_int_equal(may(db, id, zoey), GRANT_ALL);
    assert_int_equal(may(db, id, bill), 0);
    assert_int_equal(grant_next(&found, db, id, 0, &err), 0); // she needs none
}

static unsigned count(struct database *db, const struct server_filter *filter)
{
    struct server server = { 0 };
    struct error  err = { 0 };
    unsigned      n = 0;
    int           r;

    for (; (r = server_next(&server, db, server.id, filter, &err)) > 0; n++)
        ;
    assert_int_equal(r, 0);
    return n;
}

static void test_lists(void **state)
{
    struct database         *db = ((struct store_world *)*state)->db;
    int64_t                  bill, blueprint, id = make(db, &bill, &blueprint);
    int64_t                  zoey = things_user(db, "zoey", 0);
    int64_t                  other = things_blueprint(db, "other", bill, true);
    struct blueprint_overlay overlays[] = { { .overlay = 7 } };
    struct error             err = { 0 };

    (void)things_server(db, "one", bill, other);
    (void)things_server(db, "two", zoey, other);
    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "@s1", 0, false);
    AUTO(blueprint_freep) struct blueprint *found = NULL;
    assert_int_equal(blueprint_find(&found, db, other, VIEWER_ALL, &err), 0);
    struct blueprint changed = *found;
    changed.n_overlays = 1;
    changed.overlays = overlays;
    assert_int_equal(STORED(db, blueprint_replace(db, &changed, bill, &err)), 0);
    assert_int_equal(STORED(db, server_set_overlay(db, id, 8, &err)), 0);
    const struct {
        struct server_filter filter;
        unsigned             want;
    } cases[] = {
        { { 0 }, 3 },
        { { .viewer = bill }, 2 },
        { { .viewer = zoey }, 1 },
        { { .blueprint = blueprint }, 1 },
        { { .blueprint = other }, 2 },
        { { .blueprint = other, .viewer = zoey }, 1 },
        { { .overlay = 7 }, 2 },
        { { .overlay = 8 }, 1 },
        { { .overlay = 9 }, 0 },
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (count(db, &cases[i].filter) != cases[i].want)
            fail_msg("case %zu", i);
}

// ---- what it does -----------------------------------------------------------------------------

static bool set(struct database *db, int64_t id, enum live_state live_state, const char *status)
{
    struct live  live = { .state = live_state, .changed_us = 5, .status = strdup(status) };
    bool         is_new = false;
    struct error err = { 0 };

    if (STORED(db, live_set(&is_new, db, id, &live, &err)) < 0)
        fail_msg("%s", err.message);
    live_done(&live);
    return is_new;
}

static void check_live(struct database *db, int64_t id, enum live_state want, const char *status)
{
    AUTO(live_done) struct live live = { 0 };
    struct error                err = { 0 };

    assert_int_equal(live_find(&live, db, id, &err), 0);
    assert_int_equal(live.state, want);
    assert_string_equal(live.status, status);
    assert_int_equal(live.changed_us, want == LIVE_UNKNOWN ? 0 : 5);
}

static void test_what_it_does(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill, blueprint, id = make(db, &bill, &blueprint), before = 0, after = 0;
    struct live      live = { .state = LIVE_RUNNING };
    bool             is_new = false;
    struct error     err = { 0 };

    check_live(db, id, LIVE_UNKNOWN, "");
    assert_true(set(db, id, LIVE_STARTING, ""));
    check_live(db, id, LIVE_STARTING, "");
    assert_true(set(db, id, LIVE_RUNNING, "{\"pid\":1}"));
    check_live(db, id, LIVE_RUNNING, "{\"pid\":1}");
    // What was known is nobody's news.
    assert_int_equal(change_newest(&before, db, &err), 0);
    assert_false(set(db, id, LIVE_RUNNING, "{\"pid\":1}"));
    assert_int_equal(change_newest(&after, db, &err), 0);
    assert_true(after == before);
    assert_true(set(db, id, LIVE_RUNNING, "{\"pid\":2}"));
    assert_int_equal(STORED(db, live_set(&is_new, db, 99, &live, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    live.status = malloc(LIVE_STATUS_MAX + 1);
    memset(live.status, 'x', LIVE_STATUS_MAX);
    live.status[LIVE_STATUS_MAX] = '\0';
    assert_int_equal(STORED(db, live_set(&is_new, db, id, &live, &err)), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    live_done(&live);
    assert_int_equal(STORED(db, server_remove(db, id, &err)), 0);
    check_live(db, id, LIVE_UNKNOWN, "");
}

static void test_words_of_states(void **state)
{
    (void)state;
    for (int i = 0; i < LIVE_STATES; i++)
        assert_int_equal(live_state_of(live_state_word((enum live_state)i)), i);
    assert_int_equal(live_state_of("asleep"), LIVE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_server),
        IN_STORE(test_what_it_does_not_take),
        IN_STORE(test_ports_are_chosen),
        IN_STORE(test_ports_that_are_taken),
        IN_STORE(test_ports_that_are_held),
        IN_STORE(test_an_adopted_one),
        IN_STORE(test_it_is_changed),
        IN_STORE(test_whom_it_concerns),
        IN_STORE(test_its_password),
        IN_STORE(test_a_password_that_is_moved),
        IN_STORE(test_grants),
        IN_STORE(test_grants_that_are_none),
        cmocka_unit_test(test_words_of_grants),
        IN_STORE(test_what_somebody_may),
        IN_STORE(test_it_is_given_away),
        IN_STORE(test_lists),
        IN_STORE(test_what_it_does),
        cmocka_unit_test(test_words_of_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
