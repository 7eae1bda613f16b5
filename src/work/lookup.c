// SPDX-License-Identifier: MIT

// lookup: what l4d2ctl says of servers and overlays, a few of them at a time and each once however
// often it was asked for.

#include "work/watched.h"

#include <stdlib.h>
#include <string.h>
#include "base/hash64.h"
#include "base/log.h"
#include "ctl/answer.h"
#include "store/change.h"
#include "work/kinds.h"
#include "work/spec.h"

#define LOOKING_MAX 4u // processors are for games
#define TIME_MS     30000u
#define LIST_MAX    (8u << 20) // bytes of the list of overlays

// ---- running ----------------------------------------------------------------------------------

static int run(struct ctl **ret, struct watch *watch, const char *const *words,
               const struct buffer *input, uint64_t output_max, const struct ctl_handler *handler,
               void *context, struct error *err)
{
    struct ctl_request request = { .mode = CTL_WHOLE,
                                   .words = words,
                                   .input = input ? input->bytes : NULL,
                                   .n_input = input ? input->n : 0,
                                   .limits = ctl_limits_default };

    request.limits.time_ms = TIME_MS;
    request.limits.output_bytes = output_max;
    return ctl_run(ret, watch->config.pool, &request, handler, context, err);
}

// What fails for a server is told to whoever starts it; here it is worth a line.
static void tell(const char *what, const struct error *err)
{
    log_line(LEVEL_WARNING, "%s: %s", what, err->message);
}

// ---- the status of a server -------------------------------------------------------------------

static bool is_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// Takes the text.
static void set_status(struct watched *server, char *status)
{
    if (status && strlen(status) >= LIVE_STATUS_MAX) {
        free(status);
        status = NULL;
    }
    if (is_equal(server->status, status)) {
        free(status);
        return;
    }
    free(server->status);
    server->status = status;
    server->is_written = false;
}

static void take_status(void *context, const struct ctl_end *ended)
{
    struct watched            *server = context;
    AUTO(json_decrefp) json_t *answer = NULL;
    struct error               err = { 0 };

    server->ctl = NULL;
    server->watch->n_looking--;
    if (answer_read(&answer, ended, &err) == 0)
        set_status(server, json_dumps(answer, JSON_COMPACT));
    else if (err.kind == ERROR_NOT_FOUND)
        set_status(server, NULL); // it was never started
    else
        tell(server->instance, &err);
    watch_write_soon(server->watch);
}

static const struct ctl_handler status_handler = { .done = take_status };

static int ask_status(struct watched *server, struct error *err)
{
    const char *words[] = { "status", "--json", "--", server->instance, NULL };

    server->is_due = false;
    return run(&server->ctl, server->watch, words, NULL, LIVE_STATUS_MAX, &status_handler, server,
               err);
}

// ---- its specification ------------------------------------------------------------------------

static int render(struct buffer *ret, uint64_t *ret_hash, const struct watched *server,
                  struct error *err)
{
    if (spec_read(ret, server->watch->config.db, server->id, server->watch->config.key, err) < 0)
        return -1;
    *ret_hash = hash64_of(ret->bytes, ret->n);
    return 0;
}

int lookup_has_new_spec(bool *ret, struct watched *server, struct error *err)
{
    AUTO(buffer_done) struct buffer spec = { 0 };
    uint64_t                        hash = 0;

    if (render(&spec, &hash, server, err) < 0)
        return err->kind == ERROR_BUSY ? -1 : 0; // whoever starts it is told what is wrong with it
    *ret = hash != server->spec_hash;
    return 0;
}

// Also if it was refused: whoever starts it is told why.
static void take_specified(void *context, const struct ctl_end *ended)
{
    struct watched            *server = context;
    AUTO(json_decrefp) json_t *answer = NULL;
    struct error               err = { 0 };

    server->ctl = NULL;
    server->watch->n_looking--;
    server->spec_hash = server->told_hash;
    if (answer_read(&answer, ended, &err) < 0)
        tell(server->instance, &err);
    watch_write_soon(server->watch); // its status comes next
}

static const struct ctl_handler specified_handler = { .done = take_specified };

static int specify(struct watched *server, const struct buffer *spec, struct error *err)
{
    AUTO(command_done) struct command command = { 0 };
    const char                       *words[CTL_WORDS_MAX + 1] = { 0 };
    size_t                            n = 0;

    if (kind_specify(&command, server->instance, spec, err) < 0)
        return -1;
    for (const char *word = NULL; (word = strings_next(&command.words, word));)
        words[n++] = word; // a handful
    return run(&server->ctl, server->watch, words, &command.input, LIVE_STATUS_MAX,
               &specified_handler, server, err);
}

// Only of one that the host knows: it is made when it is started for the first time.
static int look_up(struct watched *server, struct error *err)
{
    const struct watch_config      *config = &server->watch->config;
    AUTO(buffer_done) struct buffer spec = { 0 };
    struct error                    ignored; // whoever starts it is told

    if (server->status && !config->is_at_work(config->context, server->id) &&
        render(&spec, &server->told_hash, server, &ignored) == 0 &&
        server->told_hash != server->spec_hash)
        return specify(server, &spec, err);
    return ask_status(server, err);
}

// ---- the list of overlays ---------------------------------------------------------------------

static void take_list(void *context, const struct ctl_end *ended)
{
    struct watch              *watch = context;
    AUTO(json_decrefp) json_t *answer = NULL;
    struct error               err = { 0 };

    watch->list_ctl = NULL;
    watch->n_looking--;
    if (answer_read(&answer, ended, &err) < 0) {
        tell("listing the overlays", &err);
        return;
    }
    json_decref(watch->new_list);
    watch->new_list = json_incref(json_object_get(answer, "overlays"));
    watch_write_soon(watch);
}

static const struct ctl_handler list_handler = { .done = take_list };

static void ask_list(struct watch *watch)
{
    const char  *words[] = { "overlay", "list", "--json", NULL };
    struct error err;

    if (!watch->is_list_due || watch->list_ctl)
        return;
    watch->is_list_due = false;
    if (change_newest(&watch->list_position, watch->config.db, &err) < 0 ||
        run(&watch->list_ctl, watch, words, NULL, LIST_MAX, &list_handler, watch, &err) < 0)
        tell("listing the overlays", &err);
    else
        watch->n_looking++;
}

// ---- all of them ------------------------------------------------------------------------------

void lookup_some(struct watch *watch)
{
    struct error err;

    ask_list(watch);
    for (struct watched *server = watch->all; server && watch->n_looking < LOOKING_MAX;
         server = server->next) {
        if (!server->is_due || server->ctl)
            continue;
        if (look_up(server, &err) < 0) {
            server->is_due = false; // until there is something new
            tell(server->instance, &err);
        } else {
            watch->n_looking++;
        }
    }
}

void lookup_leave(struct watched *server)
{
    if (!server->ctl)
        return;
    ctl_leave(server->ctl);
    server->ctl = NULL;
    server->watch->n_looking--;
}
