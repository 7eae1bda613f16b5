// SPDX-License-Identifier: MIT

// fuzz-verbs: messages to the broker, with a fake init system that checks what comes out.
//
// Two ways in: a libFuzzer target, and, built with -DVERBS_SOAK, a program of its own that makes N
// messages from a seed (soak-verbs N SEED): garbage, valid ones, and valid ones with bytes changed.
// What the fake answers follows from the message as well. Whatever goes in, each operation must be
// one that the verb may use, on the unit of the instance or build that was named.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/fakebus.h"
#include "../unit/private-dirs.h"
#include "priv/specfile.h"
#include "priv/verbs.h"

#define OPERATIONS_MAX 20

// ---- what each verb may do ----------------------------------------------------------------------

#define SERVER      " left4me-server"
#define MOUNT       " left4me-mount"
#define UPDATE      " left4me-update"
#define PUBLISH     " left4me-publish"
#define BUILD_MOUNT " left4me-build-mount"

// clang-format off
#define MUST_BE_STOPPED \
    "is_over" SERVER, "is_over" MOUNT, "stop" MOUNT, "await" MOUNT, "reset_failed" MOUNT, "start" MOUNT
#define MUST_BE_OVER "is_over" UPDATE, "is_over" PUBLISH
#define BUILD_GOES \
    "stop" BUILD_MOUNT, "await" BUILD_MOUNT, "tidy-build-remove", "reset_failed" UPDATE, \
    "reset_failed" BUILD_MOUNT, "reset_failed" PUBLISH

static const char *const operations[VERB_COUNT][OPERATIONS_MAX] = {
    [VERB_INSTANCE_CREATE] = { MUST_BE_STOPPED, "tidy-create" },
    [VERB_INSTANCE_APPLY] = { MUST_BE_STOPPED, "has_settings" SERVER,
        "set_limits" SERVER },
    [VERB_INSTANCE_START] = { "is_enabled" SERVER, "enable" SERVER, "reset_failed" SERVER, "reset_failed" MOUNT,
        "start" SERVER, "disable" SERVER },
    [VERB_INSTANCE_STOP] = { "disable" SERVER, "stop" SERVER, "is_silent" SERVER, "kill" SERVER,
        "await" SERVER, "reset_failed" SERVER, "stop" MOUNT },
    [VERB_INSTANCE_RESTART] = { "enable" SERVER, "stop" SERVER, "is_silent" SERVER, "kill" SERVER,
        "await" SERVER, "stop" MOUNT, "await" MOUNT, "has_settings" SERVER,
        "set_limits" SERVER, "is_enabled" SERVER, "reset_failed" SERVER, "reset_failed" MOUNT, "start" SERVER,
        "disable" SERVER },
    [VERB_INSTANCE_KILL] = { "disable" SERVER, "stop" SERVER, "kill" SERVER, "stop" MOUNT },
    [VERB_INSTANCE_WIPE] = { MUST_BE_STOPPED, "tidy-wipe" },
    [VERB_INSTANCE_REMOVE] = { MUST_BE_STOPPED, "disable" SERVER, "reset_failed" SERVER,
        "revert" SERVER, "tidy-remove" },
    [VERB_INSTANCE_STATUS] = { "state" SERVER, "is_enabled" SERVER },
    [VERB_BUILD_START] = { MUST_BE_OVER, BUILD_GOES, "tidy-build-create", "start" UPDATE },
    [VERB_BUILD_STOP] = { "stop" UPDATE },
    [VERB_PUBLISH] = { "state" PUBLISH, "reset_failed" PUBLISH, "start" PUBLISH },
    [VERB_BUILD_REMOVE] = { MUST_BE_OVER, BUILD_GOES },
};
// clang-format on

// ---- the world that a message meets -------------------------------------------------------------

struct world {
    struct fakebus       fake; // first: it is the context of its functions
    bool                 is_server_busy, is_mount_busy, is_update_busy, is_publish_busy;
    bool                 has_record;     // as if the stack were mounted
    bool                 is_mount_stuck; // its record stays, whatever is asked of it
    uint32_t             newest_build;
    const union request *request;
    unsigned long        n_done[VERB_COUNT][OPERATIONS_MAX];
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int answer_is_over(void *context, const char *unit, bool *ret, struct error *err)
{
    const struct world *world = context;

    *ret = !(starts_with(unit, "left4me-server@")    ? world->is_server_busy
             : starts_with(unit, "left4me-mount@")   ? world->is_mount_busy
             : starts_with(unit, "left4me-update@")  ? world->is_update_busy
             : starts_with(unit, "left4me-publish@") ? world->is_publish_busy
                                                     : true);
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

static void make_world(struct world *world, const uint8_t *bytes, size_t n_bytes)
{
    static const char *const states[] = { "failed", "inactive", "active", "activating" };
    uint64_t                 dice = hash(bytes, n_bytes);
    struct fakebus          *fake = &world->fake;
    struct error             err;

    fake->said[0] = '\0';
    fake->n_calls = 0;
    fake->fail_at = dice % 8 == 0 ? 1 + (dice >> 3) % 8 : 0;
    fake->is_silent = dice >> 8 & 1;
    fake->is_disabled = dice >> 9 & 1;
    fake->has_settings = dice >> 23 & 1;
    strcpy(fake->active_state, states[dice >> 10 & 3]);
    world->is_server_busy = (dice >> 12 & 3) == 0;
    world->is_mount_busy = (dice >> 14 & 3) == 0;
    world->is_update_busy = (dice >> 16 & 3) == 0;
    world->is_publish_busy = (dice >> 18 & 3) == 0;
    world->is_mount_stuck = dice >> 20 & 1;
    world->has_record = (dice >> 21 & 3) == 0 && has_valid_name(world->request);
    if (world->has_record) {
        struct instance_spec spec = { .magic = PROTOCOL_MAGIC,
                                      .n_bytes = sizeof spec,
                                      .name = world->request->name.name };
        if (specfile_write_record(&spec, &err) < 0)
            abort();
    }
}

// ---- what came out ------------------------------------------------------------------------------

static NORETURN void wrong(const struct world *world, const char *what)
{
    fprintf(stderr, "fuzz-verbs: verb %u: %s: %s\n", world->request->header.verb, what,
            world->fake.said);
    abort();
}

// That a unit or a request is about what the message names: an instance, a build, or, for a new
// build, a number that was never used, and for those it replaces, one that was.
static void check_subject(struct world *world, const char *operation, const char *subject)
{
    uint16_t     verb = world->request->header.verb;
    uint32_t     build;
    struct error err;

    if (verb < VERB_BUILD_START) {
        if (strcmp(subject, world->request->name.name.text) != 0)
            wrong(world, "another instance");
        return;
    }
    if (number_name_parse(&build, subject, &err) < 0)
        wrong(world, "no number of a build");
    if (verb != VERB_BUILD_START) {
        if (build != world->request->build.build)
            wrong(world, "another build");
    } else if (strcmp(operation, "tidy-build-create") == 0) {
        if (build <= world->newest_build)
            wrong(world, "a number that was used before");
        world->newest_build = build;
    } else if (strcmp(operation, "start" UPDATE) == 0 ? build != world->newest_build
                                                      : build > world->newest_build) {
        wrong(world, "a build that does not exist");
    }
}

// That the state of things allows it.
static void check_state(const struct world *world, const char *operation)
{
    uint16_t verb = world->request->header.verb;
    bool     is_instance = verb < VERB_BUILD_START;

    if (is_instance && starts_with(operation, "tidy-") &&
        (world->is_server_busy || specfile_has_record(world->request->name.name.text)))
        wrong(world, "touches the directories of a server that runs or is mounted");
    if (strcmp(operation, "tidy-build-remove") == 0 &&
        (world->is_update_busy || world->is_publish_busy))
        wrong(world, "touches the directories of a build that runs");
    if (verb == VERB_INSTANCE_RESTART && strcmp(operation, "start" SERVER) == 0 &&
        world->fake.is_disabled)
        wrong(world, "starts a server that was stopped meanwhile");
    if ((verb == VERB_INSTANCE_STOP || verb == VERB_INSTANCE_RESTART) &&
        strcmp(operation, "kill" SERVER) == 0 && !world->fake.is_silent)
        wrong(world, "kills a server that would have heard");
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
        check_state(world, operation);
        return;
    }
    wrong(world, "an operation that is not the verb's");
}

// One of "operation(details) unit@subject.service", or of "tidy-action subject".
static void check_one(struct world *world, const char *said, size_t n_said)
{
    char   operation[128], unit[128], key[sizeof operation + sizeof unit];
    size_t n_word = strcspn(said, " ");

    if (n_word >= n_said || n_said >= sizeof operation)
        wrong(world, "cannot be read");
    snprintf(operation, sizeof operation, "%.*s", (int)MIN(n_word, strcspn(said, "(")), said);
    snprintf(unit, sizeof unit, "%.*s", (int)(n_said - n_word - 1), said + n_word + 1);
    if (starts_with(operation, "tidy-")) {
        check_operation(world, operation, unit);
        return;
    }
    char *at = strchr(unit, '@'), *tail = strrchr(unit, '.');
    if (!at || !tail || tail < at || strcmp(tail, ".service") != 0)
        wrong(world, "not the name of a unit");
    *at = *tail = '\0';
    snprintf(key, sizeof key, "%s %s", operation, unit);
    check_operation(world, key, at + 1);
}

static void check_said(struct world *world)
{
    const char *end;

    for (const char *p = world->fake.said; *p; p = end + 2) {
        end = strstr(p, "; ");
        if (!end)
            wrong(world, "more than was kept");
        check_one(world, p, (size_t)(end - p));
    }
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
    is_set_up = true;
    return &world;
}

static void handle(const uint8_t *bytes, size_t n_bytes)
{
    struct world *world = the_world();
    union request request = { 0 };
    struct reply  reply;
    struct error  err = { 0 };

    memcpy(&request, bytes, MIN(n_bytes, sizeof request));
    world->request = &request;
    make_world(world, bytes, n_bytes);
    int r = verbs_handle(&reply, bytes, n_bytes, -1, &world->fake.ops, &err);
    if (reply.magic != PROTOCOL_MAGIC || reply.kind >= ERROR_KIND_COUNT ||
        memchr(reply.message, '\0', sizeof reply.message) == NULL)
        wrong(world, "the reply is none");
    if (r == 0)
        check_said(world);
    else if (world->fake.n_calls != 0 || reply.kind != ERROR_INVALID)
        wrong(world, "a malformed message changed something");
    if (world->has_record && specfile_remove_record(request.name.name.text, &err) < 0)
        wrong(world, "its record cannot be removed");
}

#ifndef VERBS_SOAK

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    handle(bytes, n_bytes);
    return 0;
}

#else

#define ENOUGH 200000 // messages that come to everything there is

static uint64_t state;

static uint32_t any(uint32_t below) // splitmix64
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 16) % below;
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
    default:
        return sizeof(struct request_name);
    }
}

static size_t make_valid(union request *ret, uint16_t verb)
{
    *ret = (union request){ .header = { PROTOCOL_MAGIC, verb, (uint16_t)size_of(verb) } };
    if (verb == VERB_BUILD_START) {
        ret->build_start.kind = BUILD_UPDATE;
        ret->build_start.overlay = GAME_OVERLAY;
        ret->build_start.keep = 1;
    } else if (verb > VERB_BUILD_START) {
        uint32_t newest = the_world()->newest_build;
        ret->build.build = newest - MIN(newest, any(4)) + !newest;
    } else {
        // As many worlds as names: what a message meets follows from its bytes.
        snprintf(ret->name.name.text, sizeof ret->name.name.text, any(2) ? "s%u" : "s-%u_x",
                 any(100));
        ret->stack.stack = size_of(verb) == sizeof ret->stack
                               ? (struct instance_stack){ .config_generation = 1,
                                                          .n_layers = 1,
                                                          .layers = { { 1, 1 + any(9) } },
                                                          .port = 27015 }
                               : (struct instance_stack){ 0 };
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
        handle((const uint8_t *)&request, n);
    }
    printf("%lu messages from seed %lu\n", n_messages, argc > 2 ? strtoul(argv[2], NULL, 10) : 1);
    return n_messages >= ENOUGH && find_unused() > 0;
}

#endif
