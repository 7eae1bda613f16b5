// SPDX-License-Identifier: MIT
#pragma once

// watch: how a long piece of work tells its caller where it is.
//
// `say` gets one line for people, without newline. `step` is called before every change on disk;
// programs leave it NULL, tests die in it to see what a crash at that place leaves behind.

#include "base/macros.h"

struct watch {
    void (*say)(void *user, const char *line);
    void (*step)(void *user, const char *what);
    void *user;
};

void watch_say(const struct watch *watch, const char *format, ...) PRINTF_LIKE(2, 3);
void watch_step(const struct watch *watch, const char *what);
