// SPDX-License-Identifier: MIT

// fuzz-settings: the configuration file. What is understood is within its limits; what is not names
// a line that there is.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/protocol.h"
#include "settings/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static unsigned count_lines(const uint8_t *bytes, size_t n_bytes)
{
    unsigned n = 1;

    for (size_t i = 0; i < n_bytes; i++)
        n += bytes[i] == '\n';
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct settings settings;
    struct error    err = { 0 };
    unsigned        line = 0;

    if (settings_parse(&settings, (const char *)bytes, n_bytes, &err) < 0) {
        if (err.kind != ERROR_INVALID)
            abort();
        if (n_bytes <= SETTINGS_BYTES_MAX && (sscanf(err.message, "line %u: ", &line) != 1 ||
                                              line < 1 || line > count_lines(bytes, n_bytes)))
            abort();
        return 0;
    }
    const struct settings_workshop *workshop = &settings.workshop;
    if (settings.overlays.keep < 1 || settings.overlays.keep > KEEP_MAX ||
        workshop->downloads < 1 || workshop->downloads > 32 ||
        !memchr(workshop->api_url, '\0', sizeof workshop->api_url) ||
        strncmp(workshop->api_url, "https://", 8) != 0)
        abort();
    return 0;
}
