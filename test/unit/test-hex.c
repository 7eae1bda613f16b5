// SPDX-License-Identifier: MIT
#include "base/hex.h"
#include "unit.h"

static void test_there_and_back(void **state)
{
    uint8_t bytes[256], again[256];
    char    text[513];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    hex_write(text, bytes, sizeof bytes);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 508, "feff");
    assert_int_equal(hex_read(again, sizeof again, text), 0);
    assert_memory_equal(again, bytes, sizeof bytes);
    hex_write(text, bytes, 0);
    assert_string_equal(text, "");
}

static void test_what_is_no_digit(void **state)
{
    uint8_t byte = 0;

    (void)state;
    for (int c = 0; c < 256; c++)
        assert_int_equal(hex_digit((char)c) >= 0, c && strchr("0123456789abcdefABCDEF", c) != NULL);
    assert_int_equal(hex_read(&byte, 1, "fF"), 0);
    assert_int_equal(byte, 0xff);
    assert_int_equal(hex_read(&byte, 1, "g0"), -1);
    assert_int_equal(hex_read(&byte, 1, "0g"), -1);
    assert_int_equal(hex_read(&byte, 1, "0"), -1); // the NUL is none either
    assert_int_equal(hex_read(&byte, 1, ""), -1);  // and nothing behind it is read
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_no_digit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
