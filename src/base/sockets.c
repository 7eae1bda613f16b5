// SPDX-License-Identifier: MIT
#include "base/sockets.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define STATE_LISTEN   0x0au
#define LINE_BYTES_MAX 512u // the kernel's lines are about 150

// "  12: 00000000:6987 00000000:0000 07 …": the fields of a line up to the last one we read. Spaces
// before a field are skipped.
enum field {
    FIELD_SLOT,
    FIELD_LOCAL_ADDRESS,
    FIELD_LOCAL_PORT,
    FIELD_REMOTE_ADDRESS,
    FIELD_REMOTE_PORT,
    FIELD_STATE,
    FIELD_TO_SEND,
    FIELD_TO_READ,
    FIELD_TIMER,
    FIELD_EXPIRES,
    FIELD_RETRIES,
    FIELD_USER,
    FIELD_COUNT,
};

static const struct {
    uint8_t base;
    uint8_t n_digits_max;
    char    end; // the byte after it
} fields[] = {
    [FIELD_SLOT] = { 10, 10, ':' },       [FIELD_LOCAL_ADDRESS] = { 16, 32, ':' },
    [FIELD_LOCAL_PORT] = { 16, 4, ' ' },  [FIELD_REMOTE_ADDRESS] = { 16, 32, ':' },
    [FIELD_REMOTE_PORT] = { 16, 4, ' ' }, [FIELD_STATE] = { 16, 2, ' ' },
    [FIELD_TO_SEND] = { 16, 8, ':' },     [FIELD_TO_READ] = { 16, 8, ' ' },
    [FIELD_TIMER] = { 16, 2, ':' },       [FIELD_EXPIRES] = { 16, 16, ' ' },
    [FIELD_RETRIES] = { 16, 8, ' ' },     [FIELD_USER] = { 10, 10, ' ' },
};
_Static_assert(ELEMENTS(fields) == FIELD_COUNT, "every field has a row");

static void fclosep(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

// The value of a digit, or `base` for what is none.
static unsigned digit_of(char c, unsigned base)
{
    unsigned digit = base;

    if (c >= '0' && c <= '9')
        digit = (unsigned)(c - '0');
    else if (c >= 'A' && c <= 'F')
        digit = (unsigned)(c - 'A') + 10;
    return MIN(digit, base);
}

// Reads one field at *at and moves behind the byte that ends it. Of an address only the low bits
// are kept: nobody asks for it.
static bool read_field(uint64_t *ret, const char *line, size_t n_line, size_t *at, enum field field)
{
    const unsigned base = fields[field].base;
    uint64_t       value = 0;
    size_t         i = *at, n_digits = 0;

    while (i < n_line && line[i] == ' ')
        i++;
    for (; i < n_line && n_digits < fields[field].n_digits_max; i++, n_digits++) {
        unsigned digit = digit_of(line[i], base);
        if (digit == base)
            break;
        value = value * base + digit;
    }
    if (n_digits == 0 || i == n_line || line[i] != fields[field].end)
        return false;
    *at = i + 1;
    *ret = value;
    return true;
}

bool sockets_line_matches(const char *line, size_t n_line, enum socket_kind kind, uint16_t port,
                          uint32_t uid)
{
    uint64_t values[FIELD_COUNT];
    size_t   at = 0;

    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (!read_field(&values[i], line, n_line, &at, (enum field)i))
            return false;
    return values[FIELD_LOCAL_PORT] == port &&
           (uid == SOCKETS_ANY_USER || values[FIELD_USER] == uid) &&
           (kind == SOCKET_UDP_BOUND || values[FIELD_STATE] == STATE_LISTEN);
}

// Files of /proc say that they are empty, so they are read to their end.
static int find_in_table(bool *ret, const char *dir, const char *table, enum socket_kind kind,
                         uint16_t port, uint32_t uid, struct error *err)
{
    AUTO(fclosep) FILE *file = NULL;
    char                path[PATH_MAX], line[LINE_BYTES_MAX];

    *ret = false;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, table) >= sizeof path)
        return error_sys(err, ENAMETOOLONG, "reading %s", table);
    file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? 0 : error_sys(err, errno, "reading %s", path);
    while (!*ret && fgets(line, sizeof line, file))
        *ret = sockets_line_matches(line, strlen(line), kind, port, uid);
    return ferror(file) ? error_sys(err, errno, "reading %s", path) : 0;
}

int sockets_find(bool *ret, const char *dir, enum socket_kind kind, uint16_t port, uint32_t uid,
                 struct error *err)
{
    static const char *const tables[][2] = {
        [SOCKET_UDP_BOUND] = { "udp", "udp6" },
        [SOCKET_TCP_LISTENING] = { "tcp", "tcp6" },
    };
    bool is_there = false;

    _Static_assert(ELEMENTS(tables) == SOCKET_KIND_COUNT, "every kind has its tables");
    for (size_t i = 0; !is_there && i < ELEMENTS(tables[kind]); i++)
        if (find_in_table(&is_there, dir, tables[kind][i], kind, port, uid, err) < 0)
            return -1;
    *ret = is_there;
    return 0;
}
