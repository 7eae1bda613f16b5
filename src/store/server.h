// SPDX-License-Identifier: MIT
#pragma once

// server: the game servers that people have, a row each; grant.h has who else may do what with one.
//
// A server has three ports of its own. They come from the range of the settings, at the distances
// that the host takes when it is told the game's alone. Its RCON password is sealed for its id.
// Who changes one tells the revision that he has seen. All that changes something is part of a
// transaction.

#include "base/protocol.h"
#include "store/name.h"
#include "store/secret.h"
#include "store/user.h"

#define SERVER_INSTANCE_MAX (INSTANCE_NAME_MAX + 1) // bytes, the NUL included
#define SERVER_HOSTNAME_MAX 121u                    // likewise
#define SERVER_RCON_MIN     8u
#define SERVER_RCON_MAX     65u // the NUL included

#define SERVER_TV_OFFSET     5000 // from the game's port
#define SERVER_CLIENT_OFFSET (-5000)
#define SERVER_PORT_MIN      (1024 - SERVER_CLIENT_OFFSET) // of the game, with all three at hand
#define SERVER_PORT_MAX      (65535 - SERVER_TV_OFFSET)

struct server_ports {
    uint16_t game, client, tv;
};

struct server {
    int64_t             id;
    char                instance[SERVER_INSTANCE_MAX]; // its name on the host
    char                name[NAME_MAX_BYTES];
    int64_t             owner;
    char                owner_name[USER_NAME_MAX];
    int64_t             blueprint;
    char                blueprint_name[NAME_MAX_BYTES];
    int64_t             overlay;                       // its own; 0: none
    char                hostname[SERVER_HOSTNAME_MAX]; // "": the name is used
    struct server_ports ports;
    bool                is_wanted; // to run
    unsigned            may;       // bits of grant.h, of who asked for it
    int64_t             revision;
    int64_t             created_unix_s;
    int64_t             changed_unix_s;
};

// Which ones: all that `viewer` sees, of one blueprint or of an overlay if they are not 0.
struct server_filter {
    int64_t viewer;
    int64_t blueprint;
    int64_t overlay; // in its blueprint, or its own
};

// ERROR_NOT_FOUND: there is none that `viewer` sees.
int server_find(struct server *ret, struct database *db, int64_t id, int64_t viewer,
                struct error *err) MUST_USE;
int server_find_instance(struct server *ret, struct database *db, const char *instance,
                         struct error *err) MUST_USE;
// The next one after `id`; 1: there is one, 0: no more.
int server_next(struct server *ret, struct database *db, int64_t id,
                const struct server_filter *filter, struct error *err) MUST_USE;

// Takes name, owner, blueprint, hostname, ports and created_unix_s from `server`. Port 0 of the
// game: the first one of the range that is free; ERROR_BUSY: there is none, or the one that was
// chosen is taken. Ports 0 of the others: from the game's. `instance` is "" but of one that is
// adopted. `rcon_password` NULL: a new one.
int server_add(int64_t *ret_id, struct database *db, const struct server *server,
               const struct secret_key *key, const char *rcon_password, struct error *err) MUST_USE;
// Takes id, revision, name, hostname, blueprint, port of the game (0: as they are) and
// changed_unix_s. ERROR_CONFLICT: it has another revision by now.
int server_change(struct database *db, const struct server *server, struct error *err) MUST_USE;
int server_set_wanted(struct database *db, int64_t id, bool is_wanted, struct error *err) MUST_USE;
int server_set_owner(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                     struct error *err) MUST_USE;
// Its own overlay, which has a row by now.
int server_set_overlay(struct database *db, int64_t id, int64_t overlay, struct error *err)
    MUST_USE;
// With its own overlay, as on the host.
int server_remove(struct database *db, int64_t id, struct error *err) MUST_USE;

// ---- its RCON password ------------------------------------------------------------------------

int server_rcon_password(char ret[SERVER_RCON_MAX], struct database *db, int64_t id,
                         const struct secret_key *key, struct error *err) MUST_USE;
// NULL: a new one. It counts when the server is started again.
int server_set_rcon_password(struct database *db, int64_t id, const struct secret_key *key,
                             const char *rcon_password, int64_t now_unix_s, struct error *err)
    MUST_USE;
