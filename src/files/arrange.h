// SPDX-License-Identifier: MIT
#pragma once

// arrange: directories of the working tree, and moving and removing what is in it.
//
// Each of these is one rename to whoever looks: what is removed is put aside and then taken apart.

#include "files/space.h"

// Makes the directory `path`; one that is there is success.
int arrange_mkdir(struct space *space, const char *path, bool makes_parents, struct error *err)
    MUST_USE;

// Gives `from` the name `to`, whose parent must exist. ERROR_EXISTS if there is something, unless
// `replaces`: then it is swapped with `from` in one step, and removed. A file replaces only a file,
// a directory only a directory.
int arrange_move(struct space *space, const char *from, const char *to, bool replaces,
                 struct error *err) MUST_USE;

// Removes a file, an empty directory, or with `with_all` a directory and what it holds.
int arrange_remove(struct space *space, const char *path, bool with_all, struct error *err)
    MUST_USE;

// ---- for src/files ----------------------------------------------------------------------------

// Brings the entry `name` of `dir_fd`, which is in `stage`, to `path`; what it replaces is put
// aside and removed. It has been charged.
int arrange_bring(struct space *space, int dir_fd, const char *name, const char *path,
                  bool replaces, bool makes_parents, struct error *err) MUST_USE;
