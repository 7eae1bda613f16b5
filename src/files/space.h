// SPDX-License-Identifier: MIT
#pragma once

// space: where the working tree of a files overlay lives, who may change it now, and how full it
// is.
//
// `sources/ID` holds `tree`, which is published, and `.work`, which is not:
//
//     tree/           the files
//     .work/lock      held by whoever changes something; an operation takes milliseconds
//     .work/usage     what the lines below and the tree hold together, as of the last change
//     .work/stage/    what is being made, or is being removed: one rename brings it into the tree,
//                     or takes it out of it. What a killed process left there is swept away
//     .work/uploads/  see upload.h
//
// Paths are walked component by component with O_NOFOLLOW, as base/fd.h does it, everywhere: the
// units that serve this forbid set-id files, which makes the kernel answer openat2(2) with ENOSYS,
// and one way that is always taken is one that is tested. No symbolic link is followed or made.
//
// The quota is counted as it is used: every change is charged before it is made, under the lock.
// What takes long (an extraction, a copy) charges a chunk at a time and gives back the rest. The
// count is made anew from the disk before anything is refused for it, and after SPACE_RECOUNT_EVERY
// changes, so files that came or went by other ways count too. A count made while others work does
// not know what they have charged and not yet written: so each of them can pass the limit by one
// chunk, and no further.
//
// A space is used by one thread at a time. Others, and other processes, open their own.

#include <stdint.h>
#include <sys/stat.h>
#include "base/error.h"

#define SPACE_MODE_DIR      0750
#define SPACE_MODE_FILE     0640
#define SPACE_MODE_PROGRAM  0750
#define SPACE_CHUNK_BYTES   (UINT64_C(16) << 20) // charged at once by what takes long
#define SPACE_CHUNK_ENTRIES 256u
#define SPACE_RECOUNT_EVERY 256u // changes
#define SPACE_DEPTH_MAX     64u  // directories in another that are counted
#define SPACE_STAGE_NAME    17u  // bytes of a name in `stage`, the NUL included

struct space_limits {
    uint64_t bytes_max;      // of the tree, uploads and what is being made together
    uint64_t entries_max;    // files and directories, likewise
    uint64_t file_bytes_max; // of one file
};

struct space_usage {
    uint64_t bytes, entries;
};

// The fields are for src/files alone.
struct space {
    int                 tree_fd, work_fd, stage_fd, uploads_fd, lock_fd, usage_fd;
    struct space_limits limits;
    struct space_usage  usage;     // while locked
    uint32_t            n_changes; // since it was counted
    bool                is_locked;
};

// Opens the working tree in the directory `source_fd`, which stays the caller's, and makes what is
// missing of it.
int  space_open(struct space **ret, int source_fd, const struct space_limits *limits,
                struct error *err) MUST_USE;
void space_closep(struct space **space);

// How full it is; counted anew if asked for.
int space_read_usage(struct space_usage *ret, struct space *space, bool counts_anew,
                     struct error *err) MUST_USE;

// ---- for src/files ----------------------------------------------------------------------------

// Waits for whoever is at it. AUTO(space_unlockp) struct space *locked = NULL holds it.
int  space_lock(struct space **ret_locked, struct space *space, struct error *err) MUST_USE;
void space_unlockp(struct space **locked);

// Adds to what is used, while locked; what grows must fit. ERROR_NO_SPACE says what is full.
int space_charge(struct space *space, int64_t bytes, int64_t entries, struct error *err) MUST_USE;
// Takes back a charge, or charges less: cannot fail.
void space_refund(struct space *space, uint64_t bytes, uint64_t entries);
int  space_check_file(const struct space *space, uint64_t bytes, struct error *err) MUST_USE;

// What a long operation has charged, chunk by chunk, without holding the lock in between.
struct space_meter {
    struct space      *space;
    struct space_usage spare, used;
};
int space_meter_take(struct space_meter *meter, uint64_t bytes, uint64_t entries, struct error *err)
    MUST_USE;
// What was used is not any more.
void space_meter_return(struct space_meter *meter, uint64_t bytes, uint64_t entries);
// Gives back what was not used; with `is_undone`, all of it.
void space_meter_done(struct space_meter *meter, bool is_undone);

// A new directory in `stage` that belongs to whoever holds the descriptor.
struct space_stage {
    struct space *space; // NULL: none
    int           fd;
    char          name[SPACE_STAGE_NAME];
};
int  space_stage_make(struct space_stage *ret, struct space *space, struct error *err) MUST_USE;
void space_stage_done(struct space_stage *stage); // removes it, with all that is still in it
void space_stage_name(char ret[SPACE_STAGE_NAME]);

// Opens the directory above `path` for work in it; *ret_name is the last component, borrowed from
// `path`. With `makes_parents`, and locked, what is missing on the way is made and charged.
int space_open_parent(int *ret, const char **ret_name, struct space *space, const char *path,
                      bool makes_parents, struct error *err) MUST_USE;
// Opens the directory `path`, "" for the tree itself.
int space_open_dir(int *ret, const struct space *space, const char *path, struct error *err)
    MUST_USE;

// Counts what the directory `fd` holds, itself not included; *ret_depth is the deepest, 0: empty.
int space_count(struct space_usage *ret, unsigned *ret_depth, int fd, struct error *err) MUST_USE;

// Reaches the disk: what was renamed into or out of the directory `fd`.
int space_sync_dir(int fd, const char *path, struct error *err) MUST_USE;
// A time for a file that nobody's clock tick gives to a second one.
int    space_stamp(int fd, struct error *err) MUST_USE;
mode_t space_mode(bool is_program);
