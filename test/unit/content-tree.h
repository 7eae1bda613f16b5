// SPDX-License-Identifier: MIT
#pragma once

// content-tree: trees as one line of text, to be made, and to be compared with what came out.
//
// Made from items "K path[=data]" between semicolons. K: d directory, o opaque directory, f file,
// x program, w whiteout, l symbolic link, h hard link to the path in data, s and g set-id files,
// c and b devices, p FIFO, k socket, 0 a file of mode 000, n a directory of mode 000, a a file with
// attributes. Shown, sorted, as "dir/ dir/file=text program*=text link->target".

#include <dirent.h>
#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include "unit.h"

#define CONTENT_UID   61234 // who owns all of it on disk, and who the publisher runs as
#define TREE_TEXT_MAX 4096

static inline void make_file(int dir_fd, const char *path, const char *data, mode_t mode)
{
    unit_write(dir_fd, path, data ? data : "");
    assert_return_code(fchownat(dir_fd, path, CONTENT_UID, CONTENT_UID, 0), errno);
    assert_return_code(fchmodat(dir_fd, path, mode, 0), errno); // after chown, which drops set-id
}

static inline void make_dir(int dir_fd, const char *path, mode_t mode)
{
    if (mkdirat(dir_fd, path, 0755) < 0)
        assert_int_equal(errno, EEXIST);
    assert_return_code(fchmodat(dir_fd, path, mode, 0), errno);
}

static inline void set_xattr(int dir_fd, const char *path, const char *key, const char *value)
{
    AUTO_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);

    assert_return_code(fd, errno);
    assert_return_code(fsetxattr(fd, key, value, strlen(value), 0), errno);
}

static inline void make_node(int dir_fd, const char *path, mode_t mode, dev_t device)
{
    assert_return_code(mknodat(dir_fd, path, mode | 0644, device), errno);
}

static inline void make_item(int dir_fd, char kind, const char *path, const char *data)
{
    switch (kind) {
    case 'd':
        make_dir(dir_fd, path, 0755);
        break;
    case 'o':
        make_dir(dir_fd, path, 0755);
        set_xattr(dir_fd, path, "user.overlay.opaque", "y");
        break;
    case 'n':
        make_dir(dir_fd, path, 0);
        break;
    case 'f':
        make_file(dir_fd, path, data, 0644);
        break;
    case 'x':
        make_file(dir_fd, path, data, 0755);
        break;
    case '0':
        make_file(dir_fd, path, data, 0);
        break;
    case 's':
        make_file(dir_fd, path, data, 04755);
        break;
    case 'g':
        make_file(dir_fd, path, data, 02755);
        break;
    case 'a':
        make_file(dir_fd, path, data, 0644);
        set_xattr(dir_fd, path, "user.overlay.origin", "0");
        set_xattr(dir_fd, path, "user.secret", "x");
        break;
    case 'w':
        make_node(dir_fd, path, S_IFCHR, 0);
        break;
    case 'c':
        make_node(dir_fd, path, S_IFCHR, makedev(1, 3));
        break;
    case 'b':
        make_node(dir_fd, path, S_IFBLK, makedev(7, 0));
        break;
    case 'p':
        make_node(dir_fd, path, S_IFIFO, 0);
        break;
    case 'k':
        make_node(dir_fd, path, S_IFSOCK, 0);
        break;
    case 'l':
        assert_return_code(symlinkat(data, dir_fd, path), errno);
        break;
    case 'h':
        assert_return_code(linkat(dir_fd, data, dir_fd, path, 0), errno);
        break;
    default:
        fail_msg("no such kind: %c", kind);
    }
}

static inline void chown_all(int dir_fd, const char *name)
{
    struct stat st;

    assert_return_code(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), errno);
    if (!S_ISREG(st.st_mode)) // those have theirs, and lose their set-id bits by it
        assert_return_code(fchownat(dir_fd, name, CONTENT_UID, CONTENT_UID, AT_SYMLINK_NOFOLLOW),
                           errno);
    if (!S_ISDIR(st.st_mode))
        return;
    DIR *dir = fdopendir(openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            chown_all(dirfd(dir), entry->d_name);
    closedir(dir);
}

// Makes what `text` says below the directory, all of it owned by CONTENT_UID.
static inline void tree_make(int dir_fd, const char *text)
{
    char copy[TREE_TEXT_MAX], *rest = copy;

    snprintf(copy, sizeof copy, "%s", text);
    for (char *item; (item = strsep(&rest, ";"));) {
        item += strspn(item, " ");
        if (!*item)
            continue;
        char *data = strchr(item, '=');
        if (data)
            *data++ = '\0';
        make_item(dir_fd, item[0], item + 2, data);
    }
    chown_all(dir_fd, ".");
}

struct tree_text {
    char text[TREE_TEXT_MAX];
};

static inline void show_add(struct tree_text *ret, const char *text)
{
    size_t n = strlen(ret->text);

    assert_true(n + strlen(text) < sizeof ret->text);
    strcpy(ret->text + n, text);
}

static inline void show_file(struct tree_text *ret, int dir_fd, const char *name,
                             const struct stat *st)
{
    char bytes[64] = "", list[256];

    assert_true((st->st_mode & 07777) == 0640 || (st->st_mode & 07777) == 0750);
    AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_int_equal(flistxattr(fd, list, sizeof list), 0);
    assert_true(read(fd, bytes, sizeof bytes - 1) >= 0);
    show_add(ret, (st->st_mode & 0100) ? "*=" : "=");
    show_add(ret, bytes);
}

static inline void show_dir(struct tree_text *ret, int dir_fd, const char *name, const char *path)
{
    struct dirent **entries = NULL;
    char            where[512], list[256], target[256];
    struct stat     st;

    AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_return_code(fstat(fd, &st), errno);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(flistxattr(fd, list, sizeof list), 0);
    snprintf(where, sizeof where, "/proc/self/fd/%d", fd);
    int n = scandir(where, &entries, NULL, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        const char *entry = entries[i]->d_name;
        if (strcmp(entry, ".") != 0 && strcmp(entry, "..") != 0) {
            snprintf(where, sizeof where, "%s%s%s", path, *path ? "/" : "", entry);
            assert_return_code(fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW), errno);
            assert_int_equal(st.st_uid, CONTENT_UID);
            show_add(ret, *ret->text ? " " : "");
            show_add(ret, where);
            if (S_ISDIR(st.st_mode)) {
                show_add(ret, "/");
                show_dir(ret, fd, entry, where);
            } else if (S_ISLNK(st.st_mode)) {
                memset(target, 0, sizeof target);
                assert_true(readlinkat(fd, entry, target, sizeof target - 1) > 0);
                show_add(ret, "->");
                show_add(ret, target);
            } else {
                assert_true(S_ISREG(st.st_mode));
                show_file(ret, fd, entry, &st);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

// Shows the tree `name` in `dir_fd`, whose modes and owner must be those of a generation.
static inline struct tree_text tree_show(int dir_fd, const char *name)
{
    struct tree_text ret = { "" };

    show_dir(&ret, dir_fd, name, "");
    return ret;
}

// From here on the kernel checks our file accesses as those of the publisher, until root_again.
static inline void become_content(void)
{
    assert_return_code(setegid(CONTENT_UID), errno);
    assert_return_code(seteuid(CONTENT_UID), errno);
}

static inline void root_again(void)
{
    assert_return_code(seteuid(0), errno);
    assert_return_code(setegid(0), errno);
}
