// SPDX-License-Identifier: MIT
#include "content/flatten.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "content/entry.h"

#define OPAQUE_XATTR    "user.overlay.opaque"
#define COMPARE_BYTES   131072u
#define SAY_EVERY_FILES 10000u
#define MODE_DIR        0750
#define MODE_FILE       0640
#define MODE_PROGRAM    0750
#define LINKS_MAX       120u // of a file: 60 names in the scratch, and as many in the new tree

// One directory on the way down. The names of the upper are taken first, then those of the base
// that the upper does not speak of.
struct frame {
    DIR   *upper, *base; // NULL: has none
    int    new_fd;
    size_t n_path;    // length of its own path
    bool   is_opaque; // the base is hidden: it is looked at only to see what did not change
    bool   is_upper_done;
};

struct walk {
    const struct flatten_input *input;
    const struct watch         *watch;
    struct flatten_counts       counts;
    uint32_t                    n_entries;
    unsigned                    n_frames;
    struct frame                frames[FLATTEN_DEPTH_MAX + 1];
    char                        path[PATH_MAX]; // of the directory at hand, from the tree's root
    char                        buffers[2][COMPARE_BYTES];
    char                        xattrs[XATTR_LIST_MAX];
};

// An entry that is being looked at. A stat whose mode is 0 says that there is none.
struct entry {
    const char *name;
    struct stat upper, base;
};

static void frame_done(struct frame *frame)
{
    if (frame->upper)
        (void)closedir(frame->upper); // it was only read
    if (frame->base)
        (void)closedir(frame->base);
    (void)fd_close(frame->new_fd);
}

static void walk_freep(struct walk **walk)
{
    if (!*walk)
        return;
    while ((*walk)->n_frames > 0)
        frame_done(&(*walk)->frames[--(*walk)->n_frames]);
    free(*walk);
}

static struct frame *top(struct walk *walk)
{
    return &walk->frames[walk->n_frames - 1];
}

static int fd_of(DIR *dir)
{
    return dir ? dirfd(dir) : -1;
}

static int refuse(const struct walk *walk, const char *name, const char *why, struct error *err)
{
    char shown[ENTRY_SHOW_MAX];

    return error_set(err, ERROR_INVALID, "'%s' %s", entry_show(shown, walk->path, name), why);
}

static int fail(const struct walk *walk, const char *name, const char *doing, struct error *err)
{
    char shown[ENTRY_SHOW_MAX];
    int  saved = errno;

    return error_sys(err, saved, "%s '%s'", doing, entry_show(shown, walk->path, name));
}

// ---- directories ------------------------------------------------------------------------------

// The directory `name` of `parent` as a list; NULL in *ret if there is none.
static int list_open(DIR **ret, DIR *parent, const char *name, const struct stat *st,
                     struct error *err)
{
    AUTO_FD fd = -1;

    if (!S_ISDIR(st->st_mode))
        return 0;
    if (entry_open_dir(&fd, dirfd(parent), name, err) < 0)
        return -1;
    return dir_open(ret, fd, err);
}

static bool is_marked_opaque(int fd)
{
    char value[2];

    return fgetxattr(fd, OPAQUE_XATTR, value, sizeof value) == 1 && value[0] == 'y';
}

static int path_push(struct walk *walk, const char *name, struct error *err)
{
    size_t n = strlen(walk->path), n_name = strlen(name);

    if (n + 1 + n_name >= sizeof walk->path)
        return refuse(walk, name, "has a path that is too long", err);
    if (n > 0)
        walk->path[n++] = '/';
    memcpy(walk->path + n, name, n_name + 1);
    return 0;
}

static int make_dir(struct walk *walk, int *ret, const char *name, struct error *err)
{
    AUTO_FD fd = -1;

    watch_step(walk->watch, "mkdir");
    if (mkdirat(top(walk)->new_fd, name, MODE_DIR) < 0)
        return fail(walk, name, "making directory", err);
    fd = openat(top(walk)->new_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, MODE_DIR) < 0) // the umask, or a set-group-id parent, may have its way
        return fail(walk, name, "making directory", err);
    *ret = TAKE_FD(fd);
    return 0;
}

// Goes down into the directory of an entry, in whichever of upper and base it is one.
static int enter(struct walk *walk, const struct entry *entry, struct error *err)
{
    struct frame *parent = top(walk);
    struct frame  frame = { .new_fd = -1, .is_opaque = parent->is_opaque };

    if (walk->n_frames > FLATTEN_DEPTH_MAX)
        return refuse(walk, entry->name, "is too deep: 64 directories are the limit", err);
    if (list_open(&frame.upper, parent->upper, entry->name, &entry->upper, err) < 0 ||
        list_open(&frame.base, parent->base, entry->name, &entry->base, err) < 0 ||
        make_dir(walk, &frame.new_fd, entry->name, err) < 0 ||
        path_push(walk, entry->name, err) < 0) {
        frame_done(&frame);
        return -1;
    }
    if (frame.upper && is_marked_opaque(dirfd(frame.upper)))
        frame.is_opaque = true;
    frame.is_upper_done = !frame.upper;
    frame.n_path = strlen(walk->path);
    walk->frames[walk->n_frames++] = frame;
    if (!frame.base)
        walk->counts.dirs_added++;
    return 0;
}

static void leave(struct walk *walk)
{
    frame_done(top(walk));
    walk->n_frames--;
    walk->path[walk->n_frames > 0 ? top(walk)->n_path : 0] = '\0';
}

// ---- files and links --------------------------------------------------------------------------

// A link to what `name` is in `from`: this is how every byte gets into the new tree.
static int link_from(struct walk *walk, DIR *from, const char *name, const struct stat *st,
                     struct error *err)
{
    watch_step(walk->watch, "link");
    if (linkat(dirfd(from), name, top(walk)->new_fd, name, 0) < 0)
        return fail(walk, name, "linking", err);
    if (S_ISREG(st->st_mode) &&
        (__builtin_add_overflow(walk->counts.bytes, (uint64_t)st->st_size, &walk->counts.bytes) ||
         walk->counts.bytes > INT64_MAX)) // what JSON can hold
        return refuse(walk, name, "makes the tree larger than can be counted", err);
    if (++walk->counts.files % SAY_EVERY_FILES == 0)
        watch_say(walk->watch, "%llu files", (unsigned long long)walk->counts.files);
    return 0;
}

// What the base has under this name is gone, or is of another kind now.
static int count_removed(struct walk *walk, const char *name, struct error *err)
{
    return entry_count(dirfd(top(walk)->base), name, FLATTEN_DEPTH_MAX, &walk->counts.removed,
                       &walk->counts.dirs_removed, err);
}

// Counts a file or link that comes from the upper. A directory that was there before is removed;
// a file or link that was there is changed.
static int count_taken(struct walk *walk, const struct entry *entry, struct error *err)
{
    if (S_ISREG(entry->upper.st_mode))
        walk->counts.bytes_changed += (uint64_t)entry->upper.st_size;
    if (S_ISREG(entry->base.st_mode) || S_ISLNK(entry->base.st_mode)) {
        walk->counts.changed++;
        return 0;
    }
    walk->counts.added++;
    return S_ISDIR(entry->base.st_mode) ? count_removed(walk, entry->name, err) : 0;
}

static int compare_bytes(struct walk *walk, bool *ret, int a, int b)
{
    for (;;) {
        ssize_t n_a = fd_read_up_to(a, walk->buffers[0], COMPARE_BYTES);
        ssize_t n_b = fd_read_up_to(b, walk->buffers[1], COMPARE_BYTES);
        if (n_a < 0 || n_b < 0)
            return -1;
        *ret = n_a == n_b && memcmp(walk->buffers[0], walk->buffers[1], (size_t)n_a) == 0;
        if (!*ret || n_a == 0)
            return 0;
    }
}

// Whether the upper's file, open as `fd`, says what the base's does. `mode` is the one it gets.
static int is_same_file(struct walk *walk, bool *ret, const struct entry *entry, int fd,
                        mode_t mode, struct error *err)
{
    AUTO_FD base = -1;

    *ret = false;
    if (!S_ISREG(entry->base.st_mode) || entry->base.st_size != entry->upper.st_size ||
        (entry->base.st_mode & 07777) != mode)
        return 0;
    base =
        openat(dirfd(top(walk)->base), entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (base < 0 || compare_bytes(walk, ret, fd, base) < 0)
        return fail(walk, entry->name, "comparing", err);
    return 0;
}

// overlayfs leaves marks of its own, and the builder may have left access control lists. Only what
// the kernel's security modules put there stays: it is theirs to remove.
static int drop_xattrs(struct walk *walk, const char *name, int fd, struct error *err)
{
    ssize_t n = flistxattr(fd, walk->xattrs, sizeof walk->xattrs);

    if (n < 0 && errno == ENOTSUP)
        return 0;
    if (n < 0)
        return fail(walk, name, "reading the attributes of", err);
    for (const char *key = walk->xattrs; key < walk->xattrs + n; key += strlen(key) + 1) {
        if (strcmp(key, "security.capability") == 0)
            return refuse(walk, name, "carries file capabilities, which no overlay may", err);
        if (strncmp(key, "security.", 9) == 0 || strncmp(key, "trusted.", 8) == 0)
            continue;
        watch_step(walk->watch, "removexattr");
        if (fremovexattr(fd, key) < 0 && errno != ENODATA)
            return fail(walk, name, "dropping the attributes of", err);
    }
    return 0;
}

// What becomes part of a generation must be nobody else's, now and later: of our user, with few
// names, and open for writing nowhere. The kernel grants a lease for reading only then, and by now
// the mode lets no other user open it for writing again.
static int check_sole(struct walk *walk, const char *name, int fd, mode_t mode, struct stat *ret,
                      struct error *err)
{
    if (fstat(fd, ret) < 0)
        return fail(walk, name, "looking at", err);
    if (!S_ISREG(ret->st_mode) || (ret->st_mode & 07777) != mode)
        return refuse(walk, name, "was replaced while it was published", err);
    if (ret->st_uid != geteuid())
        return refuse(walk, name, "belongs to another user", err);
    // Each generation to come adds a link for each name, and ext4 allows 65,000: enough for all
    // that an overlay can have.
    if (ret->st_nlink > LINKS_MAX && !walk->input->is_shared)
        return refuse(walk, name, "has more than 60 names: hard links are limited", err);
    watch_step(walk->watch, "lease");
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN ? refuse(walk, name, "is still open for writing somewhere", err)
                               : fail(walk, name, "making sure that nobody writes", err);
    if (fcntl(fd, F_SETLEASE, F_UNLCK) < 0)
        return fail(walk, name, "making sure that nobody writes", err);
    return 0;
}

// Links what is open as `fd`. The directory of the upper may be one that others can write, the new
// one is not: what arrived there is what was checked, or it is refused.
static int link_checked(struct walk *walk, const struct entry *entry, const struct stat *checked,
                        struct error *err)
{
    struct stat st;

    if (link_from(walk, top(walk)->upper, entry->name, checked, err) < 0)
        return -1;
    if (fstatat(top(walk)->new_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(walk, entry->name, "looking at", err);
    if (st.st_ino != checked->st_ino || st.st_dev != checked->st_dev)
        return refuse(walk, entry->name, "was replaced while it was published", err);
    return 0;
}

static int take_file(struct walk *walk, const struct entry *entry, struct error *err)
{
    DIR        *upper = top(walk)->upper;
    mode_t      mode = entry->upper.st_mode & 0111 ? MODE_PROGRAM : MODE_FILE;
    bool        is_same = false;
    struct stat checked;

    if (entry->upper.st_mode & (S_ISUID | S_ISGID))
        return refuse(walk, entry->name, "is set-user-id or set-group-id, which no overlay may be",
                      err);
    if (entry->upper.st_ino == entry->base.st_ino && entry->upper.st_dev == entry->base.st_dev &&
        S_ISREG(entry->base.st_mode))
        return link_from(walk, top(walk)->base, entry->name, &entry->base, err);

    if ((entry->upper.st_mode & 07777) != mode) {
        watch_step(walk->watch, "chmod");
        if (entry_chmod(dirfd(upper), entry->name, mode) < 0)
            return fail(walk, entry->name, "changing the mode of", err);
    }
    AUTO_FD fd = openat(dirfd(upper), entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail(walk, entry->name, "opening", err);
    if (check_sole(walk, entry->name, fd, mode, &checked, err) < 0 ||
        is_same_file(walk, &is_same, entry, fd, mode, err) < 0)
        return -1;
    if (is_same)
        return link_from(walk, top(walk)->base, entry->name, &entry->base, err);
    if (drop_xattrs(walk, entry->name, fd, err) < 0 || count_taken(walk, entry, err) < 0)
        return -1;
    return link_checked(walk, entry, &checked, err);
}

// A link may go up first, as far as the root of the tree, and then down. ".." after a name is
// refused: the name may itself be a link, and then nobody can say where it leads.
static bool stays_inside(const char *target, unsigned depth)
{
    bool has_name = false;

    if (*target == '/')
        return false;
    while (*target) {
        size_t n = strcspn(target, "/");
        if (n == 2 && target[0] == '.' && target[1] == '.') {
            if (has_name || depth == 0)
                return false;
            depth--;
        } else if (n > 0 && !(n == 1 && target[0] == '.')) {
            has_name = true;
        }
        target += n + strspn(target + n, "/");
    }
    return true;
}

static int read_link(struct walk *walk, DIR *dir, const char *name, char ret[PATH_MAX],
                     struct error *err)
{
    ssize_t n = readlinkat(dirfd(dir), name, ret, PATH_MAX);

    if (n < 0)
        return fail(walk, name, "reading the symbolic link", err);
    if (n >= PATH_MAX)
        return refuse(walk, name, "is a symbolic link with too long a target", err);
    ret[n] = '\0';
    return 0;
}

static int take_link(struct walk *walk, const struct entry *entry, struct error *err)
{
    char *target = walk->buffers[0], *old = walk->buffers[1];

    _Static_assert(COMPARE_BYTES >= PATH_MAX, "a target fits");
    if (read_link(walk, top(walk)->upper, entry->name, target, err) < 0)
        return -1;
    if (!stays_inside(target, walk->n_frames - 1))
        return refuse(walk, entry->name,
                      "is a symbolic link that is absolute or leads out of the "
                      "overlay: only relative ones that stay inside are kept",
                      err);
    if (S_ISLNK(entry->base.st_mode)) {
        if (read_link(walk, top(walk)->base, entry->name, old, err) < 0)
            return -1;
        if (strcmp(target, old) == 0)
            return link_from(walk, top(walk)->base, entry->name, &entry->base, err);
    }
    if (count_taken(walk, entry, err) < 0)
        return -1;
    watch_step(walk->watch, "symlink");
    if (symlinkat(target, top(walk)->new_fd, entry->name) < 0)
        return fail(walk, entry->name, "making the symbolic link", err);
    walk->counts.files++;
    return 0;
}

// ---- the walk ---------------------------------------------------------------------------------

static int take_dir(struct walk *walk, const struct entry *entry, struct error *err)
{
    bool is_base_other = entry->base.st_mode != 0 && !S_ISDIR(entry->base.st_mode);

    if (is_base_other && count_removed(walk, entry->name, err) < 0)
        return -1;
    return enter(walk, entry, err);
}

// An entry that the upper speaks of.
static int take_upper(struct walk *walk, const struct entry *entry, struct error *err)
{
    switch (entry->upper.st_mode & S_IFMT) {
    case S_IFCHR:
        if (entry->upper.st_rdev != 0)
            return refuse(walk, entry->name, "is a device node, which no overlay may hold", err);
        return entry->base.st_mode ? count_removed(walk, entry->name, err) : 0; // a whiteout
    case S_IFDIR:
        return take_dir(walk, entry, err);
    case S_IFREG:
        return take_file(walk, entry, err);
    case S_IFLNK:
        return take_link(walk, entry, err);
    case S_IFIFO:
        return refuse(walk, entry->name, "is a FIFO, which no overlay may hold", err);
    case S_IFSOCK:
        return refuse(walk, entry->name, "is a socket, which no overlay may hold", err);
    default:
        return refuse(walk, entry->name, "is a device node, which no overlay may hold", err);
    }
}

// An entry that only the base has.
static int take_base(struct walk *walk, const struct entry *entry, struct error *err)
{
    if (top(walk)->is_opaque)
        return count_removed(walk, entry->name, err);
    switch (entry->base.st_mode & S_IFMT) {
    case S_IFDIR:
        return enter(walk, entry, err);
    case S_IFREG:
    case S_IFLNK:
        return link_from(walk, top(walk)->base, entry->name, &entry->base, err);
    default:
        return refuse(walk, entry->name, "of the generation below is not a file or directory", err);
    }
}

// Fills in *ret, or leaves its mode 0 if `dir` has no such entry.
static int look(const struct walk *walk, struct stat *ret, DIR *dir, const char *name,
                struct error *err)
{
    if (!dir || fstatat(fd_of(dir), name, ret, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != ENOENT)
        return fail(walk, name, "looking at", err);
    ret->st_mode = 0;
    return 0;
}

static int take(struct walk *walk, const char *name, struct error *err)
{
    struct frame *frame = top(walk);
    struct entry  entry = { .name = name };

    if (look(walk, &entry.upper, frame->upper, name, err) < 0)
        return -1;
    if (frame->is_upper_done && entry.upper.st_mode)
        return 0; // it was taken with the names of the upper
    if (look(walk, &entry.base, frame->base, name, err) < 0)
        return -1;
    if (++walk->n_entries > walk->input->entries_max)
        return error_set(err, ERROR_INVALID, "the tree has more than %u files and directories",
                         walk->input->entries_max);
    return frame->is_upper_done ? take_base(walk, &entry, err) : take_upper(walk, &entry, err);
}

// The next name of the directory at hand, as dir_next.
static int next_name(const char **ret, struct frame *frame, struct error *err)
{
    for (;;) {
        DIR *dir = frame->is_upper_done ? frame->base : frame->upper;
        int  r = dir ? dir_next(ret, dir, err) : 0;
        if (r != 0 || frame->is_upper_done)
            return r;
        frame->is_upper_done = true;
    }
}

static int walk_all(struct walk *walk, struct error *err)
{
    while (walk->n_frames > 0) {
        char        shown[ENTRY_SHOW_MAX];
        const char *name;
        int         r = next_name(&name, top(walk), err);
        if (r < 0)
            return error_prefix(err, "'%s'", entry_show(shown, walk->path, "."));
        if (r > 0 && take(walk, name, err) < 0)
            return -1;
        if (r == 0)
            leave(walk);
    }
    return 0;
}

static int walk_root(struct walk *walk, struct error *err)
{
    struct frame *root = &walk->frames[0];

    *root = (struct frame){ .new_fd = -1 };
    walk->n_frames = 1;
    if (dir_open(&root->upper, walk->input->upper_fd, err) < 0)
        return error_prefix(err, "the upper layer");
    if (walk->input->base_fd >= 0 && dir_open(&root->base, walk->input->base_fd, err) < 0)
        return error_prefix(err, "the generation below");
    root->new_fd = openat(walk->input->new_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->new_fd < 0 || fchmod(root->new_fd, MODE_DIR) < 0)
        return error_sys(err, errno, "opening the new generation");
    root->is_opaque = is_marked_opaque(dirfd(root->upper));
    return 0;
}

int flatten(struct flatten_counts *ret, const struct flatten_input *input,
            const struct watch *watch, struct error *err)
{
    AUTO(walk_freep) struct walk *walk = calloc(1, sizeof *walk);

    if (!walk)
        return error_sys(err, ENOMEM, "flattening");
    walk->input = input;
    walk->watch = watch;
    if (walk_root(walk, err) < 0 || walk_all(walk, err) < 0)
        return -1;
    *ret = walk->counts;
    return 0;
}

bool flatten_is_unchanged(const struct flatten_counts *counts)
{
    return counts->added == 0 && counts->changed == 0 && counts->removed == 0 &&
           counts->dirs_added == 0 && counts->dirs_removed == 0;
}
