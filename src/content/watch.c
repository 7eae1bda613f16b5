// SPDX-License-Identifier: MIT
#include "content/watch.h"

#include <stdarg.h>
#include <stdio.h>

void watch_say(const struct watch *watch, const char *format, ...)
{
    char    line[512];
    va_list args;

    if (!watch->say)
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); // truncation is fine
    va_end(args);
    watch->say(watch->user, line);
}

void watch_step(const struct watch *watch, const char *what)
{
    if (watch->step)
        watch->step(watch->user, what);
}
