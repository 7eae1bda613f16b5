// SPDX-License-Identifier: MIT
#pragma once

// verdict: the state of a server in one word, and how it ended in one sentence.
//
// left4me-launch is the first process in the server's namespace and cannot die of a signal itself:
// it exits with 128 + N when the game died of signal N, else with the game's own code.

#include "host/units.h"

#define VERDICT_BUILD_MAX 160u // bytes of a sentence, the NUL included

struct exit_verdict {
    bool        has_ended;
    int         code;        // of the game; -1: it was ended by a signal
    int         signal;      // 0: none
    const char *signal_word; // "SIGSEGV"; "" without a signal
    bool        is_out_of_memory;
    char        sentence[160]; // without a full stop; empty: nothing to say
};

// "stopped", "starting", "running", "stopping", "failed", "restarting" (it crashed and is about to
// be started again), else the init system's own word.
const char *verdict_state_word(const char *active_state, const char *sub_state);
void        verdict_exit(struct exit_verdict *ret, const struct unit_state *state);
// The init system forgets how a run ended when the next one starts; its log does not. Takes exit
// code, status or result over from one line that the init system itself wrote; the game may write
// the same words. False: the line says nothing about an end.
bool verdict_read_line(struct unit_state *state, const char *line);
// Whether a line of the init system is its word on a unit that did not succeed. It warns of other
// things as well, also while the unit runs.
bool verdict_is_failure(const char *line);
// How a builder was ended before it could say why: by its unit's result. `noun` is what it made,
// "build" or "update". Empty: it ended by itself, or was never begun.
void verdict_build(char ret[VERDICT_BUILD_MAX], const char *noun, bool is_cancelled,
                   const struct unit_state *state);
// The exit code of a script, from the sentence by which its builder ends: that is told apart there
// from exit codes of the builder's own. False: the script did not end by itself, or ended well.
bool verdict_script_code(int *ret, const char *sentence);
