// SPDX-License-Identifier: MIT
#pragma once

// object: the thing that a request is about, and what who asks may do with it.

#include "web/api.h"

const char *object_word(enum api_object object);
// Finds that of the path, and what who asks may do; 404 and 403 as api.h says.
int  object_load(struct api_request *request, struct error *err) MUST_USE;
void object_forget(struct api_request *request);
