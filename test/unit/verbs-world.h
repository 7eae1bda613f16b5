// SPDX-License-Identifier: MIT
#pragma once

// verbs-world: messages to the broker as its callers make them, for tests of what it does about
// them. The answers are those of verbs_handle(), the calls those of the fake init system.

#include "unit.h"

#include <errno.h>
#include <sys/mman.h>
#include "fakebus.h"
#include "private-dirs.h"
#include "priv/specfile.h"
#include "priv/verbs.h"

#define SEALS           (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define A_LIST          "cfg/a.cfg\0b" // as instance-edit takes it, with the last NUL
#define SERVER_OF(name) "left4me-server@" name ".service; "
#define EDIT_OF(name)   "left4me-edit@" name ".service; "
#define MOUNT_OF(name)  "left4me-mount@" name ".service; "

// Memory that holds the bytes, with these seals.
static inline int list_make(const void *bytes, size_t n, int seals)
{
    int fd = memfd_create("list", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, bytes, n), n);
    assert_return_code(fcntl(fd, F_ADD_SEALS, seals), errno);
    return fd;
}

static inline struct request_name named(enum verb verb)
{
    return (struct request_name){
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof(struct request_name) },
        .name = { "alpha" },
    };
}

static inline struct request_stack stacked(enum verb verb)
{
    return (struct request_stack){
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof(struct request_stack) },
        .name = { "alpha" },
        .stack = { .config_generation = 1, .n_layers = 1, .layers = { { 1, 7 } }, .port = 27015 },
    };
}

static inline struct request_build_start started(enum build_kind kind, uint32_t overlay)
{
    return (struct request_build_start){
        .header = { PROTOCOL_MAGIC, VERB_BUILD_START, sizeof(struct request_build_start) },
        .kind = kind,
        .overlay = overlay,
        .base_generation = 3,
        .keep = 2,
        .output_max_bytes = OUTPUT_MAX_DEFAULT,
    };
}

// With a descriptor, or -1.
static inline struct reply ask_with(struct fakebus *fake, const void *bytes, size_t n_bytes, int fd)
{
    struct reply reply;
    struct error err = { 0 };

    fake->said[0] = '\0';
    fake->n_calls = 0;
    int r = verbs_handle(&reply, bytes, n_bytes, fd, &fake->ops, &err);
    assert_int_equal(r, reply.kind == ERROR_INVALID && fake->n_calls == 0 && err.kind ? -1 : 0);
    return reply;
}

static inline struct reply ask(struct fakebus *fake, const void *bytes, size_t n_bytes)
{
    return ask_with(fake, bytes, n_bytes, -1);
}

// With a list for the verb that wants one.
static inline struct reply ask_name(struct fakebus *fake, enum verb verb)
{
    struct request_name request = named(verb);
    AUTO_FD             fd = -1;

    if (verb == VERB_INSTANCE_EDIT)
        fd = list_make(A_LIST, sizeof A_LIST, SEALS);
    return ask_with(fake, &request, sizeof request, fd);
}

static inline struct reply ask_stack(struct fakebus *fake, enum verb verb)
{
    struct request_stack request = stacked(verb);

    return ask(fake, &request, sizeof request);
}

static inline struct reply ask_build(struct fakebus *fake, enum verb verb, uint32_t build)
{
    struct request_build request = {
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof request },
        .build = build,
    };
    return ask(fake, &request, sizeof request);
}

static inline struct reply ask_build_start(struct fakebus *fake, enum build_kind kind,
                                           uint32_t overlay)
{
    struct request_build_start request = started(kind, overlay);

    return ask(fake, &request, sizeof request);
}

// overlay-create takes the one, overlay-remove the other; 0 where it is not taken.
static inline struct reply ask_overlay(struct fakebus *fake, enum verb verb, uint32_t type,
                                       uint32_t overlay)
{
    struct request_overlay request = {
        .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof request },
        .type = type,
        .overlay = overlay,
    };
    return ask(fake, &request, sizeof request);
}

// The message is malformed: nothing happens, and the connection ends.
static inline void refused_with(const void *bytes, size_t n_bytes, int fd)
{
    struct fakebus fake;
    struct reply   reply;
    struct error   err = { 0 };

    fakebus_init(&fake);
    fake.is_turn_needed = true;
    assert_int_equal(verbs_handle(&reply, bytes, n_bytes, fd, &fake.ops, &err), -1);
    assert_int_equal(reply.kind, ERROR_INVALID);
    assert_int_equal(reply.magic, PROTOCOL_MAGIC);
    assert_int_equal(fake.n_calls, 0);
}

static inline void refused(const void *bytes, size_t n_bytes)
{
    refused_with(bytes, n_bytes, -1);
}

static inline void forget_everything(void)
{
    struct error err;

    assert_int_equal(specfile_remove_instance("alpha", &err), 0);
    assert_int_equal(specfile_remove_record("alpha", &err), 0);
}

static inline bool is_there(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
