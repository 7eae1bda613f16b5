// SPDX-License-Identifier: MIT
#include "gamelog.h"

#include "base/fd.h"
#include "console.h"
#include "cvars.h"
#include "version.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GAMELOG_LINE_MAX  2048
#define GAMELOG_FILES_MAX 1000 // a day: L0101000.log to L0101999.log

struct gamelog {
    const char           *game;
    const struct version *version;
    const struct cvars   *cvars;
    struct console       *console;
    FILE                 *file; // NULL: logging is off
    bool                  is_on;
};

struct gamelog *gamelog_new(const char *game, const struct version *version,
                            const struct cvars *cvars, struct console *console)
{
    struct gamelog *log = calloc(1, sizeof *log);

    if (log)
        *log = (struct gamelog){
            .game = game, .version = version, .cvars = cvars, .console = console
        };
    return log;
}

struct gamelog *gamelog_free(struct gamelog *log)
{
    if (log)
        gamelog_close(log);
    free(log);
    return NULL;
}

bool gamelog_is_open(const struct gamelog *log)
{
    return log->is_on;
}

void gamelog_print(struct gamelog *log, const char *format, ...)
{
    char      text[GAMELOG_LINE_MAX], stamp[32];
    struct tm local;
    va_list   args;

    if (!log->is_on)
        return;

    time_t now = time(NULL);
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%m/%d/%Y - %H:%M:%S", &local);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    if (log->file)
        fprintf(log->file, "L %s: %s\n", stamp, text);
    if (cvars_is_on(log->cvars, "sv_logecho"))
        console_print(log->console, "L %s: %s\n", stamp, text);
}

// The first number of today that is not taken yet.
static FILE *open_numbered(char path[PATH_MAX], const char *game)
{
    struct tm local;
    char      day[8];

    time_t now = time(NULL);
    localtime_r(&now, &local);
    strftime(day, sizeof day, "%m%d", &local);
    snprintf(path, PATH_MAX, "%s/logs", game);
    (void)mkdir(path, 0755); // there already, or the open below says why not

    for (int i = 0; i < GAMELOG_FILES_MAX; i++) {
        snprintf(path, PATH_MAX, "%s/logs/L%s%03d.log", game, day, i);
        FILE *file = fopen(path, "wxe");
        if (file || errno != EEXIST)
            return file;
    }
    return NULL;
}

static int is_log_name(const struct dirent *entry)
{
    return fnmatch("L[0-9]*.log", entry->d_name, 0) == 0;
}

static bool is_older(const struct stat *one, const struct stat *other)
{
    if (one->st_mtim.tv_sec != other->st_mtim.tv_sec)
        return one->st_mtim.tv_sec < other->st_mtim.tv_sec;
    return one->st_mtim.tv_nsec < other->st_mtim.tv_nsec;
}

// Deletes the log that was written to the longest ago; of those alike, the first by name.
static int delete_oldest(int dir_fd, struct dirent *const *entries, int n_entries)
{
    struct stat oldest = { 0 }, status;
    const char *name = NULL;

    for (int i = 0; i < n_entries; i++) {
        if (fstatat(dir_fd, entries[i]->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            (name && !is_older(&status, &oldest)))
            continue;
        name = entries[i]->d_name;
        oldest = status;
    }
    return name ? unlinkat(dir_fd, name, 0) : -1;
}

// Makes room for one more log.
static void rotate(const char *game, double n_kept)
{
    struct dirent **entries = NULL;
    char            path[PATH_MAX];

    snprintf(path, sizeof path, "%s/logs", game);
    AUTO_FD dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int     n = dir_fd < 0 || n_kept < 1 ? 0 : scandir(path, &entries, is_log_name, alphasort);
    for (int left = n; left >= n_kept && delete_oldest(dir_fd, entries, n) == 0;)
        left--;
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
}

void gamelog_open(struct gamelog *log)
{
    char path[PATH_MAX];

    gamelog_close(log);
    log->is_on = true;
    if (!cvars_is_on(log->cvars, "sv_logfile"))
        return;

    rotate(log->game, cvars_number(log->cvars, "sim_logs_kept"));
    log->file = open_numbered(path, log->game);
    if (!log->file) {
        console_print(log->console, "Unable to open log file %s: %s\n", path, strerror(errno));
        return;
    }
    setvbuf(log->file, NULL, _IOLBF, 0);
    console_print(log->console, "Server logging data to file %s\n", path + strlen(log->game) + 1);
    gamelog_print(log, "Log file started (file \"%s\") (game \"%s\") (version \"%s\")",
                  path + strlen(log->game) + 1, log->game, log->version->build);
}

void gamelog_close(struct gamelog *log)
{
    if (log->file) {
        gamelog_print(log, "Log file closed.");
        fclose(log->file);
        log->file = NULL;
    }
    log->is_on = false;
}
