// SPDX-License-Identifier: MIT
#pragma once

// conflicts: which add-ons have files of the same names. Fills in the conflicts of a report.
//
// What each pack has of its own (addoninfo.txt, addonimage.…) and what is equal in both is left
// out.

#include "explain/report.h"

int conflicts_find(struct report *report, struct error *err) MUST_USE;
