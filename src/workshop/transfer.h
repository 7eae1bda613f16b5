// SPDX-License-Identifier: MIT
#pragma once

// transfer: one try of a job with libcurl: what is asked, what is taken of the answer and handed to
// the job, and the sentence for what came of it. When it is tried is the fetcher's business.

#include <curl/curl.h>
#include "workshop/fetch.h"

struct transfer {
    const struct fetch_rules *rules; // borrowed
    const struct fetch_job   *job;   // borrowed from the newest transfer_ask()
    CURL                     *easy;
    struct curl_slist        *headers;
    struct fetch_start        start;
    struct head               head; // of the answer at hand
    bool                      is_head_told;
    uint64_t                  n_header_bytes, n_bytes, n_ignored;
    struct error              error;   // of a callback; ERROR_NONE: none
    struct error              refusal; // of an address
};

// After a failure as well, it is for transfer_done(). libcurl keeps its address: it must stay where
// it is.
int transfer_init(struct transfer *transfer, const struct fetch_rules *rules, struct error *err)
    MUST_USE;
void transfer_done(struct transfer *transfer); // also of zeros

// Makes `easy` ready to be performed; `job` must be there until it is judged. rate_bytes_s 0: no
// limit.
int transfer_ask(struct transfer *transfer, const struct fetch_job *job,
                 const struct fetch_start *start, curl_off_t rate_bytes_s, struct error *err)
    MUST_USE;

// What came of it, when libcurl has ended it with `code`: tells the job that it is whole, or fails
// with the sentence for whoever waits for it.
int transfer_judge(struct transfer *transfer, CURLcode code, struct error *err) MUST_USE;

int transfer_fail(const char *what, struct error *err); // ERROR_FAILED: libcurl itself
