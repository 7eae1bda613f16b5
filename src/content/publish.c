// SPDX-License-Identifier: MIT
#include "content/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/done.h"
#include "base/fd.h"
#include "base/spec.h"
#include "base/tree.h"
#include "content/collect.h"
#include "content/entry.h"
#include "content/flatten.h"
#include "content/scan.h"
#include "content/uses.h"
#include "overlay/type.h"
#include "steam/manifest.h"

#define LOCK_FILE    ".lock"
#define LOCK_MODE    0600
#define DIR_NAME_MAX 24u // of a generation, with prefix
#define MODE_NEW     0750

static void note_build_id(char ret[STATE_NOTE_MAX], int tree_fd)
{
    struct manifest manifest;
    struct error    ignored;

    ret[0] = '\0'; // a game without a manifest is none of our business here
    if (manifest_read(&manifest, tree_fd, &ignored) == 0 && manifest.build_id)
        (void)snprintf(ret, STATE_NOTE_MAX, "build id %" PRIu64, manifest.build_id);
}

static void note_nothing(char ret[STATE_NOTE_MAX], int tree_fd)
{
    (void)tree_fd;
    ret[0] = '\0';
}

struct job;
static int publish_tree(struct job *job, struct publish_result *ret, struct error *err);
static int publish_selection(struct job *job, struct publish_result *ret, struct error *err);
static int publish_collection(struct job *job, struct publish_result *ret, struct error *err);

// What a kind of build makes, and how.
static const struct build_type {
    int (*run)(struct job *job, struct publish_result *ret, struct error *err);
    enum overlay_type overlay_type; // 0: any
    void (*note)(char ret[STATE_NOTE_MAX], int tree_fd);
    bool is_shared; // its files may have any number of names: they are ours
} build_types[] = {
    [BUILD_UPDATE] = { publish_tree, OVERLAY_GAME, note_build_id, false },
    [BUILD_SCRIPT] = { publish_tree, OVERLAY_SCRIPT, note_nothing, false },
    [BUILD_WORKSHOP] = { publish_tree, OVERLAY_WORKSHOP, note_nothing, true },
    [BUILD_FILES] = { publish_tree, OVERLAY_FILES, note_nothing, true },
    [BUILD_SELECT] = { publish_selection, 0, NULL, false },
    [BUILD_COLLECT] = { publish_collection, 0, NULL, false },
};
_Static_assert(ELEMENTS(build_types) == BUILD_KIND_COUNT, "every kind of build has a row");

struct job {
    const struct publish_paths *paths;
    const struct watch         *watch;
    struct build_spec           spec;
    int                         data_fd, host_fd;
    int                         overlay_fd;                                 // holds the generations
    int                         lock_fd;                                    // held until the end
    char                        name[DIR_NAME_MAX], name_tmp[DIR_NAME_MAX]; // N, .new-N
    struct state                state;
};

static void job_freep(struct job **job)
{
    if (!*job)
        return;
    (void)fd_close((*job)->lock_fd);
    (void)fd_close((*job)->overlay_fd);
    (void)fd_close((*job)->host_fd);
    (void)fd_close((*job)->data_fd);
    free(*job);
}

// ---- opening ----------------------------------------------------------------------------------

static int open_root(int *ret, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", path);
    *ret = fd;
    return 0;
}

static int read_spec(struct job *job, uint32_t build, struct error *err)
{
    AUTO_FD fd = -1;
    char    name[16];

    (void)snprintf(name, sizeof name, "%" PRIu32, build);
    if (fd_open_dir(&fd, job->host_fd, "builds", err) < 0)
        return -1;
    if (spec_read_build(&job->spec, fd, name, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? error_prefix(err, "the spec of build %s", name) : -1;
    return 0;
}

static int lock(struct job *job, struct error *err)
{
    job->lock_fd =
        openat(job->overlay_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (job->lock_fd < 0)
        return error_sys(err, errno, "opening the lock of overlay %" PRIu32, job->spec.overlay);
    if (flock(job->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return error_sys(err, errno, "locking overlay %" PRIu32, job->spec.overlay);
    return error_set(err, ERROR_BUSY, "overlay %" PRIu32 " is being published by another build",
                     job->spec.overlay);
}

static int job_open(struct job *job, uint32_t build, struct error *err)
{
    char path[64];

    if (open_root(&job->data_fd, job->paths->data_dir, err) < 0 ||
        open_root(&job->host_fd, job->paths->host_dir, err) < 0 || read_spec(job, build, err) < 0)
        return -1;
    (void)snprintf(path, sizeof path, "overlays/%" PRIu32, job->spec.overlay);
    (void)snprintf(job->name, sizeof job->name, "%" PRIu32, job->spec.new_generation);
    (void)snprintf(job->name_tmp, sizeof job->name_tmp, COLLECT_NEW_PREFIX "%" PRIu32,
                   job->spec.new_generation);
    if (fd_open_dir(&job->overlay_fd, job->data_fd, path, err) < 0 || lock(job, err) < 0)
        return -1;
    if (state_read(&job->state, job->overlay_fd, err) < 0)
        return error_prefix(err, "overlay %" PRIu32, job->spec.overlay);
    return 0;
}

// ---- the new tree -----------------------------------------------------------------------------

static int check_state(const struct job *job, struct error *err)
{
    const struct build_spec *spec = &job->spec;
    const char              *type = overlay_type_word(build_types[spec->kind].overlay_type);

    if (job->state.type[0] && strcmp(job->state.type, type) != 0)
        return error_set(err, ERROR_INVALID,
                         "overlay %" PRIu32 " is of type '%s', but the build makes '%s'",
                         spec->overlay, job->state.type, type);
    if (state_find(&job->state, spec->new_generation))
        return error_set(err, ERROR_EXISTS,
                         "generation %" PRIu32 " of overlay %" PRIu32 " was made by another build",
                         spec->new_generation, spec->overlay);
    if (spec->base_generation && !state_find(&job->state, spec->base_generation))
        return error_set(err, ERROR_NOT_FOUND,
                         "generation %" PRIu32 " of overlay %" PRIu32
                         ", which the build lies over, is not published",
                         spec->base_generation, spec->overlay);
    return 0;
}

static int open_upper(int *ret, const struct job *job, struct error *err)
{
    char path[64];

    (void)snprintf(path, sizeof path, "builds/%" PRIu32, job->spec.build);
    AUTO_FD build_fd = -1;
    if (fd_open_dir(&build_fd, job->data_fd, path, err) < 0)
        return -1;
    return entry_open_dir(ret, build_fd, "upper", err);
}

// The budget of all overlays goes by what files say they have. The builder was held to what they
// take of the disk, and a sparse one takes nothing: some would use up everybody's share.
static int check_size(const struct job *job, uint64_t bytes, struct error *err)
{
    if (bytes <= job->spec.output_max_bytes)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "the tree has %" PRIu64 " bytes, which is beyond the limit of %" PRIu64
                     " for this build",
                     bytes, job->spec.output_max_bytes);
}

// Makes `.new-N`, complete but not yet safe on disk. *ret_fd is a descriptor on it.
static int make_tree(struct job *job, int *ret_fd, struct flatten_counts *ret, struct error *err)
{
    AUTO_FD base_fd = -1;
    AUTO_FD upper_fd = -1;
    AUTO_FD new_fd = -1;
    char    base[DIR_NAME_MAX];

    (void)snprintf(base, sizeof base, "%" PRIu32, job->spec.base_generation);
    if (job->spec.base_generation && fd_open_dir(&base_fd, job->overlay_fd, base, err) < 0)
        return error_prefix(err, "generation %s of overlay %" PRIu32, base, job->spec.overlay);
    if (open_upper(&upper_fd, job, err) < 0)
        return error_prefix(err, "the upper layer of build %" PRIu32, job->spec.build);

    watch_step(job->watch, "mkdir");
    if (mkdirat(job->overlay_fd, job->name_tmp, MODE_NEW) < 0)
        return error_sys(err, errno, "making '%s'", job->name_tmp);
    if (fd_open_dir(&new_fd, job->overlay_fd, job->name_tmp, err) < 0)
        return -1;
    struct flatten_input input = { base_fd, upper_fd, new_fd, FLATTEN_ENTRIES_MAX,
                                   build_types[job->spec.kind].is_shared };
    if (flatten(ret, &input, job->watch, err) < 0 || check_size(job, ret->bytes, err) < 0)
        return -1;
    *ret_fd = TAKE_FD(new_fd);
    return 0;
}

// ---- its index --------------------------------------------------------------------------------

// Without it, or with one of another version, what is in the tree is found out anew.
static void open_base_index(struct index **ret, const struct job *job)
{
    char         name[DIR_NAME_MAX];
    struct error ignored;

    (void)snprintf(name, sizeof name, "%" PRIu32 INDEX_NAME_SUFFIX, job->spec.base_generation);
    if (job->spec.base_generation == 0 || index_open(ret, job->overlay_fd, name, &ignored) < 0)
        *ret = NULL;
}

static int make_index(const struct job *job, int tree_fd, struct error *err)
{
    AUTO(index_freep) struct index *base = NULL;
    AUTO(index_freep) struct index *index = NULL;
    struct scan_options             options = scan_generation;
    char                            name[DIR_NAME_MAX];

    open_base_index(&base, job);
    options.base = base;
    options.is_game = build_types[job->spec.kind].overlay_type == OVERLAY_GAME;
    if (scan(&index, tree_fd, &options, err) < 0)
        return -1;
    (void)snprintf(name, sizeof name, "%" PRIu32 INDEX_NAME_SUFFIX, job->spec.new_generation);
    watch_step(job->watch, "index");
    return index_write(index, job->overlay_fd, name, err);
}

// The generation is as good without: whoever wants to know what is in it walks it then.
static void describe_tree(const struct job *job, int tree_fd)
{
    struct error why = { 0 };

    watch_say(job->watch, "listing what is in it");
    if (make_index(job, tree_fd, &why) < 0)
        watch_say(job->watch, "note: the generation has no index: %s", why.message);
}

// ---- publishing -------------------------------------------------------------------------------

// Everything linked so far reaches the disk, then the tree gets its name, then that is on disk too.
static int settle_tree(struct job *job, struct error *err)
{
    watch_say(job->watch, "writing to disk");
    watch_step(job->watch, "syncfs");
    if (syncfs(job->overlay_fd) < 0)
        return error_sys(err, errno, "writing generation %s to disk", job->name);
    watch_step(job->watch, "rename");
    if (renameat2(job->overlay_fd, job->name_tmp, job->overlay_fd, job->name, RENAME_NOREPLACE) < 0)
        return error_sys(err, errno, "naming generation %s", job->name);
    watch_step(job->watch, "fsync");
    if (fsync(job->overlay_fd) < 0)
        return error_sys(err, errno, "naming generation %s", job->name);
    return 0;
}

static struct uses_query query_of(const struct job *job)
{
    return (struct uses_query){ job->host_fd, job->paths->mounted_dir, job->spec.overlay,
                                job->spec.build };
}

// What a generation brought stays on disk when it goes and newer ones have it too: the next newer
// one answers for it. Not if none is left that is older, since the oldest answers for all it has.
static void inherit(struct generation *newer, uint64_t bytes)
{
    uint64_t sum = 0;

    if (__builtin_add_overflow(newer->bytes_changed, bytes, &sum) || sum > newer->bytes)
        sum = MAX(newer->bytes, newer->bytes_changed);
    newer->bytes_changed = sum;
}

// Takes those out of the list that nobody keeps: not among the newest, not current, not in use.
// What was current until now stays as well: a start may have chosen it and not said so yet.
static void forget_unneeded(struct job *job, uint32_t was_current)
{
    AUTO(uses_done) struct uses uses = { 0 };
    struct uses_query           query = query_of(job);
    struct state               *state = &job->state;
    struct error                ignored; // collect() will meet it too, and say it
    uint32_t                    n = 0;
    uint64_t                    forgotten_bytes = 0; // of those between the last one and this one

    if (uses_collect(&uses, &query, &ignored) < 0)
        return;
    for (uint32_t i = 0; i < state->n_generations; i++) {
        struct generation generation = state->generations[i];
        uint32_t          number = generation.number;
        if (i >= job->spec.keep && number != state->current && number != was_current &&
            !uses_has(&uses, number)) {
            forgotten_bytes = MIN(forgotten_bytes, INT64_MAX) + generation.bytes_changed;
            continue;
        }
        if (n > 0 && forgotten_bytes > 0)
            inherit(&state->generations[n - 1], forgotten_bytes);
        forgotten_bytes = 0;
        state->generations[n++] = generation;
    }
    state->n_generations = n;
}

static int list_generation(struct job *job, const struct generation *generation, struct error *err)
{
    uint32_t was_current = job->state.current;

    state_insert(&job->state, generation);
    if (!(job->spec.flags & BUILD_HOLD) || !was_current)
        job->state.current = generation->number;
    (void)snprintf(job->state.type, sizeof job->state.type, "%s",
                   overlay_type_word(build_types[job->spec.kind].overlay_type));
    forget_unneeded(job, was_current);
    if (job->state.n_generations > STATE_GENERATIONS_MAX)
        return error_set(err, ERROR_NO_SPACE,
                         "overlay %" PRIu32 " has %u generations, all in use or kept",
                         job->spec.overlay, STATE_GENERATIONS_MAX);
    watch_step(job->watch, "state");
    return state_write(&job->state, job->overlay_fd, err);
}

static void describe(struct generation *ret, const struct job *job,
                     const struct flatten_counts *counts, int tree_fd)
{
    *ret = (struct generation){
        .number = job->spec.new_generation,
        .build = job->spec.build,
        .created_unix_s = (uint64_t)time(NULL),
        .files = counts->files,
        .bytes = counts->bytes,
        .added = counts->added,
        .changed = counts->changed,
        .removed = counts->removed,
        .bytes_changed = counts->bytes_changed,
    };
    build_types[job->spec.kind].note(ret->note, tree_fd);
}

// After this the job cannot fail any more: what goes wrong here is put right by the next one.
static void clean_up(struct job *job, bool is_upper_ours)
{
    struct uses_query query = query_of(job);
    struct error      err = { 0 };
    AUTO_FD           upper_fd = -1;

    if (collect(job->overlay_fd, &job->state, &query, job->watch, &err) < 0)
        watch_say(job->watch, "note: leftovers stay until the next time: %s", err.message);
    // Were a scratch mounted over these files again, its builder could write into the generation.
    watch_step(job->watch, "empty");
    if (is_upper_ours && open_upper(&upper_fd, job, &err) == 0 && tree_empty(upper_fd, &err) < 0)
        watch_say(job->watch, "note: the upper layer was not emptied: %s", err.message);
}

static int make_generation(struct job *job, struct publish_result *ret, struct error *err)
{
    struct flatten_counts counts = { 0 };
    AUTO_FD               tree_fd = -1;

    watch_say(job->watch,
              "build %" PRIu32 " becomes generation %s of overlay %" PRIu32
              ", over generation %" PRIu32,
              job->spec.build, job->name, job->spec.overlay, job->spec.base_generation);
    if (make_tree(job, &tree_fd, &counts, err) < 0)
        return -1;
    if (job->spec.base_generation && flatten_is_unchanged(&counts)) {
        ret->outcome = PUBLISH_UNCHANGED;
        watch_step(job->watch, "remove");
        return tree_remove(job->overlay_fd, job->name_tmp, err);
    }
    describe(&ret->generation, job, &counts, tree_fd);
    describe_tree(job, tree_fd);
    if (settle_tree(job, err) < 0)
        return -1;
    ret->outcome = PUBLISH_DONE;
    return list_generation(job, &ret->generation, err);
}

// The tree of a build that died before it was listed. The file on disk has the last word on that:
// replacing it may have failed when the new one was already in place.
static int remove_tree(struct job *job, struct error *err)
{
    if (state_read(&job->state, job->overlay_fd, err) < 0)
        return -1;
    if (state_find(&job->state, job->spec.new_generation))
        return 0;
    watch_step(job->watch, "remove");
    if (tree_remove(job->overlay_fd, job->name_tmp, err) < 0)
        return -1;
    watch_step(job->watch, "remove");
    if (tree_remove(job->overlay_fd, job->name, err) < 0)
        return -1;
    return collect_remove_index(job->overlay_fd, job->name, job->watch, err);
}

static bool is_whole(const struct job *job)
{
    AUTO_FD      fd = -1;
    struct error ignored; // what cannot be opened is not whole

    return open_upper(&fd, job, &ignored) == 0 && done_is_marked(fd);
}

static int publish_tree(struct job *job, struct publish_result *ret, struct error *err)
{
    struct error ignored;

    const struct generation *listed = state_find(&job->state, job->spec.new_generation);
    bool                     is_done = listed && listed->build == job->spec.build;

    if (is_done) {
        ret->outcome = PUBLISH_ALREADY;
        ret->generation = *listed;
    } else if (!is_whole(job)) {
        ret->outcome = PUBLISH_UNFINISHED;
        return 0;
    } else if (check_state(job, err) < 0 || remove_tree(job, err) < 0) {
        return -1;
    } else if (make_generation(job, ret, err) < 0) {
        (void)remove_tree(job, &ignored); // best effort: the next one begins with it
        return -1;
    }
    clean_up(job, ret->outcome != PUBLISH_UNCHANGED);
    return 0;
}

// ---- without a tree -----------------------------------------------------------------------------

// What is in the list now is what is on disk, and nothing else is. A list that is the same is not
// written: one of an overlay where nothing was ever published could not be read again.
static int store_state(struct job *job, uint32_t was_current, struct error *err)
{
    uint32_t n_before = job->state.n_generations;

    forget_unneeded(job, was_current);
    if (job->state.n_generations != n_before || job->state.current != was_current) {
        watch_step(job->watch, "state");
        if (state_write(&job->state, job->overlay_fd, err) < 0)
            return -1;
    }
    clean_up(job, false);
    return 0;
}

static int publish_selection(struct job *job, struct publish_result *ret, struct error *err)
{
    uint32_t                 was_current = job->state.current;
    const struct generation *wanted = state_find(&job->state, job->spec.base_generation);

    if (!wanted)
        return error_set(err, ERROR_NOT_FOUND,
                         "generation %" PRIu32 " of overlay %" PRIu32 " is not published",
                         job->spec.base_generation, job->spec.overlay);
    ret->outcome = PUBLISH_SELECTED;
    ret->generation = *wanted;
    job->state.current = wanted->number;
    return store_state(job, was_current, err);
}

static int publish_collection(struct job *job, struct publish_result *ret, struct error *err)
{
    uint32_t n_before = job->state.n_generations;

    if (store_state(job, job->state.current, err) < 0)
        return -1;
    ret->outcome = PUBLISH_COLLECTED;
    ret->n_dropped = n_before - job->state.n_generations;
    return 0;
}

// -------------------------------------------------------------------------------------------------

int publish(struct publish_result *ret, uint32_t build, const struct publish_paths *paths,
            const struct watch *watch, struct error *err)
{
    AUTO(job_freep) struct job *job = calloc(1, sizeof *job);
    struct publish_result       result = { 0 };

    if (!job)
        return error_sys(err, ENOMEM, "publishing");
    job->paths = paths;
    job->watch = watch;
    job->data_fd = job->host_fd = job->overlay_fd = job->lock_fd = -1;
    if (job_open(job, build, err) < 0 || build_types[job->spec.kind].run(job, &result, err) < 0)
        return -1;
    *ret = result;
    return 0;
}
