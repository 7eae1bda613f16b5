// SPDX-License-Identifier: MIT
#pragma once

// loop: waits on descriptors and timers, in one thread.
//
// A source may be freed at any time, also by its own callback.

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_source;

// `what` is the epoll events of a descriptor, or how often a timer has expired since the last call.
typedef void loop_fn(void *userdata, uint64_t what);

int          loop_new(struct loop **ret, struct error *err) MUST_USE;
struct loop *loop_free(struct loop *loop); // takes NULL, returns NULL

// Watches `fd` (borrowed) for `events` (EPOLLIN, EPOLLOUT, or 0 for none).
int  loop_add_fd(struct loop_source **ret, struct loop *loop, int fd, uint32_t events, loop_fn *fn,
                 void *userdata, struct error *err) MUST_USE;
void loop_set_events(struct loop_source *source, uint32_t events);

// A timer that is not armed.
int loop_add_timer(struct loop_source **ret, struct loop *loop, loop_fn *fn, void *userdata,
                   struct error *err) MUST_USE;
// First expiry after `first_us` (0: disarm), then every `every_us` (0: never again).
void loop_set_timer(struct loop_source *source, uint64_t first_us, uint64_t every_us);

struct loop_source *loop_source_free(struct loop_source *source); // takes NULL, returns NULL

int      loop_run(struct loop *loop, struct error *err) MUST_USE; // until loop_stop()
void     loop_stop(struct loop *loop);
uint64_t loop_now_us(void); // monotonic
