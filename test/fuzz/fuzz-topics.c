// SPDX-License-Identifier: MIT

// fuzz-topics: topics, a line, and a place in them. What passes is the same when it is written down
// and read again.

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/macros.h"
#include "web/topics.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_place(const struct topics *topics, const char *text)
{
    struct heard heard, again;
    struct error err;
    char         is[HEARD_TEXT_MAX], is_again[HEARD_TEXT_MAX];

    if (heard_parse(&heard, topics, text, &err) < 0)
        return;
    heard_text(is, topics, &heard);
    if (!*is)
        return;
    assert(heard_parse(&again, topics, is, &err) == 0);
    heard_text(is_again, topics, &again);
    assert(strcmp(is, is_again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(freep) char *text = malloc(n_bytes + 1);
    struct topics     topics, again;
    struct error      err;
    char              is[TOPICS_TEXT_MAX];

    memcpy(text, bytes, n_bytes);
    text[n_bytes] = '\0';
    char *line = strchr(text, '\n');
    if (line)
        *line++ = '\0';
    if (topics_parse(&topics, text, &err) < 0)
        return 0;
    topics_text(is, &topics);
    assert(topics_parse(&again, is, &err) == 0 && topics_are(&topics, &again));
    if (line)
        check_place(&topics, line);
    return 0;
}
