// SPDX-License-Identifier: MIT
#pragma once

// kv: KeyValues text (VDF), the format of gameinfo.txt, app manifests and mission files.
//
// A `struct kv` owns everything a parse made; nodes and strings borrowed from it die with it.
// Keys compare without regard to case, as the engine does. Comments run from // to the end of the
// line. A conditional such as [$X360] after a value is read over: we are always the other platform
// or do not care. #include and #base are refused, they would name files.
// Source: Valve developer wiki, "KeyValues".

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

#define KV_BYTES_MAX 4194304u
#define KV_DEPTH_MAX 64u     // blocks inside blocks
#define KV_NODES_MAX 262144u // keys in one text

struct kv; // opaque
struct kv_node {
    const char           *key;
    const char           *value; // NULL: the key opens a block
    const struct kv_node *first; // of the block: NULL if empty
    const struct kv_node *next;  // beside this one
};

// Reads a whole text. Fails with ERROR_INVALID and the line number.
int kv_parse(struct kv **ret, const uint8_t *bytes, size_t n_bytes, struct error *err) MUST_USE;

struct kv *kv_free(struct kv *kv); // takes NULL, returns NULL
void       kv_freep(struct kv **kv);

const struct kv_node *kv_root(const struct kv *kv); // first key at the top, NULL if there is none

// The first node in the list that starts at `node` (may be NULL) with this key, or NULL.
const struct kv_node *kv_find(const struct kv_node *node, const char *key);
// The value of that node; NULL also when it is a block.
const char *kv_find_value(const struct kv_node *node, const char *key);
