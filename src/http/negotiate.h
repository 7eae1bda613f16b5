// SPDX-License-Identifier: MIT
#pragma once

// negotiate: what a client takes, and what it has already.
//
// These fields are wishes: what is not well-formed in one is passed over, and the client has what
// everybody has.
//
// Source: RFC 9110, sections 12.4.2, 12.5.1, 12.5.3 and 13.1.2.

#include <stdbool.h>
#include "http/request.h"

enum http_coding { HTTP_PLAIN, HTTP_GZIP, HTTP_BROTLI, HTTP_CODINGS };

// As in Content-Encoding; that of HTTP_PLAIN is "identity", which is not said there.
const char *http_coding_word(enum http_coding coding);

// The weight of `word` (in small letters) in a list, in thousandths: 0 says that it is not wanted.
// -1: it is not in the list.
int http_weight(struct http_text list, const char *word);

// Of those there are, which have their bits in `there` (1 << HTTP_GZIP), the one that the client
// likes best; of two that it likes alike, the smaller one. HTTP_PLAIN is always there.
enum http_coding http_choose_coding(struct http_text accept_encoding, unsigned there);

// Whether the client wants a page: it says "text/html", not just "*/*".
bool http_accepts_page(struct http_text accept);

// Whether `tag`, with its quotes, is among those of If-None-Match.
bool http_has_tag(struct http_text if_none_match, const char *tag);
