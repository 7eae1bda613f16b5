// SPDX-License-Identifier: MIT
#pragma once

// guard: who asks, and whether he means it.
//
// A browser sends the cookie of a session with whatever any page makes it send. So a request that
// changes something, and comes with a cookie or with none, must say that it comes from our own
// page: by Sec-Fetch-Site, or by an Origin that is the Host. A token is sent by nobody who does not
// know it.

#include "web/api.h"

#define GUARD_COOKIE "left4me"

// Fills in user and session. ERROR_DENIED: nobody is known by what the request shows.
int guard_identify(struct api_request *request, struct error *err) MUST_USE;
int guard_check_origin(struct api_request *request, struct error *err) MUST_USE;
int guard_check_type(const struct http_request *request, struct error *err) MUST_USE;

// With the answer; an empty word takes the cookie away.
void guard_set_cookie(struct api_request *request, const char *word);
