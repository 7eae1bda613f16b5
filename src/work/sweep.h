// SPDX-License-Identifier: MIT
#pragma once

// sweep: drops from the database what is old enough, every hour, in small steps between which
// others work.

#include <systemd/sd-event.h>
#include "store/database.h"

struct sweep;

int sweep_open(struct sweep **ret, sd_event *event, struct database *db, struct error *err)
    MUST_USE;
struct sweep *sweep_close(struct sweep *sweep); // takes NULL, returns NULL
