// SPDX-License-Identifier: MIT
#include "host/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include "base/hex.h"

#define SYSTEMD_NAME        "org.freedesktop.systemd1"
#define SYSTEMD_PATH        "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER     "org.freedesktop.systemd1.Manager"
#define JOBS_REMEMBERED     64u  // ended jobs; more of ours never end between two looks
#define UNIT_NAME_MAX       128u // of ours, suffix included
#define CALL_TIMEOUT_US     UINT64_C(10000000)
#define INACTIVE_RECHECK_US UINT64_C(100000)  // some changes of state come without a job's end
#define RECHECK_US          UINT64_C(2000000) // how long a lost signal may go unnoticed

struct units {
    sd_bus  *bus;
    unsigned n_ended; // counts up; the ring below holds the last ones
    struct {
        uint32_t job;
        char     result[UNITS_WORD_MAX];
        char     unit[UNIT_NAME_MAX];
    } ended[JOBS_REMEMBERED];
};

static void message_unrefp(sd_bus_message **message)
{
    sd_bus_message_unref(*message);
}

static int bus_error(struct error *err, int r, const sd_bus_error *bus_err, const char *what)
{
    (void)error_sys(err, -r, "%s", what);
    if (bus_err && bus_err->message)
        (void)error_set(err, ERROR_UNAVAILABLE, "%s: %.150s", what, bus_err->message);
    err->kind = ERROR_UNAVAILABLE;
    return -1;
}

int units_open(struct units **ret, const struct host_paths *paths, struct error *err)
{
    AUTO(units_closep) struct units *units = calloc(1, sizeof *units);
    int                              r;

    if (!units)
        return error_sys(err, ENOMEM, "connecting to the system bus");
    if ((r = sd_bus_new(&units->bus)) < 0 ||
        (r = sd_bus_set_address(units->bus, paths->bus_address)) < 0 ||
        (r = sd_bus_set_bus_client(units->bus, 1)) < 0 || (r = sd_bus_start(units->bus)) < 0)
        return bus_error(err, r, NULL, "connecting to the system bus");
    (void)sd_bus_set_method_call_timeout(units->bus, CALL_TIMEOUT_US); // the default is 25 s
    *ret = TAKE(units);
    return 0;
}

void units_close(struct units *units)
{
    if (!units)
        return;
    sd_bus_close_unref(units->bus);
    free(units);
}

void units_closep(struct units **units)
{
    units_close(*units);
}

int units_fd(const struct units *units)
{
    return sd_bus_get_fd(units->bus);
}

// ---- properties --------------------------------------------------------------------------------

enum property_kind {
    PROPERTY_WORD,
    PROPERTY_U32,
    PROPERTY_I32,
    PROPERTY_U64,
    PROPERTY_BOOL,
    PROPERTY_ID
};

static const struct property {
    const char        *name;
    enum property_kind kind;
    size_t             offset;
} properties[] = {
    { "LoadState", PROPERTY_WORD, offsetof(struct unit_state, load_state) },
    { "ActiveState", PROPERTY_WORD, offsetof(struct unit_state, active_state) },
    { "SubState", PROPERTY_WORD, offsetof(struct unit_state, sub_state) },
    { "Result", PROPERTY_WORD, offsetof(struct unit_state, result) },
    { "InvocationID", PROPERTY_ID, offsetof(struct unit_state, run) },
    { "MainPID", PROPERTY_U32, offsetof(struct unit_state, pid) },
    { "NRestarts", PROPERTY_U32, offsetof(struct unit_state, n_restarts) },
    { "ExecMainCode", PROPERTY_I32, offsetof(struct unit_state, exit_code) },
    { "ExecMainStatus", PROPERTY_I32, offsetof(struct unit_state, exit_status) },
    { "StateChangeTimestamp", PROPERTY_U64, offsetof(struct unit_state, since_us) },
    { "ExecMainExitTimestamp", PROPERTY_U64, offsetof(struct unit_state, exit_us) },
    { "ExecMainStartTimestampMonotonic", PROPERTY_U64, offsetof(struct unit_state, start_mono_us) },
    { "ActiveEnterTimestampMonotonic", PROPERTY_U64, offsetof(struct unit_state, ready_mono_us) },
    { "AssertTimestampMonotonic", PROPERTY_U64, offsetof(struct unit_state, assert_mono_us) },
    { "AssertResult", PROPERTY_BOOL, offsetof(struct unit_state, is_assert_met) },
    { "TimeoutStartUSec", PROPERTY_U64, offsetof(struct unit_state, start_timeout_us) },
    { "StartLimitIntervalUSec", PROPERTY_U64, offsetof(struct unit_state, restart_limit_us) },
    { "StartLimitBurst", PROPERTY_U32, offsetof(struct unit_state, restart_limit) },
    { "MemoryCurrent", PROPERTY_U64, offsetof(struct unit_state, memory_bytes) },
    { "MemoryMax", PROPERTY_U64, offsetof(struct unit_state, memory_max_bytes) },
    { "CPUUsageNSec", PROPERTY_U64, offsetof(struct unit_state, cpu_ns) },
    { "TasksCurrent", PROPERTY_U64, offsetof(struct unit_state, tasks) },
    { "TasksMax", PROPERTY_U64, offsetof(struct unit_state, tasks_max) },
};

static const char *const signatures[] = {
    [PROPERTY_WORD] = "s", [PROPERTY_U32] = "u",  [PROPERTY_I32] = "i",
    [PROPERTY_U64] = "t",  [PROPERTY_BOOL] = "b", [PROPERTY_ID] = "ay",
};

static int read_id(sd_bus_message *message, char *ret, size_t size)
{
    const void *array = NULL;
    size_t      n = 0;
    int         r = sd_bus_message_read_array(message, 'y', &array, &n);

    if (r > 0 && n > 0)
        hex_write(ret, array, MIN(n, (size - 1) / 2));
    return r;
}

static int read_property(sd_bus_message *message, const struct property *property,
                         struct unit_state *state)
{
    void       *field = (char *)state + property->offset;
    const char *word = NULL;
    int         r = sd_bus_message_enter_container(message, 'v', signatures[property->kind]);

    if (r < 0)
        return r;
    switch (property->kind) {
    case PROPERTY_WORD:
        r = sd_bus_message_read(message, "s", &word);
        if (r >= 0)
            (void)snprintf(field, UNITS_WORD_MAX, "%s", word); // none is that long
        break;
    case PROPERTY_U32:
    case PROPERTY_I32:
    case PROPERTY_U64:
    case PROPERTY_BOOL: // an int for the library
        r = sd_bus_message_read_basic(message, *signatures[property->kind], field);
        break;
    case PROPERTY_ID:
        r = read_id(message, field, sizeof state->run);
        break;
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_pair(sd_bus_message *message, struct unit_state *state)
{
    const char *name = NULL;
    int         r = sd_bus_message_read(message, "s", &name);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ELEMENTS(properties); i++)
        if (strcmp(name, properties[i].name) == 0)
            return read_property(message, &properties[i], state);
    return sd_bus_message_skip(message, "v");
}

static int read_properties(sd_bus_message *message, struct unit_state *state)
{
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0)
        if ((r = read_pair(message, state)) >= 0)
            r = sd_bus_message_exit_container(message);
    return r;
}

int units_state(struct units *units, const char *prefix, const char *name, struct unit_state *ret,
                struct error *err)
{
    AUTO(message_unrefp) sd_bus_message *reply = NULL;
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    AUTO(freep) char                    *path = NULL;
    char                                 unit[INSTANCE_NAME_MAX + 64];
    struct unit_state                    state = { .memory_bytes = UINT64_MAX,
                                                   .memory_max_bytes = UINT64_MAX,
                                                   .cpu_ns = UINT64_MAX,
                                                   .tasks = UINT64_MAX,
                                                   .tasks_max = UINT64_MAX };

    (void)snprintf(unit, sizeof unit, "%s%s.service", prefix, name); // a prefix and a valid name
    int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);
    if (r >= 0)
        r = sd_bus_call_method(units->bus, SYSTEMD_NAME, path, "org.freedesktop.DBus.Properties",
                               "GetAll", &bus_err, &reply, "s", "");
    if (r >= 0)
        r = read_properties(reply, &state);
    if (r < 0)
        return bus_error(err, r, &bus_err, "asking the init system");
    *ret = state;
    return 0;
}

static int read_word(struct units *units, const char *path, const char *interface,
                     const char *property, char ret[UNITS_WORD_MAX], struct error *err)
{
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    AUTO(freep) char                    *word = NULL;
    int r = sd_bus_get_property_string(units->bus, SYSTEMD_NAME, path, interface, property,
                                       &bus_err, &word);

    if (r < 0)
        return bus_error(err, r, &bus_err, "asking the init system");
    (void)snprintf(ret, UNITS_WORD_MAX, "%s", word); // a longer one may be cut
    return 0;
}

int units_active_state(struct units *units, const char *unit, char ret[UNITS_WORD_MAX],
                       struct error *err)
{
    AUTO(freep) char *path = NULL;
    int               r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);

    if (r < 0)
        return bus_error(err, r, NULL, "asking the init system");
    return read_word(units, path, "org.freedesktop.systemd1.Unit", "ActiveState", ret, err);
}

static int read_streams(sd_bus_message *message, struct strings *ret)
{
    const char *type = NULL, *address = NULL;
    int         r = sd_bus_message_enter_container(message, 'a', "(ss)");

    while (r >= 0 && (r = sd_bus_message_read(message, "(ss)", &type, &address)) > 0)
        if (strcmp(type, "Stream") == 0)
            strings_add(ret, address, strlen(address));
    return r;
}

int units_listens(struct units *units, const char *unit, struct strings *ret, struct error *err)
{
    AUTO(message_unrefp) sd_bus_message *reply = NULL;
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    AUTO(freep) char                    *path = NULL;
    int                                  r = sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path);

    if (r >= 0)
        r = sd_bus_get_property(units->bus, SYSTEMD_NAME, path, "org.freedesktop.systemd1.Socket",
                                "Listen", &bus_err, &reply, "a(ss)");
    if (r >= 0)
        r = read_streams(reply, ret);
    if (r < 0)
        return bus_error(err, r, &bus_err, "asking the init system");
    return buffer_check(&ret->text, err);
}

int units_is_enabled(struct units *units, const char *prefix, const char *name, bool *ret,
                     struct error *err)
{
    AUTO(message_unrefp) sd_bus_message *reply = NULL;
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    char                                 unit[UNIT_NAME_MAX];
    const char                          *word = NULL;

    (void)snprintf(unit, sizeof unit, "%s%s.service", prefix, name); // a prefix and a valid name
    int r = sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                               "GetUnitFileState", &bus_err, &reply, "s", unit);
    if (r >= 0)
        r = sd_bus_message_read(reply, "s", &word);
    if (r < 0)
        return bus_error(err, r, &bus_err, "asking the init system");
    *ret = strcmp(word, "enabled") == 0;
    return 0;
}

int units_version(struct units *units, char ret[UNITS_WORD_MAX], struct error *err)
{
    return read_word(units, SYSTEMD_PATH, SYSTEMD_MANAGER, "Version", ret, err);
}

int units_list(struct units *units, const char *prefix,
               void (*row)(void *data, const char *name, const char *active_state,
                           const char *sub_state),
               void *data, struct error *err)
{
    AUTO(message_unrefp) sd_bus_message *reply = NULL;
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    char                                 pattern[64];
    const char                          *unit, *active, *sub;

    (void)snprintf(pattern, sizeof pattern, "%s*.service", prefix); // our own short constants
    int r = sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                               "ListUnitsByPatterns", &bus_err, &reply, "asas", 0, 1, pattern);
    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &unit, NULL, NULL, &active,
                                              &sub, NULL, NULL, NULL, NULL, NULL)) > 0) {
        char         name[INSTANCE_NAME_MAX + 1];
        size_t       n_prefix = strlen(prefix), n = strlen(unit);
        const size_t n_suffix = sizeof ".service" - 1;
        if (n < n_prefix + n_suffix || n - n_prefix - n_suffix >= sizeof name)
            continue;
        memcpy(name, unit + n_prefix, n - n_prefix - n_suffix);
        name[n - n_prefix - n_suffix] = '\0';
        row(data, name, active, sub);
    }
    return r < 0 ? bus_error(err, r, &bus_err, "asking the init system") : 0;
}

// ---- jobs --------------------------------------------------------------------------------------

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    struct units *units = userdata;
    uint32_t      job = 0;
    const char   *path, *unit, *result;

    (void)ret_error; // a malformed signal is not answered
    if (sd_bus_message_read(message, "uoss", &job, &path, &unit, &result) < 0 ||
        strncmp(unit, "left4me-", sizeof "left4me-" - 1) != 0)
        return 0;
    unsigned at = units->n_ended % JOBS_REMEMBERED;
    units->ended[at].job = job;
    (void)snprintf(units->ended[at].result, UNITS_WORD_MAX, "%s", result); // none is that long
    (void)snprintf(units->ended[at].unit, UNIT_NAME_MAX, "%s", unit);      // nor ours
    units->n_ended++;
    return 0;
}

int units_subscribe(struct units *units, struct error *err)
{
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    int r = sd_bus_match_signal(units->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                "JobRemoved", on_job_removed, units);

    if (r >= 0)
        r = sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe",
                               &bus_err, NULL, NULL);
    return r < 0 ? bus_error(err, r, &bus_err, "subscribing to the init system") : 0;
}

int units_dispatch(struct units *units, struct error *err)
{
    int r;

    while ((r = sd_bus_process(units->bus, NULL)) > 0) {
    }
    return r < 0 ? bus_error(err, r, NULL, "listening to the init system") : 0;
}

bool units_job_has_ended(const struct units *units, uint32_t job, char ret_result[UNITS_WORD_MAX])
{
    for (unsigned i = 0; i < MIN(units->n_ended, JOBS_REMEMBERED); i++) {
        if (units->ended[i].job != job)
            continue;
        memcpy(ret_result, units->ended[i].result, UNITS_WORD_MAX);
        return true;
    }
    return false;
}

bool units_unit_has_ended(const struct units *units, const char *prefix, const char *name,
                          char ret_result[UNITS_WORD_MAX])
{
    char unit[UNIT_NAME_MAX];

    (void)snprintf(unit, sizeof unit, "%s%s.service", prefix, name); // a prefix and a valid name
    for (unsigned i = 0; i < MIN(units->n_ended, JOBS_REMEMBERED); i++) {
        unsigned at = (units->n_ended - 1 - i) % JOBS_REMEMBERED; // newest first
        if (strcmp(units->ended[at].unit, unit) != 0)
            continue;
        memcpy(ret_result, units->ended[at].result, UNITS_WORD_MAX);
        return true;
    }
    return false;
}

bool units_unit_was_cancelled(const struct units *units, const char *prefix, const char *name)
{
    char unit[UNIT_NAME_MAX];

    (void)snprintf(unit, sizeof unit, "%s%s.service", prefix, name); // a prefix and a valid name
    for (unsigned i = 0; i < MIN(units->n_ended, JOBS_REMEMBERED); i++)
        if (strcmp(units->ended[i].unit, unit) == 0 &&
            strcmp(units->ended[i].result, UNITS_CANCELLED) == 0)
            return true;
    return false;
}

bool units_job_exists(struct units *units, uint32_t job)
{
    AUTO(sd_bus_error_free) sd_bus_error bus_err = SD_BUS_ERROR_NULL;
    int r = sd_bus_call_method(units->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetJob",
                               &bus_err, NULL, "u", job);

    return r >= 0 || !sd_bus_error_has_name(&bus_err, "org.freedesktop.systemd1.NoSuchJob");
}

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int units_wait_job(struct units *units, uint32_t job, unsigned timeout_ms,
                   char ret_result[UNITS_WORD_MAX], struct error *err)
{
    uint64_t deadline = now_us() + (uint64_t)timeout_ms * 1000;

    for (;;) {
        if (units_dispatch(units, err) < 0)
            return -1;
        if (units_job_has_ended(units, job, ret_result))
            return 0;
        uint64_t now = now_us();
        if (now >= deadline)
            return error_set(err, ERROR_TIMEOUT, "the init system did not finish within %u s",
                             timeout_ms / 1000);
        int r = sd_bus_wait(units->bus, MIN(deadline - now, RECHECK_US));
        if (r < 0 && r != -EINTR)
            return bus_error(err, r, NULL, "waiting for the init system");
        if (r == 0 && !units_job_exists(units, job)) {
            if (units_dispatch(units, err) < 0)
                return -1;
            if (!units_job_has_ended(units, job, ret_result))
                (void)snprintf(ret_result, UNITS_WORD_MAX, "gone"); // the signal was lost
            return 0;
        }
    }
}

int units_wait_inactive(struct units *units, const char *prefix, const char *name,
                        unsigned timeout_ms, struct unit_state *ret, struct error *err)
{
    uint64_t deadline = now_us() + (uint64_t)timeout_ms * 1000;

    for (;;) {
        struct unit_state state;
        if (units_dispatch(units, err) < 0 || units_state(units, prefix, name, &state, err) < 0)
            return -1;
        if (strcmp(state.active_state, "inactive") == 0 ||
            strcmp(state.active_state, "failed") == 0) {
            *ret = state;
            return 0;
        }
        if (now_us() >= deadline)
            return error_set(err, ERROR_TIMEOUT, "it is still %s after %u s", state.active_state,
                             timeout_ms / 1000);
        int r = sd_bus_wait(units->bus, INACTIVE_RECHECK_US); // the end of a job ends the wait
        if (r < 0 && r != -EINTR)
            return bus_error(err, r, NULL, "waiting for the init system");
    }
}
