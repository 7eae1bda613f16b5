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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(kv_freep)
    struct kv   *kv = NULL;
    struct error err;

    if (kv_parse(&kv, bytes, n_bytes, &err) < 0)
        return 0;
    if (visit(kv_root(kv)) > n_bytes)
        abort();
    return 0;
}
