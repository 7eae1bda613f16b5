// SPDX-License-Identifier: MIT
#include "workshop/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "base/done.h"
#include "base/fd.h"
#include "base/text.h"
#include "workshop/collect.h"
#include "workshop/download.h"
#include "workshop/item.h"
#include "workshop/resolve.h"
#include "workshop/upper.h"

#define LABEL_MAX       112u // bytes of "121088 'Title'", the NUL included
#define LABEL_TITLE_MAX 80u
#define DISK_RESERVE    (UINT64_C(256) << 20) // bytes that stay free

enum entry_state {
    ENTRY_UNCHANGED, // the cache has what the Workshop has
    ENTRY_FETCH,     // it has not yet
    ENTRY_FETCHED,
    ENTRY_REFUSED, // it cannot be had: `why`
};

// An item of the list. What is open of it is open only for a moment: there are many.
struct entry {
    uint64_t             id;
    enum entry_state     state;
    struct error         why;
    struct item_version  wanted; // as the Workshop says
    bool                 has_cached;
    struct item_version  cached; // the newest there was
    const struct wanted *source;
    struct download     *download; // of ENTRY_FETCH and ENTRY_FETCHED
    char                 label[LABEL_MAX];
};

struct sync {
    const struct workshop_options *options;
    const struct say              *out;
    int                            data_fd;
    struct cache                   cache;
    struct fetcher                *fetcher;
    struct itemlist                list;
    struct resolution              resolution;
    struct entry                  *entries; // one for each row of the resolution
    struct download               *downloads;
    size_t                         n_downloads;
    struct upper                   upper;
    struct workshop_result         result;
};

static void sync_freep(struct sync **sync)
{
    if (!*sync)
        return;
    upper_done(&(*sync)->upper);
    free((*sync)->downloads);
    free((*sync)->entries);
    resolution_done(&(*sync)->resolution);
    itemlist_done(&(*sync)->list);
    (void)fetcher_free((*sync)->fetcher);
    cache_done(&(*sync)->cache);
    (void)fd_close((*sync)->data_fd);
    free(*sync);
}

// NULL: memory is exhausted.
static struct sync *sync_new(const struct workshop_options *options, const struct say *out)
{
    struct sync *sync = calloc(1, sizeof *sync);

    if (!sync)
        return NULL;
    sync->options = options;
    sync->out = out;
    sync->data_fd = sync->cache.fd = sync->cache.lock_fd = sync->upper.fd = sync->upper.addons_fd =
        -1;
    return sync;
}

// ---- the list ---------------------------------------------------------------------------------

static int read_list(struct sync *sync, uint32_t build, struct error *err)
{
    AUTO(freep) char *text = NULL;
    char              path[64];
    size_t            n = 0;

    (void)snprintf(path, sizeof path, "builds/%" PRIu32 "/source/items", build);
    if (fd_read_file(&text, &n, sync->data_fd, path, ITEMLIST_BYTES_MAX, err) < 0 ||
        itemlist_parse(&sync->list, text, n, err) < 0 || itemlist_check(&sync->list, err) < 0)
        return error_prefix(err, "the list of items");
    say(sync->out, "the list names %zu items and collections", sync->list.n);
    return 0;
}

// ---- what to do about each item -----------------------------------------------------------------

// Why the item cannot be had, going by what the Workshop says; 0: it can.
static int check_details(const struct wanted *wanted, uint64_t item_max_bytes, struct error *err)
{
    const struct webapi_item *item = &wanted->details;
    char                      size[SAY_BYTES_MAX], limit[SAY_BYTES_MAX];

    if (!wanted->is_answered)
        return error_set(err, ERROR_NOT_FOUND, "the Workshop says nothing about it");
    if (item->result == WEBAPI_RESULT_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND, "it is not in the Workshop any more, or is hidden");
    if (item->result != WEBAPI_RESULT_OK)
        return error_set(err, ERROR_NOT_FOUND,
                         "the Workshop does not hand it out (result %" PRIu32 ")", item->result);
    if (item->app != WEBAPI_GAME)
        return error_set(err, ERROR_INVALID,
                         "it is for app %" PRIu32 ", not for Left 4 Dead 2 (%u)", item->app,
                         WEBAPI_GAME);
    if (item->is_banned)
        return error_set(err, ERROR_DENIED, "it was banned from the Workshop");
    if (item->visibility == WEBAPI_FRIENDS || item->visibility == WEBAPI_PRIVATE)
        return error_set(err, ERROR_DENIED, "its author has hidden it");
    if (!item->file_url[0] || item->size_bytes == 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "the Workshop has no file of it that can be fetched");
    if (item->size_bytes > item_max_bytes)
        return error_set(err, ERROR_INVALID, "it has %s, and item_max in left4me.conf is %s",
                         say_bytes(size, item->size_bytes), say_bytes(limit, item_max_bytes));
    return 0;
}

static void make_label(struct entry *entry, const char *title)
{
    char short_title[LABEL_TITLE_MAX];

    (void)text_sanitize(short_title, sizeof short_title, title, strlen(title));
    if (*short_title)
        (void)snprintf(entry->label, sizeof entry->label, "%" PRIu64 " '%s'", entry->id,
                       short_title);
    else
        (void)snprintf(entry->label, sizeof entry->label, "%" PRIu64, entry->id);
}

// 1: the version can be used. Its contents were noted when it was fetched; if not, or if the note
// was lost, it is read again. 0: it is damaged, and was removed.
static int verify(struct item *known, int item_fd, const struct item_version *version,
                  struct error *err)
{
    struct contents contents;
    struct error    why = { 0 };
    char            name[CACHE_NAME_MAX];

    if (known->has_version && memcmp(&known->version, version, sizeof *version) == 0)
        return 1;
    version_name(name, version, CACHE_WHOLE);
    if (contents_read(&contents, item_fd, name, &why) < 0) {
        if (why.kind != ERROR_INVALID) {
            *err = why;
            return -1;
        }
        if (unlinkat(item_fd, name, 0) < 0)
            return error_sys(err, errno, "removing '%s', which is damaged", name);
        return 0;
    }
    known->has_version = true;
    known->version = *version;
    known->contents = contents;
    return item_write(known, item_fd, err) < 0 ? -1 : 1;
}

static int find_cached(struct entry *entry, struct item *known, int item_fd, struct error *err)
{
    int is_there, is_good = 0;

    while ((is_there = cache_newest(&entry->cached, item_fd, err)) > 0 && is_good == 0)
        is_good = verify(known, item_fd, &entry->cached, err);
    entry->has_cached = is_good > 0;
    return is_there < 0 || is_good < 0 ? -1 : 0;
}

static int find_wanted(struct entry *entry, struct item *known, int item_fd, struct error *err)
{
    int is_there = cache_has(item_fd, &entry->wanted, err);

    if (is_there > 0)
        is_there = verify(known, item_fd, &entry->wanted, err);
    entry->state = is_there > 0 ? ENTRY_UNCHANGED : ENTRY_FETCH;
    return is_there < 0 ? -1 : 0;
}

static int look_at_cache(const struct sync *sync, struct entry *entry, struct error *err)
{
    AUTO_FD                  item_fd = -1;
    AUTO(freep) struct item *known = malloc(sizeof *known);
    const char              *title = entry->source->details.title;

    if (!known)
        return error_sys(err, ENOMEM, "building an overlay");
    if (cache_open_item(&item_fd, &sync->cache, entry->id, err) < 0 ||
        item_read(known, item_fd, err) < 0)
        return -1;
    known->id = entry->id;
    make_label(entry, *title ? title : known->title);
    if (find_cached(entry, known, item_fd, err) < 0)
        return -1;
    return entry->state == ENTRY_REFUSED ? 0 : find_wanted(entry, known, item_fd, err);
}

static int make_entries(struct sync *sync, struct error *err)
{
    sync->entries = calloc(sync->resolution.n + 1, sizeof *sync->entries);
    sync->downloads = calloc(sync->resolution.n + 1, sizeof *sync->downloads);
    if (!sync->entries || !sync->downloads)
        return error_sys(err, ENOMEM, "building an overlay");
    for (size_t i = 0; i < sync->resolution.n; i++) {
        const struct wanted *source = &sync->resolution.rows[i];
        struct entry        *entry = &sync->entries[i];
        entry->id = source->id;
        entry->source = source;
        entry->state = ENTRY_FETCH;
        entry->wanted =
            (struct item_version){ source->details.updated_unix_s, source->details.size_bytes };
        if (check_details(source, sync->options->item_max_bytes, &entry->why) < 0)
            entry->state = ENTRY_REFUSED;
        if (look_at_cache(sync, entry, err) < 0)
            return -1;
        if (entry->state == ENTRY_UNCHANGED)
            say(sync->out, "%s: unchanged", entry->label);
    }
    return 0;
}

// The bytes it will take in the overlay, if all goes well.
static uint64_t bytes_of(const struct entry *entry)
{
    if (entry->state != ENTRY_REFUSED)
        return entry->wanted.size_bytes;
    return entry->has_cached ? entry->cached.size_bytes : 0;
}

static int check_total(const struct sync *sync, struct error *err)
{
    uint64_t total = 0, to_fetch = 0;
    char     size[SAY_BYTES_MAX], limit[SAY_BYTES_MAX];

    for (size_t i = 0; i < sync->resolution.n; i++) {
        const struct entry *entry = &sync->entries[i];
        if (__builtin_add_overflow(total, bytes_of(entry), &total))
            total = UINT64_MAX;
        if (entry->state == ENTRY_FETCH)
            to_fetch += MIN(entry->wanted.size_bytes, UINT64_MAX - to_fetch);
    }
    if (total > sync->options->total_max_bytes)
        return error_set(
            err, ERROR_INVALID,
            "the items have %s together, and total_max in left4me.conf is %s: take some "
            "from the list",
            say_bytes(size, total), say_bytes(limit, sync->options->total_max_bytes));
    struct statvfs disk;
    if (fstatvfs(sync->cache.fd, &disk) < 0)
        return error_sys(err, errno, "asking for the free space of the cache");
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (to_fetch > 0 && (free_bytes < DISK_RESERVE || free_bytes - DISK_RESERVE < to_fetch))
        return error_set(err, ERROR_NO_SPACE, "%s are to be fetched, and the disk has %s free",
                         say_bytes(size, to_fetch), say_bytes(limit, free_bytes));
    return 0;
}

// Whether the Workshop knows anything of what was asked for. If it does not, something is wrong
// that has nothing to do with the items.
static int check_any(const struct sync *sync, struct error *err)
{
    for (size_t i = 0; i < sync->resolution.n; i++) {
        const struct wanted *wanted = &sync->resolution.rows[i];
        if (wanted->is_answered && wanted->details.result == WEBAPI_RESULT_OK)
            return 0;
    }
    if (sync->resolution.n == 0)
        return 0; // an empty list, or empty collections
    return error_set(err, ERROR_NOT_FOUND, "the Workshop knows none of the %zu items",
                     sync->resolution.n);
}

// ---- fetching ---------------------------------------------------------------------------------

static int fetch(struct sync *sync, struct error *err)
{
    for (size_t i = 0; i < sync->resolution.n; i++) {
        struct entry *entry = &sync->entries[i];
        if (entry->state != ENTRY_FETCH)
            continue;
        entry->download = &sync->downloads[sync->n_downloads++];
        *entry->download = (struct download){
            .id = entry->id,
            .label = entry->label,
            .url = entry->source->details.file_url,
            .version = entry->wanted,
        };
    }
    if (download_all(sync->downloads, sync->n_downloads, &sync->cache, sync->fetcher, sync->out,
                     err) < 0)
        return -1;
    for (size_t i = 0; i < sync->resolution.n; i++) {
        struct entry *entry = &sync->entries[i];
        if (!entry->download)
            continue;
        entry->state = entry->download->state == DOWNLOAD_DONE ? ENTRY_FETCHED : ENTRY_REFUSED;
        entry->why = entry->download->why;
        sync->result.bytes_fetched += entry->download->n_fetched;
    }
    return 0;
}

// One item may be at fault by itself; when of several not one comes it is the network or the
// server, and the next try should not have to begin with an overlay that has lost half of its
// items.
static int check_fetched(const struct sync *sync, struct error *err)
{
    const struct error *why = NULL;
    size_t              n_passing = 0;

    for (size_t i = 0; i < sync->n_downloads; i++) {
        const struct download *download = &sync->downloads[i];
        if (download->state == DOWNLOAD_DONE)
            return 0;
        if (download->why.kind == ERROR_UNAVAILABLE || download->why.kind == ERROR_TIMEOUT) {
            why = &download->why;
            n_passing++;
        }
    }
    if (n_passing < 2)
        return 0;
    *err = *why;
    return error_prefix(err, "not one of %zu items could be fetched", sync->n_downloads);
}

// ---- the tree ---------------------------------------------------------------------------------

static const struct item_version *version_of(const struct entry *entry)
{
    switch (entry->state) {
    case ENTRY_UNCHANGED:
    case ENTRY_FETCHED:
        return &entry->wanted;
    case ENTRY_FETCH:
    case ENTRY_REFUSED:
        break;
    }
    return entry->has_cached ? &entry->cached : NULL;
}

static int find_contents(const struct entry *entry, struct item *item, int item_fd,
                         const struct item_version *version, struct error *err)
{
    char name[CACHE_NAME_MAX];

    if (!version) {
        item->contents = (struct contents){ 0 };
        return 0;
    }
    if (entry->state == ENTRY_FETCHED && entry->download->has_contents) {
        item->contents = entry->download->contents;
        return 0;
    }
    if (item->has_version && memcmp(&item->version, version, sizeof *version) == 0)
        return 0;
    version_name(name, version, CACHE_WHOLE); // of another build, which has not noted it yet
    return contents_read(&item->contents, item_fd, name, err);
}

static int note(const struct entry *entry, int item_fd, const struct item_version *version,
                struct error *err)
{
    AUTO(freep) struct item *item = malloc(sizeof *item);

    if (!item)
        return error_sys(err, ENOMEM, "building an overlay");
    if (item_read(item, item_fd, err) < 0)
        return -1;
    item->id = entry->id;
    item_set_details(item, &entry->source->details);
    (void)snprintf(item->error, sizeof item->error, "%s",
                   entry->state == ENTRY_REFUSED ? entry->why.message : "");
    if (find_contents(entry, item, item_fd, version, err) < 0)
        return -1;
    item->has_version = version;
    if (version)
        item->version = *version;
    return item_write(item, item_fd, err);
}

static void say_refused(const struct sync *sync, const struct entry *entry)
{
    char      date[32] = "";
    time_t    updated = (time_t)entry->cached.updated_unix_s;
    struct tm tm;

    if (!entry->has_cached) {
        say(sync->out, "warning: %s: left out: %s", entry->label, entry->why.message);
        return;
    }
    if (gmtime_r(&updated, &tm))
        (void)strftime(date, sizeof date, " of %Y-%m-%d", &tm); // without it if it does not fit
    say(sync->out, "warning: %s: stays at its version%s: %s", entry->label, date,
        entry->why.message);
}

static int add_entry(struct sync *sync, const struct entry *entry, struct error *err)
{
    const struct item_version *version = version_of(entry);
    struct workshop_result    *result = &sync->result;
    AUTO_FD                    item_fd = -1;

    if (entry->state == ENTRY_REFUSED)
        say_refused(sync, entry);
    if (cache_open_item(&item_fd, &sync->cache, entry->id, err) < 0 ||
        note(entry, item_fd, version, err) < 0)
        return error_prefix(err, "%s", entry->label);
    if (!version) {
        result->n_missing++;
        return 0;
    }
    result->n_items++;
    result->bytes += version->size_bytes;
    result->n_fetched += entry->state == ENTRY_FETCHED;
    result->n_kept += entry->state == ENTRY_REFUSED;
    return upper_add(&sync->upper, entry->id, item_fd, version, err);
}

static int make_tree(struct sync *sync, uint32_t build, struct error *err)
{
    if (upper_open(&sync->upper, sync->data_fd, build, err) < 0)
        return -1;
    for (size_t i = 0; i < sync->resolution.n; i++)
        if (add_entry(sync, &sync->entries[i], err) < 0)
            return -1;
    if (sync->result.n_items == 0 && sync->resolution.n > 0)
        return error_set(err, ERROR_FAILED, "none of the %zu items could be had",
                         sync->resolution.n);
    return 0;
}

// ---- the whole --------------------------------------------------------------------------------

// What goes wrong here is no reason to lose the build; the next one meets it again.
static void clean_up(struct sync *sync)
{
    struct collected collected = { 0 };
    struct error     why = { 0 };

    if (cache_collect(&collected, &sync->cache, (uint64_t)time(NULL),
                      sync->options->collect_after_s, &why) < 0)
        say(sync->out, "note: the cache was not cleaned up: %s", why.message);
    collected_say(&collected, sync->out);
}

static int run(struct sync *sync, uint32_t build, struct error *err)
{
    if (read_list(sync, build, err) < 0 ||
        cache_open(&sync->cache, sync->data_fd, CACHE_PATH, err) < 0 ||
        fetcher_new(&sync->fetcher, &sync->options->rules, err) < 0 ||
        resolve(&sync->resolution, &sync->list, sync->options->api_url, sync->fetcher, sync->out,
                err) < 0)
        return -1;
    sync->result.n_questions = (uint32_t)sync->resolution.n_questions;
    if (check_any(sync, err) < 0 || make_entries(sync, err) < 0 || check_total(sync, err) < 0 ||
        fetch(sync, err) < 0 || check_fetched(sync, err) < 0 || make_tree(sync, build, err) < 0)
        return -1;
    clean_up(sync);
    return done_mark(sync->upper.fd, err);
}

static void say_result(const struct sync *sync)
{
    const struct workshop_result *result = &sync->result;
    char                          all[SAY_BYTES_MAX], fetched[SAY_BYTES_MAX];

    say(sync->out,
        "done: %" PRIu32 " items, %s; %" PRIu32 " fetched, %s; %" PRIu32
        " kept at an older version; %" PRIu32 " left out",
        result->n_items, say_bytes(all, result->bytes), result->n_fetched,
        say_bytes(fetched, result->bytes_fetched), result->n_kept, result->n_missing);
}

int workshop_sync(struct workshop_result *ret, const char *data_dir, uint32_t build,
                  const struct workshop_options *options, const struct say *out, struct error *err)
{
    AUTO(sync_freep) struct sync *sync = sync_new(options, out);

    if (!sync)
        return error_sys(err, ENOMEM, "building an overlay");
    sync->data_fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sync->data_fd < 0)
        return error_sys(err, errno, "opening '%s'", data_dir);
    if (run(sync, build, err) < 0)
        return -1;
    say_result(sync);
    *ret = sync->result;
    return 0;
}
