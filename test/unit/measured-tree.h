// SPDX-License-Identifier: MIT
#pragma once

// measured-tree: files of some size, and what a directory with them comes to.

#include <fcntl.h>
#include <unistd.h>
#include "guard/measure.h"
#include "unit.h"

static inline void make_file(int dir_fd, const char *name, size_t n_bytes)
{
    static const char zeros[65536];
    AUTO_FD           fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    for (size_t at = 0; at < n_bytes; at += sizeof zeros)
        assert_true(write(fd, zeros, MIN(sizeof zeros, n_bytes - at)) > 0);
}

static inline struct measured measure_dir(int dir_fd)
{
    struct measure *measure = NULL;
    struct error    err = { 0 };

    assert_int_equal(measure_new(&measure, MEASURE_ENTRIES_MAX, &err), 0);
    measure_begin(measure);
    if (measure_add_tree(measure, dir_fd, &err) < 0)
        fail_msg("%s", err.message);
    struct measured sum = measure_sum(measure);
    measure_free(measure);
    return sum;
}
