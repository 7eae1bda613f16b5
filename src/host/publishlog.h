// SPDX-License-Identifier: MIT
#pragma once

// publishlog: what the log of a publication says, to show to whoever waits for it. The lines are
// those of left4me-content.

#include "host/journal.h"

// Bytes: it is to fit into an error of ours, with a remedy. Of a longer one the middle goes, which
// is that of a path: its end says why.
#define PUBLISHLOG_SENTENCE_MAX 120u

struct publishlog {                             // starts as { 0 }
    bool is_unchanged;                          // there was nothing new to publish
    bool is_out_of_space;                       // the disk is full, or a quota
    char sentence[PUBLISHLOG_SENTENCE_MAX + 1]; // of its last error; empty: none
    char summary[256];                          // what was published; empty: nothing
};

// Takes in one line, in the order of the log.
void publishlog_take(struct publishlog *log, const struct journal_line *line);
