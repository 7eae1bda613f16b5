// SPDX-License-Identifier: MIT
#include "console.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSOLE_PRINT_MAX 8192 // bytes of one print; the engine cuts at 4096 or so

struct console {
    bool   is_capturing;
    char  *captured;
    size_t n_captured;
    size_t room;
};

struct console *console_new(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return calloc(1, sizeof(struct console));
}

struct console *console_free(struct console *console)
{
    if (console)
        free(console->captured);
    free(console);
    return NULL;
}

static void capture(struct console *console, const char *text, size_t n)
{
    if (console->n_captured + n > CONSOLE_CAPTURE_MAX)
        return;
    if (console->n_captured + n > console->room) {
        size_t room = 2 * (console->n_captured + n);
        char  *captured = realloc(console->captured, room);
        if (!captured)
            return;
        console->captured = captured;
        console->room = room;
    }
    memcpy(console->captured + console->n_captured, text, n);
    console->n_captured += n;
}

void console_print(struct console *console, const char *format, ...)
{
    char    text[CONSOLE_PRINT_MAX];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0)
        return;

    fputs(text, stdout);
    if (console->is_capturing)
        capture(console, text, strlen(text));
}

void console_capture_start(struct console *console)
{
    console->is_capturing = true;
}

char *console_capture_stop(struct console *console, size_t *ret_n)
{
    console->is_capturing = false;
    console->room = 0;
    *ret_n = console->n_captured;
    console->n_captured = 0;
    return TAKE(console->captured);
}
