// SPDX-License-Identifier: MIT
#include "workshop/say.h"

#include <stdarg.h>
#include <stdio.h>

void say(const struct say *say, const char *format, ...)
{
    char    line[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); // truncation is fine
    va_end(args);
    say->line(say->user, line);
}

const char *say_bytes(char ret[SAY_BYTES_MAX], unsigned long long bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double                   value = (double)bytes / 1024;
    size_t                   unit = 0;

    if (bytes < 1024) {
        (void)snprintf(ret, SAY_BYTES_MAX, "%llu bytes", bytes);
        return ret;
    }
    for (; value >= 1023.95 && unit + 1 < ELEMENTS(units); unit++)
        value /= 1024;
    (void)snprintf(ret, SAY_BYTES_MAX, "%.1f %s", value, units[unit]);
    return ret;
}
