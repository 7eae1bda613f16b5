// SPDX-License-Identifier: MIT
// bench-pak: how fast archives are opened and checked, and KeyValues read.
//
// usage: bench-pak DIRECTORY ROUNDS. Makes archives in the directory, which stay in memory if there
// is enough. Prints one line a case: name, bytes, and microseconds of each round; behind some of
// them the line of another program that reads the same file, in the same rounds. The first round,
// which is for warming up, is not told.

#include <fcntl.h>
#include <inttypes.h>
#include <md5.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/number.h"
#include "pak/crc32.h"
#include "pak/kv.h"
#include "pak/vpkcheck.h"

#define ROUNDS_MAX  100u
#define FILE_MAX    4194304u // bytes of a file in an archive
#define FOLDER_SIZE 20u

extern char **environ;

static const struct archive {
    const char *name, *what;
    unsigned    version;
    uint32_t    n_files, file_bytes;
    const char *beside; // reads as much; NULL: its directory alone is what is measured
} archives[] = {
    { "large.vpk", "check, 64 files of 4 MB", 1, 64, 4194304, "cksum" },
    { "small.vpk", "check, 60000 files of 4 KB", 1, 60000, 4096, "cksum" },
    { "sums.vpk", "check, 64 files of 2 MB, with the MD5 of version 2", 2, 64, 2097152, "md5sum" },
    { "many.vpk", "open, 65536 entries", 1, 65536, 0, NULL },
};

static uint8_t bytes[FILE_MAX + 65536];
static FILE   *out;
static MD5_CTX sum; // of what was written to it

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void fail(const struct error *err)
{
    (void)fprintf(stderr, "bench-pak: %s\n", err->message);
    exit(1);
}

// --- archives ---------------------------------------------------------------------------------

static void put(const void *from, size_t n)
{
    if (fwrite(from, 1, n, out) != n)
        die("writing an archive");
    MD5Update(&sum, from, n);
}

// Paths as they are in add-ons: few folders with long names, files in no order.
static size_t make_tree(uint8_t *tree, const struct archive *archive)
{
    size_t n = 0;

    n += (size_t)sprintf((char *)tree, "vmt") + 1;
    for (uint32_t i = 0; i < archive->n_files; i++) {
        uint32_t in_archive = 0x7fff0000, end = 0xffff, offset = i * archive->file_bytes;
        uint32_t crc32 = crc32_update(0, bytes + i % 65536, archive->file_bytes);
        if (i % FOLDER_SIZE == 0)
            n += (size_t)sprintf((char *)tree + n, "materials/models/weapons/set%05" PRIu32,
                                 i / FOLDER_SIZE) +
                 1;
        n += (size_t)sprintf((char *)tree + n, "file_%08" PRIx32, i * 2654435761u) + 1;
        memcpy(tree + n, &crc32, 4);
        memcpy(tree + n + 4, &in_archive, 4);
        memcpy(tree + n + 8, &offset, 4);
        memcpy(tree + n + 12, &archive->file_bytes, 4);
        memcpy(tree + n + 16, &end, 2);
        n += 18;
        if (i % FOLDER_SIZE == FOLDER_SIZE - 1 || i == archive->n_files - 1)
            tree[n++] = 0;
    }
    tree[n++] = 0;
    tree[n++] = 0;
    return n;
}

static void put_sums(const uint8_t *tree, size_t n_tree)
{
    uint8_t md5[3][MD5_DIGEST_LENGTH];
    MD5_CTX other;

    MD5Init(&other);
    MD5Update(&other, tree, n_tree);
    MD5Final(md5[0], &other);
    MD5Init(&other);
    MD5Final(md5[1], &other);
    put(md5, 2 * sizeof *md5);
    MD5Final(md5[2], &sum);
    put(md5[2], sizeof *md5);
}

static void make_archive(int dir_fd, const struct archive *archive)
{
    uint8_t *tree = malloc(archive->n_files * 96 + 16);
    int      fd = openat(dir_fd, archive->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!tree || !out)
        die(archive->name);
    size_t   n = make_tree(tree, archive);
    uint32_t header[] = {
        0x55aa1234, archive->version, (uint32_t)n, archive->n_files * archive->file_bytes, 0, 48, 0
    };
    MD5Init(&sum);
    put(header, archive->version == 1 ? 12 : 28);
    put(tree, n);
    for (uint32_t i = 0; i < archive->n_files; i++)
        put(bytes + i % 65536, archive->file_bytes);
    if (archive->version == 2)
        put_sums(tree, n);
    if (fclose(out) != 0)
        die(archive->name);
    free(tree);
}

// --- measuring --------------------------------------------------------------------------------

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t time_archive(int dir_fd, const struct archive *archive)
{
    struct vpk        *vpk = NULL;
    struct vpk_checked checked;
    struct error       err;
    uint64_t           from = now_us();

    if (vpk_open(&vpk, dir_fd, archive->name, &err) < 0)
        fail(&err);
    if (archive->beside && vpk_check(&checked, vpk, NULL, &err) < 0)
        fail(&err);
    uint64_t took = now_us() - from;
    vpk = vpk_close(vpk);
    return took;
}

static uint64_t time_program(const char *program, const char *dir, const char *name)
{
    char                       path[600];
    posix_spawn_file_actions_t actions;
    pid_t                      pid;
    int                        status;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    char *words[] = { strdup(program), path, NULL };
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) != 0)
        die("posix_spawn");
    uint64_t from = now_us();
    if (posix_spawnp(&pid, program, &actions, NULL, words, environ) != 0 ||
        waitpid(pid, &status, 0) < 0 || status != 0)
        die(program);
    uint64_t took = now_us() - from;
    (void)posix_spawn_file_actions_destroy(&actions);
    free(words[0]);
    return took;
}

static void show(const char *what, uint64_t n_bytes, const uint64_t *took_us, unsigned rounds)
{
    (void)printf("%s: %" PRIu64, what, n_bytes);
    for (unsigned i = 1; i < rounds; i++)
        (void)printf(" %" PRIu64, took_us[i]);
    (void)printf("\n");
}

static void bench_archive(int dir_fd, const char *dir, const struct archive *archive,
                          unsigned rounds)
{
    uint64_t n_bytes = (uint64_t)archive->n_files * archive->file_bytes;
    uint64_t ours[ROUNDS_MAX + 1], theirs[ROUNDS_MAX + 1];

    make_archive(dir_fd, archive);
    for (unsigned i = 0; i < rounds; i++) {
        ours[i] = time_archive(dir_fd, archive);
        theirs[i] = archive->beside ? time_program(archive->beside, dir, archive->name) : 0;
    }
    show(archive->what, n_bytes, ours, rounds);
    if (archive->beside)
        show(archive->beside, n_bytes, theirs, rounds);
    (void)unlinkat(dir_fd, archive->name, 0); // the next one may want the room
}

// --- KeyValues --------------------------------------------------------------------------------

static size_t make_text(char *text, size_t n_max)
{
    size_t n = (size_t)sprintf(text, "\"mission\"\n{\n");

    for (unsigned i = 0; n + 200 < n_max; i++)
        n += (size_t)sprintf(text + n,
                             "\t\"%u\"\n\t{\n\t\t\"Map\"\t\"c%um1_somewhere\" // a comment\n"
                             "\t\tDisplayName\t\"The \\\"street\\\" and what is behind it\"\n"
                             "\t\t\"Image\"\t\"maps/c%um1\"\n\t}\n",
                             i, i, i);
    return n + (size_t)sprintf(text + n, "}\n");
}

static void bench_kv(unsigned rounds)
{
    char        *text = malloc(KV_BYTES_MAX);
    struct kv   *kv = NULL;
    struct error err;
    uint64_t     took[ROUNDS_MAX + 1];

    if (!text)
        die("KeyValues");
    size_t n = make_text(text, KV_BYTES_MAX);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t from = now_us();
        if (kv_parse(&kv, (const uint8_t *)text, n, &err) < 0)
            fail(&err);
        took[i] = now_us() - from;
        kv = kv_free(kv);
    }
    show("KeyValues, 4 MB", n, took, rounds);
    free(text);
}

int main(int argc, char **argv)
{
    struct error err;
    uint32_t     rounds = 0;

    if (argc != 3 || number_parse_u32(&rounds, argv[2], 1, ROUNDS_MAX, &err) < 0) {
        (void)fputs("usage: bench-pak DIRECTORY ROUNDS\n", stderr);
        return 2;
    }
    int dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        die(argv[1]);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 15);
    for (size_t i = 0; i < ELEMENTS(archives); i++)
        bench_archive(dir_fd, argv[1], &archives[i], rounds + 1);
    bench_kv(rounds + 1);
    (void)close(dir_fd); // it was only read
    return 0;
}
