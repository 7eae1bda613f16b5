// SPDX-License-Identifier: MIT

// fuzz-head: the headers of an answer, line by line. What is understood is within its limits, and
// can be sent back as a header.

#include <stdlib.h>
#include <string.h>
#include "workshop/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check(const struct head *head)
{
    if (!memchr(head->validator, '\0', sizeof head->validator))
        abort();
    for (const char *c = head->validator; *c; c++)
        if (*c < ' ' || *c > '~')
            abort();
    if (head->has_range && head->total_bytes <= head->from)
        abort();
    if (head->has_etag && head->validator[0] != '"')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct head head = HEAD_NONE;

    while (n_bytes > 0) {
        const uint8_t *end = memchr(bytes, '\n', n_bytes);
        size_t         n = end ? (size_t)(end - bytes) + 1 : n_bytes;
        head_take_line(&head, (const char *)bytes, n);
        check(&head);
        bytes += n;
        n_bytes -= n;
    }
    return 0;
}
