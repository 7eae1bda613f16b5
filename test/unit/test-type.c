// SPDX-License-Identifier: MIT
#include "unit.h"

#include "base/protocol.h"
#include "overlay/state.h"
#include "overlay/type.h"

static void test_each_type_has_a_word(void **state)
{
    static const struct {
        enum overlay_type type;
        const char       *word;
    } cases[] = {
        { OVERLAY_GAME, "game" },
        { OVERLAY_SCRIPT, "script" },
        { OVERLAY_WORKSHOP, "workshop" },
        { OVERLAY_FILES, "files" },
    };

    (void)state;
    assert_int_equal(ELEMENTS(cases), OVERLAY_TYPE_COUNT - 1);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_string_equal(overlay_type_word(cases[i].type), cases[i].word);
        assert_int_equal(overlay_type_of(cases[i].word), cases[i].type);
        assert_true(strlen(cases[i].word) < STATE_TYPE_MAX); // state.json takes it
    }
    assert_string_equal(overlay_type_word(0), "");
}

static void test_what_is_no_word(void **state)
{
    static const char *const words[] = { "", "Game", "game ", " game", "gam", "games", "4" };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(words); i++)
        assert_int_equal(overlay_type_of(words[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_has_a_word),
        cmocka_unit_test(test_what_is_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
