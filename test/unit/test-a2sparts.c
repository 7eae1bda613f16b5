// SPDX-License-Identifier: MIT
#include "game/a2sparts.h"
#include "unit.h"

#define PART(id, n_parts, number, text) "\xfe\xff\xff\xff" id n_parts number "\xe0\x04" text
#define ID                              "\x01\x02\x03\x04"
#define OTHER                           "\x02\x02\x03\x04"
// Of a list of one; two parts of it.
#define BEGIN                                                                                      \
    "\xff\xff\xff\xff"                                                                             \
    "D\x01\0El"
#define END   "lis\0\x05\0\0\0\0\0\x20\x42"
#define N_MAX 4u

struct bytes {
    const uint8_t *bytes;
    size_t         n;
};

static void assert_ellis(const struct a2s_answer *answer)
{
    assert_int_equal(answer->kind, A2S_PLAYERS);
    assert_int_equal(answer->n_list, 1);
    assert_string_equal(answer->list[0].name, "Ellis");
    assert_int_equal(answer->list[0].score, 5);
    assert_int_equal(answer->list[0].seconds, 40);
}

static void test_an_answer(void **state)
{
    static const struct {
        const char  *name;
        struct bytes rows[N_MAX]; // the last that there is makes it whole
    } cases[] = {
        { "one after the other",
          { { BYTES(PART(ID, "\x02", "\0", BEGIN)) }, { BYTES(PART(ID, "\x02", "\x01", END)) } } },
        { "the last one first",
          { { BYTES(PART(ID, "\x02", "\x01", END)) }, { BYTES(PART(ID, "\x02", "\0", BEGIN)) } } },
        { "one part is all", { { BYTES(PART(ID, "\x01", "\0", BEGIN END)) } } },
        { "one comes twice, and what came first counts",
          { { BYTES(PART(ID, "\x02", "\x01", END)) },
            { BYTES(PART(ID, "\x02", "\x01", "other")) },
            { BYTES(PART(ID, "\x02", "\0", BEGIN)) } } },
        { "an older answer is left",
          { { BYTES(PART(OTHER, "\x02", "\0", "other")) },
            { BYTES(PART(ID, "\x02", "\x01", END)) },
            { BYTES(PART(ID, "\x02", "\0", BEGIN)) } } },
        { "an older answer had more of them",
          { { BYTES(PART(OTHER, "\x20", "\x1f", "other")) },
            { BYTES(PART(ID, "\x02", "\x01", END)) },
            { BYTES(PART(ID, "\x02", "\0", BEGIN)) } } },
        { "one with another count is none of it",
          { { BYTES(PART(ID, "\x02", "\x01", END)) },
            { BYTES(PART(ID, "\x03", "\x02", "other")) },
            { BYTES(PART(ID, "\x02", "\0", BEGIN)) } } },
    };
    struct error err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct a2sparts   parts = { 0 };
        struct a2s_answer answer = { 0 };
        int               r = 0;
        for (size_t at = 0; at < N_MAX && cases[i].rows[at].bytes; at++) {
            if (r > 0)
                fail_msg("%s: it was whole too early", cases[i].name);
            r = a2sparts_take(&parts, &answer, cases[i].rows[at].bytes, cases[i].rows[at].n, &err);
        }
        if (r != 1)
            fail_msg("%s: it is not whole", cases[i].name);
        assert_ellis(&answer);
        assert_int_equal(parts.n_parts, 0); // the next one may come
    }
}

// Of all sizes that a datagram has, in as many parts as there may be, backwards.
static void test_many_parts(void **state)
{
    static const size_t sizes[] = { 1, 100, A2S_DATAGRAM_MAX - 12 };
    static uint8_t      all[A2SPARTS_MAX * A2S_DATAGRAM_MAX] = "\xff\xff\xff\xff"
                                                               "D\xff";
    struct a2s_answer   answer;
    struct error        err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(sizes); i++) {
        struct a2sparts parts = { 0 };
        for (unsigned number = A2SPARTS_MAX; number-- > 0;) {
            uint8_t bytes[A2S_DATAGRAM_MAX] = PART(ID, "\x20", "", "");
            bytes[9] = (uint8_t)number;
            memcpy(bytes + 12, all + number * sizes[i], sizes[i]);
            int r = a2sparts_take(&parts, &answer, bytes, 12 + sizes[i], &err);
            // Ten bytes each, so that 32 bytes end within the third.
            assert_int_equal(r, number > 0 ? 0 : i == 0 ? -1 : 1);
        }
        if (i > 0)
            assert_int_equal(answer.n_list, A2S_PLAYERS_MAX);
    }
}

static void test_what_is_none(void **state)
{
    static const struct {
        const char  *name;
        struct bytes row;
    } cases[] = {
        { "nothing", { BYTES("") } },
        { "a header", { BYTES("\xfe\xff\xff\xff") } },
        { "without its bytes", { BYTES(PART(ID, "\x01", "\0", "")) } },
        { "a whole answer", { BYTES(BEGIN END) } },
        { "compressed", { BYTES(PART("\x01\0\0\x80", "\x01", "\0", BEGIN END)) } },
        { "one of none", { BYTES(PART(ID, "\0", "\0", BEGIN END)) } },
        { "the third of two", { BYTES(PART(ID, "\x02", "\x02", BEGIN END)) } },
        { "one of more than there may be", { BYTES(PART(ID, "\x21", "\0", BEGIN END)) } },
        { "one of 255", { BYTES(PART(ID, "\xff", "\xfe", BEGIN END)) } },
        { "an answer that is cut", { BYTES(PART(ID, "\x01", "\0", BEGIN)) } },
        { "an answer that is none", { BYTES(PART(ID, "\x01", "\0", END)) } },
        { "a part of a part",
          { BYTES(PART(ID, "\x01", "\0", PART(ID, "\x01", "\0", BEGIN END))) } },
    };
    static uint8_t    large[A2S_DATAGRAM_MAX + 1] = PART(ID, "\x02", "\0", BEGIN);
    struct a2sparts   parts = { 0 };
    struct a2s_answer answer;
    struct error      err = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        if (a2sparts_take(&parts, &answer, cases[i].row.bytes, cases[i].row.n, &err) != -1)
            fail_msg("%s was taken", cases[i].name);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_int_equal(parts.n_parts, 0);
    }
    assert_int_equal(a2sparts_take(&parts, &answer, large, sizeof large, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
