// SPDX-License-Identifier: MIT

// tokens: one's own tokens, for programs. They are made and taken back by who is logged in alone: a
// token does not make others.

#include "store/token.h"
#include "web/api.h"

#define LIFE_MAX_S (INT64_C(10) * 366 * 86400) // that somebody may ask for; or none

static json_t *time_or_null(int64_t unix_s)
{
    return unix_s ? json_integer(unix_s) : json_null();
}

static json_t *token_json(const struct token *token)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:o, s:o}", "id", (json_int_t)token->id, "name",
                     token->name, "scope", token_scope_word(token->scope), "created",
                     (json_int_t)token->created_unix_s, "expires",
                     time_or_null(token->expires_unix_s), "used", time_or_null(token->used_unix_s));
}

static int tokens_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    struct token                        token;
    int                                 r;

    if (api_page_begin(&page, request, "after", err) < 0)
        return -1;
    while ((r = token_next(&token, request->web->db, request->user.id, page.at, err)) > 0 &&
           api_page_add(&page, token.id, token_json(&token)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "tokens", err);
}

static int read_scope(enum token_scope *ret, struct api_request *request, struct error *err)
{
    char word[16];

    if (api_text(word, sizeof word, 1, request, "scope", err) < 0)
        return -1;
    if (token_scope_parse(ret, word, err) < 0)
        return api_about(request, "scope");
    if (*ret != TOKEN_ADMIN || request->user.role == ROLE_ADMIN)
        return 0;
    (void)error_set(err, ERROR_DENIED, "only an admin has something to do for such a token");
    return api_about(request, "scope");
}

static int read_token(struct token *ret, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "scope", "expires", NULL };
    int64_t                  now_unix_s = api_now_unix_s();

    *ret = (struct token){ .user = request->user.id, .created_unix_s = now_unix_s };
    if (api_check_fields(request, fields, err) < 0 ||
        api_text(ret->name, sizeof ret->name, 1, request, "name", err) < 0 ||
        read_scope(&ret->scope, request, err) < 0)
        return -1;
    return api_has(request, "expires") ? api_number(&ret->expires_unix_s, request, "expires",
                                                    now_unix_s + 1, now_unix_s + LIFE_MAX_S, err)
                                       : 0;
}

// The word is shown this once.
static int token_add_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct token                              token;
    struct secret_hash                        hash;
    char                                      word[SECRET_WORD_MAX];

    secret_make(word, &hash, SECRET_API_TOKEN);
    if (read_token(&token, request, err) < 0 || transaction_begin(&transaction, db, err) < 0)
        return -1;
    if (token_add(&token.id, db, &token, &hash, err) < 0)
        return err->kind == ERROR_EXISTS || err->kind == ERROR_INVALID ? api_about(request, "name")
                                                                       : -1;
    if (api_audit(request, "token.create", token.name, NULL, token_json(&token), err) < 0)
        return -1;
    return api_answer_once(request, &transaction,
                           json_pack("{s:I, s:s}", "id", (json_int_t)token.id, "token", word), err);
}

// Of his own. ERROR_NOT_FOUND: it is none.
static int find_own(struct token *ret, struct api_request *request, struct error *err)
{
    int r = token_next(ret, request->web->db, request->user.id, request->parameters[0] - 1, err);

    if (r < 0 || (r > 0 && ret->id == request->parameters[0]))
        return MIN(r, 0);
    return error_set(err, ERROR_NOT_FOUND, "there is no such token");
}

static int token_remove_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct token                              token;

    if (transaction_begin(&transaction, db, err) < 0 || find_own(&token, request, err) < 0 ||
        token_remove(db, request->user.id, token.id, err) < 0 ||
        api_audit(request, "token.delete", token.name, token_json(&token), NULL, err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    api_answer_nothing(request);
    return 0;
}

static const struct route routes[] = {
    { HTTP_GET, "/me/tokens", API_SESSION, TOKEN_READ, tokens_run },
    { HTTP_POST, "/me/tokens", API_SESSION, TOKEN_READ, token_add_run, .body = API_JSON },
    { HTTP_DELETE, "/me/tokens/#", API_SESSION, TOKEN_READ, token_remove_run, API_OWN },
};

const struct route_table token_routes = { routes, ELEMENTS(routes) };
