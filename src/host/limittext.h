// SPDX-License-Identifier: MIT
#pragma once

// limittext: how a person writes and reads what a server may use.

#include "base/protocol.h"
#include "host/buffer.h"

#define LIMITTEXT_CPUS_MAX 1000u // bytes of a list; the longest one without repetition is shorter

// Reads a list of processors such as "0-3,6" into ret->cpus.
int limittext_parse_cpus(struct instance_limits *ret, const char *text, struct error *err) MUST_USE;
bool limittext_has_cpus(const struct instance_limits *limits);
// Adds the shortest list that limittext_parse_cpus reads back.
void limittext_format_cpus(struct buffer *text, const struct instance_limits *limits);
// Adds a size as a person writes it: "4G", "1536M", else the number of bytes.
void limittext_format_bytes(struct buffer *text, uint64_t bytes);
