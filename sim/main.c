// SPDX-License-Identifier: MIT

// srcds_linux: an emulator of the Left 4 Dead 2 dedicated server. It shows the outside of the real
// one, peculiarities included, so that everything that starts, queries, controls or confines a
// server can be tested without the game.

#include "bans.h"
#include "base/fd.h"
#include "console.h"
#include "cvars.h"
#include "demo.h"
#include "files.h"
#include "gamelog.h"
#include "loop.h"
#include "map.h"
#include "options.h"
#include "players.h"
#include "programs.h"
#include "query.h"
#include "rcon.h"
#include "shell.h"
#include "ticker.h"
#include "version.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct server {
    struct game         game;
    struct options      options;
    struct version      version;
    int                 signal_fd;
    struct loop_source *signals;
    struct loop_source *input; // NULL: no console on standard input
    char                line[SHELL_LINE_MAX];
    size_t              n_line;
};

// --- events -----------------------------------------------------------------------------------

static void on_signal(void *userdata, uint64_t events)
{
    struct server          *server = userdata;
    struct signalfd_siginfo info;

    (void)events; // there is only one kind
    while (read(server->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            programs_reap(server->game.programs);
        else
            loop_stop(server->game.loop);
    }
}

static void on_input(void *userdata, uint64_t events)
{
    struct server *server = userdata;
    char          *end;

    (void)events; // a hang-up shows as the end of the input
    ssize_t n =
        read(STDIN_FILENO, server->line + server->n_line, sizeof server->line - 1 - server->n_line);
    if (n <= 0) {
        server->input = loop_source_free(server->input);
        return;
    }
    server->n_line += (size_t)n;
    server->line[server->n_line] = '\0';
    while ((end = strchr(server->line, '\n'))) {
        *end = '\0';
        shell_run(server->game.shell, server->line, false);
        server->n_line -= (size_t)(end + 1 - server->line);
        memmove(server->line, end + 1, server->n_line + 1);
    }
    if (server->n_line + 1 == sizeof server->line)
        server->n_line = 0; // a line no command is as long as
}

// CPU time that a game would use.
static void burn(uint64_t time_us)
{
    uint64_t end_us = loop_now_us() + time_us;

    while (time_us && loop_now_us() < end_us)
        ;
}

static void on_tick(void *userdata)
{
    struct server *server = userdata;
    struct game   *game = &server->game;

    burn((uint64_t)MAX(cvars_number(game->cvars, "sim_work_us"), 0.0));
    demo_tick(game->demo);
    if (*map_name(game->map))
        map_hibernate(game->map);
}

// --- start ------------------------------------------------------------------------------------

static int watch_signals(struct server *server, struct error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signal_fd < 0)
        return error_sys(err, errno, "watching signals");
    return loop_add_fd(&server->signals, server->game.loop, server->signal_fd, EPOLLIN, on_signal,
                       server, err);
}

// Commands come from a terminal or a pipe, not from /dev/null or a file.
static void watch_input(struct server *server)
{
    struct stat  status;
    struct error err;

    if (fstat(STDIN_FILENO, &status) < 0 || S_ISREG(status.st_mode))
        return;
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
        return;
    if (loop_add_fd(&server->input, server->game.loop, STDIN_FILENO, EPOLLIN, on_input, server,
                    &err) < 0)
        console_print(server->game.console, "[sim] no console on standard input: %s\n",
                      err.message);
}

// l4dtoolz lifts the limit of players; without it the variable does nothing.
static void on_max_players(void *userdata, const struct cvar *cvar)
{
    const struct game *game = userdata;
    double             max = cvars_number(game->cvars, cvar->name);

    if (max > 0 && files_exists(game->files, "addons/l4dtoolz.vdf"))
        players_set_max(game->players, (unsigned)MIN(max, (double)PLAYERS_MAX));
}

static int make_parts(struct server *server, struct error *err)
{
    struct game          *game = &server->game;
    const struct options *options = &server->options;

    game->cvars = cvars_new();
    game->players = players_new(MIN(options->max_players, PLAYERS_MAX_UNAIDED));
    game->bans = bans_new();
    game->shell = shell_new(game);
    game->demo = demo_new(game);
    game->programs = programs_new(game);
    if (!game->cvars || !game->players || !game->bans || !game->shell || !game->demo ||
        !game->programs)
        return error_sys(err, ENOMEM, "starting");
    game->gamelog = gamelog_new(options->game, &server->version, game->cvars, game->console);
    if (!game->gamelog)
        return error_sys(err, ENOMEM, "starting");

    if (loop_new(&game->loop, err) < 0 || watch_signals(server, err) < 0)
        return -1;
    if (files_new(&game->files, options->game, game->console, err) < 0)
        return -1;
    cvars_watch(game->cvars, "sv_setmax", on_max_players, game);
    if (query_new(&game->query, game, err) < 0 || rcon_new(&game->rcon, game, err) < 0 ||
        map_new(&game->map, game, err) < 0)
        return -1;
    return ticker_new(&game->ticker, game->loop, options->tickrate, on_tick, server, err);
}

static void say_hello(const struct server *server)
{
    const struct game *game = &server->game;

    console_print(game->console, "Console initialized.\n");
    console_print(game->console, "Game.dll loaded for \"Left 4 Dead 2\"\n");
    console_print(game->console, "Network: IP %s, mode MP, dedicated Yes, ports %u SV / %u CL\n",
                  server->options.ip ? server->options.ip : "0.0.0.0", query_port(game->query),
                  query_client_port(game->query));
    if (query_tv_port(game->query))
        console_print(game->console, "SourceTV port %u\n", query_tv_port(game->query));
}

static void run_command_line(struct server *server)
{
    for (size_t i = 0; i < server->options.n_commands; i++)
        shell_run(server->game.shell, server->options.commands[i], true);
    if (*server->options.map)
        map_load(server->game.map, server->options.map);
}

static void stop(struct server *server)
{
    struct game *game = &server->game;

    game->demo = game->demo ? demo_free(game->demo) : NULL;
    game->gamelog = gamelog_free(game->gamelog);
    game->map = map_free(game->map);
    game->ticker = ticker_free(game->ticker);
    game->rcon = rcon_free(game->rcon);
    game->query = query_free(game->query);
    game->files = files_free(game->files);
    game->programs = programs_free(game->programs);
    game->shell = shell_free(game->shell);
    game->bans = bans_free(game->bans);
    game->players = players_free(game->players);
    game->cvars = cvars_free(game->cvars);
    server->input = loop_source_free(server->input);
    server->signals = loop_source_free(server->signals);
    server->signal_fd = fd_close(server->signal_fd);
    game->loop = loop_free(game->loop);
}

static int serve(struct server *server, struct error *err)
{
    struct game *game = &server->game;

    if (make_parts(server, err) < 0)
        return -1;
    programs_start_breakpad(game->programs);
    say_hello(server);
    watch_input(server);
    run_command_line(server);
    if (loop_run(game->loop, err) < 0)
        return -1;

    console_print(game->console, "Server shutting down\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct server server = { .signal_fd = -1 };
    struct error  err;

    server.game.started_us = loop_now_us();
    server.game.options = &server.options;
    server.game.version = &server.version;
    server.game.console = console_new();
    if (!server.game.console)
        return EXIT_FAILURE;

    int result = options_parse(&server.options, argc, argv, &err);
    if (result == 0) {
        version_read(&server.version, server.options.game);
        result = serve(&server, &err);
    }
    if (result < 0)
        console_print(server.game.console, "FATAL: %s\n", err.message);
    stop(&server);
    console_free(server.game.console);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
