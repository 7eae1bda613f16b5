// SPDX-License-Identifier: MIT

// caller: somebody who may talk to the sockets of the privileged side and means no good.
//
//     caller verb WORD NAME              one well-formed request; prints "kind message"
//     caller bad                         every kind of wrong message; one line each
//     caller fuzz SEED COUNT JOBS        COUNT mutated messages by JOBS processes; one line of sums
//     caller parallel COUNT NAME         COUNT status requests at the same time
//     caller silent SOCKET               connects, says nothing, prints after how many ms it ended
//     caller twice NAME                  two requests in one connection
//     caller fds SOCKET NAME             passes descriptors along
//     caller log bad | fuzz SEED COUNT JOBS   the same to the log reader

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/protocol.h"

#define ANSWER_WITHIN_MS 60000

static const char *const words[] = {
    [VERB_INSTANCE_CREATE] = "create",   [VERB_INSTANCE_APPLY] = "apply",
    [VERB_INSTANCE_START] = "start",     [VERB_INSTANCE_STOP] = "stop",
    [VERB_INSTANCE_RESTART] = "restart", [VERB_INSTANCE_KILL] = "kill",
    [VERB_INSTANCE_WIPE] = "wipe",       [VERB_INSTANCE_EDIT] = "edit",
    [VERB_INSTANCE_REMOVE] = "remove",   [VERB_INSTANCE_STATUS] = "status",
    [VERB_BUILD_START] = "build-start",  [VERB_BUILD_STOP] = "build-stop",
    [VERB_PUBLISH] = "publish",          [VERB_BUILD_REMOVE] = "build-remove",
};

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int dial(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int                fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

// 1: an answer; 0: the connection ended; -1: nothing came.
static int answer_of(int fd, struct reply *ret)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    if (poll(&waiting, 1, ANSWER_WITHIN_MS) <= 0)
        return -1;
    ssize_t n = recv(fd, ret, sizeof *ret, 0);
    return n == (ssize_t)sizeof *ret && ret->magic == PROTOCOL_MAGIC ? 1 : n > 0 ? -1 : 0;
}

static const char *told(int r, const struct reply *reply)
{
    static char text[400];

    if (r == 1)
        snprintf(text, sizeof text, "%u %s", reply->kind, reply->message);
    else
        snprintf(text, sizeof text, "%s", r == 0 ? "ended" : "silence");
    return text;
}

static int ask(const void *bytes, size_t n, struct reply *reply)
{
    int fd = dial(PROTOCOL_BROKER_SOCKET);

    if (fd < 0)
        return -1;
    // Who is refused for who he is may find the connection closed before he has spoken.
    int r = send(fd, bytes, n, MSG_NOSIGNAL) >= 0 ? answer_of(fd, reply) : errno == EPIPE ? 0 : -1;
    close(fd);
    return r;
}

static struct request_name name_request(enum verb verb, const char *name)
{
    struct request_name request = { .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof request } };

    memcpy(request.name.text, name, strnlen(name, sizeof request.name.text));
    return request;
}

static struct request_stack stack_request(enum verb verb, const char *name)
{
    struct request_stack request = { .header = { PROTOCOL_MAGIC, (uint16_t)verb, sizeof request } };

    memcpy(request.name.text, name, strnlen(name, sizeof request.name.text));
    request.stack = (struct instance_stack){
        .config_generation = 1, .n_layers = 1, .layers = { { GAME_OVERLAY, 1 } }, .port = 29999
    };
    return request;
}

static struct request_build_start build_start_request(uint32_t overlay)
{
    return (struct request_build_start){
        .header = { PROTOCOL_MAGIC, VERB_BUILD_START, sizeof(struct request_build_start) },
        .kind = BUILD_UPDATE,
        .overlay = overlay,
        .keep = 1,
        .output_max_bytes = OUTPUT_MAX_DEFAULT,
    };
}

static int run_verb(const char *word, const char *name)
{
    struct reply reply = { 0 };

    for (size_t i = 1; i < ELEMENTS(words); i++) {
        struct request_name  request = name_request((enum verb)i, name);
        struct request_build build = { { PROTOCOL_MAGIC, (uint16_t)i, sizeof build },
                                       (uint32_t)atoi(name),
                                       0 };
        if (strcmp(words[i], word) != 0)
            continue;
        int r = i >= VERB_BUILD_STOP ? ask(&build, sizeof build, &reply)
                                     : ask(&request, sizeof request, &reply);
        puts(told(r, &reply));
        return r == 1 && reply.kind == 0 ? 0 : 1;
    }
    return 2;
}

// ---- what is wrong by design --------------------------------------------------------------------

static void try(const char *what, const void *bytes, size_t n)
{
    struct reply reply = { 0 };
    int          r = ask(bytes, n, &reply);

    printf("%s: %s\n", what, told(r, &reply));
}

static int run_bad(void)
{
    static const char *const   names[] = { "",    "-x",  "_x",  "A", "a/b", "..", "a.b",
                                           "a b", "a\n", "a;b", "ä", "a@b", "%i" };
    unsigned char              big[8192] = { 0 };
    struct request_name        name;
    struct request_stack       stack;
    struct request_build       build;
    struct request_build_start start;
    struct request_overlay     overlay;
    char                       what[80];

    for (size_t i = 0; i < ELEMENTS(names); i++) {
        name = name_request(VERB_INSTANCE_CREATE, names[i]);
        snprintf(what, sizeof what, "name %zu", i);
        try(what, &name, sizeof name);
    }
    name = name_request(VERB_INSTANCE_CREATE, "ok");
    memset(name.name.text, 'a', sizeof name.name.text);
    try("name without an end", &name, sizeof name);
    name = name_request(VERB_INSTANCE_CREATE, "ok");
    name.name.text[70] = 'x';
    try("name with a tail", &name, sizeof name);
    name = name_request(VERB_INSTANCE_CREATE, "evil");
    try("one byte short", &name, sizeof name - 1);
    memcpy(big, &name, sizeof name);
    try("one byte long", big, sizeof name + 1);
    try("as large as can be", big, sizeof big);
    try("one byte", big, 1);
    for (uint16_t verb = 0; verb < 40; verb++) {
        struct request_header header = { PROTOCOL_MAGIC, verb, sizeof header };
        snprintf(what, sizeof what, "header of verb %u", verb);
        try(what, &header, sizeof header);
    }
    name.header.magic ^= 1;
    try("other magic", &name, sizeof name);
    name = name_request(VERB_INSTANCE_CREATE, "evil");
    name.header.n_bytes++;
    try("lies about its size", &name, sizeof name);
#define STACK(text, ...)                                                                           \
    do {                                                                                           \
        stack = stack_request(VERB_INSTANCE_APPLY, "evil");                                        \
        __VA_ARGS__;                                                                               \
        try(text, &stack, sizeof stack);                                                           \
    } while (0)
    STACK("no layers", stack.stack.n_layers = 0);
    STACK("too many layers", stack.stack.n_layers = STACK_LAYERS_MAX + 1);
    STACK("layers without end", stack.stack.n_layers = UINT32_MAX);
    STACK("overlay 0", stack.stack.layers[0].overlay = 0);
    STACK("overlay out of range", stack.stack.layers[0].overlay = UINT32_MAX);
    STACK("generation 0", stack.stack.layers[0].generation = 0);
    STACK("generation out of range", stack.stack.layers[0].generation = 1u << 31);
    STACK("config 0", stack.stack.config_generation = 0);
    STACK("config out of range", stack.stack.config_generation = UINT32_MAX);
    STACK("port 0", stack.stack.port = 0);
    STACK("port 80", stack.stack.port = 80);
    STACK("television 80", stack.stack.tv_port = 80);
    STACK("same ports", stack.stack.tv_port = 29999);
    STACK("reserved", stack.stack.zero = 1);
    STACK("a layer that is not counted", stack.stack.layers[7].overlay = 1);
    STACK("memory of a byte", stack.stack.limits.memory_bytes = 1);
    STACK("memory without end", stack.stack.limits.memory_bytes = UINT64_MAX);
    STACK("cpu without end", stack.stack.limits.cpu_percent = UINT32_MAX);
    STACK("one task", stack.stack.limits.tasks = 1);
    STACK("tasks without end", stack.stack.limits.tasks = UINT32_MAX);
#define START(text, ...)                                                                           \
    do {                                                                                           \
        start = build_start_request(GAME_OVERLAY);                                                 \
        __VA_ARGS__;                                                                               \
        try(text, &start, sizeof start);                                                           \
    } while (0)
    START("kind 0", start.kind = 0);
    START("kind out of range", start.kind = 77);
    START("another overlay", start.overlay = 2);
    START("overlay 0 to build", start.overlay = 0);
    START("base out of range", start.base_generation = UINT32_MAX);
    START("keep nothing", start.keep = 0);
    START("keep everything", start.keep = UINT32_MAX);
    START("flags", start.flags = 0x80);
    START("no output", start.output_max_bytes = 0);
    START("output without end", start.output_max_bytes = UINT64_MAX);
    START("select nothing", start.kind = BUILD_SELECT);
#define OVERLAY(text, verb, type, number)                                                          \
    do {                                                                                           \
        overlay = (struct request_overlay){ { PROTOCOL_MAGIC, (verb), sizeof overlay },            \
                                            (type),                                                \
                                            (number) };                                            \
        try(text, &overlay, sizeof overlay);                                                       \
    } while (0)
    OVERLAY("an overlay without a type", VERB_OVERLAY_CREATE, 0, 0);
    OVERLAY("another game", VERB_OVERLAY_CREATE, OVERLAY_GAME, 0);
    OVERLAY("an overlay of no type", VERB_OVERLAY_CREATE, OVERLAY_TYPE_COUNT, 0);
    OVERLAY("an overlay of a number", VERB_OVERLAY_CREATE, OVERLAY_SCRIPT, 7);
    OVERLAY("no overlay to remove", VERB_OVERLAY_REMOVE, 0, 0);
    OVERLAY("an overlay to remove by type", VERB_OVERLAY_REMOVE, OVERLAY_SCRIPT, 7);
    OVERLAY("an overlay to remove out of range", VERB_OVERLAY_REMOVE, 0, UINT32_MAX);
    build = (struct request_build){ { PROTOCOL_MAGIC, VERB_BUILD_REMOVE, sizeof build }, 0, 0 };
    try("build 0", &build, sizeof build);
    build.build = UINT32_MAX;
    try("build out of range", &build, sizeof build);
    build.build = 1;
    build.zero = 1;
    try("build with a tail", &build, sizeof build);
    return 0;
}

static int run_log_bad(void)
{
    struct log_request good = { PROTOCOL_MAGIC, LOG_SERVER, 10, 0, 0, { "none" } }, bad;
    struct reply       reply;

#define LOG(text, n, ...)                                                                          \
    do {                                                                                           \
        int fd = dial(PROTOCOL_LOG_SOCKET);                                                        \
        bad = good;                                                                                \
        __VA_ARGS__;                                                                               \
        int r = fd < 0 || send(fd, &bad, (n), MSG_NOSIGNAL) < 0 ? -1 : answer_of(fd, &reply);      \
        printf("%s: %s\n", text, told(r, &reply));                                                 \
        close(fd);                                                                                 \
    } while (0)
    LOG("short", sizeof bad - 1, );
    LOG("one byte", 1, );
    LOG("magic", sizeof bad, bad.magic++);
    LOG("source 0", sizeof bad, bad.source = 0);
    LOG("source out of range", sizeof bad, bad.source = 99);
    LOG("lines", sizeof bad, bad.n_lines = UINT32_MAX);
    LOG("flags", sizeof bad, bad.flags = 0x80);
    LOG("since and lines", sizeof bad, bad.since_us = 1);
    LOG("name", sizeof bad, strcpy(bad.name.text, "../x"));
    LOG("name with a match", sizeof bad, strcpy(bad.name.text, "x.service"));
    LOG("build", sizeof bad, bad.source = LOG_UPDATE);
    return 0;
}

// ---- fuzzing ------------------------------------------------------------------------------------

static uint64_t seed;

static uint32_t dice(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16) % n;
}

// A well-formed request of any verb, for an instance and a build that there are not. Those that
// would start something all the same have no layers, or an overlay and a number to keep that cannot
// be.
static size_t well_formed(unsigned char bytes[static 8192], enum verb verb)
{
    struct request_name        name = name_request(verb, "fuzzed");
    struct request_stack       stack = stack_request(verb, "fuzzed");
    struct request_build_start start = build_start_request(GAME_OVERLAY + 1);
    struct request_build       build = { { PROTOCOL_MAGIC, (uint16_t)verb, sizeof build },
                                         1000000 + dice(1000),
                                         0 };
    struct request_overlay     overlay = { { PROTOCOL_MAGIC, (uint16_t)verb, sizeof overlay },
                                           0,
                                           1000000 + dice(1000) };

    stack.stack.n_layers = 0;
    start.keep = 0;
    switch (verb) {
    case VERB_INSTANCE_APPLY:
    case VERB_INSTANCE_RESTART:
        memcpy(bytes, &stack, sizeof stack);
        return sizeof stack;
    case VERB_BUILD_START:
        memcpy(bytes, &start, sizeof start);
        return sizeof start;
    case VERB_BUILD_STOP:
    case VERB_PUBLISH:
    case VERB_BUILD_REMOVE:
        memcpy(bytes, &build, sizeof build);
        return sizeof build;
    case VERB_OVERLAY_CREATE: // of no type
    case VERB_OVERLAY_REMOVE:
        memcpy(bytes, &overlay, sizeof overlay);
        return sizeof overlay;
    case VERB_INSTANCE_CREATE:
    case VERB_INSTANCE_START:
    case VERB_INSTANCE_STOP:
    case VERB_INSTANCE_KILL:
    case VERB_INSTANCE_WIPE:
    case VERB_INSTANCE_EDIT:
    case VERB_INSTANCE_REMOVE:
    case VERB_INSTANCE_STATUS:
    case VERB_COUNT:
        break;
    }
    memcpy(bytes, &name, sizeof name);
    return sizeof name;
}

// Mostly right: a message that is wrong in its first word shows little.
static size_t mutate(unsigned char bytes[static 8192], bool is_log)
{
    size_t n = 0;

    memset(bytes, 0, 8192);
    if (is_log) {
        struct log_request request = { PROTOCOL_MAGIC,        dice(6),         dice(20),
                                       dice(8) & ~LOG_FOLLOW, dice(3) ? 0 : 1, { "fuzzed" } };
        memcpy(bytes, &request, n = sizeof request);
    } else {
        // Mostly the verbs that cost little: some make the init system read all its files again.
        static const enum verb quick[] = { VERB_INSTANCE_STATUS, VERB_INSTANCE_START,
                                           VERB_INSTANCE_APPLY,  VERB_BUILD_STOP,
                                           VERB_PUBLISH,         VERB_BUILD_REMOVE };
        n = well_formed(bytes, dice(8) ? quick[dice(ELEMENTS(quick))]
                                       : (enum verb)(1 + dice(VERB_COUNT - 1)));
    }
    for (uint32_t i = dice(6); i > 0; i--)
        bytes[dice((uint32_t)n)] = (unsigned char)dice(256);
    if (dice(5) == 0)
        n = 1 + dice(4096);
    if (dice(20) == 0)
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)dice(256);
    return n;
}

struct sums {
    unsigned answered, refused, ended, silent, unconnected;
};

static struct sums fuzz(const char *path, unsigned count, bool is_log)
{
    unsigned char bytes[8192];
    struct reply  reply;
    struct sums   sums = { 0 };

    for (unsigned i = 0; i < count; i++) {
        size_t n = mutate(bytes, is_log);
        int    fd = dial(path);
        if (fd < 0) {
            sums.unconnected++;
            continue;
        }
        int r = send(fd, bytes, n, MSG_NOSIGNAL) < 0 ? 0 : answer_of(fd, &reply);
        if (r == 1)
            reply.kind ? sums.refused++ : sums.answered++;
        else
            r == 0 || is_log ? sums.ended++ : sums.silent++;
        close(fd);
    }
    return sums;
}

static int run_fuzz(const char *path, int argc, char **argv, bool is_log)
{
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 100,
             jobs = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    struct sums all = { 0 }, one;
    int         pipes[2];

    if (pipe(pipes) < 0)
        return 1;
    for (unsigned i = 0; i < jobs; i++)
        if (fork() == 0) {
            seed = (uint64_t)atoll(argv[0]) * 1000003 + i * 7919 + 1;
            one = fuzz(path, count / jobs, is_log);
            _exit(write(pipes[1], &one, sizeof one) == sizeof one ? 0 : 1);
        }
    for (unsigned i = 0; i < jobs; i++) {
        if (read(pipes[0], &one, sizeof one) != sizeof one)
            return 1;
        all.answered += one.answered, all.refused += one.refused, all.ended += one.ended;
        all.silent += one.silent, all.unconnected += one.unconnected;
    }
    while (wait(NULL) > 0)
        ;
    printf("answered %u refused %u ended %u silent %u unconnected %u\n", all.answered, all.refused,
           all.ended, all.silent, all.unconnected);
    return 0;
}

// ---- many, slow, greedy -------------------------------------------------------------------------

static int run_parallel(unsigned count, const char *name)
{
    struct request_name request = name_request(VERB_INSTANCE_STATUS, name);
    struct reply        reply;
    unsigned            n_connected = 0, n_answered = 0;
    long                started = now_ms();
    int                *fds = calloc(count, sizeof *fds);

    for (unsigned i = 0; i < count; i++)
        if ((fds[i] = dial(PROTOCOL_BROKER_SOCKET)) >= 0)
            n_connected++;
    for (unsigned i = 0; i < count; i++)
        (void)!send(fds[i], &request, sizeof request, MSG_NOSIGNAL);
    for (unsigned i = 0; i < count; i++)
        n_answered += answer_of(fds[i], &reply) == 1 && reply.kind == 0;
    printf("connected %u answered %u ms %ld\n", n_connected, n_answered, now_ms() - started);
    return 0;
}

static int run_silent(const char *path)
{
    struct reply reply;
    long         started = now_ms();
    int          fd = dial(path);

    if (fd < 0)
        return printf("%s\n", strerrorname_np(errno)), 1;
    puts("connected");
    fflush(stdout);
    int r = answer_of(fd, &reply);
    printf("%s %ld\n", told(r, &reply), now_ms() - started);
    return 0;
}

static int run_twice(const char *name)
{
    struct request_name first = name_request(VERB_INSTANCE_STATUS, name);
    struct request_name second = name_request(VERB_INSTANCE_CREATE, "second");
    struct reply        reply;
    int                 fd = dial(PROTOCOL_BROKER_SOCKET);

    if (fd < 0 || send(fd, &first, sizeof first, 0) < 0 || send(fd, &second, sizeof second, 0) < 0)
        return 1;
    puts(told(answer_of(fd, &reply), &reply));
    puts(told(answer_of(fd, &reply), &reply));
    return 0;
}

// A descriptor of a pipe goes along: once everyone who could have got it is gone, its end is seen.
static int run_fds(const char *path, const char *name)
{
    struct request_name request = name_request(VERB_INSTANCE_STATUS, name);
    struct log_request  log = { PROTOCOL_MAGIC, LOG_SERVER, 10, 0, 0, { "none" } };
    bool                is_log = strcmp(path, PROTOCOL_LOG_SOCKET) == 0;
    struct iovec        iov = { &request, sizeof request };
    union {
        struct cmsghdr header;
        char           space[CMSG_SPACE(200 * sizeof(int))];
    } control = { 0 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    struct reply reply;
    int          pipes[2], fd = dial(path);

    if (is_log)
        iov = (struct iovec){ &log, sizeof log };
    if (fd < 0 || pipe(pipes) < 0)
        return 1;
    control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
                                       .cmsg_type = SCM_RIGHTS,
                                       .cmsg_len = CMSG_LEN(200 * sizeof(int)) };
    for (int i = 0; i < 200; i++)
        memcpy(CMSG_DATA(&control.header) + (size_t)i * sizeof(int), &pipes[1], sizeof(int));
    if (sendmsg(fd, &msg, 0) < 0)
        return 1;
    close(pipes[1]);
    printf("%s\n", is_log ? "sent" : told(answer_of(fd, &reply), &reply));
    struct pollfd waiting = { .fd = pipes[0], .events = POLLIN };
    if (is_log)
        while (recv(fd, &reply, sizeof reply, 0) > 0)
            ;
    poll(&waiting, 1, ANSWER_WITHIN_MS);
    puts(waiting.revents & POLLHUP ? "closed" : "kept");
    return 0;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    bool        is_log = strcmp(word, "log") == 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(word, "verb") == 0 && argc == 4)
        return run_verb(argv[2], argv[3]);
    if (strcmp(word, "bad") == 0)
        return run_bad();
    if (is_log && argc > 2 && strcmp(argv[2], "bad") == 0)
        return run_log_bad();
    if (is_log && argc > 3)
        return run_fuzz(PROTOCOL_LOG_SOCKET, argc - 3, argv + 3, true);
    if (strcmp(word, "fuzz") == 0 && argc > 2)
        return run_fuzz(PROTOCOL_BROKER_SOCKET, argc - 2, argv + 2, false);
    if (strcmp(word, "parallel") == 0 && argc == 4)
        return run_parallel((unsigned)atoi(argv[2]), argv[3]);
    if (strcmp(word, "silent") == 0 && argc == 3)
        return run_silent(argv[2]);
    if (strcmp(word, "twice") == 0 && argc == 3)
        return run_twice(argv[2]);
    if (strcmp(word, "fds") == 0 && argc == 4)
        return run_fds(argv[2], argv[3]);
    return 2;
}
