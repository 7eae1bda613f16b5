// SPDX-License-Identifier: MIT
#pragma once

// made: what a request has made is answered, and kept to be answered again.

#include "web/api.h"

// Whether the request came before, by its Idempotency-Key. 1: it did, and is answered; 0: go on.
int made_before(struct api_request *request, struct error *err) MUST_USE;
