// SPDX-License-Identifier: MIT

// fuzz-said: what a command prints, line by line and as a whole. Progress is in percent, and what
// was said last is the result either way, where every line is one document.

#include <stdlib.h>
#include <string.h>
#include "ctl/answer.h"
#include "work/said.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void take(void *context, const char *text, size_t n, bool is_cut)
{
    struct said_line line;

    (void)is_cut;
    said_take(&line, context, text, n);
    if (line.kind == SAID_PROGRESS && (line.percent < 0 || line.percent > 100))
        abort();
    if (line.kind == SAID_TEXT && line.n_text > 0 && !line.text)
        abort();
    said_line_done(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    const char   *text = (const char *)bytes;
    struct gather gather = { 0 };
    struct said   said = { 0 };
    struct error  err = { 0 };
    size_t        n = n_bytes / 3; // in pieces

    if (gather_lines(&gather, text, n, 4096, take, &said) < 0 ||
        gather_lines(&gather, text + n, n_bytes - n, 4096, take, &said) < 0)
        abort();
    gather_finish(&gather, take, &said);
    gather_done(&gather);
    said_done(&said);

    json_t *document = answer_last(text, n_bytes);
    if (answer_take_error(&err, document) && err.kind == ERROR_NONE)
        abort();
    json_decref(document);
    return 0;
}
