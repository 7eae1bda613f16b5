// SPDX-License-Identifier: MIT
#pragma once

// metrics: /metrics, what those who watch the machine ask for again and again, in the text format
// of Prometheus.
//
// It is answered to an admin, by a session or a token, and to everybody if the setting metrics_open
// is on.

#include "web/api.h"
#include "web/visit.h"

#define METRICS_BUCKETS 10u

struct metrics {
    uint64_t by_class[6]; // requests, by the first digit of their status; 0: never answered
    uint64_t buckets[METRICS_BUCKETS]; // requests, by how long they took
    uint64_t total_us, n_timed, n_bytes;
};

// One that is over. A stream has no time of its own.
void metrics_add(struct metrics *metrics, const struct visit *visit, int status, uint64_t n_bytes);

// Of the exchange the fields are added already.
void metrics_answer(const struct metrics *metrics, struct web *web, struct http_exchange *exchange);
