// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void log_line(enum log_level level, const char *format, ...)
{
    char    line[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); // truncation is fine
    va_end(args);
    for (char *c = line; *c; c++) // or it could be two lines, and the second one forged
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "<%d>%s\n", (int)level, line);
    else
        fprintf(stderr, "%s\n", line);
}
