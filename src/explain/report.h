// SPDX-License-Identifier: MIT
#pragma once

// report: a whole stack explained: its add-ons and campaigns, what is wrong, what is in each
// other's way.
//
// Only what the game gets to see counts: what is wrong with a file that another layer shadows is
// nobody's trouble. Of configurations only those count that are run: server.cfg, autoexec.cfg, what
// they run, and everything in cfg/sourcemod, where plug-ins keep theirs.

#include "content/findings.h"
#include "explain/sources.h"

#define REPORT_FINDINGS_MAX  1000u
#define REPORT_CONFLICTS_MAX 1000u
#define REPORT_CAMPAIGNS_MAX 4096u

struct report_finding {
    enum finding_severity severity;
    uint32_t              code;
    size_t                layer;
    uint32_t              node; // INDEX_ROOT: it is about the layer
    uint32_t              line; // 0: about the whole file
    const char           *text; // borrowed; for finding_fill()
    const char           *path; // borrowed
};

// Two add-ons that both have files of the same names with different content. Which of them the game
// takes is not certain, see explain/sources.h.
struct report_conflict {
    uint32_t    winner, loser;   // numbers of add-ons, in the order in which the game looks
    uint32_t    n_files, n_same; // that differ, and that are equal in both
    const char *example;         // borrowed: the first that differs
};

struct report_campaign {
    size_t      layer;
    uint32_t    mission;   // of the layer's index
    uint32_t    addon;     // number of the add-on it is in; INDEX_NONE: it is the game's own
    bool        is_loaded; // the game reads the mission, as far as is known
    uint32_t    n_maps, n_missing;
    const char *missing; // borrowed: the first map that is nowhere, or NULL
};

struct report {
    const struct view      *view;
    struct sources         *sources; // owned
    size_t                  n_findings;
    struct report_finding  *findings; // owned; the most severe first, then by path and line
    size_t                  n_conflicts;
    struct report_conflict *conflicts; // owned; by the numbers of the add-ons
    size_t                  n_campaigns;
    struct report_campaign *campaigns;        // owned; add-ons first, in their order
    uint64_t                n_files, n_bytes; // that the game sees
    bool                    is_cut;           // there is more of something
    char                   *paths;            // owned
};

int  report_make(struct report **ret, const struct view *view, struct error *err) MUST_USE;
void report_free(struct report *report); // takes NULL
void report_freep(struct report **report);
