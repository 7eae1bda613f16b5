// SPDX-License-Identifier: MIT
#include "launch/arguments.h"

#include <string.h>
#include "base/number.h"

int arguments_parse(struct arguments *ret, char *bytes, size_t n_bytes, char *program,
                    struct error *err)
{
    struct arguments parsed = { .argv = { program } };
    size_t           n = 0;

    if (n_bytes == 0 || n_bytes > ARGUMENTS_BYTES_MAX || bytes[n_bytes - 1] != '\0')
        return error_set(err, ERROR_INVALID, "the arguments file is empty, too long or cut off");
    if (number_parse_u16(&parsed.port, bytes, 1024, UINT16_MAX, err) < 0)
        return error_prefix(err, "the port in the arguments file");
    for (size_t at = strlen(bytes) + 1; at < n_bytes; at += strlen(bytes + at) + 1) {
        if (n == ARGUMENTS_MAX)
            return error_set(err, ERROR_INVALID, "there are more than %u arguments", ARGUMENTS_MAX);
        parsed.argv[++n] = bytes + at;
    }
    *ret = parsed;
    return 0;
}
