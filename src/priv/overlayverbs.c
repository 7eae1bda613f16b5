// SPDX-License-Identifier: MIT
#include "priv/overlayverbs.h"

#include "base/fd.h"
#include "priv/buildverbs.h"
#include "priv/lock.h"
#include "priv/specfile.h"

static int tidy_overlay(struct call *call, enum tidy_action action, uint32_t overlay,
                        struct error *err)
{
    const struct tidy_request request = { .magic = PROTOCOL_MAGIC,
                                          .action = action,
                                          .number = overlay };

    return call->bus->tidy(call->bus->context, &request, call->lock_fd, err);
}

int overlay_create(struct call *call, struct error *err)
{
    struct overlay_spec spec = { .magic = PROTOCOL_MAGIC,
                                 .n_bytes = sizeof spec,
                                 .type = call->request->overlay.type };
    uint32_t            n = 0;

    if (lock_take(&call->lock_fd, BUILDVERBS_LOCK, err) < 0 || specfile_count_overlays(&n, err) < 0)
        return -1;
    if (n >= OVERLAYS_MAX)
        return error_set(err, ERROR_DENIED, "there are %u overlays, which is the limit", n);
    // The spec comes last: without it nobody can use the overlay, and its number is gone anyway.
    if (specfile_next_overlay(&spec.overlay, err) < 0 ||
        tidy_overlay(call, TIDY_OVERLAY_CREATE, spec.overlay, err) < 0 ||
        specfile_write_overlay(&spec, err) < 0)
        return -1;
    call->reply->overlay = spec.overlay;
    return 0;
}

// From here on no stack can get the overlay.
static int give_up(uint32_t overlay, struct error *err)
{
    AUTO_FD              turn = -1;
    struct instance_name user;

    if (lock_turn(&turn, OVERLAYVERBS_TURN, err) < 0 || specfile_find_user(&user, overlay, err) < 0)
        return -1;
    if (*user.text)
        return error_set(err, ERROR_BUSY,
                         "the server '%s' was started with overlay %u: take it out of its list and "
                         "restart it, or delete the server",
                         user.text, overlay);
    return specfile_remove_overlay(overlay, err);
}

// An overlay without a spec may still have directories, of a removal that was killed.
int overlay_remove(struct call *call, struct error *err)
{
    uint32_t overlay = call->request->overlay.overlay;

    if (overlay == GAME_OVERLAY)
        return error_set(err, ERROR_DENIED, "the game overlay cannot be deleted");
    if (lock_take(&call->lock_fd, BUILDVERBS_LOCK, err) < 0 ||
        buildverbs_collect(call, overlay, err) < 0 || give_up(overlay, err) < 0)
        return -1;
    return tidy_overlay(call, TIDY_OVERLAY_REMOVE, overlay, err);
}
