// SPDX-License-Identifier: MIT
#include "verbs-world.h"

#include "priv/lock.h"

#define SERVER  SERVER_OF("alpha")
#define EDIT    EDIT_OF("alpha")
#define MOUNT   MOUNT_OF("alpha")
#define STOPPED "is_over " SERVER "is_over " EDIT "is_over " MOUNT
#define LIST    PROTOCOL_HOST_DIR "/edits/alpha"

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
    assert_string_equal(fake.said, STOPPED "tidy-create alpha; ");

    reply = ask_name(&fake, VERB_INSTANCE_START); // nothing applied
    assert_int_equal(reply.kind, ERROR_NOT_FOUND);
    assert_string_equal(fake.said, "");

    reply = ask_stack(&fake, VERB_INSTANCE_APPLY);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_string_equal(fake.said,
                        STOPPED "has_settings " SERVER "set_limits(0,old,27015) " SERVER);

    reply = ask_stack(&fake, VERB_INSTANCE_APPLY); // the same limits cost nothing
    assert_string_equal(fake.said, STOPPED);

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
    assert_string_equal(fake.said, STOPPED "tidy-wipe alpha; ");

    reply = ask_name(&fake, VERB_INSTANCE_EDIT);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_int_equal(reply.job, 0); // it has been waited for
    assert_string_equal(fake.said, STOPPED "reset_failed " EDIT "start " EDIT "await " EDIT);

    unit_write(AT_FDCWD, LIST, "of a broker that was killed");
    reply = ask_name(&fake, VERB_INSTANCE_REMOVE);
    assert_int_equal(reply.kind, ERROR_NONE);
    assert_false(is_there(LIST));
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

// Each of those that need a server that is stopped.
static void assert_all_busy(struct fakebus *fake, const char *why)
{
    static const enum verb verbs[] = { VERB_INSTANCE_CREATE, VERB_INSTANCE_APPLY,
                                       VERB_INSTANCE_WIPE, VERB_INSTANCE_EDIT,
                                       VERB_INSTANCE_REMOVE };

    for (size_t i = 0; i < ELEMENTS(verbs); i++) {
        struct reply reply =
            verbs[i] == VERB_INSTANCE_APPLY ? ask_stack(fake, verbs[i]) : ask_name(fake, verbs[i]);
        assert_int_equal(reply.kind, ERROR_BUSY);
        assert_non_null(strstr(reply.message, why));
        assert_null(strstr(fake->said, "tidy"));
        assert_null(strstr(fake->said, "set_limits"));
        assert_null(strstr(fake->said, "start " EDIT));
        assert_false(is_there(LIST));
    }
}

static void test_nothing_is_touched_while_it_runs(void **state)
{
    struct fakebus fake;

    (void)state;
    fakebus_init(&fake);
    fake.is_turn_needed = true;
    fake.is_over = false;
    assert_all_busy(&fake, "the server is running");

    // An edit that takes longer than the one who began it waits.
    fake.is_over = true;
    fake.busy = "left4me-edit@";
    assert_all_busy(&fake, "is being edited");
    fake.busy = NULL;

    // Over, but still mounted: a record that the helper could not take away.
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC,
                                  .n_bytes = sizeof spec,
                                  .name = { "alpha" } };
    struct error         err = { 0 };
    assert_int_equal(specfile_write_record(&spec, &err), 0);
    assert_all_busy(&fake, "could not be unmounted");
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
        { VERB_INSTANCE_STATUS, false }, { VERB_INSTANCE_EDIT, true },
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
            assert_false(is_there(LIST));
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
    fake.fail_at = 5; // set_limits
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

    fake.fail_at = 4; // set_limits, after is_over
    assert_int_equal(ask(&fake, &second, sizeof second).kind, ERROR_FAILED);
    assert_string_equal(fake.said, STOPPED "set_limits(1073741824,old,27015) " SERVER);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.is_unsettled, 1);
    assert_int_equal(spec.revision, 1);
    assert_memory_equal(&spec.stack, &first.stack, sizeof spec.stack);

    fake.fail_at = 4; // again, while nobody knows
    assert_int_equal(ask(&fake, &second, sizeof second).kind, ERROR_FAILED);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.is_unsettled, 1);

    fake.fail_at = 0;         // the same as before is not what the unit has
    fake.has_settings = true; // what the one before has done before it failed
    assert_int_equal(ask(&fake, &first, sizeof first).kind, ERROR_NONE);
    assert_string_equal(fake.said,
                        STOPPED "has_settings " SERVER "set_limits(0,any,27015) " SERVER);
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

// ---- instance-edit ------------------------------------------------------------------------------

static char     found[EDIT_BYTES_MAX + 1]; // what left4me-content would find
static uint64_t n_found;

static void look_at_list(struct fakebus *fake, const char *what, const char *unit)
{
    struct stat st;

    (void)fake;
    if (strcmp(what, "start") != 0 || strcmp(unit, "left4me-edit@alpha.service") != 0)
        return;
    AUTO_FD fd = open(LIST, O_RDONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_return_code(fstat(fd, &st), errno);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    n_found = (uint64_t)fd_read_up_to(fd, found, sizeof found);
}

static void test_a_list_is_put_down_for_the_one_who_drops(void **state)
{
    static const size_t sizes[] = { 1, sizeof A_LIST, 4096, EDIT_BYTES_MAX };
    struct request_name request = named(VERB_INSTANCE_EDIT);
    struct fakebus      fake;

    (void)state;
    fakebus_init(&fake);
    fake.hook = look_at_list;
    for (size_t i = 0; i < ELEMENTS(sizes); i++) {
        AUTO(freep) char *bytes = calloc(1, sizes[i]);
        memset(bytes, 'x', sizes[i] - 1);
        AUTO_FD fd = list_make(bytes, sizes[i], SEALS | F_SEAL_SEAL); // read to its end by now
        unit_write(AT_FDCWD, LIST, "of a broker that was killed, and quite a bit longer than it");
        n_found = 0;
        assert_int_equal(ask_with(&fake, &request, sizeof request, fd).kind, ERROR_NONE);
        assert_int_equal(n_found, sizes[i]);
        assert_memory_equal(found, bytes, sizes[i]);
        assert_false(is_there(LIST));
    }
}

static int make_pipe(void)
{
    int fds[2];

    assert_return_code(pipe2(fds, O_CLOEXEC), errno);
    close(fds[1]);
    return fds[0];
}

// The same memory, opened anew.
static int reopen(int fd, int flags)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, flags | O_CLOEXEC);
    assert_return_code(again, errno);
    close(fd);
    return again;
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    assert_return_code(fd, errno);
    return fd;
}

// What may change while it is read, or keep its reader waiting, is not even looked at.
static void test_what_is_no_list(void **state)
{
    static char large[EDIT_BYTES_MAX + 1];
    struct {
        const char *name, *want;
        int         fd;
    } cases[] = {
        { "no seals", "not sealed", list_make(A_LIST, sizeof A_LIST, 0) },
        { "may be written", "not sealed", list_make(A_LIST, sizeof A_LIST, SEALS & ~F_SEAL_WRITE) },
        { "may grow", "not sealed", list_make(A_LIST, sizeof A_LIST, SEALS & ~F_SEAL_GROW) },
        { "may shrink", "not sealed", list_make(A_LIST, sizeof A_LIST, SEALS & ~F_SEAL_SHRINK) },
        { "may be written by who had it before", "not sealed",
          list_make(A_LIST, sizeof A_LIST, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) },
        { "empty", "empty", list_make("", 0, SEALS) },
        { "too large", "larger than", list_make(large, sizeof large, SEALS) },
        { "cannot be read", "cannot be read",
          reopen(list_make(A_LIST, sizeof A_LIST, SEALS & ~F_SEAL_WRITE), O_WRONLY) },
        { "no more than its name", "not sealed",
          reopen(list_make(A_LIST, sizeof A_LIST, SEALS), O_PATH) },
        { "a file in memory", "not sealed", open_file("/run/list", O_RDWR | O_CREAT) },
        { "a directory", "not sealed", open_file("/run", O_RDONLY | O_DIRECTORY) },
        { "a device", "not sealed", open_file("/dev/zero", O_RDONLY) },
        { "a pipe", "not sealed", make_pipe() },
    };
    struct request_name request = named(VERB_INSTANCE_EDIT);
    struct fakebus      fake;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        fakebus_init(&fake);
        // Sealed now that somebody has it for writing alone.
        if (strcmp(cases[i].want, "cannot be read") == 0)
            assert_return_code(fcntl(cases[i].fd, F_ADD_SEALS, F_SEAL_WRITE), errno);
        struct reply reply = ask_with(&fake, &request, sizeof request, cases[i].fd);
        if (reply.kind != ERROR_INVALID || !strstr(reply.message, cases[i].want))
            fail_msg("%s: %u, %s", cases[i].name, reply.kind, reply.message);
        assert_string_equal(fake.said, STOPPED);
        assert_false(is_there(LIST));
        close(cases[i].fd);
    }
    assert_return_code(unlink("/run/list"), errno);
}

// A descriptor belongs to one verb, and that verb to a descriptor: all else is malformed.
static void test_who_brings_a_list(void **state)
{
    AUTO_FD fd = list_make(A_LIST, sizeof A_LIST, SEALS);

    (void)state;
    for (enum verb verb = VERB_INSTANCE_CREATE; verb < VERB_COUNT; verb++) {
        struct request_name        name = named(verb);
        struct request_stack       stack = stacked(verb);
        struct request_build_start start = started(BUILD_UPDATE, GAME_OVERLAY);
        struct request_build   build = { { PROTOCOL_MAGIC, (uint16_t)verb, sizeof build }, 1, 0 };
        struct request_overlay overlay = { { PROTOCOL_MAGIC, (uint16_t)verb, sizeof overlay },
                                           0,
                                           2 };
        switch (verb) {
        case VERB_INSTANCE_EDIT:
            refused_with(&name, sizeof name, -1);
            break;
        case VERB_INSTANCE_APPLY:
        case VERB_INSTANCE_RESTART:
            refused_with(&stack, sizeof stack, fd);
            break;
        case VERB_BUILD_START:
            refused_with(&start, sizeof start, fd);
            break;
        case VERB_BUILD_STOP:
        case VERB_PUBLISH:
        case VERB_BUILD_REMOVE:
            refused_with(&build, sizeof build, fd);
            break;
        case VERB_OVERLAY_CREATE:
            overlay.type = OVERLAY_SCRIPT, overlay.overlay = 0;
            refused_with(&overlay, sizeof overlay, fd);
            break;
        case VERB_OVERLAY_REMOVE:
            refused_with(&overlay, sizeof overlay, fd);
            break;
        case VERB_INSTANCE_CREATE:
        case VERB_INSTANCE_START:
        case VERB_INSTANCE_STOP:
        case VERB_INSTANCE_KILL:
        case VERB_INSTANCE_WIPE:
        case VERB_INSTANCE_REMOVE:
        case VERB_INSTANCE_STATUS:
        case VERB_COUNT:
            refused_with(&name, sizeof name, fd);
            break;
        }
    }
}

// -------------------------------------------------------------------------------------------------

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
        cmocka_unit_test(test_a_list_is_put_down_for_the_one_who_drops),
        cmocka_unit_test(test_what_is_no_list),
        cmocka_unit_test(test_who_brings_a_list),
        cmocka_unit_test(test_every_wrong_size_is_refused),
        cmocka_unit_test(test_malformed_messages_are_refused),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-verbs needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
