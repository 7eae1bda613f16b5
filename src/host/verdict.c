// SPDX-License-Identifier: MIT
#include "host/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "host/limittext.h"

#define SIGNAL_BASE     128 // an exit code of so much and N stands for signal N
#define EXIT_STATUS_MAX 255u
#define US_PER_S        UINT64_C(1000000)

const char *verdict_state_word(const char *active_state, const char *sub_state)
{
    static const struct {
        const char *active, *sub, *word; // sub NULL: any
    } rows[] = {
        { "inactive", NULL, "stopped" },
        { "failed", NULL, "failed" },
        { "activating", "auto-restart", "restarting" },
        { "activating", "auto-restart-queued", "restarting" },
        { "activating", NULL, "starting" },
        { "active", NULL, "running" },
        { "reloading", NULL, "running" },
        { "deactivating", NULL, "stopping" },
        { "", NULL, "stopped" },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strcmp(rows[i].active, active_state) == 0 &&
            (!rows[i].sub || strcmp(rows[i].sub, sub_state) == 0))
            return rows[i].word;
    return active_state;
}

// "SIGSEGV" of 11; "" of an unknown one.
static const char *signal_word(int signal)
{
    static const struct {
        int         number;
        const char *word;
    } rows[] = {
        { SIGHUP, "SIGHUP" },   { SIGINT, "SIGINT" },   { SIGQUIT, "SIGQUIT" },
        { SIGILL, "SIGILL" },   { SIGTRAP, "SIGTRAP" }, { SIGABRT, "SIGABRT" },
        { SIGBUS, "SIGBUS" },   { SIGFPE, "SIGFPE" },   { SIGKILL, "SIGKILL" },
        { SIGUSR1, "SIGUSR1" }, { SIGSEGV, "SIGSEGV" }, { SIGUSR2, "SIGUSR2" },
        { SIGPIPE, "SIGPIPE" }, { SIGALRM, "SIGALRM" }, { SIGTERM, "SIGTERM" },
        { SIGXCPU, "SIGXCPU" }, { SIGXFSZ, "SIGXFSZ" }, { SIGSYS, "SIGSYS" },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (rows[i].number == signal)
            return rows[i].word;
    return "";
}

static void read_exit(struct exit_verdict *verdict, const struct unit_state *state)
{
    bool is_exit = state->exit_code == CLD_EXITED;

    verdict->has_ended = state->exit_code != 0;
    verdict->code = is_exit && state->exit_status < SIGNAL_BASE ? state->exit_status : -1;
    if (verdict->has_ended && verdict->code < 0)
        verdict->signal = is_exit ? state->exit_status - SIGNAL_BASE : state->exit_status;
    verdict->signal_word = signal_word(verdict->signal);
    verdict->is_out_of_memory = strcmp(state->result, "oom-kill") == 0;
}

// What the process itself said: by its code or by its signal.
static void say_exit(struct exit_verdict *verdict)
{
    size_t size = sizeof verdict->sentence;

    if (verdict->signal == SIGINT || verdict->signal == SIGTERM)
        (void)snprintf(verdict->sentence, size, "the game was told to end (%s)",
                       verdict->signal_word);
    else if (verdict->signal == SIGKILL)
        (void)snprintf(verdict->sentence, size, "the game was killed (SIGKILL)");
    else if (verdict->signal && *verdict->signal_word)
        (void)snprintf(verdict->sentence, size, "the game crashed: %s", verdict->signal_word);
    else if (verdict->signal)
        (void)snprintf(verdict->sentence, size, "the game crashed: signal %d", verdict->signal);
    else if (verdict->code > 0)
        (void)snprintf(verdict->sentence, size, "the game ended with code %d", verdict->code);
    else if (verdict->has_ended)
        (void)snprintf(verdict->sentence, size, "the game ended normally");
}

static void say_memory(struct exit_verdict *verdict, const struct unit_state *state)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (state->memory_max_bytes != UINT64_MAX)
        limittext_format_bytes(&text, state->memory_max_bytes);
    (void)snprintf(verdict->sentence, sizeof verdict->sentence, "ended by %s%s",
                   text.n ? "the memory limit of " : "the kernel: out of memory",
                   text.n ? text.bytes : ""); // short words
}

static void say_timeout(struct exit_verdict *verdict, const struct unit_state *state)
{
    // A stop that takes too long has the same result; then the run had been ready.
    if (state->ready_mono_us > state->start_mono_us)
        (void)snprintf(verdict->sentence, sizeof verdict->sentence,
                       "did not end in time when it was stopped, and was killed");
    else
        (void)snprintf(verdict->sentence, sizeof verdict->sentence,
                       "did not become ready within %" PRIu64 " s",
                       state->start_timeout_us / US_PER_S);
}

// The init system gave up: it keeps the result of the last crash then, so the count tells. Only a
// stop that took too long fails after so many restarts without having been given up.
static bool is_given_up(const struct unit_state *state)
{
    if (strcmp(state->result, "start-limit-hit") == 0)
        return true;
    return strcmp(state->active_state, "failed") == 0 && state->restart_limit > 0 &&
           state->n_restarts >= state->restart_limit &&
           !(strcmp(state->result, "timeout") == 0 && state->ready_mono_us > state->start_mono_us);
}

static void say_given_up(struct exit_verdict *verdict, const struct unit_state *state)
{
    char last[sizeof verdict->sentence];

    memcpy(last, verdict->sentence, sizeof last);
    (void)snprintf(
        verdict->sentence, sizeof verdict->sentence,
        "crashed %" PRIu32 " times in %" PRIu64 " s; fix the cause, then start it again%s%.60s",
        state->restart_limit, state->restart_limit_us / US_PER_S, *last ? ": " : "", last);
}

// It was to be started after it last ran, and its assertion did not hold.
static bool is_refused(const struct unit_state *state)
{
    return state->assert_mono_us > state->start_mono_us && !state->is_assert_met;
}

static void say_resources(struct exit_verdict *verdict, const struct unit_state *state)
{
    (void)state;
    (void)snprintf(verdict->sentence, sizeof verdict->sentence,
                   "the init system could not set up the server; the log says why");
}

void verdict_exit(struct exit_verdict *ret, const struct unit_state *state)
{
    static const struct {
        const char *result;
        void (*say)(struct exit_verdict *verdict, const struct unit_state *state);
    } rows[] = {
        { "oom-kill", say_memory },
        { "timeout", say_timeout },
        { "resources", say_resources },
    };
    struct exit_verdict verdict = { .code = -1 };

    read_exit(&verdict, state);
    say_exit(&verdict);
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strcmp(rows[i].result, state->result) == 0)
            rows[i].say(&verdict, state);
    if (is_given_up(state))
        say_given_up(&verdict, state);
    if (!*verdict.sentence && strcmp(state->result, "protocol") == 0)
        (void)snprintf(verdict.sentence, sizeof verdict.sentence,
                       "the server ended before it was ready");
    if (is_refused(state))
        (void)snprintf(verdict.sentence, sizeof verdict.sentence,
                       "it was not started: " UNITS_NO_FILTER_SENTENCE);
    *ret = verdict;
}

// ---- builds ------------------------------------------------------------------------------------

static void build_memory(char ret[VERDICT_BUILD_MAX], const char *noun,
                         const struct unit_state *state)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (state->memory_max_bytes != UINT64_MAX)
        limittext_format_bytes(&text, state->memory_max_bytes);
    (void)snprintf(ret, VERDICT_BUILD_MAX, "the %s was ended by %s%s", noun,
                   text.n ? "the memory limit of " : "the kernel: out of memory",
                   text.n ? text.bytes : ""); // short words
}

static void build_timeout(char ret[VERDICT_BUILD_MAX], const char *noun,
                          const struct unit_state *state)
{
    uint64_t seconds = state->start_timeout_us / US_PER_S;
    bool     is_hours = seconds >= 3600 && seconds % 3600 == 0;

    (void)snprintf(ret, VERDICT_BUILD_MAX,
                   "the %s was ended: it took longer than the %" PRIu64 "%s that it may take", noun,
                   is_hours ? seconds / 3600 : seconds, is_hours ? " h" : " s"); // short words
}

static void build_signal(char ret[VERDICT_BUILD_MAX], const char *noun,
                         const struct unit_state *state)
{
    const char *word = signal_word(state->exit_status);

    if (state->exit_code != CLD_KILLED && state->exit_code != CLD_DUMPED)
        return;
    (void)snprintf(ret, VERDICT_BUILD_MAX, "the %s was killed from outside by signal %d%s%s%s",
                   noun, (int)state->exit_status, *word ? " (" : "", word, *word ? ")" : "");
}

void verdict_build(char ret[VERDICT_BUILD_MAX], const char *noun, bool is_cancelled,
                   const struct unit_state *state)
{
    static const struct {
        const char *result;
        void (*say)(char ret[VERDICT_BUILD_MAX], const char *noun, const struct unit_state *state);
    } rows[] = {
        { "oom-kill", build_memory },
        { "timeout", build_timeout },
        { "signal", build_signal },
        { "core-dump", build_signal },
    };

    *ret = '\0';
    if (is_cancelled)
        (void)snprintf(ret, VERDICT_BUILD_MAX, "the %s was cancelled: nothing has changed", noun);
    for (size_t i = 0; i < ELEMENTS(rows) && !is_cancelled; i++)
        if (strcmp(rows[i].result, state->result) == 0)
            rows[i].say(ret, noun, state);
}

bool verdict_script_code(int *ret, const char *sentence)
{
    static const char beginning[] = "the script ended with exit code ";
    struct error      ignored;
    uint32_t          code = 0;

    if (strncmp(sentence, beginning, sizeof beginning - 1) != 0 ||
        number_parse_u32(&code, sentence + sizeof beginning - 1, 1, EXIT_STATUS_MAX, &ignored) < 0)
        return false;
    *ret = (int)code;
    return true;
}

// ---- lines of the init system ------------------------------------------------------------------

// Copies what stands between `prefix` and one of `ends`. False: it is not in the line.
static bool take_between(char *ret, size_t size, const char *line, const char *prefix,
                         const char *ends)
{
    const char *start = strstr(line, prefix);

    if (!start)
        return false;
    start += strlen(prefix);
    size_t n = strcspn(start, ends);
    if (n == 0 || n >= size || !start[n])
        return false;
    memcpy(ret, start, n);
    ret[n] = '\0';
    return true;
}

static bool read_main_exit(struct unit_state *state, const char *line)
{
    static const struct {
        const char *word;
        int32_t     code;
    } codes[] = { { "exited", CLD_EXITED }, { "killed", CLD_KILLED }, { "dumped", CLD_DUMPED } };
    struct error ignored;
    char         code[16], status[16];
    uint32_t     number = 0;

    if (!take_between(code, sizeof code, line, "Main process exited, code=", ",") ||
        !take_between(status, sizeof status, line, ", status=", "/") ||
        number_parse_u32(&number, status, 0, EXIT_STATUS_MAX, &ignored) < 0)
        return false;
    for (size_t i = 0; i < ELEMENTS(codes); i++)
        if (strcmp(codes[i].word, code) == 0) {
            state->exit_code = codes[i].code;
            state->exit_status = (int32_t)number;
            return true;
        }
    return false;
}

// Of a clean end there is no line about the main process.
static bool read_clean_end(struct unit_state *state, const char *line)
{
    static const char end[] = ".service: Deactivated successfully.";
    size_t            n = strlen(line), n_end = sizeof end - 1;

    if (n < n_end || strcmp(line + n - n_end, end) != 0)
        return false;
    state->exit_code = CLD_EXITED;
    state->exit_status = 0;
    memcpy(state->result, "success", sizeof "success");
    return true;
}

bool verdict_read_line(struct unit_state *state, const char *line)
{
    return read_main_exit(state, line) || read_clean_end(state, line) ||
           take_between(state->result, sizeof state->result, line, ": Failed with result '", "'");
}

bool verdict_is_failure(const char *line)
{
    static const char *const beginnings[] = { "Failed to start ", "Dependency failed for ",
                                              "Assertion failed for ", "Timed out starting " };

    for (size_t i = 0; i < ELEMENTS(beginnings); i++)
        if (strncmp(line, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return strstr(line, ".service: Failed with result '");
}
