// SPDX-License-Identifier: MIT
#include "host/worktree.h"

#include "base/fd.h"
#include "settings/settings.h"

int worktree_open(struct space **ret, const struct host_paths *paths, const struct source *source,
                  struct error *err)
{
    AUTO_FD         fd = -1;
    struct settings settings;

    if (source->type != OVERLAY_FILES)
        return error_set(err, ERROR_INVALID,
                         "'%s' is not an overlay of files: what is in it is built", source->title);
    if (settings_read(&settings, paths->settings_file, err) < 0 ||
        source_open(&fd, paths, source->number, err) < 0)
        return -1;
    uint64_t bytes_max =
        source->output_max_bytes ? source->output_max_bytes : settings.overlays.output_max_bytes;
    const struct space_limits limits = { bytes_max, WORKTREE_ENTRIES_MAX, bytes_max };
    return space_open(ret, fd, &limits, err);
}
