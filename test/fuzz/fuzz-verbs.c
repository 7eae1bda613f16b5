// SPDX-License-Identifier: MIT

// fuzz-verbs: messages to the broker, with a fake init system that checks what comes out.
//
// Two ways in: a libFuzzer target, and, built with -DVERBS_SOAK, a program of its own that makes N
// messages from a seed (fuzz-verbs N SEED): garbage, valid ones, and valid ones with bytes changed.
// Whatever goes in, only units of ours may be named, and only by the operations of the verb.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/fakebus.h"
#include "../unit/private-dirs.h"
#include "priv/verbs.h"

static const char *const allowed_prefixes[] = {
    "left4me-server@",  "left4me-mount@",       "left4me-update@",
    "left4me-publish@", "left4me-build-mount@",
};

// Every "operation unit; " that was said names one of our units, with a clean instance.
static void check_said(const char *said)
{
    for (const char *p = said; *p;) {
        const char *unit = strchr(p, ' ');
        const char *end = unit ? strstr(unit, "; ") : NULL;
        if (!end)
            return; // the last one was cut off
        unit++;
        bool is_tidy = strncmp(p, "tidy-", 5) == 0; // what it is asked was checked by the fake
        bool is_ours = false;
        for (size_t i = 0; i < ELEMENTS(allowed_prefixes); i++)
            if (strncmp(unit, allowed_prefixes[i], strlen(allowed_prefixes[i])) == 0)
                is_ours = true;
        if (is_tidy) {
            p = end + 2;
            continue;
        }
        const char *at = strchr(unit, '@') + 1;
        size_t      n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_-");
        if (!is_ours || strncmp(at + n, ".service", 8) != 0 || at + n + 8 != end)
            abort();
        p = end + 2;
    }
}

static void handle(const uint8_t *bytes, size_t n_bytes)
{
    static struct fakebus fake;
    static bool           is_set_up;
    struct reply          reply;
    struct error          err = { 0 };

    if (!is_set_up) {
        if (private_dirs_enter() < 0) {
            perror("fuzz-verbs needs root for a mount namespace");
            exit(77);
        }
        fakebus_init(&fake);
        is_set_up = true;
    }
    fake.said[0] = '\0';
    fake.n_calls = 0;
    fake.is_over = n_bytes & 1 ? false : true;
    int r = verbs_handle(&reply, bytes, n_bytes, &fake.ops, &err);
    check_said(fake.said);
    if (reply.magic != PROTOCOL_MAGIC || reply.kind >= ERROR_KIND_COUNT ||
        memchr(reply.message, '\0', sizeof reply.message) == NULL)
        abort();
    if (r < 0 && (fake.n_calls != 0 || reply.kind != ERROR_INVALID)) // malformed: changes nothing
        abort();
}

#ifndef VERBS_SOAK

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    handle(bytes, n_bytes);
    return 0;
}

#else

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
        ret->build.build = 1 + any(4);
    } else {
        static const char *const names[] = { "a", "alpha", "s1", "s-2_x" };
        strcpy(ret->name.name.text, names[any(4)]);
        ret->stack.stack = size_of(verb) == sizeof ret->stack
                               ? (struct instance_stack){ .config_generation = 1,
                                                          .n_layers = 1,
                                                          .layers = { { 1, 1 + any(9) } },
                                                          .port = 27015 }
                               : (struct instance_stack){ 0 };
    }
    return size_of(verb);
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
    return 0;
}

#endif
