// SPDX-License-Identifier: MIT

// fuzz-a2s: a datagram from whoever has the port. What is read is safe to show.

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "game/a2s.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check(const char *text)
{
    char clean[A2S_TEXT_MAX];

    (void)text_sanitize(clean, sizeof clean, text, strlen(text));
    if (strcmp(clean, text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct a2s_answer answer;
    struct error      err = { 0 };

    if (a2s_read(&answer, bytes, n_bytes, &err) < 0)
        return 0;
    if (answer.kind == A2S_INFO) {
        check(answer.name);
        check(answer.map);
    }
    for (unsigned i = 0; i < answer.n_list; i++) {
        check(answer.list[i].name);
        if (answer.list[i].seconds > A2S_SECONDS_MAX)
            abort();
    }
    return 0;
}
