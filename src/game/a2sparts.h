// SPDX-License-Identifier: MIT
#pragma once

// a2sparts: puts an answer together that came in several datagrams. Knows no sockets and no clocks.
//
// An answer that is too long for one, as a list of 31 players with long names is, comes in parts of
// at most 1,248 bytes, or of fewer where the admin says so, in any order: -2, a number that all
// parts of this answer have, how many parts there are, which of them this is, the size of a part
// (which tells nothing that the datagram does not), and a piece of what would otherwise be the
// datagram. The first bit of the number says that the pieces are compressed by bzip2. The game does
// so with no answer that is asked for here, and nothing of it is unpacked.
//
// Source: Valve developer wiki, "Server queries", protocol, multi-packet response format.

#include "game/a2s.h"

#define A2SPARTS_MAX 32u // four times what 255 players need in parts of the usual size

struct a2sparts {
    uint32_t id;
    unsigned n_parts; // of the answer; 0: nothing has come
    uint32_t has;     // a bit for each that has come
    uint16_t n_bytes[A2SPARTS_MAX];
    uint8_t  bytes[A2SPARTS_MAX][A2S_DATAGRAM_MAX];
};

// Takes a datagram that a2s_read() calls a part; what is zeroed has none yet. 1: it was the last
// that was missing, *ret is the answer, and `parts` has none any more; 0: others are missing. One
// that is there already changes nothing, one of another answer begins anew. Fails with
// ERROR_INVALID on what is no part of an answer that we want, or if all together are no answer.
int a2sparts_take(struct a2sparts *parts, struct a2s_answer *ret, const void *bytes, size_t n,
                  struct error *err) MUST_USE;
