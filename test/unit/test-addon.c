// SPDX-License-Identifier: MIT
#include "pak/addon.h"
#include "pak/stockmaps.h"
#include "vpk-maker.h"

#define BSP     "VBSP\x15\0\0\0"
#define MISSION "\"mission\" { \"Name\" \"Dead\" \"DisplayTitle\" \"Dead line\" \"modes\" { "

struct file {
    const char *path;
    const char *bytes; // NULL: the end
    size_t      n;     // 0: a string
};

static void maker_donep(struct maker *maker)
{
    maker_done(maker);
}

// Everything is preloaded, so that it can be read from memory.
static struct addon *inspect(const struct file *files)
{
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk   *vpk = NULL;
    struct addon *addon = NULL;
    struct error  err = { 0 };

    for (; files->bytes; files++) {
        size_t n = files->n ? files->n : strlen(files->bytes);
        maker_add(&maker, files->path, files->bytes, n, (uint16_t)n, MAKER_SAME);
    }
    struct maker_bytes bytes = maker_file(&maker);
    assert_int_equal(vpk_parse(&vpk, bytes.bytes, bytes.n, &err), 0);
    assert_int_equal(addon_inspect(&addon, vpk, &err), 0);
    free(bytes.bytes);
    return addon;
}

static void test_kinds(void **state)
{
    static const struct {
        const char     *path;
        enum addon_kind want;
    } cases[] = {
        { "maps/a.bsp", ADDON_MAP },
        { "Maps/A.BSP", ADDON_MAP },
        { "maps/sub/a.bsp", ADDON_OTHER },
        { "maps/a.nav", ADDON_OTHER },
        { "mapsa.bsp", ADDON_OTHER },
        { "missions/a.txt", ADDON_MISSION },
        { "missions/sub/a.txt", ADDON_OTHER },
        { "missions/a.txt.bak", ADDON_OTHER },
        { "models/props/a.mdl", ADDON_MODEL },
        { "models/props/a.vvd", ADDON_MODEL_DATA },
        { "scripts/vscripts/a.nut", ADDON_SCRIPT },
        { "scripts/vscripts/x/a.nuc", ADDON_SCRIPT },
        { "scripts/a.nut", ADDON_OTHER },
        { "scripts/weapon_a.txt", ADDON_OTHER },
        { "materials/a/b.vmt", ADDON_MATERIAL },
        { "materials/a/b.vtf", ADDON_TEXTURE },
        { "materials/a/b.txt", ADDON_OTHER },
        { "sound/a.wav", ADDON_SOUND },
        { "sound/a/b.MP3", ADDON_SOUND },
        { "sound/a.txt", ADDON_OTHER },
        { "addoninfo.txt", ADDON_DESCRIPTION },
        { "AddonInfo.txt", ADDON_DESCRIPTION },
        { "addonimage.jpg", ADDON_DESCRIPTION },
        { "x/addoninfo.txt", ADDON_OTHER },
        { "addoninfo.txt2", ADDON_OTHER },
        { "a.vpk", ADDON_ARCHIVE },
        { "models/a.vpk", ADDON_ARCHIVE },
        { "", ADDON_OTHER },
        { ".vpk", ADDON_ARCHIVE },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        if (addon_kind_of(cases[i].path) != cases[i].want)
            fail_msg("'%s': %s", cases[i].path, addon_kind_word(addon_kind_of(cases[i].path)));
}

static void test_stock_maps(void **state)
{
    (void)state;
    assert_true(stockmaps_has("c1m1_hotel"));
    assert_true(stockmaps_has("C5M1_Waterfront_SNDscape"));
    assert_true(stockmaps_has("c10m1_caves"));
    assert_true(stockmaps_has("tutorial_standards_vs"));
    assert_false(stockmaps_has(""));
    assert_false(stockmaps_has("c1m1"));
    assert_false(stockmaps_has("zzz"));
}

// --- a campaign -------------------------------------------------------------------------------

static void test_campaign(void **state)
{
    static const struct file files[] = {
        { "AddonInfo.txt",
          "\"AddonInfo\"\n{\n addonSteamAppID 550 // the game\n AddonTitle \" Dead  Line \"\n"
          " addonversion 1.5\n addonauthor \"Some \\\"One\\\"\"\n"
          " addontagline \"two\nlines\"\n addonDescription \"\r\n one\r\n\ttwo\n\"\n}\n",
          0 },
        { "missions/dead.txt",
          MISSION "\"coop\" { \"1\" { \"Map\" \"dead01\" \"DisplayName\" \"The street\" }"
                  " \"2\" { \"Map\" \"DEAD02\" \"DisplayName\" \"#word\" }"
                  " \"3\" { \"Map\" \"c1m1_hotel\" } }"
                  " \"versus\" { \"1\" { \"Map\" \"dead01\" } } \"survival\" { } } }",
          0 },
        { "maps/dead01.bsp", BSP, 8 },
        { "maps/dead02.bsp", BSP, 8 },
        { "maps/dead02.nav", "nav", 0 },
        { "models/a.mdl", "IDST", 0 },
        { "models/a.vvd", "IDSV", 0 },
        { "scripts/vscripts/a.nut", "//", 0 },
        { "materials/a.vmt", "x", 0 },
        { "materials/a.vtf", "VTF", 0 },
        { "sound/a.wav", "RIFF", 0 },
        { 0 },
    };
    AUTO(addon_freep)
    struct addon *addon = inspect(files);

    (void)state;
    assert_true(addon->has_info);
    assert_string_equal(addon->title, "Dead  Line");
    assert_string_equal(addon->version, "1.5");
    assert_string_equal(addon->author, "Some \"One\"");
    assert_string_equal(addon->tagline, "two lines");
    assert_string_equal(addon->description, "one\n two");
    assert_true(addon->is_campaign);
    assert_false(addon->is_cut);

    static const uint32_t want[] = { 2, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1 };
    _Static_assert(ELEMENTS(want) == ADDON_KIND_COUNT, "one of each");
    assert_memory_equal(addon->n_files, want, sizeof want);

    assert_int_equal(addon->n_maps, 2);
    assert_string_equal(addon->maps[1].name, "dead02");
    assert_true(addon->maps[1].is_bsp);
    assert_int_equal(addon->n_missions, 1);
    assert_string_equal(addon->missions[0].path, "missions/dead.txt");
    assert_string_equal(addon->missions[0].name, "Dead");
    assert_string_equal(addon->missions[0].title, "Dead line");
    assert_int_equal(addon->missions[0].n_chapters, 4);
    assert_string_equal(addon->chapters[0].mode, "coop");
    assert_string_equal(addon->chapters[0].map, "dead01");
    assert_string_equal(addon->chapters[0].title, "The street");
    assert_true(addon->chapters[1].is_here && !addon->chapters[1].is_stock);
    assert_true(!addon->chapters[2].is_here && addon->chapters[2].is_stock);
    assert_string_equal(addon->chapters[3].mode, "versus");
    assert_int_equal(addon->n_problems, 0);
}

// --- descriptions -----------------------------------------------------------------------------

static void test_descriptions(void **state)
{
    static const struct {
        const char *bytes;
        size_t      n;
        const char *title;
        const char *problem; // NULL: none
    } cases[] = {
        { "x { addontitle \"\xfc\x62\x65r\" }", 0, "über", NULL },
        { "\xef\xbb\xbfx { addontitle \"\xc3\xbc\" }", 0, "ü", NULL },
        { "\xff\xfex\0 \0{\0a\0d\0d\0o\0n\0t\0i\0t\0l\0e\0 \0\xac\x20 \0}\0", 36, "€", NULL },
        { "x { addontitle \"a\\\\b\\qc\" }", 0, "a\\b\\qc", NULL },
        { "x { addontitle \"dir\\\" }", 0, "dir\\", NULL }, // no escapes after all
        { "x { addontitle a", 0, "a",
          "'addoninfo.txt' is damaged: line 1: the text ends inside a block" },
        { "x { addontitle \"a\" addonauthor \"b", 0, "a",
          "'addoninfo.txt' is damaged: line 1: the text ends inside a quoted string" },
        { "x { addontitle a } }", 0, "a", "'addoninfo.txt' is damaged: line 1: a '}' too many" },
        { "addontitle a", 0, "", "'addoninfo.txt' describes nothing" },
        { " ", 0, "", "'addoninfo.txt' describes nothing" },
        { "version 1 x { addontitle a }", 0, "a", NULL },
        { "x { addontitle { b c } }", 0, "", NULL },
        { "x { addontitle \" \n\t \" }", 0, "", NULL },
        { "x { addontitle a } \0 }", 22, "a", NULL },
        { "x { addontitle \"a\x1b[1m\" }", 0, "a?[1m", NULL },
        { "x { addontitle a addontitle b }", 0, "a", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const struct file files[] = { { "addoninfo.txt", cases[i].bytes, cases[i].n },
                                      { "cfg/a.cfg", "//", 0 },
                                      { 0 } };
        AUTO(addon_freep)
        struct addon *addon = inspect(files);
        assert_string_equal(addon->title, cases[i].title);
        assert_int_equal(addon->n_problems, cases[i].problem ? 1 : 0);
        if (cases[i].problem)
            assert_string_equal(addon->problems[0], cases[i].problem);
        assert_false(addon->is_campaign);
    }
}

static void test_first_of_two_descriptions(void **state)
{
    static const struct file files[] = { { "addoninfo.txt", "x { addontitle b }", 0 },
                                         { "AddonInfo.txt", "x { addontitle a }", 0 },
                                         { 0 } };
    AUTO(addon_freep)
    struct addon *addon = inspect(files);

    (void)state;
    assert_string_equal(addon->title, "a");
}

static void test_long_strings_are_cut_between_characters(void **state)
{
    char text[2048] = "x { addontitle \"a";

    (void)state;
    for (size_t n = strlen(text); n + 8 < sizeof text; n += 2)
        memcpy(text + n, "\xc3\xa4\"}", 5);
    const struct file files[] = { { "addoninfo.txt", text, 0 }, { "a", "b", 0 }, { 0 } };
    AUTO(addon_freep)
    struct addon *addon = inspect(files);
    assert_int_equal(strlen(addon->title), ADDON_TITLE_MAX - 1);
    assert_string_equal(addon->title + ADDON_TITLE_MAX - 3, "\xc3\xa4");
}

// --- problems ---------------------------------------------------------------------------------

static void test_problems(void **state)
{
    static const struct {
        struct file files[5];
        const char *problems[4];
        bool        is_campaign;
    } cases[] = {
        { { { 0 } }, { "there is nothing in it" }, false },
        { { { "addoninfo.txt", "x { a b }", 0 }, { "addonimage.jpg", "x", 0 } },
          { "there is nothing in it but its description" },
          false },
        { { { "maps/a.bsp", "PSBV\0\0\0\0", 8 } },
          { "'maps/a.bsp' is no map: it does not begin with VBSP" },
          false },
        { { { "maps/a.bsp", "VBS", 0 } }, { "'maps/a.bsp' is empty" }, false },
        { { { "sub/b.vpk", "x", 0 } },
          { "'sub/b.vpk' is an archive in the archive, which the game does not open" },
          false },
        { { { "missions/a.txt",
              MISSION "coop { 1 { Map a } 2 { map B } } versus { 1 { map A } } } }", 0 },
            { "maps/b.bsp", BSP, 8 } },
          { "'missions/a.txt' names the map 'a', which is not in the add-on" },
          true },
        { { { "missions/a.txt", MISSION "} }", 0 } }, { "'missions/a.txt' names no map" }, false },
        { { { "missions/a.txt", "mission { modes { coop { 1 { Map c1m1_hotel } } } }", 0 } },
          { "'missions/a.txt' has no name" },
          false },
        { { { "missions/a.txt", MISSION "coop { 1 { Map c1m1_hotel } }", 0 } },
          { "'missions/a.txt' is damaged: line 1: the text ends inside a block" },
          false },
        { { { "missions/a.txt", "mission { }", 0 } },
          { "'missions/a.txt' has no name", "'missions/a.txt' names no map" },
          false },
        { { { "missions/a.txt", "{", 0 }, { "missions/b.txt", "mission { a", 0 } },
          { "'missions/a.txt' is damaged: line 1: a block without a key",
            "'missions/b.txt' is damaged: line 1: a key without a value" },
          false },
        { { { "missions/a.txt", MISSION "coop { 1 { Map \"\" } 2 { } 3 x } survival y } modes z }",
              0 } },
          { "'missions/a.txt' names no map" },
          false },
        { { { "missions/a.txt",
              MISSION "coop { 1 { Map c1m1_hotel } } } modes { versus { 1 { Map x } } } }", 0 } },
          { "'missions/a.txt' names the map 'x', which is not in the add-on" },
          false },
    };
    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(addon_freep)
        struct addon *addon = inspect(cases[i].files);
        size_t        n = 0;
        for (; n < ELEMENTS(cases[i].problems) && cases[i].problems[n]; n++) {
            assert_true(n < addon->n_problems);
            assert_string_equal(addon->problems[n], cases[i].problems[n]);
        }
        if (n < addon->n_problems)
            fail_msg("case %zu: %s", i, addon->problems[n]);
        assert_int_equal(addon->is_campaign, cases[i].is_campaign);
    }
}

// What the archive does not hold, or not as it says.
static void test_unreadable_files(void **state)
{
    const struct unit_dir *dir = *state;
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk *vpk = NULL;
    AUTO(addon_freep)
    struct addon *addon = NULL;
    struct error  err = { 0 };

    maker_add(&maker, "missions/a.txt", "mission {}", 10, 0, MAKER_SAME);
    maker_add(&maker, "addoninfo.txt", "x {}", 4, 0, MAKER_SAME);
    maker.data.bytes[0] = 'M';
    maker_entry(&maker, &(struct maker_entry){ "bsp", "maps", "a", 0, "", 0, MAKER_SAME, 99, 9 });
    maker_entry(&maker, &(struct maker_entry){ "bsp", "maps", "b", 0, "", 0, 3, 0, 9 });
    maker_entry(&maker, &(struct maker_entry){ "txt", "missions", "b", 0, "", 0, MAKER_SAME, 0,
                                               ADDON_TEXT_MAX + 1 });
    maker_save(&maker, dir->fd, "a.vpk");
    assert_int_equal(vpk_open(&vpk, dir->fd, "a.vpk", &err), 0);
    assert_int_equal(addon_inspect(&addon, vpk, &err), 0);
    assert_int_equal(addon->n_problems, 4);
    assert_string_equal(addon->problems[0], "'maps/a.bsp': the archive is cut off");
    assert_string_equal(addon->problems[1], "'maps/b.bsp': archive 'a.vpk' has no numbered parts");
    assert_string_equal(addon->problems[2], "'missions/a.txt' does not match its checksum");
    assert_string_equal(addon->problems[3], "'missions/b.txt' is longer than 262144 bytes");
    assert_int_equal(addon->n_missions, 2);
    assert_string_equal(addon->missions[0].name, "");
}

static bool has_problem(const struct addon *addon, const char *part)
{
    for (uint32_t i = 0; i < addon->n_problems; i++)
        if (strstr(addon->problems[i], part))
            return true;
    return false;
}

// A download that broke off, at any byte: the directory is whole or the archive is none, and what
// can be read of it is what was there.
static void test_archives_that_are_cut_off(void **state)
{
    const struct unit_dir *dir = *state;
    static const char      info[] = "\"AddonInfo\" { addonTitle \"City of rain\" }";
    static const char      mission[] = MISSION "coop { 1 { Map a } } } }";
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };

    maker_add(&maker, "addoninfo.txt", info, strlen(info), 4, MAKER_SAME);
    maker_add(&maker, "missions/a.txt", mission, strlen(mission), 0, MAKER_SAME);
    maker_add(&maker, "maps/a.bsp", BSP, 8, 0, MAKER_SAME);
    struct maker_bytes whole = maker_file(&maker);
    size_t             at_data = whole.n - maker.data.n, n_info = at_data + strlen(info) - 4;
    for (size_t n = 0; n <= whole.n; n++) {
        AUTO(vpk_closep)
        struct vpk *vpk = NULL;
        AUTO(addon_freep)
        struct addon *addon = NULL;
        struct error  err = { 0 };
        maker_write(dir->fd, "a.vpk", whole.bytes, n);
        assert_int_equal(vpk_open(&vpk, dir->fd, "a.vpk", &err), n < at_data ? -1 : 0);
        if (n < at_data) {
            assert_int_equal(err.kind, ERROR_INVALID);
            continue;
        }
        assert_int_equal(addon_inspect(&addon, vpk, &err), 0);
        assert_true(addon->has_info);
        assert_string_equal(addon->title, n < n_info ? "" : "City of rain");
        assert_int_equal(has_problem(addon, "'addoninfo.txt': the archive is cut off"), n < n_info);
        assert_string_equal(addon->missions[0].name, n < whole.n - 8 ? "" : "Dead");
        assert_int_equal(has_problem(addon, "'maps/a.bsp': the archive is cut off"),
                         n < whole.n - 4); // its signature is looked at
        assert_int_equal(addon->n_problems == 0, n >= whole.n - 4);
    }
    free(whole.bytes);
}

static void test_limits(void **state)
{
    static char text[3 * 65536];
    char        path[32];
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk *vpk = NULL;
    AUTO(addon_freep)
    struct addon *addon = NULL;
    struct error  err = { 0 };

    (void)state;
    size_t n = (size_t)snprintf(text, sizeof text, MISSION "coop {");
    for (unsigned i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%u { map m%u } ", i, i);
    snprintf(text + n, sizeof text - n, "} } }");
    for (unsigned i = 0; i <= ADDON_MISSIONS_MAX; i++) {
        snprintf(path, sizeof path, "missions/%u.txt", i);
        maker_add(&maker, path, text, strlen(text), (uint16_t)strlen(text), MAKER_SAME);
    }
    for (unsigned i = 0; i <= ADDON_MAPS_MAX; i++) {
        snprintf(path, sizeof path, "maps/%u.bsp", i);
        maker_add(&maker, path, BSP, 8, 8, MAKER_SAME);
    }
    struct maker_bytes bytes = maker_file(&maker);
    assert_int_equal(vpk_parse(&vpk, bytes.bytes, bytes.n, &err), 0);
    free(bytes.bytes);
    assert_int_equal(addon_inspect(&addon, vpk, &err), 0);
    assert_true(addon->is_cut && addon->is_campaign);
    assert_int_equal(addon->n_maps, ADDON_MAPS_MAX);
    assert_int_equal(addon->n_missions, ADDON_MISSIONS_MAX);
    assert_int_equal(addon->n_chapters, ADDON_CHAPTERS_MAX);
    assert_int_equal(addon->n_files[ADDON_MISSION], ADDON_MISSIONS_MAX + 1);
    // Nobody is told that maps are missing when not all were looked at.
    assert_string_equal(addon->problems[addon->n_problems - 1],
                        "there are more than 1024 maps, 64 missions or 1024 chapters of them: the "
                        "rest was not looked at");
}

static void test_problems_have_a_limit(void **state)
{
    AUTO(maker_donep)
    struct maker maker = { .version = 1 };
    AUTO(vpk_closep)
    struct vpk *vpk = NULL;
    AUTO(addon_freep)
    struct addon *addon = NULL;
    struct error  err = { 0 };
    char          path[512];

    (void)state;
    for (unsigned i = 0; i <= ADDON_PROBLEMS_MAX; i++) {
        snprintf(path, sizeof path, "sound/%0200u.vpk", i);
        maker_add(&maker, path, "", 0, 0, MAKER_SAME);
    }
    struct maker_bytes bytes = maker_file(&maker);
    assert_int_equal(vpk_parse(&vpk, bytes.bytes, bytes.n, &err), 0);
    free(bytes.bytes);
    assert_int_equal(addon_inspect(&addon, vpk, &err), 0);
    assert_int_equal(addon->n_problems, ADDON_PROBLEMS_MAX);
    assert_non_null(strstr(addon->problems[63], "63.vpk' is an archive"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_stock_maps),
        cmocka_unit_test(test_campaign),
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_first_of_two_descriptions),
        cmocka_unit_test(test_long_strings_are_cut_between_characters),
        cmocka_unit_test(test_problems),
        cmocka_unit_test_setup_teardown(test_archives_that_are_cut_off, unit_dir_setup,
                                        unit_dir_teardown),
        cmocka_unit_test_setup_teardown(test_unreadable_files, unit_dir_setup, unit_dir_teardown),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_problems_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
