// SPDX-License-Identifier: MIT
#include "priv/account.h"

#include <errno.h>
#include <pwd.h>

int account_find(struct account *ret, const char *user, struct error *err)
{
    errno = 0;
    const struct passwd *entry = getpwnam(user);

    if (!entry)
        return error_set(err, ERROR_UNAVAILABLE, "the user '%s' does not exist: reinstall left4me",
                         user);
    if (entry->pw_uid == 0 || entry->pw_gid == 0)
        return error_set(err, ERROR_DENIED, "the user '%s' must not be root", user);
    *ret = (struct account){ .uid = entry->pw_uid, .gid = entry->pw_gid };
    return 0;
}
