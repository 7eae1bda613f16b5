// SPDX-License-Identifier: MIT

// The clients of the broker and of the log reader, against a fake that also says nonsense.

#include "host-tree.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "host/broker.h"
#include "host/journal.h"

// A socket that hears one message, sends what it was given, and closes; then the next one does.
struct fake {
    int          fd;
    struct fake *next;
    const void  *packets[4];
    size_t       n_packet[4];
    size_t       n;
    bool         is_silent; // closes without an answer
    unsigned     delay_ms;  // before it answers, or closes
    char         heard[4096];
    ssize_t      n_heard;
    int          passed_fd; // the descriptor that came along, -1: none
    pthread_t    thread;
};

static void hear(struct fake *fake, int fd)
{
    union {
        struct cmsghdr header;
        char           bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec  iov = { fake->heard, sizeof fake->heard };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };

    fake->n_heard = recvmsg(fd, &msg, MSG_TRUNC | MSG_CMSG_CLOEXEC);
    fake->passed_fd = -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
    if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fake->passed_fd, CMSG_DATA(header), sizeof fake->passed_fd);
    else if (header)
        fake->n_heard = -1; // more than one, or something else
}

static void *serve(void *data)
{
    struct fake *fake = data;
    AUTO_FD      fd = accept4(fake->fd, NULL, NULL, SOCK_CLOEXEC);

    hear(fake, fd);
    (void)poll(NULL, 0, (int)fake->delay_ms);
    for (size_t i = 0; i < fake->n && !fake->is_silent; i++)
        (void)!send(fd, fake->packets[i], fake->n_packet[i], MSG_NOSIGNAL);
    if (!fake->next)
        return NULL;
    fake->next->fd = fake->fd;
    fd = fd_close(fd);
    return serve(fake->next);
}

static void fake_start(struct fake *fake, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    (void)unlink(path); // of the row before
    fake->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_return_code(bind(fake->fd, (struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(listen(fake->fd, 1), errno);
    assert_int_equal(pthread_create(&fake->thread, NULL, serve, fake), 0);
}

static void fake_stop(struct fake *fake)
{
    assert_int_equal(pthread_join(fake->thread, NULL), 0);
    close(fake->fd);
}

static const struct reply good = { .magic = PROTOCOL_MAGIC, .job = 42 };

static struct reply changed_reply(unsigned row)
{
    struct reply reply = good;

    if (row == 0)
        reply.magic++;
    else if (row == 1)
        memset(reply.message, 'x', sizeof reply.message);
    else if (row == 2)
        memset(reply.active_state, 'x', sizeof reply.active_state);
    else if (row == 3)
        memset(reply.result, 'x', sizeof reply.result);
    return reply;
}

static void test_a_request_is_one_message_and_the_answer_comes_back(void **state)
{
    struct host_tree    *tree = *state;
    struct fake          fake = { .packets = { &good }, .n_packet = { sizeof good }, .n = 1 };
    struct instance_name name = { "alpha" };
    struct reply         reply;
    struct error         err = { 0 };
    struct request_name  request;

    fake_start(&fake, tree->paths.broker_socket);
    assert_int_equal(broker_instance(&tree->paths, VERB_INSTANCE_START, &name, &reply, &err), 0);
    fake_stop(&fake);
    assert_int_equal(reply.job, 42);
    assert_int_equal(fake.n_heard, sizeof request);
    memcpy(&request, fake.heard, sizeof request);
    assert_int_equal(request.header.magic, PROTOCOL_MAGIC);
    assert_int_equal(request.header.verb, VERB_INSTANCE_START);
    assert_int_equal(request.header.n_bytes, sizeof request);
    assert_string_equal(request.name.text, "alpha");
    assert_int_equal(fake.passed_fd, -1);
}

static void test_builds_and_overlays_are_asked_for(void **state)
{
    struct host_tree                *tree = *state;
    const struct reply               made = { .magic = PROTOCOL_MAGIC, .overlay = 9, .build = 8 };
    const struct request_build_start wanted = { .kind = BUILD_SCRIPT,
                                                .overlay = 9,
                                                .base_generation = 4,
                                                .keep = 3,
                                                .flags = BUILD_FRESH | BUILD_HOLD,
                                                .output_max_bytes = OUTPUT_MAX_MIN };
    struct request_build_start       build = wanted;
    struct request_overlay           create = { .type = OVERLAY_FILES }, remove = { .overlay = 9 };
    const struct {
        const void *want;
        size_t      n;
    } cases[] = { { &create, sizeof create },
                  { &remove, sizeof remove },
                  { &build, sizeof build } };

    create.header = (struct request_header){ PROTOCOL_MAGIC, VERB_OVERLAY_CREATE, sizeof create };
    remove.header = (struct request_header){ PROTOCOL_MAGIC, VERB_OVERLAY_REMOVE, sizeof remove };
    build.header = (struct request_header){ PROTOCOL_MAGIC, VERB_BUILD_START, sizeof build };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct fake  fake = { .packets = { &made }, .n_packet = { sizeof made }, .n = 1 };
        struct reply reply;
        struct error err = { 0 };
        fake_start(&fake, tree->paths.broker_socket);
        int r = i == 0   ? broker_overlay_create(&tree->paths, OVERLAY_FILES, &reply, &err)
                : i == 1 ? broker_overlay_remove(&tree->paths, 9, &reply, &err)
                         : broker_build_start(&tree->paths, &wanted, &reply, &err);
        fake_stop(&fake);
        assert_int_equal(r, 0);
        assert_int_equal(reply.overlay, 9);
        assert_int_equal(reply.build, 8);
        assert_int_equal(fake.n_heard, cases[i].n);
        assert_memory_equal(fake.heard, cases[i].want, cases[i].n);
        assert_int_equal(fake.passed_fd, -1);
    }
}

// ---- lists --------------------------------------------------------------------------------------

// One edit as it arrives: the message, and sealed memory that nobody can change any more.
static void assert_edit(struct fake *fake, const char *bytes, size_t n)
{
    const int           seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    struct request_name request;
    struct stat         st;

    assert_int_equal(fake->n_heard, sizeof request);
    memcpy(&request, fake->heard, sizeof request);
    assert_int_equal(request.header.magic, PROTOCOL_MAGIC);
    assert_int_equal(request.header.verb, VERB_INSTANCE_EDIT);
    assert_int_equal(request.header.n_bytes, sizeof request);
    assert_string_equal(request.name.text, "alpha");
    AUTO_FD fd = fake->passed_fd;
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GET_SEALS) & seals, seals);
    assert_return_code(fstat(fd, &st), errno);
    assert_int_equal(st.st_size, n);
    AUTO(freep) char *read = malloc(n);
    assert_int_equal(pread(fd, read, n, 0), n);
    assert_memory_equal(read, bytes, n);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, (off_t)n + 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
}

static void test_a_list_comes_along(void **state)
{
    static const size_t  sizes[] = { 1, 12, EDIT_BYTES_MAX };
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };

    for (size_t i = 0; i < ELEMENTS(sizes); i++) {
        struct fake       fake = { .packets = { &good }, .n_packet = { sizeof good }, .n = 1 };
        struct reply      reply;
        struct error      err = { 0 };
        AUTO(freep) char *bytes = calloc(1, sizes[i]);
        memset(bytes, 'x', sizes[i] - 1);
        fake_start(&fake, tree->paths.broker_socket);
        assert_int_equal(broker_edit(&tree->paths, &name, bytes, sizes[i], &reply, &err), 0);
        fake_stop(&fake);
        assert_int_equal(reply.job, 42);
        assert_edit(&fake, bytes, sizes[i]);
    }
}

static void test_a_bad_list_is_not_even_sent(void **state)
{
    static const char    bytes[EDIT_BYTES_MAX + 1];
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };
    struct reply         reply;
    struct error         err = { 0 };

    assert_int_equal(broker_edit(&tree->paths, &name, bytes, 0, &reply, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(broker_edit(&tree->paths, &name, bytes, sizeof bytes, &reply, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_string_equal(err.message, "these are too many paths at once");
}

// ---- what is over soon --------------------------------------------------------------------------

static const struct reply over_soon = { .magic = PROTOCOL_MAGIC,
                                        .kind = ERROR_BUSY,
                                        .errnum = EWOULDBLOCK,
                                        .message = "another command is at work there" };

static void test_who_is_busy_is_asked_again(void **state)
{
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };
    struct fake          again = { .packets = { &good }, .n_packet = { sizeof good }, .n = 1 };
    struct fake          fake = {
                 .packets = { &over_soon }, .n_packet = { sizeof over_soon }, .n = 1, .next = &again
    };
    struct reply reply;
    struct error err = { 0 };

    fake_start(&fake, tree->paths.broker_socket);
    assert_int_equal(broker_edit(&tree->paths, &name, "a\0b/c", 6, &reply, &err), 0);
    fake_stop(&fake);
    assert_int_equal(reply.job, 42);
    assert_edit(&fake, "a\0b/c", 6);
    assert_edit(&again, "a\0b/c", 6); // the list as well
}

// Only a lock is let go of soon: who runs, or has a server, may do so for days.
static void test_who_is_busy_for_long_is_not(void **state)
{
    static const struct {
        uint32_t kind;
        int32_t  errnum;
    } cases[] = { { ERROR_BUSY, 0 }, { ERROR_BUSY, EBUSY }, { ERROR_FAILED, EWOULDBLOCK } };
    struct host_tree *tree = *state;

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct reply busy = over_soon;
        struct fake  fake = { .packets = { &busy }, .n_packet = { sizeof busy }, .n = 1 };
        struct reply reply;
        struct error err = { 0 };
        busy.kind = cases[i].kind, busy.errnum = cases[i].errnum;
        fake_start(&fake, tree->paths.broker_socket);
        assert_int_equal(broker_overlay_remove(&tree->paths, 9, &reply, &err), -1);
        fake_stop(&fake); // and heard no more than one
        assert_int_equal(err.kind, cases[i].kind);
    }
}

// -------------------------------------------------------------------------------------------------

static void test_a_refusal_keeps_its_kind_words_and_numbers(void **state)
{
    struct host_tree  *tree = *state;
    const struct reply refusal = { .magic = PROTOCOL_MAGIC,
                                   .kind = ERROR_BUSY,
                                   .build = 7,
                                   .message = "build 7 is\x1b[2J running" };
    struct fake        fake = { .packets = { &refusal }, .n_packet = { sizeof refusal }, .n = 1 };
    const struct request_build_start wanted = { .kind = BUILD_UPDATE, .overlay = 1, .keep = 3 };
    struct reply                     reply;
    struct error                     err = { 0 };

    fake_start(&fake, tree->paths.broker_socket);
    assert_int_equal(broker_build_start(&tree->paths, &wanted, &reply, &err), -1);
    fake_stop(&fake);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(reply.build, 7);
    assert_string_equal(err.message, "build 7 is?[2J running");
}

static void test_nonsense_is_an_error_and_no_more(void **state)
{
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };
    char                 large[sizeof good + 1] = { 0 };

    memcpy(large, &good, sizeof good);
    for (unsigned row = 0; row < 8; row++) {
        struct reply changed = changed_reply(row);
        struct fake  fake = { .packets = { row < 4 ? (void *)&changed : large },
                              .n_packet = { sizeof good },
                              .n = 1,
                              .is_silent = row == 7 };
        struct reply reply;
        struct error err = { 0 };
        if (row == 4)
            fake.n_packet[0] = 1;
        else if (row == 5)
            fake.n_packet[0] = sizeof good - 1;
        else if (row == 6)
            fake.n_packet[0] = sizeof good + 1;
        fake_start(&fake, tree->paths.broker_socket);
        assert_int_equal(broker_instance(&tree->paths, VERB_INSTANCE_STOP, &name, &reply, &err),
                         -1);
        fake_stop(&fake);
        assert_int_equal(err.kind, ERROR_UNAVAILABLE);
        assert_int_equal(reply.job, 0);
    }
}

static void test_a_silent_broker_runs_into_a_deadline(void **state)
{
    int                 fds[2];
    struct request_name request = { 0 };
    struct reply        reply;
    struct error        err = { 0 };

    (void)state;
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), errno);
    assert_int_equal(broker_exchange(fds[0], &request, sizeof request, -1, 10, &reply, &err), -1);
    assert_int_equal(err.kind, ERROR_TIMEOUT);
    close(fds[0]);
    close(fds[1]);
}

static void test_an_absent_socket_says_what_to_do(void **state)
{
    struct host_tree    *tree = *state;
    struct instance_name name = { "alpha" };
    struct reply         reply;
    struct error         err = { 0 };

    assert_int_equal(broker_instance(&tree->paths, VERB_INSTANCE_STOP, &name, &reply, &err), -1);
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "systemctl start left4me-broker.socket"));
}

static void test_a_bad_stack_is_not_even_sent(void **state)
{
    struct host_tree     *tree = *state;
    struct instance_name  name = { "alpha" };
    struct instance_stack stack = { 0 };
    struct reply          reply;
    struct error          err = { 0 };

    assert_int_equal(broker_stack(&tree->paths, VERB_INSTANCE_APPLY, &name, &stack, &reply, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_INVALID);
}

// ---- the log reader ----------------------------------------------------------------------------

struct packet {
    struct log_entry entry;
    char             text[16];
};

static int read_log(struct host_tree *tree, struct fake *fake, char *text, size_t n_text,
                    struct error *err)
{
    AUTO(journal_closep) struct journal *journal = NULL;
    struct instance_name                 name = { "alpha" };
    struct journal_line                  line;
    bool                                 is_end = false;
    int                                  r;

    fake_start(fake, tree->paths.log_socket);
    assert_int_equal(journal_open(&journal, &tree->paths, LOG_SERVER, &name, 10, LOG_ALL_RUNS, err),
                     0);
    *text = '\0';
    while ((r = journal_next(journal, 5000, &line, &is_end, err)) > 0 && !line.is_mark) {
        size_t n = strlen(text);
        snprintf(text + n, n_text - n, "%s%s|", line.is_init ? "init: " : "", line.text);
    }
    fake_stop(fake);
    return r;
}

static void test_entries_arrive_until_the_mark(void **state)
{
    struct host_tree  *tree = *state;
    struct packet      one = { { .realtime_us = 1, .priority = 6, .n_text = 5 }, "hello" };
    struct packet      two = { { .priority = 6, .is_init = 1, .n_text = 5 }, "ended" };
    struct packet      mark = { { .priority = LOG_PRIORITY_MARK }, "" };
    struct fake        fake = { .packets = { &one, &two, &mark },
                                .n_packet = { sizeof one.entry + 5, sizeof one.entry + 5,
                                              sizeof one.entry },
                                .n = 3 };
    struct error       err = { 0 };
    char               text[64];
    struct log_request request;

    assert_int_equal(read_log(tree, &fake, text, sizeof text, &err), 1);
    assert_string_equal(text, "hello|init: ended|");
    assert_int_equal(fake.n_heard, sizeof request);
    memcpy(&request, fake.heard, sizeof request);
    assert_int_equal(request.magic, PROTOCOL_MAGIC);
    assert_int_equal(request.flags, LOG_ALL_RUNS);
    assert_int_equal(request.n_lines, 10);
}

static void test_a_log_reader_that_lies_is_left(void **state)
{
    struct host_tree *tree = *state;
    static const struct {
        uint32_t n_text;
        size_t   n_packet;
        bool     has_run;
        int      want;
    } cases[] = {
        { 5, sizeof(struct log_entry) + 5, true, 0 }, // fine, then the end
        { 5, sizeof(struct log_entry) + 4, true, -1 },
        { 5, sizeof(struct log_entry) + 6, true, -1 },
        { 0xffffffff, sizeof(struct log_entry) + 5, true, -1 },
        { 5, sizeof(struct log_entry) - 1, true, -1 },
        { 5, 1, true, -1 },
        { 5, sizeof(struct log_entry) + 5, false, -1 }, // the run is not terminated
    };

    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct packet packet = { { .priority = 6, .n_text = cases[i].n_text }, "hello!" };
        struct fake   fake = { .packets = { &packet }, .n_packet = { cases[i].n_packet }, .n = 1 };
        struct error  err = { 0 };
        char          text[64];
        if (!cases[i].has_run)
            memset(packet.entry.run, 'x', sizeof packet.entry.run);
        assert_int_equal(read_log(tree, &fake, text, sizeof text, &err), cases[i].want);
        if (cases[i].want < 0)
            assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    }
}

static void take_text(void *data, const struct journal_line *line)
{
    char  *text = data;
    size_t n = strlen(text);

    snprintf(text + n, 64 - n, "%s|", line->text);
}

static void test_a_history_ends_with_its_mark_and_nothing_else(void **state)
{
    struct host_tree *tree = *state;
    struct packet     line = { { .priority = 6, .n_text = 5 }, "hello" };
    struct packet     mark = { { .priority = LOG_PRIORITY_MARK }, "" };
    static const struct {
        size_t          n; // packets: a line, the mark, a line
        unsigned        delay_ms, silence_ms;
        enum error_kind want;
        const char     *text;
    } cases[] = {
        { 3, 0, 5000, ERROR_NONE, "hello|" },
        { 2, 100, 5000, ERROR_NONE, "hello|" }, // slow is not silent
        { 1, 0, 5000, ERROR_UNAVAILABLE, "hello|" },
        { 0, 0, 5000, ERROR_UNAVAILABLE, "" },
        { 0, 300, 20, ERROR_TIMEOUT, "" },
    };

    const size_t n_line = sizeof line.entry + 5, n_mark = sizeof mark.entry;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        AUTO(journal_closep) struct journal *journal = NULL;
        struct instance_name                 name = { "alpha" };
        struct error                         err = { 0 };
        char                                 text[64] = "";
        struct fake                          fake = { .packets = { &line, &mark, &line },
                                                      .n_packet = { n_line, n_mark, n_line },
                                                      .n = cases[i].n,
                                                      .delay_ms = cases[i].delay_ms };
        fake_start(&fake, tree->paths.log_socket);
        assert_int_equal(journal_open(&journal, &tree->paths, LOG_SERVER, &name, 10, 0, &err), 0);
        int r = journal_history(journal, cases[i].silence_ms, take_text, text, &err);
        fake_stop(&fake);
        assert_int_equal(r, cases[i].want ? -1 : 0);
        assert_int_equal(err.kind, cases[i].want);
        assert_string_equal(text, cases[i].text);
    }
}

// The log reader is started anew while somebody follows: the second connection begins with what
// has been heard, and the caller learns nothing of it.
static void test_who_follows_goes_on_where_it_was(void **state)
{
    struct host_tree *tree = *state;
    struct packet     first = { { .realtime_us = 5, .priority = 6, .n_text = 1 }, "a" };
    struct packet     again = { { .realtime_us = 7, .priority = 6, .n_text = 1 }, "b" };
    struct packet     fresh = { { .realtime_us = 7, .priority = 6, .n_text = 1 }, "c" };
    struct packet     mark = { { .priority = LOG_PRIORITY_MARK }, "" };
    const size_t      n_line = sizeof first.entry + 1, n_mark = sizeof mark.entry;
    struct fake       fifth = { .n = 0 }; // three that bring nothing: it is not asked again
    struct fake       fourth = { .n = 0, .next = &fifth };
    struct fake       third = { .n = 0, .next = &fourth };
    struct fake       second = { .packets = { &again, &fresh, &mark },
                                 .n_packet = { n_line, n_line, n_mark },
                                 .n = 3,
                                 .next = &third };
    struct fake       fake = { .packets = { &first, &again, &mark },
                               .n_packet = { n_line, n_line, n_mark },
                               .n = 3,
                               .next = &second };
    struct error      err = { 0 };
    char              text[64];

    AUTO(journal_closep) struct journal *journal = NULL;
    struct instance_name                 name = { "alpha" };
    struct journal_line                  line;
    struct log_request                   request;
    bool                                 is_end = false;
    unsigned                             n_marks = 0;

    fake_start(&fake, tree->paths.log_socket);
    assert_int_equal(journal_open(&journal, &tree->paths, LOG_SERVER, &name, 10, LOG_FOLLOW, &err),
                     0);
    *text = '\0';
    while (journal_next(journal, 5000, &line, &is_end, &err) > 0) {
        n_marks += line.is_mark;
        if (!line.is_mark)
            take_text(text, &line);
    }
    fake_stop(&fake);
    assert_true(is_end);
    assert_string_equal(text, "a|b|c|");
    assert_int_equal(n_marks, 1);
    memcpy(&request, second.heard, sizeof request);
    assert_int_equal(request.since_us, 7);
    assert_int_equal(request.n_lines, 0);
    assert_int_equal(request.flags, LOG_FOLLOW | LOG_ALL_RUNS);
}

static void test_an_entry_too_large_is_refused(void **state)
{
    struct host_tree *tree = *state;
    static char       large[sizeof(struct log_entry) + LOG_LINE_BYTES_MAX + 1];
    struct log_entry  entry = { .priority = 6, .n_text = LOG_LINE_BYTES_MAX + 1 };
    struct fake       fake = { .packets = { large }, .n_packet = { sizeof large }, .n = 1 };
    struct error      err = { 0 };
    char              text[64];

    memcpy(large, &entry, sizeof entry);
    assert_int_equal(read_log(tree, &fake, text, sizeof text, &err), -1);
}

#define ON_A_TREE(test) cmocka_unit_test_setup_teardown(test, host_tree_setup, host_tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_TREE(test_a_request_is_one_message_and_the_answer_comes_back),
        ON_A_TREE(test_a_refusal_keeps_its_kind_words_and_numbers),
        ON_A_TREE(test_nonsense_is_an_error_and_no_more),
        ON_A_TREE(test_builds_and_overlays_are_asked_for),
        ON_A_TREE(test_a_list_comes_along),
        ON_A_TREE(test_a_bad_list_is_not_even_sent),
        ON_A_TREE(test_who_is_busy_is_asked_again),
        ON_A_TREE(test_who_is_busy_for_long_is_not),
        cmocka_unit_test(test_a_silent_broker_runs_into_a_deadline),
        ON_A_TREE(test_an_absent_socket_says_what_to_do),
        ON_A_TREE(test_a_bad_stack_is_not_even_sent),
        ON_A_TREE(test_entries_arrive_until_the_mark),
        ON_A_TREE(test_a_log_reader_that_lies_is_left),
        ON_A_TREE(test_a_history_ends_with_its_mark_and_nothing_else),
        ON_A_TREE(test_who_follows_goes_on_where_it_was),
        ON_A_TREE(test_an_entry_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
