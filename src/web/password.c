// SPDX-License-Identifier: MIT
#include "web/password.h"

#include <sodium.h>
#include <string.h>

_Static_assert(PASSWORD_HASH_MAX > crypto_pwhash_STRBYTES, "a hash of libsodium fits");

#define OPERATIONS   crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY_BYTES crypto_pwhash_MEMLIMIT_INTERACTIVE

int password_check(const char *password, struct error *err)
{
    size_t n = strnlen(password, PASSWORD_BYTES_MAX + 1);

    if (n < PASSWORD_BYTES_MIN || n > PASSWORD_BYTES_MAX)
        return error_set(err, ERROR_INVALID, "a password has %u to %u bytes", PASSWORD_BYTES_MIN,
                         PASSWORD_BYTES_MAX);
    return 0;
}

int password_hash(char ret[PASSWORD_HASH_MAX], const char *password, struct error *err)
{
    if (crypto_pwhash_str(ret, password, strlen(password), OPERATIONS, MEMORY_BYTES) != 0)
        return error_set(err, ERROR_NO_SPACE, "there is no memory to hash a password right now");
    return 0;
}

bool password_matches(const char *hash, const char *password)
{
    char ignored[PASSWORD_HASH_MAX];

    if (*hash)
        return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
    // Whether there is such a user is nobody's business, and cannot be told by a clock.
    (void)!crypto_pwhash_str(ignored, password, strlen(password), OPERATIONS, MEMORY_BYTES);
    return false;
}
