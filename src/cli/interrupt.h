// SPDX-License-Identifier: MIT
#pragma once

// interrupt: Ctrl-C as a question that a loop asks.

#include "base/error.h"

// From here on SIGINT and SIGTERM end a poll instead of the process.
void interrupt_catch(void);
bool interrupt_came(void);
