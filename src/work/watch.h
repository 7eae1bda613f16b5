// SPDX-License-Identifier: MIT
#pragma once

// watch: what servers do and what overlays there are, kept in the database for whoever shows it.
//
// The state of a server comes by signal from the init system and is written at once; all else that
// there is to know of it, `l4d2ctl status`, is looked up after that, and whenever its row, its
// blueprint or one of its overlays changes. One that runs is asked who plays on it. What is changed
// on a blueprint is told to the host as well, so that it knows what is pending. With the setting
// "repair" a server that should run and does not is started, a few times.

#include <systemd/sd-event.h>
#include "ctl/ctl.h"
#include "store/job.h"
#include "store/secret.h"

struct watch;

struct watch_config {
    sd_event                *event;
    struct database         *db;
    const struct secret_key *key; // NULL: passwords are left to the host
    struct ctl_pool         *pool;
    const char              *bus_address;
    void (*changed)(void *context);                    // something was written
    void (*has_work)(void *context);                   // among it a job
    bool (*is_at_work)(void *context, int64_t server); // a job about it is under way
    void *context;
};

// `config` is copied, what it points at is borrowed.
int watch_open(struct watch **ret, const struct watch_config *config, struct error *err) MUST_USE;
struct watch *watch_close(struct watch *watch); // takes NULL, returns NULL

// The database has changed.
void watch_look(struct watch *watch);
// Somebody looks at who plays.
void watch_players(struct watch *watch);
// A job has ended, and with it what it is about is another than before.
void watch_job_ended(struct watch *watch, const struct job *job);
