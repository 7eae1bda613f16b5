// SPDX-License-Identifier: MIT
#pragma once

// login: beginning and ending a session.

#include "web/api.h"

// Begins a session of request->user in place of the one that there may be, and answers.
int login_begin(struct api_request *request, struct error *err) MUST_USE;
// For `forget` of a request that waits for the hasher.
void login_forget(struct api_request *request);
