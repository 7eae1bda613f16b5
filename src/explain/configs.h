// SPDX-License-Identifier: MIT
#pragma once

// configs: which configurations the server runs, by what each of them says it runs.
//
// A configuration that is never run may hold anything. Which ones plug-ins run is not to be seen;
// theirs lie in cfg/sourcemod, and count as run.
// Source of what is run at the start and with each map: the project's facts on the engine,
// docs/explain.md.

#include "explain/sources.h"

#define CONFIGS_MAX 4096u // that are followed

struct configs; // opaque

int  configs_open(struct configs **ret, const struct sources *sources, struct error *err) MUST_USE;
void configs_free(struct configs *configs); // takes NULL
void configs_freep(struct configs **configs);

// What a finding about a file is worth: its code, that of a lesser one, or 0.
uint32_t configs_judge(const struct configs *configs, size_t layer, uint32_t node, uint32_t code);

// Calls `take` for each line of a configuration that is run which runs one that is not there. What
// it returns but 0 ends it and is returned.
int configs_missing(const struct configs *configs,
                    int (*take)(void *user, size_t layer, uint32_t node, uint32_t line,
                                const char *target, struct error *err),
                    void *user, struct error *err) MUST_USE;
