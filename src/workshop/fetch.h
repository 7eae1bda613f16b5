// SPDX-License-Identifier: MIT
#pragma once

// fetch: many transfers over https at a time, each tried again while there is hope.
//
// A link may come from anybody, so: https alone, also after a redirection; to addresses of the
// public internet alone, asked at the moment a connection is made; no proxy, no cookies, no
// password, no compression that could unfold, no more bytes than were announced, no header without
// end, no server that dawdles. HTTP/1.1, so that each transfer has a connection of its own.
//
// What passes is tried again: connections that break, 408, 425, 429 and 5xx, and every error of
// kind ERROR_UNAVAILABLE or ERROR_TIMEOUT that a callback returns. All other kinds are final.

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "workshop/head.h"

struct fetch_rules {
    uint32_t    parallel;
    uint64_t    rate_max_bytes_s; // of all together; 0: no limit
    uint32_t    connect_ms;       // until a connection stands
    uint32_t    stall_s;          // without a KiB a second it has stalled
    uint32_t    tries;            // one after the other that bring nothing
    uint32_t    backoff_ms, backoff_max_ms;
    uint32_t    wait_max_s;   // whoever asks for a longer pause is given up
    uint32_t    second_ms;    // of a pause a server asks for; tests have shorter seconds
    const char *ca_file;      // NULL: the certificates of the system
    const char *test_address; // NULL, but in tests: an address that counts as public
};

// As the product runs.
extern const struct fetch_rules fetch_rules_default;

// Where a try begins.
struct fetch_start {
    uint64_t from;                          // the first byte that is wanted
    char     validator[HEAD_VALIDATOR_MAX]; // with from > 0: of what is there already
    uint64_t max_bytes;                     // of the answer
};

enum fetch_go {
    FETCH_GO,
    FETCH_LATER, // somebody else is at it: ask again soon
    FETCH_DONE,  // there is nothing left to fetch
    FETCH_FAIL,  // with an error
};

// What is to be fetched. The struct is copied, what it points to stays the caller's and must be
// there until `end` was called, which happens once for each job, unless the fetcher is freed first.
struct fetch_job {
    const char *url;
    const char *form; // NULL: a file; else what is sent, and a redirection is an error
    void       *user;
    // Before each try.
    enum fetch_go (*begin)(void *user, struct fetch_start *ret, struct error *err);
    // Of an answer with status 200 (all of it), 206 (a part) or 416 (there is nothing from there
    // on).
    int (*head)(void *user, uint32_t status, const struct head *head, struct error *err);
    int (*take)(void *user, const void *bytes, size_t n, struct error *err);
    int (*whole)(void *user, struct error *err); // it ended well
    // It failed, and is tried again after a pause.
    void (*again)(void *user, uint32_t pause_ms, const struct error *why);
    void (*end)(void *user, const struct error *why); // NULL: it is there
};

struct fetcher; // opaque

int fetcher_new(struct fetcher **ret, const struct fetch_rules *rules, struct error *err) MUST_USE;
struct fetcher *fetcher_free(struct fetcher *fetcher); // takes NULL, returns NULL
void            fetcher_freep(struct fetcher **fetcher);

int fetcher_add(struct fetcher *fetcher, const struct fetch_job *job, struct error *err) MUST_USE;
size_t fetcher_pending(const struct fetcher *fetcher);
void   fetcher_cancel(struct fetcher *fetcher); // forgets all jobs, and calls nobody
// Works until something has happened, or `other_fd` (-1: none) can be read, or half a second is
// over.
int fetcher_step(struct fetcher *fetcher, int other_fd, struct error *err) MUST_USE;
