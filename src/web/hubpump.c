// SPDX-License-Identifier: MIT
#include "web/hubparts.h"

#include <string.h>

#define ENOUGH_BYTES 65536u // on their way to one who reads slowly

void reader_fall_behind(struct reader *reader)
{
    reader->is_live = false;
    reader->spot = reader->channel->spot;
}

// ---- writing ----------------------------------------------------------------------------------

static bool can_take(const struct reader *reader)
{
    return !reader->is_ending && http_exchange_pending(reader_exchange(reader)) < ENOUGH_BYTES;
}

// Writes what is in the hub's text, and moves him on. False: he cannot take it for now.
static bool give(struct reader *reader, const struct spot *spot)
{
    struct hub *hub = reader->channel->hub;

    if (hub->text.is_short ||
        (hub->text.n > 0 &&
         !http_exchange_write(reader_exchange(reader), hub->text.bytes, hub->text.n)))
        return false;
    reader->spot = *spot;
    return true;
}

static void write_id(char ret[HEARD_TEXT_MAX], const struct reader *reader, const struct spot *spot)
{
    heard_text(ret, &reader->channel->topics, &spot->heard);
}

// ---- logs of jobs ------------------------------------------------------------------------------

// Each of these: 1: he has heard as much as the channel, 0: there is more, -1: he cannot take it
// for now, or the database does not answer.

static int pump_job(struct reader *reader, unsigned i, struct error *err)
{
    AUTO(statement_done) struct statement lines = { 0 };
    const struct heard_mark              *end = &reader->channel->spot.heard.marks[i];
    struct hub                           *hub = reader->channel->hub;
    int64_t                               job = reader->channel->topics.list[i].id;
    struct spot                           spot = reader->spot;
    struct job_line                       line;
    char                                  id[HEARD_TEXT_MAX];
    int                                   r = 0;

    if (job_lines_begin(&lines, hub->web->db, job, spot.heard.marks[i].at, err) < 0)
        return -1;
    text_begin(&hub->text);
    while (spot.heard.marks[i].at < end->at && hub->text.n < PIECE_BYTES &&
           (r = job_lines_next(&line, &lines, err)) > 0) {
        spot.heard.marks[i] = (struct heard_mark){ .at = line.number, .is_known = true };
        write_id(id, reader, &spot);
        text_job_line(&hub->text, id, job, &line);
    }
    if (r < 0)
        return -1;
    if (r == 0 && spot.heard.marks[i].at < end->at)
        spot.heard.marks[i] = *end; // they are not there any more
    return give(reader, &spot) ? spot.heard.marks[i].at >= end->at : -1;
}

// ---- logs of servers ---------------------------------------------------------------------------

static int pump_log(struct reader *reader, unsigned i)
{
    struct channel    *channel = reader->channel;
    const struct tail *tail = channel->tails[i];
    struct hub        *hub = channel->hub;
    struct spot        spot = reader->spot;
    char               id[HEARD_TEXT_MAX];

    text_begin(&hub->text);
    if (spot.next[i] < tail_first(tail)) {
        write_id(id, reader, &spot);
        text_missed(&hub->text, id, &channel->topics.list[i],
                    (int64_t)(tail_first(tail) - spot.next[i]));
        spot.next[i] = tail_first(tail);
    }
    for (; spot.next[i] < channel->spot.next[i] && hub->text.n < PIECE_BYTES; spot.next[i]++) {
        const struct tail_line *line = tail_line(tail, spot.next[i]);
        spot.heard.marks[i] = line->mark;
        write_id(id, reader, &spot);
        text_tail_line(&hub->text, id, line, &channel->topics.list[i]);
    }
    return give(reader, &spot) ? spot.next[i] >= channel->spot.next[i] : -1;
}

// ---- what is not kept any more -----------------------------------------------------------------

// Tells that he has missed nobody knows how much, and lets him go on with what is kept.
static void miss(struct reader *reader)
{
    struct channel *channel = reader->channel;
    struct hub     *hub = channel->hub;
    struct spot     spot = reader->spot;
    unsigned        i = reader->past_of;

    spot.next[i] = tail_first(channel->tails[i]);
    text_begin(&hub->text);
    text_missed(&hub->text, "", &channel->topics.list[i], -1);
    if (!give(reader, &spot))
        reader->spot = spot; // he is told of nothing, but goes on
    reader->past_left = true;
}

static void tell_past(struct reader *reader, const struct tail_line *line)
{
    struct hub *hub = reader->channel->hub;
    struct spot spot = reader->spot;
    char        id[HEARD_TEXT_MAX];
    unsigned    i = reader->past_of;

    spot.heard.marks[i] = line->mark;
    write_id(id, reader, &spot);
    text_begin(&hub->text);
    text_tail_line(&hub->text, id, line, &reader->channel->topics.list[i]);
    if (!give(reader, &spot))
        miss(reader);
    else if (!can_take(reader))
        tail_past_pause(reader->past);
}

// Until his place is there they are passed over; from there on they are told until they are among
// those that are kept.
static int take_past(void *context, const struct tail_line *line)
{
    struct reader     *reader = context;
    unsigned           i = reader->past_of;
    const struct tail *tail = reader->channel->tails[i];
    uint64_t           next;

    if (reader->past_left)
        return -1;
    if (tail_find(&next, tail, &line->mark)) {
        if (!reader->past_has)
            miss(reader);
        else
            reader->spot.next[i] = next - 1;
        reader->past_left = true;
        return -1;
    }
    if (reader->past_has)
        tell_past(reader, line);
    else
        reader->past_has =
            line->is_sure && heard_mark_compare(&line->mark, &reader->spot.heard.marks[i]) == 0;
    return reader->past_left ? -1 : 0;
}

// Nothing of it is kept: whatever is newer than the last one is new.
static void go_on_by_time(struct reader *reader)
{
    unsigned           i = reader->past_of;
    const struct tail *tail = reader->channel->tails[i];
    uint64_t           at = tail_first(tail);

    while (at < tail_next(tail) &&
           heard_mark_compare(&tail_line(tail, at)->mark, &reader->spot.heard.marks[i]) <= 0)
        at++;
    reader->spot.next[i] = at;
}

static void look_back(struct reader *reader);

static void past_is_read(void *context)
{
    struct reader *reader = context;

    if (!reader->past_left && reader->past_has)
        go_on_by_time(reader);
    else if (!reader->past_left)
        miss(reader);
    reader->past = tail_past_end(reader->past);
    look_back(reader);
    reader_pump(reader);
}

// One log after the other.
static void look_back(struct reader *reader)
{
    struct error ignored;

    while (reader->pasts && !reader->past) {
        unsigned i = (unsigned)__builtin_ctz(reader->pasts);
        reader->pasts &= ~(1u << i);
        reader->past_of = i;
        reader->past_has = reader->past_left = false;
        if (tail_past_begin(&reader->past, reader->channel->tails[i], take_past, past_is_read,
                            reader, &ignored) < 0)
            miss(reader);
    }
}

static bool is_looked_back_at(const struct reader *reader, unsigned i)
{
    return reader->pasts & 1u << i || (reader->past && reader->past_of == i);
}

// ---- changes ----------------------------------------------------------------------------------

static int add_change(struct reader *reader, const struct change *change, const struct spot *spot,
                      struct error *err)
{
    struct hub       *hub = reader->channel->hub;
    int64_t           viewer = user_viewer(&reader->request->user);
    AUTO(freep) char *json = NULL;
    char              id[HEARD_TEXT_MAX];
    bool              sees;
    unsigned          may;

    if (thing_may(&sees, &may, hub, change, viewer, err) < 0)
        return -1;
    if (!sees)
        return 0;
    if (thing_json(&json, hub, change, viewer, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    write_id(id, reader, spot);
    text_event(&hub->text, id, thing_event(change->topic), json, strlen(json));
    return 0;
}

static int pump_changes(struct reader *reader, struct error *err)
{
    struct channel *channel = reader->channel;
    struct hub     *hub = channel->hub;
    struct spot     spot = reader->spot;
    int64_t         end = channel->spot.heard.change;
    struct change   change;
    int             r = 0;

    text_begin(&hub->text);
    while (spot.heard.change < end && hub->text.n < PIECE_BYTES &&
           (r = change_next(&change, hub->web->db, spot.heard.change, err)) > 0 &&
           change.number <= end) {
        spot.heard.change = change.number;
        if (topics_want(&channel->topics, change.topic, change.object) &&
            add_change(reader, &change, &spot, err) < 0)
            return -1;
    }
    if (r < 0)
        return -1;
    if (hub->text.n < PIECE_BYTES)
        spot.heard.change = end; // what is between has a newer number by now
    return give(reader, &spot) ? spot.heard.change >= end : -1;
}

// ---- all of it --------------------------------------------------------------------------------

static int pump_topic(struct reader *reader, unsigned i, struct error *err)
{
    switch (reader->channel->topics.list[i].kind) {
    case TOPIC_JOB:
        return pump_job(reader, i, err);
    case TOPIC_LOG:
        return is_looked_back_at(reader, i) ? 1 : pump_log(reader, i);
    case TOPIC_SERVERS:
    case TOPIC_BLUEPRINTS:
    case TOPIC_OVERLAYS:
    case TOPIC_JOBS:
    case TOPIC_USERS:
    case TOPIC_MACHINE:
    case TOPIC_PLAYERS:
    case TOPIC_KINDS:
        break;
    }
    return 1;
}

// Logs before changes: what a job has written before its end is told before it.
static int pump_some(struct reader *reader, struct error *err)
{
    for (unsigned i = 0; i < reader->channel->topics.n; i++) {
        int r = pump_topic(reader, i, err);
        if (r <= 0)
            return r;
    }
    return pump_changes(reader, err);
}

void reader_pump(struct reader *reader)
{
    struct error ignored;
    int          r = 0;

    if (!reader->is_started || reader->is_live)
        return;
    if (reader->past && can_take(reader))
        tail_past_resume(reader->past);
    while (r == 0 && can_take(reader))
        r = pump_some(reader, &ignored);
    reader->is_live = r > 0 && !reader->past && !reader->pasts;
}

// ---- where he begins ---------------------------------------------------------------------------

// The last lines of the newest run, as many as he wants.
static uint64_t number_of_past(const struct tail *tail, unsigned n_lines)
{
    uint64_t at = tail_next(tail);

    while (n_lines-- > 0 && at > tail_first(tail) &&
           tail_line(tail, at - 1)->run == tail_line(tail, tail_next(tail) - 1)->run)
        at--;
    return at;
}

static void start_log(struct reader *reader, unsigned i)
{
    const struct tail *tail = reader->channel->tails[i];
    struct heard_mark *mark = &reader->spot.heard.marks[i];
    uint64_t          *next = &reader->spot.next[i];

    if (mark->is_known) {
        if (!tail_find(next, tail, mark))
            reader->pasts |= 1u << i;
        return;
    }
    *next = number_of_past(tail, reader->n_lines);
    if (*next > tail_first(tail))
        *mark = tail_line(tail, *next - 1)->mark;
}

// What was never there is not waited for: the database is an older one.
static void start_job(struct reader *reader, unsigned i)
{
    const struct heard_mark *end = &reader->channel->spot.heard.marks[i];
    struct heard_mark       *mark = &reader->spot.heard.marks[i];

    if (!mark->is_known)
        *mark = (struct heard_mark){ .at = MAX(end->at - (int64_t)reader->n_lines, 0) };
    mark->at = MIN(mark->at, end->at);
    mark->is_known = true;
}

// Whether anything begins with the present.
static bool begins_now(const struct reader *reader)
{
    const struct topics *topics = &reader->channel->topics;
    const struct heard  *heard = &reader->spot.heard;

    if (topics_have_changes(topics) &&
        (heard->change < 0 || heard->change > reader->channel->spot.heard.change))
        return true;
    for (unsigned i = 0; i < topics->n; i++)
        if ((topics->list[i].kind == TOPIC_JOB || topics->list[i].kind == TOPIC_LOG) &&
            !heard->marks[i].is_known)
            return true;
    return false;
}

void reader_start(struct reader *reader)
{
    struct channel *channel = reader->channel;
    struct hub     *hub = channel->hub;
    bool            is_new = begins_now(reader);
    char            id[HEARD_TEXT_MAX];

    if (reader->is_started || !channel_is_placed(channel))
        return;
    for (unsigned i = 0; i < channel->topics.n; i++)
        if (channel->topics.list[i].kind == TOPIC_LOG)
            start_log(reader, i);
        else if (channel->topics.list[i].kind == TOPIC_JOB)
            start_job(reader, i);
    int64_t *change = &reader->spot.heard.change;
    if (*change < 0 || *change > channel->spot.heard.change)
        *change = channel->spot.heard.change;
    reader->is_started = true;
    if (is_new) {
        write_id(id, reader, &reader->spot);
        text_begin(&hub->text);
        text_event(&hub->text, id, "ready", "{}", 2);
        struct spot spot = reader->spot;
        (void)give(reader, &spot); // it is the first that he is told
    }
    look_back(reader);
    reader_pump(reader);
}
