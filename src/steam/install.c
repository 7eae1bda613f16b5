// SPDX-License-Identifier: MIT
#include "steam/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"
#include "steam/manifest.h"

#define SCRIPT           "steamcmd.sh"
#define WRAPPER          "steamcmd"
#define CACHED           "steamcmd"        // in the cache: the copy
#define CACHED_NEW       "steamcmd.new"    // in the cache: the copy until it is complete
#define ORIGIN           "steamcmd.origin" // in the cache: the operator's script as last copied
#define SCRIPT_BYTES_MAX 65536u
#define COPY_NAME        ".left4me-copy" // what a file is called until it is complete
#define COPY_BYTES       65536u
#define STEAMCLIENT      "steamclient.so"
#define STEAMCLIENT_MAX  (256u << 20)

static int open_root(int *ret, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", path);
    *ret = fd;
    return 0;
}

// Makes the directory if it is not there and opens it.
static int make_dir(int *ret, int dir_fd, const char *name, struct error *err)
{
    if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
        return error_sys(err, errno, "making directory '%s'", name);
    return fd_open_dir(ret, dir_fd, name, err);
}

// ---- copying ----------------------------------------------------------------------------------

struct budget {
    uint64_t bytes;
    uint32_t files;
};

static int copy_bytes(int to, int from, struct budget *budget, struct error *err)
{
    char bytes[COPY_BYTES];

    for (;;) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, errno, "reading");
        if (n == 0)
            return 0;
        if ((uint64_t)n > budget->bytes)
            return error_set(err, ERROR_INVALID, "there is more to copy than SteamCMD can be");
        budget->bytes -= (uint64_t)n;
        if (fd_write_all(to, bytes, (size_t)n, err) < 0)
            return -1;
    }
}

// Copies what `from` is open on to `name`, whole or not at all, and keeps its time of change.
static int copy_file(int to_dir, const char *name, int from, struct budget *budget,
                     struct error *err)
{
    struct stat st;
    AUTO_FD     to = -1;

    if (fstat(from, &st) < 0)
        return error_sys(err, errno, "looking at '%s'", name);
    (void)unlinkat(to_dir, COPY_NAME, 0); // of a run that died
    to = openat(to_dir, COPY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (to < 0)
        return error_sys(err, errno, "creating '%s'", name);
    if (copy_bytes(to, from, budget, err) < 0)
        return error_prefix(err, "copying '%s'", name);
    struct timespec times[] = { st.st_atim, st.st_mtim };
    if (fchmod(to, st.st_mode & 0111 ? 0755 : 0644) < 0 || futimens(to, times) < 0 ||
        renameat(to_dir, COPY_NAME, to_dir, name) < 0)
        return error_sys(err, errno, "creating '%s'", name);
    return 0;
}

static int copy_dir(int to_fd, int from_fd, unsigned depth, struct budget *budget,
                    struct error *err);

static int copy_entry(int to_fd, int from_fd, const char *name, unsigned depth,
                      struct budget *budget, struct error *err)
{
    AUTO_FD     from = -1;
    AUTO_FD     to = -1;
    struct stat st;

    if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%s'", name);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0; // SteamCMD ships neither links nor anything stranger
    if (budget->files-- == 0 || depth > INSTALL_COPY_DEPTH_MAX)
        return error_set(err, ERROR_INVALID, "there is more to copy than SteamCMD can be");
    if (S_ISREG(st.st_mode)) {
        if (fd_open_beneath(&from, from_fd, name, O_RDONLY | O_NONBLOCK, 0, err) < 0)
            return -1;
        return copy_file(to_fd, name, from, budget, err);
    }
    if (fd_open_dir(&from, from_fd, name, err) < 0 || make_dir(&to, to_fd, name, err) < 0)
        return -1;
    return copy_dir(to, from, depth + 1, budget, err);
}

// Copies regular files and directories.
static int copy_dir(int to_fd, int from_fd, unsigned depth, struct budget *budget,
                    struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, from_fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (copy_entry(to_fd, from_fd, name, depth, budget, err) < 0)
            return -1;
    return r;
}

// ---- finding SteamCMD -------------------------------------------------------------------------

// Whether the cache holds a copy that was made from this very script.
static bool is_cached(int cache_fd, const char *script, size_t n_script)
{
    AUTO(freep) char *origin = NULL;
    size_t            n_origin = 0;
    struct error      ignored;

    return faccessat(cache_fd, CACHED "/" SCRIPT, X_OK, 0) == 0 &&
           fd_read_file(&origin, &n_origin, cache_fd, ORIGIN, SCRIPT_BYTES_MAX, &ignored) == 0 &&
           n_origin == n_script && memcmp(origin, script, n_script) == 0;
}

// The note which script it was comes last: a copy that was broken off is made again.
static int copy_steamcmd(int cache_fd, int steamcmd_fd, struct error *err)
{
    struct budget     budget = { INSTALL_COPY_BYTES_MAX, INSTALL_COPY_FILES_MAX };
    AUTO(freep) char *script = NULL;
    size_t            n_script = 0;
    AUTO_FD           to = -1;

    if (fd_read_file(&script, &n_script, steamcmd_fd, SCRIPT, SCRIPT_BYTES_MAX, err) < 0)
        return -1;
    if (is_cached(cache_fd, script, n_script))
        return 0;
    if (tree_remove(cache_fd, CACHED_NEW, err) < 0 ||
        make_dir(&to, cache_fd, CACHED_NEW, err) < 0 ||
        copy_dir(to, steamcmd_fd, 0, &budget, err) < 0 || tree_remove(cache_fd, CACHED, err) < 0)
        return -1;
    if (fchmodat(to, SCRIPT, 0755, 0) < 0 || renameat(cache_fd, CACHED_NEW, cache_fd, CACHED) < 0)
        return error_sys(err, errno, "renaming '%s'", CACHED_NEW);
    return fd_replace_file(cache_fd, ORIGIN, script, n_script, 0644, err);
}

int install_find_steamcmd(char ret[PATH_MAX], const struct install_paths *paths, struct error *err)
{
    static const char help[] = "get it from https://developer.valvesoftware.com/wiki/SteamCMD or "
                               "from the package steamcmd, and name its directory with --steamcmd";
    AUTO_FD           cache_fd = -1;
    AUTO_FD           steamcmd_fd = -1;

    if (open_root(&steamcmd_fd, paths->steamcmd_dir, err) < 0 && err->kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND, "there is no SteamCMD: %s", help);
    if (steamcmd_fd < 0 || open_root(&cache_fd, paths->cache_dir, err) < 0)
        return -1;
    if (faccessat(steamcmd_fd, SCRIPT, R_OK, 0) == 0) {
        if (copy_steamcmd(cache_fd, steamcmd_fd, err) < 0)
            return error_prefix(err, "copying SteamCMD");
        (void)snprintf(ret, PATH_MAX, "%s/" CACHED "/" SCRIPT, paths->cache_dir);
        return 0;
    }
    if (faccessat(steamcmd_fd, WRAPPER, X_OK, 0) == 0) {
        (void)snprintf(ret, PATH_MAX, "%s/" WRAPPER, paths->steamcmd_dir);
        return 0;
    }
    return error_set(err, ERROR_NOT_FOUND, "there is no SteamCMD in its directory: %s", help);
}

// ---- checking the game ------------------------------------------------------------------------

int install_check(uint64_t *ret_build_id, const struct install_paths *paths, struct error *err)
{
    static const char *const needed[] = { "srcds_linux", "left4dead2/gameinfo.txt" };
    struct manifest          manifest;
    AUTO_FD                  tree_fd = -1;

    if (open_root(&tree_fd, paths->tree_dir, err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(needed); i++) {
        struct stat st;
        if (fstatat(tree_fd, needed[i], &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
            st.st_size == 0)
            return error_set(err, ERROR_FAILED,
                             "SteamCMD says it is done, but '%s' is missing: try again", needed[i]);
    }
    if (manifest_read(&manifest, tree_fd, err) < 0)
        return -1;
    if (manifest_check_complete(&manifest, err) < 0)
        return -1;
    *ret_build_id = manifest.build_id;
    return 0;
}

// ---- steamclient.so ---------------------------------------------------------------------------

// Where the ways to package SteamCMD leave it, below the cache or the operator's directory. Its own
// copy comes first, since it keeps itself up to date.
static int steamclient_find(int *ret, int cache_fd, int steamcmd_fd, struct error *err)
{
    static const char *const cached[] = {
        CACHED "/linux32/" STEAMCLIENT,
        "home/.local/share/Steam/steamcmd/linux32/" STEAMCLIENT,
        "home/.steam/steamcmd/linux32/" STEAMCLIENT,
        "home/Steam/linux32/" STEAMCLIENT,
        "home/.steam/sdk32/" STEAMCLIENT,
    };

    for (size_t i = 0; i < ELEMENTS(cached); i++)
        if (fd_open_beneath(ret, cache_fd, cached[i], O_RDONLY | O_NONBLOCK, 0, err) == 0)
            return 0;
    if (steamcmd_fd >= 0 && fd_open_beneath(ret, steamcmd_fd, "linux32/" STEAMCLIENT,
                                            O_RDONLY | O_NONBLOCK, 0, err) == 0)
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "SteamCMD has no linux32/" STEAMCLIENT);
}

// Whether `name` in `dir_fd` holds what `fd` does; leaves `fd` at its beginning.
static int is_same(bool *ret, int dir_fd, const char *name, int fd, struct error *err)
{
    AUTO(freep) char *theirs = NULL, *ours = NULL;
    size_t            n_theirs = 0;
    struct stat       st;
    struct error      ignored;

    *ret = false;
    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at " STEAMCLIENT);
    if (!S_ISREG(st.st_mode) || st.st_size > STEAMCLIENT_MAX)
        return error_set(err, ERROR_INVALID, STEAMCLIENT " is not what it should be");
    if (fd_read_file(&theirs, &n_theirs, dir_fd, name, STEAMCLIENT_MAX, &ignored) < 0 ||
        n_theirs != (size_t)st.st_size)
        return 0;
    ours = malloc(n_theirs + 1);
    if (!ours)
        return error_sys(err, ENOMEM, "comparing " STEAMCLIENT);
    if (fd_read_exactly(fd, ours, n_theirs, err) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return error_sys(err, errno, "comparing " STEAMCLIENT);
    *ret = memcmp(theirs, ours, n_theirs) == 0;
    return 0;
}

int install_steamclient(const struct install_paths *paths, struct error *err)
{
    struct budget budget = { STEAMCLIENT_MAX, 1 };
    AUTO_FD       cache_fd = -1;
    AUTO_FD       steamcmd_fd = -1;
    AUTO_FD       tree_fd = -1;
    AUTO_FD       steam_fd = -1;
    AUTO_FD       sdk_fd = -1;
    AUTO_FD       from = -1;
    struct error  ignored;
    bool          is_there = false;

    (void)open_root(&steamcmd_fd, paths->steamcmd_dir, &ignored); // it is one of several places
    if (open_root(&cache_fd, paths->cache_dir, err) < 0 ||
        open_root(&tree_fd, paths->tree_dir, err) < 0 ||
        steamclient_find(&from, cache_fd, steamcmd_fd, err) < 0 ||
        make_dir(&steam_fd, tree_fd, ".steam", err) < 0 ||
        make_dir(&sdk_fd, steam_fd, "sdk32", err) < 0 ||
        is_same(&is_there, sdk_fd, STEAMCLIENT, from, err) < 0)
        return -1;
    return is_there ? 0 : copy_file(sdk_fd, STEAMCLIENT, from, &budget, err);
}
