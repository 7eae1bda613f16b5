// SPDX-License-Identifier: MIT
#pragma once

// owned: the arguments and settings that are ours to give, and what a person uses instead.

#include <stddef.h>

struct owned_word {
    const char *word;
    const char *instead; // a sentence
};

// The row of a word for srcds's command line, or NULL: it is a person's to give.
const struct owned_word *owned_argument(const char *text);
// The sentence for a line of server.cfg with a command that is not a person's to give, or NULL. The
// line is split as the engine does it: by semicolons outside quotes, up to a comment.
const char *owned_setting(const char *text, size_t n);
