// SPDX-License-Identifier: MIT
#include "overlay/type.h"

#include <string.h>

static const char *const words[] = {
    [0] = "",
    [OVERLAY_GAME] = "game",
    [OVERLAY_SCRIPT] = "script",
    [OVERLAY_WORKSHOP] = "workshop",
    [OVERLAY_FILES] = "files",
};
_Static_assert(ELEMENTS(words) == OVERLAY_TYPE_COUNT, "every type has a word");

const char *overlay_type_word(enum overlay_type type)
{
    return words[type];
}

enum overlay_type overlay_type_of(const char *word)
{
    for (size_t i = 1; i < ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0)
            return (enum overlay_type)i;
    return 0;
}
