// SPDX-License-Identifier: MIT
#pragma once

// fields: what every answer tells a browser besides its content, and errors of those parts that are
// not the API's.
//
// A page of ours runs scripts and styles of this very host alone, talks to it alone, and stands in
// nobody's frame. What is not a page is not to be taken for one, whatever it holds.

#include "http/server.h"

enum fields_of {
    FIELDS_DATA,  // an answer of the API, an error: of this moment, for whoever asked
    FIELDS_PAGE,  // may be kept, but asked about each time
    FIELDS_ASSET, // its name changes with its content
    FIELDS_KINDS,
};

// `is_secure`: it goes to the client by https, and is to do so from now on.
void fields_add(struct http_exchange *exchange, enum fields_of kind, bool is_secure);

// Answers with {"error": …} as the API does. Words and message are of our own making.
void fields_answer_error(struct http_exchange *exchange, int status, const char *kind,
                         const char *message);
