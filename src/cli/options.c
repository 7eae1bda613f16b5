// SPDX-License-Identifier: MIT

// options: the words behind a command, by the tables of options and of the command.

#include "cli/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/number.h"

static const struct option_row {
    enum option_bit bit;
    const char     *name;
    char            letter; // 0: the long form only
    const char     *value;  // what its value is called; NULL: it has none
    const char     *help;
} option_rows[] = {
    { OPTION_FILE, "file", 'f', "SPEC.yaml", "the specification; - reads standard input" },
    { OPTION_LINES, "lines", 'n', "N", "how many lines of the past to show (50)" },
    { OPTION_FOLLOW, "follow", 'f', NULL, "go on showing new lines until Ctrl-C" },
    { OPTION_ALL_RUNS, "all-runs", 'a', NULL, "not only the newest run of the server" },
    { OPTION_ALL_PATHS, "all", 'a', NULL, "list every path that a layer has" },
    { OPTION_STEAMCMD, "steamcmd", 's', "PATH", "remember where SteamCMD is (needs root)" },
    { OPTION_VERBOSE, "verbose", 'v', NULL, "show every line of the installer" },
    { OPTION_TYPE, "type", 't', "TYPE", "script, workshop or files" },
    { OPTION_SOURCE_FILE, "file", 'f', "FILE", "the script or list; - reads standard input" },
    { OPTION_NAME, "name", 0, "NAME", "another name" },
    { OPTION_KEEP, "keep", 0, "N", "generations to keep, 1 to 200; 0: as on this machine" },
    { OPTION_OUTPUT_MAX, "output-max", 0, "SIZE", "of one build, such as 20G; 0: likewise" },
    { OPTION_REFRESH, "refresh", 0, "WHEN", "build it anew: daily or never" },
    { OPTION_HOLD, "hold", 0, NULL, "publish, but let new starts keep the old generation" },
    { OPTION_DETACH, "detach", 'd', NULL, "do not wait for the end" },
    { OPTION_WITH, "with", 'w', "OVERLAY=GEN", "this once with that generation of an overlay" },
    { OPTION_PUT_FILE, "file", 'f', "FILE", "the file; - reads standard input" },
    { OPTION_ARCHIVE, "file", 'f', "FILE", "the archive, which is no pipe" },
    { OPTION_UPLOAD, "upload", 0, "ID", "or an upload of the page, which goes then" },
    { OPTION_RECURSIVE, "recursive", 'r', NULL, "with all that is in it" },
    { OPTION_STRIP, "strip", 's', NULL, "leave out the one directory that everything is in" },
    { OPTION_TO, "to", 't', "OVERLAY", "an overlay of files in place of the server's own" },
    { OPTION_PAGE, "page", 0, NULL, "the page asks, whose names are s1, s2 and so on" },
    { OPTION_SERVICE, "service", 0, NULL,
      "ask left4me-doctor, from where the machine is not seen" },
    { OPTION_JSON, "json", 'j', NULL, "print JSON" },
};

// ---- help --------------------------------------------------------------------------------------

void options_print_help(const struct command *command)
{
    printf("Usage: l4d2ctl %s [OPTION…]%s%s\n\n%s\nOptions:\n", command->name,
           *command->arguments ? " " : "", command->arguments, command->help);
    for (size_t i = 0; i < ELEMENTS(option_rows); i++) {
        char                     left[40];
        const struct option_row *row = &option_rows[i];
        if (!(command->options & row->bit))
            continue;
        char letter[8] = "    ";
        if (row->letter)
            (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
        (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
                       row->value ? row->value : ""); // short words
        printf("  %-22s %s\n", left, row->help);
    }
    printf("  %-22s %s\n", "-h, --help", "show this text");
}

// ---- usage -------------------------------------------------------------------------------------

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

int options_usage_error(const struct cli *cli, const struct command *command, const char *what,
                        const char *which)
{
    if (cli->is_json)
        print_usage_json(what, which);
    fprintf(stderr, "l4d2ctl: %s%s; see l4d2ctl %s%s--help\n", what, which,
            command ? command->name : "", command ? " " : "");
    return EXIT_USAGE;
}

// ---- parsing -----------------------------------------------------------------------------------

static const struct {
    enum option_bit bit;
    size_t          offset; // in struct cli
} texts[] = {
    { OPTION_FILE, offsetof(struct cli, file) },
    { OPTION_SOURCE_FILE, offsetof(struct cli, file) },
    { OPTION_PUT_FILE, offsetof(struct cli, file) },
    { OPTION_ARCHIVE, offsetof(struct cli, file) },
    { OPTION_STEAMCMD, offsetof(struct cli, steamcmd) },
    { OPTION_TYPE, offsetof(struct cli, type) },
    { OPTION_NAME, offsetof(struct cli, new_name) },
    { OPTION_TO, offsetof(struct cli, to) },
    { OPTION_UPLOAD, offsetof(struct cli, upload) },
}, flags[] = {
    { OPTION_JSON, offsetof(struct cli, is_json) },
    { OPTION_FOLLOW, offsetof(struct cli, is_following) },
    { OPTION_ALL_RUNS, offsetof(struct cli, has_all_runs) },
    { OPTION_ALL_PATHS, offsetof(struct cli, has_all_paths) },
    { OPTION_VERBOSE, offsetof(struct cli, is_verbose) },
    { OPTION_RECURSIVE, offsetof(struct cli, is_recursive) },
    { OPTION_STRIP, offsetof(struct cli, is_stripping) },
    { OPTION_HOLD, offsetof(struct cli, is_held) },
    { OPTION_DETACH, offsetof(struct cli, is_detached) },
    { OPTION_PAGE, offsetof(struct cli, is_of_page) },
    { OPTION_SERVICE, offsetof(struct cli, is_by_service) },
};

static int take_option(struct cli *cli, enum option_bit bit, const char *value, struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(texts); i++)
        if (texts[i].bit == bit)
            *(const char **)((char *)cli + texts[i].offset) = value;
    for (size_t i = 0; i < ELEMENTS(flags); i++)
        if (flags[i].bit == bit)
            *(bool *)((char *)cli + flags[i].offset) = true;
    if (bit == OPTION_LINES)
        return number_parse_u32(&cli->n_lines, value, 0, LOG_LINES_MAX, err);
    if (bit == OPTION_WITH)
        return plan_choice_add(&cli->with, value, err);
    if (bit == OPTION_KEEP) {
        cli->has_keep = true;
        return number_parse_u32(&cli->keep, value, 0, KEEP_MAX, err);
    }
    if (bit == OPTION_OUTPUT_MAX) {
        cli->has_output_max = true;
        return number_parse_bytes(&cli->output_max_bytes, value, 0, OUTPUT_MAX_MAX, err);
    }
    if (bit == OPTION_REFRESH) {
        cli->has_refresh = true;
        cli->is_daily = strcmp(value, "daily") == 0;
        if (!cli->is_daily && strcmp(value, "never") != 0)
            return error_set(err, ERROR_INVALID, "--refresh takes daily or never");
    }
    return 0;
}

// What getopt_long calls a row: its letter, or a number that no letter has.
static int value_of(const struct option_row *row)
{
    return row->letter ? row->letter : 256 + (int)(row - option_rows);
}

// A letter may mean different things to different commands.
static const struct option_row *option_of_letter(const struct command *command, int letter)
{
    for (size_t i = 0; i < ELEMENTS(option_rows); i++)
        if (command->options & option_rows[i].bit && value_of(&option_rows[i]) == letter)
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
        if (row->letter)
            *letter++ = row->letter;
        if (row->letter && row->value)
            *letter++ = ':';
        ret->longs[n++] = (struct option){ row->name, row->value ? required_argument : no_argument,
                                           NULL, value_of(row) };
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
            options_print_help(command);
            return 0;
        }
        if (letter == ':')
            return options_usage_error(cli, command, "a value is missing after ", argv[optind - 1]);
        const struct option_row *row = letter == '?' ? NULL : option_of_letter(command, letter);
        // One of several letters written together is in optopt; of a long option nothing is.
        const char short_name[] = { '-', (char)optopt, '\0' };
        if (!row)
            return options_usage_error(cli, command, "unknown option ",
                                       optopt > ' ' && optopt < 0x7f ? short_name
                                                                     : argv[optind - 1]);
        if (take_option(cli, row->bit, optarg, &err) < 0)
            return options_usage_error(cli, command, err.message, "");
    }
    return -1;
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

static int parse_arguments(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct error err;
    size_t       n = 0, n_word;

    for (const char *word; (word = word_at(command->arguments, n, &n_word)), n_word > 0; n++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%.*s", (int)n_word, word); // short words
        if (n < (size_t)argc)
            cli->args[n] = argv[n];
        else if (*word != '[')
            return options_usage_error(cli, command, name, " is missing");
    }
    if ((size_t)argc > n)
        return options_usage_error(cli, command, "there is nothing to do with ", argv[n]);
    if (strncmp(command->arguments, "NAME", 4) == 0 &&
        instance_name_set(&cli->name, argv[0], &err) < 0)
        return options_usage_error(cli, command, err.message, "");
    return -1;
}

int options_parse(struct cli *cli, const struct command *command, int argc, char **argv)
{
    int code = parse_options(cli, command, argc, argv);

    return code < 0 ? parse_arguments(cli, command, argc - optind, argv + optind) : code;
}
