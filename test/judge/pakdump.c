// SPDX-License-Identifier: MIT

// pakdump vpk FILE      what we say about an archive: entries, their content, the check
// pakdump addon FILE    what is in it
// pakdump kv FILE       a KeyValues text as a list of [key, value] and [key, [...]]
//
// Prints one JSON document, {"error": SENTENCE} for what we refuse. For foreign readers to compare
// themselves with; see judge-pak.mjs.

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <md5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/fd.h"
#include "pak/addon.h"
#include "pak/encoding.h"
#include "pak/kv.h"
#include "pak/vpkcheck.h"

static json_t *refused(const struct error *err)
{
    return json_pack("{s:s}", "error", err->message);
}

// The directory of `path`, in which *ret_name is. The path is cut between them.
static int open_dir(int *ret, const char **ret_name, char *path, struct error *err)
{
    char *slash = strrchr(path, '/');

    if (slash)
        *slash = '\0';
    *ret_name = slash ? slash + 1 : path;
    *ret = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret < 0 ? error_sys(err, errno, "opening '%s'", path) : 0;
}

static int open_archive(struct vpk **ret, char *path, struct error *err)
{
    AUTO_FD     dir_fd = -1;
    const char *name;

    if (open_dir(&dir_fd, &name, path, err) < 0)
        return -1;
    return vpk_open(ret, dir_fd, name, err);
}

// --- archives ---------------------------------------------------------------------------------

static json_t *content(const struct vpk *vpk, const struct vpk_entry *entry)
{
    AUTO(freep)
    uint8_t     *bytes = malloc(entry->size + 1);
    uint8_t      md5[MD5_DIGEST_LENGTH];
    char         text[2 * MD5_DIGEST_LENGTH + 1];
    MD5_CTX      context;
    struct error err;

    if (!bytes || vpk_read(vpk, entry, bytes, &err) < 0)
        return json_null();
    MD5Init(&context);
    MD5Update(&context, bytes, entry->size);
    MD5Final(md5, &context);
    for (size_t i = 0; i < sizeof md5; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", md5[i]); // fits
    return json_string(text);
}

static json_t *dump_check(const struct vpk *vpk)
{
    struct vpk_checked checked;
    struct error       err;

    if (vpk_check(&checked, vpk, NULL, &err) < 0)
        return refused(&err);
    return json_pack("{s:I, s:i, s:i, s:b}", "content_bytes", (json_int_t)checked.content_bytes,
                     "parts", (int)checked.n_parts, "md5", (int)checked.n_md5, "has_signature",
                     checked.has_signature);
}

static json_t *dump_vpk(char *path)
{
    AUTO(vpk_closep)
    struct vpk  *vpk = NULL;
    struct error err;
    json_t      *entries = json_array();

    if (open_archive(&vpk, path, &err) < 0)
        return refused(&err);
    for (size_t i = 0; i < vpk_count(vpk); i++) {
        const struct vpk_entry *entry = vpk_at(vpk, i);
        json_array_append_new(entries,
                              json_pack("{s:s, s:I, s:I, s:o}", "path", entry->path, "size",
                                        (json_int_t)entry->size, "crc32", (json_int_t)entry->crc32,
                                        "md5", content(vpk, entry)));
    }
    return json_pack("{s:i, s:o, s:o}", "version", (int)vpk_version(vpk), "entries", entries,
                     "check", dump_check(vpk));
}

// --- add-ons ----------------------------------------------------------------------------------

static json_t *dump_missions(const struct addon *addon)
{
    json_t *missions = json_array();

    for (uint32_t i = 0; i < addon->n_missions; i++) {
        const struct addon_mission *mission = &addon->missions[i];
        json_t                     *chapters = json_array();
        for (uint32_t j = 0; j < mission->n_chapters; j++) {
            const struct addon_chapter *chapter = &addon->chapters[mission->first_chapter + j];
            json_array_append_new(chapters,
                                  json_pack("{s:s, s:s, s:s, s:b, s:b}", "mode", chapter->mode,
                                            "map", chapter->map, "title", chapter->title, "is_here",
                                            chapter->is_here, "is_stock", chapter->is_stock));
        }
        json_array_append_new(missions, json_pack("{s:s, s:s, s:s, s:o}", "path", mission->path,
                                                  "name", mission->name, "title", mission->title,
                                                  "chapters", chapters));
    }
    return missions;
}

static json_t *dump_addon(char *path)
{
    AUTO(vpk_closep)
    struct vpk *vpk = NULL;
    AUTO(addon_freep)
    struct addon *addon = NULL;
    struct error  err;
    json_t       *files = json_object(), *maps = json_array(), *problems = json_array();

    if (open_archive(&vpk, path, &err) < 0 || addon_inspect(&addon, vpk, &err) < 0)
        return refused(&err);
    for (int i = 0; i < ADDON_KIND_COUNT; i++)
        json_object_set_new(files, addon_kind_word((enum addon_kind)i),
                            json_integer(addon->n_files[i]));
    for (uint32_t i = 0; i < addon->n_maps; i++)
        json_array_append_new(maps, json_string(addon->maps[i].name));
    for (uint32_t i = 0; i < addon->n_problems; i++)
        json_array_append_new(problems, json_string(addon->problems[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "title", addon->title,
                     "author", addon->author, "version", addon->version, "tagline", addon->tagline,
                     "description", addon->description, "is_campaign", addon->is_campaign, "files",
                     files, "maps", maps, "missions", dump_missions(addon), "problems", problems);
}

// --- KeyValues --------------------------------------------------------------------------------

static json_t *dump_nodes(const struct kv_node *node)
{
    json_t *list = json_array();

    for (; node; node = node->next)
        json_array_append_new(
            list, json_pack("[s, o]", node->key,
                            node->value ? json_string(node->value) : dump_nodes(node->first)));
    return list;
}

static json_t *dump_kv(char *path)
{
    AUTO(freep)
    char *bytes = NULL;
    AUTO(freep)
    char *text = NULL;
    AUTO(kv_freep)
    struct kv   *kv = NULL;
    size_t       n_bytes = 0, n_text = 0;
    AUTO_FD      dir_fd = -1;
    const char  *name;
    struct error err;

    if (open_dir(&dir_fd, &name, path, &err) < 0 ||
        fd_read_file(&bytes, &n_bytes, dir_fd, name, KV_BYTES_MAX, &err) < 0 ||
        encoding_to_utf8(&text, &n_text, (const uint8_t *)bytes, n_bytes, &err) < 0 ||
        kv_parse(&kv, (const uint8_t *)text, n_text, &err) < 0)
        return refused(&err);
    return dump_nodes(kv_root(kv));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *verb;
        json_t *(*dump)(char *path);
    } verbs[] = { { "vpk", dump_vpk }, { "addon", dump_addon }, { "kv", dump_kv } };

    for (size_t i = 0; argc == 3 && i < ELEMENTS(verbs); i++) {
        if (strcmp(argv[1], verbs[i].verb) != 0)
            continue;
        json_t *document = verbs[i].dump(argv[2]);
        if (!document || json_dumpf(document, stdout, JSON_ENCODE_ANY | JSON_SORT_KEYS) < 0)
            return 1;
        json_decref(document);
        return putchar('\n') == EOF || fflush(stdout) == EOF;
    }
    (void)fputs("usage: pakdump vpk|addon|kv FILE\n", stderr);
    return 2;
}
