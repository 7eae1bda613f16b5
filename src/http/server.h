// SPDX-License-Identifier: MIT
#pragma once

// server: HTTP/1.1 on the sockets it is handed, in an sd-event loop.
//
// It owns the connections: reads heads strictly (request.h), bodies up to what the handler takes,
// and writes answers; keeps to every limit of `struct http_limits`, and ends whoever is slow,
// silent or does not read. What the requests mean is the handler's.
//
// An exchange is one request and its answer. Its handler is called when the head is there, and says
// how large the body may be; again with the whole body; and when the exchange is over, however it
// ends. In between it answers, at once or later. A stream is an answer without an end: what is
// written to it while the client does not read is kept up to a limit, and what is beyond is
// refused, never waited for.
//
// Everything happens in the loop; nothing blocks.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include "base/error.h"
#include "http/address.h"
#include "http/request.h"

#define HTTP_MANY_MAX 512u

struct http_server;
struct http_exchange;
struct http_bytes;

struct http_limits {
    unsigned connections;   // of all clients together; beyond that the longest idle one ends
    unsigned idle_ms;       // between two requests
    unsigned head_ms;       // from its first byte to the whole head
    unsigned body_ms;       // of a body, besides what its length gives it
    unsigned body_bytes_s;  // whoever is slower with a body, or with an answer, is ended
    unsigned stall_ms;      // without a byte that the client takes of an answer
    unsigned drain_ms;      // that who is idle at a drain has to ask once more
    size_t   stream_bytes;  // kept of a stream that is not read
    size_t   bodies_bytes;  // of all requests together; beyond that one is told to come later
    size_t   holder_bytes;  // of those, of one who sends them; 0: no limit
    size_t   short_bytes;   // a body that may be longer leaves a quarter of all to the others;
                            // for one that may not, its holder has a quarter more
    size_t   outputs_bytes; // kept of all answers together; beyond that one is cut off
    unsigned of_address;    // connections of one customer, as address.h says; 0: no limit
    const struct http_proxies *proxies; // whose do not count; NULL: there are none
};

extern const struct http_limits http_limits_default;

struct http_handler {
    // The head is there. Returns how many bytes the body may have; it may answer at once, and then
    // what it returns does not count.
    size_t (*begin)(void *context, struct http_exchange *exchange);
    // All of the body is there; borrowed until the exchange is over.
    void (*run)(void *context, struct http_exchange *exchange, const char *body, size_t n);
    // The answer is written, or the client is gone. Nothing of the exchange may be used afterwards.
    void (*over)(void *context, struct http_exchange *exchange);
    // What was written to a stream, and could not be sent at once, is sent: it can take more. May
    // be NULL.
    void (*more)(void *context, struct http_exchange *exchange);
    // A head that is not understood is about to be refused: there is no request, and over() does
    // not come; fields may be added. May be NULL.
    void (*refused)(void *context, struct http_exchange *exchange, int status);
};

// Takes the listening sockets, which are nonblocking then; `handler` and `limits` are borrowed.
int http_server_open(struct http_server **ret, sd_event *event, const int *fds, size_t n_fds,
                     const struct http_limits *limits, const struct http_handler *handler,
                     void *context, struct error *err) MUST_USE;
// Ends all connections; not within a call of the handler's. Takes NULL, returns NULL.
struct http_server *http_server_close(struct http_server *server);
void                http_server_closep(struct http_server **server);

// Accepts nobody any more, tells those who are served that their connection ends, and calls `done`
// when the last one is gone: it may close the server. A request that has come already, or is on its
// way, is answered; a stream goes on until the handler ends it.
void http_server_drain(struct http_server *server, void (*done)(void *context), void *context);

unsigned http_server_connections(const struct http_server *server);

// ---- of an exchange ----------------------------------------------------------------------------

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
const struct sockaddr     *http_exchange_peer(const struct http_exchange *exchange);
void                     **http_exchange_data(struct http_exchange *exchange); // the handler's own
// Of a handler that leaves the rest to one of several others, whose the data are.
void **http_exchange_visit(struct http_exchange *exchange);
int    http_exchange_status(const struct http_exchange *exchange); // of the answer; 0: none yet
// How many bytes of the answer the kernel has taken, its head among them.
uint64_t http_exchange_sent(const struct http_exchange *exchange);

// Whose the body is that comes: a number for each who sends some, from begin(). What all of his
// take at a time has a limit; that of nobody has none of its own.
void http_exchange_set_holder(struct http_exchange *exchange, uint64_t holder);
// The body that run() was given, which is the caller's from then on: he frees it. NULL: it is
// empty.
char *http_exchange_take_body(struct http_exchange *exchange);

// A field of the answer, before it is given. Name and value are of our own making: a control byte
// in them is a mistake that ends the program.
void http_exchange_add(struct http_exchange *exchange, const char *name, const char *value);
// Fields that are written already, each with the end of its line.
void http_exchange_add_lines(struct http_exchange *exchange, const char *lines);

// Answers. `type` may be NULL where there is no body. The bytes are copied.
void http_exchange_answer(struct http_exchange *exchange, int status, const char *type,
                          const void *body, size_t n);
// The same with bytes that stay as long as the server.
void http_exchange_answer_static(struct http_exchange *exchange, int status, const char *type,
                                 const void *body, size_t n);
// The same with bytes that many can be given without a copy for each: see below.
void http_exchange_answer_bytes(struct http_exchange *exchange, int status, const char *type,
                                struct http_bytes *bytes);

// Begins an answer that has no length. The texts of the request are gone then.
void http_exchange_stream(struct http_exchange *exchange, const char *type);
// Writes to it. False: it is too far behind, and nothing of it was kept.
bool http_exchange_write(struct http_exchange *exchange, const void *bytes, size_t n);
// The same with bytes that many can be given without a copy for each.
bool http_exchange_write_bytes(struct http_exchange *exchange, struct http_bytes *bytes);
// The same to many streams, HTTP_MANY_MAX at most: by all processors, if they are more than a few.
void http_exchanges_write_bytes(struct http_exchange *const *exchanges, bool *ret_is_kept, size_t n,
                                struct http_bytes *bytes);
// How much is waiting to be read by the client.
size_t http_exchange_pending(const struct http_exchange *exchange);
// Ends it as the protocol wants it.
void http_exchange_end(struct http_exchange *exchange);
// Ends the connection as it is.
void http_exchange_abort(struct http_exchange *exchange);

// ---- bytes for many ----------------------------------------------------------------------------

// Of one server, and gone before it is. They are filled in before they are given to anybody. NULL:
// there is no room for them.
struct http_bytes *http_bytes_new(struct http_server *server, size_t n);
char              *http_bytes_at(struct http_bytes *bytes);
struct http_bytes *http_bytes_ref(struct http_bytes *bytes);
struct http_bytes *http_bytes_unref(struct http_bytes *bytes); // takes NULL, returns NULL
void               http_bytes_unrefp(struct http_bytes **bytes);
