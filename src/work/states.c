// SPDX-License-Identifier: MIT
#include "work/states.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include "base/log.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define UNIT_PATH       SYSTEMD_PATH "/unit"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT    "org.freedesktop.systemd1.Unit"
#define PROPERTIES      "org.freedesktop.DBus.Properties"
#define SUFFIX          ".service"
#define NAME_MAX_BYTES  65u  // of an instance, the NUL included
#define UNIT_MAX_BYTES  128u // of a unit of ours, likewise
#define AGAIN_MS        1000u
#define ANEW_MS         60000u
#define CALL_TIMEOUT_US UINT64_C(10000000)
#define PREFIXES_MAX    4u

struct states {
    sd_event                    *event;
    sd_event_source             *timer;
    sd_bus                      *bus; // NULL: it is away
    char                        *address;
    const char *const           *prefixes;
    const struct states_handler *handler;
    void                        *context;
    unsigned                     n_awaited; // answers about single units
    bool                         is_away_told;
};

// What is known of a unit while its properties are read.
struct reading {
    char     unit[UNIT_MAX_BYTES]; // "": it is known from elsewhere
    char     active_state[STATES_WORD_MAX], sub_state[STATES_WORD_MAX];
    uint64_t since_us;
};

// ---- names ------------------------------------------------------------------------------------

// The prefix of a unit of ours, and what stands between that and the suffix; NULL: it is none.
static const char *split(char ret_name[NAME_MAX_BYTES], const struct states *states,
                         const char *unit)
{
    size_t n = strlen(unit), n_suffix = sizeof SUFFIX - 1;

    for (size_t i = 0; states->prefixes[i]; i++) {
        size_t n_prefix = strlen(states->prefixes[i]);
        if (n <= n_prefix + n_suffix || strncmp(unit, states->prefixes[i], n_prefix) != 0 ||
            strcmp(unit + n - n_suffix, SUFFIX) != 0 || n - n_prefix - n_suffix >= NAME_MAX_BYTES)
            continue;
        memcpy(ret_name, unit + n_prefix, n - n_prefix - n_suffix);
        ret_name[n - n_prefix - n_suffix] = '\0';
        return states->prefixes[i];
    }
    return NULL;
}

static void tell(struct states *states, const char *unit, const struct reading *reading)
{
    char               name[NAME_MAX_BYTES];
    struct states_unit told = { .name = name,
                                .active_state = reading->active_state,
                                .sub_state = reading->sub_state,
                                .since_us = reading->since_us };

    told.prefix = split(name, states, unit);
    if (told.prefix && *reading->active_state)
        states->handler->unit(states->context, &told);
}

// ---- properties -------------------------------------------------------------------------------

static int read_value(sd_bus_message *message, const char *name, struct reading *reading)
{
    const struct {
        const char *name;
        char       *word;
        size_t      size;
    } words[] = {
        { "Id", reading->unit, sizeof reading->unit },
        { "ActiveState", reading->active_state, sizeof reading->active_state },
        { "SubState", reading->sub_state, sizeof reading->sub_state },
    };
    const char *word = NULL;

    if (strcmp(name, "StateChangeTimestamp") == 0)
        return sd_bus_message_read(message, "v", "t", &reading->since_us);
    for (size_t i = 0; i < ELEMENTS(words); i++) {
        if (strcmp(name, words[i].name) != 0)
            continue;
        int r = sd_bus_message_read(message, "v", "s", &word);
        if (r >= 0)
            (void)snprintf(words[i].word, words[i].size, "%s", word); // of ours none is longer
        return r;
    }
    return sd_bus_message_skip(message, "v");
}

static int read_properties(sd_bus_message *message, struct reading *reading)
{
    const char *name = NULL;
    int         r = sd_bus_message_enter_container(message, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0)
        if ((r = sd_bus_message_read(message, "s", &name)) >= 0 &&
            (r = read_value(message, name, reading)) >= 0)
            r = sd_bus_message_exit_container(message);
    return r;
}

// The unit that a path is about; owned, NULL: it is none of ours.
static char *unit_of(const struct states *states, const char *path)
{
    char *unit = NULL;
    char  name[NAME_MAX_BYTES];

    if (!path || sd_bus_path_decode(path, UNIT_PATH, &unit) <= 0)
        return NULL;
    if (!split(name, states, unit)) {
        free(unit);
        return NULL;
    }
    return unit;
}

static int on_properties(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    struct states    *states = context;
    AUTO(freep) char *unit = unit_of(states, sd_bus_message_get_path(message));
    const char       *interface = NULL;
    struct reading    reading = { 0 };

    (void)ret_error; // a malformed signal is not answered
    if (unit && sd_bus_message_read(message, "s", &interface) >= 0 &&
        strcmp(interface, SYSTEMD_UNIT) == 0 && read_properties(message, &reading) >= 0)
        tell(states, unit, &reading);
    return 0;
}

static int on_removed(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    static const struct reading gone = { .active_state = "inactive", .sub_state = "dead" };
    const char                 *unit = NULL;

    (void)ret_error; // as above
    if (sd_bus_message_read(message, "so", &unit, NULL) >= 0)
        tell(context, unit, &gone);
    return 0;
}

// ---- all of them ------------------------------------------------------------------------------

static void set_timer(struct states *states, unsigned ms)
{
    (void)sd_event_source_set_time_relative(states->timer, ms * UINT64_C(1000)); // no way to fail
    (void)sd_event_source_set_enabled(states->timer, SD_EVENT_ONESHOT);          // likewise
}

// Not now: the bus may be at work.
static int give_up(struct states *states)
{
    set_timer(states, 0);
    states->n_awaited = UINT32_MAX;
    return 0;
}

static bool is_given_up(const struct states *states)
{
    return states->n_awaited == UINT32_MAX;
}

static void take_answer(struct states *states)
{
    if (is_given_up(states) || --states->n_awaited > 0)
        return;
    states->handler->complete(states->context);
    set_timer(states, ANEW_MS);
}

// One that went meanwhile has told so.
static int on_unit(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    struct states *states = context;
    struct reading reading = { 0 };

    (void)ret_error; // of an answer there is none
    if (!sd_bus_message_is_method_error(message, NULL) && read_properties(message, &reading) >= 0)
        tell(states, reading.unit, &reading);
    take_answer(states);
    return 0;
}

static int ask_unit(struct states *states, const char *path)
{
    int r = sd_bus_call_method_async(states->bus, NULL, SYSTEMD_NAME, path, PROPERTIES, "GetAll",
                                     on_unit, states, "s", SYSTEMD_UNIT);

    states->n_awaited += r >= 0 ? 1 : 0;
    return r;
}

static int on_list(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    struct states *states = context;
    const char    *path = NULL;
    int            r = sd_bus_message_is_method_error(message, NULL)
                           ? -EIO
                           : sd_bus_message_enter_container(message, 'a', "(ssssssouso)");

    (void)ret_error;       // of an answer there is none
    states->n_awaited = 1; // this one
    while (r >= 0 && (r = sd_bus_message_read(message, "(ssssssouso)", NULL, NULL, NULL, NULL, NULL,
                                              NULL, &path, NULL, NULL, NULL)) > 0)
        r = ask_unit(states, path);
    if (r < 0)
        return give_up(states);
    take_answer(states);
    return 0;
}

static int ask_list(struct states *states)
{
    sd_bus_message *call = NULL;
    int r = sd_bus_message_new_method_call(states->bus, &call, SYSTEMD_NAME, SYSTEMD_PATH,
                                           SYSTEMD_MANAGER, "ListUnitsByPatterns");

    if (r >= 0)
        r = sd_bus_message_append(call, "as", 0);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "s");
    for (size_t i = 0; r >= 0 && states->prefixes[i]; i++) {
        char pattern[64];
        (void)snprintf(pattern, sizeof pattern, "%s*" SUFFIX, states->prefixes[i]); // ours, short
        r = sd_bus_message_append(call, "s", pattern);
    }
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r >= 0)
        r = sd_bus_call_async(states->bus, NULL, call, on_list, states, CALL_TIMEOUT_US);
    sd_bus_message_unref(call);
    return r;
}

// ---- the connection ---------------------------------------------------------------------------

static int on_answer(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    (void)ret_error; // of an answer there is none
    return sd_bus_message_is_method_error(message, NULL) ? give_up(context) : 0;
}

static int on_disconnected(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    (void)message;
    (void)ret_error; // nobody is there to be answered
    return give_up(context);
}

// Another init system, or the same one begun anew: it knows nothing of us.
static int on_owner(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    (void)message;
    (void)ret_error; // a signal is not answered
    return give_up(context);
}

static int subscribe(struct states *states)
{
    static const struct {
        const char              *match;
        sd_bus_message_handler_t handler;
    } rows[] = {
        { "type='signal',sender='" SYSTEMD_NAME "',interface='" PROPERTIES
          "',member='PropertiesChanged',path_namespace='" UNIT_PATH "',arg0='" SYSTEMD_UNIT "'",
          on_properties },
        { "type='signal',sender='" SYSTEMD_NAME "',interface='" SYSTEMD_MANAGER
          "',member='UnitRemoved',path='" SYSTEMD_PATH "'",
          on_removed },
        { "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
          "member='NameOwnerChanged',path='/org/freedesktop/DBus',arg0='" SYSTEMD_NAME "'",
          on_owner },
        { "type='signal',sender='org.freedesktop.DBus.Local',path='/org/freedesktop/DBus/Local',"
          "interface='org.freedesktop.DBus.Local',member='Disconnected'",
          on_disconnected },
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTS(rows); i++)
        r = sd_bus_add_match_async(states->bus, NULL, rows[i].match, rows[i].handler, on_answer,
                                   states);
    if (r >= 0)
        r = sd_bus_call_method_async(states->bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                     "Subscribe", on_answer, states, NULL);
    return r < 0 ? r : ask_list(states);
}

static int connect_bus(struct states *states)
{
    int r = sd_bus_new(&states->bus);

    if (r >= 0)
        r = sd_bus_set_address(states->bus, states->address);
    if (r >= 0)
        r = sd_bus_set_bus_client(states->bus, 1);
    if (r >= 0)
        r = sd_bus_start(states->bus);
    if (r >= 0)
        r = sd_bus_attach_event(states->bus, states->event, SD_EVENT_PRIORITY_NORMAL);
    if (r < 0)
        return r;
    (void)sd_bus_set_method_call_timeout(states->bus, CALL_TIMEOUT_US); // the default is 25 s
    states->n_awaited = 0;
    return subscribe(states);
}

static void disconnect(struct states *states)
{
    states->bus = sd_bus_close_unref(states->bus);
}

static void reconnect(struct states *states)
{
    disconnect(states);
    int r = connect_bus(states);
    if (r >= 0) {
        states->is_away_told = false;
        return;
    }
    disconnect(states);
    if (!states->is_away_told)
        log_line(LEVEL_WARNING, "the system bus is away, it is tried again: %s", strerror(-r));
    states->is_away_told = true;
    set_timer(states, AGAIN_MS);
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
    struct states *states = context;

    (void)source;
    (void)usec;
    if (states->bus && is_given_up(states)) {
        disconnect(states);
        set_timer(states, AGAIN_MS);
    } else if (!states->bus || ask_list(states) < 0) {
        reconnect(states);
    }
    return 0;
}

static void closep(struct states **states)
{
    (void)states_close(*states);
}

int states_open(struct states **ret, sd_event *event, const char *bus_address,
                const char *const *prefixes, const struct states_handler *handler, void *context,
                struct error *err)
{
    AUTO(closep) struct states *states = calloc(1, sizeof *states);

    if (!states)
        return error_sys(err, ENOMEM, "watching the init system");
    states->event = sd_event_ref(event);
    states->prefixes = prefixes;
    states->handler = handler;
    states->context = context;
    states->address = strdup(bus_address);
    if (!states->address)
        return error_sys(err, ENOMEM, "watching the init system");
    int r =
        sd_event_add_time_relative(event, &states->timer, CLOCK_MONOTONIC, 0, 0, on_time, states);
    if (r < 0)
        return error_sys(err, -r, "watching the init system");
    *ret = TAKE(states);
    return 0;
}

struct states *states_close(struct states *states)
{
    if (!states)
        return NULL;
    disconnect(states);
    sd_event_source_disable_unref(states->timer);
    sd_event_unref(states->event);
    free(states->address);
    free(states);
    return NULL;
}
