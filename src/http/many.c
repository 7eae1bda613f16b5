// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>
#include "http/connection.h"
#include "http/crew.h"

// Nothing stands before what is to be written.
static bool is_free(const struct connection *connection)
{
    return connection->state == CONNECTION_STREAMING && !connection->is_ending &&
           connection->exchange.request.method != HTTP_HEAD &&
           output_pending(&connection->out) == 0;
}

static bool finish(struct connection *connection, struct http_bytes *bytes,
                   const struct crew_send *sent)
{
    if (sent->result == (ssize_t)sent->n) {
        connection->exchange.n_sent += sent->n;
        return true;
    }
    if (sent->result >= 0 || sent->result == -EAGAIN)
        return answer_keep(connection, bytes, (size_t)MAX(sent->result, 0));
    connection_end(connection);
    return false;
}

void http_exchanges_write_bytes(struct http_exchange *const *exchanges, bool *ret_is_kept, size_t n,
                                struct http_bytes *bytes)
{
    struct crew_send   sends[HTTP_MANY_MAX];
    struct connection *of[HTTP_MANY_MAX];
    bool              *kept[HTTP_MANY_MAX];
    size_t             n_sends = 0;

    assert(n <= HTTP_MANY_MAX && bytes->n > 0);
    for (size_t i = 0; i < n; i++) {
        struct connection *connection = connection_of(exchanges[i]);
        if (!is_free(connection)) {
            ret_is_kept[i] = http_exchange_write_bytes(exchanges[i], bytes);
            continue;
        }
        const char *text;
        size_t      n_text = answer_bytes(connection, bytes, &text);
        sends[n_sends] = (struct crew_send){ .fd = connection->fd, .bytes = text, .n = n_text };
        of[n_sends] = connection;
        kept[n_sends++] = &ret_is_kept[i];
    }
    if (n_sends > 0)
        crew_send(of[0]->server->crew, sends, n_sends);
    for (size_t i = 0; i < n_sends; i++)
        *kept[i] = finish(of[i], bytes, &sends[i]);
}
