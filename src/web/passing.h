// SPDX-License-Identifier: MIT
#pragma once

// passing: what a run of l4d2ctl gives, passed on as it comes and as fast as the client takes it:
// archives, and answers that may be as large as a game has made them.
//
// What is short is looked at before it is passed on, so that an error is answered as an error. Once
// bytes are on their way nothing can be taken back: then a failure breaks the connection.

#include "ctl/ctl.h"
#include "web/api.h"

#define PASSING_MAX      8u          // that run at the same time,
#define PASSING_USER_MAX 4u          // of one user
#define PASSING_SHORT    (64u << 10) // bytes

struct passing_options {
    const char *const *words; // of l4d2ctl, NULL-terminated, "--json" among them
    const char        *type;
    const char        *name;   // that it is saved under; NULL: it is shown
    char               begins; // a first byte by which it is known to be no error; 0: none is
};

int passing_run(struct api_request *request, const struct passing_options *options,
                struct error *err) MUST_USE;
// JSON, of words that are followed by one that a person has given, or NULL.
int passing_json(struct api_request *request, const char *const *words, const char *argument,
                 struct error *err) MUST_USE;

// All that run: web->passings.
struct passings;
// A place among them, which is somebody's; the fields are passing's own.
struct passing_place {
    struct passing_place *next;
    struct passings      *passings;
    int64_t               user;
};
// For others who run something there, with a place of their own that stays where it is until it is
// left. ERROR_UNAVAILABLE: there is no room, or none for him.
int passings_begin(struct ctl **ret, struct passing_place *place, const struct api_request *request,
                   const struct ctl_request *wanted, const struct ctl_handler *handler,
                   void *context, struct error *err) MUST_USE;
void passings_leave(struct passing_place *place);
int  passings_open(struct passings **ret, sd_event *event, const char *program, struct error *err)
    MUST_USE;
// Takes NULL, returns NULL; when all requests are over.
struct passings *passings_close(struct passings *passings);
