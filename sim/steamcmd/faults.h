// SPDX-License-Identifier: MIT
#pragma once

// faults: failures on order. The file `fail` beside steamcmd.sh holds one word:
//   0x202 0x212 0x402 0x602 0x606 0x626 0x6A6 ...   the update ends half-way in this state
//   missing-configuration, no-subscription         app_update is refused
//   two-factor                                     the login is refused
//   crash, hang                                    in the middle of the update
//   wait                                           once, in the middle, until somebody opens the
//   FIFO
//                                                  `gate` beside steamcmd.sh; then it goes on
// Behind the word, ":N" makes it fail N times and then work.

#include "steamcmd.h"
#include <stdbool.h>

#define FAULTS_WORD_MAX 64u

// Takes the word for this attempt, without its count; empty: none.
void faults_next(char word[FAULTS_WORD_MAX], const struct session *session);

// Says that it waits, and returns when the gate is opened. Its sandbox knows no other way to wait
// for a word from outside.
void faults_wait(const struct session *session);
