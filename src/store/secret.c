// SPDX-License-Identifier: MIT
#include "store/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "base/base32.h"
#include "base/fd.h"

#define RANDOM_BYTES 32u
#define TEXT_BYTES   43u // of base64 without its padding

#define CODE_RANDOM_BYTES 10u
#define CODE_LETTERS      16u // of base32, in groups of four
#define CODE_GROUP        4u

_Static_assert(SECRET_HASH_BYTES == crypto_generichash_BYTES, "a hash of the usual length");
_Static_assert(SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "its key");
_Static_assert(SECRET_SEAL_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
                                        crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "what stands before and behind");

static const struct {
    const char *prefix, *purpose;
} purposes[] = {
    [SECRET_SESSION] = { "", "left4me session of a browser" },
    [SECRET_API_TOKEN] = { "l4m_", "left4me api token" },
    [SECRET_INVITATION] = { "", "left4me invitation" },
    [SECRET_RECOVERY] = { "", "left4me recovery code" },
};
_Static_assert(ELEMENTS(purposes) == SECRET_PURPOSES, "every purpose has a row");
_Static_assert(TEXT_BYTES + sizeof "l4m_" <= SECRET_WORD_MAX, "a word fits");
_Static_assert(BASE32_SIZE(CODE_RANDOM_BYTES) == CODE_LETTERS + 1, "a code has whole groups");

// ---- words ------------------------------------------------------------------------------------

static void hash(struct secret_hash *ret, enum secret_purpose purpose, const char *word)
{
    const char *key = purposes[purpose].purpose;

    int r = crypto_generichash(ret->bytes, sizeof ret->bytes, (const uint8_t *)word, strlen(word),
                               (const uint8_t *)key, strlen(key));
    assert(r == 0 && strlen(key) >= crypto_generichash_KEYBYTES_MIN); // only bad lengths fail
    (void)r;
}

// "ABCD-EFGH-IJKL-MNOP"; its hash is that of the letters alone.
static void make_code(char ret[SECRET_WORD_MAX], struct secret_hash *ret_hash)
{
    uint8_t bytes[CODE_RANDOM_BYTES];
    char    letters[CODE_LETTERS + 1];

    randombytes_buf(bytes, sizeof bytes);
    base32_encode(letters, bytes, sizeof bytes);
    hash(ret_hash, SECRET_RECOVERY, letters);
    for (size_t i = 0; i < CODE_LETTERS; i++) {
        if (i > 0 && i % CODE_GROUP == 0)
            *ret++ = '-';
        *ret++ = letters[i];
    }
    *ret = '\0';
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(letters, sizeof letters);
}

// However it is typed: small letters, blanks, dashes or none. False: it cannot be one.
static bool read_code(char ret[CODE_LETTERS + 1], const char *word)
{
    size_t n = 0;

    for (; *word; word++) {
        char c = *word >= 'a' && *word <= 'z' ? (char)(*word - 'a' + 'A') : *word;
        if (c == '-' || c == ' ')
            continue;
        if (n == CODE_LETTERS || !((c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7')))
            return false;
        ret[n++] = c;
    }
    ret[n] = '\0';
    return n == CODE_LETTERS;
}

static int hash_code(struct secret_hash *ret, const char *word, struct error *err)
{
    char letters[CODE_LETTERS + 1];

    if (!read_code(letters, word))
        return error_set(err, ERROR_DENIED, "this is no recovery code");
    hash(ret, SECRET_RECOVERY, letters);
    return 0;
}

void secret_make(char ret[SECRET_WORD_MAX], struct secret_hash *ret_hash,
                 enum secret_purpose purpose)
{
    uint8_t bytes[RANDOM_BYTES];
    size_t  n = strlen(purposes[purpose].prefix);

    if (purpose == SECRET_RECOVERY) {
        make_code(ret, ret_hash);
        return;
    }
    memcpy(ret, purposes[purpose].prefix, n);
    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2base64(ret + n, SECRET_WORD_MAX - n, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING); // it fits
    sodium_memzero(bytes, sizeof bytes);
    hash(ret_hash, purpose, ret);
}

int secret_hash_word(struct secret_hash *ret, enum secret_purpose purpose, const char *word,
                     struct error *err)
{
    size_t n = strlen(purposes[purpose].prefix);

    if (purpose == SECRET_RECOVERY)
        return hash_code(ret, word, err);
    if (strnlen(word, SECRET_WORD_MAX) != n + TEXT_BYTES ||
        strncmp(word, purposes[purpose].prefix, n) != 0)
        return error_set(err, ERROR_DENIED, "it is not valid, or no longer");
    hash(ret, purpose, word);
    return 0;
}

// ---- the key ----------------------------------------------------------------------------------

// A credential of systemd is root's, and the user of the service may read it by an access list:
// what looks like the rights of the group is the mask of that list.
static bool others_may(int fd, mode_t mode)
{
    bool is_listed = fgetxattr(fd, "system.posix_acl_access", NULL, 0) > 0;

    return mode & (S_IRWXO | S_IWGRP | S_IXGRP | (is_listed ? 0u : S_IRGRP));
}

int secret_key_read(struct secret_key *ret, const char *path, struct error *err)
{
    struct stat st;
    AUTO_FD     fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return error_sys(err, errno, "opening the key '%s'", path);
    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "looking at the key '%s'", path);
    if (!S_ISREG(st.st_mode) || st.st_size != SECRET_KEY_BYTES)
        return error_set(err, ERROR_INVALID, "'%s' is no key: it must have %u bytes", path,
                         SECRET_KEY_BYTES);
    if (others_may(fd, st.st_mode))
        return error_set(err, ERROR_INVALID, "others may read the key '%s'", path);
    return fd_read_exactly(fd, ret->bytes, sizeof ret->bytes, err);
}

int secret_key_find(struct secret_key *ret, struct error *err)
{
    const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
    char        path[PATH_MAX];

    if (!dir)
        return secret_key_read(ret, SECRET_KEY_FILE, err);
    int n = snprintf(path, sizeof path, "%s/" SECRET_KEY_CREDENTIAL, dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(err, ERROR_INVALID, "the path of the credentials is too long");
    return secret_key_read(ret, path, err);
}

void secret_key_make(struct secret_key *ret)
{
    randombytes_buf(ret->bytes, sizeof ret->bytes);
}

void secret_key_forget(struct secret_key *key)
{
    sodium_memzero(key->bytes, sizeof key->bytes);
}

// ---- seals ------------------------------------------------------------------------------------

int secret_seal(struct secret_sealed *ret, const struct secret_key *key, const char *context,
                const void *bytes, size_t n, struct error *err)
{
    unsigned long long n_sealed = 0;
    uint8_t           *nonce = ret->bytes;
    uint8_t           *text = ret->bytes + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;

    if (n > SECRET_SEALED_MAX - SECRET_SEAL_BYTES)
        return error_set(err, ERROR_INVALID, "it is too long to be sealed");
    randombytes_buf(nonce, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        text, &n_sealed, bytes, n, (const uint8_t *)context, strlen(context), NULL, nonce,
        key->bytes); // it does not fail
    ret->n = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + (size_t)n_sealed;
    return 0;
}

int secret_open(void *ret, size_t *ret_n, size_t size, const struct secret_key *key,
                const char *context, const void *sealed, size_t n, struct error *err)
{
    unsigned long long n_opened = 0;
    const uint8_t     *nonce = sealed;

    if (n < SECRET_SEAL_BYTES || n - SECRET_SEAL_BYTES > size)
        return error_set(err, ERROR_INVALID, "it is not sealed, or too long");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            ret, &n_opened, NULL, nonce + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
            n - crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, (const uint8_t *)context,
            strlen(context), nonce, key->bytes) != 0)
        return error_set(err, ERROR_DENIED,
                         "the seal does not open: the key is not the one it was made with");
    *ret_n = (size_t)n_opened;
    return 0;
}
