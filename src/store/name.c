// SPDX-License-Identifier: MIT
#include "store/name.h"

#include <string.h>
#include "base/text.h"

bool name_is_plain(const char *text)
{
    size_t n = strlen(text);

    for (size_t at = 0, length; at < n; at += length) {
        length = text_character(text + at, n - at);
        if (length == 0 || text_is_control(text + at, length) ||
            text_is_direction(text + at, length))
            return false;
    }
    return true;
}

int name_check(const char *name, const char *what, struct error *err)
{
    size_t n = strnlen(name, NAME_MAX_BYTES);

    if (n == 0 || n == NAME_MAX_BYTES)
        return error_set(err, ERROR_INVALID, "the name of %s has 1 to %u bytes", what,
                         NAME_MAX_BYTES - 1);
    if (name[0] == ' ' || name[n - 1] == ' ' || !name_is_plain(name))
        return error_set(err, ERROR_INVALID,
                         "the name of %s has no control characters, and no blank at its ends",
                         what);
    return 0;
}
