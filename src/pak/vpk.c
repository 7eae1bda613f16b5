// SPDX-License-Identifier: MIT
#include "pak/vpkfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "pak/bytes.h"
#include "pak/crc32.h"

#define VPK_SIGNATURE      0x55aa1234u
#define VPK_HEADER_1_SIZE  12u // signature, version, directory size
#define VPK_HEADER_2_SIZE  28u // and four sizes of the sections behind the directory
#define VPK_DIRECTORY_TAIL "_dir.vpk"

// --- the header -------------------------------------------------------------------------------

static int header_parse(struct vpk *vpk, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    if (n_bytes < VPK_HEADER_1_SIZE)
        return error_set(err, ERROR_INVALID, "too short for a VPK header");
    if (bytes_u32(bytes) != VPK_SIGNATURE)
        return error_set(err, ERROR_INVALID, "not a VPK archive (wrong signature)");

    uint32_t version = bytes_u32(bytes + 4);
    if (version != 1 && version != 2)
        return error_set(err, ERROR_INVALID, "VPK version %u is not supported", version);

    struct vpk_sections sections = {
        .header = version == 1 ? VPK_HEADER_1_SIZE : VPK_HEADER_2_SIZE,
        .directory = bytes_u32(bytes + 8),
    };
    if (n_bytes < sections.header)
        return error_set(err, ERROR_INVALID, "too short for a VPK header");
    if (sections.directory > VPK_DIRECTORY_MAX - sections.header)
        return error_set(err, ERROR_INVALID, "the VPK directory is larger than %u bytes",
                         VPK_DIRECTORY_MAX);
    if (version == 2) {
        sections.data = bytes_u32(bytes + 12);
        sections.archive_md5 = bytes_u32(bytes + 16);
        sections.other_md5 = bytes_u32(bytes + 20);
        sections.signature = bytes_u32(bytes + 24);
    }

    vpk->version = version;
    vpk->sections = sections;
    return 0;
}

uint64_t vpk_data_start(const struct vpk *vpk)
{
    return (uint64_t)vpk->sections.header + vpk->sections.directory;
}

// --- open and close ---------------------------------------------------------------------------

static int cut_off(struct error *err)
{
    return error_set(err, ERROR_INVALID, "the VPK directory is cut off");
}

// NULL: err says why.
static struct vpk *vpk_new(struct error *err)
{
    struct vpk *vpk = calloc(1, sizeof *vpk);

    if (vpk)
        vpk->dir_fd = vpk->fd = -1;
    else
        error_sys(err, ENOMEM, "allocating an archive handle");
    return vpk;
}

static int directory_new(struct vpk *vpk, struct error *err)
{
    vpk->directory = malloc(vpk->sections.directory + 1u);
    if (!vpk->directory)
        return error_sys(err, ENOMEM, "allocating %u bytes of VPK directory",
                         vpk->sections.directory);
    return 0;
}

int vpk_parse(struct vpk **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
{
    AUTO(vpk_closep)
    struct vpk *vpk = vpk_new(err);
    if (!vpk)
        return -1;
    if (header_parse(vpk, bytes, n_bytes, err) < 0)
        return -1;
    if (n_bytes - vpk->sections.header < vpk->sections.directory)
        return cut_off(err);
    if (directory_new(vpk, err) < 0)
        return -1;

    memcpy(vpk->directory, bytes + vpk->sections.header, vpk->sections.directory);
    if (vpk_read_lists(vpk, err) < 0)
        return -1;

    *ret = TAKE(vpk);
    return 0;
}

static int read_head(struct vpk *vpk, struct error *err)
{
    uint8_t start[VPK_HEADER_2_SIZE];

    ssize_t n = pread(vpk->fd, start, sizeof start, 0);
    if (n < 0)
        return error_sys(err, errno, "reading");
    return header_parse(vpk, start, (size_t)n, err);
}

static int open_file(struct vpk **ret, int dir_fd, const char *name, struct error *err)
{
    AUTO(vpk_closep)
    struct vpk *vpk = vpk_new(err);
    uint64_t    n_file = 0;

    if (!vpk)
        return -1;
    if (fd_open_file(&vpk->fd, &n_file, dir_fd, name, err) < 0)
        return -1;
    if (read_head(vpk, err) < 0)
        return -1;
    // Asked first, so that nobody allocates what a header of twelve bytes claims.
    if (n_file < vpk_data_start(vpk))
        return cut_off(err);
    if (directory_new(vpk, err) < 0)
        return -1;
    if (vpk_pread(vpk->fd, vpk->directory, vpk->sections.directory, vpk->sections.header, err) < 0)
        return -1;
    if (vpk_read_lists(vpk, err) < 0)
        return -1;

    vpk->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    if (vpk->dir_fd < 0)
        return error_sys(err, errno, "keeping its directory open");

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

    free(vpk->paths);
    free(vpk->order);
    free(vpk->items);
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

int vpk_check_end(const struct vpk *vpk, struct error *err)
{
    struct stat st;
    uint64_t    end = 0;

    if (vpk->fd < 0)
        return error_set(err, ERROR_INVALID, "the archive was parsed from memory");
    for (size_t i = 0; i < vpk->n_items; i++)
        if (vpk->items[i].archive == VPK_ARCHIVE_SAME && vpk->items[i].length)
            end = MAX(end, (uint64_t)vpk->items[i].offset + vpk->items[i].length);
    if (fstat(vpk->fd, &st) < 0)
        return error_sys(err, errno, "asking for the size of an archive");
    if (end && (uint64_t)st.st_size < vpk_data_start(vpk) + end)
        return error_set(err, ERROR_INVALID,
                         "the archive is cut off: %" PRIu64 " bytes are missing",
                         vpk_data_start(vpk) + end - (uint64_t)st.st_size);
    return 0;
}

// --- entries ----------------------------------------------------------------------------------

unsigned vpk_version(const struct vpk *vpk)
{
    return vpk->version;
}

size_t vpk_count(const struct vpk *vpk)
{
    return vpk->n_items;
}

const struct vpk_entry *vpk_at(const struct vpk *vpk, size_t i)
{
    return i < vpk->n_items ? &vpk->items[vpk->order[i]].shown : NULL;
}

size_t vpk_seek(const struct vpk *vpk, const char *prefix)
{
    size_t from = 0, to = vpk->n_items;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(vpk->items[vpk->order[middle]].shown.path, prefix) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct vpk_entry *vpk_find(const struct vpk *vpk, const char *path)
{
    const struct vpk_entry *entry = vpk_at(vpk, vpk_seek(vpk, path));

    return entry && strcmp(entry->path, path) == 0 ? entry : NULL;
}

// --- content ----------------------------------------------------------------------------------

const char *vpk_short(char buffer[VPK_SHORT_MAX], const char *path)
{
    size_t n = strlen(path);

    if (n < VPK_SHORT_MAX)
        return path;

    const char *tail = path + n - (VPK_SHORT_MAX - sizeof "...");
    while ((*tail & 0xc0) == 0x80) // within a character
        tail++;
    (void)snprintf(buffer, VPK_SHORT_MAX, "...%s", tail); // fits
    return buffer;
}

int vpk_open_part(int *ret, uint64_t *ret_bytes, const struct vpk *vpk, uint16_t archive,
                  struct error *err)
{
    char   part[VPK_NAME_MAX + 8];
    size_t n_tail = strlen(VPK_DIRECTORY_TAIL);
    size_t n_name = strlen(vpk->name);

    if (n_name <= n_tail || strcmp(vpk->name + n_name - n_tail, VPK_DIRECTORY_TAIL) != 0)
        return error_set(err, ERROR_INVALID, "archive '%s' has no numbered parts", vpk->name);

    (void)snprintf(part, sizeof part, "%.*s_%03u.vpk", (int)(n_name - n_tail), vpk->name,
                   (unsigned)archive); // fits: a number has at most five digits
    return fd_open_file(ret, ret_bytes, vpk->dir_fd, part, err);
}

int vpk_pread(int fd, uint8_t *bytes, size_t n_bytes, uint64_t offset, struct error *err)
{
    while (n_bytes) {
        ssize_t n = pread(fd, bytes, n_bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, errno, "reading an archive");
        if (n == 0)
            return error_set(err, ERROR_INVALID, "the archive is cut off");
        bytes += n;
        n_bytes -= (size_t)n;
        offset += (size_t)n;
    }
    return 0;
}

static int read_outside(const struct vpk *vpk, const struct vpk_item *item, uint64_t offset,
                        uint8_t *bytes, size_t n_bytes, struct error *err)
{
    uint64_t n_part;

    if (n_bytes == 0)
        return 0;
    if (vpk->fd < 0)
        return error_set(err, ERROR_INVALID, "the archive was parsed from memory");
    offset += item->offset;
    if (item->archive == VPK_ARCHIVE_SAME)
        return vpk_pread(vpk->fd, bytes, n_bytes, vpk_data_start(vpk) + offset, err);

    AUTO_FD fd = -1;
    if (vpk_open_part(&fd, &n_part, vpk, item->archive, err) < 0)
        return -1;
    return vpk_pread(fd, bytes, n_bytes, offset, err);
}

int vpk_read_piece(const struct vpk *vpk, const struct vpk_entry *shown, uint64_t offset,
                   uint8_t *bytes, size_t n_bytes, struct error *err)
{
    const struct vpk_item *item = (const struct vpk_item *)shown;
    char                   path[VPK_SHORT_MAX];
    size_t                 n_here = 0;

    if (offset > shown->size || n_bytes > shown->size - offset)
        return error_set(err, ERROR_INVALID, "'%s' ends before", vpk_short(path, shown->path));
    if (n_bytes && offset < item->preload_size) {
        n_here = MIN(n_bytes, (size_t)(item->preload_size - offset));
        memcpy(bytes, vpk->directory + item->preload_at + offset, n_here);
    }
    uint64_t at = offset + n_here - MIN(offset + n_here, item->preload_size);
    if (read_outside(vpk, item, at, bytes + n_here, n_bytes - n_here, err) < 0)
        return error_prefix(err, "'%s'", vpk_short(path, shown->path));
    return 0;
}

int vpk_read(const struct vpk *vpk, const struct vpk_entry *shown, uint8_t *bytes,
             struct error *err)
{
    char path[VPK_SHORT_MAX];

    if (shown->size > VPK_ENTRY_SIZE_MAX)
        return error_set(err, ERROR_INVALID, "'%s' is larger than %u bytes",
                         vpk_short(path, shown->path), VPK_ENTRY_SIZE_MAX);
    if (vpk_read_piece(vpk, shown, 0, bytes, (size_t)shown->size, err) < 0)
        return -1;
    if (crc32_update(0, bytes, (size_t)shown->size) != shown->crc32)
        return error_set(err, ERROR_INVALID, "'%s' does not match its checksum",
                         vpk_short(path, shown->path));
    return 0;
}
