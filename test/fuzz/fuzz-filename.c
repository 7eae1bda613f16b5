// SPDX-License-Identifier: MIT

// fuzz-filename: names and paths, as they are typed and as archives carry them. What may be made
// may be looked up, stays inside, and is text; what an archive's name becomes may be made.

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "files/filename.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check_inside(const char *path)
{
    for (const char *name = path;;) {
        size_t n = strcspn(name, "/");
        if (n == 0 || n > FILENAME_BYTES_MAX || (n == 1 && name[0] == '.') ||
            (n == 2 && name[0] == '.' && name[1] == '.'))
            abort();
        if (!name[n])
            return;
        name += n + 1;
    }
}

// A name may have marks of direction, which are not shown.
static bool is_shown(const char *path)
{
    size_t n = strlen(path), length;

    for (; n > 0 && (length = text_character(path, n)) > 0; path += length, n -= length)
        if (text_is_direction(path, length))
            return false;
    return true;
}

static void check_text(const char *path)
{
    char clean[FILENAME_PATH_MAX + 2];

    (void)text_sanitize(clean, sizeof clean, path, strlen(path));
    if ((strcmp(clean, path) != 0 && is_shown(path)) || strchr(path, '\t') ||
        strlen(path) > FILENAME_PATH_MAX)
        abort();
}

static void check_path(const char *path)
{
    struct error err;
    bool         is_old = filename_check_old(path, &err) == 0;

    if (is_old)
        check_inside(path);
    if (filename_check(path, &err) < 0)
        return;
    if (!is_old)
        abort();
    check_text(path);
    (void)filename_warning(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct error      err;
    AUTO(freep) char *path = malloc(n_bytes + 1);

    memcpy(path, bytes, n_bytes);
    path[n_bytes] = '\0';
    check_path(path);
    for (int charset = 0; charset < FILENAME_CHARSET_COUNT; charset++) {
        char made[FILENAME_PATH_MAX + 1];
        if (filename_from_archive(made, bytes, n_bytes, (enum filename_charset)charset, &err) < 0 ||
            !*made)
            continue;
        if (filename_check(made, &err) < 0)
            abort();
        check_inside(made);
    }
    return 0;
}
