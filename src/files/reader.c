// SPDX-License-Identifier: MIT
#include "files/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/spawnchild.h"
#include "base/text.h"
#include "files/sandbox.h"

#define FIRST_FREE_FD 3

// ---- starting ---------------------------------------------------------------------------------

static int check_archive(int fd, struct error *err)
{
    struct stat st;
    int         flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at the archive");
    if ((flags & O_ACCMODE) != O_RDONLY || !S_ISREG(st.st_mode))
        return error_set(err, ERROR_INVALID,
                         "the archive is not a regular file, open for reading alone");
    return 0;
}

static int set_files(posix_spawn_file_actions_t *actions, int in, int out)
{
    int r = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO);
    return r;
}

static int spawn(pid_t *ret, const char *program, int in, int out)
{
    static const char *const argv[] = { "left4me-unpack", NULL }, *const envp[] = { NULL };
    posix_spawn_file_actions_t actions;
    int                        r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return r;
    r = set_files(&actions, in, out);
    if (r == 0)
        r = spawn_child(ret, program, &actions, false, argv, envp);
    (void)posix_spawn_file_actions_destroy(&actions); // cannot fail
    return r;
}

int reader_start(struct reader *reader, const char *program, int archive_fd, struct error *err)
{
    int ends[2];

    if (check_archive(archive_fd, err) < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_sys(err, errno, "making a pipe");
    reader->fd = ends[0];
    AUTO_FD given = ends[1];
    // Above those that it will have, or one would be put over the other.
    AUTO_FD in = fcntl(archive_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    AUTO_FD out = fcntl(given, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (in < 0 || out < 0)
        return error_sys(err, errno, "starting the archive's reader");
    // Fewer turns: this is the most that an unprivileged process may ask for.
    (void)fcntl(reader->fd, F_SETPIPE_SZ, 1 << 20); // it works with less
    int r = spawn(&reader->pid, program, in, out);
    if (r != 0) {
        reader->pid = 0;
        return error_sys(err, r, "starting the archive's reader, '%.120s'", program);
    }
    return 0;
}

// ---- its end ----------------------------------------------------------------------------------

static int say_signal(int signal, struct error *err)
{
    switch (signal) {
    case SIGXCPU:
    case SIGKILL:
        return error_set(err, ERROR_INVALID,
                         "the archive takes more than %u seconds of processor time to unpack",
                         SANDBOX_CPU_S);
    case SIGSYS:
        return error_set(err, ERROR_INVALID,
                         "the archive made its reader do what it may not do: it was stopped, and "
                         "nothing was unpacked");
    default:
        return error_set(err, ERROR_INVALID,
                         "the archive is damaged: its reader died of signal %d, and nothing was "
                         "unpacked",
                         signal);
    }
}

static int await(struct reader *reader, struct error *err)
{
    int   status = 0;
    pid_t pid;

    do
        pid = waitpid(reader->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    reader->pid = 0;
    if (pid < 0)
        return error_sys(err, errno, "waiting for the archive's reader");
    if (WIFSIGNALED(status))
        return say_signal(WTERMSIG(status), err);
    if (WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_FAILED, "the archive's reader ended with code %d",
                         WEXITSTATUS(status));
    return 0;
}

int reader_finish(struct reader *reader, struct error *err)
{
    reader->fd = fd_close(reader->fd); // what it still says is not heard
    return await(reader, err);
}

void reader_done(struct reader *reader)
{
    struct error ignored;

    reader->fd = fd_close(reader->fd);
    if (reader->pid == 0)
        return;
    (void)kill(reader->pid, SIGKILL); // it is our child, and not waited for yet
    (void)await(reader, &ignored);
}

// ---- listening --------------------------------------------------------------------------------

// 1: something came; 0: nothing did in time.
static int fill(struct reader *reader, int timeout_ms, struct error *err)
{
    struct pollfd waiting = { .fd = reader->fd, .events = POLLIN };
    int           r = poll(&waiting, 1, timeout_ms);

    if (r == 0 || (r < 0 && errno == EINTR))
        return 0;
    if (r < 0)
        return error_sys(err, errno, "listening to the archive's reader");
    memmove(reader->bytes, reader->bytes + reader->from, reader->n);
    reader->from = 0;
    ssize_t n = read(reader->fd, reader->bytes + reader->n, sizeof reader->bytes - reader->n);
    if (n < 0 && errno == EINTR)
        return 0;
    if (n < 0)
        return error_sys(err, errno, "listening to the archive's reader");
    reader->n += (size_t)n;
    reader->is_at_end = n == 0;
    return 1;
}

int reader_next(struct reader *reader, struct frame *ret, int timeout_ms, struct error *err)
{
    for (;;) {
        int r = frame_parse(ret, &reader->state, reader->bytes + reader->from, reader->n, err);
        if (r < 0)
            return -1;
        if (r > 0) {
            reader->from += ret->n_total;
            reader->n -= ret->n_total;
            return 1;
        }
        if (reader->is_at_end) {
            if (await(reader, err) < 0)
                return -1;
            return error_set(err, ERROR_FAILED, "the archive's reader ended in the middle");
        }
        r = fill(reader, timeout_ms, err);
        if (r <= 0)
            return r;
    }
}

int reader_explain(const struct frame *frame, struct error *err)
{
    static const struct {
        enum error_kind kind;
        const char     *text;
        bool            shows_words;
    } rows[] = {
        [FRAME_ERROR_FORMAT] = { ERROR_INVALID,
                                 "this is no archive that can be unpacked: zip, 7z, rar, and tar, "
                                 "also with gz, xz, zst or bz2, can",
                                 false },
        [FRAME_ERROR_ENCRYPTED] = { ERROR_INVALID,
                                    "the archive is encrypted: pack it without a password", false },
        [FRAME_ERROR_TRUNCATED] = { ERROR_INVALID,
                                    "the archive is not complete: its end is missing", false },
        [FRAME_ERROR_DAMAGED] = { ERROR_INVALID,
                                  "the archive is damaged, or packed in a way that "
                                  "is not understood",
                                  true },
        [FRAME_ERROR_MEMORY] = { ERROR_INVALID,
                                 "the archive takes more memory to unpack than is given to it",
                                 false },
        [FRAME_ERROR_NAME] = { ERROR_INVALID, "the archive has a name that cannot be read", false },
        [FRAME_ERROR_READING] = { ERROR_SYSTEM, "reading the archive failed", true },
        [FRAME_ERROR_SANDBOX] = { ERROR_SYSTEM,
                                  "the archive's reader could not lock itself in, and did not "
                                  "begin",
                                  true },
    };
    char text[FRAME_TEXT_MAX + 1];

    _Static_assert(ELEMENTS(rows) == FRAME_ERROR_COUNT, "every error has a sentence");
    (void)text_sanitize(text, sizeof text, frame->bytes, frame->header.n_bytes);
    bool shows_words = rows[frame->header.detail].shows_words && text[0];
    return error_set(err, rows[frame->header.detail].kind, "%s%s%.120s%s",
                     rows[frame->header.detail].text, shows_words ? " (" : "",
                     shows_words ? text : "", shows_words ? ")" : "");
}
