// SPDX-License-Identifier: MIT
#include "files/import.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "base/fd.h"
#include "files/upload.h"

static int put_all(struct space *space, const char *id, int fd, uint64_t total,
                   const struct import_options *options, struct error *err)
{
    AUTO(freep) uint8_t *bytes = malloc(UPLOAD_CHUNK_DEFAULT);
    uint8_t              hash[UPLOAD_HASH];

    _Static_assert(crypto_hash_sha256_BYTES == UPLOAD_HASH, "the same hash");
    if (!bytes)
        return error_sys(err, ENOMEM, "importing a file");
    for (uint64_t at = 0; at < total;) {
        size_t n = (size_t)MIN(total - at, UPLOAD_CHUNK_DEFAULT);
        if (fd_read_exactly(fd, bytes, n, err) < 0)
            return error_prefix(err, "it changed while it was read");
        (void)crypto_hash_sha256(hash, bytes, n); // always returns 0
        if (upload_put(space, id, at, bytes, n, hash, err) < 0)
            return -1;
        at += n;
        if (options->tick && !options->tick(options->user, at, total))
            return error_set(err, ERROR_FAILED, "interrupted: nothing has changed");
    }
    return 0;
}

int import_file(struct listing_entry *ret, struct space *space, const char *path, int fd,
                const struct import_options *options, struct error *err)
{
    struct upload_options upload = { .path = path,
                                     .replaces = options->replaces,
                                     .only_if = options->only_if,
                                     .is_program = options->is_program };
    struct upload_id      id;
    struct stat           st;
    struct error          ignored; // a sweep finds it if this does not

    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at the file");
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "only a regular file can be put there");
    upload.total = (uint64_t)st.st_size;
    if (upload_begin(&id, space, &upload, err) < 0)
        return -1;
    if (put_all(space, id.text, fd, upload.total, options, err) == 0 &&
        upload_finish(ret, space, id.text, err) == 0)
        return 0;
    (void)!upload_abort(space, id.text, &ignored);
    return -1;
}
