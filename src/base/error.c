// SPDX-License-Identifier: MIT
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

static const struct error_kind_info kinds[] = {
    [ERROR_NONE] = { "none", 200, 0 },
    [ERROR_INVALID] = { "invalid", 400, 2 },
    [ERROR_NOT_FOUND] = { "not-found", 404, 3 },
    [ERROR_EXISTS] = { "exists", 409, 4 },
    [ERROR_BUSY] = { "busy", 409, 4 },
    [ERROR_DENIED] = { "denied", 403, 4 },
    [ERROR_UNAVAILABLE] = { "unavailable", 503, 69 },
    [ERROR_TIMEOUT] = { "timeout", 504, 1 },
    [ERROR_NO_SPACE] = { "no-space", 507, 1 },
    [ERROR_FAILED] = { "failed", 500, 1 },
    [ERROR_SYSTEM] = { "system", 500, 1 },
    [ERROR_CONFLICT] = { "conflict", 412, 4 },
};
_Static_assert(ELEMENTS(kinds) == ERROR_KIND_COUNT, "every kind has a row");

const struct error_kind_info *error_kind_info(enum error_kind kind)
{
    unsigned index = (unsigned)kind;
    return &kinds[index < ERROR_KIND_COUNT ? index : ERROR_SYSTEM];
}

static enum error_kind kind_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
        return ERROR_NO_SPACE;
    case ENOENT:
        return ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERROR_DENIED;
    case EEXIST:
        return ERROR_EXISTS;
    case EBUSY:
        return ERROR_BUSY;
    case ETIMEDOUT:
        return ERROR_TIMEOUT;
    default:
        return ERROR_SYSTEM;
    }
}

// Names of files and words of programs end up in sentences, and these on terminals, in logs and in
// JSON: they are text, also where a name was cut within a character, as a precision does.
static void blunt(char *message)
{
    char   raw[ERROR_MESSAGE_MAX];
    size_t n = strlen(message);

    memcpy(raw, message, n + 1);
    (void)text_sanitize(message, ERROR_MESSAGE_MAX, raw, n); // it does not become longer
    for (char *tab = message; (tab = strchr(tab, '\t'));)
        *tab = '?';
}

int error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;

    err->kind = kind;
    err->errnum = 0;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args); // truncation is fine
    va_end(args);
    blunt(err->message);
    return -1;
}

int error_sys(struct error *err, int errnum, const char *format, ...)
{
    char    what[ERROR_MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args); // truncation is fine
    va_end(args);
    (void)error_set(err, kind_of_errno(errnum), "%.180s: %s", what, strerror(errnum));
    err->errnum = errnum;
    return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
    char    old[ERROR_MESSAGE_MAX];
    va_list args;

    memcpy(old, err->message, sizeof old);
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->message)
        (void)snprintf(err->message + n, sizeof err->message - (size_t)n, ": %.*s",
                       (int)(sizeof err->message) - n, old); // truncation is fine
    blunt(err->message);
    return -1;
}

int error_adopt(struct error *err, int kind, int errnum, const char *message, size_t n_message)
{
    bool is_known = kind > ERROR_NONE && kind < ERROR_KIND_COUNT;

    (void)error_set(err, is_known ? (enum error_kind)kind : ERROR_SYSTEM, "%.*s",
                    (int)MIN(n_message, sizeof err->message - 1), message);
    err->errnum = errnum;
    return -1;
}
