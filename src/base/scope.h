// SPDX-License-Identifier: MIT
#pragma once

// scope: takes from this process, and whatever it starts, the abstract sockets of everybody else.
//
// A game shares the network namespace of the machine, and with it the names of abstract sockets,
// which have no owner and no mode. Landlock keeps them apart since Linux 6.12.

#include "base/error.h"

// False where the kernel cannot do it; then nothing has changed. Needs "no new privileges".
bool scope_abstract_sockets(void);
