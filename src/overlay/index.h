// SPDX-License-Identifier: MIT
#pragma once

// index: what a tree holds, path by path and pack by pack, in one file.
//
// `N.index` beside generation N saves whoever asks about a stack of layers from walking them all.
// It is a cache: without it, or with one of another version, the tree is walked again, and the
// answer is the same. It describes a tree that never changes, so it never changes either.
//
//   header · nodes · packs · entries · missions · maps · findings · strings
//
// Everything is a record of fixed size or a string, found by number or offset, never by address.
// A node is a file, directory or link; the children of a directory stand side by side, sorted by
// the bytes of their names, behind the directory. So the order of paths is that of a walk which
// takes a directory, then what is in it: "a", "a/b", "a-b". A pack is a VPK in the tree, an entry a
// path in a pack. A mission is a campaign that a pack or the tree offers, with its maps. A finding
// is something that was seen in the tree and may matter; its codes are those of content/findings.h.
//
// The game compares names in packs without regard to case, and the tool that makes packs writes
// lower case: entries are stored folded by index_fold(), and sorted so. The tree is what Linux
// sees: there a name is what its bytes are, and whoever looks as the game does compares folded
// names.
//
// The file is read at once into memory of our own, and checked whole: sums, numbers, offsets, the
// tree. A mapping would save that copy, a millisecond for a large game; but the file belongs to
// another user, who could shorten it under the reader or change it after the check, and a bad disk
// would be a signal instead of an error. Integers are in the order of this machine: a file from one
// of the other order has another version.

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define INDEX_VERSION      2u // counts up with every change of what is in it, also of what is found
#define INDEX_NAME_SUFFIX  ".index"
#define INDEX_BYTES_MAX    (256u << 20)
#define INDEX_NODES_MAX    1000001u // all of a generation, and its root
#define INDEX_PACKS_MAX    4096u
#define INDEX_ENTRIES_MAX  4000000u
#define INDEX_MISSIONS_MAX 16384u
#define INDEX_MAPS_MAX     65536u
#define INDEX_FINDINGS_MAX 16384u
#define INDEX_STRINGS_MAX  (128u << 20) // bytes
#define INDEX_PATH_MAX     4096u        // bytes of a path, the NUL included
#define INDEX_NONE         UINT32_MAX   // no node, no entry, no pack
#define INDEX_ROOT         0u           // the node of the tree itself, whose name is ""

enum index_kind {
    INDEX_FILE = 1,
    INDEX_DIR,
    INDEX_LINK,
    INDEX_SPECIAL,    // these occur in the layer of a game alone, which nobody publishes:
    INDEX_WHITEOUT,   // it removes what is below
    INDEX_UNREADABLE, // what it is, or what is in it, could not be seen
    INDEX_KIND_COUNT,
};

#define INDEX_PROGRAM  0x1u // of a node: a file that may be run
#define INDEX_OPAQUE   0x2u // of a node: a directory that hides the one below it
#define INDEX_IS_CUT   0x1u // of the whole: a limit was reached, there is more
#define INDEX_ALL_BITS 0x3u

// What a node is, and what tells whether it changed: see overlay/indexdiff.h.
struct index_node {
    uint64_t size;     // bytes of a file, or of a link's target
    uint64_t inode;    // number of the file on disk
    int64_t  mtime_ns; // when it was last written
    uint64_t hash;     // hash64 of the content; 0: nobody has read it
    uint32_t name;     // string
    uint32_t parent;
    uint32_t first, n; // children of a directory
    uint16_t n_name;   // bytes
    uint8_t  kind;
    uint8_t  flags;
    uint32_t zero;
};

enum index_place {
    INDEX_PACK_ADDON = 1, // left4dead2/addons/NAME.vpk
    INDEX_PACK_WORKSHOP,  // left4dead2/addons/workshop/NAME.vpk
    INDEX_PACK_GAME,      // TOP/pak01_dir.vpk
    INDEX_PLACE_COUNT,
};

// What a pack holds, counted.
enum index_content {
    INDEX_MAPS,
    INDEX_MISSIONS,
    INDEX_MODELS,
    INDEX_MATERIALS,
    INDEX_SOUNDS,
    INDEX_SCRIPTS,
    INDEX_OTHERS,
    INDEX_CONTENT_COUNT,
};

struct index_pack {
    uint32_t node;    // the file
    uint32_t title;   // string: what its addoninfo.txt calls it, perhaps ""
    uint32_t problem; // string: why it cannot be read; "" if it can
    uint32_t first_entry, n_entries;
    uint32_t first_mission, n_missions;
    uint32_t counts[INDEX_CONTENT_COUNT];
    uint32_t place; // enum index_place
    uint32_t zero;
};

struct index_entry {
    uint64_t hash; // hash64 of the path
    uint32_t crc;  // of the content, as the pack says
    uint32_t size; // bytes; UINT32_MAX: that many or more
    uint32_t path; // string, folded
    uint16_t n_path;
    uint16_t zero;
};

struct index_mission {
    uint32_t node;  // the pack's file, or that of a mission that lies in the tree
    uint32_t pack;  // INDEX_NONE: it lies in the tree
    uint32_t path;  // string: of its text in the pack or tree
    uint32_t name;  // string: what the game calls it
    uint32_t title; // string: what people call it, perhaps a token such as #L4D360UI_…
    uint32_t first_map, n_maps;
    uint32_t zero;
};

struct index_map {
    uint32_t name; // string, folded, without maps/ and .bsp
    uint32_t zero;
};

struct index_finding {
    uint32_t node;
    uint32_t line; // of the file; 0: it is about the whole
    uint32_t text; // string
    uint32_t code;
};

struct index; // opaque

// Reads the file `name` in `dir_fd`, or the whole of the file open as `fd`, or takes a copy of
// bytes. Fails with ERROR_INVALID on whatever is not exactly an index of this version.
int index_open(struct index **ret, int dir_fd, const char *name, struct error *err) MUST_USE;
int index_read(struct index **ret, int fd, struct error *err) MUST_USE;
int index_parse(struct index **ret, const uint8_t *bytes, size_t n_bytes, struct error *err)
    MUST_USE;
// Puts it into the file `name` by one rename, on disk when it returns 0.
int index_write(const struct index *index, int dir_fd, const char *name, struct error *err)
    MUST_USE;
void index_free(struct index *index); // takes NULL
void index_freep(struct index **index);

// ---- reading -----------------------------------------------------------------------------------

// What is returned is borrowed from the index. Every number must be in range.

uint32_t index_flags(const struct index *index);
size_t   index_bytes(const struct index *index); // of the file

uint32_t index_n_nodes(const struct index *index); // at least 1, the root
uint32_t index_n_packs(const struct index *index); // in the order of their nodes
uint32_t index_n_entries(const struct index *index);
uint32_t index_n_missions(const struct index *index); // in the order of their nodes
uint32_t index_n_maps(const struct index *index);
uint32_t index_n_findings(const struct index *index); // in the order of their nodes

const struct index_node    *index_node(const struct index *index, uint32_t i);
const struct index_pack    *index_pack(const struct index *index, uint32_t i);
const struct index_entry   *index_entry(const struct index *index, uint32_t i);
const struct index_mission *index_mission(const struct index *index, uint32_t i);
const struct index_map     *index_map(const struct index *index, uint32_t i);
const struct index_finding *index_finding(const struct index *index, uint32_t i);
const char                 *index_string(const struct index *index, uint32_t offset);

// The child `name` of a directory, the node at `path` ("" is the root), or INDEX_NONE.
uint32_t index_child(const struct index *index, uint32_t dir, const char *name, size_t n_name);
uint32_t index_find(const struct index *index, const char *path);
// Writes the path of a node; its length, or 0 (and "") when it is the root or does not fit.
size_t index_path(const struct index *index, uint32_t node, char *ret, size_t n_ret);

// The entry of a pack with this path, folded, or INDEX_NONE.
uint32_t index_pack_find(const struct index *index, uint32_t pack, const char *folded);
// The pack that the file `node` is, or INDEX_NONE; the first finding about `node` and the first
// mission of it, or, if there is none, the first one of a later node.
uint32_t index_pack_of(const struct index *index, uint32_t node);
uint32_t index_findings_of(const struct index *index, uint32_t node);
uint32_t index_missions_of(const struct index *index, uint32_t node);

// Writes `path` as packs have it: A to Z in lower case, a backslash as a slash. Any other byte
// stays what it is. Returns the length, cut to fit.
size_t index_fold(char *ret, size_t n_ret, const char *path);
// Orders names by their bytes.
int index_compare_names(const char *a, size_t n_a, const char *b, size_t n_b);
