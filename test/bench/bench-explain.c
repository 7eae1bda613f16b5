// SPDX-License-Identifier: MIT
// bench-explain: what it costs to explain a large stack, with the index of each layer and without.
//
// usage: bench-explain DIRECTORY, which must be empty and on a real file system. Makes a game with
// half of the files and a pack of many paths, and overlays with an add-on each. Prints a line a
// step: its name, and the least and the median milliseconds of some rounds.

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "content/scan.h"
#include "explain/report.h"
#include "overlay/indexdiff.h"

#define LAYERS        60u
#define FILES         50000u
#define FILES_PER_DIR 40u
#define GAME_ENTRIES  40000u
#define ADDON_ENTRIES 700u
#define ROUNDS        15u

static char          root[256];
static struct layers layers;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

// ---- the stack ---------------------------------------------------------------------------------

static void make_dirs(char *path)
{
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755); // it may be there already
        *slash = '/';
    }
}

static void write_file(uint32_t layer, const char *below, const void *bytes, size_t n)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%" PRIu32 "/%s", root, layer, below);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        make_dirs(path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    }
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        die(path);
    (void)close(fd); // it was written whole
}

// File `i` of a layer: some of each kind that is looked at, the most of no kind at all.
static void make_file(uint32_t layer, uint32_t i)
{
    static const char text[] = "hostname x\nsm_cvar mp_gamemode versus\n// a comment\n";
    char              path[128];

    if (i % 100 == 7)
        (void)snprintf(path, sizeof path,
                       "left4dead2/cfg/sourcemod/plugin_%" PRIu32 "_%" PRIu32 ".cfg", layer, i);
    else if (i % 10 == 3)
        (void)snprintf(path, sizeof path, "left4dead2/addons/sourcemod/plugins/p%" PRIu32 ".smx",
                       i + layer % 7);
    else
        (void)snprintf(path, sizeof path,
                       "left4dead2/materials/models/d%" PRIu32 "/file%" PRIu32 ".vmt",
                       i / FILES_PER_DIR, i);
    write_file(layer, path, text, sizeof text - 1);
}

// A pack, version 1, with empty files.
static void make_pack(uint32_t layer, const char *path, uint32_t n, uint32_t first)
{
    size_t   room = 64 + (size_t)n * 128;
    uint8_t *bytes = calloc(1, room), *next;
    uint32_t directory;

    if (!bytes)
        die("memory");
    memcpy(bytes, "\x34\x12\xaa\x55\x01\0\0\0", 8);
    next = bytes + 12;
    next += sprintf((char *)next, "vmt") + 1;
    for (uint32_t i = 0; i < n; i++) {
        if (i % FILES_PER_DIR == 0) {
            next += i > 0; // an empty name ends the list before
            next += sprintf((char *)next, "materials/models/infected/set%" PRIu32,
                            (first + i) / FILES_PER_DIR) +
                    1;
        }
        next += sprintf((char *)next, "texture_of_something_%" PRIu32, first + i) + 1;
        memcpy(next, &(uint32_t){ i + layer }, 4);
        memcpy(next + 6, "\xff\x7f", 2);
        memcpy(next + 16, "\xff\xff", 2);
        next += 18;
    }
    next += 3; // names, folders, extensions
    directory = (uint32_t)(next - bytes - 12);
    memcpy(bytes + 8, &directory, sizeof directory);
    write_file(layer, path, bytes, (size_t)(next - bytes));
    free(bytes);
}

static void make_layer(uint32_t layer)
{
    bool     is_game = layer == LAYERS - 1;
    uint32_t n = is_game ? FILES / 2 : FILES / 2 / (LAYERS - 1);
    char     path[64];

    for (uint32_t i = 0; i < n; i++)
        make_file(layer, is_game ? i : i + 17 * layer);
    if (is_game) {
        make_pack(layer, "left4dead2/pak01_dir.vpk", GAME_ENTRIES, 0);
        return;
    }
    (void)snprintf(path, sizeof path, "left4dead2/addons/addon_%" PRIu32 ".vpk", layer);
    make_pack(layer, path, ADDON_ENTRIES, layer * 600);
}

static int open_at(const char *format, uint32_t layer, int flags)
{
    char path[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(path, sizeof path, format, root, layer); // the formats are those in this file
#pragma GCC diagnostic pop
    return open(path, flags | O_CLOEXEC);
}

static void open_layers(void)
{
    layers.n = LAYERS;
    for (uint32_t i = 0; i < LAYERS; i++) {
        layers.layer[i] = (struct layer){
            .kind = i == 0 ? LAYER_UPPER : LAYER_OVERLAY,
            .overlay = i == LAYERS - 1 ? GAME_OVERLAY : 10 + i,
            .generation = 1,
            .fd = open_at("%s/%" PRIu32, i, O_RDONLY | O_DIRECTORY),
            .index_fd = i == 0 ? -1 : open_at("%s/%" PRIu32 ".index", i, O_RDONLY),
        };
        if (layers.layer[i].fd < 0)
            die("a layer");
    }
}

// ---- steps -------------------------------------------------------------------------------------

static struct view   *view;
static struct report *report;
static struct index  *game, *game_again;

static void check(int r, const struct error *err)
{
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

static void step_open(struct error *err)
{
    view_free(view);
    view = NULL;
    check(view_open(&view, &layers, err), err);
}

static void step_report(struct error *err)
{
    report_free(report);
    report = NULL;
    check(report_make(&report, view, err), err);
}

static int count(void *user, const struct view_entry *entry, struct error *err)
{
    size_t *n = user;

    (void)entry;
    (void)err;
    ++*n;
    return 0;
}

static size_t n_paths;

static void step_walk(struct error *err)
{
    n_paths = 0;
    check(view_walk(view, count, &n_paths, err), err);
}

static void step_all(struct error *err)
{
    step_open(err);
    step_report(err);
    step_walk(err);
}

static void step_find(struct error *err)
{
    static struct source_list list;

    (void)err;
    sources_find(&list, report->sources,
                 "materials/models/infected/set100/texture_of_something_4012.vmt");
    if (list.n < 2)
        exit(1);
}

static void step_scan_game(struct error *err)
{
    struct scan_options options = scan_generation;

    options.base = game;
    options.is_game = true;
    index_free(game_again);
    game_again = NULL;
    check(scan(&game_again, layers.layer[LAYERS - 1].fd, &options, err), err);
}

static int differ(void *user, const struct index_difference *difference, struct error *err)
{
    (void)user;
    (void)difference;
    (void)err;
    return 0;
}

static void step_diff(struct error *err)
{
    check(index_diff(game, game_again, NULL, differ, NULL, err), err);
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void run(const char *name, void (*step)(struct error *err), unsigned rounds)
{
    double times[ROUNDS];

    for (unsigned i = 0; i < rounds; i++) {
        struct error err = { 0 };
        double       started = now_ms();
        step(&err);
        times[i] = now_ms() - started;
    }
    qsort(times, rounds, sizeof *times, compare_times);
    (void)printf("%-50s %9.3f %9.3f\n", name, times[0], times[rounds / 2]);
}

static void write_indexes(void)
{
    int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (uint32_t i = 1; i < LAYERS; i++) {
        struct index *index = NULL;
        struct error  err = { 0 };
        char          name[32];
        int           fd = open_at("%s/%" PRIu32, i, O_RDONLY | O_DIRECTORY);
        (void)snprintf(name, sizeof name, "%" PRIu32 ".index", i);
        check(scan(&index, fd, &scan_generation, &err), &err);
        check(index_write(index, root_fd, name, &err), &err);
        (void)close(fd);
        if (i == LAYERS - 1)
            game = index;
        else
            index_free(index);
    }
    (void)close(root_fd);
}

int main(int argc, char **argv)
{
    uint64_t n_bytes = 0;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench-explain DIRECTORY\n");
        return 2;
    }
    (void)snprintf(root, sizeof root, "%s", argv[1]);
    for (uint32_t i = 0; i < LAYERS; i++)
        make_layer(i);
    open_layers();
    run("the first scan, without any index", step_open, 3);
    write_indexes();
    open_layers();
    run("the layers, by their indexes", step_open, ROUNDS);
    run("findings, add-ons, campaigns, conflicts", step_report, ROUNDS);
    run("every path, with the layers that have it", step_walk, ROUNDS);
    run("all of these", step_all, ROUNDS);
    run("one path in add-ons and packs", step_find, ROUNDS);
    run("the game scanned over its index", step_scan_game, ROUNDS);
    run("two generations of the game compared", step_diff, ROUNDS);
    for (size_t i = 0; i < LAYERS; i++)
        n_bytes += view_index(view, i) ? index_bytes(view_index(view, i)) : 0;
    (void)printf("%-50s %9.3f\n", "paths", (double)n_paths);
    (void)printf("%-50s %9.3f\n", "bytes of all indexes, MB", (double)n_bytes / 1e6);
    view_free(view);
    report_free(report);
    index_free(game);
    index_free(game_again);
    return 0;
}
