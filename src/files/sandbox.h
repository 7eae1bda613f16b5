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

// The sanitizers reserve far more addresses than they use, and need a few more calls: with them
// there is no limit on memory, and the filter is wider.
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_IS_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_IS_SANITIZED
#define SANDBOX_IS_SANITIZED 0
#endif

#define SANDBOX_MEMORY_BYTES (UINT64_C(768) << 20)
#define SANDBOX_CPU_S        120u

int sandbox_enter(struct error *err) MUST_USE;
