// SPDX-License-Identifier: MIT

// install: runs SteamCMD in its sandbox, shows how it goes, and waits for the publication.
//
// The init system starts the publication when the update has succeeded, whoever else has died; so
// this command may be killed at any time. It watches, and removes the scratch at the end.

#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "cli/interrupt.h"
#include "host/broker.h"
#include "host/journal.h"
#include "host/overlays.h"
#include "host/steamline.h"

#define KEEP_GENERATIONS 3u
#define STEP_PERCENT     5u // between two lines when no terminal shows them
#define FAILURE_LINES    50u
#define ATTACH_LINES     20u
#define WAIT_MS          1000
#define DRAIN_MS         300 // the journal may be behind the init system by as much
#define MARK_WAIT_MS     6000
#define STOP_TIMEOUT_MS  60000u
#define FULL_BYTES       (64u << 10) // less than this is nothing
#define PUBLISH_GRACE_S  15          // from the end of the update to the start of its publication

// ---- --steamcmd: where SteamCMD is -------------------------------------------------------------

// The directory that holds the program `path` names, or that `path` is.
static int find_directory(char ret[PATH_MAX], const char *path, struct error *err)
{
    struct stat st;
    char       *slash;

    if (!realpath(path, ret))
        return errno == ENOENT || errno == ENOTDIR
                   ? error_set(err, ERROR_INVALID, "there is no SteamCMD at %.120s", path)
                   : error_sys(err, errno, "SteamCMD at %.120s", path);
    if (stat(ret, &st) < 0)
        return error_sys(err, errno, "SteamCMD at %.120s", path);
    if (S_ISDIR(st.st_mode))
        return 0;
    slash = strrchr(ret, '/');
    if (!S_ISREG(st.st_mode) || !slash ||
        (strcmp(slash, "/steamcmd.sh") != 0 && strcmp(slash, "/steamcmd") != 0))
        return error_set(err, ERROR_INVALID,
                         "%.120s is neither a directory nor a program called steamcmd.sh or "
                         "steamcmd",
                         path);
    *(slash == ret ? slash + 1 : slash) = '\0';
    return 0;
}

// The sandbox runs as another user, so modes count, not that root may read everything.
static int check_directory(const char *dir, struct error *err)
{
    static const char *const programs[] = { "steamcmd.sh", "steamcmd" };
    AUTO_FD                  fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat              st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening %.150s", dir);
    if ((st.st_mode & 0005) != 0005)
        return error_set(err, ERROR_DENIED,
                         "%.120s is closed to other users, but SteamCMD runs as left4me-build: "
                         "run 'chmod -R o+rX' on it",
                         dir);
    for (size_t i = 0; i < ELEMENTS(programs); i++)
        if (fstatat(fd, programs[i], &st, 0) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mode & 0005) == 0005)
            return 0;
    return error_set(err, ERROR_INVALID,
                     "%.120s holds no steamcmd.sh or steamcmd that every user may run", dir);
}

static int point_link(const char *link, const char *target, struct error *err)
{
    char dir[PATH_MAX], tmp[PATH_MAX];

    (void)snprintf(dir, sizeof dir, "%s", link); // our own short constant
    *strrchr(dir, '/') = '\0';
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making %s", dir);
    if (chmod(dir, 0755) < 0) // the umask took from it what left4me needs
        return error_sys(err, errno, "opening %s to all", dir);
    (void)snprintf(tmp, sizeof tmp, "%s.tmp", link); // likewise
    if (unlink(tmp) < 0 && errno != ENOENT)
        return error_sys(err, errno, "removing %s", tmp);
    if (symlink(target, tmp) < 0 || rename(tmp, link) < 0)
        return error_sys(err, errno, "pointing %s at SteamCMD", link);
    return 0;
}

int install_prepare(struct cli *cli, struct error *err)
{
    char dir[PATH_MAX];

    if (!cli->steamcmd)
        return 0;
    if (geteuid() != 0)
        return error_set(err, ERROR_DENIED, "only root may say where SteamCMD is");
    if (find_directory(dir, cli->steamcmd, err) < 0 || check_directory(dir, err) < 0)
        return -1;
    return point_link(cli->paths->steamcmd_link, dir, err);
}

// ---- progress ----------------------------------------------------------------------------------

struct install {
    struct cli          *cli;
    struct units        *units;
    struct journal      *journal;
    struct instance_name build_name; // its number, for the log reader
    uint32_t             build, job;
    bool                 is_attached; // somebody else started it
    bool                 is_terminal;
    bool                 has_mark;        // the log of before has been read
    bool                 has_line;        // an unfinished line is on the terminal
    bool                 is_out_of_space; // says the publisher
    unsigned             next_percent;
    char                 failure[ERROR_MESSAGE_MAX]; // of the driver's error line
};

static void install_done(struct install *install)
{
    journal_close(install->journal);
    units_close(install->units);
}

static void end_line(struct install *install)
{
    if (install->has_line)
        (void)putchar('\n');
    install->has_line = false;
}

static void show_progress(struct install *install, const struct steamline *line)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    if (!install->is_terminal && line->percent < install->next_percent)
        return;
    install->next_percent = (line->percent / STEP_PERCENT + 1) * STEP_PERCENT;
    buffer_printf(&text, "%s%3u %%  ", install->is_terminal ? "\r\x1b[K" : "", line->percent);
    if (line->total > 0) {
        output_size(&text, line->done);
        buffer_add_string(&text, " of ");
        output_size(&text, line->total);
        buffer_add_string(&text, "  ");
    }
    buffer_add_escaped(&text, line->words, strlen(line->words));
    if (!install->is_terminal)
        buffer_add_string(&text, "\n");
    install->has_line = install->is_terminal;
    output_flush(&text);
}

static void show_words(struct install *install, const char *words)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    end_line(install);
    buffer_add_escaped(&text, words, strlen(words));
    buffer_add_string(&text, "\n");
    output_flush(&text);
}

static void show_line(struct install *install, const char *text)
{
    struct steamline line = steamline_parse(text);
    bool             is_quiet = install->cli->is_json;

    switch (line.kind) {
    case STEAMLINE_PROGRESS:
        if (!is_quiet)
            show_progress(install, &line);
        break;
    case STEAMLINE_NOTE:
        if (!is_quiet)
            show_words(install, line.words);
        break;
    case STEAMLINE_ERROR:
        (void)snprintf(install->failure, sizeof install->failure, "%s", line.words); // cut is fine
        break;
    case STEAMLINE_OTHER:
        if (!is_quiet && install->cli->is_verbose)
            show_words(install, text);
        break;
    }
    (void)fflush(stdout); // main checks stdout
}

// Shows what the log has to say now; waits `timeout_ms` for the first line.
static int read_log(struct install *install, int timeout_ms, struct error *err)
{
    struct journal_line line;
    bool                is_end = false;
    int                 r;

    while ((r = journal_next(install->journal, timeout_ms, &line, &is_end, err)) > 0)
        if (line.is_mark)
            install->has_mark = true;
        else
            show_line(install, line.text);
    if (is_end) // the update goes on without a log
        return error_set(err, ERROR_UNAVAILABLE, "the log reader went away");
    return r;
}

// Reads what the update wrote last. The log reader may only be starting, and the journal may be
// behind the init system.
static int drain_log(struct install *install, struct error *err)
{
    for (int i = 0; !install->has_mark && i < MARK_WAIT_MS / DRAIN_MS; i++)
        if (read_log(install, DRAIN_MS, err) < 0)
            return -1;
    return read_log(install, DRAIN_MS, err);
}

// ---- the update --------------------------------------------------------------------------------

static int open_log(struct install *install, enum log_source source, uint32_t n_lines,
                    uint32_t flags, struct error *err)
{
    journal_close(install->journal);
    install->journal = NULL;
    return journal_open(&install->journal, install->cli->paths, source, &install->build_name,
                        n_lines, flags, err);
}

static void take_build(struct install *install, const struct reply *reply, uint32_t build)
{
    install->build = build;
    install->job = reply->job;
    (void)snprintf(install->build_name.text, sizeof install->build_name.text, "%" PRIu32,
                   build); // ten digits fit
}

static int begin(struct install *install, struct error *err)
{
    const struct host_paths *paths = install->cli->paths;
    struct stat              st;
    struct reply             reply;
    uint32_t                 base = 0;

    if (lstat(paths->steamcmd_link, &st) < 0 && errno == ENOENT)
        return error_set(err, ERROR_DENIED,
                         "it is not known where SteamCMD is: run 'l4d2ctl install --steamcmd PATH' "
                         "as root");
    if (lstat(paths->steamcmd_link, &st) < 0)
        return error_sys(err, errno, "looking at %s", paths->steamcmd_link);
    if (overlays_current(&base, paths, GAME_OVERLAY, err) < 0)
        return -1;
    if (broker_build_start(paths, BUILD_UPDATE, GAME_OVERLAY, base, KEEP_GENERATIONS, &reply, err) <
        0) {
        if (err->kind != ERROR_BUSY || reply.build == 0)
            return -1;
        install->is_attached = true;
        if (!install->cli->is_json)
            puts("An update is running already; this is how it goes.");
    }
    take_build(install, &reply, reply.build);
    return open_log(install, LOG_UPDATE, ATTACH_LINES, LOG_FOLLOW, err);
}

static bool is_over(const char *active_state)
{
    return strcmp(active_state, "inactive") == 0 || strcmp(active_state, "failed") == 0;
}

// Waits for a word from the init system or the log, or for Ctrl-C.
static void wait_for_news(struct install *install)
{
    struct pollfd fds[] = { { .fd = units_fd(install->units), .events = POLLIN },
                            { .fd = journal_fd(install->journal), .events = POLLIN } };

    (void)poll(fds, ELEMENTS(fds), WAIT_MS); // whatever ended it, everything is looked at next
}

// Has the update ended, and how? *ret_result is the job's, or "gone" when nobody has seen its end.
static int ask_end(struct install *install, bool *ret_has_ended, char ret_result[UNITS_WORD_MAX],
                   struct error *err)
{
    struct unit_state state;

    *ret_has_ended = true;
    (void)snprintf(ret_result, UNITS_WORD_MAX, "gone"); // it fits
    if (units_dispatch(install->units, err) < 0)
        return -1;
    if (install->job && units_job_has_ended(install->units, install->job, ret_result))
        return 0;
    if (units_state(install->units, UNIT_UPDATE, install->build_name.text, &state, err) < 0)
        return -1;
    // A job that still waits for the mount has an inactive unit: ask for the job as well.
    if (!is_over(state.active_state) ||
        (install->job && units_job_exists(install->units, install->job))) {
        *ret_has_ended = false;
        return 0;
    }
    // The signal may have come while we asked.
    if (units_dispatch(install->units, err) < 0)
        return -1;
    if (!(install->job && units_job_has_ended(install->units, install->job, ret_result)) &&
        strcmp(state.active_state, "failed") == 0)
        (void)snprintf(ret_result, UNITS_WORD_MAX, "failed"); // it fits
    return 0;
}

// Shows the update until it ends or is interrupted; `ret_result` is empty then.
static int watch_update(struct install *install, char ret_result[UNITS_WORD_MAX], struct error *err)
{
    bool has_ended = false;

    *ret_result = '\0';
    while (!interrupt_came()) {
        if (read_log(install, 0, err) < 0 || ask_end(install, &has_ended, ret_result, err) < 0)
            return -1;
        if (has_ended)
            return drain_log(install, err);
        *ret_result = '\0';
        wait_for_news(install);
    }
    return 0;
}

static void remove_scratch(const struct install *install)
{
    struct reply reply;
    struct error err;

    // The next update removes it if this fails, so it is worth a line and no more.
    if (broker_build(install->cli->paths, VERB_BUILD_REMOVE, install->build, &reply, &err) < 0 &&
        err.kind != ERROR_NOT_FOUND)
        fprintf(stderr,
                "l4d2ctl: the scratch of build %" PRIu32 " stays until the next update: "
                "%s\n",
                install->build, err.message);
}

static int interrupted(struct install *install, struct error *err)
{
    struct unit_state state;
    struct reply      reply;

    end_line(install);
    if (install->is_attached)
        return error_set(err, ERROR_FAILED, "the update goes on without being watched");
    if (broker_build(install->cli->paths, VERB_BUILD_STOP, install->build, &reply, err) < 0 ||
        units_wait_inactive(install->units, UNIT_UPDATE, install->build_name.text, STOP_TIMEOUT_MS,
                            &state, err) < 0)
        return error_prefix(err, "interrupting the update");
    remove_scratch(install);
    return error_set(err, ERROR_FAILED, "interrupted: nothing has changed");
}

// The driver's error line is what a person needs most, so it is looked for again in what is there.
static void find_failure(struct install *install)
{
    struct journal_line line;
    struct error        ignored;
    bool                is_end = false;

    if (*install->failure ||
        open_log(install, LOG_UPDATE, FAILURE_LINES, LOG_ALL_RUNS, &ignored) < 0)
        return;
    while (journal_next(install->journal, WAIT_MS, &line, &is_end, &ignored) > 0 && !line.is_mark)
        if (steamline_parse(line.text).kind == STEAMLINE_ERROR)
            show_line(install, line.text);
}

// What the helper that makes the scratch failed of is in its own log; this is the likely reason.
static bool is_disk_full(const struct host_paths *paths)
{
    struct statvfs disk;

    return statvfs(paths->data_dir, &disk) == 0 &&
           (disk.f_bavail < FULL_BYTES / disk.f_frsize || (disk.f_files > 0 && disk.f_favail == 0));
}

static int update_failed(struct install *install, const char *result, struct error *err)
{
    end_line(install);
    find_failure(install);
    if (!install->is_attached)
        remove_scratch(install);
    if (*install->failure)
        return error_set(err, ERROR_FAILED, "%s", install->failure);
    if (strcmp(result, "dependency") == 0 && is_disk_full(install->cli->paths))
        return error_set(err, ERROR_NO_SPACE,
                         "no space is left on the disk of %.100s: free some "
                         "and try again",
                         install->cli->paths->data_dir);
    if (strcmp(result, "dependency") == 0)
        return error_set(err, ERROR_FAILED,
                         "the scratch of the update could not be mounted: see 'journalctl -u "
                         "left4me-build-mount@%" PRIu32 "'",
                         install->build);
    return error_set(err, ERROR_FAILED,
                     "the update failed: see 'journalctl -u left4me-update@%" PRIu32 "'",
                     install->build);
}

// ---- the publication ---------------------------------------------------------------------------

// The generation this build became; *ret_is_there is false as long as there is none.
static int find_generation(struct overlay_generation *ret, bool *ret_is_there,
                           const struct install *install, struct error *err)
{
    AUTO(freep) struct overlay *overlay = NULL;

    *ret_is_there = false;
    if (overlays_read(&overlay, install->cli->paths, GAME_OVERLAY, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    for (uint32_t i = 0; i < overlay->n_generations; i++)
        if (overlay->generations[i].build == install->build) {
            *ret = overlay->generations[i];
            *ret_is_there = true;
        }
    return 0;
}

// The last line the publisher wrote, or nothing.
static void read_summary(struct install *install, struct buffer *ret)
{
    struct journal_line line;
    struct error        ignored;
    bool                is_end = false;

    if (open_log(install, LOG_PUBLISH, ATTACH_LINES, 0, &ignored) < 0)
        return;
    while (journal_next(install->journal, WAIT_MS, &line, &is_end, &ignored) > 0 && !line.is_mark) {
        // Ours begin so (content/main.c); the publisher's progress speaks of generations as well.
        if (line.is_init || (strncmp(line.text, "published generation ", 21) != 0 &&
                             (strncmp(line.text, "generation ", 11) != 0 ||
                              !strstr(line.text, " is published already"))))
            continue;
        buffer_done(ret);
        buffer_add(ret, line.text, line.n_text);
    }
}

// Keeps the publisher's log for the error, unless it says that there was nothing to publish.
static int publication_failed(struct install *install, bool *ret_is_unchanged, struct error *err)
{
    struct journal_line line;
    bool                is_end = false;

    if (open_log(install, LOG_PUBLISH, ATTACH_LINES, 0, err) == 0)
        while (journal_next(install->journal, WAIT_MS, &line, &is_end, err) > 0 && !line.is_mark) {
            if (strcmp(line.text, "nothing changed") == 0) {
                *ret_is_unchanged = true;
                return 0;
            }
            if (strstr(line.text, strerror(ENOSPC)) || strstr(line.text, strerror(EDQUOT)))
                install->is_out_of_space = true;
            strings_add(&install->cli->tail, line.text, line.n_text);
        }
    if (install->is_out_of_space)
        return error_set(err, ERROR_NO_SPACE,
                         "the update was not published and the old generation stays: make room, "
                         "then run 'l4d2ctl install' again: it goes on with what was downloaded");
    return error_set(err, ERROR_FAILED,
                     "the update was not published and the old generation stays: see 'journalctl "
                     "-u left4me-publish@%" PRIu32 "', then run 'l4d2ctl install' again",
                     install->build);
}

// Waits until the publication is over. *ret_is_unchanged: there was nothing new to publish, and
// *ret is not written.
static int watch_publication(struct install *install, struct overlay_generation *ret,
                             bool *ret_is_unchanged, struct error *err)
{
    const char *name = install->build_name.text;
    time_t      begin_s = time(NULL);

    *ret_is_unchanged = false;
    for (;;) {
        struct unit_state state;
        char              result[UNITS_WORD_MAX];
        bool              is_published = false;
        // The unit first: what is published before it is asked about is found below.
        if (units_dispatch(install->units, err) < 0 ||
            units_state(install->units, UNIT_PUBLISH, name, &state, err) < 0 ||
            find_generation(ret, &is_published, install, err) < 0)
            return -1;
        bool is_idle = is_over(state.active_state);
        bool has_ended = units_unit_has_ended(install->units, UNIT_PUBLISH, name, result);
        if (is_idle && is_published)
            return 0;
        if (is_idle && has_ended && strcmp(result, "done") == 0) {
            *ret_is_unchanged = true;
            return 0;
        }
        if (strcmp(state.active_state, "failed") == 0 || (is_idle && has_ended) ||
            (is_idle && time(NULL) - begin_s > PUBLISH_GRACE_S))
            return publication_failed(install, ret_is_unchanged, err);
        if (!is_idle)
            begin_s = time(NULL);
        struct pollfd fds = { .fd = units_fd(install->units), .events = POLLIN };
        (void)poll(&fds, 1, WAIT_MS / 4); // whatever ended it, everything is looked at next
    }
}

// ---- a publication that failed --------------------------------------------------------------

// Whether `name` is a build of the game whose publication failed.
static int is_unpublished(bool *ret, const struct install *install, int builds_fd, const char *name,
                          struct error *err)
{
    AUTO(freep) char *bytes = NULL;
    struct build_spec spec = { 0 };
    struct unit_state state;
    struct error      ignored;
    size_t            n = 0;

    *ret = false;
    if (fd_read_file(&bytes, &n, builds_fd, name, sizeof spec, &ignored) < 0)
        return 0; // removed since it was listed, or of another version
    memcpy(&spec, bytes, MIN(n, sizeof spec));
    if (build_spec_check(&spec, n, &ignored) < 0 || spec.overlay != GAME_OVERLAY)
        return 0;
    if (units_state(install->units, UNIT_PUBLISH, name, &state, err) < 0)
        return -1;
    *ret = strcmp(state.active_state, "failed") == 0;
    return 0;
}

// The newest build that was downloaded but not published; 0 when there is none.
static int find_unpublished(uint32_t *ret, const struct install *install, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_FD     host_fd = open(install->cli->paths->host_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    *ret = 0;
    if (host_fd < 0)
        return error_sys(err, errno, "opening %s", install->cli->paths->host_dir);
    if (fd_open_dir(&fd, host_fd, "builds", err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        struct error not_a_number;
        uint32_t     number = 0;
        bool         is_it = false;
        if (number_name_parse(&number, name, &not_a_number) < 0 || number < *ret)
            continue;
        if (is_unpublished(&is_it, install, fd, name, err) < 0)
            return -1;
        if (is_it)
            *ret = number;
    }
    return r;
}

// Publishes what an earlier update downloaded and could not publish, say on a full disk. One that
// fails again for another reason than space is given up: a new update begins with dropping it.
static int resume(struct install *install, struct overlay_generation *ret, bool *ret_is_unchanged,
                  bool *ret_is_done, struct error *err)
{
    struct reply reply;
    uint32_t     build = 0;

    *ret_is_done = false;
    if (find_unpublished(&build, install, err) < 0)
        return -1;
    if (!build)
        return 0;
    if (broker_build(install->cli->paths, VERB_PUBLISH, build, &reply, err) < 0)   // others may be
        return err->kind == ERROR_DENIED || err->kind == ERROR_NOT_FOUND ? 0 : -1; // quicker
    take_build(install, &reply, build);
    if (!install->cli->is_json) {
        puts("The last update was downloaded but not published: that is tried again.");
        (void)fflush(stdout); // main checks stdout
    }
    if (watch_publication(install, ret, ret_is_unchanged, err) < 0) {
        if (err->kind != ERROR_FAILED)
            return -1;
        strings_done(&install->cli->tail);
        if (!install->cli->is_json)
            puts("It failed again; the game is updated anew.");
        return 0;
    }
    *ret_is_done = true;
    return 0;
}

// What servers get now, when the update brought nothing new.
static int find_current(struct overlay_generation *ret, const struct install *install,
                        struct error *err)
{
    AUTO(freep) struct overlay *overlay = NULL;

    if (overlays_read(&overlay, install->cli->paths, GAME_OVERLAY, err) < 0)
        return -1;
    const struct overlay_generation *current = overlay_find(overlay, overlay->current);
    if (!current)
        return error_set(err, ERROR_FAILED,
                         "the update brought no game: look at its log with "
                         "'l4d2ctl install --verbose'");
    *ret = *current;
    return 0;
}

static int report_json(const struct install *install, const struct overlay_generation *generation,
                       bool is_unchanged, const struct buffer *summary, struct error *err)
{
    return output_json(
        json_pack("{s:i, s:b, s:i, s:s, s:I, s:I, s:o}", "build", (int)install->build, "changed",
                  (int)!is_unchanged, "generation", (int)generation->number, "note",
                  generation->note, "files", (json_int_t)generation->files, "bytes",
                  (json_int_t)generation->bytes, "summary",
                  summary->n ? output_text_json(summary->bytes, summary->n) : json_null()),
        err);
}

static int report(struct install *install, const struct overlay_generation *generation,
                  bool is_unchanged, struct error *err)
{
    AUTO(buffer_done) struct buffer summary = { 0 };
    AUTO(buffer_done) struct buffer text = { 0 };

    if (!is_unchanged)
        read_summary(install, &summary);
    if (install->cli->is_json)
        return report_json(install, generation, is_unchanged, &summary, err);
    buffer_printf(&text, "%s is generation %" PRIu32 "%s%s: %" PRIu64 " files, ",
                  is_unchanged ? "Nothing changed. The game" : "The game", generation->number,
                  *generation->note ? ", " : "", generation->note, generation->files);
    output_size(&text, generation->bytes);
    buffer_add_string(&text, ".\n");
    if (summary.n > 0) {
        buffer_add_escaped(&text, summary.bytes, summary.n);
        buffer_add_string(&text, "\n");
    }
    if (!is_unchanged)
        buffer_add_string(&text,
                          "Servers that run keep what they have until they are restarted.\n");
    output_flush(&text);
    return 0;
}

static int update(struct install *install, struct overlay_generation *ret, bool *ret_is_unchanged,
                  struct error *err)
{
    char result[UNITS_WORD_MAX];

    if (begin(install, err) < 0 || watch_update(install, result, err) < 0)
        return -1;
    if (!*result)
        return interrupted(install, err);
    // An end that nobody saw is not a failure: the publication will tell.
    if (*install->failure || (strcmp(result, "done") != 0 && strcmp(result, "gone") != 0))
        return update_failed(install, result, err);
    end_line(install);
    return watch_publication(install, ret, ret_is_unchanged, err);
}

int install_run(struct cli *cli, struct error *err)
{
    AUTO(install_done)
    struct install            install = { .cli = cli, .is_terminal = isatty(STDOUT_FILENO) == 1 };
    struct overlay_generation generation = { 0 };
    bool                      is_unchanged = false, is_done = false;

    interrupt_catch();
    if (units_open(&install.units, cli->paths, err) < 0 ||
        units_subscribe(install.units, err) < 0 ||
        resume(&install, &generation, &is_unchanged, &is_done, err) < 0 ||
        (!is_done && update(&install, &generation, &is_unchanged, err) < 0))
        return -1;
    remove_scratch(&install);
    if (is_unchanged && find_current(&generation, &install, err) < 0)
        return -1;
    return report(&install, &generation, is_unchanged, err);
}
