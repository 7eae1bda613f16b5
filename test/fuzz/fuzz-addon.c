// SPDX-License-Identifier: MIT
// Files of an add-on, which are packed with the sums they must have: a byte for the path, two for
// the length, the content; and again.
#include "pak/crc32.h"
#include "vpk-visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

#define FILES_MAX 200u

// Extension, folder, name: as a directory has them.
static const struct path {
    const char *bytes;
    size_t      n;
} paths[] = {
#define PATH(extension, folder, name)                                                              \
    {                                                                                              \
        extension "\0" folder "\0" name, sizeof(extension "\0" folder "\0" name)                   \
    }
    PATH("txt", " ", "addoninfo"), PATH("txt", "missions", "a"),
    PATH("bsp", "maps", "a"),      PATH("txt", "missions", "\xe4\x07"),
    PATH("bsp", "maps", "B"),      PATH("bsp", "maps", "\xff"),
    PATH("vpk", "x", "y"),         PATH("mdl", "models", "a"),
};

static size_t put_u16(uint8_t *to, size_t at, unsigned number)
{
    to[at] = (uint8_t)number;
    to[at + 1] = (uint8_t)(number >> 8);
    return at + 2;
}

static size_t put_u32(uint8_t *to, size_t at, uint32_t number)
{
    return put_u16(to, put_u16(to, at, number & 0xffff), number >> 16);
}

static size_t put_file(uint8_t *to, size_t at, const struct path *path, const uint8_t *content,
                       size_t n_content)
{
    memcpy(to + at, path->bytes, path->n);
    at = put_u32(to, at + path->n, crc32_update(0, content, n_content));
    at = put_u16(to, at, (unsigned)n_content);
    at = put_u16(to, at, 0x7fff);
    at = put_u32(to, put_u32(to, at, 0), 0);
    at = put_u16(to, at, 0xffff);
    memcpy(to + at, content, n_content);
    at += n_content;
    return put_u16(to, at, 0); // the end of two lists
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    AUTO(freep)
    uint8_t *file = malloc(n_bytes + FILES_MAX * 64 + 64);
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err;
    size_t       n = 12;

    for (unsigned i = 0; n_bytes >= 3 && i < FILES_MAX; i++) {
        size_t n_content = MIN((size_t)(bytes[1] | bytes[2] << 8), n_bytes - 3);
        n = put_file(file, n, &paths[bytes[0] % ELEMENTS(paths)], bytes + 3, n_content);
        bytes += 3 + n_content;
        n_bytes -= 3 + n_content;
    }
    file[n++] = 0;
    (void)put_u32(file, put_u32(file, put_u32(file, 0, 0x55aa1234), 1), (uint32_t)n - 12);
    if (vpk_parse(&vpk, file, n, &err) < 0)
        abort();
    visit_addon(vpk);
    return 0;
}
