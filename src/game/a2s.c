// SPDX-License-Identifier: MIT
#include "game/a2s.h"

#include <math.h>
#include <string.h>
#include "base/text.h"

#define HEADER      "\xff\xff\xff\xff" // of an answer in one datagram
#define PART        "\xfe\xff\xff\xff" // of one in several
#define N_HEADER    4u
#define ASK         HEADER "TSource Engine Query"
#define N_ASK       (sizeof ASK) // with its NUL
#define N_CHALLENGE 4u
_Static_assert(N_ASK + N_CHALLENGE <= A2S_ASK_MAX, "the question fits");

size_t a2s_ask(uint8_t ret[A2S_ASK_MAX], const uint32_t *challenge)
{
    memcpy(ret, ASK, N_ASK);
    if (!challenge)
        return N_ASK;
    memcpy(ret + N_ASK, challenge, N_CHALLENGE); // as it came, whatever the order of its bytes
    return N_ASK + N_CHALLENGE;
}

size_t a2s_ask_players(uint8_t ret[A2S_ASK_MAX], const uint32_t *challenge)
{
    static const uint8_t  ask[] = { 0xff, 0xff, 0xff, 0xff, 'U' };
    static const uint32_t none = UINT32_MAX; // which asks for one
    const size_t          n = sizeof ask;

    memcpy(ret, ask, n);
    memcpy(ret + n, challenge ? challenge : &none, N_CHALLENGE);
    return n + N_CHALLENGE;
}

// ---- reading ----------------------------------------------------------------------------------

struct cursor {
    const uint8_t *bytes;
    size_t         n;
    bool           is_cut;
};

static const uint8_t *take(struct cursor *cursor, size_t n)
{
    static const uint8_t nothing[N_CHALLENGE];

    if (cursor->n < n) {
        cursor->is_cut = true;
        return nothing;
    }
    const uint8_t *taken = cursor->bytes;
    cursor->bytes += n;
    cursor->n -= n;
    return taken;
}

static unsigned take_byte(struct cursor *cursor)
{
    return *take(cursor, 1);
}

static void take_text(struct cursor *cursor, char ret[A2S_TEXT_MAX])
{
    const uint8_t *end = cursor->n ? memchr(cursor->bytes, '\0', cursor->n) : NULL;
    size_t         n = end ? (size_t)(end - cursor->bytes) : 0;

    cursor->is_cut = cursor->is_cut || !end;
    (void)text_sanitize(ret, A2S_TEXT_MAX, cursor->bytes, n);
    (void)take(cursor, end ? n + 1 : 0);
}

static uint32_t take_u32(struct cursor *cursor)
{
    const uint8_t *bytes = take(cursor, 4);

    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// A float; what is no time is 0.
static uint32_t take_seconds(struct cursor *cursor)
{
    uint32_t bits = take_u32(cursor);
    float    seconds;

    _Static_assert(sizeof seconds == sizeof bits, "the float of the protocol is ours");
    memcpy(&seconds, &bits, sizeof seconds);
    if (!isfinite(seconds) || seconds < 0)
        return 0;
    return seconds < (float)A2S_SECONDS_MAX ? (uint32_t)seconds : A2S_SECONDS_MAX;
}

static void read_info(struct a2s_answer *ret, struct cursor *cursor)
{
    char folder[A2S_TEXT_MAX], game[A2S_TEXT_MAX];

    ret->kind = A2S_INFO;
    (void)take_byte(cursor); // the version of the protocol
    take_text(cursor, ret->name);
    take_text(cursor, ret->map);
    take_text(cursor, folder);
    take_text(cursor, game);
    (void)take(cursor, 2); // the number of the game
    ret->players = take_byte(cursor);
    ret->players_max = take_byte(cursor);
    ret->bots = take_byte(cursor);
}

// The count may be wrong in either direction: those count that are whole.
static void read_players(struct a2s_answer *ret, struct cursor *cursor)
{
    unsigned n = take_byte(cursor);

    ret->kind = A2S_PLAYERS;
    while (ret->n_list < n && cursor->n > 0 && !cursor->is_cut) {
        struct a2s_player *player = &ret->list[ret->n_list++];
        (void)take_byte(cursor); // his number, which the game leaves at 0
        take_text(cursor, player->name);
        player->score = (int32_t)take_u32(cursor);
        player->seconds = take_seconds(cursor);
    }
}

// Kinds of answers, by the byte that they begin with.
static int read_kind(struct a2s_answer *ret, struct cursor *cursor)
{
    switch (take_byte(cursor)) {
    case 'A':
        ret->kind = A2S_CHALLENGE;
        memcpy(&ret->challenge, take(cursor, N_CHALLENGE), N_CHALLENGE);
        return 0;
    case 'I':
        read_info(ret, cursor);
        return 0;
    case 'D':
        read_players(ret, cursor);
        return 0;
    default:
        return -1;
    }
}

int a2s_read(struct a2s_answer *ret, const void *bytes, size_t n, struct error *err)
{
    struct cursor     cursor = { bytes, n, false };
    struct a2s_answer answer = { .kind = A2S_PART };
    const uint8_t    *header = take(&cursor, N_HEADER);

    if (memcmp(header, PART, N_HEADER) != 0 &&
        (memcmp(header, HEADER, N_HEADER) != 0 || read_kind(&answer, &cursor) < 0))
        return error_set(err, ERROR_INVALID, "it is no answer of a game server");
    if (cursor.is_cut)
        return error_set(err, ERROR_INVALID, "the answer of a game server is cut");
    *ret = answer;
    return 0;
}
