// SPDX-License-Identifier: MIT
#pragma once

// address: where a request comes from, through the proxies that are believed.
//
// A proxy adds the address it was asked from to the end of X-Forwarded-For; what stands before it
// is what it was told itself. So the list is read from its end, as long as whoever has added an
// address is one of ours: the first that is not is the client, and what stands before him is his
// own invention. Who comes from elsewhere is believed nothing.
//
// An address of IPv4 is always held as IPv6 writes it, ::ffff:192.0.2.1, however it came.

#include <netinet/in.h>
#include "base/error.h"
#include "http/request.h"

#define HTTP_ADDRESS_MAX 46u // bytes of a text, the NUL included
#define HTTP_PROXIES_MAX 32u
#define HTTP_HOPS_MAX    16u // of X-Forwarded-For that are looked at

struct http_address {
    struct in6_addr ip;
    bool            is_local; // of a socket of this machine's file system: it has none
};

// The proxies that are believed. Starts as { 0 }: none.
struct http_proxies {
    struct {
        struct in6_addr ip;
        unsigned        bits; // of the 128 that count
    } networks[HTTP_PROXIES_MAX];
    unsigned n;
    bool     has_local;
};

// "192.0.2.1", "10.0.0.0/8", "2001:db8::/32", or "unix": whoever comes through a socket of the file
// system.
int  http_proxies_add(struct http_proxies *proxies, const char *text, struct error *err) MUST_USE;
bool http_proxies_have(const struct http_proxies *proxies, const struct http_address *address);

void http_address_of(struct http_address *ret, const struct sockaddr *peer);
// "192.0.2.1", "2001:db8::1", or "local".
void http_address_text(char ret[HTTP_ADDRESS_MAX], const struct http_address *address);
bool http_address_is(const struct http_address *one, const struct http_address *other);
// As much of it as one customer has, the rest 0: all of IPv4, 64 bits of IPv6.
void http_address_customer(struct http_address *ret, const struct http_address *address);

// The client of a request that came from `peer`. An address that is none ends the list: it came
// from whoever had it before.
void http_address_client(struct http_address *ret, const struct http_proxies *proxies,
                         const struct http_address *peer, struct http_text forwarded_for);
