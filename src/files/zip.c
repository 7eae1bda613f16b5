// SPDX-License-Identifier: MIT
#include "files/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "files/filename.h"

#define BLOCK_BYTES 131072u

struct zip {
    const struct zip_options *options;
    struct archive           *archive;
    struct archive_entry     *entry; // used again for each
    int                       out_fd;
    struct error              out_error; // why writing failed
    bool                      is_dead;   // nothing is written any more
    bool                      is_storing;
    struct zip_counts         counts;
    char                      path[PATH_MAX]; // of what is at hand, in the archive
    char                      block[BLOCK_BYTES];
};

static void zip_freep(struct zip **zip)
{
    if (!*zip)
        return;
    if ((*zip)->entry)
        archive_entry_free((*zip)->entry);
    (*zip)->is_dead = true; // what it writes as its end is for nobody
    if ((*zip)->archive)
        (void)archive_write_free((*zip)->archive);
    free(*zip);
}

// ---- libarchive -------------------------------------------------------------------------------

// Never fails as libarchive sees it: an archive that failed keeps its memory when it is freed
// (3.6).
static la_ssize_t write_out(struct archive *archive, void *user, const void *bytes, size_t n)
{
    struct zip *zip = user;

    (void)archive;
    if (!zip->is_dead && fd_write_all(zip->out_fd, bytes, n, &zip->out_error) < 0)
        zip->is_dead = true;
    return (la_ssize_t)n;
}

static int fail(const struct zip *zip, const char *doing, struct error *err)
{
    const char *text = archive_error_string(zip->archive);

    if (zip->is_dead) {
        *err = zip->out_error;
        return error_prefix(err, "the zip file");
    }
    return error_set(err, ERROR_FAILED, "%s '%.80s' into the zip file failed: %.80s", doing,
                     zip->path, text ? text : "no reason given");
}

static bool is_packed(const char *name)
{
    static const char *const endings[] = { ".7z",  ".bz2", ".dem", ".gz",  ".jpg", ".mp3", ".mp4",
                                           ".ogg", ".png", ".rar", ".vpk", ".xz",  ".zip", ".zst" };
    const char              *ending = strrchr(name, '.');

    for (size_t i = 0; ending && i < ELEMENTS(endings); i++)
        if (strcasecmp(ending, endings[i]) == 0)
            return true;
    return false;
}

static int set_storing(struct zip *zip, bool is_storing, struct error *err)
{
    if (is_storing == zip->is_storing)
        return 0;
    int r = is_storing ? archive_write_zip_set_compression_store(zip->archive)
                       : archive_write_zip_set_compression_deflate(zip->archive);
    if (r != ARCHIVE_OK)
        return fail(zip, "packing", err);
    zip->is_storing = is_storing;
    return 0;
}

static int begin_entry(struct zip *zip, const struct stat *st, struct error *err)
{
    bool is_dir = S_ISDIR(st->st_mode);

    archive_entry_clear(zip->entry);
    archive_entry_set_pathname(zip->entry, zip->path);
    archive_entry_set_filetype(zip->entry, is_dir ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(zip->entry, is_dir || st->st_mode & 0100 ? 0755 : 0644);
    archive_entry_set_size(zip->entry, is_dir ? 0 : st->st_size);
    archive_entry_set_mtime(zip->entry, st->st_mtim.tv_sec, 0);
    if (set_storing(zip, is_dir || zip->options->level == 0 || is_packed(zip->path), err) < 0)
        return -1;
    if (archive_write_header(zip->archive, zip->entry) < ARCHIVE_WARN || zip->is_dead)
        return fail(zip, "packing", err);
    return 0;
}

// ---- the tree ---------------------------------------------------------------------------------

// Writes what the file had when it was opened; zeros for what it has lost meanwhile.
static int pack_bytes(struct zip *zip, int fd, uint64_t size, struct error *err)
{
    while (size > 0) {
        size_t  want = (size_t)MIN(size, BLOCK_BYTES);
        ssize_t n = fd_read_up_to(fd, zip->block, want);
        if (n < 0)
            return error_sys(err, errno, "reading '%.160s'", zip->path);
        memset(zip->block + n, 0, want - (size_t)n);
        if (zip->options->is_cancelled && zip->options->is_cancelled(zip->options->user))
            return error_set(err, ERROR_FAILED, "it was cancelled");
        if (archive_write_data(zip->archive, zip->block, want) != (la_ssize_t)want || zip->is_dead)
            return fail(zip, "packing", err);
        zip->counts.bytes += want;
        size -= want;
    }
    return 0;
}

static int pack_file(struct zip *zip, int dir_fd, const char *name, struct error *err)
{
    AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return 0; // removed since it was listed
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening '%.160s'", zip->path);
    if (!S_ISREG(st.st_mode)) {
        zip->counts.left_out++;
        return 0;
    }
    zip->counts.files++;
    if (begin_entry(zip, &st, err) < 0)
        return -1;
    return pack_bytes(zip, fd, (uint64_t)st.st_size, err);
}

static int pack_dir(struct zip *zip, int fd, unsigned depth, struct error *err);

static int pack_below(struct zip *zip, int dir_fd, const char *name, unsigned depth,
                      struct error *err)
{
    AUTO_FD     fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "opening '%.160s'", zip->path);
    if (depth >= ZIP_DEPTH_MAX)
        return error_set(err, ERROR_INVALID, "'%.160s' is too deep to be packed", zip->path);
    zip->counts.dirs++;
    if (begin_entry(zip, &st, err) < 0)
        return -1;
    return pack_dir(zip, fd, depth, err);
}

static int pack(struct zip *zip, int dir_fd, const char *name, unsigned depth, struct error *err)
{
    struct stat  st;
    struct error ignored;

    if (filename_check(name, &ignored) < 0) { // also what is hidden
        zip->counts.left_out++;
        return 0;
    }
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT && depth > 0 ? 0 : error_sys(err, errno, "opening '%.160s'", name);
    if (S_ISDIR(st.st_mode))
        return pack_below(zip, dir_fd, name, depth, err);
    if (S_ISREG(st.st_mode))
        return pack_file(zip, dir_fd, name, err);
    zip->counts.left_out++;
    return 0;
}

static int pack_dir(struct zip *zip, int fd, unsigned depth, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    size_t      n = strlen(zip->path);
    int         r;

    if (dir_open(&dir, fd, err) < 0)
        return error_prefix(err, "'%.120s'", zip->path);
    while ((r = dir_next(&name, dir, err)) > 0) {
        if ((size_t)snprintf(zip->path + n, sizeof zip->path - n, "%s%s", n ? "/" : "", name) >=
            sizeof zip->path - n)
            return error_set(err, ERROR_INVALID, "a path in '%.160s' is too long", zip->path);
        if (pack(zip, fd, name, depth + 1, err) < 0)
            return -1;
        zip->path[n] = '\0';
    }
    return r;
}

static int pack_path(struct zip *zip, struct space *space, const char *path, struct error *err)
{
    AUTO_FD     fd = -1;
    const char *name;

    if (!*path)
        return space_open_dir(&fd, space, "", err) < 0 ? -1 : pack_dir(zip, fd, 0, err);
    if (space_open_parent(&fd, &name, space, path, false, err) < 0)
        return -1;
    (void)snprintf(zip->path, sizeof zip->path, "%s", name);
    return pack(zip, fd, name, 0, err);
}

// -----------------------------------------------------------------------------------------------

static int open_archive(struct zip *zip, struct error *err)
{
    char level[2] = { (char)('0' + zip->options->level), '\0' };

    zip->archive = archive_write_new();
    zip->entry = archive_entry_new();
    if (!zip->archive || !zip->entry)
        return error_sys(err, ENOMEM, "making a zip file");
    if (archive_write_set_format_zip(zip->archive) != ARCHIVE_OK ||
        archive_write_set_options(zip->archive, "zip:hdrcharset=UTF-8") < ARCHIVE_WARN ||
        (zip->options->level > 0 &&
         archive_write_set_format_option(zip->archive, "zip", "compression-level", level) !=
             ARCHIVE_OK) ||
        archive_write_set_bytes_per_block(zip->archive, BLOCK_BYTES) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(zip->archive, 1) != ARCHIVE_OK ||
        archive_write_open(zip->archive, zip, NULL, write_out, NULL) != ARCHIVE_OK)
        return fail(zip, "making", err);
    return 0;
}

// libarchive takes names in the locale's set, and the caller may have none.
static int run(struct zip *zip, struct space *space, const char *path, struct error *err)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

    if (!utf8)
        return error_sys(err, errno, "choosing UTF-8");
    locale_t before = uselocale(utf8);
    int      r = open_archive(zip, err);
    if (r == 0)
        r = pack_path(zip, space, path, err);
    if (r == 0 && (archive_write_close(zip->archive) != ARCHIVE_OK || zip->is_dead))
        r = fail(zip, "finishing", err);
    (void)uselocale(before); // it was valid before
    freelocale(utf8);
    return r;
}

int zip_write(struct zip_counts *ret, struct space *space, const char *path, int out_fd,
              const struct zip_options *options, struct error *err)
{
    AUTO(zip_freep) struct zip *zip = calloc(1, sizeof *zip);

    if (!zip)
        return error_sys(err, ENOMEM, "making a zip file");
    if (options->level < 0 || options->level > 9)
        return error_set(err, ERROR_INVALID, "the level of a zip file is a number from 0 to 9");
    zip->options = options;
    zip->out_fd = out_fd;
    if (run(zip, space, path, err) < 0)
        return -1;
    *ret = zip->counts;
    return 0;
}
