// SPDX-License-Identifier: MIT
#pragma once

// hub: the stream of events, for all who listen.
//
// Readers who listen to the same topics are in one channel, or in several if they are many. Those
// of them who keep up with it are told each event by the same bytes. Channels have their turns,
// each with all that has come until then: so a line reaches the first of many and the last of them
// alike within one round, and not behind the round that it came in. Whoever reads too slowly to be
// told more falls behind it and is told what came in the meantime when he can take it: changes and
// logs of jobs from the database, the log of a server as far as it is kept, and for what is not
// kept any more how much he has missed. That is also how somebody goes on who was away.
//
// What is told is looked up when there may be something new: when the worker rings, after requests
// of our own, and every second, for those who change the database by other ways.

#include "web/api.h"

#define HUB_OF_ACCOUNT_MAX 20u   // streams
#define HUB_CHANNEL_MAX    512u  // readers
#define HUB_BATCH_MS       20u   // from one round to the next
#define HUB_TURN_US        4000u // of a round, after which others than the hub have their turn
#define HUB_BEAT_S         15u   // after which one who is told nothing is told that
#define HUB_LINES_MAX      1000u // of the past, that one can ask for

struct hub;

int         hub_open(struct hub **ret, struct web *web, struct error *err) MUST_USE;
struct hub *hub_close(struct hub *hub); // after the server. Takes NULL, returns NULL

// Something may have changed.
void hub_look(struct hub *hub);
// The same, by this user: whether he may listen at all is asked at once. What he may hear is asked
// when it was told what has changed.
void hub_look_user(struct hub *hub, int64_t user);
// All streams end, and none begins any more.
void     hub_end(struct hub *hub);
unsigned hub_readers(const struct hub *hub);
