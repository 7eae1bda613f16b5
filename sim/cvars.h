// SPDX-License-Identifier: MIT
#pragma once

// cvars: the console variables. Names compare without regard to case.

#include "base/macros.h"
#include <stdbool.h>
#include <stddef.h>

#define CVARS_VALUE_MAX 256u // bytes, the NUL included; longer values are cut as in the engine

enum cvar_flag {
    CVAR_RULE = 1,   // told to anyone who asks for the rules
    CVAR_HIDDEN = 2, // only sm_cvar and the command line reach it
    CVAR_SECRET = 4, // its value is not listed
};

struct cvar {
    const char *name;
    const char *initial;
    int         flags;
    const char *help;
    char        value[CVARS_VALUE_MAX];
};

struct cvars;
typedef void cvars_fn(void *userdata, const struct cvar *cvar);

struct cvars *cvars_new(void); // NULL: no memory
struct cvars *cvars_free(struct cvars *cvars);

const struct cvar *cvars_at(const struct cvars *cvars, size_t i);
const struct cvar *cvars_find(const struct cvars *cvars, const char *name); // NULL: no such

// These assert that the variable exists: names in our code are ours.
const char *cvars_text(const struct cvars *cvars, const char *name);
double      cvars_number(const struct cvars *cvars, const char *name); // 0 for what is none
bool        cvars_is_on(const struct cvars *cvars, const char *name);

// Writes the value and calls the watcher, also when the value stays the same.
void cvars_set(struct cvars *cvars, const struct cvar *cvar, const char *value);
void cvars_watch(struct cvars *cvars, const char *name, cvars_fn *fn, void *userdata);
