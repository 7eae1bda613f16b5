// SPDX-License-Identifier: MIT

// packwrite: an archive, written as it is read.

#include "admin/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "files/filename.h"
#include "host/buffer.h"

#define BLOCK_BYTES 65536u
#define PATH_ROOM   (FILENAME_PATH_MAX + 256u)

struct pack {
    struct archive          *archive;
    struct manifest          manifest;
    struct buffer            sums;
    uint8_t                  block[BLOCK_BYTES];
    char                     path[PATH_ROOM]; // of pack_add_tree()
    const struct pack_tree  *tree;
    crypto_hash_sha256_state hash;
};

static int raise(const struct pack *pack, struct error *err)
{
    const char *why = archive_error_string(pack->archive);

    if (archive_errno(pack->archive) > 0)
        return error_sys(err, archive_errno(pack->archive), "writing the archive");
    return error_set(err, ERROR_SYSTEM, "writing the archive: %s", why ? why : "it failed");
}

void pack_freep(struct pack **pack)
{
    if (!*pack)
        return;
    if ((*pack)->archive)
        (void)archive_write_free((*pack)->archive); // what failed was said
    buffer_done(&(*pack)->sums);
    free(*pack);
}

int pack_begin(struct pack **ret, int fd, const struct manifest *manifest, struct error *err)
{
    AUTO(pack_freep) struct pack *pack = calloc(1, sizeof *pack);

    if (!pack || !(pack->archive = archive_write_new()))
        return error_sys(err, ENOMEM, "beginning an archive");
    // Names are UTF-8, whatever the shell of the caller says.
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return error_set(err, ERROR_SYSTEM, "the locale C.UTF-8 is missing");
    pack->manifest = *manifest;
    if (archive_write_set_format_pax_restricted(pack->archive) != ARCHIVE_OK ||
        archive_write_add_filter_zstd(pack->archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(pack->archive, 1) != ARCHIVE_OK ||
        archive_write_open_fd(pack->archive, fd) != ARCHIVE_OK)
        return raise(pack, err);
    *ret = TAKE(pack);
    return 0;
}

// ---- entries -----------------------------------------------------------------------------------

static int add_header(struct pack *pack, const char *path, unsigned type, unsigned mode, uint64_t n,
                      struct error *err)
{
    struct archive_entry *entry = archive_entry_new();

    if (!entry)
        return error_sys(err, ENOMEM, "writing an archive");
    if (pack->manifest.files + pack->manifest.dirs >= PACK_ENTRIES_MAX) {
        archive_entry_free(entry);
        return error_set(err, ERROR_INVALID, "more than %u files and directories are too many",
                         PACK_ENTRIES_MAX);
    }
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, mode);
    archive_entry_set_size(entry, (int64_t)n);
    archive_entry_set_mtime(entry, pack->manifest.made_unix_s, 0);
    int r = archive_write_header(pack->archive, entry);
    archive_entry_free(entry);
    return r == ARCHIVE_OK ? 0 : raise(pack, err);
}

static int add_data(struct pack *pack, const void *bytes, size_t n, struct error *err)
{
    (void)crypto_hash_sha256_update(&pack->hash, bytes, n); // it does not fail
    return archive_write_data(pack->archive, bytes, n) == (la_ssize_t)n ? 0 : raise(pack, err);
}

static int begin_file(struct pack *pack, const char *path, bool is_program, uint64_t n,
                      struct error *err)
{
    (void)crypto_hash_sha256_init(&pack->hash); // likewise
    return add_header(pack, path, AE_IFREG, is_program ? 0750 : 0640, n, err);
}

static int end_file(struct pack *pack, const char *path, uint64_t n, struct error *err)
{
    uint8_t hash[MANIFEST_HASH];
    char    hex[2 * MANIFEST_HASH + 1];

    (void)crypto_hash_sha256_final(&pack->hash, hash);        // likewise
    (void)sodium_bin2hex(hex, sizeof hex, hash, sizeof hash); // it fits
    buffer_printf(&pack->sums, "%s  %s\n", hex, path);
    pack->manifest.files++;
    pack->manifest.bytes += n;
    return buffer_check(&pack->sums, err);
}

int pack_add_bytes(struct pack *pack, const char *path, const void *bytes, size_t n,
                   struct error *err)
{
    if (pack_check_path(path, err) < 0 || begin_file(pack, path, false, n, err) < 0 ||
        add_data(pack, bytes, n, err) < 0)
        return -1;
    return end_file(pack, path, n, err);
}

// What was promised in the header must come.
static int copy_file(struct pack *pack, const char *path, int fd, uint64_t n, struct error *err)
{
    for (uint64_t left = n; left > 0;) {
        ssize_t n_read = fd_read_up_to(fd, pack->block, MIN(left, BLOCK_BYTES));
        if (n_read < 0)
            return error_sys(err, errno, "reading '%.160s'", path);
        if (n_read == 0)
            return error_set(err, ERROR_BUSY, "'%.160s' was changed while it was read: try again",
                             path);
        if (add_data(pack, pack->block, (size_t)n_read, err) < 0)
            return -1;
        left -= (uint64_t)n_read;
    }
    return 0;
}

static int add_open_file(struct pack *pack, const char *path, int fd, const struct stat *st,
                         struct error *err)
{
    uint64_t n = (uint64_t)st->st_size;

    if (begin_file(pack, path, st->st_mode & S_IXUSR, n, err) < 0 ||
        copy_file(pack, path, fd, n, err) < 0)
        return -1;
    return end_file(pack, path, n, err);
}

int pack_add_open(struct pack *pack, const char *path, int fd, struct error *err)
{
    struct stat st;

    if (pack_check_path(path, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at '%.160s'", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "'%.160s' is no file", path);
    return add_open_file(pack, path, fd, &st, err);
}

int pack_add_file(struct pack *pack, const char *path, int dir_fd, const char *name,
                  struct error *err)
{
    AUTO_FD  fd = -1;
    uint64_t n = 0;

    if (fd_open_file(&fd, &n, dir_fd, name, err) < 0)
        return -1;
    return pack_add_open(pack, path, fd, err);
}

// ---- trees -------------------------------------------------------------------------------------

static int walk(struct pack *pack, int dir_fd, size_t n_path, unsigned depth, struct error *err);

static void skip(const struct pack *pack, const char *why)
{
    if (pack->tree->skip)
        pack->tree->skip(pack->tree->user, pack->path, why);
}

static int add_dir(struct pack *pack, int parent_fd, const char *name, unsigned depth,
                   struct error *err)
{
    AUTO_FD fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || depth >= PACK_DEPTH_MAX) {
        skip(pack, fd < 0 ? "cannot be read" : "is too deep");
        return 0;
    }
    if (add_header(pack, pack->path, AE_IFDIR, 0750, 0, err) < 0)
        return -1;
    pack->manifest.dirs++;
    return walk(pack, fd, strlen(pack->path), depth + 1, err);
}

static int add_entry(struct pack *pack, int dir_fd, const char *name, unsigned depth,
                     struct error *err)
{
    struct error ignored; // it is left out
    struct stat  st;
    AUTO_FD      fd = -1;

    if (pack_check_path(pack->path, &ignored) < 0) {
        skip(pack, "has a name that is not taken");
        return 0;
    }
    // What is no file or directory is not even opened.
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0; // it was removed since it was listed
    if (S_ISDIR(st.st_mode))
        return add_dir(pack, dir_fd, name, depth, err);
    if (S_ISREG(st.st_mode))
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        skip(pack, S_ISREG(st.st_mode) ? "cannot be read" : "is no file");
        return 0;
    }
    return add_open_file(pack, pack->path, fd, &st, err);
}

static int walk(struct pack *pack, int dir_fd, size_t n_path, unsigned depth, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, dir_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (filename_is_hidden(name))
            continue; // what was being written
        int n = snprintf(pack->path + n_path, sizeof pack->path - n_path, "/%s", name);
        if (n < 0 || (size_t)n >= sizeof pack->path - n_path)
            skip(pack, "is too long");
        else if (add_entry(pack, dir_fd, name, depth, err) < 0)
            return -1;
        pack->path[n_path] = '\0';
    }
    return r;
}

int pack_add_tree(struct pack *pack, const char *path, int dir_fd, const struct pack_tree *tree,
                  struct error *err)
{
    (void)snprintf(pack->path, sizeof pack->path, "%s", path); // a few words of ours
    pack->tree = tree;
    if (add_header(pack, path, AE_IFDIR, 0750, 0, err) < 0)
        return -1;
    pack->manifest.dirs++;
    return walk(pack, dir_fd, strlen(pack->path), 0, err);
}

// ---- the end -----------------------------------------------------------------------------------

static int add_last(struct pack *pack, const char *path, const char *bytes, size_t n,
                    struct error *err)
{
    if (begin_file(pack, path, false, n, err) < 0)
        return -1;
    return add_data(pack, bytes, n, err);
}

// One that could not be read again is worth nothing.
static int check_ratio(const struct pack *pack, struct error *err)
{
    uint64_t in = (uint64_t)archive_filter_bytes(pack->archive, 0);
    uint64_t out = (uint64_t)archive_filter_bytes(pack->archive, -1);

    if (in > PACK_RATIO_FROM && in / PACK_RATIO_MAX > out)
        return error_set(err, ERROR_INVALID,
                         "what is packed is almost nothing but zeros, and would be refused when it "
                         "is unpacked");
    return 0;
}

int pack_finish(struct pack *pack, struct manifest *ret, struct error *err)
{
    AUTO(freep) char *text = NULL;
    const char       *sums = pack->sums.n ? pack->sums.bytes : "";

    if (add_last(pack, MANIFEST_SUMS_FILE, sums, pack->sums.n, err) < 0)
        return -1;
    (void)crypto_hash_sha256(pack->manifest.sums, (const uint8_t *)sums,
                             pack->sums.n); // it does not fail
    text = manifest_format(&pack->manifest);
    if (!text)
        return error_sys(err, ENOMEM, "writing an archive");
    if (add_last(pack, MANIFEST_FILE, text, strlen(text), err) < 0)
        return -1;
    if (archive_write_close(pack->archive) != ARCHIVE_OK)
        return raise(pack, err);
    *ret = pack->manifest;
    return check_ratio(pack, err);
}
