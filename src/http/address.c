// SPDX-License-Identifier: MIT
#include "http/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "base/number.h"

#define V4_BITS  32u
#define V6_BITS  128u
#define CUSTOMER 8u // bytes of IPv6

static struct in6_addr mapped(const struct in_addr *v4)
{
    struct in6_addr ip = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

    memcpy(ip.s6_addr + 12, v4, sizeof *v4);
    return ip;
}

void http_address_of(struct http_address *ret, const struct sockaddr *peer)
{
    *ret = (struct http_address){ 0 };
    if (peer->sa_family == AF_INET6)
        ret->ip = ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    else if (peer->sa_family == AF_INET)
        ret->ip = mapped(&((const struct sockaddr_in *)(const void *)peer)->sin_addr);
    else
        ret->is_local = true;
}

void http_address_text(char ret[HTTP_ADDRESS_MAX], const struct http_address *address)
{
    const uint8_t *bytes = address->ip.s6_addr;
    bool           is_v4 = IN6_IS_ADDR_V4MAPPED(&address->ip);

    if (address->is_local)
        (void)snprintf(ret, HTTP_ADDRESS_MAX, "local");
    else // there is room for either
        (void)inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes + (is_v4 ? 12 : 0), ret,
                        HTTP_ADDRESS_MAX);
}

bool http_address_is(const struct http_address *one, const struct http_address *other)
{
    return one->is_local == other->is_local && memcmp(&one->ip, &other->ip, sizeof one->ip) == 0;
}

void http_address_customer(struct http_address *ret, const struct http_address *address)
{
    *ret = *address;
    if (!IN6_IS_ADDR_V4MAPPED(&address->ip))
        memset(ret->ip.s6_addr + CUSTOMER, 0, sizeof ret->ip - CUSTOMER);
}

// ---- texts ------------------------------------------------------------------------------------

// *ret_bits: how many there are of its kind.
static bool parse(struct in6_addr *ret, unsigned *ret_bits, const char *text)
{
    struct in_addr v4;

    *ret_bits = V6_BITS;
    if (inet_pton(AF_INET6, text, ret) == 1)
        return true;
    if (inet_pton(AF_INET, text, &v4) != 1)
        return false;
    *ret = mapped(&v4);
    *ret_bits = V4_BITS;
    return true;
}

// As it stands in the list: perhaps with a port, of IPv6 then within brackets.
static bool parse_hop(struct http_address *ret, struct http_text hop)
{
    char        text[HTTP_ADDRESS_MAX];
    unsigned    bits;
    const char *colon = hop.n ? memchr(hop.bytes, ':', hop.n) : NULL;
    const char *end = hop.n ? memchr(hop.bytes, ']', hop.n) : NULL;

    if (hop.n > 0 && hop.bytes[0] == '[' && end)
        hop = (struct http_text){ hop.bytes + 1, (size_t)(end - hop.bytes) - 1 };
    else if (colon && memchr(hop.bytes, '.', (size_t)(colon - hop.bytes)))
        hop.n = (size_t)(colon - hop.bytes);
    if (hop.n == 0 || hop.n >= sizeof text || memchr(hop.bytes, '\0', hop.n))
        return false;
    memcpy(text, hop.bytes, hop.n);
    text[hop.n] = '\0';
    *ret = (struct http_address){ 0 };
    return parse(&ret->ip, &bits, text);
}

// ---- proxies ----------------------------------------------------------------------------------

static int not_a_network(const char *text, struct error *err)
{
    return error_set(err, ERROR_INVALID,
                     "'%.60s' is not an address, an address with a number of bits, or 'unix'",
                     text);
}

int http_proxies_add(struct http_proxies *proxies, const char *text, struct error *err)
{
    char            address[HTTP_ADDRESS_MAX];
    const char     *slash = strchr(text, '/');
    size_t          n = slash ? (size_t)(slash - text) : strlen(text);
    struct in6_addr ip;
    uint32_t        bits = 0;
    unsigned        most;

    if (strcmp(text, "unix") == 0) {
        proxies->has_local = true;
        return 0;
    }
    if (proxies->n == HTTP_PROXIES_MAX)
        return error_set(err, ERROR_INVALID, "there are more than %u proxies", HTTP_PROXIES_MAX);
    if (n >= sizeof address)
        return not_a_network(text, err);
    memcpy(address, text, n);
    address[n] = '\0';
    if (!parse(&ip, &most, address))
        return not_a_network(text, err);
    bits = most;
    if (slash && number_parse_u32(&bits, slash + 1, 0, most, err) < 0)
        return not_a_network(text, err);
    proxies->networks[proxies->n].ip = ip;
    proxies->networks[proxies->n++].bits = V6_BITS - most + bits;
    return 0;
}

static bool is_within(const struct in6_addr *ip, const struct in6_addr *network, unsigned bits)
{
    unsigned n_bytes = bits / 8, rest = bits % 8;

    return memcmp(ip, network, n_bytes) == 0 &&
           (rest == 0 || ((ip->s6_addr[n_bytes] ^ network->s6_addr[n_bytes]) >> (8 - rest)) == 0);
}

bool http_proxies_have(const struct http_proxies *proxies, const struct http_address *address)
{
    if (address->is_local)
        return proxies->has_local;
    for (unsigned i = 0; i < proxies->n; i++)
        if (is_within(&address->ip, &proxies->networks[i].ip, proxies->networks[i].bits))
            return true;
    return false;
}

// ---- the client -------------------------------------------------------------------------------

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

// Takes the last one of a list. False: there is no more.
static bool take_last(struct http_text *ret, struct http_text *list)
{
    if (!list->bytes)
        return false;
    const char *comma = list->n ? memrchr(list->bytes, ',', list->n) : NULL;
    const char *begin = comma ? comma + 1 : list->bytes;
    size_t      n = list->n - (size_t)(begin - list->bytes);
    for (; n > 0 && is_space(*begin); begin++)
        n--;
    while (n > 0 && is_space(begin[n - 1]))
        n--;
    *ret = (struct http_text){ begin, n };
    *list = comma ? (struct http_text){ list->bytes, (size_t)(comma - list->bytes) }
                  : (struct http_text){ 0 };
    return true;
}

void http_address_client(struct http_address *ret, const struct http_proxies *proxies,
                         const struct http_address *peer, struct http_text forwarded_for)
{
    struct http_address address = *peer, before;
    struct http_text    hop;

    for (unsigned i = 0; i < HTTP_HOPS_MAX && http_proxies_have(proxies, &address) &&
                         take_last(&hop, &forwarded_for) && parse_hop(&before, hop);
         i++)
        address = before;
    *ret = address;
}
