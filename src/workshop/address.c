// SPDX-License-Identifier: MIT
#include "workshop/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define IPV4_BYTES 4u
#define IPV6_BYTES 16u

static const char this_machine[] = "this machine";
static const char private_network[] = "a private network";
static const char link_local[] = "the network at hand alone";
static const char metadata[] = "the metadata service of a cloud";
static const char translated[] = "an IPv4 address in disguise";
static const char reserved[] = "reserved";
static const char multicast[] = "many receivers at once";

struct network {
    const char *prefix;
    unsigned    bits;
    const char *what;
};

// The first row that fits speaks.
static const struct network ipv4[] = {
    { "169.254.169.254", 32, metadata },
    { "168.63.129.16", 32, metadata }, // a public address, used by one cloud for this
    { "100.100.100.200", 32, metadata },
    { "0.0.0.0", 8, this_machine },
    { "10.0.0.0", 8, private_network },
    { "100.64.0.0", 10, private_network }, // of providers, behind their address translation
    { "127.0.0.0", 8, this_machine },
    { "169.254.0.0", 16, link_local },
    { "172.16.0.0", 12, private_network },
    { "192.0.0.0", 24, reserved },
    { "192.88.99.0", 24, translated }, // relays of 6to4
    { "192.168.0.0", 16, private_network },
    { "198.18.0.0", 15, private_network }, // for measuring
    { "224.0.0.0", 4, multicast },
    { "240.0.0.0", 4, reserved },
};

static const struct network ipv6[] = {
    { "fd00:ec2::254", 128, metadata }, { "::", 128, this_machine },
    { "::1", 128, this_machine },       { "::ffff:0:0", 96, translated },
    { "::", 96, translated },           { "64:ff9b::", 96, translated },
    { "64:ff9b:1::", 48, translated },  { "100::", 64, reserved }, // thrown away by routers
    { "2001::", 32, translated },                                  // Teredo
    { "2002::", 16, translated },                                  // 6to4
    { "fc00::", 7, private_network },   { "fe80::", 10, link_local },
    { "fec0::", 10, private_network }, // what came before fc00::/7
    { "ff00::", 8, multicast },
};

static bool has_prefix(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(bytes, prefix, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ prefix[whole]) & (0xffu << (8 - rest)) & 0xffu) == 0;
}

static const char *find(const struct network *networks, size_t n, int family, const uint8_t *bytes)
{
    uint8_t prefix[IPV6_BYTES];

    for (size_t i = 0; i < n; i++)
        if (inet_pton(family, networks[i].prefix, prefix) == 1 &&
            has_prefix(bytes, prefix, networks[i].bits))
            return networks[i].what;
    return NULL;
}

const char *address_refusal(const struct sockaddr *address)
{
    struct sockaddr_in  in4;
    struct sockaddr_in6 in6;
    uint8_t             bytes[IPV6_BYTES];

    switch (address->sa_family) {
    case AF_INET:
        memcpy(&in4, address, sizeof in4);
        memcpy(bytes, &in4.sin_addr, IPV4_BYTES);
        return find(ipv4, ELEMENTS(ipv4), AF_INET, bytes);
    case AF_INET6:
        memcpy(&in6, address, sizeof in6);
        memcpy(bytes, &in6.sin6_addr, IPV6_BYTES);
        return find(ipv6, ELEMENTS(ipv6), AF_INET6, bytes);
    default:
        return "no address of the internet";
    }
}

const char *address_show(char ret[ADDRESS_SHOW_MAX], const struct sockaddr *address)
{
    struct sockaddr_in  in4;
    struct sockaddr_in6 in6;
    const char         *shown = NULL;

    if (address->sa_family == AF_INET) {
        memcpy(&in4, address, sizeof in4);
        shown = inet_ntop(AF_INET, &in4.sin_addr, ret, ADDRESS_SHOW_MAX);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof in6);
        shown = inet_ntop(AF_INET6, &in6.sin6_addr, ret, ADDRESS_SHOW_MAX);
    }
    if (!shown)
        (void)snprintf(ret, ADDRESS_SHOW_MAX, "?");
    return ret;
}
