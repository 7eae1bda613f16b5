// SPDX-License-Identifier: MIT

// left4me: what the operator does with the page's database, from a shell: the first admin, lost
// passwords, accounts. It needs nothing of ours to run, and says what it did in the log of changes.

#include "admin/admin.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE     "/var/lib/left4me/db/left4me.db"
#define SERVICE_USER "left4me"
#define EXIT_USAGE   2

// ---- the command line --------------------------------------------------------------------------

static void print_help(FILE *file)
{
    fputs("Usage: left4me [--database FILE] [--json] COMMAND\n\n", file);
    for (size_t i = 0; i < admin_n_commands; i++)
        fprintf(file, "  %s %s %-16s %s\n", admin_commands[i].group, admin_commands[i].name,
                admin_commands[i].argument ? admin_commands[i].argument : "",
                admin_commands[i].summary);
}

static const struct admin_command *find_command(struct admin *admin, int n, char **words)
{
    for (size_t i = 0; i < admin_n_commands && n >= 2; i++)
        if (strcmp(admin_commands[i].group, words[0]) == 0 &&
            strcmp(admin_commands[i].name, words[1]) == 0 &&
            n == (admin_commands[i].argument ? 3 : 2)) {
            admin->name = n == 3 ? words[2] : "";
            return &admin_commands[i];
        }
    return NULL;
}

// The database is its user's: a file that root made in its place could not be opened by anybody
// else.
static int become_service_user(struct error *err)
{
    const struct passwd *user = getpwnam(SERVICE_USER);

    if (!user)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the user " SERVICE_USER " does not exist: install the package left4me");
    if (geteuid() == user->pw_uid)
        return 0;
    if (geteuid() != 0)
        return error_set(err, ERROR_DENIED, "run it as root or as " SERVICE_USER);
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return error_sys(err, errno, "becoming the user " SERVICE_USER);
    return 0;
}

static int run(struct admin *admin, const struct admin_command *command, const char *path,
               struct error *err)
{
    AUTO(database_closep) struct database *db = NULL;

    if ((!path && become_service_user(err) < 0) ||
        database_open(&db, path ? path : DATABASE, err) < 0)
        return -1;
    admin->db = db;
    return command->run(admin, err);
}

static int report(const struct admin *admin, const struct error *err)
{
    const struct error_kind_info *info = error_kind_info(err->kind);

    fprintf(stderr, "left4me: %s\n", err->message);
    if (admin->is_json) {
        struct error ignored;
        (void)!admin_say(
            admin,
            json_pack("{s:{s:s, s:s}}", "error", "kind", info->word, "message", err->message), "",
            &ignored);
    }
    return info->exit_code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "admin", no_argument, NULL, 'a' },          { "json", no_argument, NULL, 'j' },
        { "database", required_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },        { 0 },
    };
    struct admin admin = { 0 };
    struct error err = { 0 };
    const char  *path = NULL;

    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;)
        switch (c) {
        case 'a':
            admin.is_admin = true;
            break;
        case 'j':
            admin.is_json = true;
            break;
        case 'd':
            path = optarg;
            break;
        case 'h':
            print_help(stdout);
            return EXIT_SUCCESS;
        case 'v':
            puts("left4me " PROJECT_VERSION);
            return EXIT_SUCCESS;
        default:
            return EXIT_USAGE;
        }
    const struct admin_command *command = find_command(&admin, argc - optind, argv + optind);
    if (!command || (admin.is_admin && !command->takes_admin)) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    (void)umask(077);
    if (sodium_init() < 0 || run(&admin, command, path, &err) < 0)
        return report(&admin, &err);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
