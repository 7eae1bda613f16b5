// SPDX-License-Identifier: MIT
#include "http/crew.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/macros.h"

#define PAIRS  ((size_t)2 * CREW_MIN) // 512 descriptors
#define ROUNDS 300u

struct world {
    struct crew     *crew;
    int              ours[PAIRS], theirs[PAIRS];
    struct crew_send sends[PAIRS];
};

static void world_open(struct world *world)
{
    world->crew = crew_new();
    assert_non_null(world->crew);
    for (size_t i = 0; i < PAIRS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        world->ours[i] = pair[0];
        world->theirs[i] = pair[1];
    }
}

static void world_close(struct world *world)
{
    assert_null(crew_free(world->crew));
    for (size_t i = 0; i < PAIRS; i++) {
        (void)close(world->ours[i]);
        (void)close(world->theirs[i]);
    }
}

static void send_all(struct world *world, const char *text, size_t n_pairs)
{
    for (size_t i = 0; i < n_pairs; i++)
        world->sends[i] =
            (struct crew_send){ .fd = world->ours[i], .bytes = text, .n = strlen(text) };
    crew_send(world->crew, world->sends, n_pairs);
}

static void hear(const struct world *world, size_t i, const char *text)
{
    char    heard[64];
    ssize_t n = recv(world->theirs[i], heard, sizeof heard, MSG_DONTWAIT);

    assert_int_equal(n, strlen(text));
    assert_memory_equal(heard, text, n);
}

// Each hears each once, and in order: a list that is done is done by all of them.
static void test_everybody_hears_all(void **state)
{
    struct world world;
    char         text[32];

    (void)state;
    world_open(&world);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t n_pairs = round % 3 == 0 ? CREW_MIN - 1 : PAIRS - round % 3; // also without a thread
        (void)snprintf(text, sizeof text, "line %u\n", round);
        send_all(&world, text, n_pairs);
        for (size_t i = 0; i < n_pairs; i++) {
            assert_int_equal(world.sends[i].result, strlen(text));
            hear(&world, i, text);
        }
    }
    world_close(&world);
}

// What goes wrong with one is not told of another.
static void test_some_do_not(void **state)
{
    struct world world;
    char        *large = calloc(1, 1 << 22);
    size_t       n;

    (void)state;
    assert_non_null(large);
    world_open(&world);
    (void)close(world.theirs[7]);
    world.theirs[7] = -1;
    memset(large, 'x', (1 << 22) - 1);
    for (n = 0; n < PAIRS; n++)
        world.sends[n] = (struct crew_send){ .fd = world.ours[n],
                                             .bytes = large,
                                             .n = n == 3 ? (1 << 22) - 1 : 5 };
    crew_send(world.crew, world.sends, PAIRS);
    for (size_t i = 0; i < PAIRS; i++) {
        if (i == 7)
            assert_int_equal(world.sends[i].result, -EPIPE);
        else if (i == 3)
            assert_in_range(world.sends[i].result, 1, (1 << 22) - 2);
        else
            assert_int_equal(world.sends[i].result, 5);
    }
    send_all(&world, "more", PAIRS);
    assert_int_equal(world.sends[3].result, -EAGAIN);
    assert_int_equal(world.sends[4].result, 4);
    hear(&world, 4, "xxxxxmore");
    free(large);
    world_close(&world);
}

static void test_nobody(void **state)
{
    struct crew *crew = crew_new();

    (void)state;
    assert_non_null(crew);
    crew_send(crew, NULL, 0);
    assert_null(crew_free(crew));
    assert_null(crew_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_hears_all),
        cmocka_unit_test(test_some_do_not),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
