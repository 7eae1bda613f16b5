// SPDX-License-Identifier: MIT
#pragma once

// spec: reading the root-owned files by which the broker says what a server runs on, what a
// build works on and what an overlay is, and the mount helper's record of what it mounted. All who
// read them read them here.
//
// A file is one struct of fixed size under the name it is about, replaced by a rename and never
// written to. It is read straight into place: nothing is allocated, no text is parsed, and every
// field is checked. Written by priv/specfile.h.

#include "base/protocol.h"

// Reads the spec, or the record, of the instance `name` in the directory `dir_fd`. ERROR_NOT_FOUND:
// there is none. ERROR_INVALID: it is damaged, or of another version of left4me.
int spec_read_instance(struct instance_spec *ret, int dir_fd, const char *name, struct error *err)
    MUST_USE;
// The same for the build `name`, a number as number_name_parse() takes it.
int spec_read_build(struct build_spec *ret, int dir_fd, const char *name, struct error *err)
    MUST_USE;
// The spec of the one build that a sandbox is for, which is bound to the file `path`.
#define SPEC_BOUND_BUILD "/run/build"
int spec_read_bound_build(struct build_spec *ret, const char *path, struct error *err) MUST_USE;
// The same for the overlay `name`, also a number.
int spec_read_overlay(struct overlay_spec *ret, int dir_fd, const char *name, struct error *err)
    MUST_USE;

// What is asked of a struct that was read whole, for whoever has the bytes from elsewhere. `name`
// is a valid one.
int spec_check_instance(const struct instance_spec *spec, const struct instance_name *name,
                        struct error *err) MUST_USE;
int spec_check_build(const struct build_spec *spec, uint32_t build, struct error *err) MUST_USE;
int spec_check_overlay(const struct overlay_spec *spec, uint32_t overlay, struct error *err)
    MUST_USE;
