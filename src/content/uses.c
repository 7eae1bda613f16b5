// SPDX-License-Identifier: MIT
#include "content/uses.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/spec.h"

static int uses_add(struct uses *uses, uint32_t number, struct error *err)
{
    if (number == 0 || uses_has(uses, number))
        return 0;
    if (uses->n == USES_MAX)
        return error_set(err, ERROR_INVALID, "more than %u generations are in use", USES_MAX);
    if (uses->n == uses->n_room) {
        uint32_t  n_room = uses->n_room ? 2 * uses->n_room : 64;
        uint32_t *numbers = reallocarray(uses->numbers, n_room, sizeof *numbers);
        if (!numbers)
            return error_sys(err, ENOMEM, "listing generations in use");
        uses->numbers = numbers;
        uses->n_room = n_room;
    }
    uses->numbers[uses->n++] = number;
    return 0;
}

// Adds what the file `name` in `dir_fd` needs.
typedef int add_spec(struct uses *uses, int dir_fd, const char *name,
                     const struct uses_query *query, struct error *err);

static int add_instance(struct uses *uses, int dir_fd, const char *name,
                        const struct uses_query *query, struct error *err)
{
    struct instance_spec spec;

    if (spec_read_instance(&spec, dir_fd, name, err) < 0)
        return -1;
    for (uint32_t i = 0; i < spec.stack.n_layers; i++)
        if (spec.stack.layers[i].overlay == query->overlay &&
            uses_add(uses, spec.stack.layers[i].generation, err) < 0)
            return -1;
    return 0;
}

static int add_build(struct uses *uses, int dir_fd, const char *name,
                     const struct uses_query *query, struct error *err)
{
    struct build_spec spec;

    if (spec_read_build(&spec, dir_fd, name, err) < 0)
        return -1;
    if (spec.overlay != query->overlay || spec.build == query->except_build)
        return 0;
    return uses_add(uses, spec.base_generation, err);
}

// Shows each file of the directory to `add`. Takes `dir_fd`. Names with a dot in front are files
// that are being written.
static int for_each_spec(struct uses *uses, int dir_fd, add_spec *add,
                         const struct uses_query *query, struct error *err)
{
    AUTO_FD     fd = dir_fd;
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        if (name[0] == '.')
            continue;
        if (add(uses, fd, name, query, err) < 0 && err->kind != ERROR_NOT_FOUND)
            return -1; // what is not found was removed since it was listed
    }
    return r;
}

static int collect(struct uses *uses, const struct uses_query *query, struct error *err)
{
    int fd = -1;

    if (fd_open_dir(&fd, query->host_fd, "instances", err) < 0 ||
        for_each_spec(uses, fd, add_instance, query, err) < 0)
        return error_prefix(err, "the instances");
    if (fd_open_dir(&fd, query->host_fd, "builds", err) < 0 ||
        for_each_spec(uses, fd, add_build, query, err) < 0)
        return error_prefix(err, "the builds");
    fd = open(query->mounted_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_sys(err, errno, "opening '%s'", query->mounted_dir);
    if (for_each_spec(uses, fd, add_instance, query, err) < 0)
        return error_prefix(err, "what is mounted");
    return 0;
}

int uses_collect(struct uses *ret, const struct uses_query *query, struct error *err)
{
    struct uses uses = { 0 };

    if (collect(&uses, query, err) < 0) {
        uses_done(&uses);
        return -1;
    }
    *ret = uses;
    return 0;
}

bool uses_has(const struct uses *uses, uint32_t number)
{
    for (uint32_t i = 0; i < uses->n; i++)
        if (uses->numbers[i] == number)
            return true;
    return false;
}

void uses_done(struct uses *uses)
{
    free(uses->numbers);
    *uses = (struct uses){ 0 };
}
