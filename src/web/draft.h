// SPDX-License-Identifier: MIT
#pragma once

// draft: what a blueprint makes of a server, judged by the rules of the host before it is stored:
// by the very parser that reads what the worker hands over, so that both say the same.

#include <jansson.h>
#include "host/instance.h"
#include "store/blueprint.h"
#include "store/server.h"

#define DRAFT_FIELD_MAX 16u

// The first thing that is wrong with it, and the field that it is about.
int draft_check(const struct blueprint *blueprint, char ret_field[DRAFT_FIELD_MAX],
                struct error *err) MUST_USE;
int draft_check_hostname(const char *hostname, struct error *err) MUST_USE;

// What the host reads of it; *ret is owned.
int draft_parse(struct instance **ret, const struct blueprint *blueprint,
                const struct server *server, struct error *err) MUST_USE;

// Everything that is wrong with it: a list of {"field", "index", "message"}, the index being that
// of an argument or a line of the config, from 0, or null. NULL without memory.
json_t *draft_problems(const struct blueprint *blueprint);

// What such a server runs with: {"server_cfg", "arguments"}; the password is not in it.
int draft_render(json_t **ret, const struct blueprint *blueprint, const struct server *server,
                 struct error *err) MUST_USE;
