// SPDX-License-Identifier: MIT
#include "workshop/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/number.h"

#define LOCK_FILE ".lock"
#define LOCK_MODE 0600

static int lock_shared(int fd, struct error *err)
{
    while (flock(fd, LOCK_SH) < 0)
        if (errno != EINTR)
            return error_sys(err, errno, "locking the cache of Workshop items");
    return 0;
}

int cache_open(struct cache *ret, int data_fd, const char *path, struct error *err)
{
    AUTO_FD fd = -1;
    AUTO_FD lock_fd = -1;

    if (fd_open_dir(&fd, data_fd, path, err) < 0)
        return error_prefix(err, "the cache of Workshop items");
    lock_fd = openat(fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (lock_fd < 0)
        return error_sys(err, errno, "opening the lock of the cache of Workshop items");
    if (lock_shared(lock_fd, err) < 0)
        return -1;
    *ret = (struct cache){ TAKE_FD(fd), TAKE_FD(lock_fd) };
    return 0;
}

void cache_done(struct cache *cache)
{
    cache->lock_fd = fd_close(cache->lock_fd);
    cache->fd = fd_close(cache->fd);
}

int cache_open_item(int *ret, const struct cache *cache, uint64_t id, struct error *err)
{
    AUTO_FD fd = -1;
    char    name[CACHE_NAME_MAX];

    (void)snprintf(name, sizeof name, "%" PRIu64, id);
    if (mkdirat(cache->fd, name, CACHE_DIR_MODE) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making the directory of item %s", name);
    fd = openat(cache->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, CACHE_DIR_MODE) < 0) // the umask may have had its way
        return error_sys(err, errno, "opening the directory of item %s", name);
    *ret = TAKE_FD(fd);
    return 0;
}

// ---- versions ---------------------------------------------------------------------------------

void version_name(char ret[CACHE_NAME_MAX], const struct item_version *version, const char *suffix)
{
    (void)snprintf(ret, CACHE_NAME_MAX, "%" PRIu64 "-%" PRIu64 "%s", version->updated_unix_s,
                   version->size_bytes, suffix); // two numbers and a short word fit
}

bool version_parse(struct item_version *ret, const char *name, const char *suffix)
{
    struct item_version version = { 0 };
    struct error        ignored;
    char                text[CACHE_NAME_MAX], again[CACHE_NAME_MAX];
    size_t              n = strlen(name), n_suffix = strlen(suffix);

    if (n >= sizeof text || n <= n_suffix || strcmp(name + n - n_suffix, suffix) != 0)
        return false;
    memcpy(text, name, n - n_suffix);
    text[n - n_suffix] = '\0';
    char *dash = strchr(text, '-');
    if (!dash)
        return false;
    *dash = '\0';
    if (number_parse_u64(&version.updated_unix_s, text, 0, UINT64_MAX, &ignored) < 0 ||
        number_parse_u64(&version.size_bytes, dash + 1, 0, UINT64_MAX, &ignored) < 0)
        return false;
    version_name(again, &version, suffix);
    if (strcmp(again, name) != 0) // "007"
        return false;
    *ret = version;
    return true;
}

int cache_has(int item_fd, const struct item_version *version, struct error *err)
{
    char        name[CACHE_NAME_MAX];
    struct stat st;

    version_name(name, version, CACHE_WHOLE);
    if (fstatat(item_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : error_sys(err, errno, "looking at '%s'", name);
    return S_ISREG(st.st_mode) && st.st_size >= 0 && (uint64_t)st.st_size == version->size_bytes;
}

static bool is_newer(const struct item_version *a, const struct item_version *b)
{
    if (a->updated_unix_s != b->updated_unix_s)
        return a->updated_unix_s > b->updated_unix_s;
    return a->size_bytes > b->size_bytes;
}

int cache_newest(struct item_version *ret, int item_fd, struct error *err)
{
    AUTO_DIR            dir = NULL;
    struct item_version newest = { 0 }, version;
    const char         *name;
    int                 r, has_one = 0;

    if (dir_open(&dir, item_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (!version_parse(&version, name, CACHE_WHOLE) ||
            (has_one && !is_newer(&version, &newest)))
            continue;
        int is_there = cache_has(item_fd, &version, err);
        if (is_there < 0)
            return -1;
        if (is_there) {
            newest = version;
            has_one = 1;
        }
    }
    if (r < 0)
        return -1;
    if (has_one)
        *ret = newest;
    return has_one;
}
