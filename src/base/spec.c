// SPDX-License-Identifier: MIT
#include "base/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"

// Reads the file `name`, one path component, into `bytes`. One of another size than `n` is another
// version's: it counts as all zeros, which has no magic number and is refused for that.
static int read_whole(void *bytes, size_t n, int dir_fd, const char *name, struct error *err)
{
    AUTO_FD  fd = -1;
    uint64_t n_file = 0;

    if (fd_open_file(&fd, &n_file, dir_fd, name, err) < 0)
        return -1;
    memset(bytes, 0, n);
    if (n_file == n && fd_read_exactly(fd, bytes, n, err) < 0)
        return error_prefix(err, "'%s'", name);
    return 0;
}

int spec_read_instance(struct instance_spec *ret, int dir_fd, const char *name, struct error *err)
{
    struct instance_spec spec;
    struct instance_name wanted;

    if (instance_name_set(&wanted, name, err) < 0 ||
        read_whole(&spec, sizeof spec, dir_fd, name, err) < 0 ||
        spec_check_instance(&spec, &wanted, err) < 0)
        return -1;
    *ret = spec;
    return 0;
}

int spec_check_instance(const struct instance_spec *spec, const struct instance_name *name,
                        struct error *err)
{
    if (spec->magic != PROTOCOL_MAGIC || spec->n_bytes != sizeof *spec)
        return error_set(err, ERROR_INVALID, "the spec of '%s' was written by another version",
                         name->text);
    if (memcmp(&spec->name, name, sizeof *name) != 0)
        return error_set(err, ERROR_INVALID, "the spec of '%s' carries another name", name->text);
    if (spec->is_unsettled > 1 || spec->zero)
        return error_set(err, ERROR_INVALID, "the spec of '%s' is out of range", name->text);
    if (instance_stack_check(&spec->stack, err) < 0)
        return error_prefix(err, "the spec of '%s'", name->text);
    return 0;
}

int spec_read_build(struct build_spec *ret, int dir_fd, const char *name, struct error *err)
{
    struct build_spec spec;
    uint32_t          build = 0;

    if (number_name_parse(&build, name, err) < 0 ||
        read_whole(&spec, sizeof spec, dir_fd, name, err) < 0 ||
        spec_check_build(&spec, build, err) < 0)
        return -1;
    *ret = spec;
    return 0;
}

int spec_read_bound_build(struct build_spec *ret, const char *path, struct error *err)
{
    AUTO_FD           fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct build_spec spec = { 0 };

    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", path);
    if (fd_read_exactly(fd, &spec, sizeof spec, err) < 0)
        return error_prefix(err, "'%s'", path);
    if (spec_check_build(&spec, spec.build, err) < 0)
        return -1;
    *ret = spec;
    return 0;
}

static bool is_number(uint32_t number)
{
    return number > 0 && number <= NUMBER_MAX;
}

int spec_check_build(const struct build_spec *spec, uint32_t build, struct error *err)
{
    if (spec->magic != PROTOCOL_MAGIC || spec->n_bytes != sizeof *spec)
        return error_set(err, ERROR_INVALID,
                         "the spec of build %" PRIu32 " was written by another version", build);
    if (spec->build != build)
        return error_set(err, ERROR_INVALID,
                         "the spec of build %" PRIu32 " carries the number %" PRIu32, build,
                         spec->build);
    if (!is_number(build) || spec->kind == 0 || spec->kind >= BUILD_KIND_COUNT ||
        !is_number(spec->overlay) || spec->base_generation > NUMBER_MAX ||
        !is_number(spec->new_generation) || spec->keep == 0 || spec->zero ||
        spec->flags & ~(BUILD_FRESH | BUILD_HOLD) || spec->output_max_bytes < OUTPUT_MAX_MIN ||
        spec->output_max_bytes > OUTPUT_MAX_MAX)
        return error_set(err, ERROR_INVALID, "the spec of build %" PRIu32 " is out of range",
                         build);
    return 0;
}

int spec_read_overlay(struct overlay_spec *ret, int dir_fd, const char *name, struct error *err)
{
    struct overlay_spec spec;
    uint32_t            overlay = 0;

    if (number_name_parse(&overlay, name, err) < 0 ||
        read_whole(&spec, sizeof spec, dir_fd, name, err) < 0 ||
        spec_check_overlay(&spec, overlay, err) < 0)
        return -1;
    *ret = spec;
    return 0;
}

int spec_check_overlay(const struct overlay_spec *spec, uint32_t overlay, struct error *err)
{
    if (spec->magic != PROTOCOL_MAGIC || spec->n_bytes != sizeof *spec)
        return error_set(err, ERROR_INVALID,
                         "the spec of overlay %" PRIu32 " was written by another version", overlay);
    if (spec->overlay != overlay)
        return error_set(err, ERROR_INVALID,
                         "the spec of overlay %" PRIu32 " carries the number %" PRIu32, overlay,
                         spec->overlay);
    if (!is_number(overlay) || overlay == GAME_OVERLAY || spec->type <= OVERLAY_GAME ||
        spec->type >= OVERLAY_TYPE_COUNT)
        return error_set(err, ERROR_INVALID, "the spec of overlay %" PRIu32 " is out of range",
                         overlay);
    return 0;
}
