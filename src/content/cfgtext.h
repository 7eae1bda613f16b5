// SPDX-License-Identifier: MIT
#pragma once

// cfgtext: reads the console's scripts, such as server.cfg, one command after the other.
//
// A command ends with its line or at a ';' that is not in quotes; // begins a comment, also not in
// quotes. A quote ends with its line. Commands that are longer than the console takes are skipped.
// Source: Valve developer wiki, "Developer console" and "CFG".

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CFG_COMMAND_MAX 512u // bytes of the words of one command, each with a NUL
#define CFG_WORDS_MAX   16u  // more are read over

struct cfg_reader {
    const uint8_t *next, *end;
    uint32_t       line; // of `next`
};

struct cfg_command {
    uint32_t line;                 // counted from 1
    size_t   n_words;              // at least 1
    char    *words[CFG_WORDS_MAX]; // in `text`; any bytes but NUL
    char     text[CFG_COMMAND_MAX];
};

struct cfg_reader cfg_reader_of(const uint8_t *bytes, size_t n_bytes);
// False at the end.
bool cfg_next(struct cfg_command *ret, struct cfg_reader *reader);

struct cfg_bytes {
    uint32_t first_line; // with a byte that is not ASCII; 0: there is none
    uint32_t n_lines;    // with one
    bool     has_mark;   // it begins with a byte order mark
};

struct cfg_bytes cfg_look_at_bytes(const uint8_t *bytes, size_t n_bytes);
