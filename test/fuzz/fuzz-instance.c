// SPDX-License-Identifier: MIT

// fuzz-instance: SPEC.yaml, whose normalised form must read back to the same; and the other
// parsers of src/host, which must come back and say something true.

#include <stdlib.h>
#include <string.h>
#include "host/instance.h"
#include "host/steamline.h"
#include "host/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_instance(const char *bytes, size_t n_bytes)
{
    AUTO(instance_freep) struct instance *instance = NULL;
    AUTO(instance_freep) struct instance *again = NULL;
    AUTO(buffer_done) struct buffer       text = { 0 };
    AUTO(strings_done) struct strings     changes = { 0 };
    struct error                          err = { 0 };

    if (instance_parse(&instance, "f", bytes, n_bytes, &err) < 0) {
        if (err.kind != ERROR_INVALID || strncmp(err.message, "f:", 2) != 0)
            abort();
        return;
    }
    instance_format(&text, instance);
    // Quoting may make a file that was nearly too large too large, and nothing else.
    if (instance_parse(&again, "f", text.bytes, text.n, &err) < 0) {
        if (text.n <= INSTANCE_BYTES_MAX)
            abort();
        return;
    }
    instance_compare(&changes, instance, again);
    if (changes.n > 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(freep) char *copy = malloc(n_bytes + 1);
    struct unit_state state = { 0 };

    if (!copy)
        return 0;
    memcpy(copy, bytes, n_bytes);
    check_instance(copy, n_bytes);
    copy[n_bytes] = '\0';
    struct steamline line = steamline_parse(copy);
    if (line.percent > 100 || line.words < copy || line.words > copy + n_bytes)
        abort();
    if (verdict_read_line(&state, copy) && state.exit_status > 255)
        abort();
    return 0;
}
