// SPDX-License-Identifier: MIT
#pragma once

// here: where the game servers of this machine are asked by UDP.

#include <netinet/in.h>

// An address of an interface that is up: the game answers nobody on a loopback address. That of
// loopback, if there is no other one. `fd` is any socket of AF_INET.
struct in_addr here_address(int fd);
