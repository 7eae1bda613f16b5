// SPDX-License-Identifier: MIT
#pragma once

// static: the files of the page, read once and answered from memory.
//
// A file NAME may have NAME.gz and NAME.br beside it: the same, compressed, for those who take it.
// What lies in assets/ with a hash in its name never changes; all else is asked about each time, by
// its tag. An address that is no file is one of the application's own for whoever wants a page, so
// he is given index.html. Only regular files of a type that is known here are there at all: no
// links, nothing whose name begins with a dot.

#include "http/server.h"

#define STATIC_FILES_MAX 2000u
#define STATIC_BYTES_MAX (64u << 20) // of all together
#define STATIC_DEPTH_MAX 8u          // directories
#define STATIC_PATH_MAX  256u        // bytes, the NUL included

struct static_files;

// Reads the directory `path`. Where there is none nothing is there, and whoever wants the page is
// told that it is not installed.
int static_open(struct static_files **ret, const char *path, struct error *err) MUST_USE;
struct static_files *static_close(struct static_files *files); // takes NULL, returns NULL
void                 static_closep(struct static_files **files);

// How many files were left out because of what they are.
size_t static_count_left_out(const struct static_files *files);

// Answers a request for anything but the API. The files stay as long as the server.
void static_answer(const struct static_files *files, struct http_exchange *exchange,
                   bool is_secure);
