// SPDX-License-Identifier: MIT
#pragma once

// shown: the things that people have, as the API shows them: to who asks for one, in lists, and in
// events.

#include <jansson.h>
#include "store/blueprint.h"
#include "store/live.h"
#include "store/ownedoverlay.h"
#include "store/playing.h"
#include "store/server.h"

// Reads what is known of its state and its players besides. *ret is owned. Lists go without the
// whole status.
int shown_server(json_t **ret, struct database *db, const struct server *server, bool has_status,
                 struct error *err) MUST_USE;
// Who plays on it.
int shown_players(json_t **ret, struct database *db, int64_t server, struct error *err) MUST_USE;
// All may be NULL without memory.
json_t *shown_blueprint(const struct blueprint *blueprint);
// `list` is what 'l4d2ctl overlay list' has said; NULL: it was not asked.
json_t *shown_overlay(const struct owned_overlay *overlay, const json_t *list);
json_t *shown_grants(unsigned may);                 // their words
json_t *shown_person(int64_t id, const char *name); // null: nobody
