// SPDX-License-Identifier: MIT

// object: the thing that a request is about, and what who asks may do with it.
//
// What he may not see is not found by the store: in the same words as if it were not there.

#include "store/blueprint.h"
#include "store/ownedoverlay.h"
#include "store/server.h"
#include "web/object.h"

int api_check_may(unsigned may, unsigned need, const char *word, struct error *err)
{
    if ((may & need) != need)
        return error_set(err, ERROR_DENIED, "you may not do this with this %s", word);
    return 0;
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_NO_SPACE, "out of memory");
}

// A request whose body has come is asked again: then there is one already.
static void *take(void *thing, size_t size)
{
    return thing ? thing : calloc(1, size);
}

static int load_server(struct api_request *request, int64_t id, struct error *err)
{
    request->server = take(request->server, sizeof *request->server);
    if (!request->server)
        return no_memory(err);
    if (server_find(request->server, request->web->db, id, user_viewer(&request->user), err) < 0)
        return -1;
    request->may = request->server->may;
    return 0;
}

static int load_blueprint(struct api_request *request, int64_t id, struct error *err)
{
    request->blueprint = blueprint_free(request->blueprint);
    if (blueprint_find(&request->blueprint, request->web->db, id, user_viewer(&request->user),
                       err) < 0)
        return -1;
    request->may = request->blueprint->may;
    return 0;
}

static int load_overlay(struct api_request *request, int64_t id, struct error *err)
{
    request->overlay = take(request->overlay, sizeof *request->overlay);
    if (!request->overlay)
        return no_memory(err);
    if (owned_overlay_find(request->overlay, request->web->db, id, user_viewer(&request->user),
                           err) < 0)
        return -1;
    request->may = request->overlay->may;
    return 0;
}

static int load_job(struct api_request *request, int64_t id, struct error *err)
{
    request->job = take(request->job, sizeof *request->job);
    if (!request->job)
        return no_memory(err);
    if (job_find(request->job, request->web->db, id, user_viewer(&request->user), err) < 0)
        return -1;
    request->may = request->job->may;
    return 0;
}

static const struct {
    const char *word;
    int (*load)(struct api_request *request, int64_t id, struct error *err);
} objects[] = {
    [API_NONE] = { "none", NULL },
    [API_OWN] = { "own", NULL },
    [API_SERVER] = { "server", load_server },
    [API_BLUEPRINT] = { "blueprint", load_blueprint },
    [API_OVERLAY] = { "overlay", load_overlay },
    [API_JOB] = { "job", load_job },
};
_Static_assert(ELEMENTS(objects) == API_OBJECTS, "every object has a row");

const char *object_word(enum api_object object)
{
    return objects[object].word;
}

int object_load(struct api_request *request, struct error *err)
{
    const struct route *route = request->route;

    if (!objects[route->object].load)
        return 0;
    if (objects[route->object].load(request, request->parameters[0], err) < 0)
        return -1;
    return api_check_may(request->may, route->need, objects[route->object].word, err);
}

void object_forget(struct api_request *request)
{
    free(TAKE(request->server));
    request->blueprint = blueprint_free(request->blueprint);
    free(TAKE(request->overlay));
    free(TAKE(request->job));
}
