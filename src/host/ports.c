// SPDX-License-Identifier: MIT
#include "host/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"

#define TCP_LISTEN_STATE 0x0au

// Reads up to eight hexadecimal digits at *cursor, stops at anything else.
static bool read_hex(unsigned *ret, const char **cursor, const char *end)
{
    unsigned    value = 0;
    const char *p = *cursor;

    for (; p < end && p - *cursor < 8; p++) {
        unsigned digit;
        if (*p >= '0' && *p <= '9')
            digit = (unsigned)(*p - '0');
        else if (*p >= 'A' && *p <= 'F')
            digit = (unsigned)(*p - 'A') + 10;
        else
            break;
        value = value << 4 | digit;
    }
    bool is_some = p > *cursor;
    *cursor = p;
    *ret = value;
    return is_some;
}

static const char *skip_to(const char *p, const char *end, char c)
{
    const char *found = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

    return found ? found + 1 : end;
}

// "  12: 00000000:6987 00000000:0000 07 …": slot, local address:port, remote address:port, state.
static bool is_line_bound(const char *p, const char *end, uint16_t port, bool is_tcp)
{
    unsigned local = 0, remote = 0, state = 0;

    p = skip_to(p, end, ':');
    p = skip_to(p, end, ':');
    if (!read_hex(&local, &p, end))
        return false;
    p = skip_to(p, end, ':');
    if (!read_hex(&remote, &p, end))
        return false;
    p = skip_to(p, end, ' ');
    if (!read_hex(&state, &p, end))
        return false;
    return local == port && (!is_tcp || state == TCP_LISTEN_STATE);
}

bool ports_is_bound(const char *bytes, size_t n_bytes, uint16_t port, bool is_tcp)
{
    const char *end = bytes + n_bytes;

    for (const char *line = bytes; line < end;) {
        const char *next = skip_to(line, end, '\n');
        if (is_line_bound(line, next, port, is_tcp))
            return true;
        line = next;
    }
    return false;
}

// Files of /proc say that they are empty, so they are read to their end. One that is absent, as
// udp6 without IPv6, has no lines.
static int read_table(struct buffer *ret, const char *dir, const char *name, struct error *err)
{
    AUTO_FD dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD fd = dir_fd < 0 ? -1 : openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    char    part[16384];
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? 0 : error_sys(err, errno, "reading %s/%s", dir, name);
    while ((n = read(fd, part, sizeof part)) > 0)
        buffer_add(ret, part, (size_t)n);
    if (n < 0)
        return error_sys(err, errno, "reading %s/%s", dir, name);
    return buffer_check(ret, err);
}

int ports_check_free(const struct host_paths *paths, const struct instance *instance,
                     struct error *err)
{
    static const struct {
        const char *table;
        bool        is_tcp;
    } tables[] = { { "udp", false }, { "udp6", false }, { "tcp", true }, { "tcp6", true } };
    const struct {
        const char *word;
        uint16_t    port;
        bool        has_tcp;
    } rows[] = {
        { "port", instance->port, true },
        { "tv_port", instance->tv_port, false },
        { "client_port", instance->client_port, false },
    };

    for (size_t i = 0; i < ELEMENTS(tables); i++) {
        AUTO(buffer_done) struct buffer text = { 0 };
        if (read_table(&text, paths->proc_net_dir, tables[i].table, err) < 0)
            return -1;
        for (size_t j = 0; j < ELEMENTS(rows); j++)
            if (rows[j].port && (rows[j].has_tcp || !tables[i].is_tcp) && text.n > 0 &&
                ports_is_bound(text.bytes, text.n, rows[j].port, tables[i].is_tcp))
                return error_set(err, ERROR_BUSY,
                                 "%s %u (%s) is in use by another program: see 'ss -%slpn sport = "
                                 ":%u'",
                                 rows[j].word, rows[j].port, tables[i].is_tcp ? "TCP" : "UDP",
                                 tables[i].is_tcp ? "t" : "u", rows[j].port);
    }
    return 0;
}
