// SPDX-License-Identifier: MIT
#include "steam/update.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/done.h"
#include "base/fd.h"
#include "base/text.h"
#include "guard/guard.h"
#include "steam/child.h"
#include "steam/manifest.h"
#include "steam/output.h"
#include "steam/progress.h"

#define SHOW_MAX         1400u               // bytes of a line of SteamCMD as it is passed on
#define HIDDEN_MAX_BYTES (UINT64_C(1) << 30) // it is not known to hide anything

struct update {
    const struct install_paths *paths;
    FILE                       *out;
    int                         signals_fd;
    struct guard               *guard;
    char                        program[PATH_MAX];
    char                        home[PATH_MAX];
    struct progress             progress;
    enum steam_phase            phase;
    struct steam_event          result; // of the run at hand: the last success or failure seen
};

static const struct phase {
    const char *platform;
    const char *option; // after the app, NULL: none
    const char *words;
} phases[] = {
    [STEAM_PHASE_WINDOWS] = { "windows", NULL, "step 1 of 2: the files of the Windows version" },
    [STEAM_PHASE_LINUX] = { "linux", "validate", "step 2 of 2: the Linux files, and a check" },
};
_Static_assert(ELEMENTS(phases) == STEAM_PHASE_COUNT, "every phase has a row");

static void print(const struct update *update, const char *format, ...) PRINTF_LIKE(2, 3);

static void print(const struct update *update, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(update->out, format, args); // whoever closed it does not want to know
    va_end(args);
    (void)fputc('\n', update->out);
    (void)fflush(update->out);
}

// The two ways to fail: with a fault of SteamCMD's, or with an error of our own. Both print.
static int fail_with(const struct update *update, const char *code, struct error *err)
{
    print(update, "error %s %s", code, err->message);
    return -1;
}

static int fail_of(const struct update *update, const struct steam_fault *fault, struct error *err)
{
    (void)error_set(err, ERROR_FAILED, "%s", fault->sentence);
    return fail_with(update, fault->code, err);
}

// ---- reading SteamCMD -------------------------------------------------------------------------

static void take_line(void *user, const char *line, size_t n_line)
{
    struct update     *update = user;
    struct steam_event event = steam_output_parse(line, n_line);
    char               shown[SHOW_MAX];

    switch (event.kind) {
    case STEAM_PROGRESS:
        if (progress_take(&update->progress, update->phase, &event))
            print(update, "progress %" PRIu32 " %" PRIu64 " %" PRIu64 " %s",
                  update->progress.permille / 10, event.done, event.total,
                  progress_words(update->phase, event.state));
        return;
    case STEAM_SUCCESS:
    case STEAM_RETRY:
    case STEAM_FAILURE:
        update->result = event;
        break;
    case STEAM_OTHER:
        break;
    }
    size_t skipped = steam_output_decoration(line, n_line);
    (void)text_sanitize(shown, sizeof shown, line + skipped, n_line - skipped);
    print(update, "steamcmd: %s", shown);
}

// ---- one run ----------------------------------------------------------------------------------

static int run_steamcmd(struct update *update, struct child_result *ret, struct error *err)
{
    const struct phase *phase = &phases[update->phase];
    const char *const   argv[] = {
          update->program,
          "+@ShutdownOnFailedCommand",
          "1",
          "+@NoPromptForPassword",
          "1",
          "+@sSteamCmdForcePlatformType",
          phase->platform,
          "+force_install_dir",
          update->paths->tree_dir, // before the login, or it is ignored
          "+login",
          "anonymous",
          "+app_update",
          MANIFEST_APP,
        phase->option ? phase->option : "+quit",
        phase->option ? "+quit" : NULL,
          NULL,
    };
    const char *const envp[] = {
        update->home, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/games", "LANG=C.UTF-8", "TMPDIR=/tmp",
        NULL,
    };
    struct child_spec spec = { update->program, argv, envp, update->paths->tree_dir };

    update->result = (struct steam_event){ 0 };
    return child_run(ret, &spec, update->signals_fd, take_line, update, err);
}

// Whether it has kept within its limits.
static int measure(struct update *update, struct error *err)
{
    struct measured size;

    return guard_finish(update->guard, &size, err) < 0 ? fail_with(update, "limit", err) : 0;
}

// Nothing it printed says why it failed.
static int fail_silent(const struct update *update, const struct child_result *child,
                       struct error *err)
{
    if (child->signal)
        (void)error_set(
            err, ERROR_FAILED,
            "SteamCMD died of signal %d (%s): try again; with --verbose its last lines may say "
            "why",
            child->signal, strsignal(child->signal));
    else
        (void)error_set(err, ERROR_FAILED,
                        "SteamCMD ended with exit code %d and did not say that the app is "
                        "installed: with --verbose its last lines may say why",
                        child->code);
    return fail_with(update, child->signal ? "crashed" : "failed", err);
}

// Tries a phase once. 1: it wants to be tried again.
static int try_phase(struct update *update, struct error *err)
{
    struct child_result child = { 0 };

    if (run_steamcmd(update, &child, err) < 0)
        return fail_with(update, "start", err);
    if (has_guard_ended(update->guard)) // it says why when it is asked for the size
        return measure(update, err);
    if (child.is_stopped) {
        (void)error_set(err, ERROR_FAILED, "the update was stopped");
        return fail_with(update, "stopped", err);
    }
    switch (update->result.kind) {
    case STEAM_SUCCESS:
        return 0;
    case STEAM_RETRY:
        return 1;
    case STEAM_FAILURE:
        return fail_of(update, update->result.fault, err);
    case STEAM_PROGRESS:
    case STEAM_OTHER:
        break;
    }
    return fail_silent(update, &child, err);
}

static int run_phase(struct update *update, enum steam_phase phase, struct error *err)
{
    update->phase = phase;
    print(update, "note %s", phases[phase].words);
    for (unsigned retry = 0;; retry++) {
        int result = try_phase(update, err);
        if (result <= 0)
            return result;
        if (retry == UPDATE_RETRIES_MAX)
            return fail_of(update, update->result.fault, err);
        print(update, "note Steam says 'Missing configuration', which goes away: retry %u of %u",
              retry + 1, UPDATE_RETRIES_MAX);
    }
}

// ---- the whole --------------------------------------------------------------------------------

static int prepare(struct update *update, struct error *err)
{
    char *home = update->home;

    (void)snprintf(home, sizeof update->home, "HOME=%s/home", update->paths->cache_dir);
    if (mkdir(home + strlen("HOME="), 0755) < 0 && errno != EEXIST) {
        (void)error_sys(err, errno, "making '%s'", home + strlen("HOME="));
        return fail_with(update, "cache", err);
    }
    if (install_find_steamcmd(update->program, update->paths, err) < 0)
        return fail_with(update, err->kind == ERROR_NOT_FOUND ? "no-steamcmd" : "cache", err);
    return 0;
}

static int mark_done(const char *tree_dir, struct error *err)
{
    AUTO_FD fd = open(tree_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", tree_dir);
    return done_mark(fd, err);
}

static int finish(struct update *update, struct error *err)
{
    uint64_t     build_id = 0;
    struct error why = { 0 };

    if (measure(update, err) < 0)
        return -1;
    if (install_check(&build_id, update->paths, err) < 0)
        return fail_with(update, "incomplete", err);
    if (install_steamclient(update->paths, &why) < 0)
        print(update, "note servers may stay in LAN mode, for want of steamclient.so: %s",
              why.message);
    if (mark_done(update->paths->tree_dir, err) < 0)
        return fail_with(update, "mark", err);
    print(update, "done %" PRIu64, build_id);
    return 0;
}

static int watch(struct update *update, uint64_t output_max_bytes, struct error *err)
{
    const struct guard_spec spec = {
        .roots = { update->paths->tree_dir, update->paths->cache_dir },
        .bytes_max = output_max_bytes,
        .hidden_max_bytes = HIDDEN_MAX_BYTES,
    };

    return guard_start(&update->guard, &spec, err) < 0 ? fail_with(update, "limit", err) : 0;
}

static int run_all(struct update *update, uint64_t output_max_bytes, struct error *err)
{
    if (prepare(update, err) < 0 || watch(update, output_max_bytes, err) < 0)
        return -1;
    for (unsigned phase = 0; phase < STEAM_PHASE_COUNT; phase++)
        if (run_phase(update, (enum steam_phase)phase, err) < 0)
            return -1;
    return finish(update, err);
}

int update_run(const struct install_paths *paths, uint64_t output_max_bytes, FILE *out,
               struct error *err)
{
    AUTO(freep) struct update *update = calloc(1, sizeof *update);
    AUTO_FD                    signals_fd = -1;

    if (!update)
        return error_sys(err, ENOMEM, "starting the update");
    update->paths = paths;
    update->out = out;
    if (child_signals_open(&signals_fd, err) < 0)
        return fail_with(update, "start", err);
    update->signals_fd = signals_fd;
    int result = run_all(update, output_max_bytes, err);
    update->guard = guard_free(update->guard);
    return result;
}
