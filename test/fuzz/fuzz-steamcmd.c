// SPDX-License-Identifier: MIT
// Everything we read that SteamCMD wrote: its output, cut into lines and understood, and its
// manifest. The first byte is the size of the chunks in which the output arrives.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "steam/lines.h"
#include "steam/manifest.h"
#include "steam/output.h"
#include "steam/progress.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

struct run {
    struct progress progress;
    size_t          n_bytes; // handed on
};

static void take(void *user, const char *line, size_t n_line)
{
    struct run       *run = user;
    AUTO(freep) char *copy = malloc(n_line); // so that a read behind it is seen
    uint32_t          before = run->progress.permille;

    if (n_line == 0 || n_line > LINES_MAX || !copy)
        abort();
    memcpy(copy, line, n_line);
    struct steam_event event = steam_output_parse(copy, n_line);
    if (steam_output_decoration(copy, n_line) > n_line ||
        (event.kind == STEAM_FAILURE) < (event.fault && event.kind != STEAM_RETRY))
        abort();
    if (event.kind == STEAM_PROGRESS) {
        for (unsigned phase = 0; phase < STEAM_PHASE_COUNT; phase++)
            (void)progress_take(&run->progress, (enum steam_phase)phase, &event);
        if (event.hundredths > 10000 || run->progress.permille > 1000 ||
            run->progress.permille < before)
            abort();
    }
    run->n_bytes += n_line;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct lines    lines = { 0 };
    struct run      run = { 0 };
    struct manifest manifest;
    struct error    err;

    if (n_bytes == 0)
        return 0;
    size_t      chunk = (size_t)bytes[0] + 1, n = n_bytes - 1;
    const char *text = (const char *)bytes + 1;
    for (size_t i = 0; i < n; i += chunk)
        lines_feed(&lines, text + i, MIN(chunk, n - i), take, &run);
    lines_finish(&lines, take, &run);
    if (run.n_bytes > n)
        abort();
    (void)manifest_parse(&manifest, text, n, &err); // any answer is right, a crash is not
    return 0;
}
