// SPDX-License-Identifier: MIT
#include "launch/sockets.h"

#include <stdio.h>

#define STATE_LISTEN   0x0au
#define LINE_MAX_BYTES 512u // the kernel's lines are about 150

static void fclosep(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

bool sockets_line_matches(const char *line, enum socket_kind kind, uint16_t port, uint32_t uid)
{
    unsigned local_port = 0, state = 0, owner = 0;

    // sl: local_address:port rem_address:port st tx:rx tr:when retrnsmt uid ...
    if (sscanf(line,
               " %*9[0-9]: %*32[0-9A-F]:%4x %*32[0-9A-F]:%*4x %2x %*8x:%*8x %*2x:%*8x %*8x %10u",
               &local_port, &state, &owner) != 3)
        return false;
    return local_port == port && owner == uid &&
           (kind == SOCKET_UDP_BOUND || state == STATE_LISTEN);
}

static bool table_has(const char *path, enum socket_kind kind, uint16_t port, uint32_t uid)
{
    char line[LINE_MAX_BYTES];

    AUTO(fclosep) FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file))
        if (sockets_line_matches(line, kind, port, uid))
            return true;
    return false;
}

bool sockets_any(enum socket_kind kind, uint16_t port, uint32_t uid)
{
    static const char *const tables[][2] = {
        [SOCKET_UDP_BOUND] = { "/proc/net/udp", "/proc/net/udp6" },
        [SOCKET_TCP_LISTENING] = { "/proc/net/tcp", "/proc/net/tcp6" },
    };
    return table_has(tables[kind][0], kind, port, uid) ||
           table_has(tables[kind][1], kind, port, uid);
}
