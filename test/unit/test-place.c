// SPDX-License-Identifier: MIT
#include "content/findings.h"
#include "content/place.h"
#include "unit.h"

#define ADDONS "left4dead2/addons/"
#define SM     "left4dead2/addons/sourcemod/"

// A path that ends with a slash is a directory.
static const struct {
    const char *path;
    const char *beside; // one name that is in the same directory
    const char *want;   // "word:text" of each finding
} rows[] = {
    // at the top
    { "left4dead2/", "", "" },
    { "left4dead2_dlc3/", "", "" },
    { "update/", "", "" },
    { "bin/", "", "" },
    { "hl2/", "", "" },
    { "my_own/", "", "" },
    { "addons/", "", "misplaced:left4dead2/addons" },
    { "cfg/", "", "misplaced:left4dead2/cfg" },
    { "maps/", "", "misplaced:left4dead2/maps" },
    { "scripts/", "", "misplaced:left4dead2/scripts" },
    { "sourcemod/", "", "misplaced:left4dead2/addons/sourcemod" },
    { "metamod/", "", "misplaced:left4dead2/addons/metamod" },
    { "Left4Dead2/", "", "misplaced:left4dead2" },
    { "server.cfg", "", "misplaced:left4dead2/cfg" },
    { "srcds_run", "", "" },
    { "readme.txt", "", "" },
    // in the game's directory
    { "left4dead2/addons/", "", "" },
    { "left4dead2/Addons/", "", "misplaced:left4dead2/addons" },
    { "left4dead2/sourcemod/", "", "misplaced:left4dead2/addons/sourcemod" },
    { "left4dead2/left4dead2/", "", "nested:left4dead2" },
    { "left4dead2/server.cfg", "", "misplaced:left4dead2/cfg" },
    { "left4dead2/cfg/server.cfg", "", "" },
    { "left4dead2/cfg/cfg/", "", "nested:cfg" },
    { "left4dead2/addons/addons/", "", "nested:addons" },
    { SM "sourcemod/", "", "nested:sourcemod" },
    { SM "plugins/plugins/", "", "" }, // too deep to be judged
    { "left4dead2/maps/maps/", "", "nested:maps" },
    { "left4dead2/logs/logs/", "", "" },
    { "Pack-main/left4dead2/", "", "wrapped:Pack-main" },
    { "Pack-main/addons/", "", "wrapped:Pack-main" },
    { "Pack-main/docs/", "", "" },
    { "left4dead2/Pack/addons/", "", "wrapped:Pack" },
    { "left4dead2/addons/cfg/", "", "" },
    { "update/cfg/", "", "" },
    { "left4dead2_dlc3/addons/", "", "" },
    // add-ons
    { ADDONS "city.vpk", "", "" },
    { ADDONS "city.vpk/", "", "pack-is-directory:" },
    { ADDONS "workshop/123.vpk", "", "pack-in-workshop:" },
    { ADDONS "City.vpk", "", "pack-name-case:" },
    { ADDONS "city.VPK", "", "pack-name-case:" },
    { ADDONS "city 1.1.vpk", "", "pack-name-dots:" },
    { ADDONS "caf\xc3\xa9.vpk", "", "pack-name-bytes:" },
    { ADDONS "a\tb.vpk", "", "pack-name-bytes:" },
    { ADDONS "Caf\xc3\xa9 1.2.vpk", "", "pack-name-case: pack-name-bytes: pack-name-dots:" },
    { ADDONS "sub/city.vpk", "", "misplaced-pack:left4dead2/addons" },
    { ADDONS "workshop/sub/1.vpk", "", "misplaced-pack:left4dead2/addons" },
    { "left4dead2/city.vpk", "", "misplaced-pack:left4dead2/addons" },
    { "left4dead2/maps/city.vpk", "", "misplaced-pack:left4dead2/addons" },
    { "city.vpk", "", "misplaced-pack:left4dead2/addons" },
    { "left4dead2/pak01_dir.vpk", "", "" },
    { "left4dead2_mods/pak01_dir.vpk", "", "" },
    { "left4dead2/pak01_003.vpk", "pak01_dir.vpk", "" },
    { ADDONS "city_dir.vpk", "", "" },
    { ADDONS "city_001.vpk", "city_dir.vpk", "" },
    { ADDONS "city_001.vpk", "", "" },
    { ADDONS "sub/City_01.vpk", "", "misplaced-pack:left4dead2/addons" },
    { "platform/platform_misc.vpk", "", "" },
    // archives
    { ADDONS "city.zip", "", "archive:" },
    { ADDONS "city.RAR", "", "archive:" },
    { ADDONS "city.7z", "", "archive:" },
    { ADDONS "city.tar.gz", "", "archive:" },
    { "left4dead2/maps/city.bsp.bz2", "", "archive:" },
    { "left4dead2/maps/city.bsp.bz2", "city.bsp", "" },
    { SM "data/geo.gz", "", "" },
    // maps
    { "left4dead2/maps/c1m1_hotel.bsp", "", "" },
    { "left4dead2_dlc3/maps/c8m1.bsp", "", "" },
    { "left4dead2/c1m1_hotel.bsp", "", "misplaced-map:left4dead2/maps" },
    { "left4dead2/maps/sub/c1m1_hotel.bsp", "", "misplaced-map:left4dead2/maps" },
    { ADDONS "city.bsp", "", "misplaced-map:left4dead2/maps" },
    { "left4dead2/download/maps/a.bsp", "", "" },
    // plug-ins
    { SM "plugins/a.smx", "", "" },
    { SM "plugins/optional/a.smx", "", "" },
    { SM "plugins/disabled/a.smx", "", "" },
    { SM "scripting/compiled/a.smx", "", "" },
    { SM "a.smx", "", "misplaced-plugin:left4dead2/addons/sourcemod/plugins" },
    { ADDONS "a.smx", "", "misplaced-plugin:left4dead2/addons/sourcemod/plugins" },
    { SM "plugins/a.sp", "", "plugin-source:" },
    { SM "scripting/a.sp", "", "" },
    // libraries
    { SM "extensions/x.ext.2.l4d2.dll", "x.ext.2.l4d2.so", "" },
    { SM "extensions/x.ext.2.l4d2.dll", "", "windows-library:" },
    { ADDONS "metamod/bin/win64/server.dll", "", "" },
    { ADDONS "l4dtoolz.dll", "l4dtoolz.so", "" },
    { "bin/engine.dll", "", "" },
};

static bool has_beside(const void *user, const char *name)
{
    return strcmp(user, name) == 0;
}

static int take(void *user, uint32_t code, const char *text, struct error *err)
{
    char  *found = user;
    size_t n = strlen(found);

    (void)err;
    snprintf(found + n, 200 - n, "%s%s:%s", n ? " " : "", finding_info(code)->word, text);
    return 0;
}

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        char         path[128], found[200] = "";
        struct error err = { 0 };
        size_t       n = strlen(rows[i].path);
        bool         is_dir = rows[i].path[n - 1] == '/';
        snprintf(path, sizeof path, "%.*s", (int)(n - is_dir), rows[i].path);
        struct place place = { path, is_dir, has_beside, rows[i].beside };
        assert_int_equal(place_check(&place, take, found, &err), 0);
        if (strcmp(found, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].path, found);
    }
}

static void test_packs(void **state)
{
    static const struct {
        const char      *path, *beside;
        enum index_place want;
    } packs[] = {
        { ADDONS "a.vpk", "", INDEX_PACK_ADDON },
        { ADDONS "a.VPK", "", INDEX_PACK_ADDON },
        { ADDONS "a_000.vpk", "", INDEX_PACK_ADDON },
        { ADDONS "a_000.vpk", "a_dir.vpk", 0 },
        { ADDONS "a_00x.vpk", "a_dir.vpk", INDEX_PACK_ADDON },
        { ADDONS "workshop/1.vpk", "", INDEX_PACK_WORKSHOP },
        { ADDONS "other/1.vpk", "", 0 },
        { "left4dead2/pak01_dir.vpk", "", INDEX_PACK_GAME },
        { "update/pak01_dir.vpk", "", INDEX_PACK_GAME },
        { "update/pak01.vpk", "", 0 },
        { "update/sub/pak01_dir.vpk", "", 0 },
        { "pak01_dir.vpk", "", 0 },
        { ADDONS "vpk", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(packs); i++) {
        struct place place = { packs[i].path, false, has_beside, packs[i].beside };
        if (place_of_pack(&place) != packs[i].want)
            fail_msg("%s", packs[i].path);
    }
}

static void test_every_finding_has_its_words(void **state)
{
    char filled[FINDING_TEXT_MAX], longest[700];

    (void)state;
    assert_null(finding_info(0));
    assert_null(finding_info(FINDING_CODE_COUNT));
    assert_null(finding_info(UINT32_MAX));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (uint32_t code = 1; code < FINDING_CODE_COUNT; code++) {
        const struct finding_info *info = finding_info(code);
        assert_non_null(info);
        assert_non_null(finding_severity_word(info->severity));
        assert_true((info->severity == FINDING_FACT) == !info->remedy);
        assert_true(strlen(finding_fill(filled, info->sentence, longest)) < FINDING_TEXT_MAX);
    }
    assert_string_equal(finding_fill(filled, "a {} b {}", "x"), "a x b x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_packs),
        cmocka_unit_test(test_every_finding_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
