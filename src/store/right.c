// SPDX-License-Identifier: MIT
#include "store/right.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "store/grant.h"
#include "store/live.h"
#include "store/ownedoverlay.h"
#include "store/server.h"

// RIGHT_ALL: whoever has an account. RIGHT_ADMIN: what is everybody's, or the machine's.
enum subject { RIGHT_ALL, RIGHT_SERVER, RIGHT_OVERLAY, RIGHT_ADMIN };

static const struct right {
    const char     *kind;
    enum subject    subject; // what the grant is about
    unsigned        need;    // bits of grant.h
    enum right_wish wish;
    bool            has_target; // it may go `to` an overlay whose files one may change
} rights[] = {
    { "server.initialize", RIGHT_SERVER, GRANT_MANAGE, RIGHT_WISH_NONE, false },
    { "server.start", RIGHT_SERVER, GRANT_OPERATE, RIGHT_WISH_RUNNING, false },
    { "server.restart", RIGHT_SERVER, GRANT_OPERATE, RIGHT_WISH_RUNNING, false },
    { "server.stop", RIGHT_SERVER, GRANT_OPERATE, RIGHT_WISH_STOPPED, false },
    { "server.kill", RIGHT_SERVER, GRANT_OPERATE, RIGHT_WISH_STOPPED, false },
    { "server.reset", RIGHT_SERVER, GRANT_OPERATE, RIGHT_WISH_STOPPED, false },
    { "server.delete", RIGHT_SERVER, GRANT_MANAGE, RIGHT_WISH_STOPPED, false },
    { "server.drop", RIGHT_SERVER, GRANT_FILES, RIGHT_WISH_NONE, false },
    { "server.keep", RIGHT_SERVER, GRANT_FILES, RIGHT_WISH_NONE, true },
    { "server.overlay", RIGHT_SERVER, GRANT_FILES, RIGHT_WISH_NONE, false },
    { "overlay.create", RIGHT_ALL, 0, RIGHT_WISH_NONE, false },
    { "overlay.set", RIGHT_OVERLAY, GRANT_MANAGE, RIGHT_WISH_NONE, false },
    { "overlay.build", RIGHT_OVERLAY, GRANT_OPERATE, RIGHT_WISH_NONE, false },
    { "overlay.wipe", RIGHT_OVERLAY, GRANT_OPERATE, RIGHT_WISH_NONE, false },
    { "overlay.select", RIGHT_OVERLAY, GRANT_OPERATE, RIGHT_WISH_NONE, false },
    { "overlay.rollback", RIGHT_OVERLAY, GRANT_OPERATE, RIGHT_WISH_NONE, false },
    { "overlay.cancel", RIGHT_OVERLAY, GRANT_OPERATE, RIGHT_WISH_NONE, false },
    { "overlay.delete", RIGHT_OVERLAY, GRANT_MANAGE, RIGHT_WISH_NONE, false },
    { "overlay.extract", RIGHT_OVERLAY, GRANT_FILES, RIGHT_WISH_NONE, false },
    { "overlay.refresh", RIGHT_ADMIN, 0, RIGHT_WISH_NONE, false },
    { "overlay.collect", RIGHT_ADMIN, 0, RIGHT_WISH_NONE, false },
    { "game.install", RIGHT_ADMIN, 0, RIGHT_WISH_NONE, false },
    { "game.rollout", RIGHT_ADMIN, 0, RIGHT_WISH_NONE, false },
};

static const struct right *find(const char *kind)
{
    for (size_t i = 0; i < ELEMENTS(rights); i++)
        if (strcmp(rights[i].kind, kind) == 0)
            return &rights[i];
    return NULL;
}

// ---- what somebody may --------------------------------------------------------------------------

// What he does not see is nothing to him, whether it is there or not.
static int nothing_if_absent(unsigned *ret_may, struct error *err)
{
    *ret_may = 0;
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

static int may_server(unsigned *ret, struct database *db, int64_t id, const struct user *user,
                      struct error *err)
{
    struct server server;

    if (server_find(&server, db, id, user_viewer(user), err) < 0)
        return nothing_if_absent(ret, err);
    *ret = server.may;
    return 0;
}

static int may_overlay(unsigned *ret, struct database *db, int64_t id, const struct user *user,
                       struct error *err)
{
    struct owned_overlay overlay;

    if (owned_overlay_find(&overlay, db, id, user_viewer(user), err) < 0)
        return nothing_if_absent(ret, err);
    *ret = overlay.may;
    return 0;
}

// 0: to none.
static int64_t target_of(const struct job *job)
{
    json_t *parameters = json_loads(job->parameters, 0, NULL);
    int64_t to = json_integer_value(json_object_get(parameters, "to"));

    json_decref(parameters);
    return to;
}

static int denied(const struct job *job, const char *what, struct error *err)
{
    return error_set(err, ERROR_DENIED,
                     "'%s', who asked for it, %s: whoever may do it can ask for it again",
                     job->asked_by_name, what);
}

static int check_subject(struct database *db, const struct right *right, const struct job *job,
                         const struct user *user, struct error *err)
{
    unsigned may = right->need;
    int64_t  to = right->has_target ? target_of(job) : 0;

    if ((right->subject == RIGHT_SERVER && may_server(&may, db, job->server, user, err) < 0) ||
        (right->subject == RIGHT_OVERLAY && may_overlay(&may, db, job->overlay, user, err) < 0))
        return -1;
    if ((may & right->need) != right->need)
        return denied(job,
                      right->subject == RIGHT_SERVER ? "may not do this with the server any more"
                                                     : "may not do this with the overlay any more",
                      err);
    if (to && may_overlay(&may, db, to, user, err) < 0)
        return -1;
    return to && !(may & GRANT_FILES)
               ? denied(job, "may not change the files of the overlay that it goes to", err)
               : 0;
}

int right_check(struct database *db, const struct job *job, struct error *err)
{
    const struct right *right = find(job->kind);
    struct user         user;

    if (!right)
        return error_set(err, ERROR_INVALID, "there is no job '%s'", job->kind);
    if (!job->asked_by)
        return 0;
    if (user_find(&user, db, job->asked_by, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? denied(job, "has no account any more", err) : -1;
    if (!user.is_active)
        return denied(job, "is not active any more", err);
    if (user.role == ROLE_ADMIN) // may all; what is gone is told by whoever looks for it
        return 0;
    if (right->subject == RIGHT_ADMIN)
        return denied(job, "is no admin any more", err);
    return check_subject(db, right, job, &user, err);
}

// ---- what is wanted -----------------------------------------------------------------------------

enum right_wish right_wish(const char *kind)
{
    const struct right *right = find(kind);

    return right ? right->wish : RIGHT_WISH_NONE;
}

static bool was_refused(const struct job *job)
{
    return job->state == JOB_FAILED && job->error_kind == ERROR_DENIED;
}

static int find_wish(enum right_wish *ret, struct database *db, const struct job *refused,
                     struct error *err)
{
    const struct job_filter filter = { .server = refused->server };
    AUTO(freep) struct job *job = calloc(1, sizeof *job);
    int                     r = 0;

    *ret = RIGHT_WISH_NONE;
    if (!job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    while (*ret == RIGHT_WISH_NONE && (r = job_next(job, db, job->id, &filter, err)) > 0)
        if (job->id != refused->id && !was_refused(job))
            *ret = right_wish(job->kind);
    return MIN(r, 0);
}

static int find_state(enum right_wish *ret, struct database *db, int64_t server, struct error *err)
{
    struct live live = { 0 };

    if (live_find(&live, db, server, err) < 0)
        return -1;
    bool is_up =
        live.state == LIVE_STARTING || live.state == LIVE_RUNNING || live.state == LIVE_RESTARTING;
    live_done(&live);
    *ret = is_up ? RIGHT_WISH_RUNNING : RIGHT_WISH_STOPPED;
    return 0;
}

int right_forget_wish(struct database *db, const struct job *job, struct error *err)
{
    enum right_wish wish;

    assert(database_is_writing(db));
    if (right_wish(job->kind) == RIGHT_WISH_NONE)
        return 0;
    if (find_wish(&wish, db, job, err) < 0 ||
        (wish == RIGHT_WISH_NONE && find_state(&wish, db, job->server, err) < 0))
        return -1;
    if (server_set_wanted(db, job->server, wish == RIGHT_WISH_RUNNING, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND ? 0 : -1; // it is gone, and nothing is wanted of it
}
