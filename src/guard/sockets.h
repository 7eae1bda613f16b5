// SPDX-License-Identifier: MIT
#pragma once

// sockets: how many of them our children have open.
//
// Each that asks something has one of the ports that the machine has for its own questions, some
// 28,000, also if it never sent anything: whoever has them all has cut off everybody else.

#include <stdint.h>
#include "base/error.h"
#include "guard/processes.h"

#define SOCKETS_COUNT_MAX 1000u

// Of those in the list that let themselves be looked at. It stops counting beyond
// SOCKETS_COUNT_MAX. Each counts once, whoever has it.
int sockets_count(uint32_t *ret, const struct processes *processes, struct error *err) MUST_USE;
