// SPDX-License-Identifier: MIT
#include "content/cfgtext.h"
#include "content/cvars.h"
#include "unit.h"

#define X16  "xxxxxxxxxxxxxxxx"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16
#define X512 X128 X128 X128 X128

static const struct {
    const char    *name;
    const uint8_t *bytes;
    size_t         n_bytes;
    const char    *want; // "line:word,word" of each command
} rows[] = {
    { "nothing", BYTES(""), "" },
    { "blanks", BYTES(" \t\r\n\n"), "" },
    { "a command", BYTES("sv_cheats 1"), "1:sv_cheats,1" },
    { "lines", BYTES("a 1\nb 2\r\nc\n"), "1:a,1 2:b,2 3:c" },
    { "semicolons", BYTES("a 1;b 2 ; c"), "1:a,1 1:b,2 1:c" },
    { "empty commands", BYTES(";;a;;\n;b"), "1:a 2:b" },
    { "comments", BYTES("// a 1\nb 2// c\n  // d\ne"), "2:b,2 4:e" },
    { "a slash", BYTES("exec a/b"), "1:exec,a/b" },
    { "quotes", BYTES("hostname \"My // server; yes\" x"), "1:hostname,My // server; yes,x" },
    { "an empty word", BYTES("a \"\" b"), "1:a,,b" },
    { "quotes within a word", BYTES("a\"b c\"d"), "1:a,b c,d" },
    { "a quote that is not closed", BYTES("a \"b c\nd"), "1:a,b c 2:d" },
    { "a comment behind a semicolon", BYTES("a;//b\nc"), "1:a 2:c" },
    { "bytes that are no text", BYTES("a \xff\x01 b\0c\n"), "1:a,\xff,b,c" },
    { "a NUL in quotes", BYTES("a \"b\0c\""), "1:a,b?c" },
    { "more words than are kept", BYTES("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"),
      "1:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16" },
    { "longer than a command may be", BYTES(X512 "\nb"), "2:b" },
    { "as long as a command may be",
      BYTES(X128 X128 X128 X16 X16 X16 X16 X16 X16 X16 "xxxxxxxxxxxxxxx"),
      "1:" X128 X128 X128 X16 X16 X16 X16 X16 X16 X16 "xxxxxxxxxxxxxxx" },
    { "no newline at the end", BYTES("a\nb \"c"), "1:a 2:b,c" },
};

static void read_all(char *ret, size_t n_ret, const uint8_t *bytes, size_t n_bytes)
{
    AUTO(freep) uint8_t *copy = malloc(n_bytes + !n_bytes); // exact, for sanitizers
    struct cfg_command   command;

    memcpy(copy, bytes, n_bytes);
    struct cfg_reader reader = cfg_reader_of(copy, n_bytes);
    ret[0] = '\0';
    while (cfg_next(&command, &reader)) {
        size_t n = strlen(ret);
        snprintf(ret + n, n_ret - n, "%s%u:", n ? " " : "", command.line);
        for (size_t i = 0; i < command.n_words; i++) {
            n = strlen(ret);
            snprintf(ret + n, n_ret - n, "%s%s", i ? "," : "", command.words[i]);
        }
    }
}

static void test_commands(void **state)
{
    char found[2048];

    (void)state;
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        read_all(found, sizeof found, rows[i].bytes, rows[i].n_bytes);
        if (strcmp(found, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].name, found);
        for (size_t n = 0; n < rows[i].n_bytes; n++)
            read_all(found, sizeof found, rows[i].bytes, n);
    }
}

static void test_bytes(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t         n_bytes;
        uint32_t       first_line, n_lines;
        bool           has_mark;
    } looks[] = {
        { BYTES(""), 0, 0, false },
        { BYTES("plain\n~\x7f\n"), 0, 0, false },
        { BYTES("a\n// na\xc3\xafve\nb\n"), 2, 1, false },
        { BYTES("\xc3\xa4\nb\n\xff\xff\n\x80"), 1, 3, false },
        { BYTES("\xef\xbb\xbfhostname x\n"), 1, 1, true },
        { BYTES("\xff\xfeh\0"), 1, 1, true },
        { BYTES("\xef\xbb"), 1, 1, false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(looks); i++) {
        struct cfg_bytes look = cfg_look_at_bytes(looks[i].bytes, looks[i].n_bytes);
        assert_int_equal(look.first_line, looks[i].first_line);
        assert_int_equal(look.n_lines, looks[i].n_lines);
        assert_int_equal(look.has_mark, looks[i].has_mark);
    }
}

static void test_variables(void **state)
{
    static const struct {
        const char    *name;
        enum cvar_kind want;
    } cvars[] = {
        { "mp_gamemode", CVAR_HIDDEN },
        { "MP_GameMode", CVAR_HIDDEN },
        { "sv_hibernate_when_empty", CVAR_HIDDEN },
        { "nb_update_frequency", CVAR_CHEAT },
        { "sb_all_bot_game", CVAR_CHEAT },
        { "sv_cheats", CVAR_ORDINARY },
        { "sm_cvar", CVAR_ORDINARY },
        { "mp_gamemodes", CVAR_ORDINARY },
        { "", CVAR_ORDINARY },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cvars); i++)
        assert_int_equal(cvar_kind_of(cvars[i].name), cvars[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
