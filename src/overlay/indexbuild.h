// SPDX-License-Identifier: MIT
#pragma once

// indexbuild: puts an index together.
//
// Whoever walks a tree adds the children of a directory, all at once, in the order of their names,
// when the directory itself is there; what belongs to a file (findings, a pack, missions) is added
// before the next directory's children. The builder keeps copies. It takes as much memory as the
// index, and fails with ERROR_NO_SPACE where an index has its limits.

#include "overlay/index.h"

struct index_builder; // opaque

int  index_builder_new(struct index_builder **ret, struct error *err) MUST_USE;
void index_builder_free(struct index_builder *builder); // takes NULL
void index_builder_freep(struct index_builder **builder);

void     index_builder_set_cut(struct index_builder *builder);
uint32_t index_builder_n_nodes(const struct index_builder *builder); // at least 1, the root
uint32_t index_builder_n_packs(const struct index_builder *builder);
uint32_t index_builder_n_findings(const struct index_builder *builder);
// Borrowed until the next call.
const struct index_node *index_builder_node(const struct index_builder *builder, uint32_t i);
void index_builder_set_hash(struct index_builder *builder, uint32_t node, uint64_t hash);
void index_builder_set_opaque(struct index_builder *builder, uint32_t node);
void index_builder_set_unreadable(struct index_builder *builder, uint32_t node); // no children

// Adds a child of `parent`: kind, flags, size, inode, mtime_ns and hash of `like` are taken. Its
// number is that of the child before it, plus 1.
int index_builder_add(struct index_builder *builder, uint32_t parent, const char *name,
                      const struct index_node *like, struct error *err) MUST_USE;

int index_builder_finding(struct index_builder *builder, const struct index_finding *like,
                          const char *text, struct error *err) MUST_USE;

// Adds a pack, which is the file `node`, and from then on its entries, in any order; the end sorts
// them and says how many were there before under the same folded path.
int index_builder_pack(struct index_builder *builder, uint32_t node, enum index_place place,
                       struct error *err) MUST_USE;
int index_builder_pack_title(struct index_builder *builder, const char *title, struct error *err)
    MUST_USE;
int  index_builder_pack_problem(struct index_builder *builder, const char *problem,
                                struct error *err) MUST_USE;
int  index_builder_entry(struct index_builder *builder, const char *path, uint64_t size,
                         uint32_t crc, struct error *err) MUST_USE;
void index_builder_pack_end(struct index_builder *builder, uint32_t *ret_n_twice);

// Adds a mission of the pack at hand, or with `is_loose` of the file `node`, then its maps.
int index_builder_mission(struct index_builder *builder, uint32_t node, bool is_loose,
                          const char *path, const char *name, const char *title, struct error *err)
    MUST_USE;
int index_builder_map(struct index_builder *builder, const char *name, struct error *err) MUST_USE;

// Takes over what `from` has about its file `node`, for the same file as `to`: findings with a code
// of `code_max` or less, pack, missions, and the hash.
int index_builder_copy(struct index_builder *builder, uint32_t to, const struct index *from,
                       uint32_t node, uint32_t code_max, struct error *err) MUST_USE;

// Ends it; *ret is owned, the builder is empty then and can only be freed.
int index_builder_end(struct index_builder *builder, struct index **ret, struct error *err)
    MUST_USE;
