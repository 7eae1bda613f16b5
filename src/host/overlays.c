// SPDX-License-Identifier: MIT
#include "host/overlays.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "base/fd.h"

static int read_state(struct state *ret, const struct host_paths *paths, uint32_t number,
                      struct error *err)
{
    AUTO_FD fd = -1;
    char    path[32];

    (void)snprintf(path, sizeof path, "overlays/%" PRIu32, number); // ten digits fit
    if (host_open_data_dir(&fd, paths, path, err) == 0)
        return state_read(ret, fd, err);
    return err->kind == ERROR_NOT_FOUND ? 0 : -1;
}

int overlays_read(struct state **ret, const struct host_paths *paths, uint32_t number,
                  struct error *err)
{
    AUTO(freep) struct state *state = calloc(1, sizeof *state);

    if (!state)
        return error_sys(err, ENOMEM, "reading the state of overlay %" PRIu32, number);
    if (read_state(state, paths, number, err) < 0)
        return error_prefix(err, "overlay %" PRIu32, number);
    *ret = TAKE(state);
    return 0;
}

int overlays_current(uint32_t *ret, const struct host_paths *paths, uint32_t number,
                     struct error *err)
{
    AUTO(freep) struct state *state = NULL;

    if (overlays_read(&state, paths, number, err) < 0)
        return -1;
    *ret = state->current;
    return 0;
}
