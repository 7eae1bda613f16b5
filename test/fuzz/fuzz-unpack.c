// SPDX-License-Identifier: MIT

// fuzz-unpack: the reader of archives, from the archive to its last frame. In this process and
// without the sandbox, so that what the library does is seen; the sandbox has its own test.
// Whatever goes in, what comes out is a stream that the other side takes, with an end.
//
// The other side, and the sandbox around it, are looked at by fuzz-extract.

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/fd.h"
#include "files/frame.h"
#include "files/unpack.h"

#define OUT_MAX (8u << 20) // bytes: what is more is a bomb

int         LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
const char *__asan_default_options(void);
int         __lsan_is_turned_off(void);

// As the sandbox limits it: more is refused, which the library must live with.
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=768";
}

// Where memory runs out in the middle of something, the library ends its process: in the sandbox
// that is the end of the child, and what it said so far counts for nothing. What it held is lost.
static jmp_buf ended;
static bool    is_at_work;

void exit(int code)
{
    if (is_at_work)
        longjmp(ended, 1);
    (void)fflush(NULL); // nothing more to do
    _exit(code);
}

int __lsan_is_turned_off(void)
{
    return 1;
}

static int file_of(const uint8_t *bytes, size_t n_bytes)
{
    int          fd = memfd_create("archive", MFD_CLOEXEC);
    struct error err;

    if (fd < 0 || fd_write_all(fd, bytes, n_bytes, &err) < 0)
        abort();
    return fd;
}

static void check_stream(int fd)
{
    static uint8_t     out[OUT_MAX];
    struct frame_state state = { 0 };
    struct frame       frame = { .n_total = 0 };
    struct error       err;
    off_t              end = lseek(fd, 0, SEEK_CUR); // the file is larger than what was written
    ssize_t            n = pread(fd, out, (size_t)MAX(end, 0), 0);
    size_t             at = 0;
    int                r;

    if (n < 0)
        abort();
    while ((r = frame_parse(&frame, &state, out + at, (size_t)n - at, &err)) > 0)
        at += frame.n_total;
    if (r < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct unpack *unpack = NULL;
    struct error   err;
    int            in = file_of(bytes, n_bytes);
    int            out = memfd_create("frames", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    // A file that cannot grow ends a bomb, as the pipe does when nobody reads any more.
    if (out < 0 || ftruncate(out, OUT_MAX) < 0 || fcntl(out, F_ADD_SEALS, F_SEAL_GROW) < 0 ||
        unpack_prepare(&unpack, in, out, &err) < 0)
        abort();
    is_at_work = true;
    if (setjmp(ended) == 0) {
        (void)!unpack_run(unpack); // -1 is such an end
        (void)unpack_free(unpack);
        check_stream(out);
    }
    is_at_work = false;
    close(in);
    close(out);
    return 0;
}
