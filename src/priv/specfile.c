// SPDX-License-Identifier: MIT
#include "priv/specfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/spec.h"

#define INSTANCES_DIR PROTOCOL_HOST_DIR "/instances"
#define BUILDS_DIR    PROTOCOL_HOST_DIR "/builds"
#define OVERLAYS_DIR  PROTOCOL_HOST_DIR "/overlays"
#define EDITS_DIR     PROTOCOL_HOST_DIR "/edits"

static int open_dir(int *ret, const char *path, struct error *err)
{
    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (*ret < 0)
        return error_sys(err, errno, "opening %s", path);
    return 0;
}

static int write_file(const void *bytes, size_t n, const char *dir, const char *name,
                      struct error *err)
{
    AUTO_FD dir_fd = -1;

    if (open_dir(&dir_fd, dir, err) < 0)
        return -1;
    return fd_replace_file(dir_fd, name, bytes, n, 0644, err);
}

static int remove_file(const char *dir, const char *name, struct error *err)
{
    AUTO_FD dir_fd = -1;

    if (open_dir(&dir_fd, dir, err) < 0)
        return -1;
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return error_sys(err, errno, "removing '%s/%s'", dir, name);
    return 0;
}

int specfile_read_instance(struct instance_spec *ret, const char *name, struct error *err)
{
    AUTO_FD dir_fd = -1;

    if (open_dir(&dir_fd, INSTANCES_DIR, err) < 0)
        return -1;
    if (spec_read_instance(ret, dir_fd, name, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND
               ? error_set(err, ERROR_NOT_FOUND, "nothing has been applied to this instance yet")
               : -1;
}

int specfile_write_instance(const struct instance_spec *spec, struct error *err)
{
    return write_file(spec, sizeof *spec, INSTANCES_DIR, spec->name.text, err);
}

static int count_files(uint32_t *ret, const char *path, struct error *err)
{
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    uint32_t    n = 0;
    int         r;

    if (open_dir(&fd, path, err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0)
        n++;
    *ret = n;
    return r;
}

int specfile_count_instances(uint32_t *ret, struct error *err)
{
    return count_files(ret, INSTANCES_DIR, err);
}

int specfile_remove_instance(const char *name, struct error *err)
{
    return remove_file(INSTANCES_DIR, name, err);
}

int specfile_copy_edit(const char *name, int list_fd, struct error *err)
{
    const int         seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
    AUTO(freep) char *bytes = NULL;
    struct stat       st;

    // What is not memory, or may change, could keep the one who reads it waiting.
    int has = fcntl(list_fd, F_GET_SEALS);
    if (has < 0 || (has & seals) != seals || fstat(list_fd, &st) < 0)
        return error_set(err, ERROR_INVALID, "the list is not sealed memory");
    if (st.st_size <= 0 || st.st_size > EDIT_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "the list is empty, or larger than %u bytes",
                         EDIT_BYTES_MAX);
    bytes = malloc((size_t)st.st_size);
    if (!bytes)
        return error_sys(err, ENOMEM, "taking the list");
    if (pread(list_fd, bytes, (size_t)st.st_size, 0) != st.st_size)
        return error_set(err, ERROR_INVALID, "the list cannot be read");
    return write_file(bytes, (size_t)st.st_size, EDITS_DIR, name, err);
}

int specfile_remove_edit(const char *name, struct error *err)
{
    return remove_file(EDITS_DIR, name, err);
}

int specfile_open_builds(int *ret, struct error *err)
{
    return open_dir(ret, BUILDS_DIR, err);
}

int specfile_read_build(struct build_spec *ret, const char *id, struct error *err)
{
    AUTO_FD dir_fd = -1;

    if (open_dir(&dir_fd, BUILDS_DIR, err) < 0)
        return -1;
    if (spec_read_build(ret, dir_fd, id, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_NOT_FOUND, "there is no such build")
                                        : -1;
}

int specfile_write_build(const struct build_spec *spec, struct error *err)
{
    char name[16];

    snprintf(name, sizeof name, "%u", spec->build);
    return write_file(spec, sizeof *spec, BUILDS_DIR, name, err);
}

int specfile_remove_build(uint32_t build, struct error *err)
{
    char name[16];

    snprintf(name, sizeof name, "%u", build);
    return remove_file(BUILDS_DIR, name, err);
}

int specfile_write_record(const struct instance_spec *spec, struct error *err)
{
    return write_file(spec, sizeof *spec, PROTOCOL_MOUNTED_DIR, spec->name.text, err);
}

bool specfile_has_record(const char *name)
{
    AUTO_FD      dir_fd = -1;
    struct error ignored; // what cannot be seen is taken for mounted

    if (open_dir(&dir_fd, PROTOCOL_MOUNTED_DIR, &ignored) < 0)
        return true;
    return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int specfile_remove_record(const char *name, struct error *err)
{
    return remove_file(PROTOCOL_MOUNTED_DIR, name, err);
}

// ---- overlays -----------------------------------------------------------------------------------

int specfile_read_overlay(struct overlay_spec *ret, uint32_t overlay, struct error *err)
{
    AUTO_FD dir_fd = -1;
    char    name[16];

    snprintf(name, sizeof name, "%u", overlay);
    if (open_dir(&dir_fd, OVERLAYS_DIR, err) < 0)
        return -1;
    if (spec_read_overlay(ret, dir_fd, name, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND
               ? error_set(err, ERROR_NOT_FOUND, "overlay %u does not exist", overlay)
               : -1;
}

int specfile_write_overlay(const struct overlay_spec *spec, struct error *err)
{
    char name[16];

    snprintf(name, sizeof name, "%u", spec->overlay);
    return write_file(spec, sizeof *spec, OVERLAYS_DIR, name, err);
}

int specfile_count_overlays(uint32_t *ret, struct error *err)
{
    return count_files(ret, OVERLAYS_DIR, err);
}

int specfile_remove_overlay(uint32_t overlay, struct error *err)
{
    char name[16];

    snprintf(name, sizeof name, "%u", overlay);
    return remove_file(OVERLAYS_DIR, name, err);
}

static bool is_used_by(const struct instance_spec *spec, uint32_t overlay)
{
    for (uint32_t i = 0; i < spec->stack.n_layers; i++)
        if (spec->stack.layers[i].overlay == overlay)
            return true;
    return false;
}

// Among the specs or records in the directory `path`. One that cannot be read is an error: it may
// be the one.
static int find_user_in(struct instance_name *ret, const char *path, uint32_t overlay,
                        struct error *err)
{
    AUTO_FD              fd = -1;
    AUTO_DIR             dir = NULL;
    const char          *name;
    struct instance_spec spec;
    int                  r;

    if (open_dir(&fd, path, err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (name[0] == '.') // is being written
            continue;
        if (spec_read_instance(&spec, fd, name, err) < 0) {
            if (err->kind == ERROR_NOT_FOUND) // was removed since it was listed
                continue;
            return -1;
        }
        if (is_used_by(&spec, overlay)) {
            *ret = spec.name;
            return 0;
        }
    }
    return r;
}

int specfile_find_user(struct instance_name *ret, uint32_t overlay, struct error *err)
{
    *ret = (struct instance_name){ 0 };
    if (find_user_in(ret, INSTANCES_DIR, overlay, err) < 0)
        return -1;
    return *ret->text ? 0 : find_user_in(ret, PROTOCOL_MOUNTED_DIR, overlay, err);
}

// ---- numbers ------------------------------------------------------------------------------------

// The number handed out last; `first` - 1: none yet.
static int read_counter(uint32_t *ret, const char *file, uint32_t first, struct error *err)
{
    AUTO_FD  dir_fd = -1;
    AUTO_FD  fd = -1;
    uint64_t n_bytes = 0;

    *ret = first - 1;
    if (open_dir(&dir_fd, PROTOCOL_HOST_DIR, err) < 0)
        return -1;
    if (fd_open_file(&fd, &n_bytes, dir_fd, file, err) < 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    if (n_bytes == sizeof *ret && fd_read_exactly(fd, ret, sizeof *ret, err) < 0)
        return -1;
    if (n_bytes != sizeof *ret || *ret < first)
        return error_set(err, ERROR_INVALID, "'%s' was written by another version", file);
    return 0;
}

static int next_number(uint32_t *ret, const char *file, uint32_t first, struct error *err)
{
    uint32_t last = 0;

    if (read_counter(&last, file, first, err) < 0)
        return -1;
    if (last >= NUMBER_MAX)
        return error_set(err, ERROR_FAILED, "the numbers of '%s' are used up", file);
    last++;
    if (write_file(&last, sizeof last, PROTOCOL_HOST_DIR, file, err) < 0)
        return -1;
    *ret = last;
    return 0;
}

int specfile_next_build(uint32_t *ret, struct error *err)
{
    return next_number(ret, "build-counter", 1, err);
}

int specfile_next_overlay(uint32_t *ret, struct error *err)
{
    return next_number(ret, "overlay-counter", GAME_OVERLAY + 1, err);
}
