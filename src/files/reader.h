// SPDX-License-Identifier: MIT
#pragma once

// reader: the program that reads an archive, from the outside: started, listened to, ended.
//
// It is another program and no fork of the caller, so it has nothing of the caller's memory, which
// may hold secrets, nor its locks. It is given the archive as descriptor 0, a pipe as descriptor 1,
// nothing else, and an empty environment; see sandbox.h for what it leaves itself.

#include <sys/types.h>
#include "files/frame.h"

struct reader {
    pid_t              pid; // 0: none
    int                fd;  // of the pipe
    struct frame_state state;
    size_t             from, n; // what of `bytes` is not parsed yet
    bool               is_at_end;
    uint8_t            bytes[4 * FRAME_MAX];
};

// `archive_fd` is a regular file, open for reading alone. The reader begins as zeros, fd -1.
int reader_start(struct reader *reader, const char *program, int archive_fd, struct error *err)
    MUST_USE;
// 1: *ret is the next frame, its bytes borrowed until the next call; 0: none came within
// `timeout_ms`. After FRAME_END there is none to ask for. -1 says what it died of.
int reader_next(struct reader *reader, struct frame *ret, int timeout_ms, struct error *err)
    MUST_USE;
// The sentence of a FRAME_ERROR. Returns -1.
int reader_explain(const struct frame *frame, struct error *err);
// Waits for the end after FRAME_END: it must be a good one.
int  reader_finish(struct reader *reader, struct error *err) MUST_USE;
void reader_done(struct reader *reader); // kills it if it is there
