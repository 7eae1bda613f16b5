// SPDX-License-Identifier: MIT

// l4d2ctl: the host's command line. It works when the web side is down, asks the privileged side
// through its sockets, and as root becomes the user left4me before it does anything.

#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/number.h"

#define SERVICE_USER  "left4me"
#define EXIT_USAGE    2
#define NOBODY        65534 // where the user of that name is missing as well
#define UMASK         027
#define LINES_DEFAULT 50u

// ---- tables: options and commands --------------------------------------------------------------

enum option_bit {
    OPTION_JSON = 1 << 0,
    OPTION_FILE = 1 << 1,
    OPTION_LINES = 1 << 2,
    OPTION_FOLLOW = 1 << 3,
    OPTION_ALL_RUNS = 1 << 4,
    OPTION_STEAMCMD = 1 << 5,
    OPTION_VERBOSE = 1 << 6,
};

static const struct option_row {
    enum option_bit bit;
    const char     *name;
    char            letter;
    const char     *value; // what its value is called; NULL: it has none
    const char     *help;
} option_rows[] = {
    { OPTION_FILE, "file", 'f', "SPEC.yaml", "the specification; - reads standard input" },
    { OPTION_LINES, "lines", 'n', "N", "how many lines of the past to show (50)" },
    { OPTION_FOLLOW, "follow", 'f', NULL, "go on showing new lines until Ctrl-C" },
    { OPTION_ALL_RUNS, "all-runs", 'a', NULL, "not only the newest run of the server" },
    { OPTION_STEAMCMD, "steamcmd", 's', "PATH", "remember where SteamCMD is (needs root)" },
    { OPTION_VERBOSE, "verbose", 'v', NULL, "show every line of the installer" },
    { OPTION_JSON, "json", 'j', NULL, "print JSON" },
};

// What a command wants besides options.
enum arguments { WANTS_NOTHING, WANTS_NAME, WANTS_NAME_AND_PATH };

static const struct command {
    const char    *name;
    enum arguments arguments;
    unsigned       options;
    const char    *summary;
    const char    *help;
    int (*run)(struct cli *cli, struct error *err);
    int (*prepare)(struct cli *cli, struct error *err); // as the caller; may be NULL
} commands[] = {
    { "install", WANTS_NOTHING, OPTION_STEAMCMD | OPTION_VERBOSE | OPTION_JSON,
      "install or update the game",
      "Runs SteamCMD in its sandbox and publishes the result as a new generation of the game.\n"
      "Servers that run keep the old one until they are restarted. A run that fails or is\n"
      "interrupted changes nothing. If an update runs already, its progress is shown.\n"
      "\n"
      "SteamCMD itself is Valve's and does not come with this package. Unpack it anywhere and\n"
      "name the place once: --steamcmd /opt/steamcmd (the directory, or a program in it).\n",
      install_run, install_prepare },
    { "initialize", WANTS_NAME, OPTION_FILE | OPTION_JSON,
      "make an instance, or change one, from SPEC.yaml",
      "Repeating it with the same file changes nothing. Changes apply at the next start.\n"
      "\n"
      "SPEC.yaml:\n"
      "  port: 27015              required, 1024 to 65535, unique on this machine\n"
      "  tv_port: 32015           SourceTV; if left out, port + 5000\n"
      "  client_port: 22015       if left out, port - 5000\n"
      "  hostname: My server      printable ASCII; if left out, the name of the instance\n"
      "  rcon_password: …         8 to 64 characters; if left out, one is made and kept\n"
      "  overlays: [3, 7]         numbers, in order, later ones win; the game is below them all\n"
      "  arguments: [+map, c2m1_highway]    for srcds, one word an item\n"
      "  config:                  lines of server.cfg, as a list or as a block of text\n"
      "    - sv_consistency 1\n"
      "  limits:\n"
      "    memory: 4G\n"
      "    cpu: 200               percent of one processor\n"
      "    cpus: 0-3,6            processors to run on\n"
      "    tasks: 512\n",
      initialize_run, initialize_prepare },
    { "start", WANTS_NAME, OPTION_JSON, "start a server, now and at every boot",
      "Uses the newest configuration and the current generation of each overlay. Returns when\n"
      "the server is ready, or with the reason and its last log lines. A server that runs\n"
      "already is left alone.\n",
      start_run, NULL },
    { "stop", WANTS_NAME, OPTION_JSON, "stop a server, also for the next boot",
      "Returns when the game has ended and its files are unmounted. Stopping a stopped server\n"
      "succeeds.\n",
      stop_run, NULL },
    { "restart", WANTS_NAME, OPTION_JSON, "stop a server and start it with what is new",
      "Applies what 'status' calls pending: a new configuration, new generations of overlays.\n",
      restart_run, NULL },
    { "reset", WANTS_NAME, OPTION_JSON, "stop a server and drop what the game wrote",
      "Logs, bans, demos and plug-in data of the server are gone afterwards; its specification\n"
      "stays. 'drift' shows what would be lost. The server stays stopped.\n",
      reset_run, NULL },
    { "delete", WANTS_NAME, OPTION_JSON, "stop a server and drop everything of it",
      "Overlays and the game stay. Deleting what does not exist succeeds.\n", delete_run, NULL },
    { "status", WANTS_NAME, OPTION_JSON, "what a server is doing, and what waits to be applied",
      "State, last exit, ports, generations and consumption, as the init system tells them.\n",
      status_run, NULL },
    { "list", WANTS_NOTHING, OPTION_JSON, "all instances with their state",
      "Lists every instance, running or not, sorted by name.\n", list_run, NULL },
    { "logs", WANTS_NAME, OPTION_LINES | OPTION_FOLLOW | OPTION_ALL_RUNS | OPTION_JSON,
      "the log of a server",
      "Shows the newest run of the server unless --all-runs is given; --lines goes up to 10000.\n"
      "With --json each line is one object.\n",
      logs_run, NULL },
    { "explain", WANTS_NAME_AND_PATH, OPTION_JSON, "which layer a file of a server comes from",
      "PATH is relative to the root of the installation, such as left4dead2/cfg/server.cfg.\n"
      "Lists every layer that has something at PATH, top first: which one the game sees, which\n"
      "ones it shadows, which one removes it.\n",
      explain_run, NULL },
    { "drift", WANTS_NAME, OPTION_JSON, "what a game changed in its own layer",
      "Lists what the game added, changed and removed since the server was made or reset.\n",
      drift_run, NULL },
    { "doctor", WANTS_NOTHING, OPTION_JSON, "check this machine, with a remedy for each fault",
      "Changes nothing. Exits with 1 if a check failed; warnings do not count.\n", doctor_run,
      NULL },
};

// ---- help --------------------------------------------------------------------------------------

static const char *words_of(enum arguments arguments)
{
    static const char *const words[] = {
        [WANTS_NOTHING] = "", [WANTS_NAME] = " NAME", [WANTS_NAME_AND_PATH] = " NAME PATH"
    };

    return words[arguments];
}

static void print_help(void)
{
    puts("Usage: l4d2ctl COMMAND [OPTION…] [NAME]\n"
         "\n"
         "Runs Left 4 Dead 2 servers on this machine. Run it as root or as left4me.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < ELEMENTS(commands); i++)
        printf("  %-11s %s\n", commands[i].name, commands[i].summary);
    puts("\n"
         "Options:\n"
         "  -j, --json   print JSON\n"
         "  -h, --help   show this text, or that of a command: l4d2ctl COMMAND --help\n"
         "  --version    show the version\n"
         "\n"
         "Exit codes: 0 done, 1 failed, 2 usage, 3 no such instance, 4 refused, 69 a service of\n"
         "the host does not answer.");
}

static void print_command_help(const struct command *command)
{
    printf("Usage: l4d2ctl %s [OPTION…]%s\n\n%s\nOptions:\n", command->name,
           words_of(command->arguments), command->help);
    for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
        char                     left[40];
        const struct option_row *row = &option_rows[i];
        if (!(command->options & row->bit))
            continue;
        (void)snprintf(left, sizeof left, "-%c, --%s%s%s", row->letter, row->name,
                       row->value ? " " : "", row->value ? row->value : ""); // short words
        printf("  %-22s %s\n", left, row->help);
    }
    printf("  %-22s %s\n", "-h, --help", "show this text");
}

// ---- usage -------------------------------------------------------------------------------------

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
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

static void print_usage_json(const char *what, const char *which)
{
    AUTO(buffer_done) struct buffer text = { 0 };
    struct error                    err;

    buffer_printf(&text, "%s%s", what, which);
    if (buffer_check(&text, &err) < 0 ||
        output_json(json_pack("{s:{s:s, s:o}}", "error", "kind",
                              error_kind_info(ERROR_INVALID)->word, "message",
                              output_text_json(text.bytes, text.n)),
                    &err) < 0)
        fprintf(stderr, "l4d2ctl: %s\n", err.message);
}

static int usage_error(const struct cli *cli, const struct command *command, const char *what,
                       const char *which)
{
    if (cli->is_json)
        print_usage_json(what, which);
    fprintf(stderr, "l4d2ctl: %s%s; see l4d2ctl %s%s--help\n", what, which,
            command ? command->name : "", command ? " " : "");
    return EXIT_USAGE;
}

static int take_option(struct cli *cli, enum option_bit bit, const char *value, struct error *err)
{
    switch (bit) {
    case OPTION_JSON:
        cli->is_json = true;
        return 0;
    case OPTION_FILE:
        cli->file = value;
        return 0;
    case OPTION_LINES:
        return number_parse_u32(&cli->n_lines, value, 0, LOG_LINES_MAX, err);
    case OPTION_FOLLOW:
        cli->is_following = true;
        return 0;
    case OPTION_ALL_RUNS:
        cli->has_all_runs = true;
        return 0;
    case OPTION_STEAMCMD:
        cli->steamcmd = value;
        return 0;
    case OPTION_VERBOSE:
        cli->is_verbose = true;
        return 0;
    }
    return 0;
}

// A letter may mean different things to different commands.
static const struct option_row *option_of_letter(const struct command *command, int letter)
{
    for (size_t i = 0; i < ELEMENTS(option_rows); i++)
        if (command->options & option_rows[i].bit && option_rows[i].letter == letter)
            return &option_rows[i];
    return NULL;
}

// The two tables getopt_long wants, of the options this command has.
struct getopt_tables {
    char          letters[2 * ELEMENTS(option_rows) + 4];
    struct option longs[ELEMENTS(option_rows) + 2];
};

static void fill_getopt_tables(struct getopt_tables *ret, const struct command *command)
{
    char  *letter = ret->letters;
    size_t n = 0;

    *ret = (struct getopt_tables){ 0 };
    *letter++ = ':'; // tells a missing value from an unknown option, and keeps getopt quiet
    *letter++ = 'h';
    ret->longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
    for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        if (!(command->options & row->bit))
            continue;
        *letter++ = row->letter;
        if (row->value)
            *letter++ = ':';
        ret->longs[n++] = (struct option){ row->name, row->value ? required_argument : no_argument,
                                           NULL, row->letter };
    }
}

// Returns -1 to go on, else the exit code.
static int parse_options(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct getopt_tables tables;
    struct error         err;
    int                  letter;

    fill_getopt_tables(&tables, command);
    while ((letter = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        if (letter == 'h') {
            print_command_help(command);
            return 0;
        }
        if (letter == ':')
            return usage_error(cli, command, "a value is missing after ", argv[optind - 1]);
        const struct option_row *row = letter == '?' ? NULL : option_of_letter(command, letter);
        // One of several letters written together is in optopt; of a long option nothing is.
        const char short_name[] = { '-', (char)optopt, '\0' };
        if (!row)
            return usage_error(cli, command, "unknown option ",
                               optopt > ' ' && optopt < 0x7f ? short_name : argv[optind - 1]);
        if (take_option(cli, row->bit, optarg, &err) < 0)
            return usage_error(cli, command, err.message, "");
    }
    return -1;
}

static int parse_arguments(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct error err;
    int          n_wanted = (int)command->arguments; // the enum counts them

    _Static_assert(WANTS_NOTHING == 0 && WANTS_NAME == 1 && WANTS_NAME_AND_PATH == 2, "counts");
    if (argc < n_wanted)
        return usage_error(cli, command, argc == 0 ? "NAME is missing" : "PATH is missing", "");
    if (argc > n_wanted)
        return usage_error(cli, command, "there is nothing to do with ", argv[n_wanted]);
    if (n_wanted > 0 && instance_name_set(&cli->name, argv[0], &err) < 0)
        return usage_error(cli, command, err.message, "");
    if (n_wanted > 1)
        cli->path = argv[1];
    return -1;
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

static void report_tail(const struct cli *cli)
{
    AUTO(buffer_done) struct buffer text = { 0 };

    for (const char *s = NULL; (s = strings_next(&cli->tail, s));) {
        buffer_add_string(&text, text.n ? "\n  " : "The last lines of its log:\n  ");
        buffer_add_escaped(&text, s, strlen(s));
    }
    if (text.n)
        fprintf(stderr, "%s\n", text.bytes);
}

static int report_error(const struct cli *cli, const struct error *err)
{
    const struct error_kind_info *info = error_kind_info(err->kind);

    fprintf(stderr, "l4d2ctl: %s\n", err->message);
    if (!cli->is_json)
        report_tail(cli);
    if (cli->is_json) {
        AUTO(json_decrefp) json_t *message = output_text_json(err->message, strlen(err->message));
        json_t *json = json_pack("{s:{s:s, s:O}}", "error", "kind", info->word, "message", message);
        if (json && cli->tail.n > 0)
            (void)json_object_set_new(json_object_get(json, "error"), "log",
                                      output_strings_json(&cli->tail)); // absent without memory
        struct error why;
        if (output_json(json, &why) < 0)
            fprintf(stderr, "l4d2ctl: %s\n", why.message);
    }
    return info->exit_code;
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
    const struct command *command = argc > 2 ? find_command(argv[2]) : NULL;

    if (strcmp(argv[1], "help") == 0 && argc > 2) {
        if (!command)
            return usage_error(cli, NULL, "unknown command ", argv[2]);
        print_command_help(command);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < ELEMENTS(global_words); i++)
        if (strcmp(argv[1], global_words[i].word) == 0) {
            global_words[i].print();
            return EXIT_SUCCESS;
        }
    return -1;
}

int main(int argc, char **argv)
{
    struct cli cli = { .paths = &host_paths_installed, .n_lines = LINES_DEFAULT };
    int        code;

    (void)signal(SIGPIPE, SIG_IGN); // a reader that leaves is an error of stdout
    (void)umask(UMASK);
    cli.is_json = wants_json(argc, argv);
    if (argc < 2)
        return usage_error(&cli, NULL, "a command is missing", "");
    code = run_global_word(&cli, argc, argv);
    if (code >= 0)
        return code;

    const struct command *command = find_command(argv[1]);
    if (!command)
        return usage_error(&cli, NULL, "unknown command ", argv[1]);
    code = parse_options(&cli, command, argc - 1, argv + 1);
    if (code < 0)
        code = parse_arguments(&cli, command, argc - 1 - optind, argv + 1 + optind);
    if (code < 0)
        code = run(&cli, command);

    free(cli.spec_bytes);
    strings_done(&cli.tail);
    if (fflush(stdout) != 0 && code == 0) {
        fprintf(stderr, "l4d2ctl: writing the output: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    return code;
}
