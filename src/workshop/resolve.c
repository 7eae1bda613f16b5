// SPDX-License-Identifier: MIT
#include "workshop/resolve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PARENT SIZE_MAX
#define URL_MAX   256u

enum node_state {
    NODE_ASK_ITEM,
    NODE_ASK_COLLECTION,
    NODE_ITEM,
    NODE_COLLECTION,
};

struct node {
    struct wanted   wanted;
    enum node_state state;
    size_t          parent; // the collection it was found in
    unsigned        depth;
};

// One question and its answer.
struct batch {
    struct resolver     *resolver;
    enum webapi_question question;
    size_t               n;
    size_t               nodes[WEBAPI_BATCH_MAX];
    char                 url[URL_MAX];
    char                *form;
    char                *answer;
    size_t               n_answer, n_room;
    struct batch        *next;
};

struct resolver {
    const char       *api_url;
    struct fetcher   *fetcher;
    const struct say *out;
    struct node      *nodes; // RESOLVE_ITEMS_MAX of them
    size_t            n, n_questions;
    struct batch     *batches;
    struct error      error;       // the first one that ends it all; ERROR_NONE: none
    bool              is_too_much; // which is the list's fault, and not the Workshop's
};

static void batches_free(struct resolver *resolver)
{
    while (resolver->batches) {
        struct batch *batch = resolver->batches;
        resolver->batches = batch->next;
        free(batch->form);
        free(batch->answer);
        free(batch);
    }
}

static void resolver_done(struct resolver *resolver)
{
    batches_free(resolver);
    free(resolver->nodes);
}

// ---- nodes ------------------------------------------------------------------------------------

static struct node *find(struct resolver *resolver, uint64_t id)
{
    for (size_t i = 0; i < resolver->n; i++)
        if (resolver->nodes[i].wanted.id == id)
            return &resolver->nodes[i];
    return NULL;
}

static int add(struct resolver *resolver, uint64_t id, size_t parent, enum node_state state,
               struct error *err)
{
    if (resolver->n == RESOLVE_ITEMS_MAX) {
        resolver->is_too_much = true;
        return error_set(err, ERROR_INVALID, "the list comes to more than %u items and collections",
                         RESOLVE_ITEMS_MAX);
    }
    resolver->nodes[resolver->n++] = (struct node){
        .wanted.id = id,
        .state = state,
        .parent = parent,
        .depth = parent == NO_PARENT ? 0 : resolver->nodes[parent].depth + 1,
    };
    return 0;
}

// Whether `node` is `id`, or lies in it.
static bool lies_in(const struct resolver *resolver, size_t node, uint64_t id)
{
    for (; node != NO_PARENT; node = resolver->nodes[node].parent)
        if (resolver->nodes[node].wanted.id == id)
            return true;
    return false;
}

static int add_child(struct resolver *resolver, size_t parent, const struct webapi_child *child,
                     struct error *err)
{
    uint64_t parent_id = resolver->nodes[parent].wanted.id;

    if (lies_in(resolver, parent, child->id))
        say(resolver->out,
            "note: collection %" PRIu64 " holds collection %" PRIu64
            ", in which it lies itself: that is skipped",
            parent_id, child->id);
    else if (!find(resolver, child->id))
        return add(resolver, child->id, parent,
                   child->is_collection ? NODE_ASK_COLLECTION : NODE_ASK_ITEM, err);
    return 0;
}

// ---- answers ----------------------------------------------------------------------------------

static struct node *find_in_batch(struct batch *batch, uint64_t id, size_t *ret_index)
{
    for (size_t i = 0; i < batch->n; i++) {
        struct node *node = &batch->resolver->nodes[batch->nodes[i]];
        if (node->wanted.id == id) {
            *ret_index = batch->nodes[i];
            return node;
        }
    }
    return NULL;
}

// A page of some machine in between, perhaps: the next answer may be better.
static int not_an_answer(struct error *err)
{
    if (err->kind == ERROR_INVALID)
        err->kind = ERROR_UNAVAILABLE;
    return -1;
}

static int take_items(struct batch *batch, struct error *err)
{
    AUTO(webapi_items_done) struct webapi_items items = { 0 };
    size_t                                      index = 0;

    if (webapi_parse_items(&items, batch->answer, batch->n_answer, err) < 0)
        return not_an_answer(err);
    for (size_t i = 0; i < items.n; i++) {
        struct node *node = find_in_batch(batch, items.rows[i].id, &index);
        if (!node || node->wanted.is_answered)
            continue; // not what was asked
        node->wanted.is_answered = true;
        node->wanted.details = items.rows[i];
        if (items.rows[i].is_perhaps_collection)
            node->state = NODE_ASK_COLLECTION;
    }
    return 0;
}

static int take_children(struct resolver *resolver, size_t index,
                         const struct webapi_collection *collection, struct error *err)
{
    struct node *node = &resolver->nodes[index];
    const char  *title = node->wanted.details.title;

    node->state = NODE_COLLECTION;
    if (node->depth >= RESOLVE_DEPTH_MAX) {
        say(resolver->out,
            "note: collection %" PRIu64 " lies in %u others, which is too deep: it is "
            "skipped",
            collection->id, node->depth);
        return 0;
    }
    say(resolver->out, "collection %" PRIu64 "%s%s%s: %zu items", collection->id,
        *title ? " '" : "", title, *title ? "'" : "", collection->n_children);
    for (size_t i = 0; i < collection->n_children; i++)
        if (add_child(resolver, index, &collection->children[i], err) < 0)
            return -1;
    return 0;
}

static int take_collections(struct batch *batch, struct error *err)
{
    AUTO(webapi_collections_done) struct webapi_collections collections = { 0 };
    size_t                                                  index = 0;

    if (webapi_parse_collections(&collections, batch->answer, batch->n_answer, err) < 0)
        return not_an_answer(err);
    for (size_t i = 0; i < collections.n; i++) {
        const struct webapi_collection *row = &collections.rows[i];
        struct node                    *node = find_in_batch(batch, row->id, &index);
        if (node && row->is_collection && node->state == NODE_ASK_COLLECTION &&
            take_children(batch->resolver, index, row, err) < 0)
            return -1;
    }
    return 0;
}

// Nothing is left open: what was not answered is an item about which nothing is known.
static void close_batch(const struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        struct node    *node = &batch->resolver->nodes[batch->nodes[i]];
        enum node_state asked =
            batch->question == WEBAPI_ITEMS ? NODE_ASK_ITEM : NODE_ASK_COLLECTION;
        if (node->state == asked)
            node->state = NODE_ITEM;
    }
}

// ---- questions, as jobs of the fetcher ----------------------------------------------------------

static enum fetch_go on_begin(void *user, struct fetch_start *ret, struct error *err)
{
    struct batch *batch = user;

    (void)err;
    batch->n_answer = 0;
    ret->max_bytes = WEBAPI_ANSWER_MAX;
    return FETCH_GO;
}

static int on_head(void *user, uint32_t status, const struct head *head, struct error *err)
{
    (void)user, (void)head;
    if (status != 200)
        return error_set(err, ERROR_UNAVAILABLE, "the Workshop answers with a part");
    return 0;
}

static int on_take(void *user, const void *bytes, size_t n, struct error *err)
{
    struct batch *batch = user;

    if (n > batch->n_room - batch->n_answer) {
        size_t room = MAX(2 * batch->n_room, batch->n_answer + n + 65536);
        char  *more = realloc(batch->answer, room);
        if (!more)
            return error_sys(err, ENOMEM, "reading an answer of the Workshop");
        batch->answer = more;
        batch->n_room = room;
    }
    memcpy(batch->answer + batch->n_answer, bytes, n);
    batch->n_answer += n;
    return 0;
}

static int on_whole(void *user, struct error *err)
{
    struct batch *batch = user;

    int r = batch->question == WEBAPI_ITEMS ? take_items(batch, err) : take_collections(batch, err);
    if (r == 0)
        close_batch(batch);
    return r;
}

static void on_again(void *user, uint32_t pause_ms, const struct error *why)
{
    const struct batch *batch = user;

    say(batch->resolver->out, "note: the Workshop is asked again in %.1f s: %s",
        (double)pause_ms / 1000, why->message);
}

static void on_end(void *user, const struct error *why)
{
    struct resolver *resolver = ((struct batch *)user)->resolver;

    if (why && resolver->error.kind == ERROR_NONE)
        resolver->error = *why;
}

static int ask(struct resolver *resolver, struct batch *batch, struct error *err)
{
    uint64_t ids[WEBAPI_BATCH_MAX];

    for (size_t i = 0; i < batch->n; i++)
        ids[i] = resolver->nodes[batch->nodes[i]].wanted.id;
    batch->form = webapi_form(batch->question, ids, batch->n);
    if (!batch->form)
        return error_sys(err, ENOMEM, "asking the Workshop");
    (void)snprintf(batch->url, sizeof batch->url, "%s%s", resolver->api_url,
                   webapi_path(batch->question)); // the address is bounded by the settings
    struct fetch_job job = {
        .url = batch->url,
        .form = batch->form,
        .user = batch,
        .begin = on_begin,
        .head = on_head,
        .take = on_take,
        .whole = on_whole,
        .again = on_again,
        .end = on_end,
    };
    resolver->n_questions++;
    return fetcher_add(resolver->fetcher, &job, err);
}

static struct batch *batch_new(struct resolver *resolver, enum webapi_question question)
{
    struct batch *batch = calloc(1, sizeof *batch);

    if (!batch)
        return NULL;
    batch->resolver = resolver;
    batch->question = question;
    batch->next = resolver->batches;
    resolver->batches = batch;
    return batch;
}

// Asks for all nodes in that state. They keep it until the answer.
static int ask_all(struct resolver *resolver, enum webapi_question question, enum node_state state,
                   struct error *err)
{
    struct batch *batch = NULL;

    for (size_t i = 0; i < resolver->n; i++) {
        if (resolver->nodes[i].state != state)
            continue;
        if (!batch && !(batch = batch_new(resolver, question)))
            return error_sys(err, ENOMEM, "asking the Workshop");
        batch->nodes[batch->n++] = i;
        if (batch->n < WEBAPI_BATCH_MAX)
            continue;
        if (ask(resolver, batch, err) < 0)
            return -1;
        batch = NULL;
    }
    return batch ? ask(resolver, batch, err) : 0;
}

// All questions of one level, at a time.
static int ask_level(struct resolver *resolver, struct error *err)
{
    if (ask_all(resolver, WEBAPI_ITEMS, NODE_ASK_ITEM, err) < 0 ||
        ask_all(resolver, WEBAPI_COLLECTIONS, NODE_ASK_COLLECTION, err) < 0)
        return -1;
    while (fetcher_pending(resolver->fetcher) > 0 && resolver->error.kind == ERROR_NONE)
        if (fetcher_step(resolver->fetcher, -1, err) < 0)
            return -1;
    if (resolver->error.kind == ERROR_NONE)
        return 0;
    *err = resolver->error;
    return resolver->is_too_much ? -1 : error_prefix(err, "the Workshop cannot be asked");
}

// ---- the whole --------------------------------------------------------------------------------

static bool has_questions(const struct resolver *resolver)
{
    for (size_t i = 0; i < resolver->n; i++)
        if (resolver->nodes[i].state == NODE_ASK_ITEM ||
            resolver->nodes[i].state == NODE_ASK_COLLECTION)
            return true;
    return false;
}

static int collect_rows(struct resolution *ret, const struct resolver *resolver, struct error *err)
{
    struct resolution resolution = { .n_questions = resolver->n_questions };

    resolution.rows = calloc(resolver->n + 1, sizeof *resolution.rows);
    if (!resolution.rows)
        return error_sys(err, ENOMEM, "resolving a list of items");
    for (size_t i = 0; i < resolver->n; i++)
        if (resolver->nodes[i].state == NODE_COLLECTION)
            resolution.n_collections++;
        else
            resolution.rows[resolution.n++] = resolver->nodes[i].wanted;
    *ret = resolution;
    return 0;
}

int resolve(struct resolution *ret, const struct itemlist *list, const char *api_url,
            struct fetcher *fetcher, const struct say *out, struct error *err)
{
    AUTO(resolver_done)
    struct resolver resolver = {
        .api_url = api_url,
        .fetcher = fetcher,
        .out = out,
        .nodes = calloc(RESOLVE_ITEMS_MAX, sizeof *resolver.nodes),
    };

    if (!resolver.nodes)
        return error_sys(err, ENOMEM, "resolving a list of items");
    for (size_t i = 0; i < list->n; i++)
        if (add(&resolver, list->ids[i], NO_PARENT, NODE_ASK_ITEM, err) < 0)
            return -1;
    while (has_questions(&resolver)) {
        int r = ask_level(&resolver, err);
        fetcher_cancel(fetcher); // what is left of a level that failed
        batches_free(&resolver);
        if (r < 0)
            return -1;
    }
    return collect_rows(ret, &resolver, err);
}

void resolution_done(struct resolution *resolution)
{
    free(resolution->rows);
    *resolution = (struct resolution){ 0 };
}
