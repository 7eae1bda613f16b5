// SPDX-License-Identifier: MIT
#include "host/ports.h"

#include "base/sockets.h"

int ports_check_free(const struct host_paths *paths, const struct instance *instance,
                     struct error *err)
{
    static const struct {
        const char *word;
        char        option; // of ss(8)
    } kinds[] = { [SOCKET_UDP_BOUND] = { "UDP", 'u' }, [SOCKET_TCP_LISTENING] = { "TCP", 't' } };
    const struct {
        const char      *key;
        uint16_t         port;
        enum socket_kind kind;
    } rows[] = {
        { "port", instance->port, SOCKET_UDP_BOUND },
        { "port", instance->port, SOCKET_TCP_LISTENING },
        { "tv_port", instance->tv_port, SOCKET_UDP_BOUND },
        { "client_port", instance->client_port, SOCKET_UDP_BOUND },
    };

    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        bool is_bound = false;
        if (sockets_find(&is_bound, paths->proc_net_dir, rows[i].kind, rows[i].port,
                         SOCKETS_ANY_USER, err) < 0)
            return -1;
        if (is_bound)
            return error_set(err, ERROR_BUSY,
                             "%s %u (%s) is in use by another program: see 'ss -%clpn sport = :%u'",
                             rows[i].key, rows[i].port, kinds[rows[i].kind].word,
                             kinds[rows[i].kind].option, rows[i].port);
    }
    return 0;
}
