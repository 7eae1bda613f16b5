// SPDX-License-Identifier: MIT
#pragma once

// fakebus: an init system that writes down what it is asked, answers from a script, and can fail at
// its nth call.

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "priv/bus.h"

struct fakebus {
    struct bus  ops;
    char        said[2048]; // "start left4me-server@a.service; ..."
    unsigned    n_calls;
    unsigned    fail_at; // 0: never
    bool        is_over; // the answer about every unit
    const char *busy;    // but for those that begin so: they are at work
    bool        is_silent, is_disabled, has_settings;
    bool        is_turn_needed; // enabling, disabling and starting a server takes the turn
    bool        is_watching, was_watched; // since before the last job
    char        active_state[24];
    uint32_t    next_job;
    // Is told before anything else happens, unless NULL: the place for what others do meanwhile.
    void (*hook)(struct fakebus *fake, const char *what, const char *unit);
};

static int fakebus_say(struct fakebus *fake, const char *what, const char *unit, struct error *err)
{
    if (fake->hook)
        fake->hook(fake, what, unit);
    size_t used = strlen(fake->said);
    fake->n_calls++;
    if (used < sizeof fake->said)
        (void)snprintf(fake->said + used, sizeof fake->said - used, "%s %s; ", what, unit);
    if (fake->fail_at && fake->n_calls == fake->fail_at)
        return error_set(err, ERROR_FAILED, "the init system said no");
    return 0;
}

// Aborts unless somebody holds a turn.
static inline void fakebus_need_turn(const struct fakebus *fake, const char *unit)
{
    DIR *dir = fake->is_turn_needed && strncmp(unit, "left4me-server@", 15) == 0
                   ? opendir("/run/left4me-host/lock")
                   : NULL;
    bool is_held = !dir;

    for (const struct dirent *entry; !is_held && (entry = readdir(dir));) {
        int fd =
            entry->d_name[0] == 't' ? openat(dirfd(dir), entry->d_name, O_RDWR | O_CLOEXEC) : -1;
        is_held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
    if (!is_held)
        abort();
}

static int fakebus_start(void *context, const char *unit, uint32_t *ret_job, struct error *err)
{
    struct fakebus *fake = context;

    fakebus_need_turn(fake, unit);
    fake->was_watched = fake->is_watching;
    *ret_job = ++fake->next_job;
    return fakebus_say(fake, "start", unit, err);
}

static int fakebus_stop(void *context, const char *unit, uint32_t *ret_job, struct error *err)
{
    struct fakebus *fake = context;

    fake->was_watched = fake->is_watching;
    *ret_job = ++fake->next_job;
    return fakebus_say(fake, "stop", unit, err);
}

// Nothing that anybody could notice: it is not written down.
static int fakebus_watch(void *context, struct error *err)
{
    (void)err;
    ((struct fakebus *)context)->is_watching = true;
    return 0;
}

static int fakebus_await(void *context, const char *unit, uint32_t job, struct error *err)
{
    struct fakebus *fake = context;

    // It is always the last one that is waited for, and its end was watched before.
    if (job != fake->next_job || !fake->was_watched)
        abort();
    return fakebus_say(fake, "await", unit, err);
}

#define FAKEBUS_SIMPLE(name)                                                                       \
    static int fakebus_##name(void *context, const char *unit, struct error *err)                  \
    {                                                                                              \
        return fakebus_say(context, #name, unit, err);                                             \
    }
FAKEBUS_SIMPLE(kill)
FAKEBUS_SIMPLE(reset_failed)
FAKEBUS_SIMPLE(revert)

static int fakebus_enable(void *context, const char *unit, struct error *err)
{
    fakebus_need_turn(context, unit);
    return fakebus_say(context, "enable", unit, err);
}

static int fakebus_disable(void *context, const char *unit, struct error *err)
{
    fakebus_need_turn(context, unit);
    return fakebus_say(context, "disable", unit, err);
}

static int fakebus_is_enabled(void *context, const char *unit, bool *ret, struct error *err)
{
    *ret = !((struct fakebus *)context)->is_disabled;
    return fakebus_say(context, "is_enabled", unit, err);
}

static int fakebus_is_over(void *context, const char *unit, bool *ret, struct error *err)
{
    const struct fakebus *fake = context;

    *ret = fake->is_over && !(fake->busy && strncmp(unit, fake->busy, strlen(fake->busy)) == 0);
    return fakebus_say(context, "is_over", unit, err);
}

static int fakebus_is_silent(void *context, const char *unit, bool *ret, struct error *err)
{
    *ret = ((struct fakebus *)context)->is_silent;
    return fakebus_say(context, "is_silent", unit, err);
}

static int fakebus_has_settings(void *context, const char *unit, bool *ret, struct error *err)
{
    *ret = ((struct fakebus *)context)->has_settings;
    return fakebus_say(context, "has_settings", unit, err);
}

static int fakebus_state(void *context, const char *unit, struct bus_unit_state *ret,
                         struct error *err)
{
    *ret = (struct bus_unit_state){ .main_pid = 4711 };
    (void)snprintf(ret->active_state, sizeof ret->active_state, "%s",
                   ((struct fakebus *)context)->active_state);
    return fakebus_say(context, "state", unit, err);
}

static int fakebus_set_limits(void *context, const char *unit, const struct instance_limits *limits,
                              const struct instance_limits *old, uint16_t tcp_port,
                              struct error *err)
{
    char what[96];

    (void)snprintf(what, sizeof what, "set_limits(%llu,%s,%u)",
                   (unsigned long long)limits->memory_bytes, old ? "old" : "any", tcp_port);
    return fakebus_say(context, what, unit, err);
}

static int fakebus_tidy(void *context, const struct tidy_request *request, int lock_fd,
                        struct error *err)
{
    static const char *const words[] = {
        NULL,           "create",         "wipe",         "remove",        "build-create",
        "build-remove", "overlay-create", "overlay-wipe", "overlay-remove"
    };
    char what[32], about[16];

    if (lock_fd < 0 || tidy_request_check(request, sizeof *request, err) < 0)
        abort();
    (void)snprintf(what, sizeof what, "tidy-%s", words[request->action]);
    (void)snprintf(about, sizeof about, "%u", request->number);
    return fakebus_say(context, what, request->number ? about : request->name.text, err);
}

static inline void fakebus_init(struct fakebus *fake)
{
    *fake = (struct fakebus){
        .ops = {
            .context = fake,
            .start = fakebus_start,
            .stop = fakebus_stop,
            .watch = fakebus_watch,
            .await = fakebus_await,
            .kill = fakebus_kill,
            .reset_failed = fakebus_reset_failed,
            .enable = fakebus_enable,
            .disable = fakebus_disable,
            .is_enabled = fakebus_is_enabled,
            .state = fakebus_state,
            .is_over = fakebus_is_over,
            .is_silent = fakebus_is_silent,
            .set_limits = fakebus_set_limits,
            .has_settings = fakebus_has_settings,
            .revert = fakebus_revert,
            .tidy = fakebus_tidy,
        },
        .is_over = true,
        .active_state = "inactive",
    };
}
