// SPDX-License-Identifier: MIT
#pragma once

// crash: ways for the server to end badly.

#include "base/macros.h"
#include <stdbool.h>

// "SEGV" or "SIGSEGV" to its number; 0: no such signal.
int crash_signal(const char *name);

// Dies of the signal: by a real fault where there is one, which also kills process 1 of a
// namespace, where a mere raise() would be ignored.
NORETURN void crash_by(int number);

// Never returns and does nothing, or burns CPU; SIGINT and SIGTERM are ignored.
NORETURN void crash_hang(bool is_busy);
