// SPDX-License-Identifier: MIT

// l4d2ctl: the host's command line. It works when the web side is down, asks the privileged side
// through its sockets, and as root becomes the user left4me before it does anything.

#include "cli/command.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"

#define SERVICE_USER  "left4me"
#define NOBODY        65534 // where the user of that name is missing as well
#define UMASK         027
#define LINES_DEFAULT 50u

static const struct command commands[] = {
    { "install", "", OPTION_STEAMCMD | OPTION_HOLD | OPTION_VERBOSE | OPTION_JSON,
      "install or update the game",
      "Runs SteamCMD in its sandbox and publishes the result as a new generation of the game.\n"
      "Servers that run keep the old one until they are restarted. A run that fails or is\n"
      "interrupted changes nothing. If an update runs already, its progress is shown.\n"
      "With --hold new starts keep the old generation too: try the new one on one server with\n"
      "'restart NAME --with 1=GENERATION', then give it to all with 'overlay select 1 "
      "GENERATION'.\n"
      "\n"
      "SteamCMD itself is Valve's and does not come with this package. Unpack it anywhere and\n"
      "name the place once: --steamcmd /opt/steamcmd (the directory, or a program in it).\n",
      install_run, install_prepare },
    { "initialize", "NAME", OPTION_FILE | OPTION_PAGE | OPTION_JSON,
      "make an instance, or change one, from SPEC.yaml",
      "Repeating it with the same file changes nothing. Changes apply at the next start.\n"
      "Names of an s and a number are those of the page's servers, which it makes with --page.\n"
      "\n"
      "SPEC.yaml:\n"
      "  port: 27015              required, 1024 to 65535, unique on this machine\n"
      "  tv_port: 32015           SourceTV; if left out, port + 5000\n"
      "  client_port: 22015       if left out, port - 5000\n"
      "  hostname: My server      printable ASCII; if left out, the name of the instance\n"
      "  rcon_password: …         8 to 64 characters; if left out, one is made and kept\n"
      "  overlays: [3, 7]         numbers, in order, later ones win; the game is below them all\n"
      "  server_cfg_of: [7]       those of them whose server.cfg is run too\n"
      "  arguments: [+map, c2m1_highway]    for srcds, one word an item\n"
      "  config:                  lines of server.cfg, as a list or as a block of text\n"
      "    - sv_consistency 1\n"
      "  limits:\n"
      "    memory: 4G\n"
      "    cpu: 200               percent of one processor\n"
      "    cpus: 0-3,6            processors to run on\n"
      "    tasks: 512\n",
      initialize_run, initialize_prepare },
    { "start", "NAME", OPTION_WITH | OPTION_JSON, "start a server, now and at every boot",
      "Uses the newest configuration and the current generation of each overlay, or the one\n"
      "named with --with until the next start or restart. Returns when the server is ready, or\n"
      "with the reason and its last log lines. A server that runs already is left alone.\n",
      start_run, NULL },
    { "stop", "NAME", OPTION_JSON, "stop a server, also for the next boot",
      "Returns when the game has ended and its files are unmounted. Stopping a stopped server\n"
      "succeeds.\n",
      stop_run, NULL },
    { "kill", "NAME", OPTION_JSON, "stop a server without asking the game",
      "For a game that hangs: what it has not written yet is lost. As with 'stop' it is off at "
      "the\n"
      "next boot too.\n",
      kill_run, NULL },
    { "restart", "NAME", OPTION_WITH | OPTION_JSON, "stop a server and start it with what is new",
      "Applies what 'status' calls pending: a new configuration, new generations of overlays.\n"
      "With --with one server tries a generation before the others get it.\n",
      restart_run, NULL },
    { "reset", "NAME", OPTION_JSON, "stop a server and drop what the game wrote",
      "Logs, bans, demos and plug-in data of the server are gone afterwards; its specification\n"
      "stays. 'drift' shows what would be lost. The server stays stopped.\n",
      reset_run, NULL },
    { "delete", "NAME", OPTION_JSON, "stop a server and drop everything of it",
      "Overlays and the game stay. Deleting what does not exist succeeds.\n", delete_run, NULL },
    { "status", "NAME", OPTION_JSON, "what a server is doing, and what waits to be applied",
      "State, last exit, ports, generations and consumption, as the init system tells them.\n",
      status_run, NULL },
    { "list", "", OPTION_JSON, "all instances with their state",
      "Lists every instance, running or not, sorted by name.\n", list_run, NULL },
    { "logs", "NAME", OPTION_LINES | OPTION_FOLLOW | OPTION_ALL_RUNS | OPTION_JSON,
      "the log of a server",
      "Shows the newest run of the server unless --all-runs is given; --lines goes up to 10000.\n"
      "With --json each line is one object.\n",
      logs_run, NULL },
    { "explain", "NAME [PATH]", OPTION_ALL_PATHS | OPTION_JSON,
      "where the files of a server come from, and what is wrong with them",
      "With PATH, such as left4dead2/cfg/server.cfg: every layer that has something there, top\n"
      "first: which one the game sees, which ones it shadows, which one removes it. PATH may also\n"
      "be called as the game does it, such as maps/c1m1_hotel.bsp: then it is looked for in\n"
      "add-ons and in the game's own packs as well.\n"
      "\n"
      "Without PATH: add-ons and campaigns, add-ons that are in each other's way, and what will\n"
      "not work: broken packs, files where the game does not look, configurations that can crash\n"
      "it, variables that they cannot set.\n",
      explain_run, NULL },
    { "drift", "NAME", OPTION_JSON, "what a game changed in its own layer",
      "Lists what the game added, changed and removed since the server was made or reset.\n",
      drift_run, NULL },
    { "drop", "NAME PATH", OPTION_JSON, "undo what a stopped game did to a file",
      "Drops PATH, a file or a directory, from the game's own layer: what the layers below have\n"
      "there is seen again. PATH is as 'drift' shows it. The server must be stopped.\n",
      drop_run, NULL },
    { "keep", "NAME PATH", OPTION_TO | OPTION_JSON,
      "make a file that the game wrote part of an overlay",
      "Moves PATH, a file or a directory, from the game's own layer to the server's own overlay\n"
      "of files, or to another one: a reset does not lose it then. The server must be stopped.\n"
      "A directory is kept only where the overlay has none of that path. Build the overlay\n"
      "afterwards.\n",
      keep_run_command, NULL },
    { "doctor", "", OPTION_SERVICE | OPTION_JSON,
      "check this machine, with a remedy for each fault",
      "Changes nothing. Exits with 1 if a check failed; warnings do not count. What another\n"
      "one answers, by --service, is JSON in any case.\n",
      doctor_run, NULL },
};

static const struct command_group *const groups[] = { &overlay_group, &files_group };

// ---- help --------------------------------------------------------------------------------------

static void print_help(void)
{
    puts("Usage: l4d2ctl COMMAND [OPTION…] [NAME]\n"
         "\n"
         "Runs Left 4 Dead 2 servers on this machine. Run it as root or as left4me.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < ELEMENTS(commands); i++)
        printf("  %-11s %s\n", commands[i].name, commands[i].summary);
    for (size_t i = 0; i < ELEMENTS(groups); i++)
        printf("  %-11s %s\n", groups[i]->word, groups[i]->summary);
    puts("\n"
         "Options:\n"
         "  -j, --json   print JSON\n"
         "  -h, --help   show this text, or that of a command: l4d2ctl COMMAND --help\n"
         "  --version    show the version\n"
         "\n"
         "Exit codes: 0 done, 1 failed, 2 usage, 3 what was named is not there, 4 refused, 69 a\n"
         "service of the host does not answer.");
}

static void print_group_help(const struct command_group *group)
{
    printf("Usage: l4d2ctl %s COMMAND [OPTION…] [OVERLAY]\n\nCommands:\n", group->word);
    for (size_t i = 0; i < group->n_commands; i++)
        printf("  %-18s %s\n", group->commands[i].name, group->commands[i].summary);
    printf("\nMore about one of them: l4d2ctl %s COMMAND --help\n", group->word);
}

// ---- finding -----------------------------------------------------------------------------------

static const struct command_group *find_group(const char *word)
{
    for (size_t i = 0; i < ELEMENTS(groups); i++)
        if (strcmp(groups[i]->word, word) == 0)
            return groups[i];
    return NULL;
}

// The command that is called by `name`, or in a group by the group's word and `name`.
static const struct command *find_command(const struct command_group *group, const char *name)
{
    const struct command *all = group ? group->commands : commands;
    size_t                n = group ? group->n_commands : ELEMENTS(commands);
    size_t                n_word = group ? strlen(group->word) + 1 : 0;

    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name + n_word, name) == 0)
            return &all[i];
    return NULL;
}

// Options that were not reached yet count as well: who asked for JSON gets it.
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
            return true;
    return false;
}

// ---- the user left4me --------------------------------------------------------------------------

static int become(const struct passwd *user, struct error *err)
{
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return error_sys(err, errno, "becoming the user " SERVICE_USER);
    if (setresuid(0, 0, 0) == 0)
        return error_set(err, ERROR_SYSTEM, "the user " SERVICE_USER " can become root again");
    return 0;
}

// The doctor looks at machines where the user is missing: he goes on as nobody then.
static int become_service_user(bool is_doctor, struct error *err)
{
    struct passwd nobody = { .pw_name = (char[]){ "nobody" }, .pw_uid = NOBODY, .pw_gid = NOBODY };
    const struct passwd *user = getpwnam(SERVICE_USER);

    if (!user && !is_doctor)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the user " SERVICE_USER " does not exist: install the package left4me, "
                         "then run 'systemd-sysusers'");
    if (geteuid() == 0)
        return become(user ? user : &nobody, err);
    if (!user || geteuid() != user->pw_uid)
        return error_set(err, ERROR_DENIED, "run it as root or as left4me");
    return 0;
}

// ---- main --------------------------------------------------------------------------------------

static int report_error(const struct cli *cli, const struct error *err)
{
    struct error why;

    fprintf(stderr, "l4d2ctl: %s\n", err->message);
    if (!cli->is_json)
        output_tail(cli);
    // On one line, since a command that shows a log has printed such lines before.
    else if (output_json_line(json_pack("{s:o}", "error", output_error_json(cli, err)), &why) < 0)
        fprintf(stderr, "l4d2ctl: %s\n", why.message);
    return error_kind_info(err->kind)->exit_code;
}

static int run(struct cli *cli, const struct command *command)
{
    struct error err = { 0 };
    bool         is_doctor = command->run == doctor_run;
    int          code;

    if ((command->prepare && command->prepare(cli, &err) < 0) ||
        become_service_user(is_doctor, &err) < 0 || (code = command->run(cli, &err)) < 0)
        return report_error(cli, &err);
    return code;
}

static void print_version(void)
{
    puts("l4d2ctl " PROJECT_VERSION);
}

// What works always, in place of a command.
static const struct {
    const char *word;
    void (*print)(void);
} global_words[] = {
    { "--help", print_help },
    { "-h", print_help },
    { "help", print_help },
    { "--version", print_version },
};

// Returns -1 to go on, else the exit code.
static int run_global_word(const struct cli *cli, int argc, char **argv)
{
    bool                        has_more = argc > 2 && strcmp(argv[1], "help") == 0;
    const struct command_group *group = has_more ? find_group(argv[2]) : NULL;

    if (has_more && group && argc == 3) {
        print_group_help(group);
        return EXIT_SUCCESS;
    }
    if (has_more) {
        const char           *word = argv[group ? 3 : 2];
        const struct command *command = find_command(group, word);
        if (!command)
            return options_usage_error(cli, NULL, "unknown command ", word);
        options_print_help(command);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < ELEMENTS(global_words); i++)
        if (strcmp(argv[1], global_words[i].word) == 0) {
            global_words[i].print();
            return EXIT_SUCCESS;
        }
    return -1;
}

// Returns -1 to go on with *ret and the number of words it takes, else the exit code.
static int choose_command(const struct cli *cli, int argc, char **argv, const struct command **ret,
                          int *ret_n_words)
{
    const struct command_group *group = find_group(argv[1]);

    if (group && argc < 3)
        return options_usage_error(cli, NULL, group->word, ": a command is missing");
    if (group && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        print_group_help(group);
        return EXIT_SUCCESS;
    }
    *ret_n_words = group ? 2 : 1;
    *ret = find_command(group, argv[*ret_n_words]);
    if (!*ret)
        return options_usage_error(cli, NULL, "unknown command ", argv[*ret_n_words]);
    return -1;
}

int main(int argc, char **argv)
{
    struct cli cli = { .paths = &host_paths_installed, .n_lines = LINES_DEFAULT, .file_fd = -1 };
    const struct command *command = NULL;
    int                   code, n_words = 0;

    (void)signal(SIGPIPE, SIG_IGN); // a reader that leaves is an error of stdout
    (void)umask(UMASK);
    cli.is_json = wants_json(argc, argv);
    if (argc < 2)
        return options_usage_error(&cli, NULL, "a command is missing", "");
    code = run_global_word(&cli, argc, argv);
    if (code < 0)
        code = choose_command(&cli, argc, argv, &command, &n_words);
    if (code < 0)
        code = options_parse(&cli, command, argc - n_words, argv + n_words);
    if (code < 0)
        code = run(&cli, command);

    (void)fd_close(cli.file_fd);
    free(cli.file_bytes);
    strings_done(&cli.tail);
    if (fflush(stdout) != 0 && code == 0) {
        fprintf(stderr, "l4d2ctl: writing the output: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    return code;
}
