// SPDX-License-Identifier: MIT
// bench-times: how long commands take, from the start of a process to its end.
//
// usage: bench-times ROUNDS (: COMMAND… | :: COMMAND…)…
//
// A round runs every command once, in order, so that what is compared runs side by side. What
// stands after ":" is measured, what stands after "::" only prepares. "{}" in a word is the number
// of the round, from 1. Prints a line for each measured command: its times in microseconds. Stops
// at the first command that fails.

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/error.h"
#include "base/number.h"
#include "bench.h"

#define ROUNDS_MAX   10000u
#define COMMANDS_MAX 100u
#define WORDS_MAX    32u
#define WORD_MAX     512u

extern char **environ;

struct command {
    char    **words; // borrowed from main's
    size_t    n_words;
    bool      is_measured;
    uint64_t *took_us; // one a round
};

static void expand(char ret[static WORD_MAX], const char *word, unsigned round)
{
    const char *mark = strstr(word, "{}");
    int         n;

    if (mark)
        n = snprintf(ret, WORD_MAX, "%.*s%u%s", (int)(mark - word), word, round, mark + 2);
    else
        n = snprintf(ret, WORD_MAX, "%s", word);
    if (n < 0 || (unsigned)n >= WORD_MAX) {
        (void)fprintf(stderr, "bench-times: a word is too long: %s\n", word);
        exit(2);
    }
}

static void run(const struct command *command, unsigned round,
                const posix_spawn_file_actions_t *actions)
{
    static char words[WORDS_MAX][WORD_MAX];
    char       *argv[WORDS_MAX + 1] = { 0 };
    pid_t       pid;
    int         status;

    for (size_t i = 0; i < command->n_words; i++) {
        expand(words[i], command->words[i], round);
        argv[i] = words[i];
    }
    uint64_t from_us = now_us();
    int      r = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
    if (r != 0) {
        (void)fprintf(stderr, "bench-times: %s: %s\n", argv[0], strerror(r));
        exit(1);
    }
    if (waitpid(pid, &status, 0) < 0)
        die("waiting");
    if (command->is_measured)
        command->took_us[round - 1] = now_us() - from_us;
    if (status != 0) {
        (void)fprintf(stderr, "bench-times: round %u: %s %s failed\n", round, argv[0],
                      argv[1] ? argv[1] : "");
        exit(1);
    }
}

// The number of commands, or 0 when they cannot be understood.
static size_t parse(struct command commands[static COMMANDS_MAX], char **words, unsigned n_rounds)
{
    size_t n = 0;

    for (; *words; words++) {
        bool is_measured = strcmp(*words, ":") == 0;
        if (is_measured || strcmp(*words, "::") == 0) {
            if (n == COMMANDS_MAX)
                return 0;
            commands[n++] = (struct command){ .words = words + 1,
                                              .is_measured = is_measured,
                                              .took_us = calloc(n_rounds, sizeof(uint64_t)) };
            if (!commands[n - 1].took_us)
                die("allocating");
        } else if (n == 0 || ++commands[n - 1].n_words > WORDS_MAX) {
            return 0;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (commands[i].n_words == 0)
            return 0;
    return n;
}

static void print(const struct command *command, unsigned n_rounds)
{
    for (unsigned i = 0; i < n_rounds; i++)
        (void)printf("%llu%c", (unsigned long long)command->took_us[i],
                     i + 1 < n_rounds ? ' ' : '\n');
}

int main(int argc, char **argv)
{
    struct command             commands[COMMANDS_MAX];
    posix_spawn_file_actions_t actions;
    struct error               err = { 0 };
    uint32_t                   n_rounds = 0;

    size_t n = argc > 2 && number_parse_u32(&n_rounds, argv[1], 1, ROUNDS_MAX, &err) == 0
                   ? parse(commands, argv + 2, n_rounds)
                   : 0;
    if (n == 0) {
        (void)fputs("usage: bench-times ROUNDS (: COMMAND… | :: COMMAND…)…\n", stderr);
        return 2;
    }
    // What commands print would have to be shown by somebody, at a cost of its own.
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) != 0)
        die("preparing");
    for (unsigned round = 1; round <= n_rounds; round++)
        for (size_t i = 0; i < n; i++)
            run(&commands[i], round, &actions);
    for (size_t i = 0; i < n; i++) {
        if (commands[i].is_measured)
            print(&commands[i], n_rounds);
        free(commands[i].took_us);
    }
    (void)posix_spawn_file_actions_destroy(&actions); // cannot fail
    return 0;
}
