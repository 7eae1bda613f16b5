// SPDX-License-Identifier: MIT
#include "priv/call.h"

int call_is_over(struct bus *bus, struct unit_name unit, bool *ret, struct error *err)
{
    return bus->is_over(bus->context, unit.text, ret, err);
}

int call_stop_wait(struct bus *bus, struct unit_name unit, struct error *err)
{
    uint32_t job = 0;

    if (bus->watch(bus->context, err) < 0 || bus->stop(bus->context, unit.text, &job, err) < 0)
        return -1;
    return bus->await(bus->context, unit.text, job, err);
}

int call_clear_mount(struct bus *bus, struct unit_name mount, struct error *err)
{
    uint32_t     job = 0;
    struct error ignored;

    if (bus->reset_failed(bus->context, mount.text, err) < 0 || bus->watch(bus->context, err) < 0 ||
        bus->start(bus->context, mount.text, &job, err) < 0)
        return -1;
    (void)bus->await(bus->context, mount.text, job, &ignored); // what counts is what it left
    return call_stop_wait(bus, mount, err);
}
