// SPDX-License-Identifier: MIT
#pragma once

// upper: the tree that a Workshop build makes, of hard links into the cache.

#include "workshop/cache.h"

struct upper { // starts as { -1, -1 }
    int fd;
    int addons_fd; // left4dead2/addons
};

// Empties builds/BUILD/upper below `data_fd`, which is there, and marks it as the whole overlay.
int  upper_open(struct upper *ret, int data_fd, uint32_t build, struct error *err) MUST_USE;
void upper_done(struct upper *upper);

// Adds the version, which is in the cache, as ITEM.vpk.
int upper_add(const struct upper *upper, uint64_t id, int item_fd,
              const struct item_version *version, struct error *err) MUST_USE;
