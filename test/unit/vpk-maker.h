// SPDX-License-Identifier: MIT
#pragma once

// vpk-maker: archives of every kind for tests, byte by byte, so that they can be broken on purpose.

#include "unit.h"
#include <md5.h>
#include "pak/crc32.h"

#define MAKER_SAME  0x7fffu // in the directory file itself
#define MAKER_PARTS 3u

struct maker_bytes {
    uint8_t *bytes;
    size_t   n, room;
};

struct maker {
    unsigned           version;
    struct maker_bytes tree; // without its end
    struct maker_bytes data;
    struct maker_bytes parts[MAKER_PARTS];
    struct maker_bytes pieces;    // version 2: MD5 sums of pieces
    struct maker_bytes signature; // likewise
    bool               has_others;
    uint32_t           tree_tail, data_tail; // bytes too many behind tree and file
};

static inline void maker_put(struct maker_bytes *to, const void *bytes, size_t n)
{
    if (to->n + n >= to->room) {
        to->room = 2 * (to->n + n + 1);
        to->bytes = realloc(to->bytes, to->room);
        assert_non_null(to->bytes);
    }
    if (n)
        memcpy(to->bytes + to->n, bytes, n);
    to->n += n;
}

static inline void maker_put_u32(struct maker_bytes *to, uint32_t number)
{
    maker_put(to, &number, sizeof number); // little-endian like us
}

static inline void maker_put_u16(struct maker_bytes *to, uint16_t number)
{
    maker_put(to, &number, sizeof number);
}

static inline void maker_done(struct maker *maker)
{
    free(maker->tree.bytes);
    free(maker->data.bytes);
    for (size_t i = 0; i < MAKER_PARTS; i++)
        free(maker->parts[i].bytes);
    free(maker->pieces.bytes);
    free(maker->signature.bytes);
}

struct maker_entry {
    const char *extension, *folder, *name;
    uint32_t    crc32;
    const char *preload;
    uint16_t    n_preload;
    uint16_t    archive;
    uint32_t    offset, length;
};

// An entry as it is told, in lists of its own: the same extension and folder may come again.
static inline void maker_entry(struct maker *maker, const struct maker_entry *entry)
{
    maker_put(&maker->tree, entry->extension, strlen(entry->extension) + 1);
    maker_put(&maker->tree, entry->folder, strlen(entry->folder) + 1);
    maker_put(&maker->tree, entry->name, strlen(entry->name) + 1);
    maker_put_u32(&maker->tree, entry->crc32);
    maker_put_u16(&maker->tree, entry->n_preload);
    maker_put_u16(&maker->tree, entry->archive);
    maker_put_u32(&maker->tree, entry->offset);
    maker_put_u32(&maker->tree, entry->length);
    maker_put_u16(&maker->tree, 0xffff);
    maker_put(&maker->tree, entry->preload, entry->n_preload);
    maker_put(&maker->tree, "\0", 2);
}

static inline void maker_split(const char *path, char extension[64], char folder[512],
                               char name[256])
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    const char *dot = strrchr(file, '.');

    snprintf(folder, 512, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : " ");
    snprintf(name, 256, "%.*s", dot ? (int)(dot - file) : (int)strlen(file), file);
    snprintf(extension, 64, "%s", dot ? dot + 1 : " ");
    if (!*name)
        snprintf(name, 256, " ");
}

// A whole file: its first `n_preload` bytes in the directory, the others in `archive`.
static inline void maker_add(struct maker *maker, const char *path, const void *bytes, size_t n,
                             uint16_t n_preload, uint16_t archive)
{
    char                extension[64], folder[512], name[256];
    struct maker_bytes *to = archive == MAKER_SAME ? &maker->data : &maker->parts[archive];

    maker_split(path, extension, folder, name);
    struct maker_entry entry = { extension,
                                 folder,
                                 name,
                                 crc32_update(0, bytes, n),
                                 bytes,
                                 n_preload,
                                 archive,
                                 (uint32_t)to->n,
                                 (uint32_t)(n - n_preload) };
    maker_entry(maker, &entry);
    maker_put(to, (const char *)bytes + n_preload, n - n_preload);
}

static inline void maker_md5(uint8_t md5[16], const void *bytes, size_t n)
{
    MD5_CTX context;

    MD5Init(&context);
    MD5Update(&context, bytes, n);
    MD5Final(md5, &context);
}

// The sum of `n` bytes from `offset` on of a part, or of the data.
static inline void maker_piece(struct maker *maker, uint16_t archive, uint32_t offset, uint32_t n)
{
    const struct maker_bytes *of = archive == MAKER_SAME ? &maker->data : &maker->parts[archive];
    uint8_t                   md5[16];

    maker_md5(md5, n ? of->bytes + offset : NULL, n);
    maker_put_u32(&maker->pieces, archive);
    maker_put_u32(&maker->pieces, offset);
    maker_put_u32(&maker->pieces, n);
    maker_put(&maker->pieces, md5, sizeof md5);
}

// The bytes of the directory file; the caller frees them.
static inline struct maker_bytes maker_file(const struct maker *maker)
{
    struct maker_bytes file = { 0 };
    uint8_t            md5[16];
    uint32_t           n_tree = (uint32_t)maker->tree.n + 1 + maker->tree_tail;

    maker_put_u32(&file, 0x55aa1234);
    maker_put_u32(&file, maker->version);
    maker_put_u32(&file, n_tree);
    if (maker->version == 2) {
        maker_put_u32(&file, (uint32_t)maker->data.n);
        maker_put_u32(&file, (uint32_t)maker->pieces.n);
        maker_put_u32(&file, maker->has_others ? 48 : 0);
        maker_put_u32(&file, (uint32_t)maker->signature.n);
    }
    size_t at = file.n;
    maker_put(&file, maker->tree.bytes, maker->tree.n);
    for (uint32_t i = 0; i < maker->tree_tail + 1; i++)
        maker_put(&file, "", 1);
    maker_put(&file, maker->data.bytes, maker->data.n);
    maker_put(&file, maker->pieces.bytes, maker->pieces.n);
    if (maker->has_others) {
        maker_md5(md5, file.bytes + at, n_tree);
        maker_put(&file, md5, sizeof md5);
        maker_md5(md5, maker->pieces.bytes, maker->pieces.n);
        maker_put(&file, md5, sizeof md5);
        maker_md5(md5, file.bytes, file.n);
        maker_put(&file, md5, sizeof md5);
    }
    maker_put(&file, maker->signature.bytes, maker->signature.n);
    for (uint32_t i = 0; i < maker->data_tail; i++)
        maker_put(&file, "x", 1);
    return file;
}

static inline void maker_write(int dir_fd, const char *name, const uint8_t *bytes, size_t n)
{
    struct error err;
    AUTO_FD      fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes, n, &err), 0);
}

// Writes `name`, and the parts that have bytes beside it, when it ends in "_dir.vpk".
static inline void maker_save(const struct maker *maker, int dir_fd, const char *name)
{
    struct maker_bytes file = maker_file(maker);
    char               part[64];

    maker_write(dir_fd, name, file.bytes, file.n);
    free(file.bytes);
    for (size_t i = 0; i < MAKER_PARTS; i++) {
        snprintf(part, sizeof part, "%.*s_%03zu.vpk", (int)(strlen(name) - strlen("_dir.vpk")),
                 name, i);
        if (maker->parts[i].n)
            maker_write(dir_fd, part, maker->parts[i].bytes, maker->parts[i].n);
    }
}
