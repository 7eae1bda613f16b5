// SPDX-License-Identifier: MIT
#pragma once

// kv: KeyValues text (VDF), the format of gameinfo.txt, app manifests, add-ons and mission files.
//
// A `struct kv` owns everything a parse made; nodes and strings borrowed from it die with it.
//
//   tokens        a word in quotes, which may go over lines; a bare word, until a blank, a quote or
//   a
//                 brace; braces. Every byte up to the space is a blank, between words
//   keys          compare without regard to case. The same key may come again: nothing is joined or
//                 replaced, all are there in their order, and kv_find() finds the first
//   values        are text; nothing becomes a number
//   the top       may have any number of keys, with or without blocks
//   escapes       \n, \t, \\ and \" in quotes, as Steam writes them. Another byte behind a
//   backslash
//                 leaves both as they are, for people write "materials\vgui". With KV_PLAIN a
//                 backslash is a backslash: that is how the game reads its own files
//   comments      from // where a word could begin, to the end of the line. Not /* */
//   conditionals  [$X360] behind a key or a value is read over: we do not care for which platform
//   #include, #base  at the top are refused: they would name files
//   bytes         a UTF-8 byte order mark is read over. Whether strings are UTF-8 is nobody's
//   business
//                 here; text of another kind goes through pak/encoding.h first
//
// Others differ: npm's kvparser reads one block at the top, takes the last of several equal keys,
// drops the backslash of every escape and knows no conditionals; @node-steam/vdf leaves escapes as
// they are, joins blocks of the same key, makes numbers of values, wants a pair on each line and
// bare words of small letters. The game's own parser forgets what is behind byte 1023 of a word.
// Source: Valve developer wiki, "KeyValues".

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

#define KV_BYTES_MAX 4194304u
#define KV_DEPTH_MAX 64u     // blocks inside blocks
#define KV_NODES_MAX 262144u // keys in one text

#define KV_PLAIN    0x1u // no escapes
#define KV_TOLERANT 0x2u // a fault ends the text, and what comes before it stays

struct kv; // opaque
struct kv_node {
    const char           *key;
    const char           *value; // NULL: the key opens a block
    const struct kv_node *first; // of the block: NULL if empty
    const struct kv_node *next;  // beside this one
};

// Reads a whole text. Fails with ERROR_INVALID and the line number.
int kv_parse(struct kv **ret, const uint8_t *bytes, size_t n_bytes, struct error *err) MUST_USE;

// The same with flags. With KV_TOLERANT a text that breaks off in a block, or has a brace too many,
// is no error: kv_fault() is the sentence that would have been one. It fails on too many bytes
// still.
int kv_read(struct kv **ret, const uint8_t *bytes, size_t n_bytes, unsigned flags,
            struct error *err) MUST_USE;

const char *kv_fault(const struct kv *kv); // borrowed; NULL: there was none

struct kv *kv_free(struct kv *kv); // takes NULL, returns NULL
void       kv_freep(struct kv **kv);

const struct kv_node *kv_root(const struct kv *kv); // first key at the top, NULL if there is none

// The first node in the list that starts at `node` (may be NULL) with this key, or NULL.
const struct kv_node *kv_find(const struct kv_node *node, const char *key);
// The value of that node; NULL also when it is a block.
const char *kv_find_value(const struct kv_node *node, const char *key);
