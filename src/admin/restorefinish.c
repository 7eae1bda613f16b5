// SPDX-License-Identifier: MIT

// restorefinish: the database of a backup takes its place, nothing in it is under way any more, and
// what is to be done now is said, or asked for.

#include "admin/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "store/job.h"
#include "store/moved.h"
#include "store/ownedoverlay.h"
#include "store/server.h"

struct finish {
    struct admin *admin;
    unsigned      n_overlays, n_servers, n_builds;
    int64_t       build;  // the last job that builds; 0: none
    json_t       *wanted; // names of servers that ran
    struct buffer names;  // the same, to be read
};

// ---- its place ---------------------------------------------------------------------------------

// Nobody has it open: what is not in the file yet goes along.
static int put_aside(const struct admin *admin, int64_t now_s, struct error *err)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char                     from[PATH_MAX], to[PATH_MAX];

    for (size_t i = 0; i < ELEMENTS(ends); i++) {
        if (snprintf(from, sizeof from, "%s%s", admin->places.database, ends[i]) >=
                (int)sizeof from ||
            snprintf(to, sizeof to, "%s.before-%" PRId64 "%s", admin->places.database, now_s,
                     ends[i]) >= (int)sizeof to)
            return error_set(err, ERROR_INVALID, "the path of the database is too long");
        if (rename(from, to) < 0 && errno != ENOENT)
            return error_sys(err, errno, "keeping the old database aside");
    }
    return 0;
}

static int put_in_place(const struct admin *admin, struct error *err)
{
    AUTO_FD     from_fd = -1;
    AUTO_FD     to_fd = -1;
    const char *slash = strrchr(admin->places.database, '/');

    if (restore_open_stage(&from_fd, admin, "database", err) < 0 ||
        restore_open_dir(&to_fd, admin, err) < 0 || put_aside(admin, admin_now_s(), err) < 0)
        return -1;
    if (fchmodat(from_fd, "left4me.db", 0600, 0) < 0 ||
        renameat(from_fd, "left4me.db", to_fd, slash ? slash + 1 : admin->places.database) < 0 ||
        fsync(to_fd) < 0)
        return error_sys(err, errno, "putting the database in place");
    return 0;
}

// ---- what is to be done ------------------------------------------------------------------------

static int ask_for_builds(struct finish *finish, struct error *err)
{
    struct owned_overlay overlay = { 0 };
    int                  r;

    while ((r = owned_overlay_next(&overlay, finish->admin->db, overlay.id, VIEWER_ALL, err)) > 0) {
        const struct admin_job job = { .kind = "overlay.build", .overlay = overlay.id };
        if (overlay.type == OVERLAY_GAME)
            continue;
        finish->n_overlays++;
        if (!admin_has(finish->admin, OPTION_BUILD))
            continue;
        if (admin_job_add(&finish->build, finish->admin, &job, err) < 0)
            return -1;
        finish->n_builds++;
    }
    return r;
}

// It begins after the builds, which are all asked for by now.
static int ask_for_start(struct finish *finish, const struct server *server, struct error *err)
{
    const struct admin_job job = { .kind = "server.start", .server = server->id };
    int64_t                id = 0;

    if (admin_job_add(&id, finish->admin, &job, err) < 0)
        return -1;
    for (int64_t build = finish->build - finish->n_builds + 1;
         finish->n_builds > 0 && build <= finish->build; build++)
        if (job_wait_for(finish->admin->db, id, build, err) < 0)
            return -1;
    return 0;
}

static int look_at_servers(struct finish *finish, struct error *err)
{
    const struct server_filter filter = { .viewer = VIEWER_ALL };
    struct server              server = { 0 };
    struct database           *db = finish->admin->db;
    int                        r;

    while ((r = server_next(&server, db, server.id, &filter, err)) > 0) {
        finish->n_servers++;
        if (!server.is_wanted)
            continue;
        buffer_printf(&finish->names, "%s'%s'", finish->names.n ? ", " : "", server.name);
        (void)json_array_append_new(finish->wanted, json_string(server.name)); // seen to be missing
        bool starts = admin_has(finish->admin, OPTION_START);
        if (starts ? ask_for_start(finish, &server, err) < 0
                   : server_set_wanted(db, server.id, false, err) < 0)
            return -1;
    }
    return r;
}

static int settle(struct finish *finish, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct admin                             *admin = finish->admin;

    if (transaction_begin(&transaction, admin->db, err) < 0 ||
        moved_settle(admin->db, admin_now_us(), err) < 0 ||
        admin_record(admin, "machine.restore", "", NULL, err) < 0 ||
        ask_for_builds(finish, err) < 0 || look_at_servers(finish, err) < 0)
        return -1;
    return transaction_commit(&transaction, err);
}

static int report(struct finish *finish, struct error *err)
{
    const struct admin             *admin = finish->admin;
    AUTO(buffer_done) struct buffer text = { 0 };

    buffer_printf(&text,
                  "Restored %u overlays and %u servers. What is left to do:\n"
                  "  systemctl start left4me-worker.socket left4me-worker left4me-web.socket\n"
                  "  l4d2ctl install --steamcmd PATH",
                  finish->n_overlays, finish->n_servers);
    if (!admin_has(admin, OPTION_BUILD))
        buffer_add_string(&text, "\n  build the overlays, on the page or with 'l4d2ctl overlay "
                                 "build NUMBER'");
    if (finish->names.n && !admin_has(admin, OPTION_START))
        buffer_printf(&text, "\n  start the servers that ran: %s", finish->names.bytes);
    if (buffer_check(&text, err) < 0)
        return -1;
    return admin_say(admin,
                     json_pack("{s:i, s:i, s:i, s:O, s:b}", "overlays", (int)finish->n_overlays,
                               "servers", (int)finish->n_servers, "builds", (int)finish->n_builds,
                               "ran", finish->wanted, "starting",
                               (int)admin_has(admin, OPTION_START)),
                     text.bytes, err);
}

int restore_finish(struct admin *admin, void *context, struct error *err)
{
    AUTO(database_closep) struct database *db = NULL;
    struct finish                          finish = { .admin = admin, .wanted = json_array() };

    (void)context;
    int r = put_in_place(admin, err);
    if (r == 0)
        r = database_open(&db, admin->places.database, err);
    admin->db = db;
    if (r == 0)
        r = settle(&finish, err);
    if (r == 0)
        r = report(&finish, err);
    json_decref(finish.wanted);
    buffer_done(&finish.names);
    return r;
}
