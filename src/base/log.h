// SPDX-License-Identifier: MIT
#pragma once

// log: one line to stderr, with the level prefix that the journal understands when it is the one
// that listens. Only main functions, request handlers and jobs log, and each fault only once.

#include "base/error.h"

enum log_level { LEVEL_ERROR = 3, LEVEL_WARNING = 4, LEVEL_NOTICE = 5, LEVEL_INFO = 6 };

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
