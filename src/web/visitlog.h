// SPDX-License-Identifier: MIT
#pragma once

// visitlog: a line for each request, on a descriptor that the journal reads.
//
//   GET /api/v1/me 200 412 1.374 192.0.2.1 bill 5f3ac0010000001f
//
// That is: method, path, status (0: the client was gone before), bytes of the answer, milliseconds,
// address, who asked ("-": nobody that is known), and the id that the answer carries. No part holds
// a space. Only so many lines are written in a second, and none is waited for: how many there
// should have been besides is told in a line of its own.

#include "web/visit.h"

struct visitlog;

// `fd` is borrowed.
int visitlog_open(struct visitlog **ret, sd_event *event, int fd, struct error *err) MUST_USE;
struct visitlog *visitlog_close(struct visitlog *log); // takes NULL, returns NULL

// `user` may be "".
void visitlog_add(struct visitlog *log, const struct visit *visit, int status, uint64_t n_bytes,
                  const char *user);
