// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "pak/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(freep)
    char        *text = NULL;
    size_t       n = 0;
    struct error err;

    if (encoding_to_utf8(&text, &n, bytes, n_bytes, &err) < 0 || n > 3 * n_bytes || text[n])
        abort();
    for (size_t i = 0; i < n;) {
        size_t length = text_character(text + i, n - i);
        bool   is_blank = text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
        if (length == 0 || (text_is_control(text + i, length) && !is_blank))
            abort();
        i += length;
    }
    return 0;
}
