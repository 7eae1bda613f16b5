// SPDX-License-Identifier: MIT
#pragma once

// census: who plays on the servers that run, asked in rounds, by one socket and one timer for all.
//
// In a round each of them is asked how it is, and if anybody plays, who. What counts is an answer
// to what was asked, from where it was asked: all else is passed over. Who is not answered asks
// again in the next round, and after a minute of that nothing is known of the server: it is silent
// while it loads a map, and it answers nobody who asks too often.
//
// While somebody plays or looks on, or a server is not heard, rounds follow each other soon; while
// all are empty, seldom; and where there is no server to ask, there is no timer.

#include <systemd/sd-event.h>
#include "game/a2s.h"

struct census;

struct census_pace {
    unsigned soon_ms, seldom_ms;
    unsigned n_misses;    // rounds without an answer, until nothing is known
    unsigned accuracy_ms; // who is woken anyway does it then
};
extern const struct census_pace census_usual;
struct census_answer {
    unsigned                 n_humans, n_bots, n_max;
    const char              *map;
    bool                     has_names;
    unsigned                 n_list; // bots as well, which the game does not tell from others
    const struct a2s_player *list;
};

// `answer` is borrowed; NULL: nothing is known of it any more. No
// server is added or removed within it.
typedef void census_told(void *context, int64_t server, const struct census_answer *answer);

int            census_open(struct census **ret, sd_event *event, const struct census_pace *pace,
                           census_told *told, void *context, struct error *err) MUST_USE;
struct census *census_close(struct census *census); // takes NULL, returns NULL

// It is asked from now on, at once for the first time; one that is asked already, at this port.
int  census_add(struct census *census, int64_t server, uint16_t port, struct error *err) MUST_USE;
void census_remove(struct census *census, int64_t server); // one that is not asked is none
// Somebody looks on: some rounds follow each other soon, whoever plays.
void census_watch(struct census *census);
