// SPDX-License-Identifier: MIT
#include "pack-make.h"
#include "vpk-maker.h"

#include <errno.h>
#include <ftw.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include "base/hash64.h"
#include "content/findings.h"
#include "content/scan.h"

#define NOBODY 65534
#define ADDONS "left4dead2/addons/"
#define MISSION(name, title, map)                                                                  \
    "\"mission\" { \"Name\" \"" name "\" \"DisplayTitle\" \"" title                                \
    "\" \"modes\" { \"coop\" { \"1\" { \"Map\" \"" map                                             \
    "\" } \"2\" { \"Map\" \"c2\" } } \"versus\" { \"1\" { \"Map\" \"" map "\" } } } }"

static struct index *must_scan(const struct unit_dir *dir, const struct scan_options *options)
{
    struct index *index = NULL, *again = NULL;
    struct error  err = { 0 };

    if (scan(&index, dir->fd, options, &err) < 0)
        fail_msg("%s", err.message);
    // What a scan makes can be read.
    if (index_write(index, dir->fd, ".scanned", &err) < 0 ||
        index_open(&again, dir->fd, ".scanned", &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(unlinkat(dir->fd, ".scanned", 0), 0);
    index_free(again);
    return index;
}

static const struct index_node *must_find(const struct index *index, const char *path)
{
    uint32_t node = index_find(index, path);

    if (node == INDEX_NONE)
        fail_msg("there is no %s", path);
    return index_node(index, node);
}

// "path:line word:text" of each finding that is not a fact, or of all.
static void show_findings(char *ret, size_t n_ret, const struct index *index, bool with_facts)
{
    ret[0] = '\0';
    for (uint32_t i = 0; i < index_n_findings(index); i++) {
        const struct index_finding *finding = index_finding(index, i);
        const struct finding_info  *info = finding_info(finding->code);
        size_t                      n = strlen(ret);
        char                        path[INDEX_PATH_MAX];
        if (info->severity == FINDING_FACT && !with_facts)
            continue;
        (void)index_path(index, finding->node, path, sizeof path);
        snprintf(ret + n, n_ret - n, "%s%s:%u %s:%s", n ? "\n" : "", path, finding->line,
                 info->word, index_string(index, finding->text));
    }
}

// ---- the tree ----------------------------------------------------------------------------------

static const struct index *walked; // nftw has no place for it
static size_t              n_walked;
static size_t              n_root;

static int compare_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)type;
    if (ftw->level == 0)
        return 0;
    n_walked++;
    const struct index_node *node = must_find(walked, path + n_root);
    assert_int_equal(node->kind, S_ISDIR(st->st_mode)   ? INDEX_DIR
                                 : S_ISLNK(st->st_mode) ? INDEX_LINK
                                                        : INDEX_FILE);
    if (!S_ISDIR(st->st_mode)) {
        assert_int_equal(node->size, st->st_size);
        assert_int_equal(node->flags,
                         S_ISREG(st->st_mode) && st->st_mode & 0111 ? INDEX_PROGRAM : 0);
    }
    assert_int_equal(node->inode, st->st_ino);
    return 0;
}

static void test_everything_is_listed(void **state)
{
    struct unit_dir *dir = *state;
    char             path[64];

    for (unsigned i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "d%u/e%u/%c%u.txt", i % 7, i % 3, "aZ-_."[i % 5], i);
        unit_write(dir->fd, path, &"some text"[i % 9]);
    }
    unit_write(dir->fd, "\xff\x01 name/\xc3\xa4", "odd");
    unit_write(dir->fd, "d1.x", "after d1/ by bytes, and after all that is in it here");
    assert_int_equal(fchmodat(dir->fd, "d1.x", 0750, 0), 0);
    assert_int_equal(symlinkat("d1.x", dir->fd, "d1/link"), 0);
    assert_int_equal(mkdirat(dir->fd, "empty", 0755), 0);
    AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
    walked = index;
    n_walked = 0;
    n_root = strlen(dir->path) + 1;
    assert_int_equal(nftw(dir->path, compare_entry, 16, FTW_PHYS), 0);
    assert_int_equal(index_n_nodes(index), n_walked + 1);
    assert_int_equal(index_flags(index), 0);
    assert_int_equal(must_find(index, "d1.x")->hash, 0); // nothing to compare with
    assert_int_equal(must_find(index, "d1/link")->hash, hash64_of("d1.x", 4));
}

static void test_an_empty_tree(void **state)
{
    AUTO(index_freep) struct index *index = must_scan(*state, &scan_generation);

    assert_int_equal(index_n_nodes(index), 1);
    assert_int_equal(index_n_findings(index), 0);
}

// ---- texts -------------------------------------------------------------------------------------

#define CFG "left4dead2/cfg/server.cfg"

static const struct {
    const char *name, *path, *text;
    const char *want; // "line word:text" of each finding
} texts[] = {
    { "nothing to say", CFG, "hostname x\nsv_cheats 0\n", "" },
    { "a hidden variable", CFG, "hostname x\nmp_gamemode versus\n",
      "2 cvar-hidden:mp_gamemode versus" },
    { "in capitals, in quotes", CFG, "\"MP_GAMEMODE\" \"versus\"",
      "1 cvar-hidden:MP_GAMEMODE versus" },
    { "by a plug-in", CFG, "sm_cvar mp_gamemode versus", "" },
    { "in a comment", CFG, "//mp_gamemode versus\nhostname x // mp_gamemode coop", "" },
    { "in a text", CFG, "hostname \"mp_gamemode versus; mp_gamemode coop\"", "" },
    { "in an alias", CFG, "alias v \"mp_gamemode versus\"", "" },
    { "asked for", CFG, "mp_gamemode", "" },
    { "two in a line", CFG, "mp_gamemode coop;sv_hibernate_when_empty 0",
      "1 cvar-hidden:mp_gamemode coop 1 cvar-hidden:sv_hibernate_when_empty 0" },
    { "a cheat", CFG, "nb_update_frequency 0.014", "1 cvar-cheat:nb_update_frequency 0.014" },
    { "a cheat, allowed", CFG,
      "sv_cheats 1\nnb_update_frequency 0.014\nsv_cheats 0\nsb_all_bot_game 1",
      "4 cvar-cheat:sb_all_bot_game 1" },
    { "a hidden one is hidden all the same", CFG, "sv_cheats 1\nmp_gamemode coop",
      "2 cvar-hidden:mp_gamemode coop" },
    { "a value with blanks", CFG, "mp_gamemode \"a b\"", "1 cvar-hidden:mp_gamemode \"a b\"" },
    { "a value that is no text", CFG, "mp_gamemode \"a\x01\x7f\"",
      "1 cvar-hidden:mp_gamemode a??" },
    { "another script", CFG, "exec a.cfg\nexecifexists sub/b", "1 exec:a.cfg 0 exec:sub/b" },
    { "not ASCII", CFG, "a\n// na\xc3\xafve\n", "2 config-not-ascii:" },
    { "not ASCII, often", CFG, "\xc3\xa4\nb\n\xff\n", "1 config-not-ascii:, in 2 lines" },
    { "a byte order mark", CFG, "\xef\xbb\xbfhostname x\n",
      "1 config-not-ascii:: a byte order mark" },
    { "a directory deeper", "left4dead2/cfg/sourcemod/x.cfg", "mp_gamemode coop",
      "1 cvar-hidden:mp_gamemode coop" },
    { "no configuration", "left4dead2/cfg/x.txt", "mp_gamemode coop \xc3\xa4", "" },
    { "elsewhere", "left4dead2/addons/sourcemod/configs/x.cfg", "mp_gamemode coop \xc3\xa4", "" },
    { "a list of add-ons", "left4dead2/addonlist.txt",
      "\"AddonList\"\n{\n\t\"City.vpk\"\t\"1\"\n\t\"workshop\\123.vpk\"\t\"0\"\n}\n",
      "1 addon-on:city.vpk 2 addon-off:workshop/123.vpk" },
    { "a list that is none", "left4dead2/addonlist.txt", "{{{", "" },
    { "where the game looks", "left4dead2/gameinfo.txt",
      "\"GameInfo\" { FileSystem { SearchPaths { Game update\nGame left4dead2_dlc3\nGame "
      "|gameinfo_path|.\ngame+mod |gameinfo_path|mine\\more/\nPlatform platform\n"
      "Game |all_source_engine_paths|hl2\nGame \"c:\\elsewhere\"\nGame ../up } } }",
      "1 search-path:update 2 search-path:left4dead2_dlc3 3 search-path:left4dead2 "
      "4 search-path:left4dead2/mine/more 5 search-path:hl2" },
    { "a campaign that is none", "left4dead2/missions/x.txt", "\"other\" { }",
      "0 mission-broken:missions/x.txt: it describes no mission" },
};

static void show_lines(char *ret, size_t n_ret, const struct index *index)
{
    ret[0] = '\0';
    for (uint32_t i = 0; i < index_n_findings(index); i++) {
        const struct index_finding *finding = index_finding(index, i);
        size_t                      n = strlen(ret);
        snprintf(ret + n, n_ret - n, "%s%u %s:%s", n ? " " : "", finding->line,
                 finding_info(finding->code)->word, index_string(index, finding->text));
    }
}

static void test_texts(void **state)
{
    struct unit_dir *dir = *state;

    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        char found[1024];
        unit_write(dir->fd, texts[i].path, texts[i].text);
        AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
        show_lines(found, sizeof found, index);
        if (strcmp(found, texts[i].want) != 0)
            fail_msg("%s: %s", texts[i].name, found);
        assert_int_equal(unlinkat(dir->fd, texts[i].path, 0), 0);
    }
}

static void test_texts_have_limits(void **state)
{
    struct unit_dir    *dir = *state;
    struct scan_options options = scan_generation;
    char               *large = calloc(1, (1 << 20) + 2), found[256];

    memset(large, ' ', (1 << 20) + 1);
    memcpy(large, "mp_gamemode x\n", 14);
    unit_write(dir->fd, "left4dead2/cfg/large.cfg", large);
    free(large);
    unit_write(dir->fd, "left4dead2/cfg/a.cfg", "mp_gamemode a");
    unit_write(dir->fd, "left4dead2/cfg/b.cfg", "mp_gamemode b");
    AUTO(index_freep) struct index *index = must_scan(dir, &options);
    show_lines(found, sizeof found, index);
    assert_string_equal(found, "1 cvar-hidden:mp_gamemode a 1 cvar-hidden:mp_gamemode b");
    assert_int_equal(index_flags(index), 0);
    options.read_max_bytes = 5; // the first is read
    AUTO(index_freep) struct index *cut = must_scan(dir, &options);
    show_lines(found, sizeof found, cut);
    assert_string_equal(found, "1 cvar-hidden:mp_gamemode a");
    assert_int_equal(index_flags(cut), INDEX_IS_CUT);
}

// ---- packs -------------------------------------------------------------------------------------

static void test_packs_are_looked_into(void **state)
{
    struct unit_dir *dir = *state;

    pack_make(
        dir->fd, ADDONS "city.vpk",
        "addoninfo.txt=\"AddonInfo\" { addonTitle \"City of rain\" }|Maps/City1.bsp=x|"
        "maps/c2.bsp=y|missions/city.txt=" MISSION(
            "city", "Rain", "City1") "|"
                                     "models/a.mdl=m|scripts/vscripts/x.nut=s|sound/a.wav=w|top=t");
    pack_make(dir->fd, "left4dead2/pak01_dir.vpk", "scripts/a.txt=1");
    unit_write(dir->fd, "left4dead2/pak01_000.vpk", "data");
    AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
    assert_int_equal(index_n_packs(index), 2);
    assert_int_equal(index_n_findings(index), 0);
    uint32_t city = index_pack_of(index, index_find(index, ADDONS "city.vpk"));
    assert_true(city != INDEX_NONE);
    const struct index_pack *pack = index_pack(index, city);
    assert_int_equal(pack->place, INDEX_PACK_ADDON);
    assert_string_equal(index_string(index, pack->title), "City of rain");
    assert_string_equal(index_string(index, pack->problem), "");
    assert_int_equal(pack->n_entries, 8);
    static const uint32_t counts[INDEX_CONTENT_COUNT] = { 2, 1, 1, 0, 1, 1, 2 };
    assert_memory_equal(pack->counts, counts, sizeof counts);
    uint32_t entry = index_pack_find(index, city, "maps/city1.bsp");
    assert_true(entry != INDEX_NONE);
    assert_int_equal(index_entry(index, entry)->crc, crc32_update(0, "x", 1));
    assert_int_equal(pack->n_missions, 1);
    const struct index_mission *mission = index_mission(index, pack->first_mission);
    assert_string_equal(index_string(index, mission->name), "city");
    assert_string_equal(index_string(index, mission->title), "Rain");
    assert_int_equal(mission->n_maps, 2);
    assert_string_equal(index_string(index, index_map(index, mission->first_map)->name), "city1");
    uint32_t game = index_pack_of(index, index_find(index, "left4dead2/pak01_dir.vpk"));
    assert_int_equal(index_pack(index, game)->place, INDEX_PACK_GAME);
}

static void test_missions_may_lie_in_the_tree(void **state)
{
    struct unit_dir *dir = *state;

    unit_write(dir->fd, "left4dead2/missions/mine.txt", MISSION("mine", "Mine", "m1"));
    AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
    assert_int_equal(index_n_missions(index), 1);
    assert_int_equal(index_mission(index, 0)->pack, INDEX_NONE);
    assert_string_equal(index_string(index, index_mission(index, 0)->path), "missions/mine.txt");
    assert_int_equal(index_mission(index, 0)->n_maps, 2);
}

static const struct {
    const char    *name;
    const uint8_t *bytes;
    size_t         n;
    const char    *want;
} broken[] = {
    { "empty", BYTES(""), "it is empty; " },
    { "zip", BYTES("PK\x03\x04xxxxxxxxxxxxxxxx"), "it is a zip archive; not a VPK archive" },
    { "rar", BYTES("Rar!\x1a\x07xxxxxxxxxxxx"), "it is a rar archive; " },
    { "page", BYTES("<!DOCTYPE html><html>"), "it is a web page; " },
    { "text", BYTES("this is a readme, not a pack"), "not a VPK archive (wrong signature)" },
    { "cut", BYTES("\x34\x12\xaa\x55\x01\0\0\0\xff\0\0\0xxxxxxxxxxxxxxxx"),
      "the VPK directory is cut off" },
    // Its one file has 100 bytes, of which ten came.
    { "cut-data",
      BYTES("\x34\x12\xaa\x55\x01\0\0\0\x1d\0\0\0"
            "txt\0 \0a\0crc!\0\0\xff\x7f\0\0\0\0\x64\0\0\0\xff\xff\0\0\0"
            "0123456789"),
      "the archive is cut off: 90 bytes are missing" },
    { "new", BYTES("\x34\x12\xaa\x55\x09\0\0\0\xff\0\0\0xxxxxxxxxxxxxxxx"),
      "VPK version 9 is not supported" },
};

static void test_broken_packs_say_why(void **state)
{
    struct unit_dir *dir = *state;

    for (size_t i = 0; i < ELEMENTS(broken); i++) {
        char path[64], found[512];
        snprintf(path, sizeof path, ADDONS "%s.vpk", broken[i].name);
        unit_write(dir->fd, path, "");
        AUTO_FD fd = openat(dir->fd, path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(write(fd, broken[i].bytes, broken[i].n), broken[i].n);
        AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
        assert_int_equal(index_n_packs(index), 1);
        assert_int_equal(index_pack(index, 0)->n_entries, 0);
        const char *problem = index_string(index, index_pack(index, 0)->problem);
        if (!strstr(problem, broken[i].want))
            fail_msg("%s: %s", broken[i].name, problem);
        show_findings(found, sizeof found, index, false);
        assert_non_null(strstr(found, "pack-broken"));
        assert_int_equal(unlinkat(dir->fd, path, 0), 0);
    }
}

// Of every length that a download may break off at, but the whole, the pack is told to be broken.
static void test_packs_that_are_cut_off(void **state)
{
    static const char  info[] = "\"AddonInfo\" { addonTitle \"City of rain\" }";
    static const char  mission[] = MISSION("city", "Rain", "city1");
    struct unit_dir   *dir = *state;
    struct maker       maker = { .version = 1 };
    struct maker_bytes whole;
    char               found[1024];

    maker_add(&maker, "addoninfo.txt", info, strlen(info), 0, MAKER_SAME);
    maker_add(&maker, "missions/city.txt", mission, strlen(mission), 0, MAKER_SAME);
    whole = maker_file(&maker);
    unit_write(dir->fd, ADDONS "city.vpk", "");
    for (size_t n = 0; n <= whole.n; n++) {
        bool is_whole = n == whole.n;
        maker_write(dir->fd, ADDONS "city.vpk", whole.bytes, n);
        AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
        const struct index_pack        *pack = index_pack(index, 0);
        assert_int_equal(index_n_packs(index), 1);
        show_findings(found, sizeof found, index, false);
        assert_int_equal(*index_string(index, pack->problem) != '\0', !is_whole);
        assert_int_equal(strstr(found, "pack-broken:") != NULL, !is_whole);
        assert_int_equal(pack->n_entries, is_whole ? 2 : 0);
        assert_string_equal(index_string(index, pack->title), is_whole ? "City of rain" : "");
        assert_int_equal(pack->n_missions, is_whole);
    }
    free(whole.bytes);
    maker_done(&maker);
}

static void test_twins_in_a_pack(void **state)
{
    struct unit_dir *dir = *state;
    char             found[256];

    pack_make(dir->fd, ADDONS "twins.vpk", "maps/A.bsp=1|maps/a.bsp=2|b.txt=3");
    AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
    show_findings(found, sizeof found, index, false);
    assert_string_equal(found, ADDONS "twins.vpk:0 pack-twice:1 path");
    assert_int_equal(index_pack(index, 0)->n_entries, 2);
}

static void test_places_are_judged_once(void **state)
{
    struct unit_dir *dir = *state;
    char             found[1024];

    pack_make(dir->fd, "addons/a.vpk", "x=1");
    pack_make(dir->fd, "addons/b.vpk", "x=1");
    unit_write(dir->fd, ADDONS "x.zip", "zip");
    unit_write(dir->fd, ADDONS "sourcemod/plugins/p.sp", "source");
    AUTO(index_freep) struct index *index = must_scan(dir, &scan_generation);
    show_findings(found, sizeof found, index, false);
    assert_string_equal(found,
                        "addons:0 misplaced:left4dead2/addons\n" ADDONS "x.zip:0 archive:\n" ADDONS
                        "sourcemod/plugins/p.sp:0 plugin-source:");
    struct scan_options game = scan_generation;
    game.is_game = true;
    AUTO(index_freep) struct index *stock = must_scan(dir, &game);
    assert_int_equal(index_n_findings(stock), 0);
}

// ---- over a base -------------------------------------------------------------------------------

// Writes into a file without leaving a trace that lstat shows.
static void forge(const struct unit_dir *dir, const char *path, const char *text)
{
    struct stat st;
    AUTO_FD     fd = openat(dir->fd, path, O_WRONLY | O_CLOEXEC);

    assert_return_code(fd, errno);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, strlen(text));
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, (struct timespec[]){ st.st_atim, st.st_mtim }), 0);
}

static void test_what_is_known_is_not_read_again(void **state)
{
    struct unit_dir    *dir = *state;
    struct scan_options options = scan_generation;
    char                found[512];

    unit_write(dir->fd, CFG, "mp_gamemode a");
    unit_write(dir->fd, "left4dead2/cfg/other.cfg", "mp_gamemode b");
    unit_write(dir->fd, "left4dead2/missions/mine.txt", MISSION("mine", "Mine", "m1"));
    pack_make(dir->fd, ADDONS "city.vpk", "maps/a.bsp=1");
    AUTO(index_freep) struct index *base = must_scan(dir, &options);
    forge(dir, CFG, "mp_gamemode X"); // it is not looked at
    assert_int_equal(unlinkat(dir->fd, "left4dead2/cfg/other.cfg", 0), 0);
    unit_write(dir->fd, "left4dead2/cfg/new.cfg", "mp_gamemode c");
    options.base = base;
    AUTO(index_freep) struct index *index = must_scan(dir, &options);
    show_findings(found, sizeof found, index, false);
    assert_string_equal(found, "left4dead2/cfg/new.cfg:1 cvar-hidden:mp_gamemode c\n" CFG
                               ":1 cvar-hidden:mp_gamemode a");
    assert_int_equal(index_n_packs(index), 1);
    assert_int_equal(index_n_missions(index), 1);
    assert_true(index_pack_find(index, 0, "maps/a.bsp") != INDEX_NONE);
    assert_int_equal(must_find(index, "left4dead2/cfg/new.cfg")->hash,
                     hash64_of("mp_gamemode c", 13));
    assert_int_equal(must_find(index, CFG)->hash, 0);
    options.hash_max_bytes = 12;
    AUTO(index_freep) struct index *unhashed = must_scan(dir, &options);
    assert_int_equal(must_find(unhashed, "left4dead2/cfg/new.cfg")->hash, 0);
}

static void test_hashes_are_handed_on(void **state)
{
    struct unit_dir    *dir = *state;
    struct scan_options options = scan_generation;

    unit_write(dir->fd, "a", "1");
    AUTO(index_freep) struct index *first = must_scan(dir, &options);
    unit_write(dir->fd, "b", "22");
    options.base = first;
    AUTO(index_freep) struct index *second = must_scan(dir, &options);
    options.base = second;
    options.hash_max_bytes = 0; // none is made, the old one stays
    AUTO(index_freep) struct index *third = must_scan(dir, &options);
    assert_int_equal(must_find(third, "b")->hash, hash64_of("22", 2));
}

// Where a file lies beside others is looked at each time.
static void test_places_are_judged_anew(void **state)
{
    struct unit_dir    *dir = *state;
    struct scan_options options = scan_generation;

    unit_write(dir->fd, ADDONS "l4dtoolz.dll", "dll");
    AUTO(index_freep) struct index *base = must_scan(dir, &options);
    assert_int_equal(index_n_findings(base), 1);
    unit_write(dir->fd, ADDONS "l4dtoolz.so", "so");
    options.base = base;
    AUTO(index_freep) struct index *index = must_scan(dir, &options);
    assert_int_equal(index_n_findings(index), 0);
}

// ---- live layers -------------------------------------------------------------------------------

static void test_live_layers(void **state)
{
    struct unit_dir *dir = *state;

    if (geteuid() != 0)
        skip(); // whiteouts take root to make
    unit_write(dir->fd, "hides/a", "1");
    unit_write(dir->fd, "closed/a", "1");
    unit_write(dir->fd, "open/a", "1");
    assert_return_code(mknodat(dir->fd, "gone", S_IFCHR, makedev(0, 0)), errno);
    assert_return_code(mknodat(dir->fd, "null", S_IFCHR, makedev(1, 3)), errno);
    assert_return_code(mkfifoat(dir->fd, "fifo", 0644), errno);
    AUTO_FD fd = openat(dir->fd, "hides", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(fsetxattr(fd, "user.overlay.opaque", "y", 1, 0), errno);
    assert_return_code(fchmodat(dir->fd, "closed", 0, 0), errno);
    assert_return_code(fchmod(dir->fd, 0755), errno);
    AUTO(index_freep) struct index *index = NULL;
    struct error                    err = { 0 };
    assert_return_code(seteuid(NOBODY), errno);
    int r = scan(&index, dir->fd, &scan_live, &err);
    assert_return_code(seteuid(0), errno);
    assert_int_equal(r, 0);
    assert_int_equal(must_find(index, "gone")->kind, INDEX_WHITEOUT);
    assert_int_equal(must_find(index, "null")->kind, INDEX_SPECIAL);
    assert_int_equal(must_find(index, "fifo")->kind, INDEX_SPECIAL);
    assert_int_equal(must_find(index, "closed")->kind, INDEX_UNREADABLE);
    assert_int_equal(must_find(index, "hides")->flags, INDEX_OPAQUE);
    assert_int_equal(must_find(index, "hides/a")->kind, INDEX_FILE);
    assert_int_equal(must_find(index, "open")->flags, 0);
    assert_int_equal(index_flags(index), 0);
    // Nobody publishes such a tree.
    AUTO(index_freep) struct index *none = NULL;
    assert_return_code(seteuid(NOBODY), errno);
    r = scan(&none, dir->fd, &scan_generation, &err);
    assert_return_code(seteuid(0), errno);
    assert_int_equal(r, -1);
    assert_non_null(strstr(err.message, "closed"));
}

// What has the name of a pack or a configuration and is none is not opened.
static void test_traps(void **state)
{
    struct unit_dir *dir = *state;
    char             found[256];

    unit_write(dir->fd, ADDONS "x", "");
    unit_write(dir->fd, "left4dead2/cfg/x", "");
    assert_return_code(mkfifoat(dir->fd, ADDONS "a.vpk", 0644), errno);
    assert_return_code(mkfifoat(dir->fd, CFG, 0644), errno);
    assert_return_code(symlinkat("/etc/passwd", dir->fd, ADDONS "b.vpk"), errno);
    assert_return_code(symlinkat("/etc/passwd", dir->fd, "left4dead2/addonlist.txt"), errno);
    AUTO(index_freep) struct index *index = must_scan(dir, &scan_live);
    assert_int_equal(must_find(index, ADDONS "a.vpk")->kind, INDEX_SPECIAL);
    assert_int_equal(must_find(index, ADDONS "b.vpk")->kind, INDEX_LINK);
    assert_int_equal(index_n_packs(index), 0);
    show_findings(found, sizeof found, index, true);
    assert_string_equal(found, ADDONS "b.vpk:0 pack-is-link:");
}

static void test_limits(void **state)
{
    struct unit_dir    *dir = *state;
    struct scan_options options = scan_live;
    char                path[480] = "", name[32];

    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, ADDONS "p%02u.vpk", i);
        pack_make(dir->fd, name, "a=1");
    }
    AUTO(index_freep) struct index *whole = must_scan(dir, &options);
    assert_int_equal(index_n_nodes(whole), 23);
    assert_int_equal(index_n_packs(whole), 20);
    assert_int_equal(index_flags(whole), 0);
    options.nodes_max = 23;
    AUTO(index_freep) struct index *just = must_scan(dir, &options);
    assert_int_equal(index_flags(just), 0);
    options.nodes_max = 22;
    AUTO(index_freep) struct index *cut = must_scan(dir, &options);
    assert_int_equal(index_n_nodes(cut), 22);
    assert_int_equal(index_flags(cut), INDEX_IS_CUT);
    options = scan_live;
    options.packs_max = 19;
    AUTO(index_freep) struct index *packs = must_scan(dir, &options);
    assert_int_equal(index_n_nodes(packs), 23);
    assert_int_equal(index_n_packs(packs), 19);
    assert_int_equal(index_flags(packs), INDEX_IS_CUT);
    for (unsigned i = 0; i < 80; i++)
        strcat(path, "deep/");
    strcat(path, "file");
    unit_write(dir->fd, path, "");
    AUTO(index_freep) struct index *deep = must_scan(dir, &scan_live);
    assert_int_equal(index_flags(deep), INDEX_IS_CUT);
    assert_true(index_n_nodes(deep) > 80 && index_n_nodes(deep) < 95);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_everything_is_listed),
        IN_DIR(test_an_empty_tree),
        IN_DIR(test_texts),
        IN_DIR(test_texts_have_limits),
        IN_DIR(test_packs_are_looked_into),
        IN_DIR(test_missions_may_lie_in_the_tree),
        IN_DIR(test_broken_packs_say_why),
        IN_DIR(test_packs_that_are_cut_off),
        IN_DIR(test_twins_in_a_pack),
        IN_DIR(test_places_are_judged_once),
        IN_DIR(test_what_is_known_is_not_read_again),
        IN_DIR(test_hashes_are_handed_on),
        IN_DIR(test_places_are_judged_anew),
        IN_DIR(test_live_layers),
        IN_DIR(test_traps),
        IN_DIR(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
