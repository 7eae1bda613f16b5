// SPDX-License-Identifier: MIT
#pragma once

// notify: tells the init system how the service is, as sd_notify(3) does, without its library.

#include "base/error.h"

// Sends "KEY=VALUE\n..." to $NOTIFY_SOCKET; without one it does nothing.
int notify_send(const char *text, struct error *err) MUST_USE;

// The same, with the descriptor `fd` attached; it stays the caller's.
int notify_send_fd(const char *text, int fd, struct error *err) MUST_USE;

// Waits, at most `timeout_ms`, until the init system has dealt with everything sent so far.
int notify_barrier(int timeout_ms, struct error *err) MUST_USE;
