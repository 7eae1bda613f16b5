// SPDX-License-Identifier: MIT
#include "files/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "files/arrange.h"
#include "files/filename.h"
#include "files/reader.h"

#define JUNK_DIR "__MACOSX" // resource forks of files
#define NEW_DIR  "new"      // in the stage: what is to be brought into place

struct extract {
    struct space                 *space;
    const struct extract_options *options;
    struct space_meter            meter;
    struct reader                 reader;
    struct extract_result         result;
    struct extract_progress       progress;
    uint32_t                      n_entries;
    int                           new_fd;  // of NEW_DIR
    int                           dir_fd;  // of dir_path in it
    int                           file_fd; // that is being written, or -1
    uint64_t                      file_bytes;
    bool                          is_program, is_left_out; // the file at hand
    char                          path[FILENAME_PATH_MAX + 1], dir_path[FILENAME_PATH_MAX + 1];
};

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

static void extract_freep(struct extract **extract)
{
    if (!*extract)
        return;
    reader_done(&(*extract)->reader);
    (void)fd_close((*extract)->file_fd);
    (void)fd_close((*extract)->dir_fd);
    (void)fd_close((*extract)->new_fd);
    free(*extract);
}

static void tell(const struct extract *extract, const char *format, ...) PRINTF_LIKE(2, 3);
static void tell(const struct extract *extract, const char *format, ...)
{
    char    line[512];
    va_list args;

    if (!extract->options->say || extract->result.left_out > EXTRACT_LINES_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args); // truncation is fine
    va_end(args);
    extract->options->say(extract->options->user, line);
}

// ---- directories ------------------------------------------------------------------------------

static int enter_new(struct extract *extract, int *ret, int parent_fd, const char *name,
                     struct error *err)
{
    int fd = openat(parent_fd, name, dir_flags);

    if (fd < 0 && errno == ENOENT) {
        if (space_meter_take(&extract->meter, 0, 1, err) < 0)
            return -1;
        if (mkdirat(parent_fd, name, SPACE_MODE_DIR) < 0)
            return error_sys(err, errno, "making '%.160s'", extract->path);
        extract->result.dirs++;
        fd = openat(parent_fd, name, dir_flags);
        if (fd >= 0 && fchmod(fd, SPACE_MODE_DIR) < 0)
            fd = fd_close(fd);
    }
    if (fd < 0 && errno == ENOTDIR)
        return error_set(err, ERROR_INVALID,
                         "the archive has '%.120s', but what that lies in is a file of it",
                         extract->path);
    if (fd < 0)
        return error_sys(err, errno, "making '%.160s'", extract->path);
    *ret = fd;
    return 0;
}

// Goes to the directory `path`, "" for the top, making what is missing: it becomes dir_fd.
static int go_to_dir(struct extract *extract, const char *path, struct error *err)
{
    char name[FILENAME_BYTES_MAX + 1];

    if (extract->dir_fd >= 0 && strcmp(path, extract->dir_path) == 0)
        return 0; // most are in the directory of the one before
    AUTO_FD fd = openat(extract->new_fd, ".", dir_flags);
    if (fd < 0)
        return error_sys(err, errno, "opening a directory");
    for (const char *rest = path; *rest;) {
        size_t n = strcspn(rest, "/");
        int    next = -1;
        memcpy(name, rest, n); // filename_check() has seen its length
        name[n] = '\0';
        if (enter_new(extract, &next, fd, name, err) < 0)
            return -1;
        (void)fd_close(fd);
        fd = next;
        rest += n + (rest[n] == '/');
    }
    (void)fd_close(extract->dir_fd);
    extract->dir_fd = TAKE_FD(fd);
    memmove(extract->dir_path, path, strlen(path) + 1);
    return 0;
}

// ---- files ------------------------------------------------------------------------------------

static int finish_file(struct extract *extract, struct error *err)
{
    AUTO_FD fd = TAKE_FD(extract->file_fd);

    if (fd < 0)
        return 0;
    if (space_stamp(fd, err) < 0)
        return -1;
    if (fchmod(fd, space_mode(extract->is_program)) < 0)
        return error_sys(err, errno, "changing the mode of '%.160s'", extract->path);
    return 0;
}

// An archive may hold a path twice: then the last one counts, as when it is unpacked over and over.
static int drop_older(struct extract *extract, const char *name, struct error *err)
{
    struct stat st;

    if (fstatat(extract->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%.160s'", extract->path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID,
                         "the archive has '%.140s' as a file and as a directory", extract->path);
    if (unlinkat(extract->dir_fd, name, 0) < 0)
        return error_sys(err, errno, "replacing '%.160s'", extract->path);
    space_meter_return(&extract->meter, (uint64_t)st.st_size, 1);
    extract->result.files--;
    return 0;
}

static int make_file(struct extract *extract, const char *name, struct error *err)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

    extract->file_fd = openat(extract->dir_fd, name, flags, 0600);
    if (extract->file_fd < 0 && errno == EEXIST) {
        if (drop_older(extract, name, err) < 0)
            return -1;
        extract->file_fd = openat(extract->dir_fd, name, flags, 0600);
    }
    if (extract->file_fd < 0)
        return error_sys(err, errno, "making '%.160s'", extract->path);
    return 0;
}

static int begin_file(struct extract *extract, const struct frame *frame, struct error *err)
{
    char        parent[FILENAME_PATH_MAX + 1];
    const char *slash = strrchr(extract->path, '/'), *name = slash ? slash + 1 : extract->path;
    size_t      n = slash ? (size_t)(slash - extract->path) : 0;

    if (!*name)
        return error_set(err, ERROR_INVALID, "the archive has a file without a name");
    memcpy(parent, extract->path, n);
    parent[n] = '\0';
    if (go_to_dir(extract, parent, err) < 0 || space_meter_take(&extract->meter, 0, 1, err) < 0 ||
        make_file(extract, name, err) < 0)
        return -1;
    extract->file_bytes = 0;
    extract->is_program = frame->header.flags & FRAME_IS_PROGRAM;
    extract->result.files++;
    return 0;
}

static int check_ratio(const struct extract *extract, struct error *err)
{
    uint64_t total = MAX(extract->progress.archive_total, 1u);

    if (extract->result.bytes <= EXTRACT_RATIO_FROM ||
        extract->result.bytes / total < EXTRACT_RATIO_MAX)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "the archive unpacks to more than %u times its size: that is taken for a bomb",
                     EXTRACT_RATIO_MAX);
}

static int take_data(struct extract *extract, const struct frame *frame, struct error *err)
{
    size_t n = frame->header.n_bytes;

    if (extract->is_left_out)
        return 0;
    extract->file_bytes += n;
    extract->result.bytes += n;
    if (space_check_file(extract->space, extract->file_bytes, err) < 0)
        return error_prefix(err, "'%.80s'", extract->path);
    if (check_ratio(extract, err) < 0 || space_meter_take(&extract->meter, n, 0, err) < 0)
        return -1;
    if (fd_write_all(extract->file_fd, frame->bytes, n, err) < 0)
        return error_prefix(err, "'%.100s'", extract->path);
    return 0;
}

// ---- frames -----------------------------------------------------------------------------------

static bool is_junk(const char *path)
{
    size_t n = strlen(JUNK_DIR);

    return strncmp(path, JUNK_DIR, n) == 0 && (path[n] == '/' || !path[n]);
}

// Reads the path of an entry, and checks it with where it will be.
static int take_path(struct extract *extract, const struct frame *frame, struct error *err)
{
    enum filename_charset charset =
        frame->header.flags & FRAME_IS_CP437 ? FILENAME_CP437 : FILENAME_CP1252;
    const char *above = extract->options->path;
    char        full[2 * FILENAME_PATH_MAX + 2];

    if (++extract->n_entries > EXTRACT_ENTRIES_MAX)
        return error_set(err, ERROR_INVALID, "the archive has more than %u entries",
                         EXTRACT_ENTRIES_MAX);
    if (filename_from_archive(extract->path, frame->bytes, frame->header.n_bytes, charset, err) < 0)
        return -1;
    if (!*above || !extract->path[0])
        return 0;
    (void)snprintf(full, sizeof full, "%s/%s", above, extract->path); // both are checked
    return filename_check(full, err);
}

static int leave_out(struct extract *extract, const char *why)
{
    extract->is_left_out = true;
    extract->result.left_out++;
    tell(extract, "'%s' is left out: it is %s", extract->path, why);
    if (extract->result.left_out == EXTRACT_LINES_MAX)
        tell(extract, "whatever else is left out is only counted");
    return 0;
}

static const char *other_word(uint32_t detail)
{
    static const char *const words[] = {
        [FRAME_OTHER_SYMLINK] = "a symbolic link",
        [FRAME_OTHER_HARDLINK] = "a hard link",
        [FRAME_OTHER_SPECIAL] = "a device, FIFO or socket",
    };

    _Static_assert(ELEMENTS(words) == FRAME_OTHER_COUNT, "every other thing has a word");
    return words[detail];
}

static int take_entry(struct extract *extract, const struct frame *frame, struct error *err)
{
    if (finish_file(extract, err) < 0 || take_path(extract, frame, err) < 0)
        return -1;
    extract->is_left_out = false;
    if (frame->header.kind == FRAME_OTHER)
        return leave_out(extract, other_word(frame->header.detail));
    if (is_junk(extract->path))
        return leave_out(extract, "what Macs add");
    if (frame->header.kind == FRAME_DIR)
        return go_to_dir(extract, extract->path, err);
    return begin_file(extract, frame, err);
}

// 1: that was the end.
static int take_frame(struct extract *extract, const struct frame *frame, struct error *err)
{
    struct extract_progress *progress = &extract->progress;

    progress->archive_bytes = MIN(frame->header.position, progress->archive_total);
    switch ((enum frame_kind)frame->header.kind) {
    case FRAME_FILE:
    case FRAME_DIR:
    case FRAME_OTHER:
        return take_entry(extract, frame, err);
    case FRAME_DATA:
        return take_data(extract, frame, err);
    case FRAME_END:
        return finish_file(extract, err) < 0 ? -1 : 1;
    case FRAME_ERROR:
        return reader_explain(frame, err);
    case FRAME_KIND_COUNT: // frame_parse() lets no other through
        break;
    }
    return -1;
}

static int ask(struct extract *extract, struct error *err)
{
    extract->progress.files = extract->result.files;
    extract->progress.bytes = extract->result.bytes;
    if (extract->options->tick &&
        !extract->options->tick(extract->options->user, &extract->progress))
        return error_set(err, ERROR_FAILED, "the unpacking was cancelled");
    return 0;
}

static int take_all(struct extract *extract, struct error *err)
{
    struct frame frame;
    int          r = 0;

    while (r == 0) {
        // Between two frames of which the second is there already nobody has to be asked.
        r = reader_next(&extract->reader, &frame, EXTRACT_TICK_MS, err);
        if (r == 0 || extract->reader.n < sizeof(struct frame_header))
            if (ask(extract, err) < 0)
                return -1;
        if (r > 0)
            r = take_frame(extract, &frame, err);
    }
    return r < 0 ? -1 : reader_finish(&extract->reader, err);
}

// ---- bringing it into place -------------------------------------------------------------------

// The only entry of the directory, if it is a directory.
static int find_only_dir(char ret[FILENAME_BYTES_MAX + 1], int dir_fd, struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    struct stat st;
    unsigned    n = 0;
    int         r;

    if (dir_open(&dir, dir_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0 && n < 2) {
        n++;
        (void)snprintf(ret, FILENAME_BYTES_MAX + 1, "%s", name);
    }
    if (r < 0)
        return -1;
    return n == 1 && fstatat(dir_fd, ret, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool is_absent(struct space *space, const char *path)
{
    AUTO_FD      fd = -1;
    struct error why = { 0 };

    return space_open_dir(&fd, space, path, &why) < 0 && why.kind == ERROR_NOT_FOUND;
}

static void give_back_entry(struct space *space)
{
    struct space_meter meter = { .space = space, .spare = { 0, 1 } };

    space_meter_done(&meter, false);
}

// The directory `name` of `parent_fd` is what is to be at the options' path.
static int bring(struct extract *extract, int parent_fd, const char *name, struct error *err)
{
    struct space                 *space = extract->space;
    const struct extract_options *options = extract->options;
    struct merge_counts           counts = { 0 };

    if (*options->path && is_absent(space, options->path))
        return arrange_bring(space, parent_fd, name, options->path, false, true, err);
    AUTO_FD fd = openat(parent_fd, name, dir_flags);
    if (fd < 0)
        return error_sys(err, errno, "opening what was unpacked");
    if (merge_run(&counts, space, fd, options->path, options->existing, err) < 0)
        return -1;
    extract->result.replaced = counts.replaced;
    extract->result.skipped = counts.skipped;
    give_back_entry(space); // the directory itself stays behind
    return 0;
}

static int bring_all(struct extract *extract, int stage_fd, struct error *err)
{
    char only[FILENAME_BYTES_MAX + 1];
    int  strips = 0;

    if (syncfs(extract->new_fd) < 0)
        return error_sys(err, errno, "writing what was unpacked to disk");
    if (extract->options->strips_one) {
        strips = find_only_dir(only, extract->new_fd, err);
        if (strips < 0)
            return -1;
    }
    if (!strips)
        return bring(extract, stage_fd, NEW_DIR, err);
    if (bring(extract, extract->new_fd, only, err) < 0)
        return -1;
    give_back_entry(extract->space);
    extract->result.dirs--;
    return 0;
}

// -----------------------------------------------------------------------------------------------

static int open_new(struct extract *extract, int stage_fd, struct error *err)
{
    if (space_meter_take(&extract->meter, 0, 1, err) < 0)
        return -1;
    if (mkdirat(stage_fd, NEW_DIR, SPACE_MODE_DIR) < 0)
        return error_sys(err, errno, "making a directory to unpack to");
    extract->new_fd = openat(stage_fd, NEW_DIR, dir_flags);
    if (extract->new_fd < 0 || fchmod(extract->new_fd, SPACE_MODE_DIR) < 0)
        return error_sys(err, errno, "making a directory to unpack to");
    return 0;
}

static int run(struct extract *extract, int stage_fd, int archive_fd, struct error *err)
{
    const char *program = extract->options->program ? extract->options->program : EXTRACT_PROGRAM;

    if (open_new(extract, stage_fd, err) < 0 ||
        reader_start(&extract->reader, program, archive_fd, err) < 0 || take_all(extract, err) < 0)
        return -1;
    return bring_all(extract, stage_fd, err);
}

int extract_run(struct extract_result *ret, struct space *space, int archive_fd,
                const struct extract_options *options, struct error *err)
{
    AUTO(extract_freep) struct extract       *extract = calloc(1, sizeof *extract);
    AUTO(space_stage_done) struct space_stage stage = { .fd = -1 };
    struct space_usage                        usage;
    struct error                              ignored;
    struct stat                               st;

    if (!extract)
        return error_sys(err, ENOMEM, "unpacking");
    extract->space = space;
    extract->options = options;
    extract->meter.space = space;
    extract->reader.fd = extract->new_fd = extract->dir_fd = extract->file_fd = -1;
    if (*options->path && filename_check(options->path, err) < 0)
        return -1;
    if (fstat(archive_fd, &st) < 0)
        return error_sys(err, errno, "looking at the archive");
    extract->progress.archive_total = (uint64_t)MAX(st.st_size, 0);
    if (space_stage_make(&stage, space, err) < 0)
        return -1;
    if (run(extract, stage.fd, archive_fd, err) < 0) {
        space_stage_done(&stage);
        // It may have failed when some of it was in place: only the disk knows.
        (void)!space_read_usage(&usage, space, true, &ignored); // or the next one counts
        return -1;
    }
    space_meter_done(&extract->meter, false);
    *ret = extract->result;
    return 0;
}
