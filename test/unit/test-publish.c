// SPDX-License-Identifier: MIT
#include "publish-world.h"

#include <sys/file.h>
#include <sys/wait.h>
#include "steam/manifest.h"

static void must_fail(struct world *world, uint32_t build, enum error_kind kind, const char *words)
{
    struct publish_result result = { 0 };
    struct watch          watch = { 0 };
    struct error          err = { 0 };

    assert_int_equal(run_watched(world, build, &result, &watch, &err), -1);
    if (err.kind != kind || !strstr(err.message, words))
        fail_msg("build %u: %u %s", build, err.kind, err.message);
}

static bool is_upper_empty(const struct world *world, uint32_t build)
{
    char path[64];

    snprintf(path, sizeof path, "data/builds/%u/upper", build);
    DIR *dir = fdopendir(openat(world->dir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n == 2;
}

// ---- the ordinary -----------------------------------------------------------------------------

static void test_two_generations(void **state)
{
    struct world world = world_make(state);

    build_make(&world, 1, 0, 3,
               "f a=1; f b=2; d d; f d/c=3; d steamapps; "
               "f " MANIFEST_PATH "=\"AppState\"{\"buildid\" \"42\"}");
    struct publish_result first = must_publish(&world, 1, PUBLISH_DONE);
    assert_int_equal(first.generation.number, 1);
    assert_int_equal(first.generation.build, 1);
    assert_int_equal(first.generation.added, 4);
    assert_int_equal(first.generation.files, 4);
    assert_string_equal(first.generation.note, "build id 42");
    assert_state(&world, 1, "1");
    assert_true(is_upper_empty(&world, 1));

    build_make(&world, 2, 1, 3, "f a=11; w d; w steamapps; f e=5");
    struct publish_result second = must_publish(&world, 2, PUBLISH_DONE);
    assert_int_equal(second.generation.added, 1);
    assert_int_equal(second.generation.changed, 1);
    assert_int_equal(second.generation.removed, 2);
    assert_int_equal(second.generation.bytes_changed, 3);
    assert_string_equal(second.generation.note, "");
    assert_state(&world, 2, "2 1");
    assert_generation(&world, 2, "a=11 b=2 e=5");
    assert_overlay_holds(&world, "1 2");
    AUTO(freep) struct state *s = state_of(&world);
    assert_string_equal(s->type, "game");
}

static void test_again_is_success(void **state)
{
    struct world world = world_make(state);

    build_make(&world, 1, 0, 3, "f a=1");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    struct publish_result again = must_publish(&world, 1, PUBLISH_ALREADY);
    assert_int_equal(again.generation.number, 1);
    char command[160]; // and when the scratch is gone
    snprintf(command, sizeof command, "rm -rf '%s/data/builds/1'", world.dir->path);
    assert_int_equal(system(command), 0);
    (void)must_publish(&world, 1, PUBLISH_ALREADY);
    assert_generation(&world, 1, "a=1");
}

static void test_nothing_changed(void **state)
{
    struct world world = world_make(state);

    build_make(&world, 1, 0, 3, "f a=1; d d; f d/b=2");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    build_make(&world, 2, 1, 3, "f a=1; o d; f d/b=2");
    (void)must_publish(&world, 2, PUBLISH_UNCHANGED);
    (void)must_publish(&world, 2, PUBLISH_UNCHANGED);
    assert_state(&world, 1, "1");
    assert_overlay_holds(&world, "1");
}

// ---- the index --------------------------------------------------------------------------------

static void assert_index_is(const struct world *world, uint32_t number, const char *want)
{
    AUTO(index_freep) struct index *index = index_of(world, number);
    char                            found[512] = "", path[64];

    for (uint32_t i = 1; i < index_n_nodes(index); i++) {
        size_t n = strlen(found);
        (void)index_path(index, i, path, sizeof path);
        snprintf(found + n, sizeof found - n, "%s%s%s", n ? " " : "", path,
                 index_node(index, i)->kind == INDEX_DIR ? "/" : "");
    }
    assert_string_equal(found, want);
}

static void test_a_generation_has_an_index(void **state)
{
    struct world world = world_make(state);

    build_make(&world, 1, 0, 3, "f a=1; d d; f d/b=2; x d/c=3; l e=a");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    assert_index_is(&world, 1, "a d/ e d/b d/c");
    build_make(&world, 2, 1, 3, "f a=11; d d; w d/b; f f=4");
    (void)must_publish(&world, 2, PUBLISH_DONE);
    assert_index_is(&world, 2, "a d/ e f d/c");
    AUTO(index_freep) struct index *first = index_of(&world, 1), *second = index_of(&world, 2);
    static const char *const        same[] = { "d/c", "e" };
    for (size_t i = 0; i < ELEMENTS(same); i++)
        assert_int_equal(index_node(first, index_find(first, same[i]))->inode,
                         index_node(second, index_find(second, same[i]))->inode);
    assert_true(index_node(first, index_find(first, "a"))->inode !=
                index_node(second, index_find(second, "a"))->inode);
    assert_int_equal(index_node(first, index_find(first, "a"))->hash, 0);
    assert_true(index_node(second, index_find(second, "a"))->hash != 0);
}

struct obstacle {
    const struct world *world;
    char                lines[1024];
};

static void say(void *user, const char *line)
{
    struct obstacle *obstacle = user;
    size_t           n = strlen(obstacle->lines);

    snprintf(obstacle->lines + n, sizeof obstacle->lines - n, "%s\n", line);
}

// Puts a directory where the index is to be written.
static void obstruct(void *user, const char *what)
{
    const struct obstacle *obstacle = user;

    if (strcmp(what, "index") == 0)
        assert_return_code(mkdirat(obstacle->world->dir->fd, OVERLAY "/.1.index.tmp", 0755), errno);
}

static void test_a_generation_without_an_index_is_published(void **state)
{
    struct world          world = world_make(state);
    struct publish_result result = { 0 };
    struct obstacle       obstacle = { &world, "" };
    struct watch          watch = { say, obstruct, &obstacle };
    struct error          err = { 0 };
    struct index         *index = NULL;
    AUTO_FD               fd = -1;

    assert_return_code(chmod(world.dir->path, 0755), errno);
    build_make(&world, 1, 0, 3, "f a=1");
    if (run_watched(&world, 1, &result, &watch, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(result.outcome, PUBLISH_DONE);
    assert_non_null(strstr(obstacle.lines, "note: the generation has no index: "));
    assert_generation(&world, 1, "a=1");
    assert_overlay_holds(&world, "1");
    overlay_open(&fd, &world);
    assert_int_equal(index_open(&index, fd, "1.index", &err), -1);
    build_make(&world, 2, 1, 3, "f b=2"); // and is built upon
    (void)must_publish(&world, 2, PUBLISH_DONE);
    assert_index_is(&world, 2, "a b");
}

// ---- refusals ---------------------------------------------------------------------------------

static void test_a_refused_tree_changes_nothing(void **state)
{
    struct world world = world_make(state);

    build_make(&world, 1, 0, 3, "f a=1");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    build_make(&world, 2, 1, 3, "f b=1; d d; s d/su=1");
    must_fail(&world, 2, ERROR_INVALID, "'d/su' is set-user-id");
    assert_state(&world, 1, "1");
    assert_overlay_holds(&world, "1");
    assert_false(is_upper_empty(&world, 2));
}

static void test_specs_and_states_that_do_not_fit(void **state)
{
    struct world world = world_make(state);
    struct error err = { 0 };

    must_fail(&world, 9, ERROR_NOT_FOUND, "the spec of build 9");
    build_make(&world, 1, 7, 3, "f a=1");
    must_fail(&world, 1, ERROR_NOT_FOUND, "generation 7 of overlay 1");
    build_make(&world, 2, 0, 3, "f a=1");
    (void)must_publish(&world, 2, PUBLISH_DONE);

    struct build_spec spec = { PROTOCOL_MAGIC,    sizeof spec, 3, BUILD_UPDATE, 1, 2, 2, 1,
                               OUTPUT_MAX_DEFAULT };
    build_make(&world, 3, 2, 3, "f a=1");
    write_bytes(&world, "host/builds/3", &spec, sizeof spec);
    must_fail(&world, 3, ERROR_EXISTS, "made by another build");
    spec.build = 4;
    write_bytes(&world, "host/builds/3", &spec, sizeof spec);
    must_fail(&world, 3, ERROR_INVALID, "carries the number 4");
    write_bytes(&world, "host/builds/3", &spec, sizeof spec - 1);
    must_fail(&world, 3, ERROR_INVALID, "another version");
    spec = (struct build_spec){ PROTOCOL_MAGIC,    sizeof spec, 5, BUILD_UPDATE, 77, 0, 5, 1,
                                OUTPUT_MAX_DEFAULT };
    write_bytes(&world, "host/builds/5", &spec, sizeof spec);
    must_fail(&world, 5, ERROR_NOT_FOUND, "overlays/77");

    AUTO(freep) struct state *s = state_of(&world);
    AUTO_FD                   fd = -1;
    overlay_open(&fd, &world);
    build_make(&world, 6, 2, 3, "f a=1");
    strcpy(s->type, "script");
    assert_int_equal(state_write(s, fd, &err), 0);
    own(&world, OVERLAY "/" STATE_FILE);
    must_fail(&world, 6, ERROR_INVALID, "is of type 'script'");
    unit_write(fd, STATE_FILE, "{");
    must_fail(&world, 6, ERROR_FAILED, "damaged");
    assert_overlay_holds(&world, "2");
}

// What the init system takes for a success may be a build that was stopped.
static void test_what_is_not_whole_is_not_published(void **state)
{
    struct world world = world_make(state);

    AUTO_FD fd = -1;

    build_make(&world, 1, 0, 3, "f a=1");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    build_make(&world, 2, 1, 3, "f b=1");
    fd = openat(world.dir->fd, "data/builds/2/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(fremovexattr(fd, "user.left4me.done"), errno);
    (void)must_publish(&world, 2, PUBLISH_UNFINISHED);
    assert_state(&world, 1, "1");
    assert_overlay_holds(&world, "1");
    assert_false(is_upper_empty(&world, 2));
}

static void test_one_at_a_time(void **state)
{
    struct world world = world_make(state);
    AUTO_FD      fd = -1;

    build_make(&world, 1, 0, 3, "f a=1");
    overlay_open(&fd, &world);
    AUTO_FD lock = openat(fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    assert_return_code(fchown(lock, CONTENT_UID, CONTENT_UID), errno);
    assert_return_code(flock(lock, LOCK_EX), errno);
    must_fail(&world, 1, ERROR_BUSY, "is being published by another");
}

// ---- death at every step ----------------------------------------------------------------------

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

// True if the publisher died of its fuse.
static bool publish_with_fuse(struct world *world, unsigned steps)
{
    int   status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct fuse           fuse = { steps };
        struct watch          watch = { .step = burn, .user = &fuse };
        struct publish_result result = { 0 };
        struct error          err = { 0 };
        _exit(run_watched(world, 3, &result, &watch, &err) < 0);
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

        is_dead = publish_with_fuse(&world, step);
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

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_two_generations),
        IN_DIR(test_again_is_success),
        IN_DIR(test_nothing_changed),
        IN_DIR(test_a_generation_has_an_index),
        IN_DIR(test_a_generation_without_an_index_is_published),
        IN_DIR(test_a_refused_tree_changes_nothing),
        IN_DIR(test_specs_and_states_that_do_not_fit),
        IN_DIR(test_what_is_not_whole_is_not_published),
        IN_DIR(test_one_at_a_time),
        IN_DIR(test_death_at_every_step),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
