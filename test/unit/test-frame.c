// SPDX-License-Identifier: MIT
#include "unit.h"

#include "files/frame.h"

static uint8_t bytes[FRAME_MAX + 1];

// Writes a frame; returns its bytes.
static size_t put(struct frame_header header)
{
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, &header, sizeof header);
    return sizeof header + header.n_bytes;
}

static const struct {
    enum frame_kind kind;
    size_t          n_bytes;
    uint32_t        detail;
    uint16_t        flags;
    bool            is_in_file, is_over, is_fine;
} rows[] = {
    { FRAME_FILE, 1, 0, 0, false, false, true },
    { FRAME_FILE, 1, 0, 0, true, false, true },
    { FRAME_FILE, 0, 0, 0, false, false, false },
    { FRAME_FILE, FRAME_PATH_MAX, 0, 0, false, false, true },
    { FRAME_FILE, FRAME_PATH_MAX + 1, 0, 0, false, false, false },
    { FRAME_FILE, 1, 1, 0, false, false, false },
    { FRAME_FILE, 1, 0, FRAME_IS_PROGRAM | FRAME_IS_CP437, false, false, true },
    { FRAME_FILE, 1, 0, 4, false, false, false },
    { FRAME_FILE, 1, 0, 0, false, true, false },
    { FRAME_DIR, 1, 0, FRAME_IS_CP437, false, false, true },
    { FRAME_DIR, 1, 0, FRAME_IS_PROGRAM, false, false, false },
    { FRAME_DIR, FRAME_PATH_MAX + 1, 0, 0, false, false, false },
    { FRAME_OTHER, 1, FRAME_OTHER_COUNT - 1, 0, false, false, true },
    { FRAME_OTHER, 1, FRAME_OTHER_COUNT, 0, false, false, false },
    { FRAME_DATA, 1, 0, 0, true, false, true },
    { FRAME_DATA, 1, 0, 0, false, false, false },
    { FRAME_DATA, 0, 0, 0, true, false, false },
    { FRAME_DATA, FRAME_DATA_MAX, 0, 0, true, false, true },
    { FRAME_DATA, FRAME_DATA_MAX + 1, 0, 0, true, false, false },
    { FRAME_END, 0, 0, 0, true, false, true },
    { FRAME_END, 1, 0, 0, false, false, false },
    { FRAME_END, 0, 0, 0, false, true, false },
    { FRAME_ERROR, 0, FRAME_ERROR_COUNT - 1, 0, false, false, true },
    { FRAME_ERROR, 0, FRAME_ERROR_COUNT, 0, false, false, false },
    { FRAME_ERROR, FRAME_TEXT_MAX, 0, 0, true, false, true },
    { FRAME_ERROR, FRAME_TEXT_MAX + 1, 0, 0, true, false, false },
    { 0, 0, 0, 0, true, false, false },
    { FRAME_KIND_COUNT, 0, 0, 0, true, false, false },
};

// Every row whole, and every short form of it.
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct frame_header header = frame_header(rows[i].kind, rows[i].n_bytes, rows[i].detail);
        struct frame        frame = { .n_total = 0 };
        struct error        err = { 0 };
        header.flags = rows[i].flags;
        size_t n = put(header);
        for (size_t have = 0; have <= n && n <= sizeof bytes; have++) {
            struct frame_state parsed = { rows[i].is_in_file, rows[i].is_over };
            int                r = frame_parse(&frame, &parsed, bytes, have, &err);
            int want = have < sizeof header ? 0 : !rows[i].is_fine ? -1 : have < n ? 0 : 1;
            if (r != want)
                fail_msg("row %zu, %zu of %zu bytes: %d", i, have, n, r);
            if (r < 0)
                assert_int_equal(err.kind, ERROR_INVALID);
        }
        if (rows[i].is_fine) {
            assert_int_equal(frame.n_total, n);
            assert_ptr_equal(frame.bytes, bytes + sizeof header);
        }
    }
}

static void test_the_order(void **state)
{
    struct frame_state parsed = { 0 };
    struct frame       frame;
    struct error       err = { 0 };

    (void)state;
    static const struct {
        enum frame_kind kind;
        int             want;
    } steps[] = { { FRAME_FILE, 1 },  { FRAME_DATA, 1 },  { FRAME_DATA, 1 }, { FRAME_OTHER, 1 },
                  { FRAME_DATA, -1 }, { FRAME_FILE, 1 },  { FRAME_DIR, 1 },  { FRAME_DATA, -1 },
                  { FRAME_END, 1 },   { FRAME_FILE, -1 }, { FRAME_END, -1 } };
    for (size_t i = 0; i < ELEMENTS(steps); i++) {
        size_t n = put(frame_header(steps[i].kind, steps[i].kind == FRAME_END ? 0 : 1, 0));
        if (frame_parse(&frame, &parsed, bytes, n, &err) != steps[i].want)
            fail_msg("step %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
