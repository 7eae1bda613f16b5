// SPDX-License-Identifier: MIT
#pragma once

// attempt: whoever says a password or a code, and how often it was wrong: by the address it comes
// from, and by the account it is about.

#include "web/api.h"

// ERROR_BUSY, 429 and Retry-After: he has to wait.
int attempt_check(struct api_request *request, const char *name, struct error *err) MUST_USE;
// When it is known whether he was right, before he is told. Many can be heard at once, the moment a
// wait is over: when one of them has failed the others have to wait like whoever comes then, or the
// wait would be for nothing. Those who may fail for free may do so together.
int  attempt_check_again(struct api_request *request, const char *name, struct error *err) MUST_USE;
void attempt_failed(struct api_request *request, const char *name);
void attempt_succeeded(struct api_request *request, const char *name);
