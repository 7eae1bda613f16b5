// SPDX-License-Identifier: MIT
#pragma once

// a2s: the answers to server queries, as bytes. Knows no sockets.
// Source: Valve developer wiki, "Server queries".

#include "game.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define A2S_ANSWER_MAX 65536u
#define A2S_PARTS_MAX  64u
#define A2S_PACKET_MAX 4096u

// Each writes one whole answer, its four 0xff included, and returns its length.
size_t a2s_info(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game);
size_t a2s_players(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game);
size_t a2s_rules(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game);

struct a2s_parts {
    size_t  count;
    size_t  sizes[A2S_PARTS_MAX];
    uint8_t bytes[A2S_PARTS_MAX][A2S_PACKET_MAX];
};

// Cuts an answer into the datagrams that carry it, of at most `split_size` bytes each; one
// datagram when it fits. Compresses with bzip2 on request. `id` tells this answer from others.
void a2s_split(struct a2s_parts *ret, const uint8_t *bytes, size_t n_bytes, uint32_t id,
               size_t split_size, bool is_compressed);
