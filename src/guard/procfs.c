// SPDX-License-Identifier: MIT
#include "guard/procfs.h"

#include <string.h>
#include "base/macros.h"

#define DELETED       " (deleted)"
#define MAPS_FIELDS   5u // before the path: addresses, permissions, offset, device, inode
#define NUMBER_DIGITS 19u

// What follows `word`, which begins a line; NULL if no line begins so. Line feeds in the name of a
// process are escaped there.
static const char *find_field(const char *text, size_t n, const char *word)
{
    size_t n_word = strlen(word);

    for (const char *at = text; at && (size_t)(text + n - at) >= n_word;) {
        if (memcmp(at, word, n_word) == 0)
            return at + n_word;
        at = memchr(at, '\n', (size_t)(text + n - at));
        if (at)
            at++;
    }
    return NULL;
}

static bool find_number(uint64_t *ret, const char *text, size_t n, const char *word)
{
    const char *at = find_field(text, n, word), *end = text + n;
    uint64_t    number = 0;
    unsigned    n_digits = 0;

    if (!at)
        return false;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    for (; at < end && *at >= '0' && *at <= '9' && n_digits < NUMBER_DIGITS; at++, n_digits++)
        number = number * 10 + (uint64_t)(*at - '0');
    *ret = number;
    return n_digits > 0;
}

size_t procfs_next_number(uint32_t *ret, const char *text, size_t n)
{
    uint64_t number = 0;
    size_t   at = 0;

    for (; at < n && text[at] >= '0' && text[at] <= '9' && number <= UINT32_MAX; at++)
        number = number * 10 + (uint64_t)(text[at] - '0');
    if (at == 0 || at == n || text[at] != ' ' || number > UINT32_MAX)
        return 0;
    *ret = (uint32_t)number;
    return at + 1;
}

bool procfs_parse_status(struct procfs_status *ret, const char *text, size_t n)
{
    uint64_t    voluntary, involuntary;
    const char *state = find_field(text, n, "State:\t");

    if (!state || state == text + n ||
        !find_number(&voluntary, text, n, "voluntary_ctxt_switches:") ||
        !find_number(&involuntary, text, n, "nonvoluntary_ctxt_switches:"))
        return false;
    *ret = (struct procfs_status){ .state = *state, .switches = voluntary + involuntary };
    return true;
}

bool procfs_parse_written(uint64_t *ret, const char *text, size_t n)
{
    return find_number(ret, text, n, "write_bytes:");
}

bool procfs_is_deleted_below(const char *line, size_t n, const char *root)
{
    const size_t n_deleted = sizeof DELETED - 1, n_root = strlen(root);
    const char  *at = line, *end = line + n;

    if (n < n_deleted || memcmp(end - n_deleted, DELETED, n_deleted) != 0)
        return false;
    for (unsigned field = 0; field < MAPS_FIELDS; field++) {
        while (at < end && *at != ' ')
            at++;
        while (at < end && *at == ' ')
            at++;
    }
    return (size_t)(end - at) > n_root && memcmp(at, root, n_root) == 0 && at[n_root] == '/';
}

uint64_t procfs_parse_in_flight(const char *text, size_t n)
{
    uint64_t number = 0;

    return find_number(&number, text, n, "scm_fds:") ? number : 0;
}

uint64_t procfs_parse_socket(const char *link, size_t n)
{
    uint64_t number = 0;

    return find_number(&number, link, n, "socket:[") ? number : 0;
}
