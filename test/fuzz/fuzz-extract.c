// SPDX-License-Identifier: MIT

// fuzz-extract: an archive from the upload to the tree, with the reader in its sandbox. It is taken
// or refused with a sentence; what is in the tree afterwards has names that may be made, nothing is
// left aside, and the reader is never ended by its filter: it needs nothing that it has not got.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/tree.h"
#include "files/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char source[64];
static int  source_fd = -1;

static void remove_source(void)
{
    struct error err;

    (void)!tree_empty(source_fd, &err); // it is below /tmp
    (void)rmdir(source);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    (void)snprintf(source, sizeof source,
                   "/dev/shm/left4me-fuzz-XXXXXX"); // syncing costs nothing there
    if (!mkdtemp(source))
        abort();
    source_fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source_fd < 0 || atexit(remove_source) != 0)
        abort();
    return 0;
}

static int file_of(const uint8_t *bytes, size_t n_bytes)
{
    AUTO_FD      fd = memfd_create("archive", MFD_CLOEXEC);
    char         path[32];
    struct error err;

    if (fd < 0 || fd_write_all(fd, bytes, n_bytes, &err) < 0)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static const struct space_limits    limits = { 1 << 20, 1000, 1 << 20 };
    static const struct extract_options options = {
        .program = UNPACK_PROGRAM, .path = "d", .existing = MERGE_REPLACE, .strips_one = true
    };
    AUTO(space_closep) struct space *space = NULL;
    struct extract_result            result;
    struct space_usage               usage;
    struct error                     err = { 0 };
    unsigned                         depth;
    AUTO_FD                          fd = file_of(bytes, n_bytes);

    if (space_open(&space, source_fd, &limits, &err) < 0)
        abort();
    if (extract_run(&result, space, fd, &options, &err) < 0) {
        // "what it may not do", "died of signal": neither may an archive bring about.
        if (!err.message[0] || strstr(err.message, "may not do") ||
            strstr(err.message, "died of")) {
            (void)fprintf(stderr, "%s\n", err.message);
            abort();
        }
    }
    if (space_count(&usage, &depth, space->stage_fd, &err) < 0 || usage.entries != 0)
        abort();
    if (tree_empty(space->tree_fd, &err) < 0)
        abort();
    return 0;
}
