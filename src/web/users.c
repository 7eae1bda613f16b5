// SPDX-License-Identifier: MIT

// users: what an admin does with the accounts of others, invitations, and the log of changes.

#include "store/audit.h"
#include "store/invitation.h"
#include "store/totp.h"
#include "web/api.h"

// ---- users ------------------------------------------------------------------------------------

static int users_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    struct user                         user;
    int                                 r;

    if (api_page_begin(&page, request, "after", err) < 0)
        return -1;
    while ((r = user_next(&user, request->web->db, page.at, err)) > 0 &&
           api_page_add(&page, user.id, api_user_json(&user)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "users", err);
}

static int user_run(struct api_request *request, struct error *err)
{
    struct user user;

    if (user_find(&user, request->web->db, request->parameters[0], err) < 0)
        return -1;
    return api_answer(request, 200, api_user_json(&user), err);
}

static int not_yourself(const struct api_request *request, struct error *err)
{
    if (request->parameters[0] == request->user.id)
        return error_set(err, ERROR_BUSY, "nobody does this to his own account");
    return 0;
}

static int change_role(struct api_request *request, struct error *err)
{
    char      word[16];
    enum role role;

    if (!json_object_get(request->body, "role"))
        return 0;
    if (api_text(word, sizeof word, 1, request, "role", err) < 0 ||
        role_parse(&role, word, err) < 0)
        return -1;
    return user_set_role(request->web->db, request->parameters[0], role, err);
}

static int change_active(struct api_request *request, struct error *err)
{
    bool is_active;

    if (!json_object_get(request->body, "active"))
        return 0;
    return api_bool(&is_active, request, "active", err) < 0
               ? -1
               : user_set_active(request->web->db, request->parameters[0], is_active, err);
}

// For whoever has lost his telephone and his recovery codes; nobody but him can have one begun.
static int change_totp(struct api_request *request, struct error *err)
{
    bool has_totp;

    if (!json_object_get(request->body, "totp"))
        return 0;
    if (api_bool(&has_totp, request, "totp", err) < 0)
        return -1;
    if (!has_totp)
        return user_totp_remove(request->web->db, request->parameters[0], err);
    (void)error_set(err, ERROR_INVALID, "everybody begins a second factor himself");
    return api_about(request, "totp");
}

// Whoever is made less, or more, begins anew with what he has now.
static int user_change_run(struct api_request *request, struct error *err)
{
    static const char *const                  fields[] = { "role", "active", "totp", NULL };
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    int64_t                                   id = request->parameters[0];
    struct user                               before, after;

    if (api_check_fields(request, fields, err) < 0 || not_yourself(request, err) < 0 ||
        transaction_begin(&transaction, db, err) < 0 || user_find(&before, db, id, err) < 0 ||
        change_role(request, err) < 0 || change_active(request, err) < 0 ||
        change_totp(request, err) < 0 || session_end_all(db, id, 0, err) < 0 ||
        user_find(&after, db, id, err) < 0 ||
        api_audit(request, "user.change", after.name, api_user_json(&before), api_user_json(&after),
                  err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    return api_answer(request, 200, api_user_json(&after), err);
}

static int user_remove_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct user                               user;

    if (not_yourself(request, err) < 0 || transaction_begin(&transaction, db, err) < 0 ||
        user_find(&user, db, request->parameters[0], err) < 0 ||
        user_remove(db, user.id, err) < 0 ||
        api_audit(request, "user.delete", user.name, api_user_json(&user), NULL, err) < 0 ||
        api_commit(request, &transaction, err) < 0)
        return -1;
    api_answer_nothing(request);
    return 0;
}

// ---- invitations ------------------------------------------------------------------------------

static json_t *invitation_json(const struct invitation *invitation)
{
    return json_pack(
        "{s:I, s:s?, s:s, s:o, s:o, s:I, s:I}", "id", (json_int_t)invitation->id, "name",
        *invitation->name ? invitation->name : NULL, "role", role_word(invitation->role), "user",
        invitation->user ? json_integer(invitation->user) : json_null(), "made_by",
        invitation->made_by ? json_integer(invitation->made_by) : json_null(), "created",
        (json_int_t)invitation->created_unix_s, "expires", (json_int_t)invitation->expires_unix_s);
}

static int invitations_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page page = { 0 };
    struct invitation                   invitation;
    int                                 r;

    if (api_page_begin(&page, request, "after", err) < 0)
        return -1;
    while ((r = invitation_next(&invitation, request->web->db, page.at, api_now_unix_s(), err)) >
               0 &&
           api_page_add(&page, invitation.id, invitation_json(&invitation)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "invitations", err);
}

static int read_invitation(struct invitation *ret, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "name", "role", NULL };
    char                     role[16];

    *ret = (struct invitation){ .made_by = request->user.id, .created_unix_s = api_now_unix_s() };
    if (api_check_fields(request, fields, err) < 0 ||
        api_text(role, sizeof role, 1, request, "role", err) < 0 ||
        role_parse(&ret->role, role, err) < 0)
        return -1;
    return json_object_get(request->body, "name")
               ? api_text(ret->name, sizeof ret->name, 1, request, "name", err)
               : 0;
}

// The word is shown this once.
static int add_invitation(struct api_request *request, const struct invitation *wanted,
                          struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct invitation                         invitation = *wanted;
    struct secret_hash                        hash;
    char                                      word[SECRET_WORD_MAX];

    secret_make(word, &hash, SECRET_INVITATION);
    if (transaction_begin(&transaction, db, err) < 0 ||
        invitation_add(&invitation.id, db, &invitation, &hash, err) < 0 ||
        api_audit(request, "invitation.create", invitation.name, NULL, invitation_json(&invitation),
                  err) < 0)
        return -1;
    return api_answer_once(
        request, &transaction,
        json_pack("{s:I, s:s}", "id", (json_int_t)invitation.id, "invitation", word), err);
}

static int invitation_add_run(struct api_request *request, struct error *err)
{
    struct invitation invitation;

    return read_invitation(&invitation, request, err) < 0
               ? -1
               : add_invitation(request, &invitation, err);
}

// For whoever has lost his password. Whoever finds an admin's browser does not take the account
// with it by a link: that wants the old password, or the command.
static int user_invite_run(struct api_request *request, struct error *err)
{
    struct user user;

    if (not_yourself(request, err) < 0 ||
        user_find(&user, request->web->db, request->parameters[0], err) < 0)
        return -1;
    const struct invitation invitation = { .user = user.id,
                                           .role = user.role,
                                           .made_by = request->user.id,
                                           .created_unix_s = api_now_unix_s() };
    return add_invitation(request, &invitation, err);
}

static int find_invitation(struct invitation *ret, struct api_request *request, struct error *err)
{
    int64_t id = request->parameters[0];
    int     r = invitation_next(ret, request->web->db, id - 1, api_now_unix_s(), err);

    if (r < 0 || (r > 0 && ret->id == id))
        return MIN(r, 0);
    return error_set(err, ERROR_NOT_FOUND, "there is no such invitation");
}

static int invitation_remove_run(struct api_request *request, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct invitation                         invitation;

    if (transaction_begin(&transaction, db, err) < 0 ||
        find_invitation(&invitation, request, err) < 0 ||
        invitation_remove(db, invitation.id, err) < 0 ||
        api_audit(request, "invitation.delete", invitation.name, invitation_json(&invitation), NULL,
                  err) < 0 ||
        transaction_commit(&transaction, err) < 0)
        return -1;
    api_answer_nothing(request);
    return 0;
}

// ---- the log of changes ------------------------------------------------------------------------

static json_t *event_json(const struct audit_event *event)
{
    json_t *before = event->before ? json_loads(event->before, 0, NULL) : NULL;
    json_t *after = event->after ? json_loads(event->after, 0, NULL) : NULL;

    // What was cut off is no JSON any more, and is shown as the text that it is.
    if (event->before && !before)
        before = json_string(event->before);
    if (event->after && !after)
        after = json_string(event->after);
    return json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:s, s:o?, s:o?}", "id", (json_int_t)event->id,
                     "time_us", (json_int_t)event->time_us, "user",
                     event->user ? json_integer(event->user) : json_null(), "user_name",
                     event->user_name, "origin", event->origin, "action", event->action, "subject",
                     event->subject, "before", before, "after", after);
}

static int audit_run(struct api_request *request, struct error *err)
{
    AUTO(api_page_done) struct api_page   page = { 0 };
    AUTO(statement_done) struct statement rows = { 0 };
    struct audit_event                    event;
    int                                   r;

    if (api_page_begin(&page, request, "before", err) < 0 ||
        audit_list_begin(&rows, request->web->db, page.at, err) < 0)
        return -1;
    while ((r = audit_list_next(&event, &rows, err)) > 0 &&
           api_page_add(&page, event.id, event_json(&event)))
        ;
    return r < 0 ? -1 : api_page_answer(&page, request, "events", err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_GET, "/users", API_ADMIN, TOKEN_ADMIN, users_run },
    { HTTP_GET, "/users/#", API_ADMIN, TOKEN_ADMIN, user_run },
    { HTTP_PATCH, "/users/#", API_ADMIN, TOKEN_ADMIN, user_change_run, .body = API_JSON },
    { HTTP_DELETE, "/users/#", API_ADMIN, TOKEN_ADMIN, user_remove_run },
    { HTTP_POST, "/users/#/invitation", API_ADMIN, TOKEN_ADMIN, user_invite_run },
    { HTTP_GET, "/invitations", API_ADMIN, TOKEN_ADMIN, invitations_run },
    { HTTP_POST, "/invitations", API_ADMIN, TOKEN_ADMIN, invitation_add_run, .body = API_JSON },
    { HTTP_DELETE, "/invitations/#", API_ADMIN, TOKEN_ADMIN, invitation_remove_run },
    { HTTP_GET, "/audit", API_ADMIN, TOKEN_ADMIN, audit_run },
};

const struct route_table user_routes = { routes, ELEMENTS(routes) };
