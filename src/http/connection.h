// SPDX-License-Identifier: MIT
#pragma once

// connection: what server.c, connection.c and answer.c share, and nobody else sees.
//
//   IDLE -> HEAD -> BODY -> RUNNING -> (ANSWERING | STREAMING) -> ANSWERED -> IDLE
//                                                                          -> LINGERING -> GONE
//
// While an exchange runs nothing more is read: what the client sends next waits in the kernel. What
// follows from an answer or an end, as the call of over(), is done by connection_settle(), from the
// loop: never within a call of the handler's. Of one connection only so many requests are taken
// before others have their turn.

#include <netinet/in.h>
#include "http/address.h"
#include "http/chunks.h"
#include "http/output.h"
#include "http/server.h"

#define IN_BYTES_MIN 2048u // enough for most heads; many who only begin one must not cost much
#define IN_BYTES_MAX (HTTP_REQUEST_MAX + BODY_ROOM)
#define BODY_ROOM    4096u // behind the head, for the body as it comes

enum connection_state {
    CONNECTION_IDLE,
    CONNECTION_HEAD,
    CONNECTION_BODY,
    CONNECTION_RUNNING,   // the handler has it all and has not answered
    CONNECTION_ANSWERING, // what it said is on its way
    CONNECTION_STREAMING,
    CONNECTION_ANSWERED,  // all of it is with the kernel
    CONNECTION_LINGERING, // all is said; the client may still be writing, and must not be cut off
    CONNECTION_GONE,
};

struct http_exchange {
    struct http_request request;
    void               *data, *visit;
    struct output       fields; // of the answer, that the handler has added
    int                 status; // of the answer; 0: there is none
    uint64_t            n_sent; // bytes of it that are with the kernel
    bool                is_begun, is_answered;
};

struct connection {
    struct http_server   *server;
    struct connection    *next, *prev;
    struct connection    *alike_next; // see crowd.h
    struct http_address   customer;
    bool                  is_counted;
    int                   fd;
    enum connection_state state;
    uint32_t              events; // of epoll that are asked for
    uint32_t              wanted; // that are to be asked for
    uint64_t              deadline_ms;
    uint64_t              answer_end_ms; // when all of an answer must be with the client
    union {
        struct sockaddr     any;
        struct sockaddr_in  v4;
        struct sockaddr_in6 v6;
    } peer;
    char                *in; // NULL while nothing is read
    size_t               in_at, in_n, in_size;
    size_t               in_seen; // of a head that has not come to its end
    char                *body;
    size_t               body_n, body_size, body_max;
    size_t              *held;      // by whoever sends it, of all bodies; NULL: nobody
    uint64_t             body_left; // of one that has a length
    struct http_chunks   chunks;
    struct output        out;
    bool                 is_last;     // it ends with this exchange
    bool                 is_chunking; // of a stream
    bool                 is_ending;   // a stream whose end is on its way
    bool                 is_working;  // it is its turn, at the end of which it is settled
    bool                 is_unsettled;
    struct connection   *next_unsettled;
    struct http_exchange exchange;
};

struct http_server {
    sd_event                  *event;
    sd_event_source           *poll_source, *timer, *settler;
    struct connection         *unsettled;
    sd_event_source          **listeners;
    size_t                     n_listeners;
    int                        poll_fd;
    struct connection          all; // the head of a ring; the longest idle ones first
    unsigned                   n;
    const struct http_limits  *limits;
    const struct http_handler *handler;
    void                      *context;
    struct crowd              *crowd;
    struct holders            *holders;
    struct crew               *crew;
    size_t                     n_body_bytes; // of all of them together
    struct output_pool         outputs;
    bool                       is_draining, is_full;
    void (*drained)(void *context);
    void    *drained_context;
    uint64_t now_ms; // of this turn of the loop
    char     date[32];
    uint64_t date_s;
};

// ---- server.c ---------------------------------------------------------------------------------

// Asks the kernel for these events alone: when the connection's turn ends, or at once if it has
// none. Most requests are answered within a turn, after which it is asked for the same as before.
void     server_watch(struct connection *connection, uint32_t events);
void     server_watch_now(struct connection *connection);
void     server_set_deadline(struct connection *connection, unsigned ms);
void     server_make_idle(struct connection *connection); // the youngest idle one
void     server_link(struct connection *connection);      // the youngest of all
void     server_settle_later(struct connection *connection);
void     server_drop_body(struct connection *connection);
void     server_end(struct connection *connection); // and frees it
void     server_listen(struct http_server *server, bool is_on);
void     server_set_timer(struct http_server *server, unsigned ms);
unsigned server_tick_ms(const struct http_limits *limits);
uint64_t server_now_ms(void); // of the clock, not of this turn

// ---- accept.c ---------------------------------------------------------------------------------

// Whoever waits at a listening socket, as sd-event calls it.
int server_accept(sd_event_source *source, int fd, uint32_t events, void *context);
// Whether it is of less use to its client than the other, which may be NULL; one that is of use
// goes before none.
bool connection_goes_before(const struct connection *one, const struct connection *other);

// ---- connection.c -----------------------------------------------------------------------------

// Something has come, or can be written. It may be freed afterwards.
void connection_turn(struct connection *connection, uint32_t events);
void connection_expire(struct connection *connection); // its deadline is over
void connection_settle(struct connection *connection);
void connection_end(struct connection *connection);      // as it is
void connection_answered(struct connection *connection); // the answer is written

// ---- answer.c ---------------------------------------------------------------------------------

struct connection *connection_of(struct http_exchange *exchange);

void answer_refuse(struct connection *connection, const struct http_refusal *refusal);
void answer_continue(struct connection *connection);
// Writes what there is: 1: all of it, 0: the client does not take more for now, -1: it is gone.
int  answer_write(struct connection *connection);
void answer_rest(struct connection *connection); // what there was of a stream is written
// Keeps what is not sent yet of the bytes, for a stream of which nothing else waits. False: it
// ends.
bool answer_keep(struct connection *connection, struct http_bytes *bytes, size_t n_sent);
// How these bytes go to this client: as a chunk, or as they are. How many they are.
size_t answer_bytes(const struct connection *connection, struct http_bytes *bytes,
                    const char **ret);
void   answer_free(struct connection *connection);
