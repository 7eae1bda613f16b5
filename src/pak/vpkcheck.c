// SPDX-License-Identifier: MIT
#include "pak/vpkcheck.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/fd.h"
#include "pak/bytes.h"
#include "pak/crc32.h"
#include "pak/pathsort.h"
#include "pak/vpkfile.h"
#include "pak/vpkscan.h"

#define PIECE_BYTES     28u // part, offset, length, MD5
#define OTHER_MD5_BYTES 48u

// What has an MD5 in the section of version 2 that is called "other", in the order there.
enum other { OTHER_DIRECTORY, OTHER_PIECES, OTHER_FILE, OTHER_COUNT };

static const char *const other_names[] = {
    [OTHER_DIRECTORY] = "the directory does not match its MD5",
    [OTHER_PIECES] = "the list of MD5 sums does not match its own",
    [OTHER_FILE] = "the file does not match its MD5",
};
_Static_assert(ELEMENTS(other_names) == OTHER_COUNT, "each has its sentence");
_Static_assert(VPK_ARCHIVE_SAME == VPK_PARTS_MAX, "the number behind the last part's");

struct check {
    const struct vpk  *vpk;
    struct vpk_checked result;
    struct scan        scan;
    uint64_t           file_bytes; // of the directory file
    struct scan_span  *entries;    // that have bytes outside the directory
    size_t             n_entries;
    struct scan_span  *pieces;
    size_t             n_pieces;
    uint8_t           *piece_list; // the section
    uint8_t            other_md5[OTHER_MD5_BYTES];
    struct scan_span   others[OTHER_COUNT];
    bool               has_others;
};

// A file of the archive, and what is said about its bytes.
struct part {
    uint32_t                archive;
    const struct scan_span *entries, *pieces;
    size_t                  n_entries, n_pieces;
};

static const char *item_short(char buffer[VPK_SHORT_MAX], const struct check *check,
                              const struct scan_span *span)
{
    return vpk_short(buffer, check->vpk->items[span->number].shown.path);
}

// --- paths ------------------------------------------------------------------------------------

static int check_paths(const struct vpk *vpk, struct error *err)
{
    size_t n = vpk->n_items;
    char   one[VPK_SHORT_MAX], other[VPK_SHORT_MAX];

    AUTO(freep)
    struct pathsort_path *paths = reallocarray(NULL, n + 1, sizeof *paths);
    AUTO(freep)
    struct pathsort_item *sorted = reallocarray(NULL, 2 * n + 1, sizeof *sorted);
    if (!paths || !sorted)
        return error_sys(err, ENOMEM, "comparing %zu paths", n);

    for (size_t i = 0; i < n; i++) {
        const struct vpk_item *item = &vpk->items[vpk->order[i]]; // nearly sorted
        paths[i] = (struct pathsort_path){ vpk_item_name(item), item->n_path };
        sorted[i].index = (uint32_t)i;
    }
    pathsort(sorted, sorted + n, n, paths, 0, true);
    for (size_t i = 1; i < n; i++)
        if (pathsort_is_equal(&paths[sorted[i - 1].index], &paths[sorted[i].index], true))
            return error_set(err, ERROR_INVALID, "'%s' and '%s' are one path",
                             vpk_short(one, vpk_at(vpk, sorted[i - 1].index)->path),
                             vpk_short(other, vpk_at(vpk, sorted[i].index)->path));
    return 0;
}

// --- entries ----------------------------------------------------------------------------------

static int compare_spans(const void *a, const void *b)
{
    const struct scan_span *one = a, *other = b;

    if (one->archive != other->archive)
        return one->archive < other->archive ? -1 : 1;
    if (one->start != other->start)
        return one->start < other->start ? -1 : 1;
    return one->number < other->number ? -1 : one->number > other->number;
}

// Sorts them; returns the index of the first that begins before the end of the one before it, or 0.
static size_t sort_spans(struct scan_span *spans, size_t n)
{
    if (n)
        qsort(spans, n, sizeof *spans, compare_spans);
    for (size_t i = 1; i < n; i++)
        if (spans[i].archive == spans[i - 1].archive && spans[i].start < spans[i - 1].end)
            return i;
    return 0;
}

static int entries_collect(struct check *check, struct error *err)
{
    const struct vpk *vpk = check->vpk;
    char              path[VPK_SHORT_MAX];

    check->entries = reallocarray(NULL, vpk->n_items + 1, sizeof *check->entries);
    if (!check->entries)
        return error_sys(err, ENOMEM, "checking %zu VPK entries", vpk->n_items);

    for (size_t i = 0; i < vpk->n_items; i++) {
        const struct vpk_item *item = &vpk->items[i];
        check->result.content_bytes += item->shown.size;
        if (item->length == 0)
            continue;
        if (item->archive > VPK_ARCHIVE_SAME)
            return error_set(err, ERROR_INVALID, "'%s' is in part %u, which cannot be",
                             vpk_short(path, item->shown.path), item->archive);

        uint64_t start = item->offset;
        if (item->archive == VPK_ARCHIVE_SAME)
            start += vpk_data_start(vpk);
        check->entries[check->n_entries++] =
            (struct scan_span){ start, start + item->length, item->archive, (uint32_t)i };
    }
    return 0;
}

static int check_entries(struct check *check, struct error *err)
{
    char one[VPK_SHORT_MAX], other[VPK_SHORT_MAX];

    if (entries_collect(check, err) < 0)
        return -1;
    size_t i = sort_spans(check->entries, check->n_entries);
    if (i)
        return error_set(err, ERROR_INVALID, "'%s' and '%s' overlap",
                         item_short(one, check, &check->entries[i - 1]),
                         item_short(other, check, &check->entries[i]));
    return 0;
}

// --- the directory file -----------------------------------------------------------------------

// The spans of one file; those of the directory file are the last.
static struct part part_find(const struct check *check, uint32_t archive, size_t entry,
                             size_t piece)
{
    struct part part = { archive, check->entries + entry, NULL, 0, 0 };

    while (entry + part.n_entries < check->n_entries &&
           part.entries[part.n_entries].archive == archive)
        part.n_entries++;
    if (check->n_pieces)
        part.pieces = check->pieces + piece;
    while (piece + part.n_pieces < check->n_pieces && part.pieces[part.n_pieces].archive == archive)
        part.n_pieces++;
    return part;
}

static struct part part_same(const struct check *check)
{
    size_t entry = check->n_entries, piece = check->n_pieces;

    while (entry && check->entries[entry - 1].archive == VPK_ARCHIVE_SAME)
        entry--;
    while (piece && check->pieces[piece - 1].archive == VPK_ARCHIVE_SAME)
        piece--;
    return part_find(check, VPK_ARCHIVE_SAME, entry, piece);
}

static int check_bounds(const struct check *check, const struct part *part, uint64_t end,
                        const char *what, struct error *err)
{
    char path[VPK_SHORT_MAX];

    if (part->n_entries && part->entries[part->n_entries - 1].end > end)
        return error_set(err, ERROR_INVALID, "'%s' reaches beyond the end of %s",
                         item_short(path, check, &part->entries[part->n_entries - 1]), what);
    if (part->n_pieces && part->pieces[part->n_pieces - 1].end > end)
        return error_set(err, ERROR_INVALID, "an MD5 is of bytes beyond the end of %s", what);
    return 0;
}

static int check_size(const struct check *check, uint64_t want, struct error *err)
{
    if (check->file_bytes < want)
        return error_set(err, ERROR_INVALID,
                         "the archive is cut off: %" PRIu64 " bytes are missing",
                         want - check->file_bytes);
    if (check->file_bytes > want)
        return error_set(err, ERROR_INVALID, "there are %" PRIu64 " bytes behind the end",
                         check->file_bytes - want);
    return 0;
}

static int check_file_1(const struct check *check, struct error *err)
{
    struct part part = part_same(check);
    uint64_t    end = vpk_data_start(check->vpk);

    if (check_bounds(check, &part, check->file_bytes, "the archive", err) < 0)
        return -1;
    if (part.n_entries)
        end = part.entries[part.n_entries - 1].end;
    return check_size(check, end, err);
}

// --- version 2 --------------------------------------------------------------------------------

static uint64_t pieces_start(const struct vpk *vpk)
{
    return vpk_data_start(vpk) + vpk->sections.data;
}

static uint64_t others_start(const struct vpk *vpk)
{
    return pieces_start(vpk) + vpk->sections.archive_md5;
}

static uint64_t signature_start(const struct vpk *vpk)
{
    return others_start(vpk) + vpk->sections.other_md5;
}

static int pieces_collect(struct check *check, struct error *err)
{
    const struct vpk *vpk = check->vpk;
    size_t            n = vpk->sections.archive_md5 / PIECE_BYTES;

    check->pieces = reallocarray(NULL, n + 1, sizeof *check->pieces);
    check->piece_list = reallocarray(NULL, n + 1, PIECE_BYTES);
    if (!check->pieces || !check->piece_list)
        return error_sys(err, ENOMEM, "checking %zu MD5 sums", n);
    if (vpk_pread(vpk->fd, check->piece_list, n * PIECE_BYTES, pieces_start(vpk), err) < 0)
        return -1;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *fields = check->piece_list + i * PIECE_BYTES;
        uint32_t       archive = bytes_u32(fields), length = bytes_u32(fields + 8);
        uint64_t       start = bytes_u32(fields + 4);
        if (archive > VPK_ARCHIVE_SAME || length == 0)
            return error_set(err, ERROR_INVALID, "MD5 number %zu is of nothing there can be", i);
        if (archive == VPK_ARCHIVE_SAME)
            start += vpk_data_start(vpk);
        check->pieces[check->n_pieces++] =
            (struct scan_span){ start, start + length, archive, (uint32_t)i };
    }
    return 0;
}

static int check_pieces(struct check *check, struct error *err)
{
    uint32_t n_bytes = check->vpk->sections.archive_md5;

    if (n_bytes % PIECE_BYTES != 0 || n_bytes / PIECE_BYTES > VPK_PIECES_MAX)
        return error_set(err, ERROR_INVALID, "a list of MD5 sums cannot have %u bytes", n_bytes);
    if (pieces_collect(check, err) < 0)
        return -1;
    if (sort_spans(check->pieces, check->n_pieces))
        return error_set(err, ERROR_INVALID, "two MD5 sums are of the same bytes");
    return 0;
}

// A key and a signature, each behind its length; or a mark that somebody signed elsewhere.
static int check_signature(const struct vpk *vpk, struct error *err)
{
    uint32_t n = vpk->sections.signature, n_key = 0, n_sign = 0;
    uint64_t at = signature_start(vpk);
    uint8_t  field[4];

    if (n == 0 || n == 20)
        return 0;
    if (n >= 8 && n <= VPK_SIGNATURE_MAX) {
        if (vpk_pread(vpk->fd, field, sizeof field, at, err) < 0)
            return -1;
        n_key = bytes_u32(field);
        if (n_key <= n - 8) {
            if (vpk_pread(vpk->fd, field, sizeof field, at + 4 + n_key, err) < 0)
                return -1;
            n_sign = bytes_u32(field);
            if (n_sign == n - 8 - n_key)
                return 0;
        }
    }
    return error_set(err, ERROR_INVALID, "the signature is damaged");
}

static int check_others(struct check *check, struct error *err)
{
    const struct vpk *vpk = check->vpk;

    if (vpk->sections.other_md5 == 0)
        return 0;
    if (vpk->sections.other_md5 != OTHER_MD5_BYTES)
        return error_set(err, ERROR_INVALID, "the MD5 sums of the file cannot have %u bytes",
                         vpk->sections.other_md5);
    if (vpk_pread(vpk->fd, check->other_md5, OTHER_MD5_BYTES, others_start(vpk), err) < 0)
        return -1;

    struct scan_span spans[] = {
        [OTHER_DIRECTORY] = { vpk->sections.header, vpk_data_start(vpk), 0, OTHER_DIRECTORY },
        [OTHER_PIECES] = { pieces_start(vpk), others_start(vpk), 0, OTHER_PIECES },
        [OTHER_FILE] = { 0, others_start(vpk) + 2 * (uint64_t)MD5_DIGEST_LENGTH, 0, OTHER_FILE },
    };
    memcpy(check->others, spans, sizeof spans);
    check->has_others = true;
    return 0;
}

static int check_file_2(struct check *check, struct error *err)
{
    if (check_size(check, signature_start(check->vpk) + check->vpk->sections.signature, err) < 0)
        return -1;
    if (check_pieces(check, err) < 0)
        return -1;
    if (check_others(check, err) < 0)
        return -1;
    if (check_signature(check->vpk, err) < 0)
        return -1;

    struct part part = part_same(check);
    check->result.has_signature = check->vpk->sections.signature > 0;
    return check_bounds(check, &part, pieces_start(check->vpk), "the data", err);
}

// --- content ----------------------------------------------------------------------------------

static uint32_t entry_begin(const void *context, const struct scan_span *span)
{
    const struct check    *check = context;
    const struct vpk_item *item = &check->vpk->items[span->number];

    return crc32_update(0, check->vpk->directory + item->preload_at, item->preload_size);
}

static int entry_compare(const void *context, const struct scan_span *span, const void *sum,
                         struct error *err)
{
    const struct check *check = context;
    uint32_t            crc32;
    char                path[VPK_SHORT_MAX];

    memcpy(&crc32, sum, sizeof crc32);
    if (crc32 == check->vpk->items[span->number].shown.crc32)
        return 0;
    return error_set(err, ERROR_INVALID, "'%s' does not match its checksum",
                     item_short(path, check, span));
}

// The first entry, if any, that has bytes of the piece.
static const struct scan_span *piece_entry(const struct check *check, const struct scan_span *piece)
{
    for (size_t i = 0; i < check->n_entries; i++) {
        const struct scan_span *entry = &check->entries[i];
        if (entry->archive == piece->archive && entry->end > piece->start &&
            entry->start < piece->end)
            return entry;
    }
    return NULL;
}

static int piece_compare(const void *context, const struct scan_span *span, const void *sum,
                         struct error *err)
{
    const struct check *check = context;
    char                path[VPK_SHORT_MAX], where[32] = "the archive";
    char                who[VPK_SHORT_MAX + 32] = "what is beside the entries";

    if (memcmp(sum, check->piece_list + (size_t)span->number * PIECE_BYTES + 12,
               MD5_DIGEST_LENGTH) == 0)
        return 0;

    const struct scan_span *entry = piece_entry(check, span);
    if (span->archive != VPK_ARCHIVE_SAME)
        (void)snprintf(where, sizeof where, "part %u", span->archive); // fits
    if (entry)
        (void)snprintf(who, sizeof who, "'%s' or what is beside it",
                       item_short(path, check, entry)); // fits
    return error_set(err, ERROR_INVALID,
                     "%s, bytes %" PRIu64 " to %" PRIu64 " of %s, does not match its MD5", who,
                     span->start, span->end - 1, where);
}

static int other_compare(const void *context, const struct scan_span *span, const void *sum,
                         struct error *err)
{
    const struct check *check = context;

    if (memcmp(sum, check->other_md5 + (size_t)span->number * MD5_DIGEST_LENGTH,
               MD5_DIGEST_LENGTH) == 0)
        return 0;
    return error_set(err, ERROR_INVALID, "%s", other_names[span->number]);
}

#define PART_LANES 2u
#define LANES_MAX  (PART_LANES + OTHER_COUNT)

static size_t lanes_of_part(struct scan_lane lanes[PART_LANES], const struct check *check,
                            const struct part *part)
{
    lanes[0] = (struct scan_lane){ .spans = part->entries,
                                   .n_spans = part->n_entries,
                                   .context = check,
                                   .begin = entry_begin,
                                   .compare = entry_compare };
    lanes[1] = (struct scan_lane){ .spans = part->pieces,
                                   .n_spans = part->n_pieces,
                                   .is_md5 = true,
                                   .context = check,
                                   .compare = piece_compare };
    return PART_LANES;
}

static size_t lanes_of_file(struct scan_lane lanes[LANES_MAX], const struct check *check)
{
    struct part part = part_same(check);
    size_t      n = lanes_of_part(lanes, check, &part);

    for (size_t i = 0; check->has_others && i < OTHER_COUNT; i++)
        lanes[n++] = (struct scan_lane){ .spans = &check->others[i],
                                         .n_spans = 1,
                                         .is_md5 = true,
                                         .context = check,
                                         .compare = other_compare };
    return n;
}

static int check_preloaded(const struct check *check, struct error *err)
{
    for (size_t i = 0; i < check->vpk->n_items; i++) {
        struct scan_span span = { 0, 0, 0, (uint32_t)i };
        if (check->vpk->items[i].length)
            continue;
        uint32_t crc32 = entry_begin(check, &span);
        if (entry_compare(check, &span, &crc32, err) < 0)
            return -1;
    }
    return 0;
}

// --- parts ------------------------------------------------------------------------------------

// Calls `visit` for each numbered part that something is said about.
static int each_part(struct check *check,
                     int (*visit)(struct check *check, const struct part *part, struct error *err),
                     struct error *err)
{
    for (size_t entry = 0, piece = 0;;) {
        uint32_t archive = VPK_ARCHIVE_SAME;
        if (entry < check->n_entries)
            archive = check->entries[entry].archive;
        if (piece < check->n_pieces)
            archive = MIN(archive, check->pieces[piece].archive);
        if (archive == VPK_ARCHIVE_SAME)
            return 0;

        struct part part = part_find(check, archive, entry, piece);
        if (visit(check, &part, err) < 0)
            return -1;
        entry += part.n_entries;
        piece += part.n_pieces;
    }
}

static int part_check(struct check *check, const struct part *part, struct error *err)
{
    struct scan_lane lanes[PART_LANES];
    uint64_t         n_bytes = 0;
    char             what[32];

    AUTO_FD fd = -1;
    if (vpk_open_part(&fd, &n_bytes, check->vpk, (uint16_t)part->archive, err) < 0)
        return -1;
    (void)snprintf(what, sizeof what, "part %u", part->archive); // fits
    if (check_bounds(check, part, n_bytes, what, err) < 0)
        return -1;

    size_t n = lanes_of_part(lanes, check, part);
    check->scan.total_bytes += scan_extent(lanes, n);
    check->result.n_parts++;
    return 0;
}

static int part_scan(struct check *check, const struct part *part, struct error *err)
{
    struct scan_lane lanes[PART_LANES];
    uint64_t         n_bytes = 0;

    AUTO_FD fd = -1;
    if (vpk_open_part(&fd, &n_bytes, check->vpk, (uint16_t)part->archive, err) < 0)
        return -1;
    return scan_file(&check->scan, fd, lanes, lanes_of_part(lanes, check, part), err);
}

// --- all --------------------------------------------------------------------------------------

static void check_done(struct check *check)
{
    free(check->scan.block);
    free(check->entries);
    free(check->pieces);
    free(check->piece_list);
}

static int check_structure(struct check *check, struct error *err)
{
    struct stat st;

    if (check->vpk->n_unread)
        return error_set(err, ERROR_INVALID, "there are %u bytes behind the end of the directory",
                         check->vpk->n_unread);
    if (fstat(check->vpk->fd, &st) < 0)
        return error_sys(err, errno, "reading its size");
    check->file_bytes = (uint64_t)st.st_size;

    if (check_paths(check->vpk, err) < 0)
        return -1;
    if (check_entries(check, err) < 0)
        return -1;
    if (check->vpk->version == 1 ? check_file_1(check, err) < 0 : check_file_2(check, err) < 0)
        return -1;
    return each_part(check, part_check, err);
}

static int check_content(struct check *check, struct error *err)
{
    struct scan_lane lanes[LANES_MAX];
    size_t           n = lanes_of_file(lanes, check);

    check->scan.block = malloc(VPK_BLOCK_BYTES);
    if (!check->scan.block)
        return error_sys(err, ENOMEM, "reading an archive");
    check->scan.total_bytes += scan_extent(lanes, n);
    check->result.n_md5 = (uint32_t)check->n_pieces + (check->has_others ? OTHER_COUNT : 0);

    if (check_preloaded(check, err) < 0)
        return -1;
    if (scan_file(&check->scan, check->vpk->fd, lanes, n, err) < 0)
        return -1;
    return each_part(check, part_scan, err);
}

int vpk_check(struct vpk_checked *ret, const struct vpk *vpk, const struct vpk_progress *progress,
              struct error *err)
{
    AUTO(check_done)
    struct check check = { .vpk = vpk, .scan.progress = progress };

    if (vpk->fd < 0)
        return error_set(err, ERROR_INVALID, "the archive was parsed from memory");
    if (check_structure(&check, err) < 0 || check_content(&check, err) < 0)
        return error_prefix(err, "archive '%s'", vpk->name);

    *ret = check.result;
    return 0;
}
