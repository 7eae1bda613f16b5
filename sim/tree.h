// SPDX-License-Identifier: MIT
#pragma once

// tree: proves that a directory tree can be written everywhere.

struct console;

// In every directory below `root`: creates a file, appends, changes its mode, renames, deletes.
// Prints each failure and "[sim] tree test: N directories, M failures".
void tree_test(struct console *console, const char *root);
