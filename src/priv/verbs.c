// SPDX-License-Identifier: MIT
#include "priv/verbs.h"

#include <string.h>
#include "base/fd.h"
#include "priv/buildverbs.h"
#include "priv/instanceverbs.h"
#include "priv/overlayverbs.h"

static int check_name(const union request *request, struct error *err)
{
    if (!instance_name_is_valid(&request->name.name))
        return error_set(err, ERROR_INVALID, "the instance name is not valid");
    return 0;
}

static int check_stack(const union request *request, struct error *err)
{
    if (check_name(request, err) < 0)
        return -1;
    return instance_stack_check(&request->stack.stack, err);
}

static int check_build_start(const union request *request, struct error *err)
{
    const struct request_build_start *start = &request->build_start;

    if (start->kind == 0 || start->kind >= BUILD_KIND_COUNT)
        return error_set(err, ERROR_INVALID, "there is no such kind of build");
    if (start->kind == BUILD_UPDATE && start->overlay != GAME_OVERLAY)
        return error_set(err, ERROR_INVALID, "only the game overlay is updated by SteamCMD");
    if (start->overlay == 0 || start->overlay > NUMBER_MAX || start->base_generation > NUMBER_MAX)
        return error_set(err, ERROR_INVALID, "an overlay or generation is out of range");
    if (start->kind == BUILD_SELECT && !start->base_generation)
        return error_set(err, ERROR_INVALID, "no generation is selected");
    if (start->keep == 0 || start->keep > KEEP_MAX)
        return error_set(err, ERROR_INVALID, "the generations to keep are not 1 to %u", KEEP_MAX);
    if (start->flags & ~(BUILD_FRESH | BUILD_HOLD) || start->zero)
        return error_set(err, ERROR_INVALID, "there is no such way to build");
    if (start->output_max_bytes < OUTPUT_MAX_MIN || start->output_max_bytes > OUTPUT_MAX_MAX)
        return error_set(err, ERROR_INVALID, "the limit of the output is not between 1M and 16T");
    return 0;
}

static int check_build(const union request *request, struct error *err)
{
    if (request->build.build == 0 || request->build.build > NUMBER_MAX || request->build.zero)
        return error_set(err, ERROR_INVALID, "the build is out of range");
    return 0;
}

static int check_overlay_create(const union request *request, struct error *err)
{
    const struct request_overlay *create = &request->overlay;

    if (create->type <= OVERLAY_GAME || create->type >= OVERLAY_TYPE_COUNT || create->overlay)
        return error_set(err, ERROR_INVALID, "no overlay of that type can be made");
    return 0;
}

static int check_overlay_remove(const union request *request, struct error *err)
{
    const struct request_overlay *remove = &request->overlay;

    if (remove->type || remove->overlay == 0 || remove->overlay > NUMBER_MAX)
        return error_set(err, ERROR_INVALID, "the overlay is out of range");
    return 0;
}

// Whoever may connect is root or left4me. `grant` says why left4me, were it taken over, may be
// given the verb: what the worst use of it amounts to.
// clang-format off
static const struct verb_row {
    const char *word;
    size_t      n_bytes;
    int (*check)(const union request *request, struct error *err);
    int (*run)(struct call *call, struct error *err);
    const char *grant;
    bool takes_list; // a descriptor comes along
} verbs[] = {
    [VERB_INSTANCE_CREATE] = { "instance-create", sizeof(struct request_name), check_name,
        instance_create, "makes six empty directories at places the name fixes; never removes" },
    [VERB_INSTANCE_APPLY] = { "instance-apply", sizeof(struct request_stack), check_stack,
        instance_apply, "numbers of published generations and bounded limits for a sandboxed unit; "
        "an absent generation is an error at the mount" },
    [VERB_INSTANCE_START] = { "instance-start", sizeof(struct request_name), check_name,
        instance_start, "starts our own sandboxed unit on a stack that was applied" },
    [VERB_INSTANCE_STOP] = { "instance-stop", sizeof(struct request_name), check_name,
        instance_stop, "stops a unit with our prefix; the control plane owns these anyway" },
    [VERB_INSTANCE_RESTART] = { "instance-restart", sizeof(struct request_stack), check_stack,
        instance_restart, "stop, apply and start, in the order that is right" },
    [VERB_INSTANCE_KILL] = { "instance-kill", sizeof(struct request_name), check_name,
        instance_kill, "like stop, without asking the game" },
    [VERB_INSTANCE_WIPE] = { "instance-wipe", sizeof(struct request_name), check_name,
        instance_wipe, "drops what a stopped game wrote, at a place the name fixes" },
    [VERB_INSTANCE_REMOVE] = { "instance-remove", sizeof(struct request_name), check_name,
        instance_remove, "drops a stopped instance; published generations are out of reach" },
    [VERB_INSTANCE_EDIT] = { "instance-edit", sizeof(struct request_name), check_name,
        instance_edit, "hands a list, unread, to left4me-content, who drops what it names in the "
        "upper layer of a stopped game and reaches nothing else", true },
    [VERB_INSTANCE_STATUS] = { "instance-status", sizeof(struct request_name), check_name,
        instance_status, "reads four properties of a unit with our prefix" },
    [VERB_BUILD_START] = { "build-start", sizeof(struct request_build_start), check_build_start,
        build_start, "starts a sandboxed builder, one per overlay; what it runs is fixed by kind" },
    [VERB_BUILD_STOP] = { "build-stop", sizeof(struct request_build), check_build,
        build_stop, "stops a builder; nothing published changes" },
    [VERB_PUBLISH] = { "publish", sizeof(struct request_build), check_build,
        build_publish, "repeats a publication that a successful build led to; old generations "
        "stay" },
    [VERB_BUILD_REMOVE] = { "build-remove", sizeof(struct request_build), check_build,
        build_remove, "drops the scratch of a build that has ended" },
    [VERB_OVERLAY_CREATE] = { "overlay-create", sizeof(struct request_overlay),
        check_overlay_create, overlay_create, "makes three empty directories under the next "
        "number; their number is limited" },
    [VERB_OVERLAY_REMOVE] = { "overlay-remove", sizeof(struct request_overlay),
        check_overlay_remove, overlay_remove, "drops an overlay that no server has; its content "
        "can be built again, its source is left4me's own" },
};
// clang-format on
_Static_assert(ELEMENTS(verbs) == VERB_COUNT, "every verb has a row");

static int check(const union request *request, size_t n_bytes, bool has_list, struct error *err)
{
    if (n_bytes < sizeof request->header || request->header.magic != PROTOCOL_MAGIC)
        return error_set(err, ERROR_INVALID, "the message is not one of ours");
    if (request->header.verb == 0 || request->header.verb >= VERB_COUNT)
        return error_set(err, ERROR_INVALID, "there is no verb %u", request->header.verb);

    const struct verb_row *verb = &verbs[request->header.verb];
    if (n_bytes != verb->n_bytes || request->header.n_bytes != n_bytes)
        return error_set(err, ERROR_INVALID, "%s has %zu bytes, not %zu", verb->word, verb->n_bytes,
                         n_bytes);
    if (has_list != verb->takes_list)
        return error_set(err, ERROR_INVALID, "%s %s", verb->word,
                         has_list ? "takes no descriptor" : "comes without its list");
    if (verb->check(request, err) < 0)
        return error_prefix(err, "%s", verb->word);
    return 0;
}

static void fill_failure(struct reply *reply, const struct error *err)
{
    reply->kind = err->kind;
    reply->errnum = err->errnum;
    memcpy(reply->message, err->message, sizeof reply->message);
}

int verbs_handle(struct reply *reply, const void *bytes, size_t n_bytes, int passed_fd,
                 struct bus *bus, struct error *err)
{
    union request request = { 0 };

    *reply = (struct reply){ .magic = PROTOCOL_MAGIC };
    memcpy(&request, bytes, MIN(n_bytes, sizeof request));
    if (check(&request, n_bytes, passed_fd >= 0, err) < 0) {
        fill_failure(reply, err);
        return -1;
    }
    struct call call = {
        .request = &request, .bus = bus, .reply = reply, .lock_fd = -1, .list_fd = passed_fd
    };
    struct error failure = { 0 };
    if (verbs[request.header.verb].run(&call, &failure) < 0)
        fill_failure(reply, &failure);
    (void)fd_close(call.lock_fd);
    return 0;
}
