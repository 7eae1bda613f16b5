// SPDX-License-Identifier: MIT
#include "web/staticfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/hash64.h"

#define HASH_LENGTH 8 // letters

static const struct {
    const char *ending, *type;
} types[] = {
    { ".css", "text/css; charset=utf-8" },
    { ".html", "text/html; charset=utf-8" },
    { ".ico", "image/vnd.microsoft.icon" },
    { ".jpg", "image/jpeg" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".json", "application/json" },
    { ".map", "application/json" },
    { ".png", "image/png" },
    { ".svg", "image/svg+xml" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".wasm", "application/wasm" },
    { ".webmanifest", "application/manifest+json" },
    { ".webp", "image/webp" },
    { ".woff2", "font/woff2" },
};

static const char *const endings[] = { [HTTP_GZIP] = ".gz", [HTTP_BROTLI] = ".br" };

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), n_ending = strlen(ending);

    return n > n_ending && strcmp(text + n - n_ending, ending) == 0;
}

static enum http_coding coding_of(const char *path)
{
    return ends_with(path, endings[HTTP_GZIP])     ? HTTP_GZIP
           : ends_with(path, endings[HTTP_BROTLI]) ? HTTP_BROTLI
                                                   : HTTP_PLAIN;
}

static const char *type_of(const char *path)
{
    for (size_t i = 0; i < ELEMENTS(types); i++)
        if (ends_with(path, types[i].ending))
            return types[i].type;
    return NULL;
}

// Whether a hash ends before `dot`, as Vite makes it, of letters that may be a '-' as well.
static bool has_hash(const char *name, const char *dot)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *hash = dot - HASH_LENGTH;

    return dot - name > HASH_LENGTH + 1 && hash[-1] == '-' && strspn(hash, letters) == HASH_LENGTH;
}

// "assets/NAME-HASH.ending"
static bool is_lasting(const char *path)
{
    const char *name = strrchr(path, '/');

    if (!name || strncmp(path, STATIC_ASSETS, strlen(STATIC_ASSETS)) != 0)
        return false;
    for (const char *dot = strchr(++name, '.'); dot; dot = strchr(dot + 1, '.'))
        if (has_hash(name, dot))
            return true;
    return false;
}

// ---- one file ---------------------------------------------------------------------------------

static void free_file(struct static_file *file)
{
    for (size_t i = 0; i < HTTP_CODINGS; i++)
        free(file->bodies[i].bytes);
    free(file->path);
}

static void set_tag(struct static_body *body)
{
    (void)snprintf(body->tag, sizeof body->tag, "\"%016" PRIx64 "\"",
                   hash64_of(body->bytes, body->n)); // it fits
}

static int grow(struct static_files *files, struct error *err)
{
    static const size_t step = 64;

    if (files->n == STATIC_FILES_MAX)
        return error_set(err, ERROR_INVALID, "there are more than %u files", STATIC_FILES_MAX);
    if (files->n % step != 0)
        return 0;
    struct static_file *grown = reallocarray(files->files, files->n + step, sizeof *grown);
    if (!grown)
        return error_sys(err, ENOMEM, "reading the files of the page");
    files->files = grown;
    return 0;
}

// `name` is in the directory `fd`, `path` is what it is asked by.
static int read_file(struct static_files *files, int fd, const char *name, const char *path,
                     struct error *err)
{
    struct static_file  file = { .there = 1u << HTTP_PLAIN };
    struct static_body *body = &file.bodies[HTTP_PLAIN];

    if (grow(files, err) < 0 ||
        fd_read_file(&body->bytes, &body->n, fd, name, STATIC_BYTES_MAX - files->n_bytes, err) < 0)
        return -1;
    file.path = strdup(path);
    if (!file.path) {
        free_file(&file);
        return error_sys(err, ENOMEM, "reading the files of the page");
    }
    files->n_bytes += body->n;
    set_tag(body);
    files->files[files->n++] = file;
    return 0;
}

// ---- the directories --------------------------------------------------------------------------

static int read_directory(struct static_files *files, int fd, const char *path, unsigned depth,
                          struct error *err);

static int read_entry(struct static_files *files, int fd, const char *name, const char *path,
                      unsigned depth, struct error *err)
{
    struct stat about;
    AUTO_FD     sub = -1;

    if (fstatat(fd, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return error_sys(err, errno, "looking at '%s'", path);
    if (S_ISDIR(about.st_mode) && depth < STATIC_DEPTH_MAX)
        return fd_open_dir(&sub, fd, name, err) < 0
                   ? -1
                   : read_directory(files, sub, path, depth + 1, err);
    if (S_ISREG(about.st_mode) && (type_of(path) || coding_of(path) != HTTP_PLAIN))
        return read_file(files, fd, name, path, err);
    files->n_left_out++;
    return 0;
}

static int read_directory(struct static_files *files, int fd, const char *path, unsigned depth,
                          struct error *err)
{
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        char below[STATIC_PATH_MAX];
        int  n = snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name);
        if (*name == '.' || n < 0 || (size_t)n >= sizeof below)
            files->n_left_out++;
        else if (read_entry(files, fd, name, below, depth, err) < 0)
            return -1;
    }
    return r;
}

// ---- putting them in order --------------------------------------------------------------------

static int by_path(const void *one, const void *other)
{
    return strcmp(((const struct static_file *)one)->path,
                  ((const struct static_file *)other)->path);
}

const struct static_file *static_find(const struct static_files *files, const char *path)
{
    struct static_file key = { .path = (char *)(uintptr_t)path };

    return files->n ? bsearch(&key, files->files, files->n, sizeof key, by_path) : NULL;
}

// What is compressed goes to what it is of. False: that is not there, or it is not smaller.
static bool join(struct static_files *files, struct static_file *file)
{
    enum http_coding coding = coding_of(file->path);
    char             path[STATIC_PATH_MAX];

    (void)snprintf(path, sizeof path, "%.*s", (int)(strlen(file->path) - strlen(endings[coding])),
                   file->path); // it is shorter
    struct static_file *of = (struct static_file *)(uintptr_t)static_find(files, path);
    if (!of || !type_of(path) || file->bodies[HTTP_PLAIN].n >= of->bodies[HTTP_PLAIN].n)
        return false;
    of->bodies[coding] = file->bodies[HTTP_PLAIN];
    file->bodies[HTTP_PLAIN].bytes = NULL;
    of->there |= 1u << coding;
    return true;
}

static void arrange(struct static_files *files)
{
    size_t n = 0;

    if (files->n > 0)
        qsort(files->files, files->n, sizeof *files->files, by_path);
    for (size_t i = 0; i < files->n; i++)
        if (coding_of(files->files[i].path) != HTTP_PLAIN)
            files->n_left_out += !join(files, &files->files[i]);
    for (size_t i = 0; i < files->n; i++) {
        struct static_file file = files->files[i];
        file.type = type_of(file.path);
        file.is_lasting = is_lasting(file.path);
        if (file.type)
            files->files[n++] = file;
        else
            free_file(&file);
    }
    files->n = n;
}

// ---- the whole --------------------------------------------------------------------------------

int static_open(struct static_files **ret, const char *path, struct error *err)
{
    AUTO(static_closep) struct static_files *files = calloc(1, sizeof *files);
    AUTO_FD                                  fd = -1;

    if (!files)
        return error_sys(err, ENOMEM, "reading the files of the page");
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return error_sys(err, errno, "opening the directory of the page, '%s'", path);
    if (fd >= 0 && read_directory(files, fd, "", 0, err) < 0)
        return error_prefix(err, "the page in '%s'", path);
    arrange(files);
    *ret = TAKE(files);
    return 0;
}

struct static_files *static_close(struct static_files *files)
{
    if (!files)
        return NULL;
    for (size_t i = 0; i < files->n; i++)
        free_file(&files->files[i]);
    free(files->files);
    free(files);
    return NULL;
}

void static_closep(struct static_files **files)
{
    *files = static_close(*files);
}

size_t static_count_left_out(const struct static_files *files)
{
    return files->n_left_out;
}
