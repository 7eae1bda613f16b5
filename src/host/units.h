// SPDX-License-Identifier: MIT
#pragma once

// units: what the init system says about our units, over the system bus, without privilege.
//
// The init system is the truth: nothing here is remembered. Jobs are waited for by signal; so a
// caller subscribes first, asks the broker, and then waits for the job the broker named.

#include <stdint.h>
#include "base/protocol.h"
#include "host/paths.h"
#include "host/buffer.h"

#define UNITS_WORD_MAX   32u
#define UNIT_SERVER      "left4me-server@"
#define UNIT_MOUNT       "left4me-mount@"
#define UNIT_UPDATE      "left4me-update@"
#define UNIT_SCRIPT      "left4me-script@"
#define UNIT_WORKSHOP    "left4me-workshop@"
#define UNIT_FILES       "left4me-files@"
#define UNIT_PUBLISH     "left4me-publish@"
#define UNIT_BUILD_MOUNT "left4me-build-mount@"

#define UNITS_CANCELLED "canceled" // what became of a job that another one took the place of

// What the only assertion of our units means when it does not hold.
#define UNITS_NO_FILTER_SENTENCE                                                                   \
    "the packet filter is not in force: see 'systemctl status left4me-nft'"

struct units; // a connection to the system bus

// UINT64_MAX in a counter means that the init system does not count it.
struct unit_state {
    char     load_state[UNITS_WORD_MAX];
    char     active_state[UNITS_WORD_MAX];
    char     sub_state[UNITS_WORD_MAX];
    char     result[UNITS_WORD_MAX]; // "success", "exit-code", "oom-kill", …
    char     run[40];                // invocation id, hexadecimal; empty: never ran
    uint32_t pid;
    uint32_t n_restarts;
    int32_t  exit_code;                    // CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: has not ended
    int32_t  exit_status;                  // exit code or signal number
    uint64_t since_us;                     // the last change of active_state
    uint64_t exit_us;                      // when the main process ended, 0 if it did not
    uint64_t start_mono_us, ready_mono_us; // of the newest start, of the newest readiness
    uint64_t assert_mono_us;               // when it was last asked whether it may start, 0: never
    int32_t  is_assert_met;                // the answer
    uint64_t start_timeout_us;
    uint64_t restart_limit_us; // StartLimitInterval
    uint32_t restart_limit;    // StartLimitBurst
    uint64_t memory_bytes, memory_max_bytes;
    uint64_t cpu_ns;
    uint64_t tasks, tasks_max;
};

int  units_open(struct units **ret, const struct host_paths *paths, struct error *err) MUST_USE;
void units_close(struct units *units);
void units_closep(struct units **units);
// To be polled for reading, and units_dispatch called then.
int units_fd(const struct units *units);

// The state of `prefix` + `name` + ".service". A unit that never ran is "inactive".
int units_state(struct units *units, const char *prefix, const char *name, struct unit_state *ret,
                struct error *err) MUST_USE;
// Whether the unit is started at boot. Read from disk: the property of a unit is remembered by the
// init system until it is reloaded.
int units_is_enabled(struct units *units, const char *prefix, const char *name, bool *ret,
                     struct error *err) MUST_USE;
// The ActiveState of any unit, by its full name.
int units_active_state(struct units *units, const char *unit, char ret[UNITS_WORD_MAX],
                       struct error *err) MUST_USE;
// Where a socket unit, by its full name, listens for connections: "127.0.0.1:8080", "[::1]:8080",
// "/run/left4me/worker.sock". Nothing of a unit that there is not.
int units_listens(struct units *units, const char *unit, struct strings *ret, struct error *err)
    MUST_USE;
// The init system's version, "257.3-1".
int units_version(struct units *units, char ret[UNITS_WORD_MAX], struct error *err) MUST_USE;
// Calls `row` for every loaded unit whose name begins with `prefix`, with the part after it.
int units_list(struct units *units, const char *prefix,
               void (*row)(void *data, const char *name, const char *active_state,
                           const char *sub_state),
               void *data, struct error *err) MUST_USE;

// From here on the end of every job of our units is noticed.
int units_subscribe(struct units *units, struct error *err) MUST_USE;
// Waits for a job to end. *ret_result is what the init system calls it ("done", "failed",
// "dependency", "timeout", "canceled", "assert"), or "gone" if it ended unseen.
int units_wait_job(struct units *units, uint32_t job, unsigned timeout_ms,
                   char ret_result[UNITS_WORD_MAX], struct error *err) MUST_USE;
// Waits until the unit is inactive or failed, whoever stops it; *ret is its state then.
int units_wait_inactive(struct units *units, const char *prefix, const char *name,
                        unsigned timeout_ms, struct unit_state *ret, struct error *err) MUST_USE;
// Reads what has arrived without waiting. For a loop that polls other descriptors as well.
int units_dispatch(struct units *units, struct error *err) MUST_USE;
// True once the job has ended; *ret_result as above.
bool units_job_has_ended(const struct units *units, uint32_t job, char ret_result[UNITS_WORD_MAX]);
// True once any job of the unit has ended since units_subscribe; *ret_result is the newest one's.
bool units_unit_has_ended(const struct units *units, const char *prefix, const char *name,
                          char ret_result[UNITS_WORD_MAX]);
// True once a job of the unit was cancelled since units_subscribe, as a stop does to a start.
bool units_unit_was_cancelled(const struct units *units, const char *prefix, const char *name);
// Asks whether the init system still knows the job.
bool units_job_exists(struct units *units, uint32_t job);
