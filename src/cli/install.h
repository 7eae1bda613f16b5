// SPDX-License-Identifier: MIT
#pragma once

// install: what the files of the command install share: one update, from the call of SteamCMD to
// the generation it becomes.

#include "cli/cli.h"
#include "host/journal.h"
#include "host/overlays.h"

#define INSTALL_LOG_LINES 20u // of the past, of a log that is opened
#define INSTALL_WAIT_MS   1000
#define INSTALL_DRAIN_MS  300 // the journal may be behind the init system by as much

struct install {
    struct cli          *cli;
    struct units        *units;
    struct journal      *journal;
    struct instance_name build_name; // its number, for the log reader
    uint32_t             build, job;
    bool                 is_attached; // somebody else started it
    bool                 is_terminal;
    bool                 has_mark; // the log of before has been read
    bool                 has_end;  // and its last word, of an update that has succeeded
    bool                 has_line; // an unfinished line is on the terminal
    unsigned             next_percent;
    char                 failure[ERROR_MESSAGE_MAX]; // of the driver's error line
};

void install_take_build(struct install *install, const struct reply *reply, uint32_t build);
int  install_open_log(struct install *install, enum log_source source, uint32_t n_lines,
                      uint32_t flags, struct error *err) MUST_USE;
bool install_is_over(const char *active_state);

// ---- installlog.c: what the update says --------------------------------------------------------

// Ends the line of progress on the terminal.
void install_end_line(struct install *install);
void install_show_line(struct install *install, const char *text);
// Shows what the log has to say now; waits `timeout_ms` for the first line.
int install_read_log(struct install *install, int timeout_ms, struct error *err) MUST_USE;
// Reads what the update wrote last. The log reader may only be starting, and the journal may be
// behind the init system; what the last word of an update that has succeeded is, is known.
int install_drain_log(struct install *install, bool has_succeeded, struct error *err) MUST_USE;

// ---- publication.c: what becomes of it ---------------------------------------------------------

// Waits until the publication is over. *ret_is_unchanged: there was nothing new to publish, and
// *ret is not written. Ctrl-C ends the waiting, not the publication: ERROR_FAILED.
int publication_watch(struct install *install, struct generation *ret, bool *ret_is_unchanged,
                      struct error *err) MUST_USE;
// Publishes what an earlier update downloaded and could not publish, say on a full disk. One that
// fails again for another reason than space is given up: a new update begins with dropping it.
int publication_resume(struct install *install, struct generation *ret, bool *ret_is_unchanged,
                       bool *ret_is_done, struct error *err) MUST_USE;
// Raises what Ctrl-C means for a publication. The init system goes on with it whoever watches, and
// nobody stops it half-way: that would only throw away what was downloaded.
int publication_interrupted(const struct install *install, struct error *err);
// What the publisher says of its success, or nothing.
void publication_read_summary(struct install *install, struct buffer *ret);
