// SPDX-License-Identifier: MIT

// fuzz-source: the settings of an overlay, and the text that a person gives it. Settings that are
// understood are within their limits and come back the same; a text that is taken is taken as it is
// the second time.

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "host/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void try_settings(const char *bytes, size_t n_bytes)
{
    struct source source = { .number = 7 }, again = { .number = 7 };
    struct error  err = { 0 };

    if (source_parse(&source, bytes, n_bytes, &err) < 0) {
        must(err.kind == ERROR_INVALID && source.name[0] == '\0');
        return;
    }
    must(memchr(source.name, '\0', sizeof source.name) != NULL);
    must(*source.server ? !*source.name : source_check_name(source.name, &err) == 0);
    must(strcmp(source.title + (*source.server != '\0'),
                *source.server ? source.server : source.name) == 0);
    must(source.number == 7 && source.type > OVERLAY_GAME && source.type < OVERLAY_TYPE_COUNT);
    must(source.keep <= KEEP_MAX);
    must(source.output_max_bytes == 0 ||
         (source.output_max_bytes >= OUTPUT_MAX_MIN && source.output_max_bytes <= OUTPUT_MAX_MAX));
    AUTO(freep) char *text = source_format(&source);
    must(text && source_parse(&again, text, strlen(text), &err) == 0);
    must(strcmp(again.title, source.title) == 0 && again.type == source.type &&
         again.keep == source.keep && again.output_max_bytes == source.output_max_bytes &&
         again.is_daily == source.is_daily);
}

static void try_text(const char *bytes, size_t n_bytes)
{
    AUTO(buffer_done) struct buffer text = { 0 }, again = { 0 };
    struct error                    err = { 0 };

    if (source_normalise(&text, bytes, n_bytes, &err) < 0) {
        must(err.kind == ERROR_INVALID);
        return;
    }
    must((text.n == 0) == (n_bytes == 0) && text.n <= SOURCE_TEXT_MAX);
    must(text.n == 0 || text.bytes[text.n - 1] == '\n');
    for (size_t i = 0, length; i < text.n; i += length) {
        length = text_character(text.bytes + i, text.n - i);
        must(length > 0 && text.bytes[i] != '\0' && text.bytes[i] != '\r');
    }
    must(source_normalise(&again, text.n ? text.bytes : "", text.n, &err) == 0);
    must(again.n == text.n && (text.n == 0 || memcmp(again.bytes, text.bytes, text.n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    try_settings((const char *)bytes, n_bytes);
    try_text((const char *)bytes, n_bytes);
    return 0;
}
