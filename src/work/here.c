// SPDX-License-Identifier: MIT
#include "work/here.h"

#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include "base/macros.h"

#define INTERFACES_MAX 64u

static bool is_good(int fd, struct ifreq *interface, struct in_addr address)
{
    if (interface->ifr_addr.sa_family != AF_INET || ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET)
        return false;
    return ioctl(fd, SIOCGIFFLAGS, interface) == 0 &&
           (interface->ifr_flags & (IFF_UP | IFF_LOOPBACK)) == IFF_UP;
}

// Not by netlink: the worker has no such socket.
struct in_addr here_address(int fd)
{
    struct ifreq  interfaces[INTERFACES_MAX] = { 0 };
    struct ifconf all = { .ifc_len = sizeof interfaces, .ifc_req = interfaces };
    size_t n = ioctl(fd, SIOCGIFCONF, &all) == 0 ? (size_t)all.ifc_len / sizeof *interfaces : 0;

    for (size_t i = 0; i < n; i++) {
        struct sockaddr_in address;
        memcpy(&address, &interfaces[i].ifr_addr, sizeof address);
        if (is_good(fd, &interfaces[i], address.sin_addr))
            return address.sin_addr;
    }
    return (struct in_addr){ htonl(INADDR_LOOPBACK) };
}
