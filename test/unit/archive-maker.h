// SPDX-License-Identifier: MIT
#pragma once

// archive-maker: archives made of one line of text, for tests of unpacking.
//
// Items "K path[=data]" between semicolons. K: f file, x program, d directory, l symbolic link, h
// hard link, c device, p FIFO, and N for a file of so many zeros as data says. Paths may hold any
// bytes but '=' and ';'.

#include <archive.h>
#include <archive_entry.h>
#include "unit.h"
#include <errno.h>
#include <sys/mman.h>

// How it is packed.
struct archive_kind {
    const char *name;
    int (*set_format)(struct archive *);
    int (*add_filter)(struct archive *); // NULL: none
};

static const struct archive_kind archive_kinds[] = {
    { "zip", archive_write_set_format_zip, NULL },
    { "7z", archive_write_set_format_7zip, NULL },
    { "tar", archive_write_set_format_gnutar, NULL },
    { "pax", archive_write_set_format_pax_restricted, NULL },
    { "tar.gz", archive_write_set_format_gnutar, archive_write_add_filter_gzip },
    { "tar.xz", archive_write_set_format_gnutar, archive_write_add_filter_xz },
    { "tar.zst", archive_write_set_format_gnutar, archive_write_add_filter_zstd },
    { "tar.bz2", archive_write_set_format_gnutar, archive_write_add_filter_bzip2 },
};

static const struct archive_kind *const archive_zip = &archive_kinds[0];
static const struct archive_kind *const archive_tar = &archive_kinds[2];

static inline void archive_add_bytes(struct archive *archive, const char *data, uint64_t zeros)
{
    static const char block[65536];

    if (data)
        assert_int_equal(archive_write_data(archive, data, strlen(data)), strlen(data));
    for (uint64_t n; zeros > 0; zeros -= n) {
        n = zeros < sizeof block ? zeros : sizeof block;
        assert_int_equal(archive_write_data(archive, block, n), n);
    }
}

static inline void archive_add_item(struct archive *archive, char kind, const char *path,
                                    const char *data)
{
    struct archive_entry *entry = archive_entry_new();
    uint64_t              zeros = kind == 'N' ? strtoull(data, NULL, 10) : 0;
    bool                  is_file = strchr("fxN", kind);

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, kind == 'd'   ? AE_IFDIR
                                      : kind == 'l' ? AE_IFLNK
                                      : kind == 'c' ? AE_IFCHR
                                      : kind == 'p' ? AE_IFIFO
                                                    : AE_IFREG);
    archive_entry_set_perm(entry, kind == 'x' || kind == 'd' ? 0755 : 0644);
    if (kind == 'l')
        archive_entry_set_symlink(entry, data);
    if (kind == 'h')
        archive_entry_set_hardlink(entry, data);
    archive_entry_set_size(entry, is_file ? (int64_t)(kind == 'N' ? zeros
                                                      : data      ? strlen(data)
                                                                  : 0)
                                          : 0);
    if (archive_write_header(archive, entry) < ARCHIVE_WARN)
        fail_msg("%s: %s", path, archive_error_string(archive));
    if (is_file)
        archive_add_bytes(archive, kind == 'N' ? NULL : data, zeros);
    archive_entry_free(entry);
}

// A descriptor of what `read_only_path` names afterwards, open for reading alone.
static inline int archive_reopen(int fd)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int ret = open(path, O_RDONLY | O_CLOEXEC);
    assert_return_code(ret, errno);
    close(fd);
    return ret;
}

// The archive, in memory, open for reading alone. `password`: of a zip; or NULL.
static inline int archive_make(const struct archive_kind *kind, const char *items,
                               const char *password)
{
    struct archive *archive = archive_write_new();
    char            copy[8192], *rest = copy;

    snprintf(copy, sizeof copy, "%s", items);
    int fd = memfd_create("archive", MFD_CLOEXEC);
    assert_return_code(fd, errno);
    assert_int_equal(kind->set_format(archive), ARCHIVE_OK);
    if (kind->add_filter)
        assert_int_equal(kind->add_filter(archive), ARCHIVE_OK);
    if (password) {
        assert_int_equal(archive_write_set_options(archive, "zip:encryption=traditional"),
                         ARCHIVE_OK);
        assert_int_equal(archive_write_set_passphrase(archive, password), ARCHIVE_OK);
    }
    assert_int_equal(archive_write_open_fd(archive, fd), ARCHIVE_OK);
    for (char *item; (item = strsep(&rest, ";"));) {
        item += strspn(item, " ");
        if (!*item)
            continue;
        char *data = strchr(item, '=');
        if (data)
            *data++ = '\0';
        archive_add_item(archive, item[0], item + 2, data);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    return archive_reopen(fd);
}

static inline int archive_of_bytes(const void *bytes, size_t n)
{
    int fd = memfd_create("archive", MFD_CLOEXEC);

    assert_return_code(fd, errno);
    assert_int_equal(write(fd, bytes, n), n);
    return archive_reopen(fd);
}
