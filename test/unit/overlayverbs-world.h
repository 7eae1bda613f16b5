// SPDX-License-Identifier: MIT
#pragma once

// overlayverbs-world: overlays, builds and instances, for tests of what the broker does with them.

#include "verbs-world.h"

#include "priv/buildverbs.h"
#include "priv/overlayverbs.h"

static inline struct fakebus fresh_fake(void)
{
    struct fakebus fake;

    fakebus_init(&fake);
    return fake; // its context is set when it is used
}

// As fresh_fake(), where it stays.
#define FAKE(name)                                                                                 \
    struct fakebus name = fresh_fake();                                                            \
    (name).ops.context = &(name)

// Makes an overlay and returns its number.
static inline uint32_t make_overlay(enum overlay_type type)
{
    FAKE(fake);

    struct reply reply = ask_overlay(&fake, VERB_OVERLAY_CREATE, type, 0);
    assert_int_equal(reply.kind, ERROR_NONE);
    return reply.overlay;
}

static inline void drop_overlay(uint32_t overlay)
{
    FAKE(fake);

    assert_int_equal(ask_overlay(&fake, VERB_OVERLAY_REMOVE, 0, overlay).kind, ERROR_NONE);
}

static inline bool has_overlay(uint32_t overlay)
{
    struct overlay_spec spec;
    struct error        err;

    return specfile_read_overlay(&spec, overlay, &err) == 0;
}

static inline bool has_build(uint32_t build)
{
    struct build_spec spec;
    struct error      err;
    char              id[16];

    snprintf(id, sizeof id, "%u", build);
    return specfile_read_build(&spec, id, &err) == 0;
}

static inline void assert_said(const struct fakebus *fake, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void assert_said(const struct fakebus *fake, const char *format, ...)
{
    char    want[sizeof fake->said];
    va_list args;

    va_start(args, format);
    vsnprintf(want, sizeof want, format, args);
    va_end(args);
    assert_string_equal(fake->said, want);
}

// An instance that has, or runs on, the overlay.
static inline struct instance_spec user_of(const char *name, uint32_t overlay)
{
    struct instance_spec spec = {
        .magic = PROTOCOL_MAGIC,
        .n_bytes = sizeof spec,
        .revision = 1,
        .stack = { .config_generation = 1,
                   .n_layers = 2,
                   .layers = { { overlay, 4 }, { GAME_OVERLAY, 7 } },
                   .port = 27015 },
    };

    snprintf(spec.name.text, sizeof spec.name.text, "%s", name);
    return spec;
}

static inline struct request_stack stacked_on(enum verb verb, uint32_t overlay)
{
    struct request_stack request = stacked(verb);

    request.stack = user_of("alpha", overlay).stack;
    return request;
}
