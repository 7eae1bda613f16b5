// SPDX-License-Identifier: MIT
#pragma once

// players: asks a server of this machine how many people play on it, in the loop.

#include <stdint.h>
#include <systemd/sd-event.h>
#include "base/error.h"

struct players;

// `told` is called once, not within this call: how many, or -1 if the server does not answer. The
// question is gone then.
int players_ask(struct players **ret, sd_event *event, uint16_t port,
                void (*told)(void *context, int n), void *context, struct error *err) MUST_USE;
// Asks no more, and tells nobody. Takes NULL, returns NULL.
struct players *players_leave(struct players *players);
