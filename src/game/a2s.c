// SPDX-License-Identifier: MIT
#include "game/a2s.h"

#include <string.h>
#include "base/text.h"

#define HEADER      "\xff\xff\xff\xff" // of an answer in one datagram
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

int a2s_read(struct a2s_answer *ret, const void *bytes, size_t n, struct error *err)
{
    struct cursor     cursor = { bytes, n, false };
    struct a2s_answer answer = { .kind = A2S_CHALLENGE };
    bool              is_answer = memcmp(take(&cursor, N_HEADER), HEADER, N_HEADER) == 0;
    unsigned          kind = take_byte(&cursor);

    if (is_answer && kind == 'A')
        memcpy(&answer.challenge, take(&cursor, N_CHALLENGE), N_CHALLENGE);
    else if (is_answer && kind == 'I')
        read_info(&answer, &cursor);
    else
        return error_set(err, ERROR_INVALID, "it is no answer of a game server");
    if (cursor.is_cut)
        return error_set(err, ERROR_INVALID, "the answer of a game server is cut");
    *ret = answer;
    return 0;
}
