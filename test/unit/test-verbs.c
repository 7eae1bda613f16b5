// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include "fakebus.h"
#include "private-dirs.h"
#include "priv/lock.h"
#include "priv/specfile.h"
#include "priv/verbs.h"

#define SERVER "left4me-server@alpha.service; "
#define MOUNT  "left4me-mount@alpha.service; "

static struct request_name named(enum verb verb)
{
    return (struct request_name){
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof(struct request_name) },
        .name = { "alpha" },
    };
}

static struct request_stack stacked(enum verb verb)
{
    return (struct request_stack){
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof(struct request_stack) },
        .name = { "alpha" },
        .stack = { .config_generation = 1, .n_layers = 1, .layers = { { 1, 7 } }, .port = 27015 },
    };
}

static struct reply ask(struct fakebus *fake, const void *bytes, size_t n_bytes)
{
    struct reply reply;
    struct error err = { 0 };

    fake->said[0] = '\0';
    fake->n_calls = 0;
    int r = verbs_handle(&reply, bytes, n_bytes, -1, &fake->ops, &err);
    assert_int_equal(r, reply.kind == ERROR_INVALID && fake->n_calls == 0 && err.kind ? -1 : 0);
    return reply;
}

static struct reply ask_name(struct fakebus *fake, enum verb verb)
{
    struct request_name request = named(verb);

    return ask(fake, &request, sizeof request);
}

static struct reply ask_stack(struct fakebus *fake, enum verb verb)
{
    struct request_stack request = stacked(verb);

    return ask(fake, &request, sizeof request);
}

static struct reply ask_build(struct fakebus *fake, enum verb verb, uint32_t build)
{
    struct request_build request = {
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof request },
        .build = build,
    };
    return ask(fake, &request, sizeof request);
}

static struct reply ask_build_start(struct fakebus *fake)
{
    struct request_build_start request = {
        .header = { PROTOCOL_MAGIC, VERB_BUILD_START, sizeof request },
        .kind = BUILD_UPDATE,
        .overlay = GAME_OVERLAY,
        .base_generation = 3,
        .keep = 2,
        .output_max_bytes = OUTPUT_MAX_DEFAULT,
    };
    return ask(fake, &request, sizeof request);
}

static void forget_everything(void)
{
    struct error err;

    assert_int_equal(specfile_remove_instance("alpha", &err), 0);
    assert_int_equal(specfile_remove_record("alpha", &err), 0);
}

static void test_a_life_in_verbs(void **state)
{
    struct fakebus fake;
    struct reply   reply;

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    forget_everything();

    reply = ask_name(&fake, VERB_INSTANCE_CREATE);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_string_equal(fake.said, "is_over " SERVER "is_over " MOUNT "tidy-create alpha; ");

    reply = ask_name(&fake, VERB_INSTANCE_START); // nothing applied
    assert_int_equal(reply.kind, ERROR_NOT_FOUND);
    assert_string_equal(fake.said, "");

    reply = ask_stack(&fake, VERB_INSTANCE_APPLY);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_string_equal(fake.said, "is_over " SERVER "is_over " MOUNT "has_settings " SERVER
                                   "set_limits(0,old,27015) " SERVER);

    reply = ask_stack(&fake, VERB_INSTANCE_APPLY); // the same limits cost nothing
    assert_string_equal(fake.said, "is_over " SERVER "is_over " MOUNT);

    reply = ask_name(&fake, VERB_INSTANCE_START);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_true(reply.job > 0);
    assert_string_equal(fake.said, "is_enabled " SERVER "enable " SERVER "reset_failed " SERVER
                                   "reset_failed " MOUNT "start " SERVER);

    reply = ask_name(&fake, VERB_INSTANCE_STATUS);
    assert_int_equal(reply.pid, 4711);
    assert_int_equal(reply.is_enabled, 1);
    assert_string_equal(reply.active_state, "inactive");

    reply = ask_stack(&fake, VERB_INSTANCE_RESTART);
    assert_string_equal(fake.said,
                        "is_enabled " SERVER "enable " SERVER "stop " SERVER "is_silent " SERVER
                        "await " SERVER "stop " MOUNT "await " MOUNT "is_enabled " SERVER
                        "reset_failed " SERVER "reset_failed " MOUNT "start " SERVER);

    reply = ask_name(&fake, VERB_INSTANCE_KILL);
    assert_string_equal(fake.said, "disable " SERVER "stop " SERVER "kill " SERVER "stop " MOUNT);

    reply = ask_name(&fake, VERB_INSTANCE_STOP);
    assert_string_equal(fake.said,
                        "disable " SERVER "stop " SERVER "is_silent " SERVER "stop " MOUNT);

    reply = ask_name(&fake, VERB_INSTANCE_WIPE);
    assert_string_equal(fake.said, "is_over " SERVER "is_over " MOUNT "tidy-wipe alpha; ");

    reply = ask_name(&fake, VERB_INSTANCE_REMOVE);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_non_null(strstr(fake.said, "disable " SERVER "reset_failed " SERVER "reset_failed " MOUNT
                                      "revert " SERVER "tidy-remove alpha; "));
    reply = ask_name(&fake, VERB_INSTANCE_START);
    assert_int_equal(reply.kind, ERROR_NOT_FOUND);
}

static void test_who_hears_no_signal_yet_is_killed(void **state)
{
    struct fakebus fake;

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    forget_everything();
    fake.is_silent = true;
    assert_int_equal(ask_name(&fake, VERB_INSTANCE_STOP).kind, ERROR_NONE);
    assert_string_equal(fake.said,
                        "disable " SERVER "stop " SERVER "is_silent " SERVER "kill " SERVER
                        "await " SERVER "reset_failed " SERVER "stop " MOUNT);
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_RESTART).kind, ERROR_NONE);
    assert_non_null(strstr(fake.said, "kill " SERVER));
}

// The one who says stop last is heard, although a restart began before and ends after.
static void test_a_stop_ends_a_restart(void **state)
{
    struct fakebus fake;

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    forget_everything();
    fake.is_disabled = true; // by the time it looks again
    struct reply reply = ask_stack(&fake, VERB_INSTANCE_RESTART);
    assert_int_equal(reply.kind, ERROR_FAILED);
    assert_non_null(strstr(reply.message, "stopped by another command"));
    assert_null(strstr(fake.said, "start "));
}

// What was not enabled and cannot be started must not start at the next boot either.
static void test_a_start_that_fails_enables_nothing(void **state)
{
    static const enum verb verbs[] = { VERB_INSTANCE_START, VERB_INSTANCE_RESTART };
    struct fakebus         fake;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(verbs); i++)
        for (unsigned was_disabled = 0; was_disabled < 2; was_disabled++) {
            fakebus_init(&fake);
            fake.is_turn_needed = true;
            forget_everything();
            assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE);
            fake.is_disabled = was_disabled;
            fake.fail_at = 4; // after it was enabled
            struct reply reply = verbs[i] == VERB_INSTANCE_START ? ask_name(&fake, verbs[i])
                                                                 : ask_stack(&fake, verbs[i]);
            assert_int_equal(reply.kind, ERROR_FAILED);
            assert_non_null(strstr(fake.said, "enable " SERVER));
            assert_int_equal(strstr(fake.said, "disable " SERVER) != NULL, was_disabled);
        }
}

static void test_nothing_is_touched_while_it_runs(void **state)
{
    static const enum verb verbs[] = { VERB_INSTANCE_CREATE, VERB_INSTANCE_WIPE,
                                       VERB_INSTANCE_REMOVE };
    struct fakebus         fake;

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    fake.is_over = false;
    for (size_t i = 0; i < ELEMENTS(verbs); i++) {
        assert_int_equal(ask_name(&fake, verbs[i]).kind, ERROR_BUSY);
        assert_null(strstr(fake.said, "tidy"));
    }
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_BUSY);
    assert_null(strstr(fake.said, "set_limits"));

    // Over, but still mounted: a record that the helper could not take away.
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC,
                                  .n_bytes = sizeof spec,
                                  .name = { "alpha" } };
    struct error         err = { 0 };
    assert_int_equal(specfile_write_record(&spec, &err), 0);
    fake.is_over = true;
    assert_int_equal(ask_name(&fake, VERB_INSTANCE_WIPE).kind, ERROR_BUSY);
    assert_non_null(strstr(fake.said,
                           "stop " MOUNT "await " MOUNT "reset_failed " MOUNT "start " MOUNT
                           "await " MOUNT "stop " MOUNT "await " MOUNT)); // it tried
    assert_null(strstr(fake.said, "tidy"));
    forget_everything();
}

static void test_one_command_at_a_time(void **state)
{
    static const struct {
        enum verb verb;
        bool      waits; // refused while another holds the instance
    } cases[] = {
        { VERB_INSTANCE_CREATE, true },  { VERB_INSTANCE_START, true },
        { VERB_INSTANCE_WIPE, true },    { VERB_INSTANCE_REMOVE, true },
        { VERB_INSTANCE_STOP, false },   { VERB_INSTANCE_KILL, false },
        { VERB_INSTANCE_STATUS, false },
    };
    struct fakebus fake;
    struct error   err = { 0 };

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    AUTO_FD lock = -1;
    assert_int_equal(lock_take(&lock, "alpha", &err), 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(ask_name(&fake, cases[i].verb).kind,
                         cases[i].waits ? ERROR_BUSY : ERROR_NONE);
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_RESTART).kind, ERROR_BUSY);
}

static void test_every_failing_call_is_told_and_ends_the_verb(void **state)
{
    struct fakebus fake;

    (void)state;
    for (enum verb verb = VERB_INSTANCE_CREATE; verb <= VERB_INSTANCE_STATUS; verb++) {
        for (unsigned fail_at = 1;; fail_at++) {
            fakebus_init(&fake);
            fake.is_turn_needed = true;
            forget_everything();
            if (verb == VERB_INSTANCE_START)
                assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE);
            fake.fail_at = fail_at;
            bool         is_stack = verb == VERB_INSTANCE_APPLY || verb == VERB_INSTANCE_RESTART;
            struct reply reply = is_stack ? ask_stack(&fake, verb) : ask_name(&fake, verb);
            if (fake.n_calls < fail_at) {
                assert_int_equal(reply.kind, ERROR_NONE);
                assert_true(fail_at > 1);
                break;
            }
            assert_int_equal(reply.kind, ERROR_FAILED);
            assert_int_equal(fake.n_calls, fail_at);
            assert_string_equal(reply.message, "the init system said no");
        }
    }
}

static void test_a_spec_is_there_only_with_its_limits(void **state)
{
    struct fakebus       fake;
    struct instance_spec spec;
    struct error         err = { 0 };

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    forget_everything();
    fake.fail_at = 4; // set_limits
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_FAILED);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), -1);
    fake.fail_at = 0;
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE);
    assert_non_null(strstr(fake.said, "set_limits(0,old,27015) " SERVER));
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.stack.port, 27015);
    assert_int_equal(spec.stack.layers[0].generation, 7);
}

// Whatever cuts an apply short, there is the old spec or the new one; and as long as it is not
// known which limits the unit has, the next apply sets all of them.
static void test_an_apply_that_is_cut_short_loses_no_spec(void **state)
{
    struct request_stack first = stacked(VERB_INSTANCE_APPLY), second = first;
    struct fakebus       fake;
    struct instance_spec spec;
    struct error         err = { 0 };

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    forget_everything();
    second.stack.layers[0].generation = 8;
    second.stack.limits.memory_bytes = UINT64_C(1) << 30;
    assert_int_equal(ask(&fake, &first, sizeof first).kind, ERROR_NONE);

    fake.fail_at = 3; // set_limits, after is_over
    assert_int_equal(ask(&fake, &second, sizeof second).kind, ERROR_FAILED);
    assert_string_equal(fake.said, "is_over " SERVER "is_over " MOUNT
                                   "set_limits(1073741824,old,27015) " SERVER);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.is_unsettled, 1);
    assert_int_equal(spec.revision, 1);
    assert_memory_equal(&spec.stack, &first.stack, sizeof spec.stack);

    fake.fail_at = 3; // again, while nobody knows
    assert_int_equal(ask(&fake, &second, sizeof second).kind, ERROR_FAILED);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.is_unsettled, 1);

    fake.fail_at = 0;         // the same as before is not what the unit has
    fake.has_settings = true; // what the one before has done before it failed
    assert_int_equal(ask(&fake, &first, sizeof first).kind, ERROR_NONE);
    assert_string_equal(fake.said, "is_over " SERVER "is_over " MOUNT "has_settings " SERVER
                                   "set_limits(0,any,27015) " SERVER);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.is_unsettled, 0);
    assert_int_equal(spec.revision, 2);

    assert_int_equal(ask(&fake, &second, sizeof second).kind, ERROR_NONE);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.is_unsettled, 0);
    assert_memory_equal(&spec.stack, &second.stack, sizeof spec.stack);
}

static void test_there_is_a_limit_to_instances(void **state)
{
    struct fakebus fake;
    struct error   err = { 0 };

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    forget_everything();
    for (unsigned i = 0; i < INSTANCES_MAX; i++) {
        struct instance_spec spec = { .magic = PROTOCOL_MAGIC, .n_bytes = sizeof spec };
        snprintf(spec.name.text, sizeof spec.name.text, "many%u", i);
        assert_int_equal(specfile_write_instance(&spec, &err), 0);
    }
    struct reply reply = ask_stack(&fake, VERB_INSTANCE_APPLY);
    assert_int_equal(reply.kind, ERROR_DENIED);
    assert_null(strstr(fake.said, "set_limits"));
    assert_int_equal(specfile_remove_instance("many0", &err), 0);
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE);
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE); // it has its place
    for (unsigned i = 1; i < INSTANCES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "many%u", i);
        assert_int_equal(specfile_remove_instance(name, &err), 0);
    }
}

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
    reply = ask_build_start(&fake);
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
    reply = ask_build_start(&fake);
    assert_int_equal(reply.kind, ERROR_BUSY);
    assert_int_equal(reply.build, first);
    assert_int_equal(ask_build(&fake, VERB_BUILD_REMOVE, first).kind, ERROR_BUSY);

    fake.is_over = true; // what a killed one left is collected
    reply = ask_build_start(&fake);
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

static void refused(const void *bytes, size_t n_bytes)
{
    struct fakebus fake;
    struct reply   reply;
    struct error   err = { 0 };

    fakebus_init(&fake);
    fake.is_turn_needed = true;
    assert_int_equal(verbs_handle(&reply, bytes, n_bytes, -1, &fake.ops, &err), -1);
    assert_int_equal(reply.kind, ERROR_INVALID);
    assert_int_equal(reply.magic, PROTOCOL_MAGIC);
    assert_int_equal(fake.n_calls, 0);
}

static void test_every_wrong_size_is_refused(void **state)
{
    static uint8_t bytes[sizeof(union request) + 64];

    (void)state;
    for (uint16_t verb = 0; verb < VERB_COUNT + 3; verb++)
        for (size_t n = 0; n <= sizeof bytes; n++) {
            struct request_header header = { PROTOCOL_MAGIC, verb, (uint16_t)n };
            memcpy(bytes, &header, sizeof header);
            refused(bytes, n); // the body is zero: no name, no stack, no build
        }
}

static void test_malformed_messages_are_refused(void **state)
{
    struct request_name  name = named(VERB_INSTANCE_START);
    struct request_stack stack = stacked(VERB_INSTANCE_APPLY);

    (void)state;
    refused(&name, sizeof name - 1);
    refused(&stack, sizeof name);
    name.header.magic++;
    refused(&name, sizeof name);
    name = named(VERB_INSTANCE_START);
    name.header.n_bytes--;
    refused(&name, sizeof name);
    name = named(VERB_INSTANCE_START);
    name.name.text[70] = 1;
    refused(&name, sizeof name);
    memcpy(name.name.text, "../alpha", 9);
    refused(&name, sizeof name);
    name = named(VERB_INSTANCE_APPLY); // a short message with a long verb
    refused(&name, sizeof name);
    stack.stack.layers[9].overlay = 1;
    refused(&stack, sizeof stack);

    struct request_build_start start = {
        .header = { PROTOCOL_MAGIC, VERB_BUILD_START, sizeof start },
        .kind = BUILD_UPDATE,
        .overlay = 2,
        .keep = 1, // SteamCMD over somebody's maps
    };
    refused(&start, sizeof start);
    start.overlay = GAME_OVERLAY, start.keep = 0;
    refused(&start, sizeof start);
    start.keep = 1, start.kind = BUILD_KIND_COUNT;
    refused(&start, sizeof start);
    start.kind = BUILD_UPDATE, start.output_max_bytes = OUTPUT_MAX_DEFAULT, start.zero = 1;
    refused(&start, sizeof start);

    struct request_build build = { .header = { PROTOCOL_MAGIC, VERB_PUBLISH, sizeof build } };
    refused(&build, sizeof build);
    build.build = 0x80000000u;
    refused(&build, sizeof build);
    build.build = 1, build.zero = 1;
    refused(&build, sizeof build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life_in_verbs),
        cmocka_unit_test(test_who_hears_no_signal_yet_is_killed),
        cmocka_unit_test(test_a_stop_ends_a_restart),
        cmocka_unit_test(test_a_start_that_fails_enables_nothing),
        cmocka_unit_test(test_nothing_is_touched_while_it_runs),
        cmocka_unit_test(test_one_command_at_a_time),
        cmocka_unit_test(test_every_failing_call_is_told_and_ends_the_verb),
        cmocka_unit_test(test_a_spec_is_there_only_with_its_limits),
        cmocka_unit_test(test_an_apply_that_is_cut_short_loses_no_spec),
        cmocka_unit_test(test_there_is_a_limit_to_instances),
        cmocka_unit_test(test_builds),
        cmocka_unit_test(test_every_wrong_size_is_refused),
        cmocka_unit_test(test_malformed_messages_are_refused),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-verbs needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
