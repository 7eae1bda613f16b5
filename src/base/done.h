// SPDX-License-Identifier: MIT
#pragma once

// done: the mark by which a builder says that its output is whole.
//
// What the init system calls a success is not enough: a build that is stopped early can end as one.
// The mark is an extended attribute of the output's root, which becomes part of no generation. A
// builder that sets it too early only cheats itself.

#include <stdbool.h>
#include "base/error.h"

int  done_mark(int output_fd, struct error *err) MUST_USE;
bool done_is_marked(int output_fd);
