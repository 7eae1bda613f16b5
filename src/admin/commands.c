// SPDX-License-Identifier: MIT

// commands: all of them, a row each.

#include "admin/admin.h"

const struct admin_command admin_commands[] = {
    { "user add", "NAME", TAKES(OPTION_ADMIN) | TAKES(OPTION_BASE), 0,
      "make a link by which NAME sets a password",
      "The link is good once, for three days. Until it is used there is no such user.\n",
      user_add_run, NULL },
    { "user invite", "NAME", TAKES(OPTION_BASE), 0, "make a link for a new password",
      "The link is good once, for three days. The old password is good until it is used.\n",
      user_invite_run, NULL },
    { "user list", "", 0, 0, "list the users", "", user_list_run, NULL },
    { "user activate", "NAME", 0, 0, "let NAME log in again", "", user_activate_run, NULL },
    { "user deactivate", "NAME", 0, 0, "let NAME log in no more", "Ends the sessions as well.\n",
      user_deactivate_run, NULL },
    { "user delete", "NAME", 0, 0, "delete a user who has nothing",
      "Who has servers, blueprints or overlays is not deleted: deactivate him instead.\n",
      user_delete_run, NULL },
    { "invite", "", TAKES(OPTION_ADMIN) | TAKES(OPTION_NAME) | TAKES(OPTION_BASE), 0,
      "make a link for a new user",
      "The link is good once, for three days. Without --name who comes chooses one.\n", invite_run,
      NULL },
    { "token list", "", TAKES(OPTION_USER), 0, "list the API tokens",
      "Of all users, or of one. The words themselves are not kept.\n", token_list_run, NULL },
    { "token create", "NAME", TAKES(OPTION_USER) | TAKES(OPTION_SCOPE) | TAKES(OPTION_EXPIRES), 0,
      "make an API token for a user, and show it once",
      "It may do what its user may, up to its scope: read, operate (start, stop, build), manage\n"
      "(change, delete) or admin. Without --expires it is good until it is revoked.\n",
      token_create_run, NULL },
    { "token revoke", "ID", 0, 0, "make an API token good for nothing",
      "ID is the number that 'token list' shows.\n", token_revoke_run, NULL },
    { "job list", "", 0, 0, "list the newest jobs", "The 50 newest ones, the newest first.\n",
      job_list_run, NULL },
    { "job show", "ID", TAKES(OPTION_FOLLOW), 0, "show a job and its log",
      "With --follow it goes on until the job ends; the exit code tells how then.\n", job_show_run,
      NULL },
    { "job cancel", "ID", 0, 0, "cancel a job",
      "A queued one ends at once; one that runs is told to, and ends when it can.\n",
      job_cancel_run, NULL },
    { "workshop-refresh", "", TAKES(OPTION_WAIT), 0, "build anew what is to be built every day",
      "Queues what the timer does every day: all overlays whose refresh is 'daily' are built.\n",
      workshop_refresh_run, NULL },
    { "doctor", "", 0, ADMIN_NO_DATABASE, "check this machine, with a remedy for each fault",
      "What l4d2ctl doctor checks, the database, the worker and the page. Changes nothing. Exits\n"
      "with 1 if a check failed; warnings do not count.\n",
      doctor_run, doctor_prepare },
    { "backup", "FILE", TAKES(OPTION_UPPER) | TAKES(OPTION_UPPERS),
      ADMIN_KEY | ADMIN_NO_DATABASE | ADMIN_STAYS, "write all that a new machine needs to a file",
      "The database, the key that its secrets are sealed with, the settings, and what overlays "
      "are\n"
      "made from; not what can be built or downloaded again. Page, worker and servers go on. With\n"
      "--upper or --uppers what stopped servers wrote as well: logs, bans, data of plug-ins.\n"
      "\n"
      "FILE must be new; '-' is standard output. Whoever can read it can read every secret in "
      "it.\n",
      backup_run, backup_prepare },
    { "restore", "FILE",
      TAKES(OPTION_CHECK) | TAKES(OPTION_REPLACE) | TAKES(OPTION_BUILD) | TAKES(OPTION_START),
      ADMIN_NO_DATABASE | ADMIN_STAYS, "make a fresh machine of a backup",
      "Page and worker must be stopped. The whole file is checked before anything is changed. The\n"
      "database that is there is kept beside the new one; everybody has to log in again, and\n"
      "servers that ran stay stopped until they are started.\n",
      restore_run, restore_prepare },
    { "export", "KIND NAME… FILE", TAKES(OPTION_OWNER), ADMIN_NO_DATABASE | ADMIN_STAYS,
      "write blueprints or overlays to a file, for another machine",
      "KIND is blueprint or overlay. Blueprints go with their overlays: settings, scripts, lists "
      "of\n"
      "Workshop items and trees of files, but not what was built of them. FILE must be new.\n",
      export_run, export_prepare },
    { "import", "FILE", TAKES(OPTION_RENAME) | TAKES(OPTION_REPLACE) | TAKES(OPTION_OWNER), 0,
      "make the blueprints and overlays of such a file",
      "If one of its names is taken, nothing is made, unless --rename or --replace says what to "
      "do.\n"
      "Scripts run in their sandbox when they are built, but they are somebody's: read them "
      "first.\n",
      import_run, import_prepare },
    { "seed-scripts", "DIR", 0, 0, "make overlays of the scripts in a directory",
      "Each *.sh there becomes an overlay of this machine, named after the file, or changes the "
      "one\n"
      "of that name; what is the same is left alone. Nothing is built. The package's examples are\n"
      "in /usr/share/left4me/examples.\n",
      seed_run, seed_prepare },
    { "adopt", "NAME", TAKES(OPTION_OWNER), ADMIN_KEY,
      "make an instance of l4d2ctl a server of the page",
      "It keeps its ports, its RCON password, its files and its state. A blueprint of its name is\n"
      "made with its arguments, configuration, overlays and limits. Nothing on the host changes.\n",
      adopt_run, NULL },
    { "disown", "NAME", 0, 0, "let go of a server that was adopted",
      "The page forgets it; the instance stays as it is. Its blueprint goes unless others use "
      "it.\n",
      disown_run, NULL },
    { "log check", "[HASH]", 0, 0, "check the log of changes",
      "Prints its newest hash: write it down elsewhere, and nobody can rewrite the log unseen. "
      "With\n"
      "a HASH that was written down it is checked that what the log had then is still in it.\n",
      log_check_run, NULL },
};
const size_t admin_n_commands = ELEMENTS(admin_commands);
