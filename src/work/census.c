// SPDX-License-Identifier: MIT
#include "work/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "base/fd.h"
#include "game/a2sparts.h"
#include "work/here.h"

#define CHALLENGES_MAX 3u  // to one question: it may have changed just now
#define WATCHED_ROUNDS 4u  // longer than from one word that somebody looks on to the next
#define DATAGRAMS_MAX  64u // in one turn of the loop

const struct census_pace census_usual = {
    .soon_ms = 5000, .seldom_ms = 15000, .n_misses = 12, .accuracy_ms = 500
};

enum phase { PHASE_IDLE, PHASE_INFO, PHASE_PLAYERS };

struct asked {
    struct asked        *next;
    int64_t              id;
    struct sockaddr_in   at;
    enum phase           phase;
    bool                 has_challenge;
    uint32_t             challenge;
    unsigned             n_challenges; // that it wanted, of this question
    unsigned             n_misses;
    bool                 is_known;
    char                 map[A2S_TEXT_MAX];
    struct census_answer answer; // of this round
    struct a2sparts     *parts;  // of an answer that is not whole yet; NULL: there are none
};

struct census {
    sd_event_source   *source, *timer;
    struct census_pace pace;
    int                fd;
    struct asked      *all;
    census_told       *told;
    void              *context;
    bool               is_soon;   // the next round
    unsigned           n_watched; // rounds, that somebody looks on
};

// ---- asking -----------------------------------------------------------------------------------

// What is lost is asked again in the next round.
static void ask(const struct census *census, const struct asked *one)
{
    const uint32_t *challenge = one->has_challenge ? &one->challenge : NULL;
    uint8_t         bytes[A2S_ASK_MAX];
    size_t          n =
        one->phase == PHASE_INFO ? a2s_ask(bytes, challenge) : a2s_ask_players(bytes, challenge);

    (void)!sendto(census->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT,
                  (const struct sockaddr *)&one->at, sizeof one->at);
}

static void enter(struct asked *one, enum phase phase)
{
    one->phase = phase;
    free(one->parts);
    one->parts = NULL;
}

static void begin_phase(const struct census *census, struct asked *one, enum phase phase)
{
    enter(one, phase);
    one->n_challenges = 0;
    ask(census, one);
}

static void tell(const struct census *census, struct asked *one)
{
    enter(one, PHASE_IDLE);
    one->n_misses = 0;
    one->is_known = true;
    one->answer.map = one->map;
    census->told(census->context, one->id, &one->answer); // the last that is done with it
}

// ---- answers ----------------------------------------------------------------------------------

static void take_challenge(const struct census *census, struct asked *one,
                           const struct a2s_answer *answer)
{
    one->has_challenge = true;
    one->challenge = answer->challenge;
    if (one->n_challenges++ < CHALLENGES_MAX)
        ask(census, one);
}

static void take_info(const struct census *census, struct asked *one,
                      const struct a2s_answer *answer)
{
    unsigned n_bots = MIN(answer->bots, answer->players);

    one->answer = (struct census_answer){ .n_humans = answer->players - n_bots,
                                          .n_bots = n_bots,
                                          .n_max = answer->players_max };
    memcpy(one->map, answer->map, sizeof one->map);
    if (one->answer.n_humans > 0) {
        begin_phase(census, one, PHASE_PLAYERS);
        return;
    }
    one->answer.has_names = true; // nobody's
    tell(census, one);
}

static void take_players(const struct census *census, struct asked *one,
                         const struct a2s_answer *answer)
{
    one->answer.has_names = true;
    one->answer.n_list = answer->n_list;
    one->answer.list = answer->list;
    tell(census, one);
}

static void take(const struct census *census, struct asked *one, const struct a2s_answer *answer)
{
    switch (answer->kind) {
    case A2S_CHALLENGE:
        if (one->phase != PHASE_IDLE)
            take_challenge(census, one, answer);
        break;
    case A2S_INFO:
        if (one->phase == PHASE_INFO)
            take_info(census, one, answer);
        break;
    case A2S_PLAYERS:
        if (one->phase == PHASE_PLAYERS)
            take_players(census, one, answer);
        break;
    case A2S_PART: // see take_part()
        break;
    }
}

// Parts that are no answer tell as much as none: who plays is asked again in the next round.
static void take_part(const struct census *census, struct asked *one, const uint8_t *bytes,
                      size_t n)
{
    struct a2s_answer answer;
    struct error      ignored; // it is no answer to us

    if (one->phase == PHASE_IDLE)
        return;
    if (!one->parts)
        one->parts = calloc(1, sizeof *one->parts);
    if (one->parts && a2sparts_take(one->parts, &answer, bytes, n, &ignored) > 0)
        take(census, one, &answer);
}

static struct asked *find_sender(const struct census *census, const struct sockaddr_in *from)
{
    struct asked *one = census->all;

    while (one &&
           (one->at.sin_port != from->sin_port || one->at.sin_addr.s_addr != from->sin_addr.s_addr))
        one = one->next;
    return one;
}

// False: there are no more.
static bool read_one(const struct census *census)
{
    uint8_t            bytes[A2S_DATAGRAM_MAX];
    struct sockaddr_in from = { 0 };
    socklen_t          n_from = sizeof from;
    struct a2s_answer  answer;
    struct error       ignored; // it is no answer to us
    ssize_t            n = recvfrom(census->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_TRUNC,
                                    (struct sockaddr *)&from, &n_from);

    if (n < 0)
        return errno == EINTR;
    struct asked *one = find_sender(census, &from);
    if (!one || (size_t)n > sizeof bytes || a2s_read(&answer, bytes, (size_t)n, &ignored) < 0)
        return true;
    if (answer.kind == A2S_PART)
        take_part(census, one, bytes, (size_t)n);
    else
        take(census, one, &answer);
    return true;
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *context)
{
    const struct census *census = context;

    (void)source;
    (void)fd;
    (void)events;
    for (unsigned i = 0; i < DATAGRAMS_MAX && read_one(census); i++)
        ;
    return 0;
}

// ---- rounds -----------------------------------------------------------------------------------

static bool is_of_interest(const struct census *census, const struct asked *one)
{
    return one->n_misses > 0 ? one->n_misses < census->pace.n_misses
                             : !one->is_known || one->answer.n_humans > 0;
}

static void set_timer(struct census *census, bool is_soon)
{
    uint64_t ms = is_soon ? census->pace.soon_ms : census->pace.seldom_ms;

    census->is_soon = is_soon;
    (void)sd_event_source_set_time_relative(census->timer, ms * 1000);  // no way to fail
    (void)sd_event_source_set_enabled(census->timer, SD_EVENT_ONESHOT); // likewise
}

// One that is there and keeps silent about who plays says that much.
static void end_round(const struct census *census, struct asked *one)
{
    if (one->phase == PHASE_PLAYERS) {
        tell(census, one);
    } else if (one->phase == PHASE_INFO && ++one->n_misses == census->pace.n_misses &&
               one->is_known) {
        one->is_known = false;
        census->told(census->context, one->id, NULL);
    }
}

static int on_round(sd_event_source *source, uint64_t usec, void *context)
{
    struct census *census = context;
    struct in_addr here = here_address(census->fd);
    bool           is_soon = census->n_watched > 0;

    (void)source;
    (void)usec;
    for (struct asked *one = census->all, *next; one; one = next) {
        next = one->next;
        is_soon = is_soon || is_of_interest(census, one);
        end_round(census, one);
    }
    for (struct asked *one = census->all; one; one = one->next) {
        one->at.sin_addr = here;
        begin_phase(census, one, PHASE_INFO);
    }
    census->n_watched -= census->n_watched > 0;
    if (census->all)
        set_timer(census, is_soon);
    return 0;
}

// ---- for its user -----------------------------------------------------------------------------

static struct asked *find(const struct census *census, int64_t server)
{
    struct asked *one = census->all;

    while (one && one->id != server)
        one = one->next;
    return one;
}

// The others are asked in their time.
int census_add(struct census *census, int64_t server, uint16_t port, struct error *err)
{
    struct asked *one = find(census, server);

    if (!census->all || !census->is_soon)
        set_timer(census, true);
    if (!one) {
        one = calloc(1, sizeof *one);
        if (!one)
            return error_sys(err, ENOMEM, "asking a server who plays on it");
        one->id = server;
        one->next = census->all;
        census->all = one;
    }
    one->at = (struct sockaddr_in){ .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr = here_address(census->fd) };
    one->has_challenge = false;
    one->n_misses = 0;
    begin_phase(census, one, PHASE_INFO);
    return 0;
}

void census_remove(struct census *census, int64_t server)
{
    struct asked **at = &census->all, *one = find(census, server);

    if (!one)
        return;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    free(one->parts);
    free(one);
    if (!census->all)
        (void)sd_event_source_set_enabled(census->timer, SD_EVENT_OFF); // no way to fail
}

// Rounds that are seldom have one at once.
void census_watch(struct census *census)
{
    census->n_watched = WATCHED_ROUNDS;
    if (!census->all || census->is_soon)
        return;
    census->is_soon = true;
    (void)sd_event_source_set_time_relative(census->timer, 0);          // no way to fail
    (void)sd_event_source_set_enabled(census->timer, SD_EVENT_ONESHOT); // likewise
}

static void closep(struct census **census)
{
    (void)census_close(*census);
}

int census_open(struct census **ret, sd_event *event, const struct census_pace *pace,
                census_told *told, void *context, struct error *err)
{
    AUTO(closep) struct census *census = calloc(1, sizeof *census);

    if (!census)
        return error_sys(err, ENOMEM, "asking servers who plays on them");
    census->pace = *pace;
    census->told = told;
    census->context = context;
    census->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (census->fd < 0)
        return error_sys(err, errno, "asking servers who plays on them");
    int r = sd_event_add_io(event, &census->source, census->fd, EPOLLIN, on_answer, census);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &census->timer, CLOCK_MONOTONIC, 0,
                                       pace->accuracy_ms * UINT64_C(1000), on_round, census);
    if (r >= 0)
        r = sd_event_source_set_enabled(census->timer, SD_EVENT_OFF);
    if (r < 0)
        return error_sys(err, -r, "asking servers who plays on them");
    *ret = TAKE(census);
    return 0;
}

struct census *census_close(struct census *census)
{
    if (!census)
        return NULL;
    while (census->all)
        census_remove(census, census->all->id);
    sd_event_source_disable_unref(census->source);
    sd_event_source_disable_unref(census->timer);
    (void)fd_close(census->fd);
    free(census);
    return NULL;
}
