// SPDX-License-Identifier: MIT
#include "store/grant.h"
#include "store/live.h"
#include "store/setting.h"
#include "store-things.h"

// What is found by its owner, as it was made.
static void test_a_server(void **state)
{
    struct database *db = ((struct store_world *)*state)->db;
    int64_t          bill = things_user(db, "bill", ROLE_USER);
    int64_t          blueprint = things_blueprint(db, "plain", bill, false);
    int64_t          id = things_server(db, "coop", bill, blueprint);
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
    assert_int_equal(server.ports.game, 27015);
    assert_int_equal(server.ports.client, 22015);
    assert_int_equal(server.ports.tv, 32015);
    assert_true(!server.is_wanted && server.overlay == 0 && server.may == GRANT_ALL);
    assert_true(server.revision == 1 && server.created_unix_s == NOW);
    assert_int_equal(server_find_instance(&server, db, want, &err), 0);
    assert_int_equal(server.id, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(test_a_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
