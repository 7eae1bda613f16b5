// SPDX-License-Identifier: MIT

// fuzz-state: the state file of an overlay. What is understood is sorted, within its limits and
// safe to show, and comes back the same when it is written.

#include <stdlib.h>
#include <string.h>
#include "base/protocol.h"
#include "base/text.h"
#include "overlay/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_text(const char *text, size_t size)
{
    char clean[STATE_NOTE_MAX];

    if (!memchr(text, '\0', size))
        abort();
    (void)text_sanitize(clean, sizeof clean, text, strlen(text));
    if (strcmp(clean, text) != 0)
        abort();
}

static void check(const struct state *state)
{
    check_text(state->type, sizeof state->type);
    if (!state->type[0] || state->n_generations > STATE_GENERATIONS_MAX ||
        (state->current && !state_find(state, state->current)))
        abort();
    for (uint32_t i = 0; i < state->n_generations; i++) {
        const struct generation *generation = &state->generations[i];
        check_text(generation->note, sizeof generation->note);
        if (generation->number == 0 || generation->number > NUMBER_MAX ||
            (i > 0 && generation->number >= generation[-1].number))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct state state, again; // too large for a stack
    struct error        err = { 0 };

    if (state_parse(&state, (const char *)bytes, n_bytes, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        return 0;
    }
    check(&state);
    AUTO(freep) char *text = state_format(&state);
    if (!text || state_parse(&again, text, strlen(text), &err) < 0 ||
        memcmp(&state, &again, sizeof state) != 0)
        abort();
    return 0;
}
