// SPDX-License-Identifier: MIT
#include "commands.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/number.h"
#include "console.h"
#include "crash.h"
#include "gamelog.h"
#include "players.h"
#include "programs.h"
#include "ticker.h"
#include "tree.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAK_MAX_MB 4096u
#define FLOOD_MAX   10000000u
#define MODE_MAX    07777u

static bool take_number(const struct game *game, const struct args *args, uint32_t max,
                        uint32_t *ret)
{
    struct error err;

    if (args->count > 1 && number_parse_u32(ret, args->values[1], 0, max, &err) == 0)
        return true;
    console_print(game->console, "[sim] %s: a number up to %u is needed\n", args->values[0], max);
    return false;
}

// Everything behind the first `skip` words, in one line; \n becomes a line's end.
static void join(char *text, size_t n_text, const struct args *args, size_t skip)
{
    size_t n = 0;

    for (size_t i = skip; i < args->count; i++) {
        if (i > skip && n + 1 < n_text)
            text[n++] = ' ';
        for (const char *cursor = args->values[i]; *cursor && n + 1 < n_text; cursor++) {
            bool is_end = cursor[0] == '\\' && cursor[1] == 'n';
            text[n++] = is_end ? '\n' : *cursor;
            cursor += is_end;
        }
    }
    text[n] = '\0';
}

// --- players ----------------------------------------------------------------------------------

static void add_player(struct game *game, const struct args *args, bool is_bot, bool is_joining)
{
    char name[64];

    join(name, sizeof name, args, 1);
    const struct player *player = players_add(game->players,
                                              args->count > 1 ? name
                                              : is_bot        ? "Coach"
                                                              : "Player",
                                              is_bot);
    if (!player) {
        console_print(game->console, "[sim] %s: the server is full\n", args->values[0]);
        return;
    }
    players_set_joining(game->players, player->user_id, is_joining);
    gamelog_print(game->gamelog, "\"%s<%u><%s><>\" connected, address \"%s\"", player->name,
                  player->user_id, player->steam_id, player->address);
    if (!is_joining)
        gamelog_print(game->gamelog, "\"%s<%u><%s><>\" entered the game", player->name,
                      player->user_id, player->steam_id);
    console_print(game->console, "Client \"%s\" connected (%s).\n", player->name, player->address);
}

static void run_join(struct game *game, const struct args *args)
{
    add_player(game, args, false, false);
}

static void run_joining(struct game *game, const struct args *args)
{
    add_player(game, args, false, true);
}

static void run_bot(struct game *game, const struct args *args)
{
    add_player(game, args, true, false);
}

// --- faults -----------------------------------------------------------------------------------

static void run_crash(struct game *game, const struct args *args)
{
    int number = args->count > 1 ? crash_signal(args->values[1]) : 0;

    if (number == 0) {
        console_print(game->console, "[sim] sim_crash: the name of a signal, such as SEGV\n");
        return;
    }
    console_print(game->console, "[sim] crash by %s\n", args->values[1]);
    fflush(stdout);
    crash_by(number);
}

static void run_hang(struct game *game, const struct args *args)
{
    bool is_busy = args->count > 1 && strcmp(args->values[1], "busy") == 0;

    console_print(game->console, "[sim] hangs now\n");
    fflush(stdout);
    crash_hang(is_busy);
}

static void run_leak(struct game *game, const struct args *args)
{
    uint32_t mb;

    if (!take_number(game, args, LEAK_MAX_MB, &mb))
        return;
    for (uint32_t i = 0; i < mb; i++) {
        volatile char *block = malloc(1024 * 1024); // leaked, as the command's name promises
        for (size_t offset = 0; block && offset < 1024 * 1024; offset += 4096)
            block[offset] = 1;
    }
    console_print(game->console, "[sim] leaked %u MB\n", mb);
}

static void run_flood(struct game *game, const struct args *args)
{
    uint32_t count;

    if (!take_number(game, args, FLOOD_MAX, &count))
        return;
    for (uint32_t i = 1; i <= count; i++)
        console_print(game->console, "[sim] flood: line %u of %u\n", i, count);
}

static void run_exit(struct game *game, const struct args *args)
{
    uint32_t code;

    if (!take_number(game, args, 255, &code))
        return;
    fflush(stdout);
    _exit((int)code); // at once: `quit` is the clean way
}

// --- programs and files -----------------------------------------------------------------------

static void run_program(struct game *game, const struct args *args)
{
    char        *argv[SHELL_ARGS_MAX + 1] = { NULL };
    struct error err;

    if (args->count < 2) {
        console_print(game->console, "[sim] sim_run: the path of a program\n");
        return;
    }
    for (size_t i = 1; i < args->count; i++)
        argv[i - 1] = (char *)(uintptr_t)args->values[i];
    if (programs_run(game->programs, argv, &err) < 0)
        console_print(game->console, "[sim] run: %s\n", err.message);
}

static int write_text(const struct args *args, int flags)
{
    char text[SHELL_LINE_MAX];

    AUTO_FD fd = open(args->values[1], O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0)
        return -1;
    join(text, sizeof text, args, 2);
    return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int file_write(const struct args *args)
{
    return write_text(args, O_TRUNC);
}

static int file_append(const struct args *args)
{
    return write_text(args, O_APPEND);
}

static int file_delete(const struct args *args)
{
    return remove(args->values[1]);
}

static int file_chmod(const struct args *args)
{
    mode_t mode = 0;

    if (args->count < 3)
        return errno = EINVAL, -1;
    for (const char *digit = args->values[2]; *digit; digit++)
        mode = (mode << 3 | (mode_t)(*digit - '0')) & MODE_MAX;
    return chmod(args->values[1], mode);
}

static int file_mkdir(const struct args *args)
{
    return mkdir(args->values[1], 0755);
}

static int file_rename(const struct args *args)
{
    return args->count > 2 ? rename(args->values[1], args->values[2]) : (errno = EINVAL, -1);
}

static int file_touch(const struct args *args)
{
    return utimensat(AT_FDCWD, args->values[1], NULL, 0);
}

static const struct file_action {
    const char *name;
    int (*run)(const struct args *args); // 0, or -1 and errno
} file_actions[] = {
    { "sim_write", file_write }, { "sim_append", file_append }, { "sim_delete", file_delete },
    { "sim_chmod", file_chmod }, { "sim_mkdir", file_mkdir },   { "sim_rename", file_rename },
    { "sim_touch", file_touch },
};

static void run_file(struct game *game, const struct args *args)
{
    for (size_t i = 0; i < ELEMENTS(file_actions); i++) {
        if (strcasecmp(file_actions[i].name, args->values[0]) != 0)
            continue;
        errno = EINVAL;
        int result = args->count > 1 ? file_actions[i].run(args) : -1;
        console_print(game->console, "[sim] %s %s: %s\n", file_actions[i].name + 4,
                      args->count > 1 ? args->values[1] : "", result == 0 ? "ok" : strerror(errno));
    }
}

static void run_read(struct game *game, const struct args *args)
{
    char text[4096];

    AUTO_FD fd = args->count > 1 ? open(args->values[1], O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (n < 0)
        console_print(game->console, "[sim] read %s: %s\n", args->count > 1 ? args->values[1] : "",
                      strerror(errno));
    else
        console_print(game->console, "[sim] read %s: %zd bytes\n%.*s\n", args->values[1], n, (int)n,
                      text);
}

static void run_tree_test(struct game *game, const struct args *args)
{
    tree_test(game->console, args->count > 1 ? args->values[1] : ".");
}

// --- punctuality ------------------------------------------------------------------------------

static void run_jitter(struct game *game, const struct args *args)
{
    struct ticker_stats stats;

    if (args->count > 1 && strcmp(args->values[1], "reset") == 0) {
        ticker_reset(game->ticker);
        console_print(game->console, "[sim] jitter: reset\n");
        return;
    }
    ticker_stats(game->ticker, &stats);
    console_print(game->console,
                  "[sim] jitter: %llu ticks, %llu missed, mean %.1f us, p50 %u us, p99 %u us, "
                  "max %u us\n",
                  (unsigned long long)stats.n_ticks, (unsigned long long)stats.n_missed,
                  stats.mean_us, stats.p50_us, stats.p99_us, stats.max_us);
}

static const struct command list[] = {
    { "sim_join", run_join, "NAME: a human joins" },
    { "sim_joining", run_joining, "NAME: a human who has no name yet for A2S" },
    { "sim_bot", run_bot, "NAME: a bot joins" },
    { "sim_crash", run_crash, "SIGNAL: die of it (SEGV, ABRT, ...)" },
    { "sim_hang", run_hang, "[busy]: answer nothing, ignore SIGINT and SIGTERM" },
    { "sim_leak", run_leak, "MB: use memory and keep it" },
    { "sim_flood", run_flood, "LINES: print as fast as possible" },
    { "sim_exit", run_exit, "CODE: exit at once" },
    { "sim_run", run_program, "PATH ARGS...: run a program inside our sandbox" },
    { "sim_read", run_read, "PATH: print the start of a file" },
    { "sim_write", run_file, "PATH TEXT: replace a file" },
    { "sim_append", run_file, "PATH TEXT: append to a file" },
    { "sim_delete", run_file, "PATH: delete a file or an empty directory" },
    { "sim_chmod", run_file, "PATH MODE: change a mode" },
    { "sim_mkdir", run_file, "PATH: make a directory" },
    { "sim_rename", run_file, "PATH NEW: rename" },
    { "sim_touch", run_file, "PATH: set a file's times to now" },
    { "sim_tree_test", run_tree_test, "[DIR]: write in every directory and report failures" },
    { "sim_jitter", run_jitter, "[reset]: how punctual the ticks are" },
};

const struct command_table commands_emulator = { list, ELEMENTS(list) };
