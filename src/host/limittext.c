// SPDX-License-Identifier: MIT
#include "host/limittext.h"

#include <inttypes.h>
#include <string.h>
#include "base/number.h"

static bool has_cpu(const struct instance_limits *limits, uint32_t cpu)
{
    return (limits->cpus[cpu / 64] >> (cpu % 64) & 1) != 0;
}

// Reads one of "6" or "0-3"; `part` is changed on the way.
static int parse_range(struct instance_limits *limits, char *part, struct error *err)
{
    uint32_t first = 0, last = 0;
    char    *dash = strchr(part, '-');

    if (dash)
        *dash = '\0';
    if (number_parse_u32(&first, part, 0, LIMIT_CPUS_MAX - 1, err) < 0)
        return -1;
    last = first;
    if (dash && number_parse_u32(&last, dash + 1, first, LIMIT_CPUS_MAX - 1, err) < 0)
        return -1;
    for (uint32_t cpu = first; cpu <= last; cpu++)
        limits->cpus[cpu / 64] |= UINT64_C(1) << (cpu % 64);
    return 0;
}

int limittext_parse_cpus(struct instance_limits *ret, const char *text, struct error *err)
{
    struct instance_limits limits = { 0 };
    char                   copy[LIMITTEXT_CPUS_MAX + 1];
    size_t                 n = strlen(text);

    if (n >= sizeof copy)
        return error_set(err, ERROR_INVALID, "the list of processors is too long");
    memcpy(copy, text, n + 1);
    for (char *part = copy, *next; part; part = next) {
        next = strchr(part, ',');
        if (next)
            *next++ = '\0';
        if (parse_range(&limits, part, err) < 0)
            return error_prefix(err, "a list of processors looks like 0-3,6");
    }
    memcpy(ret->cpus, limits.cpus, sizeof ret->cpus);
    return 0;
}

bool limittext_has_cpus(const struct instance_limits *limits)
{
    for (size_t i = 0; i < ELEMENTS(limits->cpus); i++)
        if (limits->cpus[i])
            return true;
    return false;
}

void limittext_format_cpus(struct buffer *text, const struct instance_limits *limits)
{
    const char *comma = "";

    for (uint32_t cpu = 0; cpu < LIMIT_CPUS_MAX; cpu++) {
        uint32_t first = cpu;
        if (!has_cpu(limits, cpu))
            continue;
        while (cpu + 1 < LIMIT_CPUS_MAX && has_cpu(limits, cpu + 1))
            cpu++;
        if (first == cpu)
            buffer_printf(text, "%s%" PRIu32, comma, first);
        else
            buffer_printf(text, "%s%" PRIu32 "-%" PRIu32, comma, first, cpu);
        comma = ",";
    }
}

void limittext_format_bytes(struct buffer *text, uint64_t bytes)
{
    static const char suffixes[] = "TGMK";

    for (unsigned i = 0; suffixes[i]; i++) {
        unsigned shift = 10 * (4 - i);
        if (bytes > 0 && bytes % (UINT64_C(1) << shift) == 0) {
            buffer_printf(text, "%" PRIu64 "%c", bytes >> shift, suffixes[i]);
            return;
        }
    }
    buffer_printf(text, "%" PRIu64, bytes);
}
