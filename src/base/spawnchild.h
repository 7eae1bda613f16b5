// SPDX-License-Identifier: MIT
#pragma once

// spawnchild: a child with the signals of a new process, whatever its parent blocks or ignores.

#include <spawn.h>
#include <stdbool.h>
#include "base/macros.h"

// As posix_spawn(): 0, or the number of an error. With `is_leader` it has a process group of its
// own, so that all that it starts can be sent a signal with it.
int spawn_child(pid_t *ret, const char *program, const posix_spawn_file_actions_t *actions,
                bool is_leader, const char *const *argv, const char *const *envp) MUST_USE;
