// SPDX-License-Identifier: MIT
#include "store/change.h"
#include "store/grant.h"
#include "store-things.h"

static struct blueprint *find(struct database *db, int64_t id)
{
    struct blueprint *blueprint = NULL;
    struct error      err = { 0 };

    if (blueprint_find(&blueprint, db, id, VIEWER_ALL, &err) < 0)
        fail_msg("%s", err.message);
    return blueprint;
}

// One with all that one can have, of overlays 7 and 8.
static int64_t add_full(struct database *db, int64_t owner, struct error *err)
{
    char                     arguments[] = "[\"+map\",\"c1m1_hotel\"]", config[] = "a 1\nb 2\n";
    struct blueprint_overlay overlays[] = { { .overlay = 8, .exposes_server_cfg = true },
                                            { .overlay = 7 } };
    struct blueprint         blueprint = {
                .name = "coop",
                .owner = owner,
                .is_shared = true,
                .arguments = arguments,
                .config = config,
                .memory_bytes = UINT64_C(2) << 30,
                .cpu_percent = 150,
                .tasks = 300,
                .n_overlays = ELEMENTS(overlays),
                .overlays = overlays,
                .created_unix_s = NOW,
    };
    int64_t id = 0;

    return STORED(db, blueprint_add(&id, db, &blueprint, owner, err)) < 0 ? -1 : id;
}

static void check_full(const struct blueprint *blueprint)
{
    assert_string_equal(blueprint->arguments, "[\"+map\",\"c1m1_hotel\"]");
    assert_string_equal(blueprint->config, "a 1\nb 2\n");
    assert_true(blueprint->memory_bytes == UINT64_C(2) << 30 && blueprint->cpu_percent == 150);
    assert_int_equal(blueprint->tasks, 300);
    assert_int_equal(blueprint->n_overlays, 2);
    assert_true(blueprint->overlays[0].overlay == 8 && blueprint->overlays[0].exposes_server_cfg);
    assert_true(blueprint->overlays[1].overlay == 7 && !blueprint->overlays[1].exposes_server_cfg);
    assert_string_equal(blueprint->overlays[0].name, "mods");
    assert_int_equal(blueprint->overlays[1].type, OVERLAY_FILES);
}

static void test_a_blueprint(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    struct error     err = { 0 };

    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "mods", 0, true);
    int64_t id = add_full(db, bill, &err);
    if (id < 0)
        fail_msg("%s", err.message);
    AUTO(blueprint_freep) struct blueprint *blueprint = find(db, id);
    check_full(blueprint);
    assert_string_equal(blueprint->name, "coop");
    assert_string_equal(blueprint->owner_name, "bill");
    assert_true(blueprint->is_shared && blueprint->owner == bill && blueprint->n_servers == 0);
    assert_true(blueprint->revision == 1 && blueprint->created_unix_s == NOW);
    assert_int_equal(add_full(db, bill, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_string_equal(err.message, "there is a blueprint 'coop' already");
}

static void test_it_is_replaced(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    struct error     err = { 0 };

    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "mods", bill, false);
    int64_t                                 id = add_full(db, bill, &err);
    AUTO(blueprint_freep) struct blueprint *first = find(db, id), *second = find(db, id);
    struct blueprint_overlay                top = first->overlays[0];
    first->overlays[0] = first->overlays[1];
    first->overlays[1] = top;
    first->config[0] = 'z';
    first->tasks = 0;
    first->changed_unix_s = NOW + 5;
    if (STORED(db, blueprint_replace(db, first, bill, &err)) < 0)
        fail_msg("%s", err.message);
    // Who has not seen that does not undo it.
    assert_int_equal(STORED(db, blueprint_replace(db, second, bill, &err)), -1);
    assert_int_equal(err.kind, ERROR_CONFLICT);
    blueprint_freep(&second);
    second = find(db, id);
    assert_true(second->revision == 2 && second->tasks == 0 && second->config[0] == 'z');
    assert_true(second->overlays[0].overlay == 7 && second->overlays[1].overlay == 8);
    assert_int_equal(second->changed_unix_s, NOW + 5);
    second->id = 99;
    assert_int_equal(STORED(db, blueprint_replace(db, second, bill, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

// ---- what it does not take --------------------------------------------------------------------

static char too_long[BLUEPRINT_CONFIG_MAX + 1];

static void name_nothing(struct blueprint *blueprint)
{
    blueprint->name[0] = '\0';
}
static void name_controls(struct blueprint *blueprint)
{
    blueprint->name[0] = '\n';
}
static void give_many_arguments(struct blueprint *blueprint)
{
    blueprint->arguments = too_long;
}
static void give_much_config(struct blueprint *blueprint)
{
    blueprint->config = too_long;
}
static void give_little_memory(struct blueprint *blueprint)
{
    blueprint->memory_bytes = LIMIT_MEMORY_MIN - 1;
}
static void give_much_memory(struct blueprint *blueprint)
{
    blueprint->memory_bytes = UINT64_MAX;
}
static void give_few_tasks(struct blueprint *blueprint)
{
    blueprint->tasks = LIMIT_TASKS_MIN - 1;
}
static void give_many_processors(struct blueprint *blueprint)
{
    blueprint->cpu_percent = LIMIT_CPU_PERCENT_MAX + 1;
}
static void give_many_overlays(struct blueprint *blueprint)
{
    blueprint->n_overlays = BLUEPRINT_OVERLAYS_MAX + 1;
}
static void give_none(struct blueprint *blueprint)
{
    blueprint->overlays[0].overlay = 99;
}
static void give_zoeys(struct blueprint *blueprint)
{
    blueprint->overlays[0].overlay = 9;
}
static void give_the_game(struct blueprint *blueprint)
{
    blueprint->overlays[0].overlay = GAME_OVERLAY;
}
static void give_a_servers(struct blueprint *blueprint)
{
    blueprint->overlays[0].overlay = 10;
}
static void give_it_twice(struct blueprint *blueprint)
{
    blueprint->overlays[0].overlay = 7;
}

static const struct {
    const char *name;
    void (*spoil)(struct blueprint *blueprint);
    const char *want;
} refused[] = {
    { "no name", name_nothing, "has 1 to 64 bytes" },
    { "a bad name", name_controls, "no control characters" },
    { "arguments", give_many_arguments, "arguments are too long" },
    { "config", give_much_config, "config is too long" },
    { "little memory", give_little_memory, "the memory is" },
    { "much memory", give_much_memory, "the memory is" },
    { "tasks", give_few_tasks, "the tasks are 16 to 65536" },
    { "processors", give_many_processors, "the processors are 25600 percent at most" },
    { "many overlays", give_many_overlays, "has 248 overlays at most" },
    { "no overlay", give_none, "there is no overlay 99" },
    { "one he does not see", give_zoeys, "there is no overlay 9" },
    { "the game", give_the_game, "below all overlays by itself" },
    { "a server's", give_a_servers, "overlay 10 is a server's own" },
    { "twice", give_it_twice, "overlay 7 stands there twice" },
};

static void test_what_it_does_not_take(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    struct error     err = { 0 };

    memset(too_long, 'x', sizeof too_long - 1);
    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "mods", bill, false);
    things_overlay(db, 9, "hers", zoey, false);
    things_overlay(db, 10, "@s1", 0, false);
    int64_t id = add_full(db, bill, &err);
    int64_t server = things_server(db, "one", bill, id);
    assert_int_equal(STORED(db, server_set_overlay(db, server, 10, &err)), 0);
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        AUTO(blueprint_freep) struct blueprint *blueprint = find(db, id);
        char *arguments = blueprint->arguments, *config = blueprint->config;
        blueprint->name[3] = 'x'; // a new name, as a new one has
        refused[i].spoil(blueprint);
        assert_int_equal(STORED(db, blueprint_replace(db, blueprint, bill, &err)), -1);
        if (err.kind != ERROR_INVALID || !strstr(err.message, refused[i].want))
            fail_msg("%s: %d %s", refused[i].name, err.kind, err.message);
        int64_t another = 0;
        assert_int_equal(STORED(db, blueprint_add(&another, db, blueprint, bill, &err)), -1);
        if (err.kind != ERROR_INVALID || !strstr(err.message, refused[i].want))
            fail_msg("a new one: %s: %d %s", refused[i].name, err.kind, err.message);
        blueprint->arguments = arguments;
        blueprint->config = config;
    }
    AUTO(blueprint_freep) struct blueprint *after = find(db, id);
    check_full(after);
    assert_int_equal(after->revision, 1);
}

// What an admin has put there stays when its owner, who does not see it, changes something else.
static void test_what_it_has_it_keeps(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    struct error     err = { 0 };

    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "mods", bill, false);
    int64_t                                 id = add_full(db, bill, &err);
    AUTO(blueprint_freep) struct blueprint *blueprint = find(db, id);
    assert_int_equal(STORED(db, owned_overlay_set_owner(db, 8, 0, NOW, &err)), 0);
    assert_int_equal(STORED(db, blueprint_replace(db, blueprint, bill, &err)), 0);
    blueprint->revision++;
    blueprint->n_overlays = 0;
    assert_int_equal(STORED(db, blueprint_replace(db, blueprint, bill, &err)), 0);
    blueprint->revision++;
    blueprint->n_overlays = 2;
    assert_int_equal(STORED(db, blueprint_replace(db, blueprint, bill, &err)), -1);
    assert_string_equal(err.message, "there is no overlay 8");
    assert_int_equal(STORED(db, blueprint_replace(db, blueprint, VIEWER_ALL, &err)), 0);
}

// ---- who sees it ------------------------------------------------------------------------------

static unsigned may(struct database *db, int64_t id, int64_t viewer)
{
    AUTO(blueprint_freep) struct blueprint *found = NULL, *next = NULL;
    struct error                            err = { 0 };
    int                                     r = blueprint_find(&found, db, id, viewer, &err);

    assert_true(blueprint_next(&next, db, id - 1, viewer, &err) >= 0);
    assert_int_equal(next && next->id == id, r == 0);
    if (r < 0)
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
    return r < 0 ? 0 : found->may;
}

static void test_who_sees_it(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    int64_t          own = things_blueprint(db, "own", bill, false);
    int64_t          shared = things_blueprint(db, "shared", bill, true);

    assert_int_equal(may(db, own, bill), GRANT_ALL);
    assert_int_equal(may(db, own, VIEWER_ALL), GRANT_ALL);
    assert_int_equal(may(db, own, zoey), 0);
    assert_int_equal(may(db, shared, bill), GRANT_ALL);
    assert_int_equal(may(db, shared, zoey), GRANT_VIEW);
}

// ---- copies and ends --------------------------------------------------------------------------

static const char *name_of_copy(struct database *db, int64_t id, const char *name, int64_t owner)
{
    static char  text[NAME_MAX_BYTES];
    int64_t      copy = 0;
    struct error err = { 0 };

    if (STORED(db, blueprint_copy(&copy, db, id, name, owner, NOW, &err)) < 0)
        fail_msg("%s", err.message);
    AUTO(blueprint_freep) struct blueprint *found = find(db, copy);
    check_full(found);
    assert_true(found->owner == owner && !found->is_shared && found->revision == 1);
    snprintf(text, sizeof text, "%s", found->name);
    return text;
}

static void test_copies(void **state)
{
    static const char long_name[] = "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü12";
    struct database  *db = ((struct store_world *)*state)->db;
    int64_t           bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    int64_t           copy = 0;
    struct error      err = { 0 };

    things_overlay(db, 7, "maps", bill, false);
    things_overlay(db, 8, "mods", bill, false);
    int64_t id = add_full(db, bill, &err);
    assert_string_equal(name_of_copy(db, id, NULL, bill), "coop copy");
    assert_string_equal(name_of_copy(db, id, NULL, bill), "coop copy 2");
    assert_string_equal(name_of_copy(db, id, "versus", bill), "versus");
    assert_string_equal(name_of_copy(db, id, NULL, zoey), "coop copy");
    assert_int_equal(STORED(db, blueprint_copy(&copy, db, id, "Versus", bill, NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(STORED(db, blueprint_copy(&copy, db, id, "", bill, NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(STORED(db, blueprint_copy(&copy, db, 99, NULL, bill, NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    // A name that is too long for it is cut off, not within a character.
    assert_int_equal(STORED(db, blueprint_copy(&copy, db, id, long_name, bill, NOW, &err)), 0);
    const char *cut = name_of_copy(db, copy, NULL, bill);
    assert_string_equal(cut, "äöüäöüäöüäöüäöüäöüäöüäöüäöüäö copy");
}

static void test_what_is_used_stays(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), at = 0;
    int64_t          id = things_blueprint(db, "coop", bill, false);
    int64_t one = things_server(db, "one", bill, id), two = things_server(db, "two", bill, id);
    struct change change = { 0 };
    struct error  err = { 0 };

    assert_int_equal(STORED(db, blueprint_remove(db, id, VIEWER_ALL, &err)), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_non_null(strstr(err.message, "and 1 more use this blueprint"));
    assert_int_equal(STORED(db, blueprint_remove(db, id, VIEWER_NOBODY, &err)), -1);
    assert_string_equal(err.message, "2 servers use this blueprint");
    // Whoever shows its servers looks again.
    AUTO(blueprint_freep) struct blueprint *blueprint = find(db, id);
    assert_int_equal(blueprint->n_servers, 2);
    assert_int_equal(change_newest(&at, db, &err), 0);
    assert_int_equal(STORED(db, blueprint_replace(db, blueprint, bill, &err)), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(change_next(&change, db, at, &err), 1);
        assert_int_equal(change.topic, i == 0 ? CHANGE_BLUEPRINT : CHANGE_SERVER);
        at = change.number;
    }
    assert_int_equal(STORED(db, server_remove(db, two, &err)), 0);
    assert_int_equal(STORED(db, blueprint_remove(db, id, VIEWER_ALL, &err)), -1);
    assert_string_equal(err.message, "the server 'one' uses this blueprint");
    assert_int_equal(STORED(db, server_remove(db, one, &err)), 0);
    assert_int_equal(STORED(db, blueprint_remove(db, id, VIEWER_ALL, &err)), 0);
    assert_int_equal(STORED(db, blueprint_remove(db, id, VIEWER_ALL, &err)), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_it_is_given_away(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER), zoey = things_user(db, "zoey", 0);
    int64_t          id = things_blueprint(db, "coop", bill, false);
    struct error     err = { 0 };

    assert_int_equal(STORED(db, user_remove(db, bill, &err)), -1);
    assert_int_equal(STORED(db, blueprint_set_owner(db, id, 99, NOW, &err)), -1);
    assert_string_equal(err.message, "there is no such user");
    assert_int_equal(STORED(db, blueprint_set_owner(db, id, zoey, NOW, &err)), 0);
    assert_int_equal(may(db, id, zoey), GRANT_ALL);
    assert_int_equal(may(db, id, bill), 0);
    int64_t again = things_blueprint(db, "Coop", bill, false);
    assert_int_equal(STORED(db, blueprint_set_owner(db, again, zoey, NOW, &err)), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(STORED(db, blueprint_remove(db, again, VIEWER_ALL, &err)), 0);
    assert_int_equal(STORED(db, user_remove(db, bill, &err)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_blueprint),           IN_STORE(test_it_is_replaced),
        IN_STORE(test_what_it_does_not_take), IN_STORE(test_what_it_has_it_keeps),
        IN_STORE(test_who_sees_it),           IN_STORE(test_copies),
        IN_STORE(test_what_is_used_stays),    IN_STORE(test_it_is_given_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
