// SPDX-License-Identifier: MIT

// fuzz-log-request: requests to the log reader.

#include <string.h>
#include "base/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct log_request request = { 0 };
    struct error       err;

    memcpy(&request, bytes, MIN(n_bytes, sizeof request));
    if (log_request_check(&request, n_bytes, &err) == 0 &&
        !memchr(request.name.text, '\0', sizeof request.name.text))
        __builtin_trap();
    return 0;
}
