// SPDX-License-Identifier: MIT

// restorestage: whether a machine may be restored to, and the archive unpacked beside the database.

#include "admin/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/pack.h"
#include "base/fd.h"
#include "base/tree.h"
#include "host/instances.h"
#include "host/source.h"
#include "host/units.h"
#include "settings/settings.h"
#include "store/blueprint.h"
#include "store/server.h"

// ---- the machine -------------------------------------------------------------------------------

// Below another root nothing runs.
static int check_stopped(const struct admin *admin, struct error *err)
{
    static const char *const         names[] = { "left4me-web.socket", "left4me-web.service",
                                                 "left4me-worker.socket", "left4me-worker.service" };
    AUTO(units_closep) struct units *units = NULL;
    char                             state[UNITS_WORD_MAX];

    if (admin->is_own)
        return 0;
    if (units_open(&units, &admin->places.host, err) < 0)
        return -1;
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        if (units_active_state(units, names[i], state, err) < 0)
            return -1;
        if (strcmp(state, "inactive") != 0 && strcmp(state, "failed") != 0)
            return error_set(err, ERROR_BUSY,
                             "%s is %s: run 'systemctl stop left4me-web.socket left4me-web "
                             "left4me-worker.socket left4me-worker' first",
                             names[i], state);
    }
    return 0;
}

static int has_rows(bool *ret, const struct admin *admin, struct error *err)
{
    AUTO(database_closep) struct database  *db = NULL;
    AUTO(blueprint_freep) struct blueprint *blueprint = NULL;
    const struct server_filter              filter = { .viewer = VIEWER_ALL };
    struct server                           server;
    struct user                             user;

    *ret = false;
    if (access(admin->places.database, F_OK) < 0)
        return 0;
    if (database_open(&db, admin->places.database, err) < 0)
        return error_prefix(err, "the database that is there");
    int r = user_next(&user, db, 0, err);
    if (r == 0)
        r = blueprint_next(&blueprint, db, 0, VIEWER_ALL, err);
    if (r == 0)
        r = server_next(&server, db, 0, &filter, err);
    *ret = r > 0;
    return r < 0 ? -1 : 0;
}

// Nobody's work is overwritten without a word.
static int check_fresh(const struct admin *admin, struct error *err)
{
    AUTO(freep) struct sources       *sources = NULL;
    AUTO(strings_done) struct strings names = { 0 };
    bool                              is_used = false;

    if (admin_has(admin, OPTION_REPLACE))
        return 0;
    if (has_rows(&is_used, admin, err) < 0 || source_list(&sources, &admin->places.host, err) < 0 ||
        instances_list(&names, &admin->places.host, err) < 0)
        return -1;
    if (is_used || sources->n > 1 || names.n > 0)
        return error_set(err, ERROR_EXISTS,
                         "this machine has users, overlays or servers already: --replace puts what "
                         "is in the backup in their place, and keeps the old database aside");
    return 0;
}

// ---- unpacking ---------------------------------------------------------------------------------

// What is made below it is of the group that may read it then: see take_upper().
static int make_uppers(const struct admin *admin, int stage_fd, struct error *err)
{
    const struct group *group = admin->is_own ? NULL : getgrnam(ADMIN_CONTENT);

    if (admin->is_own)
        return 0;
    if (!group)
        return error_set(err, ERROR_UNAVAILABLE, "the group " ADMIN_CONTENT " does not exist");
    AUTO_FD fd = -1;
    if (mkdirat(stage_fd, "uppers", 0750) < 0)
        return error_sys(err, errno, "making a directory");
    if (fd_open_dir(&fd, stage_fd, "uppers", err) < 0)
        return -1;
    if (fchown(fd, (uid_t)-1, group->gr_gid) < 0 || fchmod(fd, 02750) < 0)
        return error_sys(err, errno, "making a directory");
    return 0;
}

static int make_stage(int *ret, struct admin *admin, struct error *err)
{
    AUTO_FD dir_fd = -1;

    if (restore_open_dir(&dir_fd, admin, err) < 0 || tree_remove(dir_fd, RESTORE_DIR, err) < 0)
        return -1;
    if (mkdirat(dir_fd, RESTORE_DIR, 0700) < 0)
        return error_sys(err, errno, "making a directory beside the database");
    if (fd_open_dir(ret, dir_fd, RESTORE_DIR, err) < 0)
        return -1;
    return make_uppers(admin, *ret, err);
}

// ---- what was unpacked -------------------------------------------------------------------------

// Opening it brings it forward; what is wrong with it is found before anything is changed.
static int check_database(const struct admin *admin, struct error *err)
{
    AUTO(database_closep) struct database *db = NULL;
    char                                   path[PATH_MAX];
    const char                            *slash = strrchr(admin->places.database, '/');
    int n_dir = slash ? (int)(slash - admin->places.database) : 1;

    if (snprintf(path, sizeof path, "%.*s/" RESTORE_DIR "/database/left4me.db", n_dir,
                 slash ? admin->places.database : ".") >= (int)sizeof path)
        return error_set(err, ERROR_INVALID, "the path of the database is too long");
    if (access(path, F_OK) < 0)
        return error_set(err, ERROR_INVALID, "the backup has no database");
    if (database_open(&db, path, err) < 0 || database_check(db, err) < 0)
        return error_prefix(err, "the database in the backup");
    return 0;
}

// Before root writes them.
static int check_settings(const struct admin *admin, struct error *err)
{
    AUTO_FD         fd = -1;
    struct settings settings;
    char            path[64];

    if (restore_open_stage(&fd, admin, "settings", err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;                       // there were none
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d/left4me.conf", fd); // it fits
    return settings_read(&settings, path, err) < 0 ? error_prefix(err, "the settings in the backup")
                                                   : 0;
}

int restore_stage(struct admin *admin, void *context, struct error *err)
{
    AUTO_FD             fd = -1;
    struct pack_options options = { .program = admin->places.unpack, .kind = MANIFEST_BACKUP };
    struct manifest     manifest;

    (void)context;
    if (check_stopped(admin, err) < 0 || check_fresh(admin, err) < 0 ||
        make_stage(&fd, admin, err) < 0)
        return -1;
    (void)umask(027); // as files of overlays are
    options.to_fd = fd;
    if (pack_read(&manifest, admin->fd, &options, err) < 0)
        return -1;
    (void)umask(077);
    return check_database(admin, err) < 0 ? -1 : check_settings(admin, err);
}
