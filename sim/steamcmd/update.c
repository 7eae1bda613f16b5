// SPDX-License-Identifier: MIT
#include "update.h"

#include "base/fd.h"
#include "faults.h"
#include "path.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX      65536u
#define PROGRESS_STEPS 8u
#define COPY_CHUNK     65536u
#define LIST_NAME      "steamapps/sim-installed-" STEAMCMD_APP ".txt"
#define STAGING        "steamapps/downloading/" STEAMCMD_APP

struct item {
    char           *path; // relative
    char           *source;
    uint64_t        size;
    mode_t          mode;
    struct timespec time;
    bool            is_changed;
};

struct plan {
    const struct session *session;
    struct item          *items;
    size_t                n;
    uint64_t              bytes_total; // of what has to be copied
    uint64_t              bytes_done;
};

static const char *const depots[PLATFORM_COUNT] = {
    [PLATFORM_LINUX] = "linux",
    [PLATFORM_WINDOWS] = "windows",
};

unsigned update_build(const struct session *session)
{
    char     path[PATH_MAX];
    unsigned build = 0;

    path_join(path, session->root, "depot/build");
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%u", &build) != 1)
        build = 0;
    fclose(file);
    return build;
}

// --- the plan ---------------------------------------------------------------------------------

static bool has_same_content(const char *one, const char *other)
{
    char    ones[COPY_CHUNK], others[COPY_CHUNK];
    ssize_t n = 1;

    AUTO_FD fd = open(one, O_RDONLY | O_CLOEXEC);
    AUTO_FD other_fd = open(other, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || other_fd < 0)
        return false;
    while (n > 0) {
        n = read(fd, ones, sizeof ones);
        if (read(other_fd, others, sizeof others) != n || (n > 0 && memcmp(ones, others, n) != 0))
            return false;
    }
    return n == 0;
}

static bool is_changed(const struct plan *plan, const struct item *item, bool is_validating)
{
    char        path[PATH_MAX];
    struct stat status;

    path_join(path, plan->session->install_dir, item->path);
    if (lstat(path, &status) < 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size != item->size)
        return true;
    if (is_validating)
        return !has_same_content(item->source, path);
    return status.st_mtim.tv_sec != item->time.tv_sec;
}

static void plan_add(struct plan *plan, const FTSENT *entry, size_t n_root, bool is_validating)
{
    struct item *item = &plan->items[plan->n];

    if (plan->n == FILES_MAX)
        return;
    *item = (struct item){
        .path = strdup(entry->fts_path + n_root + 1),
        .source = strdup(entry->fts_path),
        .size = (uint64_t)entry->fts_statp->st_size,
        .mode = entry->fts_statp->st_mode & 0777,
        .time = entry->fts_statp->st_mtim,
    };
    item->is_changed = is_changed(plan, item, is_validating);
    plan->bytes_total += item->is_changed ? item->size : 0;
    plan->n++;
}

static bool plan_depot(struct plan *plan, const char *depot, bool is_validating)
{
    char          store[PATH_MAX], root[PATH_MAX];
    char *const   roots[] = { root, NULL };
    const FTSENT *entry;

    path_join(store, plan->session->root, "depot");
    path_join(root, store, depot);
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!fts)
        return false;
    while ((entry = fts_read(fts)))
        if (entry->fts_info == FTS_F)
            plan_add(plan, entry, strlen(root), is_validating);
    fts_close(fts);
    return true;
}

static void plan_done(struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        free(plan->items[i].path);
        free(plan->items[i].source);
    }
    free(plan->items);
}

// --- files ------------------------------------------------------------------------------------

static bool make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_bad = mkdir(path, 0755) < 0 && errno != EEXIST && errno != EROFS;
        *slash = '/';
        if (is_bad)
            return false;
    }
    return true;
}

static bool copy_bytes(int to, int from)
{
    char         bytes[COPY_CHUNK];
    struct error err;
    ssize_t      n;

    while ((n = read(from, bytes, sizeof bytes)) > 0)
        if (fd_write_all(to, bytes, (size_t)n, &err) < 0)
            return false;
    return n == 0;
}

// Stages the file and then moves it into its place, as the real one does.
static bool install_item(const struct plan *plan, const struct item *item)
{
    char staging[PATH_MAX], staged[PATH_MAX], path[PATH_MAX];

    path_join(staging, plan->session->install_dir, STAGING);
    path_join(staged, staging, item->path);
    path_join(path, plan->session->install_dir, item->path);
    if (!make_parents(staged) || !make_parents(path))
        return false;

    AUTO_FD from = open(item->source, O_RDONLY | O_CLOEXEC);
    AUTO_FD to = open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, item->mode);
    if (from < 0 || to < 0 || !copy_bytes(to, from))
        return false;
    const struct timespec times[2] = { item->time, item->time };
    return futimens(to, times) == 0 && rename(staged, path) == 0;
}

static bool is_planned(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->n; i++)
        if (strcmp(plan->items[i].path, path) == 0)
            return true;
    return false;
}

// Removes what an earlier run installed and the depots do not have any more.
static void remove_old(const struct plan *plan)
{
    char list[PATH_MAX], line[PATH_MAX], path[PATH_MAX];

    path_join(list, plan->session->install_dir, LIST_NAME);
    FILE *file = fopen(list, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (!*line || is_planned(plan, line))
            continue;
        path_join(path, plan->session->install_dir, line);
        (void)unlink(path); // perhaps somebody else has removed it
    }
    fclose(file);
}

static bool write_list(const struct plan *plan)
{
    char list[PATH_MAX];

    path_join(list, plan->session->install_dir, LIST_NAME);
    if (!make_parents(list))
        return false;
    FILE *file = fopen(list, "we");
    if (!file)
        return false;
    for (size_t i = 0; i < plan->n; i++)
        fprintf(file, "%s\n", plan->items[i].path);
    return fclose(file) == 0;
}

static bool write_manifest(const struct plan *plan, unsigned state_flags)
{
    char path[PATH_MAX];

    path_join(path, plan->session->install_dir, "steamapps/appmanifest_" STEAMCMD_APP ".acf");
    if (!make_parents(path))
        return false;
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    fprintf(file,
            "\"AppState\"\n{\n\t\"appid\"\t\t\"" STEAMCMD_APP "\"\n\t\"Universe\"\t\t\"1\"\n"
            "\t\"name\"\t\t\"Left 4 Dead 2 Dedicated Server\"\n\t\"StateFlags\"\t\t\"%u\"\n"
            "\t\"installdir\"\t\t\"Left 4 Dead 2 Dedicated Server\"\n\t\"buildid\"\t\t\"%u\"\n"
            "\t\"BytesToDownload\"\t\t\"%llu\"\n\t\"BytesDownloaded\"\t\t\"%llu\"\n"
            "\t\"BytesToStage\"\t\t\"%llu\"\n\t\"BytesStaged\"\t\t\"%llu\"\n}\n",
            state_flags, update_build(plan->session), (unsigned long long)plan->bytes_total,
            (unsigned long long)plan->bytes_done, (unsigned long long)plan->bytes_total,
            (unsigned long long)plan->bytes_done);
    return fclose(file) == 0;
}

// --- running ----------------------------------------------------------------------------------

static void say_progress(unsigned state, const char *word, uint64_t done, uint64_t total)
{
    double percent = total ? 100.0 * (double)done / (double)total : 0;

    printf(" Update state (0x%x) %s, progress: %.2f (%llu / %llu)\n", state, word, percent,
           (unsigned long long)done, (unsigned long long)total);
}

static int fail_in_state(struct plan *plan, const char *state)
{
    (void)write_manifest(plan, 1026); // what is half done shows in the numbers, if it can be told
    printf("Error! App '" STEAMCMD_APP "' state is %s after update job.\n", state);
    return STEAMCMD_EXIT_FAILED;
}

// What is ordered for the middle of an update. False: nothing, go on.
static bool is_stopped_by(const struct session *session, const char *fault)
{
    if (strcmp(fault, "wait") == 0)
        faults_wait(session);
    if (strcmp(fault, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(fault, "crash") == 0)
        abort();
    return strncmp(fault, "0x", 2) == 0;
}

static int copy_all(struct plan *plan, const char *fault)
{
    uint64_t step = plan->bytes_total / PROGRESS_STEPS + 1, next = 0;

    for (size_t i = 0; i < plan->n; i++) {
        const struct item *item = &plan->items[i];
        if (plan->bytes_done >= next) {
            say_progress(0x61, "downloading", plan->bytes_done, plan->bytes_total);
            next = plan->bytes_done + step;
        }
        if (2 * plan->bytes_done >= plan->bytes_total && *fault &&
            is_stopped_by(plan->session, fault))
            return fail_in_state(plan, fault);
        if (item->is_changed && !install_item(plan, item))
            return fail_in_state(plan, errno == ENOSPC || errno == EDQUOT ? "0x202" : "0x606");
        plan->bytes_done += item->is_changed ? item->size : 0;
    }
    return 0;
}

// Everything was moved out of it, so only directories are left.
static void remove_staging(const struct plan *plan)
{
    char          staging[PATH_MAX];
    char *const   roots[] = { staging, NULL };
    const FTSENT *entry;

    path_join(staging, plan->session->install_dir, "steamapps/downloading");
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!fts)
        return;
    while ((entry = fts_read(fts)))
        if (entry->fts_info == FTS_DP)
            (void)rmdir(entry->fts_path); // what is not empty is not ours
    fts_close(fts);
}

static int finish(struct plan *plan)
{
    say_progress(0x61, "downloading", plan->bytes_done, plan->bytes_total);
    say_progress(0x81, "verifying update", plan->bytes_done, plan->bytes_total);
    say_progress(0x101, "committing", plan->bytes_done, plan->bytes_total);
    remove_old(plan);
    if (!write_list(plan) || !write_manifest(plan, 4))
        return fail_in_state(plan, "0x606");
    remove_staging(plan);
    printf("Success! App '" STEAMCMD_APP "' fully installed.\n");
    return 0;
}

int update_run(const struct session *session, bool is_validating, const char *fault)
{
    struct plan plan = { .session = session };

    plan.items = calloc(FILES_MAX, sizeof *plan.items);
    if (!plan.items || !plan_depot(&plan, "common", is_validating) ||
        !plan_depot(&plan, depots[session->platform], is_validating) || plan.n == 0) {
        printf("ERROR! Failed to install app '" STEAMCMD_APP "' (Invalid platform)\n");
        plan_done(&plan);
        return STEAMCMD_EXIT_FAILED;
    }

    say_progress(0x3, "reconfiguring", 0, 0);
    if (is_validating)
        say_progress(0x5, "verifying install", plan.bytes_total, plan.bytes_total);
    int result = copy_all(&plan, fault);
    if (result == 0)
        result = finish(&plan);
    plan_done(&plan);
    return result;
}
