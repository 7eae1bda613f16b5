// SPDX-License-Identifier: MIT
#include "pak/vpkcheck.h"
#include "vpk-maker.h"

#define BIG (VPK_BLOCK_BYTES + 100000u) // bytes of a file that no block holds

static void maker_donep(struct maker *maker)
{
    maker_done(maker);
}

static int check(struct vpk_checked *ret, int dir_fd, const char *name,
                 const struct vpk_progress *progress, struct error *err)
{
    AUTO(vpk_closep)
    struct vpk *vpk = NULL;

    if (vpk_open(&vpk, dir_fd, name, err) < 0)
        return -1;
    return vpk_check(ret, vpk, progress, err);
}

// --- sound archives ---------------------------------------------------------------------------

static void add_three(struct maker *maker, uint16_t archive)
{
    maker_add(maker, "maps/one.bsp", "VBSP one", 8, 0, archive);
    maker_add(maker, "addoninfo.txt", "\"AddonInfo\" {}", 14, 4, archive);
    maker_add(maker, "empty", "", 0, 0, archive);
    maker_add(maker, "all/preloaded.txt", "here", 4, 4, archive);
}

static void make_single(struct maker *maker)
{
    add_three(maker, MAKER_SAME);
}

static void make_nothing(struct maker *maker)
{
    (void)maker;
}

static void make_parts(struct maker *maker)
{
    add_three(maker, 0);
    maker_add(maker, "maps/two.bsp", "VBSP two", 8, 0, 2);
    maker_add(maker, "maps/here.bsp", "VBSP here", 9, 1, MAKER_SAME);
}

static void make_gaps(struct maker *maker)
{
    maker_add(maker, "a.txt", "a", 1, 0, MAKER_SAME);
    maker_put(&maker->data, "nobody's", 8);
    maker_add(maker, "b.txt", "b", 1, 0, MAKER_SAME);
    maker_add(maker, "c.txt", "c", 1, 0, 1);
    maker_put(&maker->parts[1], "left behind", 11);
}

static void make_sums(struct maker *maker)
{
    make_parts(maker);
    maker_piece(maker, 2, 0, 8);
    maker_piece(maker, 0, 0, 10);
    maker_piece(maker, 0, 10, (uint32_t)maker->parts[0].n - 10);
    maker_piece(maker, MAKER_SAME, 1, 3);
    maker->has_others = true;
}

static void make_others(struct maker *maker)
{
    make_single(maker);
    maker->has_others = true;
}

static void make_signed(struct maker *maker)
{
    make_sums(maker);
    maker_put_u32(&maker->signature, 3);
    maker_put(&maker->signature, "key", 3);
    maker_put_u32(&maker->signature, 4);
    maker_put(&maker->signature, "sign", 4);
}

static void make_marked(struct maker *maker)
{
    make_single(maker);
    maker_put(&maker->signature, "01234567890123456789", 20);
}

static void test_sound_archives_pass(void **state)
{
    static const struct {
        const char *name;
        unsigned    version;
        void (*make)(struct maker *maker);
        struct vpk_checked want;
    } cases[] = {
        { "one_file.vpk", 1, make_single, { 26, 0, 0, false } },
        { "one_file.vpk", 2, make_single, { 26, 0, 0, false } },
        { "nothing.vpk", 1, make_nothing, { 0, 0, 0, false } },
        { "nothing.vpk", 2, make_nothing, { 0, 0, 0, false } },
        { "parts_dir.vpk", 1, make_parts, { 43, 2, 0, false } },
        { "parts_dir.vpk", 2, make_parts, { 43, 2, 0, false } },
        { "gaps_dir.vpk", 1, make_gaps, { 3, 1, 0, false } },
        { "sums_dir.vpk", 2, make_sums, { 43, 2, 7, false } },
        { "others.vpk", 2, make_others, { 26, 0, 3, false } },
        { "signed_dir.vpk", 2, make_signed, { 43, 2, 7, true } },
        { "marked.vpk", 2, make_marked, { 26, 0, 0, true } },
    };
    const struct unit_dir *dir = *state;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(maker_donep)
        struct maker       maker = { .version = cases[i].version };
        struct vpk_checked checked = { 0 };
        struct error       err = { 0 };

        cases[i].make(&maker);
        maker_save(&maker, dir->fd, cases[i].name);
        if (check(&checked, dir->fd, cases[i].name, NULL, &err) < 0)
            fail_msg("case %zu: %s", i, err.message);
        assert_int_equal(checked.content_bytes, cases[i].want.content_bytes);
        assert_int_equal(checked.n_parts, cases[i].want.n_parts);
        assert_int_equal(checked.n_md5, cases[i].want.n_md5);
        assert_int_equal(checked.has_signature, cases[i].want.has_signature);
    }
}

// --- directories that cannot be ---------------------------------------------------------------

static void break_overlap(struct maker *maker)
{
    make_single(maker);
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "two", 0, "", 0, MAKER_SAME, 7, 2 });
}

static void break_shared(struct maker *maker)
{
    maker_add(maker, "a/x.txt", "same", 4, 0, 0);
    maker_entry(maker, &(struct maker_entry){ "txt", "a", "y", crc32_update(0, "same", 4), "", 0, 0,
                                              0, 4 });
}

static void break_beyond(struct maker *maker)
{
    make_single(maker);
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "two", 0, "", 0, MAKER_SAME, 18, 1 });
}

static void break_far_beyond(struct maker *maker)
{
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "two", 0, "", 0, MAKER_SAME,
                                              0xffffffff, 0xffffffff });
}

static void break_part_beyond(struct maker *maker)
{
    make_parts(maker);
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "far", 0, "", 0, 2, 8, 1 });
}

static void break_part_number(struct maker *maker)
{
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "two", 0, "", 0, 0x8000, 0, 1 });
}

static void break_part_missing(struct maker *maker)
{
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "two", 0, "", 0, 7, 0, 1 });
}

static void break_tree_tail(struct maker *maker)
{
    make_single(maker);
    maker->tree_tail = 2;
}

static void break_file_tail(struct maker *maker)
{
    make_single(maker);
    maker->data_tail = 3;
}

static void break_file_tail_parts(struct maker *maker)
{
    maker_add(maker, "a.txt", "a", 1, 0, 0);
    maker->data_tail = 1;
}

static void break_twice(struct maker *maker)
{
    make_single(maker);
    maker_add(maker, "maps/one.bsp", "VBSP one", 8, 0, MAKER_SAME);
}

static void break_twice_by_case(struct maker *maker)
{
    make_single(maker);
    maker_add(maker, "Maps/One.bsp", "VBSP one", 8, 0, MAKER_SAME);
}

static void break_checksum(struct maker *maker)
{
    make_single(maker);
    maker->data.bytes[7] ^= 1;
}

static void break_checksum_in_part(struct maker *maker)
{
    make_parts(maker);
    maker->parts[2].bytes[0] ^= 1;
}

static void break_checksum_preloaded(struct maker *maker)
{
    make_nothing(maker);
    maker_entry(maker, &(struct maker_entry){ "txt", " ", "a", 1, "abc", 3, 0, 0, 0 });
}

static void break_checksum_of_nothing(struct maker *maker)
{
    maker_entry(maker, &(struct maker_entry){ "txt", " ", "a", 1, "", 0, MAKER_SAME, 0, 0 });
}

static void break_piece(struct maker *maker)
{
    make_sums(maker);
    maker->pieces.bytes[12] ^= 1; // of part 2
}

static void break_piece_of_data(struct maker *maker)
{
    make_sums(maker);
    maker->pieces.bytes[3 * 28 + 27] ^= 1;
}

static void break_piece_of_nobody(struct maker *maker)
{
    maker_put(&maker->parts[0], "nobody's", 8);
    maker_piece(maker, 0, 0, 8);
    maker->pieces.bytes[12] ^= 1;
}

static void break_piece_beyond(struct maker *maker)
{
    make_sums(maker);
    maker->pieces.bytes[8] = 9; // of the 8 bytes of part 2
}

static void break_piece_beyond_data(struct maker *maker)
{
    make_single(maker);
    maker_piece(maker, MAKER_SAME, 0, 18);
    maker->pieces.bytes[4] = 1;
}

static void break_piece_empty(struct maker *maker)
{
    make_sums(maker);
    maker_piece(maker, 1, 0, 0);
}

static void break_piece_part(struct maker *maker)
{
    make_sums(maker);
    maker->pieces.bytes[2] = 1; // part 65538
}

static void break_pieces_overlap(struct maker *maker)
{
    make_sums(maker);
    maker_piece(maker, 0, 9, 1);
}

static void break_pieces_size(struct maker *maker)
{
    make_sums(maker);
    maker_put(&maker->pieces, "x", 1);
}

static void break_signature(struct maker *maker)
{
    make_signed(maker);
    maker->signature.bytes[0] = 4;
}

static void break_signature_key(struct maker *maker)
{
    make_signed(maker);
    maker->signature.bytes[3] = 0xff;
}

static void break_signature_short(struct maker *maker)
{
    make_single(maker);
    maker_put(&maker->signature, "1234567", 7);
}

static void break_data_size(struct maker *maker)
{
    make_single(maker);
    maker_entry(maker, &(struct maker_entry){ "bsp", "maps", "two", 0, "", 0, MAKER_SAME, 18, 1 });
    maker->has_others = true; // the byte beyond the data is there, in the next section
}

static void test_broken_archives_are_refused_by_name(void **state)
{
    static const struct {
        const char *name;
        unsigned    version;
        void (*make)(struct maker *maker);
        const char *want; // the sentence, without the archive's name
    } cases[] = {
        { "a.vpk", 1, break_overlap, "'maps/one.bsp' and 'maps/two.bsp' overlap" },
        { "a_dir.vpk", 1, break_shared, "'a/x.txt' and 'a/y.txt' overlap" },
        { "a.vpk", 1, break_beyond, "'maps/two.bsp' reaches beyond the end of the archive" },
        { "a.vpk", 1, break_far_beyond, "'maps/two.bsp' reaches beyond the end of the archive" },
        { "a.vpk", 2, break_beyond, "'maps/two.bsp' reaches beyond the end of the data" },
        { "a.vpk", 2, break_data_size, "'maps/two.bsp' reaches beyond the end of the data" },
        { "a_dir.vpk", 1, break_part_beyond, "'maps/far.bsp' reaches beyond the end of part 2" },
        { "a_dir.vpk", 1, break_part_number, "'maps/two.bsp' is in part 32768, which cannot be" },
        { "b_dir.vpk", 1, break_part_missing, "opening 'b_007.vpk': No such file or directory" },
        { "a.vpk", 1, break_part_missing, "archive 'a.vpk' has no numbered parts" },
        { "a.vpk", 1, break_tree_tail, "there are 2 bytes behind the end of the directory" },
        { "a.vpk", 1, break_file_tail, "there are 3 bytes behind the end" },
        { "a.vpk", 2, break_file_tail, "there are 3 bytes behind the end" },
        { "a_dir.vpk", 1, break_file_tail_parts, "there are 1 bytes behind the end" },
        { "a.vpk", 1, break_twice, "'maps/one.bsp' and 'maps/one.bsp' are one path" },
        { "a.vpk", 1, break_twice_by_case, "'Maps/One.bsp' and 'maps/one.bsp' are one path" },
        { "a.vpk", 1, break_checksum, "'maps/one.bsp' does not match its checksum" },
        { "a_dir.vpk", 1, break_checksum_in_part, "'maps/two.bsp' does not match its checksum" },
        { "a.vpk", 1, break_checksum_preloaded, "'a.txt' does not match its checksum" },
        { "a.vpk", 1, break_checksum_of_nothing, "'a.txt' does not match its checksum" },
        { "a_dir.vpk", 2, break_piece,
          "'maps/two.bsp' or what is beside it, bytes 0 to 7 of part 2, does not match its MD5" },
        { "a_dir.vpk", 2, break_piece_of_nobody,
          "what is beside the entries, bytes 0 to 7 of part 0, does not match its MD5" },
        { "a_dir.vpk", 2, break_piece_of_data,
          "'maps/here.bsp' or what is beside it, bytes 243 to 245 of the archive, does not match "
          "its MD5" },
        { "a_dir.vpk", 2, break_piece_beyond, "an MD5 is of bytes beyond the end of part 2" },
        { "a.vpk", 2, break_piece_beyond_data, "an MD5 is of bytes beyond the end of the data" },
        { "a_dir.vpk", 2, break_piece_empty, "MD5 number 4 is of nothing there can be" },
        { "a_dir.vpk", 2, break_piece_part, "MD5 number 0 is of nothing there can be" },
        { "a_dir.vpk", 2, break_pieces_overlap, "two MD5 sums are of the same bytes" },
        { "a_dir.vpk", 2, break_pieces_size, "a list of MD5 sums cannot have 113 bytes" },
        { "a_dir.vpk", 2, break_signature, "the signature is damaged" },
        { "a_dir.vpk", 2, break_signature_key, "the signature is damaged" },
        { "a.vpk", 2, break_signature_short, "the signature is damaged" },
    };
    const struct unit_dir *dir = *state;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(maker_donep)
        struct maker       maker = { .version = cases[i].version };
        struct vpk_checked checked = { 0 };
        struct error       err = { 0 };
        char               want[ERROR_MESSAGE_MAX];

        cases[i].make(&maker);
        maker_save(&maker, dir->fd, cases[i].name);
        snprintf(want, sizeof want, "archive '%s': %s", cases[i].name, cases[i].want);
        if (check(&checked, dir->fd, cases[i].name, NULL, &err) == 0)
            fail_msg("was accepted: %s", want);
        assert_string_equal(err.message, want);
        assert_int_equal(err.kind, cases[i].make == break_part_missing && strchr(want, '_')
                                       ? ERROR_NOT_FOUND
                                       : ERROR_INVALID);
    }
}

// --- files with every byte wrong --------------------------------------------------------------

static void test_sums_of_the_file_are_compared(void **state)
{
    static const struct {
        size_t      behind; // the end: bytes that are changed
        const char *want;
    } cases[] = {
        { 48, "archive 'o.vpk': the directory does not match its MD5" },
        { 32, "archive 'o.vpk': the list of MD5 sums does not match its own" },
        { 1, "archive 'o.vpk': the file does not match its MD5" },
    };
    const struct unit_dir *dir = *state;
    AUTO(maker_donep)
    struct maker maker = { .version = 2 };

    make_others(&maker);
    struct maker_bytes file = maker_file(&maker);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct vpk_checked checked;
        struct error       err = { 0 };
        file.bytes[file.n - cases[i].behind] ^= 0x80;
        maker_write(dir->fd, "o.vpk", file.bytes, file.n);
        file.bytes[file.n - cases[i].behind] ^= 0x80;
        assert_int_equal(check(&checked, dir->fd, "o.vpk", NULL, &err), -1);
        assert_string_equal(err.message, cases[i].want);
    }
    free(file.bytes);
}

static void test_no_changed_byte_passes(void **state)
{
    const struct unit_dir *dir = *state;
    AUTO(maker_donep)
    struct maker maker = { .version = 2 };

    make_others(&maker);
    struct maker_bytes file = maker_file(&maker);
    for (size_t i = 0; i < file.n; i++) {
        struct vpk_checked checked;
        struct error       err = { 0 };
        file.bytes[i] ^= 1;
        maker_write(dir->fd, "x.vpk", file.bytes, file.n);
        file.bytes[i] ^= 1;
        if (check(&checked, dir->fd, "x.vpk", NULL, &err) == 0)
            fail_msg("byte %zu", i);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    free(file.bytes);
}

static void test_no_other_length_passes(void **state)
{
    const struct unit_dir *dir = *state;

    for (unsigned version = 1; version <= 2; version++) {
        AUTO(maker_donep)
        struct maker maker = { .version = version };
        make_single(&maker);
        struct maker_bytes file = maker_file(&maker);
        maker_put(&file, "\0", 2);
        for (size_t n = 0; n <= file.n; n++) {
            struct vpk_checked checked;
            struct error       err = { 0 };
            maker_write(dir->fd, "x.vpk", file.bytes, n);
            int r = check(&checked, dir->fd, "x.vpk", NULL, &err);
            assert_int_equal(r, n == file.n - 2 ? 0 : -1);
            assert_int_equal(err.kind, r ? ERROR_INVALID : ERROR_NONE);
        }
        free(file.bytes);
    }
}

// --- files larger than a block ----------------------------------------------------------------

struct steps {
    uint64_t done_bytes, total_bytes;
    unsigned n, n_max;
};

static int step(void *context, uint64_t done_bytes, uint64_t total_bytes, struct error *err)
{
    struct steps *steps = context;

    assert_true(done_bytes > steps->done_bytes && done_bytes <= total_bytes);
    assert_true(steps->n == 0 || total_bytes == steps->total_bytes);
    steps->done_bytes = done_bytes;
    steps->total_bytes = total_bytes;
    return ++steps->n < steps->n_max ? 0 : error_set(err, ERROR_FAILED, "somebody wants to stop");
}

static void make_big(struct maker *maker, uint16_t archive)
{
    static uint8_t bytes[BIG];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    maker_add(maker, "a", bytes, VPK_BLOCK_BYTES - 1, 0, archive);
    maker_add(maker, "b", bytes, 1, 0, archive); // the last byte of a block
    maker_add(maker, "c", bytes, 1, 0, archive);
    maker_add(maker, "d", bytes, sizeof bytes, 1000, archive);
    for (uint32_t at = 0; maker->version == 2 && at < 600000; at += 100000)
        maker_piece(maker, archive, at, 100000);
}

static void check_big(int dir_fd, const char *name, uint16_t archive)
{
    AUTO(maker_donep)
    struct maker maker = { .version = 2, .has_others = true };

    make_big(&maker, archive);
    maker_save(&maker, dir_fd, name);
    struct steps              steps = { .n_max = 1000 };
    const struct vpk_progress progress = { step, &steps };
    struct vpk_checked        checked;
    struct error              err = { 0 };
    if (check(&checked, dir_fd, name, &progress, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(checked.n_md5, 9);
    assert_int_equal(steps.done_bytes, steps.total_bytes);
    assert_true(steps.n >= 3 && steps.total_bytes > 2 * VPK_BLOCK_BYTES);

    // Each file in turn, and what is left of it behind the first block.
    static const struct {
        size_t      at;
        const char *want;
    } changes[] = {
        { 0, "'a' " }, // or a piece in it
        { VPK_BLOCK_BYTES - 2, "'a' does not" },
        { VPK_BLOCK_BYTES - 1, "'b' does not" },
        { VPK_BLOCK_BYTES, "'c' does not" },
        { VPK_BLOCK_BYTES + 1, "'a' or what is beside it, bytes" }, // in one piece with them
        { 610000, "'d' does not" },                                 // no piece's
    };
    struct maker_bytes *data = archive == MAKER_SAME ? &maker.data : &maker.parts[archive];
    for (size_t i = 0; i < ELEMENTS(changes); i++) {
        data->bytes[changes[i].at] ^= 4;
        maker_save(&maker, dir_fd, name);
        data->bytes[changes[i].at] ^= 4;
        assert_int_equal(check(&checked, dir_fd, name, NULL, &err), -1);
        if (!strstr(err.message, changes[i].want))
            fail_msg("%s", err.message);
    }
}

static void test_files_larger_than_a_block(void **state)
{
    const struct unit_dir *dir = *state;

    check_big(dir->fd, "one.vpk", MAKER_SAME);
    check_big(dir->fd, "big_dir.vpk", 1);
}

static void test_it_can_be_stopped(void **state)
{
    const struct unit_dir *dir = *state;
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };

    make_big(&maker, MAKER_SAME);
    maker_save(&maker, dir->fd, "one.vpk");
    struct steps              steps = { .n_max = 2 };
    const struct vpk_progress progress = { step, &steps };
    struct vpk_checked        checked;
    struct error              err = { 0 };
    assert_int_equal(check(&checked, dir->fd, "one.vpk", &progress, &err), -1);
    assert_string_equal(err.message, "archive 'one.vpk': somebody wants to stop");
    assert_int_equal(err.kind, ERROR_FAILED);
    assert_int_equal(steps.n, 2);
}

// Eight gigabytes that nobody wants are not read.
static void test_gaps_are_skipped(void **state)
{
    const struct unit_dir *dir = *state;
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };

    maker_add(&maker, "a.txt", "a", 1, 0, 0);
    maker_entry(&maker, &(struct maker_entry){ "txt", " ", "b", crc32_update(0, "b", 1), "", 0, 0,
                                               0xfffffffe, 1 });
    maker_save(&maker, dir->fd, "far_dir.vpk");
    AUTO_FD fd = openat(dir->fd, "far_000.vpk", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "b", 1, 0xfffffffe), 1);
    struct steps              steps = { .n_max = 10 };
    const struct vpk_progress progress = { step, &steps };
    struct vpk_checked        checked;
    struct error              err = { 0 };
    if (check(&checked, dir->fd, "far_dir.vpk", &progress, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(steps.n, 2);
    assert_int_equal(steps.done_bytes, 0xffffffff);
}

static void test_what_is_in_memory_is_refused(void **state)
{
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk        *vpk = NULL;
    struct vpk_checked checked;
    struct error       err = { 0 };

    (void)state;
    make_single(&maker);
    struct maker_bytes file = maker_file(&maker);
    assert_int_equal(vpk_parse(&vpk, file.bytes, file.n, &err), 0);
    assert_int_equal(vpk_check(&checked, vpk, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    free(file.bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sound_archives_pass),
        TEST(test_broken_archives_are_refused_by_name),
        TEST(test_sums_of_the_file_are_compared),
        TEST(test_no_changed_byte_passes),
        TEST(test_no_other_length_passes),
        TEST(test_files_larger_than_a_block),
        TEST(test_it_can_be_stopped),
        TEST(test_gaps_are_skipped),
        cmocka_unit_test(test_what_is_in_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
