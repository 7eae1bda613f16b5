// SPDX-License-Identifier: MIT

// backup: all that a new machine needs, in one file: what cannot be built or downloaded again.
//
//     database/left4me.db   as it was at one moment
//     key/left4me.key       what secrets in it are sealed with
//     settings/left4me.conf
//     sources/7/…           settings, text, and of overlays of files the tree
//     instances/one/…       specification, RCON password, the number of its own overlay; "enabled"
//     uppers/one/…          if they are wanted
//
// The page and the worker go on meanwhile. Trees are as of the time at which they are read, each
// file whole: what changes one makes a new file.

#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/pack.h"
#include "admin/sources.h"
#include "base/fd.h"
#include "host/instances.h"
#include "host/units.h"

#define PATH_ROOM 128u

struct backup {
    struct admin *admin;
    struct pack  *pack;
    unsigned      n_left_out, n_overlays, n_instances, n_uppers;
};

static void say_skipped(void *user, const char *path, const char *why)
{
    struct backup                  *backup = user;
    AUTO(buffer_done) struct buffer text = { 0 };

    backup->n_left_out++;
    buffer_add_escaped(&text, path, strlen(path));
    fprintf(stderr, "left4me: left out: '%s' %s\n", text.n ? text.bytes : "", why);
}

// ---- the database ------------------------------------------------------------------------------

static int record(struct admin *admin, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };

    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        admin_record(admin, "machine.backup", "", NULL, err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

// A copy beside it, which has no name any more when it is packed.
static int open_copy(int *ret, struct admin *admin, struct error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s-backup-%d", admin->places.database, (int)getpid()) >=
        (int)sizeof path)
        return error_set(err, ERROR_INVALID, "the path of the database is too long");
    if (database_back_up(admin->db, path, err) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        error_sys(err, errno, "opening '%s'", path);
    (void)unlink(path); // it is ours, and new
    *ret = fd;
    return fd < 0 ? -1 : 0;
}

static int add_database(struct backup *backup, struct error *err)
{
    AUTO_FD fd = -1;

    if (open_copy(&fd, backup->admin, err) < 0)
        return -1;
    return pack_add_open(backup->pack, "database/left4me.db", fd, err);
}

static int add_settings(struct backup *backup, struct error *err)
{
    AUTO_FD fd = open(backup->admin->places.host.settings_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", backup->admin->places.host.settings_file);
    return pack_add_open(backup->pack, "settings/left4me.conf", fd, err);
}

// ---- overlays, instances -----------------------------------------------------------------------

// One that is not there is left out.
static int add_if_there(struct backup *backup, const char *dir, int dir_fd, const char *name,
                        struct error *err)
{
    char path[PATH_ROOM + 32];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name); // words of ours
    if (pack_add_file(backup->pack, path, dir_fd, name, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

static int add_tree(struct backup *backup, const char *path, int parent_fd, const char *name,
                    struct error *err)
{
    const struct pack_tree tree = { .skip = say_skipped, .user = backup };
    AUTO_FD                fd = -1;

    if (fd_open_dir(&fd, parent_fd, name, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1; // nothing was put there yet
    return pack_add_tree(backup->pack, path, fd, &tree, err);
}

// One that has just been removed is left out.
static int add_source(struct backup *backup, const struct source *source, struct error *err)
{
    const struct pack_tree tree = { .skip = say_skipped, .user = backup };

    if (sources_pack(backup->pack, &backup->admin->places.host, source, &tree, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    backup->n_overlays++;
    return 0;
}

static int add_sources(struct backup *backup, struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;

    if (source_list(&sources, &backup->admin->places.host, err) < 0)
        return -1;
    for (size_t i = 0; i < sources->n; i++)
        if (sources->source[i].type != OVERLAY_GAME &&
            add_source(backup, &sources->source[i], err) < 0)
            return -1;
    return 0;
}

static bool is_enabled(const struct admin *admin, const char *name)
{
    char path[PATH_MAX];
    int  n = snprintf(path, sizeof path, "%s/multi-user.target.wants/" UNIT_SERVER "%s.service",
                      admin->places.host.wants_dir, name);

    return n < (int)sizeof path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int add_instance(struct backup *backup, const char *name, struct error *err)
{
    static const char *const files[] = { INSTANCE_SPEC_FILE, INSTANCE_PASSWORD_FILE,
                                         "own_overlay" };
    struct instance_name     checked;
    AUTO_FD                  fd = -1;
    char                     dir[PATH_ROOM], path[PATH_ROOM + 16];

    if (instance_name_set(&checked, name, err) < 0 ||
        instances_open(&fd, &backup->admin->places.host, &checked, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    (void)snprintf(dir, sizeof dir, "instances/%s", checked.text); // it fits
    backup->n_instances++;
    for (size_t i = 0; i < ELEMENTS(files); i++)
        if (add_if_there(backup, dir, fd, files[i], err) < 0)
            return -1;
    (void)snprintf(path, sizeof path, "%s/enabled", dir); // likewise
    return is_enabled(backup->admin, name) ? pack_add_bytes(backup->pack, path, "", 0, err) : 0;
}

// ---- what games wrote --------------------------------------------------------------------------

// Below another root nothing runs.
static int check_stopped(const struct admin *admin, const char *name, struct error *err)
{
    AUTO(units_closep) struct units *units = NULL;
    struct unit_state                state;

    if (admin->is_own)
        return 0;
    if (units_open(&units, &admin->places.host, err) < 0 ||
        units_state(units, UNIT_SERVER, name, &state, err) < 0)
        return -1;
    if (strcmp(state.active_state, "inactive") != 0 && strcmp(state.active_state, "failed") != 0)
        return error_set(err, ERROR_BUSY,
                         "the server '%s' is running: stop it first, or leave out what it wrote",
                         name);
    return 0;
}

static int add_upper(struct backup *backup, const char *name, struct error *err)
{
    struct instance_name checked;
    AUTO_FD              fd = -1;
    char                 from[PATH_ROOM], path[PATH_ROOM];

    if (instance_name_set(&checked, name, err) < 0)
        return -1;
    (void)snprintf(from, sizeof from, "runtime/%s", checked.text); // it fits
    (void)snprintf(path, sizeof path, "uppers/%s", checked.text);  // likewise
    if (check_stopped(backup->admin, checked.text, err) < 0)
        return -1;
    if (host_open_data_dir(&fd, &backup->admin->places.host, from, err) < 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_NOT_FOUND, "there is no instance '%s'", checked.text)
                   : -1;
    backup->n_uppers++;
    return add_tree(backup, path, fd, "upper", err);
}

// Of all that are stopped; of the others it is said.
static int add_upper_of_all(struct backup *backup, const char *name, struct error *err)
{
    if (add_upper(backup, name, err) == 0)
        return 0;
    if (err->kind != ERROR_BUSY && err->kind != ERROR_NOT_FOUND)
        return -1;
    backup->n_left_out++;
    fprintf(stderr, "left4me: left out: what the server '%s' wrote: it is running\n", name);
    return 0;
}

static int add_instances(struct backup *backup, struct error *err)
{
    AUTO(strings_done) struct strings names = { 0 };
    const struct admin               *admin = backup->admin;

    if (instances_list(&names, &admin->places.host, err) < 0)
        return -1;
    for (const char *s = NULL; (s = strings_next(&names, s));)
        if (add_instance(backup, s, err) < 0 ||
            (admin_has(admin, OPTION_UPPERS) && add_upper_of_all(backup, s, err) < 0))
            return -1;
    for (const char *s = NULL;
         !admin_has(admin, OPTION_UPPERS) && (s = strings_next(&admin->uppers, s));)
        if (add_upper(backup, s, err) < 0)
            return -1;
    return 0;
}

// ---- all of it ---------------------------------------------------------------------------------

static int report(const struct backup *backup, const struct manifest *manifest, struct error *err)
{
    const struct admin *admin = backup->admin;

    if (admin->fd == STDOUT_FILENO)
        return 0;
    return admin_sayf(
        admin,
        json_pack("{s:s, s:I, s:I, s:i, s:i, s:i, s:i}", "file", admin->args[0], "files",
                  (json_int_t)manifest->files, "bytes", (json_int_t)manifest->bytes, "overlays",
                  (int)backup->n_overlays, "instances", (int)backup->n_instances, "uppers",
                  (int)backup->n_uppers, "left_out", (int)backup->n_left_out),
        err,
        "%s: %" PRIu64 " files of %u overlays and %u servers%s. It holds the key of the machine: "
        "keep it where nobody else can read it.",
        admin->args[0], manifest->files, backup->n_overlays, backup->n_instances,
        backup->n_left_out ? "; what was left out stands above" : "");
}

static int add_all(struct backup *backup, struct error *err)
{
    if (add_database(backup, err) < 0 ||
        pack_add_bytes(backup->pack, "key/left4me.key", backup->admin->key.bytes, SECRET_KEY_BYTES,
                       err) < 0 ||
        add_settings(backup, err) < 0 || add_sources(backup, err) < 0)
        return -1;
    return add_instances(backup, err);
}

static int back_up(struct admin *admin, void *context, struct error *err)
{
    AUTO(database_closep) struct database *db = NULL;
    AUTO(pack_freep) struct pack          *pack = NULL;
    struct backup                          backup = { .admin = admin };
    struct manifest                        manifest = { .kind = MANIFEST_BACKUP,
                                                        .version = PROJECT_VERSION,
                                                        .made_unix_s = admin_now_s(),
                                                        .database_version = database_newest_version() };

    (void)context;
    (void)gethostname(manifest.host, sizeof manifest.host - 1); // "" then
    if (database_open(&db, admin->places.database, err) < 0)
        return -1;
    admin->db = db;
    if (record(admin, err) < 0 || pack_begin(&pack, admin->fd, &manifest, err) < 0)
        return -1;
    backup.pack = pack;
    if (add_all(&backup, err) < 0 || pack_finish(pack, &manifest, err) < 0)
        return -1;
    if (fsync(admin->fd) < 0 && errno != EINVAL && errno != EROFS) // a pipe
        return error_sys(err, errno, "writing the archive");
    return report(&backup, &manifest, err);
}

// ---- from outside ------------------------------------------------------------------------------

// The file is the caller's: root may want it where left4me cannot write.
int backup_prepare(struct admin *admin, struct error *err)
{
    const char *file = admin->args[0];

    if (strcmp(file, "-") == 0) {
        if (isatty(STDOUT_FILENO) == 1)
            return error_set(err, ERROR_INVALID, "the archive goes to standard output: '> FILE'");
        admin->fd = STDOUT_FILENO;
        return 0;
    }
    admin->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return admin->fd < 0 ? error_sys(err, errno, "creating '%s'", file) : 0;
}

int backup_run(struct admin *admin, struct error *err)
{
    const struct admin_part part = { .user = ADMIN_USER, .run = back_up };
    int                     r = admin_run_as(admin, &part, err);

    if (r < 0 && admin->fd != STDOUT_FILENO)
        (void)unlink(admin->args[0]); // a part of one is worth nothing
    return r;
}
