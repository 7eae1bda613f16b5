// SPDX-License-Identifier: MIT
#pragma once

// console: what the server prints. Standard output, and the answer to an RCON command while one
// runs, because the engine redirects its console then.

#include "base/macros.h"
#include <stddef.h>

#define CONSOLE_CAPTURE_MAX (4u * 1024 * 1024) // bytes; what goes beyond is lost

struct console;

struct console *console_new(void); // NULL: no memory
struct console *console_free(struct console *console);

void console_print(struct console *console, const char *format, ...) PRINTF_LIKE(2, 3);

// Between the two, everything printed is kept as well. The text is owned by the caller; NULL when
// nothing was printed.
void  console_capture_start(struct console *console);
char *console_capture_stop(struct console *console, size_t *ret_n);
