// SPDX-License-Identifier: MIT
#pragma once

// error: one type for every failure, filled exactly when a function returns -1.
//
// The setters return -1, so that raising, wrapping and leaving is one statement.
// The message is one sentence without a full stop that a person can act on: the same words reach
// the terminal, the page and the journal. It never holds a secret, nor a control byte.

#include <stdbool.h>
#include "base/macros.h"

#define ERROR_MESSAGE_MAX 256u // bytes, the NUL included

enum error_kind {
    ERROR_NONE,        // no error: what a reply of success carries
    ERROR_INVALID,     // the input is wrong, and will stay wrong
    ERROR_NOT_FOUND,   // the thing named does not exist
    ERROR_EXISTS,      // the thing to be made exists already
    ERROR_BUSY,        // right now something else is using it: try again later
    ERROR_DENIED,      // the caller may not do this
    ERROR_UNAVAILABLE, // a service of ours or of the system does not answer
    ERROR_TIMEOUT,     // it did not happen in the time given
    ERROR_NO_SPACE,    // disk, inodes, quota or memory are exhausted
    ERROR_FAILED,      // the work itself failed: a start, a build, a download
    ERROR_SYSTEM,      // the system refused: errnum says how
    ERROR_CONFLICT,    // somebody else has changed it since the caller has read it
    ERROR_KIND_COUNT,
};

struct error {
    enum error_kind kind;
    int             errnum; // 0, or the errno behind it
    char            message[ERROR_MESSAGE_MAX];
};

// The row of a kind: the word in JSON and in logs, the status of a HTTP answer, the exit code of a
// command (0 done, 1 failed, 2 usage, 3 not found, 4 refused, 69 service unavailable).
struct error_kind_info {
    const char *word;
    int         http_status;
    int         exit_code;
};

const struct error_kind_info *error_kind_info(enum error_kind kind);

int error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
// "format: strerror(errnum)". ENOSPC, EDQUOT and ENOMEM become ERROR_NO_SPACE, ENOENT
// ERROR_NOT_FOUND, EACCES and EPERM ERROR_DENIED, EEXIST ERROR_EXISTS, EBUSY ERROR_BUSY.
int error_sys(struct error *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);
// Puts "format: " before the message that is there.
int error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
// Takes over a kind, errno and message that came through a socket; forces them into bounds.
int error_adopt(struct error *err, int kind, int errnum, const char *message, size_t n_message);
