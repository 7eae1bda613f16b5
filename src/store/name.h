// SPDX-License-Identifier: MIT
#pragma once

// name: what people call their things.

#include "base/error.h"

#define NAME_MAX_BYTES 65u // the NUL included

// 1 to 64 bytes of UTF-8 without control characters and marks of direction, with no blank at
// either end. `what` is whose name it is: "a server".
int name_check(const char *name, const char *what, struct error *err) MUST_USE;
// Whether a text is such UTF-8, of any length.
bool name_is_plain(const char *text);
