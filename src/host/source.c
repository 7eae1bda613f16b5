// SPDX-License-Identifier: MIT
#include "host/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/dir.h"
#include "base/fd.h"
#include "base/text.h"
#include "host/ownoverlay.h"
#include "overlay/type.h"
#include "steam/itemlist.h"

#define JSON_FILE "source.json"
#define FILE_MODE 0600
#define PATH_ROOM 32u

static const struct source game = {
    .number = GAME_OVERLAY, .type = OVERLAY_GAME, .name = "game", .title = "game"
};

// ---- settings ----------------------------------------------------------------------------------

int source_check_name(const char *name, struct error *err)
{
    struct instance_name checked;
    struct error         why;

    if (instance_name_set(&checked, name, &why) < 0)
        return error_set(err, ERROR_INVALID,
                         "the name of an overlay has 1 to %u of a-z 0-9 _ -, beginning with a "
                         "letter or digit",
                         SOURCE_NAME_MAX);
    if (strspn(name, "0123456789") == strlen(name))
        return error_set(err, ERROR_INVALID, "the name of an overlay is not a number alone");
    return 0;
}

// One of the two.
static int check_title(const char *name, const char *server, struct error *err)
{
    struct instance_name checked;

    if (!*server)
        return source_check_name(name, err);
    if (*name)
        return error_set(err, ERROR_INVALID, "a server's own overlay has no name");
    return instance_name_set(&checked, server, err);
}

static void set_title(struct source *source)
{
    bool is_own = *source->server;

    (void)snprintf(source->title, sizeof source->title, "%s%s", is_own ? "@" : "",
                   is_own ? source->server : source->name); // it fits
}

int source_set_name(struct source *source, const char *name, struct error *err)
{
    if (*source->server)
        return error_set(err, ERROR_DENIED, "a server's own overlay has no name");
    if (source_check_name(name, err) < 0)
        return -1;
    (void)snprintf(source->name, sizeof source->name, "%s", name); // it was checked
    set_title(source);
    return 0;
}

// What source.json may say.
static int check_settings(const struct source *source, struct error *err)
{
    if (check_title(source->name, source->server, err) < 0)
        return -1;
    if (source->type <= OVERLAY_GAME || source->type >= OVERLAY_TYPE_COUNT)
        return error_set(err, ERROR_INVALID, "there is no such type of overlay");
    if (source->keep > KEEP_MAX)
        return error_set(err, ERROR_INVALID, "an overlay keeps at most %u generations", KEEP_MAX);
    if (source->output_max_bytes &&
        (source->output_max_bytes < OUTPUT_MAX_MIN || source->output_max_bytes > OUTPUT_MAX_MAX))
        return error_set(err, ERROR_INVALID, "the limit of a build is not between 1M and 16T");
    return 0;
}

static int read_settings(struct source *ret, json_t *json, struct error *err)
{
    const char *name = NULL, *server = "", *type = NULL;
    json_int_t  keep = 0, output_max = 0;
    int         is_daily = 0;

    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:s, s?s, s:s, s:I, s:I, s:b}", "name", &name,
                       "server", &server, "type", &type, "keep", &keep, "output_max_bytes",
                       &output_max, "daily", &is_daily) < 0)
        return error_set(err, ERROR_INVALID, "it has not the keys that it should have");
    if (keep < 0 || keep > KEEP_MAX || output_max < 0)
        return error_set(err, ERROR_INVALID, "a setting is out of range");
    if (check_title(name, server, err) < 0) // they fit then
        return -1;
    (void)snprintf(ret->name, sizeof ret->name, "%s", name);
    (void)snprintf(ret->server, sizeof ret->server, "%s", server);
    set_title(ret);
    ret->type = overlay_type_of(type);
    ret->keep = (uint32_t)keep;
    ret->output_max_bytes = (uint64_t)output_max;
    ret->is_daily = is_daily;
    return check_settings(ret, err);
}

int source_parse(struct source *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    struct source              source = { .number = ret->number };
    json_error_t               why;
    AUTO(json_decrefp) json_t *json = NULL;

    if (n_bytes > SOURCE_JSON_MAX)
        return error_set(err, ERROR_INVALID, "it is larger than %u bytes", SOURCE_JSON_MAX);
    json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return error_set(err, ERROR_INVALID, "line %d is not JSON", why.line);
    if (read_settings(&source, json, err) < 0)
        return -1;
    *ret = source;
    return 0;
}

char *source_format(const struct source *source)
{
    AUTO(json_decrefp)
    json_t *json =
        json_pack("{s:s, s:s*, s:s, s:I, s:I, s:b}", "name", source->name, "server",
                  *source->server ? source->server : NULL, "type", overlay_type_word(source->type),
                  "keep", (json_int_t)source->keep, "output_max_bytes",
                  (json_int_t)source->output_max_bytes, "daily", (int)source->is_daily);

    return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

int source_open(int *ret, const struct host_paths *paths, uint32_t number, struct error *err)
{
    char path[PATH_ROOM];

    (void)snprintf(path, sizeof path, "sources/%" PRIu32, number); // ten digits fit
    if (host_open_data_dir(ret, paths, path, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND
               ? error_set(err, ERROR_NOT_FOUND, "overlay %" PRIu32 " does not exist", number)
               : -1;
}

// It is ours, so nobody's input was wrong.
static int damaged(uint32_t number, struct error *err)
{
    if (err->kind != ERROR_INVALID)
        return error_prefix(err, "the settings of overlay %" PRIu32, number);
    err->kind = ERROR_FAILED;
    return error_prefix(err, "the settings of overlay %" PRIu32 " are damaged", number);
}

int source_load(struct source *ret, const struct host_paths *paths, uint32_t number,
                struct error *err)
{
    struct source     source = { .number = number };
    AUTO_FD           fd = -1;
    AUTO(freep) char *bytes = NULL;
    size_t            n = 0;

    if (number == GAME_OVERLAY) {
        *ret = game;
        return 0;
    }
    if (source_open(&fd, paths, number, err) < 0)
        return -1;
    if (fd_read_file(&bytes, &n, fd, JSON_FILE, SOURCE_JSON_MAX, err) < 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_NOT_FOUND,
                               "overlay %" PRIu32 " does not exist: its making was not finished",
                               number)
                   : damaged(number, err);
    if (source_parse(&source, bytes, n, err) < 0)
        return damaged(number, err);
    *ret = source;
    return 0;
}

// ---- all of them -------------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
    const struct source *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static int add(struct sources **sources, size_t *n_room, const struct source *source,
               struct error *err)
{
    if (!*sources || (*sources)->n == *n_room) {
        size_t          n = *n_room ? 2 * *n_room : 16;
        struct sources *larger = realloc(*sources, sizeof *larger + n * sizeof *source);
        if (!larger)
            return error_sys(err, ENOMEM, "listing the overlays");
        if (!*sources)
            larger->n = 0;
        *sources = larger;
        *n_room = n;
    }
    (*sources)->source[(*sources)->n++] = *source;
    return 0;
}

int source_list(struct sources **ret, const struct host_paths *paths, struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;
    AUTO_FD                     fd = -1;
    AUTO_DIR                    dir = NULL;
    size_t                      n_room = 0;
    const char                 *name;
    int                         r;

    if (host_open_data_dir(&fd, paths, "sources", err) < 0 || dir_open(&dir, fd, err) < 0 ||
        add(&sources, &n_room, &game, err) < 0)
        return -1;
    while ((r = dir_next(&name, dir, err)) > 0) {
        struct source source;
        struct error  ignored; // being made, removed or damaged
        uint32_t      number = 0;
        if (number_name_parse(&number, name, &ignored) < 0 || number == GAME_OVERLAY ||
            source_load(&source, paths, number, &ignored) < 0)
            continue;
        if (add(&sources, &n_room, &source, err) < 0)
            return -1;
    }
    if (r < 0)
        return -1;
    qsort(sources->source, sources->n, sizeof sources->source[0], compare);
    *ret = TAKE(sources);
    return 0;
}

static int find_own(struct source *ret, const struct host_paths *paths, const char *server,
                    struct error *err)
{
    struct instance_name name;
    uint32_t             number = 0;

    if (instance_name_set(&name, server, err) < 0 ||
        ownoverlay_read(&number, paths, &name, err) < 0)
        return -1;
    if (!number)
        return error_set(err, ERROR_NOT_FOUND, "the server '%s' has no overlay of its own yet",
                         name.text);
    return source_load(ret, paths, number, err);
}

int source_find(struct source *ret, const struct host_paths *paths, const char *text,
                struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;
    struct error                not_a_number;
    char                        shown[SOURCE_NAME_MAX + 1];
    uint32_t                    number = 0;

    if (number_name_parse(&number, text, &not_a_number) == 0)
        return source_load(ret, paths, number, err);
    if (*text == '@')
        return find_own(ret, paths, text + 1, err);
    if (source_list(&sources, paths, err) < 0)
        return -1;
    for (size_t i = 0; i < sources->n; i++)
        if (strcmp(sources->source[i].name, text) == 0) {
            *ret = sources->source[i];
            return 0;
        }
    (void)text_sanitize(shown, sizeof shown, text, strlen(text));
    return error_set(err, ERROR_NOT_FOUND, "there is no overlay '%s'", shown);
}

// ---- changing ----------------------------------------------------------------------------------

int source_lock(int *ret, const struct host_paths *paths, struct error *err)
{
    AUTO_FD fd = -1;

    if (host_open_data_dir(&fd, paths, "sources", err) < 0 ||
        host_lock(fd, "the overlays", err) < 0)
        return -1;
    *ret = TAKE_FD(fd);
    return 0;
}

static int check_unique(const struct source *source, const struct host_paths *paths,
                        struct error *err)
{
    AUTO(freep) struct sources *sources = NULL;

    if (source_list(&sources, paths, err) < 0)
        return -1;
    for (size_t i = 0; i < sources->n; i++)
        if (sources->source[i].number != source->number && *source->name &&
            strcmp(sources->source[i].name, source->name) == 0)
            return error_set(err, ERROR_EXISTS, "overlay %" PRIu32 " is called '%s' already",
                             sources->source[i].number, source->name);
    return 0;
}

int source_save(const struct source *source, const struct host_paths *paths, struct error *err)
{
    AUTO_FD           fd = -1;
    AUTO(freep) char *bytes = NULL;

    if (source->number == GAME_OVERLAY)
        return error_set(err, ERROR_DENIED, "the game overlay has no settings of its own");
    if (check_settings(source, err) < 0 || check_unique(source, paths, err) < 0 ||
        source_open(&fd, paths, source->number, err) < 0)
        return -1;
    bytes = source_format(source);
    if (!bytes)
        return error_sys(err, ENOMEM, "storing the settings of an overlay");
    return fd_replace_file(fd, JSON_FILE, bytes, strlen(bytes), FILE_MODE, err);
}

// ---- the text ----------------------------------------------------------------------------------

const char *source_text_file(enum overlay_type type)
{
    switch (type) {
    case OVERLAY_SCRIPT:
        return "script";
    case OVERLAY_WORKSHOP:
        return "items";
    case OVERLAY_GAME:
    case OVERLAY_FILES:
    case OVERLAY_TYPE_COUNT:
        break;
    }
    return NULL;
}

static int open_text(int *ret_fd, const char **ret_file, const struct host_paths *paths,
                     const struct source *source, struct error *err)
{
    *ret_file = source_text_file(source->type);
    if (!*ret_file)
        return error_set(err, ERROR_INVALID, "an overlay of type '%s' has no text",
                         overlay_type_word(source->type));
    return source_open(ret_fd, paths, source->number, err);
}

int source_read_text(struct buffer *ret, const struct host_paths *paths,
                     const struct source *source, struct error *err)
{
    AUTO_FD           fd = -1;
    AUTO(freep) char *bytes = NULL;
    const char       *file = NULL;
    size_t            n = 0;

    if (open_text(&fd, &file, paths, source, err) < 0)
        return -1;
    if (fd_read_file(&bytes, &n, fd, file, SOURCE_TEXT_MAX, err) < 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_NOT_FOUND, "the overlay '%s' has no %s yet",
                               source->title, file)
                   : -1;
    buffer_add(ret, bytes, n);
    return buffer_check(ret, err);
}

int source_normalise(struct buffer *ret, const char *bytes, size_t n_bytes, struct error *err)
{
    size_t n_before = ret->n;

    if (n_bytes > SOURCE_TEXT_MAX)
        return error_set(err, ERROR_INVALID, "the text is larger than 1 MiB");
    for (size_t i = 0, length; i < n_bytes; i += length) {
        length = text_character(bytes + i, n_bytes - i);
        if (!length || bytes[i] == '\0')
            return error_set(err, ERROR_INVALID, "the text is not UTF-8: byte %zu", i + 1);
        if (bytes[i] != '\r')
            buffer_add(ret, bytes + i, length);
        else if (i + 1 == n_bytes || bytes[i + 1] != '\n') // of an old Macintosh
            buffer_add(ret, "\n", 1);
    }
    if (ret->n > n_before && ret->bytes && ret->bytes[ret->n - 1] != '\n')
        buffer_add(ret, "\n", 1);
    if (ret->n - n_before > SOURCE_TEXT_MAX) // with its last line end it could not be read again
        return error_set(err, ERROR_INVALID, "the text is larger than 1 MiB");
    return buffer_check(ret, err);
}

int source_check_text(const struct source *source, const char *bytes, size_t n_bytes,
                      struct error *err)
{
    AUTO(buffer_done) struct buffer     text = { 0 };
    AUTO(itemlist_done) struct itemlist list = { 0 };

    if (source_normalise(&text, bytes, n_bytes, err) < 0)
        return -1;
    if (source->type != OVERLAY_WORKSHOP)
        return 0;
    if (itemlist_parse(&list, text.n ? text.bytes : "", text.n, err) < 0)
        return -1;
    return itemlist_check(&list, err);
}

int source_write_text(const struct host_paths *paths, const struct source *source,
                      const char *bytes, size_t n_bytes, struct error *err)
{
    AUTO_FD                         fd = -1;
    AUTO(buffer_done) struct buffer text = { 0 };
    const char                     *file = NULL;

    if (open_text(&fd, &file, paths, source, err) < 0 ||
        source_normalise(&text, bytes, n_bytes, err) < 0)
        return -1;
    return fd_replace_file(fd, file, text.n ? text.bytes : "", text.n, FILE_MODE, err);
}

// ---- its newest build ---------------------------------------------------------------------------

#define BUILD_FILE "newest_build"
#define BUILD_ROOM 16u // bytes

int source_note_build(const struct host_paths *paths, uint32_t number, uint32_t build,
                      struct error *err)
{
    AUTO_FD fd = -1;
    char    text[BUILD_ROOM];

    if (source_open(&fd, paths, number, err) < 0)
        return -1;
    (void)snprintf(text, sizeof text, "%" PRIu32, build); // ten digits fit
    return fd_replace_file(fd, BUILD_FILE, text, strlen(text), FILE_MODE, err);
}

uint32_t source_noted_build(const struct host_paths *paths, uint32_t number)
{
    AUTO_FD           fd = -1;
    AUTO(freep) char *bytes = NULL;
    struct error      ignored; // there is none then
    uint32_t          build = 0;
    size_t            n = 0;

    if (source_open(&fd, paths, number, &ignored) < 0 ||
        fd_read_file(&bytes, &n, fd, BUILD_FILE, BUILD_ROOM, &ignored) < 0 ||
        number_name_parse(&build, bytes, &ignored) < 0)
        return 0;
    return build;
}
