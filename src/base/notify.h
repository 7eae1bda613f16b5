// SPDX-License-Identifier: MIT
#pragma once

// notify: tells the init system how the service is, as sd_notify(3) does, without its library.

#include "base/error.h"

// Sends "KEY=VALUE\n..." to $NOTIFY_SOCKET; without one it does nothing.
int notify_send(const char *text, struct error *err) MUST_USE;
