// SPDX-License-Identifier: MIT
#pragma once

// tidy: what the broker asks of left4me-tidy, and how.
//
// One request of fixed size over a socket that only root may use, one reply. The lock under which
// the broker acts goes along: should the broker die, the directories stay locked until the work in
// them has ended.

#include "base/protocol.h"

#define TIDY_SOCKET    "/run/left4me-host/tidy.sock"
#define TIDY_WITHIN_MS 120000 // a large upper takes its time; the work goes on when this is over

enum tidy_action {
    TIDY_INSTANCE_CREATE = 1,
    TIDY_INSTANCE_WIPE,
    TIDY_INSTANCE_REMOVE,
    TIDY_BUILD_CREATE,
    TIDY_BUILD_REMOVE,
    TIDY_OVERLAY_CREATE,
    TIDY_OVERLAY_WIPE, // its cache alone
    TIDY_OVERLAY_REMOVE,
    TIDY_ACTION_COUNT,
};

struct tidy_request {
    uint32_t             magic;
    uint32_t             action; // enum tidy_action
    struct instance_name name;   // of an instance; all zero with the others
    uint32_t             number; // of a build or an overlay; 0 with an instance
};

struct tidy_reply {
    uint32_t magic;
    uint32_t kind; // enum error_kind
    int32_t  errnum;
    char     message[ERROR_MESSAGE_MAX];
};

// ERROR_INVALID for what is not a request.
int tidy_request_check(const struct tidy_request *request, size_t n_bytes, struct error *err)
    MUST_USE;

// Asks and waits. Borrows the lock. Fails with left4me-tidy's own error; with ERROR_UNAVAILABLE
// when it does not listen or dies, ERROR_TIMEOUT when it is still at work.
int tidy_ask(const struct tidy_request *request, int lock_fd, struct error *err) MUST_USE;
