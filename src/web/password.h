// SPDX-License-Identifier: MIT
#pragma once

// password: argon2id, which takes about a tenth of a second of a processor and 64 MiB of memory, on
// purpose. A hasher has one thread for it and a short queue, so that any number of people who log
// in, or try to, cost one processor and one such piece of memory.

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>
#include "base/error.h"

#define PASSWORD_BYTES_MIN 10u
#define PASSWORD_BYTES_MAX 256u
#define PASSWORD_HASH_MAX  129u // bytes, the NUL included

// ERROR_INVALID: it is too short or too long to be one.
int password_check(const char *password, struct error *err) MUST_USE;

int password_hash(char ret[PASSWORD_HASH_MAX], const char *password, struct error *err) MUST_USE;
// Whether `hash` is of it. Of "", which nobody's is, it takes as long to say no.
bool password_matches(const char *hash, const char *password);

// ---- the hasher -------------------------------------------------------------------------------

#define PASSWORD_QUEUE_MAX 16u // who comes then waits for less than two seconds

struct hasher;

// What came of it. `hash` is the one that was made, or "" if there is no memory for it; or the one
// that the password was matched with.
typedef void (*hasher_done)(void *context, bool is_match, const char *hash);

int            hasher_open(struct hasher **ret, sd_event *event, struct error *err) MUST_USE;
struct hasher *hasher_close(struct hasher *hasher); // takes NULL; nobody is answered any more
void           hasher_closep(struct hasher **hasher);

// Both copy what they are given and forget it afterwards. `done` is called from the loop.
// ERROR_BUSY: too many wait already.
int hasher_match(struct hasher *hasher, const char *hash, const char *password, hasher_done done,
                 void *context, struct error *err) MUST_USE;
int hasher_make(struct hasher *hasher, const char *password, hasher_done done, void *context,
                struct error *err) MUST_USE;
// Whoever asked with this context is gone: he is not called.
void hasher_forget(struct hasher *hasher, const void *context);
