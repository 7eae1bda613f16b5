// SPDX-License-Identifier: MIT
#include "web/lookup.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "ctl/answer.h"

// What one request wants to know. It is one of the lookups until it is answered or forgotten.
struct look {
    struct lookups     *lookups;
    struct look        *next, *prev; // of the list that it is in
    struct api_request *request;
    struct ctl         *ctl;       // NULL: it waits
    api_said            said;      // NULL: it is passed on as it is,
    const char         *list_name; // an array under this name; borrowed
    const char         *words[CTL_WORDS_MAX + 1];
    const char         *input;
    size_t              n_input;
};

struct lookups {
    struct ctl_pool *pool;
    struct look      waiting, running; // heads of rings
    unsigned         n_waiting;
};

// ---- rings ------------------------------------------------------------------------------------

static void link_last(struct look *head, struct look *look)
{
    look->prev = head->prev;
    look->next = head;
    head->prev->next = look;
    head->prev = look;
}

static void unlink_it(struct look *look)
{
    look->prev->next = look->next;
    look->next->prev = look->prev;
}

static void release(struct look *look)
{
    if (look->request) {
        look->request->forget = NULL;
        look->request->work = NULL;
    }
    unlink_it(look);
}

static void drop(struct look *look)
{
    release(look);
    free(look);
}

// ---- opening ----------------------------------------------------------------------------------

int lookups_open(struct lookups **ret, sd_event *event, const char *program, struct error *err)
{
    struct lookups *lookups = calloc(1, sizeof *lookups);

    if (!lookups)
        return error_sys(err, ENOMEM, "making room for lookups");
    lookups->waiting.next = lookups->waiting.prev = &lookups->waiting;
    lookups->running.next = lookups->running.prev = &lookups->running;
    if (ctl_pool_open(&lookups->pool, event, program, LOOKUP_RUNNING_MAX, err) < 0) {
        free(lookups);
        return -1;
    }
    *ret = lookups;
    return 0;
}

static void drop_all(struct look *head)
{
    while (head->next != head)
        drop(head->next);
}

struct lookups *lookups_close(struct lookups *lookups)
{
    if (!lookups)
        return NULL;
    drop_all(&lookups->waiting);
    drop_all(&lookups->running);
    lookups->pool = ctl_pool_close(lookups->pool);
    free(lookups);
    return NULL;
}

// ---- running ----------------------------------------------------------------------------------

static void done(void *context, const struct ctl_end *end);

static int begin(struct look *look, struct error *err)
{
    static const struct ctl_handler handler = { .done = done };
    struct ctl_request              request = { .mode = CTL_WHOLE,
                                                .words = look->words,
                                                .input = look->input,
                                                .n_input = look->n_input,
                                                .limits = ctl_limits_default };

    request.limits.output_bytes = LOOKUP_BYTES_MAX; // as many overlays as there may be
    return ctl_run(&look->ctl, look->lookups->pool, &request, &handler, look, err);
}

// Whose turn it is. One that cannot begin because the pool is still full goes on waiting.
static void turn(struct lookups *lookups)
{
    while (lookups->waiting.next != &lookups->waiting) {
        struct look        *look = lookups->waiting.next;
        struct api_request *request = look->request;
        struct error        err = { 0 };
        int                 r = begin(look, &err);

        if (r < 0 && err.kind == ERROR_BUSY)
            return;
        lookups->n_waiting--;
        if (r == 0) {
            unlink_it(look);
            link_last(&lookups->running, look);
            continue;
        }
        drop(look);
        api_answer_error(request, &err);
    }
}

static int pass_on(const struct look *look, json_t *said, struct error *err)
{
    json_t *json = json_is_array(said) && look->list_name
                       ? json_pack("{s:O}", look->list_name, said)
                       : json_incref(said);

    return api_answer(look->request, 200, json, err);
}

// One that has looked, and found something that is not well, says what it has found and ends
// with 1.
static int read_answer(json_t **ret, const struct ctl_end *end, struct error *err)
{
    json_t *document = answer_last(end->output, end->n_output);

    if (document && end->cause == CTL_ENDED && end->code == 1 &&
        !json_object_get(document, "error")) {
        *ret = document;
        return 0;
    }
    json_decref(document);
    return answer_read(ret, end, err);
}

static void tell(const struct look *look, const struct ctl_end *end)
{
    json_t      *said = NULL;
    struct error err = { 0 };
    int          r = read_answer(&said, end, &err);

    if (r == 0)
        r = look->said ? look->said(look->request, said, &err) : pass_on(look, said, &err);
    json_decref(said);
    if (r < 0)
        api_answer_error(look->request, &err);
}

static void done(void *context, const struct ctl_end *end)
{
    AUTO(freep) struct look *look = context;
    struct lookups          *lookups = look->lookups;

    release(look); // what is said may make it look up something else
    if (look->request)
        tell(look, end);
    turn(lookups);
}

// What runs keeps its place until it has ended.
static void forget(struct api_request *request)
{
    struct look *look = request->work;

    request->forget = NULL;
    request->work = NULL;
    look->request = NULL;
    if (look->ctl) {
        ctl_stop(look->ctl);
        return;
    }
    look->lookups->n_waiting--;
    drop(look);
}

// ---- asking -----------------------------------------------------------------------------------

// Copies the words, and "--json" behind them, and the input, to where its own memory ends.
static struct look *make(const char *const *words, const char *input, size_t n_input)
{
    size_t n = 0, n_bytes = sizeof "--json" + n_input;

    for (; words[n]; n++)
        n_bytes += strlen(words[n]) + 1;
    assert(n < CTL_WORDS_MAX);
    struct look *look = calloc(1, sizeof *look + n_bytes);
    if (!look)
        return NULL;
    char *at = (char *)(look + 1);
    for (size_t i = 0; i <= n; i++) {
        look->words[i] = at;
        at = stpcpy(at, i < n ? words[i] : "--json") + 1;
    }
    if (n_input > 0)
        look->input = memcpy(at, input, n_input);
    look->n_input = n_input;
    return look;
}

static unsigned count(const struct look *head, int64_t user)
{
    unsigned n = 0;

    for (const struct look *look = head->next; look != head; look = look->next)
        n += look->request && look->request->user.id == user;
    return n;
}

static bool is_full(const struct lookups *lookups, int64_t user)
{
    return lookups->n_waiting == LOOKUP_WAITING_MAX ||
           count(&lookups->waiting, user) + count(&lookups->running, user) >= LOOKUP_USER_MAX;
}

static int ask(const struct look *wanted, struct api_request *request, const char *const *words,
               struct error *err)
{
    struct lookups *lookups = request->web->lookups;

    assert(!request->forget);
    if (is_full(lookups, request->user.id))
        return error_set(err, ERROR_UNAVAILABLE,
                         "too much is looked up on this machine at this moment: try again soon");
    struct look *look = make(words, wanted->input, wanted->n_input);
    if (!look)
        return error_sys(err, ENOMEM, "running l4d2ctl");
    look->lookups = lookups;
    look->request = request;
    look->said = wanted->said;
    look->list_name = wanted->list_name;
    request->work = look;
    request->forget = forget;
    link_last(&lookups->waiting, look);
    lookups->n_waiting++;
    turn(lookups);
    return 0;
}

int api_ctl(struct api_request *request, const char *const *words, const char *input,
            size_t n_input, api_said said, struct error *err)
{
    const struct look wanted = { .input = input, .n_input = n_input, .said = said };

    return ask(&wanted, request, words, err);
}

int api_ctl_json(struct api_request *request, const char *const *words, const char *name,
                 struct error *err)
{
    const struct look wanted = { .list_name = name };

    return ask(&wanted, request, words, err);
}
