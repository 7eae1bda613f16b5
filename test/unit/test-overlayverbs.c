// SPDX-License-Identifier: MIT

// What the broker does for builds, and for overlays as a whole.

#include "overlayverbs-world.h"

// ---- builds -------------------------------------------------------------------------------------

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

// What is asked for one of each kind, and what its builder is told.
static void test_kinds_of_builds(void **state)
{
    static const struct {
        enum build_kind   kind;
        enum overlay_type type;
        uint32_t          flags;
        const char       *unit;
        bool              is_wiped, has_dirs;
    } cases[] = {
        { BUILD_UPDATE, OVERLAY_GAME, 0, "left4me-update", false, true },
        { BUILD_UPDATE, OVERLAY_GAME, BUILD_FRESH, "left4me-update", false, true },
        { BUILD_SCRIPT, OVERLAY_SCRIPT, 0, "left4me-script", false, true },
        { BUILD_SCRIPT, OVERLAY_SCRIPT, BUILD_FRESH, "left4me-script", true, true },
        { BUILD_SCRIPT, OVERLAY_SCRIPT, BUILD_FRESH | BUILD_HOLD, "left4me-script", true, true },
        { BUILD_WORKSHOP, OVERLAY_WORKSHOP, BUILD_HOLD, "left4me-workshop", false, true },
        { BUILD_WORKSHOP, OVERLAY_WORKSHOP, BUILD_FRESH, "left4me-workshop", false, true },
        { BUILD_FILES, OVERLAY_FILES, 0, "left4me-files", false, true },
        { BUILD_SELECT, OVERLAY_GAME, 0, "left4me-publish", false, false },
        { BUILD_SELECT, OVERLAY_SCRIPT, 0, "left4me-publish", false, false },
        { BUILD_SELECT, OVERLAY_WORKSHOP, 0, "left4me-publish", false, false },
        { BUILD_SELECT, OVERLAY_FILES, BUILD_FRESH, "left4me-publish", false, false },
        { BUILD_COLLECT, OVERLAY_GAME, 0, "left4me-publish", false, false },
        { BUILD_COLLECT, OVERLAY_FILES, 0, "left4me-publish", false, false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct build_spec spec;
        struct error      err = { 0 };
        char              wiped[64] = "", made[64] = "", id[16];
        FAKE(fake);

        uint32_t overlay =
            cases[i].type == OVERLAY_GAME ? GAME_OVERLAY : make_overlay(cases[i].type);
        struct request_build_start request = started(cases[i].kind, overlay);
        request.flags = cases[i].flags;
        request.output_max_bytes = OUTPUT_MAX_MIN + i;
        struct reply reply = ask(&fake, &request, sizeof request);
        assert_int_equal(reply.kind, ERROR_NONE);
        if (cases[i].is_wiped)
            snprintf(wiped, sizeof wiped, "tidy-overlay-wipe %u; ", overlay);
        if (cases[i].has_dirs)
            snprintf(made, sizeof made, "tidy-build-create %u; ", reply.build);
        assert_said(&fake, "%s%sstart %s@%u.service; ", wiped, made, cases[i].unit, reply.build);
        snprintf(id, sizeof id, "%u", reply.build);
        assert_int_equal(specfile_read_build(&spec, id, &err), 0);
        assert_int_equal(spec.kind, cases[i].kind);
        assert_int_equal(spec.overlay, overlay);
        assert_int_equal(spec.flags, cases[i].flags);
        assert_int_equal(spec.keep, 2);
        assert_int_equal(spec.output_max_bytes, OUTPUT_MAX_MIN + i);
        assert_int_equal(spec.new_generation, reply.build);

        assert_int_equal(ask_build(&fake, VERB_BUILD_STOP, reply.build).kind, ERROR_NONE);
        assert_said(&fake, "stop %s@%u.service; ", cases[i].unit, reply.build);
        assert_int_equal(ask_build(&fake, VERB_BUILD_REMOVE, reply.build).kind, ERROR_NONE);
        assert_false(has_build(reply.build));
        if (overlay != GAME_OVERLAY)
            drop_overlay(overlay);
    }
}

// What an overlay is made from is fixed when it is made.
static void test_no_build_over_an_overlay_of_another_type(void **state)
{
    static const enum build_kind makes[] = {
        [OVERLAY_GAME] = BUILD_UPDATE,
        [OVERLAY_SCRIPT] = BUILD_SCRIPT,
        [OVERLAY_WORKSHOP] = BUILD_WORKSHOP,
        [OVERLAY_FILES] = BUILD_FILES,
    };
    FAKE(fake);

    (void)state;
    for (enum overlay_type type = OVERLAY_GAME; type < OVERLAY_TYPE_COUNT; type++) {
        uint32_t overlay = type == OVERLAY_GAME ? GAME_OVERLAY : make_overlay(type);
        for (enum build_kind kind = BUILD_SCRIPT; kind <= BUILD_FILES; kind++) {
            if (kind == makes[type])
                continue;
            struct reply reply = ask_build_start(&fake, kind, overlay);
            assert_int_equal(reply.kind, ERROR_INVALID);
            assert_non_null(strstr(reply.message, "is not of the type"));
            assert_string_equal(fake.said, "");
            assert_int_equal(reply.build, 0);
        }
        if (type != OVERLAY_GAME)
            drop_overlay(overlay);
    }
    for (enum build_kind kind = BUILD_SCRIPT; kind < BUILD_KIND_COUNT; kind++) {
        struct reply reply = ask_build_start(&fake, kind, NUMBER_MAX);
        assert_int_equal(reply.kind, ERROR_NOT_FOUND);
        assert_string_equal(reply.message, "overlay 2147483647 does not exist");
        assert_string_equal(fake.said, "");
    }
}

static void test_every_field_of_a_build_has_a_range(void **state)
{
    const struct request_build_start good = started(BUILD_UPDATE, GAME_OVERLAY);
    struct fakebus                   fake;

    (void)state;
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct request_build_start r = good;                                                       \
        change;                                                                                    \
        refused(&r, sizeof r);                                                                     \
    } while (0)
#define TAKEN(change)                                                                              \
    do {                                                                                           \
        struct request_build_start r = good;                                                       \
        change;                                                                                    \
        fakebus_init(&fake);                                                                       \
        assert_int_equal(ask(&fake, &r, sizeof r).kind, ERROR_NONE);                               \
    } while (0)
    TAKEN(r.keep = 1);
    TAKEN(r.keep = KEEP_MAX);
    TAKEN(r.base_generation = 0);
    TAKEN(r.base_generation = NUMBER_MAX);
    TAKEN(r.flags = BUILD_FRESH | BUILD_HOLD);
    TAKEN(r.output_max_bytes = OUTPUT_MAX_MIN);
    TAKEN(r.output_max_bytes = OUTPUT_MAX_MAX);
    TAKEN((r.kind = BUILD_COLLECT, r.base_generation = 0));
    REFUSED(r.kind = 0);
    REFUSED(r.kind = BUILD_KIND_COUNT);
    REFUSED(r.kind = UINT32_MAX);
    REFUSED(r.overlay = 0);
    REFUSED(r.overlay = GAME_OVERLAY + 1); // SteamCMD over somebody's maps
    REFUSED((r.kind = BUILD_SCRIPT, r.overlay = 0));
    REFUSED((r.kind = BUILD_SCRIPT, r.overlay = NUMBER_MAX + 1));
    REFUSED(r.base_generation = NUMBER_MAX + 1);
    REFUSED((r.kind = BUILD_SELECT, r.base_generation = 0));
    REFUSED(r.keep = 0);
    REFUSED(r.keep = KEEP_MAX + 1);
    REFUSED(r.flags = 4);
    REFUSED(r.flags = UINT32_MAX);
    REFUSED(r.zero = 1);
    REFUSED(r.output_max_bytes = 0);
    REFUSED(r.output_max_bytes = OUTPUT_MAX_MIN - 1);
    REFUSED(r.output_max_bytes = OUTPUT_MAX_MAX + 1);
    REFUSED(r.output_max_bytes = UINT64_MAX);
#undef TAKEN
#undef REFUSED

    for (enum verb verb = VERB_BUILD_STOP; verb <= VERB_BUILD_REMOVE; verb++) {
        struct request_build build = { { PROTOCOL_MAGIC, (uint16_t)verb, sizeof build }, 0, 0 };
        refused(&build, sizeof build);
        build.build = NUMBER_MAX + 1;
        refused(&build, sizeof build);
        build.build = 1, build.zero = 1;
        refused(&build, sizeof build);
    }
}

// ---- overlays -----------------------------------------------------------------------------------

static void test_a_life_of_an_overlay(void **state)
{
    struct overlay_spec spec;
    struct error        err = { 0 };
    uint32_t            last = GAME_OVERLAY;
    FAKE(fake);

    (void)state;
    for (unsigned round = 0; round < 3; round++)
        for (enum overlay_type type = OVERLAY_SCRIPT; type < OVERLAY_TYPE_COUNT; type++) {
            struct reply reply = ask_overlay(&fake, VERB_OVERLAY_CREATE, type, 0);
            assert_int_equal(reply.kind, ERROR_NONE);
            assert_true(reply.overlay > last); // also of those that are gone
            last = reply.overlay;
            assert_said(&fake, "tidy-overlay-create %u; ", last);
            assert_int_equal(specfile_read_overlay(&spec, last, &err), 0);
            assert_int_equal(spec.type, type);

            reply = ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, last);
            assert_int_equal(reply.kind, ERROR_NONE);
            assert_said(&fake, "tidy-overlay-remove %u; ", last);
            assert_false(has_overlay(last));
            // Again: what a removal that was killed has left.
            assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, last).kind, ERROR_NONE);
            assert_said(&fake, "tidy-overlay-remove %u; ", last);
        }
}

static void test_every_field_of_an_overlay_has_a_range(void **state)
{
    static const struct {
        enum verb verb;
        uint32_t  type, overlay;
    } cases[] = {
        { VERB_OVERLAY_CREATE, 0, 0 },
        { VERB_OVERLAY_CREATE, OVERLAY_GAME, 0 },
        { VERB_OVERLAY_CREATE, OVERLAY_TYPE_COUNT, 0 },
        { VERB_OVERLAY_CREATE, UINT32_MAX, 0 },
        { VERB_OVERLAY_CREATE, OVERLAY_SCRIPT, 2 }, // nobody chooses a number
        { VERB_OVERLAY_CREATE, OVERLAY_SCRIPT, UINT32_MAX },
        { VERB_OVERLAY_REMOVE, 0, 0 },
        { VERB_OVERLAY_REMOVE, 0, NUMBER_MAX + 1 },
        { VERB_OVERLAY_REMOVE, 0, UINT32_MAX },
        { VERB_OVERLAY_REMOVE, OVERLAY_SCRIPT, 2 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct request_overlay request = {
            .header = { PROTOCOL_MAGIC, (uint16_t)cases[i].verb, sizeof request },
            .type = cases[i].type,
            .overlay = cases[i].overlay,
        };
        refused(&request, sizeof request);
    }
}

// It is refused, not malformed: the caller learns why, and stays.
static void test_the_game_is_not_removed(void **state)
{
    FAKE(fake);

    (void)state;
    struct reply reply = ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, GAME_OVERLAY);
    assert_int_equal(reply.kind, ERROR_DENIED);
    assert_string_equal(reply.message, "the game overlay cannot be deleted");
    assert_string_equal(fake.said, "");
}

static void test_a_server_keeps_its_overlay(void **state)
{
    uint32_t             overlay = make_overlay(OVERLAY_SCRIPT);
    struct instance_spec user = user_of("beta", overlay), other = user_of("other", overlay + 1);
    struct error         err = { 0 };
    FAKE(fake);

    (void)state;
    assert_int_equal(specfile_write_instance(&other, &err), 0);
    assert_int_equal(specfile_write_record(&other, &err), 0);
    for (unsigned is_record = 0; is_record < 2; is_record++) {
        assert_int_equal(is_record ? specfile_write_record(&user, &err)
                                   : specfile_write_instance(&user, &err),
                         0);
        struct reply reply = ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay);
        assert_int_equal(reply.kind, ERROR_BUSY);
        assert_int_equal(reply.errnum, 0); // not over soon
        assert_non_null(strstr(reply.message, "the server 'beta' was started with overlay"));
        assert_string_equal(fake.said, "");
        assert_true(has_overlay(overlay));
        assert_int_equal(specfile_remove_instance("beta", &err), 0);
        assert_int_equal(specfile_remove_record("beta", &err), 0);
    }
    // Half a file says nothing, a damaged one might have been about it.
    unit_write(AT_FDCWD, PROTOCOL_HOST_DIR "/instances/.beta.tmp", "half");
    unit_write(AT_FDCWD, PROTOCOL_HOST_DIR "/instances/beta", "damaged");
    struct reply reply = ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay);
    assert_int_equal(reply.kind, ERROR_INVALID);
    assert_non_null(strstr(reply.message, "'beta' was written by another version"));
    assert_true(has_overlay(overlay));
    assert_int_equal(specfile_remove_instance("beta", &err), 0);
    assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay).kind, ERROR_NONE);
    assert_false(has_overlay(overlay));
    assert_int_equal(specfile_remove_instance(".beta.tmp", &err), 0);
    assert_int_equal(specfile_remove_instance("other", &err), 0);
    assert_int_equal(specfile_remove_record("other", &err), 0);
}

static void test_a_build_keeps_its_overlay(void **state)
{
    static const struct {
        enum build_kind   kind;
        enum overlay_type type;
        const char       *busy;
    } cases[] = {
        { BUILD_SCRIPT, OVERLAY_SCRIPT, "left4me-script@" },
        { BUILD_SCRIPT, OVERLAY_SCRIPT, "left4me-publish@" },
        { BUILD_WORKSHOP, OVERLAY_WORKSHOP, "left4me-workshop@" },
        { BUILD_FILES, OVERLAY_FILES, "left4me-files@" },
        { BUILD_SELECT, OVERLAY_FILES, "left4me-publish@" },
        { BUILD_COLLECT, OVERLAY_SCRIPT, "left4me-publish@" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        uint32_t overlay = make_overlay(cases[i].type), other = make_overlay(OVERLAY_SCRIPT);
        FAKE(fake);

        struct reply build = ask_build_start(&fake, cases[i].kind, overlay);
        assert_int_equal(build.kind, ERROR_NONE);
        fake.busy = cases[i].busy;
        for (unsigned is_start = 0; is_start < 2; is_start++) {
            struct reply reply = is_start ? ask_build_start(&fake, cases[i].kind, overlay)
                                          : ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay);
            assert_int_equal(reply.kind, ERROR_BUSY);
            assert_int_equal(reply.build, build.build);
            assert_int_equal(reply.errnum, 0);
            assert_null(strstr(fake.said, "tidy"));
            assert_true(has_overlay(overlay));
            assert_true(has_build(build.build));
        }
        drop_overlay(other); // that is another matter

        fake.busy = NULL;
        assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay).kind, ERROR_NONE);
        const char *units[] = { "left4me-script", "left4me-workshop", "left4me-files" };
        const char *unit =
            cases[i].kind >= BUILD_SELECT ? "left4me-publish" : units[cases[i].kind - BUILD_SCRIPT];
        uint32_t n = build.build;
        assert_said(&fake,
                    "is_over %s@%u.service; is_over left4me-publish@%u.service; "
                    "stop left4me-build-mount@%u.service; await left4me-build-mount@%u.service; "
                    "state left4me-build-mount@%u.service; tidy-build-remove %u; "
                    "reset_failed %s@%u.service; reset_failed left4me-build-mount@%u.service; "
                    "reset_failed left4me-publish@%u.service; tidy-overlay-remove %u; ",
                    unit, n, n, n, n, n, n, unit, n, n, n, overlay);
        assert_false(has_build(n));
        assert_false(has_overlay(overlay));
        assert_int_equal(ask_build_start(&fake, cases[i].kind, overlay).kind, ERROR_NOT_FOUND);
    }
}

static void test_there_is_a_limit_to_overlays(void **state)
{
    uint32_t     first = make_overlay(OVERLAY_FILES);
    struct error err = { 0 };
    FAKE(fake);

    (void)state;
    for (uint32_t i = 1; i < OVERLAYS_MAX; i++) {
        struct overlay_spec spec = { PROTOCOL_MAGIC, sizeof spec, 1000000 + i, OVERLAY_SCRIPT };
        assert_int_equal(specfile_write_overlay(&spec, &err), 0);
    }
    struct reply reply = ask_overlay(&fake, VERB_OVERLAY_CREATE, OVERLAY_SCRIPT, 0);
    assert_int_equal(reply.kind, ERROR_DENIED);
    assert_non_null(strstr(reply.message, "4096 overlays, which is the limit"));
    assert_int_equal(reply.overlay, 0);
    assert_string_equal(fake.said, "");
    drop_overlay(first);
    uint32_t last = make_overlay(OVERLAY_SCRIPT);
    assert_int_equal(last, first + 1); // the refusal took none
    drop_overlay(last);
    for (uint32_t i = 1; i < OVERLAYS_MAX; i++)
        assert_int_equal(specfile_remove_overlay(1000000 + i, &err), 0);
}

// Neither a making nor a removal that was cut short can be used, and both can be put right.
static void test_what_is_cut_short(void **state)
{
    uint32_t overlay = make_overlay(OVERLAY_SCRIPT);
    FAKE(fake);

    (void)state;
    fake.fail_at = 1;
    struct reply reply = ask_overlay(&fake, VERB_OVERLAY_CREATE, OVERLAY_SCRIPT, 0);
    assert_int_equal(reply.kind, ERROR_FAILED);
    assert_int_equal(reply.overlay, 0);
    assert_said(&fake, "tidy-overlay-create %u; ", overlay + 1);
    assert_false(has_overlay(overlay + 1));
    fake.fail_at = 0;
    assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay + 1).kind, ERROR_NONE);
    assert_said(&fake, "tidy-overlay-remove %u; ", overlay + 1);
    assert_int_equal(make_overlay(OVERLAY_SCRIPT), overlay + 2);
    drop_overlay(overlay + 2);

    fake.fail_at = 1;
    assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay).kind, ERROR_FAILED);
    assert_said(&fake, "tidy-overlay-remove %u; ", overlay);
    assert_false(has_overlay(overlay));
    fake.fail_at = 0;
    assert_int_equal(ask_build_start(&fake, BUILD_SCRIPT, overlay).kind, ERROR_NOT_FOUND);
    drop_overlay(overlay);
}

// ---- what fails ---------------------------------------------------------------------------------

// What was said in place `n`, counted from 1.
static const char *said_at(const struct fakebus *fake, unsigned n)
{
    const char *place = fake->said;

    while (--n > 0)
        place = strchr(place, ';') + 2;
    return place;
}

// Where there is nothing to be reset, the scratch has gone by then; and of a mount that is put up
// to be taken down it only matters that it is down.
static bool is_ignored(const struct fakebus *fake, unsigned n)
{
    const char *said = said_at(fake, n), *tidy = strstr(fake->said, "tidy-build-remove");

    if (strncmp(said, "reset_failed", 12) == 0)
        return tidy && tidy < said;
    return strncmp(said, "await left4me-build-mount", 25) == 0 &&
           strncmp(said_at(fake, n - 1), "start", 5) == 0;
}

// A build of another time, of the same overlay, is there to be collected.
static struct reply ask_any(struct fakebus *fake, enum verb verb, uint32_t overlay, uint32_t build)
{
    struct request_build_start start = started(BUILD_SCRIPT, overlay);

    start.flags = BUILD_FRESH;
    if (verb == VERB_BUILD_START)
        return ask(fake, &start, sizeof start);
    if (verb == VERB_OVERLAY_CREATE)
        return ask_overlay(fake, verb, OVERLAY_SCRIPT, 0);
    if (verb == VERB_OVERLAY_REMOVE)
        return ask_overlay(fake, verb, 0, overlay);
    return ask_build(fake, verb, build);
}

static void test_every_failing_call_is_told_and_ends_the_verb(void **state)
{
    (void)state;
    for (enum verb verb = VERB_BUILD_START; verb < VERB_COUNT; verb++) {
        bool is_over = false;
        for (unsigned fail_at = 1; !is_over; fail_at++) {
            uint32_t overlay = make_overlay(OVERLAY_SCRIPT);
            FAKE(fake);

            snprintf(fake.active_state, sizeof fake.active_state, "failed");
            uint32_t build = ask_build_start(&fake, BUILD_SCRIPT, overlay).build;
            fake.fail_at = fail_at;
            struct reply reply = ask_any(&fake, verb, overlay, build);
            is_over = fake.n_calls < fail_at;
            if (is_over || (verb != VERB_PUBLISH && is_ignored(&fake, fail_at))) {
                assert_int_equal(reply.kind, ERROR_NONE);
            } else {
                assert_int_equal(reply.kind, ERROR_FAILED);
                assert_int_equal(fake.n_calls, fail_at);
                assert_string_equal(reply.message, "the init system said no");
            }
            fake.fail_at = 0; // whatever was left can be put right
            assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay).kind, ERROR_NONE);
            if (reply.overlay)
                drop_overlay(reply.overlay);
            assert_false(has_build(build));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builds),
        cmocka_unit_test(test_kinds_of_builds),
        cmocka_unit_test(test_no_build_over_an_overlay_of_another_type),
        cmocka_unit_test(test_every_field_of_a_build_has_a_range),
        cmocka_unit_test(test_a_life_of_an_overlay),
        cmocka_unit_test(test_every_field_of_an_overlay_has_a_range),
        cmocka_unit_test(test_the_game_is_not_removed),
        cmocka_unit_test(test_a_server_keeps_its_overlay),
        cmocka_unit_test(test_a_build_keeps_its_overlay),
        cmocka_unit_test(test_there_is_a_limit_to_overlays),
        cmocka_unit_test(test_what_is_cut_short),
        cmocka_unit_test(test_every_failing_call_is_told_and_ends_the_verb),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-overlayverbs needs root for a mount namespace: %s\n",
                strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
