// SPDX-License-Identifier: MIT
#pragma once

// head: what the headers of an answer say about the bytes that follow.
//
// Lines come one after the other, as the server sends them. Of several answers, as after a
// redirection, the last one counts. What is not understood is as good as not there.
// Source: RFC 9110, sections 8.8 (validators) and 14.4 (Content-Range).

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define HEAD_LINE_MAX      512u // bytes; longer lines are skipped
#define HEAD_VALIDATOR_MAX 256u // bytes of an ETag or a date, the NUL included

struct head {
    bool     has_range; // a Content-Range: the bytes from `from` on
    uint64_t from;
    uint64_t total_bytes; // of the whole; UINT64_MAX: it does not say
    // What identifies the whole: a strong ETag or, without one, the date of the last change.
    // Printable ASCII; empty: nothing does.
    char validator[HEAD_VALIDATOR_MAX];
    bool has_etag;
};
#define HEAD_NONE ((struct head){ .total_bytes = UINT64_MAX })

void head_take_line(struct head *head, const char *line, size_t n_line);
