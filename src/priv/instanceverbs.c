// SPDX-License-Identifier: MIT
#include "priv/instanceverbs.h"

#include <string.h>
#include "base/fd.h"
#include "priv/lock.h"
#include "priv/overlayverbs.h"
#include "priv/specfile.h"

// Makes sure that the server has ended and its stack is unmounted: then nobody is in its
// directories. An unmount that is still on its way is waited for, the game is not. A record without
// an active unit is what a killed helper left. An edit goes on when who began it waits no longer.
static int must_be_stopped(struct bus *bus, const struct instance_name *name, struct error *err)
{
    struct unit_name mount = unit_mount(name);
    bool             is_server_over = false, is_edit_over = false, is_mount_over = false;

    if (call_is_over(bus, unit_server(name), &is_server_over, err) < 0 ||
        call_is_over(bus, unit_edit(name), &is_edit_over, err) < 0)
        return -1;
    if (!is_server_over)
        return error_set(err, ERROR_BUSY, "the server is running or about to: stop it first");
    if (!is_edit_over)
        return error_set(err, ERROR_BUSY, "what the game wrote is being edited: try again later");
    // A helper at work has no record yet.
    if (call_is_over(bus, mount, &is_mount_over, err) < 0)
        return -1;
    if (is_mount_over && !specfile_has_record(name->text))
        return 0;
    if (call_stop_wait(bus, mount, err) < 0)
        return -1;
    if (!specfile_has_record(name->text))
        return 0;
    if (call_clear_mount(bus, mount, err) < 0)
        return error_prefix(err, "clearing what a killed start left");
    if (specfile_has_record(name->text))
        return error_set(err, ERROR_BUSY,
                         "the stack could not be unmounted: something outside the server uses it");
    return 0;
}

static int tidy_instance(struct call *call, enum tidy_action action,
                         const struct instance_name *name, struct error *err)
{
    const struct tidy_request request = { PROTOCOL_MAGIC, action, *name, 0 };

    return call->bus->tidy(call->bus->context, &request, call->lock_fd, err);
}

int instance_create(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;

    // Stopped, or what is mounted on the directories would be given another owner.
    if (lock_take(&call->lock_fd, name->text, err) < 0 || must_be_stopped(call->bus, name, err) < 0)
        return -1;
    return tidy_instance(call, TIDY_INSTANCE_CREATE, name, err);
}

// Gives the unit its limits and its port. `old` is what it has, NULL: nobody knows, so whatever may
// have been set is set anew. A kill in here leaves the old spec, marked so that the next one does
// not know. (Reverting the unit would be simpler, but takes the administrator's drop-ins along.)
static int set_limits(struct bus *bus, const struct instance_spec *spec, struct instance_spec *old,
                      struct error *err)
{
    static const struct instance_limits none;
    struct unit_name                    unit = unit_server(&spec->name);
    const struct instance_limits       *before = old ? &old->stack.limits : NULL;
    bool                                has_settings = false;

    if (old) {
        old->is_unsettled = 1;
        if (specfile_write_instance(old, err) < 0)
            return -1;
    } else if (bus->has_settings(bus->context, unit.text, &has_settings, err) < 0) {
        return -1;
    } else if (!has_settings) {
        before = &none;
    }
    return bus->set_limits(bus->context, unit.text, &spec->stack.limits, before, spec->stack.port,
                           err);
}

// Whoever may call could fill the disk of the system with specs and drop-ins of ever new names.
static int check_room(struct error *err)
{
    uint32_t n = 0;

    if (specfile_count_instances(&n, err) < 0)
        return -1;
    if (n >= INSTANCES_MAX)
        return error_set(err, ERROR_DENIED, "there are %u instances, which is the limit", n);
    return 0;
}

// An overlay that is being removed gets no new user. Taken with the turn of overlays, so that who
// removes one sees this spec, or this sees that it is gone.
static int write_spec(const struct instance_spec *spec, struct error *err)
{
    AUTO_FD             turn = -1;
    struct overlay_spec overlay;

    if (lock_turn(&turn, OVERLAYVERBS_TURN, err) < 0)
        return -1;
    for (uint32_t i = 0; i < spec->stack.n_layers; i++)
        if (spec->stack.layers[i].overlay != GAME_OVERLAY &&
            specfile_read_overlay(&overlay, spec->stack.layers[i].overlay, err) < 0)
            return -1;
    return specfile_write_instance(spec, err);
}

static int apply(struct bus *bus, const struct request_stack *request, struct error *err)
{
    struct instance_spec old, spec = {
        .magic = PROTOCOL_MAGIC,
        .n_bytes = sizeof spec,
        .revision = 1,
        .name = request->name,
        .stack = request->stack,
    };

    // A spec that cannot be read any more is replaced: that is the way to repair it.
    bool has_old = specfile_read_instance(&old, request->name.text, err) == 0;
    if (has_old)
        spec.revision = old.revision + 1;
    else if (err->kind == ERROR_NOT_FOUND && check_room(err) < 0)
        return -1;

    // Limits first: a spec that is not marked has its limits, also after a kill between the two.
    bool is_settled = has_old && !old.is_unsettled;
    bool has_limits = is_settled && old.stack.port == spec.stack.port &&
                      memcmp(&old.stack.limits, &spec.stack.limits, sizeof old.stack.limits) == 0;
    if (!has_limits && set_limits(bus, &spec, is_settled ? &old : NULL, err) < 0)
        return -1;
    return write_spec(&spec, err);
}

int instance_apply(struct call *call, struct error *err)
{
    const struct request_stack *request = &call->request->stack;

    if (lock_take(&call->lock_fd, request->name.text, err) < 0 ||
        must_be_stopped(call->bus, &request->name, err) < 0)
        return -1;
    return apply(call->bus, request, err);
}

// Start and stop take turns: whether a server is enabled and what the init system was asked last
// agree, however they meet. A restart has no turn while it waits, so that a stop gets through to
// it.

// Enables the server; *ret_undo: what failed after it should call undo_enable().
static int enable(struct bus *bus, struct unit_name unit, bool *ret_undo, struct error *err)
{
    bool is_enabled = false;

    if (bus->is_enabled(bus->context, unit.text, &is_enabled, err) < 0 ||
        bus->enable(bus->context, unit.text, err) < 0)
        return -1;
    *ret_undo = !is_enabled;
    return 0;
}

// A server that was not enabled and could not be started must not start at the next boot.
static void undo_enable(struct bus *bus, struct unit_name unit)
{
    struct error ignored; // the first error is the one to report

    (void)bus->disable(bus->context, unit.text, &ignored);
}

static int queue_start(struct call *call, const struct instance_name *name, struct error *err)
{
    struct bus      *bus = call->bus;
    struct unit_name unit = unit_server(name);
    struct unit_name mount = unit_mount(name);

    // An explicit start must work although the last one failed, or failed too often.
    if (bus->reset_failed(bus->context, unit.text, err) < 0 ||
        bus->reset_failed(bus->context, mount.text, err) < 0)
        return -1;
    return bus->start(bus->context, unit.text, &call->reply->job, err);
}

int instance_start(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;
    struct unit_name            unit = unit_server(name);
    struct instance_spec        spec;
    AUTO_FD                     turn = -1;
    bool                        is_to_undo = false;

    if (lock_take(&call->lock_fd, name->text, err) < 0 ||
        specfile_read_instance(&spec, name->text, err) < 0 ||
        lock_turn(&turn, name->text, err) < 0 || enable(call->bus, unit, &is_to_undo, err) < 0)
        return -1;
    if (queue_start(call, name, err) == 0)
        return 0;
    if (is_to_undo)
        undo_enable(call->bus, unit);
    return -1;
}

// Asks the server to end. Process 1 of a namespace does not hear a signal for which it has no
// handler, and before launch has said its first word there is none: the stop would take all its
// time. No game runs by then, so that one is killed, and has not failed.
static int ask_to_end(struct bus *bus, struct unit_name unit, uint32_t *ret_job, struct error *err)
{
    bool is_silent = false;

    // Asked after the stop: who speaks up later has his handlers in place and hears it.
    if (bus->watch(bus->context, err) < 0 || bus->stop(bus->context, unit.text, ret_job, err) < 0 ||
        bus->is_silent(bus->context, unit.text, &is_silent, err) < 0)
        return -1;
    if (!is_silent)
        return 0;
    if (bus->kill(bus->context, unit.text, err) < 0 ||
        bus->await(bus->context, unit.text, *ret_job, err) < 0)
        return -1;
    *ret_job = 0; // it is over
    return bus->reset_failed(bus->context, unit.text, err);
}

// Nobody needs the stack any more. The init system sees that by itself, except after a start that
// failed at an assertion: the server was not even begun then.
static int let_go_of_mount(struct bus *bus, const struct instance_name *name, struct error *err)
{
    uint32_t job = 0; // it comes after the server's

    return bus->stop(bus->context, unit_mount(name).text, &job, err);
}

int instance_stop(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;
    struct bus                 *bus = call->bus;
    struct unit_name            unit = unit_server(name);
    AUTO_FD                     turn = -1;

    // Without the lock: a stop must get through while a restart waits.
    if (lock_turn(&turn, name->text, err) < 0 || bus->disable(bus->context, unit.text, err) < 0 ||
        ask_to_end(bus, unit, &call->reply->job, err) < 0)
        return -1;
    return let_go_of_mount(bus, name, err);
}

// RestartUnit, and a stop followed at once by a start, would keep the old stack mounted.
static int stop_and_unmount(struct bus *bus, const struct instance_name *name, struct error *err)
{
    struct unit_name unit = unit_server(name);
    uint32_t         job = 0;

    if (ask_to_end(bus, unit, &job, err) < 0)
        return -1;
    if (job && bus->await(bus->context, unit.text, job, err) < 0)
        return -1;
    return call_stop_wait(bus, unit_mount(name), err);
}

// The last step of a restart: whoever stopped the server meanwhile has disabled it.
static int start_unless_stopped(struct call *call, const struct instance_name *name,
                                struct error *err)
{
    struct bus *bus = call->bus;
    AUTO_FD     turn = -1;
    bool        is_enabled = false;

    if (lock_turn(&turn, name->text, err) < 0 ||
        bus->is_enabled(bus->context, unit_server(name).text, &is_enabled, err) < 0)
        return -1;
    if (!is_enabled)
        return error_set(err, ERROR_FAILED,
                         "the server was stopped by another command while it was restarted");
    return queue_start(call, name, err);
}

static int enable_in_turn(struct bus *bus, const struct instance_name *name, bool *ret_undo,
                          struct error *err)
{
    AUTO_FD turn = -1;

    if (lock_turn(&turn, name->text, err) < 0)
        return -1;
    return enable(bus, unit_server(name), ret_undo, err);
}

static void disable_in_turn(struct bus *bus, const struct instance_name *name)
{
    struct error ignored; // the first error is the one to report
    AUTO_FD      turn = -1;

    if (lock_turn(&turn, name->text, &ignored) == 0)
        undo_enable(bus, unit_server(name));
}

int instance_restart(struct call *call, struct error *err)
{
    const struct request_stack *request = &call->request->stack;
    const struct instance_name *name = &request->name;
    bool                        is_to_undo = false;

    if (lock_take(&call->lock_fd, name->text, err) < 0 ||
        enable_in_turn(call->bus, name, &is_to_undo, err) < 0)
        return -1;
    if (stop_and_unmount(call->bus, name, err) == 0 && apply(call->bus, request, err) == 0 &&
        start_unless_stopped(call, name, err) == 0)
        return 0;
    if (is_to_undo)
        disable_in_turn(call->bus, name);
    return -1;
}

int instance_kill(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;
    struct bus                 *bus = call->bus;
    struct unit_name            unit = unit_server(name);
    AUTO_FD                     turn = -1;

    // The stop comes first, so that the death is not taken for a crash to be restarted from.
    if (lock_turn(&turn, name->text, err) < 0 || bus->disable(bus->context, unit.text, err) < 0 ||
        bus->stop(bus->context, unit.text, &call->reply->job, err) < 0 ||
        bus->kill(bus->context, unit.text, err) < 0)
        return -1;
    return let_go_of_mount(bus, name, err);
}

int instance_wipe(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;

    if (lock_take(&call->lock_fd, name->text, err) < 0 || must_be_stopped(call->bus, name, err) < 0)
        return -1;
    return tidy_instance(call, TIDY_INSTANCE_WIPE, name, err);
}

// Under the lock no other command starts the server; and its mount waits for the unit in any case.
static int run_edit(struct bus *bus, struct unit_name unit, struct error *err)
{
    uint32_t job = 0;

    if (bus->reset_failed(bus->context, unit.text, err) < 0 || bus->watch(bus->context, err) < 0 ||
        bus->start(bus->context, unit.text, &job, err) < 0)
        return -1;
    return bus->await(bus->context, unit.text, job, err);
}

int instance_edit(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;
    struct error                ignored; // the first error is the one to report

    if (lock_take(&call->lock_fd, name->text, err) < 0 ||
        must_be_stopped(call->bus, name, err) < 0 ||
        specfile_copy_edit(name->text, call->list_fd, err) < 0)
        return -1;
    int r = run_edit(call->bus, unit_edit(name), err);
    (void)!specfile_remove_edit(name->text, &ignored);
    return r;
}

int instance_remove(struct call *call, struct error *err)
{
    const struct instance_name *name = &call->request->name.name;
    struct bus                 *bus = call->bus;
    struct unit_name            unit = unit_server(name);
    struct unit_name            mount = unit_mount(name);
    AUTO_FD                     turn = -1;

    if (lock_take(&call->lock_fd, name->text, err) < 0 || must_be_stopped(bus, name, err) < 0 ||
        lock_turn(&turn, name->text, err) < 0)
        return -1;
    // Without a spec it cannot be started any more, whatever else is still there.
    if (bus->disable(bus->context, unit.text, err) < 0 ||
        specfile_remove_instance(name->text, err) < 0 ||
        specfile_remove_edit(name->text, err) < 0 || // of a broker that was killed
        bus->reset_failed(bus->context, unit.text, err) < 0 ||
        bus->reset_failed(bus->context, mount.text, err) < 0 ||
        bus->revert(bus->context, unit.text, err) < 0)
        return -1;
    return tidy_instance(call, TIDY_INSTANCE_REMOVE, name, err);
}

int instance_status(struct call *call, struct error *err)
{
    struct bus           *bus = call->bus;
    struct unit_name      unit = unit_server(&call->request->name.name);
    struct bus_unit_state state;
    bool                  is_enabled = false;

    if (bus->state(bus->context, unit.text, &state, err) < 0 ||
        bus->is_enabled(bus->context, unit.text, &is_enabled, err) < 0)
        return -1;
    _Static_assert(sizeof call->reply->active_state == sizeof state.active_state, "copied whole");
    memcpy(call->reply->active_state, state.active_state, sizeof state.active_state);
    memcpy(call->reply->sub_state, state.sub_state, sizeof state.sub_state);
    memcpy(call->reply->result, state.result, sizeof state.result);
    call->reply->pid = state.main_pid;
    call->reply->is_enabled = is_enabled;
    return 0;
}
