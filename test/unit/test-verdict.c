// SPDX-License-Identifier: MIT
#include "unit.h"

#include <signal.h>
#include "host/buffer.h"
#include "host/doctor.h"
#include "host/quota.h"
#include "host/steamline.h"
#include "host/verdict.h"

static void test_states_in_one_word(void **state)
{
    static const struct {
        const char *active, *sub, *word;
    } cases[] = {
        { "inactive", "dead", "stopped" },
        { "active", "running", "running" },
        { "activating", "start", "starting" },
        { "activating", "auto-restart", "restarting" },
        { "activating", "auto-restart-queued", "restarting" },
        { "deactivating", "stop-sigterm", "stopping" },
        { "failed", "failed", "failed" },
        { "maintenance", "x", "maintenance" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_string_equal(verdict_state_word(cases[i].active, cases[i].sub), cases[i].word);
}

static void test_every_end_has_a_sentence(void **state)
{
    static const struct {
        struct unit_state unit;
        int               code, signal;
        bool              is_out_of_memory;
        const char       *sentence;
    } cases[] = {
        { { .result = "success" }, -1, 0, false, "" },
        { { .result = "success", .exit_code = CLD_EXITED },
          0,
          0,
          false,
          "the game ended normally" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 3 },
          3,
          0,
          false,
          "the game ended with code 3" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 127 },
          127,
          0,
          false,
          "the game ended with code 127" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 128 + SIGSEGV },
          -1,
          SIGSEGV,
          false,
          "the game crashed: SIGSEGV" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 128 + SIGABRT },
          -1,
          SIGABRT,
          false,
          "the game crashed: SIGABRT" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 128 + SIGKILL },
          -1,
          SIGKILL,
          false,
          "the game was killed (SIGKILL)" },
        { { .result = "success", .exit_code = CLD_EXITED, .exit_status = 128 + SIGINT },
          -1,
          SIGINT,
          false,
          "the game was told to end (SIGINT)" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 128 + 40 },
          -1,
          40,
          false,
          "the game crashed: signal 40" },
        { { .result = "signal", .exit_code = CLD_KILLED, .exit_status = SIGKILL },
          -1,
          SIGKILL,
          false,
          "the game was killed (SIGKILL)" },
        { { .result = "oom-kill",
            .exit_code = CLD_KILLED,
            .exit_status = SIGKILL,
            .memory_max_bytes = UINT64_C(4) << 30 },
          -1,
          SIGKILL,
          true,
          "ended by the memory limit of 4G" },
        { { .result = "oom-kill",
            .exit_code = CLD_EXITED,
            .exit_status = 137,
            .memory_max_bytes = UINT64_MAX },
          -1,
          SIGKILL,
          true,
          "ended by the kernel: out of memory" },
        { { .result = "timeout",
            .start_timeout_us = 120000000,
            .start_mono_us = 9,
            .ready_mono_us = 5,
            .exit_code = CLD_KILLED,
            .exit_status = SIGKILL },
          -1,
          SIGKILL,
          false,
          "did not become ready within 120 s" },
        { { .result = "timeout",
            .start_timeout_us = 120000000,
            .start_mono_us = 5,
            .ready_mono_us = 9,
            .exit_code = CLD_KILLED,
            .exit_status = SIGKILL },
          -1,
          SIGKILL,
          false,
          "did not end in time when it was stopped, and was killed" },
        { { .result = "success", .assert_mono_us = 7, .start_mono_us = 5 },
          -1,
          0,
          false,
          "it was not started: the packet filter is not in force: see 'systemctl status "
          "left4me-nft'" },
        { { .result = "success", .assert_mono_us = 7, .start_mono_us = 8, .is_assert_met = 1 },
          -1,
          0,
          false,
          "" },
        { { .result = "start-limit-hit",
            .exit_code = CLD_EXITED,
            .exit_status = 139,
            .restart_limit = 5,
            .restart_limit_us = 60000000 },
          -1,
          SIGSEGV,
          false,
          "crashed 5 times in 60 s; fix the cause, then start it again: the game crashed: "
          "SIGSEGV" },
        { { .result = "exit-code",
            .exit_code = CLD_EXITED,
            .exit_status = 134,
            .active_state = "failed",
            .n_restarts = 5,
            .restart_limit = 5,
            .restart_limit_us = 60000000 },
          -1,
          SIGABRT,
          false,
          "crashed 5 times in 60 s; fix the cause, then start it again: the game crashed: "
          "SIGABRT" },
        { { .result = "exit-code",
            .exit_code = CLD_EXITED,
            .exit_status = 134,
            .active_state = "activating",
            .n_restarts = 4,
            .restart_limit = 5,
            .restart_limit_us = 60000000 },
          -1,
          SIGABRT,
          false,
          "the game crashed: SIGABRT" },
        { { .result = "protocol" }, -1, 0, false, "the server ended before it was ready" },
        { { .result = "resources" },
          -1,
          0,
          false,
          "the init system could not set up the server; the log says why" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct exit_verdict verdict;
        verdict_exit(&verdict, &cases[i].unit);
        assert_string_equal(verdict.sentence, cases[i].sentence);
        assert_int_equal(verdict.code, cases[i].code);
        assert_int_equal(verdict.signal, cases[i].signal);
        assert_int_equal(verdict.is_out_of_memory, cases[i].is_out_of_memory);
    }
}

static void test_the_init_systems_own_words_are_understood(void **state)
{
    static const struct {
        const char *line;
        bool        is_known;
        int32_t     code, status;
    } cases[] = {
        { "left4me-server@a.service: Main process exited, code=exited, status=139/n/a", true,
          CLD_EXITED, 139 },
        { "left4me-server@a.service: Main process exited, code=killed, status=9/KILL", true,
          CLD_KILLED, 9 },
        { "left4me-server@a.service: Main process exited, code=dumped, status=11/SEGV", true,
          CLD_DUMPED, 11 },
        { "left4me-server@a.service: Main process exited, code=exited, status=x", false, 0, 0 },
        { "left4me-server@a.service: Main process exited, code=", false, 0, 0 },
        { "Main process exited", false, 0, 0 },
        { "left4me-server@a.service: Deactivated successfully.", true, CLD_EXITED, 0 },
        { "Deactivated successfully.", false, 0, 0 },
        { "", false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct unit_state unit = { 0 };
        assert_int_equal(verdict_read_line(&unit, cases[i].line), cases[i].is_known);
        assert_int_equal(unit.exit_code, cases[i].code);
        assert_int_equal(unit.exit_status, cases[i].status);
    }
    struct unit_state unit = { .result = "success" };
    assert_true(verdict_read_line(&unit, "x.service: Failed with result 'oom-kill'."));
    assert_string_equal(unit.result, "oom-kill");
    assert_false(verdict_read_line(&unit, "x.service: Failed with result 'unterminated"));
    assert_true(verdict_read_line(&unit, "x.service: Deactivated successfully."));
    assert_string_equal(unit.result, "success");
}

static void test_the_word_on_a_failure(void **state)
{
    static const struct {
        const char *line;
        bool        is_failure;
    } cases[] = {
        { "left4me-script@3.service: Failed with result 'exit-code'.", true },
        { "left4me-script@3.service: Failed with result 'signal'.", true },
        { "Failed to start left4me-script@3.service - left4me script (build 3).", true },
        { "Dependency failed for left4me-script@3.service - left4me script (build 3).", true },
        { "Assertion failed for left4me-script@3.service - left4me script (build 3).", true },
        { "left4me-script@3.service: Supervising process 1425 which is not our child. We'll most "
          "likely not notice when it exits.",
          false },
        { "left4me-script@3.service: start operation timed out. Terminating.", false },
        { "left4me-script@3.service: Main process exited, code=exited, status=1/FAILURE", false },
        { "left4me-script@3.service: Deactivated successfully.", false },
        { "Starting left4me-script@3.service - left4me script (build 3)...", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(verdict_is_failure(cases[i].line), cases[i].is_failure);
}

static void test_how_a_build_was_ended(void **state)
{
    static const struct {
        struct unit_state unit;
        bool              is_cancelled;
        const char       *sentence;
    } cases[] = {
        { { .result = "signal", .exit_code = CLD_KILLED, .exit_status = SIGKILL },
          true,
          "the build was cancelled: nothing has changed" },
        { { .result = "success" }, true, "the build was cancelled: nothing has changed" },
        { { .result = "oom-kill", .memory_max_bytes = UINT64_C(64) << 20 },
          false,
          "the build was ended by the memory limit of 64M" },
        { { .result = "oom-kill", .memory_max_bytes = UINT64_MAX },
          false,
          "the build was ended by the kernel: out of memory" },
        { { .result = "timeout", .start_timeout_us = UINT64_C(3600000000) },
          false,
          "the build was ended: it took longer than the 1 h that it may take" },
        { { .result = "timeout", .start_timeout_us = 90000000 },
          false,
          "the build was ended: it took longer than the 90 s that it may take" },
        { { .result = "signal", .exit_code = CLD_KILLED, .exit_status = SIGKILL },
          false,
          "the build was killed from outside by signal 9 (SIGKILL)" },
        { { .result = "core-dump", .exit_code = CLD_DUMPED, .exit_status = 40 },
          false,
          "the build was killed from outside by signal 40" },
        { { .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 3 }, false, "" },
        { { .result = "success" }, false, "" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char sentence[VERDICT_BUILD_MAX];
        verdict_build(sentence, "build", cases[i].is_cancelled, &cases[i].unit);
        assert_string_equal(sentence, cases[i].sentence);
    }
}

static void test_the_exit_code_of_a_script(void **state)
{
    static const struct {
        const char *sentence;
        int         code; // 0: none
    } cases[] = {
        { "the script ended with exit code 1", 1 },
        { "the script ended with exit code 255", 255 },
        { "the script ended with exit code 0", 0 },
        { "the script ended with exit code 256", 0 },
        { "the script ended with exit code 3 or so", 0 },
        { "the script ended with exit code ", 0 },
        { "the script was killed by signal 9 (SIGKILL)", 0 },
        { "cp: the script ended with exit code 3", 0 },
        { "the build was stopped", 0 },
        { "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        int code = 0;
        assert_int_equal(verdict_script_code(&code, cases[i].sentence), cases[i].code != 0);
        assert_int_equal(code, cases[i].code);
    }
}

static void test_lines_of_the_steamcmd_driver(void **state)
{
    static const struct {
        const char         *line;
        enum steamline_kind kind;
        unsigned            percent;
        uint64_t            done;
        const char         *words;
    } cases[] = {
        { "progress 42 1000 2000 downloading the game", STEAMLINE_PROGRESS, 42, 1000,
          "downloading the game" },
        { "progress 0 0 0 preparing", STEAMLINE_PROGRESS, 0, 0, "preparing" },
        { "progress 101 1 1 x", STEAMLINE_OTHER, 0, 0, "progress 101 1 1 x" },
        { "progress", STEAMLINE_OTHER, 0, 0, "progress" },
        { "progress 1", STEAMLINE_OTHER, 0, 0, "progress 1" },
        { "progress 1 99999999999999999999999999 1 x", STEAMLINE_OTHER, 0, 0,
          "progress 1 99999999999999999999999999 1 x" },
        { "note a b", STEAMLINE_NOTE, 0, 0, "a b" },
        { "error no-space there is no space", STEAMLINE_ERROR, 0, 0, "there is no space" },
        { "error no-space", STEAMLINE_OTHER, 0, 0, "error no-space" },
        { "done 9477", STEAMLINE_DONE, 0, 0, "9477" },
        { "done ", STEAMLINE_OTHER, 0, 0, "done " },
        { "done", STEAMLINE_OTHER, 0, 0, "done" },
        { "Loading Steam API...OK", STEAMLINE_OTHER, 0, 0, "Loading Steam API...OK" },
        { "", STEAMLINE_OTHER, 0, 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct steamline line = steamline_parse(cases[i].line);
        assert_int_equal(line.kind, cases[i].kind);
        assert_int_equal(line.percent, cases[i].percent);
        assert_int_equal(line.done, cases[i].done);
        assert_string_equal(line.words, cases[i].words);
    }
}

static void test_hostile_bytes_are_shown_and_not_obeyed(void **state)
{
    static const struct {
        const char *bytes;
        size_t      n;
        const char *escaped, *utf8;
    } cases[] = {
        { "plain", 5, "plain", "plain" },
        { "caf\xc3\xa9", 5, "caf\xc3\xa9", "caf\xc3\xa9" },
        { "\x1b[2J", 4, "\\x1b[2J", "\x1b[2J" },
        { "a\nb", 3, "a\\x0ab", "a\nb" },
        { "\xc2\x9b", 2, "\\xc2\\x9b", "\xc2\x9b" },
        { "a\\b", 3, "a\\x5cb", "a\\b" },
        { "\xff\xfe", 2, "\\xff\\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xc0\xaf", 2, "\\xc0\\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
        { "\xf0\x9f\x98", 3, "\\xf0\\x9f\\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\x7f", 1, "\\x7f", "\x7f" },
        { "a\xe2\x80\xae"
          "b",
          5, "a\\xe2\\x80\\xaeb",
          "a\xe2\x80\xae"
          "b" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(buffer_done) struct buffer escaped = { 0 }, utf8 = { 0 };
        buffer_add_escaped(&escaped, cases[i].bytes, cases[i].n);
        buffer_add_utf8(&utf8, cases[i].bytes, cases[i].n);
        assert_string_equal(escaped.bytes, cases[i].escaped);
        assert_string_equal(utf8.bytes, cases[i].utf8);
    }
}

static void test_a_buffer_has_a_limit(void **state)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    AUTO(freep) char               *block = calloc(1, 1 << 20);
    struct error                    err = { 0 };

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        buffer_add(&text, block, 1 << 20);
    assert_int_equal(buffer_check(&text, &err), 0);
    buffer_add(&text, block, 1);
    assert_int_equal(buffer_check(&text, &err), -1);
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    buffer_add(&text, block, 1);
    assert_int_equal(text.n, BUFFER_MAX);
}

static void test_versions(void **state)
{
    static const struct {
        const char *version;
        unsigned    major, minor;
        bool        is_at_least;
    } cases[] = {
        { "6.12.3-amd64", 5, 19, true },
        { "5.19.0", 5, 19, true },
        { "5.18.19", 5, 19, false },
        { "5.4", 5, 19, false },
        { "252 (252.39-1)", 252, 0, true },
        { "257.3-1", 257, 0, true },
        { "256~rc1", 257, 0, false },
        { "", 1, 0, false },
        { "v6", 1, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(
            doctor_version_is_at_least(cases[i].version, cases[i].major, cases[i].minor),
            cases[i].is_at_least);
}

static void test_quota_of_a_mount(void **state)
{
#define AT(fields) "31 1 8:1 / /var/lib rw,relatime shared:1" fields
    static const struct {
        const char *line;
        bool        has_projects;
    } cases[] = {
        { AT(" - ext4 /dev/sda1 rw,prjquota\n"), true },
        { AT(" - ext4 /dev/sda1 rw,errors=remount-ro,prjquota,stripe=4\n"), true },
        { AT(" - xfs /dev/sda1 prjquota"), true },
        { AT(" - ext4 /dev/sda1 rw,usrquota,grpquota\n"), false },
        { AT(" - xfs /dev/sda1 rw,pqnoenforce\n"), false },
        { AT(" - ext4 /dev/sda1 rw,noprjquota,prjquotas,prjquot\n"), false },
        { AT(" - ext4 prjquota rw\n"), false },
        { AT(",prjquota - ext4 /dev/sda1 rw\n"), false },
        { AT(" - ext4 /dev/sda1 rw,\n"), false },
        { AT(" -"), false },
        { "", false },
    };
    struct error err = { 0 };
    bool         is_on = true;

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        assert_int_equal(quota_line_has_projects(cases[i].line), cases[i].has_projects);
    assert_true(quota_line_is_of(cases[0].line, 31));
    assert_false(quota_line_is_of(cases[0].line, 3));
    assert_false(quota_line_is_of("", 0));
    assert_false(quota_line_is_of("x 1", 0));
    assert_int_equal(quota_is_on(&is_on, "/proc", &err), 0);
    assert_false(is_on);
    assert_int_equal(quota_is_on(&is_on, "/nonexistent", &err), -1);
}

static void test_the_doctor_answers_on_a_bare_machine(void **state)
{
    const struct host_paths nowhere = {
        .data_dir = "/nonexistent",
        .host_dir = "/nonexistent",
        .mounted_dir = "/nonexistent",
        .broker_socket = "/nonexistent",
        .log_socket = "/nonexistent",
        .bus_address = "unix:path=/nonexistent",
        .proc_net_dir = "/nonexistent",
        .wants_dir = "/nonexistent",
        .steamcmd_link = "/nonexistent",
    };
    struct doctor_finding findings[DOCTOR_CHECKS_MAX];
    size_t                n = doctor_examine(findings, &nowhere);

    (void)state;
    assert_in_range(n, 15, DOCTOR_CHECKS_MAX);
    for (size_t i = 0; i < n; i++) {
        assert_true(*findings[i].words);
        assert_int_equal(findings[i].verdict != DOCTOR_OK, *findings[i].remedy != '\0');
        // Without a bus the units are not to blame.
        if (strcmp(findings[i].name, "broker") == 0 || strcmp(findings[i].name, "systemd") == 0)
            assert_non_null(strstr(findings[i].remedy, "dbus"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_in_one_word),
        cmocka_unit_test(test_every_end_has_a_sentence),
        cmocka_unit_test(test_the_init_systems_own_words_are_understood),
        cmocka_unit_test(test_the_word_on_a_failure),
        cmocka_unit_test(test_how_a_build_was_ended),
        cmocka_unit_test(test_the_exit_code_of_a_script),
        cmocka_unit_test(test_lines_of_the_steamcmd_driver),
        cmocka_unit_test(test_hostile_bytes_are_shown_and_not_obeyed),
        cmocka_unit_test(test_a_buffer_has_a_limit),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_quota_of_a_mount),
        cmocka_unit_test(test_the_doctor_answers_on_a_bare_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
