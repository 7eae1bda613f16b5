// SPDX-License-Identifier: MIT
#pragma once

// checker: reads fetched add-ons from end to end, and forces them to disk, on a thread of its own,
// so that neither holds up the transfers.
//
// What has come while it was busy is forced to disk together: one after the other would cost more
// than to fetch it. The thread touches nothing but the jobs it has, and the owner does not touch a
// job that is with the checker.

#include "workshop/contents.h"

struct check_job {
    int               dir_fd; // borrowed, like what follows
    const char       *name;   // of the archive in there
    int               fd;     // of the same file, to force it to disk
    void             *user;
    bool              is_whole; // the answer: it is, and it is on disk
    struct contents   contents; // of a whole one
    struct error      why;      // of one that is not
    struct check_job *next;     // the checker's
};

struct checker; // opaque

int             checker_new(struct checker **ret, struct error *err) MUST_USE;
struct checker *checker_free(struct checker *checker); // waits for the one at hand; NULL is fine

void              checker_add(struct checker *checker, struct check_job *job);
int               checker_fd(const struct checker *checker); // can be read when one is done
struct check_job *checker_take(struct checker *checker);     // NULL: none is done
