// SPDX-License-Identifier: MIT
#include "host/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "base/fd.h"
#include "host/broker.h"

#define RESUME_TRIES    3u // in a row, without anything new
#define RESUME_PAUSE_MS 300

struct journal {
    int                      fd;
    const struct host_paths *paths;
    struct log_request       request;
    bool                     has_marked; // what was asked for has been heard
    // Where to go on when the connection is lost: the time of the last line, how many lines of that
    // time have been heard, and how many of these come again.
    uint64_t heard_us;
    uint32_t n_heard, n_again;
    unsigned n_futile; // connections in a row that brought nothing new
    union {
        struct log_entry entry;
        char             bytes[sizeof(struct log_entry) + LOG_LINE_BYTES_MAX + 1];
    } packet;
};

static uint64_t now_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); // cannot fail for the two that are asked
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int dial(struct journal *journal, struct error *err)
{
    const struct log_request *request = &journal->request;

    journal->fd = fd_close(journal->fd);
    if (broker_connect(&journal->fd, journal->paths->log_socket, "left4me-log", err) < 0)
        return -1;
    if (send(journal->fd, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        return error_sys(err, errno, "asking for the log");
    return 0;
}

int journal_open(struct journal **ret, const struct host_paths *paths, enum log_source source,
                 const struct instance_name *name, uint32_t n_lines, uint32_t flags,
                 struct error *err)
{
    AUTO(journal_closep) struct journal *journal = calloc(1, sizeof *journal);

    if (!journal)
        return error_sys(err, ENOMEM, "reading the log");
    journal->fd = -1;
    journal->paths = paths;
    journal->heard_us = now_us(CLOCK_REALTIME);
    journal->request = (struct log_request){
        .magic = PROTOCOL_MAGIC,
        .source = (uint32_t)source,
        .n_lines = MIN(n_lines, LOG_LINES_MAX),
        .flags = flags,
        .name = *name,
    };
    if (dial(journal, err) < 0)
        return -1;
    *ret = TAKE(journal);
    return 0;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    (void)fd_close(journal->fd); // it was only read
    free(journal);
}

void journal_closep(struct journal **journal)
{
    journal_close(*journal);
}

int journal_fd(const struct journal *journal)
{
    return journal->fd;
}

// Connects again after the connection was lost, to go on with the next line; false: that is the
// end.
static bool resume(struct journal *journal)
{
    struct error ignored;

    if (!(journal->request.flags & LOG_FOLLOW) || ++journal->n_futile > RESUME_TRIES)
        return false;
    if (journal->n_futile > 1) // it dies of something: give it time
        (void)poll(NULL, 0, RESUME_PAUSE_MS);
    if (journal->has_marked || journal->n_heard) {
        journal->request.n_lines = 0;
        journal->request.flags |= LOG_ALL_RUNS;
        journal->request.since_us = journal->heard_us;
        journal->n_again = journal->n_heard;
    }
    return dial(journal, &ignored) == 0;
}

// Takes note of a line; false: the caller has heard it already.
static bool note(struct journal *journal, const struct journal_line *line)
{
    if (line->is_mark && journal->has_marked)
        return false;
    if (!line->is_mark && line->realtime_us == journal->request.since_us && journal->n_again > 0) {
        journal->n_again--;
        return false;
    }
    journal->n_futile = 0;
    if (line->is_mark) {
        journal->has_marked = true;
        return true;
    }
    journal->n_heard = line->realtime_us == journal->heard_us ? journal->n_heard + 1 : 1;
    journal->heard_us = line->realtime_us;
    return true;
}

static int take_packet(struct journal *journal, size_t n, struct journal_line *ret,
                       struct error *err)
{
    struct log_entry *entry = &journal->packet.entry;

    if (n < sizeof *entry || n != sizeof *entry + entry->n_text ||
        entry->n_text > LOG_LINE_BYTES_MAX || !memchr(entry->run, '\0', sizeof entry->run))
        return error_set(err, ERROR_UNAVAILABLE,
                         "the log reader's answer makes no sense: are two versions of left4me "
                         "mixed?");
    journal->packet.bytes[n] = '\0';
    *ret = (struct journal_line){
        .realtime_us = entry->realtime_us,
        .priority = entry->priority,
        .is_mark = entry->priority == LOG_PRIORITY_MARK && entry->n_text == 0,
        .is_init = entry->is_init == 1,
        .run = entry->run,
        .text = journal->packet.bytes + sizeof *entry,
        .n_text = entry->n_text,
    };
    return 1;
}

static int receive(struct journal *journal, int timeout_ms, struct journal_line *ret,
                   bool *ret_is_end, struct error *err)
{
    struct pollfd pollfd = { .fd = journal->fd, .events = POLLIN };

    *ret_is_end = false;
    int ready = poll(&pollfd, 1, timeout_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR))
        return 0;
    if (ready < 0)
        return error_sys(err, errno, "waiting for the log");

    ssize_t n =
        recv(journal->fd, journal->packet.bytes, sizeof journal->packet.bytes - 1, MSG_TRUNC);
    if (n < 0 && errno == EINTR)
        return 0;
    if (n < 0 && errno != ECONNRESET)
        return error_sys(err, errno, "reading the log");
    if (n > 0)
        return take_packet(journal, (size_t)n, ret, err);
    if (resume(journal))
        return receive(journal, timeout_ms, ret, ret_is_end, err);
    *ret_is_end = true;
    return 0;
}

int journal_next(struct journal *journal, int timeout_ms, struct journal_line *ret,
                 bool *ret_is_end, struct error *err)
{
    int r;

    do
        r = receive(journal, timeout_ms, ret, ret_is_end, err);
    while (r > 0 && !note(journal, ret));
    return r;
}

static uint64_t now_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int journal_history(struct journal *journal, unsigned silence_ms, journal_take *take, void *user,
                    struct error *err)
{
    uint64_t heard_ms = now_ms();

    for (;;) {
        struct journal_line line;
        bool                is_end = false;
        uint64_t            silent_ms = now_ms() - heard_ms;
        if (silent_ms >= silence_ms)
            return error_set(err, ERROR_TIMEOUT, "the log reader does not answer");
        int r = journal_next(journal, (int)(silence_ms - silent_ms), &line, &is_end, err);
        if (r < 0)
            return -1;
        if (is_end)
            return error_set(err, ERROR_UNAVAILABLE,
                             "the log reader went away: see 'journalctl -u left4me-log'");
        if (r == 0)
            continue;
        if (line.is_mark)
            return 0;
        take(user, &line);
        heard_ms = now_ms();
    }
}
