// SPDX-License-Identifier: MIT

// left4me-log: reads the journal of one of our units to whoever may ask.
//
// A process for each connection, and one request; then entries until the history has been sent, or,
// when following, until the peer leaves. Runs as left4me-log, which owns nothing and is in group
// systemd-journal. A peer that reads slower than the journal grows is waited for, up to a point:
// the journal is the buffer.

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include "base/log.h"
#include "base/protocol.h"
#include "base/text.h"
#include "priv/acceptor.h"
#include "priv/peer.h"
#include "priv/unit.h"

#define UNREAD_S        600 // who reads nothing for so long has left; who follows comes again
#define FIELD_BYTES_MAX (64u << 10) // of a journal field; longer ones come cut

struct reader {
    sd_journal *journal;
    int         fd;
    char        run[40]; // the newest invocation; empty: every run counts
};

static void closep(sd_journal **journal)
{
    sd_journal_close(*journal);
}

// What the unit said, and what the init system said about it.
static int match_unit(sd_journal *journal, const struct log_request *request, struct error *err)
{
    struct unit_name unit = unit_of_log((enum log_source)request->source, &request->name);
    char             own[160], about[160];

    snprintf(own, sizeof own, "_SYSTEMD_UNIT=%s", unit.text);
    snprintf(about, sizeof about, "UNIT=%s", unit.text);
    int r = sd_journal_add_match(journal, own, 0);
    if (r >= 0)
        r = sd_journal_add_disjunction(journal);
    if (r >= 0)
        r = sd_journal_add_match(journal, about, 0);
    if (r >= 0)
        r = sd_journal_add_match(journal, "_PID=1", 0);
    if (r < 0)
        return error_sys(err, -r, "selecting the journal");
    return 0;
}

// The value of a field of the current entry; false when it has none.
static bool field(sd_journal *journal, const char *name, const char **ret, size_t *ret_n)
{
    const void *data = NULL;
    size_t      n = 0, n_name = strlen(name) + 1;

    if (sd_journal_get_data(journal, name, &data, &n) < 0 || n < n_name)
        return false;
    *ret = (const char *)data + n_name;
    *ret_n = n - n_name;
    return true;
}

static void current_run(sd_journal *journal, char ret[static 40])
{
    const char *value = NULL;
    size_t      n = 0;

    // The init system's own entries carry the run they speak of in a field of their own.
    if (!field(journal, "INVOCATION_ID", &value, &n))
        (void)field(journal, "_SYSTEMD_INVOCATION_ID", &value, &n);
    (void)text_sanitize(ret, 40, value ? value : "", n);
}

// Sends one entry; 1 when the peer has left.
static int send_entry(const struct reader *reader, struct error *err)
{
    struct log_entry entry = { .priority = LEVEL_INFO };
    char             text[LOG_LINE_BYTES_MAX];
    const char      *value = NULL;
    size_t           n = 0;

    (void)sd_journal_get_realtime_usec(reader->journal, &entry.realtime_us); // 0 says unknown
    current_run(reader->journal, entry.run);
    if (field(reader->journal, "PRIORITY", &value, &n) && n == 1 && *value >= '0' && *value <= '7')
        entry.priority = (uint8_t)(*value - '0');
    // Set by the journal itself: whatever a game prints, it cannot speak as the init system.
    entry.is_init = field(reader->journal, "_PID", &value, &n) && n == 1 && *value == '1';
    n = 0;
    (void)field(reader->journal, "MESSAGE", &value, &n);
    entry.n_text = (uint32_t)text_sanitize(text, sizeof text, value ? value : "", n);

    struct iovec  iov[] = { { &entry, sizeof entry }, { text, entry.n_text } };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ELEMENTS(iov) };
    if (sendmsg(reader->fd, &msg, MSG_NOSIGNAL) >= 0)
        return 0;
    if (errno == EPIPE || errno == ECONNRESET || errno == EAGAIN) // not read for too long
        return 1;
    return error_sys(err, errno, "sending an entry");
}

static int send_mark(int fd)
{
    const struct log_entry mark = { .priority = LOG_PRIORITY_MARK };

    return send(fd, &mark, sizeof mark, MSG_NOSIGNAL) == (ssize_t)sizeof mark ? 0 : 1;
}

static int journal_error(struct error *err, int r)
{
    return error_sys(err, -r, "reading the journal");
}

static bool is_other_run(const struct reader *reader)
{
    char run[40];

    if (!reader->run[0])
        return false;
    current_run(reader->journal, run);
    return run[0] && strcmp(run, reader->run) != 0;
}

// What the init system does not understand in our unit files, which are written for newer ones as
// well, is said at every load and says nothing of the server.
static bool is_shown(sd_journal *journal)
{
    const char *value = NULL;
    size_t      n = 0;

    return !(field(journal, "CONFIG_FILE", &value, &n) && field(journal, "_PID", &value, &n) &&
             n == 1 && *value == '1');
}

// Goes back from the end by as many entries as were asked for; *ret_n is how many there are.
static int seek_history(struct reader *reader, const struct log_request *request, uint32_t *ret_n,
                        struct error *err)
{
    uint32_t n = 0;
    int      r = sd_journal_seek_tail(reader->journal);

    if (r < 0)
        return journal_error(err, r);
    while (n < request->n_lines) {
        r = sd_journal_previous(reader->journal);
        if (r < 0)
            return journal_error(err, r);
        if (r == 0)
            break;
        if (!is_shown(reader->journal))
            continue;
        if (n == 0 && !(request->flags & LOG_ALL_RUNS))
            current_run(reader->journal, reader->run);
        if (is_other_run(reader)) {
            r = sd_journal_next(reader->journal); // back onto the oldest that counts
            if (r < 0)
                return journal_error(err, r);
            break;
        }
        n++;
    }
    if (n == 0) {
        // From the end itself nothing leads on to what comes. Where nothing was asked for, stand on
        // the last entry; where nothing was found, all there is has come since, and is to be told.
        r = request->n_lines == 0 ? sd_journal_previous(reader->journal) : 0;
        if (r == 0)
            r = sd_journal_seek_head(reader->journal);
        if (r < 0)
            return journal_error(err, r);
    }
    *ret_n = n;
    return 0;
}

// Sends what is there; 1 when the peer has left. The cursor stands on the first of `n` entries, or
// on one before it that is not shown.
static int send_history(const struct reader *reader, uint32_t n, struct error *err)
{
    int r = 1;

    while (n > 0 && r > 0) {
        if (is_shown(reader->journal)) {
            int sent = send_entry(reader, err);
            if (sent)
                return sent;
            n--;
        }
        r = n > 0 ? sd_journal_next(reader->journal) : 0;
    }
    return r < 0 ? journal_error(err, r) : send_mark(reader->fd);
}

static int send_new(const struct reader *reader, struct error *err)
{
    int r;

    while ((r = sd_journal_next(reader->journal)) > 0) {
        int sent = is_shown(reader->journal) ? send_entry(reader, err) : 0;
        if (sent)
            return sent;
    }
    return r < 0 ? journal_error(err, r) : 0;
}

static int follow(const struct reader *reader, struct error *err)
{
    for (;;) {
        int r = send_new(reader, err);
        if (r)
            return r;
        struct pollfd fds[] = {
            { .fd = sd_journal_get_fd(reader->journal),
              .events = (short)sd_journal_get_events(reader->journal) },
            { .fd = reader->fd, .events = POLLIN }, // nothing more is expected: it is the end
        };
        if (poll(fds, ELEMENTS(fds), -1) < 0 && errno != EINTR)
            return error_sys(err, errno, "waiting for the journal");
        if (fds[1].revents)
            return 1;
        r = sd_journal_process(reader->journal);
        if (r < 0)
            return journal_error(err, r);
    }
}

// Sends every entry from a time on; 1 when the peer has left.
static int send_since(const struct reader *reader, uint64_t since_us, struct error *err)
{
    int r = sd_journal_seek_realtime_usec(reader->journal, since_us);

    if (r < 0)
        return journal_error(err, r);
    r = send_new(reader, err);
    return r ? r : send_mark(reader->fd);
}

static int send_lines(struct reader *reader, const struct log_request *request, struct error *err)
{
    uint32_t n = 0;

    if (seek_history(reader, request, &n, err) < 0)
        return -1;
    return send_history(reader, n, err);
}

static int answer(int fd, struct error *err)
{
    AUTO(closep) sd_journal *journal = NULL;
    struct log_request       request;
    struct reader            reader = { .fd = fd };
    size_t                   n_bytes = 0;

    if (peer_check(fd, err) < 0 ||
        peer_receive(fd, &request, sizeof request, &n_bytes, NULL, err) < 0 ||
        log_request_check(&request, n_bytes, err) < 0)
        return -1;
    int r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (r < 0)
        return error_sys(err, -r, "opening the journal");
    (void)sd_journal_set_data_threshold(journal, FIELD_BYTES_MAX); // else 64 KiB is the default too
    reader.journal = journal;
    if (match_unit(journal, &request, err) < 0)
        return -1;
    // The watch comes first, so that nothing falls in between. Without it a follower hears nothing.
    r = request.flags & LOG_FOLLOW ? sd_journal_get_fd(journal) : 0;
    if (r < 0)
        return error_sys(err, -r, "watching the journal");
    r = request.since_us ? send_since(&reader, request.since_us, err)
                         : send_lines(&reader, &request, err);
    if (r == 0 && request.flags & LOG_FOLLOW)
        r = follow(&reader, err);
    return r < 0 ? -1 : 0;
}

static int serve(int fd)
{
    static const struct timeval unread = { .tv_sec = UNREAD_S };
    struct error                err = { 0 };

    // Deleted files of the journal stay on the disk while somebody stands in them.
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &unread, sizeof unread) < 0)
        return 1;
    if (answer(fd, &err) < 0)
        log_line(LEVEL_WARNING, "refused: %s", err.message);
    return 0;
}

int main(void)
{
    return acceptor_main(serve, ACCEPTOR_ENDS);
}
