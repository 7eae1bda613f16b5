// SPDX-License-Identifier: MIT
#pragma once

// specfile: the root-owned files by which the broker tells the mount helper what to do, and the
// record the helper leaves of what it did. Written atomically, read by base/spec.h.

#include "base/protocol.h"

int specfile_read_instance(struct instance_spec *ret, const char *name, struct error *err) MUST_USE;
int specfile_write_instance(const struct instance_spec *spec, struct error *err) MUST_USE;
// How many instances have a spec; temporary files count as well.
int specfile_count_instances(uint32_t *ret, struct error *err) MUST_USE;
int specfile_remove_instance(const char *name, struct error *err) MUST_USE; // absent is success

// Puts down what the sealed memory `list_fd` holds, unread, for left4me-content. ERROR_INVALID: it
// may still change, or is empty or larger than EDIT_BYTES_MAX.
int specfile_copy_edit(const char *name, int list_fd, struct error *err) MUST_USE;
int specfile_remove_edit(const char *name, struct error *err) MUST_USE; // absent is success

int specfile_open_builds(int *ret, struct error *err) MUST_USE; // the directory of their specs
int specfile_read_build(struct build_spec *ret, const char *id, struct error *err) MUST_USE;
int specfile_write_build(const struct build_spec *spec, struct error *err) MUST_USE;
int specfile_remove_build(uint32_t build, struct error *err) MUST_USE; // absent is success

int specfile_write_record(const struct instance_spec *spec, struct error *err) MUST_USE;
// Whether the stack of `name` is mounted, or could not be unmounted.
bool specfile_has_record(const char *name);
int  specfile_remove_record(const char *name, struct error *err) MUST_USE; // absent is success

int specfile_read_overlay(struct overlay_spec *ret, uint32_t overlay, struct error *err) MUST_USE;
int specfile_write_overlay(const struct overlay_spec *spec, struct error *err) MUST_USE;
int specfile_count_overlays(uint32_t *ret, struct error *err) MUST_USE;
int specfile_remove_overlay(uint32_t overlay, struct error *err) MUST_USE; // absent is success

// Who has the overlay in a stack: applied, or mounted right now. *ret is the first one found, all
// zero if there is none.
int specfile_find_user(struct instance_name *ret, uint32_t overlay, struct error *err) MUST_USE;

// Hands out the next number of a build or an overlay, never one twice. The caller holds the lock of
// builds.
int specfile_next_build(uint32_t *ret, struct error *err) MUST_USE;
int specfile_next_overlay(uint32_t *ret, struct error *err) MUST_USE;
