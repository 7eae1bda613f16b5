// SPDX-License-Identifier: MIT
// bench-files: what it costs to work in the tree of a files overlay.
//
// usage: bench-files DIRECTORY ROUNDS LEFT4ME-UNPACK
//
// The directory must be empty and on a real file system. Prints a line a case, its fields between
// tabs: what was done, bytes that went through it, the microseconds of each round, what it is
// compared with, and the microseconds of that, round by round beside ours.

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/number.h"
#include "base/protocol.h"
#include "files/arrange.h"
#include "files/edit.h"
#include "files/extract.h"
#include "files/layer.h"
#include "files/listing.h"
#include "files/zip.h"

#define ROUNDS_MAX   1000u
#define SAVE_BYTES   10240u
#define LISTED       10000u
#define PACKED       1000u
#define PACKED_BYTES 16384u

static const char   *root, *unpack_program;
static struct space *space;
static int           root_fd;

static void die(const struct error *err)
{
    (void)fprintf(stderr, "bench-files: %s\n", err->message);
    exit(1);
}

static void must(bool is_done, const char *what)
{
    if (is_done)
        return;
    perror(what);
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// What no packer makes much smaller than a third.
static void fill(char *bytes, size_t n, uint32_t salt)
{
    uint32_t x = salt * 2654435761u + 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 28 ? "abcdefghijklmnop"[x >> 24 & 15] : ' ');
    }
}

static void run(const char *format) // "%s" stands for the directory
{
    char command[1024] = "", *to = command;

    for (const char *c = format; *c && to < command + sizeof command - 300; c++) {
        if (c[0] == '%' && c[1] == 's') {
            to += snprintf(to, 256, "%s", root);
            c++;
        } else {
            *to++ = *c;
        }
    }
    *to = '\0';
    must(system(command) == 0, command); // the directory is the caller's word
}

// ---- cases ------------------------------------------------------------------------------------

static void save(void)
{
    static char               bytes[SAVE_BYTES];
    const struct edit_options options = { .makes_parents = true };
    struct listing_entry      entry;
    struct error              err;

    if (edit_save(&entry, space, "cfg/server.cfg", bytes, sizeof bytes, &options, &err) < 0)
        die(&err);
}

// What any program does that cares: write, sync, rename. Neither lock nor quota.
static void save_bare(void)
{
    static char  bytes[SAVE_BYTES];
    struct error err;

    if (fd_replace_file(root_fd, "bare", bytes, sizeof bytes, 0640, &err) < 0)
        die(&err);
    must(fsync(root_fd) == 0, "fsync");
}

static void list(void)
{
    AUTO(listing_freep) struct listing *listing = NULL;
    struct error                        err;

    if (listing_read(&listing, space, "many", NULL, LISTED, &err) < 0)
        die(&err);
}

static void list_bare(void)
{
    run("ls -l %s/tree/many >/dev/null");
}

static void extract(void)
{
    struct extract_options options = { .program = unpack_program, .path = "unpacked" };
    struct extract_result  result;
    struct error           err;
    AUTO_FD                fd = openat(root_fd, "packed.zip", O_RDONLY | O_CLOEXEC);

    if (extract_run(&result, space, fd, &options, &err) < 0)
        die(&err);
}

static void extract_again(void)
{
    struct error err;

    run("rm -rf %s/out");
    if (arrange_remove(space, "unpacked", true, &err) < 0 && err.kind != ERROR_NOT_FOUND)
        die(&err);
    sync(); // what was removed is nobody's work
}

static void extract_unzip(void)
{
    run("unzip -q %s/packed.zip -d %s/out && sync -f %s/out");
}

static void extract_bsdtar(void)
{
    run("mkdir %s/out && bsdtar -xf %s/packed.zip -C %s/out && sync -f %s/out");
}

static void zip(int level)
{
    struct zip_options options = { .level = level };
    struct zip_counts  counts;
    struct error       err;
    AUTO_FD            fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (zip_write(&counts, space, "pack", fd, &options, &err) < 0)
        die(&err);
}

static void zip_1(void)
{
    zip(1);
}

static void zip_6(void)
{
    zip(6);
}

static void zip_1_bsdtar(void)
{
    run("bsdtar -c -C %s/tree --format zip --options zip:compression-level=1 -f /dev/null pack");
}

static void zip_6_bsdtar(void)
{
    run("bsdtar -c -C %s/tree --format zip --options zip:compression-level=6 -f /dev/null pack");
}

// A tree of which one file changed since its last generation.
static void layer(void)
{
    static const struct copytree_limits limits = { LAYER_BYTES_MAX, LAYER_BYTES_MAX,
                                                   LAYER_ENTRIES_MAX, LAYER_DEPTH_MAX };
    static char                         host[300];
    struct layer_paths                  paths = { root, host };
    struct layer_watch                  watch = { NULL, NULL };
    struct copytree_counts              counts;
    struct error                        err;

    (void)snprintf(host, sizeof host, "%s/host", root);
    if (layer_build(&counts, 1, &paths, &limits, &watch, &err) < 0)
        die(&err);
}

static void layer_cp(void)
{
    run("rm -rf %s/copy && cp -a %s/tree/pack %s/copy");
}

static const struct {
    const char *name, *beside; // beside: NULL: nothing
    uint64_t    bytes;
    void (*ours)(void), (*other)(void), (*between)(void);
} cases[] = {
    { "save 10 KB", "write, sync, rename", SAVE_BYTES, save, save_bare, NULL },
    { "list 10,000 entries", "ls -l", 0, list, list_bare, NULL },
    { "unpack a zip of 1,000 files", "unzip and sync", 0, extract, extract_unzip, extract_again },
    { "", "bsdtar and sync", 0, extract, extract_bsdtar, extract_again },
    { "zip 1,000 files, level 1", "bsdtar", PACKED *PACKED_BYTES, zip_1, zip_1_bsdtar, NULL },
    { "zip 1,000 files, level 6", "bsdtar", PACKED *PACKED_BYTES, zip_6, zip_6_bsdtar, NULL },
    { "left4me-files, one of 1,000 files changed", "cp -a", 0, layer, layer_cp, NULL },
};

// ---- the tree ---------------------------------------------------------------------------------

static void make_file(const char *path, const char *bytes, size_t n)
{
    AUTO_FD fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, path);
}

static void make_tree(void)
{
    static char bytes[PACKED_BYTES];
    char        path[64];

    for (unsigned i = 0; i < LISTED; i++) {
        if (i == 0)
            must(mkdirat(root_fd, "tree/many", 0750) == 0, "mkdir");
        (void)snprintf(path, sizeof path, "tree/many/file-%05u.txt", i * 7919 % LISTED);
        make_file(path, "x", 1);
    }
    must(mkdirat(root_fd, "tree/pack", 0750) == 0, "mkdir");
    for (unsigned i = 0; i < PACKED; i++) {
        (void)snprintf(path, sizeof path, "tree/pack/d%u", i / 20);
        if (i % 20 == 0)
            must(mkdirat(root_fd, path, 0750) == 0, "mkdir");
        (void)snprintf(path, sizeof path, "tree/pack/d%u/f%u.txt", i / 20, i);
        fill(bytes, sizeof bytes, i);
        make_file(path, bytes, sizeof bytes);
    }
}

static void make_archive(void)
{
    struct zip_options options = { .level = 6 };
    struct zip_counts  counts;
    struct error       err;
    AUTO_FD fd = openat(root_fd, "packed.zip", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    if (zip_write(&counts, space, "pack", fd, &options, &err) < 0)
        die(&err);
}

static void make_build(void)
{
    struct build_spec spec = {
        PROTOCOL_MAGIC, sizeof spec, 1, BUILD_UPDATE, 1, 1, 2, 1, .output_max_bytes = OUTPUT_MAX_MAX
    };

    run("mkdir -p %s/builds/1/upper %s/overlays/1 %s/builds/1/source %s/host/builds");
    run("cp -a %s/tree/pack %s/builds/1/source/tree && cp -a %s/tree/pack %s/overlays/1/1 && "
        "touch %s/builds/1/source/tree/d0/f0.txt");
    make_file("host/builds/1", (const char *)&spec, sizeof spec);
}

// -----------------------------------------------------------------------------------------------

static void print(const uint64_t *took, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)printf("%s%" PRIu64, i ? " " : "\t", took[i]);
}

static void measure(size_t i, unsigned n_rounds)
{
    static uint64_t ours[ROUNDS_MAX], others[ROUNDS_MAX];

    for (unsigned round = 0; round <= n_rounds; round++) { // the first one is for warming up
        unsigned at = round ? round - 1 : 0;
        if (cases[i].between)
            cases[i].between();
        uint64_t from = now_us();
        cases[i].ours();
        ours[at] = now_us() - from;
        from = now_us();
        cases[i].other();
        others[at] = now_us() - from;
    }
    (void)printf("%s\t%" PRIu64, cases[i].name, cases[i].bytes);
    print(ours, n_rounds);
    (void)printf("\t%s", cases[i].beside);
    print(others, n_rounds);
    (void)puts("");
}

int main(int argc, char **argv)
{
    static const struct space_limits limits = { UINT64_C(1) << 40, 1000000, UINT64_C(1) << 40 };
    struct error                     err;
    uint32_t                         n_rounds = 0;

    if (argc != 4 || number_parse_u32(&n_rounds, argv[2], 1, ROUNDS_MAX, &err) < 0) {
        (void)fputs("usage: bench-files DIRECTORY ROUNDS LEFT4ME-UNPACK\n", stderr);
        return 2;
    }
    root = argv[1];
    unpack_program = argv[3];
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(root_fd >= 0, root);
    if (space_open(&space, root_fd, &limits, &err) < 0)
        die(&err);
    make_tree();
    make_archive();
    make_build();
    sync();
    for (size_t i = 0; i < ELEMENTS(cases); i++)
        measure(i, n_rounds);
    return 0;
}
