// SPDX-License-Identifier: MIT
#include "web/hubparts.h"

#include "web/shown.h"

// ---- what is told of a change ------------------------------------------------------------------

// Fills in what one may do with it, and what it is like if `ret` is not NULL. ERROR_NOT_FOUND: he
// does not see it.
typedef int show(json_t **ret, unsigned *ret_may, struct hub *hub, const struct change *change,
                 int64_t viewer, struct error *err);

static int show_server(json_t **ret, unsigned *ret_may, struct hub *hub,
                       const struct change *change, int64_t viewer, struct error *err)
{
    struct database *db = hub->web->db;
    struct server    server;

    if (server_find(&server, db, change->object, viewer, err) < 0)
        return -1;
    *ret_may = server.may;
    return ret ? shown_server(ret, db, &server, true, err) : 0;
}

static int show_players(json_t **ret, unsigned *ret_may, struct hub *hub,
                        const struct change *change, int64_t viewer, struct error *err)
{
    struct database *db = hub->web->db;
    struct server    server;

    if (server_find(&server, db, change->object, viewer, err) < 0)
        return -1;
    *ret_may = 0; // they are the same for all who see them
    return ret ? shown_players(ret, db, server.id, err) : 0;
}

static int show_blueprint(json_t **ret, unsigned *ret_may, struct hub *hub,
                          const struct change *change, int64_t viewer, struct error *err)
{
    AUTO(blueprint_freep) struct blueprint *blueprint = NULL;

    if (blueprint_find(&blueprint, hub->web->db, change->object, viewer, err) < 0)
        return -1;
    *ret_may = blueprint->may;
    if (ret)
        *ret = shown_blueprint(blueprint);
    return 0;
}

static int show_overlay(json_t **ret, unsigned *ret_may, struct hub *hub,
                        const struct change *change, int64_t viewer, struct error *err)
{
    struct owned_overlay overlay;
    const json_t        *list = NULL;

    if (owned_overlay_find(&overlay, hub->web->db, change->object, viewer, err) < 0)
        return -1;
    *ret_may = overlay.may;
    if (!ret)
        return 0;
    if (overlay_list_get(&list, hub->list, change->number, err) < 0)
        return -1;
    *ret = shown_overlay(&overlay, list);
    return 0;
}

static int show_job(json_t **ret, unsigned *ret_may, struct hub *hub, const struct change *change,
                    int64_t viewer, struct error *err)
{
    AUTO(freep) struct job *job = calloc(1, sizeof *job);

    if (!job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (job_find(job, hub->web->db, change->object, viewer, err) < 0)
        return -1;
    *ret_may = 0; // it is the same for all who see it
    if (ret)
        *ret = api_job_json(job);
    return 0;
}

// Only admins listen to these two.
static int show_user(json_t **ret, unsigned *ret_may, struct hub *hub, const struct change *change,
                     int64_t viewer, struct error *err)
{
    struct user user;

    (void)viewer;
    if (user_find(&user, hub->web->db, change->object, err) < 0)
        return -1;
    *ret_may = 0;
    if (ret)
        *ret = api_user_json(&user);
    return 0;
}

static int show_machine(json_t **ret, unsigned *ret_may, struct hub *hub,
                        const struct change *change, int64_t viewer, struct error *err)
{
    (void)hub;
    (void)change;
    (void)viewer;
    (void)err;
    *ret_may = 0;
    if (ret)
        *ret = json_object();
    return 0;
}

static const struct {
    const char *event;
    show       *run;
} things[] = {
    [CHANGE_SERVER] = { "server", show_server },
    [CHANGE_PLAYERS] = { "players", show_players },
    [CHANGE_BLUEPRINT] = { "blueprint", show_blueprint },
    [CHANGE_OVERLAY] = { "overlay", show_overlay },
    [CHANGE_JOB] = { "job", show_job },
    [CHANGE_USER] = { "user", show_user },
    [CHANGE_MACHINE] = { "machine", show_machine },
};
_Static_assert(ELEMENTS(things) == CHANGE_TOPICS, "every topic has its row");

const char *thing_event(enum change_topic topic)
{
    return things[topic].event;
}

int thing_may(bool *ret_sees, unsigned *ret_may, struct hub *hub, const struct change *change,
              int64_t viewer, struct error *err)
{
    *ret_sees = true;
    *ret_may = 0;
    if (change->is_deleted)
        return 0;
    *ret_sees = !change->lost_by;
    if (change->lost_by && change->lost_by != viewer)
        return 0;
    int r = things[change->topic].run(NULL, ret_may, hub, change, viewer, err);
    if (r < 0 && err->kind == ERROR_NOT_FOUND) {
        *ret_sees = change->lost_by; // he sees that
        return 0;
    }
    return r;
}

int thing_json(char **ret, struct hub *hub, const struct change *change, int64_t viewer,
               struct error *err)
{
    json_t  *json = NULL;
    unsigned may;

    if (change->is_deleted || change->lost_by)
        json = json_pack("{s:I, s:b}", "id", (json_int_t)change->object, "deleted", 1);
    else if (things[change->topic].run(&json, &may, hub, change, viewer, err) < 0)
        return -1;
    *ret = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(json);
    return *ret ? 0 : error_set(err, ERROR_NO_SPACE, "out of memory");
}

// ---- who may listen ----------------------------------------------------------------------------

static int check_topic(const struct topic *topic, struct web *web, const struct user *user,
                       struct error *err)
{
    int64_t                 viewer = user_viewer(user);
    struct server           server;
    AUTO(freep) struct job *job = NULL;

    switch (topic->kind) {
    case TOPIC_USERS:
    case TOPIC_MACHINE:
        return user->role == ROLE_ADMIN
                   ? 0
                   : error_set(err, ERROR_DENIED, "only an admin may listen to this");
    case TOPIC_LOG:
    case TOPIC_PLAYERS:
        return server_find(&server, web->db, topic->id, viewer, err);
    case TOPIC_JOB:
        job = calloc(1, sizeof *job);
        return job ? job_find(job, web->db, topic->id, viewer, err)
                   : error_set(err, ERROR_NO_SPACE, "out of memory");
    case TOPIC_SERVERS:
    case TOPIC_BLUEPRINTS:
    case TOPIC_OVERLAYS:
    case TOPIC_JOBS:
    case TOPIC_KINDS:
        break;
    }
    return 0;
}

int topics_check(const struct topics *topics, struct web *web, const struct user *user,
                 struct error *err)
{
    for (unsigned i = 0; i < topics->n; i++)
        if (check_topic(&topics->list[i], web, user, err) < 0)
            return -1;
    return 0;
}
