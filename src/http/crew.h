// SPDX-License-Identifier: MIT
#pragma once

// crew: sends to many sockets at once, on as many threads as there are processors.
//
// A send costs the kernel some microseconds, and of ten thousand the last one waits for all others.
// The loop hands over a list, takes its part of it, and goes on when all of it is done: until then
// nothing else happens, so the threads see descriptors and bytes alone, and nothing is locked that
// belongs to a connection. The threads are made when there is first something for them.

#include <stddef.h>
#include <sys/types.h>

#define CREW_MIN     128u // a list that is worth waking somebody up
#define CREW_THREADS 3u   // besides the loop, at most

struct crew;

struct crew_send {
    int         fd;
    const void *bytes;
    size_t      n;
    ssize_t     result; // how many the kernel took, or -errno; EAGAIN: none for now
};

struct crew *crew_new(void);               // NULL: out of memory
struct crew *crew_free(struct crew *crew); // takes NULL, returns NULL
void         crew_send(struct crew *crew, struct crew_send *sends, size_t n);
