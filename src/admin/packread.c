// SPDX-License-Identifier: MIT

// packread: an archive, checked to its end and, if that is wanted, made into a tree.

#include "admin/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/hash64.h"
#include "files/extract.h"
#include "files/filename.h"
#include "files/reader.h"

#define WAIT_MS   60000 // for what the reader does at a stretch
#define PATH_ROOM (FILENAME_PATH_MAX + 256u)
#define LINE_ROOM (PATH_ROOM + 2 * MANIFEST_HASH + 4)
#define DIR_MODE  0750

struct unpacking {
    const struct pack_options *options;
    struct reader              reader;
    uint64_t                  *paths; // a hash of each, to find one that comes twice
    size_t                     n_paths, capacity;
    uint64_t                   files, dirs, bytes;
    uint64_t                   n_archive;             // bytes of its file
    crypto_hash_sha256_state   sums;                  // of the list as it should be
    crypto_hash_sha256_state   hash;                  // of the file at hand
    uint8_t                    listed[MANIFEST_HASH]; // of the list that came
    bool                       is_in_file, has_list, has_manifest;
    int                        fd; // of the file at hand; -1: it is not written
    uint64_t                   n_file;
    char                       path[PATH_ROOM];
    char                       manifest[MANIFEST_MAX + 1];
};

static void unpacking_freep(struct unpacking **unpacking)
{
    if (!*unpacking)
        return;
    reader_done(&(*unpacking)->reader);
    (void)fd_close((*unpacking)->fd);
    free((*unpacking)->paths);
    free(*unpacking);
}

// ---- paths -------------------------------------------------------------------------------------

// How many names before the tree that somebody has filled.
static unsigned n_names_above(const char *path)
{
    static const struct {
        const char *word;
        unsigned    n;
    } rows[] = { { "sources/", 3 }, { "uppers/", 2 } };

    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strncmp(path, rows[i].word, strlen(rows[i].word)) == 0)
            return rows[i].n;
    return 0;
}

int pack_check_path(const char *path, struct error *err)
{
    char        above[PATH_ROOM];
    const char *rest = path;

    for (unsigned n = n_names_above(path); n > 0 && strchr(rest, '/'); n--)
        rest = strchr(rest, '/') + 1;
    size_t n_above = (size_t)(rest - path);
    if (n_above >= sizeof above)
        return error_set(err, ERROR_INVALID, "a path is too long");
    if (n_above > 0) {
        memcpy(above, path, n_above);
        above[n_above - 1] = '\0';
        if (filename_check(above, err) < 0)
            return -1;
    }
    return filename_check(rest, err);
}

// Not the same path twice, whatever the file system thinks of it.
static int note_path(struct unpacking *unpacking, struct error *err)
{
    if (unpacking->n_paths >= PACK_ENTRIES_MAX + 2)
        return error_set(err, ERROR_INVALID, "the archive has more than %u entries",
                         PACK_ENTRIES_MAX);
    if (unpacking->n_paths == unpacking->capacity) {
        size_t    capacity = MAX(2 * unpacking->capacity, (size_t)1024);
        uint64_t *paths = reallocarray(unpacking->paths, capacity, sizeof *paths);
        if (!paths)
            return error_sys(err, ENOMEM, "reading an archive");
        unpacking->paths = paths;
        unpacking->capacity = capacity;
    }
    unpacking->paths[unpacking->n_paths++] = hash64_of(unpacking->path, strlen(unpacking->path));
    return 0;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int check_paths(struct unpacking *unpacking, struct error *err)
{
    if (unpacking->n_paths > 0)
        qsort(unpacking->paths, unpacking->n_paths, sizeof *unpacking->paths, compare_hashes);
    for (size_t i = 1; i < unpacking->n_paths; i++)
        if (unpacking->paths[i] == unpacking->paths[i - 1])
            return error_set(err, ERROR_INVALID, "the archive has a path twice");
    return 0;
}

static int take_path(struct unpacking *unpacking, const struct frame *frame, struct error *err)
{
    size_t n = frame->header.n_bytes;

    // tar writes a slash behind a directory.
    if (frame->header.kind == FRAME_DIR && n > 1 && frame->bytes[n - 1] == '/')
        n--;
    if (n >= sizeof unpacking->path)
        return error_set(err, ERROR_INVALID, "the archive has a path that is too long");
    memcpy(unpacking->path, frame->bytes, n);
    unpacking->path[n] = '\0';
    if (strlen(unpacking->path) != n)
        return error_set(err, ERROR_INVALID, "the archive has a path with a NUL");
    if (unpacking->has_manifest)
        return error_set(err, ERROR_INVALID, "the archive goes on after its end");
    return pack_check_path(unpacking->path, err) < 0 ? -1 : note_path(unpacking, err);
}

// ---- making ------------------------------------------------------------------------------------

// Opens the directory of what comes, making what is missing; *ret_name is the last component.
static int open_parent(int *ret, const char **ret_name, const struct unpacking *unpacking,
                       struct error *err)
{
    AUTO_FD     fd = fcntl(unpacking->options->to_fd, F_DUPFD_CLOEXEC, 3);
    const char *rest = unpacking->path;
    char        name[FILENAME_BYTES_MAX + 1];

    for (const char *slash; fd >= 0 && (slash = strchr(rest, '/')); rest = slash + 1) {
        memcpy(name, rest, (size_t)(slash - rest)); // it was checked
        name[slash - rest] = '\0';
        if (mkdirat(fd, name, DIR_MODE) < 0 && errno != EEXIST)
            return error_sys(err, errno, "making '%.160s'", unpacking->path);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        (void)fd_close(fd);
        fd = next;
    }
    if (fd < 0)
        return error_sys(err, errno, "making '%.160s'", unpacking->path);
    *ret = TAKE_FD(fd);
    *ret_name = rest;
    return 0;
}

static int make(struct unpacking *unpacking, const struct frame *frame, struct error *err)
{
    AUTO_FD     fd = -1;
    const char *name = NULL;
    mode_t      mode = frame->header.flags & FRAME_IS_PROGRAM ? 0750 : 0640;

    if (unpacking->options->to_fd < 0)
        return 0;
    if (open_parent(&fd, &name, unpacking, err) < 0)
        return -1;
    if (frame->header.kind == FRAME_DIR) {
        if (mkdirat(fd, name, DIR_MODE) < 0 && errno != EEXIST)
            return error_sys(err, errno, "making '%.160s'", unpacking->path);
        return 0;
    }
    unpacking->fd = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (unpacking->fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_EXISTS, "'%.160s' comes twice, or is there already",
                         unpacking->path);
    return unpacking->fd < 0 ? error_sys(err, errno, "making '%.160s'", unpacking->path) : 0;
}

// ---- entries -----------------------------------------------------------------------------------

static bool is_list(const struct unpacking *unpacking)
{
    return strcmp(unpacking->path, MANIFEST_SUMS_FILE) == 0;
}

static bool is_manifest(const struct unpacking *unpacking)
{
    return strcmp(unpacking->path, MANIFEST_FILE) == 0;
}

static void add_line(struct unpacking *unpacking, const uint8_t hash[MANIFEST_HASH])
{
    char line[LINE_ROOM], hex[2 * MANIFEST_HASH + 1];

    (void)sodium_bin2hex(hex, sizeof hex, hash, MANIFEST_HASH);                          // it fits
    int n = snprintf(line, sizeof line, "%s  %s\n", hex, unpacking->path);               // likewise
    (void)crypto_hash_sha256_update(&unpacking->sums, (const uint8_t *)line, (size_t)n); // no fail
}

static int end_file(struct unpacking *unpacking, struct error *err)
{
    uint8_t hash[MANIFEST_HASH];

    if (!unpacking->is_in_file)
        return 0;
    unpacking->is_in_file = false;
    (void)crypto_hash_sha256_final(&unpacking->hash, hash); // it does not fail
    if (is_manifest(unpacking)) {
        unpacking->has_manifest = true;
    } else if (is_list(unpacking)) {
        unpacking->has_list = true;
        memcpy(unpacking->listed, hash, sizeof hash);
    } else {
        add_line(unpacking, hash);
        unpacking->files++;
        unpacking->bytes += unpacking->n_file;
    }
    int fd = TAKE_FD(unpacking->fd);
    return fd >= 0 && close(fd) < 0 ? error_sys(err, errno, "writing '%.160s'", unpacking->path)
                                    : 0;
}

static int begin_file(struct unpacking *unpacking, const struct frame *frame, struct error *err)
{
    bool is_last = is_manifest(unpacking);

    if (unpacking->has_list && !is_last)
        return error_set(err, ERROR_INVALID, "the archive has a file that is in no list");
    if (is_last && !unpacking->has_list)
        return error_set(err, ERROR_INVALID, "the archive has no list of its files");
    unpacking->is_in_file = true;
    unpacking->n_file = 0;
    (void)crypto_hash_sha256_init(&unpacking->hash); // it does not fail
    return is_last || is_list(unpacking) ? 0 : make(unpacking, frame, err);
}

static int take_data(struct unpacking *unpacking, const struct frame *frame, struct error *err)
{
    size_t   n = frame->header.n_bytes;
    uint64_t total = unpacking->bytes + unpacking->n_file + n;

    if (is_manifest(unpacking)) {
        if (unpacking->n_file + n > MANIFEST_MAX)
            return error_set(err, ERROR_INVALID, MANIFEST_FILE " is too large");
        memcpy(unpacking->manifest + unpacking->n_file, frame->bytes, n);
    }
    if (is_list(unpacking) && unpacking->n_file + n > PACK_SUMS_MAX)
        return error_set(err, ERROR_INVALID, "the archive's list of files is too large");
    if (total > PACK_RATIO_FROM && total / PACK_RATIO_MAX > unpacking->n_archive)
        return error_set(err, ERROR_INVALID,
                         "the archive unpacks to far more than it could hold: it is refused");
    unpacking->n_file += n;
    (void)crypto_hash_sha256_update(&unpacking->hash, frame->bytes, n); // it does not fail
    return unpacking->fd < 0 ? 0 : fd_write_all(unpacking->fd, frame->bytes, n, err);
}

static int refuse_other(const struct frame *frame, struct error *err)
{
    static const char *const words[] = {
        [FRAME_OTHER_SYMLINK] = "a symbolic link",
        [FRAME_OTHER_HARDLINK] = "a hard link",
        [FRAME_OTHER_SPECIAL] = "a device or the like",
    };

    return error_set(err, ERROR_INVALID, "the archive has %s, and is none of ours",
                     frame->header.detail < FRAME_OTHER_COUNT ? words[frame->header.detail]
                                                              : "something else");
}

static int take_frame(struct unpacking *unpacking, const struct frame *frame, struct error *err)
{
    switch ((enum frame_kind)frame->header.kind) {
    case FRAME_FILE:
        if (end_file(unpacking, err) < 0 || take_path(unpacking, frame, err) < 0)
            return -1;
        return begin_file(unpacking, frame, err);
    case FRAME_DIR:
        if (end_file(unpacking, err) < 0 || take_path(unpacking, frame, err) < 0)
            return -1;
        unpacking->dirs++;
        return make(unpacking, frame, err);
    case FRAME_DATA:
        return take_data(unpacking, frame, err);
    case FRAME_OTHER:
        return refuse_other(frame, err);
    case FRAME_ERROR:
        return reader_explain(frame, err);
    case FRAME_END:
        return end_file(unpacking, err);
    case FRAME_KIND_COUNT:
        break;
    }
    return error_set(err, ERROR_INVALID, "the reader of archives said something else");
}

// ---- all of it ---------------------------------------------------------------------------------

static int read_all(struct unpacking *unpacking, int archive_fd, struct error *err)
{
    const char  *program = unpacking->options->program;
    struct frame frame = { 0 };

    if (reader_start(&unpacking->reader, program ? program : EXTRACT_PROGRAM, archive_fd, err) < 0)
        return -1;
    do {
        int r = reader_next(&unpacking->reader, &frame, WAIT_MS, err);
        if (r == 0)
            return error_set(err, ERROR_TIMEOUT, "the reader of archives does not go on");
        if (r < 0 || take_frame(unpacking, &frame, err) < 0)
            return -1;
    } while (frame.header.kind != FRAME_END);
    return reader_finish(&unpacking->reader, err);
}

static int check(struct manifest *ret, struct unpacking *unpacking, struct error *err)
{
    uint8_t sums[MANIFEST_HASH];

    if (check_paths(unpacking, err) < 0)
        return -1;
    if (!unpacking->has_manifest)
        return error_set(err, ERROR_INVALID,
                         "the archive has no " MANIFEST_FILE
                         ": it is none of ours, or was cut off");
    if (manifest_parse(ret, unpacking->manifest, unpacking->n_file, err) < 0)
        return -1;
    (void)crypto_hash_sha256_final(&unpacking->sums, sums); // it does not fail
    if (memcmp(sums, ret->sums, sizeof sums) != 0 ||
        memcmp(sums, unpacking->listed, sizeof sums) != 0 || ret->files != unpacking->files ||
        ret->dirs != unpacking->dirs || ret->bytes != unpacking->bytes)
        return error_set(err, ERROR_INVALID,
                         "the archive is damaged: a file in it is not what it was when it was made "
                         "('tar -x' and 'sha256sum -c " MANIFEST_SUMS_FILE "' tell which one)");
    if (ret->kind != unpacking->options->kind)
        return error_set(err, ERROR_INVALID, "the archive is of the kind '%s', not '%s'",
                         manifest_kind_word(ret->kind),
                         manifest_kind_word(unpacking->options->kind));
    return 0;
}

int pack_read(struct manifest *ret, int archive_fd, const struct pack_options *options,
              struct error *err)
{
    AUTO(unpacking_freep) struct unpacking *unpacking = calloc(1, sizeof *unpacking);
    struct manifest                         manifest = { 0 };

    struct stat st;

    if (!unpacking)
        return error_sys(err, ENOMEM, "reading an archive");
    if (fstat(archive_fd, &st) < 0)
        return error_sys(err, errno, "looking at the archive");
    unpacking->n_archive = (uint64_t)st.st_size;
    unpacking->options = options;
    unpacking->fd = unpacking->reader.fd = -1;
    (void)crypto_hash_sha256_init(&unpacking->sums); // it does not fail
    if (read_all(unpacking, archive_fd, err) < 0 || check(&manifest, unpacking, err) < 0)
        return -1;
    *ret = manifest;
    return 0;
}
