// SPDX-License-Identifier: MIT
#pragma once

// source: what an overlay is made from, in the directory sources/NUMBER: its settings, and by its
// type the text of a script or of a list of Workshop items, or a tree of files.
//
// It belongs to left4me; builders see a read-only view of it. source.json is written last: an
// overlay without one was never finished and counts as absent. The game overlay has no source: its
// settings are given, and cannot be changed.

#include <stdint.h>
#include "base/protocol.h"
#include "host/buffer.h"
#include "host/paths.h"

#define SOURCE_NAME_MAX  64u                   // bytes, without the NUL
#define SOURCE_TEXT_MAX  (1u << 20)            // of a script or a list
#define SOURCE_JSON_MAX  (64u << 10)           // of source.json
#define SOURCE_TITLE_MAX (SOURCE_NAME_MAX + 2) // bytes

struct source {
    uint32_t          number;
    enum overlay_type type;
    char              name[SOURCE_NAME_MAX + 1]; // as of an instance, but not digits alone; unique
    char              server[INSTANCE_NAME_MAX + 1]; // whose own overlay it is, which has no name
    char              title[SOURCE_TITLE_MAX];       // of the two, what people call it: "@" SERVER
    uint32_t          keep;             // generations; 0: as the machine's settings say
    uint64_t          output_max_bytes; // of a build; 0: likewise
    bool              is_daily;         // built anew every day
};

struct sources {
    size_t        n;
    struct source source[]; // by number
};

// The overlay of that number. ERROR_NOT_FOUND: there is none. ERROR_FAILED: it is damaged.
int source_load(struct source *ret, const struct host_paths *paths, uint32_t number,
                struct error *err) MUST_USE;
// The overlay of that number or name, as a person writes it; "@NAME" is the server NAME's own.
int source_find(struct source *ret, const struct host_paths *paths, const char *text,
                struct error *err) MUST_USE;
// All of them, the game first; *ret is owned, free() it. Damaged ones are left out.
int source_list(struct sources **ret, const struct host_paths *paths, struct error *err) MUST_USE;

// Opens the directory of an overlay's source.
int source_open(int *ret, const struct host_paths *paths, uint32_t number, struct error *err)
    MUST_USE;
// Stores the settings. ERROR_EXISTS: another overlay has the name. ERROR_INVALID: one of them is
// out of range. Callers hold source_lock().
int source_save(const struct source *source, const struct host_paths *paths, struct error *err)
    MUST_USE;
// One change at a time, of any source. *ret is a descriptor; closing it lets go.
int source_lock(int *ret, const struct host_paths *paths, struct error *err) MUST_USE;

// Gives it a name, and the title that goes with it.
int source_set_name(struct source *source, const char *name, struct error *err) MUST_USE;
int source_check_name(const char *name, struct error *err) MUST_USE;

// The settings from the bytes of source.json, and to them. ret->number stays what it is.
// source_format() returns them owned, or NULL when memory is exhausted.
int source_parse(struct source *ret, const char *bytes, size_t n_bytes, struct error *err) MUST_USE;
char *source_format(const struct source *source) MUST_USE;

// ---- the text of a script or a list ------------------------------------------------------------

// The file of that type, "script" or "items"; NULL: it has no text.
const char *source_text_file(enum overlay_type type);
// Adds the text. No text yet is ERROR_NOT_FOUND.
int source_read_text(struct buffer *ret, const struct host_paths *paths,
                     const struct source *source, struct error *err) MUST_USE;
// Replaces the text: line ends become LF, and the last line gets one. Refused: NULs, what is not
// UTF-8, more than SOURCE_TEXT_MAX.
int source_write_text(const struct host_paths *paths, const struct source *source,
                      const char *bytes, size_t n_bytes, struct error *err) MUST_USE;
// Whether a build can begin with it: a list with faults is refused now, and not in the night.
int source_check_text(const struct source *source, const char *bytes, size_t n_bytes,
                      struct error *err) MUST_USE;
// What of it is written: the same, in memory.
int source_normalise(struct buffer *ret, const char *bytes, size_t n_bytes, struct error *err)
    MUST_USE;

// ---- its newest build ---------------------------------------------------------------------------

// Remembers the number, for whoever wants to see the log of a build that has left nothing else.
int source_note_build(const struct host_paths *paths, uint32_t number, uint32_t build,
                      struct error *err) MUST_USE;
// 0: none is known.
uint32_t source_noted_build(const struct host_paths *paths, uint32_t number);
