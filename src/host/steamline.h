// SPDX-License-Identifier: MIT
#pragma once

// steamline: what one log line of left4me-steamcmd says: "progress PERCENT DONE TOTAL WORDS",
// "note WORDS", "error CODE SENTENCE", "done BUILD" as the last of an update that succeeded, or
// anything else, which is SteamCMD's own.

#include <stdint.h>
#include "base/error.h"

enum steamline_kind {
    STEAMLINE_OTHER,
    STEAMLINE_PROGRESS,
    STEAMLINE_NOTE,
    STEAMLINE_ERROR,
    STEAMLINE_DONE,
};

struct steamline {
    enum steamline_kind kind;
    unsigned            percent;     // 0 to 100
    uint64_t            done, total; // bytes
    const char         *words;       // into the line: what follows the fields
};

// `line` is NUL-terminated. Never fails: what is not understood is STEAMLINE_OTHER.
struct steamline steamline_parse(const char *line);
