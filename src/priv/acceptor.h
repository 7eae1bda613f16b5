// SPDX-License-Identifier: MIT
#pragma once

// acceptor: serves each connection of a listening socket in a process of its own.
//
// The init system owns the socket and starts the program when somebody calls for the first time.
// A child is forked for each connection, answers one request and ends, so no request sees anything
// of another and a crash ends one request. The parent reads nothing that a peer sends; all it knows
// of its children is how many there are.

#include "base/error.h"

#define ACCEPTOR_CHILDREN_MAX 512u // at once; who comes after them waits in the socket's queue

// What becomes, when the program is to stop, of the requests that are at work.
enum acceptor_stop {
    ACCEPTOR_FINISHES, // they are waited for
    ACCEPTOR_ENDS,     // they have no end of their own, and are ended
};

// Serves until SIGTERM, then waits for the children that are still at work; nobody is served any
// more who has not been accepted. `serve` runs in the child and borrows the connection; what it
// returns is the child's exit status, 0 for success.
// A machine that is short of descriptors, memory or processes is waited for. Fails when the init
// system handed over no socket, or it can no longer be listened to.
int acceptor_run(int (*serve)(int fd), enum acceptor_stop stop, struct error *err) MUST_USE;
// The whole main() of such a program: serves, says why it ended, returns its exit code.
int acceptor_main(int (*serve)(int fd), enum acceptor_stop stop);
