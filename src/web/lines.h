// SPDX-License-Identifier: MIT
#pragma once

// lines: a log that l4d2ctl prints, an object a line, as one answer: {"lines": [{"time_us", …}]}.

#include "web/api.h"

#define LINES_BYTES_MAX (8u << 20) // of an answer; of more the oldest lines are left out

// `words` are followed by `argument`.
int lines_answer(struct api_request *request, const char *const *words, const char *argument,
                 struct error *err) MUST_USE;
