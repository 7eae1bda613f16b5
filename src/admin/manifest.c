// SPDX-License-Identifier: MIT
#include "admin/manifest.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"

static const char *const kind_words[] = { "backup", "export" };
_Static_assert(ELEMENTS(kind_words) == MANIFEST_KINDS, "every kind has a word");

const char *manifest_kind_word(enum manifest_kind kind)
{
    return kind_words[kind];
}

static int parse_kind(enum manifest_kind *ret, const char *word, struct error *err)
{
    for (unsigned i = 0; i < MANIFEST_KINDS; i++)
        if (strcmp(kind_words[i], word) == 0) {
            *ret = (enum manifest_kind)i;
            return 0;
        }
    return error_set(err, ERROR_INVALID, "its kind is not known to this version");
}

// It is shown, so it must be fit for that.
static int parse_text(char ret[MANIFEST_TEXT_MAX], const char *text, struct error *err)
{
    if (strlen(text) >= MANIFEST_TEXT_MAX)
        return error_set(err, ERROR_INVALID, "a text in it is too long");
    (void)text_sanitize(ret, MANIFEST_TEXT_MAX, text, strlen(text));
    return 0;
}

static int parse_hash(uint8_t ret[MANIFEST_HASH], const char *hex, struct error *err)
{
    size_t n = 0;

    if (strlen(hex) != 2 * MANIFEST_HASH ||
        sodium_hex2bin(ret, MANIFEST_HASH, hex, strlen(hex), NULL, &n, NULL) != 0 ||
        n != MANIFEST_HASH)
        return error_set(err, ERROR_INVALID, "the hash in it is none");
    return 0;
}

// Before the rest: a later format may have other keys.
static int check_format(const json_t *json, struct error *err)
{
    json_int_t format = json_integer_value(json_object_get(json, "format"));

    if (format > MANIFEST_FORMAT)
        return error_set(err, ERROR_INVALID,
                         "it was made by a later version of left4me, which is needed to read it");
    return format == MANIFEST_FORMAT ? 0 : error_set(err, ERROR_INVALID, "it says no format");
}

static int parse_keys(struct manifest *ret, json_t *json, struct error *err)
{
    const char *kind = NULL, *version = NULL, *host = NULL, *sums = NULL;
    json_int_t  format = 0, made = 0, database = 0, files = 0, dirs = 0, bytes = 0;

    if (json_unpack_ex(json, NULL, JSON_STRICT,
                       "{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "format", &format,
                       "kind", &kind, "version", &version, "host", &host, "made_unix_s", &made,
                       "database_version", &database, "files", &files, "dirs", &dirs, "bytes",
                       &bytes, "sums", &sums) < 0)
        return error_set(err, ERROR_INVALID, "it has not the keys that it should have");
    if (made < 0 || database < 0 || database > UINT32_MAX || files < 0 || dirs < 0 || bytes < 0)
        return error_set(err, ERROR_INVALID, "a number in it is out of range");
    ret->made_unix_s = made;
    ret->database_version = (uint32_t)database;
    ret->files = (uint64_t)files;
    ret->dirs = (uint64_t)dirs;
    ret->bytes = (uint64_t)bytes;
    if (parse_kind(&ret->kind, kind, err) < 0 || parse_text(ret->version, version, err) < 0 ||
        parse_text(ret->host, host, err) < 0)
        return -1;
    return parse_hash(ret->sums, sums, err);
}

int manifest_parse(struct manifest *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    struct manifest manifest = { 0 };
    json_error_t    why;

    if (n_bytes > MANIFEST_MAX)
        return error_set(err, ERROR_INVALID, MANIFEST_FILE " is too large");
    json_t *json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return error_set(err, ERROR_INVALID, MANIFEST_FILE ": line %d is not JSON", why.line);
    int r = check_format(json, err) < 0 ? -1 : parse_keys(&manifest, json, err);
    json_decref(json);
    if (r < 0)
        return error_prefix(err, MANIFEST_FILE);
    *ret = manifest;
    return 0;
}

char *manifest_format(const struct manifest *manifest)
{
    char sums[2 * MANIFEST_HASH + 1];

    (void)sodium_bin2hex(sums, sizeof sums, manifest->sums, MANIFEST_HASH); // it fits
    json_t *json = json_pack(
        "{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "format", MANIFEST_FORMAT, "kind",
        manifest_kind_word(manifest->kind), "version", manifest->version, "host", manifest->host,
        "made_unix_s", (json_int_t)manifest->made_unix_s, "database_version",
        (json_int_t)manifest->database_version, "files", (json_int_t)manifest->files, "dirs",
        (json_int_t)manifest->dirs, "bytes", (json_int_t)manifest->bytes, "sums", sums);
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    return text;
}
