// SPDX-License-Identifier: MIT
#pragma once

// job: queued work, and what became of it.
//
// Whoever does a job has a lease on it, which he renews: when he is killed it runs out, and the job
// is found by job_take_over(). Jobs about one server, and those about one overlay, run one after
// the other, in the order they came; all others side by side. A job can wait for others; if one of
// those fails or is cancelled, it fails. One that is asked for while the same one is still queued
// as the last, by the same person or by nobody, is that one.
//
// What a job does and how it is begun again is the worker's: here are the rules of the queue alone.
// All that changes a job is part of a transaction, and a change of it as of change.h; a line of its
// log is none. Who sees a job: who has asked for it and admins, who may all with it, and who sees
// its server or overlay, who may what he may with that.

#include "store/user.h"

#define JOB_KIND_MAX       32u // bytes, the NUL included
#define JOB_NAME_MAX       65u
#define JOB_WORKER_MAX     65u
#define JOB_PARAMETERS_MAX 8192u
#define JOB_RESULT_MAX     8192u
#define JOB_LINE_MAX       4096u // bytes of a line of its log
#define JOB_LINES_MAX      100000u

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_STATES };
enum job_stream { JOB_OUTPUT, JOB_ERROR, JOB_NOTE, JOB_STREAMS };

struct job {
    int64_t         id;
    char            kind[JOB_KIND_MAX];
    int64_t         server, overlay; // 0: it is about none
    int64_t         asked_by;        // a user; 0: a timer, or root
    char            asked_by_name[JOB_NAME_MAX];
    char            parameters[JOB_PARAMETERS_MAX]; // JSON
    enum job_state  state;
    int             progress;     // percent; -1: not known
    bool            is_cancelled; // it was asked to end
    unsigned        attempt;      // 1 when it is first begun
    enum error_kind error_kind;   // of a failed one
    char            error_message[ERROR_MESSAGE_MAX];
    char            result[JOB_RESULT_MAX];           // JSON
    unsigned        may;                              // bits of grant.h, of who asked for it
    int64_t         created_us, started_us, ended_us; // 0: not yet
};

const char *job_state_word(enum job_state state);
const char *job_stream_word(enum job_stream stream);

// ---- asking -----------------------------------------------------------------------------------

// Takes kind, server, overlay, asked_by, asked_by_name, parameters ("": none) and created_us from
// `job`. *ret_is_new: false if it is one that was queued already, with all the same: his own, or
// nobody's about a server or an overlay. Whether he may is asked before: see right.h.
int job_add(int64_t *ret_id, bool *ret_is_new, struct database *db, const struct job *job,
            struct error *err) MUST_USE;
// It begins after `after`, which is older.
int job_wait_for(struct database *db, int64_t id, int64_t after, struct error *err) MUST_USE;
// A queued one ends at once, a running one is told. ERROR_BUSY: it has ended already.
int job_cancel(struct database *db, int64_t id, int64_t now_us, struct error *err) MUST_USE;

// ERROR_NOT_FOUND: there is none that `viewer` sees.
int job_find(struct job *ret, struct database *db, int64_t id, int64_t viewer, struct error *err)
    MUST_USE;

// Which ones: all that `viewer` sees, of one server, one overlay or one kind if they are given;
// not of a server and an overlay both.
struct job_filter {
    int64_t     viewer;
    int64_t     server;
    int64_t     overlay;
    const char *kind;
};

// The newest one before the id `before` (0: all). 1: there is one, 0: no more.
int job_next(struct job *ret, struct database *db, int64_t before, const struct job_filter *filter,
             struct error *err) MUST_USE;

// ---- working ----------------------------------------------------------------------------------

// Which ones, by kind: each is a list in JSON.
struct job_choice {
    const char *except;    // none of these
    const char *patient;   // these begin after all that was to be done before with the overlays of
                           // their server and its blueprint,
    const char *unawaited; // but for these
};

// Takes one that may run now: of those of whom the fewest run, the oldest. 1: there is one, which
// is `worker`'s until `until_s`.
int job_take(struct job *ret, struct database *db, const char *worker,
             const struct job_choice *choice, int64_t now_us, int64_t until_s, struct error *err)
    MUST_USE;
// One of another worker who has not renewed its lease until `now_s`: it may be half done.
int job_take_over(struct job *ret, struct database *db, const char *worker, int64_t now_s,
                  int64_t until_s, struct error *err) MUST_USE;
// The last three fail with ERROR_NOT_FOUND if it is not the worker's (any more): he must let it be.
int job_renew(bool *ret_is_cancelled, struct database *db, int64_t id, const char *worker,
              int64_t until_s, int progress, struct error *err) MUST_USE;
// Leaves it to whoever takes it over: at once, and as if he were the first.
int job_release(struct database *db, int64_t id, const char *worker, struct error *err) MUST_USE;
// `why` is of a failed one, otherwise NULL; `result` is JSON, shorter than JOB_RESULT_MAX.
int job_end(struct database *db, int64_t id, const char *worker, enum job_state state,
            const struct error *why, const char *result, int64_t now_us, struct error *err)
    MUST_USE;

// ---- its log ----------------------------------------------------------------------------------

struct job_line {
    int64_t         number; // from 1
    int64_t         time_us;
    enum job_stream stream;
    const char     *text; // borrowed until the next
};

// The line behind the last one. What is longer than a line may be is cut off; beyond JOB_LINES_MAX
// nothing is kept but a line that says so.
int job_line_add(struct database *db, int64_t id, enum job_stream stream, int64_t time_us,
                 const char *text, size_t n, struct error *err) MUST_USE;
int job_lines_begin(struct statement *ret, struct database *db, int64_t id, int64_t after,
                    struct error *err) MUST_USE;
int job_lines_next(struct job_line *ret, struct statement *lines, struct error *err) MUST_USE;
// The number of its last line; 0: it has none.
int job_lines_newest(int64_t *ret, struct database *db, int64_t id, struct error *err) MUST_USE;
