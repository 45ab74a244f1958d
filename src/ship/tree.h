/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees: one folder of a source as a chunk, its entries sorted by name.
 * FORMATS-REPOSITORY.md, "Trees", has the bytes.
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_TREE_H
#define EBB_SHIP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/digest.h"
#include "os/files.h"
#include "repo/fields.h"

struct repo;
struct why;

enum {
	TREE_UNREADABLE = 1, /* the content could not be read; the entry has none */
	TREE_LISTED = 2,     /* digests name list chunks, which name content chunks */
	TREE_HOLES = 4,      /* extents tell where the data lies */
	TREE_CHANGED = 8,    /* the file changed while it was read */
	TREE_YOUNG = 16,     /* changed so shortly before that the next change may bear its time */
};

/* Folders within folders that a walk goes down: what a hostile repository may make it stack. */
enum { TREE_DEPTH_MAX = 2000 };

struct tree_extent {
	uint64_t from, to;
};

/*
 * One entry. What it points at belongs to whoever filled it: to tree_next(), the tree; to a writer,
 * the caller.
 */
struct tree_entry {
	struct files_meta meta;
	unsigned flags;
	const char *name;
	size_t name_len;
	const char *target; /* of a symbolic link */
	size_t target_len;
	const uint8_t *digests; /* DIGEST_SIZE bytes each */
	size_t digest_count;
	const uint8_t *folder;  /* digest of a folder's tree; NULL for others */
	const uint8_t *extents; /* 16 bytes each */
	size_t extent_count;
	const uint8_t *xattrs; /* as tree_next_xattr() reads them */
	size_t xattrs_len;
};

struct tree_xattr {
	const char *name;
	size_t name_len;
	const void *value;
	size_t len;
};

/* ---- reading ---- */

/* A whole folder, however many chunks it was cut into. */
struct tree {
	uint8_t *bytes;
	size_t len;
	const uint8_t *at;      /* the next entry */
	struct tree_entry self; /* of a point's root: what the saved folder itself is like */
	bool has_self;
};

/* Fetches and joins the chunks of a folder. Gives the tree. */
int tree_load(
	struct repo *repo, const struct digest *digest, struct tree *ret_tree, struct why *why);
void tree_done(struct tree *tree);

/* The same; tells the digest of each chunk that the folder was cut into, but for the first one. */
typedef int tree_part_fn(void *arg, const struct digest *part);
int tree_load_parts(struct repo *repo, const struct digest *digest, tree_part_fn *fn, void *arg,
	struct tree *ret_tree, struct why *why);

/* 1 and the next entry, 0 at the end, -EBADMSG. Names are single components, in order. */
int tree_next(struct tree *tree, struct tree_entry *ret_entry, struct why *why);

/* Walks entry->xattrs: *at begins at 0. False at the end. */
bool tree_next_xattr(const struct tree_entry *entry, size_t *at, struct tree_xattr *ret_xattr);

struct tree_extent tree_extent_at(const struct tree_entry *entry, size_t i);

/* ---- writing ---- */

struct tree_writer {
	struct repo *repo;      /* borrowed */
	bool dry;               /* nothing is stored; digests are zeros */
	struct fields_out part; /* entries of the chunk that grows */
	uint32_t count;
	struct fields_out parts; /* digests of the chunks that were cut off */
	uint32_t part_count;
};

/* What a point's root says of itself, before any entry; it has no name. */
int tree_add_self(struct tree_writer *writer, const struct tree_entry *self, struct why *why);

/* Entries come sorted by the bytes of their names. */
int tree_add(struct tree_writer *writer, const struct tree_entry *entry, struct why *why);

/* Adds one attribute to the bytes that tree_entry.xattrs points at. */
void tree_put_xattr(struct fields_out *xattrs, const char *name, const void *value, size_t len);

/* Stores what is left and tells the folder's digest. */
int tree_finish(struct tree_writer *writer, struct digest *ret_digest, struct why *why);
void tree_writer_done(struct tree_writer *writer);

#endif
