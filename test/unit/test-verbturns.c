// SPDX-License-Identifier: MIT

// Verbs of the broker that meet: those about overlays and builds, and those that put overlays into
// a server.

#include "overlayverbs-world.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include "priv/lock.h"
#include "waiting.h"

#define GUARD_S 30 // nothing takes as long unless it is broken

static void test_builds_and_overlays_have_one_lock(void **state)
{
    uint32_t     overlay = make_overlay(OVERLAY_SCRIPT);
    struct error err = { 0 };
    FAKE(fake);

    (void)state;
    uint32_t build = ask_build_start(&fake, BUILD_SCRIPT, overlay).build;
    AUTO_FD  lock = -1;
    assert_int_equal(lock_take(&lock, BUILDVERBS_LOCK, &err), 0);
    struct reply replies[] = {
        ask_build_start(&fake, BUILD_SCRIPT, overlay),
        ask_build(&fake, VERB_PUBLISH, build),
        ask_build(&fake, VERB_BUILD_REMOVE, build),
        ask_overlay(&fake, VERB_OVERLAY_CREATE, OVERLAY_SCRIPT, 0),
        ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay),
    };
    for (size_t i = 0; i < ELEMENTS(replies); i++) {
        assert_int_equal(replies[i].kind, ERROR_BUSY);
        assert_int_equal(replies[i].errnum, EWOULDBLOCK); // over soon
    }
    assert_int_equal(ask_build(&fake, VERB_BUILD_STOP, build).kind, ERROR_NONE);
    lock = fd_close(lock);
    drop_overlay(overlay);
}

// The removal that comes while a server is given the overlay, in the middle of either.
static uint32_t    met_overlay;
static const char *met_at;

static void remove_meanwhile(struct fakebus *fake, const char *what, const char *unit)
{
    (void)unit;
    if (strncmp(what, met_at, strlen(met_at)) != 0)
        return;
    fake->hook = NULL;
    drop_overlay(met_overlay);
}

static void apply_meanwhile(struct fakebus *fake, const char *what, const char *unit)
{
    struct request_stack request = stacked_on(VERB_INSTANCE_APPLY, met_overlay);
    FAKE(other);

    (void)unit;
    if (strncmp(what, met_at, strlen(met_at)) != 0)
        return;
    fake->hook = NULL;
    assert_int_equal(ask(&other, &request, sizeof request).kind,
                     has_overlay(met_overlay) ? ERROR_NONE : ERROR_NOT_FOUND);
}

static void test_an_apply_that_meets_a_removal(void **state)
{
    static const char *const places[] = { "is_over", "has_settings", "set_limits" };
    struct instance_spec     spec;
    struct error             err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(places); i++) {
        FAKE(fake);

        forget_everything();
        met_overlay = make_overlay(OVERLAY_WORKSHOP);
        met_at = places[i];
        struct request_stack request = stacked_on(VERB_INSTANCE_APPLY, met_overlay);
        fake.hook = remove_meanwhile;
        struct reply reply = ask(&fake, &request, sizeof request);
        assert_null(fake.hook);
        assert_int_equal(reply.kind, ERROR_NOT_FOUND);
        assert_non_null(strstr(reply.message, "does not exist"));
        assert_int_equal(specfile_read_instance(&spec, "alpha", &err), -1);
    }
    FAKE(fake); // what the server had stays, marked, since its limits may be those of the new one
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE);
    struct request_stack request = stacked_on(VERB_INSTANCE_APPLY, met_overlay);
    request.stack.limits.tasks = LIMIT_TASKS_MIN;
    assert_int_equal(ask(&fake, &request, sizeof request).kind, ERROR_NOT_FOUND);
    assert_int_equal(specfile_read_instance(&spec, "alpha", &err), 0);
    assert_int_equal(spec.stack.n_layers, 1);
    assert_int_equal(spec.is_unsettled, 1);
    assert_int_equal(ask_stack(&fake, VERB_INSTANCE_APPLY).kind, ERROR_NONE);
    assert_non_null(strstr(fake.said, "set_limits"));
    forget_everything();
}

static void test_a_restart_that_meets_a_removal(void **state)
{
    FAKE(fake);

    (void)state;
    forget_everything();
    met_overlay = make_overlay(OVERLAY_FILES);
    met_at = "stop";
    struct request_stack request = stacked_on(VERB_INSTANCE_RESTART, met_overlay);
    fake.hook = remove_meanwhile;
    assert_int_equal(ask(&fake, &request, sizeof request).kind, ERROR_NOT_FOUND);
    assert_null(strstr(fake.said, "start "));
    forget_everything();
}

static void test_a_removal_that_meets_an_apply(void **state)
{
    struct instance_spec spec;
    struct error         err = { 0 };

    (void)state;
    for (unsigned is_late = 0; is_late < 2; is_late++) {
        FAKE(fake);

        forget_everything();
        met_overlay = make_overlay(OVERLAY_SCRIPT);
        (void)ask_build_start(&fake, BUILD_SCRIPT, met_overlay); // to be collected: there it waits
        met_at = is_late ? "tidy-overlay-remove" : "tidy-build-remove";
        fake.hook = apply_meanwhile;
        struct reply reply = ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, met_overlay);
        assert_null(fake.hook);
        assert_int_equal(reply.kind, is_late ? ERROR_NONE : ERROR_BUSY);
        assert_int_equal(specfile_read_instance(&spec, "alpha", &err), is_late ? -1 : 0);
        assert_int_equal(has_overlay(met_overlay), !is_late);
        forget_everything();
        drop_overlay(met_overlay);
    }
}

// Runs `asks` in a process of its own while the turn of overlays is taken, does `meanwhile` as soon
// as it waits for that, and returns the kind of its answer.
static int ask_out_of_turn(struct reply (*asks)(struct fakebus *fake), void (*meanwhile)(void))
{
    time_t       end = time(NULL) + GUARD_S;
    struct error err = { 0 };
    AUTO_FD      turn = -1;
    int          status = 0;

    assert_int_equal(lock_turn(&turn, OVERLAYVERBS_TURN, &err), 0);
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        FAKE(fake);
        close(turn); // the same open file: it would never be let go of
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
            _exit(99);
        _exit((int)asks(&fake).kind);
    }
    while (!is_waiting_for_lock(pid)) {
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        assert_true(time(NULL) < end);
        (void)sched_yield();
    }
    meanwhile();
    turn = fd_close(turn);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct reply ask_apply(struct fakebus *fake)
{
    struct request_stack request = stacked_on(VERB_INSTANCE_APPLY, met_overlay);

    return ask(fake, &request, sizeof request);
}

static struct reply ask_removal(struct fakebus *fake)
{
    return ask_overlay(fake, VERB_OVERLAY_REMOVE, 0, met_overlay);
}

static void give_up_overlay(void)
{
    struct error err;

    assert_int_equal(specfile_remove_overlay(met_overlay, &err), 0);
}

static void use_overlay(void)
{
    struct instance_spec spec = user_of("alpha", met_overlay);
    struct error         err;

    assert_int_equal(specfile_write_instance(&spec, &err), 0);
}

static void do_nothing(void)
{
}

static void test_stacks_and_removals_take_turns(void **state)
{
    (void)state;
    forget_everything();
    met_overlay = make_overlay(OVERLAY_SCRIPT);
    assert_int_equal(ask_out_of_turn(ask_removal, use_overlay), ERROR_BUSY);
    forget_everything();
    assert_int_equal(ask_out_of_turn(ask_apply, do_nothing), ERROR_NONE);
    forget_everything();
    assert_int_equal(ask_out_of_turn(ask_apply, give_up_overlay), ERROR_NOT_FOUND);
    forget_everything();
    assert_int_equal(ask_out_of_turn(ask_removal, do_nothing), ERROR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builds_and_overlays_have_one_lock),
        cmocka_unit_test(test_an_apply_that_meets_a_removal),
        cmocka_unit_test(test_a_restart_that_meets_a_removal),
        cmocka_unit_test(test_a_removal_that_meets_an_apply),
        cmocka_unit_test(test_stacks_and_removals_take_turns),
    };
    if (private_dirs_enter() < 0) {
        fprintf(stderr, "test-verbturns needs root for a mount namespace: %s\n", strerror(errno));
        return 77; // skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
