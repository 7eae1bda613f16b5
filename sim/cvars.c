// SPDX-License-Identifier: MIT
#include "cvars.h"

#include "cvars-table.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct watcher {
    cvars_fn *fn;
    void     *userdata;
};

struct cvars {
    size_t          n;
    struct cvar    *list;
    struct watcher *watchers; // one for each of the list
};

struct cvars *cvars_new(void)
{
    struct cvars *cvars = calloc(1, sizeof *cvars);
    if (!cvars)
        return NULL;

    cvars->n = cvars_table_count;
    cvars->list = calloc(cvars->n, sizeof *cvars->list);
    cvars->watchers = calloc(cvars->n, sizeof *cvars->watchers);
    if (!cvars->list || !cvars->watchers)
        return cvars_free(cvars);

    for (size_t i = 0; i < cvars->n; i++) {
        const struct cvars_row *row = &cvars_table[i];
        struct cvar            *cvar = &cvars->list[i];
        *cvar = (struct cvar){
            .name = row->name, .initial = row->initial, .flags = row->flags, .help = row->help
        };
        (void)snprintf(cvar->value, sizeof cvar->value, "%s", row->initial); // ours are short
    }
    return cvars;
}

struct cvars *cvars_free(struct cvars *cvars)
{
    if (!cvars)
        return NULL;

    free(cvars->list);
    free(cvars->watchers);
    free(cvars);
    return NULL;
}

const struct cvar *cvars_at(const struct cvars *cvars, size_t i)
{
    return i < cvars->n ? &cvars->list[i] : NULL;
}

const struct cvar *cvars_find(const struct cvars *cvars, const char *name)
{
    for (size_t i = 0; i < cvars->n; i++)
        if (strcasecmp(cvars->list[i].name, name) == 0)
            return &cvars->list[i];
    return NULL;
}

const char *cvars_text(const struct cvars *cvars, const char *name)
{
    const struct cvar *cvar = cvars_find(cvars, name);

    assert(cvar);
    return cvar->value;
}

double cvars_number(const struct cvars *cvars, const char *name)
{
    return strtod(cvars_text(cvars, name), NULL);
}

bool cvars_is_on(const struct cvars *cvars, const char *name)
{
    return cvars_number(cvars, name) > 0;
}

void cvars_set(struct cvars *cvars, const struct cvar *cvar, const char *value)
{
    size_t i = (size_t)(cvar - cvars->list);

    (void)snprintf(cvars->list[i].value, sizeof cvar->value, "%s", value); // cut as documented
    if (cvars->watchers[i].fn)
        cvars->watchers[i].fn(cvars->watchers[i].userdata, &cvars->list[i]);
}

void cvars_watch(struct cvars *cvars, const char *name, cvars_fn *fn, void *userdata)
{
    const struct cvar *cvar = cvars_find(cvars, name);

    assert(cvar);
    cvars->watchers[cvar - cvars->list] = (struct watcher){ fn, userdata };
}
