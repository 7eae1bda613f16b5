// SPDX-License-Identifier: MIT
#pragma once

// secret: words that prove who somebody is, kept as hashes, and what must be read again, kept
// sealed.
//
// A word has 256 random bits and is good for one purpose: its hash has the purpose in it, so that
// what is stored of a session is found by no invitation. Since nobody can guess it, a fast hash
// serves. A recovery code, which somebody reads from paper and types, has 80, in letters and digits
// of which none looks like another.
//
// What is sealed can be neither read nor changed nor put in another place without the key: the
// context that it was sealed for ("rcon of server 12") must be told to open it.

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define SECRET_WORD_MAX    48u // bytes, the NUL included
#define SECRET_HASH_BYTES  32u
#define SECRET_KEY_BYTES   32u
#define SECRET_SEAL_BYTES  40u // that a seal adds
#define SECRET_SEALED_MAX  512u
#define SECRET_CONTEXT_MAX 64u

#define SECRET_KEY_CREDENTIAL "left4me.key"                // as systemd hands it to our services
#define SECRET_KEY_FILE       "/etc/credstore/left4me.key" // what it is made from: root's alone

enum secret_purpose {
    SECRET_SESSION,
    SECRET_API_TOKEN,
    SECRET_INVITATION,
    SECRET_RECOVERY,
    SECRET_PURPOSES,
};

struct secret_hash {
    uint8_t bytes[SECRET_HASH_BYTES];
};

struct secret_key {
    uint8_t bytes[SECRET_KEY_BYTES];
};

struct secret_sealed {
    uint8_t bytes[SECRET_SEALED_MAX];
    size_t  n;
};

// A new word, to be shown once. It begins with letters that tell what it is for.
void secret_make(char ret[SECRET_WORD_MAX], struct secret_hash *ret_hash,
                 enum secret_purpose purpose);
// Of what somebody says. ERROR_DENIED: it cannot be such a word.
int secret_hash_word(struct secret_hash *ret, enum secret_purpose purpose, const char *word,
                     struct error *err) MUST_USE;

// Reads the key from `path`; a file of another length, or that others may read, is ERROR_INVALID.
int secret_key_read(struct secret_key *ret, const char *path, struct error *err) MUST_USE;
// The key of this machine: the credential of a service, or the file, for who is root and none.
int  secret_key_find(struct secret_key *ret, struct error *err) MUST_USE;
void secret_key_make(struct secret_key *ret);
void secret_key_forget(struct secret_key *key);

int secret_seal(struct secret_sealed *ret, const struct secret_key *key, const char *context,
                const void *bytes, size_t n, struct error *err) MUST_USE;
// Fails with ERROR_DENIED if the key or the context is another one, or a bit has changed.
int secret_open(void *ret, size_t *ret_n, size_t size, const struct secret_key *key,
                const char *context, const void *sealed, size_t n, struct error *err) MUST_USE;
