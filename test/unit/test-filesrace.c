// SPDX-License-Identifier: MIT
#include "files-world.h"
#include "archive-maker.h"

#include <pthread.h>
#include <sys/syscall.h>
#include "files/extract.h"
#include "files/upload.h"
#include "files/zip.h"

// While one thread swaps a directory of the tree for a symbolic link that leads out, and back, the
// others do everything there is to do with it. Counted in rounds, not in time: whatever the order,
// nothing outside is read, made, changed or removed.

#define ROUNDS 160u

static const char *program; // left4me-unpack

struct race {
    struct unit_dir *dir;
    bool             is_over; // set and read atomically
};

// "d" and "evil" change places: one is a directory, one a link to ../../outside.
static void *swap(void *user)
{
    struct race *race = user;

    while (!__atomic_load_n(&race->is_over, __ATOMIC_RELAXED))
        assert_return_code(syscall(SYS_renameat2, race->dir->fd, "tree/d", race->dir->fd, "evil",
                                   2 /* RENAME_EXCHANGE */),
                           errno);
    return NULL;
}

static void try_edits(const struct files_world *world, unsigned round)
{
    struct error err;
    char         text[16], name[32];

    snprintf(name, sizeof name, "d/new-%u", round % 7);
    (void)!files_save(world, name, "x", &err);
    ssize_t n = files_read(text, sizeof text, world, "d/file");
    if (n > 0)
        assert_memory_not_equal(text, "secret", MIN(n, 6));
    (void)!arrange_mkdir(world->space, "d/e/f", true, &err);
    (void)!arrange_move(world->space, "d/file", "d/moved", true, &err);
    (void)!arrange_move(world->space, "d/moved", "d/file", true, &err);
    (void)!arrange_remove(world->space, "d/e", true, &err);
    (void)!arrange_remove(world->space, name, true, &err);
}

static void try_listing(const struct files_world *world)
{
    AUTO(listing_freep) struct listing *listing = NULL;
    struct error                        err;

    if (listing_read(&listing, world->space, "d", NULL, 100, &err) < 0)
        return;
    for (size_t i = 0; i < listing->n; i++)
        assert_string_not_equal(listing->entries[i].name, "outside-only");
}

static void try_zip(const struct files_world *world)
{
    static char        bytes[1 << 16];
    struct zip_options options = { 0 };
    struct zip_counts  counts;
    struct error       err;

    AUTO_FD fd = memfd_create("zip", MFD_CLOEXEC);
    (void)!zip_write(&counts, world->space, "", fd, &options, &err);
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    assert_true(n >= 0);
    assert_null(memmem(bytes, (size_t)n, "secret", 6)); // it is stored as it is
}

static void try_upload(const struct files_world *world)
{
    struct upload_options options = { .path = "d/upload", .replaces = true };
    struct listing_entry  entry;
    struct upload_id      id;
    struct error          err;

    if (upload_begin(&id, world->space, &options, &err) < 0)
        return;
    if (upload_finish(&entry, world->space, id.text, &err) < 0)
        (void)!upload_abort(world->space, id.text, &err);
}

static void try_extract(const struct files_world *world)
{
    struct extract_options options = { .program = program, .path = "d", .existing = MERGE_REPLACE };
    struct extract_result  result;
    struct error           err;
    AUTO_FD                fd = archive_make(archive_tar, "f a=1; f e/b=2; f file=3", NULL);

    (void)!extract_run(&result, world->space, fd, &options, &err);
}

static void test_nothing_leads_out(void **state)
{
    struct race        race = { .dir = *state };
    struct files_world world = files_open(state, NULL);
    pthread_t          thread;
    struct error       err = { 0 };
    struct space_usage usage;

    files_put(&world, "d/file", "inside");
    unit_write(race.dir->fd, "outside/file", "secret");
    unit_write(race.dir->fd, "outside/outside-only", "secret");
    unit_write(race.dir->fd, "outside/e/f/g", "secret");
    // From the tree it leads to `outside` beside it, by a path that is short and right.
    assert_return_code(symlinkat("../outside", race.dir->fd, "evil"), errno);
    assert_int_equal(pthread_create(&thread, NULL, swap, &race), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        try_edits(&world, i);
        try_listing(&world);
        if (i % 4 == 0)
            try_zip(&world);
        if (i % 4 == 1)
            try_upload(&world);
        if (i % 8 == 2)
            try_extract(&world);
        (void)!space_read_usage(&usage, world.space, true, &err);
    }
    __atomic_store_n(&race.is_over, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);

    char command[512];
    snprintf(command, sizeof command,
             "cd %s/outside && [ \"$(find . | sort | tr '\\n' ' ')\" = '. ./e ./e/f ./e/f/g ./file "
             "./outside-only ' ] && [ \"$(cat file outside-only e/f/g)\" = secretsecretsecret ] && "
             "[ ! -x file ] && [ $(stat -c %%h file) = 1 ]",
             race.dir->path);
    assert_int_equal(system(command), 0);
    files_close(&world);
}

// ---- the quota --------------------------------------------------------------------------------

#define WRITERS     4u
#define WRITES      24u // of each, far more than fit
#define WRITE_BYTES 262144u

struct writer {
    void   **state;
    unsigned number;
};

static const struct space_limits tight = { MIB(4), 1000, MIB(4) };

// Saves as much as it is let.
static void *write_all(void *user)
{
    const struct writer      *writer = user;
    static char               bytes[WRITE_BYTES];
    const struct edit_options options = { 0 };
    struct files_world        world = files_open(writer->state, &tight);
    struct listing_entry      entry;
    struct error              err;
    char                      name[32];

    for (unsigned i = 0; i < WRITES; i++) {
        snprintf(name, sizeof name, "%u-%u", writer->number, i);
        (void)!edit_save(&entry, world.space, name, bytes, sizeof bytes, &options, &err);
    }
    files_close(&world);
    return NULL;
}

// However many are at it, nobody gets more than a chunk beyond what is left.
static void test_nobody_gets_more_than_there_is(void **state)
{
    struct files_world world = files_open(state, &tight);
    struct writer      writers[WRITERS];
    pthread_t          threads[WRITERS];
    struct space_usage usage;
    struct error       err = { 0 };

    files_put(&world, "d/a", "1");
    AUTO_FD fd = openat(world.space->tree_fd, "d/a", O_WRONLY | O_CLOEXEC);
    assert_return_code(ftruncate(fd, WRITE_BYTES), errno);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ state, i };
        assert_int_equal(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(space_read_usage(&usage, world.space, true, &err), 0);
    assert_in_range(usage.bytes, WRITE_BYTES, tight.bytes_max + WRITERS * SPACE_CHUNK_BYTES);
    assert_int_equal(files_staged(&world), 0);
    files_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_nothing_leads_out),
        IN_DIR(test_nobody_gets_more_than_there_is),
    };

    if (argc != 2)
        return 1;
    program = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
