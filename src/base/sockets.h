// SPDX-License-Identifier: MIT
#pragma once

// sockets: reads the kernel's socket tables, /proc/net/{udp,udp6,tcp,tcp6}.

#include <stdint.h>
#include "base/error.h"

#define SOCKETS_DIR      "/proc/net"
#define SOCKETS_ANY_USER UINT32_MAX // never a user: the kernel keeps it for "none"

enum socket_kind { SOCKET_UDP_BOUND, SOCKET_TCP_LISTENING, SOCKET_KIND_COUNT };

// True when one line of such a table is a socket of `kind` on local port `port` of user `uid`.
// Lines that are not understood are false. Source: kernel documentation, proc_net_tcp.
bool sockets_line_matches(const char *line, size_t n_line, enum socket_kind kind, uint16_t port,
                          uint32_t uid);

// Whether the tables in directory `dir` have such a socket, in either address family; one that is
// absent, as udp6 without IPv6, has none.
int sockets_find(bool *ret, const char *dir, enum socket_kind kind, uint16_t port, uint32_t uid,
                 struct error *err) MUST_USE;
