// SPDX-License-Identifier: MIT
#include "publish-world.h"

#include <limits.h>
#include <sys/wait.h>

// A server is started while a publication drops what it may need.

// Does something at one step, with the rights of whoever does it, and dies at another.
struct meddler {
    struct world *world;
    void (*act)(struct meddler *meddler);
    unsigned at, dies_at, n_steps;
    bool     was_there; // generation 1, when it was applied
};

static void count_step(void *user, const char *what)
{
    struct meddler *meddler = user;
    unsigned        step = meddler->n_steps++;

    (void)what;
    if (step == meddler->dies_at)
        _exit(meddler->was_there ? 10 : 9); // as kill -9 would: nothing is cleaned up
    if (step != meddler->at)
        return;
    root_again();
    meddler->act(meddler);
    become_content();
}

static bool has_generation(const struct world *world, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, OVERLAY "/%s", name);
    return faccessat(world->dir->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// What a mount finds after this, its server runs on.
static void apply_the_first(struct meddler *meddler)
{
    instance_make(meddler->world, "host/instances", "late", 1, 1);
    meddler->was_there = has_generation(meddler->world, "1");
}

static void damage_a_spec(struct meddler *meddler)
{
    unit_write(meddler->world->dir->fd, "host/instances/late", "garbage");
}

#define LISTED(number)                                                                             \
    "{\"number\":" number ",\"created_unix_s\":1,\"files\":1,\"bytes\":1,\"build\":" number        \
    ",\"added\":0,\"changed\":1,\"removed\":0,\"bytes_changed\":1,\"note\":\"\"}"
#define LISTED_321 LISTED("3") "," LISTED("2") "," LISTED("1")

// Generations 1 to 3, and build 4, whose publication drops 1 unless somebody is quicker. Not made
// by publishing, for that waits for the disk.
static struct world world_with_a_drop(void **state)
{
    struct world world = world_make(state);
    AUTO_FD      fd = -1;

    overlay_open(&fd, &world);
    tree_make(fd, "d 1; f 1/a=1; d 2; f 2/a=2; d 3; f 3/a=3; f " STATE_FILE
                  "={\"type\":\"game\",\"current\":3,\"generations\":[" LISTED_321 "]}");
    static const char *const paths[] = { "1", "1/a", "2", "2/a", "3", "3/a" };
    for (size_t i = 0; i < ELEMENTS(paths); i++)
        assert_return_code(fchmodat(fd, paths[i], i % 2 ? 0640 : 0750, 0), errno);
    build_make(&world, 4, 3, 1, "f a=4");
    return world;
}

// Publishes it, meddled with. False when it has no such step.
static bool publish_meddled(struct world *world, struct meddler *meddler)
{
    struct publish_result result = { 0 };
    struct watch          watch = { .step = count_step, .user = meddler };
    struct error          err = { 0 };

    meddler->world = world;
    if (run_watched(world, 4, &result, &watch, &err) < 0)
        fail_msg("step %u: %s", meddler->at, err.message);
    assert_int_equal(result.outcome, PUBLISH_DONE);
    return meddler->n_steps > meddler->at;
}

// At whatever step a server is given the generation that is about to go: if it is there to be
// mounted it stays, whole. When nobody needs it any more, it goes.
static void test_what_is_applied_at_any_step_stays(void **state)
{
    unsigned n_kept = 0, n_late = 0;
    bool     is_step = true;

    for (unsigned at = 0; is_step; at++) {
        struct world   world = world_with_a_drop(state);
        struct meddler meddler = { .act = apply_the_first, .at = at, .dies_at = UINT_MAX };
        is_step = publish_meddled(&world, &meddler);
        assert_false(has_generation(&world, ".old-1") || has_generation(&world, ".gone-1"));
        if (meddler.was_there)
            assert_generation(&world, 1, "a=1");
        n_kept += meddler.was_there;
        n_late += is_step && !meddler.was_there;
        if (is_step)
            assert_return_code(unlinkat(world.dir->fd, "host/instances/late", 0), errno);
        build_forget(&world, 4);
        publish_many(&world, 5, 5, 1);
        assert_overlay_holds(&world, "4 5");
        world_empty(&world);
    }
    assert_true(n_kept > 5);
    assert_true(n_late > 1);
}

static void test_what_is_in_doubt_at_any_step_stays(void **state)
{
    unsigned n_kept = 0, n_dropped = 0;
    bool     is_step = true;

    for (unsigned at = 0; is_step; at++) {
        struct world   world = world_with_a_drop(state);
        struct meddler meddler = { .act = damage_a_spec, .at = at, .dies_at = UINT_MAX };
        is_step = publish_meddled(&world, &meddler);
        bool is_kept = has_generation(&world, "1");
        if (is_kept)
            assert_generation(&world, 1, "a=1");
        assert_true(is_kept ? n_dropped == 0 : n_kept > 0); // dropped once it was known
        n_kept += is_kept, n_dropped += !is_kept;
        world_empty(&world);
    }
    assert_true(n_kept > 5);
    assert_true(n_dropped > 1);
}

// The same, and then the publisher is killed. The next one does not hand out half a tree either.
static bool die_meddled(struct world *world, unsigned at, unsigned dies_at, bool *ret_was_there)
{
    int   status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct meddler meddler = { .act = apply_the_first, .at = at, .dies_at = dies_at };
        (void)publish_meddled(world, &meddler);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    *ret_was_there = WEXITSTATUS(status) == 10;
    return WEXITSTATUS(status) != 0;
}

static void test_what_is_applied_before_a_death_stays(void **state)
{
    bool     is_dead = true, was_there = false;
    unsigned n_kept = 0;

    for (unsigned at = 0; is_dead; at++) {
        unsigned dies_at = at;
        do {
            dies_at++;
            struct world world = world_with_a_drop(state);
            is_dead = die_meddled(&world, at, dies_at, &was_there);
            AUTO(freep) struct state *s = state_of(&world);
            (void)must_publish(&world, 4, s->current == 4 ? PUBLISH_ALREADY : PUBLISH_DONE);
            if (was_there || has_generation(&world, "1"))
                assert_generation(&world, 1, "a=1");
            n_kept += was_there;
            world_empty(&world);
        } while (is_dead);
        is_dead = dies_at > at + 1; // there is a step behind this one
    }
    assert_true(n_kept > 5);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_what_is_applied_at_any_step_stays),
        IN_DIR(test_what_is_in_doubt_at_any_step_stays),
        IN_DIR(test_what_is_applied_before_a_death_stays),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
