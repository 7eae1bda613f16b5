// SPDX-License-Identifier: MIT
#include "store/change.h"
#include "store/grant.h"
#include "store-things.h"

static void find(struct owned_overlay *ret, struct database *db, int64_t id)
{
    struct error err = { 0 };

    if (owned_overlay_find(ret, db, id, VIEWER_ALL, &err) < 0)
        fail_msg("%s", err.message);
}

static void test_an_overlay(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    struct owned_overlay overlay;
    struct error         err = { 0 };

    things_overlay(db, 7, "maps", bill, false);
    find(&overlay, db, 7);
    assert_true(overlay.id == 7 && overlay.type == OVERLAY_FILES && overlay.owner == bill);
    assert_string_equal(overlay.name, "maps");
    assert_string_equal(overlay.owner_name, "bill");
    assert_true(!overlay.is_shared && overlay.server == 0 && overlay.created_unix_s == NOW);
    assert_int_equal(STORED(db, owned_overlay_set_name(db, 7, "Maps 2", NOW + 1, &err)), 0);
    assert_int_equal(STORED(db, owned_overlay_set_shared(db, 7, true, NOW + 2, &err)), 0);
    assert_int_equal(STORED(db, owned_overlay_set_owner(db, 7, zoey, NOW + 3, &err)), 0);
    find(&overlay, db, 7);
    assert_string_equal(overlay.name, "Maps 2");
    assert_string_equal(overlay.owner_name, "zoey");
    assert_true(overlay.is_shared && overlay.changed_unix_s == NOW + 3);
    assert_int_equal(STORED(db, owned_overlay_set_owner(db, 7, 0, NOW, &err)), 0);
    find(&overlay, db, 7);
    assert_true(overlay.owner == 0 && !*overlay.owner_name);
    assert_int_equal(STORED(db, owned_overlay_remove(db, 7, &err)), 0);
    assert_int_equal(owned_overlay_find(&overlay, db, 7, VIEWER_ALL, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_string_equal(err.message, "there is no such overlay");
}

static void test_the_game(void **state)
{
    struct database     *db = ((struct store_world *)*state)->db;
    int64_t              bill = things_user(db, "bill", ROLE_USER);
    struct owned_overlay overlay;
    struct error         err = { 0 };

    assert_int_equal(owned_overlay_find(&overlay, db, GAME_OVERLAY, bill, &err), 0);
    assert_true(overlay.type == OVERLAY_GAME && overlay.may == GRANT_VIEW);
    assert_int_equal(STORED(db, owned_overlay_remove(db, GAME_OVERLAY, &err)), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
}

static void test_what_it_does_not_take(void **state)
{
    static const struct {
        const char     *name;
        enum error_kind want;
    } cases[] = {
        { "MAPS", ERROR_EXISTS }, // of another number
        { "", ERROR_INVALID },
        { " a", ERROR_INVALID },
        { "a ", ERROR_INVALID },
        { "a\nb", ERROR_INVALID },
        { "\xff", ERROR_INVALID },
        { "a\xe2\x80\xae", ERROR_INVALID }, // a mark of direction
        { "Ünïcode", ERROR_NONE },
        { "0123456789012345678901234567890123456789012345678901234567890123", ERROR_NONE },
    };
    struct database *db = ((struct store_world *)*state)->db;
    struct error     err = { 0 };

    things_overlay(db, 7, "maps", 0, false);
    things_overlay(db, 8, "mods", 0, false);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        err.kind = ERROR_NONE;
        int r = STORED(db, owned_overlay_set_name(db, 8, cases[i].name, NOW, &err));
        if (err.kind != cases[i].want || (r == 0) != (err.kind == ERROR_NONE))
            fail_msg("'%s': %d %s", cases[i].name, err.kind, err.message);
    }
    struct owned_overlay overlay = { .id = 7, .name = "other", .type = OVERLAY_FILES };
    assert_int_equal(STORED(db, owned_overlay_add(db, &overlay, &err)), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    overlay = (struct owned_overlay){ .id = 9, .name = "maps", .type = OVERLAY_FILES };
    assert_int_equal(STORED(db, owned_overlay_add(db, &overlay, &err)), -1);
    assert_string_equal(err.message, "there is an overlay 'maps' already");
    assert_int_equal(STORED(db, owned_overlay_set_owner(db, 7, 99, NOW, &err)), -1);
    assert_string_equal(err.message, "there is no such user");
    assert_int_equal(STORED(db, owned_overlay_set_shared(db, 99, true, NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(STORED(db, owned_overlay_remove(db, 99, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

// The same by find() and by next().
static void check_may(struct database *db, int64_t id, int64_t viewer, unsigned may)
{
    struct owned_overlay overlay = { 0 };
    struct error         err = { 0 };

    if (owned_overlay_find(&overlay, db, id, viewer, &err) < 0)
        overlay.may = 0;
    if (overlay.may != may)
        fail_msg("viewer %d: overlay %d: %u, not %u", (int)viewer, (int)id, overlay.may, may);
    int r = owned_overlay_next(&overlay, db, id - 1, viewer, &err);
    assert_true(r >= 0);
    assert_int_equal(r > 0 && overlay.id == id, may != 0);
    if (may)
        assert_int_equal(overlay.may, may);
}

static void test_who_sees_it(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    int64_t          louis = things_user(db, "louis", 0), francis = things_user(db, "francis", 0);
    int64_t      server = things_server(db, "coop", bill, things_blueprint(db, "b", bill, false));
    struct grant grants[] = { { .user = zoey, .may = GRANT_FILES },
                              { .user = louis, .may = GRANT_ALL & ~GRANT_FILES } };
    const struct {
        int64_t  id, viewer;
        unsigned may;
    } cases[] = {
        { 10, VIEWER_ALL, GRANT_ALL },
        { 10, bill, GRANT_ALL },
        { 10, zoey, 0 },
        { 11, VIEWER_ALL, GRANT_ALL },
        { 11, bill, GRANT_ALL },
        { 11, zoey, GRANT_VIEW },
        { 12, VIEWER_ALL, GRANT_ALL },
        { 12, bill, 0 },
        { 12, zoey, 0 },
        { 13, VIEWER_ALL, GRANT_ALL },
        { 13, bill, GRANT_VIEW },
        { 13, zoey, GRANT_VIEW },
        { 14, VIEWER_ALL, GRANT_ALL },
        { 14, bill, GRANT_ALL },
        { 14, louis, 0 },
        { 14, francis, 0 },
        { 14, zoey, GRANT_VIEW | GRANT_OPERATE | GRANT_FILES },
    };
    struct error err = { 0 };

    things_overlay(db, 10, "his", bill, false);
    things_overlay(db, 11, "his, shared", bill, true);
    things_overlay(db, 12, "the machine's", 0, false);
    things_overlay(db, 13, "the machine's, shared", 0, true);
    things_overlay(db, 14, "@s1", 0, false);
    assert_int_equal(STORED(db, server_set_overlay(db, server, 14, &err)), 0);
    assert_int_equal(STORED(db, grant_replace(db, server, grants, ELEMENTS(grants), &err)), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        check_may(db, cases[i].id, cases[i].viewer, cases[i].may);
    struct owned_overlay overlay;
    find(&overlay, db, 14);
    assert_int_equal(overlay.server, server);
}

static void put_into(struct database *db, int64_t blueprint, int64_t overlay)
{
    AUTO(blueprint_freep) struct blueprint *found = NULL;
    struct error                            err = { 0 };

    assert_int_equal(blueprint_find(&found, db, blueprint, VIEWER_ALL, &err), 0);
    found->n_overlays = 1; // there is room for one more than there are
    found->overlays[0] = (struct blueprint_overlay){ .overlay = overlay };
    if (STORED(db, blueprint_replace(db, found, VIEWER_ALL, &err)) < 0)
        fail_msg("%s", err.message);
}

static void test_what_is_used_stays(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), at = 0;
    int64_t          blueprint = things_blueprint(db, "coop", bill, false);
    int64_t          server = things_server(db, "one", bill, blueprint);
    struct change    change = { 0 };
    struct error     err = { 0 };

    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "@s1", 0, false);
    put_into(db, blueprint, 7);
    assert_int_equal(STORED(db, server_set_overlay(db, server, 8, &err)), 0);
    assert_int_equal(STORED(db, owned_overlay_remove(db, 7, &err)), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "1 blueprint uses this overlay");
    assert_int_equal(owned_overlay_check_unused(db, 7, bill, &err), -1);
    assert_string_equal(err.message, "the blueprint 'coop' uses this overlay");
    int64_t zoey = things_user(db, "zoey", ROLE_USER);
    int64_t hers = things_blueprint(db, "versus", zoey, false);
    put_into(db, hers, 7);
    assert_int_equal(owned_overlay_check_unused(db, 7, zoey, &err), -1);
    assert_string_equal(err.message, "the blueprint 'versus' and 1 more use this overlay");
    assert_int_equal(owned_overlay_check_unused(db, 7, VIEWER_NOBODY, &err), -1);
    assert_string_equal(err.message, "2 blueprints use this overlay");
    assert_int_equal(STORED(db, blueprint_remove(db, hers, VIEWER_ALL, &err)), 0);
    assert_int_equal(owned_overlay_check_unused(db, 8, VIEWER_ALL, &err), -1);
    assert_string_equal(err.message, "the server 'one' uses this overlay");
    // What shows its name is shown anew.
    assert_int_equal(change_newest(&at, db, &err), 0);
    assert_int_equal(STORED(db, owned_overlay_set_name(db, 7, "more maps", NOW, &err)), 0);
    assert_int_equal(change_next(&change, db, at, &err), 1);
    assert_true(change.topic == CHANGE_OVERLAY && change.object == 7);
    assert_int_equal(change_next(&change, db, change.number, &err), 1);
    assert_true(change.topic == CHANGE_BLUEPRINT && change.object == blueprint);
    // It goes with its server.
    assert_int_equal(STORED(db, server_remove(db, server, &err)), 0);
    struct owned_overlay overlay;
    assert_int_equal(owned_overlay_find(&overlay, db, 8, VIEWER_ALL, &err), -1);
    assert_int_equal(STORED(db, blueprint_remove(db, blueprint, VIEWER_ALL, &err)), 0);
    assert_int_equal(STORED(db, owned_overlay_remove(db, 7, &err)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_an_overlay),
        IN_STORE(test_the_game),
        IN_STORE(test_what_it_does_not_take),
        IN_STORE(test_who_sees_it),
        IN_STORE(test_what_is_used_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
