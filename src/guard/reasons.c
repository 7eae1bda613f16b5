// SPDX-License-Identifier: MIT

// reasons: why a guard ends what runs, in sentences, and how it does.

#include "guard/shared.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

void reason_end(struct guard *guard, struct processes *processes, const struct error *why)
{
    struct error ignored;

    if (!atomic_exchange(&guard->has_ended, true))
        guard->reason = *why;
    // As process 1 this is one call. Otherwise it may fail to find all of them: the init system
    // does the rest.
    if (processes_signal(processes, SIGKILL, &ignored) < 0)
        return;
}

static void show_bytes(char ret[32], uint64_t bytes)
{
    bool is_giga = bytes >= GUARD_GIB;

    (void)snprintf(ret, 32, "%.1f %s", (double)bytes / (double)(is_giga ? GUARD_GIB : GUARD_MIB),
                   is_giga ? "GiB" : "MiB"); // it fits
}

int reason_bytes(const struct guard *guard, struct error *err)
{
    char shown[32];

    show_bytes(shown, guard->bytes_max);
    return error_set(err, ERROR_NO_SPACE, "the output has grown beyond its limit of %s", shown);
}

int reason_disk(const struct guard *guard, struct error *err)
{
    char shown[32];

    if (guard->disk.is_out_of_inodes)
        return error_set(err, ERROR_NO_SPACE,
                         "there is hardly any space left for more files on the disk");
    show_bytes(shown, guard->free_min_bytes);
    return error_set(err, ERROR_NO_SPACE, "less than %s of space is left on the disk", shown);
}

static int say_entries(const struct guard *guard, struct error *err)
{
    return error_set(err, ERROR_NO_SPACE,
                     "the output has more than %" PRIu64 " files and directories",
                     guard->entries_max);
}

int reason_hidden(const struct holders_opaque *opaque, struct error *err)
{
    return error_set(err, ERROR_INVALID,
                     "a process hides what it has open, and more space is gone than can be "
                     "explained (%" PRIu64 " unreadable, %" PRIu64 " in sockets, %" PRIu64
                     " mapped)",
                     opaque->n_hidden, opaque->n_in_flight, opaque->n_mapped);
}

int reason_size(const struct guard *guard, struct measured size, struct error *err)
{
    if (size.entries > guard->entries_max)
        return say_entries(guard, err);
    return size.bytes > guard->bytes_max ? reason_bytes(guard, err) : 0;
}
