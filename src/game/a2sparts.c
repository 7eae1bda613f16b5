// SPDX-License-Identifier: MIT
#include "game/a2sparts.h"

#include <string.h>

#define HEADER        "\xfe\xff\xff\xff"
#define N_HEADER      12u
#define IS_COMPRESSED UINT32_C(0x80000000)
_Static_assert(A2SPARTS_MAX <= 32, "each part has a bit");
_Static_assert(A2S_DATAGRAM_MAX <= UINT16_MAX, "the length of a part fits");

struct part {
    uint32_t       id;
    unsigned       n_parts, number;
    const uint8_t *bytes;
    size_t         n;
};

static int read_part(struct part *ret, const uint8_t *bytes, size_t n, struct error *err)
{
    if (n <= N_HEADER || n > A2S_DATAGRAM_MAX || memcmp(bytes, HEADER, 4) != 0)
        return error_set(err, ERROR_INVALID, "it is no part of an answer of a game server");
    ret->id =
        bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 | (uint32_t)bytes[7] << 24;
    ret->n_parts = bytes[8];
    ret->number = bytes[9];
    ret->bytes = bytes + N_HEADER;
    ret->n = n - N_HEADER;
    if (ret->id & IS_COMPRESSED)
        return error_set(err, ERROR_INVALID, "the answer of a game server is compressed");
    if (ret->n_parts > A2SPARTS_MAX || ret->number >= ret->n_parts)
        return error_set(err, ERROR_INVALID, "part %u of %u in an answer of a game server",
                         ret->number, ret->n_parts);
    return 0;
}

// Whether all have come.
static bool keep(struct a2sparts *parts, const struct part *part)
{
    if (!parts->n_parts || parts->id != part->id) {
        parts->id = part->id;
        parts->n_parts = part->n_parts;
        parts->has = 0;
    }
    if (!(parts->has & UINT32_C(1) << part->number)) {
        parts->has |= UINT32_C(1) << part->number;
        parts->n_bytes[part->number] = (uint16_t)part->n;
        memcpy(parts->bytes[part->number], part->bytes, part->n);
    }
    return parts->has == UINT32_MAX >> (32 - parts->n_parts);
}

int a2sparts_take(struct a2sparts *parts, struct a2s_answer *ret, const void *bytes, size_t n,
                  struct error *err)
{
    struct a2s_answer answer;
    struct part       part = { 0 };
    uint8_t          *all = (uint8_t *)parts->bytes; // they move together there

    if (read_part(&part, bytes, n, err) < 0)
        return -1;
    if (parts->n_parts && parts->id == part.id && parts->n_parts != part.n_parts)
        return error_set(err, ERROR_INVALID, "an answer of a game server has %u parts, and has %u",
                         parts->n_parts, part.n_parts);
    if (!keep(parts, &part))
        return 0;

    size_t n_all = 0;
    for (unsigned i = 0; i < parts->n_parts; n_all += parts->n_bytes[i++])
        memmove(all + n_all, parts->bytes[i], parts->n_bytes[i]);
    parts->n_parts = 0;
    if (a2s_read(&answer, all, n_all, err) < 0)
        return -1;
    if (answer.kind == A2S_PART)
        return error_set(err, ERROR_INVALID, "the parts of an answer are a part of an answer");
    *ret = answer;
    return 1;
}
