// SPDX-License-Identifier: MIT
#include "a2s.h"

#include "base/macros.h"
#include "bzip.h"
#include "cvars.h"
#include "loop.h"
#include "map.h"
#include "options.h"
#include "pak/crc32.h"
#include "players.h"
#include "query.h"
#include "version.h"
#include <string.h>

#define A2S_PROTOCOL     17
#define A2S_APP_ID       550u // the game; its dedicated server is 222860
#define A2S_SPLIT_HEADER 12u
#define A2S_SPLIT_MIN    (A2S_SPLIT_HEADER + 64u)
#define A2S_STEAM_ID     90071992547409920u

enum a2s_extra {
    EXTRA_PORT = 0x80,
    EXTRA_STEAM_ID = 0x10,
    EXTRA_TAGS = 0x20,
    EXTRA_GAME_ID = 0x01
};

// Appends to a buffer; what does not fit is left out.
struct writer {
    uint8_t *bytes;
    size_t   n;
};

static void put(struct writer *writer, const void *bytes, size_t n)
{
    if (writer->n + n > A2S_ANSWER_MAX)
        return;
    memcpy(writer->bytes + writer->n, bytes, n);
    writer->n += n;
}

static void put_u8(struct writer *writer, unsigned value)
{
    uint8_t byte = (uint8_t)value;

    put(writer, &byte, 1);
}

// i386 is little-endian, as the protocol is.
static void put_u16(struct writer *writer, unsigned value)
{
    uint16_t half = (uint16_t)value;

    put(writer, &half, sizeof half);
}

static void put_u32(struct writer *writer, uint32_t value)
{
    put(writer, &value, sizeof value);
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text) + 1);
}

static struct writer writer_start(uint8_t *bytes, char kind)
{
    struct writer writer = { bytes, 0 };

    put_u32(&writer, UINT32_MAX);
    put_u8(&writer, (unsigned char)kind);
    return writer;
}

size_t a2s_info(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game)
{
    struct writer writer = writer_start(bytes, 'I');
    unsigned      n_bots = players_count(game->players, true);
    uint64_t      steam_id = A2S_STEAM_ID, game_id = A2S_APP_ID;

    put_u8(&writer, A2S_PROTOCOL);
    put_text(&writer, cvars_text(game->cvars, "hostname"));
    put_text(&writer, map_name(game->map));
    put_text(&writer, game->options->game);
    put_text(&writer, "Left 4 Dead 2");
    put_u16(&writer, A2S_APP_ID);
    put_u8(&writer, players_count(game->players, false) + n_bots);
    put_u8(&writer, players_max(game->players));
    put_u8(&writer, n_bots);
    put_u8(&writer, 'd');
    put_u8(&writer, 'l');
    put_u8(&writer, *cvars_text(game->cvars, "sv_password") != '\0');
    put_u8(&writer, !game->options->is_insecure);
    put_text(&writer, game->version->patch);
    put_u8(&writer, EXTRA_PORT | EXTRA_STEAM_ID | EXTRA_TAGS | EXTRA_GAME_ID);
    put_u16(&writer, query_port(game->query));
    put(&writer, &steam_id, sizeof steam_id);
    put_text(&writer, *cvars_text(game->cvars, "sv_tags") ? cvars_text(game->cvars, "sv_tags")
                                                          : "coop,empty,secure");
    put(&writer, &game_id, sizeof game_id);
    return writer.n;
}

size_t a2s_players(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game)
{
    struct writer        writer = writer_start(bytes, 'D');
    const struct player *player;
    size_t               n = 0;

    while (players_at(game->players, n))
        n++;
    put_u8(&writer, (unsigned)n);
    for (size_t i = 0; (player = players_at(game->players, i)); i++) {
        float seconds = (float)(loop_now_us() - player->joined_us) / 1e6f;
        put_u8(&writer, 0); // the index, which the engine never fills in
        put_text(&writer, player->is_joining ? "" : player->name);
        put_u32(&writer, (uint32_t)player->score);
        put(&writer, &seconds, sizeof seconds);
    }
    return writer.n;
}

size_t a2s_rules(uint8_t bytes[A2S_ANSWER_MAX], const struct game *game)
{
    struct writer      writer = writer_start(bytes, 'E');
    const struct cvar *cvar;
    unsigned           n_rules = 0;

    for (size_t i = 0; (cvar = cvars_at(game->cvars, i)); i++)
        n_rules += (cvar->flags & CVAR_RULE) != 0;
    put_u16(&writer, n_rules);
    for (size_t i = 0; (cvar = cvars_at(game->cvars, i)); i++) {
        if (!(cvar->flags & CVAR_RULE))
            continue;
        put_text(&writer, cvar->name);
        put_text(&writer, !(cvar->flags & CVAR_SECRET) ? cvar->value : *cvar->value ? "1" : "0");
    }
    return writer.n;
}

// --- splitting --------------------------------------------------------------------------------

static void add_part(struct a2s_parts *parts, const void *bytes, size_t n_bytes)
{
    uint8_t *end = parts->bytes[parts->count] + parts->sizes[parts->count];

    memcpy(end, bytes, n_bytes);
    parts->sizes[parts->count] += n_bytes;
}

static void split(struct a2s_parts *ret, const uint8_t *bytes, size_t n_bytes, uint32_t id,
                  size_t split_size)
{
    size_t        room = split_size - A2S_SPLIT_HEADER;
    size_t        total = (n_bytes + room - 1) / room;
    const int32_t mark = -2;
    uint16_t      size = (uint16_t)split_size;

    if (total > A2S_PARTS_MAX)
        return;
    for (size_t i = 0; i < total; i++) {
        const uint8_t numbers[2] = { (uint8_t)total, (uint8_t)i };
        size_t        n = MIN(room, n_bytes - i * room);
        add_part(ret, &mark, sizeof mark);
        add_part(ret, &id, sizeof id);
        add_part(ret, numbers, sizeof numbers);
        add_part(ret, &size, sizeof size);
        add_part(ret, bytes + i * room, n);
        ret->count++;
    }
}

void a2s_split(struct a2s_parts *ret, const uint8_t *bytes, size_t n_bytes, uint32_t id,
               size_t split_size, bool is_compressed)
{
    static uint8_t packed[A2S_ANSWER_MAX]; // scratch of one call: the process has one thread

    split_size = MAX(A2S_SPLIT_MIN, MIN(split_size, A2S_PACKET_MAX));
    memset(ret->sizes, 0, sizeof ret->sizes);
    ret->count = 0;
    id &= 0x7fffffff;
    if (n_bytes <= split_size) {
        add_part(ret, bytes, n_bytes);
        ret->count = 1;
        return;
    }
    if (!is_compressed) {
        split(ret, bytes, n_bytes, id, split_size);
        return;
    }

    uint32_t head[2] = { (uint32_t)n_bytes, crc32_update(0, bytes, n_bytes) };
    memcpy(packed, head, sizeof head);
    size_t n = bzip_compress(packed + sizeof head, sizeof packed - sizeof head, bytes, n_bytes);
    split(ret, packed, sizeof head + n, id | 0x80000000, split_size);
}
