// SPDX-License-Identifier: MIT
#include "files-world.h"

#include <sodium.h>
#include <sys/wait.h>
#include "base/text.h"
#include "files/uploadstate.h"

#define CHUNK UPLOAD_CHUNK_MIN
#define TOTAL (3u * CHUNK + 100u) // four chunks

static uint8_t content[TOTAL];

static void fill_content(void)
{
    for (size_t i = 0; i < TOTAL; i++)
        content[i] = (uint8_t)(i * 31 + i / 251);
}

static int put(const struct files_world *world, const struct upload_id *id, unsigned chunk,
               struct error *err)
{
    uint64_t offset = (uint64_t)chunk * CHUNK;
    size_t   n = MIN(CHUNK, TOTAL - offset);
    uint8_t  hash[UPLOAD_HASH];

    crypto_hash_sha256(hash, content + offset, n);
    return upload_put(world->space, id->text, offset, content + offset, n, hash, err);
}

static struct upload_id begin(const struct files_world *world, struct upload_options options)
{
    struct upload_id id;
    struct error     err = { 0 };

    options.chunk_bytes = CHUNK;
    options.total = TOTAL;
    if (upload_begin(&id, world->space, &options, &err) < 0)
        fail_msg("%s", err.message);
    return id;
}

static void check_content(const struct files_world *world, const char *path)
{
    AUTO(freep) uint8_t *bytes = malloc(TOTAL + 1);

    assert_int_equal(files_read(bytes, TOTAL + 1, world, path), TOTAL);
    assert_memory_equal(bytes, content, TOTAL);
}

static void check_nothing_left(const struct files_world *world)
{
    struct upload_id ids[UPLOADS_MAX];
    struct error     err = { 0 };
    unsigned         n = 9;

    assert_int_equal(upload_list(ids, &n, world->space, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(files_staged(world), 0);
    files_check_usage(world);
}

static void test_chunks_in_any_order_and_repeated(void **state)
{
    static const unsigned orders[][8] = { { 0, 1, 2, 3 },
                                          { 3, 2, 1, 0 },
                                          { 2, 2, 0, 3, 0, 1, 1, 2 } };
    struct files_world    world = files_open(state, NULL);
    struct error          err = { 0 };
    uint8_t               hash[UPLOAD_HASH];
    struct upload_options options = { .path = "addons/x.vpk", .sha256 = hash, .replaces = true };

    crypto_hash_sha256(hash, content, TOTAL);
    for (size_t i = 0; i < ELEMENTS(orders); i++) {
        struct listing_entry entry;
        struct upload_status status;
        struct upload_id     id = begin(&world, options);
        for (unsigned j = 0; j < (i == 2 ? 8 : 4); j++)
            assert_int_equal(put(&world, &id, orders[i][j], &err), 0);
        assert_int_equal(upload_read_status(&status, world.space, id.text, &err), 0);
        assert_int_equal(status.n_chunks, 4);
        assert_int_equal(status.n_there, 4);
        assert_int_equal(status.is_there[0], 15);
        assert_int_equal(upload_finish(&entry, world.space, id.text, &err), 0);
        assert_int_equal(entry.size, TOTAL);
        check_content(&world, "addons/x.vpk");
        check_nothing_left(&world);
        assert_int_equal(upload_finish(&entry, world.space, id.text, &err), -1);
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
        assert_int_equal(put(&world, &id, 0, &err), -1);
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
    }
    files_close(&world);
}

static void test_a_file_without_bytes(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct upload_options options = { .path = "run", .is_program = true };
    struct listing_entry  entry;
    struct upload_id      id;
    struct error          err = { 0 };

    assert_int_equal(upload_begin(&id, world.space, &options, &err), 0);
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), 0);
    assert_string_equal(files_show(&world), "run*=");
    check_nothing_left(&world);
    files_close(&world);
}

// A client that is killed asks what is there, and sends the rest.
static void test_a_killed_process_loses_no_chunk(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct error         err = { 0 };
    struct upload_id     id = begin(&world, (struct upload_options){ .path = "f" });
    struct upload_status status;
    struct listing_entry entry;

    pid_t pid = fork();
    if (pid == 0) {
        struct files_world mine = files_open(state, NULL);
        if (put(&mine, &id, 1, &err) == 0 && put(&mine, &id, 3, &err) == 0)
            (void)raise(SIGKILL);
        _exit(1);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_string_equal(err.message, "2 of 4 chunks are still missing, the first of them at 0");
    assert_int_equal(upload_read_status(&status, world.space, id.text, &err), 0);
    assert_int_equal(status.n_there, 2);
    assert_int_equal(status.is_there[0], 10);
    assert_string_equal(status.path, "f");
    assert_int_equal(put(&world, &id, 0, &err), 0);
    assert_int_equal(put(&world, &id, 2, &err), 0);
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), 0);
    check_content(&world, "f");
    check_nothing_left(&world);
    files_close(&world);
}

// After a power cut the map may know what the file has lost.
static void test_a_chunk_that_was_lost_is_asked_for_again(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct error         err = { 0 };
    struct upload_id     id = begin(&world, (struct upload_options){ .path = "f" });
    struct upload_status status;
    struct listing_entry entry;
    char                 path[64];

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(put(&world, &id, i, &err), 0);
    snprintf(path, sizeof path, "%s/part", id.text);
    AUTO_FD part = openat(world.space->uploads_fd, path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(part, "lost", 4, CHUNK + 5), 4);
    assert_return_code(ftruncate(part, 3u * CHUNK), errno); // the last one is gone altogether
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), -1);
    assert_string_equal(err.message, "2 of 4 chunks are still missing, the first of them at 65536");
    assert_int_equal(upload_read_status(&status, world.space, id.text, &err), 0);
    assert_int_equal(status.is_there[0], 5);
    assert_int_equal(put(&world, &id, 1, &err), 0);
    assert_int_equal(put(&world, &id, 3, &err), 0);
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), 0);
    check_content(&world, "f");
    check_nothing_left(&world);
    files_close(&world);
}

// Killed between its two steps, finishing is finished by the next one.
static void test_finishing_can_be_repeated(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct error         err = { 0 };
    struct upload_id     id = begin(&world, (struct upload_options){ .path = "f" });
    struct listing_entry entry;
    char                 path[64];

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(put(&world, &id, i, &err), 0);
    snprintf(path, sizeof path, "%s/part", id.text);
    assert_return_code(renameat(world.space->uploads_fd, path, world.space->tree_fd, "f"), errno);
    assert_int_equal(put(&world, &id, 0, &err), -1);
    assert_int_equal(err.kind, ERROR_EXISTS);
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), 0);
    check_content(&world, "f");
    check_nothing_left(&world);
    files_close(&world);
}

static void test_wrong_chunks_are_refused(void **state)
{
    struct files_world world = files_open(state, NULL);
    struct upload_id   id = begin(&world, (struct upload_options){ .path = "f" });
    uint8_t            hash[UPLOAD_HASH] = { 1 };
    static const struct {
        uint64_t    offset;
        size_t      n;
        const char *want;
    } rows[] = {
        { 0, CHUNK, "came damaged" },
        { 0, CHUNK - 1, "instead of" },
        { 0, CHUNK + 1, "instead of" },
        { 1, CHUNK, "no chunk begins" },
        { 3 * CHUNK, CHUNK, "instead of 100" },
        { 3 * CHUNK, 99, "instead of 100" },
        { 4 * CHUNK, 1, "no chunk begins" },
        { UINT64_MAX - CHUNK + 1, CHUNK, "no chunk begins" },
        { 0, 0, "instead of" },
    };
    static uint8_t bytes[CHUNK + 1];

    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct error err = { 0 };
        if (upload_put(world.space, id.text, rows[i].offset, bytes, rows[i].n, hash, &err) == 0 ||
            !strstr(err.message, rows[i].want))
            fail_msg("row %zu: %s", i, err.message);
    }
    static const char *const ids[] = { "",
                                       ".",
                                       "..",
                                       "../tree",
                                       "0123456789abcdef0123456789abcdeF",
                                       "0123456789abcdef0123456789abcdef" };
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        struct error err = { 0 };
        assert_int_equal(upload_put(world.space, ids[i], 0, bytes, 1, hash, &err), -1);
        assert_int_equal(err.kind, ERROR_NOT_FOUND);
        assert_int_equal(upload_abort(world.space, ids[i], &err), 0);
    }
    struct error err = { 0 };
    assert_int_equal(upload_abort(world.space, id.text, &err), 0);
    check_nothing_left(&world);
    files_close(&world);
}

static void test_the_hash_of_the_whole(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct error         err = { 0 };
    uint8_t              wrong[UPLOAD_HASH] = { 1 };
    struct listing_entry entry;
    struct upload_id id = begin(&world, (struct upload_options){ .path = "f", .sha256 = wrong });

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(put(&world, &id, i, &err), 0);
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), -1);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_non_null(strstr(err.message, "the hash that was announced"));
    assert_string_equal(files_show(&world), "");
    assert_int_equal(upload_abort(world.space, id.text, &err), 0);
    check_nothing_left(&world);
    files_close(&world);
}

static void test_limits_of_a_beginning(void **state)
{
    const struct space_limits limits = { MIB(4), 100000, MIB(3) };
    struct files_world        world = files_open(state, &limits);
    struct listing_entry      entry;
    struct upload_id          id;
    struct error              err = { 0 };
    uint8_t                   hash[UPLOAD_HASH] = { 0 };

    (void)hash;
    files_put(&world, "there", "x");
    assert_int_equal(listing_look(&entry, world.space, "there", &err), 0);
    const struct {
        struct upload_options options;
        enum error_kind       want;
    } rows[] = {
        { { "a", MIB(3), 0, NULL, false, NULL, false }, ERROR_NONE },
        { { "a", MIB(3) + 1, 0, NULL, false, NULL, false }, ERROR_NO_SPACE },
        { { "a", 1, UPLOAD_CHUNK_MIN, NULL, false, NULL, false }, ERROR_NONE },
        { { "a", 1, UPLOAD_CHUNK_MIN - 1, NULL, false, NULL, false }, ERROR_INVALID },
        { { "a", 1, UPLOAD_CHUNK_MAX, NULL, false, NULL, false }, ERROR_NONE },
        { { "a", 1, UPLOAD_CHUNK_MAX + 1, NULL, false, NULL, false }, ERROR_INVALID },
        { { "../a", 1, 0, NULL, false, NULL, false }, ERROR_INVALID },
        { { ".left4me", 1, 0, NULL, false, NULL, false }, ERROR_INVALID },
        { { "there", 1, 0, NULL, false, NULL, false }, ERROR_EXISTS },
        { { "there", 1, 0, NULL, true, NULL, false }, ERROR_NONE },
        { { "there", 1, 0, NULL, true, entry.etag.text, false }, ERROR_NONE },
        { { "there", 1, 0, NULL, true, "1-2-3", false }, ERROR_EXISTS },
        { { "there/x", 1, 0, NULL, true, NULL, false }, ERROR_INVALID },
        { { "no/such/dir/a", 1, 0, NULL, false, NULL, false }, ERROR_NONE },
        { { "no/such", 1, 0, NULL, true, "1-2-3", false }, ERROR_NOT_FOUND },
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        err = (struct error){ 0 };
        int r = upload_begin(&id, world.space, &rows[i].options, &err);
        if ((r < 0) != (rows[i].want != ERROR_NONE) || err.kind != rows[i].want)
            fail_msg("row %zu: %d %s", i, r, err.message);
        if (r == 0)
            assert_int_equal(upload_abort(world.space, id.text, &err), 0);
    }
    check_nothing_left(&world);
    // What is under way counts: 3 MiB and 1 MiB do not fit beside "there".
    struct upload_options large = { .path = "a", .total = MIB(3) },
                          small = { .path = "b", .total = MIB(1) };
    assert_int_equal(upload_begin(&id, world.space, &large, &err), 0);
    assert_int_equal(upload_begin(&id, world.space, &small, &err), -1);
    assert_int_equal(err.kind, ERROR_NO_SPACE);
    small.total = MIB(1) - 16384;
    assert_int_equal(upload_begin(&id, world.space, &small, &err), 0);
    files_close(&world);
}

static void test_the_number_of_uploads_is_limited_and_old_ones_go(void **state)
{
    struct files_world    world = files_open(state, NULL);
    struct upload_options options = { .path = "a", .total = 1 };
    struct upload_id      id, first = { "" };
    struct upload_status  status;
    struct error          err = { 0 };
    unsigned              n = 0;

    for (unsigned i = 0; i < UPLOADS_MAX; i++)
        assert_int_equal(upload_begin(i ? &id : &first, world.space, &options, &err), 0);
    assert_int_equal(upload_begin(&id, world.space, &options, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);

    // One is older than the others, and one was killed before it was made.
    char            path[64];
    struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    snprintf(path, sizeof path, "%s/map", first.text);
    assert_return_code(utimensat(world.space->uploads_fd, path, old, 0), errno);
    assert_return_code(mkdirat(world.space->uploads_fd, "00112233445566778899aabbccddeeff", 0700),
                       errno);
    assert_return_code(
        utimensat(world.space->uploads_fd, "00112233445566778899aabbccddeeff", old, 0), errno);
    unit_write(world.space->uploads_fd, "00112233445566778899aabbccddee00/state", "damaged");
    assert_return_code(
        utimensat(world.space->uploads_fd, "00112233445566778899aabbccddee00", old, 0), errno);
    assert_int_equal(upload_sweep(&n, world.space, 1000, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(upload_sweep(&n, world.space, 1001, &err), 0);
    assert_int_equal(n, 3);
    assert_int_equal(upload_read_status(&status, world.space, first.text, &err), -1);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    assert_int_equal(upload_begin(&id, world.space, &options, &err), 0);
    files_close(&world);
}

// An archive that is only to be unpacked never becomes part of the tree.
static void test_an_upload_without_a_place_can_be_read(void **state)
{
    struct files_world   world = files_open(state, NULL);
    struct error         err = { 0 };
    struct listing_entry entry;
    struct upload_id     id = begin(&world, (struct upload_options){ .path = "" });
    AUTO_FD              fd = -1;
    uint8_t              first[16];

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(put(&world, &id, i, &err), 0);
    assert_int_equal(upload_open(&fd, world.space, id.text, &err), -1);
    assert_int_equal(err.kind, ERROR_BUSY);
    assert_int_equal(put(&world, &id, 3, &err), 0);
    assert_int_equal(upload_open(&fd, world.space, id.text, &err), 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(pread(fd, first, sizeof first, 1000), sizeof first);
    assert_memory_equal(first, content + 1000, sizeof first);
    assert_int_equal(upload_finish(&entry, world.space, id.text, &err), -1);
    assert_int_equal(upload_abort(world.space, id.text, &err), 0);
    assert_string_equal(files_show(&world), "");
    check_nothing_left(&world);
    files_close(&world);
}

static void test_only_a_whole_state_is_read(void **state)
{
    struct files_world  world = files_open(state, NULL);
    struct upload_state good, got;
    struct error        err = { 0 };
    struct upload_id    id = begin(&world, (struct upload_options){ .path = "cfg/a" });
    char                path[64];
    static const struct {
        size_t  at;
        uint8_t byte;
    } damages[] = {
        { offsetof(struct upload_state, magic), 0 },
        { offsetof(struct upload_state, n_bytes), 0 },
        { offsetof(struct upload_state, total) + 7, 1 },
        { offsetof(struct upload_state, chunk_bytes) + 3, 1 },
        { offsetof(struct upload_state, flags) + 1, 1 },
        { offsetof(struct upload_state, only_if) + 1, 'x' },
        { offsetof(struct upload_state, path), '/' },
        { offsetof(struct upload_state, path), '\0' },
        { offsetof(struct upload_state, path) + 2, '\n' },
        { offsetof(struct upload_state, path) + UPLOAD_PATH - 1, 'x' },
        { offsetof(struct upload_state, zero), 1 },
    };

    snprintf(path, sizeof path, "%s/state", id.text);
    AUTO_FD fd = openat(world.space->uploads_fd, path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &good, sizeof good), sizeof good);
    assert_int_equal(upload_state_parse(&got, &good, sizeof good, &err), 0);
    for (size_t n = 0; n < sizeof good; n++)
        assert_int_equal(upload_state_parse(&got, &good, n, &err), -1);
    for (size_t i = 0; i < ELEMENTS(damages); i++) {
        struct upload_state bad = good;
        ((uint8_t *)&bad)[damages[i].at] = damages[i].byte;
        if (upload_state_parse(&got, &bad, sizeof bad, &err) == 0)
            fail_msg("damage %zu", i);
        assert_int_equal(err.kind, ERROR_INVALID);
    }
    files_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_chunks_in_any_order_and_repeated),
        IN_DIR(test_a_file_without_bytes),
        IN_DIR(test_a_killed_process_loses_no_chunk),
        IN_DIR(test_a_chunk_that_was_lost_is_asked_for_again),
        IN_DIR(test_finishing_can_be_repeated),
        IN_DIR(test_wrong_chunks_are_refused),
        IN_DIR(test_the_hash_of_the_whole),
        IN_DIR(test_limits_of_a_beginning),
        IN_DIR(test_the_number_of_uploads_is_limited_and_old_ones_go),
        IN_DIR(test_an_upload_without_a_place_can_be_read),
        IN_DIR(test_only_a_whole_state_is_read),
    };

    fill_content();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
