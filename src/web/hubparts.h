// SPDX-License-Identifier: MIT
#pragma once

// hubparts: what the files of the hub share, and nobody else sees.
//
//   hub.c      who listens, and when it is looked what there is to tell
//   hubtell.c  telling a channel what has just come
//   hubpump.c  telling one reader what he has not heard yet
//   hubtext.c  events as text
//   hubthing.c what is told of a change, to whom
//   events.c   the request by which one begins to listen

#include "web/hub.h"
#include "web/overlaylist.h"
#include "web/tail.h"

#define PIECE_BYTES 32768u // after which events are handed on, of many
#define LINES_STEP  500    // of the log of a job, in one look

struct channel;

// Those of one user.
struct account {
    struct account *next;
    int64_t         id;
    unsigned        n;
    int64_t         shown; // the change that these two are about
    bool            sees;
    unsigned        may;
};

// Where a channel is, or one who is behind it: what is heard, and of each server's log which line
// comes next, by the number that it has here.
struct spot {
    struct heard heard;
    uint64_t     next[TOPICS_MAX];
};

struct reader {
    struct channel     *channel;
    struct account     *account;
    struct reader      *previous, *following; // of the channel
    struct api_request *request;
    unsigned            beat;       // when, of HUB_BEAT_S
    unsigned            n_lines;    // that he wants to hear of the past
    bool                is_started; // it is known where he begins
    bool                is_live;    // he is where the channel is
    bool                is_ending;
    struct spot         spot;      // of one who is not; before he is started, what he says
    unsigned            pasts;     // 1 << topic, of which more is to be read back than is kept
    struct tail_past   *past;      // what is read back for him now,
    unsigned            past_of;   // of which topic;
    bool                past_has;  // his place was found in it,
    bool                past_left; // and it is known where he goes on
};

struct channel {
    struct channel *next;
    struct hub     *hub;
    struct topics   topics;
    struct tail    *tails[TOPICS_MAX];     // of logs of servers
    bool            is_placed[TOPICS_MAX]; // those of them of which the end is known
    struct spot     spot;
    struct reader   readers; // the head of a ring
    unsigned        n;
    struct reader  *to_check; // where the next look whether they may goes on; NULL: none is due
    struct reader  *to_visit; // where the next look after each second goes on; likewise
};

struct text {
    char  *bytes;
    size_t n, size;
    bool   is_short; // of memory: nothing of it is good
};

// What one change looks like, by what one may do with the thing.
struct shown {
    unsigned           may;
    char              *json;
    struct http_bytes *bytes; // of the channel that is told
};

#define SHOWN_MAX 33u // as many as there are values of `may`, and one who was deleted

struct hub {
    struct web          *web;
    struct tails        *tails;
    struct overlay_list *list;
    struct channel      *channels;
    struct account      *accounts;
    sd_event_source     *looker, *ticker;
    int64_t              change;   // up to which all channels were told
    struct channel      *turn;     // whose log is told next in this round; NULL: it is over
    uint64_t             round_us; // when it began
    bool                 is_asked; // since then: there may be more to tell
    uint64_t             next_us;  // when it is looked again at the earliest
    unsigned             n_readers, second;
    bool                 is_closed;
    bool                 has_unplaced; // a log is read of which a channel waits for the end
    struct text          text;         // for whoever writes events
    struct shown         shown[SHOWN_MAX];
    unsigned             n_shown;
};

// ---- hub.c ------------------------------------------------------------------------------------

// Takes part in the channel of these topics. ERROR_BUSY: he has too many streams already.
int                   hub_join(struct reader **ret, struct hub *hub, struct api_request *request,
                               const struct topics *topics, struct error *err) MUST_USE;
void                  hub_leave(struct reader *reader);
void                  reader_end(struct reader *reader); // he may not listen any more
struct http_exchange *reader_exchange(const struct reader *reader);

bool channel_is_placed(const struct channel *channel);

// ---- hubtell.c --------------------------------------------------------------------------------

// Tells all channels what is new. 1: there is more than was told. Errors are of the database.
int channels_tell(struct hub *hub, struct error *err) MUST_USE;

// ---- hubpump.c --------------------------------------------------------------------------------

// Begins where he left, or with the present, as soon as the channel knows where that is.
void reader_start(struct reader *reader);
// Tells him what he can take of what he has not heard. Does nothing for one who is live.
void reader_pump(struct reader *reader);
// He has not heard what the channel is about to be told.
void reader_fall_behind(struct reader *reader);

// ---- hubtext.c --------------------------------------------------------------------------------

void text_begin(struct text *text);
void text_done(struct text *text);
// "id: …", "event: …", "data: …"; `id` may be "".
void text_event(struct text *text, const char *id, const char *event, const char *data, size_t n);
// Takes `data`.
void text_event_json(struct text *text, const char *id, const char *event, json_t *data);
void text_comment(struct text *text);
void text_retry(struct text *text, unsigned ms);
// NULL: there is no memory.
struct http_bytes *text_bytes(const struct text *text, struct hub *hub);

void text_job_line(struct text *text, const char *id, int64_t job, const struct job_line *line);
void text_tail_line(struct text *text, const char *id, const struct tail_line *line,
                    const struct topic *topic);
// `n` < 0: nobody knows how many.
void text_missed(struct text *text, const char *id, const struct topic *topic, int64_t n);

// ---- hubthing.c -------------------------------------------------------------------------------

const char *thing_event(enum change_topic topic);
// Whether `viewer` is told of it, and what he may do with it. Of what he has lost he is told as of
// what is deleted.
int thing_may(bool *ret_sees, unsigned *ret_may, struct hub *hub, const struct change *change,
              int64_t viewer, struct error *err) MUST_USE;
// *ret is owned.
int thing_json(char **ret, struct hub *hub, const struct change *change, int64_t viewer,
               struct error *err) MUST_USE;

// Whether he may listen to all of them. ERROR_NOT_FOUND, ERROR_DENIED.
int topics_check(const struct topics *topics, struct web *web, const struct user *user,
                 struct error *err) MUST_USE;
