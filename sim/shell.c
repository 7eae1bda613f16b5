// SPDX-License-Identifier: MIT
#include "shell.h"

#include "base/error.h"
#include "commands.h"
#include "console.h"
#include "cvars.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct shell {
    struct game *game;
    unsigned     depth;
};

static const struct command_table *const tables[] = {
    &commands_server, &commands_players, &commands_sourcemod, &commands_emulator, NULL,
};

struct shell *shell_new(struct game *game)
{
    struct shell *shell = calloc(1, sizeof *shell);

    if (shell)
        shell->game = game;
    return shell;
}

struct shell *shell_free(struct shell *shell)
{
    free(shell);
    return NULL;
}

const struct command *shell_command_at(size_t i)
{
    for (const struct command_table *const *table = tables; *table; table++) {
        if (i < (*table)->count)
            return &(*table)->list[i];
        i -= (*table)->count;
    }
    return NULL;
}

static const struct command *command_find(const char *name)
{
    const struct command *command;

    for (size_t i = 0; (command = shell_command_at(i)); i++)
        if (strcasecmp(command->name, name) == 0)
            return command;
    return NULL;
}

// --- words ------------------------------------------------------------------------------------

// Splits `line` in place: words in quotes, or up to a blank. Quotes inside a word end it.
static void args_split(struct args *args, char *line)
{
    char *cursor = line;

    args->count = 0;
    for (;;) {
        cursor += strspn(cursor, " \t\r");
        if (!*cursor || args->count == SHELL_ARGS_MAX)
            return;

        bool is_quoted = *cursor == '"';
        cursor += is_quoted;
        args->values[args->count++] = cursor;
        cursor += strcspn(cursor, is_quoted ? "\"" : " \t\r");
        if (!*cursor)
            return;
        *cursor++ = '\0';
    }
}

// Length of the command at the start of `text`: up to a line's end, or a ';' outside quotes.
static size_t command_length(const char *text)
{
    bool   is_quoted = false;
    size_t n = 0;

    for (; text[n] && text[n] != '\n'; n++) {
        if (text[n] == '"')
            is_quoted = !is_quoted;
        if (!is_quoted && (text[n] == ';' || (text[n] == '/' && text[n + 1] == '/')))
            break;
    }
    return n;
}

// --- running ----------------------------------------------------------------------------------

static void run_variable(struct game *game, const struct cvar *cvar, const struct args *args)
{
    if (args->count > 1) {
        cvars_set(game->cvars, cvar, args->values[1]);
        return;
    }
    const char *value = cvar->flags & CVAR_SECRET && *cvar->value ? "***PROTECTED***" : cvar->value;
    console_print(game->console, "\"%s\" = \"%s\" ( def. \"%s\" )\n - %s\n", cvar->name, value,
                  cvar->initial, cvar->help);
}

static void run_command(struct shell *shell, const char *text, size_t n_text, bool is_trusted)
{
    char        line[SHELL_LINE_MAX], rest[SHELL_LINE_MAX];
    struct args args = { .rest = rest };

    (void)snprintf(line, sizeof line, "%.*s", (int)n_text, text); // cut as the engine does
    size_t n_blank = strspn(line, " \t\r");
    size_t n_name = strcspn(line + n_blank, " \t\r\"");
    (void)snprintf(rest, sizeof rest, "%s",
                   line + n_blank + n_name + strspn(line + n_blank + n_name, " \t\r")); // fits
    args_split(&args, line);
    if (args.count == 0)
        return;

    const struct command *command = command_find(args.values[0]);
    const struct cvar    *cvar = cvars_find(shell->game->cvars, args.values[0]);
    if (command)
        command->run(shell->game, &args);
    else if (cvar && (is_trusted || !(cvar->flags & CVAR_HIDDEN)))
        run_variable(shell->game, cvar, &args);
    else
        console_print(shell->game->console, "Unknown command \"%s\"\n", args.values[0]);
}

void shell_run(struct shell *shell, const char *text, bool is_trusted)
{
    while (*text) {
        size_t n = command_length(text);
        run_command(shell, text, n, is_trusted);
        text += n;
        if (text[0] == '/') // a comment
            text += strcspn(text, "\n");
        text += *text != '\0';
    }
}

// --- config files -----------------------------------------------------------------------------

// Cuts `text` before the first line with a byte the real parser cannot stand.
static void cut_at_non_ascii(struct shell *shell, const char *path, char *text, size_t n_text)
{
    unsigned line = 1;
    size_t   line_start = 0;

    for (size_t i = 0; i < n_text; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '\0' || byte >= 0x80) {
            console_print(shell->game->console,
                          "[sim] %s:%u: byte 0x%02x is not ASCII: the real parser hangs or "
                          "crashes here, the rest is not run\n",
                          path, line, byte);
            text[line_start] = '\0';
            return;
        }
        if (byte == '\n') {
            line++;
            line_start = i + 1;
        }
    }
}

void shell_exec(struct shell *shell, const char *config)
{
    struct console *console = shell->game->console;
    struct error    err;
    char            path[256];

    if (shell->depth == SHELL_DEPTH_MAX) {
        console_print(console, "[sim] exec %s: more than %u config files run one another\n", config,
                      SHELL_DEPTH_MAX);
        return;
    }

    const char *dot = strrchr(config, '.');
    bool        has_extension = dot && !strchr(dot, '/');
    int         n = snprintf(path, sizeof path, "cfg/%s%s", config, has_extension ? "" : ".cfg");
    AUTO(freep)
    char  *text = NULL;
    size_t n_text;
    if (n < 0 || (size_t)n >= sizeof path || strstr(config, "..") || *config == '/' ||
        files_read(&text, &n_text, shell->game->files, path, SHELL_CONFIG_MAX, &err) < 0) {
        console_print(console, "exec: couldn't exec %s\n", config);
        return;
    }

    console_print(console, "execing %s\n", config);
    cut_at_non_ascii(shell, path, text, n_text);
    shell->depth++;
    shell_run(shell, text, false);
    shell->depth--;
}
