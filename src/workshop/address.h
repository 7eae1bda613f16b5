// SPDX-License-Identifier: MIT
#pragma once

// address: which addresses are the public internet.
//
// A name, a redirection or an answer of a name server may lead to this machine, to its neighbours
// or to the metadata service of a cloud. So it is the address a connection is about to be made to
// that is asked about, whoever named it. The unit's packet filter says the same a second time.
// Source: IANA, special-purpose address registries. The networks for documentation are left out:
// nobody answers there, and the tests play hosts of the internet with them.

#include <sys/socket.h>
#include "base/error.h"

#define ADDRESS_SHOW_MAX 64u // bytes of an address as text, the NUL included

// NULL for an address of the public internet, else what it is: "a private network".
const char *address_refusal(const struct sockaddr *address);

// Writes the address without its port; what is neither IPv4 nor IPv6 as "?". Returns `ret`.
const char *address_show(char ret[ADDRESS_SHOW_MAX], const struct sockaddr *address);
