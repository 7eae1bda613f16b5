// SPDX-License-Identifier: MIT
#include "bzip.h"

#include "base/macros.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BZIP_CODE_BITS 9u  // fixed length of every prefix code: up to 258 symbols
#define BZIP_GROUP     50u // symbols between two choices of a table
#define BZIP_TABLES    2u  // the format asks for at least two; ours are the same
#define BZIP_RUN_MAX   255u

// The first run-length stage makes 5 bytes of 4 equal ones, so at most a quarter is added.
#define BZIP_BLOCK_MAX (BZIP_INPUT_MAX + BZIP_INPUT_MAX / 4 + 8)

struct bits {
    uint8_t *bytes;
    size_t   room;
    size_t   n;      // whole bytes
    uint32_t buffer; // bits that are not a whole byte yet
    unsigned n_bits;
};

static void put_bits(struct bits *bits, unsigned count, uint32_t value)
{
    while (count--) {
        bits->buffer = bits->buffer << 1 | (value >> count & 1);
        if (++bits->n_bits < 8)
            continue;
        if (bits->n < bits->room)
            bits->bytes[bits->n] = (uint8_t)bits->buffer;
        bits->n++;
        bits->n_bits = 0;
        bits->buffer = 0;
    }
}

static uint32_t block_crc(const uint8_t *bytes, size_t n_bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n_bytes; i++) {
        crc ^= (uint32_t)bytes[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
    }
    return ~crc;
}

// Runs of 4 to 255 equal bytes become four of them and a count of the others.
static size_t encode_runs(uint8_t *ret, const uint8_t *bytes, size_t n_bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < n_bytes;) {
        size_t run = 1;
        while (i + run < n_bytes && run < BZIP_RUN_MAX && bytes[i + run] == bytes[i])
            run++;
        for (size_t j = 0; j < MIN(run, 4u); j++)
            ret[n++] = bytes[i];
        if (run >= 4)
            ret[n++] = (uint8_t)(run - 4);
        i += run;
    }
    return n;
}

// Compares two rotations of the block, which is stored twice in a row.
static int compare_rotations(const void *a, const void *b, void *userdata)
{
    const uint8_t *twice = userdata;
    uint32_t       n;

    memcpy(&n, twice + 2 * BZIP_BLOCK_MAX, sizeof n);
    return memcmp(twice + *(const uint32_t *)a, twice + *(const uint32_t *)b, n);
}

// The Burrows-Wheeler transform, in place. Returns the index of the original rotation.
static uint32_t sort_rotations(uint8_t *block, uint32_t n, uint8_t *twice, uint32_t *order)
{
    uint32_t origin = 0;

    memcpy(twice, block, n);
    memcpy(twice + n, block, n);
    memcpy(twice + 2 * BZIP_BLOCK_MAX, &n, sizeof n);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, compare_rotations, twice);
    for (uint32_t i = 0; i < n; i++) {
        block[i] = twice[order[i] + n - 1];
        if (order[i] == 0)
            origin = i;
    }
    return origin;
}

// Runs of zeros are written in bijective base two, digits RUNA (0) and RUNB (1).
static size_t put_zeros(uint16_t *symbols, size_t n, size_t zeros)
{
    while (zeros) {
        symbols[n++] = (zeros & 1) ? 0 : 1;
        zeros = (zeros - 1) / 2;
    }
    return n;
}

// Move-to-front and zero runs. `used` is the set of bytes that occur; returns how many symbols.
static size_t encode_front(uint16_t *symbols, const uint8_t *block, size_t n_block,
                           const bool used[256], unsigned *ret_n_used)
{
    uint8_t  front[256];
    unsigned n_used = 0;
    size_t   n = 0, zeros = 0;

    for (unsigned byte = 0; byte < 256; byte++)
        if (used[byte])
            front[n_used++] = (uint8_t)byte;

    for (size_t i = 0; i < n_block; i++) {
        unsigned place = 0;
        while (front[place] != block[i])
            place++;
        if (place == 0) {
            zeros++;
            continue;
        }
        n = put_zeros(symbols, n, zeros);
        zeros = 0;
        symbols[n++] = (uint16_t)(place + 1);
        memmove(front + 1, front, place);
        front[0] = block[i];
    }
    n = put_zeros(symbols, n, zeros);
    symbols[n++] = (uint16_t)(n_used + 1); // end of block
    *ret_n_used = n_used;
    return n;
}

static void put_used(struct bits *bits, const bool used[256])
{
    for (unsigned row = 0; row < 16; row++) {
        bool any = false;
        for (unsigned i = 0; i < 16; i++)
            any |= used[16 * row + i];
        put_bits(bits, 1, any);
    }
    for (unsigned row = 0; row < 16; row++) {
        bool any = false;
        for (unsigned i = 0; i < 16; i++)
            any |= used[16 * row + i];
        for (unsigned i = 0; any && i < 16; i++)
            put_bits(bits, 1, used[16 * row + i]);
    }
}

// All symbols have codes of the same length, so the canonical code of a symbol is its number.
static void put_symbols(struct bits *bits, const uint16_t *symbols, size_t n_symbols,
                        unsigned alphabet)
{
    size_t n_groups = (n_symbols + BZIP_GROUP - 1) / BZIP_GROUP;

    put_bits(bits, 3, BZIP_TABLES);
    put_bits(bits, 15, (uint32_t)n_groups);
    for (size_t i = 0; i < n_groups; i++)
        put_bits(bits, 1, 0); // the table in front
    for (unsigned table = 0; table < BZIP_TABLES; table++) {
        put_bits(bits, 5, BZIP_CODE_BITS);
        for (unsigned i = 0; i < alphabet; i++)
            put_bits(bits, 1, 0); // as long as the one before
    }
    for (size_t i = 0; i < n_symbols; i++)
        put_bits(bits, BZIP_CODE_BITS, symbols[i]);
}

struct scratch {
    uint8_t  block[BZIP_BLOCK_MAX];
    uint8_t  twice[2 * BZIP_BLOCK_MAX + sizeof(uint32_t)]; // and the block's length
    uint32_t order[BZIP_BLOCK_MAX];
    uint16_t symbols[BZIP_BLOCK_MAX + 1];
};

static void put_block(struct bits *bits, struct scratch *scratch, uint32_t n_block, uint32_t crc)
{
    bool     used[256] = { false };
    unsigned n_used;

    uint32_t origin = sort_rotations(scratch->block, n_block, scratch->twice, scratch->order);
    for (uint32_t i = 0; i < n_block; i++)
        used[scratch->block[i]] = true;
    size_t n = encode_front(scratch->symbols, scratch->block, n_block, used, &n_used);

    put_bits(bits, 24, 0x314159);
    put_bits(bits, 24, 0x265359);
    put_bits(bits, 32, crc);
    put_bits(bits, 1, 0); // not randomised
    put_bits(bits, 24, origin);
    put_used(bits, used);
    put_symbols(bits, scratch->symbols, n, n_used + 2);
}

size_t bzip_compress(uint8_t *ret, size_t room, const uint8_t *bytes, size_t n_bytes)
{
    struct bits bits = { .bytes = ret, .room = room };

    AUTO(freep)
    struct scratch *scratch = malloc(sizeof *scratch);
    if (!scratch || n_bytes == 0 || n_bytes > BZIP_INPUT_MAX)
        return 0;

    uint32_t crc = block_crc(bytes, n_bytes);
    put_bits(&bits, 32, 0x425a6831); // "BZh1": blocks of 100 kB
    put_block(&bits, scratch, (uint32_t)encode_runs(scratch->block, bytes, n_bytes), crc);
    put_bits(&bits, 24, 0x177245);
    put_bits(&bits, 24, 0x385090);
    put_bits(&bits, 32, crc); // of all blocks: there is one
    put_bits(&bits, bits.n_bits ? 8 - bits.n_bits : 0, 0);
    return bits.n <= room ? bits.n : 0;
}
