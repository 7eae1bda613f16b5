// SPDX-License-Identifier: MIT

// fakeinit: an init system on a bus of its own, for who watches units by signal.
//
// fakeinit SOCKET: listens there, and does what the lines of its input say:
//     set UNIT ACTIVE SUB SINCE_US   the unit is so from now on, and all are told
//     quiet UNIT ACTIVE SUB SINCE_US the same, without a signal
//     gone UNIT                      it is not there any more, and all are told
//     hang-up                        ends all connections
// After each it says "done"; "subscribed" when a client has asked for signals, "listed" when it has
// been told of all units.

#include <stdbool.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "base/macros.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT    "org.freedesktop.systemd1.Unit"
#define CLIENTS         8
#define UNITS           64
#define WORD            80

struct unit {
    char     name[WORD], active[WORD], sub[WORD]; // name "": none
    uint64_t since_us;
};

struct init {
    sd_event   *event;
    sd_bus     *clients[CLIENTS];
    struct unit units[UNITS];
};

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "fakeinit: %s: %s\n", what, strerror(-r));
    exit(EXIT_FAILURE);
}

static void say(const char *word)
{
    puts(word);
    (void)fflush(stdout);
}

static struct unit *find(struct init *init, const char *name)
{
    for (size_t i = 0; i < UNITS; i++)
        if (strcmp(init->units[i].name, name) == 0)
            return &init->units[i];
    return NULL;
}

// ---- messages ---------------------------------------------------------------------------------

static void append_properties(sd_bus_message *message, const struct unit *unit)
{
    check(sd_bus_message_append(message, "a{sv}", 5, "Id", "s", unit->name, "LoadState", "s",
                                "loaded", "ActiveState", "s", unit->active, "SubState", "s",
                                unit->sub, "StateChangeTimestamp", "t", unit->since_us),
          "answering");
}

static char *path_of(const char *unit)
{
    char *path = NULL;

    check(sd_bus_path_encode(SYSTEMD_PATH "/unit", unit, &path), "a path");
    return path;
}

static void send_all(struct init *init, const char *path, const char *interface, const char *member,
                     const struct unit *unit)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        sd_bus_message *signal = NULL;
        if (!init->clients[i])
            continue;
        check(sd_bus_message_new_signal(init->clients[i], &signal, path, interface, member),
              "a signal");
        check(sd_bus_message_set_sender(signal, SYSTEMD_NAME), "a sender");
        if (strcmp(member, "UnitRemoved") == 0) {
            check(sd_bus_message_append(signal, "so", unit->name, path_of(unit->name)), "a unit");
        } else {
            check(sd_bus_message_append(signal, "s", SYSTEMD_UNIT), "an interface");
            append_properties(signal, unit);
            check(sd_bus_message_append(signal, "as", 0), "nothing");
        }
        (void)sd_bus_send(init->clients[i], signal, NULL); // it may be gone
        sd_bus_message_unref(signal);
    }
}

static bool is_wanted(const struct unit *unit, char **patterns)
{
    bool is_it = false;

    for (char **pattern = patterns; *unit->name && pattern && *pattern; pattern++)
        is_it = is_it || fnmatch(*pattern, unit->name, 0) == 0;
    return is_it;
}

static void append_list(struct init *init, sd_bus_message *call, sd_bus_message *reply)
{
    char **states = NULL, **patterns = NULL;

    check(sd_bus_message_read_strv(call, &states), "reading");
    check(sd_bus_message_read_strv(call, &patterns), "reading");
    check(sd_bus_message_open_container(reply, 'a', "(ssssssouso)"), "a list");
    for (size_t i = 0; i < UNITS; i++) {
        const struct unit *unit = &init->units[i];
        if (is_wanted(unit, patterns))
            check(sd_bus_message_append(reply, "(ssssssouso)", unit->name, "", "loaded",
                                        unit->active, unit->sub, "", path_of(unit->name), 0, "",
                                        "/"),
                  "a row");
    }
    check(sd_bus_message_close_container(reply), "a list");
}

static int answer(sd_bus_message *call, void *context, sd_bus_error *ret_error)
{
    struct init    *init = context;
    const char     *member = sd_bus_message_get_member(call);
    sd_bus_message *reply = NULL;
    char           *unit = NULL;

    (void)ret_error;
    if (!sd_bus_message_is_method_call(call, NULL, NULL))
        return 0;
    check(sd_bus_message_new_method_return(call, &reply), "answering");
    check(sd_bus_message_set_sender(reply, SYSTEMD_NAME), "a sender");
    if (strcmp(member, "Hello") == 0)
        check(sd_bus_message_append(reply, "s", ":1.1"), "a name");
    else if (strcmp(member, "ListUnitsByPatterns") == 0)
        append_list(init, call, reply);
    else if (strcmp(member, "GetAll") == 0 &&
             sd_bus_path_decode(sd_bus_message_get_path(call), SYSTEMD_PATH "/unit", &unit) > 0 &&
             find(init, unit))
        append_properties(reply, find(init, unit));
    (void)sd_bus_send(NULL, reply, NULL); // whoever asked may be gone
    if (strcmp(member, "Subscribe") == 0)
        say("subscribed");
    if (strcmp(member, "ListUnitsByPatterns") == 0)
        say("listed");
    sd_bus_message_unref(reply);
    return 1;
}

// ---- clients ----------------------------------------------------------------------------------

static int accept_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct init *init = context;
    sd_id128_t   id = { .bytes = { 1 } };
    size_t       i = 0;

    (void)source;
    (void)events;
    while (i < CLIENTS && init->clients[i])
        i++;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0 || i == CLIENTS)
        check(-EMFILE, "accepting");
    sd_bus **bus = &init->clients[i];
    check(sd_bus_new(bus), "a bus");
    check(sd_bus_set_fd(*bus, client, client), "a bus");
    check(sd_bus_set_server(*bus, 1, id), "a bus");
    check(sd_bus_set_anonymous(*bus, 1), "a bus");
    check(sd_bus_add_filter(*bus, NULL, answer, init), "a bus");
    check(sd_bus_start(*bus), "a bus");
    check(sd_bus_attach_event(*bus, init->event, 0), "a bus");
    return 0;
}

// ---- commands ---------------------------------------------------------------------------------

static void set(struct init *init, const struct unit *wanted)
{
    struct unit *unit = find(init, wanted->name);

    unit = unit ? unit : find(init, "");
    if (!unit)
        check(-ENOSPC, "another unit");
    *unit = *wanted;
}

static void run(struct init *init, const char *line)
{
    char        word[WORD] = "";
    struct unit unit = { 0 };
    int         n = sscanf(line, "%79s %79s %79s %79s %lu", word, unit.name, unit.active, unit.sub,
                           &unit.since_us);

    if (n == 5 && (strcmp(word, "set") == 0 || strcmp(word, "quiet") == 0)) {
        set(init, &unit);
        if (strcmp(word, "set") == 0)
            send_all(init, path_of(unit.name), "org.freedesktop.DBus.Properties",
                     "PropertiesChanged", &unit);
    } else if (n == 2 && strcmp(word, "gone") == 0 && find(init, unit.name)) {
        *find(init, unit.name) = (struct unit){ 0 };
        send_all(init, SYSTEMD_PATH, SYSTEMD_MANAGER, "UnitRemoved", &unit);
    } else if (strcmp(word, "hang-up") == 0) {
        for (size_t i = 0; i < CLIENTS; i++)
            init->clients[i] = sd_bus_close_unref(init->clients[i]);
    } else {
        check(-EINVAL, line);
    }
    say("done");
}

static int read_line(sd_event_source *source, int fd, uint32_t events, void *context)
{
    struct init *init = context;
    char         line[512];
    size_t       n = 0;

    (void)source;
    (void)events;
    while (n + 1 < sizeof line && read(fd, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = '\0';
    if (n == 0)
        return sd_event_exit(init->event, 0);
    run(init, line);
    return 0;
}

int main(int argc, char **argv)
{
    struct init        init = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
        return EXIT_FAILURE;
    strcpy(address.sun_path, argv[1]);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, CLIENTS) < 0)
        check(-errno, argv[1]);
    check(sd_event_new(&init.event), "a loop");
    check(sd_event_add_io(init.event, NULL, fd, EPOLLIN, accept_client, &init), "listening");
    check(sd_event_add_io(init.event, NULL, STDIN_FILENO, EPOLLIN, read_line, &init), "reading");
    say("listening");
    check(sd_event_loop(init.event), "the loop");
    return EXIT_SUCCESS;
}
