// SPDX-License-Identifier: MIT
#include "host/builds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/spec.h"

static int add(struct builds *builds, const struct build_spec *spec, struct error *err)
{
    struct build_spec *grown = reallocarray(builds->spec, builds->n + 1, sizeof *grown);

    if (!grown)
        return error_sys(err, ENOMEM, "listing builds");
    builds->spec = grown;
    builds->spec[builds->n++] = *spec;
    return 0;
}

int builds_read(struct builds *ret, const struct host_paths *paths, struct error *err)
{
    AUTO(builds_done) struct builds builds = { 0 };
    AUTO_FD     host_fd = open(paths->host_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_FD     fd = -1;
    AUTO_DIR    dir = NULL;
    const char *name;
    int         r;

    if (host_fd < 0)
        return error_sys(err, errno, "opening %s", paths->host_dir);
    if (fd_open_dir(&fd, host_fd, "builds", err) < 0 || dir_open(&dir, fd, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        struct build_spec spec;
        struct error      ignored; // see the header
        if (spec_read_build(&spec, fd, name, &ignored) == 0 && add(&builds, &spec, err) < 0)
            return -1;
    }
    if (r < 0)
        return -1;
    *ret = builds;
    builds = (struct builds){ 0 };
    return 0;
}

void builds_done(struct builds *builds)
{
    free(builds->spec);
}

uint32_t builds_newest(const struct builds *builds, uint32_t overlay)
{
    uint32_t newest = 0;

    for (size_t i = 0; i < builds->n; i++)
        if (builds->spec[i].overlay == overlay)
            newest = MAX(newest, builds->spec[i].build);
    return newest;
}
