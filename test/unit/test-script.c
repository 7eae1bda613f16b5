// SPDX-License-Identifier: MIT
#include "unit.h"

#include "disk-dir.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include "base/tree.h"
#include "build/script.h"
#include "sandbox.h"

#define TEXT_BYTES (1u << 20)

struct world {
    const struct unit_dir *dir;
    char                   script[96], overlay[96], cache[96], tmp[96];
    struct script_spec     spec;
};

static void make_dir(const struct unit_dir *dir, const char *name)
{
    assert_int_equal(mkdirat(dir->fd, name, 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(fchownat(dir->fd, name, SANDBOX_UID, SANDBOX_UID, 0), 0);
}

static void world_make(struct world *ret, void **state, const char *script)
{
    const char *path = ((struct unit_dir *)*state)->path;

    *ret = (struct world){ .dir = *state };
    assert_int_equal(chmod(path, 0711), 0);
    (void)snprintf(ret->script, sizeof ret->script, "%s/script", path);
    (void)snprintf(ret->overlay, sizeof ret->overlay, "%s/overlay", path);
    (void)snprintf(ret->cache, sizeof ret->cache, "%s/cache", path);
    (void)snprintf(ret->tmp, sizeof ret->tmp, "%s/tmp", path);
    unit_write(ret->dir->fd, "script", script);
    make_dir(ret->dir, "overlay");
    make_dir(ret->dir, "cache");
    make_dir(ret->dir, "tmp");
    if (geteuid() == 0) // in memory, as the unit has it
        assert_return_code(mount("tmp", ret->tmp, "tmpfs", 0, "mode=1777"), errno);
    ret->spec = (struct script_spec){ .shell = "/bin/bash",
                                      .script = ret->script,
                                      .overlay_dir = ret->overlay,
                                      .cache_dir = ret->cache,
                                      .tmp_dir = ret->tmp,
                                      .output_max_bytes = 64 << 20,
                                      .free_min_bytes = 1,
                                      .log_lines_max = 100,
                                      .log_bytes_max = 100000 };
}

static void world_remove(const struct world *world)
{
    static const char *const names[] = { "script", "overlay", "cache", "tmp" };
    struct error             err = { 0 };

    if (geteuid() == 0)
        assert_return_code(umount2(world->tmp, 0), errno);
    for (size_t i = 0; i < ELEMENTS(names); i++)
        if (tree_remove(world->dir->fd, names[i], &err) < 0)
            fail_msg("%s", err.message);
}

// Reads all it says. `stop_at`: send SIGTERM when it has said this.
static void follow(char text[TEXT_BYTES], int fd, pid_t pid, const char *stop_at)
{
    size_t n = 0;

    for (ssize_t got; (got = read(fd, text + n, TEXT_BYTES - 1 - n)) > 0;) {
        n += (size_t)got;
        text[n] = '\0';
        if (stop_at && strstr(text, stop_at)) {
            assert_int_equal(kill(pid, SIGTERM), 0);
            stop_at = NULL;
        }
    }
    text[n] = '\0';
}

static int run(const struct world *world, enum sandbox_kind kind, char text[TEXT_BYTES],
               const char *stop_at)
{
    struct script_spec spec = world->spec;
    int                ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = sandbox_fork(kind);
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        spec.output_fd = ends[1];
        sandbox_enter(kind);
        _exit(script_run(&spec));
    }
    (void)close(ends[1]);
    follow(text, ends[0], pid, stop_at);
    (void)close(ends[0]);
    return sandbox_wait(pid);
}

// ---- what becomes of a script -----------------------------------------------------------------

#define SIZE "<5>overlay and cache hold "

static const struct {
    const char *name, *script;
    int         code;
    const char *want[8]; // in the output, in this order
    const char *not_there;
} runs[] = {
    { "nothing", "", 0, { SIZE "0 files and directories, " }, "<3>" },
    { "both streams",
      "echo one; echo two >&2; echo three >&2; echo four",
      0,
      { "<4>two\n", "<4>three\n", SIZE },
      NULL },
    { "in order", "echo one; echo two", 0, { "<6>one\n<6>two\n", SIZE }, NULL },
    { "no end of line", "printf one; printf two >&2", 0, { SIZE }, "<3>" },
    { "a forged priority", "echo '<0>one'", 0, { "<6><0>one\n" }, "\n<0>" },
    { "control bytes", "printf 'a\\033[1mb\\001\\377\\n'", 0, { "<6>a?[1mb??\n" }, "\033" },
    { "a bar", "printf '1 %%\\r2 %%\\r3 %%\\n'", 0, { "<6>3 %\n" }, NULL },
    { "a long line",
      "head -c 10000 /dev/zero | tr '\\0' x; echo; echo done",
      0,
      { "xxx… (2000 bytes cut)\n<6>done\n" },
      NULL },
    { "an endless line",
      "head -c 20M /dev/zero | tr '\\0' x",
      0,
      { "xxx… (20963520 bytes cut)\n" },
      NULL },
    { "a flood",
      "seq 300000; echo survived >$OVERLAY/file; test -s file",
      0,
      { "<6>100\n<5>the rest of the output is dropped\n" SIZE "1 file" },
      "<6>101" },
    { "a flood of bytes",
      "for i in $(seq 20); do head -c 6000 /dev/zero | tr '\\0' x; echo; done",
      0,
      { "x\n<5>the rest of the output is dropped\n" SIZE },
      NULL },
    { "an exit code", "exit 3", 3, { "<3>the script ended with exit code 3\n" }, SIZE },
    { "the highest exit code", "exit 255", 255, { "exit code 255\n" }, SIZE },
    { "a signal",
      "kill -SEGV $$",
      128 + SIGSEGV,
      { "<3>the script was killed by signal 11 (SIGSEGV)\n" },
      SIZE },
    { "the last signal",
      "kill -9 $$",
      128 + SIGKILL,
      { "<3>the script was killed by signal 9 (SIGKILL)\n" },
      SIZE },
    { "a mistake", "if", 2, { "<4>", "syntax error" }, SIZE },
    { "somebody stays behind",
      "sleep 600 & (setsid sleep 600 &) ; (trap '' TERM HUP; setsid sleep 600) & echo done",
      0,
      { "<6>done\n" },
      NULL },
    { "one stays behind",
      "sleep 600 </dev/null >/dev/null 2>&1 & :",
      0,
      { "<5>1 process that the script left behind was killed\n" SIZE },
      NULL },
    { "where it is",
      "[ \"$PWD\" = \"$OVERLAY\" ] && [ \"$HOME\" = \"$TMPDIR\" ] && [ -w \"$CACHE\" ] && "
      "[ \"$LANG\" = C.UTF-8 ] && [ \"$PATH\" = /usr/local/bin:/usr/bin:/bin ] && echo right; "
      "env | wc -l",
      0,
      { "<6>right\n<6>9\n" }, // with PWD, SHLVL and _
      NULL },
    { "what it has",
      "umask; read -r line || echo no input; grep -c '' < <(ls /proc/$$/fd); "
      "grep -E '^Sig(Blk|Ign)' /proc/self/status",
      0,
      { "<6>0022\n<6>no input\n", "SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n" },
      NULL },
    { "too much",
      "head -c 1G /dev/zero >file; sleep 600",
      SCRIPT_BEYOND,
      { "<3>the output has grown beyond its limit of 64.0 MiB\n" },
      "signal" },
    { "too much in the cache",
      "head -c 1G /dev/zero >$CACHE/file; sleep 600",
      SCRIPT_BEYOND,
      { "<3>the output has grown beyond its limit of 64.0 MiB\n" },
      "signal" },
    { "a little too much at the end",
      "head -c 65M /dev/zero >file",
      SCRIPT_BEYOND,
      { "<3>the output has grown beyond its limit of 64.0 MiB\n" },
      SIZE },
    { "not counted",
      "head -c 100M /dev/zero >$TMPDIR/file; truncate -s 1T sparse; echo done",
      0,
      { "<6>done\n" SIZE "1 file" },
      NULL },
    { "space in one call",
      "fallocate -l 200M file 2>&1 || echo refused; ls -s file",
      0,
      { "<6>fallocate: ", "<6>refused\n<6>0 file\n" },
      NULL },
    { "sockets that can be given away",
      "perl -MSocket -e 'for (SOCK_DGRAM, SOCK_RAW, SOCK_DGRAM | SOCK_CLOEXEC, SOCK_STREAM, "
      "SOCK_SEQPACKET) { print socketpair(A, B, AF_UNIX, $_, 0) ? \"made\" : \"refused\", "
      "\"\\n\" }'",
      0,
      { "<6>refused\n<6>refused\n<6>refused\n<6>made\n<6>made\n" },
      NULL },
    { "what the guard does not see", // asynchronous waits, ports without bind, other pairs,
                                     // subvolumes
      "perl -MSocket -MErrno -e 'sub why { print shift, \" \", 0 + $!, \"\\n\" }"
      "syscall(206, 4, my $context = pack(\"x8\")); why(\"io_setup\");"
      "syscall(209, 0, 1, 0); why(\"io_submit\");"
      "socket(S, AF_INET, SOCK_STREAM, 0); listen(S, 1); why(\"listen\");"
      "socketpair(A, B, AF_INET, SOCK_STREAM, 0); why(\"pair\");"
      "syscall(16, -1, 0x5000940e, 0); why(\"subvolume\");"
      "syscall(16, -1, 0x40049409, 0); why(\"clone\")'",
      0,
      { "<6>io_setup 38\n<6>io_submit 38\n<6>listen 13\n<6>pair 97\n"
        "<6>subvolume 25\n<6>clone 9\n" },
      NULL },
    { "being unreadable",
      "cp /bin/sleep $TMPDIR/sleep; chmod 111 $TMPDIR/sleep; $TMPDIR/sleep 600 & sleep 0.01; echo "
      "done",
      0,
      { "<6>done\n" },
      NULL },
    { "attacks on the guard",
      "for pid in 1 $PPID; do for signal in STOP KILL TERM SEGV; do kill -$signal $pid; done; "
      "prlimit --pid $pid --nofile=3:3 && echo changed; renice 19 -p $pid && echo changed; "
      "cat /proc/$pid/mem && echo read; ls /proc/$pid/fd && echo read; "
      "chrt -f -p 1 $pid && echo changed; done 2>/dev/null; "
      "head -c 1G /dev/zero >file; sleep 600",
      SCRIPT_BEYOND,
      { "<3>the output has grown beyond its limit of 64.0 MiB\n" },
      "<6>" },
};

static void check(const char *name, enum sandbox_kind kind, int code, int want_code,
                  const char *text, const char *const *want, size_t n_want, const char *not_there)
{
    const char *at = text;

    if (code != want_code)
        fail_msg("%s (%d): it ended with %d: %s", name, (int)kind, code, text);
    for (size_t i = 0; i < n_want && want[i]; i++) {
        at = strstr(at, want[i]);
        if (!at)
            fail_msg("%s (%d): no '%s' in: %s", name, (int)kind, want[i], text);
    }
    if (not_there && strstr(text, not_there))
        fail_msg("%s (%d): there is '%s' in: %s", name, (int)kind, not_there, text);
}

static void test_runs(void **state)
{
    char *text = malloc(TEXT_BYTES);

    for (int kind = 0; kind < SANDBOX_KINDS; kind++)
        for (size_t i = 0; i < ELEMENTS(runs) && sandbox_is_possible(kind); i++) {
            struct world world;
            world_make(&world, state, runs[i].script);
            int code = run(&world, kind, text, NULL);
            check(runs[i].name, kind, code, runs[i].code, text, runs[i].want,
                  ELEMENTS(runs[i].want), runs[i].not_there);
            world_remove(&world);
        }
    free(text);
}

// ---- being stopped ----------------------------------------------------------------------------

static const struct {
    const char *name, *script;
} stops[] = {
    { "sleeping", "echo ready; sleep 600" },
    { "deaf", "trap '' TERM INT HUP; echo ready; while :; do sleep 600; done" },
    { "with others",
      "for i in 1 2 3; do (setsid sleep 600 &); sleep 600 & done; echo ready; wait" },
    { "flooding", "echo ready; exec yes" },
    { "writing", "echo ready; while :; do head -c 1M /dev/zero >file; done" },
};

static void test_stopping(void **state)
{
    static const char *const want[] = { "<6>ready\n", "<3>the build was stopped\n" };
    char                    *text = malloc(TEXT_BYTES);

    for (int kind = 0; kind < SANDBOX_KINDS; kind++)
        for (size_t i = 0; i < ELEMENTS(stops) && sandbox_is_possible(kind); i++) {
            struct world world;
            world_make(&world, state, stops[i].script);
            int code = run(&world, kind, text, "<6>ready\n");
            check(stops[i].name, kind, code, SCRIPT_STOPPED, text, want, ELEMENTS(want), SIZE);
            world_remove(&world);
        }
    free(text);
}

// ---- when it cannot begin ---------------------------------------------------------------------

static void test_it_cannot_begin(void **state)
{
    struct world world;
    char        *text = malloc(TEXT_BYTES);

    world_make(&world, state, "echo never");
    world.spec.shell = "/nowhere/bash";
    int code = run(&world, SANDBOX_PLAIN, text, NULL);
    check("no shell", SANDBOX_PLAIN, code, 127, text,
          (const char *const[]){ "<4>/nowhere/bash: No such file or directory\n",
                                 "<3>the script ended with exit code 127\n" },
          2, "never");

    world.spec.shell = "/bin/bash";
    world.spec.cache_dir = "/nowhere";
    code = run(&world, SANDBOX_PLAIN, text, NULL);
    check("no cache", SANDBOX_PLAIN, code, SCRIPT_FAILED, text,
          (const char *const[]){ "<3>before the script began: opening '/nowhere' to watch it: No "
                                 "such file or directory\n" },
          1, "never");

    world.spec.cache_dir = world.cache;
    world.spec.output_max_bytes = 1;
    code = run(&world, SANDBOX_PLAIN, text, NULL);
    check("no room", SANDBOX_PLAIN, code, SCRIPT_BEYOND, text,
          (const char *const[]){ "<3>before the script began: the output has grown beyond its "
                                 "limit of 0.0 MiB\n" },
          1, "never");

    world.spec.output_max_bytes = UINT32_MAX;
    world.spec.free_min_bytes = UINT64_MAX / 2;
    code = run(&world, SANDBOX_PLAIN, text, NULL);
    check("a full disk", SANDBOX_PLAIN, code, SCRIPT_BEYOND, text,
          (const char *const[]){ "<3>before the script began: less than ",
                                 " of space is left on the disk\n" },
          2, "never");
    world_remove(&world);
    free(text);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, disk_dir_setup, disk_dir_teardown)
    const struct CMUnitTest tests[] = {
        IN_DIR(test_runs),
        IN_DIR(test_stopping),
        IN_DIR(test_it_cannot_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
