// SPDX-License-Identifier: MIT
#include "pak/kv.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

// Reads every string of the tree, so that a sanitizer sees those that do not end.
static size_t visit(const struct kv_node *node)
{
    size_t n = 0;

    for (; node; node = node->next)
        n += strlen(node->key) + (node->value ? strlen(node->value) : visit(node->first));
    return n;
}

static bool is_same(const struct kv_node *one, const struct kv_node *other)
{
    for (; one && other; one = one->next, other = other->next)
        if (strcmp(one->key, other->key) != 0 || !one->value != !other->value ||
            (one->value && strcmp(one->value, other->value) != 0) ||
            !is_same(one->first, other->first))
            return false;
    return !one && !other;
}

// What the strict way takes, the tolerant way takes just so; and it takes everything.
static void read_both(const uint8_t *bytes, size_t n_bytes, unsigned flags)
{
    AUTO(kv_freep)
    struct kv *strict = NULL;
    AUTO(kv_freep)
    struct kv   *tolerant = NULL;
    struct error err;

    bool is_valid = kv_read(&strict, bytes, n_bytes, flags, &err) == 0;
    if (kv_read(&tolerant, bytes, n_bytes, flags | KV_TOLERANT, &err) < 0)
        abort();
    if (visit(kv_root(tolerant)) > n_bytes || !kv_fault(tolerant) != is_valid)
        abort();
    if (is_valid && (kv_fault(strict) || !is_same(kv_root(strict), kv_root(tolerant))))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    read_both(bytes, n_bytes, 0);
    read_both(bytes, n_bytes, KV_PLAIN);
    return 0;
}
