// SPDX-License-Identifier: MIT
#pragma once

// quota: whether a file system counts, and limits, what each project writes. In place of a server's
// user, who owns every server's files, its directory would be a project.

#include <stdint.h>
#include "base/error.h"

// Whether `path` lies on a mount with project quotas in force, as ext4 and xfs have them. Fails
// when the kernel does not say how it is mounted.
int quota_is_on(bool *ret, const char *path, struct error *err) MUST_USE;

// ---- for the tests -----------------------------------------------------------------------------

// A line of /proc/self/mountinfo, see proc(5): its number, and the options of its file system.
bool quota_line_is_of(const char *line, uint64_t mount);
bool quota_line_has_projects(const char *line);
