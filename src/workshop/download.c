// SPDX-License-Identifier: MIT
#include "workshop/download.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "workshop/checker.h"
#include "workshop/part.h"

// Each needs three descriptors, and a service has 1,024.
#define OPEN_MAX_AT_ONCE 64u
#define SAY_EVERY_MS     500u

// A download that is under way.
struct task {
    struct downloader *downloader;
    struct download   *download;
    int                item_fd;
    struct part        part; // open from the first try on
    char               name[CACHE_NAME_MAX];
    struct check_job   check;
    bool               is_told_to_wait;
    bool               is_second_time; // it was damaged, and had been put together
};

struct downloader {
    struct download    *downloads;
    size_t              n, n_begun;
    const struct cache *cache;
    struct fetcher     *fetcher;
    const struct say   *out;
    struct checker     *checker;
    struct task        *tasks[OPEN_MAX_AT_ONCE];
    uint64_t            bytes, bytes_done; // of all, and of those that are there
    size_t              n_done;
    uint64_t            said_ms;
    struct error        error; // what ends everything; ERROR_NONE: nothing
};

static void task_free(struct task *task)
{
    part_done(&task->part);
    (void)fd_close(task->item_fd);
    free(task);
}

// The fetcher and the checker must be done with them.
static void downloader_done(struct downloader *downloader)
{
    fetcher_cancel(downloader->fetcher);
    downloader->checker = checker_free(downloader->checker);
    for (size_t i = 0; i < OPEN_MAX_AT_ONCE; i++)
        if (downloader->tasks[i])
            task_free(downloader->tasks[i]);
}

static void task_end(struct task *task, enum download_state state)
{
    struct downloader *downloader = task->downloader;

    task->download->state = state;
    downloader->n_done++;
    for (size_t i = 0; i < OPEN_MAX_AT_ONCE; i++)
        if (downloader->tasks[i] == task)
            downloader->tasks[i] = NULL;
    task_free(task);
}

static void stop_all(struct downloader *downloader, const struct error *why)
{
    if (downloader->error.kind == ERROR_NONE)
        downloader->error = *why;
}

static bool is_of_the_disk(const struct error *why)
{
    return why->kind == ERROR_NO_SPACE || why->kind == ERROR_SYSTEM || why->errnum != 0;
}

static void refuse(struct task *task, const struct error *why)
{
    task->download->why = *why;
    task_end(task, DOWNLOAD_REFUSED);
}

// ---- how far it is ------------------------------------------------------------------------------

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say_progress(struct downloader *downloader)
{
    uint64_t now = now_ms();
    uint64_t percent = downloader->bytes ? downloader->bytes_done * 100 / downloader->bytes : 100;

    if (now - downloader->said_ms < SAY_EVERY_MS)
        return;
    downloader->said_ms = now;
    say(downloader->out, "progress %" PRIu64 " %" PRIu64 " %" PRIu64 " %zu of %zu items fetched",
        MIN(percent, (uint64_t)100), downloader->bytes_done, downloader->bytes, downloader->n_done,
        downloader->n);
}

static void count_bytes(struct task *task, int64_t n)
{
    task->downloader->bytes_done += (uint64_t)n; // also a negative one
}

// ---- fetching, as jobs of the fetcher -----------------------------------------------------------

static int restart(struct task *task, const char *validator, struct error *err)
{
    count_bytes(task, -(int64_t)task->part.n_bytes);
    return part_restart(&task->part, validator, err);
}

// What is there and cannot be gone on with is thrown away: it is too much, or nobody knows what of.
static int drop_useless(struct task *task, struct error *err)
{
    const struct part *part = &task->part;
    bool               can_go_on = part->n_bytes < part->version.size_bytes && *part->validator;

    if (part->n_bytes == 0 || part->n_bytes == part->version.size_bytes || can_go_on)
        return 0;
    return restart(task, "", err);
}

static void say_there(struct task *task)
{
    char size[SAY_BYTES_MAX];

    count_bytes(task, (int64_t)task->part.n_bytes);
    if (task->part.n_bytes > 0)
        say(task->downloader->out, "%s: %s are there already", task->download->label,
            say_bytes(size, task->part.n_bytes));
}

static enum fetch_go open_part(struct task *task, struct error *err)
{
    int r = part_open(&task->part, task->item_fd, &task->download->version, err);

    if (r < 0)
        return FETCH_FAIL;
    if (r == 0 && !task->is_told_to_wait)
        say(task->downloader->out, "%s: another build fetches it, this one waits",
            task->download->label);
    task->is_told_to_wait = true;
    if (r == 0)
        return FETCH_LATER;
    say_there(task);
    return FETCH_GO;
}

static enum fetch_go on_begin(void *user, struct fetch_start *ret, struct error *err)
{
    struct task       *task = user;
    const struct part *part = &task->part;

    // Whoever had it may be done with it.
    int is_there = part->fd < 0 ? cache_has(task->item_fd, &task->download->version, err) : 0;
    if (is_there)
        return is_there < 0 ? FETCH_FAIL : FETCH_DONE;
    if (part->fd < 0) {
        enum fetch_go go = open_part(task, err);
        if (go != FETCH_GO)
            return go;
    }
    if (drop_useless(task, err) < 0)
        return FETCH_FAIL;
    if (part->n_bytes == part->version.size_bytes)
        return FETCH_DONE;
    ret->from = part->n_bytes;
    ret->max_bytes = part->version.size_bytes; // it may be sent anew
    memcpy(ret->validator, part->validator, sizeof ret->validator);
    return FETCH_GO;
}

static int wrong_size(const struct task *task, uint64_t found, struct error *err)
{
    return error_set(err, ERROR_INVALID,
                     "the server has %" PRIu64 " bytes of it, the Workshop says %" PRIu64, found,
                     task->part.version.size_bytes);
}

// The rest of what is there, the whole anew, or nothing that goes together.
static int on_head(void *user, uint32_t status, const struct head *head, struct error *err)
{
    struct task *task = user;
    struct part *part = &task->part;

    if (status == 206 && head->from == part->n_bytes &&
        (!*head->validator || strcmp(head->validator, part->validator) == 0) &&
        (head->total_bytes == part->version.size_bytes || head->total_bytes == UINT64_MAX)) {
        part->is_resumed = true;
        return 0;
    }
    if (restart(task, status == 200 ? head->validator : "", err) < 0)
        return -1;
    if (status != 200)
        return error_set(err, ERROR_UNAVAILABLE, "it was changed while it was fetched");
    if (head->total_bytes != UINT64_MAX && head->total_bytes != part->version.size_bytes)
        return wrong_size(task, head->total_bytes, err);
    return 0;
}

static int on_take(void *user, const void *bytes, size_t n, struct error *err)
{
    struct task *task = user;

    if (n > task->part.version.size_bytes - task->part.n_bytes)
        return error_set(err, ERROR_INVALID,
                         "the server sends more than the %" PRIu64 " bytes the Workshop says",
                         task->part.version.size_bytes);
    if (part_append(&task->part, bytes, n, err) < 0)
        return -1;
    task->download->n_fetched += n;
    count_bytes(task, (int64_t)n);
    say_progress(task->downloader);
    return 0;
}

static int on_whole(void *user, struct error *err)
{
    const struct part *part = &((struct task *)user)->part;

    if (part->n_bytes == part->version.size_bytes)
        return 0;
    // Without a length in its head an answer that ends too early looks like any other.
    return error_set(err, ERROR_UNAVAILABLE, "the server sent %" PRIu64 " bytes of %" PRIu64,
                     part->n_bytes, part->version.size_bytes);
}

static void on_again(void *user, uint32_t pause_ms, const struct error *why)
{
    const struct task *task = user;

    say(task->downloader->out, "%s: tried again in %.1f s: %s", task->download->label,
        (double)pause_ms / 1000, why->message);
}

static void start_check(struct task *task)
{
    task->check = (struct check_job){
        .dir_fd = task->item_fd,
        .name = task->name,
        .fd = task->part.fd,
        .user = task,
    };
    checker_add(task->downloader->checker, &task->check);
}

static void on_end(void *user, const struct error *why)
{
    struct task *task = user;

    if (!why && task->part.fd >= 0) {
        start_check(task);
    } else if (!why) { // by somebody else
        count_bytes(task, (int64_t)task->download->version.size_bytes);
        say(task->downloader->out, "%s: fetched by another build", task->download->label);
        task_end(task, DOWNLOAD_DONE);
    } else if (is_of_the_disk(why)) {
        stop_all(task->downloader, why);
    } else {
        bool may_pass = why->kind == ERROR_UNAVAILABLE || why->kind == ERROR_TIMEOUT;
        if (!may_pass && task->part.fd >= 0)
            part_discard(&task->part); // what is there of it is of no use
        refuse(task, why);
    }
}

static int start_fetch(struct task *task, struct error *err)
{
    struct fetch_job job = {
        .url = task->download->url,
        .user = task,
        .begin = on_begin,
        .head = on_head,
        .take = on_take,
        .whole = on_whole,
        .again = on_again,
        .end = on_end,
    };

    return fetcher_add(task->downloader->fetcher, &job, err);
}

// ---- what was fetched ---------------------------------------------------------------------------

static int take_whole(struct task *task, struct error *err)
{
    struct download *download = task->download;
    char             size[SAY_BYTES_MAX];

    if (part_publish(&task->part, err) < 0)
        return -1;
    download->contents = task->check.contents;
    download->has_contents = true;
    say(task->downloader->out, "%s: fetched, %s", download->label,
        say_bytes(size, download->version.size_bytes));
    task_end(task, DOWNLOAD_DONE);
    return 0;
}

// Pieces of different answers may not go together, or the machine lost power between them. So that
// is tried once more, in one piece.
static int take_damaged(struct task *task, struct error *err)
{
    if (task->check.why.kind != ERROR_INVALID) {
        *err = task->check.why;
        return -1;
    }
    if (task->part.is_resumed && !task->is_second_time) {
        say(task->downloader->out, "%s: fetched anew: what was put together is damaged: %s",
            task->download->label, task->check.why.message);
        task->is_second_time = true;
        if (restart(task, "", err) < 0)
            return -1;
        return start_fetch(task, err);
    }
    part_discard(&task->part);
    (void)error_prefix(&task->check.why, "it is no add-on that can be used");
    refuse(task, &task->check.why);
    return 0;
}

static int take_checked(struct downloader *downloader, struct error *err)
{
    struct check_job *check;

    while ((check = checker_take(downloader->checker))) {
        int r = check->is_whole ? take_whole(check->user, err) : take_damaged(check->user, err);
        if (r < 0)
            return -1;
    }
    return 0;
}

// ---- the whole --------------------------------------------------------------------------------

static int begin_task(struct downloader *downloader, struct task **place, struct error *err)
{
    struct task *task = calloc(1, sizeof *task);

    if (!task)
        return error_sys(err, ENOMEM, "fetching an item");
    task->downloader = downloader;
    task->download = &downloader->downloads[downloader->n_begun];
    task->part = PART_NONE;
    task->item_fd = -1;
    version_name(task->name, &task->download->version, CACHE_PART);
    *place = task;
    downloader->n_begun++;
    if (cache_open_item(&task->item_fd, downloader->cache, task->download->id, err) < 0)
        return -1;
    return start_fetch(task, err);
}

static int begin_some(struct downloader *downloader, struct error *err)
{
    for (size_t i = 0; i < OPEN_MAX_AT_ONCE && downloader->n_begun < downloader->n; i++)
        if (!downloader->tasks[i] && begin_task(downloader, &downloader->tasks[i], err) < 0)
            return -1;
    return 0;
}

static int work(struct downloader *downloader, struct error *err)
{
    while (downloader->n_done < downloader->n) {
        if (begin_some(downloader, err) < 0)
            return -1;
        if (fetcher_step(downloader->fetcher, checker_fd(downloader->checker), err) < 0 ||
            take_checked(downloader, err) < 0)
            return -1;
        if (downloader->error.kind != ERROR_NONE) {
            *err = downloader->error;
            return -1;
        }
        say_progress(downloader);
    }
    return 0;
}

int download_all(struct download *downloads, size_t n, const struct cache *cache,
                 struct fetcher *fetcher, const struct say *out, struct error *err)
{
    AUTO(downloader_done)
    struct downloader downloader = {
        .downloads = downloads,
        .n = n,
        .cache = cache,
        .fetcher = fetcher,
        .out = out,
        .said_ms = now_ms(),
    };

    for (size_t i = 0; i < n; i++)
        downloader.bytes += downloads[i].version.size_bytes;
    if (n == 0)
        return 0;
    if (checker_new(&downloader.checker, err) < 0)
        return -1;
    return work(&downloader, err);
}
