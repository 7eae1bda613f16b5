// SPDX-License-Identifier: MIT
#pragma once

// output: what one line of SteamCMD's output means.
//
// SteamCMD has no machine-readable form and its states are not documented; the texts here are those
// it is known to print, the meaning of the states that of the LinuxGSM documentation, "SteamCMD
// errors". Colour sequences and leading spaces are skipped.

#include <stddef.h>
#include <stdint.h>

enum steam_event_kind {
    STEAM_OTHER,    // nothing we know
    STEAM_PROGRESS, // state, hundredths, done, total
    STEAM_SUCCESS,  // the app is installed
    STEAM_RETRY,    // the "Missing configuration" that goes away when asked again: fault
    STEAM_FAILURE,  // fault
};

// A word for programs and a sentence, with a remedy, for people.
struct steam_fault {
    const char *code;
    const char *sentence;
};

struct steam_event {
    enum steam_event_kind     kind;
    uint32_t                  state;
    uint32_t                  hundredths;  // of a percent, at most 10,000
    uint64_t                  done, total; // bytes
    const struct steam_fault *fault;
};

// How many bytes at its beginning are colour sequences and spaces.
size_t steam_output_decoration(const char *line, size_t n_line);

struct steam_event steam_output_parse(const char *line, size_t n_line);
