// SPDX-License-Identifier: MIT
#pragma once

// filework: what files.c and uploads.c share: a piece of work in the working tree of an overlay.

#include "files/edit.h"
#include "files/filename.h"
#include "web/beside.h"
#include "web/download.h"

#define FILEWORK_CURSOR_MAX (2 * FILENAME_BYTES_MAX + 1) // characters, the NUL included

struct filework {
    struct beside     beside;
    uint32_t          overlay;
    char              path[FILENAME_PATH_MAX + 1];
    char              to[FILENAME_PATH_MAX + 1];
    char              after[FILENAME_BYTES_MAX + 1];
    size_t            n_max;
    char              etag[API_ETAG_MAX + 1]; // that it must have, EDIT_ANY; "": it is new
    bool              is_new;                 // there must be none yet
    bool              takes_all;              // of what is in a directory
    enum edit_program program;
    char             *bytes; // owned
    size_t            n;
    // What came of it.
    json_t              *json; // owned
    struct listing_etag  made;
    struct download_file file;
};

int  filework_new(struct filework **ret, const struct beside_kind *kind,
                  const struct api_request *request, struct error *err) MUST_USE;
int  filework_run(struct filework *work, struct api_request *request, struct error *err) MUST_USE;
void filework_done(struct beside *beside); // for the kinds

// The path that the query, or the body, names: one that is there perhaps, or that is to be made.
int filework_query_path(char ret[FILENAME_PATH_MAX + 1], struct api_request *request,
                        bool is_optional, struct error *err) MUST_USE;
int filework_body_path(char ret[FILENAME_PATH_MAX + 1], struct api_request *request,
                       const char *field, struct error *err) MUST_USE;

// ---- on a thread ------------------------------------------------------------------------------

int filework_open(struct space **ret, const struct filework *work, struct error *err) MUST_USE;
// What was not as `etag` or `is_new` ask for is told as that.
int filework_conflict(const struct filework *work, struct error *err);

json_t *filework_name_json(const char *name, size_t n); // any bytes
json_t *filework_entry_json(const struct listing_entry *entry);
// The path that was changed, and what is to be said about its name; owned, NULL without memory.
json_t *filework_change_json(const struct filework *work);
// Both of these become what is answered, of the file that is at the path now.
void filework_take_entry(struct filework *work, const struct listing_entry *entry);
// One of those that are listed: where the next page goes on, of the bytes of a name.
json_t *filework_cursor_json(const char *name);
int     filework_read_cursor(char ret[FILENAME_BYTES_MAX + 1], struct api_request *request,
                             struct error *err) MUST_USE;

// ---- in the loop ------------------------------------------------------------------------------

// Records a change and tells of it, in a transaction of its own. Takes `after`.
int filework_record(struct filework *work, const char *action, json_t *after, struct error *err)
    MUST_USE;
// For the kinds that put a file in place: records that, and answers with what it is now.
int filework_said_saved(struct beside *beside, struct api_request *request, struct error *err);
