// SPDX-License-Identifier: MIT
#pragma once

// answer: what l4d2ctl says with --json, understood: documents one behind the other, the last of
// which is the result, or {"error": {"kind", "message", …}}. Its errors are taken over as they are:
// the same sentence reaches the page, the terminal and the journal.

#include <jansson.h>
#include "ctl/ctl.h"

// The last document in `bytes`; NULL: there is none. Owned by the caller.
json_t *answer_last(const char *bytes, size_t n);

// Fills in the error that `document` tells of. False: it tells of none.
bool answer_take_error(struct error *err, const json_t *document);

// Why a run did not succeed, whose last document was `document`, or NULL. Only where it did not:
// another exit code than 0, a signal, a limit. -1.
int  answer_raise(const struct ctl_end *end, const json_t *document, struct error *err);
bool answer_is_success(const struct ctl_end *end);

// Of a run that gave all of its output: the document, or the error. *ret is owned.
int answer_read(json_t **ret, const struct ctl_end *end, struct error *err) MUST_USE;
