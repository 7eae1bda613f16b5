// SPDX-License-Identifier: MIT
#include "web/hubparts.h"

#include <string.h>
#include "web/visit.h"

#define CHANGES_STEP 64 // in one look

static void write_id(char ret[HEARD_TEXT_MAX], const struct channel *channel,
                     const struct heard *heard)
{
    heard_text(ret, &channel->topics, heard);
}

// To all who keep up. Whoever cannot take it falls behind: the channel is moved on by the caller.
static void give(struct channel *channel, struct http_bytes *bytes)
{
    struct reader        *readers[HUB_CHANNEL_MAX];
    struct http_exchange *exchanges[HUB_CHANNEL_MAX] = { NULL };
    bool                  is_kept[HUB_CHANNEL_MAX] = { false };
    size_t                n = 0;

    _Static_assert(HUB_CHANNEL_MAX <= HTTP_MANY_MAX, "they are told at once");
    for (struct reader *reader = channel->readers.following; reader != &channel->readers;
         reader = reader->following) {
        if (!reader->is_live || reader->is_ending)
            continue;
        readers[n] = reader;
        exchanges[n++] = reader_exchange(reader);
    }
    if (bytes)
        http_exchanges_write_bytes(exchanges, is_kept, n, bytes);
    for (size_t i = 0; i < n; i++)
        if (!is_kept[i])
            reader_fall_behind(readers[i]);
}

static void give_text(struct channel *channel, const struct text *text)
{
    AUTO(http_bytes_unrefp) struct http_bytes *bytes = text_bytes(text, channel->hub);

    give(channel, bytes);
}

// ---- logs of servers ---------------------------------------------------------------------------

// As much as goes into one piece. 1: there is more.
static int tell_some_of_log(struct channel *channel, unsigned i)
{
    struct hub        *hub = channel->hub;
    const struct tail *tail = channel->tails[i];
    struct spot        spot = channel->spot;
    char               id[HEARD_TEXT_MAX];

    text_begin(&hub->text);
    if (spot.next[i] < tail_first(tail)) { // it was looked too rarely
        write_id(id, channel, &spot.heard);
        text_missed(&hub->text, id, &channel->topics.list[i],
                    (int64_t)(tail_first(tail) - spot.next[i]));
        spot.next[i] = tail_first(tail);
    }
    for (; spot.next[i] < tail_next(tail) && hub->text.n < PIECE_BYTES; spot.next[i]++) {
        const struct tail_line *line = tail_line(tail, spot.next[i]);
        spot.heard.marks[i] = line->mark;
        write_id(id, channel, &spot.heard);
        text_tail_line(&hub->text, id, line, &channel->topics.list[i]);
    }
    if (hub->text.n > 0)
        give_text(channel, &hub->text);
    channel->spot = spot;
    return spot.next[i] < tail_next(tail);
}

static void tell_log(struct channel *channel, unsigned i)
{
    while (channel->is_placed[i] && tell_some_of_log(channel, i) > 0)
        ;
}

// ---- logs of jobs ------------------------------------------------------------------------------

// 1: there is more.
static int tell_job(struct channel *channel, unsigned i, struct error *err)
{
    AUTO(statement_done) struct statement lines = { 0 };
    struct hub                           *hub = channel->hub;
    int64_t                               job = channel->topics.list[i].id;
    struct spot                           spot = channel->spot;
    struct heard_mark                    *mark = &spot.heard.marks[i];
    struct job_line                       line;
    char                                  id[HEARD_TEXT_MAX];
    int                                   n = 0, r = 0;

    text_begin(&hub->text);
    if (job_lines_begin(&lines, hub->web->db, job, mark->at, err) < 0)
        return -1;
    while (n < LINES_STEP && hub->text.n < PIECE_BYTES * (size_t)4 &&
           (r = job_lines_next(&line, &lines, err)) > 0) {
        *mark = (struct heard_mark){ .at = line.number, .is_known = true };
        write_id(id, channel, &spot.heard);
        text_job_line(&hub->text, id, job, &line);
        n++;
    }
    if (r < 0)
        return -1;
    if (n > 0)
        give_text(channel, &hub->text);
    channel->spot = spot;
    return r > 0;
}

static int tell_logs(struct channel *channel, struct error *err)
{
    int has_more = 0;

    for (unsigned i = 0; i < channel->topics.n; i++) {
        if (channel->topics.list[i].kind == TOPIC_LOG)
            tell_log(channel, i);
        if (channel->topics.list[i].kind != TOPIC_JOB)
            continue;
        int r = tell_job(channel, i, err);
        if (r < 0)
            return -1;
        has_more |= r;
    }
    return has_more;
}

// ---- changes ----------------------------------------------------------------------------------

static void forget_shown(struct hub *hub)
{
    for (unsigned i = 0; i < hub->n_shown; i++)
        free(hub->shown[i].json);
    hub->n_shown = 0;
}

// What it looks like for one who may so much. It is written once for all of them.
static int show(struct shown **ret, struct hub *hub, const struct change *change, unsigned may,
                int64_t viewer, struct error *err)
{
    for (unsigned i = 0; i < hub->n_shown; i++)
        if (hub->shown[i].may == may) {
            *ret = &hub->shown[i];
            return 0;
        }
    struct shown *shown = &hub->shown[hub->n_shown % SHOWN_MAX];
    *shown = (struct shown){ .may = may };
    if (thing_json(&shown->json, hub, change, viewer, err) < 0)
        return -1;
    hub->n_shown++;
    *ret = shown;
    return 0;
}

// Once for each user, however many streams he has.
static int see(struct account *account, struct hub *hub, const struct change *change,
               int64_t viewer, struct error *err)
{
    if (account->shown == change->number)
        return 0;
    if (thing_may(&account->sees, &account->may, hub, change, viewer, err) < 0)
        return -1;
    account->shown = change->number;
    return 0;
}

static int tell_reader(struct reader *reader, const struct change *change, const char *id,
                       struct error *err)
{
    struct hub     *hub = reader->channel->hub;
    struct account *account = reader->account;
    int64_t         viewer = user_viewer(&reader->request->user);
    struct shown   *shown;

    if (see(account, hub, change, viewer, err) < 0)
        return -1;
    if (!account->sees)
        return 0;
    if (show(&shown, hub, change, account->may, viewer, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // it went this very moment
    if (!shown->bytes) {
        text_begin(&hub->text);
        text_event(&hub->text, id, thing_event(change->topic), shown->json, strlen(shown->json));
        shown->bytes = text_bytes(&hub->text, hub);
    }
    if (!shown->bytes || !http_exchange_write_bytes(reader_exchange(reader), shown->bytes))
        reader_fall_behind(reader);
    return 0;
}

static int tell_change(struct channel *channel, const struct change *change, struct error *err)
{
    struct hub  *hub = channel->hub;
    struct heard heard = channel->spot.heard;
    char         id[HEARD_TEXT_MAX];
    int          r = 0;

    heard.change = change->number;
    write_id(id, channel, &heard);
    for (struct reader *reader = channel->readers.following; r == 0 && reader != &channel->readers;
         reader = reader->following)
        if (reader->is_live && !reader->is_ending)
            r = tell_reader(reader, change, id, err);
    for (unsigned i = 0; i < hub->n_shown; i++)
        hub->shown[i].bytes = http_bytes_unref(hub->shown[i].bytes);
    return r;
}

// May it be that somebody may not listen any more? That is not asked of all at once.
static void note_rights(struct channel *channel, const struct change *change)
{
    for (unsigned i = 0; i < channel->topics.n; i++) {
        const struct topic *topic = &channel->topics.list[i];
        bool is_of_log = (topic->kind == TOPIC_LOG || topic->kind == TOPIC_PLAYERS) &&
                         change->topic == CHANGE_SERVER && topic->id == change->object;
        bool is_of_job = topic->kind == TOPIC_JOB &&
                         (change->topic == CHANGE_SERVER || change->topic == CHANGE_OVERLAY);
        if ((is_of_log || is_of_job) && !channel->to_check)
            channel->to_check = channel->readers.following;
    }
}

// An error leaves the channels where they are, and the change is told the next time: those who had
// it have it twice, rather than others not at all.
static int tell_changes(struct hub *hub, const struct change *changes, unsigned n,
                        struct error *err)
{
    for (unsigned i = 0; i < n; i++) {
        for (struct channel *channel = hub->channels; channel; channel = channel->next) {
            note_rights(channel, &changes[i]);
            if (channel->spot.heard.change < changes[i].number &&
                topics_want(&channel->topics, changes[i].topic, changes[i].object) &&
                tell_change(channel, &changes[i], err) < 0) {
                forget_shown(hub);
                return -1;
            }
            channel->spot.heard.change = MAX(channel->spot.heard.change, changes[i].number);
        }
        forget_shown(hub);
        if (changes[i].topic == CHANGE_USER)
            hub_look_user(hub, changes[i].object);
        hub->change = changes[i].number;
    }
    return 0;
}

// ---- all of it --------------------------------------------------------------------------------

// All of them, in one go. 1: there is more.
static int tell_all_logs(struct hub *hub, struct error *err)
{
    int has_more = 0;

    hub->turn = NULL;
    hub->is_asked = false;
    for (struct channel *channel = hub->channels; channel; channel = channel->next) {
        int more = tell_logs(channel, err);
        if (more < 0)
            return -1;
        has_more |= more;
    }
    return has_more;
}

// Those whose turn it is.
static int tell_some_logs(struct hub *hub, struct error *err)
{
    uint64_t until_us = visit_now_us() + HUB_TURN_US;

    if (!hub->turn) {
        hub->turn = hub->channels;
        hub->is_asked = false;
    }
    while (hub->turn) {
        int more = tell_logs(hub->turn, err);
        if (more < 0)
            return -1;
        hub->is_asked |= more;
        hub->turn = hub->turn->next;
        if (hub->turn && visit_now_us() >= until_us)
            return 1;
    }
    return hub->is_asked;
}

// What a job has written before it ended is told before its end: so the changes are read first, and
// told last.
int channels_tell(struct hub *hub, struct error *err)
{
    struct change changes[CHANGES_STEP];
    unsigned      n = 0;
    int           r = 1;

    for (int64_t at = hub->change; r > 0 && n < CHANGES_STEP; at = changes[n - 1].number) {
        r = change_next(&changes[n], hub->web->db, at, err);
        if (r <= 0)
            break;
        n++;
    }
    if (r < 0)
        return -1;
    r = n == 0 ? tell_some_logs(hub, err) : tell_all_logs(hub, err);
    if (r != 0 || n == 0) // more of a log, which comes before
        return r;
    return tell_changes(hub, changes, n, err) < 0 ? -1 : n == CHANGES_STEP;
}
