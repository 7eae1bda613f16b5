// SPDX-License-Identifier: MIT

// left4me: what the operator does with the page's database, from a shell. It needs nothing of ours
// to run, becomes the user left4me as root, and says what it did in the log of changes.

#include "admin/admin.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "work/bell.h"

#define DATABASE "/var/lib/left4me/db/left4me.db"

// The database is its user's: a file that root made in its place could not be opened by anybody
// else.
int admin_become(const char *name, struct error *err)
{
    const struct passwd *user = getpwnam(name);

    if (!user)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the user %s does not exist: install the package left4me", name);
    if (geteuid() == user->pw_uid)
        return 0;
    if (geteuid() != 0)
        return error_set(err, ERROR_DENIED, "run it as root or as " ADMIN_USER);
    if (initgroups(user->pw_name, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return error_sys(err, errno, "becoming the user %s", name);
    if (setresuid(0, 0, 0) == 0)
        return error_set(err, ERROR_SYSTEM, "the user %s can become root again", name);
    return 0;
}

static int run(struct admin *admin, const struct admin_command *command, struct error *err)
{
    AUTO(database_closep) struct database *db = NULL;

    if (command->prepare && command->prepare(admin, err) < 0)
        return -1;
    if (command->flags & ADMIN_KEY && secret_key_read(&admin->key, admin->places.key, err) < 0)
        return -1;
    if (!admin->is_own && !(command->flags & ADMIN_STAYS) && admin_become(ADMIN_USER, err) < 0)
        return -1;
    if (!(command->flags & ADMIN_NO_DATABASE) &&
        database_open(&db, admin->places.database, err) < 0)
        return -1;
    admin->db = db;
    int code = command->run(admin, err);
    if (admin->has_changed)
        (void)bell_poke_once(admin->places.worker_socket); // or it looks when it begins
    return code;
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
            &ignored); // it was said already
    }
    return info->exit_code;
}

int main(int argc, char **argv)
{
    struct admin                admin = { .fd = -1,
                                          .places = { .host = host_paths_installed,
                                                      .database = DATABASE,
                                                      .key = SECRET_KEY_FILE,
                                                      .worker_socket = BELL_SOCKET } };
    const struct admin_command *command = NULL;
    struct error                err = { 0 };

    (void)signal(SIGPIPE, SIG_IGN); // a reader that leaves is an error of stdout
    (void)umask(077);
    int code = options_parse(&admin, &command, argc, argv);
    if (code < 0 && sodium_init() < 0)
        code = EXIT_FAILURE;
    if (code < 0 && (code = run(&admin, command, &err)) < 0)
        code = report(&admin, &err);
    secret_key_forget(&admin.key);
    strings_done(&admin.uppers);
    (void)fd_close(admin.fd);
    return fflush(stdout) == 0 ? code : EXIT_FAILURE;
}
