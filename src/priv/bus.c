// SPDX-License-Identifier: MIT
#include "priv/bus.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <systemd/sd-bus.h>
#include "base/number.h"

#define SERVICE       "org.freedesktop.systemd1"
#define MANAGER_PATH  "/org/freedesktop/systemd1"
#define MANAGER       SERVICE ".Manager"
#define JOB_PREFIX    MANAGER_PATH "/job/"
#define CALL_US       (25 * 1000000ull)
#define JOB_WITHIN_US (120 * 1000000ull) // a game that will not stop takes 15 s, an unmount longer

struct system_bus {
    struct bus   ops; // its context is the whole
    sd_bus      *bus;
    sd_bus_slot *job_slot;
    // The job that somebody waits for.
    uint32_t awaited_job;
    bool     is_job_over;
    char     job_result[32];
};

static void messagep(sd_bus_message **message)
{
    sd_bus_message_unref(*message);
}

#define AUTO_MESSAGE   AUTO(messagep) sd_bus_message *
#define AUTO_BUS_ERROR AUTO(sd_bus_error_free) sd_bus_error

static int open_bus(struct system_bus *self, struct error *err)
{
    if (self->bus)
        return 0;
    // The init system's own socket, as systemctl does: no message bus in between, and of its
    // connections for root, 256 for the whole machine, none is taken. Every signal comes by it,
    // asked for or not. When 1,024 wait because one connection is not read, the init system tells
    // nobody anything any more and forgets no unit, so nothing waits long beside an open one.
    int r = sd_bus_new(&self->bus);
    if (r >= 0)
        r = sd_bus_set_address(self->bus, "unix:path=/run/systemd/private");
    if (r >= 0)
        r = sd_bus_start(self->bus);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, "connecting to the init system: %s", strerror(-r));
    (void)sd_bus_set_method_call_timeout(self->bus,
                                         CALL_US); // only fails on a bus of another process
    return 0;
}

// The init system's own sentence, its kind by its name.
static int bus_error(struct error *err, int r, const sd_bus_error *reply, const char *unit)
{
    static const struct {
        const char     *name;
        enum error_kind kind;
    } kinds[] = {
        { SERVICE ".NoSuchUnit", ERROR_NOT_FOUND },
        { SERVICE ".UnitMasked", ERROR_DENIED },
        { SERVICE ".TransactionIsDestructive", ERROR_BUSY },
        { "org.freedesktop.DBus.Error.AccessDenied", ERROR_DENIED },
        { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ERROR_DENIED },
    };
    if (!reply->name)
        return error_sys(err, -r, "asking the init system about %s", unit);
    for (size_t i = 0; i < ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].name, reply->name) == 0)
            return error_set(err, kinds[i].kind, "%s", reply->message);
    return error_set(err, ERROR_FAILED, "%s: %s", unit, reply->message);
}

static int job_number(uint32_t *ret, sd_bus_message *reply, struct error *err)
{
    const char *path = NULL;

    if (sd_bus_message_read(reply, "o", &path) < 0 ||
        strncmp(path, JOB_PREFIX, strlen(JOB_PREFIX)) != 0)
        return error_set(err, ERROR_SYSTEM, "the init system's answer holds no job");
    return number_parse_u32(ret, path + strlen(JOB_PREFIX), 1, UINT32_MAX, err);
}

static int queue(struct system_bus *self, const char *method, const char *unit, uint32_t *ret_job,
                 struct error *err)
{
    AUTO_BUS_ERROR reply_error = SD_BUS_ERROR_NULL;
    AUTO_MESSAGE   reply = NULL;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, method, &reply_error,
                               &reply, "ss", unit, "replace");
    if (r < 0)
        return bus_error(err, r, &reply_error, unit);
    return job_number(ret_job, reply, err);
}

static int on_job_removed(sd_bus_message *message, void *context, sd_bus_error *ignored)
{
    struct system_bus *self = context;
    uint32_t           job = 0;
    const char        *result = NULL;

    (void)ignored;
    if (sd_bus_message_read(message, "uoss", &job, NULL, NULL, &result) < 0 ||
        job != self->awaited_job)
        return 0;
    self->is_job_over = true;
    (void)snprintf(self->job_result, sizeof self->job_result, "%s", result);
    return 0;
}

static int bus_watch(void *context, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    struct system_bus *self = context;

    if (open_bus(self, err) < 0)
        return -1;
    if (self->job_slot)
        return 0;
    int r = sd_bus_match_signal(self->bus, &self->job_slot, NULL, MANAGER_PATH, MANAGER,
                                "JobRemoved", on_job_removed, self);
    if (r >= 0)
        r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "Subscribe", &reply_error,
                               NULL, "");
    if (r < 0)
        return bus_error(err, r, &reply_error, "jobs");
    return 0;
}

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int await_job(struct system_bus *self, const char *unit, struct error *err)
{
    const uint64_t deadline_us = now_us() + JOB_WITHIN_US;

    while (!self->is_job_over) {
        int r = sd_bus_process(self->bus, NULL);
        if (r < 0)
            return error_sys(err, -r, "waiting for %s", unit);
        if (r > 0)
            continue;
        uint64_t now = now_us();
        if (now >= deadline_us)
            return error_set(err, ERROR_TIMEOUT, "%s did not get there in time", unit);
        r = sd_bus_wait(self->bus, deadline_us - now);
        if (r < 0 && r != -EINTR)
            return error_sys(err, -r, "waiting for %s", unit);
    }
    return 0;
}

static int bus_await(void *context, const char *unit, uint32_t job, struct error *err)
{
    struct system_bus *self = context;

    // What came since the watch began waits in the connection, and is only dispatched from here.
    self->awaited_job = job;
    self->is_job_over = false;
    if (await_job(self, unit, err) < 0)
        return -1;
    if (strcmp(self->job_result, "done") != 0)
        return error_set(err, ERROR_FAILED, "%s: the job ended as '%s'; see 'journalctl -u %s'",
                         unit, self->job_result, unit);
    return 0;
}

static int bus_start(void *context, const char *unit, uint32_t *ret_job, struct error *err)
{
    return queue(context, "StartUnit", unit, ret_job, err);
}

static int bus_stop(void *context, const char *unit, uint32_t *ret_job, struct error *err)
{
    return queue(context, "StopUnit", unit, ret_job, err);
}

static int bus_kill(void *context, const char *unit, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    struct system_bus *self = context;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "KillUnit", &reply_error,
                               NULL, "ssi", unit, "main", SIGKILL);
    if (r < 0 && !sd_bus_error_has_name(&reply_error, SERVICE ".NoSuchProcess") &&
        !sd_bus_error_has_name(&reply_error, SERVICE ".NoSuchUnit"))
        return bus_error(err, r, &reply_error, unit);
    return 0;
}

static int bus_enable(void *context, const char *unit, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    struct system_bus *self = context;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "EnableUnitFiles",
                               &reply_error, NULL, "asbb", 1, unit, false, false);
    return r < 0 ? bus_error(err, r, &reply_error, unit) : 0;
}

static int bus_disable(void *context, const char *unit, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    struct system_bus *self = context;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "DisableUnitFiles",
                               &reply_error, NULL, "asb", 1, unit, false);
    return r < 0 ? bus_error(err, r, &reply_error, unit) : 0;
}

static int bus_is_enabled(void *context, const char *unit, bool *ret, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    AUTO_MESSAGE       reply = NULL;
    struct system_bus *self = context;
    const char        *word = NULL;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "GetUnitFileState",
                               &reply_error, &reply, "s", unit);
    if (r >= 0)
        r = sd_bus_message_read(reply, "s", &word);
    if (r < 0)
        return bus_error(err, r, &reply_error, unit);
    *ret = strcmp(word, "enabled") == 0;
    return 0;
}

static int read_word(struct system_bus *self, const char *path, const char *interface,
                     const char *property, char *ret, size_t n_ret, struct error *err)
{
    AUTO_BUS_ERROR    reply_error = SD_BUS_ERROR_NULL;
    AUTO(freep) char *word = NULL;

    int r = sd_bus_get_property_string(self->bus, SERVICE, path, interface, property, &reply_error,
                                       &word);
    if (r < 0)
        return bus_error(err, r, &reply_error, path);
    memset(ret, 0, n_ret);
    (void)snprintf(ret, n_ret, "%s", word);
    return 0;
}

// The object of a unit, owned; NULL when the init system has not loaded it: then nothing of it
// runs, has failed or is about to. Asking for the object by its path would load the unit for the
// question, which takes longer than everything else here.
static int find_loaded(struct system_bus *self, const char *unit, char **ret, struct error *err)
{
    AUTO_BUS_ERROR reply_error = SD_BUS_ERROR_NULL;
    AUTO_MESSAGE   reply = NULL;
    const char    *path = NULL;

    *ret = NULL;
    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "GetUnit", &reply_error,
                               &reply, "s", unit);
    if (r < 0 && sd_bus_error_has_name(&reply_error, SERVICE ".NoSuchUnit"))
        return 0;
    if (r >= 0)
        r = sd_bus_message_read(reply, "o", &path);
    if (r < 0)
        return bus_error(err, r, &reply_error, unit);
    *ret = strdup(path);
    return *ret ? 0 : error_sys(err, ENOMEM, "asking about %s", unit);
}

static int bus_reset_failed(void *context, const char *unit, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    AUTO(freep) char  *path = NULL;
    struct system_bus *self = context;

    if (find_loaded(self, unit, &path, err) < 0)
        return -1;
    if (!path) // nor has it failed
        return 0;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "ResetFailedUnit",
                               &reply_error, NULL, "s", unit);
    if (r < 0 && !sd_bus_error_has_name(&reply_error, SERVICE ".NoSuchUnit"))
        return bus_error(err, r, &reply_error, unit);
    return 0;
}

// Whether a job is queued for the unit: of a start that waits for a mount, nothing else shows yet.
static int has_job(struct system_bus *self, const char *path, bool *ret, struct error *err)
{
    AUTO_BUS_ERROR reply_error = SD_BUS_ERROR_NULL;
    AUTO_MESSAGE   reply = NULL;
    uint32_t       job = 0;

    int r = sd_bus_get_property(self->bus, SERVICE, path, SERVICE ".Unit", "Job", &reply_error,
                                &reply, "(uo)");
    if (r >= 0)
        r = sd_bus_message_read(reply, "(uo)", &job, NULL);
    if (r < 0)
        return bus_error(err, r, &reply_error, path);
    *ret = job != 0;
    return 0;
}

static int bus_is_over(void *context, const char *unit, bool *ret, struct error *err)
{
    AUTO(freep) char  *path = NULL;
    struct system_bus *self = context;
    char               state[24];
    bool               is_queued = false;

    if (find_loaded(self, unit, &path, err) < 0)
        return -1;
    *ret = true;
    if (!path)
        return 0;
    if (read_word(self, path, SERVICE ".Unit", "ActiveState", state, sizeof state, err) < 0 ||
        has_job(self, path, &is_queued, err) < 0)
        return -1;
    *ret = !is_queued && (strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0);
    return 0;
}

static int bus_is_silent(void *context, const char *unit, bool *ret, struct error *err)
{
    AUTO(freep) char  *path = NULL;
    struct system_bus *self = context;
    char               state[24], text[2];

    if (find_loaded(self, unit, &path, err) < 0)
        return -1;
    *ret = false;
    if (!path)
        return 0;
    if (read_word(self, path, SERVICE ".Unit", "ActiveState", state, sizeof state, err) < 0 ||
        read_word(self, path, SERVICE ".Service", "StatusText", text, sizeof text, err) < 0)
        return -1;
    *ret = !text[0] && (strcmp(state, "activating") == 0 || strcmp(state, "deactivating") == 0);
    return 0;
}

static int bus_state(void *context, const char *unit, struct bus_unit_state *ret, struct error *err)
{
    static const char *const in_unit = SERVICE ".Unit", *const in_service = SERVICE ".Service";
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    AUTO(freep) char  *path = NULL;
    struct system_bus *self = context;

    *ret = (struct bus_unit_state){ "inactive", "dead", "success", 0 };
    if (find_loaded(self, unit, &path, err) < 0)
        return -1;
    if (!path)
        return 0;
    if (read_word(self, path, in_unit, "ActiveState", ret->active_state, sizeof ret->active_state,
                  err) < 0 ||
        read_word(self, path, in_unit, "SubState", ret->sub_state, sizeof ret->sub_state, err) <
            0 ||
        read_word(self, path, in_service, "Result", ret->result, sizeof ret->result, err) < 0)
        return -1;
    int r = sd_bus_get_property_trivial(self->bus, SERVICE, path, in_service, "MainPID",
                                        &reply_error, 'u', &ret->main_pid);
    return r < 0 ? bus_error(err, r, &reply_error, unit) : 0;
}

// ---- limits -------------------------------------------------------------------------------------

static int append_u64(sd_bus_message *message, const char *property, uint64_t value)
{
    return sd_bus_message_append(message, "(sv)", property, "t", value);
}

// The list replaces the old one only after an empty one has been sent.
static int append_tcp_port(sd_bus_message *message, uint16_t port)
{
    int r = sd_bus_message_append(message, "(sv)", "SocketBindAllow", "a(iiqq)", 0);

    if (r < 0)
        return r;
    // any address family, TCP, one port from here on
    return sd_bus_message_append(message, "(sv)", "SocketBindAllow", "a(iiqq)", 1, 0, IPPROTO_TCP,
                                 1, port);
}

static int append_cpus(sd_bus_message *message, const struct instance_limits *limits)
{
    uint8_t bytes[LIMIT_CPUS_MAX / 8];
    size_t  n = 0;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(limits->cpus[i / 8] >> (8 * (i % 8)));
        if (bytes[i])
            n = i + 1;
    }
    int r = sd_bus_message_open_container(message, 'r', "sv");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", "AllowedCPUs");
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "ay");
    if (r >= 0)
        r = sd_bus_message_append_array(message, 'y', bytes, n);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static bool has_cpus(const struct instance_limits *limits)
{
    for (size_t i = 0; i < ELEMENTS(limits->cpus); i++)
        if (limits->cpus[i])
            return true;
    return false;
}

// Only what differs from the unit file is sent, or what has to go back to it: each property is a
// file on disk.
static int append_limits(sd_bus_message *message, const struct instance_limits *limits,
                         const struct instance_limits *old)
{
    int r = 0;

    if (limits->memory_bytes || old->memory_bytes) {
        uint64_t max = limits->memory_bytes ? limits->memory_bytes : LIMIT_MEMORY_DEFAULT;
        r = append_u64(message, "MemoryMax", max);
        if (r >= 0)
            r = append_u64(message, "MemoryHigh", max - max / 10);
    }
    if (r >= 0 && (limits->cpu_percent || old->cpu_percent))
        r = append_u64(message, "CPUQuotaPerSecUSec",
                       limits->cpu_percent ? limits->cpu_percent * UINT64_C(10000) : UINT64_MAX);
    if (r >= 0 && (limits->tasks || old->tasks))
        r = append_u64(message, "TasksMax", limits->tasks ? limits->tasks : LIMIT_TASKS_DEFAULT);
    if (r >= 0 && (has_cpus(limits) || has_cpus(old)))
        r = append_cpus(message, limits);
    return r;
}

static int set_properties(struct system_bus *self, const char *unit,
                          const struct instance_limits *limits, const struct instance_limits *old,
                          uint16_t tcp_port, sd_bus_error *reply_error)
{
    AUTO_MESSAGE message = NULL;

    int r = sd_bus_message_new_method_call(self->bus, &message, SERVICE, MANAGER_PATH, MANAGER,
                                           "SetUnitProperties");
    if (r >= 0)
        r = sd_bus_message_append(message, "sb", unit, false);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "(sv)");
    if (r >= 0)
        r = append_tcp_port(message, tcp_port);
    if (r >= 0)
        r = append_limits(message, limits, old);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r : sd_bus_call(self->bus, message, CALL_US, reply_error, NULL);
}

static int bus_revert(void *context, const char *unit, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    struct system_bus *self = context;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "RevertUnitFiles",
                               &reply_error, NULL, "as", 1, unit);
    return r < 0 ? bus_error(err, r, &reply_error, unit) : 0;
}

// Properties that were set are drop-ins in a directory of their own.
static bool is_setting(const char *path)
{
    static const char *const places[] = { "/etc/systemd/system.control/",
                                          "/run/systemd/system.control/" };

    for (size_t i = 0; i < ELEMENTS(places); i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0)
            return true;
    return false;
}

static int bus_has_settings(void *context, const char *unit, bool *ret, struct error *err)
{
    AUTO_BUS_ERROR     reply_error = SD_BUS_ERROR_NULL;
    AUTO_MESSAGE       reply = NULL;
    struct system_bus *self = context;
    const char        *path = NULL;

    if (open_bus(self, err) < 0)
        return -1;
    int r = sd_bus_call_method(self->bus, SERVICE, MANAGER_PATH, MANAGER, "LoadUnit", &reply_error,
                               &reply, "s", unit);
    if (r >= 0)
        r = sd_bus_message_read(reply, "o", &path);
    AUTO_MESSAGE list = NULL;
    if (r >= 0)
        r = sd_bus_get_property(self->bus, SERVICE, path, SERVICE ".Unit", "DropInPaths",
                                &reply_error, &list, "as");
    if (r >= 0)
        r = sd_bus_message_enter_container(list, 'a', "s");
    *ret = false;
    while (r >= 0 && (r = sd_bus_message_read(list, "s", &path)) > 0)
        *ret = *ret || is_setting(path);
    return r < 0 ? bus_error(err, r, &reply_error, unit) : 0;
}

static int bus_set_limits(void *context, const char *unit, const struct instance_limits *limits,
                          const struct instance_limits *old, uint16_t tcp_port, struct error *err)
{
    static const struct instance_limits any = { 1, 1, 1, { 1 } }; // each may have been set
    AUTO_BUS_ERROR                      reply_error = SD_BUS_ERROR_NULL;
    struct system_bus                  *self = context;

    if (open_bus(self, err) < 0)
        return -1;
    int r = set_properties(self, unit, limits, old ? old : &any, tcp_port, &reply_error);
    return r < 0 ? bus_error(err, r, &reply_error, unit) : 0;
}

// -------------------------------------------------------------------------------------------------

static void close_bus(struct system_bus *self)
{
    self->job_slot = sd_bus_slot_unref(self->job_slot);
    self->bus = sd_bus_flush_close_unref(self->bus);
}

static int bus_tidy(void *context, const struct tidy_request *request, int lock_fd,
                    struct error *err)
{
    // It may take minutes, in which nobody reads the connection: see open_bus().
    close_bus(context);
    return tidy_ask(request, lock_fd, err);
}

struct bus *bus_system_new(void)
{
    struct system_bus *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    self->ops = (struct bus){
        .context = self,
        .start = bus_start,
        .stop = bus_stop,
        .watch = bus_watch,
        .await = bus_await,
        .kill = bus_kill,
        .reset_failed = bus_reset_failed,
        .enable = bus_enable,
        .disable = bus_disable,
        .is_enabled = bus_is_enabled,
        .state = bus_state,
        .is_over = bus_is_over,
        .is_silent = bus_is_silent,
        .set_limits = bus_set_limits,
        .has_settings = bus_has_settings,
        .revert = bus_revert,
        .tidy = bus_tidy,
    };
    return &self->ops;
}

struct bus *bus_system_free(struct bus *bus)
{
    if (!bus)
        return NULL;
    struct system_bus *self = bus->context;
    close_bus(self);
    free(self);
    return NULL;
}

void bus_system_freep(struct bus **bus)
{
    *bus = bus_system_free(*bus);
}
