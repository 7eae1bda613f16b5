// SPDX-License-Identifier: MIT
#pragma once

// tail: the end of the log of a server, read once for all who listen to it.
//
// One `l4d2ctl logs NAME --follow` runs for each server that somebody listens to, until some time
// after the last one has left. The last lines are kept, numbered from 0 as they came here, so that
// whoever was away for a moment or reads slowly is told what he missed. Which line it is everywhere
// else says its mark: the time, and which one it is of that microsecond.
//
// When the log reader has to be begun again it goes on behind the last line that is here. If that
// one is not found any more a line that is none stands for what may be missing: is_gap.

#include "web/topics.h"
#include <systemd/sd-event.h>

#define TAIL_LINES_MAX 1000u
#define TAIL_BYTES_MAX (1u << 20)   // of the lines of one server
#define TAIL_TEXT_MAX  (256u << 10) // of one line, as l4d2ctl says it
#define TAILS_MAX      200u
#define TAIL_STAYS_MS  10000u // when nobody listens any more

struct tails; // of all servers
struct tail;

struct tail_line {
    struct heard_mark mark;
    char             *json; // {"server", "time_us", "run", "priority", "text"}; owned
    size_t            n;
    uint64_t          run; // which of its runs wrote it: a hash, 0: not known
    bool is_sure;          // of what stands first it is not known which of its microsecond it is
    bool is_gap;
};

// `came` is called when a tail has something new, or is ready.
int tails_open(struct tails **ret, sd_event *event, const char *ctl_path,
               void (*came)(void *context, struct tail *tail), void *context, struct error *err)
    MUST_USE;
// When nobody listens any more. Takes NULL, returns NULL.
struct tails *tails_close(struct tails *tails);

// That of a server, which is `instance` on the host, begun if it is not there. ERROR_BUSY: too many
// are listened to. For each there is a put().
int  tail_get(struct tail **ret, struct tails *tails, int64_t server, const char *instance,
              struct error *err) MUST_USE;
void tail_put(struct tail *tail);

// Its last lines have been read, if there are any.
bool                    tail_is_ready(const struct tail *tail);
uint64_t                tail_first(const struct tail *tail); // that is kept
uint64_t                tail_next(const struct tail *tail);  // behind the last
const struct tail_line *tail_line(const struct tail *tail, uint64_t number);
// Behind which line it goes on that was the last one heard. False: it is not known any more.
bool tail_find(uint64_t *ret, const struct tail *tail, const struct heard_mark *mark);

// ---- what was long ago -------------------------------------------------------------------------

// Reads of the log what is older than what is kept. `line` is called for each in turn, oldest
// first, and may stop it by -1; `done` when that was all.
struct tail_past;
typedef int  tail_past_line(void *context, const struct tail_line *line);
typedef void tail_past_done(void *context);

int  tail_past_begin(struct tail_past **ret, struct tail *tail, tail_past_line *line,
                     tail_past_done *done, void *context, struct error *err) MUST_USE;
void tail_past_pause(struct tail_past *past);
void tail_past_resume(struct tail_past *past);
// Nothing is called any more. Takes NULL, returns NULL.
struct tail_past *tail_past_end(struct tail_past *past);

// ---- a line -----------------------------------------------------------------------------------

// Lines as l4d2ctl says them, one after the other, with their marks. Starts as { .server = … }.
struct tail_reading {
    int64_t           server;
    struct heard_mark last;
    uint64_t          n;
    bool              has_moved; // there were lines of more than one microsecond
};

// Fills in all but is_gap. ERROR_INVALID: it is no line of a log.
int tail_parse(struct tail_line *ret, struct tail_reading *reading, const char *bytes, size_t n,
               struct error *err) MUST_USE;
