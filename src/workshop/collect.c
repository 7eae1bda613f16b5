// SPDX-License-Identifier: MIT
#include "workshop/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/number.h"
#include "workshop/item.h"

struct collection {
    const struct cache *cache;
    uint64_t            now_unix_s, after_s;
    struct collected    counts;
};

// The time of the last change of a file is also that of the last link to it that went.
static bool is_old(const struct collection *collection, const struct stat *st, uint64_t after_s)
{
    return st->st_ctim.tv_sec >= 0 &&
           (uint64_t)st->st_ctim.tv_sec + after_s <= collection->now_unix_s;
}

static int remove_file(struct collection *collection, int item_fd, const char *name,
                       const struct stat *st, struct error *err)
{
    if (unlinkat(item_fd, name, 0) < 0)
        return error_sys(err, errno, "removing '%s' from the cache", name);
    collection->counts.versions++;
    collection->counts.bytes += (uint64_t)MAX(st->st_size, (off_t)0);
    return 0;
}

// Adds to *n_left if a file of an item stays that is more than a note about it.
static int visit_file(struct collection *collection, int item_fd, const char *name,
                      unsigned *n_left, struct error *err)
{
    struct item_version version;
    struct stat         st;
    bool                is_whole = version_parse(&version, name, CACHE_WHOLE);
    bool                is_part = version_parse(&version, name, CACHE_PART);

    if (!is_whole && !is_part)
        return 0;
    if (fstatat(item_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%s' in the cache", name);
    if (S_ISREG(st.st_mode) && st.st_nlink == 1 && is_old(collection, &st, collection->after_s))
        return remove_file(collection, item_fd, name, &st, err);
    ++*n_left;
    return 0;
}

// The note says why the item could not be had; somebody may still want to know.
static int drop_item(const struct collection *collection, int item_fd, const char *name,
                     struct error *err)
{
    struct stat st;

    if (fstatat(item_fd, ITEM_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!is_old(collection, &st, COLLECT_NOTE_AFTER_S))
            return 0;
        if (unlinkat(item_fd, ITEM_FILE, 0) < 0)
            return error_sys(err, errno, "removing what is known of item %s", name);
    } else if (errno != ENOENT) {
        return error_sys(err, errno, "looking at item %s", name);
    }
    (void)unlinkat(item_fd, ITEM_TMP, 0); // of whoever was killed; mostly there is none
    // There may be something in it that is not known: then it stays.
    if (unlinkat(collection->cache->fd, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY &&
        errno != EEXIST)
        return error_sys(err, errno, "removing item %s from the cache", name);
    return 0;
}

static int visit_item(struct collection *collection, const char *name, struct error *err)
{
    AUTO_FD      item_fd = -1;
    AUTO_DIR     dir = NULL;
    struct error not_an_item;
    uint64_t     id = 0;
    unsigned     n_left = 0;
    const char  *file;
    int          r;

    if (number_parse_u64(&id, name, 1, INT64_MAX, &not_an_item) < 0)
        return 0;
    if (fd_open_dir(&item_fd, collection->cache->fd, name, err) < 0)
        return err->errnum == ENOTDIR || err->errnum == ELOOP ? 0 : -1;
    if (dir_open(&dir, item_fd, err) < 0)
        return -1;
    while ((r = dir_next(&file, dir, err)) > 0)
        if (visit_file(collection, item_fd, file, &n_left, err) < 0)
            return -1;
    if (r < 0)
        return -1;
    return n_left == 0 ? drop_item(collection, item_fd, name, err) : 0;
}

int cache_collect(struct collected *ret, struct cache *cache, uint64_t now_unix_s, uint64_t after_s,
                  struct error *err)
{
    struct collection collection = { cache, now_unix_s, after_s, { 0, 0 } };
    AUTO_DIR          dir = NULL;
    const char       *name;
    int               r;

    if (flock(cache->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? 0 : error_sys(err, errno, "locking the cache");
    if (dir_open(&dir, cache->fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (visit_item(&collection, name, err) < 0)
            return -1;
    if (r < 0)
        return -1;
    *ret = collection.counts;
    return 1;
}

void collected_say(const struct collected *collected, const struct say *out)
{
    char size[SAY_BYTES_MAX];

    if (collected->versions > 0)
        say(out, "%" PRIu64 " %s removed from the cache, %s", collected->versions,
            collected->versions == 1 ? "file that nobody uses was" : "files that nobody uses were",
            say_bytes(size, collected->bytes));
}

// Not time(), which can be a tick behind the times of files.
static uint64_t now_unix_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec;
}

int collect_unused(const char *data_dir, uint64_t after_s, const struct say *out, struct error *err)
{
    AUTO(cache_done) struct cache cache = { -1, -1 };
    struct collected              collected = { 0 };
    AUTO_FD                       data_fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (data_fd < 0)
        return error_sys(err, errno, "opening '%s'", data_dir);
    if (cache_open(&cache, data_fd, CACHE_PATH, err) < 0)
        return -1;
    int r = cache_collect(&collected, &cache, now_unix_s(), after_s, err);
    if (r < 0)
        return -1;
    if (r == 0)
        say(out, "note: the cache was not cleaned up: a build is at work");
    collected_say(&collected, out);
    return 0;
}
