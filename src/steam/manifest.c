// SPDX-License-Identifier: MIT
#include "steam/manifest.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include "base/fd.h"
#include "base/number.h"

#define TOKEN_MAX 128u // bytes of a key or value that matter, the NUL included
#define DEPTH_MAX 64u

static const struct field {
    const char *key;
    size_t      offset;
} fields[] = {
    { "buildid", offsetof(struct manifest, build_id) },
    { "StateFlags", offsetof(struct manifest, state_flags) },
    { "BytesToDownload", offsetof(struct manifest, bytes_to_download) },
    { "BytesDownloaded", offsetof(struct manifest, bytes_downloaded) },
    { "BytesToStage", offsetof(struct manifest, bytes_to_stage) },
    { "BytesStaged", offsetof(struct manifest, bytes_staged) },
};

enum token { TOKEN_END, TOKEN_TEXT, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_BAD };

struct cursor {
    const char *at, *end;
    char        text[TOKEN_MAX]; // of the last TOKEN_TEXT, cut
};

// A quoted string; the cursor is behind the opening quote.
static enum token read_text(struct cursor *cursor)
{
    size_t n = 0;

    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at == '\\' && cursor->end - cursor->at > 1)
            cursor->at++;
        if (n < sizeof cursor->text - 1)
            cursor->text[n++] = *cursor->at;
        cursor->at++;
    }
    cursor->text[n] = '\0';
    if (cursor->at == cursor->end)
        return TOKEN_BAD;
    cursor->at++;
    return TOKEN_TEXT;
}

static enum token next(struct cursor *cursor)
{
    while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) && *cursor->at)
        cursor->at++;
    if (cursor->at == cursor->end)
        return TOKEN_END;
    switch (*cursor->at++) {
    case '"':
        return read_text(cursor);
    case '{':
        return TOKEN_OPEN;
    case '}':
        return TOKEN_CLOSE;
    default:
        return TOKEN_BAD;
    }
}

static int set_field(struct manifest *manifest, const char *key, const char *value,
                     struct error *err)
{
    for (size_t i = 0; i < ELEMENTS(fields); i++) {
        uint64_t number = 0;
        if (strcasecmp(key, fields[i].key) != 0)
            continue;
        if (number_parse_u64(&number, value, 0, INT64_MAX, err) < 0)
            return error_prefix(err, "'%s'", fields[i].key);
        memcpy((char *)manifest + fields[i].offset, &number, sizeof number);
    }
    return 0;
}

int manifest_parse(struct manifest *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    struct cursor   cursor = { .at = bytes, .end = bytes + n_bytes };
    struct manifest manifest = { 0 };
    char            key[TOKEN_MAX];
    unsigned        depth = 0;

    for (;;) {
        enum token token = next(&cursor);
        if (token == TOKEN_END && depth == 0) {
            *ret = manifest;
            return 0;
        }
        if (token == TOKEN_CLOSE && depth > 0) {
            depth--;
            continue;
        }
        if (token != TOKEN_TEXT)
            break;
        memcpy(key, cursor.text, sizeof key);
        token = next(&cursor);
        if (token == TOKEN_OPEN && depth < DEPTH_MAX)
            depth++;
        else if (token != TOKEN_TEXT)
            break;
        else if (depth == 1 && set_field(&manifest, key, cursor.text, err) < 0)
            return -1;
    }
    return error_set(err, ERROR_INVALID, "it is not in the form of a Steam manifest");
}

int manifest_read(struct manifest *ret, int tree_fd, struct error *err)
{
    AUTO(freep) char *text = NULL;
    size_t            n = 0;

    if (fd_read_file(&text, &n, tree_fd, MANIFEST_PATH, MANIFEST_BYTES_MAX, err) < 0)
        return -1;
    if (manifest_parse(ret, text, n, err) < 0)
        return error_prefix(err, "'" MANIFEST_PATH "'");
    return 0;
}

int manifest_check_complete(const struct manifest *manifest, struct error *err)
{
    if (manifest->state_flags != MANIFEST_INSTALLED)
        return error_set(err, ERROR_FAILED,
                         "Steam's manifest says the game is not fully installed (state %" PRIu64
                         " instead of %u)",
                         manifest->state_flags, MANIFEST_INSTALLED);
    if (manifest->bytes_downloaded != manifest->bytes_to_download)
        return error_set(err, ERROR_FAILED,
                         "Steam's manifest says %" PRIu64 " of %" PRIu64 " bytes are downloaded",
                         manifest->bytes_downloaded, manifest->bytes_to_download);
    if (manifest->bytes_staged != manifest->bytes_to_stage)
        return error_set(err, ERROR_FAILED,
                         "Steam's manifest says %" PRIu64 " of %" PRIu64 " bytes are staged",
                         manifest->bytes_staged, manifest->bytes_to_stage);
    if (manifest->build_id == 0)
        return error_set(err, ERROR_FAILED, "Steam's manifest names no build id");
    return 0;
}
