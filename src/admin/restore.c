// SPDX-License-Identifier: MIT

// restore: a backup becomes a machine.

#include "admin/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/pack.h"
#include "base/dir.h"
#include "base/fd.h"
#include "base/tree.h"
#include "files/copytree.h"

#define SETTINGS_MAX (64u << 10)
#define UPPER_BYTES  (UINT64_C(1) << 44)

// ---- where -------------------------------------------------------------------------------------

// The directory of `path`, and its last component.
static int open_dir_of(int *ret, const char **ret_name, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char        dir[PATH_MAX];

    if (snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".") >=
        (int)sizeof dir)
        return error_set(err, ERROR_INVALID, "a path is too long");
    *ret_name = slash ? slash + 1 : path;
    *ret = open(*dir ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret < 0 ? error_sys(err, errno, "opening '%s'", dir) : 0;
}

int restore_open_dir(int *ret, const struct admin *admin, struct error *err)
{
    const char *name;

    return open_dir_of(ret, &name, admin->places.database, err);
}

int restore_open_stage(int *ret, const struct admin *admin, const char *path, struct error *err)
{
    AUTO_FD dir_fd = -1;
    char    below[PATH_MAX];

    (void)snprintf(below, sizeof below, RESTORE_DIR "%s%s", *path ? "/" : "", path); // short
    if (restore_open_dir(&dir_fd, admin, err) < 0)
        return -1;
    return fd_open_dir(ret, dir_fd, below, err);
}

int restore_clean(struct admin *admin, void *context, struct error *err)
{
    AUTO_FD fd = -1;

    (void)context;
    return restore_open_dir(&fd, admin, err) < 0 ? -1 : tree_remove(fd, RESTORE_DIR, err);
}

// ---- what root writes --------------------------------------------------------------------------

static int replace(const char *path, const char *bytes, size_t n, mode_t mode, struct error *err)
{
    AUTO(freep) char *old = NULL;
    AUTO_FD           fd = -1;
    const char       *name = NULL;
    size_t            n_old = 0;
    char              aside[NAME_MAX + 1];
    struct error      ignored; // there is none, or it is none

    if (open_dir_of(&fd, &name, path, err) < 0)
        return -1;
    if (fd_read_file(&old, &n_old, fd, name, SETTINGS_MAX, &ignored) == 0 && n_old == n &&
        memcmp(old, bytes, n) == 0)
        return 0;
    (void)snprintf(aside, sizeof aside, "%s.before-restore", name); // it fits
    if (old && fd_replace_file(fd, aside, old, n_old, mode, err) < 0)
        return -1;
    return fd_replace_file(fd, name, bytes, n, mode, err);
}

static int take_key(struct admin *admin, struct error *err)
{
    AUTO(freep) char *key = NULL;
    AUTO_FD           fd = -1;
    size_t            n = 0;

    if (restore_open_stage(&fd, admin, "key", err) < 0 ||
        fd_read_file(&key, &n, fd, "left4me.key", SECRET_KEY_BYTES, err) < 0)
        return error_prefix(err, "the key in the backup");
    if (n != SECRET_KEY_BYTES)
        return error_set(err, ERROR_INVALID, "the key in the backup is none");
    return replace(admin->places.key, key, n, 0600, err);
}

static int take_settings(struct admin *admin, struct error *err)
{
    AUTO(freep) char *text = NULL;
    AUTO_FD           fd = -1;
    size_t            n = 0;

    if (restore_open_stage(&fd, admin, "settings", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // there were none
    if (fd_read_file(&text, &n, fd, "left4me.conf", SETTINGS_MAX, err) < 0)
        return error_prefix(err, "the settings in the backup");
    return replace(admin->places.host.settings_file, text, n, 0644, err);
}

// ---- what games wrote --------------------------------------------------------------------------

struct upper {
    int from_fd, to_fd;
};

static void say_skipped(void *user, const char *path, const char *why)
{
    (void)user;
    fprintf(stderr, "left4me: left out: '%s' %s\n", path, why);
}

static int copy_upper(struct admin *admin, void *context, struct error *err)
{
    const struct upper *upper = context;
    struct copytree     copy = { .limits = { UPPER_BYTES, UPPER_BYTES, PACK_ENTRIES_MAX,
                                             PACK_DEPTH_MAX },
                                 .keeps_times = true,
                                 .skip = say_skipped };

    (void)admin;
    return copytree_run(&copy, upper->from_fd, upper->to_fd, -1, err);
}

// left4me-content reaches neither of the two by name.
static int take_upper(struct admin *admin, int uppers_fd, const char *name, struct error *err)
{
    struct upper            upper = { .from_fd = -1, .to_fd = -1 };
    const struct admin_part part = { ADMIN_CONTENT, copy_upper, &upper };
    char                    path[PATH_MAX];

    (void)snprintf(path, sizeof path, "runtime/%s/upper", name); // it is one name
    AUTO_FD from_fd = -1;
    AUTO_FD to_fd = -1;
    if (fd_open_dir(&from_fd, uppers_fd, name, err) < 0 ||
        host_open_data_dir(&to_fd, &admin->places.host, path, err) < 0)
        return error_prefix(err, "what the server '%s' wrote", name);
    upper = (struct upper){ from_fd, to_fd };
    if (admin_run_as(admin, &part, err) < 0)
        return error_prefix(err, "what the server '%s' wrote", name);
    return 0;
}

static int take_uppers(struct admin *admin, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (restore_open_stage(&fd, admin, "uppers", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // there were none
    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        if (take_upper(admin, fd, name, err) < 0)
            return -1;
    return r;
}

// ---- all of it ---------------------------------------------------------------------------------

static int check_archive(struct admin *admin, void *context, struct error *err)
{
    const struct pack_options options = { .program = admin->places.unpack,
                                          .to_fd = -1,
                                          .kind = MANIFEST_BACKUP };
    struct manifest           manifest;
    char                      made[ADMIN_TIME_MAX];

    (void)context;
    if (pack_read(&manifest, admin->fd, &options, err) < 0)
        return -1;
    if (manifest.database_version > database_newest_version())
        return error_set(err, ERROR_INVALID, "it was made by a later version of left4me, %s",
                         manifest.version);
    admin_time(made, manifest.made_unix_s);
    return admin_sayf(admin,
                      json_pack("{s:s, s:s, s:I, s:I, s:I}", "host", manifest.host, "version",
                                manifest.version, "made", (json_int_t)manifest.made_unix_s, "files",
                                (json_int_t)manifest.files, "bytes", (json_int_t)manifest.bytes),
                      err, "It is whole: of '%s', made at %s UTC by left4me %s, %" PRIu64 " files.",
                      manifest.host, made, manifest.version, manifest.files);
}

static int restore_all(struct admin *admin, struct error *err)
{
    const struct admin_part stage = { ADMIN_USER, restore_stage, NULL };
    const struct admin_part place = { ADMIN_USER, restore_place, NULL };
    const struct admin_part finish = { ADMIN_USER, restore_finish, NULL };

    if (admin_run_as(admin, &stage, err) < 0 || take_key(admin, err) < 0 ||
        take_settings(admin, err) < 0 || admin_run_as(admin, &place, err) < 0 ||
        take_uppers(admin, err) < 0)
        return -1;
    return admin_run_as(admin, &finish, err);
}

int restore_prepare(struct admin *admin, struct error *err)
{
    if (!admin->is_own && geteuid() != 0)
        return error_set(err, ERROR_DENIED, "run it as root");
    admin->fd = open(admin->args[0], O_RDONLY | O_CLOEXEC);
    return admin->fd < 0 ? error_sys(err, errno, "opening '%s'", admin->args[0]) : 0;
}

int restore_run(struct admin *admin, struct error *err)
{
    const struct admin_part check = { ADMIN_USER, check_archive, NULL };
    const struct admin_part clean = { ADMIN_USER, restore_clean, NULL };
    struct error            ignored; // the next one removes it

    if (admin_has(admin, OPTION_CHECK))
        return admin_run_as(admin, &check, err);
    int code = restore_all(admin, err);
    (void)!admin_run_as(admin, &clean, &ignored);
    return code;
}
