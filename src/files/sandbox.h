// SPDX-License-Identifier: MIT
#pragma once

// sandbox: takes from a process everything but reading descriptor 0 and writing to descriptor 1.
//
// Limits on memory and processor time, no file of any size, no new descriptor; no new rights; no
// core dump and nobody who attaches; where the kernel has Landlock, no path; and a filter that ends
// the process at any system call but those few for memory, pread(0), write(1) and the end. It
// cannot be undone. The process must have one thread.
//
// A unit whose own filter kills must allow what this needs: SystemCallFilter=@sandbox, or, where
// systemd does not know that group (252), seccomp landlock_create_ruleset landlock_restrict_self.

#include <stdint.h>
#include "base/error.h"

#define SANDBOX_MEMORY_BYTES (UINT64_C(768) << 20)
#define SANDBOX_CPU_S        120u

int sandbox_enter(struct error *err) MUST_USE;
