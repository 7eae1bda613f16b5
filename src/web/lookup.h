// SPDX-License-Identifier: MIT
#pragma once

// lookup: runs l4d2ctl for answers that are looked up on the host: api_ctl() of api.h.
//
// So many run side by side, a few more wait for their turn, and who comes then is told to come
// later. Who leaves before his turn loses it; what runs for him is ended.

#include "web/api.h"

#define LOOKUP_RUNNING_MAX 8u
#define LOOKUP_WAITING_MAX 32u
#define LOOKUP_USER_MAX    8u         // of one user, running or waiting
#define LOOKUP_BYTES_MAX   (8u << 20) // of an answer

struct lookups;

int lookups_open(struct lookups **ret, sd_event *event, const char *program, struct error *err)
    MUST_USE;
// Nobody is answered any more. Takes NULL, returns NULL.
struct lookups *lookups_close(struct lookups *lookups);
