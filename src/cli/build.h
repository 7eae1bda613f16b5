// SPDX-License-Identifier: MIT
#pragma once

// build: one build of an overlay, from its start to the generation it becomes, as the commands
// install and overlay share it.
//
// The init system starts the publication when the builder has succeeded, whoever else has died; so
// a command may be killed at any time. It watches, and removes the scratch at the end.

#include "cli/cli.h"
#include "host/journal.h"
#include "host/overlays.h"

#define BUILD_LOG_LINES 20u // of the past, of a log that is opened
#define BUILD_WAIT_MS   1000
#define BUILD_STOP_MS   60000u // until a builder that is stopped has ended
#define BUILD_DRAIN_MS  300    // the journal may be behind the init system by as much

struct build;

// What is different from kind to kind.
struct build_row {
    const char     *unit, *noun; // "left4me-update@", "update"
    enum log_source source;
    void (*take)(struct build *build, const struct journal_line *line); // shows a line of the log
    bool has_last_word; // the builder of one that has succeeded says so at the end
};

struct build {
    struct cli             *cli;
    struct units           *units;
    struct journal         *journal;
    const struct build_row *row;
    enum build_kind         kind;
    uint32_t                overlay;
    const char             *title; // the overlay's
    struct instance_name    name;  // its number, for the log reader
    uint32_t                number, job;
    bool                    is_attached; // somebody else started it
    bool                    is_terminal;
    bool                    has_mark; // the log of before has been read
    bool                    has_end;  // and its last word: the builder's, or the init system's
    bool                    has_line; // an unfinished line is on the terminal
    unsigned                next_percent;
    struct unit_state       ending; // as the init system tells of it in the log
    bool                    is_cancelled, is_end_told;
    char                    failure[ERROR_MESSAGE_MAX]; // what the builder says it failed of
};

// Connects to the init system. `title` is borrowed for as long as the build is there. What failed
// to connect can still show a log.
int  build_open(struct build *ret, struct cli *cli, enum build_kind kind, uint32_t overlay,
                const char *title, struct error *err) MUST_USE;
void build_done(struct build *build);

// Asks for the build, or joins the one that runs, and opens its log. The request's kind and overlay
// are filled in. ERROR_NOT_FOUND: the overlay is not there, or was deleted by half.
int build_begin(struct build *build, const struct request_build_start *wanted, struct error *err)
    MUST_USE;
// What is raised when an overlay that was listed is not there, or closed. It is forgotten, and then
// closed, before its directories go: whose source is still there was deleted by somebody who did
// not come to the end. Of any other one, *err stays as it is. -1.
int build_half_deleted(const struct cli *cli, uint32_t overlay, const char *title,
                       struct error *err);
// Watches a build that somebody else began, and says so. ERROR_BUSY: it is not what is wanted; one
// that is held is for nobody who did not say --hold, and the other way round. ERROR_NOT_FOUND: it
// has ended and left nothing.
int build_join(struct build *build, const struct request_build_start *wanted, uint32_t number,
               struct error *err) MUST_USE;
// The same of one that has ended: there is nothing to watch.
void build_take_ended(struct build *build, uint32_t number);
// Shows the builder's log until it has ended, then waits for the publication. *ret_is_unchanged:
// there was nothing new to publish, and *ret is not written. Ctrl-C stops a build that this command
// began.
int build_finish(struct build *build, struct generation *ret, bool *ret_is_unchanged,
                 struct error *err) MUST_USE;
// Best effort: the next build of the overlay does it if this cannot.
void build_remove_scratch(const struct build *build);
// Best effort: does it for all builds of other overlays that ended a while ago, so that nobody is
// about to ask how. What was made and could not be published stays, to be tried again.
void build_sweep(const struct build *build);

// ---- for those who show a log ------------------------------------------------------------------

void build_take_number(struct build *build, const struct reply *reply, uint32_t number);
int  build_open_log(struct build *build, enum log_source source, uint32_t n_lines, uint32_t flags,
                    struct error *err) MUST_USE;
// Of the unit `prefix` of the build `number`.
int  build_state(const struct build *build, const char *prefix, uint32_t number,
                 struct unit_state *ret, struct error *err) MUST_USE;
bool build_is_over(const char *active_state);
// Ends the line of progress on the terminal.
void build_end_line(struct build *build);
// The log of an update; see host/steamline.h.
void installlog_take(struct build *build, const struct journal_line *said);
// A line as it is: of stderr with a mark. With --json an object a line. What the init system says
// is left out.
void buildlog_take(struct build *build, const struct journal_line *line);
void buildlog_show(const struct build *build, const struct journal_line *line);
// Keeps what the builder says it failed of.
void build_take_failure(struct build *build, const struct journal_line *line);

// ---- buildend.c: how a builder ended ------------------------------------------------------------

// Keeps what the init system says of an end. True: this is its last word on one that did not
// succeed.
bool buildend_note(struct build *build, const struct journal_line *line);
// Shows in one sentence of our own what the init system says of an end that the builder could not
// speak of.
void buildend_show(struct build *build, const struct journal_line *line);
// Raises why the builder failed; `result` is that of its job, or "failed". Removes its scratch.
int buildend_raise(struct build *build, const char *result, struct error *err);
// The same of a builder that nobody watched, from its log; or that nobody knows.
int buildend_recall(struct build *build, struct error *err);

// ---- publication.c: what becomes of it ---------------------------------------------------------

// Of one that is over and became no generation. *ret_was_tried is true if there was nothing new to
// publish, false if it did not come to a publication; one that failed is raised, as it was.
int publication_recall(struct build *build, bool *ret_was_tried, struct error *err) MUST_USE;
// Waits until the publication is over. *ret_is_unchanged as above. Ctrl-C ends the waiting, not the
// publication: ERROR_FAILED.
int publication_watch(struct build *build, struct generation *ret, bool *ret_is_unchanged,
                      struct error *err) MUST_USE;
// The generation this build became; *ret_is_there is false as long as there is none.
int publication_find(struct generation *ret, bool *ret_is_there, const struct build *build,
                     struct error *err) MUST_USE;
// Publishes what an earlier build made and could not publish, say on a full disk, if `flags` say as
// that one's whether it is held. One that fails again for another reason than space is given up: a
// new build begins with dropping it.
int publication_resume(struct build *build, uint32_t flags, struct generation *ret,
                       bool *ret_is_unchanged, bool *ret_is_done, struct error *err) MUST_USE;
// Raises what Ctrl-C means for a publication. The init system goes on with it whoever watches, and
// nobody stops it half-way: that would only throw away what was made.
int publication_interrupted(const struct build *build, struct error *err);
// What the publisher says of its success, or nothing.
void publication_read_summary(struct build *build, struct buffer *ret);
