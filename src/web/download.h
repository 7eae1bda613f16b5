// SPDX-License-Identifier: MIT
#pragma once

// download: a file that is sent while it is read: a piece at a time, on a thread, as fast as the
// client takes it. Always as something to be saved, never to be shown by a browser.
//
// What is sent is the bytes that the file had when it was opened, or the connection breaks.

#include "files/listing.h"
#include "web/api.h"

#define DOWNLOAD_PIECE (256u << 10) // bytes
#define DOWNLOADS_MAX  32u          // that are under way,
#define DOWNLOADS_USER 8u           // of one user

struct download_file {
    int                 fd;
    uint64_t            size;
    char                name[256]; // that it is saved under
    struct listing_etag etag;      // "": none
    char               *bytes;     // the first piece, owned
    size_t              n;
};

#define DOWNLOAD_FILE_NONE                                                                         \
    (struct download_file)                                                                         \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

void download_file_done(struct download_file *file);
// On a thread, when all else is filled in.
int download_read_first(struct download_file *file, struct error *err) MUST_USE;
// In the loop. Takes what is in `file`, also when it fails.
int download_answer(struct api_request *request, struct download_file *file, struct error *err)
    MUST_USE;

// How the answer says under which name it is to be saved.
void download_add_name(struct api_request *request, const char *name);

// The threads, and those who are served by them.
struct downloads;
int downloads_open(struct downloads **ret, sd_event *event, struct error *err) MUST_USE;
// Takes NULL, returns NULL; when all requests are over.
struct downloads *downloads_close(struct downloads *downloads);
