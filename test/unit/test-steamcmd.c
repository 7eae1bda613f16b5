// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include "steam/child.h"
#include "steam/manifest.h"
#include "steam/output.h"
#include "steam/progress.h"
#include "steam/update.h"

// ---- one line ---------------------------------------------------------------------------------

#define LINE(literal) (literal), (sizeof(literal) - 1)

static const struct {
    const char           *line;
    size_t                n;
    enum steam_event_kind kind;
    const char           *code; // of the fault
} lines[] = {
    { LINE(""), STEAM_OTHER, NULL },
    { LINE("Loading Steam API...OK"), STEAM_OTHER, NULL },
    { LINE("Connecting anonymously to Steam Public...OK"), STEAM_OTHER, NULL },
    { LINE("Waiting for client config...OK"), STEAM_OTHER, NULL },
    { LINE("Success! App '222860' fully installed."), STEAM_SUCCESS, NULL },
    { LINE("\x1b[0mSuccess! App '222860' fully installed."), STEAM_SUCCESS, NULL },
    { LINE("Success! App '222860' already up to date."), STEAM_SUCCESS, NULL },
    { LINE("Success! App '550' fully installed."), STEAM_OTHER, NULL },
    { LINE("Success! App '222860'"), STEAM_OTHER, NULL },
    { LINE("ERROR! Failed to install app '222860' (Missing configuration)"), STEAM_RETRY,
      "missing-configuration" },
    { LINE("\x1b[1m ERROR! Failed to install app '222860' (Missing configuration)\x1b[0m "),
      STEAM_RETRY, "missing-configuration" },
    { LINE("ERROR! Failed to install app '222860' (Missing configuration) again"), STEAM_FAILURE,
      "missing-configuration" },
    { LINE("ERROR! Failed to install app '550' (Missing configuration)"), STEAM_OTHER, NULL },
    { LINE("ERROR! Failed to install app '222860' (missing configuration)"), STEAM_FAILURE,
      "failed" },
    { LINE("ERROR! Failed to install app '222860' (No subscription)"), STEAM_FAILURE,
      "no-subscription" },
    { LINE("ERROR! Failed to install app '222860' (Disk write failure)"), STEAM_FAILURE,
      "disk-write" },
    { LINE("ERROR! Failed to install app '222860' (Not enough disk space)"), STEAM_FAILURE,
      "no-space" },
    { LINE("ERROR! Failed to install app '222860' (Invalid platform)"), STEAM_FAILURE,
      "invalid-platform" },
    { LINE("ERROR! Failed to install app '222860' (Something new)"), STEAM_FAILURE, "failed" },
    { LINE("ERROR! Failed to install app '222860' ("), STEAM_FAILURE, "failed" },
    { LINE("Error! App '222860' state is 0x202 after update job."), STEAM_FAILURE, "no-space" },
    { LINE("Error! App '222860' state is 0x212 after update job."), STEAM_FAILURE, "no-space" },
    { LINE("Error! App '222860' state is 0x402 after update job."), STEAM_FAILURE, "network" },
    { LINE("Error! App '222860' state is 0x602 after update job."), STEAM_FAILURE, "network" },
    { LINE("Error! App '222860' state is 0x606 after update job."), STEAM_FAILURE, "disk-write" },
    { LINE("Error! App '222860' state is 0x626 after update job."), STEAM_FAILURE,
      "missing-files" },
    { LINE("Error! App '222860' state is 0x6A6 after update job."), STEAM_FAILURE, "corrupt" },
    { LINE("Error! App '222860' state is 0x6a6 after update job."), STEAM_FAILURE, "corrupt" },
    { LINE("Error! App '222860' state is 0x6 after update job."), STEAM_FAILURE, "unfinished" },
    { LINE("Error! App '222860' state is is 0x2 after update job."), STEAM_FAILURE, "unfinished" },
    { LINE("Error! App '222860' state is 0xABCDEF after update job."), STEAM_FAILURE,
      "unknown-state" },
    { LINE("Error! State is 0x402 after update job."), STEAM_FAILURE, "network" },
    { LINE("Error! App '222860' state is 0x402"), STEAM_OTHER, NULL },
    { LINE("Error! App '222860' state is 0x123456789 after update job."), STEAM_OTHER, NULL },
    { LINE("Error! App '90' state is 0x10E after update job."), STEAM_OTHER, NULL },
    { LINE("FAILED login with result code Two-factor code mismatch"), STEAM_FAILURE, "two-factor" },
    { LINE("Login Failure: Two-factor code mismatch (88)"), STEAM_FAILURE, "two-factor" },
    { LINE("Login Failure: Rate Limit Exceeded (84)"), STEAM_FAILURE, "rate-limit" },
    { LINE("Login Failure: No Connection"), STEAM_FAILURE, "network" },
    { LINE("FAILED login with result code Invalid Password"), STEAM_FAILURE, "login" },
    { LINE("Connecting anonymously to Steam Public...FAILED (No Connection)"), STEAM_FAILURE,
      "network" },
    { LINE("ERROR! Timed out waiting for AppInfo update."), STEAM_FAILURE, "app-info" },
    { LINE("steamcmd.sh: line 39: /cache/steamcmd/linux32/steamcmd: No such file or directory"),
      STEAM_FAILURE, "no-i386" },
    { LINE("steamcmd.sh: line 39: linux32/steamcmd: cannot execute: required file not found"),
      STEAM_FAILURE, "no-i386" },
    { LINE("\x1b["), STEAM_OTHER, NULL },
    { LINE("\x1b[0;1"), STEAM_OTHER, NULL },
    { LINE("a\0b\xff\xfe"), STEAM_OTHER, NULL },
    { LINE("Update state (0x61) downloading, progress: 100.01 (1 / 2)"), STEAM_OTHER, NULL },
    { LINE("Update state (0x61) downloading, progress: 1.234 (1 / 2)"), STEAM_OTHER, NULL },
    { LINE("Update state (0x61) downloading, progress: -1 (1 / 2)"), STEAM_OTHER, NULL },
    { LINE("Update state (0x61) downloading, progress: 1.0 (99999999999999999999 / 2)"),
      STEAM_OTHER, NULL },
    { LINE("Update state (0x61) downloading, progress: 1.0 (1 / 2"), STEAM_OTHER, NULL },
    { LINE("Update state () downloading, progress: 1.0 (1 / 2)"), STEAM_OTHER, NULL },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(lines); i++) {
        struct steam_event event = steam_output_parse(lines[i].line, lines[i].n);
        if (event.kind != lines[i].kind)
            fail_msg("%s: kind %u", lines[i].line, event.kind);
        if (!event.fault != !lines[i].code ||
            (event.fault && strcmp(event.fault->code, lines[i].code) != 0))
            fail_msg("%s: %s", lines[i].line, event.fault ? event.fault->code : "no fault");
        if (event.fault && strlen(event.fault->sentence) >= ERROR_MESSAGE_MAX)
            fail_msg("%s: its sentence would be cut", event.fault->code);
    }
}

static const struct {
    const char *line;
    uint32_t    state, hundredths;
    uint64_t    done, total;
} progress_lines[] = {
    { " Update state (0x61) downloading, progress: 12.34 (1234 / 9999)", 0x61, 1234, 1234, 9999 },
    { "Update state (0x5) verifying install, progress: 0.00 (0 / 0)", 0x5, 0, 0, 0 },
    { "Update state (0x101) committing, progress: 100.00 (9999999999 / 9999999999)", 0x101, 10000,
      UINT64_C(9999999999), UINT64_C(9999999999) },
    { "Update state (0x61) downloading, progress: 7.5 (1 / 2)", 0x61, 750, 1, 2 },
    { "Update state (0x61) downloading, progress: 7 (1 / 2)", 0x61, 700, 1, 2 },
};

static void test_progress_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(progress_lines); i++) {
        const char        *line = progress_lines[i].line;
        struct steam_event event = steam_output_parse(line, strlen(line));
        assert_int_equal(event.kind, STEAM_PROGRESS);
        assert_int_equal(event.state, progress_lines[i].state);
        assert_int_equal(event.hundredths, progress_lines[i].hundredths);
        assert_int_equal(event.done, progress_lines[i].done);
        assert_int_equal(event.total, progress_lines[i].total);
    }
}

static void test_progress_never_goes_back(void **state)
{
    static const struct {
        enum steam_phase phase;
        uint32_t         state, hundredths;
        uint32_t         want_min, want_max; // percent
    } steps[] = {
        { STEAM_PHASE_WINDOWS, 0x3, 0, 0, 0 },
        { STEAM_PHASE_WINDOWS, 0x61, 0, 5, 10 },
        { STEAM_PHASE_WINDOWS, 0x61, 5000, 40, 50 },
        { STEAM_PHASE_WINDOWS, 0x3, 0, 40, 50 },
        { STEAM_PHASE_WINDOWS, 0x61, 10000, 80, 85 },
        { STEAM_PHASE_WINDOWS, 0x101, 10000, 90, 90 },
        { STEAM_PHASE_LINUX, 0xffff, 10000, 90, 90 },
        { STEAM_PHASE_LINUX, 0x5, 5000, 91, 94 },
        { STEAM_PHASE_LINUX, 0x101, 10000, 100, 100 },
        { STEAM_PHASE_LINUX, 0x5, 0, 100, 100 },
    };
    struct progress progress = { 0 };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(steps); i++) {
        struct steam_event event = { .kind = STEAM_PROGRESS,
                                     .state = steps[i].state,
                                     .hundredths = steps[i].hundredths,
                                     .done = i };
        uint32_t           before = progress.permille;
        assert_true(progress_take(&progress, steps[i].phase, &event));
        assert_true(progress.permille >= before);
        assert_in_range(progress.permille / 10, steps[i].want_min, steps[i].want_max);
        assert_false(progress_take(&progress, steps[i].phase, &event));
    }
}

// ---- cutting into lines -----------------------------------------------------------------------

struct collected {
    char   text[8192];
    size_t n_lines, longest;
};

static void collect_line(void *user, const char *line, size_t n_line)
{
    struct collected *c = user;

    if (strlen(c->text) + n_line + 2 < sizeof c->text) {
        strncat(c->text, line, n_line);
        strcat(c->text, "|");
    }
    c->n_lines++;
    c->longest = MAX(c->longest, n_line);
}

static void test_lines_are_cut_at_any_chunk_size(void **state)
{
    static const char text[] = "one\r\ntwo\rthree\n\n\nfour";

    (void)state;
    for (size_t chunk = 1; chunk < sizeof text; chunk++) {
        struct lines     splitter = { 0 };
        struct collected c = { 0 };
        for (size_t i = 0; i < sizeof text - 1; i += chunk)
            lines_feed(&splitter, text + i, MIN(chunk, sizeof text - 1 - i), collect_line, &c);
        lines_finish(&splitter, collect_line, &c);
        assert_string_equal(c.text, "one|two|three|four|");
    }
}

static void test_a_line_without_end_costs_nothing(void **state)
{
    struct lines     splitter = { 0 };
    struct collected c = { 0 };
    char             chunk[1000];

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    for (size_t i = 0; i < 10000; i++)
        lines_feed(&splitter, chunk, sizeof chunk, collect_line, &c);
    assert_int_equal(c.n_lines, 1); // told at once, not at its end
    assert_int_equal(c.longest, LINES_MAX);
    lines_feed(&splitter, "\nend\n", 5, collect_line, &c);
    assert_int_equal(c.n_lines, 2);
}

// ---- Steam's manifest -------------------------------------------------------------------------

#define APP_STATE(keys) "\"AppState\"\n{\n\t\"appid\"\t\t\"222860\"\n" keys "\n}\n"
#define COMPLETE                                                                                   \
    "\"StateFlags\" \"4\"\n\"buildid\" \"15820452\"\n"                                             \
    "\"BytesToDownload\" \"7\" \"BytesDownloaded\" \"7\" \"BytesToStage\" \"9\" \"BytesStaged\" "  \
    "\"9\"\n\"InstalledDepots\" { \"222861\" { \"manifest\" \"5\" \"buildid\" \"1\" } }"

static const struct {
    const char *text, *want; // want: in the message, NULL: complete
} manifests[] = {
    { APP_STATE(COMPLETE), NULL },
    { APP_STATE("\"stateflags\" \"4\" \"BuildID\" \"1\""), NULL },
    { APP_STATE("\"StateFlags\" \"1026\" \"buildid\" \"1\""), "state 1026" },
    { APP_STATE("\"StateFlags\" \"4\" \"buildid\" \"1\" \"BytesToDownload\" \"5\""), "0 of 5" },
    { APP_STATE("\"StateFlags\" \"4\" \"buildid\" \"1\" \"BytesToStage\" \"5\""), "0 of 5" },
    { APP_STATE("\"StateFlags\" \"4\""), "no build id" },
    { APP_STATE("\"buildid\" \"x\""), "'buildid'" },
    { APP_STATE("\"buildid\" \"-1\""), "'buildid'" },
    { APP_STATE("\"buildid\" \"99999999999999999999999\""), "'buildid'" },
    { APP_STATE("\"buildid\""), "form" },
    { APP_STATE("\"a\" \"\\\"\" \"StateFlags\" \"4\" \"buildid\" \"1\""), NULL },
    { "", "state 0" },
    { "}", "form" },
    { "{", "form" },
    { "\"AppState\"", "form" },
    { "\"AppState\" {", "form" },
    { "\"AppState\" { \"a", "form" },
    { "\"AppState\" { \"a\" \"\\", "form" },
    { "garbage", "form" },
};

static void test_manifests(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(manifests); i++) {
        struct manifest manifest = { 0 };
        struct error    err = { 0 };
        int result = manifest_parse(&manifest, manifests[i].text, strlen(manifests[i].text), &err);
        if (result == 0)
            result = manifest_check_complete(&manifest, &err);
        if ((result == 0) != !manifests[i].want ||
            (manifests[i].want && !strstr(err.message, manifests[i].want)))
            fail_msg("%s: %s", manifests[i].text, err.message);
    }
}

static void test_a_manifest_of_braces(void **state)
{
    char            text[4096];
    struct manifest manifest = { 0 };
    struct error    err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof text; i += 4)
        memcpy(text + i, "\"a\"{", 4);
    assert_int_equal(manifest_parse(&manifest, text, sizeof text, &err), -1);
}

// ---- whole runs against a fake ----------------------------------------------------------------

// A SteamCMD whose behaviour is the shell text in `script`. It knows: $platform, $tree, $run (how
// many times it was started before) and the functions `install` (leaves a complete game) and `ok`.
static const char fake_head[] =
    "#!/bin/sh\n"
    "platform=$(echo \"$*\" | sed 's/.*ForcePlatformType \\([a-z]*\\).*/\\1/')\n"
    "tree=$(echo \"$*\" | sed 's/.*force_install_dir \\([^ ]*\\).*/\\1/')\n"
    "here=$(dirname \"$0\")\n"
    "run=$(cat \"$here/runs\" 2>/dev/null || echo 0)\n"
    "echo $((run + 1)) >\"$here/runs\"\n"
    "echo \"$*\" >>\"$here/calls\"\n"
    "ok() { echo \"Success! App '222860' fully installed.\"; }\n"
    "missing() {\n"
    "  echo \"ERROR! Failed to install app '222860' (Missing configuration)\"; exit 8\n"
    "}\n"
    "install() {\n"
    "  mkdir -p \"$tree/left4dead2\" \"$tree/steamapps\"\n"
    "  echo game >\"$tree/left4dead2/gameinfo.txt\"; echo elf >\"$tree/srcds_linux\"\n"
    "  printf '\"AppState\" { \"StateFlags\" \"4\" \"buildid\" \"777\" }' "
    ">\"$tree/steamapps/appmanifest_222860.acf\"\n"
    "}\n";

struct world {
    struct unit_dir     *dir;
    char                 tree[96], cache[96], steamcmd[96];
    struct install_paths paths;
    uint64_t             output_max_bytes;
};

static void world_make(struct world *ret, void **state)
{
    static const char *const dirs[] = { "tree", "cache", "operator", "operator/linux32" };

    ret->dir = *state;
    for (size_t i = 0; i < ELEMENTS(dirs); i++)
        if (mkdirat(ret->dir->fd, dirs[i], 0755) < 0)
            assert_int_equal(errno, EEXIST);
    snprintf(ret->tree, sizeof ret->tree, "%s/tree", ret->dir->path);
    snprintf(ret->cache, sizeof ret->cache, "%s/cache", ret->dir->path);
    snprintf(ret->steamcmd, sizeof ret->steamcmd, "%s/operator", ret->dir->path);
    ret->paths = (struct install_paths){ ret->tree, ret->cache, ret->steamcmd };
    ret->output_max_bytes = UINT64_C(100) << 30;
}

static void world_empty(const struct world *world)
{
    char command[160];

    snprintf(command, sizeof command, "rm -rf '%s'/*", world->dir->path);
    assert_int_equal(system(command), 0);
}

static void fake_write(const struct world *world, const char *name, const char *script)
{
    char text[8192], path[64];

    snprintf(text, sizeof text, "%s%s\n", fake_head, script);
    snprintf(path, sizeof path, "operator/%s", name);
    unit_write(world->dir->fd, path, text);
    assert_return_code(fchmodat(world->dir->fd, path, 0755, 0), errno);
    unit_write(world->dir->fd, "operator/linux32/steamclient.so", "client 1");
}

// Runs an update in a child, as it blocks signals and reaps all that ends. Returns its output.
// `stop_at`: send SIGTERM when a line begins like this.
static char *run(const struct world *world, const char *stop_at, int *ret_code)
{
    int    ends[2], status = 0;
    char  *text = calloc(1, 1 << 20);
    size_t n = 0;

    assert_return_code(pipe(ends), errno);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err = { 0 };
        FILE        *out = fdopen(ends[1], "w");
        close(ends[0]);
        int result = update_run(&world->paths, world->output_max_bytes, out, &err);
        fclose(out);
        _exit(result < 0 ? (err.message[0] ? 1 : 3) : 0);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], text + n, (1 << 20) - 1 - n)) > 0;) {
        n += (size_t)got;
        if (stop_at && strstr(text, stop_at)) {
            assert_return_code(kill(pid, SIGTERM), errno);
            stop_at = NULL;
        }
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    *ret_code = WEXITSTATUS(status);
    return text;
}

static const struct {
    const char *name, *script;
    int         code;
    const char *want[4]; // in the output, in this order
    unsigned    runs;    // of SteamCMD
} runs[] = {
    { "fine", "install; ok", 0, { "note step 1", "note step 2", "\ndone 777\n" }, 2 },
    { "up to date",
      "install; echo \"Success! App '222860' already up to date.\"",
      0,
      { "done 777\n" },
      2 },
    { "progress",
      "install; printf ' Update state (0x61) downloading, progress: 50.00 (5 / 10)\\r\\n'; ok",
      0,
      { "progress 44 5 10 downloading the game\n", "progress 97 5 10 downloading the Linux files\n",
        "done 777" },
      2 },
    { "says success, exits badly", "install; ok; exit 7", 0, { "done 777\n" }, 2 },
    { "missing once",
      "install; [ $run -ge 1 ] || missing; ok",
      0,
      { "retry 1 of 3", "note step 2", "done 777\n" },
      3 },
    { "missing three times",
      "install; [ $run -ge 3 ] || missing; ok",
      0,
      { "retry 3 of 3", "note step 2", "done 777\n" },
      5 },
    { "missing in both steps",
      "install; [ $((run % 4)) -eq 3 ] || missing; ok",
      0,
      { "retry 3 of 3", "note step 2", "retry 3 of 3", "done 777\n" },
      8 },
    { "missing for ever",
      "missing",
      1,
      { "retry 3 of 3", "\nerror missing-configuration Steam did not" },
      4 },
    { "missing, but not exactly",
      "echo \"ERROR! Failed to install app '222860' (Missing "
      "configuration).\"; exit 8",
      1,
      { "\nerror missing-configuration" },
      1 },
    { "no space",
      "echo \"Error! App '222860' state is 0x202 after update job.\"; exit 8",
      1,
      { "steamcmd: Error! App", "\nerror no-space there is not enough disk space" },
      1 },
    { "network",
      "echo \"Error! App '222860' state is 0x602 after update job.\"; exit 8",
      1,
      { "\nerror network " },
      1 },
    { "no licence",
      "echo \"ERROR! Failed to install app '222860' (No subscription)\"; exit 8",
      1,
      { "\nerror no-subscription " },
      1 },
    { "only the second step fails",
      "[ $platform = windows ] && ok && exit; echo 'Login Failure: Rate Limit Exceeded'; exit 5",
      1,
      { "note step 2", "\nerror rate-limit " },
      2 },
    { "an error that healed",
      "install; echo 'Connecting anonymously to Steam Public...FAILED'; ok",
      0,
      { "done 777\n" },
      2 },
    { "says nothing", "exit 0", 1, { "\nerror failed SteamCMD ended with exit code 0" }, 1 },
    { "dies", "kill -SEGV $$", 1, { "\nerror crashed SteamCMD died of signal 11" }, 1 },
    { "another app", "echo \"Success! App '550' fully installed.\"", 1, { "\nerror failed " }, 1 },
    { "leaves nothing", "ok", 1, { "\nerror incomplete ", "'srcds_linux' is missing" }, 2 },
    { "leaves no gameinfo",
      "install; rm $tree/left4dead2/gameinfo.txt; ok",
      1,
      { "\nerror incomplete ", "gameinfo.txt" },
      2 },
    { "leaves an empty program",
      "install; : >$tree/srcds_linux; ok",
      1,
      { "\nerror incomplete ", "srcds_linux" },
      2 },
    { "half a download",
      "install; printf '\"AppState\" { \"StateFlags\" \"4\" \"BytesToDownload\" \"5\" }' "
      ">$tree/steamapps/appmanifest_222860.acf; ok",
      1,
      { "\nerror incomplete ", "0 of 5 bytes are downloaded" },
      2 },
    { "no manifest", "install; rm $tree/steamapps/*; ok", 1, { "\nerror incomplete " }, 2 },
    { "garbage",
      "install; head -c 300000 /dev/urandom; echo; printf 'a\\033[31m\\000b\\377\\n'; ok",
      0,
      { "a?[31m?b?", "done 777\n" },
      2 },
    { "an endless line",
      "install; head -c 3000000 /dev/zero | tr '\\0' x; echo; ok",
      0,
      { "steamcmd: xxxx", "done 777\n" },
      2 },
    { "somebody stays behind", "install; sleep 600 & ok", 0, { "done 777\n" }, 2 },
    { "no input", "install; read line && exit 9; ok", 0, { "done 777\n" }, 2 },
    { "a terminal",
      "install; test -t 1 && echo on a terminal; ok",
      0,
      { "steamcmd: on a terminal\n", "done 777\n" },
      2 },
    { "its home",
      "install; [ \"$HOME\" = \"$(dirname $here)/home\" ] && [ -d $HOME ] && ok",
      0,
      { "done 777\n" },
      2 },
    { "its directory", "install; [ \"$(pwd)\" = $tree ] && ok", 0, { "done 777\n" }, 2 },
    { "the order of its options",
      "install; case \"$*\" in *+force_install_dir*+login*+app_update*+quit) ok;; esac",
      0,
      { "done 777\n" },
      2 },
};

static unsigned count_runs(const struct world *world)
{
    AUTO(freep) char *text = NULL;
    struct error      err = { 0 };

    if (fd_read_file(&text, NULL, world->dir->fd, "cache/steamcmd/runs", 100, &err) < 0)
        return 0;
    return (unsigned)atoi(text);
}

static void test_runs(void **state)
{
    for (size_t i = 0; i < ELEMENTS(runs); i++) {
        struct world world;
        int          code = 0;

        world_make(&world, state);
        fake_write(&world, "steamcmd.sh", runs[i].script);
        AUTO(freep) char *text = run(&world, NULL, &code);
        if (code != runs[i].code)
            fail_msg("%s: exit code %d: %s", runs[i].name, code, text);
        const char *at = text;
        for (size_t j = 0; j < ELEMENTS(runs[i].want) && runs[i].want[j]; j++) {
            at = strstr(at, runs[i].want[j]);
            if (!at)
                fail_msg("%s: no '%s' in: %s", runs[i].name, runs[i].want[j], text);
        }
        if (count_runs(&world) != runs[i].runs)
            fail_msg("%s: %u runs", runs[i].name, count_runs(&world));
        world_empty(&world);
    }
}

static void must_run(const struct world *world)
{
    int               code = 0;
    AUTO(freep) char *text = run(world, NULL, &code);

    if (code != 0)
        fail_msg("%s", text);
}

static void test_both_platforms_in_order(void **state)
{
    struct world      world;
    struct error      err = { 0 };
    AUTO(freep) char *calls = NULL;

    world_make(&world, state);
    fake_write(&world, "steamcmd.sh", "install; ok");
    must_run(&world);
    assert_int_equal(fd_read_file(&calls, NULL, world.dir->fd, "cache/steamcmd/calls", 4096, &err),
                     0);
    const char *windows = strstr(calls, "ForcePlatformType windows");
    const char *second = strchr(calls, '\n');
    assert_non_null(windows);
    assert_non_null(second);
    assert_true(windows < second);
    assert_null(memmem(calls, (size_t)(second - calls), "validate", 8));
    assert_non_null(strstr(second, "ForcePlatformType linux"));
    assert_non_null(strstr(second, "+app_update 222860 validate +quit"));
}

// ---- stopping ---------------------------------------------------------------------------------

static const struct {
    const char *name, *script;
    bool        is_slow; // has to be killed
} stops[] = {
    { "sleeping", "echo ready; sleep 600", false },
    { "a child of it", "(trap '' TERM; sleep 1) & echo ready; sleep 600", false },
    { "flooding", "echo ready; while :; do echo flood; done", false },
    { "deaf", "trap '' TERM; echo ready; while :; do sleep 0.1; done", true },
};

static void test_stopping(void **state)
{
    for (size_t i = 0; i < ELEMENTS(stops); i++) {
        struct world    world;
        struct timespec from, to;
        int             code = 0;

        world_make(&world, state);
        fake_write(&world, "steamcmd.sh", stops[i].script);
        clock_gettime(CLOCK_MONOTONIC, &from);
        AUTO(freep) char *text = run(&world, "steamcmd: ready", &code);
        clock_gettime(CLOCK_MONOTONIC, &to);
        assert_int_equal(code, 1);
        if (!strstr(text + MAX(strlen(text), 60) - 60, "error stopped the update was stopped\n"))
            fail_msg("%s: %s", stops[i].name, text);
        assert_true(to.tv_sec - from.tv_sec <= (stops[i].is_slow ? 8 : 3));
        world_empty(&world);
    }
}

static const char *const too_large[] = {
    "head -c 400000000 /dev/zero >$tree/big; sleep 600",
    "head -c 5000000 /dev/zero >$here/small; install; ok", // seen at the end
};

static void test_an_update_has_a_limit(void **state)
{
    for (size_t i = 0; i < ELEMENTS(too_large); i++) {
        struct world world;
        int          code = 0;

        world_make(&world, state);
        world.output_max_bytes = 4 << 20;
        fake_write(&world, "steamcmd.sh", too_large[i]);
        AUTO(freep) char *text = run(&world, NULL, &code);
        assert_int_equal(code, 1);
        if (!strstr(text, "\nerror limit the output has grown beyond its limit of 4.0 MiB\n"))
            fail_msg("%s: %s", too_large[i], text);
        world_empty(&world);
    }
}

// ---- finding and copying SteamCMD -------------------------------------------------------------

static void assert_file(const struct world *world, const char *path, const char *want)
{
    AUTO(freep) char *text = NULL;
    struct error      err = { 0 };

    if (fd_read_file(&text, NULL, world->dir->fd, path, 65536, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(text, want);
}

static void test_the_cache_keeps_what_updated_itself(void **state)
{
    struct world world;

    world_make(&world, state);
    fake_write(&world, "steamcmd.sh",
               "install; echo updated >$here/linux32/steamclient.so; echo '# new' >>$0; ok");
    must_run(&world);
    assert_file(&world, "tree/.steam/sdk32/steamclient.so", "updated\n");
    must_run(&world); // the script in the cache differs from the operator's now, and stays
    assert_int_equal(count_runs(&world), 4);

    fake_write(&world, "steamcmd.sh", "install; ok"); // the operator has a new one
    must_run(&world);
    assert_int_equal(count_runs(&world), 2); // and nothing of the old one is left
    assert_file(&world, "tree/.steam/sdk32/steamclient.so", "client 1");
}

static void test_a_broken_off_copy_is_made_again(void **state)
{
    struct world world;

    world_make(&world, state);
    fake_write(&world, "steamcmd.sh", "install; ok");
    unit_write(world.dir->fd, "cache/steamcmd/linux32/steamclient.so", "half");
    unit_write(world.dir->fd, "cache/steamcmd.new/linux32/steamclient.so/in-the-way", "half");
    must_run(&world);
    assert_file(&world, "cache/steamcmd/linux32/steamclient.so", "client 1");
    assert_int_equal(faccessat(world.dir->fd, "cache/steamcmd.new", F_OK, 0), -1);
}

static void test_steamclient_is_left_alone_when_the_same(void **state)
{
    static const char path[] = "tree/.steam/sdk32/steamclient.so";
    struct world      world;
    struct stat       before, after;

    world_make(&world, state);
    fake_write(&world, "steamcmd.sh", "install; ok");
    must_run(&world);
    assert_return_code(fstatat(world.dir->fd, path, &before, 0), errno);
    must_run(&world);
    assert_return_code(fstatat(world.dir->fd, path, &after, 0), errno);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void test_a_wrapper_is_run_in_place(void **state)
{
    struct world      world;
    AUTO(freep) char *text = NULL;
    int               code = 0;

    world_make(&world, state);
    fake_write(&world, "steamcmd", "install; ok");
    assert_return_code(unlinkat(world.dir->fd, "operator/linux32/steamclient.so", 0), errno);
    text = run(&world, NULL, &code);
    assert_int_equal(code, 0);
    assert_non_null(strstr(text, "note servers may stay in LAN mode"));
    assert_file(&world, "operator/runs", "2\n");
    assert_int_equal(faccessat(world.dir->fd, "cache/steamcmd", F_OK, 0), -1);
}

static void test_no_steamcmd(void **state)
{
    struct world world;
    int          code = 0;

    world_make(&world, state);
    AUTO(freep) char *text = run(&world, NULL, &code);
    assert_int_equal(code, 1);
    assert_non_null(strstr(text, "error no-steamcmd there is no SteamCMD in its directory: get"));
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", world.steamcmd);
    assert_int_equal(system(command), 0);
    AUTO(freep) char *again = run(&world, NULL, &code);
    assert_int_equal(code, 1);
    assert_non_null(strstr(again, "error no-steamcmd there is no SteamCMD: get it"));
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, unit_dir_setup, unit_dir_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_progress_never_goes_back),
        cmocka_unit_test(test_lines_are_cut_at_any_chunk_size),
        cmocka_unit_test(test_a_line_without_end_costs_nothing),
        cmocka_unit_test(test_manifests),
        cmocka_unit_test(test_a_manifest_of_braces),
        IN_DIR(test_runs),
        IN_DIR(test_both_platforms_in_order),
        IN_DIR(test_stopping),
        IN_DIR(test_an_update_has_a_limit),
        IN_DIR(test_the_cache_keeps_what_updated_itself),
        IN_DIR(test_a_broken_off_copy_is_made_again),
        IN_DIR(test_steamclient_is_left_alone_when_the_same),
        IN_DIR(test_a_wrapper_is_run_in_place),
        IN_DIR(test_no_steamcmd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
