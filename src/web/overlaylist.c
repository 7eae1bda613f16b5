// SPDX-License-Identifier: MIT
#include "web/overlaylist.h"

#include <errno.h>
#include <stdlib.h>
#include "ctl/answer.h"
#include "ctl/ctl.h"
#include "store/change.h"

#define LIST_BYTES_MAX (8u << 20)

struct overlay_list {
    struct web      *web;
    struct ctl_pool *pool;
    struct ctl      *ctl;    // that asks
    json_t          *said;   // NULL: nothing is known
    int64_t          change; // the newest one when that was asked; -1: never
    int64_t          asked;  // the newest one when it is asked now
    void (*came)(void *context);
    void *context;
};

int overlay_list_open(struct overlay_list **ret, struct web *web, void (*came)(void *context),
                      void *context, struct error *err)
{
    struct overlay_list *list = calloc(1, sizeof *list);

    if (!list)
        return error_sys(err, ENOMEM, "making the list of overlays");
    *list = (struct overlay_list){ .web = web, .came = came, .context = context, .change = -1 };
    if (ctl_pool_open(&list->pool, web->event, web->ctl_path, 1, err) < 0) {
        free(list);
        return -1;
    }
    *ret = list;
    return 0;
}

struct overlay_list *overlay_list_close(struct overlay_list *list)
{
    if (!list)
        return NULL;
    list->pool = ctl_pool_close(list->pool);
    json_decref(list->said);
    free(list);
    return NULL;
}

// A host that does not answer keeps no change from being told.
static void done(void *context, const struct ctl_end *end)
{
    struct overlay_list *list = context;
    struct error         ignored;

    list->ctl = NULL;
    json_decref(list->said);
    list->said = NULL;
    if (answer_read(&list->said, end, &ignored) < 0)
        list->said = NULL;
    list->change = list->asked;
    list->came(list->context);
}

static int ask(struct overlay_list *list, struct error *err)
{
    static const struct ctl_handler handler = { .done = done };
    static const char *const        words[] = { "overlay", "list", "--json", NULL };
    struct ctl_request              request = { .mode = CTL_WHOLE,
                                                .words = words,
                                                .limits = ctl_limits_default };

    request.limits.output_bytes = LIST_BYTES_MAX;
    return ctl_run(&list->ctl, list->pool, &request, &handler, list, err);
}

int overlay_list_get(const json_t **ret, struct overlay_list *list, int64_t change,
                     struct error *err)
{
    if (list->change >= change) {
        *ret = list->said;
        return 0;
    }
    if (!list->ctl && change_newest(&list->asked, list->web->db, err) < 0)
        return -1;
    if (list->ctl || ask(list, err) == 0)
        return error_set(err, ERROR_UNAVAILABLE, "the host is asked");
    json_decref(list->said);
    list->said = NULL; // it cannot be asked: that keeps no change from being told either
    list->change = list->asked;
    *ret = NULL;
    return 0;
}
