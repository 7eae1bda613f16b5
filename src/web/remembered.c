// SPDX-License-Identifier: MIT
#include "web/remembered.h"

#include <errno.h>
#include <string.h>
#include "store/change.h"

struct answer {
    const struct route *route; // NULL: there is none
    int64_t             viewer;
    int64_t             change;
    uint64_t            used; // when it was last asked for
    char                query[REMEMBERED_QUERY_MAX];
    size_t              n_query;
    struct http_bytes  *bytes;
};

struct remembered {
    struct answer answers[REMEMBERED_MAX];
    uint64_t      clock;
    int64_t       change; // the newest one, of the last look
};

int remembered_open(struct remembered **ret, struct error *err)
{
    *ret = calloc(1, sizeof **ret);
    return *ret ? 0 : error_sys(err, ENOMEM, "making room for answers");
}

static void drop(struct answer *answer)
{
    answer->bytes = http_bytes_unref(answer->bytes);
    *answer = (struct answer){ 0 };
}

struct remembered *remembered_close(struct remembered *remembered)
{
    for (size_t i = 0; remembered && i < REMEMBERED_MAX; i++)
        drop(&remembered->answers[i]);
    free(remembered);
    return NULL;
}

static bool is_of(const struct answer *answer, const struct api_request *request)
{
    struct http_text query = http_exchange_request(request->exchange)->query;

    return answer->route == request->route && answer->viewer == user_viewer(&request->user) &&
           answer->n_query == query.n &&
           (query.n == 0 || memcmp(answer->query, query.bytes, query.n) == 0);
}

static void answer_with(struct api_request *request, struct http_bytes *bytes)
{
    http_exchange_answer_bytes(request->exchange, 200, "application/json", bytes);
}

int remembered_answer(struct api_request *request, struct error *err)
{
    struct remembered *remembered = request->web->remembered;

    if (change_newest(&remembered->change, request->web->db, err) < 0)
        return -1;
    for (size_t i = 0; i < REMEMBERED_MAX; i++) {
        struct answer *answer = &remembered->answers[i];
        if (!is_of(answer, request))
            continue;
        if (answer->change != remembered->change)
            return 0;
        answer->used = ++remembered->clock;
        answer_with(request, answer->bytes);
        return 1;
    }
    return 0;
}

// That of the same question, or the one that was asked for least lately.
static struct answer *choose(struct remembered *remembered, const struct api_request *request)
{
    struct answer *oldest = &remembered->answers[0];

    for (size_t i = 0; i < REMEMBERED_MAX; i++) {
        struct answer *answer = &remembered->answers[i];
        if (is_of(answer, request))
            return answer;
        if (answer->used < oldest->used)
            oldest = answer;
    }
    return oldest;
}

static void keep(struct api_request *request, struct http_bytes *bytes)
{
    struct remembered *remembered = request->web->remembered;
    struct http_text   query = http_exchange_request(request->exchange)->query;
    struct answer     *answer = choose(remembered, request);

    drop(answer);
    *answer = (struct answer){ .route = request->route,
                               .viewer = user_viewer(&request->user),
                               .change = remembered->change,
                               .used = ++remembered->clock,
                               .n_query = query.n,
                               .bytes = http_bytes_ref(bytes) };
    if (query.n > 0)
        memcpy(answer->query, query.bytes, query.n);
}

// What another process has written while the answer was made may be in it or not: its number is
// higher than the one that was seen, so the next look finds that the answer is old.
int remembered_keep(struct api_request *request, json_t *json, struct error *err)
{
    AUTO(freep) char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    size_t            n = text ? strlen(text) : 0;

    json_decref(json);
    AUTO(http_bytes_unrefp)
    struct http_bytes *bytes = text ? http_bytes_new(request->web->server, n) : NULL;
    if (!bytes)
        return error_set(err, ERROR_NO_SPACE, "there is no memory for the answer");
    memcpy(http_bytes_at(bytes), text, n);
    answer_with(request, bytes);
    if (n <= REMEMBERED_BYTES_MAX &&
        http_exchange_request(request->exchange)->query.n <= REMEMBERED_QUERY_MAX)
        keep(request, bytes);
    return 0;
}
