// SPDX-License-Identifier: MIT
#include "pak/vpkfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "pak/bytes.h"

#define ENTRY_BYTES 18u
#define ENTRY_END   0xffffu

_Static_assert(VPK_PATHS_MAX <= UINT32_MAX, "vpk_item.path_at holds every place");

// A piece of a path, as it is stored and as it is shown.
struct piece {
    const char *raw;
    size_t      n;
    bool        is_renamed;
    char        shown[VPK_PATH_MAX];
};

// A window on the directory that cannot pass its end, and what came out of it so far.
struct walk {
    struct vpk    *vpk;
    const uint8_t *bytes;
    size_t         n_bytes;
    size_t         n_paths, paths_room;
    const char    *extension;
    size_t         n_extension;
    struct piece   folder; // with its slash, or empty

    struct vpk_folder *folders; // owned
    size_t             n_folders, folders_room;
    bool               has_slash; // in the file's part of a path
};

static int cut_off(struct error *err)
{
    return error_set(err, ERROR_INVALID, "the VPK directory is cut off");
}

static const uint8_t *take(struct walk *walk, size_t n)
{
    if (walk->n_bytes < n)
        return NULL;

    const uint8_t *taken = walk->bytes;
    walk->bytes += n;
    walk->n_bytes -= n;
    return taken;
}

static const char *take_string(size_t *ret_n, struct walk *walk)
{
    const uint8_t *end = memchr(walk->bytes, '\0', walk->n_bytes);

    if (!end)
        return NULL;
    *ret_n = (size_t)(end - walk->bytes);
    return (const char *)take(walk, *ret_n + 1);
}

// --- paths ------------------------------------------------------------------------------------

// A lone space stands for an empty part: an empty string would end the list.
static bool is_absent(const char *part, size_t n)
{
    return n == 1 && *part == ' ';
}

// True when every component names something below where it begins.
static bool is_contained(const char *path, size_t n)
{
    size_t n_bytes = 0, n_dots = 0;

    for (size_t i = 0; i <= n; i++) {
        char byte = i < n ? path[i] : '/';
        if (byte != '/' && byte != '\\') {
            n_bytes++;
            n_dots += byte == '.';
            continue;
        }
        if (n_bytes == 0 || (n_bytes <= 2 && n_bytes == n_dots))
            return false;
        n_bytes = n_dots = 0;
    }
    return true;
}

static bool has_drive(const char *path, size_t n)
{
    return n >= 2 && path[1] == ':' && isalpha((unsigned char)path[0]);
}

// True when all bytes are printable ASCII, and none is a slash of either kind. Eight at a time:
// this is asked of every path there is.
static bool is_plain(const char *path, size_t n)
{
    uint64_t odd = 0;

    for (size_t i = 0; i < n; i += sizeof odd) {
        uint64_t word = 'a' * BYTES_ONES;
        memcpy(&word, path + i, MIN(n - i, sizeof word));
        odd |= BYTES_BELOW(word, ' ') | (word & BYTES_TOPS) | BYTES_ARE(word, 0x7f) |
               BYTES_ARE(word, '/') | BYTES_ARE(word, '\\');
    }
    return odd == 0;
}

// Add-ons made on Windows carry names in any code page. True when a byte was replaced.
static bool make_printable(char *path, size_t n)
{
    bool is_renamed = false;

    for (size_t i = 0; i < n;) {
        size_t length = text_character(path + i, n - i);
        if (length == 0 || path[i] == '\\' || text_is_control(path + i, length)) {
            path[i++] = '?';
            is_renamed = true;
            continue;
        }
        i += length;
    }
    return is_renamed;
}

static int leaves(const char *path, size_t n, struct error *err)
{
    char shown[VPK_SHORT_MAX];

    (void)text_sanitize(shown, sizeof shown, path, n); // cut is fine
    return error_set(err, ERROR_INVALID, "the path '%s' leaves the archive", shown);
}

static int too_long(struct error *err)
{
    return error_set(err, ERROR_INVALID, "a path in the archive is longer than %u bytes",
                     VPK_PATH_MAX - 1);
}

// Checked once for all the files in it.
static int folder_enter(struct walk *walk, const char *raw, size_t n, struct error *err)
{
    struct piece *folder = &walk->folder;

    folder->raw = raw;
    folder->n = 0;
    folder->is_renamed = false;
    if (is_absent(raw, n))
        return 0;
    if (n + 1 >= VPK_PATH_MAX)
        return too_long(err);
    if (!is_contained(raw, n) || has_drive(raw, n))
        return leaves(raw, n, err);

    memcpy(folder->shown, raw, n);
    folder->shown[n] = '/';
    folder->is_renamed = make_printable(folder->shown, n);
    folder->n = n + 1;
    return 0;
}

// Room for a path twice, as it is shown and as it is stored.
static int paths_grow(struct walk *walk, struct error *err)
{
    size_t need = walk->n_paths + 2 * (size_t)VPK_PATH_MAX;

    if (need <= walk->paths_room)
        return 0;
    if (need > VPK_PATHS_MAX)
        return error_set(err, ERROR_INVALID, "the paths in the archive are longer than %u bytes",
                         VPK_PATHS_MAX);

    size_t room = MIN(MAX(2 * walk->paths_room, need + 4096), VPK_PATHS_MAX);
    char  *paths = realloc(walk->vpk->paths, room);
    if (!paths)
        return error_sys(err, ENOMEM, "allocating %zu bytes of VPK paths", room);
    walk->vpk->paths = paths;
    walk->paths_room = room;
    return 0;
}

// Appends what `path` is called in the archive, of whose file name `file` is still the original.
static void put_raw(struct walk *walk, const char *file, size_t n_file)
{
    const struct piece *folder = &walk->folder;
    char               *raw = walk->vpk->paths + walk->n_paths;

    if (folder->n) {
        memcpy(raw, folder->raw, folder->n - 1);
        raw[folder->n - 1] = '/';
    }
    memcpy(raw + folder->n, file, n_file + 1);
}

// The file's part of a path: checked, and made printable where it stands.
static int file_check(bool *ret_is_renamed, struct walk *walk, char *file, size_t n,
                      struct error *err)
{
    bool is_dots = n <= 2 && strspn(file, ".") == n; // or nothing

    *ret_is_renamed = walk->folder.is_renamed;
    if (!is_dots && !*ret_is_renamed && is_plain(file, n) && file[1] != ':')
        return 0;
    if (!is_contained(file, n) || (!walk->folder.n && has_drive(file, n)))
        return leaves(file, n, err);
    walk->has_slash |= memchr(file, '/', n) != NULL;
    put_raw(walk, file, n);
    *ret_is_renamed |= make_printable(file, n);
    return 0;
}

static int path_append(struct vpk_item *item, struct walk *walk, const char *name, size_t n_name,
                       struct error *err)
{
    bool   has_name = !is_absent(name, n_name);
    bool   has_extension = !is_absent(walk->extension, walk->n_extension);
    size_t n_folder = walk->folder.n;

    if (n_folder + n_name + walk->n_extension + 1 >= VPK_PATH_MAX)
        return too_long(err);
    if (paths_grow(walk, err) < 0)
        return -1;

    char  *file = walk->vpk->paths + walk->n_paths + n_folder;
    size_t n = 0;
    memcpy(file - n_folder, walk->folder.shown, n_folder);
    if (has_name) {
        memcpy(file, name, n_name);
        n = n_name;
    }
    if (has_extension) {
        file[n++] = '.';
        memcpy(file + n, walk->extension, walk->n_extension);
        n += walk->n_extension;
    }
    file[n] = '\0';

    item->path_at = (uint32_t)walk->n_paths;
    item->n_path = (uint16_t)(n_folder + n);
    walk->n_paths += n_folder + n + 1;
    if (file_check(&item->is_renamed, walk, file, n, err) < 0)
        return -1;
    if (item->is_renamed)
        walk->n_paths += n_folder + n + 1;
    return 0;
}

// --- lists ------------------------------------------------------------------------------------

static int item_parse(struct vpk_item *ret, struct walk *walk, struct error *err)
{
    const uint8_t *fields = take(walk, ENTRY_BYTES);

    if (!fields)
        return error_set(err, ERROR_INVALID, "the VPK directory ends inside an entry");
    if (bytes_u16(fields + 16) != ENTRY_END)
        return error_set(err, ERROR_INVALID, "an entry of the VPK directory is not terminated");

    *ret = (struct vpk_item){
        .shown.crc32 = bytes_u32(fields),
        .preload_size = bytes_u16(fields + 4),
        .archive = bytes_u16(fields + 6),
        .offset = bytes_u32(fields + 8),
        .length = bytes_u32(fields + 12),
    };
    const uint8_t *preload = take(walk, ret->preload_size);
    if (!preload)
        return error_set(err, ERROR_INVALID, "the VPK directory ends inside an entry");
    ret->preload_at = (uint32_t)(preload - walk->vpk->directory);

    ret->shown.size = (uint64_t)ret->length + ret->preload_size;
    return 0;
}

// There is room for as many as the bytes of the directory can hold.
static int items_new(struct vpk *vpk, struct error *err)
{
    size_t room = MIN(vpk->sections.directory / ENTRY_BYTES + 1, VPK_ENTRIES_MAX);

    vpk->items = reallocarray(NULL, room, sizeof *vpk->items);
    if (!vpk->items)
        return error_sys(err, ENOMEM, "allocating %zu VPK entries", room);
    return 0;
}

// The directory is three nested lists, of extensions, folders and names; an empty string ends each.
static int names_read(struct walk *walk, struct error *err)
{
    for (;;) {
        size_t      n = 0;
        const char *name = take_string(&n, walk);
        if (!name)
            return cut_off(err);
        if (n == 0)
            return 0;

        if (walk->vpk->n_items == VPK_ENTRIES_MAX)
            return error_set(err, ERROR_INVALID, "more than %u entries", VPK_ENTRIES_MAX);

        struct vpk_item *item = &walk->vpk->items[walk->vpk->n_items];
        if (item_parse(item, walk, err) < 0)
            return -1;
        if (path_append(item, walk, name, n, err) < 0)
            return -1;
        walk->vpk->n_items++;
    }
}

static int folder_append(struct walk *walk, size_t first, struct error *err)
{
    if (walk->n_folders == walk->folders_room) {
        size_t             room = walk->folders_room ? 2 * walk->folders_room : 64;
        struct vpk_folder *folders = reallocarray(walk->folders, room, sizeof *folders);
        if (!folders)
            return error_sys(err, ENOMEM, "allocating %zu VPK folders", room);
        walk->folders = folders;
        walk->folders_room = room;
    }
    walk->folders[walk->n_folders++] = (struct vpk_folder){
        .first = (uint32_t)first,
        .n = (uint32_t)(walk->vpk->n_items - first),
        .n_path = (uint32_t)walk->folder.n,
    };
    return 0;
}

static int folders_read(struct walk *walk, struct error *err)
{
    for (;;) {
        size_t      n = 0;
        const char *folder = take_string(&n, walk);
        if (!folder)
            return cut_off(err);
        if (n == 0)
            return 0;
        if (folder_enter(walk, folder, n, err) < 0)
            return -1;

        size_t first = walk->vpk->n_items;
        if (names_read(walk, err) < 0)
            return -1;
        if (walk->vpk->n_items > first && folder_append(walk, first, err) < 0)
            return -1;
    }
}

static int extensions_read(struct walk *walk, struct error *err)
{
    for (;;) {
        walk->extension = take_string(&walk->n_extension, walk);
        if (!walk->extension)
            return cut_off(err);
        if (walk->n_extension == 0)
            return 0;
        if (folders_read(walk, err) < 0)
            return -1;
    }
}

static void walk_done(struct walk *walk)
{
    free(walk->folders);
}

int vpk_read_lists(struct vpk *vpk, struct error *err)
{
    AUTO(walk_done)
    struct walk walk = { .vpk = vpk, .bytes = vpk->directory, .n_bytes = vpk->sections.directory };

    if (items_new(vpk, err) < 0)
        return -1;
    if (extensions_read(&walk, err) < 0)
        return -1;

    vpk->n_unread = (uint32_t)walk.n_bytes;
    for (size_t i = 0; i < vpk->n_items; i++) // the paths have found their place
        vpk->items[i].shown.path = vpk->paths + vpk->items[i].path_at;
    return vpk_order(vpk, walk.folders, walk.n_folders, !walk.has_slash, err);
}

const char *vpk_item_name(const struct vpk_item *item)
{
    return item->shown.path + (item->is_renamed ? item->n_path + 1 : 0);
}
