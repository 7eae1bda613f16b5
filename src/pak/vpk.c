// SPDX-License-Identifier: MIT
#include "pak/vpk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/text.h"
#include "pak/crc32.h"

#define VPK_SIGNATURE      0x55aa1234u
#define VPK_HEADER_1_SIZE  12u     // signature, version, directory size
#define VPK_HEADER_2_SIZE  28u     // and four sizes of the sections behind the directory
#define VPK_ARCHIVE_SAME   0x7fffu // the data lie in the directory file, behind the directory
#define VPK_ENTRY_END      0xffffu
#define VPK_NAME_MAX       256u // bytes of a file name, the NUL included
#define VPK_DIRECTORY_TAIL "_dir.vpk"

struct entry {
    struct vpk_entry shown; // first, so that a borrowed entry leads back here
    char            *path;  // owned; `shown` lends it
    const uint8_t   *preload;
    uint32_t         crc;
    uint32_t         offset;
    uint32_t         length; // bytes outside the directory
    uint16_t         preload_size;
    uint16_t         archive;
};

struct vpk {
    int           dir_fd; // -1: parsed from memory
    int           fd;
    char          name[VPK_NAME_MAX];
    uint32_t      data_start; // where VPK_ARCHIVE_SAME offsets count from
    uint8_t      *directory;  // copy of the directory bytes; preload data point into it
    struct entry *entries;    // sorted by path
    size_t        n_entries;
    size_t        room; // entries there is memory for
};

// A window on the directory that cannot pass its end.
struct cursor {
    const uint8_t *bytes;
    size_t         n_bytes;
};

static uint16_t get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return get_u16(bytes) | (uint32_t)get_u16(bytes + 2) << 16;
}

static const uint8_t *cursor_take(struct cursor *cursor, size_t n)
{
    if (cursor->n_bytes < n)
        return NULL;

    const uint8_t *taken = cursor->bytes;
    cursor->bytes += n;
    cursor->n_bytes -= n;
    return taken;
}

static const char *cursor_take_string(struct cursor *cursor)
{
    const uint8_t *end = memchr(cursor->bytes, '\0', cursor->n_bytes);

    if (!end)
        return NULL;
    return (const char *)cursor_take(cursor, (size_t)(end - cursor->bytes) + 1);
}

// --- the header -------------------------------------------------------------------------------

struct header {
    uint32_t size;
    uint32_t directory_size;
};

static int header_parse(struct header *ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    if (n_bytes < VPK_HEADER_1_SIZE)
        return error_set(err, ERROR_INVALID, "too short for a VPK header");
    if (get_u32(bytes) != VPK_SIGNATURE)
        return error_set(err, ERROR_INVALID, "not a VPK archive (wrong signature)");

    uint32_t version = get_u32(bytes + 4);
    if (version != 1 && version != 2)
        return error_set(err, ERROR_INVALID, "VPK version %u is not supported", version);

    uint32_t size = version == 1 ? VPK_HEADER_1_SIZE : VPK_HEADER_2_SIZE;
    if (n_bytes < size)
        return error_set(err, ERROR_INVALID, "too short for a VPK header");

    uint32_t directory_size = get_u32(bytes + 8);
    if (directory_size > VPK_DIRECTORY_MAX - size)
        return error_set(err, ERROR_INVALID, "the VPK directory is larger than %u bytes",
                         VPK_DIRECTORY_MAX);

    *ret = (struct header){ size, directory_size };
    return 0;
}

// --- the directory ----------------------------------------------------------------------------

// Add-ons made on Windows carry names in any code page; control bytes are nobody's names.
static void path_make_printable(char *path)
{
    for (char *cursor = path, *end = path + strlen(path); cursor < end;) {
        size_t n = text_character(cursor, (size_t)(end - cursor));
        if (n == 0 || text_is_control(cursor, n)) {
            *cursor++ = '?';
            continue;
        }
        cursor += n;
    }
}

// True when every component names something below the root of the archive.
static bool path_is_contained(const char *path)
{
    for (const char *cursor = path;;) {
        size_t n = strcspn(cursor, "/\\");
        bool   is_dots = (n == 1 || n == 2) && strspn(cursor, ".") >= n;
        if (n == 0 || is_dots)
            return false;
        if (!cursor[n])
            return true;
        cursor += n + 1;
    }
}

// Joins the three parts an entry's path is stored in; a lone space stands for an empty part.
static int path_join(char path[VPK_PATH_MAX], const char *folder, const char *name,
                     const char *extension, struct error *err)
{
    bool has_folder = strcmp(folder, " ") != 0 && *folder;
    bool has_name = strcmp(name, " ") != 0;
    bool has_extension = strcmp(extension, " ") != 0 && *extension;

    int n =
        snprintf(path, VPK_PATH_MAX, "%s%s%s%s%s", has_folder ? folder : "", has_folder ? "/" : "",
                 has_name ? name : "", has_extension ? "." : "", has_extension ? extension : "");
    if (n < 0 || (size_t)n >= VPK_PATH_MAX)
        return error_set(err, ERROR_INVALID, "a path in the archive is longer than %u bytes",
                         VPK_PATH_MAX - 1);
    if (!path_is_contained(path))
        return error_set(err, ERROR_INVALID, "a path in the archive leaves it");
    return 0;
}

static int entry_parse(struct entry *ret, struct cursor *cursor, struct error *err)
{
    const uint8_t *fields = cursor_take(cursor, 18);
    if (!fields)
        return error_set(err, ERROR_INVALID, "the VPK directory ends inside an entry");
    if (get_u16(fields + 16) != VPK_ENTRY_END)
        return error_set(err, ERROR_INVALID, "an entry of the VPK directory is not terminated");

    struct entry entry = {
        .crc = get_u32(fields),
        .preload_size = get_u16(fields + 4),
        .archive = get_u16(fields + 6),
        .offset = get_u32(fields + 8),
        .length = get_u32(fields + 12),
    };
    entry.preload = cursor_take(cursor, entry.preload_size);
    if (!entry.preload)
        return error_set(err, ERROR_INVALID, "the VPK directory ends inside an entry");

    entry.shown.size = (uint64_t)entry.length + entry.preload_size;
    entry.shown.crc = entry.crc;
    *ret = entry;
    return 0;
}

static int cut_off(struct error *err)
{
    return error_set(err, ERROR_INVALID, "the VPK directory is cut off");
}

static int entry_append(struct vpk *vpk, const struct entry *entry, const char *path,
                        struct error *err)
{
    if (vpk->n_entries == VPK_ENTRIES_MAX)
        return error_set(err, ERROR_INVALID, "more than %u entries", VPK_ENTRIES_MAX);

    if (vpk->n_entries == vpk->room) {
        size_t        room = vpk->room ? 2 * vpk->room : 64;
        struct entry *entries = reallocarray(vpk->entries, room, sizeof *entries);
        if (!entries)
            return error_sys(err, ENOMEM, "allocating %zu VPK entries", room);
        vpk->entries = entries;
        vpk->room = room;
    }

    char *copy = strdup(path);
    if (!copy)
        return error_sys(err, ENOMEM, "allocating a VPK path");

    path_make_printable(copy);
    vpk->entries[vpk->n_entries] = *entry;
    vpk->entries[vpk->n_entries].path = copy;
    vpk->entries[vpk->n_entries++].shown.path = copy;
    return 0;
}

// The directory is three nested lists, of extensions, folders and names; an empty string ends each.
static int names_read(struct vpk *vpk, struct cursor *cursor, const char *extension,
                      const char *folder, struct error *err)
{
    char         path[VPK_PATH_MAX];
    struct entry entry;

    for (;;) {
        const char *name = cursor_take_string(cursor);
        if (!name)
            return cut_off(err);
        if (!*name)
            return 0;

        if (path_join(path, folder, name, extension, err) < 0)
            return -1;
        if (entry_parse(&entry, cursor, err) < 0)
            return -1;
        if (entry_append(vpk, &entry, path, err) < 0)
            return -1;
    }
}

static int folders_read(struct vpk *vpk, struct cursor *cursor, const char *extension,
                        struct error *err)
{
    for (;;) {
        const char *folder = cursor_take_string(cursor);
        if (!folder)
            return cut_off(err);
        if (!*folder)
            return 0;
        if (names_read(vpk, cursor, extension, folder, err) < 0)
            return -1;
    }
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static int directory_read(struct vpk *vpk, struct cursor cursor, struct error *err)
{
    for (;;) {
        const char *extension = cursor_take_string(&cursor);
        if (!extension)
            return cut_off(err);
        if (!*extension)
            break;
        if (folders_read(vpk, &cursor, extension, err) < 0)
            return -1;
    }

    if (vpk->n_entries)
        qsort(vpk->entries, vpk->n_entries, sizeof *vpk->entries, compare_entries);
    return 0;
}

// --- open and close ---------------------------------------------------------------------------

static struct vpk *vpk_new(void)
{
    struct vpk *vpk = calloc(1, sizeof *vpk);

    if (vpk)
        vpk->dir_fd = vpk->fd = -1;
    return vpk;
}

int vpk_parse(struct vpk **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    struct header header;

    if (header_parse(&header, bytes, n_bytes, err) < 0)
        return -1;
    if (n_bytes - header.size < header.directory_size)
        return cut_off(err);

    AUTO(vpk_closep)
    struct vpk *vpk = vpk_new();
    if (!vpk)
        return error_sys(err, ENOMEM, "allocating an archive handle");

    vpk->data_start = header.size + header.directory_size;
    vpk->directory = malloc(header.directory_size + 1u);
    if (!vpk->directory)
        return error_sys(err, ENOMEM, "allocating %u bytes of VPK directory",
                         header.directory_size);

    memcpy(vpk->directory, bytes + header.size, header.directory_size);
    struct cursor cursor = { vpk->directory, header.directory_size };
    if (directory_read(vpk, cursor, err) < 0)
        return -1;

    *ret = TAKE(vpk);
    return 0;
}

// Header and directory of the open file, as many bytes as the header asks for.
static int read_head(uint8_t **ret, size_t *ret_n, int fd, struct error *err)
{
    uint8_t       start[VPK_HEADER_2_SIZE];
    struct header header;
    struct stat   status;

    ssize_t n = pread(fd, start, sizeof start, 0);
    if (n < 0)
        return error_sys(err, errno, "reading");
    if (header_parse(&header, start, (size_t)n, err) < 0)
        return -1;
    if (fstat(fd, &status) < 0)
        return error_sys(err, errno, "reading its size");

    size_t n_head = (size_t)header.size + header.directory_size;
    if (status.st_size < (off_t)n_head)
        return cut_off(err);

    AUTO(freep)
    uint8_t *head = malloc(n_head);
    if (!head)
        return error_sys(err, ENOMEM, "allocating %zu bytes of VPK directory", n_head);
    if (fd_read_exactly(fd, head, n_head, err) < 0)
        return -1;

    *ret = TAKE(head);
    *ret_n = n_head;
    return 0;
}

static int open_file(struct vpk **ret, int dir_fd, const char *name, struct error *err)
{
    AUTO_FD fd = -1;
    if (fd_open_beneath(&fd, dir_fd, name, O_RDONLY | O_NONBLOCK, 0, err) < 0)
        return -1;

    AUTO(freep)
    uint8_t *head = NULL;
    size_t   n_head = 0;
    if (read_head(&head, &n_head, fd, err) < 0)
        return -1;

    AUTO(vpk_closep)
    struct vpk *vpk = NULL;
    if (vpk_parse(&vpk, head, n_head, err) < 0)
        return -1;

    vpk->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    if (vpk->dir_fd < 0)
        return error_sys(err, errno, "keeping its directory open");

    vpk->fd = TAKE_FD(fd);
    (void)snprintf(vpk->name, sizeof vpk->name, "%s", name); // its length was checked
    *ret = TAKE(vpk);
    return 0;
}

int vpk_open(struct vpk **ret, int dir_fd, const char *name, struct error *err)
{
    if (!fd_is_component(name) || strlen(name) >= VPK_NAME_MAX)
        return error_set(err, ERROR_INVALID, "an archive's name must be one short component");
    if (open_file(ret, dir_fd, name, err) < 0)
        return error_prefix(err, "archive '%s'", name);
    return 0;
}

struct vpk *vpk_close(struct vpk *vpk)
{
    if (!vpk)
        return NULL;

    for (size_t i = 0; i < vpk->n_entries; i++)
        free(vpk->entries[i].path);
    free(vpk->entries);
    free(vpk->directory);
    fd_close(vpk->fd);
    fd_close(vpk->dir_fd);
    free(vpk);
    return NULL;
}

void vpk_closep(struct vpk **vpk)
{
    *vpk = vpk_close(*vpk);
}

// --- entries ----------------------------------------------------------------------------------

size_t vpk_count(const struct vpk *vpk)
{
    return vpk->n_entries;
}

const struct vpk_entry *vpk_at(const struct vpk *vpk, size_t i)
{
    return i < vpk->n_entries ? &vpk->entries[i].shown : NULL;
}

static int compare_path(const void *path, const void *entry)
{
    return strcmp(path, ((const struct entry *)entry)->path);
}

const struct vpk_entry *vpk_find(const struct vpk *vpk, const char *path)
{
    if (!vpk->n_entries)
        return NULL;

    const struct entry *entry =
        bsearch(path, vpk->entries, vpk->n_entries, sizeof *vpk->entries, compare_path);
    return entry ? &entry->shown : NULL;
}

// Opens numbered part `archive` of a directory file: "pak01_dir.vpk" has "pak01_000.vpk".
static int open_part(int *ret, const struct vpk *vpk, uint16_t archive, struct error *err)
{
    char   part[VPK_NAME_MAX + 8];
    size_t n_tail = strlen(VPK_DIRECTORY_TAIL);
    size_t n_name = strlen(vpk->name);

    if (n_name <= n_tail || strcmp(vpk->name + n_name - n_tail, VPK_DIRECTORY_TAIL) != 0)
        return error_set(err, ERROR_INVALID, "archive '%s' has no numbered parts", vpk->name);

    (void)snprintf(part, sizeof part, "%.*s_%03u.vpk", (int)(n_name - n_tail), vpk->name,
                   (unsigned)archive); // fits: a number has at most five digits
    return fd_open_beneath(ret, vpk->dir_fd, part, O_RDONLY | O_NONBLOCK, 0, err);
}

static int read_at(int fd, uint8_t *bytes, size_t n_bytes, off_t offset, struct error *err)
{
    while (n_bytes) {
        ssize_t n = pread(fd, bytes, n_bytes, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, errno, "reading an archive");
        if (n == 0)
            return error_set(err, ERROR_INVALID, "the archive is cut off");
        bytes += n;
        n_bytes -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int read_outside(const struct vpk *vpk, const struct entry *entry, uint8_t *bytes,
                        struct error *err)
{
    if (entry->length == 0)
        return 0;
    if (vpk->fd < 0)
        return error_set(err, ERROR_INVALID, "the archive was parsed from memory");
    if (entry->archive == VPK_ARCHIVE_SAME)
        return read_at(vpk->fd, bytes, entry->length, (off_t)vpk->data_start + entry->offset, err);

    AUTO_FD fd = -1;
    if (open_part(&fd, vpk, entry->archive, err) < 0)
        return -1;
    return read_at(fd, bytes, entry->length, (off_t)entry->offset, err);
}

int vpk_read(const struct vpk *vpk, const struct vpk_entry *shown, uint8_t *bytes,
             struct error *err)
{
    const struct entry *entry = (const struct entry *)shown;

    if (entry->shown.size > VPK_ENTRY_SIZE_MAX)
        return error_set(err, ERROR_INVALID, "'%s' is larger than %u bytes", shown->path,
                         VPK_ENTRY_SIZE_MAX);
    if (entry->preload_size)
        memcpy(bytes, entry->preload, entry->preload_size);
    if (read_outside(vpk, entry, bytes + entry->preload_size, err) < 0)
        return error_prefix(err, "'%s'", shown->path);
    if (crc32_update(0, bytes, (size_t)entry->shown.size) != entry->crc)
        return error_set(err, ERROR_INVALID, "'%s' does not match its checksum", shown->path);
    return 0;
}
