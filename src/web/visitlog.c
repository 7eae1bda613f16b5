// SPDX-License-Identifier: MIT
#include "web/visitlog.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/macros.h"

#define LINE_MAX_BYTES 512u
#define BUFFER_BYTES   4096u // what a pipe takes as a whole, or says that it does not
#define RATE_S         200u  // lines
#define BURST          2000u

struct visitlog {
    sd_event_source *flusher;
    int              fd;
    bool             is_journal;
    uint64_t         filled_us; // when the bucket was filled up last
    unsigned         n_left;    // lines in the bucket
    unsigned         n_dropped;
    size_t           n;
    char             bytes[BUFFER_BYTES];
};

// ---- writing ----------------------------------------------------------------------------------

// Never waits: what does not go now stays for the next time.
static void flush(struct visitlog *log)
{
    struct pollfd ready = { .fd = log->fd, .events = POLLOUT };
    ssize_t       n = send(log->fd, log->bytes, log->n, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK)
        n = poll(&ready, 1, 0) == 1 ? write(log->fd, log->bytes, log->n) : 0;
    if (n <= 0)
        return;
    log->n -= (size_t)n;
    memmove(log->bytes, log->bytes + n, log->n);
}

static int flush_turn(sd_event_source *source, void *context)
{
    (void)source;
    flush(context);
    return 0;
}

// False: there is no room for it.
static bool add(struct visitlog *log, const char *line, size_t n)
{
    if (log->n + n > sizeof log->bytes)
        flush(log);
    if (log->n + n > sizeof log->bytes)
        return false;
    memcpy(log->bytes + log->n, line, n);
    log->n += n;
    (void)sd_event_source_set_enabled(log->flusher, SD_EVENT_ONESHOT); // no way to fail
    return true;
}

// ---- their number -----------------------------------------------------------------------------

static bool take_one(struct visitlog *log, uint64_t now_us)
{
    uint64_t n = (now_us - log->filled_us) * RATE_S / 1000000;

    if (n > 0) {
        log->n_left = (unsigned)MIN(log->n_left + n, (uint64_t)BURST);
        log->filled_us = now_us;
    }
    if (log->n_left == 0)
        return false;
    log->n_left--;
    return true;
}

static void tell_dropped(struct visitlog *log)
{
    char line[128];
    int  n = snprintf(line, sizeof line, "%s%u requests were too many to write a line for each\n",
                     log->is_journal ? "<5>" : "", log->n_dropped);

    if (add(log, line, (size_t)n))
        log->n_dropped = 0;
}

// ---- lines ------------------------------------------------------------------------------------

static const char *const methods[] = {
    [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT", [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
};
_Static_assert(ELEMENTS(methods) == HTTP_METHODS, "every method has a word");

// Neither a path, as it was sent, nor a name has them; if one had, it must not forge a line.
static void clean(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 || (unsigned char)*line >= 0x7f)
            *line = '?';
}

void visitlog_add(struct visitlog *log, const struct visit *visit, int status, uint64_t n_bytes,
                  const char *user)
{
    char     line[LINE_MAX_BYTES], address[HTTP_ADDRESS_MAX];
    uint64_t now_us = visit_now_us(), us = now_us - visit->begun_us;

    if (!take_one(log, now_us)) {
        log->n_dropped++;
        return;
    }
    if (log->n_dropped > 0)
        tell_dropped(log);
    http_address_text(address, &visit->client);
    bool is_known = *visit->path; // of a head that was refused nothing is
    int  n = snprintf(line, sizeof line,
                      "%s%s %s %d %" PRIu64 " %" PRIu64 ".%03u %s %.64s %s", // it fits
                     log->is_journal ? "<6>" : "", is_known ? methods[visit->method] : "-",
                     is_known ? visit->path : "-", status, n_bytes, us / 1000,
                      (unsigned)(us % 1000), address, *user ? user : "-", visit->id);
    clean(line);
    line[n] = '\n';
    if (!add(log, line, (size_t)n + 1))
        log->n_dropped++;
}

// ---- the whole --------------------------------------------------------------------------------

int visitlog_open(struct visitlog **ret, sd_event *event, int fd, struct error *err)
{
    struct visitlog *log = calloc(1, sizeof *log);

    if (!log)
        return error_sys(err, ENOMEM, "making the log of requests");
    log->fd = fd;
    log->is_journal = getenv("JOURNAL_STREAM");
    log->n_left = BURST;
    log->filled_us = visit_now_us();
    int r = sd_event_add_defer(event, &log->flusher, flush_turn, log);
    if (r < 0) {
        free(log);
        return error_sys(err, -r, "making the log of requests");
    }
    (void)sd_event_source_set_enabled(log->flusher, SD_EVENT_OFF); // it can be switched off
    // Once in a turn of the loop, after all that was answered in it.
    (void)sd_event_source_set_priority(log->flusher, SD_EVENT_PRIORITY_IDLE);
    *ret = log;
    return 0;
}

struct visitlog *visitlog_close(struct visitlog *log)
{
    if (!log)
        return NULL;
    flush(log);
    (void)sd_event_source_disable_unref(log->flusher);
    free(log);
    return NULL;
}
