// SPDX-License-Identifier: MIT
#include "base/number.h"

#include <inttypes.h>
#include <string.h>

static int range_error(struct error *err, const char *text, uint64_t min, uint64_t max)
{
    return error_set(err, ERROR_INVALID,
                     "'%.40s' is not a whole number from %" PRIu64 " to %" PRIu64, text, min, max);
}

// Reads digits up to the first other byte; false when there is none or it does not fit.
static bool read_digits(uint64_t *ret, const char **cursor)
{
    uint64_t    value = 0;
    const char *p = *cursor;

    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return false;
    if (p == *cursor)
        return false;
    *cursor = p;
    *ret = value;
    return true;
}

int number_parse_u64(uint64_t *ret, const char *text, uint64_t min, uint64_t max, struct error *err)
{
    const char *cursor = text;
    uint64_t    value = 0;

    if (!read_digits(&value, &cursor) || *cursor || value < min || value > max)
        return range_error(err, text, min, max);
    *ret = value;
    return 0;
}

int number_parse_u32(uint32_t *ret, const char *text, uint32_t min, uint32_t max, struct error *err)
{
    uint64_t value = 0;

    if (number_parse_u64(&value, text, min, max, err) < 0)
        return -1;
    *ret = (uint32_t)value;
    return 0;
}

int number_parse_u16(uint16_t *ret, const char *text, uint16_t min, uint16_t max, struct error *err)
{
    uint64_t value = 0;

    if (number_parse_u64(&value, text, min, max, err) < 0)
        return -1;
    *ret = (uint16_t)value;
    return 0;
}

int number_parse_bytes(uint64_t *ret, const char *text, uint64_t min, uint64_t max,
                       struct error *err)
{
    static const char suffixes[] = "KMGT";
    const char       *cursor = text;
    uint64_t          value = 0;

    if (!read_digits(&value, &cursor))
        return error_set(err, ERROR_INVALID, "'%.40s' is not a size such as 512M or 4G", text);
    if (*cursor) {
        const char *suffix = strchr(suffixes, *cursor);
        if (!suffix || cursor[1] ||
            __builtin_mul_overflow(value, UINT64_C(1) << (10 * (suffix - suffixes + 1)), &value))
            return error_set(err, ERROR_INVALID, "'%.40s' is not a size such as 512M or 4G", text);
    }
    if (value < min || value > max)
        return range_error(err, text, min, max);
    *ret = value;
    return 0;
}
