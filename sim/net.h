// SPDX-License-Identifier: MIT
#pragma once

// net: sockets as the engine binds them.

#include "base/error.h"
#include <netinet/in.h>
#include <stdint.h>

#define NET_PORT_TRIES 32u // how many ports after a taken one are tried

// The address to bind, from -ip; NULL is every address.
int net_address_parse(struct in_addr *ret, const char *ip, struct error *err) MUST_USE;

// Binds a non-blocking UDP socket. Moves on to the next ports when `port` is taken, unless
// `is_strict`. *ret_port is the port it got; port 0 lets the kernel choose.
int net_udp_bind(int *ret, uint16_t *ret_port, struct in_addr address, uint16_t port,
                 bool is_strict, struct error *err) MUST_USE;
int net_tcp_listen(int *ret, struct in_addr address, uint16_t port, struct error *err) MUST_USE;

// Without -ip the engine listens for RCON on the address its host name has in /etc/hosts, which on
// Debian is 127.0.1.1. Every address when the name is not there.
struct in_addr net_host_name_address(void);
