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

// ---- kinds of builds ----------------------------------------------------------------------------

#define MANIFEST "d steamapps; f " MANIFEST_PATH "=\"AppState\"{\"buildid\" \"42\"}"

static void test_each_kind_makes_a_type(void **state)
{
    static const struct {
        enum build_kind kind;
        const char     *type, *note;
    } cases[] = {
        { BUILD_UPDATE, "game", "build id 42" },
        { BUILD_SCRIPT, "script", "" }, // whose manifest says nothing about it
        { BUILD_WORKSHOP, "workshop", "" },
        { BUILD_FILES, "files", "" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world = world_make(state);
        build_make_as(&world, cases[i].kind, 0, 1, 0, 3, "f a=1; " MANIFEST);
        struct publish_result first = must_publish(&world, 1, PUBLISH_DONE);
        assert_string_equal(first.generation.note, cases[i].note);
        AUTO(freep) struct state *s = state_of(&world);
        assert_string_equal(s->type, cases[i].type);
        for (size_t j = 0; j < ELEMENTS(cases); j++) { // and no other
            build_make_as(&world, cases[j].kind, 0, (uint32_t)(10 + j), 1, 3, "f a=2");
            if (j == i)
                (void)must_publish(&world, (uint32_t)(10 + j), PUBLISH_DONE);
            else
                must_fail(&world, (uint32_t)(10 + j), ERROR_INVALID, "is of type");
        }
        world_empty(&world);
    }
}

static void test_a_generation_that_is_held_back(void **state)
{
    struct world world = world_make(state);

    // The first one is current: a server could have none at all otherwise.
    build_make_as(&world, BUILD_SCRIPT, BUILD_HOLD, 1, 0, 3, "f a=1");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    assert_state(&world, 1, "1");
    build_forget(&world, 1);
    build_make_as(&world, BUILD_SCRIPT, BUILD_HOLD, 2, 1, 3, "f a=2");
    (void)must_publish(&world, 2, PUBLISH_DONE);
    assert_state(&world, 1, "2 1");
    assert_generation(&world, 2, "a=2");
    struct publish_result again = must_publish(&world, 2, PUBLISH_ALREADY);
    assert_int_equal(again.generation.number, 2);
    build_forget(&world, 2);
    build_make_as(&world, BUILD_SCRIPT, BUILD_HOLD | BUILD_FRESH, 3, 1, 1, "f a=3");
    (void)must_publish(&world, 3, PUBLISH_DONE); // neither kept nor current: 2 goes
    assert_state(&world, 1, "3 1");
    assert_overlay_holds(&world, "1 3");
    build_forget(&world, 3);
    build_make_as(&world, BUILD_SCRIPT, BUILD_HOLD, 4, 1, 3, "");
    (void)must_publish(&world, 4, PUBLISH_UNCHANGED);
    assert_state(&world, 1, "3 1");
    build_make_as(&world, BUILD_SCRIPT, 0, 5, 3, 3, "f a=5");
    (void)must_publish(&world, 5, PUBLISH_DONE);
    assert_state(&world, 5, "5 3 1");
}

static void test_another_generation_is_chosen(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 4, 4);
    build_spec_make(&world, BUILD_SELECT, 0, 5, 2, 4);
    for (unsigned round = 0; round < 2; round++) { // again is success
        struct publish_result result = must_publish(&world, 5, PUBLISH_SELECTED);
        assert_int_equal(result.generation.number, 2);
        assert_int_equal(result.generation.build, 2);
        assert_state(&world, 2, "4 3 2 1");
        assert_overlay_holds(&world, "1 2 3 4");
    }
    build_forget(&world, 5);

    build_spec_make(&world, BUILD_SELECT, 0, 6, 9, 1);
    must_fail(&world, 6, ERROR_NOT_FOUND, "generation 9 of overlay 1 is not published");
    build_spec_make(&world, BUILD_SELECT, 0, 6, 0, 1);
    must_fail(&world, 6, ERROR_NOT_FOUND, "generation 0 of overlay 1 is not published");
    assert_state(&world, 2, "4 3 2 1");
    build_forget(&world, 6);

    // The newest one is kept, and what was current until now may just have been chosen by a start.
    build_spec_make(&world, BUILD_SELECT, BUILD_HOLD, 7, 1, 1);
    (void)must_publish(&world, 7, PUBLISH_SELECTED);
    assert_state(&world, 1, "4 2 1");
    assert_overlay_holds(&world, "1 2 4");
    assert_generation(&world, 1, "a=1");
    build_forget(&world, 7);
    build_spec_make(&world, BUILD_SELECT, 0, 8, 4, 1);
    (void)must_publish(&world, 8, PUBLISH_SELECTED);
    assert_state(&world, 4, "4 1");
    build_forget(&world, 8);

    // The next build goes on from there.
    build_make(&world, 9, 1, 2, "f b=9");
    (void)must_publish(&world, 9, PUBLISH_DONE);
    assert_state(&world, 9, "9 4");
    assert_generation(&world, 9, "a=1 b=9");
}

static struct publish_result must_collect(struct world *world, uint32_t build, uint32_t keep)
{
    build_spec_make(world, BUILD_COLLECT, 0, build, 0, keep);
    struct publish_result result = must_publish(world, build, PUBLISH_COLLECTED);
    build_forget(world, build);
    return result;
}

static void test_what_nobody_needs_is_dropped(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 6, 6);
    build_spec_make(&world, BUILD_SELECT, 0, 7, 3, 6);
    (void)must_publish(&world, 7, PUBLISH_SELECTED);
    build_forget(&world, 7);
    instance_make(&world, "host/instances", "applied", 1, 1);
    instance_make(&world, "mounted", "elsewhere", 2, 2);
    unit_write(world.dir->fd, OVERLAY "/.new-9/f", "x");
    own(&world, OVERLAY "/.new-9");
    assert_int_equal(must_collect(&world, 8, 6).n_dropped, 0);
    assert_state(&world, 3, "6 5 4 3 2 1");
    assert_overlay_holds(&world, "1 2 3 4 5 6"); // leftovers go in any case
    assert_int_equal(must_collect(&world, 9, 2).n_dropped, 2);
    assert_state(&world, 3, "6 5 3 1");
    assert_overlay_holds(&world, "1 3 5 6");
    assert_return_code(unlinkat(world.dir->fd, "host/instances/applied", 0), errno);
    assert_int_equal(must_collect(&world, 10, 1).n_dropped, 2);
    assert_state(&world, 3, "6 3");
    assert_overlay_holds(&world, "3 6");
    assert_int_equal(must_collect(&world, 11, 1).n_dropped, 0);

    // Where nobody can say who uses what, nothing goes.
    build_spec_make(&world, BUILD_SELECT, 0, 12, 6, 6);
    (void)must_publish(&world, 12, PUBLISH_SELECTED);
    build_forget(&world, 12);
    unit_write(world.dir->fd, "host/instances/bad", "garbage");
    assert_int_equal(must_collect(&world, 13, 1).n_dropped, 0);
    assert_state(&world, 6, "6 3");
    assert_overlay_holds(&world, "3 6");
}

// What was brought by one that is gone is still there, and somebody has to answer for it.
static void test_what_a_dropped_one_brought(void **state)
{
    struct world world = world_make(state);

    build_make(&world, 1, 0, 9, "f a=1");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    instance_make(&world, "mounted", "old", 1, 1);
    build_make(&world, 2, 1, 9, "f big=0123456789");
    (void)must_publish(&world, 2, PUBLISH_DONE);
    build_make(&world, 3, 2, 9, "f a=2");
    (void)must_publish(&world, 3, PUBLISH_DONE);
    for (uint32_t build = 1; build <= 3; build++)
        build_forget(&world, build);
    build_make(&world, 4, 3, 1, "f a=345");
    (void)must_publish(&world, 4, PUBLISH_DONE);
    assert_state(&world, 4, "4 3 1"); // 3 was current until now
    AUTO(freep) struct state *s = state_of(&world);
    assert_int_equal(s->generations[0].bytes_changed, 3);
    assert_int_equal(s->generations[1].bytes_changed, 1 + 10);

    // Never more than there is in it; and the oldest answers for all of its bytes anyway.
    build_forget(&world, 4);
    assert_int_equal(must_collect(&world, 5, 1).n_dropped, 1);
    assert_state(&world, 4, "4 1");
    AUTO(freep) struct state *two = state_of(&world);
    assert_int_equal(two->generations[0].bytes_changed, 13);
    assert_return_code(unlinkat(world.dir->fd, "mounted/old", 0), errno);
    assert_int_equal(must_collect(&world, 6, 1).n_dropped, 1);
    AUTO(freep) struct state *one = state_of(&world);
    assert_int_equal(one->n_generations, 1);
    assert_int_equal(one->generations[0].bytes_changed, 13);
}

static void test_nothing_was_ever_published(void **state)
{
    struct world world = world_make(state);

    assert_int_equal(must_collect(&world, 1, 1).n_dropped, 0);
    assert_state(&world, 0, "");
    build_spec_make(&world, BUILD_SELECT, 0, 2, 1, 1);
    must_fail(&world, 2, ERROR_NOT_FOUND, "is not published");
    build_make_as(&world, BUILD_FILES, 0, 3, 0, 1, "f a=1"); // its type is still free
    (void)must_publish(&world, 3, PUBLISH_DONE);
    assert_state(&world, 3, "3");
}

// ---- what is shared with others -----------------------------------------------------------------

static ino_t inode_of(const struct world *world, const char *path)
{
    struct stat st;

    assert_return_code(fstatat(world->dir->fd, path, &st, AT_SYMLINK_NOFOLLOW), errno);
    return st.st_ino;
}

static void test_files_of_a_cache(void **state)
{
    struct world world = world_make(state);

    cache_make(&world, CACHED, 200);
    build_make_as(&world, BUILD_WORKSHOP, 0, 1, 0, 3, "d addons");
    hide_below(&world, 1);
    share(&world, 1, CACHE "/1", "addons/1.vpk");
    share(&world, 1, CACHE "/2", "addons/2.vpk");
    share(&world, 1, CACHE "/x", "addons/x");
    struct publish_result first = must_publish(&world, 1, PUBLISH_DONE);
    assert_int_equal(first.generation.added, 3);
    assert_generation(&world, 1, "addons/ addons/1.vpk=one addons/2.vpk=two addons/x=attributes");
    assert_int_equal(inode_of(&world, OVERLAY "/1/addons/1.vpk"), inode_of(&world, CACHE "/1"));
    assert_true(is_upper_empty(&world, 1));
    assert_int_equal(names_of(&world, CACHE "/1"), 202); // one of them in the generation
    build_forget(&world, 1);

    // The same again.
    build_make_as(&world, BUILD_WORKSHOP, 0, 2, 1, 3, "d addons");
    hide_below(&world, 2);
    share(&world, 2, CACHE "/1", "addons/1.vpk");
    share(&world, 2, CACHE "/2", "addons/2.vpk");
    share(&world, 2, CACHE "/x", "addons/x");
    (void)must_publish(&world, 2, PUBLISH_UNCHANGED);
    assert_overlay_holds(&world, "1");

    // One is another, one is new, one is not there any more: nothing shines through.
    build_make_as(&world, BUILD_WORKSHOP, 0, 3, 1, 3, "d addons");
    hide_below(&world, 3);
    share(&world, 3, CACHE "/3", "addons/1.vpk");
    share(&world, 3, CACHE "/2", "addons/2.vpk");
    share(&world, 3, CACHE "/2", "addons/22.vpk");
    struct publish_result third = must_publish(&world, 3, PUBLISH_DONE);
    assert_int_equal(third.generation.added, 1);
    assert_int_equal(third.generation.changed, 1);
    assert_int_equal(third.generation.removed, 1);
    assert_int_equal(third.generation.bytes_changed, 8);
    assert_generation(&world, 3, "addons/ addons/1.vpk=three addons/2.vpk=two addons/22.vpk=two");
    build_forget(&world, 3);

    // Nothing at all.
    build_make_as(&world, BUILD_WORKSHOP, 0, 4, 3, 3, "");
    hide_below(&world, 4);
    (void)must_publish(&world, 4, PUBLISH_DONE);
    assert_generation(&world, 4, "");
    assert_int_equal(names_of(&world, CACHE "/3"), 202);
}

// What a stranger wrote may not have so many names: he chose them.
static void test_only_our_own_files_are_shared(void **state)
{
    static const struct {
        enum build_kind kind;
        bool            is_ours;
    } cases[] = {
        { BUILD_UPDATE, false },
        { BUILD_SCRIPT, false },
        { BUILD_WORKSHOP, true },
        { BUILD_FILES, true },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world = world_make(state);
        cache_make(&world, CACHED, 120);
        build_make_as(&world, cases[i].kind, 0, 1, 0, 3, "");
        share(&world, 1, CACHE "/1", "one");
        if (cases[i].is_ours)
            (void)must_publish(&world, 1, PUBLISH_DONE);
        else
            must_fail(&world, 1, ERROR_INVALID, "'one' has more than 60 names");
        world_empty(&world);
    }
}

// The rest of what is asked of a file is asked of those as well.
static void test_what_is_shared_is_looked_at_too(void **state)
{
    struct world world = world_make(state);

    cache_make(&world, "s 1=x; f 2=x", 0);
    build_make_as(&world, BUILD_FILES, 0, 1, 0, 3, "");
    share(&world, 1, CACHE "/1", "su");
    must_fail(&world, 1, ERROR_INVALID, "'su' is set-user-id");
    build_make_as(&world, BUILD_FILES, 0, 2, 0, 3, "");
    share(&world, 2, CACHE "/2", "open");
    AUTO_FD writer = openat(world.dir->fd, CACHE "/2", O_WRONLY | O_CLOEXEC);
    must_fail(&world, 2, ERROR_INVALID, "'open' is still open for writing");
    writer = fd_close(writer);
    build_make_as(&world, BUILD_FILES, 0, 3, 0, 3, "l out=../../../cache/1");
    must_fail(&world, 3, ERROR_INVALID, "leads out");
    (void)must_publish(&world, 2, PUBLISH_DONE);
}

// A tree of files links what did not change from the generation below, under whatever name.
static void test_files_of_the_generation_below(void **state)
{
    struct world world = world_make(state);

    build_make_as(&world, BUILD_FILES, 0, 1, 0, 3,
                  "d cfg; f cfg/a=1; x run=2; f moved=3; f gone=4");
    hide_below(&world, 1);
    (void)must_publish(&world, 1, PUBLISH_DONE);
    build_forget(&world, 1);
    for (uint32_t number = 2; number < 4; number++) {
        build_make_as(&world, BUILD_FILES, 0, number, 1, 3, "d cfg; d new");
        hide_below(&world, number);
        share(&world, number, OVERLAY "/1/cfg/a", "cfg/a");
        share(&world, number, OVERLAY "/1/run", "run");
        if (number == 2)
            share(&world, number, OVERLAY "/1/moved", "new/moved");
        struct publish_result result = must_publish(&world, number, PUBLISH_DONE);
        assert_int_equal(result.generation.removed, 2);
        assert_int_equal(result.generation.added, number == 2);
        assert_int_equal(result.generation.changed, 0);
        build_forget(&world, number);
    }
    assert_generation(&world, 1, "cfg/ cfg/a=1 gone=4 moved=3 run*=2");
    assert_generation(&world, 2, "cfg/ cfg/a=1 new/ new/moved=3 run*=2");
    assert_generation(&world, 3, "cfg/ cfg/a=1 new/ run*=2");
    assert_int_equal(inode_of(&world, OVERLAY "/2/new/moved"),
                     inode_of(&world, OVERLAY "/1/moved"));
    build_make_as(&world, BUILD_FILES, 0, 4, 3, 3, "d cfg; d new");
    hide_below(&world, 4);
    share(&world, 4, OVERLAY "/3/cfg/a", "cfg/a");
    share(&world, 4, OVERLAY "/3/run", "run");
    (void)must_publish(&world, 4, PUBLISH_UNCHANGED);
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

static void make_sparse(const struct world *world, const char *path, uint64_t n_bytes)
{
    AUTO_FD fd = openat(world->dir->fd, path, O_WRONLY | O_CLOEXEC);

    assert_return_code(ftruncate(fd, (off_t)n_bytes), errno);
}

// What counts is what the files say they have.
static void test_a_tree_beyond_its_limit(void **state)
{
    struct world      world = world_make(state);
    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec, 2, BUILD_UPDATE, 1, 1, 2, 3,
                               OUTPUT_MAX_MIN };

    build_make(&world, 1, 0, 3, "f a=1");
    (void)must_publish(&world, 1, PUBLISH_DONE);
    build_make(&world, 2, 1, 3, "f b=1");
    write_bytes(&world, "host/builds/2", &spec, sizeof spec);
    make_sparse(&world, "data/builds/2/upper/b", OUTPUT_MAX_MIN);
    must_fail(&world, 2, ERROR_INVALID, "beyond the limit of 1048576");
    assert_state(&world, 1, "1");
    assert_overlay_holds(&world, "1");
    make_sparse(&world, "data/builds/2/upper/b", OUTPUT_MAX_MIN - 1);
    assert_int_equal(must_publish(&world, 2, PUBLISH_DONE).generation.bytes, OUTPUT_MAX_MIN);
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

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_two_generations),
        IN_DIR(test_again_is_success),
        IN_DIR(test_nothing_changed),
        IN_DIR(test_a_generation_has_an_index),
        IN_DIR(test_a_generation_without_an_index_is_published),
        IN_DIR(test_each_kind_makes_a_type),
        IN_DIR(test_a_generation_that_is_held_back),
        IN_DIR(test_another_generation_is_chosen),
        IN_DIR(test_what_nobody_needs_is_dropped),
        IN_DIR(test_what_a_dropped_one_brought),
        IN_DIR(test_nothing_was_ever_published),
        IN_DIR(test_files_of_a_cache),
        IN_DIR(test_only_our_own_files_are_shared),
        IN_DIR(test_what_is_shared_is_looked_at_too),
        IN_DIR(test_files_of_the_generation_below),
        IN_DIR(test_a_refused_tree_changes_nothing),
        IN_DIR(test_a_tree_beyond_its_limit),
        IN_DIR(test_specs_and_states_that_do_not_fit),
        IN_DIR(test_what_is_not_whole_is_not_published),
        IN_DIR(test_one_at_a_time),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
