// SPDX-License-Identifier: MIT
#pragma once

// frame: what the program that reads archives says to the one that started it.
//
// A stream of frames through a pipe: a header of fixed size, then as many bytes as it announces.
//
//     (FILE DATA* | DIR | OTHER)* (END | ERROR)
//
// The reader works on hostile input and may have been taken over by it, so nothing in a stream is
// believed: the parser checks every field and the order, and a name is only bytes.

#include <stdint.h>
#include "base/error.h"

#define FRAME_PATH_MAX 4096u  // bytes
#define FRAME_DATA_MAX 65536u // bytes
#define FRAME_TEXT_MAX 160u   // bytes of an error's explanation
#define FRAME_MAX      (sizeof(struct frame_header) + FRAME_DATA_MAX)

enum frame_kind {
    FRAME_FILE = 1, // a regular file: its path; its data follows
    FRAME_DIR,      // a directory: its path
    FRAME_OTHER,    // something that is left out: its path; detail: enum frame_other
    FRAME_DATA,     // of the file before it
    FRAME_END,      // the archive was read to its end
    FRAME_ERROR,    // it was not; detail: enum frame_error; the library's words, if they help
    FRAME_KIND_COUNT,
};

enum frame_other {
    FRAME_OTHER_SYMLINK,
    FRAME_OTHER_HARDLINK,
    FRAME_OTHER_SPECIAL, // a device, FIFO or socket
    FRAME_OTHER_COUNT,
};

enum frame_error {
    FRAME_ERROR_FORMAT, // no archive, or of a kind that is not read
    FRAME_ERROR_ENCRYPTED,
    FRAME_ERROR_TRUNCATED,
    FRAME_ERROR_DAMAGED,
    FRAME_ERROR_MEMORY,  // it asks for more than the reader is given
    FRAME_ERROR_NAME,    // a name is missing or too long
    FRAME_ERROR_READING, // reading the archive's file failed
    FRAME_ERROR_SANDBOX, // the reader could not lock itself in, and did not begin
    FRAME_ERROR_COUNT,
};

#define FRAME_IS_PROGRAM 0x1u // of FRAME_FILE: it has an x bit
#define FRAME_IS_CP437   0x2u // of paths: what is not UTF-8 is of a DOS code page

struct frame_header {
    uint32_t magic;
    uint16_t kind; // enum frame_kind
    uint16_t flags;
    uint32_t n_bytes; // that follow
    uint32_t detail;
    uint64_t position; // how far the archive has been read, in bytes
};

struct frame {
    struct frame_header header;
    const uint8_t      *bytes;   // header.n_bytes, borrowed from what was parsed
    size_t              n_total; // of the whole frame
};

// What has come so far. Begins as zeros.
struct frame_state {
    bool is_in_file; // data may come
    bool is_over;    // nothing may come
};

// Takes the frame at the start of `bytes`. 1: *ret is it; 0: it is not there whole yet; -1, with
// ERROR_INVALID: this is no stream of ours.
int frame_parse(struct frame *ret, struct frame_state *state, const void *bytes, size_t n,
                struct error *err) MUST_USE;

struct frame_header frame_header(enum frame_kind kind, size_t n_bytes, uint32_t detail);
