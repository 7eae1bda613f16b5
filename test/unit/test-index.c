// SPDX-License-Identifier: MIT
#include "base/hash64.h"
#include "overlay/indexbuild.h"
#include "overlay/indexfile.h"
#include "unit.h"

#define FILE_NODE(bytes, number)                                                                   \
    &(struct index_node)                                                                           \
    {                                                                                              \
        .kind = INDEX_FILE, .size = (bytes), .inode = (number)                                     \
    }
#define DIR_NODE                                                                                   \
    &(struct index_node)                                                                           \
    {                                                                                              \
        .kind = INDEX_DIR                                                                          \
    }

// a/ a/b a/c.vpk a-b: with a pack, a mission and two findings.
static struct index *sample(void)
{
    struct index_builder *builder = NULL;
    struct index         *index = NULL;
    struct index_finding  finding = { .node = 1, .code = 7 };
    uint32_t              n_twice = 0;

    MUST(index_builder_new(&builder, &err));
    MUST(index_builder_add(builder, INDEX_ROOT, "a", DIR_NODE, &err));
    MUST(index_builder_add(builder, INDEX_ROOT, "a-b", FILE_NODE(5, 11), &err));
    MUST(index_builder_finding(builder, &finding, "first", &err));
    MUST(index_builder_add(builder, 1, "b", FILE_NODE(6, 12), &err));
    MUST(index_builder_add(builder, 1, "c.vpk", FILE_NODE(7, 13), &err));
    MUST(index_builder_pack(builder, 4, INDEX_PACK_ADDON, &err));
    MUST(index_builder_entry(builder, "Maps\\Two.BSP", 100, 2, &err));
    MUST(index_builder_entry(builder, "maps/one.bsp", UINT64_C(1) << 40, 1, &err));
    MUST(index_builder_entry(builder, "maps/two.bsp", 999, 3, &err));
    MUST(index_builder_entry(builder, "materials/x.vtf", 1, 4, &err));
    index_builder_pack_end(builder, &n_twice);
    assert_int_equal(n_twice, 1);
    MUST(index_builder_pack_title(builder, "A campaign", &err));
    MUST(index_builder_mission(builder, 4, false, "missions/one.txt", "one", "#One", &err));
    MUST(index_builder_map(builder, "One", &err));
    MUST(index_builder_map(builder, "two", &err));
    finding = (struct index_finding){ .node = 4, .line = 3, .code = 8 };
    MUST(index_builder_finding(builder, &finding, "second", &err));
    MUST(index_builder_end(builder, &index, &err));
    index_builder_free(builder);
    return index;
}

static void check_sample(const struct index *index)
{
    static const struct {
        const char *path;
        uint32_t    node;
    } rows[] = {
        { "", 0 },
        { "a", 1 },
        { "a-b", 2 },
        { "a/b", 3 },
        { "a/c.vpk", 4 },
        { "a/c", INDEX_NONE },
        { "a/d", INDEX_NONE },
        { "A", INDEX_NONE },
        { "b", INDEX_NONE },
        { "a-b/x", INDEX_NONE },
        { "a//b", INDEX_NONE },
    };
    char path[16];

    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        assert_int_equal(index_find(index, rows[i].path), rows[i].node);
        if (rows[i].node != INDEX_NONE && rows[i].node != 0) {
            assert_int_equal(index_path(index, rows[i].node, path, sizeof path),
                             strlen(rows[i].path));
            assert_string_equal(path, rows[i].path);
        }
    }
    assert_int_equal(index_path(index, 0, path, sizeof path), 0);
    assert_int_equal(index_path(index, 4, path, 8), 7);
    assert_int_equal(index_path(index, 4, path, 7), 0);
    assert_int_equal(index_node(index, 4)->size, 7);
    assert_int_equal(index_node(index, 4)->inode, 13);
    assert_int_equal(index_n_nodes(index), 5);
}

static void check_pack(const struct index *index)
{
    const struct index_pack    *pack = index_pack(index, 0);
    const struct index_mission *mission = index_mission(index, 0);

    assert_int_equal(index_pack_of(index, 4), 0);
    assert_int_equal(index_pack_of(index, 3), INDEX_NONE);
    assert_int_equal(pack->n_entries, 3);
    assert_string_equal(index_string(index, pack->title), "A campaign");
    assert_int_equal(pack->counts[INDEX_MAPS], 2);
    assert_int_equal(pack->counts[INDEX_MATERIALS], 1);
    assert_int_equal(pack->counts[INDEX_OTHERS], 0);
    uint32_t two = index_pack_find(index, 0, "maps/two.bsp");
    assert_int_equal(two, 1);
    assert_int_equal(index_entry(index, two)->size, 100); // the one that came first
    assert_int_equal(index_entry(index, two)->crc, 2);
    assert_int_equal(index_entry(index, 0)->size, UINT32_MAX);
    assert_int_equal(index_entry(index, two)->hash, hash64_of("maps/two.bsp", 12));
    assert_int_equal(index_pack_find(index, 0, "maps/three.bsp"), INDEX_NONE);
    assert_int_equal(mission->pack, 0);
    assert_string_equal(index_string(index, mission->title), "#One");
    assert_int_equal(mission->n_maps, 2);
    assert_string_equal(index_string(index, index_map(index, 0)->name), "one");
    assert_int_equal(index_missions_of(index, 4), 0);
    assert_int_equal(index_missions_of(index, 3), 0);
    assert_int_equal(index_findings_of(index, 0), 0);
    assert_int_equal(index_findings_of(index, 2), 1);
    assert_string_equal(index_string(index, index_finding(index, 1)->text), "second");
    assert_int_equal(index_finding(index, 1)->line, 3);
}

static void test_what_was_put_in_is_found(void **state)
{
    AUTO(index_freep) struct index *index = sample();

    (void)state;
    check_sample(index);
    check_pack(index);
}

static void test_a_file_says_the_same(void **state)
{
    struct unit_dir                *dir = *state;
    AUTO(index_freep) struct index *index = sample(), *again = NULL;
    struct stat                     st;

    MUST(index_write(index, dir->fd, "7.index", &err));
    assert_int_equal(fstatat(dir->fd, "7.index", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_size, index_bytes(index));
    MUST(index_open(&again, dir->fd, "7.index", &err));
    check_sample(again);
    check_pack(again);
}

// ---- what is no index --------------------------------------------------------------------------

static int parse(const uint8_t *bytes, size_t n)
{
    AUTO(index_freep) struct index *index = NULL;
    AUTO(freep) uint8_t            *copy = malloc(n + !n); // exact, for sanitizers
    struct error                    err = { 0 };

    memcpy(copy, bytes, n);
    int r = index_parse(&index, copy, n, &err);
    if (r < 0)
        assert_int_equal(err.kind, ERROR_INVALID);
    return r;
}

static void set_sum(uint8_t *bytes, size_t n)
{
    uint64_t sum = hash64_of(bytes + sizeof(struct index_header), n - sizeof(struct index_header));

    memcpy(bytes + offsetof(struct index_header, sum), &sum, sizeof sum);
}

static void test_damage_is_refused(void **state)
{
    AUTO(index_freep) struct index *index = sample();
    AUTO(freep) uint8_t            *bytes = malloc(index->n_bytes + 1);

    (void)state;
    memcpy(bytes, index->bytes, index->n_bytes);
    bytes[index->n_bytes] = 0;
    assert_int_equal(parse(bytes, index->n_bytes), 0);
    for (size_t n = 0; n < index->n_bytes; n++)
        assert_int_equal(parse(bytes, n), -1);
    assert_int_equal(parse(bytes, index->n_bytes + 1), -1);
    for (size_t i = 0; i < index->n_bytes; i++) {
        bytes[i] ^= 0x40;
        assert_int_equal(parse(bytes, index->n_bytes), -1);
        bytes[i] ^= 0x40;
    }
}

// With a sum that fits, what is wrong is found by looking, or does no harm.
static void test_a_forged_sum_opens_nothing(void **state)
{
    AUTO(index_freep) struct index *index = sample();
    AUTO(freep) uint8_t            *bytes = malloc(index->n_bytes);
    static const uint8_t            values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    unsigned                        n_refused = 0;

    (void)state;
    for (size_t i = sizeof(struct index_header); i < index->n_bytes; i++)
        for (size_t v = 0; v < ELEMENTS(values); v++) {
            AUTO(index_freep) struct index *forged = NULL;
            struct error                    err = { 0 };
            memcpy(bytes, index->bytes, index->n_bytes);
            bytes[i] = values[v];
            set_sum(bytes, index->n_bytes);
            if (index_parse(&forged, bytes, index->n_bytes, &err) < 0) {
                n_refused++;
                continue;
            }
            for (uint32_t node = 0; node < index_n_nodes(forged); node++) {
                char path[INDEX_PATH_MAX];
                (void)index_path(forged, node, path, sizeof path);
                assert_int_equal(index_find(forged, path), node);
            }
        }
    assert_true(n_refused > 500);
}

static const struct {
    const char        *name;
    enum index_section section;
    uint32_t           row;
    size_t             offset;
    uint32_t           value; // four bytes
    const char        *words;
} forgeries[] = {
    { "a name beyond the strings", SECTION_NODES, 1, offsetof(struct index_node, name), 100000,
      "its tree" },
    { "a directory that holds itself", SECTION_NODES, 1, offsetof(struct index_node, first), 1,
      "its tree" },
    { "children that are another's", SECTION_NODES, 1, offsetof(struct index_node, n), 3,
      "its tree" },
    { "a child of nobody", SECTION_NODES, 4, offsetof(struct index_node, parent), 0, "its tree" },
    { "a directory without end", SECTION_NODES, 1, offsetof(struct index_node, n), UINT32_MAX,
      "its tree" },
    { "a pack that is no file", SECTION_PACKS, 0, offsetof(struct index_pack, node), 1, "a pack" },
    { "a pack beyond the nodes", SECTION_PACKS, 0, offsetof(struct index_pack, node), 99,
      "a pack" },
    { "entries beyond the entries", SECTION_PACKS, 0, offsetof(struct index_pack, n_entries), 99,
      "the content of a pack" },
    { "entries of nobody", SECTION_PACKS, 0, offsetof(struct index_pack, n_entries), 2,
      "the content of a pack" },
    { "missions beyond the missions", SECTION_PACKS, 0, offsetof(struct index_pack, n_missions), 9,
      "the content of a pack" },
    { "a path beyond the strings", SECTION_ENTRIES, 1, offsetof(struct index_entry, path), 99999,
      "a path in a pack" },
    { "entries out of order", SECTION_ENTRIES, 0, offsetof(struct index_entry, path), 0, "a path" },
    { "maps beyond the maps", SECTION_MISSIONS, 0, offsetof(struct index_mission, n_maps), 3,
      "a mission" },
    { "a mission of no pack", SECTION_MISSIONS, 0, offsetof(struct index_mission, pack), 1,
      "a mission" },
    { "a map without a name", SECTION_MAPS, 1, offsetof(struct index_map, name), 99999, "a map" },
    { "a finding about nothing", SECTION_FINDINGS, 1, offsetof(struct index_finding, node), 5,
      "a finding" },
    { "findings out of order", SECTION_FINDINGS, 1, offsetof(struct index_finding, node), 0,
      "a finding" },
};

static void test_forgeries_are_seen(void **state)
{
    AUTO(index_freep) struct index *index = sample();
    AUTO(freep) uint8_t            *bytes = malloc(index->n_bytes);

    (void)state;
    for (size_t i = 0; i < ELEMENTS(forgeries); i++) {
        struct index *forged = NULL;
        struct error  err = { 0 };
        size_t        at =
            (size_t)((const uint8_t *)index->sections[forgeries[i].section] - index->bytes) +
            forgeries[i].row * index_shapes[forgeries[i].section].size + forgeries[i].offset;
        memcpy(bytes, index->bytes, index->n_bytes);
        memcpy(bytes + at, &forgeries[i].value, sizeof(uint32_t));
        set_sum(bytes, index->n_bytes);
        if (index_parse(&forged, bytes, index->n_bytes, &err) == 0)
            fail_msg("%s is taken", forgeries[i].name);
        if (!strstr(err.message, forgeries[i].words))
            fail_msg("%s: %s", forgeries[i].name, err.message);
    }
}

static void test_files_that_are_none(void **state)
{
    struct unit_dir *dir = *state;
    struct index    *index = NULL;
    struct error     err = { 0 };

    assert_int_equal(index_open(&index, dir->fd, "1.index", &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    unit_write(dir->fd, "1.index", "");
    assert_int_equal(index_open(&index, dir->fd, "1.index", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    unit_write(dir->fd, "2.index", "{\"type\":\"game\",\"current\":3,\"generations\":[]}         ");
    assert_int_equal(index_open(&index, dir->fd, "2.index", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(mkfifoat(dir->fd, "3.index", 0600), 0);
    assert_int_equal(index_open(&index, dir->fd, "3.index", &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(symlinkat("2.index", dir->fd, "4.index"), 0);
    assert_int_equal(index_open(&index, dir->fd, "4.index", &err), -1);
}

// ---- the rest ----------------------------------------------------------------------------------

static void test_paths_are_folded(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        { "Maps\\C1M1_Hotel.BSP", "maps/c1m1_hotel.bsp" },
        { "a/b", "a/b" },
        { "\xc3\x84\xff", "\xc3\x84\xff" }, // bytes beyond ASCII are nobody's capital letters
        { "", "" },
    };
    char folded[32];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        assert_int_equal(index_fold(folded, sizeof folded, rows[i].path), strlen(rows[i].want));
        assert_string_equal(folded, rows[i].want);
    }
    assert_int_equal(index_fold(folded, 4, "ABCDEF"), 3);
    assert_string_equal(folded, "abc");
}

static void test_copies_are_complete(void **state)
{
    AUTO(index_freep) struct index *index = sample(), *copy = NULL;
    struct index_builder           *builder = NULL;

    (void)state;
    MUST(index_builder_new(&builder, &err));
    MUST(index_builder_add(builder, INDEX_ROOT, "a", DIR_NODE, &err));
    MUST(index_builder_add(builder, INDEX_ROOT, "a-b", FILE_NODE(5, 11), &err));
    MUST(index_builder_copy(builder, 1, index, 1, UINT32_MAX, &err));
    MUST(index_builder_add(builder, 1, "b", FILE_NODE(6, 12), &err));
    MUST(index_builder_add(builder, 1, "c.vpk", FILE_NODE(7, 13), &err));
    MUST(index_builder_copy(builder, 4, index, 4, UINT32_MAX, &err));
    MUST(index_builder_end(builder, &copy, &err));
    index_builder_free(builder);
    check_sample(copy);
    check_pack(copy);
}

static void test_limits_are_told(void **state)
{
    AUTO(index_builder_freep) struct index_builder *builder = NULL;
    struct index_finding                            like = { .node = 0, .code = 1 };
    struct error                                    why = { 0 };

    (void)state;
    MUST(index_builder_new(&builder, &err));
    for (uint32_t i = 0; i < INDEX_FINDINGS_MAX; i++)
        MUST(index_builder_finding(builder, &like, "", &err));
    assert_int_equal(index_builder_finding(builder, &like, "", &why), -1);
    assert_int_equal(why.kind, ERROR_NO_SPACE);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_in_is_found),
        IN_DIR(test_a_file_says_the_same),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_a_forged_sum_opens_nothing),
        cmocka_unit_test(test_forgeries_are_seen),
        IN_DIR(test_files_that_are_none),
        cmocka_unit_test(test_paths_are_folded),
        cmocka_unit_test(test_copies_are_complete),
        cmocka_unit_test(test_limits_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
