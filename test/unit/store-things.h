// SPDX-License-Identifier: MIT
#pragma once

// store-things: people and what they have, for the tests of the tables; in a test's own store.

#include "store/blueprint.h"
#include "store/ownedoverlay.h"
#include "store/server.h"
#include "store-world.h"

#define NOW 1000000

static const struct secret_key things_key = { { 1, 2, 3 } };

static inline int64_t things_user(struct database *db, const char *name, enum role role)
{
    int64_t      id = 0;
    struct error err = { 0 };

    if (STORED(db, user_add(&id, db, name, role, NOW, &err)) < 0)
        fail_msg("%s", err.message);
    return id;
}

static inline int64_t things_overlay(struct database *db, int64_t id, const char *name,
                                     int64_t owner, bool is_shared)
{
    struct owned_overlay overlay = { .id = id,
                                     .type = OVERLAY_FILES,
                                     .owner = owner,
                                     .is_shared = is_shared,
                                     .created_unix_s = NOW };
    struct error         err = { 0 };

    snprintf(overlay.name, sizeof overlay.name, "%s", name);
    if (STORED(db, owned_overlay_add(db, &overlay, &err)) < 0)
        fail_msg("%s", err.message);
    return id;
}

static inline int64_t things_blueprint(struct database *db, const char *name, int64_t owner,
                                       bool is_shared)
{
    char             arguments[] = "[]", config[] = "";
    struct blueprint blueprint = { .owner = owner,
                                   .is_shared = is_shared,
                                   .arguments = arguments,
                                   .config = config,
                                   .created_unix_s = NOW };
    int64_t          id = 0;
    struct error     err = { 0 };

    snprintf(blueprint.name, sizeof blueprint.name, "%s", name);
    if (STORED(db, blueprint_add(&id, db, &blueprint, owner, &err)) < 0)
        fail_msg("%s", err.message);
    return id;
}

static inline int64_t things_server(struct database *db, const char *name, int64_t owner,
                                    int64_t blueprint)
{
    struct server server = { .owner = owner, .blueprint = blueprint, .created_unix_s = NOW };
    int64_t       id = 0;
    struct error  err = { 0 };

    snprintf(server.name, sizeof server.name, "%s", name);
    if (STORED(db, server_add(&id, db, &server, &things_key, NULL, &err)) < 0)
        fail_msg("%s", err.message);
    return id;
}
