// SPDX-License-Identifier: MIT
#include "base/hash64.h"
#include "unit.h"

// The generator of the reference's own sanity check: these bytes, and the values it lists for them.
static void fill(uint8_t *bytes, size_t n)
{
    uint64_t value = 2654435761u;

    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(value >> 56);
        value *= 11400714785074694797u;
    }
}

static void test_values_of_the_reference(void **state)
{
    static const struct {
        size_t   n;
        uint64_t want;
    } cases[] = {
        { 0, 0xef46db3751d8e999 },  { 1, 0xe934a84adb052768 },   { 4, 0x9136a0dca57457ee },
        { 14, 0x8282dcc4994e35c8 }, { 222, 0xb641ae8cb691c174 },
    };
    uint8_t bytes[222];

    (void)state;
    fill(bytes, sizeof bytes);
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(hash64_of(bytes, cases[i].n), cases[i].want);
    assert_int_equal(hash64_of("abc", 3), 0x44bc2cf5ad770999);
}

static void test_pieces_make_no_difference(void **state)
{
    uint8_t bytes[100];

    (void)state;
    fill(bytes, sizeof bytes);
    for (size_t n = 0; n <= sizeof bytes; n++)
        for (size_t piece = 1; piece <= 67; piece++) {
            struct hash64 hash;
            hash64_init(&hash);
            for (size_t at = 0; at < n; at += piece)
                hash64_add(&hash, bytes + at, MIN(piece, n - at));
            hash64_add(&hash, bytes, 0);
            assert_int_equal(hash64_value(&hash), hash64_of(bytes, n));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_the_reference),
        cmocka_unit_test(test_pieces_make_no_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
