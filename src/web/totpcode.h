// SPDX-License-Identifier: MIT
#pragma once

// totpcode: the codes of a second factor: six digits, another one every 30 seconds, which follow
// from a secret that a telephone shares. Of SHA-1, the one that all programs on telephones know.
//
// Source: RFC 6238, and RFC 4226, section 5.3.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOTP_STEP_S       30
#define TOTP_DIGITS       6u
#define TOTP_SECRET_BYTES 20u // as many as the hash has: RFC 4226, section 4, R6

// The number of a step, of which a code is the last digits.
uint32_t totp_number(const uint8_t *secret, size_t n, uint64_t step);

// Whether `code` is that of now, or of the step before or after it: clocks differ. *ret_step: whose
// it is. It takes as long whether it is or not.
bool totp_check(int64_t *ret_step, const uint8_t *secret, size_t n, const char *code,
                int64_t now_unix_s);
