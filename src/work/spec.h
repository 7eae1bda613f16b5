// SPDX-License-Identifier: MIT
#pragma once

// spec: what a server of the page is to be, written down for l4d2ctl: its row and its blueprint as
// the SPEC.yaml of src/host/instance.h.
//
// Texts are quoted so that each is one text and nothing else, whatever is in it. Whether it may be
// what it is is said by l4d2ctl, which refuses it in a sentence.

#include "host/buffer.h"
#include "store/blueprint.h"
#include "store/server.h"

// `rcon_password` may be "": then the host makes one.
void spec_format(struct buffer *text, const struct server *server,
                 const struct blueprint *blueprint, const char *rcon_password);

// The same of what is in the database. `key` NULL: the password is left to the host.
int spec_read(struct buffer *text, struct database *db, int64_t server,
              const struct secret_key *key, struct error *err) MUST_USE;
