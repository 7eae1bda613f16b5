// SPDX-License-Identifier: MIT

// owners: an admin gives what somebody has to somebody else, as before an account is deleted.
//
// What it is made of stays whose it was: the new owner may run a server of a blueprint that he does
// not see. The limits on what one may have are for who makes something, and are not asked here.

#include <stdio.h>
#include "base/protocol.h"
#include "store/blueprint.h"
#include "store/ownedoverlay.h"
#include "store/server.h"
#include "web/api.h"
#include "web/shown.h"

struct gift {
    const char *word; // of what it is
    int64_t     id;
    int64_t     from; // whose it was; 0: nobody's
    const char *from_name;
    int (*set_owner)(struct database *db, int64_t id, int64_t owner, int64_t now_unix_s,
                     struct error *err);
};

// As a part of the transaction: nobody is deactivated meanwhile.
static int read_owner(struct user *ret, struct api_request *request, struct error *err)
{
    static const char *const fields[] = { "owner", NULL };
    int64_t                  id = 0;

    if (api_check_fields(request, fields, err) < 0 ||
        api_number(&id, request, "owner", 1, INT64_MAX, err) < 0)
        return -1;
    if (user_find(ret, request->web->db, id, err) == 0) {
        if (ret->is_active)
            return 0;
        (void)error_set(err, ERROR_INVALID, "%s is deactivated: activate him, or choose another",
                        ret->name);
    } else if (err->kind == ERROR_NOT_FOUND) {
        (void)error_set(err, ERROR_INVALID, "there is no such user");
    }
    return api_about(request, "owner");
}

static json_t *owner_json(int64_t id, const char *name)
{
    return json_pack("{s:o}", "owner", shown_person(id, name));
}

static int record(struct api_request *request, const struct gift *gift, const struct user *owner,
                  struct error *err)
{
    char action[32], subject[32];

    (void)snprintf(action, sizeof action, "%s.give", gift->word); // they fit
    (void)snprintf(subject, sizeof subject, "%s %lld", gift->word, (long long)gift->id);
    return api_audit(request, action, subject, owner_json(gift->from, gift->from_name),
                     owner_json(owner->id, owner->name), err);
}

static int give(struct api_request *request, const struct gift *gift, struct error *err)
{
    AUTO(transaction_done) struct transaction transaction = { 0 };
    struct database                          *db = request->web->db;
    struct user                               owner;

    if (transaction_begin(&transaction, db, err) < 0 || read_owner(&owner, request, err) < 0 ||
        gift->set_owner(db, gift->id, owner.id, api_now_unix_s(), err) < 0)
        return err->kind == ERROR_EXISTS ? api_about(request, "owner") : -1;
    if (record(request, gift, &owner, err) < 0 || api_commit(request, &transaction, err) < 0)
        return -1;
    return api_answer(request, 200, owner_json(owner.id, owner.name), err);
}

static int server_run(struct api_request *request, struct error *err)
{
    const struct server *server = request->server;
    const struct gift    gift = { "server", server->id, server->owner, server->owner_name,
                                  server_set_owner };

    return give(request, &gift, err);
}

static int blueprint_run(struct api_request *request, struct error *err)
{
    const struct blueprint *blueprint = request->blueprint;
    const struct gift gift = { "blueprint", blueprint->id, blueprint->owner, blueprint->owner_name,
                               blueprint_set_owner };

    return give(request, &gift, err);
}

static int overlay_run(struct api_request *request, struct error *err)
{
    const struct owned_overlay *overlay = request->overlay;

    if (overlay->id == GAME_OVERLAY)
        return error_set(err, ERROR_BUSY, "the game is below all servers: it belongs to nobody");
    if (overlay->server)
        return error_set(err, ERROR_BUSY,
                         "the overlay is of server %lld alone, and belongs to whom that does: "
                         "give him the server",
                         (long long)overlay->server);
    const struct gift gift = { "overlay", overlay->id, overlay->owner, overlay->owner_name,
                               owned_overlay_set_owner };
    return give(request, &gift, err);
}

// ---- the table --------------------------------------------------------------------------------

static const struct route routes[] = {
    { HTTP_PUT, "/servers/#/owner", API_ADMIN, TOKEN_ADMIN, server_run, API_SERVER, GRANT_MANAGE,
      API_JSON, 0 },
    { HTTP_PUT, "/blueprints/#/owner", API_ADMIN, TOKEN_ADMIN, blueprint_run, API_BLUEPRINT,
      GRANT_MANAGE, API_JSON, 0 },
    { HTTP_PUT, "/overlays/#/owner", API_ADMIN, TOKEN_ADMIN, overlay_run, API_OVERLAY, GRANT_MANAGE,
      API_JSON, 0 },
};

const struct route_table owner_routes = { routes, ELEMENTS(routes) };
