// SPDX-License-Identifier: MIT
#pragma once

// bans: addresses and Steam ids that may not come in, in memory and in cfg/banned_*.cfg.

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define BANS_MAX 1024u

enum bans_kind { BANS_IP, BANS_ID, BANS_KIND_COUNT };

struct bans;

struct bans *bans_new(void); // NULL: no memory
struct bans *bans_free(struct bans *bans);

// `minutes` 0 is for ever. A ban that exists is replaced; when the list is full, the oldest goes.
void        bans_add(struct bans *bans, enum bans_kind kind, const char *who, double minutes);
bool        bans_remove(struct bans *bans, enum bans_kind kind, const char *who);
bool        bans_has(const struct bans *bans, enum bans_kind kind, const char *who);
bool        bans_has_address(const struct bans *bans, struct in_addr address);
size_t      bans_count(const struct bans *bans, enum bans_kind kind);
const char *bans_at(const struct bans *bans, enum bans_kind kind, size_t i, double *ret_minutes);

// Writes the bans without an end to `path` ("left4dead2/cfg/banned_user.cfg"). False: errno. The
// new file is written beside the old one, which is deleted before the new one gets its name: an
// overlay sees all that can happen to a file.
bool bans_write(const struct bans *bans, enum bans_kind kind, const char *path);
