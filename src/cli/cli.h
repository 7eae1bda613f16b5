// SPDX-License-Identifier: MIT
#pragma once

// cli: what the commands of l4d2ctl share. A command is a row of the table in l4d2ctl.c and a
// function in the file of its group; it prints its result and returns its exit code, or -1 and an
// error that main prints.

#include <jansson.h>
#include <stdint.h>
#include "base/error.h"
#include "base/protocol.h"
#include "host/paths.h"
#include "host/buffer.h"
#include "host/plan.h"
#include "host/units.h"

#define CLI_ARGS_MAX 4u

struct cli {
    const struct host_paths *paths;
    struct instance_name     name;               // of commands that want one
    const char              *title;              // of what is spoken of, when that is no instance
    const char              *args[CLI_ARGS_MAX]; // as they were written; NULL: not given
    const char              *file;               // -f
    const char              *steamcmd;
    uint32_t                 n_lines; // --lines
    bool                     is_json, is_following, has_all_runs, is_verbose;
    const char              *type, *new_name, *to; // --type, --name
    const char              *upload;
    struct plan_choice       with; // --with
    uint32_t                 keep;
    uint64_t                 output_max_bytes;
    bool                     has_keep, has_output_max, has_refresh, is_daily, is_held, is_detached;
    bool                     is_recursive, is_stripping, has_all_paths, is_of_page;
    bool                     is_by_service;
    int                      file_fd;    // of -f, where it is opened and not read; owned, or -1
    char                    *file_bytes; // the file of -f, read as the caller; owned
    size_t                   n_file_bytes;
    // What is known of an error besides, and is printed with it.
    struct strings tail;             // log lines that explain it
    int            script_exit_code; // of the script that a build failed of; 0: it was none
};

// Run as the caller, before l4d2ctl becomes left4me: for files that are the caller's.
int initialize_prepare(struct cli *cli, struct error *err);
int install_prepare(struct cli *cli, struct error *err);
// Reads the file of -f, or standard input for "-", up to `max_bytes`.
int file_prepare(struct cli *cli, size_t max_bytes, struct error *err);
// Opens a file that the command line names, as the caller. ERROR_INVALID: there is none.
int file_open(int *ret, const char *file, int flags, struct error *err);

int initialize_run(struct cli *cli, struct error *err);
int start_run(struct cli *cli, struct error *err);
int stop_run(struct cli *cli, struct error *err);
int kill_run(struct cli *cli, struct error *err);
int restart_run(struct cli *cli, struct error *err);
int reset_run(struct cli *cli, struct error *err);
int delete_run(struct cli *cli, struct error *err);
int status_run(struct cli *cli, struct error *err);
int list_run(struct cli *cli, struct error *err);
int logs_run(struct cli *cli, struct error *err);
int explain_run(struct cli *cli, struct error *err);
int drift_run(struct cli *cli, struct error *err);
int drop_run(struct cli *cli, struct error *err);
int keep_run_command(struct cli *cli, struct error *err);
int install_run(struct cli *cli, struct error *err);
int doctor_run(struct cli *cli, struct error *err);

// ---- output ------------------------------------------------------------------------------------

#define OUTPUT_TIME_MAX 32u // bytes

// Takes `json`, prints it as one document and a newline. NULL, which is what jansson makes when
// memory runs out or a text is not UTF-8, is an error.
int     output_json(json_t *json, struct error *err) MUST_USE;
int     output_json_line(json_t *json, struct error *err) MUST_USE; // on one line
json_t *output_text_json(const char *bytes, size_t n);              // foreign bytes as valid UTF-8
json_t *output_strings_json(const struct strings *strings);
json_t *output_count_json(uint64_t value);                                  // UINT64_MAX: null
void    output_escaped(struct buffer *text, const char *string);            // a foreign one
void    output_strings(struct buffer *text, const struct strings *strings); // "a, b"
// "2026-11-22T03:00:00Z" of microseconds since 1970; "" of 0.
void    output_time(char ret[OUTPUT_TIME_MAX], uint64_t realtime_us);
json_t *output_time_json(uint64_t realtime_us);           // time and unix_s; null of 0
void    output_size(struct buffer *text, uint64_t bytes); // "1.5 GiB"
// What an action did, as one line or one object. `note` may be NULL.
int output_action(const struct cli *cli, const char *action, const char *state, bool has_changed,
                  const char *note, struct error *err) MUST_USE;
// kind, message, and what there is of a script's exit code and of the lines in cli->tail, as `log`.
json_t *output_error_json(const struct cli *cli, const struct error *err);
// The lines in cli->tail, to stderr.
void output_tail(const struct cli *cli);
// Writes the text to stdout and empties it.
void output_flush(struct buffer *text);
