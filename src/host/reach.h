// SPDX-License-Identifier: MIT
#pragma once

// reach: whether somebody listens where a socket unit says that it does.

// 0, or the errno that says why nobody is reached within two seconds. `address` is as systemd words
// it: "127.0.0.1:8080", "[::1]:8080", or a path. EAFNOSUPPORT: it is something else.
int reach(const char *address);
