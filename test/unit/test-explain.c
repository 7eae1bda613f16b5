// SPDX-License-Identifier: MIT
#include "layer-stack.h"
#include "pack-make.h"

#include "explain/report.h"

#define ADDONS "left4dead2/addons/"
#define CFG    "left4dead2/cfg/"
#define MISSION(name, title, map)                                                                  \
    "\"mission\" { \"Name\" \"" name "\" \"DisplayTitle\" \"" title                                \
    "\" \"modes\" { \"coop\" { \"1\" { \"Map\" \"" map "\" } } } }"
#define GAMEINFO(...) "\"GameInfo\" { FileSystem { SearchPaths { " __VA_ARGS__ " } } }"
#define TEXT_MAX      4096u

// What is put into a layer: a pack if it is called so and begins with '|', else a file.
struct item {
    size_t      layer;
    const char *path, *text;
};

#define ITEMS_MAX 8u

static struct layer_stack make(struct unit_dir *dir, const struct item *items)
{
    struct layer_stack stack = stack_make(dir, 4);

    for (size_t i = 0; i < ITEMS_MAX && items[i].path; i++)
        if (items[i].text[0] == '|')
            pack_make(stack_fd(&stack, items[i].layer), items[i].path, items[i].text + 1);
        else
            unit_write(stack_fd(&stack, items[i].layer), items[i].path, items[i].text);
    return stack;
}

// ---- one path ----------------------------------------------------------------------------------

static const struct {
    const char *name;
    struct item items[ITEMS_MAX];
    const char *path;
    const char *want; // "use layer path" of each source, and how sure it is
} paths[] = {
    { "nobody has it", { { 3, "left4dead2/a", "x" } }, "maps/a.bsp", "sure" },
    { "it lies in the tree",
      { { 3, "left4dead2/maps/a.bsp", "x" } },
      "maps/a.bsp",
      "used 3 left4dead2/maps/a.bsp, sure" },
    { "called from the top",
      { { 3, "left4dead2/maps/a.bsp", "x" } },
      "left4dead2/maps/a.bsp",
      "used 3 left4dead2/maps/a.bsp, sure" },
    { "the layer above has it too",
      { { 1, "left4dead2/maps/a.bsp", "y" }, { 3, "left4dead2/maps/a.bsp", "x" } },
      "maps/a.bsp",
      "used 1 left4dead2/maps/a.bsp, sure" },
    { "directories in their order",
      { { 3, "left4dead2/maps/a.bsp", "1" },
        { 1, "update/maps/a.bsp", "2" },
        { 1, "hl2/maps/a.bsp", "3" },
        { 1, "left4dead2_dlc2/maps/a.bsp", "4" } },
      "maps/a.bsp",
      "used 1 update/maps/a.bsp, shadowed 1 left4dead2_dlc2/maps/a.bsp, "
      "shadowed 3 left4dead2/maps/a.bsp, shadowed 1 hl2/maps/a.bsp, sure" },
    { "the order of gameinfo.txt",
      { { 3, "left4dead2/gameinfo.txt", GAMEINFO("Game mods\nGame |gameinfo_path|.") },
        { 3, "left4dead2/maps/a.bsp", "1" },
        { 1, "update/maps/a.bsp", "2" },
        { 1, "mods/maps/a.bsp", "3" } },
      "maps/a.bsp",
      "used 1 mods/maps/a.bsp, shadowed 3 left4dead2/maps/a.bsp, sure" },
    { "packed before loose, in one directory",
      { { 3, "left4dead2/pak01_dir.vpk", "|scripts/a.txt=packed" },
        { 1, "left4dead2/scripts/a.txt", "loose" } },
      "scripts/a.txt",
      "used 3 left4dead2/pak01_dir.vpk, shadowed 1 left4dead2/scripts/a.txt, likely" },
    { "an earlier directory before a pack",
      { { 3, "left4dead2/pak01_dir.vpk", "|scripts/a.txt=packed" },
        { 1, "update/scripts/a.txt", "loose" } },
      "scripts/a.txt",
      "used 1 update/scripts/a.txt, shadowed 3 left4dead2/pak01_dir.vpk, sure" },
    { "an add-on before the game",
      { { 1, ADDONS "city.vpk", "|Scripts/A.txt=addon" },
        { 3, "left4dead2/pak01_dir.vpk", "|scripts/a.txt=packed" },
        { 3, "update/scripts/a.txt", "loose" } },
      "scripts/a.txt",
      "used 1 " ADDONS "city.vpk, shadowed 3 update/scripts/a.txt, "
      "shadowed 3 left4dead2/pak01_dir.vpk, sure" },
    { "an add-on that another layer shadows",
      { { 1, ADDONS "city.vpk", "|other.txt=1" },
        { 2, ADDONS "city.vpk", "|scripts/a.txt=addon" },
        { 3, "left4dead2/scripts/a.txt", "loose" } },
      "scripts/a.txt",
      "used 3 left4dead2/scripts/a.txt, sure" },
    { "two add-ons, by name",
      { { 1, ADDONS "b.vpk", "|a.txt=1" }, { 2, ADDONS "a.vpk", "|a.txt=22" } },
      "a.txt",
      "used 2 " ADDONS "a.vpk, shadowed 1 " ADDONS "b.vpk, unsure" },
    { "two add-ons with the same file",
      { { 1, ADDONS "b.vpk", "|a.txt=1" }, { 2, ADDONS "a.vpk", "|a.txt=1" } },
      "a.txt",
      "used 2 " ADDONS "a.vpk, shadowed 1 " ADDONS "b.vpk, sure" },
    { "two add-ons, by the list",
      { { 1, ADDONS "b.vpk", "|a.txt=1" },
        { 2, ADDONS "a.vpk", "|a.txt=22" },
        { 1, "left4dead2/addonlist.txt", "AddonList { b.vpk 1\na.vpk 1 }" } },
      "a.txt",
      "used 1 " ADDONS "b.vpk, shadowed 2 " ADDONS "a.vpk, unsure" },
    { "one that the list has off",
      { { 1, ADDONS "B.vpk", "|a.txt=1" },
        { 3, "left4dead2/a.txt", "3" },
        { 1, "left4dead2/addonlist.txt", "AddonList { b.vpk 0 }" } },
      "a.txt",
      "not-loaded 1 " ADDONS "B.vpk, used 3 left4dead2/a.txt, sure" },
    { "one in workshop",
      { { 1, ADDONS "workshop/1.vpk", "|a.txt=1" }, { 3, "left4dead2/a.txt", "3" } },
      "a.txt",
      "possible 1 " ADDONS "workshop/1.vpk, used 3 left4dead2/a.txt, unsure" },
    { "one in workshop behind another",
      { { 1, ADDONS "workshop/b.vpk", "|a.txt=1" }, { 3, ADDONS "a.vpk", "|a.txt=1" } },
      "a.txt",
      "used 3 " ADDONS "a.vpk, shadowed 1 " ADDONS "workshop/b.vpk, sure" },
    { "in capitals on disk",
      { { 3, "left4dead2/Maps/A.bsp", "x" } },
      "maps/a.bsp",
      "used 3 left4dead2/Maps/A.bsp, sure" },
    { "a directory is no file", { { 3, "left4dead2/maps/a.bsp", "x" } }, "maps", "sure" },
};

static void show_sources(char *ret, size_t n_ret, const struct view *view,
                         const struct source_list *list)
{
    static const char *const uses[] = { "used", "shadowed", "possible", "not-loaded" };
    static const char *const certainties[] = { "sure", "likely", "unsure" };

    ret[0] = '\0';
    for (size_t i = 0; i < list->n; i++) {
        size_t n = strlen(ret);
        char   path[256];
        (void)index_path(view_index(view, list->source[i].layer), list->source[i].node, path,
                         sizeof path);
        snprintf(ret + n, n_ret - n, "%s %zu %s, ", uses[list->source[i].use],
                 list->source[i].layer, path);
    }
    size_t n = strlen(ret);
    snprintf(ret + n, n_ret - n, "%s", certainties[list->certainty]);
}

static void test_where_the_game_looks(void **state)
{
    struct source_list *list = calloc(1, sizeof *list);

    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        struct layer_stack                  stack = make(*state, paths[i].items);
        AUTO(view_freep) struct view       *view = stack_view(&stack);
        AUTO(sources_freep) struct sources *sources = NULL;
        struct error                        err = { 0 };
        char                                found[TEXT_MAX];
        assert_int_equal(sources_open(&sources, view, &err), 0);
        sources_find(list, sources, paths[i].path);
        show_sources(found, sizeof found, view, list);
        if (strcmp(found, paths[i].want) != 0)
            fail_msg("%s: %s", paths[i].name, found);
        stack_done(&stack);
    }
    free(list);
}

// ---- findings ----------------------------------------------------------------------------------

static const struct {
    const char *name;
    struct item items[ITEMS_MAX];
    const char *want; // "word layer path:line text" of each
} stacks[] = {
    { "nothing", { { 3, "left4dead2/a", "x" } }, "" },
    { "the game's own overlay is not judged", { { 3, "addons/x", "x" } }, "" },
    { "what is misplaced", { { 1, "addons/x", "x" } }, "misplaced 1 addons:0 left4dead2/addons" },
    { "what is shadowed does not matter",
      { { 1, "left4dead2/addons/x.zip", "x" }, { 2, "left4dead2/addons/x.zip", "y" } },
      "archive 1 " ADDONS "x.zip:0 " },
    { "a broken add-on",
      { { 1, ADDONS "a.vpk", "PK\x03\x04" } },
      "pack-broken 1 " ADDONS "a.vpk:0 it is a zip archive; too short for a VPK header" },
    { "a broken add-on that is shadowed by a whole one",
      { { 1, ADDONS "a.vpk", "|a=1" }, { 2, ADDONS "a.vpk", "PK\x03\x04" } },
      "" },
    { "an add-on that is off",
      { { 1, ADDONS "a.vpk", "|a=1" }, { 2, "left4dead2/addonlist.txt", "AddonList { A.vpk 0 }" } },
      "pack-off 1 " ADDONS "a.vpk:0 " },
    { "a list that is shadowed",
      { { 1, "left4dead2/addonlist.txt", "AddonList { A.vpk 1 }" },
        { 2, ADDONS "a.vpk", "|a=1" },
        { 2, "left4dead2/addonlist.txt", "AddonList { A.vpk 0 }" } },
      "" },
    { "server.cfg",
      { { 1, CFG "server.cfg", "hostname x\nmp_gamemode versus" } },
      "cvar-hidden 1 " CFG "server.cfg:2 mp_gamemode versus" },
    { "a configuration that nothing runs", { { 1, CFG "mine.cfg", "mp_gamemode versus" } }, "" },
    { "one that server.cfg runs",
      { { 1, CFG "server.cfg", "exec mine" }, { 2, CFG "mine.cfg", "mp_gamemode versus" } },
      "cvar-hidden 2 " CFG "mine.cfg:1 mp_gamemode versus" },
    { "one that is run by one that is run",
      { { 1, CFG "server.cfg", "exec a.cfg;exec server" },
        { 1, CFG "a.cfg", "exec sub/b;exec a" },
        { 2, CFG "sub/b.cfg", "nb_update_frequency 0" } },
      "cvar-cheat 2 " CFG "sub/b.cfg:1 nb_update_frequency 0" },
    { "one that is run under another case",
      { { 1, CFG "server.cfg", "exec Mine.cfg" }, { 2, CFG "mine.cfg", "mp_gamemode versus" } },
      "cvar-hidden 2 " CFG "mine.cfg:1 mp_gamemode versus" },
    { "what a shadowed server.cfg runs",
      { { 1, CFG "server.cfg", "hostname x" },
        { 2, CFG "server.cfg", "exec mine" },
        { 2, CFG "mine.cfg", "mp_gamemode versus" } },
      "" },
    { "those of plug-ins",
      { { 1, CFG "sourcemod/x.cfg", "mp_gamemode versus" } },
      "cvar-hidden 1 " CFG "sourcemod/x.cfg:1 mp_gamemode versus" },
    { "not ASCII, and run",
      { { 1, CFG "autoexec.cfg", "// \xc3\xa4" } },
      "config-not-ascii 1 " CFG "autoexec.cfg:1 " },
    { "not ASCII, and not run",
      { { 1, CFG "other.cfg", "// \xc3\xa4" } },
      "config-not-ascii-idle 1 " CFG "other.cfg:1 " },
    { "one that is not there",
      { { 1, CFG "server.cfg", "a\nexec gone" } },
      "exec-missing 1 " CFG "server.cfg:2 gone" },
    { "one that is not there, and need not be",
      { { 1, CFG "server.cfg", "execifexists gone\nexec banned_user.cfg\nexec banned_ip" } },
      "" },
    { "one that an add-on has",
      { { 1, CFG "server.cfg", "exec packed" }, { 2, ADDONS "a.vpk", "|cfg/Packed.cfg=x" } },
      "" },
    { "the most severe first",
      { { 1, CFG "server.cfg", "mp_gamemode a\n\xc3\xa4" },
        { 1, ADDONS "z.7z", "x" },
        { 2, ADDONS "A.vpk", "|a=1" } },
      "config-not-ascii 1 " CFG "server.cfg:2 \n"
      "archive 1 " ADDONS "z.7z:0 \n"
      "cvar-hidden 1 " CFG "server.cfg:1 mp_gamemode a\n"
      "pack-name-case 2 " ADDONS "A.vpk:0 " },
};

static struct report *must_report(const struct view *view)
{
    struct report *report = NULL;
    struct error   err = { 0 };

    if (report_make(&report, view, &err) < 0)
        fail_msg("%s", err.message);
    return report;
}

// A game that has many files, and configurations that ask for many it has not.
static void test_looking_for_names_ends(void **state)
{
    struct layer_stack stack = stack_make(*state, 2);
    char               path[64], *text = calloc(1, 8192);

    for (unsigned i = 0; i < 10000; i++) {
        snprintf(path, sizeof path, CFG "%u", i);
        unit_write(stack_fd(&stack, 0), path, "");
    }
    for (unsigned i = 0, n = 0; i < 200; i++)
        n += (unsigned)snprintf(text + n, 32, "exec none_%u\n", i);
    for (unsigned i = 0; i < 6; i++) {
        snprintf(path, sizeof path, CFG "sourcemod/%u.cfg", i);
        unit_write(stack_fd(&stack, 0), path, text);
    }
    AUTO(view_freep) struct view     *view = stack_view(&stack);
    AUTO(report_freep) struct report *report = must_report(view);
    assert_true(view_has_given_up(view));
    assert_true(report->is_cut);
    assert_true(report->n_findings < 6 * 200); // what was not looked for is not said to be missing
    free(text);
    stack_done(&stack);
}

static void test_findings(void **state)
{
    for (size_t i = 0; i < ELEMENTS(stacks); i++) {
        struct layer_stack                stack = make(*state, stacks[i].items);
        AUTO(view_freep) struct view     *view = stack_view(&stack);
        AUTO(report_freep) struct report *report = must_report(view);
        char                              found[TEXT_MAX] = "";
        for (size_t j = 0; j < report->n_findings; j++) {
            const struct report_finding *finding = &report->findings[j];
            size_t                       n = strlen(found);
            assert_int_equal(finding->severity, finding_info(finding->code)->severity);
            snprintf(found + n, sizeof found - n, "%s%s %zu %s:%u %s", n ? "\n" : "",
                     finding_info(finding->code)->word, finding->layer, finding->path,
                     finding->line, finding->text);
        }
        if (strcmp(found, stacks[i].want) != 0)
            fail_msg("%s:\n%s", stacks[i].name, found);
        assert_false(report->is_cut);
        stack_done(&stack);
    }
}

static void test_layers_that_hide_something(void **state)
{
    struct layer_stack stack = stack_make(*state, 3);

    (void)fd_close(stack.layers.layer[1].fd);
    stack.layers.layer[1].fd = -1;
    unit_write(stack_fd(&stack, 2), "left4dead2/x", "x");
    AUTO(view_freep) struct view     *view = stack_view(&stack);
    AUTO(report_freep) struct report *report = must_report(view);
    assert_int_equal(report->n_findings, 1);
    assert_int_equal(report->findings[0].code, FINDING_UNREADABLE);
    assert_int_equal(report->findings[0].layer, 1);
    assert_string_equal(report->findings[0].path, "");
    stack_done(&stack);
}

static void test_findings_are_bounded(void **state)
{
    struct layer_stack stack = stack_make(*state, 2);
    char               path[64];

    for (unsigned i = 0; i < REPORT_FINDINGS_MAX; i++) {
        snprintf(path, sizeof path, ADDONS "a%u.sp.zip", i);
        unit_write(stack_fd(&stack, 0), path, "x");
    }
    unit_write(stack_fd(&stack, 0), CFG "server.cfg", "\xc3\xa4");
    AUTO(view_freep) struct view     *view = stack_view(&stack);
    AUTO(report_freep) struct report *report = must_report(view);
    assert_int_equal(report->n_findings, REPORT_FINDINGS_MAX);
    assert_true(report->is_cut);
    assert_int_equal(report->findings[0].code, FINDING_CFG_BYTES);
    stack_done(&stack);
}

// ---- add-ons -----------------------------------------------------------------------------------

static const struct {
    const char *name;
    struct item items[ITEMS_MAX];
    const char *want; // "winner>loser files/same example" of each
} conflicts[] = {
    { "two that have nothing in common",
      { { 1, ADDONS "a.vpk", "|x=1" }, { 2, ADDONS "b.vpk", "|y=1" } },
      "" },
    { "what each pack has",
      { { 1, ADDONS "a.vpk", "|addoninfo.txt=1|addonimage.jpg=1" },
        { 2, ADDONS "b.vpk", "|addoninfo.txt=2|AddonImage.jpg=2" } },
      "" },
    { "equal files", { { 1, ADDONS "a.vpk", "|d/x=1" }, { 2, ADDONS "b.vpk", "|d/x=1" } }, "" },
    { "a file of both",
      { { 1, ADDONS "b.vpk", "|d/x=1|d/y=1|d/z=1" }, { 2, ADDONS "a.vpk", "|d/x=1|D/Y=2|d/z=3" } },
      "a.vpk>b.vpk 2/1 d/y" },
    { "three of a kind",
      { { 1, ADDONS "a.vpk", "|d/x=1" },
        { 1, ADDONS "b.vpk", "|d/x=2" },
        { 2, ADDONS "c.vpk", "|d/x=3" } },
      "a.vpk>b.vpk 1/0 d/x, a.vpk>c.vpk 1/0 d/x" },
    { "the order of the list",
      { { 1, ADDONS "a.vpk", "|d/x=1" },
        { 1, ADDONS "b.vpk", "|d/x=2" },
        { 2, "left4dead2/addonlist.txt", "AddonList { b.vpk 1 }" } },
      "b.vpk>a.vpk 1/0 d/x" },
    { "one that is off, one that is broken, one that is shadowed",
      { { 1, ADDONS "a.vpk", "|d/x=1" },
        { 1, ADDONS "b.vpk", "|d/x=2" },
        { 2, ADDONS "c.vpk", "no pack" },
        { 2, ADDONS "a.vpk", "|d/x=3" },
        { 2, "left4dead2/addonlist.txt", "AddonList { b.vpk 0 }" } },
      "" },
    { "the game itself is to be replaced",
      { { 1, ADDONS "a.vpk", "|d/x=1" }, { 3, "left4dead2/pak01_dir.vpk", "|d/x=2" } },
      "" },
};

static void test_conflicts(void **state)
{
    for (size_t i = 0; i < ELEMENTS(conflicts); i++) {
        struct layer_stack                stack = make(*state, conflicts[i].items);
        AUTO(view_freep) struct view     *view = stack_view(&stack);
        AUTO(report_freep) struct report *report = must_report(view);
        char                              found[TEXT_MAX] = "";
        for (size_t j = 0; j < report->n_conflicts; j++) {
            const struct report_conflict *conflict = &report->conflicts[j];
            size_t                        n = strlen(found);
            snprintf(found + n, sizeof found - n, "%s%s>%s %u/%u %s", n ? ", " : "",
                     report->sources->addons[conflict->winner].name,
                     report->sources->addons[conflict->loser].name, conflict->n_files,
                     conflict->n_same, conflict->example);
        }
        if (strcmp(found, conflicts[i].want) != 0)
            fail_msg("%s: %s", conflicts[i].name, found);
        stack_done(&stack);
    }
}

static void test_conflicts_are_bounded(void **state)
{
    struct layer_stack stack = stack_make(*state, 2);
    char               path[64], text[64];

    for (unsigned i = 0; i < 60; i++) { // 1770 pairs, of which one add-on wins 59
        snprintf(path, sizeof path, ADDONS "a%02u.vpk", i);
        snprintf(text, sizeof text, "d/x=%u|d/y%u=%u", i, i % 30, i);
        pack_make(stack_fd(&stack, 0), path, text);
    }
    AUTO(view_freep) struct view     *view = stack_view(&stack);
    AUTO(report_freep) struct report *report = must_report(view);
    assert_int_equal(report->n_conflicts, 59 + 29);
    assert_int_equal(report->sources->n_addons, 60);
    stack_done(&stack);
}

static void show_campaigns(char *ret, size_t n_ret, const struct report *report)
{
    ret[0] = '\0';
    for (size_t i = 0; i < report->n_campaigns; i++) {
        const struct report_campaign *campaign = &report->campaigns[i];
        const struct index           *index = view_index(report->view, campaign->layer);
        const struct index_mission   *mission = index_mission(index, campaign->mission);
        size_t                        n = strlen(ret);
        snprintf(
            ret + n, n_ret - n, "%s%s %zu %s %u/%u %s%s", n ? ", " : "",
            index_string(index, mission->name), campaign->layer,
            campaign->addon == INDEX_NONE ? "game" : report->sources->addons[campaign->addon].name,
            campaign->n_maps - campaign->n_missing, campaign->n_maps,
            campaign->missing ? campaign->missing : "", campaign->is_loaded ? "" : " not loaded");
    }
}

static const struct {
    const char *name;
    struct item items[ITEMS_MAX];
    const char *want; // "name layer addon maps/all missing"
} campaigns[] = {
    { "of an add-on",
      { { 1, ADDONS "city.vpk",
          "|maps/c1.bsp=x|missions/city.txt=" MISSION("city", "City", "C1") } },
      "city 1 city.vpk 1/1 " },
    { "whose map is in another add-on",
      { { 1, ADDONS "a.vpk", "|missions/city.txt=" MISSION("city", "City", "c1") },
        { 2, ADDONS "b.vpk", "|maps/c1.bsp=x" } },
      "city 1 a.vpk 1/1 " },
    { "whose map lies in the tree",
      { { 1, ADDONS "a.vpk", "|missions/city.txt=" MISSION("city", "City", "c1") },
        { 3, "left4dead2_dlc1/maps/C1.bsp", "x" } },
      "city 1 a.vpk 1/1 " },
    { "whose map is nowhere",
      { { 1, ADDONS "a.vpk", "|missions/city.txt=" MISSION("city", "City", "c1") },
        { 2, ADDONS "b.vpk", "|maps/c1.bsp=x" },
        { 2, "left4dead2/addonlist.txt", "AddonList { b.vpk 0 }" } },
      "city 1 a.vpk 0/1 c1" },
    { "of an add-on that is off",
      { { 1, ADDONS "a.vpk", "|maps/c1.bsp=x|missions/city.txt=" MISSION("city", "City", "c1") },
        { 2, "left4dead2/addonlist.txt", "AddonList { a.vpk 0 }" } },
      "city 1 a.vpk 1/1  not loaded" },
    { "of an add-on that is shadowed",
      { { 1, ADDONS "a.vpk", "|x=1" },
        { 2, ADDONS "a.vpk", "|missions/city.txt=" MISSION("city", "City", "c1") } },
      "" },
    { "of the game",
      { { 3, "left4dead2/pak01_dir.vpk", "|missions/c.txt=" MISSION("c", "C", "c1") },
        { 3, "left4dead2_dlc3/maps/c1.bsp", "x" },
        { 1, "left4dead2/missions/mine.txt", MISSION("mine", "Mine", "m1") } },
      "mine 1 game 0/1 m1, c 3 game 1/1 " },
};

static void test_campaigns(void **state)
{
    for (size_t i = 0; i < ELEMENTS(campaigns); i++) {
        struct layer_stack                stack = make(*state, campaigns[i].items);
        AUTO(view_freep) struct view     *view = stack_view(&stack);
        AUTO(report_freep) struct report *report = must_report(view);
        char                              found[TEXT_MAX];
        show_campaigns(found, sizeof found, report);
        if (strcmp(found, campaigns[i].want) != 0)
            fail_msg("%s: %s", campaigns[i].name, found);
        stack_done(&stack);
    }
}

static void test_files_are_counted(void **state)
{
    static const struct item          items[ITEMS_MAX] = { { 1, "left4dead2/a", "1" },
                                                           { 2, "left4dead2/a", "1234" },
                                                           { 2, "left4dead2/b", "123" } };
    struct layer_stack                stack = make(*state, items);
    AUTO(view_freep) struct view     *view = stack_view(&stack);
    AUTO(report_freep) struct report *report = must_report(view);

    assert_int_equal(report->n_files, 2);
    assert_int_equal(report->n_bytes, 4);
    stack_done(&stack);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_where_the_game_looks),   IN_DIR(test_findings),
        IN_DIR(test_looking_for_names_ends), IN_DIR(test_layers_that_hide_something),
        IN_DIR(test_findings_are_bounded),   IN_DIR(test_conflicts),
        IN_DIR(test_conflicts_are_bounded),  IN_DIR(test_campaigns),
        IN_DIR(test_files_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
