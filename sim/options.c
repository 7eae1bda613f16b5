// SPDX-License-Identifier: MIT
#include "options.h"

#include "base/number.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OPTIONS_TICKRATE_MAX 1000u
#define OPTIONS_PLAYERS_MAX  64u // more is a typing error; the engine has a lower ceiling

static int set_game(struct options *options, const char *value, struct error *err)
{
    (void)err; // any text will do
    options->game = value;
    return 0;
}

static int set_ip(struct options *options, const char *value, struct error *err)
{
    (void)err; // checked when it is bound
    options->ip = value;
    return 0;
}

static int set_map(struct options *options, const char *value, struct error *err)
{
    if (strlen(value) >= sizeof options->map)
        return error_set(err, ERROR_INVALID, "the name of the map is too long");
    (void)snprintf(options->map, sizeof options->map, "%s", value); // fits
    return 0;
}

static int set_port(struct options *options, const char *value, struct error *err)
{
    return number_parse_u16(&options->port, value, 1, UINT16_MAX, err);
}

static int set_client_port(struct options *options, const char *value, struct error *err)
{
    return number_parse_u16(&options->client_port, value, 1, UINT16_MAX, err);
}

static int set_tv_port(struct options *options, const char *value, struct error *err)
{
    return number_parse_u16(&options->tv_port, value, 1, UINT16_MAX, err);
}

static int set_tickrate(struct options *options, const char *value, struct error *err)
{
    return number_parse_u32(&options->tickrate, value, 1, OPTIONS_TICKRATE_MAX, err);
}

static int set_max_players(struct options *options, const char *value, struct error *err)
{
    return number_parse_u32(&options->max_players, value, 1, OPTIONS_PLAYERS_MAX, err);
}

static const struct option {
    const char *name; // without its '-' or '+': both are taken
    int (*set)(struct options *options, const char *value, struct error *err);
} options_known[] = {
    { "game", set_game },
    { "ip", set_ip },
    { "map", set_map },
    { "port", set_port },
    { "hostport", set_port },
    { "clientport", set_client_port },
    { "tv_port", set_tv_port },
    { "tickrate", set_tickrate },
    { "maxplayers", set_max_players },
};

static bool is_switch(const char *word)
{
    return (word[0] == '-' || word[0] == '+') && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

static const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(options_known); i++)
        if (strcasecmp(options_known[i].name, name) == 0)
            return &options_known[i];
    return NULL;
}

static void set_flag(struct options *options, const char *name)
{
    if (strcasecmp(name, "strictportbind") == 0)
        options->is_port_strict = true;
    else if (strcasecmp(name, "insecure") == 0)
        options->is_insecure = true;
    else if (strcasecmp(name, "nohltv") == 0)
        options->is_tv_enabled = false;
}

// Keeps '+name word word' as a console command; the words are quoted so that they stay words.
static int add_command(struct options *options, char **words, int n_words, struct error *err)
{
    size_t n = 0;

    if (options->n_commands == OPTIONS_COMMANDS_MAX)
        return error_set(err, ERROR_INVALID, "more than %u '+' commands", OPTIONS_COMMANDS_MAX);

    char *line = options->commands[options->n_commands];
    for (int i = 0; i < n_words; i++) {
        int written = snprintf(line + n, OPTIONS_COMMAND_MAX - n, "%s%s%s", i == 0 ? "" : " \"",
                               words[i] + (i == 0), i == 0 ? "" : "\"");
        if (written < 0 || n + (size_t)written >= OPTIONS_COMMAND_MAX)
            return error_set(err, ERROR_INVALID, "'%.32s' is too long", words[0]);
        n += (size_t)written;
    }
    options->n_commands++;
    return 0;
}

static int take_switch(struct options *options, char **words, int n_words, struct error *err)
{
    const struct option *option = option_find(words[0] + 1);

    if (option && n_words > 1) {
        if (option->set(options, words[1], err) < 0)
            return error_prefix(err, "%s", words[0]);
        return 0;
    }
    if (words[0][0] == '+' && !option)
        return add_command(options, words, n_words, err);

    set_flag(options, words[0] + 1);
    return 0;
}

int options_parse(struct options *ret, int argc, char **argv, struct error *err)
{
    *ret = (struct options){
        .game = "left4dead2",
        .port = 27015,
        .client_port = 27005,
        .tv_port = 27020,
        .is_tv_enabled = true,
        .tickrate = 30,
        .max_players = 8,
    };

    for (int i = 1; i < argc;) {
        int n_words = 1;
        while (i + n_words < argc && !is_switch(argv[i + n_words]))
            n_words++;
        if (is_switch(argv[i]) && take_switch(ret, argv + i, n_words, err) < 0)
            return -1;
        i += n_words;
    }
    return 0;
}
