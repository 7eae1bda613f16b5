// SPDX-License-Identifier: MIT
#pragma once

// admin: what the commands of left4me share. A command is a row of the table in commands.c and a
// function in the file of its group; it prints its result, or fails with an error that main prints.
// With --json each document is a line.

#include <jansson.h>
#include "host/buffer.h"
#include "host/paths.h"
#include "store/database.h"
#include "store/secret.h"

#define ADMIN_ARGUMENTS_MAX 64u
#define ADMIN_ORIGIN        "command line"

enum admin_option {
    OPTION_ADMIN,
    OPTION_BASE,
    OPTION_BUILD,
    OPTION_CHECK,
    OPTION_EXPIRES,
    OPTION_FOLLOW,
    OPTION_NAME,
    OPTION_OWNER,
    OPTION_RENAME,
    OPTION_REPLACE,
    OPTION_SCOPE,
    OPTION_START,
    OPTION_UPPER,
    OPTION_UPPERS,
    OPTION_USER,
    OPTION_WAIT,
    OPTION_JSON,
    ADMIN_OPTIONS,
};
#define TAKES(option) (1u << (option))

// Where everything is; with --root below a directory, as whoever calls.
struct admin_places {
    struct host_paths host;
    const char       *unpack; // the program that reads archives
    const char       *database, *key, *worker_socket;
};

struct admin {
    struct admin_places places;
    struct database    *db;        // NULL for who opens it himself
    struct secret_key   key;       // of those that want it
    struct error        key_error; // why there is none, for who goes on all the same
    int                 fd;        // of the file that prepare() has opened; or -1
    bool                is_own;    // other places: nobody is to become left4me
    bool                is_json;
    bool                has_changed;           // so the worker is told
    const char         *option[ADMIN_OPTIONS]; // NULL: not given; "" of one without a value
    struct strings      uppers;                // of --upper, which comes as often as one likes
    const char         *args[ADMIN_ARGUMENTS_MAX + 1];
    size_t              n_args;
};

enum admin_flag {
    ADMIN_KEY = 1 << 0,         // reads the key, as root
    ADMIN_NO_DATABASE = 1 << 1, // or opens it himself
    ADMIN_STAYS = 1 << 2,       // whoever calls it; becomes left4me where it should
};

struct admin_command {
    const char *name;      // one word, or a group's and its own
    const char *arguments; // "NAME [PATH]": a word each, those in brackets may be missing; "NAME…"
    unsigned    options;   // TAKES() each, but --json and --help
    unsigned    flags;
    const char *summary, *help;
    int (*run)(struct admin *admin, struct error *err);
    int (*prepare)(struct admin *admin, struct error *err); // as the caller; may be NULL
};

extern const struct admin_command admin_commands[];
extern const size_t               admin_n_commands;

// ---- options.c --------------------------------------------------------------------------------

#define EXIT_USAGE 2

// Reads the command line; -1 to go on with *ret, else the exit code.
int options_parse(struct admin *admin, const struct admin_command **ret, int argc, char **argv);

// ---- main.c -----------------------------------------------------------------------------------

// Becomes the user for good, in this process. ERROR_DENIED: not as root.
int admin_become(const char *name, struct error *err) MUST_USE;

// ---- child.c ----------------------------------------------------------------------------------

#define ADMIN_USER    "left4me"
#define ADMIN_CONTENT "left4me-content" // who has what games write

// A part of a command that stays root. With --root there is nobody to become.
struct admin_part {
    const char *user;
    int (*run)(struct admin *admin, void *context, struct error *err);
    void *context; // what is written there is the child's alone
};
int admin_run_as(struct admin *admin, const struct admin_part *part, struct error *err) MUST_USE;

// ---- say.c ------------------------------------------------------------------------------------

static inline bool admin_has(const struct admin *admin, enum admin_option option)
{
    return admin->option[option];
}

// Takes `json` (a json_t, NULL without memory) and prints it, or `text` without --json.
int admin_say(const struct admin *admin, json_t *json, const char *text, struct error *err)
    MUST_USE;
// The same with a text that is put together.
int admin_sayf(const struct admin *admin, json_t *json, struct error *err, const char *format, ...)
    PRINTF_LIKE(4, 5) MUST_USE;
int64_t admin_now_us(void);
int64_t admin_now_s(void);
// "2026-11-22 03:00" in UTC; "-" of 0.
#define ADMIN_TIME_MAX 32u
void admin_time(char ret[ADMIN_TIME_MAX], int64_t unix_s);

// An event of the log of changes, as a part of the transaction that changes something. Takes
// `after`, which may be NULL.
int admin_record(struct admin *admin, const char *action, const char *subject, json_t *after,
                 struct error *err) MUST_USE;
// Asks for a job; *ret_id is its number. Within a transaction; takes `parameters`, or NULL.
struct admin_job {
    const char *kind;
    int64_t     server, overlay;
    json_t     *parameters;
};
int admin_job_add(int64_t *ret_id, struct admin *admin, const struct admin_job *wanted,
                  struct error *err) MUST_USE;

// ---- the commands -----------------------------------------------------------------------------

int user_add_run(struct admin *admin, struct error *err);
int user_invite_run(struct admin *admin, struct error *err);
int user_list_run(struct admin *admin, struct error *err);
int user_activate_run(struct admin *admin, struct error *err);
int user_deactivate_run(struct admin *admin, struct error *err);
int user_delete_run(struct admin *admin, struct error *err);
int invite_run(struct admin *admin, struct error *err);
int backup_prepare(struct admin *admin, struct error *err);
int backup_run(struct admin *admin, struct error *err);
int restore_prepare(struct admin *admin, struct error *err);
int restore_run(struct admin *admin, struct error *err);
int seed_prepare(struct admin *admin, struct error *err);
int seed_run(struct admin *admin, struct error *err);
int adopt_run(struct admin *admin, struct error *err);
int disown_run(struct admin *admin, struct error *err);
int export_prepare(struct admin *admin, struct error *err);
int export_run(struct admin *admin, struct error *err);
int import_prepare(struct admin *admin, struct error *err);
int import_run(struct admin *admin, struct error *err);
int log_check_run(struct admin *admin, struct error *err);
int token_list_run(struct admin *admin, struct error *err);
int token_create_run(struct admin *admin, struct error *err);
int token_revoke_run(struct admin *admin, struct error *err);
int job_list_run(struct admin *admin, struct error *err);
int job_show_run(struct admin *admin, struct error *err);
int job_cancel_run(struct admin *admin, struct error *err);
int workshop_refresh_run(struct admin *admin, struct error *err);
int doctor_run(struct admin *admin, struct error *err);
int doctor_prepare(struct admin *admin, struct error *err);

// Shows the log of a job until it ends, and how it ended.
int job_follow(struct admin *admin, int64_t id, struct error *err) MUST_USE;
