// SPDX-License-Identifier: MIT
#include "ctl/answer.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>

#define RUNS_MAX 100u
#define TEXT_MAX 65536u

static const char script[] =
    "#!/bin/sh\n"
    "case $1 in\n"
    "say) shift; for word; do echo \"$word\"; done ;;\n"
    "both) echo one; echo two >&2; printf 'three' ;;\n"
    "odd) printf 'a\\r\\n\\nb\\000c\\nrest' ;;\n"
    "code) exit \"$2\" ;;\n"
    "die) kill -TERM $$ ;;\n"
    "copy) exec cat ;;\n"
    "env) exec env ;;\n"
    "fds) exec ls /proc/self/fd ;;\n"
    "group) exec cut -d' ' -f1,5 /proc/self/stat ;;\n"
    "flood) exec yes ;;\n"
    "flood-errors) exec yes >&2 ;;\n"
    "endless) exec tr '\\000' x </dev/zero ;;\n"
    "many) exec head -c \"$2\" /dev/zero ;;\n"
    "deaf) trap '' INT; echo ready; sleep 1000; sleep 1000 ;;\n"
    "polite) trap 'echo bye; exit 7' INT; sleep 1000 & echo ready; wait ;;\n"
    "leave) sleep 1000 & echo $!; exit 0 ;;\n"
    "wait) exec sleep 1000 ;;\n"
    "esac\n";

struct world {
    struct unit_dir *dir;
    sd_event        *event;
    struct ctl_pool *pool;
    char             program[128];
};

// One run, and what was told of it.
struct run {
    struct world  *world;
    struct ctl    *ctl;
    char           text[2][TEXT_MAX]; // lines, each with LF, or CUT and LF
    size_t         n_text[2], n_bytes;
    char          *whole;
    struct ctl_end end;
    bool           is_done;
    unsigned       stop_at, leave_at, pause_at, n_lines; // lines; 0: never
};

static size_t n_fds(void)
{
    DIR   *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

// ---- the handler ------------------------------------------------------------------------------

static void react(struct run *run)
{
    run->n_lines++;
    if (run->n_lines == run->stop_at)
        ctl_stop(run->ctl);
    if (run->n_lines == run->pause_at)
        ctl_pause(run->ctl);
    if (run->n_lines == run->leave_at)
        ctl_leave(TAKE(run->ctl));
}

static void take_line(void *context, enum ctl_stream stream, const char *text, size_t n,
                      bool is_cut)
{
    struct run *run = context;

    assert_non_null(run->ctl);
    if (run->n_text[stream] + n + 8 < TEXT_MAX) {
        memcpy(run->text[stream] + run->n_text[stream], text, n);
        run->n_text[stream] += n;
        run->n_text[stream] +=
            (size_t)sprintf(run->text[stream] + run->n_text[stream], "%s", is_cut ? "CUT\n" : "\n");
    }
    react(run);
}

static void take_bytes(void *context, const char *bytes, size_t n)
{
    struct run *run = context;

    (void)bytes;
    assert_non_null(run->ctl);
    run->n_bytes += n;
    react(run);
}

static void done(void *context, const struct ctl_end *end)
{
    struct run *run = context;

    assert_non_null(run->ctl);
    assert_false(run->is_done);
    run->end = *end;
    run->whole = strndup(end->output, end->n_output);
    run->end.output = run->whole;
    run->is_done = true;
    run->ctl = NULL;
}

static const struct ctl_handler handler = { take_line, take_bytes, done };

// ---- the world --------------------------------------------------------------------------------

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct error  err;

    assert_return_code(unit_dir_setup((void **)&world->dir), 0);
    unit_write(world->dir->fd, "program", script);
    assert_return_code(fchmodat(world->dir->fd, "program", 0755, 0), errno);
    snprintf(world->program, sizeof world->program, "%s/program", world->dir->path);
    assert_true(sd_event_new(&world->event) >= 0);
    if (ctl_pool_open(&world->pool, world->event, world->program, RUNS_MAX, &err) < 0)
        fail_msg("%s", err.message);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    ctl_pool_close(world->pool);
    sd_event_unref(world->event);
    assert_return_code(unit_dir_teardown((void **)&world->dir), 0);
    free(world);
    return 0;
}

static void turn(struct world *world)
{
    assert_true(sd_event_run(world->event, UINT64_MAX) >= 0);
}

static struct run *begin_with(struct world *world, const struct ctl_request *request)
{
    struct run  *run = calloc(1, sizeof *run);
    struct error err;

    run->world = world;
    if (ctl_run(&run->ctl, world->pool, request, &handler, run, &err) < 0)
        fail_msg("%s", err.message);
    return run;
}

static struct run *begin(struct world *world, enum ctl_mode mode, const char *word,
                         const char *second)
{
    const char *words[] = { word, second, NULL };

    return begin_with(
        world, &(struct ctl_request){ .mode = mode, .words = words, .limits = ctl_limits_default });
}

static void wait_for(struct run *run)
{
    while (!run->is_done)
        turn(run->world);
}

static void run_free(struct run *run)
{
    free(run->whole);
    free(run);
}

// ---- what it says -----------------------------------------------------------------------------

static void test_lines(void **state)
{
    struct run *run = begin(*state, CTL_LINES, "both", NULL);

    wait_for(run);
    assert_string_equal(run->text[CTL_OUTPUT], "one\nthree\n");
    assert_string_equal(run->text[CTL_ERROR], "two\n");
    assert_int_equal(run->end.cause, CTL_ENDED);
    assert_int_equal(run->end.code, 0);
    run_free(run);
}

static void test_odd_lines(void **state)
{
    static const char want[] = "a\n\nb\0c\nrest\n";
    struct run       *run = begin(*state, CTL_LINES, "odd", NULL);

    wait_for(run);
    assert_int_equal(run->n_text[CTL_OUTPUT], sizeof want - 1);
    assert_memory_equal(run->text[CTL_OUTPUT], want, sizeof want - 1);
    run_free(run);
}

static void test_words_are_no_shell(void **state)
{
    struct run *run = begin(*state, CTL_LINES, "say", "$(id) `id` ; > x \"'\n");

    wait_for(run);
    assert_string_equal(run->text[CTL_OUTPUT], "$(id) `id` ; > x \"'\n\n");
    run_free(run);
}

static void test_whole(void **state)
{
    struct run *run = begin(*state, CTL_WHOLE, "both", NULL);

    wait_for(run);
    assert_string_equal(run->whole, "one\nthree");
    assert_int_equal(run->end.n_output, 9);
    assert_string_equal(run->text[CTL_ERROR], "two\n");
    run_free(run);
}

static void test_exits(void **state)
{
    static const struct {
        const char *word, *second;
        int         code, signal;
    } cases[] = { { "code", "0", 0, 0 }, { "code", "69", 69, 0 }, { "die", NULL, -1, SIGTERM } };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct run *run = begin(*state, CTL_WHOLE, cases[i].word, cases[i].second);
        wait_for(run);
        assert_int_equal(run->end.code, cases[i].code);
        assert_int_equal(run->end.signal, cases[i].signal);
        assert_string_equal(run->whole, "");
        run_free(run);
    }
}

static void test_input(void **state)
{
    const char        *words[] = { "copy", NULL };
    size_t             n = 3u << 20;
    char              *text = malloc(n);
    struct ctl_request request = { CTL_WHOLE, words, text, n, ctl_limits_default };

    memset(text, 'y', n);
    request.limits.output_bytes = n;
    struct run *run = begin_with(*state, &request);
    wait_for(run);
    assert_int_equal(run->end.cause, CTL_ENDED);
    assert_int_equal(run->end.n_output, n);
    assert_memory_equal(run->whole, text, n);
    run_free(run);
    free(text);

    run = begin(*state, CTL_WHOLE, "copy", NULL); // none at all
    wait_for(run);
    assert_string_equal(run->whole, "");
    run_free(run);
}

static void test_nothing_of_ours(void **state)
{
    assert_return_code(setenv("LEFT4ME_SECRET", "x", 1), errno);
    int         fd = open("/dev/null", O_RDONLY); // open for children as well
    struct run *run = begin(*state, CTL_WHOLE, "env", NULL);
    wait_for(run);
    assert_null(strstr(run->whole, "LEFT4ME_SECRET"));
    assert_non_null(strstr(run->whole, "PATH="));
    run_free(run);

    run = begin(*state, CTL_WHOLE, "fds", NULL);
    wait_for(run);
    assert_string_equal(run->whole, "0\n1\n2\n3\n"); // the last is how it looks
    run_free(run);
    close(fd);

    int pid = 0, group = 0;
    run = begin(*state, CTL_WHOLE, "group", NULL);
    wait_for(run);
    assert_int_equal(sscanf(run->whole, "%d %d", &pid, &group), 2);
    assert_int_equal(pid, group);
    run_free(run);
}

// ---- limits -----------------------------------------------------------------------------------

static void test_too_large(void **state)
{
    static const char *const words[] = { "flood", "flood-errors", "endless" };

    for (size_t i = 0; i < 3 * ELEMENTS(words); i++) {
        struct ctl_request request = { .mode = (enum ctl_mode)(i % 3),
                                       .words = (const char *[]){ words[i / 3], NULL },
                                       .limits = ctl_limits_default };
        request.limits.output_bytes = 300000;
        struct run  *run = begin_with(*state, &request);
        struct error err;
        wait_for(run);
        assert_int_equal(run->end.cause, CTL_TOO_LARGE);
        assert_true(run->end.n_output <= request.limits.output_bytes);
        assert_int_equal(answer_raise(&run->end, NULL, &err), -1);
        assert_int_equal(err.kind, ERROR_FAILED);
        run_free(run);
    }
}

static void test_cut_lines(void **state)
{
    static const struct {
        const char *line, *want;
    } cases[] = {
        { "1234567", "1234567\n" },       { "12345678", "12345678\n" },
        { "123456789", "12345678CUT\n" }, { "1234567890123456789\nb", "12345678CUT\nb\n" },
        { "1234567\r", "1234567\n" },     { "", "\n" },
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct ctl_request request = { .mode = CTL_LINES,
                                       .words = (const char *[]){ "say", cases[i].line, NULL },
                                       .limits = ctl_limits_default };
        request.limits.line_bytes = 8;
        struct run *run = begin_with(*state, &request);
        wait_for(run);
        assert_string_equal(run->text[CTL_OUTPUT], cases[i].want);
        run_free(run);
    }
}

static void test_too_long(void **state)
{
    struct ctl_request request = { .mode = CTL_WHOLE,
                                   .words = (const char *[]){ "wait", NULL },
                                   .limits = ctl_limits_default };
    struct error       err;

    request.limits.time_ms = 1;
    struct run *run = begin_with(*state, &request);
    wait_for(run);
    assert_int_equal(run->end.cause, CTL_TOO_LONG);
    assert_int_equal(run->end.signal, SIGINT);
    assert_int_equal(answer_raise(&run->end, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_TIMEOUT);
    run_free(run);
}

// ---- stopping ---------------------------------------------------------------------------------

static void test_stop(void **state)
{
    struct run *run = begin(*state, CTL_LINES, "polite", NULL);

    run->stop_at = 1;
    wait_for(run);
    assert_string_equal(run->text[CTL_OUTPUT], "ready\nbye\n");
    assert_int_equal(run->end.cause, CTL_STOPPED);
    assert_int_equal(run->end.code, 7);
    run_free(run);
}

static void test_stop_who_does_not_hear(void **state)
{
    struct ctl_request request = { .mode = CTL_LINES,
                                   .words = (const char *[]){ "deaf", NULL },
                                   .limits = ctl_limits_default };

    request.limits.grace_ms = 20;
    struct run *run = begin_with(*state, &request);
    run->stop_at = 1;
    wait_for(run);
    assert_int_equal(run->end.cause, CTL_STOPPED);
    assert_int_equal(run->end.signal, SIGKILL);
    run_free(run);
}

static void test_who_is_left_behind_is_killed(void **state)
{
    struct run *run = begin(*state, CTL_LINES, "leave", NULL);
    int         pid = 0;

    while (run->n_lines == 0)
        turn(*state);
    assert_int_equal(sscanf(run->text[CTL_OUTPUT], "%d", &pid), 1);
    struct pollfd left = { .fd = pidfd_open(pid, 0), .events = POLLIN };
    assert_return_code(left.fd, errno);
    wait_for(run); // although the pipe is open
    assert_int_equal(run->end.cause, CTL_ENDED);
    assert_int_equal(run->end.code, 0);
    assert_int_equal(poll(&left, 1, 10000), 1);
    close(left.fd);
    run_free(run);
}

// ---- pausing ----------------------------------------------------------------------------------

// Something else begins and ends, and the loop has turned for it.
static void let_others_work(struct world *world)
{
    struct run *other = begin(world, CTL_WHOLE, "fds", NULL);

    wait_for(other);
    run_free(other);
}

static void test_pause(void **state)
{
    const size_t       n = 1000000;
    const char        *words[] = { "many", "1000000", NULL };
    struct ctl_request request = { .mode = CTL_BYTES,
                                   .words = words,
                                   .limits = ctl_limits_default };

    request.limits.output_bytes = 0;
    struct run *run = begin_with(*state, &request);
    run->pause_at = 1;
    while (run->n_lines == 0)
        turn(*state);
    size_t n_before = run->n_bytes;
    assert_true(n_before < n);
    let_others_work(*state);
    assert_int_equal(run->n_bytes, n_before);
    ctl_resume(run->ctl);
    wait_for(run);
    assert_int_equal(run->n_bytes, n);
    run_free(run);
}

static void test_pause_over_the_end(void **state)
{
    struct run *run = begin(*state, CTL_BYTES, "many", "1000");

    ctl_pause(run->ctl);
    let_others_work(*state);
    assert_false(run->is_done);
    assert_int_equal(run->n_bytes, 0);
    ctl_resume(run->ctl);
    wait_for(run);
    assert_int_equal(run->n_bytes, 1000);
    run_free(run);
}

// ---- leaving, and many ------------------------------------------------------------------------

static void wait_until_none_runs(struct world *world)
{
    while (ctl_pool_running(world->pool) > 0)
        turn(world);
}

static void test_leave(void **state)
{
    struct world *world = *state;

    for (unsigned at = 0; at < 3; at++) { // before anything has come, within a call, paused
        struct run *run = begin(world, CTL_LINES, "flood", NULL);
        run->leave_at = at == 1 ? 2 : 0;
        if (at == 2)
            ctl_pause(run->ctl);
        if (at != 1)
            ctl_leave(TAKE(run->ctl));
        wait_until_none_runs(world);
        assert_false(run->is_done);
        run_free(run);
    }
}

static void test_leave_after_the_end(void **state)
{
    struct world *world = *state;
    struct run   *run = begin(world, CTL_BYTES, "many", "10");

    ctl_pause(run->ctl);
    let_others_work(world); // it has most likely ended meanwhile
    ctl_leave(TAKE(run->ctl));
    wait_until_none_runs(world);
    assert_false(run->is_done);
    run_free(run);
}

static void test_many(void **state)
{
    struct world *world = *state;
    struct run   *runs[RUNS_MAX];
    struct ctl   *one_more = NULL;
    struct error  err = { 0 };

    let_others_work(world); // the loop has its own timer from now on
    size_t n_before = n_fds();
    for (size_t i = 0; i < RUNS_MAX; i++)
        runs[i] = begin(world, CTL_WHOLE, i % 2 ? "both" : "say", "word");
    const char *words[] = { "both", NULL };
    assert_int_equal(ctl_run(&one_more, world->pool,
                             &(struct ctl_request){ .words = words, .limits = ctl_limits_default },
                             &handler, NULL, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    for (size_t i = 0; i < RUNS_MAX; i++) {
        wait_for(runs[i]);
        assert_string_equal(runs[i]->whole, i % 2 ? "one\nthree" : "word\n");
        run_free(runs[i]);
    }
    assert_int_equal(ctl_pool_running(world->pool), 0);
    assert_int_equal(n_fds(), n_before);
}

static void test_close_while_they_run(void **state)
{
    struct world *world = *state;

    let_others_work(world); // as above
    size_t      n_before = n_fds();
    struct run *runs[] = { begin(world, CTL_LINES, "deaf", NULL),
                           begin(world, CTL_WHOLE, "flood", NULL),
                           begin(world, CTL_BYTES, "wait", NULL) };

    turn(world);
    world->pool = ctl_pool_close(world->pool);
    for (size_t i = 0; i < ELEMENTS(runs); i++) {
        assert_false(runs[i]->is_done);
        run_free(runs[i]);
    }
    assert_int_equal(n_fds(), n_before);
}

static void test_no_program(void **state)
{
    struct world                          *world = *state;
    AUTO(ctl_pool_closep) struct ctl_pool *pool = NULL;
    const char                            *words[] = { "x", NULL };
    struct ctl_request request = { .words = words, .limits = ctl_limits_default };
    struct ctl        *ctl = NULL;
    struct error       err = { 0 };
    size_t             n_before = n_fds();

    assert_int_equal(ctl_pool_open(&pool, world->event, "/nowhere/l4d2ctl", 1, &err), 0);
    assert_int_equal(ctl_run(&ctl, pool, &request, &handler, NULL, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "/nowhere/l4d2ctl"));
    assert_int_equal(ctl_pool_running(pool), 0);
    assert_int_equal(n_fds(), n_before);
}

// ---- answers ----------------------------------------------------------------------------------

static void test_answers(void **state)
{
    static const struct {
        const char     *output;
        int             code, signal;
        enum error_kind want; // ERROR_NONE: a document
        const char     *message;
    } cases[] = {
        { "{\"a\": 1}\n", 0, 0, ERROR_NONE, "{\"a\":1}" },
        { "{\"line\": 1}\n{\"line\": 2}\n{\n  \"a\": 2\n}\n", 0, 0, ERROR_NONE, "{\"a\":2}" },
        { "", 0, 0, ERROR_FAILED, "l4d2ctl gave no answer" },
        { "not JSON\n", 0, 0, ERROR_FAILED, "l4d2ctl gave no answer" },
        { "{\"a\": 1}\n{\"error\": {\"kind\": \"not-found\", \"message\": \"there is none\"}}\n", 3,
          0, ERROR_NOT_FOUND, "there is none" },
        { "{\n  \"error\": {\n \"kind\": \"invalid\",\n \"message\": \"no\\u0001\"}}", 2, 0,
          ERROR_INVALID, "no?" },
        { "{\"error\": {\"kind\": \"odd\", \"message\": \"m\"}}", 1, 0, ERROR_FAILED, "m" },
        { "{\"error\": {\"kind\": \"none\", \"message\": \"m\"}}", 1, 0, ERROR_FAILED, "m" },
        { "{\"error\": \"m\"}", 1, 0, ERROR_FAILED,
          "l4d2ctl ended with code 1 and did not say why" },
        { "[]", 4, 0, ERROR_FAILED, "l4d2ctl ended with code 4 and did not say why" },
        { "{\"a\": 1}", -1, 9, ERROR_FAILED, "l4d2ctl was ended by signal 9" },
    };

    (void)state;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct ctl_end end = { .code = cases[i].code,
                               .signal = cases[i].signal,
                               .output = cases[i].output,
                               .n_output = strlen(cases[i].output),
                               .limits = ctl_limits_default };
        struct error   err = { 0 };
        json_t        *json = NULL;
        int            r = answer_read(&json, &end, &err);
        assert_int_equal(r, cases[i].want == ERROR_NONE ? 0 : -1);
        assert_int_equal(err.kind, cases[i].want);
        AUTO(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : strdup(err.message);
        assert_string_equal(text, cases[i].message);
        json_decref(json);
    }
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_lines),
        IN_WORLD(test_odd_lines),
        IN_WORLD(test_words_are_no_shell),
        IN_WORLD(test_whole),
        IN_WORLD(test_exits),
        IN_WORLD(test_input),
        IN_WORLD(test_nothing_of_ours),
        IN_WORLD(test_too_large),
        IN_WORLD(test_cut_lines),
        IN_WORLD(test_too_long),
        IN_WORLD(test_stop),
        IN_WORLD(test_stop_who_does_not_hear),
        IN_WORLD(test_who_is_left_behind_is_killed),
        IN_WORLD(test_pause),
        IN_WORLD(test_pause_over_the_end),
        IN_WORLD(test_leave),
        IN_WORLD(test_leave_after_the_end),
        IN_WORLD(test_many),
        IN_WORLD(test_close_while_they_run),
        IN_WORLD(test_no_program),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
