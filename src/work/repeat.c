// SPDX-License-Identifier: MIT
#include "work/repeat.h"

#include <stdlib.h>
#include "work/kinds.h"

#define SECOND_US INT64_C(1000000)

bool repeat_is_open(const struct job *job, const json_t *result)
{
    return kind_is(job, KIND_BUILD) && job->overlay &&
           json_is_false(json_object_get(result, "changed"));
}

static bool has_told(const struct job *job, json_int_t generation)
{
    json_t *result = json_loads(job->result, 0, NULL);
    bool    has = json_is_true(json_object_get(result, "changed")) &&
               json_integer_value(json_object_get(result, "generation")) == generation;

    json_decref(result);
    return has;
}

// Jobs about one overlay come one after the other: one of those that ended last.
static int was_told(bool *ret, struct database *db, const struct job *job, json_int_t generation,
                    struct error *err)
{
    const struct job_filter filter = { .viewer = VIEWER_ALL, .overlay = job->overlay };
    AUTO(freep) struct job *other = calloc(1, sizeof *other);
    int64_t                 before = job->id;
    int                     r = 0;

    *ret = false;
    if (!other)
        return error_set(err, ERROR_NO_SPACE, "out of memory");
    while (!*ret && (r = job_next(other, db, before, &filter, err)) > 0 &&
           other->ended_us > job->started_us - 2 * SECOND_US) {
        *ret = has_told(other, generation);
        before = other->id;
    }
    return MIN(r, 0);
}

// A generation has the second in which it was published: it may be that in which an earlier job
// ended and this one began.
static int is_of_job(bool *ret, struct database *db, const struct job *job,
                     const json_t *generation, struct error *err)
{
    const json_t *created = json_object_get(generation, "created");
    json_int_t    created_s = json_integer_value(json_object_get(created, "unix_s"));
    json_int_t    number = json_integer_value(json_object_get(generation, "generation"));
    bool          is_told = false;

    *ret = created_s > job->started_us / SECOND_US;
    if (created_s != job->started_us / SECOND_US)
        return 0;
    if (was_told(&is_told, db, job, number, err) < 0)
        return -1;
    *ret = !is_told;
    return 0;
}

int repeat_correct(json_t *result, struct database *db, const struct job *job, const json_t *shown,
                   struct error *err)
{
    static const char *const keys[] = { "generation", "build", "note", "files", "bytes" };
    const json_t            *newest = json_array_get(json_object_get(shown, "generations"), 0);
    bool                     is_its = false;

    if (!newest)
        return 0;
    if (is_of_job(&is_its, db, job, newest, err) < 0)
        return -1;
    if (!is_its)
        return 0;
    for (size_t i = 0; i < ELEMENTS(keys); i++)
        if (json_object_get(result, keys[i]) && json_object_get(newest, keys[i]))
            (void)json_object_set(result, keys[i], json_object_get(newest, keys[i])); // as it was
    return json_object_set_new(result, "changed", json_true());
}
