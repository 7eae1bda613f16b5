// SPDX-License-Identifier: MIT
#pragma once

// sockets: reads the kernel's socket tables, /proc/net/{udp,udp6,tcp,tcp6}.

#include <stdint.h>
#include "base/error.h"

enum socket_kind { SOCKET_UDP_BOUND, SOCKET_TCP_LISTENING };

// True when one line of such a table is a socket of `kind` on local port `port` of user `uid`.
// Lines that are not understood are false. Source: kernel documentation, proc_net_tcp.
bool sockets_line_matches(const char *line, enum socket_kind kind, uint16_t port, uint32_t uid);

// True when this network namespace has such a socket, in either address family.
bool sockets_any(enum socket_kind kind, uint16_t port, uint32_t uid);
