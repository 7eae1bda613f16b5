// SPDX-License-Identifier: MIT
#include "bans.h"

#include "loop.h"
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ban {
    char     who[40];
    double   minutes; // 0: for ever
    uint64_t until_us;
};

struct bans {
    size_t     n[BANS_KIND_COUNT];
    struct ban list[BANS_KIND_COUNT][BANS_MAX];
};

static const char *const command_names[BANS_KIND_COUNT] = {
    [BANS_IP] = "addip",
    [BANS_ID] = "banid",
};

struct bans *bans_new(void)
{
    return calloc(1, sizeof(struct bans));
}

struct bans *bans_free(struct bans *bans)
{
    free(bans);
    return NULL;
}

static bool is_over(const struct ban *ban)
{
    return ban->minutes > 0 && loop_now_us() >= ban->until_us;
}

static struct ban *ban_find(const struct bans *bans, enum bans_kind kind, const char *who)
{
    for (size_t i = 0; i < bans->n[kind]; i++)
        if (strcmp(bans->list[kind][i].who, who) == 0)
            return (struct ban *)(uintptr_t)&bans->list[kind][i];
    return NULL;
}

static void drop(struct bans *bans, enum bans_kind kind, struct ban *ban)
{
    size_t n_behind = (size_t)(bans->list[kind] + bans->n[kind] - ban - 1);

    memmove(ban, ban + 1, n_behind * sizeof *ban);
    bans->n[kind]--;
}

void bans_add(struct bans *bans, enum bans_kind kind, const char *who, double minutes)
{
    bans_remove(bans, kind, who);
    if (bans->n[kind] == BANS_MAX)
        drop(bans, kind, bans->list[kind]);

    struct ban *ban = &bans->list[kind][bans->n[kind]++];
    *ban =
        (struct ban){ .minutes = minutes, .until_us = loop_now_us() + (uint64_t)(minutes * 60e6) };
    snprintf(ban->who, sizeof ban->who, "%s", who);
}

bool bans_remove(struct bans *bans, enum bans_kind kind, const char *who)
{
    struct ban *ban = ban_find(bans, kind, who);

    if (ban)
        drop(bans, kind, ban);
    return ban;
}

bool bans_has(const struct bans *bans, enum bans_kind kind, const char *who)
{
    const struct ban *ban = ban_find(bans, kind, who);

    return ban && !is_over(ban);
}

bool bans_has_address(const struct bans *bans, struct in_addr address)
{
    char text[INET_ADDRSTRLEN];

    return inet_ntop(AF_INET, &address, text, sizeof text) && bans_has(bans, BANS_IP, text);
}

size_t bans_count(const struct bans *bans, enum bans_kind kind)
{
    return bans->n[kind];
}

const char *bans_at(const struct bans *bans, enum bans_kind kind, size_t i, double *ret_minutes)
{
    if (i >= bans->n[kind])
        return NULL;
    *ret_minutes = bans->list[kind][i].minutes;
    return bans->list[kind][i].who;
}

static bool write_list(const struct bans *bans, enum bans_kind kind, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;

    for (size_t i = 0; i < bans->n[kind]; i++)
        if (bans->list[kind][i].minutes <= 0)
            fprintf(file, "%s 0 %s\r\n", command_names[kind], bans->list[kind][i].who);
    return fclose(file) == 0;
}

bool bans_write(const struct bans *bans, enum bans_kind kind, const char *path)
{
    char temporary[PATH_MAX];

    int n = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof temporary || !write_list(bans, kind, temporary))
        return false;
    if (unlink(path) < 0 && errno != ENOENT)
        return false;
    return rename(temporary, path) == 0;
}
