// SPDX-License-Identifier: MIT
#include "guard/disk.h"

#include <errno.h>
#include <sys/vfs.h>

#define INODES_LEFT_PERCENT 2u
#define COMPARE_TURNS       8u

static int ask(struct statfs *ret, int fd, struct error *err)
{
    if (fstatfs(fd, ret) < 0)
        return error_sys(err, errno, "asking for the free space of the disk");
    return 0;
}

static uint64_t unit_of(const struct statfs *now)
{
    return (uint64_t)(now->f_frsize ? now->f_frsize : now->f_bsize);
}

// File systems whose number of inodes is not fixed tell a total that moves with the free ones.
static uint64_t inodes_of(const struct statfs *now)
{
    return now->f_files > now->f_ffree ? now->f_files - now->f_ffree : 0;
}

// Nothing names the file system below an overlay. But of two that have the same size, and the same
// free space at the same time, one may be taken for the other, as long as the larger decrease
// counts.
static bool is_same(const struct statfs *before, const struct statfs *other,
                    const struct statfs *after)
{
    return before->f_blocks == other->f_blocks && before->f_files == other->f_files &&
           unit_of(before) == unit_of(other) &&
           other->f_bfree >= MIN(before->f_bfree, after->f_bfree) &&
           other->f_bfree <= MAX(before->f_bfree, after->f_bfree);
}

// 1: `fd` is on the file system of `one`.
static int compare(const struct disk_one *one, int fd, struct error *err)
{
    struct statfs before, other, after;

    // Others may take some in the middle and give it back.
    for (unsigned turn = 0; turn < COMPARE_TURNS; turn++) {
        if (ask(&before, one->fd, err) < 0 || ask(&other, fd, err) < 0 ||
            ask(&after, one->fd, err) < 0)
            return -1;
        if (is_same(&before, &other, &after))
            return 1;
    }
    return 0;
}

int disk_begin(struct disk *ret, const int *dir_fds, unsigned n, struct error *err)
{
    struct disk   disk = { .n = n };
    struct statfs now;

    for (unsigned i = 0; i < n; i++) {
        unsigned twin = 0;
        int      is_known = 0;
        for (; twin < i && is_known == 0; twin += is_known == 0)
            is_known = compare(&disk.all[twin], dir_fds[i], err);
        if (is_known < 0 || ask(&now, dir_fds[i], err) < 0)
            return -1;
        disk.all[i] = (struct disk_one){ .fd = dir_fds[i],
                                         .twin = twin,
                                         .unit_bytes = unit_of(&now),
                                         .free_units = now.f_bfree,
                                         .used_inodes = inodes_of(&now) };
    }
    *ret = disk;
    return disk_sample(ret, err);
}

static uint64_t decrease(uint64_t before, uint64_t now)
{
    return before > now ? before - now : 0;
}

static void take(struct disk *disk, unsigned i, const struct statfs *now, uint64_t bytes[DISK_MAX],
                 uint64_t inodes[DISK_MAX])
{
    struct disk_one *one = &disk->all[i];
    uint64_t         unit = one->unit_bytes;

    bytes[one->twin] = MAX(bytes[one->twin], decrease(one->free_units, now->f_bfree) * unit);
    inodes[one->twin] = MAX(inodes[one->twin], decrease(inodes_of(now), one->used_inodes));
    if (one->twin == i) {
        disk->free_bytes += now->f_bfree * unit;
        disk->freed_bytes += decrease(now->f_bfree, one->free_units) * unit;
    }
    one->free_units = now->f_bfree;
    one->used_inodes = inodes_of(now);
    if (now->f_bavail * unit < disk->available_bytes) {
        disk->available_bytes = now->f_bavail * unit;
        disk->size_bytes = now->f_blocks * unit;
    }
    if (now->f_files > 0 && now->f_ffree < now->f_files / 100 * INODES_LEFT_PERCENT)
        disk->is_out_of_inodes = true;
}

int disk_sample(struct disk *disk, struct error *err)
{
    struct statfs now;
    uint64_t      bytes[DISK_MAX] = { 0 }, inodes[DISK_MAX] = { 0 };

    disk->free_bytes = 0;
    disk->is_out_of_inodes = false;
    disk->available_bytes = UINT64_MAX;
    for (unsigned i = 0; i < disk->n; i++) {
        if (ask(&now, disk->all[i].fd, err) < 0)
            return -1;
        take(disk, i, &now, bytes, inodes);
    }
    for (unsigned i = 0; i < disk->n; i++) {
        disk->spent_bytes += bytes[i];
        disk->spent_inodes += inodes[i];
    }
    return 0;
}
