// SPDX-License-Identifier: MIT

// object: the thing that a request is about, and what who asks may do with it.

#include "web/object.h"

int api_check_may(unsigned may, unsigned need, const char *word, struct error *err)
{
    if ((may & need) != need)
        return error_set(err, ERROR_DENIED, "you may not do this with this %s", word);
    return 0;
}

// ---- that of the path -------------------------------------------------------------------------

static int load_job(struct api_request *request, int64_t id, struct error *err)
{
    if (!request->job)
        request->job = calloc(1, sizeof *request->job);
    if (!request->job)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    if (job_find(request->job, request->web->db, id, user_viewer(&request->user), err) < 0)
        return -1;
    request->may = request->job->may;
    return 0;
}

static const struct {
    const char *word;
    int (*load)(struct api_request *request, int64_t id, struct error *err);
} objects[] = {
    [API_NONE] = { "none", NULL },       [API_OWN] = { "own", NULL },
    [API_SERVER] = { "server", NULL },   [API_BLUEPRINT] = { "blueprint", NULL },
    [API_OVERLAY] = { "overlay", NULL }, [API_JOB] = { "job", load_job },
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
    free(TAKE(request->job));
}
