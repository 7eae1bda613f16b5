// SPDX-License-Identifier: MIT

// fuzz-drop: what is to be dropped from the layer of a server. Whatever the list says, what lies
// outside of the layer stays, a list that is refused changes nothing, and what one that is taken
// names is gone.
//
// As root it works as somebody else: a mistake must not cost the machine that finds it.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/tree.h"
#include "content/drop.h"

#define SOMEBODY 61234

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static const struct {
    char        kind; // d directory, n a closed one, f file, l link to `target`, p FIFO
    const char *path, *target;
} entries[] = {
    { 'd', "upper", NULL },           { 'd', "outside", NULL },
    { 'f', "outside/a", NULL },       { 'd', "outside/d", NULL },
    { 'f', "outside/d/a", NULL },     { 'd', "upper/d", NULL },
    { 'f', "upper/d/a", NULL },       { 'l', "upper/d/o", "../../outside" },
    { 'f', "upper/a", NULL },         { 'p', "upper/p", NULL },
    { 'l', "upper/o", "../outside" }, { 'l', "upper/l", "d" },
    { 'l', "upper/r", "/" },          { 'd', "upper/n", NULL },
    { 'd', "upper/n/n", NULL },       { 'f', "upper/n/n/a", NULL },
    { 'n', "upper/n/n", NULL },       { 'n', "upper/n", NULL },
};

static char place[64];
static int  place_fd = -1;

static void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "fuzz-drop: %s: %s\n", what, strerror(errno));
    abort();
}

static void become(uid_t uid)
{
    if (getuid() == 0)
        must(seteuid(uid) == 0, "changing the user");
}

static void remove_place(void)
{
    struct error err;

    if (place_fd >= 0 && tree_empty(place_fd, &err) == 0)
        (void)rmdir(place); // best effort, the name is unique
}

static void make_entry(char kind, const char *path, const char *target)
{
    AUTO_FD fd = -1;
    int     r = -1;

    if (kind == 'f')
        r = fd = openat(place_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    else if (kind == 'd')
        r = mkdirat(place_fd, path, 0700);
    else if (kind == 'n')
        r = fchmodat(place_fd, path, 0, 0);
    else if (kind == 'l')
        r = symlinkat(target, place_fd, path);
    else
        r = mkfifoat(place_fd, path, 0600);
    must(r >= 0, path);
}

static void make_place(void)
{
    struct error err;

    if (place_fd < 0) {
        (void)snprintf(place, sizeof place, "/dev/shm/left4me-fuzz-XXXXXX");
        must(mkdtemp(place) != NULL, "making a directory");
        place_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(place_fd >= 0, "opening it");
        (void)atexit(remove_place);
    }
    must(tree_empty(place_fd, &err) == 0, "emptying it");
    for (size_t i = 0; i < ELEMENTS(entries); i++)
        make_entry(entries[i].kind, entries[i].path, entries[i].target);
}

static bool is_there(const char *path)
{
    return faccessat(place_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_outside_whole(void)
{
    return is_there("outside/a") && is_there("outside/d/a") && is_there("upper");
}

static bool is_upper_whole(void)
{
    struct stat st;

    for (size_t i = 0; i < ELEMENTS(entries); i++)
        if (!strstr(entries[i].path, "/n") && !is_there(entries[i].path))
            return false;
    return fstatat(place_fd, "upper/n", &st, 0) == 0 && (st.st_mode & 07777) == 0;
}

// Walks without following a link, as who drops it should have.
static bool is_gone(int upper_fd, const char *path)
{
    AUTO_FD      fd = -1;
    struct stat  st;
    struct error err;
    char         parent[DROP_PATH_MAX];
    const char  *slash = strrchr(path, '/');

    (void)snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 0, path);
    if (slash && fd_open_dir(&fd, upper_fd, parent, &err) < 0)
        return true;
    return fstatat(slash ? fd : upper_fd, slash ? slash + 1 : path, &st, AT_SYMLINK_NOFOLLOW) < 0;
}

static bool drop(const char *bytes, size_t n_bytes)
{
    static const struct watch nobody;
    AUTO_FD                   upper_fd = -1;
    struct error              err = { 0 };

    must(fd_open_dir(&upper_fd, place_fd, "upper", &err) == 0, "opening the layer");
    int r = drop_paths(upper_fd, bytes, n_bytes, &nobody, &err);
    must(is_outside_whole(), "something outside is gone");
    if (r < 0) {
        must(err.kind == ERROR_INVALID, err.message);
        must(is_upper_whole(), "a list that was refused has changed something");
        return false;
    }
    for (const char *p = bytes; p < bytes + n_bytes; p += strlen(p) + 1)
        must(is_gone(upper_fd, p), "something was not dropped");
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static bool is_made;

    become(SOMEBODY);
    if (!is_made)
        make_place();
    is_made = !drop((const char *)bytes, n_bytes);
    become(0);
    return 0;
}
