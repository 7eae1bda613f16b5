// SPDX-License-Identifier: MIT
#include "content-tree.h"

#include <limits.h>
#include <sys/file.h>
#include <sys/wait.h>
#include "base/protocol.h"
#include "content/publish.h"
#include "steam/manifest.h"

#define OVERLAY "data/overlays/1"

// One world: a data directory with overlay 1, a host directory, records of mounts.
struct world {
    struct unit_dir     *dir;
    char                 data[96], host[96], mounted[96];
    struct publish_paths paths;
};

static void own(const struct world *world, const char *path)
{
    assert_return_code(fchownat(world->dir->fd, path, CONTENT_UID, CONTENT_UID, 0), errno);
}

static void make_path(const struct world *world, const char *path)
{
    assert_return_code(mkdirat(world->dir->fd, path, 0755), errno);
}

static struct world world_make(void **state)
{
    static const char *const dirs[] = { "data", "data/overlays",  OVERLAY,       "data/builds",
                                        "host", "host/instances", "host/builds", "mounted" };
    struct world             world = { .dir = *state };

    assert_return_code(fchmod(world.dir->fd, 0755), errno);
    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        make_path(&world, dirs[i]);
    own(&world, OVERLAY);
    snprintf(world.data, sizeof world.data, "%s/data", world.dir->path);
    snprintf(world.host, sizeof world.host, "%s/host", world.dir->path);
    snprintf(world.mounted, sizeof world.mounted, "%s/mounted", world.dir->path);
    return world;
}

static void set_paths(struct world *world)
{
    world->paths = (struct publish_paths){ world->data, world->host, world->mounted };
}

static void world_empty(const struct world *world)
{
    char command[160];

    snprintf(command, sizeof command, "rm -rf '%s'/*", world->dir->path);
    assert_int_equal(system(command), 0);
}

static void write_bytes(const struct world *world, const char *path, const void *bytes, size_t n)
{
    AUTO_FD fd = openat(world->dir->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, bytes, n), n);
}

// A build `number` that makes generation `number` over `base`, with this upper layer.
static void build_make(const struct world *world, uint32_t number, uint32_t base, uint32_t keep,
                       const char *upper)
{
    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec, number, BUILD_UPDATE, 1,
                               base,           number,      keep };
    char              path[64];

    snprintf(path, sizeof path, "host/builds/%u", number);
    write_bytes(world, path, &spec, sizeof spec);
    snprintf(path, sizeof path, "data/builds/%u", number);
    make_path(world, path);
    snprintf(path, sizeof path, "data/builds/%u/upper", number);
    make_path(world, path);
    own(world, path);
    AUTO_FD fd = openat(world->dir->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(fd, errno);
    tree_make(fd, upper);
}

// The broker forgets a build when its scratch has been removed.
static void build_forget(const struct world *world, uint32_t number)
{
    char path[64];

    snprintf(path, sizeof path, "host/builds/%u", number);
    assert_return_code(unlinkat(world->dir->fd, path, 0), errno);
}

static void instance_make(const struct world *world, const char *where, const char *name,
                          uint32_t overlay, uint32_t generation)
{
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC, .n_bytes = sizeof spec, .revision = 1 };
    struct error         err = { 0 };
    char                 path[64];

    assert_int_equal(instance_name_set(&spec.name, name, &err), 0);
    spec.stack = (struct instance_stack){ .config_generation = 1, .n_layers = 1, .port = 27015 };
    spec.stack.layers[0] = (struct layer_ref){ overlay, generation };
    snprintf(path, sizeof path, "%s/%s", where, name);
    write_bytes(world, path, &spec, sizeof spec);
}

static int run_watched(struct world *world, uint32_t build, struct publish_result *ret,
                       const struct watch *watch, struct error *err)
{
    set_paths(world);
    become_content();
    int result = publish(ret, build, &world->paths, watch, err);
    root_again();
    return result;
}

static struct publish_result must_publish(struct world *world, uint32_t build,
                                          enum publish_outcome want)
{
    struct publish_result result = { 0 };
    struct watch          watch = { 0 };
    struct error          err = { 0 };

    if (run_watched(world, build, &result, &watch, &err) < 0)
        fail_msg("build %u: %s", build, err.message);
    assert_int_equal(result.outcome, want);
    return result;
}

static void must_fail(struct world *world, uint32_t build, enum error_kind kind, const char *words)
{
    struct publish_result result = { 0 };
    struct watch          watch = { 0 };
    struct error          err = { 0 };

    assert_int_equal(run_watched(world, build, &result, &watch, &err), -1);
    if (err.kind != kind || !strstr(err.message, words))
        fail_msg("build %u: %u %s", build, err.kind, err.message);
}

static void overlay_open(int *ret, const struct world *world)
{
    *ret = openat(world->dir->fd, OVERLAY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(*ret, errno);
}

static void assert_generation(const struct world *world, uint32_t number, const char *want)
{
    AUTO_FD fd = -1;
    char    name[16];

    overlay_open(&fd, world);
    snprintf(name, sizeof name, "%u", number);
    assert_string_equal(tree_show(fd, name).text, want);
}

// What lies in the overlay's directory, sorted, besides its state and lock.
static void assert_overlay_holds(const struct world *world, const char *want)
{
    struct dirent **entries = NULL;
    char            path[160], found[512] = "";

    snprintf(path, sizeof path, "%s/" OVERLAY, world->dir->path);
    int n = scandir(path, &entries, NULL, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, ".lock") != 0 &&
            strcmp(name, STATE_FILE) != 0 && strcmp(name, ".state.json.tmp") != 0)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", *found ? " " : "",
                     name);
        free(entries[i]);
    }
    free(entries);
    assert_string_equal(found, want);
}

static struct state *state_of(const struct world *world)
{
    struct state *state = calloc(1, sizeof *state);
    struct error  err = { 0 };
    AUTO_FD       fd = -1;

    overlay_open(&fd, world);
    if (state_read(state, fd, &err) < 0)
        fail_msg("%s", err.message);
    return state;
}

static void assert_state(const struct world *world, uint32_t current, const char *want)
{
    AUTO(freep) struct state *state = state_of(world);
    char                      found[512] = "";

    for (uint32_t i = 0; i < state->n_generations; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u", *found ? " " : "",
                 state->generations[i].number);
    assert_string_equal(found, want);
    assert_int_equal(state->current, current);
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

    struct build_spec spec = { PROTOCOL_MAGIC, sizeof spec, 3, BUILD_UPDATE, 1, 2, 2, 1 };
    build_make(&world, 3, 2, 3, "f a=1");
    write_bytes(&world, "host/builds/3", &spec, sizeof spec);
    must_fail(&world, 3, ERROR_EXISTS, "made by another build");
    spec.build = 4;
    write_bytes(&world, "host/builds/3", &spec, sizeof spec);
    must_fail(&world, 3, ERROR_INVALID, "carries the number 4");
    write_bytes(&world, "host/builds/3", &spec, sizeof spec - 1);
    must_fail(&world, 3, ERROR_INVALID, "another version");
    spec = (struct build_spec){ PROTOCOL_MAGIC, sizeof spec, 5, BUILD_UPDATE, 77, 0, 5, 1 };
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

// ---- what is kept -----------------------------------------------------------------------------

static void publish_many(struct world *world, uint32_t from, uint32_t to, uint32_t keep)
{
    char upper[32];

    for (uint32_t number = from; number <= to; number++) {
        snprintf(upper, sizeof upper, "f a=%u", number);
        build_make(world, number, number - 1, keep, upper);
        (void)must_publish(world, number, PUBLISH_DONE);
        build_forget(world, number);
    }
}

static void test_old_generations_go(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 6, 3);
    assert_state(&world, 6, "6 5 4");
    assert_overlay_holds(&world, "4 5 6");
}

static void test_used_generations_stay(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 4, 4);
    instance_make(&world, "host/instances", "applied", 1, 1);
    instance_make(&world, "mounted", "running", 1, 2);
    instance_make(&world, "mounted", "elsewhere", 2, 3);
    unit_write(world.dir->fd, "host/instances/.new.tmp", "half");
    publish_many(&world, 5, 5, 1);
    assert_state(&world, 5, "5 4 2 1");
    assert_overlay_holds(&world, "1 2 4 5");
    assert_return_code(unlinkat(world.dir->fd, "host/instances/applied", 0), errno);
    publish_many(&world, 6, 6, 1);
    assert_state(&world, 6, "6 5 2");
    assert_overlay_holds(&world, "2 5 6");
}

// Whoever starts a server while its game is published has read which one is current before.
static void test_what_was_current_stays_for_one_more(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 3, 1);
    assert_state(&world, 3, "3 2");
    assert_overlay_holds(&world, "2 3");
}

static void test_the_base_of_another_build_stays(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 3, 3);
    build_make(&world, 9, 1, 1, "f z=1");
    publish_many(&world, 4, 4, 1);
    assert_state(&world, 4, "4 3 1");
    (void)must_publish(&world, 9, PUBLISH_DONE);
    assert_state(&world, 9, "9 4");
    assert_generation(&world, 9, "a=1 z=1");
}

static const char *const unreadable[] = { "host/instances/bad", "mounted/bad", "host/builds/99" };

static void test_nothing_goes_when_uses_are_unknown(void **state)
{
    for (size_t i = 0; i < ELEMENTS(unreadable); i++) {
        struct world world = world_make(state);
        publish_many(&world, 1, 3, 3);
        unit_write(world.dir->fd, unreadable[i], "garbage");
        unit_write(world.dir->fd, OVERLAY "/77/leftover", "x");
        publish_many(&world, 4, 4, 1);
        assert_state(&world, 4, "4 3 2 1");
        assert_overlay_holds(&world, "1 2 3 4 77");
        world_empty(&world);
    }
    struct world world = world_make(state);
    publish_many(&world, 1, 3, 3);
    assert_return_code(unlinkat(world.dir->fd, "mounted", AT_REMOVEDIR), errno);
    publish_many(&world, 4, 4, 1);
    assert_state(&world, 4, "4 3 2 1");
}

static void test_leftovers_go(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    unit_write(world.dir->fd, OVERLAY "/.new-8/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/.old-3/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/.old-x/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/.gone-4/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/5/d/f", "x");
    unit_write(world.dir->fd, OVERLAY "/2/d/f", "x"); // where the next one will be
    unit_write(world.dir->fd, OVERLAY "/notes/f", "not ours");
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".");
    publish_many(&world, 2, 2, 3);
    assert_overlay_holds(&world, "1 2 notes");
    assert_generation(&world, 2, "a=2");
}

// What a killed run left: a whole tree has its name again if somebody needs it, a half one never.
static void test_leftovers_that_are_in_use(void **state)
{
    static const struct {
        const char *leftover, *want;
    } cases[] = {
        { ".old-8", "1 2 8" },
        { ".gone-8", "1 2" },
        { ".new-8", "1 2" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct world world = world_make(state);
        char         path[64];
        publish_many(&world, 1, 1, 3);
        instance_make(&world, "host/instances", "late", 1, 8);
        snprintf(path, sizeof path, OVERLAY "/%s/f", cases[i].leftover);
        unit_write(world.dir->fd, path, "x");
        AUTO_FD fd = -1;
        overlay_open(&fd, &world);
        chown_all(fd, ".");
        publish_many(&world, 2, 2, 3);
        assert_overlay_holds(&world, cases[i].want);
        world_empty(&world);
    }
}

static void test_a_name_that_is_taken_is_not_given_back(void **state)
{
    struct world world = world_make(state);

    publish_many(&world, 1, 1, 3);
    unit_write(world.dir->fd, OVERLAY "/.old-1/f", "x");
    AUTO_FD fd = -1;
    overlay_open(&fd, &world);
    chown_all(fd, ".old-1");
    publish_many(&world, 2, 2, 3);
    assert_overlay_holds(&world, "1 2");
    assert_generation(&world, 1, "a=1");
}

// ---- a server is started meanwhile ------------------------------------------------------------

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
        IN_DIR(test_a_refused_tree_changes_nothing),
        IN_DIR(test_specs_and_states_that_do_not_fit),
        IN_DIR(test_one_at_a_time),
        IN_DIR(test_old_generations_go),
        IN_DIR(test_used_generations_stay),
        IN_DIR(test_what_was_current_stays_for_one_more),
        IN_DIR(test_the_base_of_another_build_stays),
        IN_DIR(test_nothing_goes_when_uses_are_unknown),
        IN_DIR(test_leftovers_go),
        IN_DIR(test_leftovers_that_are_in_use),
        IN_DIR(test_a_name_that_is_taken_is_not_given_back),
        IN_DIR(test_what_is_applied_at_any_step_stays),
        IN_DIR(test_what_is_in_doubt_at_any_step_stays),
        IN_DIR(test_what_is_applied_before_a_death_stays),
        IN_DIR(test_death_at_every_step),
    };

    if (geteuid() != 0)
        return 77; // files of another owner take root to make
    return cmocka_run_group_tests(tests, NULL, NULL);
}
