// SPDX-License-Identifier: MIT

// present: who plays on the servers that run, as the census tells it, kept in the database: written
// when it is another than before, and not for every second that somebody plays.

#include "work/watched.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"

static int64_t now_unix_s(void)
{
    return watch_now_us() / 1000000;
}

static void become_due(struct watched *server, enum due due)
{
    server->present.due = due;
    watch_write_soon(server->watch);
}

// ---- what a server says -----------------------------------------------------------------------

static bool is_same_player(const struct playing_player *one, const struct playing_player *other)
{
    return strcmp(one->name, other->name) == 0 && one->score == other->score &&
           llabs(one->joined_unix_s - other->joined_unix_s) <= PLAYING_AGAIN_S;
}

static bool is_same(const struct present *present, const struct playing *playing,
                    const struct playing_player *list, unsigned n_list)
{
    const struct playing *last = &present->playing;

    if (!present->is_told || last->n_humans != playing->n_humans ||
        last->n_bots != playing->n_bots || last->n_max != playing->n_max ||
        last->has_names != playing->has_names || strcmp(last->map, playing->map) != 0 ||
        present->n_list != n_list)
        return false;
    for (unsigned i = 0; i < n_list; i++)
        if (!is_same_player(&present->list[i], &list[i]))
            return false;
    return true;
}

static struct playing playing_of(const struct census_answer *answer)
{
    struct playing playing = { .n_humans = answer->n_humans,
                               .n_bots = answer->n_bots,
                               .n_max = answer->n_max,
                               .has_names = answer->has_names };

    _Static_assert(sizeof playing.map == A2S_TEXT_MAX, "a map has room");
    memcpy(playing.map, answer->map, sizeof playing.map);
    return playing;
}

// NULL without memory.
static struct playing_player *list_of(const struct census_answer *answer, int64_t now)
{
    struct playing_player *list = calloc(MAX(answer->n_list, 1u), sizeof *list);

    _Static_assert(sizeof list->name == A2S_TEXT_MAX, "a name has room");
    for (unsigned i = 0; list && i < answer->n_list; i++) {
        memcpy(list[i].name, answer->list[i].name, sizeof list[i].name);
        list[i].score = answer->list[i].score;
        list[i].joined_unix_s = now - answer->list[i].seconds;
    }
    return list;
}

static void take(struct watched *server, const struct census_answer *answer)
{
    struct present        *present = &server->present;
    int64_t                now = now_unix_s();
    struct playing         playing = playing_of(answer);
    struct playing_player *list = list_of(answer, now);

    if (!list || is_same(present, &playing, list, answer->n_list)) {
        free(list); // without memory it is for the next round
        return;
    }
    free(present->list);
    present->list = list;
    present->n_list = answer->n_list;
    present->playing = playing;
    present->time_unix_s = now;
    present->is_told = true;
    become_due(server, DUE_SET);
}

static void take_answer(void *context, int64_t id, const struct census_answer *answer)
{
    struct watched *server = watch_find(context, id);

    if (!server)
        return;
    if (answer) {
        take(server, answer);
        return;
    }
    server->present.is_told = false;
    become_due(server, DUE_FORGET);
}

// ---- whom to ask ------------------------------------------------------------------------------

static void begin(struct watched *server)
{
    const struct watch *watch = server->watch;
    struct server       row;
    struct error        err;

    if (server_find(&row, watch->config.db, server->id, VIEWER_ALL, &err) < 0 ||
        census_add(watch->census, server->id, row.ports.game, &err) < 0) {
        log_line(LEVEL_WARNING, "%s is not asked who plays on it: %s", server->instance,
                 err.message);
        return;
    }
    server->present.is_asked = true;
    server->present.is_settled = false;
}

static void end(struct watched *server)
{
    census_remove(server->watch->census, server->id);
    server->present.is_asked = false;
    server->present.is_settled = true;
    server->present.is_told = false;
    server->present.time_unix_s = server->since_us ? server->since_us / 1000000 : now_unix_s();
    become_due(server, DUE_END);
}

void present_look(struct watched *server, bool is_anew)
{
    if (server->state == LIVE_RUNNING) {
        if (is_anew || !server->present.is_asked)
            begin(server);
    } else if (!server->present.is_settled) {
        end(server);
    }
}

// ---- writing ----------------------------------------------------------------------------------

static int write_one(bool *ret_is_new, struct watched *server, struct error *err)
{
    const struct present *present = &server->present;
    struct database      *db = server->watch->config.db;

    switch (present->due) {
    case DUE_NONE:
        break;
    case DUE_SET:
        return playing_set(ret_is_new, db, server->id, &present->playing, present->list,
                           present->n_list, present->time_unix_s, err);
    case DUE_FORGET:
        return playing_forget(ret_is_new, db, server->id, err);
    case DUE_END:
        return playing_end(ret_is_new, db, server->id, present->time_unix_s, err);
    }
    return 0;
}

int present_write(struct watch *watch, bool *ret_is_new, struct error *err)
{
    for (struct watched *server = watch->all; server; server = server->next) {
        bool is_new = false;
        if (write_one(&is_new, server, err) < 0 &&
            err->kind != ERROR_NOT_FOUND) // it goes in the next turn
            return -1;
        *ret_is_new = *ret_is_new || is_new;
    }
    return 0;
}

void present_written(struct watched *server)
{
    server->present.due = DUE_NONE;
}

// ---- for the watch ----------------------------------------------------------------------------

int present_open(struct watch *watch, struct error *err)
{
    return census_open(&watch->census, watch->config.event, &census_usual, take_answer, watch, err);
}

void present_leave(struct watched *server)
{
    if (server->watch->census)
        census_remove(server->watch->census, server->id);
    free(server->present.list);
}
