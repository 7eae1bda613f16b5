// SPDX-License-Identifier: MIT
#pragma once

// packscan: one pack, looked into: its paths, its title, its campaigns.
//
// A pack that cannot be read is no failure: it is listed with the reason.

#include "overlay/indexbuild.h"

// Adds the pack `name` of `dir_fd`, which is the file `node` of the builder.
int packscan(struct index_builder *builder, uint32_t node, enum index_place place, int dir_fd,
             const char *name, struct error *err) MUST_USE;

// Adds the campaign that a mission's text tells, of the pack at hand or, with `is_loose`, of the
// file `node`. One that cannot be understood becomes a finding.
int packscan_mission(struct index_builder *builder, uint32_t node, bool is_loose, const char *path,
                     const uint8_t *bytes, size_t n_bytes, struct error *err) MUST_USE;
