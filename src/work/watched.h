// SPDX-License-Identifier: MIT
#pragma once

// watched: what the parts of watch.h share. For them alone.

#include <jansson.h>
#include "store/live.h"
#include "store/playing.h"
#include "store/server.h"
#include "work/census.h"
#include "work/states.h"
#include "work/watch.h"

enum due { DUE_NONE, DUE_SET, DUE_FORGET, DUE_END };

// Who plays on a server, as it is to be in the database; see present.c.
struct present {
    bool           is_asked, is_settled; // the second: it is known that nobody is to be asked
    enum due       due;
    bool           is_told; // the rest is what it has said last
    struct playing playing;
    struct playing_player *list; // owned
    unsigned               n_list;
    int64_t                time_unix_s; // of that, or since when it does not run
};

// A server that has a row.
struct watched {
    struct watched *next;
    struct watch   *watch;
    int64_t         id;
    char            instance[SERVER_INSTANCE_MAX];
    enum live_state state;
    int64_t         since_us;            // of the state; 0: not known
    char           *status;              // owned; NULL: not known, or it was never started
    bool            is_written, is_seen; // as it is; by the init system, in this round
    bool            is_due;              // its status is to be looked up
    bool            is_gone;
    unsigned        n_turns;   // of the repairer, in which it did not run although it should
    uint64_t        spec_hash; // of what the host was told last; 0: nothing yet
    uint64_t        told_hash; // of what it is being told
    struct ctl     *ctl;       // a look-up at work
    struct present  present;
};

struct watch {
    struct watch_config config;
    struct states      *states;
    struct census      *census;
    sd_event_source    *writer, *repairer;
    struct watched     *all;
    unsigned            n_looking;   // look-ups at work
    int64_t             position;    // of the changes that were seen
    bool                is_complete; // every state is known
    bool                is_armed, is_in_trouble;
    bool                is_list_due; // of overlays
    struct ctl         *list_ctl;
    json_t             *list, *new_list; // as it is in the database; as it is to be there
    int64_t             list_position;   // of the changes that were there when the newest was begun
};

// ---- watch.c -----------------------------------------------------------------------------------

struct watched *watch_find(const struct watch *watch, int64_t server);
// Something is to be written before long.
void watch_write_soon(struct watch *watch);
// The state of all servers that have the overlay may be another; 0: of all servers.
int     watch_make_due(struct watch *watch, int64_t overlay, struct error *err) MUST_USE;
int64_t watch_now_us(void);

// ---- lookup.c: what is looked up by l4d2ctl -----------------------------------------------------

// Begins as many of those that are due as may be at work.
void lookup_some(struct watch *watch);
void lookup_leave(struct watched *server); // whatever is at work for it
// Whether what the host was told of it is not what its rows say.
int lookup_has_new_spec(bool *ret, struct watched *server, struct error *err) MUST_USE;

// ---- catalogue.c: the overlays ------------------------------------------------------------------

// Makes the rows what the new list says. Part of a transaction.
int catalogue_write(struct watch *watch, struct error *err) MUST_USE;

// ---- repair.c -----------------------------------------------------------------------------------

int repair_open(struct watch *watch, struct error *err) MUST_USE;

// ---- present.c: who plays -----------------------------------------------------------------------

int  present_open(struct watch *watch, struct error *err) MUST_USE;
void present_look(struct watched *server, bool is_anew); // its state is told; it is another run
void present_leave(struct watched *server);
// Writes what is due. Part of a transaction.
int  present_write(struct watch *watch, bool *ret_is_new, struct error *err) MUST_USE;
void present_written(struct watched *server);
