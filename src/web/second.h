// SPDX-License-Identifier: MIT
#pragma once

// second: the second factor of who logs in: a code of his telephone, or one of his recovery codes.

#include "web/api.h"

#define SECOND_CODE_MAX 33u // bytes of `code` in a body, the NUL included

// That `code`, if there is one, can be a code.
int second_check_form(struct api_request *request, struct error *err) MUST_USE;
// That the body has the code of a user who has a second factor; it counts once. A wrong one is an
// attempt that failed. ERROR_DENIED, 401, about `code`: it is wanted, or wrong.
int second_check(struct api_request *request, const struct user *user, struct error *err) MUST_USE;
