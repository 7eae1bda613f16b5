// SPDX-License-Identifier: MIT
#pragma once

// bell: worker.sock, by which the worker and those who show what it does tell each other to look
// into the database. It carries no content: whoever hears it reads what has changed.
//
// A message is one fixed struct. Whoever sends anything else is hung up on; so is who is neither
// root nor of the same user, and, where there are too many, who does not read what he is told.
// Rings that come together are one. A client goes on without the worker, and tries again every
// second.

#include <stdint.h>
#include <systemd/sd-event.h>
#include "base/error.h"

#define BELL_SOCKET      "/run/left4me/worker.sock" // SOCK_SEQPACKET
#define BELL_CLIENTS_MAX 64u
#define BELL_AGAIN_MS    1000u // until a client tries again
#define BELL_MAGIC       0x6c346262u

enum bell_kind {
    BELL_POKE = 1,    // to the worker: there may be work; tell the others
    BELL_CHANGED = 2, // from the worker
    BELL_WATCH = 3,   // to the worker: somebody looks at who plays; the others are told nothing
};

struct bell_message {
    uint32_t magic, kind;
};

// ---- a client ----------------------------------------------------------------------------------

struct bell;

typedef void bell_heard(void *context);

// `changed` is called when the worker rings, and when it is there again: something may have been
// missed. It may close the bell.
int          bell_open(struct bell **ret, sd_event *event, const char *path, bell_heard *changed,
                       void *context, struct error *err) MUST_USE;
struct bell *bell_close(struct bell *bell); // takes NULL, returns NULL
bool         bell_is_connected(const struct bell *bell);
// Best effort: a worker that is not there looks for work when it begins.
void bell_poke(struct bell *bell);
// The same; to be said again while somebody does.
void bell_watch(struct bell *bell);

// The same for a command that ends: connects, pokes, and leaves. False: nobody is there.
bool bell_poke_once(const char *path);

// ---- the worker --------------------------------------------------------------------------------

struct bell_server;

// Takes the listening socket. `poked` is called once for all pokes of a turn of the loop, and so is
// `watched`.
int bell_server_open(struct bell_server **ret, sd_event *event, int fd, bell_heard *poked,
                     bell_heard *watched, void *context, struct error *err) MUST_USE;
struct bell_server *bell_server_close(struct bell_server *server); // takes NULL, returns NULL
unsigned            bell_server_clients(const struct bell_server *server);
// Tells all, in the next turn of the loop.
void bell_server_ring(struct bell_server *server);
