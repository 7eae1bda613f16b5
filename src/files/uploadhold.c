// SPDX-License-Identifier: MIT
#include "files/uploadhold.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/hex.h"

_Static_assert(UPLOAD_HASH == crypto_hash_sha256_BYTES, "a hash is a hash");

void upload_done(struct upload *upload)
{
    upload->part_fd = fd_close(upload->part_fd);
    upload->map_fd = fd_close(upload->map_fd);
    upload->state_fd = fd_close(upload->state_fd);
    upload->dir_fd = fd_close(upload->dir_fd);
}

struct upload upload_none(void)
{
    return (struct upload){ .dir_fd = -1, .state_fd = -1, .map_fd = -1, .part_fd = -1 };
}

bool upload_is_id(const char *id)
{
    return strlen(id) == 2 * (size_t)UPLOAD_ID_BYTES && strspn(id, HEX_DIGITS) == strlen(id);
}

int upload_say_gone(const char *id, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "there is no upload '%.40s'", id);
}

int upload_open_file(int *ret, int dir_fd, const char *name, int flags, struct error *err)
{
    int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening the upload's %s", name);
    *ret = fd;
    return 0;
}

static int read_state(struct upload *upload, struct error *err)
{
    char    bytes[sizeof(struct upload_state) + 1];
    ssize_t n = fd_read_up_to(upload->state_fd, bytes, sizeof bytes);

    if (n < 0)
        return error_sys(err, errno, "reading the state of an upload");
    if (upload_state_parse(&upload->state, bytes, (size_t)n, err) < 0)
        return -1;
    upload->n_chunks = upload_n_chunks(upload->state.total, upload->state.chunk_bytes);
    return 0;
}

int upload_hold(struct upload *upload, const struct space *space, const char *id, int lock,
                struct error *err)
{
    struct stat st;
    int         r;

    if (!upload_is_id(id))
        return upload_say_gone(id, err);
    upload->dir_fd = openat(space->uploads_fd, id, UPLOAD_DIR_FLAGS);
    if (upload->dir_fd < 0)
        return errno == ENOENT ? upload_say_gone(id, err)
                               : error_sys(err, errno, "opening an upload");
    if (upload_open_file(&upload->state_fd, upload->dir_fd, UPLOAD_STATE_FILE, O_RDONLY, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? upload_say_gone(id, err) : -1;
    do
        r = flock(upload->state_fd, lock);
    while (r < 0 && errno == EINTR);
    if (r < 0 || fstat(upload->state_fd, &st) < 0)
        return error_sys(err, errno, "holding an upload");
    if (st.st_nlink == 0) // it ended while we waited
        return upload_say_gone(id, err);
    if (read_state(upload, err) < 0 ||
        upload_open_file(&upload->map_fd, upload->dir_fd, UPLOAD_MAP_FILE, O_RDWR, err) < 0)
        return -1;
    upload->part_fd = openat(upload->dir_fd, UPLOAD_PART_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (upload->part_fd < 0 && errno != ENOENT)
        return error_sys(err, errno, "opening the upload's bytes");
    return 0;
}

int upload_write_at(int fd, const void *bytes, size_t n, uint64_t offset, struct error *err)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t put = pwrite(fd, p, n, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_sys(err, errno, "writing a chunk");
        p += put;
        n -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

int upload_read_map(uint8_t **ret, const struct upload *upload, struct error *err)
{
    size_t               n = (size_t)upload->n_chunks * UPLOAD_HASH;
    AUTO(freep) uint8_t *map = calloc(1, n + 1);

    if (!map)
        return error_sys(err, ENOMEM, "reading an upload");
    if (pread(upload->map_fd, map, n, 0) < 0) // short after a power cut, if at all
        return error_sys(err, errno, "reading an upload");
    *ret = TAKE(map);
    return 0;
}

bool upload_is_chunk_there(const uint8_t *map, uint32_t chunk)
{
    return !sodium_is_zero(map + (size_t)chunk * UPLOAD_HASH, UPLOAD_HASH);
}
