// SPDX-License-Identifier: MIT
#pragma once

// pack-make: writes VPK archives, version 1, whose files lie in the directory, for tests.

#include "unit.h"
#include "pak/crc32.h"

#define PACK_BYTES_MAX 65536u

struct pack_bytes {
    uint8_t bytes[PACK_BYTES_MAX];
    size_t  n;
};

static inline void pack_put(struct pack_bytes *pack, const void *bytes, size_t n)
{
    assert_true(n <= sizeof pack->bytes - pack->n);
    memcpy(pack->bytes + pack->n, bytes, n);
    pack->n += n;
}

// A part of a path, a space in place of an empty one.
static inline void pack_put_text(struct pack_bytes *pack, const char *text, size_t n)
{
    pack_put(pack, n ? text : " ", n ? n : 1);
    pack_put(pack, "", 1);
}

static inline void pack_put_file(struct pack_bytes *pack, const char *path, const char *content)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t      n_name = dot ? (size_t)(dot - name) : strlen(name), n = strlen(content);
    uint32_t    crc = crc32_update(0, content, n);
    uint8_t     fields[18] = { 0 };

    pack_put_text(pack, dot ? dot + 1 : "", dot ? strlen(dot + 1) : 0);
    pack_put_text(pack, path, slash ? (size_t)(slash - path) : 0);
    pack_put_text(pack, name, n_name);
    memcpy(fields, &crc, sizeof crc);
    fields[4] = (uint8_t)n;
    fields[5] = (uint8_t)(n >> 8);
    memcpy(fields + 6, "\xff\x7f", 2);
    memcpy(fields + 16, "\xff\xff", 2);
    pack_put(pack, fields, sizeof fields);
    pack_put(pack, content, n);
    pack_put(pack, "\0\0", 2);
}

// Writes a pack below the directory, making the directories in between. `files` is "path=content",
// with a '|' between them.
static inline void pack_make(int dir_fd, const char *path, const char *files)
{
    struct pack_bytes *pack = calloc(1, sizeof *pack);
    char              *copy = strdup(files), *rest = copy;
    uint8_t            header[12] = "\x34\x12\xaa\x55\x01";
    uint32_t           n;

    assert_non_null(pack);
    pack_put(pack, header, sizeof header);
    for (char *file; (file = strsep(&rest, "|"));) {
        char *content = strchr(file, '=');
        if (content)
            *content++ = '\0';
        if (*file)
            pack_put_file(pack, file, content ? content : "");
    }
    pack_put(pack, "", 1);
    n = (uint32_t)(pack->n - sizeof header);
    memcpy(pack->bytes + 8, &n, sizeof n);
    unit_write(dir_fd, path, "");
    AUTO_FD fd = openat(dir_fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, pack->bytes, pack->n), pack->n);
    free(copy);
    free(pack);
}
