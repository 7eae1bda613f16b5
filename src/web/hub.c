// SPDX-License-Identifier: MIT
#include "web/hubparts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "base/log.h"
#include "store/server.h"
#include "web/visit.h"
#include "work/bell.h"

#define SECOND_US   1000000u
#define ACCURACY_US 1000u
#define CHECKS_MAX  200u // of whether somebody may go on, in one look
#define VISITS_MAX  256u // of those who listen, each second, in one look

struct http_exchange *reader_exchange(const struct reader *reader)
{
    return reader->request->exchange;
}

// ---- when it is looked -------------------------------------------------------------------------

static void look_at(struct hub *hub, uint64_t us)
{
    // What is due is not waited for, not even to wake up for several things at once.
    uint64_t accuracy_us = us > visit_now_us() ? ACCURACY_US : 1;

    (void)sd_event_source_set_time_accuracy(hub->looker, accuracy_us);
    (void)sd_event_source_set_time(hub->looker, us);
    (void)sd_event_source_set_enabled(hub->looker, SD_EVENT_ONESHOT); // no way to fail
}

static void look_again(struct hub *hub)
{
    int is_set = SD_EVENT_OFF;

    (void)sd_event_source_get_enabled(hub->looker, &is_set); // no way to fail
    if (hub->n_readers > 0 && is_set == SD_EVENT_OFF)
        look_at(hub, MAX(hub->next_us, visit_now_us()));
}

void hub_look(struct hub *hub)
{
    hub->is_asked = true;
    look_again(hub);
}

// What came of a log is told together with what comes soon.
static void came(void *context, struct tail *tail)
{
    struct hub *hub = context;

    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        for (unsigned i = 0; i < channel->topics.n; i++)
            if (channel->tails[i] == tail && !channel->is_placed[i] && tail_is_ready(tail))
                hub->has_unplaced = true;
    hub_look(hub);
}

// ---- who may go on ----------------------------------------------------------------------------

static int check_proof(const struct api_request *request, struct error *err)
{
    struct database *db = request->web->db;
    int64_t          now_unix_s = api_now_unix_s(), user = request->user.id;
    struct session   session;
    struct token     token;
    bool             is_there;
    int              r;

    if (request->session.id) {
        r = session_next(&session, db, user, request->session.id - 1, now_unix_s, err);
        is_there = r > 0 && session.id == request->session.id;
    } else {
        r = token_next(&token, db, user, request->token.id - 1, err);
        is_there = r > 0 && token.id == request->token.id &&
                   (!token.expires_unix_s || token.expires_unix_s > now_unix_s);
    }
    return is_there || r < 0 ? MIN(r, 0) : error_set(err, ERROR_DENIED, "it has ended");
}

static int check_user(const struct api_request *request, struct error *err)
{
    struct user user;

    if (user_find(&user, request->web->db, request->user.id, err) < 0)
        return -1;
    return user.is_active && user.role == request->user.role
               ? 0
               : error_set(err, ERROR_DENIED, "he is another one by now");
}

// A database that does not answer takes nothing away from anybody.
static void end_if(struct reader *reader, int r, const struct error *err)
{
    if (r < 0 && (err->kind == ERROR_DENIED || err->kind == ERROR_NOT_FOUND))
        reader_end(reader);
}

static int check_who(const struct reader *reader, struct error *err)
{
    return check_proof(reader->request, err) < 0 ? -1 : check_user(reader->request, err);
}

static void check(struct reader *reader)
{
    struct api_request *request = reader->request;
    struct error        err = { 0 };

    if (reader->is_ending)
        return;
    int r = check_who(reader, &err);
    if (r == 0)
        r = topics_check(&reader->channel->topics, request->web, &request->user, &err);
    end_if(reader, r, &err);
}

void reader_end(struct reader *reader)
{
    if (reader->is_ending)
        return;
    reader->is_ending = true;
    http_exchange_end(reader_exchange(reader));
}

void hub_look_user(struct hub *hub, int64_t user)
{
    struct error err = { 0 };

    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        for (struct reader *reader = channel->readers.following; reader != &channel->readers;
             reader = reader->following)
            if (reader->account->id == user && !reader->is_ending)
                end_if(reader, check_who(reader, &err), &err);
}

// NULL: there is none.
static struct reader *following(const struct reader *reader)
{
    return reader->following != &reader->channel->readers ? reader->following : NULL;
}

// Of those that are due. True: there are more.
static bool check_some(struct hub *hub)
{
    unsigned n = 0;

    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        while (channel->to_check) {
            if (n++ == CHECKS_MAX)
                return true;
            struct reader *reader = channel->to_check;
            channel->to_check = following(reader);
            check(reader);
        }
    return false;
}

static void beat(struct reader *reader)
{
    struct hub *hub = reader->channel->hub;

    check(reader);
    if (reader->is_ending || http_exchange_pending(reader_exchange(reader)) > 0)
        return;
    text_begin(&hub->text);
    text_comment(&hub->text);
    (void)http_exchange_write(reader_exchange(reader), hub->text.bytes, hub->text.n); // or not
}

// Of all, because a second has passed. True: there are more.
static bool visit_some(struct hub *hub)
{
    unsigned n = 0;

    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        while (channel->to_visit) {
            if (n++ == VISITS_MAX)
                return true;
            struct reader *reader = channel->to_visit;
            channel->to_visit = following(reader);
            if (reader->beat == hub->second % HUB_BEAT_S)
                beat(reader);
            reader_pump(reader); // what did not go is tried again
        }
    return false;
}

// ---- looking ----------------------------------------------------------------------------------

// The channel goes on behind what was there when its log was read.
static void place_log(struct channel *channel, unsigned i)
{
    const struct tail *tail = channel->tails[i];
    uint64_t           end = tail_next(tail);

    channel->spot.next[i] = end;
    if (end > tail_first(tail))
        channel->spot.heard.marks[i] = tail_line(tail, end - 1)->mark;
    channel->is_placed[i] = true;
}

bool channel_is_placed(const struct channel *channel)
{
    for (unsigned i = 0; i < channel->topics.n; i++)
        if (channel->tails[i] && !channel->is_placed[i])
            return false;
    return true;
}

static void place_all(struct hub *hub)
{
    hub->has_unplaced = false;
    for (struct channel *channel = hub->channels; channel; channel = channel->next) {
        for (unsigned i = 0; i < channel->topics.n; i++)
            if (channel->tails[i] && !channel->is_placed[i] && tail_is_ready(channel->tails[i]))
                place_log(channel, i);
        for (struct reader *reader = channel->readers.following; reader != &channel->readers;
             reader = reader->following)
            reader_start(reader);
    }
}

static int look(sd_event_source *source, uint64_t usec, void *context)
{
    struct hub  *hub = context;
    struct error err = { 0 };
    uint64_t     begun_us = visit_now_us();

    (void)source;
    (void)usec;
    if (hub->has_unplaced)
        place_all(hub);
    if (!hub->turn)
        hub->round_us = begun_us;
    int  r = channels_tell(hub, &err); // an error is of a moment: it is looked again
    bool has_more = check_some(hub) || visit_some(hub) || r > 0;
    // Others have their turn, however many are told: between two parts of a round, and after it.
    hub->next_us = hub->turn ? 0 : hub->round_us + HUB_BATCH_MS * UINT64_C(1000);
    if (has_more)
        look_again(hub);
    return 0;
}

// Of overlays it is known now what they are like on the host.
static void list_came(void *context)
{
    struct hub *hub = context;

    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        for (struct reader *reader = channel->readers.following; reader != &channel->readers;
             reader = reader->following)
            reader_pump(reader);
    hub_look(hub);
}

// The worker asks more often meanwhile.
static void watch_players(const struct channel *channel)
{
    for (unsigned i = 0; i < channel->topics.n; i++)
        if (channel->topics.list[i].kind == TOPIC_PLAYERS) {
            bell_watch(channel->hub->web->bell);
            return;
        }
}

static void watch_again(const struct hub *hub)
{
    if (hub->second % HUB_BEAT_S != 0)
        return;
    for (const struct channel *channel = hub->channels; channel; channel = channel->next)
        watch_players(channel);
}

static bool is_visiting(const struct hub *hub)
{
    for (const struct channel *channel = hub->channels; channel; channel = channel->next)
        if (channel->to_visit)
            return true;
    return false;
}

static int tick(sd_event_source *source, uint64_t usec, void *context)
{
    struct hub *hub = context;

    (void)usec;
    if (!is_visiting(hub)) { // on a busy machine a second may be longer
        hub->second++;
        watch_again(hub);
        for (struct channel *channel = hub->channels; channel; channel = channel->next)
            channel->to_visit = channel->readers.following;
    }
    hub_look(hub);
    (void)sd_event_source_set_time_relative(source, SECOND_US);
    (void)sd_event_source_set_enabled(source, hub->n_readers > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    return 0;
}

// ---- accounts ---------------------------------------------------------------------------------

static struct account *take_account(struct hub *hub, int64_t id, struct error *err)
{
    struct account *account = hub->accounts;

    while (account && account->id != id)
        account = account->next;
    if (!account) {
        account = calloc(1, sizeof *account);
        if (!account) {
            (void)error_sys(err, ENOMEM, "opening a stream");
            return NULL;
        }
        *account = (struct account){ .next = hub->accounts, .id = id, .shown = -1 };
        hub->accounts = account;
    }
    if (account->n == HUB_OF_ACCOUNT_MAX) {
        (void)error_set(err, ERROR_BUSY, "there are %u streams of this account already",
                        account->n);
        return NULL;
    }
    account->n++;
    return account;
}

static void put_account(struct hub *hub, struct account *account)
{
    if (--account->n > 0)
        return;
    for (struct account **a = &hub->accounts; *a; a = &(*a)->next)
        if (*a == account) {
            *a = account->next;
            break;
        }
    free(account);
}

// ---- channels ---------------------------------------------------------------------------------

static void drop_channel(struct channel *channel)
{
    struct hub *hub = channel->hub;

    if (hub->turn == channel)
        hub->turn = channel->next;
    for (struct channel **c = &hub->channels; *c; c = &(*c)->next)
        if (*c == channel) {
            *c = channel->next;
            break;
        }
    for (unsigned i = 0; i < TOPICS_MAX; i++)
        if (channel->tails[i])
            tail_put(channel->tails[i]);
    free(channel);
}

static int add_topic(struct channel *channel, unsigned i, struct error *err)
{
    struct hub         *hub = channel->hub;
    const struct topic *topic = &channel->topics.list[i];
    struct heard_mark  *mark = &channel->spot.heard.marks[i];
    struct server       server;

    if (topic->kind == TOPIC_JOB) {
        mark->is_known = true;
        return job_lines_newest(&mark->at, hub->web->db, topic->id, err);
    }
    if (topic->kind != TOPIC_LOG)
        return 0;
    if (server_find(&server, hub->web->db, topic->id, VIEWER_ALL, err) < 0 ||
        tail_get(&channel->tails[i], hub->tails, server.id, server.instance, err) < 0)
        return -1;
    if (tail_is_ready(channel->tails[i]))
        place_log(channel, i);
    return 0;
}

// Where nobody listens nothing was looked at.
static int add_channel(struct channel **ret, struct hub *hub, const struct topics *topics,
                       struct error *err)
{
    if (hub->n_readers == 0 && change_newest(&hub->change, hub->web->db, err) < 0)
        return -1;
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return error_sys(err, ENOMEM, "opening a stream");
    channel->hub = hub;
    channel->topics = *topics;
    channel->spot.heard.change = hub->change;
    channel->readers.previous = channel->readers.following = &channel->readers;
    channel->next = hub->channels;
    hub->channels = channel;
    for (unsigned i = 0; i < topics->n; i++)
        if (add_topic(channel, i, err) < 0) {
            drop_channel(channel);
            return -1;
        }
    *ret = channel;
    return 0;
}

static int find_channel(struct channel **ret, struct hub *hub, const struct topics *topics,
                        struct error *err)
{
    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        if (channel->n < HUB_CHANNEL_MAX && topics_are(&channel->topics, topics)) {
            *ret = channel;
            return 0;
        }
    return add_channel(ret, hub, topics, err);
}

// ---- readers ----------------------------------------------------------------------------------

static void link_reader(struct channel *channel, struct reader *reader)
{
    struct reader *head = &channel->readers;

    assert(channel); // as gcc wants to hear it, where it sees the whole program
    reader->channel = channel;
    reader->previous = head->previous;
    reader->following = head;
    head->previous->following = reader;
    head->previous = reader;
    channel->n++;
}

static void unlink_reader(struct reader *reader)
{
    struct channel *channel = reader->channel;

    if (channel->to_check == reader)
        channel->to_check = following(reader);
    if (channel->to_visit == reader)
        channel->to_visit = following(reader);
    reader->previous->following = reader->following;
    reader->following->previous = reader->previous;
    if (--channel->n == 0)
        drop_channel(channel);
}

int hub_join(struct reader **ret, struct hub *hub, struct api_request *request,
             const struct topics *topics, struct error *err)
{
    AUTO(freep) struct reader *reader = calloc(1, sizeof *reader);
    struct channel            *channel = NULL;

    if (!reader)
        return error_sys(err, ENOMEM, "opening a stream");
    reader->account = take_account(hub, request->user.id, err);
    if (!reader->account)
        return err->kind == ERROR_BUSY ? api_status(request, 429) : -1;
    if (find_channel(&channel, hub, topics, err) < 0) {
        put_account(hub, reader->account);
        return -1;
    }
    reader->request = request;
    reader->beat = hub->n_readers % HUB_BEAT_S;
    link_reader(channel, reader);
    watch_players(channel);
    if (hub->n_readers++ == 0) {
        (void)sd_event_source_set_time_relative(hub->ticker, SECOND_US);
        (void)sd_event_source_set_enabled(hub->ticker, SD_EVENT_ONESHOT); // no way to fail
    }
    *ret = TAKE(reader);
    return 0;
}

void hub_leave(struct reader *reader)
{
    struct hub *hub = reader->channel->hub;

    reader->past = tail_past_end(reader->past);
    put_account(hub, reader->account);
    unlink_reader(reader);
    hub->n_readers--;
    free(reader);
}

unsigned hub_readers(const struct hub *hub)
{
    return hub->n_readers;
}

// ---- all of it --------------------------------------------------------------------------------

int hub_open(struct hub **ret, struct web *web, struct error *err)
{
    struct hub *hub = calloc(1, sizeof *hub);

    if (!hub)
        return error_sys(err, ENOMEM, "making the stream of events");
    hub->web = web;
    int r = sd_event_add_time(web->event, &hub->looker, CLOCK_MONOTONIC, 0, ACCURACY_US, look, hub);
    if (r >= 0)
        r = sd_event_add_time(web->event, &hub->ticker, CLOCK_MONOTONIC, 0,
                              ACCURACY_US * UINT64_C(100), tick, hub);
    if (r < 0)
        (void)error_sys(err, -r, "making the stream of events");
    if (r < 0 || tails_open(&hub->tails, web->event, web->ctl_path, came, hub, err) < 0 ||
        overlay_list_open(&hub->list, web, list_came, hub, err) < 0) {
        hub_close(hub);
        return -1;
    }
    (void)sd_event_source_set_enabled(hub->looker, SD_EVENT_OFF); // they can be switched off
    (void)sd_event_source_set_enabled(hub->ticker, SD_EVENT_OFF);
    *ret = hub;
    return 0;
}

void hub_end(struct hub *hub)
{
    hub->is_closed = true;
    for (struct channel *channel = hub->channels; channel; channel = channel->next)
        for (struct reader *reader = channel->readers.following; reader != &channel->readers;
             reader = reader->following)
            reader_end(reader);
}

struct hub *hub_close(struct hub *hub)
{
    if (!hub)
        return NULL;
    assert(hub->n_readers == 0 && !hub->channels);
    hub->tails = tails_close(hub->tails);
    hub->list = overlay_list_close(hub->list);
    (void)sd_event_source_disable_unref(hub->looker);
    (void)sd_event_source_disable_unref(hub->ticker);
    text_done(&hub->text);
    free(hub);
    return NULL;
}
