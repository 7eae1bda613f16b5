// SPDX-License-Identifier: MIT

// options: the command line, by the tables of options and of commands.

#include "admin/admin.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 18
#define PATH_ROOM  512u

static const struct option_row {
    const char *name;
    char        letter; // 0: the long form only
    const char *value;  // what its value is called; NULL: it has none
    const char *help;
} option_rows[] = {
    [OPTION_ADMIN] = { "admin", 0, NULL, "an admin, who may do everything" },
    [OPTION_BASE] = { "base", 0, "URL", "where the page is, for the link" },
    [OPTION_BUILD] = { "build", 0, NULL, "then build the overlays" },
    [OPTION_CHECK] = { "check", 0, NULL, "only look whether it is whole" },
    [OPTION_EXPIRES] = { "expires", 0, "DAYS", "it is good for so long, 1 to 3650" },
    [OPTION_FOLLOW] = { "follow", 'f', NULL, "go on until it ends" },
    [OPTION_NAME] = { "name", 0, "NAME", "the name; otherwise who comes chooses one" },
    [OPTION_OWNER] = { "owner", 0, "USER", "whose they are; otherwise the first admin's" },
    [OPTION_RENAME] = { "rename", 0, NULL, "what has a name that is taken gets another one" },
    [OPTION_REPLACE] = { "replace", 0, NULL, "in place of what is there" },
    [OPTION_SCOPE] = { "scope", 0, "SCOPE", "read, operate, manage or admin" },
    [OPTION_START] = { "start", 0, NULL, "then start the servers that ran" },
    [OPTION_UPPER] = { "upper", 0, "NAME", "with what that server wrote; as often as needed" },
    [OPTION_UPPERS] = { "uppers", 0, NULL, "with what all servers wrote" },
    [OPTION_USER] = { "user", 0, "USER", "whose" },
    [OPTION_WAIT] = { "wait", 'w', NULL, "show its log until it ends" },
    [OPTION_JSON] = { "json", 'j', NULL, "print JSON, a document a line" },
};
_Static_assert(ELEMENTS(option_rows) == ADMIN_OPTIONS, "every option has a row");

enum { LETTER_FIRST = 256, LETTER_DATABASE = 512, LETTER_ROOT, LETTER_VERSION };

// ---- help --------------------------------------------------------------------------------------

// With a word, the commands of that group alone.
static void print_help(FILE *file, const char *group)
{
    size_t n_group = group ? strlen(group) : 0;

    fputs("Usage: left4me [--database FILE | --root DIRECTORY] COMMAND [OPTION…]\n"
          "\n"
          "Looks after the page of left4me on this machine. Run it as root or as left4me.\n"
          "\n"
          "Commands:\n",
          file);
    for (size_t i = 0; i < admin_n_commands; i++)
        if (!group || (strncmp(admin_commands[i].name, group, n_group) == 0 &&
                       admin_commands[i].name[n_group] == ' '))
            fprintf(file, "  %-*s %s\n", NAME_WIDTH, admin_commands[i].name,
                    admin_commands[i].summary);
    fputs("\n"
          "Options:\n"
          "  -j, --json        print JSON, a document a line\n"
          "  -h, --help        show this text, or that of a command: left4me COMMAND --help\n"
          "  --database FILE   another database, as the user who runs it\n"
          "  --root DIRECTORY  everything below another root, likewise\n"
          "  --version         show the version\n"
          "\n"
          "Exit codes: 0 done, 1 failed, 2 usage, 3 what was named is not there, 4 refused, 69 a\n"
          "service of the host does not answer.\n",
          file);
}

static void print_command_help(const struct admin_command *command)
{
    printf("Usage: left4me %s [OPTION…]%s%s\n\n%s\nOptions:\n", command->name,
           *command->arguments ? " " : "", command->arguments, command->help);
    for (unsigned i = 0; i < ADMIN_OPTIONS; i++) {
        const struct option_row *row = &option_rows[i];
        char                     left[40], letter[8] = "    ";
        if (i != OPTION_JSON && !(command->options & TAKES(i)))
            continue;
        if (row->letter)
            (void)snprintf(letter, sizeof letter, "-%c, ", row->letter); // it fits
        (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                       row->value ? row->value : ""); // short words
        printf("  %-22s %s\n", left, row->help);
    }
    printf("  %-22s %s\n", "-h, --help", "show this text");
}

// ---- usage -------------------------------------------------------------------------------------

static int usage_error(const struct admin *admin, const struct admin_command *command,
                       const char *what, const char *which)
{
    struct error err;

    fprintf(stderr, "left4me: %s%s; see left4me %s%s--help\n", what, which,
            command ? command->name : "", command ? " " : "");
    error_set(&err, ERROR_INVALID, "%.100s%.100s", what, which);
    if (admin->is_json)
        (void)!admin_say(admin,
                         json_pack("{s:{s:s, s:s}}", "error", "kind",
                                   error_kind_info(err.kind)->word, "message", err.message),
                         "", &err); // it was said already
    return EXIT_USAGE;
}

// ---- options -----------------------------------------------------------------------------------

static int letter_of(unsigned i)
{
    return option_rows[i].letter ? option_rows[i].letter : LETTER_FIRST + (int)i;
}

struct getopt_tables {
    char          letters[2 * ADMIN_OPTIONS + 4];
    struct option longs[ADMIN_OPTIONS + 5];
};

// Of all options; *ret begins as zeros.
static void fill_getopt_tables(struct getopt_tables *ret)
{
    static const struct option others[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, LETTER_VERSION },
        { "database", required_argument, NULL, LETTER_DATABASE },
        { "root", required_argument, NULL, LETTER_ROOT },
    };
    char  *letter = ret->letters;
    size_t n = 0;

    *letter++ = ':'; // keeps getopt quiet
    *letter++ = 'h';
    for (unsigned i = 0; i < ADMIN_OPTIONS; i++) {
        if (option_rows[i].letter)
            *letter++ = option_rows[i].letter;
        ret->longs[n++] = (struct option){ option_rows[i].name,
                                           option_rows[i].value ? required_argument : no_argument,
                                           NULL, letter_of(i) };
    }
    memcpy(ret->longs + n, others, sizeof others);
}

// What is installed, but below `root`. The texts live as long as the program.
static void take_root(struct admin *admin, const char *root)
{
    struct {
        const char **place;
        const char  *path;
    } places[] = {
        { &admin->places.host.data_dir, "/var/lib/left4me" },
        { &admin->places.host.host_dir, "/var/lib/left4me-host" },
        { &admin->places.host.mounted_dir, "/run/left4me-host/mounted" },
        { &admin->places.host.broker_socket, "/run/left4me/broker.sock" },
        { &admin->places.host.log_socket, "/run/left4me/log.sock" },
        { &admin->places.host.wants_dir, "/etc/systemd/system" },
        { &admin->places.host.settings_file, "/etc/left4me/left4me.conf" },
        { &admin->places.host.steamcmd_link, "/etc/left4me/steamcmd" },
        { &admin->places.database, "/var/lib/left4me/db/left4me.db" },
        { &admin->places.unpack, "/usr/lib/left4me/left4me-unpack" },
        { &admin->places.key, "/etc/credstore/left4me.key" },
        { &admin->places.worker_socket, "/run/left4me/worker.sock" },
    };
    static char texts[ELEMENTS(places)][PATH_ROOM];

    for (size_t i = 0; i < ELEMENTS(places); i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s%s", root, places[i].path); // or is not found
        *places[i].place = texts[i];
    }
    admin->is_own = true;
}

// Whether it was one of those that every command has; *ret_code is not -1 if the command ends.
static bool take_other(struct admin *admin, int letter, int *ret_code)
{
    switch (letter) {
    case LETTER_VERSION:
        puts("left4me " PROJECT_VERSION);
        *ret_code = EXIT_SUCCESS;
        return true;
    case LETTER_DATABASE:
        admin->places.database = optarg;
        admin->is_own = true;
        return true;
    case LETTER_ROOT:
        take_root(admin, optarg);
        return true;
    default:
        return false;
    }
}

static void take_option(struct admin *admin, int letter)
{
    for (unsigned i = 0; i < ADMIN_OPTIONS; i++)
        if (letter_of(i) == letter)
            admin->option[i] = optarg ? optarg : "";
    if (letter == letter_of(OPTION_UPPER))
        strings_add(&admin->uppers, optarg, strlen(optarg));
}

static int parse_options(struct admin *admin, bool *ret_wants_help, int argc, char **argv)
{
    struct getopt_tables tables = { 0 };
    int                  letter, code = -1;

    fill_getopt_tables(&tables);
    while ((letter = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        const char short_name[] = { '-', (char)optopt, '\0' };
        if (letter == ':')
            return usage_error(admin, NULL, "a value is missing after ", argv[optind - 1]);
        if (letter == '?')
            return usage_error(admin, NULL, "unknown option ",
                               optopt > ' ' && optopt < 0x7f ? short_name : argv[optind - 1]);
        if (letter == 'h')
            *ret_wants_help = true;
        else if (!take_other(admin, letter, &code))
            take_option(admin, letter);
        if (code >= 0)
            return code;
    }
    return -1;
}

// ---- the command -------------------------------------------------------------------------------

static bool is_group(const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i < admin_n_commands; i++)
        if (strncmp(admin_commands[i].name, word, n) == 0 && admin_commands[i].name[n] == ' ')
            return true;
    return false;
}

// By one word, or by two; *ret_n is how many they were.
static const struct admin_command *find_command(int n, char **words, int *ret_n)
{
    for (size_t i = 0; i < admin_n_commands && n > 0; i++) {
        const char *name = admin_commands[i].name;
        size_t      n_first = strcspn(name, " ");
        if (strlen(words[0]) != n_first || strncmp(words[0], name, n_first) != 0)
            continue;
        *ret_n = name[n_first] ? 2 : 1;
        if (!name[n_first] || (n > 1 && strcmp(words[1], name + n_first + 1) == 0))
            return &admin_commands[i];
    }
    return NULL;
}

// The word number `i` of `text`; its length in *ret_n, 0 behind the last.
static const char *word_at(const char *text, size_t i, size_t *ret_n)
{
    for (;; text += *ret_n) {
        text += strspn(text, " ");
        *ret_n = strcspn(text, " ");
        if (i-- == 0 || *ret_n == 0)
            return text;
    }
}

static int parse_arguments(struct admin *admin, const struct admin_command *command, int argc,
                           char **argv)
{
    size_t n = 0, n_word;
    bool   has_rest = strstr(command->arguments, "…");

    for (const char *word; (word = word_at(command->arguments, n, &n_word)), n_word > 0; n++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%.*s", (int)n_word, word); // short words
        if (n >= (size_t)argc && *word != '[')
            return usage_error(admin, command, name, " is missing");
    }
    if ((size_t)argc > (has_rest ? ADMIN_ARGUMENTS_MAX : n))
        return usage_error(admin, command, "there is nothing to do with ",
                           argv[has_rest ? ADMIN_ARGUMENTS_MAX : n]);
    for (size_t i = 0; i < (size_t)argc; i++)
        admin->args[i] = argv[i];
    admin->n_args = (size_t)argc;
    for (unsigned i = 0; i < ADMIN_OPTIONS; i++)
        if (admin->option[i] && i != OPTION_JSON && !(command->options & TAKES(i)))
            return usage_error(admin, command, "it does not take --", option_rows[i].name);
    return -1;
}

// Options that were not reached yet count as well: who asked for JSON gets it.
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
            return true;
    return false;
}

int options_parse(struct admin *admin, const struct admin_command **ret, int argc, char **argv)
{
    bool wants_help = false;
    int  n_words = 0;

    admin->is_json = wants_json(argc, argv);
    int code = parse_options(admin, &wants_help, argc, argv);
    if (code >= 0)
        return code;
    argc -= optind;
    argv += optind;
    *ret = find_command(argc, argv, &n_words);
    if (wants_help && *ret)
        print_command_help(*ret);
    else if (wants_help || (argc > 0 && strcmp(argv[0], "help") == 0))
        print_help(stdout, argc > 0 && is_group(argv[0]) ? argv[0] : NULL);
    if (wants_help)
        return EXIT_SUCCESS;
    if (argc == 0)
        return usage_error(admin, NULL, "a command is missing", "");
    if (!*ret)
        return strcmp(argv[0], "help") == 0
                   ? EXIT_SUCCESS
                   : usage_error(admin, NULL, "unknown command ", argv[n_words > 1 && argc > 1]);
    return parse_arguments(admin, *ret, argc - n_words, argv + n_words);
}
