// SPDX-License-Identifier: MIT
#pragma once

// say: one line for people, without its newline, to whoever runs the build.

#include "base/macros.h"

struct say {
    void (*line)(void *user, const char *line);
    void *user;
};

void say(const struct say *say, const char *format, ...) PRINTF_LIKE(2, 3);

#define SAY_BYTES_MAX 24u // of a size as text, the NUL included

// "812 bytes", "3.4 MiB". Returns `ret`.
const char *say_bytes(char ret[SAY_BYTES_MAX], unsigned long long bytes);
