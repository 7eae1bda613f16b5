// SPDX-License-Identifier: MIT
#include "web/download.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/log.h"
#include "web/aside.h"

#define THREADS      2u
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct downloads {
    struct aside    *aside;
    struct download *first; // of those that are under way
    unsigned         n;
};

// The request has it, and so has the piece that is being read.
struct download {
    struct download    *next;
    struct downloads   *downloads;
    unsigned            n_refs;
    struct api_request *request; // NULL: it is over
    int                 fd;
    uint64_t            at, size;
    bool                is_reading;
};

struct piece {
    struct aside_task task;
    struct download  *download; // which keeps the file open
    int               fd;
    uint64_t          at;
    bool              has_failed;
    struct error      err;
    size_t            n;
    char              bytes[];
};

// ---- the threads ------------------------------------------------------------------------------

int downloads_open(struct downloads **ret, sd_event *event, struct error *err)
{
    static const struct aside_limits limits = { .threads = THREADS, .tasks = DOWNLOADS_MAX };
    struct downloads                *downloads = calloc(1, sizeof *downloads);

    if (!downloads)
        return error_sys(err, ENOMEM, "making threads for downloads");
    if (aside_open(&downloads->aside, event, &limits, "too many files are being sent", err) < 0) {
        free(downloads);
        return -1;
    }
    *ret = downloads;
    return 0;
}

struct downloads *downloads_close(struct downloads *downloads)
{
    if (downloads)
        downloads->aside = aside_close(downloads->aside);
    free(downloads);
    return NULL;
}

// ---- reading ----------------------------------------------------------------------------------

void download_file_done(struct download_file *file)
{
    file->fd = fd_close(file->fd);
    free(TAKE(file->bytes));
}

// Exactly `n` bytes: it may have become shorter meanwhile.
static int read_piece(int fd, char *bytes, size_t n, uint64_t at, struct error *err)
{
    while (n > 0) {
        ssize_t got = pread(fd, bytes, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_sys(err, errno, "reading the file");
        if (got == 0)
            return error_set(err, ERROR_BUSY, "the file was changed while it was read");
        bytes += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

int download_read_first(struct download_file *file, struct error *err)
{
    file->n = (size_t)MIN(file->size, (uint64_t)DOWNLOAD_PIECE);
    file->bytes = malloc(file->n + 1);
    if (!file->bytes)
        return error_sys(err, ENOMEM, "reading the file");
    return read_piece(file->fd, file->bytes, file->n, 0, err);
}

// ---- pieces -----------------------------------------------------------------------------------

static void release(struct download *download)
{
    if (--download->n_refs > 0)
        return;
    (void)fd_close(download->fd);
    free(download);
}

static void piece_work(struct aside_task *task)
{
    struct piece *piece = (struct piece *)task;

    piece->has_failed = read_piece(piece->fd, piece->bytes, piece->n, piece->at, &piece->err) < 0;
}

static void piece_drop(struct aside_task *task)
{
    release(((struct piece *)task)->download);
    free(task);
}

static void go_on(struct download *download);

static void piece_done(struct aside_task *task)
{
    struct piece    *piece = (struct piece *)task;
    struct download *download = piece->download;

    download->is_reading = false;
    if (!download->request)
        return;
    if (piece->has_failed) {
        log_line(LEVEL_WARNING, "a download broke off: %s", piece->err.message);
        http_exchange_abort(download->request->exchange);
        return;
    }
    download->at += piece->n;
    if (http_exchange_write(download->request->exchange, piece->bytes, piece->n))
        go_on(download);
}

static int read_next(struct download *download, struct error *err)
{
    size_t        n = (size_t)MIN(download->size - download->at, (uint64_t)DOWNLOAD_PIECE);
    struct piece *piece = malloc(sizeof *piece + n);

    if (!piece)
        return error_sys(err, ENOMEM, "reading the file");
    *piece = (struct piece){
        .task = { .work = piece_work, .done = piece_done, .drop = piece_drop, .waiter = download },
        .download = download,
        .fd = download->fd,
        .at = download->at,
        .n = n
    };
    download->n_refs++;
    download->is_reading = true;
    return aside_run(download->downloads->aside, &piece->task, err);
}

// The next piece, when the client has taken all before it.
static void go_on(struct download *download)
{
    struct http_exchange *exchange = download->request->exchange;
    struct error          err;

    if (download->is_reading || http_exchange_pending(exchange) > 0)
        return;
    if (download->at == download->size) {
        download->request->more = NULL;
        http_exchange_end(exchange);
    } else if (read_next(download, &err) < 0) {
        log_line(LEVEL_WARNING, "a download broke off: %s", err.message);
        http_exchange_abort(exchange);
    }
}

// ---- the answer -------------------------------------------------------------------------------

static void more(struct api_request *request)
{
    go_on(request->work);
}

static void forget(struct api_request *request)
{
    struct download  *download = request->work;
    struct download **at = &download->downloads->first;

    while (*at != download)
        at = &(*at)->next;
    *at = download->next;
    download->request = NULL;
    download->downloads->n--;
    aside_forget(download->downloads->aside, download);
    release(download);
}

// Letters that mean something to somebody stand as what they are in the second form alone.
void download_add_name(struct api_request *request, const char *name)
{
    static const char hex[] = "0123456789ABCDEF";
    char              plain[256], coded[3 * sizeof plain], text[sizeof plain + sizeof coded + 64];
    size_t            n = 0, n_coded = 0;

    for (; name[n] && n + 1 < sizeof plain; n++) {
        bool          is_plain = strchr(NAME_LETTERS, name[n]);
        unsigned char byte = (unsigned char)name[n];
        plain[n] = is_plain ? name[n] : '_';
        if (is_plain) {
            coded[n_coded++] = name[n];
            continue;
        }
        coded[n_coded++] = '%';
        coded[n_coded++] = hex[byte >> 4];
        coded[n_coded++] = hex[byte & 0xf];
    }
    plain[n] = coded[n_coded] = '\0';
    (void)snprintf(text, sizeof text, "attachment; filename=\"%s\"; filename*=UTF-8''%s", plain,
                   coded); // it fits
    http_exchange_add(request->exchange, "Content-Disposition", text);
}

static unsigned count(const struct downloads *downloads, int64_t user)
{
    unsigned n = 0;

    for (const struct download *download = downloads->first; download; download = download->next)
        n += download->request->user.id == user;
    return n;
}

static int begin_stream(struct api_request *request, struct download_file *file, struct error *err)
{
    struct downloads *downloads = request->web->downloads;

    if (downloads->n == DOWNLOADS_MAX || count(downloads, request->user.id) >= DOWNLOADS_USER)
        return error_set(err, ERROR_UNAVAILABLE,
                         "too many files are being sent at this moment: try again soon");
    struct download *download = calloc(1, sizeof *download);
    if (!download)
        return error_sys(err, ENOMEM, "sending the file");
    *download = (struct download){ .next = downloads->first,
                                   .downloads = downloads,
                                   .n_refs = 1,
                                   .request = request,
                                   .at = file->n,
                                   .size = file->size };
    download->fd = TAKE_FD(file->fd);
    downloads->first = download;
    downloads->n++;
    request->work = download;
    request->forget = forget;
    request->more = more;
    return 0;
}

static int answer(struct api_request *request, struct download_file *file, struct error *err)
{
    struct http_exchange *exchange = request->exchange;
    bool                  is_whole = file->n == file->size;
    bool                  is_head = http_exchange_request(exchange)->method == HTTP_HEAD;

    if (!is_whole && begin_stream(request, file, err) < 0)
        return -1;
    download_add_name(request, file->name);
    if (*file->etag.text)
        api_set_etag(request, file->etag.text);
    if (is_whole) {
        http_exchange_answer(exchange, 200, "application/octet-stream", file->bytes, file->n);
        return 0;
    }
    http_exchange_stream(exchange, "application/octet-stream");
    if (is_head) {
        request->more = NULL;
        http_exchange_end(exchange);
    } else if (http_exchange_write(exchange, file->bytes, file->n)) {
        go_on(request->work);
    }
    return 0;
}

int download_answer(struct api_request *request, struct download_file *file, struct error *err)
{
    int r = answer(request, file, err);

    download_file_done(file);
    return r;
}
