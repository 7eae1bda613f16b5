// SPDX-License-Identifier: MIT
#include "work/bell.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CLIENTS 3

// A worker and its clients in one loop.
struct world {
    struct unit_dir    *dir;
    sd_event           *event;
    struct bell_server *server;
    struct bell        *bells[CLIENTS];
    unsigned            n_poked, n_watched, n_changed[CLIENTS];
    struct sockaddr_un  address;
};

static void poked(void *context)
{
    ((struct world *)context)->n_poked++;
}

static void watched(void *context)
{
    ((struct world *)context)->n_watched++;
}

static void changed(void *context)
{
    ++*(unsigned *)context;
}

static void serve(struct world *world)
{
    struct error err;
    int          fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    (void)unlink(world->address.sun_path);
    assert_return_code(bind(fd, (struct sockaddr *)&world->address, sizeof world->address), errno);
    assert_return_code(chmod(world->address.sun_path, 0777), errno);
    assert_return_code(listen(fd, 128), errno);
    if (bell_server_open(&world->server, world->event, fd, poked, watched, world, &err) < 0)
        fail_msg("%s", err.message);
}

static void turn(struct world *world)
{
    assert_true(sd_event_run(world->event, UINT64_MAX) >= 0);
}

static void open_bells(struct world *world, unsigned n)
{
    struct error err;

    for (unsigned i = 0; i < n; i++)
        assert_int_equal(bell_open(&world->bells[i], world->event, world->address.sun_path, changed,
                                   &world->n_changed[i], &err),
                         0);
    while (world->server && bell_server_clients(world->server) < n)
        turn(world);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_return_code(unit_dir_setup((void **)&world->dir), 0);
    assert_return_code(chmod(world->dir->path, 0755), errno);
    assert_true(sd_event_new(&world->event) >= 0);
    world->address.sun_family = AF_UNIX;
    snprintf(world->address.sun_path, sizeof world->address.sun_path, "%s/s", world->dir->path);
    serve(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < CLIENTS; i++)
        bell_close(world->bells[i]);
    bell_server_close(world->server);
    sd_event_unref(world->event);
    assert_return_code(unit_dir_teardown((void **)&world->dir), 0);
    free(world);
    return 0;
}

// ---- a client that is none of ours ------------------------------------------------------------

static int dial(struct world *world)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_return_code(connect(fd, (struct sockaddr *)&world->address, sizeof world->address),
                       errno);
    return fd;
}

static bool is_hung_up(int fd)
{
    struct pollfd peer = { .fd = fd, .events = POLLRDHUP };

    return poll(&peer, 1, 0) == 1 && peer.revents & (POLLHUP | POLLRDHUP);
}

// ---- tests ------------------------------------------------------------------------------------

// Nobody else hears that somebody looks on.
static void test_who_looks_on(void **state)
{
    struct world *world = *state;

    open_bells(world, CLIENTS);
    bell_watch(world->bells[0]);
    bell_watch(world->bells[0]);
    while (!world->n_watched)
        turn(world);
    bell_poke(world->bells[0]);
    while (!world->n_changed[1] || !world->n_changed[2])
        turn(world);
    assert_int_equal(world->n_watched, 1);
    assert_int_equal(world->n_poked, 1);
    assert_int_equal(world->n_changed[1], 1);
}

static void test_pokes(void **state)
{
    struct world *world = *state;

    open_bells(world, CLIENTS);
    bell_poke(world->bells[0]);
    bell_poke(world->bells[0]);
    bell_poke(world->bells[0]);
    while (!world->n_changed[1] || !world->n_changed[2])
        turn(world);
    assert_int_equal(world->n_poked, 1);      // they came together
    assert_int_equal(world->n_changed[0], 0); // it knows
    assert_int_equal(world->n_changed[1], 1);
    assert_int_equal(world->n_changed[2], 1);
}

static void test_rings(void **state)
{
    struct world *world = *state;

    open_bells(world, CLIENTS);
    for (unsigned i = 0; i < 1000; i++)
        bell_server_ring(world->server);
    while (!world->n_changed[0] || !world->n_changed[1] || !world->n_changed[2])
        turn(world);
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(world->n_changed[i], 1);
    assert_int_equal(world->n_poked, 0);
}

static void test_poke_of_a_command(void **state)
{
    struct world *world = *state;

    assert_true(bell_poke_once(world->address.sun_path)); // and it is gone
    while (!world->n_poked)
        turn(world);
    world->server = bell_server_close(world->server);
    assert_false(bell_poke_once(world->address.sun_path));
    assert_false(bell_poke_once("/nowhere/at-all"));
}

static void test_odd_messages(void **state)
{
    static const struct {
        const char         *name;
        struct bell_message message;
        size_t              n;
    } cases[] = {
        { "another magic", { 1, BELL_POKE }, sizeof(struct bell_message) },
        { "what the worker says", { BELL_MAGIC, BELL_CHANGED }, sizeof(struct bell_message) },
        { "no kind", { BELL_MAGIC, 77 }, sizeof(struct bell_message) },
        { "half", { BELL_MAGIC, BELL_POKE }, 4 },
        { "nothing", { 0 }, 0 },
    };
    struct world *world = *state;
    char          large[4096] = { 0 };

    memcpy(large, &(struct bell_message){ BELL_MAGIC, BELL_POKE }, sizeof(struct bell_message));
    for (size_t i = 0; i <= ELEMENTS(cases); i++) {
        int    fd = dial(world);
        size_t n = i < ELEMENTS(cases) ? cases[i].n : sizeof large;
        assert_int_equal(
            send(fd, i < ELEMENTS(cases) ? (const void *)&cases[i].message : large, n, 0), n);
        while (!is_hung_up(fd))
            turn(world);
        close(fd);
    }
    assert_int_equal(world->n_poked, 0);
    assert_int_equal(bell_server_clients(world->server), 0);
}

static void test_others_are_refused(void **state)
{
    struct world *world = *state;

    if (geteuid() != 0)
        skip();
    int   said[2];
    pid_t pid;
    assert_return_code(pipe(said), errno);
    pid = fork();
    if (pid == 0) { // as somebody else
        struct bell_message message = { BELL_MAGIC, BELL_POKE };
        if (setuid(65534) < 0)
            _exit(2);
        int fd = dial(world);
        (void)!send(fd, &message, sizeof message, MSG_NOSIGNAL);
        (void)!write(said[1], "x", 1);
        _exit(recv(fd, &message, sizeof message, 0) <= 0 ? 0 : 1); // until it is hung up on
    }
    close(said[1]);
    char x;
    assert_int_equal(read(said[0], &x, 1), 1);
    close(said[0]);
    turn(world); // it is there
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(bell_server_clients(world->server), 0);
    assert_int_equal(world->n_poked, 0);
}

static void test_who_does_not_read_goes_first(void **state)
{
    struct world *world = *state;
    int           fds[BELL_CLIENTS_MAX], one_more;

    open_bells(world, 1);
    for (unsigned i = 0; i + 1 < BELL_CLIENTS_MAX; i++)
        fds[i] = dial(world);
    while (bell_server_clients(world->server) < BELL_CLIENTS_MAX)
        turn(world);
    for (unsigned i = 0; i < 2000; i++) { // more than the kernel keeps
        world->n_changed[0] = 0;
        bell_server_ring(world->server);
        while (!world->n_changed[0]) // who reads is told of each
            turn(world);
    }
    assert_int_equal(bell_server_clients(world->server), BELL_CLIENTS_MAX);
    one_more = dial(world);
    bell_poke(world->bells[0]);
    while (!world->n_poked)
        turn(world);
    assert_int_equal(bell_server_clients(world->server), BELL_CLIENTS_MAX);
    assert_false(is_hung_up(one_more));
    assert_true(bell_is_connected(world->bells[0]));
    close(one_more);
    for (unsigned i = 0; i + 1 < BELL_CLIENTS_MAX; i++)
        close(fds[i]);
}

static void test_too_many(void **state)
{
    struct world *world = *state;
    int           fds[BELL_CLIENTS_MAX + 1];

    for (unsigned i = 0; i <= BELL_CLIENTS_MAX; i++)
        fds[i] = dial(world);
    while (!is_hung_up(fds[BELL_CLIENTS_MAX]))
        turn(world);
    assert_int_equal(bell_server_clients(world->server), BELL_CLIENTS_MAX);
    close(fds[0]); // there is room for another one
    while (bell_server_clients(world->server) == BELL_CLIENTS_MAX)
        turn(world);
    open_bells(world, 1);
    for (unsigned i = 1; i <= BELL_CLIENTS_MAX; i++)
        close(fds[i]);
}

static void test_without_a_worker(void **state)
{
    struct world *world = *state;

    world->server = bell_server_close(world->server);
    open_bells(world, 1);
    assert_false(bell_is_connected(world->bells[0]));
    bell_poke(world->bells[0]);
    serve(world);
    while (!world->n_changed[0]) // it tries again, and must look for what it missed
        turn(world);
    assert_true(bell_is_connected(world->bells[0]));
    while (bell_server_clients(world->server) == 0)
        turn(world);

    world->server = bell_server_close(world->server);
    serve(world);
    bell_poke(world->bells[0]); // at once, though it does not know yet that the other one is gone
    while (!world->n_poked)
        turn(world);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_pokes),
        IN_WORLD(test_who_looks_on),
        IN_WORLD(test_rings),
        IN_WORLD(test_poke_of_a_command),
        IN_WORLD(test_odd_messages),
        IN_WORLD(test_others_are_refused),
        IN_WORLD(test_who_does_not_read_goes_first),
        IN_WORLD(test_too_many),
        IN_WORLD(test_without_a_worker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
