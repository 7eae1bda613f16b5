// SPDX-License-Identifier: MIT

// What the broker does for builds, and for overlays as a whole.

#include "verbs-world.h"

static void test_builds(void **state)
{
    struct fakebus    fake;
    struct reply      reply;
    struct build_spec spec;
    struct error      err = { 0 };
    char              want[256], id[16];

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    reply = ask_build_start(&fake, BUILD_UPDATE, GAME_OVERLAY);
    assert_int_equal(reply.kind, ERROR_NONE);
    uint32_t first = reply.build;
    snprintf(want, sizeof want, "tidy-build-create %u; start left4me-update@%u.service; ", first,
             first);
    assert_string_equal(fake.said, want);
    snprintf(id, sizeof id, "%u", first);
    assert_int_equal(specfile_read_build(&spec, id, &err), 0);
    assert_int_equal(spec.base_generation, 3);
    assert_int_equal(spec.new_generation, first);

    fake.is_over = false; // one at a time, and the caller learns which
    reply = ask_build_start(&fake, BUILD_UPDATE, GAME_OVERLAY);
    assert_int_equal(reply.kind, ERROR_BUSY);
    assert_int_equal(reply.build, first);
    assert_int_equal(ask_build(&fake, VERB_BUILD_REMOVE, first).kind, ERROR_BUSY);

    fake.is_over = true; // what a killed one left is collected
    reply = ask_build_start(&fake, BUILD_UPDATE, GAME_OVERLAY);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_int_equal(reply.build, first + 1);
    snprintf(want, sizeof want, "tidy-build-remove %u; ", first);
    assert_non_null(strstr(fake.said, want));
    assert_int_equal(specfile_read_build(&spec, id, &err), -1);

    assert_int_equal(ask_build(&fake, VERB_BUILD_STOP, first).kind, ERROR_NOT_FOUND);
    assert_int_equal(ask_build(&fake, VERB_BUILD_STOP, first + 1).kind, ERROR_NONE);

    // Only a failed publication may be asked for again.
    assert_int_equal(ask_build(&fake, VERB_PUBLISH, first + 1).kind, ERROR_DENIED);
    assert_null(strstr(fake.said, "start"));
    snprintf(fake.active_state, sizeof fake.active_state, "failed");
    assert_int_equal(ask_build(&fake, VERB_PUBLISH, first + 1).kind, ERROR_NONE);
    assert_non_null(strstr(fake.said, "start left4me-publish@"));

    assert_int_equal(ask_build(&fake, VERB_BUILD_REMOVE, first + 1).kind, ERROR_NONE);
    assert_int_equal(ask_build(&fake, VERB_BUILD_REMOVE, first + 1).kind, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builds),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-overlayverbs needs root for a mount namespace: %s\n",
                strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
