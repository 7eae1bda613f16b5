// SPDX-License-Identifier: MIT

// A publisher that dies at any of its steps leaves what was published whole, and the next one ends
// what it began.

#include "publish-world.h"

#include <sys/wait.h>

struct fuse {
    unsigned steps_left;
};

static void burn(void *user, const char *what)
{
    struct fuse *fuse = user;

    (void)what;
    if (fuse->steps_left-- == 0)
        _exit(9); // as kill -9 would: nothing is cleaned up
}

#define CRASH_BASE  "d d; f d/a=1; f d/b=2; f same=3; l link=same"
#define CRASH_UPPER "d d; w d/a; a d/b=22; f new=4; 0 dark=5; d e; f e/f=6; l up=d/b"
#define CRASH_OLD   "d/ d/a=1 d/b=2 link->same same=3"
#define CRASH_NEW   "d/ d/b=22 dark=5 e/ e/f=6 link->same new=4 same=3 up->d/b"

// True if the publisher of that build died of its fuse.
static bool publish_with_fuse(struct world *world, uint32_t build, unsigned steps)
{
    int   status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct fuse           fuse = { steps };
        struct watch          watch = { .step = burn, .user = &fuse };
        struct publish_result result = { 0 };
        struct error          err = { 0 };
        _exit(run_watched(world, build, &result, &watch, &err) < 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
    return WEXITSTATUS(status) == 9;
}

static void test_death_at_every_step(void **state)
{
    bool     is_dead = true;
    unsigned n_old = 0, n_new = 0;

    for (unsigned step = 0; is_dead; step++) {
        struct world world = world_make(state);
        build_make(&world, 1, 0, 2, "f first=1");
        (void)must_publish(&world, 1, PUBLISH_DONE);
        build_forget(&world, 1);
        build_make(&world, 2, 0, 2, CRASH_BASE);
        (void)must_publish(&world, 2, PUBLISH_DONE);
        build_forget(&world, 2);
        build_make(&world, 3, 2, 2, CRASH_UPPER); // drops generation 1
        unit_write(world.dir->fd, OVERLAY "/.new-7/x", "a leftover");
        own(&world, OVERLAY "/.new-7");

        is_dead = publish_with_fuse(&world, 3, step);
        AUTO(freep) struct state *s = state_of(&world);
        assert_true(s->current == 2 || s->current == 3);
        assert_generation(&world, 2, CRASH_OLD);
        if (s->current == 3)
            assert_generation(&world, 3, CRASH_NEW);
        n_old += s->current == 2;
        n_new += s->current == 3;

        (void)must_publish(&world, 3, s->current == 3 ? PUBLISH_ALREADY : PUBLISH_DONE);
        assert_state(&world, 3, "3 2");
        assert_generation(&world, 3, CRASH_NEW);
        assert_overlay_holds(&world, "2 3");
        assert_true(is_upper_empty(&world, 3));
        world_empty(&world);
    }
    assert_true(n_old > 20);
    assert_true(n_new > 3);
}

// Each generation that is listed is whole.
static void assert_all_whole(const struct world *world)
{
    AUTO(freep) struct state *s = state_of(world);
    char                      want[16];

    for (uint32_t i = 0; i < s->n_generations; i++) {
        snprintf(want, sizeof want, "a=%u", s->generations[i].number);
        assert_generation(world, s->generations[i].number, want);
    }
}

// Generations 1 to 5, the last one current, the first one in use, and what a killed run has left.
static struct world world_with_five(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 5, 5);
    instance_make(&world, "host/instances", "applied", 1, 1);
    unit_write(world.dir->fd, OVERLAY "/.new-7/x", "a leftover");
    own(&world, OVERLAY "/.new-7");
    return world;
}

static void test_death_at_every_step_of_a_choice(void **state)
{
    bool     is_dead = true;
    unsigned n_old = 0, n_new = 0;

    for (unsigned step = 0; is_dead; step++) {
        struct world world = world_with_five(state);
        build_spec_make(&world, BUILD_SELECT, 0, 6, 3, 1);
        is_dead = publish_with_fuse(&world, 6, step);
        AUTO(freep) struct state *s = state_of(&world);
        assert_true(s->current == 5 || s->current == 3);
        assert_int_equal(s->n_generations, s->current == 5 ? 5 : 3);
        assert_all_whole(&world);
        n_old += s->current == 5;
        n_new += s->current == 3;

        struct publish_result result = must_publish(&world, 6, PUBLISH_SELECTED);
        assert_int_equal(result.generation.number, 3);
        assert_state(&world, 3, "5 3 1");
        assert_overlay_holds(&world, "1 3 5");
        assert_all_whole(&world);
        world_empty(&world);
    }
    assert_int_equal(n_old, 1);
    assert_true(n_new > 5);
}

static void test_death_at_every_step_of_a_collection(void **state)
{
    bool     is_dead = true;
    unsigned n_old = 0, n_new = 0;

    for (unsigned step = 0; is_dead; step++) {
        struct world world = world_with_five(state);
        build_spec_make(&world, BUILD_COLLECT, 0, 6, 0, 2);
        is_dead = publish_with_fuse(&world, 6, step);
        AUTO(freep) struct state *s = state_of(&world);
        assert_int_equal(s->current, 5);
        assert_true(s->n_generations == 5 || s->n_generations == 3);
        assert_all_whole(&world);
        n_old += s->n_generations == 5;
        n_new += s->n_generations == 3;

        struct publish_result result = must_publish(&world, 6, PUBLISH_COLLECTED);
        assert_int_equal(result.n_dropped, s->n_generations - 3);
        assert_state(&world, 5, "5 4 1");
        assert_overlay_holds(&world, "1 4 5");
        assert_all_whole(&world);
        world_empty(&world);
    }
    assert_int_equal(n_old, 1);
    assert_true(n_new > 5);
}

#define SHARED_OLD "addons/ addons/1.vpk=one addons/2.vpk=two cfg/ cfg/a=1"
#define SHARED_NEW "addons/ addons/1.vpk=one addons/2.vpk=three cfg/ cfg/a=2 cfg/b=3"

// Files of the cache are linked while they are what they are, whatever happens to the build.
static void assert_cache_whole(const struct world *world)
{
    static const char *const want[] = { "one", "two", "three" };
    char                     path[64], bytes[16];

    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, CACHE "/%u", i + 1);
        AUTO_FD fd = openat(world->dir->fd, path, O_RDONLY | O_CLOEXEC);
        assert_return_code(fd, errno);
        memset(bytes, 0, sizeof bytes);
        assert_true(read(fd, bytes, sizeof bytes) > 0);
        assert_string_equal(bytes, want[i]);
    }
}

static struct world world_with_a_cache(void **state)
{
    struct world world = world_make(state);

    cache_make(&world, CACHED, 130);
    build_make_as(&world, BUILD_WORKSHOP, 0, 1, 0, 2, "d addons; d cfg; f cfg/a=1");
    hide_below(&world, 1);
    share(&world, 1, CACHE "/1", "addons/1.vpk");
    share(&world, 1, CACHE "/2", "addons/2.vpk");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    build_forget(&world, 1);
    build_make_as(&world, BUILD_WORKSHOP, 0, 2, 1, 2, "d addons; d cfg; f cfg/a=2; a cfg/b=3");
    hide_below(&world, 2);
    share(&world, 2, CACHE "/1", "addons/1.vpk");
    share(&world, 2, CACHE "/3", "addons/2.vpk");
    return world;
}

static void test_death_at_every_step_of_what_is_shared(void **state)
{
    bool     is_dead = true;
    unsigned n_old = 0, n_new = 0;

    for (unsigned step = 0; is_dead; step++) {
        struct world world = world_with_a_cache(state);
        is_dead = publish_with_fuse(&world, 2, step);
        AUTO(freep) struct state *s = state_of(&world);
        assert_true(s->current == 1 || s->current == 2);
        assert_generation(&world, 1, SHARED_OLD);
        if (s->current == 2)
            assert_generation(&world, 2, SHARED_NEW);
        n_old += s->current == 1;
        n_new += s->current == 2;
        assert_cache_whole(&world);

        (void)must_publish(&world, 2, s->current == 2 ? PUBLISH_ALREADY : PUBLISH_DONE);
        assert_state(&world, 2, "2 1");
        assert_generation(&world, 1, SHARED_OLD);
        assert_generation(&world, 2, SHARED_NEW);
        assert_overlay_holds(&world, "1 2");
        assert_true(is_upper_empty(&world, 2));
        assert_cache_whole(&world);
        assert_int_equal(names_of(&world, CACHE "/1"), 133); // no name is left anywhere
        assert_int_equal(names_of(&world, CACHE "/3"), 132);
        world_empty(&world);
    }
    assert_true(n_old > 10);
    assert_true(n_new > 1);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_death_at_every_step),
        IN_DIR(test_death_at_every_step_of_a_choice),
        IN_DIR(test_death_at_every_step_of_a_collection),
        IN_DIR(test_death_at_every_step_of_what_is_shared),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
