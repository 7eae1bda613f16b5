// SPDX-License-Identifier: MIT
#pragma once

// doctor: checks of the machine, each a row: what was found, how bad it is, what to do about it.
// Everything is read, nothing is changed, nothing needs privilege.

#include "host/paths.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAULT };

struct doctor_finding {
    const char         *name;
    enum doctor_verdict verdict;
    char                words[400]; // what was found; may hold foreign bytes, such as a path
    const char         *remedy;     // "" when all is well
};

#define DOCTOR_CHECKS_MAX 32u

// Fills `ret` (DOCTOR_CHECKS_MAX of them) and returns how many checks there are.
size_t      doctor_examine(struct doctor_finding *ret, const struct host_paths *paths);
const char *doctor_verdict_word(enum doctor_verdict verdict); // "ok", "warn", "fail"

// ---- parts with tables of their own, for the tests -------------------------------------------

// "6.12.3-amd64" against 5.19: at least that version.
bool doctor_version_is_at_least(const char *version, unsigned major, unsigned minor);
