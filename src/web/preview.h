// SPDX-License-Identifier: MIT
#pragma once

// preview: what would come of a blueprint: the files that it makes, what is wrong with it, and what
// would be different with which servers when they are started again.

#include "store/blueprint.h"
#include "web/api.h"

#define PREVIEW_SERVERS_MAX 200u // that are looked at

// Takes what is in `draft`, also when it fails.
int preview_answer(struct api_request *request, struct blueprint **draft, struct error *err)
    MUST_USE;
