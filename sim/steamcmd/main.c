// SPDX-License-Identifier: MIT
#include "base/macros.h"
#include "faults.h"
#include "path.h"
#include "steamcmd.h"
#include "update.h"
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX 8u

// One '+command' with its words; the first is the command.
struct words {
    size_t      count;
    const char *list[WORDS_MAX];
};

static const char *word_at(const struct words *words, size_t i)
{
    return i < words->count ? words->list[i] : "";
}

// --- commands: each returns 0, or the exit code of its failure --------------------------------

static int run_shutdown(struct session *session, const struct words *words)
{
    session->is_shut_down_on_failure = strcmp(word_at(words, 1), "1") == 0;
    return 0;
}

static int run_nothing(struct session *session, const struct words *words)
{
    (void)session, (void)words; // settings that change nothing here
    return 0;
}

static int run_platform(struct session *session, const struct words *words)
{
    static const char *const names[PLATFORM_COUNT] = {
        [PLATFORM_LINUX] = "linux",
        [PLATFORM_WINDOWS] = "windows",
    };

    for (size_t i = 0; i < PLATFORM_COUNT; i++)
        if (strcmp(names[i], word_at(words, 1)) == 0)
            session->platform = (enum platform)i;
    return 0;
}

static int run_force_install_dir(struct session *session, const struct words *words)
{
    if (session->is_logged_in) {
        printf("Please use force_install_dir before logon!\n");
        return 0;
    }
    snprintf(session->install_dir, sizeof session->install_dir, "%s", word_at(words, 1));
    return 0;
}

static int run_login(struct session *session, const struct words *words)
{
    char fault[FAULTS_WORD_MAX] = "", path[PATH_MAX];

    (void)words; // everybody may come in
    printf("Connecting anonymously to Steam Public...");
    path_join(path, session->root, "fail");
    FILE *file = fopen(path, "re");
    if (file && !fgets(fault, sizeof fault, file))
        *fault = '\0';
    if (file)
        fclose(file);
    if (strncmp(fault, "two-factor", strlen("two-factor")) == 0) {
        printf("FAILED (Two-factor code mismatch)\n");
        return STEAMCMD_EXIT_LOGIN;
    }
    printf("OK\nWaiting for client config...OK\nWaiting for user info...OK\n");
    session->is_logged_in = true;
    return 0;
}

// Without a directory the app goes into the library below HOME.
static void choose_directory(struct session *session)
{
    const char *home = getenv("HOME");

    if (!*session->install_dir)
        snprintf(session->install_dir, sizeof session->install_dir,
                 "%s/Steam/steamapps/common/Left 4 Dead 2 Dedicated Server", home ? home : "/tmp");
}

// The app lost its anonymous Linux package: Linux files come only on top of a Windows install.
static bool is_configured(const struct session *session)
{
    char path[PATH_MAX];

    path_join(path, session->install_dir, "steamapps/appmanifest_" STEAMCMD_APP ".acf");
    return session->platform == PLATFORM_WINDOWS || access(path, F_OK) == 0;
}

static int refuse(const char *reason)
{
    printf("ERROR! Failed to install app '" STEAMCMD_APP "' (%s)\n", reason);
    return STEAMCMD_EXIT_FAILED;
}

static int run_app_update(struct session *session, const struct words *words)
{
    char fault[FAULTS_WORD_MAX];

    if (!session->is_logged_in)
        return refuse("No connection");
    if (strcmp(word_at(words, 1), STEAMCMD_APP) != 0) {
        printf("ERROR! Failed to install app '%s' (Invalid platform)\n", word_at(words, 1));
        return STEAMCMD_EXIT_FAILED;
    }
    choose_directory(session);
    faults_next(fault, session);
    if (strcmp(fault, "no-subscription") == 0)
        return refuse("No subscription");
    if (strcmp(fault, "missing-configuration") == 0 || !is_configured(session))
        return refuse("Missing configuration");
    return update_run(session, strcmp(word_at(words, 2), "validate") == 0, fault);
}

static int run_app_info_print(struct session *session, const struct words *words)
{
    (void)words; // there is one app
    printf("AppID : " STEAMCMD_APP ", change number : 1/1, last change : Sun Nov 22 00:00:00 2026\n"
           "\"" STEAMCMD_APP "\"\n{\n\t\"depots\"\n\t{\n\t\t\"branches\"\n\t\t{\n"
           "\t\t\t\"public\"\n\t\t\t{\n\t\t\t\t\"buildid\"\t\t\"%u\"\n\t\t\t}\n\t\t}\n\t}\n}\n",
           update_build(session));
    return 0;
}

static const struct steam_command {
    const char *name;
    int (*run)(struct session *session, const struct words *words);
} commands[] = {
    { "@ShutdownOnFailedCommand", run_shutdown },
    { "@NoPromptForPassword", run_nothing },
    { "@sSteamCmdForcePlatformType", run_platform },
    { "@sSteamCmdForcePlatformBitness", run_nothing },
    { "force_install_dir", run_force_install_dir },
    { "login", run_login },
    { "app_update", run_app_update },
    { "app_info_update", run_nothing },
    { "app_info_print", run_app_info_print },
    { "logoff", run_nothing },
};

static int run_command(struct session *session, const struct words *words)
{
    for (size_t i = 0; i < ELEMENTS(commands); i++)
        if (strcasecmp(commands[i].name, word_at(words, 0)) == 0)
            return commands[i].run(session, words);
    printf("Command not found: %s\n", word_at(words, 0));
    return STEAMCMD_EXIT_FAILED;
}

// --- the command line -------------------------------------------------------------------------

static bool find_root(char root[PATH_MAX])
{
    char self[PATH_MAX];

    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return false;
    self[n] = '\0';
    snprintf(root, PATH_MAX, "%s", dirname(dirname(self))); // ROOT/linux32/steamcmd
    return true;
}

static void say_hello(void)
{
    printf("Redirecting stderr to '/dev/null'\n[  0%%] Checking for available updates...\n"
           "[----] Verifying installation...\nSteam Console Client (c) Valve Corporation - "
           "version 0 (emulated)\n-- type 'quit' to exit --\nLoading Steam API...OK\n\n");
}

static int take_words(struct words *words, int argc, char **argv)
{
    int n = 1;

    words->count = 0;
    words->list[words->count++] = argv[0] + (argv[0][0] == '+');
    for (; n < argc && argv[n][0] != '+'; n++)
        if (words->count < WORDS_MAX)
            words->list[words->count++] = argv[n];
    return n;
}

int main(int argc, char **argv)
{
    struct session session = { .platform = PLATFORM_LINUX };
    struct words   words;
    int            result = 0;

    umask(022);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!find_root(session.root))
        return 1;
    say_hello();
    for (int i = 1; i < argc;) {
        i += take_words(&words, argc - i, argv + i);
        if (strcasecmp(words.list[0], "quit") == 0)
            return result;
        int failed = run_command(&session, &words);
        result = failed ? failed : result;
        if (failed && session.is_shut_down_on_failure)
            return failed;
    }
    return result;
}
