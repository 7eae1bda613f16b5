// SPDX-License-Identifier: MIT

// fuzz-sockets: lines of /proc/net; what a narrow question finds, the wider ones find as well.

#include <stdlib.h>
#include <string.h>
#include "base/sockets.h"

#define PORT 27015
#define USER 991

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_line(const char *line, size_t n_line)
{
    char *copy = malloc(n_line + 1); // the sanitizer guards its end

    if (!copy)
        return;
    memcpy(copy, line, n_line);
    bool is_listening = sockets_line_matches(copy, n_line, SOCKET_TCP_LISTENING, PORT, USER);
    bool is_bound = sockets_line_matches(copy, n_line, SOCKET_UDP_BOUND, PORT, USER);
    bool is_anybodys = sockets_line_matches(copy, n_line, SOCKET_UDP_BOUND, PORT, SOCKETS_ANY_USER);
    if ((is_listening && !is_bound) || (is_bound && !is_anybodys))
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    const char *line = (const char *)bytes, *end = line + n_bytes;

    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        check_line(line, (size_t)(next - line));
        line = next;
    }
    return 0;
}
