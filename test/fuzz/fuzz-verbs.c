// SPDX-License-Identifier: MIT

// fuzz-verbs: messages to the broker, with a fake init system that checks what comes out.
//
// Two ways in: a libFuzzer target, and, built with -DVERBS_SOAK, a program of its own that makes N
// messages from a seed (soak-verbs N SEED): garbage, valid ones, and valid ones with bytes changed.
// What the fake answers, and whether a descriptor comes along, follows from the message, and in the
// soak from its seed. Whatever goes in, each operation must be one that the verb may use, on the
// unit of the instance or build that was named, or in the directories of the overlay.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../unit/fakebus.h"
#include "../unit/private-dirs.h"
#include "base/dir.h"
#include "base/fd.h"
#include "priv/specfile.h"
#include "priv/unit.h"
#include "priv/verbs.h"

#define OPERATIONS_MAX 32
// As many as there are at once: to find who uses an overlay takes time.
#define OVERLAYS_KEPT  8
#define INSTANCES_KEPT 32

// ---- what each verb may do ----------------------------------------------------------------------

#define SERVER      " left4me-server"
#define MOUNT       " left4me-mount"
#define EDIT        " left4me-edit"
#define UPDATE      " left4me-update"
#define SCRIPT      " left4me-script"
#define WORKSHOP    " left4me-workshop"
#define FILES       " left4me-files"
#define PUBLISH     " left4me-publish"
#define BUILD_MOUNT " left4me-build-mount"

// clang-format off
#define MUST_BE_STOPPED \
    "is_over" SERVER, "is_over" EDIT, "is_over" MOUNT, "stop" MOUNT, "await" MOUNT, \
    "reset_failed" MOUNT, "start" MOUNT
#define ALL_BUT_UPDATE(operation) \
    operation SCRIPT, operation WORKSHOP, operation FILES, operation PUBLISH
#define SCRATCH_GOES \
    "stop" BUILD_MOUNT, "await" BUILD_MOUNT, "state" BUILD_MOUNT, "start" BUILD_MOUNT, \
    "tidy-build-remove", "reset_failed" BUILD_MOUNT

static const char *const operations[VERB_COUNT][OPERATIONS_MAX] = {
    [VERB_INSTANCE_CREATE] = { MUST_BE_STOPPED, "tidy-create" },
    [VERB_INSTANCE_APPLY] = { MUST_BE_STOPPED, "has_settings" SERVER,
        "set_limits" SERVER },
    [VERB_INSTANCE_START] = { "is_enabled" SERVER, "enable" SERVER, "reset_failed" SERVER,
        "reset_failed" MOUNT, "start" SERVER, "disable" SERVER },
    [VERB_INSTANCE_STOP] = { "disable" SERVER, "stop" SERVER, "is_silent" SERVER, "kill" SERVER,
        "await" SERVER, "reset_failed" SERVER, "stop" MOUNT },
    [VERB_INSTANCE_RESTART] = { "enable" SERVER, "stop" SERVER, "is_silent" SERVER, "kill" SERVER,
        "await" SERVER, "stop" MOUNT, "await" MOUNT, "has_settings" SERVER,
        "set_limits" SERVER, "is_enabled" SERVER, "reset_failed" SERVER, "reset_failed" MOUNT,
        "start" SERVER, "disable" SERVER },
    [VERB_INSTANCE_KILL] = { "disable" SERVER, "stop" SERVER, "kill" SERVER, "stop" MOUNT },
    [VERB_INSTANCE_WIPE] = { MUST_BE_STOPPED, "tidy-wipe" },
    [VERB_INSTANCE_EDIT] = { MUST_BE_STOPPED, "reset_failed" EDIT, "start" EDIT, "await" EDIT },
    [VERB_INSTANCE_REMOVE] = { MUST_BE_STOPPED, "disable" SERVER, "reset_failed" SERVER,
        "revert" SERVER, "tidy-remove" },
    [VERB_INSTANCE_STATUS] = { "state" SERVER, "is_enabled" SERVER },
    [VERB_BUILD_START] = { "is_over" UPDATE, ALL_BUT_UPDATE("is_over"), SCRATCH_GOES,
        "reset_failed" UPDATE, ALL_BUT_UPDATE("reset_failed"), "tidy-overlay-wipe",
        "tidy-build-create", "start" UPDATE, ALL_BUT_UPDATE("start") },
    [VERB_BUILD_STOP] = { "stop" UPDATE, ALL_BUT_UPDATE("stop") },
    [VERB_PUBLISH] = { "state" PUBLISH, "reset_failed" PUBLISH, "start" PUBLISH },
    [VERB_BUILD_REMOVE] = { "is_over" UPDATE, ALL_BUT_UPDATE("is_over"), SCRATCH_GOES,
        "reset_failed" UPDATE, ALL_BUT_UPDATE("reset_failed") },
    [VERB_OVERLAY_CREATE] = { "tidy-overlay-create" },
    [VERB_OVERLAY_REMOVE] = { ALL_BUT_UPDATE("is_over"), SCRATCH_GOES,
        ALL_BUT_UPDATE("reset_failed"), "tidy-overlay-remove" },
};
// clang-format on

// ---- the world that a message meets -------------------------------------------------------------

struct world {
    struct fakebus       fake; // first: it is the context of its functions
    bool                 is_server_busy, is_mount_busy, is_edit_busy;
    bool                 is_builder_busy, is_publish_busy;
    bool                 has_record;     // as if the stack were mounted
    bool                 has_runner;     // somebody runs on the overlay that is to go
    bool                 is_mount_stuck; // its record stays, whatever is asked of it
    uint32_t             newest_build, newest_overlay;
    uint32_t             newest_before;           // the build of before the message
    struct overlay_spec  overlays[OVERLAYS_KEPT]; // by number; gone ones as well
    struct instance_name instances[INSTANCES_KEPT];
    int                  lists[4]; // descriptors: good ones and others
    int                  passed_fd, edits_fd;
    const union request *request;
    unsigned long        n_done[VERB_COUNT][OPERATIONS_MAX];
};

static const struct instance_name runner = { "runner" };

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int answer_is_over(void *context, const char *unit, bool *ret, struct error *err)
{
    const struct world *world = context;

    *ret = !(starts_with(unit, "left4me-server@")    ? world->is_server_busy
             : starts_with(unit, "left4me-mount@")   ? world->is_mount_busy
             : starts_with(unit, "left4me-edit@")    ? world->is_edit_busy
             : starts_with(unit, "left4me-publish@") ? world->is_publish_busy
                                                     : world->is_builder_busy);
    return fakebus_say(context, "is_over", unit, err);
}

// Does what the mount helper would do at a stop.
static int answer_stop(void *context, const char *unit, uint32_t *ret_job, struct error *err)
{
    const struct world *world = context;
    struct error        ignored;

    if (starts_with(unit, "left4me-mount@") && !world->is_mount_stuck)
        (void)!specfile_remove_record(world->request->name.name.text, &ignored);
    return fakebus_stop(context, unit, ret_job, err);
}

static uint64_t hash(const uint8_t *bytes, size_t n_bytes)
{
    uint64_t sum = n_bytes, word;

    for (size_t i = 0; i < n_bytes; i += sizeof word) {
        word = 0;
        memcpy(&word, bytes + i, MIN(sizeof word, n_bytes - i));
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return sum;
}

static bool has_valid_name(const union request *request)
{
    return request->header.magic == PROTOCOL_MAGIC && request->header.verb < VERB_BUILD_START &&
           instance_name_is_valid(&request->name.name);
}

static void put_record(const struct instance_name *name, uint32_t overlay)
{
    struct error         err;
    struct instance_spec spec = { .magic = PROTOCOL_MAGIC,
                                  .n_bytes = sizeof spec,
                                  .name = *name,
                                  .stack = { .config_generation = 1,
                                             .n_layers = 1,
                                             .layers = { { overlay, 1 } },
                                             .port = 27015 } };

    if (specfile_write_record(&spec, &err) < 0)
        abort();
}

// Those who are about to drop something bring a list most of the time, others by mistake.
static int choose_list(const struct world *world, uint64_t dice)
{
    bool is_edit = world->request->header.verb == VERB_INSTANCE_EDIT;

    if (is_edit ? dice % 8 == 0 : dice % 32 != 0)
        return -1;
    return world->lists[(dice >> 5) % ELEMENTS(world->lists)];
}

static void make_world(struct world *world, uint64_t dice)
{
    static const char *const states[] = { "failed", "inactive", "active", "activating" };
    struct fakebus          *fake = &world->fake;
    const union request     *request = world->request;

    fake->said[0] = '\0';
    fake->n_calls = 0;
    fake->fail_at = dice % 8 == 0 ? 1 + (dice >> 3) % 8 : 0;
    fake->is_silent = dice >> 8 & 1;
    fake->is_disabled = dice >> 9 & 1;
    fake->has_settings = dice >> 23 & 1;
    strcpy(fake->active_state, states[dice >> 10 & 3]);
    world->is_server_busy = (dice >> 12 & 3) == 0;
    world->is_mount_busy = (dice >> 14 & 3) == 0;
    world->is_builder_busy = (dice >> 16 & 3) == 0;
    world->is_publish_busy = (dice >> 18 & 3) == 0;
    world->is_mount_stuck = dice >> 20 & 1;
    world->is_edit_busy = (dice >> 24 & 7) == 0;
    world->has_record = (dice >> 21 & 3) == 0 && has_valid_name(request);
    world->has_runner = (dice >> 27 & 3) == 0 && request->header.verb == VERB_OVERLAY_REMOVE &&
                        request->overlay.overlay > 0 && request->overlay.overlay <= NUMBER_MAX;
    world->passed_fd = choose_list(world, dice >> 32);
    if (world->has_record)
        put_record(&request->name.name, GAME_OVERLAY);
    if (world->has_runner)
        put_record(&runner, request->overlay.overlay);
}

// ---- what is asked ------------------------------------------------------------------------------

static NORETURN void wrong(const struct world *world, const char *what)
{
    fprintf(stderr, "fuzz-verbs: verb %u: %s: %s\n", world->request->header.verb, what,
            world->fake.said);
    abort();
}

static bool has_overlay(uint32_t overlay)
{
    struct overlay_spec spec;
    struct error        err;

    return overlay == GAME_OVERLAY || specfile_read_overlay(&spec, overlay, &err) == 0;
}

// A build of the overlay; 0: there is none.
static uint32_t find_build(uint32_t overlay)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;

    for (struct error err;
         fd < 0 && (specfile_open_builds(&fd, &err) < 0 || dir_open(&dir, fd, &err) < 0);)
        abort();
    for (struct error err; dir_next(&name, dir, &err) > 0;) {
        struct build_spec spec;
        if (specfile_read_build(&spec, name, &err) == 0 && spec.overlay == overlay)
            return spec.build;
    }
    return 0;
}

static void check_build_removal(const struct world *world, uint32_t build)
{
    const union request *request = world->request;
    struct build_spec    spec;
    struct error         err;
    char                 id[16];

    snprintf(id, sizeof id, "%u", build);
    if (specfile_read_build(&spec, id, &err) < 0)
        wrong(world, "removes a build that nobody knows");
    if (world->is_publish_busy ||
        (world->is_builder_busy && unit_has_builder((enum build_kind)spec.kind)))
        wrong(world, "touches the directories of a build that runs");
    if ((request->header.verb == VERB_BUILD_START &&
         spec.overlay != request->build_start.overlay) ||
        (request->header.verb == VERB_OVERLAY_REMOVE && spec.overlay != request->overlay.overlay))
        wrong(world, "removes the build of another overlay");
}

// The number that is named, or, for a new build one that was never used, and for those it replaces
// one that was.
static void check_build(struct world *world, const char *operation, uint32_t build)
{
    uint16_t verb = world->request->header.verb;
    uint32_t kind = world->request->build_start.kind;
    bool     is_clearing = strcmp(operation, "start" BUILD_MOUNT) == 0;
    bool is_start = verb == VERB_BUILD_START && !is_clearing && starts_with(operation, "start ");

    if (is_clearing && strcmp(world->fake.active_state, "failed") != 0)
        wrong(world, "clears a scratch that nothing is wrong with");
    if (verb != VERB_BUILD_START && verb != VERB_OVERLAY_REMOVE) {
        if (build != world->request->build.build)
            wrong(world, "another build");
    } else if (strcmp(operation, "tidy-build-create") == 0 || (is_start && kind >= BUILD_SELECT)) {
        if (build <= world->newest_before)
            wrong(world, "a number that was used before");
        world->newest_build = build;
    } else if (is_start ? build != world->newest_build : build > world->newest_build) {
        wrong(world, "a build that does not exist");
    }
    if (strcmp(operation, "tidy-build-remove") == 0)
        check_build_removal(world, build);
}

static void check_overlay_removal(const struct world *world, uint32_t overlay)
{
    struct instance_name user;
    struct error         err;

    if (overlay == GAME_OVERLAY || has_overlay(overlay) || find_build(overlay))
        wrong(world, "drops an overlay that can still be used, or that is built");
    if (specfile_find_user(&user, overlay, &err) < 0 || *user.text)
        wrong(world, "drops an overlay that a server has");
}

static void check_overlay(struct world *world, uint32_t overlay)
{
    const union request *request = world->request;

    if (request->header.verb == VERB_OVERLAY_CREATE) {
        if (overlay <= world->newest_overlay || overlay == GAME_OVERLAY || has_overlay(overlay))
            wrong(world, "the number of an overlay that was used before");
        world->newest_overlay = overlay;
    } else if (request->header.verb == VERB_OVERLAY_REMOVE) {
        if (overlay != request->overlay.overlay)
            wrong(world, "another overlay");
        check_overlay_removal(world, overlay);
    } else if (overlay != request->build_start.overlay ||
               request->build_start.kind != BUILD_SCRIPT ||
               !(request->build_start.flags & BUILD_FRESH)) {
        wrong(world, "the cache of another overlay");
    } else {
        world->newest_build = find_build(overlay);
        if (world->newest_build <= world->newest_before)
            wrong(world, "the cache of a build that is there already");
    }
}

static void check_instance(const struct world *world, const char *operation, const char *name)
{
    uint16_t verb = world->request->header.verb;

    if (strcmp(name, world->request->name.name.text) != 0)
        wrong(world, "another instance");
    if ((starts_with(operation, "tidy-") || strcmp(operation, "start" EDIT) == 0) &&
        (world->is_server_busy || world->is_edit_busy || specfile_has_record(name)))
        wrong(world, "touches the directories of a server that runs, is edited or is mounted");
    if (strcmp(operation, "start" EDIT) == 0 && faccessat(world->edits_fd, name, F_OK, 0) < 0)
        wrong(world, "edits without a list");
    if (verb == VERB_INSTANCE_RESTART && strcmp(operation, "start" SERVER) == 0 &&
        world->fake.is_disabled)
        wrong(world, "starts a server that was stopped meanwhile");
    if ((verb == VERB_INSTANCE_STOP || verb == VERB_INSTANCE_RESTART) &&
        strcmp(operation, "kill" SERVER) == 0 && !world->fake.is_silent)
        wrong(world, "kills a server that would have heard");
}

// That it is about what the message names, and that the state of things allows it.
static void check_subject(struct world *world, const char *operation, const char *subject)
{
    uint16_t     verb = world->request->header.verb;
    uint32_t     number;
    struct error err;

    if (verb < VERB_BUILD_START)
        check_instance(world, operation, subject);
    else if (number_name_parse(&number, subject, &err) < 0)
        wrong(world, "no number of ours");
    else if (starts_with(operation, "tidy-overlay-"))
        check_overlay(world, number);
    else
        check_build(world, operation, number);
    if (verb == VERB_PUBLISH && strcmp(operation, "start" PUBLISH) == 0 &&
        strcmp(world->fake.active_state, "failed") != 0)
        wrong(world, "publishes what did not fail to be published");
}

static void check_operation(struct world *world, const char *operation, const char *subject)
{
    uint16_t verb = world->request->header.verb;

    for (size_t i = 0; i < OPERATIONS_MAX && operations[verb][i]; i++) {
        if (strcmp(operations[verb][i], operation) != 0)
            continue;
        world->n_done[verb][i]++;
        check_subject(world, operation, subject);
        return;
    }
    wrong(world, "an operation that is not the verb's");
}

// The hook of the fake. One of "operation(details)" and "unit@subject.service", or of "tidy-action"
// and "subject".
static void check_call(struct fakebus *fake, const char *what, const char *about)
{
    struct world *world = (struct world *)fake;
    char          unit[UNIT_NAME_MAX], key[sizeof unit + 32];

    if (starts_with(what, "tidy-")) {
        check_operation(world, what, about);
        return;
    }
    snprintf(unit, sizeof unit, "%s", about);
    char *at = strchr(unit, '@'), *tail = strrchr(unit, '.');
    if (!at || !tail || tail < at || strcmp(tail, ".service") != 0)
        wrong(world, "not the name of a unit");
    *at = *tail = '\0';
    snprintf(key, sizeof key, "%.*s %s", (int)strcspn(what, "("), what, unit);
    check_operation(world, key, at + 1);
}

// ---- what came of it ----------------------------------------------------------------------------

static int make_list(size_t n, bool is_sealed)
{
    static const char bytes[EDIT_BYTES_MAX + 1] = "cfg/a.cfg";
    int               fd = memfd_create("list", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n ||
        (is_sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0))
        abort();
    return fd;
}

static struct world *the_world(void)
{
    static struct world world;
    static bool         is_set_up;

    if (is_set_up)
        return &world;
    if (private_dirs_enter() < 0) {
        perror("fuzz-verbs needs root for a mount namespace");
        exit(77);
    }
    fakebus_init(&world.fake);
    world.fake.ops.is_over = answer_is_over;
    world.fake.ops.stop = answer_stop;
    world.fake.hook = check_call;
    world.newest_overlay = GAME_OVERLAY;
    world.edits_fd = open(PROTOCOL_HOST_DIR "/edits", O_PATH | O_DIRECTORY | O_CLOEXEC);
    world.lists[0] = make_list(10, true);
    world.lists[1] = make_list(24, true);
    world.lists[2] = make_list(10, false);
    world.lists[3] = make_list(EDIT_BYTES_MAX + 1, true);
    is_set_up = true;
    return &world;
}

static void keep_overlay(struct world *world, uint32_t overlay)
{
    struct overlay_spec *place = &world->overlays[overlay % OVERLAYS_KEPT];
    struct error         err;
    uint32_t             build;

    while (place->overlay && (build = find_build(place->overlay)))
        if (specfile_remove_build(build, &err) < 0)
            abort();
    if ((place->overlay && specfile_remove_overlay(place->overlay, &err) < 0) ||
        specfile_read_overlay(place, overlay, &err) < 0)
        wrong(world, "says that it has made an overlay");
}

static void keep_instance(struct world *world, const struct instance_name *name)
{
    uint64_t              place = hash((const uint8_t *)name, sizeof *name) % INSTANCES_KEPT;
    struct instance_name *kept = &world->instances[place];
    struct error          err;

    if (memcmp(kept, name, sizeof *name) != 0 && *kept->text &&
        specfile_remove_instance(kept->text, &err) < 0)
        abort();
    *kept = *name;
}

static void check_done(struct world *world, const struct reply *reply)
{
    const union request *request = world->request;

    switch (request->header.verb) {
    case VERB_INSTANCE_APPLY:
    case VERB_INSTANCE_RESTART:
        for (uint32_t i = 0; i < request->stack.stack.n_layers; i++)
            if (!has_overlay(request->stack.stack.layers[i].overlay))
                wrong(world, "a stack of what does not exist");
        keep_instance(world, &request->name.name);
        break;
    case VERB_OVERLAY_CREATE:
        if (reply->overlay != world->newest_overlay)
            wrong(world, "another overlay");
        keep_overlay(world, reply->overlay);
        if (world->overlays[reply->overlay % OVERLAYS_KEPT].type != request->overlay.type)
            wrong(world, "an overlay of another type");
        break;
    case VERB_OVERLAY_REMOVE:
        if (has_overlay(request->overlay.overlay))
            wrong(world, "says that it has removed an overlay");
        break;
    default:
        break;
    }
}

// What was put there for one message is taken away again.
static void leave_world(struct world *world)
{
    const char  *name = world->request->name.name.text;
    struct error err;

    if (has_valid_name(world->request) && faccessat(world->edits_fd, name, F_OK, 0) == 0)
        wrong(world, "a list is left");
    if ((world->has_record && specfile_remove_record(name, &err) < 0) ||
        (world->has_runner && specfile_remove_record(runner.text, &err) < 0))
        wrong(world, "its record cannot be removed");
}

static void handle(const uint8_t *bytes, size_t n_bytes, uint64_t salt)
{
    struct world *world = the_world();
    uint64_t      dice = hash(bytes, n_bytes) ^ salt;
    union request request = { 0 };
    struct reply  reply;
    struct error  err = { 0 };

    memcpy(&request, bytes, MIN(n_bytes, sizeof request));
    world->request = &request;
    world->newest_before = world->newest_build;
    make_world(world, dice);
    int r = verbs_handle(&reply, bytes, n_bytes, world->passed_fd, &world->fake.ops, &err);
    if (reply.magic != PROTOCOL_MAGIC || reply.kind >= ERROR_KIND_COUNT ||
        memchr(reply.message, '\0', sizeof reply.message) == NULL)
        wrong(world, "the reply is none");
    if (r < 0 && (world->fake.n_calls != 0 || reply.kind != ERROR_INVALID))
        wrong(world, "a malformed message changed something");
    if (r == 0 && reply.kind == ERROR_NONE)
        check_done(world, &reply);
    leave_world(world);
}

#ifndef VERBS_SOAK

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    handle(bytes, n_bytes, 0);
    return 0;
}

#else

#define ENOUGH 200000 // messages that come to everything there is

static uint64_t state;

static uint64_t any_bits(void) // splitmix64
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t any(uint32_t below)
{
    return (uint32_t)(any_bits() >> 16) % below;
}

static size_t size_of(uint16_t verb)
{
    switch (verb) {
    case VERB_INSTANCE_APPLY:
    case VERB_INSTANCE_RESTART:
        return sizeof(struct request_stack);
    case VERB_BUILD_START:
        return sizeof(struct request_build_start);
    case VERB_BUILD_STOP:
    case VERB_PUBLISH:
    case VERB_BUILD_REMOVE:
        return sizeof(struct request_build);
    case VERB_OVERLAY_CREATE:
    case VERB_OVERLAY_REMOVE:
        return sizeof(struct request_overlay);
    default:
        return sizeof(struct request_name);
    }
}

// One that there is, or has been, or will be.
static uint32_t any_overlay(void)
{
    uint32_t next = the_world()->newest_overlay + 1;

    return next - any(4) % next;
}

// One that a build of this kind may be run on, if there is one.
static uint32_t overlay_for(uint32_t kind)
{
    static const enum overlay_type types[] = { [BUILD_SCRIPT] = OVERLAY_SCRIPT,
                                               [BUILD_WORKSHOP] = OVERLAY_WORKSHOP,
                                               [BUILD_FILES] = OVERLAY_FILES };

    if (kind == BUILD_UPDATE)
        return GAME_OVERLAY;
    for (uint32_t i = 0, first = any(OVERLAYS_KEPT); i < OVERLAYS_KEPT && kind <= BUILD_FILES;
         i++) {
        const struct overlay_spec *overlay = &the_world()->overlays[(first + i) % OVERLAYS_KEPT];
        if (overlay->type == types[kind] && has_overlay(overlay->overlay))
            return overlay->overlay;
    }
    return any_overlay();
}

static void make_build_start(struct request_build_start *ret)
{
    ret->kind = 1 + any(BUILD_KIND_COUNT - 1);
    ret->overlay = overlay_for(ret->kind);
    ret->base_generation = any(9) + (ret->kind == BUILD_SELECT);
    ret->keep = 1 + any(KEEP_MAX);
    ret->flags = any(4);
    ret->output_max_bytes = OUTPUT_MAX_MIN + any(UINT32_MAX);
}

static void make_build(struct request_build *ret)
{
    uint32_t newest = the_world()->newest_build;

    ret->build = newest - MIN(newest, any(12)) + !newest;
}

static void make_overlay(struct request_overlay *ret)
{
    if (ret->header.verb == VERB_OVERLAY_CREATE)
        ret->type = OVERLAY_SCRIPT + any(OVERLAY_TYPE_COUNT - OVERLAY_SCRIPT);
    else
        ret->overlay = any_overlay();
}

static void make_stack(struct instance_stack *ret)
{
    *ret = (struct instance_stack){ .config_generation = 1,
                                    .n_layers = 1 + any(2),
                                    .layers = { { GAME_OVERLAY, 1 + any(9) } },
                                    .port = 27015 };
    if (ret->n_layers == 2)
        ret->layers[1] = (struct layer_ref){ any_overlay(), 1 + any(9) };
}

static size_t make_valid(union request *ret, uint16_t verb)
{
    *ret = (union request){ .header = { PROTOCOL_MAGIC, verb, (uint16_t)size_of(verb) } };
    if (verb == VERB_BUILD_START) {
        make_build_start(&ret->build_start);
    } else if (verb >= VERB_OVERLAY_CREATE) {
        make_overlay(&ret->overlay);
    } else if (verb > VERB_BUILD_START) {
        make_build(&ret->build);
    } else {
        snprintf(ret->name.name.text, sizeof ret->name.name.text, any(2) ? "s%u" : "s-%u_x",
                 any(10));
        if (size_of(verb) == sizeof ret->stack)
            make_stack(&ret->stack.stack);
    }
    return size_of(verb);
}

// What no message has led to shows that the table allows too much, or that the world is too small.
static int find_unused(void)
{
    const struct world *world = the_world();
    int                 n = 0;

    for (size_t verb = 0; verb < VERB_COUNT; verb++)
        for (size_t i = 0; i < OPERATIONS_MAX && operations[verb][i]; i++)
            if (world->n_done[verb][i] == 0) {
                fprintf(stderr, "soak-verbs: verb %zu never came to '%s'\n", verb,
                        operations[verb][i]);
                n++;
            }
    return n;
}

int main(int argc, char **argv)
{
    unsigned long n_messages = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    union request request;

    state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    for (unsigned long i = 0; i < n_messages; i++) {
        size_t n = make_valid(&request, (uint16_t)any(VERB_COUNT + 1));
        for (uint32_t change = any(4); change > 0 && n > 0; change--)
            ((uint8_t *)&request)[any((uint32_t)MIN(n, any(2) ? 100u : sizeof request))] =
                (uint8_t)any(256);
        if (any(16) == 0)
            n = any(sizeof request + 1);
        handle((const uint8_t *)&request, n, any_bits());
    }
    printf("%lu messages from seed %lu\n", n_messages, argc > 2 ? strtoul(argv[2], NULL, 10) : 1);
    return n_messages >= ENOUGH && find_unused() > 0;
}

#endif
