// SPDX-License-Identifier: MIT
#include "store/inuse.h"

#include <inttypes.h>

int in_use_check(const struct in_use *use, const char *thing, struct error *err)
{
    if (use->n == 0)
        return 0;
    if (use->is_seen && use->n == 1)
        return error_set(err, ERROR_BUSY, "the %s '%s' uses this %s", use->what, use->name, thing);
    if (use->is_seen)
        return error_set(err, ERROR_BUSY, "the %s '%s' and %" PRIi64 " more use this %s", use->what,
                         use->name, use->n - 1, thing);
    return error_set(err, ERROR_BUSY, "%" PRIi64 " %s%s this %s", use->n, use->what,
                     use->n == 1 ? " uses" : "s use", thing);
}
