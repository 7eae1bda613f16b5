// SPDX-License-Identifier: MIT
#include "files/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/text.h"
#include "files/frame.h"

#define IN_BYTES    65536u
#define OUT_BYTES   (4 * FRAME_MAX)
#define RETRIES_MAX 1000u // of one archive

struct unpack {
    struct archive *archive;
    int             in_fd, out_fd;
    int64_t         position, n_file; // of the archive's file
    int             in_errno;         // reading it failed
    bool            is_short;         // it speaks of what would be behind its end
    size_t          n_out;
    uint8_t         in[IN_BYTES], out[OUT_BYTES];
};

// ---- the archive's file -----------------------------------------------------------------------

static la_ssize_t read_some(struct archive *archive, void *user, const void **ret)
{
    struct unpack *unpack = user;
    ssize_t        n;

    do
        n = pread(unpack->in_fd, unpack->in, sizeof unpack->in, unpack->position);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        unpack->in_errno = errno;
        archive_set_error(archive, errno, "reading failed");
        return ARCHIVE_FATAL;
    }
    unpack->position += n;
    *ret = unpack->in;
    return n;
}

static la_int64_t skip(struct archive *archive, void *user, la_int64_t n)
{
    struct unpack *unpack = user;

    (void)archive;
    if (n < 0 || unpack->position > unpack->n_file || n > unpack->n_file - unpack->position)
        return 0; // it reads, and meets the end
    unpack->position += n;
    return n;
}

static la_int64_t seek(struct archive *archive, void *user, la_int64_t offset, int whence)
{
    struct unpack *unpack = user;
    int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? unpack->position : unpack->n_file;
    int64_t position;

    (void)archive;
    if (__builtin_add_overflow(from, offset, &position) || position < 0)
        return ARCHIVE_FATAL;
    if (position > unpack->n_file)
        unpack->is_short = true;
    unpack->position = position;
    return position;
}

// ---- frames -----------------------------------------------------------------------------------

static int flush(struct unpack *unpack)
{
    struct error ignored;

    int r = fd_write_all(unpack->out_fd, unpack->out, unpack->n_out, &ignored);
    unpack->n_out = 0;
    return r;
}

// Room for a frame of `n_bytes`, its header included.
static int make_room(struct unpack *unpack, size_t n_bytes)
{
    return unpack->n_out + n_bytes > sizeof unpack->out ? flush(unpack) : 0;
}

static void add_header(struct unpack *unpack, struct frame_header header)
{
    header.position = (uint64_t)unpack->position;
    memcpy(unpack->out + unpack->n_out, &header, sizeof header);
    unpack->n_out += sizeof header;
}

static int say(struct unpack *unpack, enum frame_kind kind, uint16_t flags, uint32_t detail,
               const void *bytes, size_t n)
{
    struct frame_header header = frame_header(kind, n, detail);

    header.flags = flags;
    if (make_room(unpack, sizeof header + n) < 0)
        return -1;
    add_header(unpack, header);
    if (n > 0)
        memcpy(unpack->out + unpack->n_out, bytes, n);
    unpack->n_out += n;
    return 0;
}

// What the library's words say about what is wrong: it has no numbers for it.
static enum frame_error error_of(const struct unpack *unpack, const char *text)
{
    static const struct {
        const char      *words;
        enum frame_error error;
    } rows[] = {
        { "ncrypt", FRAME_ERROR_ENCRYPTED },
        { "assphrase", FRAME_ERROR_ENCRYPTED },
        { "runcated", FRAME_ERROR_TRUNCATED },
        { "remature end", FRAME_ERROR_TRUNCATED },
        { "nexpected end", FRAME_ERROR_TRUNCATED },
        { "lloc", FRAME_ERROR_MEMORY },
        { "emory", FRAME_ERROR_MEMORY },
        { "failed (-5)", FRAME_ERROR_TRUNCATED }, // zlib wants more
        { "Unrecognized archive", FRAME_ERROR_FORMAT },
    };

    if (unpack->in_errno)
        return FRAME_ERROR_READING;
    if (archive_errno(unpack->archive) == ENOMEM)
        return FRAME_ERROR_MEMORY;
    for (size_t i = 0; i < ELEMENTS(rows); i++)
        if (strstr(text, rows[i].words))
            return rows[i].error;
    return unpack->is_short ? FRAME_ERROR_TRUNCATED : FRAME_ERROR_DAMAGED;
}

static int say_error(struct unpack *unpack, enum frame_error error, const char *text)
{
    char clean[FRAME_TEXT_MAX + 1];

    return say(unpack, FRAME_ERROR, 0, error, clean,
               text_sanitize(clean, sizeof clean, text, strlen(text)));
}

static int say_library_error(struct unpack *unpack)
{
    const char *text = archive_error_string(unpack->archive);

    text = text ? text : "";
    return say_error(unpack, error_of(unpack, text), text);
}

// ---- entries ----------------------------------------------------------------------------------

// 1: there was more to come; 0: the file is at its end; -1: nobody listens; -2: said what is wrong.
static int say_data(struct unpack *unpack)
{
    struct frame_header header = frame_header(FRAME_DATA, 0, 0);

    if (make_room(unpack, sizeof header + FRAME_DATA_MAX) < 0)
        return -1;
    la_ssize_t n = archive_read_data(unpack->archive, unpack->out + unpack->n_out + sizeof header,
                                     FRAME_DATA_MAX);
    if (n == ARCHIVE_RETRY || n == ARCHIVE_WARN)
        return 1;
    if (n < 0)
        return say_library_error(unpack) < 0 ? -1 : -2;
    if (n == 0)
        return 0;
    header.n_bytes = (uint32_t)n;
    add_header(unpack, header);
    unpack->n_out += (size_t)n;
    return 1;
}

static int say_file(struct unpack *unpack, uint16_t flags, const char *path, size_t n)
{
    unsigned n_retries = 0;
    int      r = say(unpack, FRAME_FILE, flags, 0, path, n);

    while (r >= 0) {
        size_t before = unpack->n_out;
        r = say_data(unpack);
        if (r <= 0)
            return r;
        if (unpack->n_out == before && ++n_retries > RETRIES_MAX)
            return say_error(unpack, FRAME_ERROR_DAMAGED, "") < 0 ? -1 : -2;
    }
    return r;
}

static uint16_t path_flags(const struct unpack *unpack)
{
    int format = archive_format(unpack->archive) & ARCHIVE_FORMAT_BASE_MASK;

    return format == ARCHIVE_FORMAT_ZIP || format == ARCHIVE_FORMAT_RAR ? FRAME_IS_CP437 : 0;
}

// As say_data.
static int say_entry(struct unpack *unpack, struct archive_entry *entry)
{
    const char *path = archive_entry_pathname(entry);
    size_t      n = path ? strlen(path) : 0;
    uint16_t    flags = path_flags(unpack);

    if (n == 0 || n > FRAME_PATH_MAX)
        return say_error(unpack, FRAME_ERROR_NAME, "") < 0 ? -1 : -2;
    if (archive_entry_is_encrypted(entry))
        return say_error(unpack, FRAME_ERROR_ENCRYPTED, "") < 0 ? -1 : -2;
    if (archive_entry_hardlink(entry))
        return say(unpack, FRAME_OTHER, flags, FRAME_OTHER_HARDLINK, path, n);
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return say(unpack, FRAME_DIR, flags, 0, path, n);
    case AE_IFLNK:
        return say(unpack, FRAME_OTHER, flags, FRAME_OTHER_SYMLINK, path, n);
    case AE_IFREG:
    case 0: // some formats do not say
        if (archive_entry_perm(entry) & 0111)
            flags |= FRAME_IS_PROGRAM;
        return say_file(unpack, flags, path, n);
    default:
        return say(unpack, FRAME_OTHER, flags, FRAME_OTHER_SPECIAL, path, n);
    }
}

static int say_all(struct unpack *unpack)
{
    struct archive_entry *entry;
    unsigned              n_retries = 0;

    if (archive_read_open1(unpack->archive) != ARCHIVE_OK)
        return say_library_error(unpack);
    for (;;) {
        int r = archive_read_next_header(unpack->archive, &entry);
        if (r == ARCHIVE_EOF)
            return say(unpack, FRAME_END, 0, 0, NULL, 0);
        if (r == ARCHIVE_RETRY && ++n_retries < RETRIES_MAX)
            continue;
        if (r < ARCHIVE_WARN)
            return say_library_error(unpack);
        r = say_entry(unpack, entry);
        if (r < 0)
            return r == -2 ? 0 : -1;
    }
}

// ---- from outside -----------------------------------------------------------------------------

struct unpack *unpack_free(struct unpack *unpack)
{
    if (unpack && unpack->archive)
        (void)archive_read_free(unpack->archive); // it was only read
    free(unpack);
    return NULL;
}

static void unpack_freep(struct unpack **unpack)
{
    *unpack = unpack_free(*unpack);
}

int unpack_prepare(struct unpack **ret, int in_fd, int out_fd, struct error *err)
{
    static int (*const supports[])(struct archive *) = {
        archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
        archive_read_support_filter_xz,   archive_read_support_filter_zstd,
        archive_read_support_format_tar,  archive_read_support_format_zip,
        archive_read_support_format_7zip, archive_read_support_format_rar,
        archive_read_support_format_rar5,
    };
    AUTO(unpack_freep) struct unpack *unpack = calloc(1, sizeof *unpack);
    struct stat                       st;

    if (fstat(in_fd, &st) < 0)
        return error_sys(err, errno, "looking at the archive");
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID, "the archive is not a regular file");
    // Some formats hold names in UTF-16: they come out in the locale's set, which must be able to.
    if (!unpack || !setlocale(LC_CTYPE, "C.UTF-8"))
        return error_sys(err, ENOMEM, "preparing to read an archive");
    // ZIP has local times, which nobody asks for: for them no file about a zone may be opened
    // later.
    if (setenv("TZ", "UTC0", 1) < 0)
        return error_sys(err, errno, "preparing to read an archive");
    tzset();
    unpack->in_fd = in_fd;
    unpack->out_fd = out_fd;
    unpack->n_file = st.st_size;
    unpack->archive = archive_read_new();
    if (!unpack->archive)
        return error_sys(err, ENOMEM, "preparing to read an archive");
    for (size_t i = 0; i < ELEMENTS(supports); i++)
        if (supports[i](unpack->archive) !=
            ARCHIVE_OK) // a warning: by another program, which is not to be run
            return error_set(err, ERROR_SYSTEM, "libarchive lacks a format");
    if (archive_read_set_read_callback(unpack->archive, read_some) != ARCHIVE_OK ||
        archive_read_set_skip_callback(unpack->archive, skip) != ARCHIVE_OK ||
        archive_read_set_seek_callback(unpack->archive, seek) != ARCHIVE_OK ||
        archive_read_set_callback_data(unpack->archive, unpack) != ARCHIVE_OK)
        return error_set(err, ERROR_SYSTEM, "preparing to read an archive");
    *ret = TAKE(unpack);
    return 0;
}

int unpack_run(struct unpack *unpack)
{
    return say_all(unpack) < 0 ? -1 : flush(unpack);
}

void unpack_fail(int out_fd, const struct error *err)
{
    char                text[FRAME_TEXT_MAX + 1];
    struct frame_header header = frame_header(
        FRAME_ERROR, text_sanitize(text, sizeof text, err->message, strlen(err->message)),
        FRAME_ERROR_SANDBOX);
    struct error ignored;

    if (fd_write_all(out_fd, &header, sizeof header, &ignored) == 0)
        (void)!fd_write_all(out_fd, text, header.n_bytes, &ignored); // or it ends without a word
}
