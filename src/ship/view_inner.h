/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the view share: nodes, and what was read lately. For view.c and the files
 * beside it only.
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_VIEW_INNER_H
#define EBB_SHIP_VIEW_INNER_H

#include "base/map.h"
#include "base/vec.h"
#include "chunk/digest.h"
#include "ship/tree.h"
#include "ship/view.h"

/* A folder's tree with the place of each entry: names are found by halving. */
struct loaded {
	struct digest digest;
	struct tree tree;
	VEC(size_t) at;
	uint64_t used; /* by the view's count of uses; 0: free */
};

struct cached {
	struct digest digest;
	uint8_t *bytes;
	size_t len;
	uint64_t used;
};

enum { FOLDERS = 16, CHUNKS = 256, CHUNK_BYTES = 32 << 20 };

/* Beside the flags of a tree: the file is an image, whose root is its one digest. */
enum { VIEW_IMAGE = 1 << 30 };

struct node {
	uint64_t parent;
	char *key;        /* in the map of names; NULL: free */
	const char *name; /* within the key */
	uint64_t refs;
	bool fixed;              /* made with the view: never forgotten */
	uint64_t seed;           /* of inode numbers in its point */
	struct tree_entry entry; /* points into bytes */
	uint8_t *bytes;
	VEC(uint64_t) children; /* of a folder that is above points */
};

struct view {
	struct repo *repo;
	VEC(struct node) nodes; /* numbered from 1 */
	VEC(uint64_t) free_nodes;
	struct map names; /* "PARENT/NAME" -> node */
	struct loaded folders[FOLDERS];
	struct cached chunks[CHUNKS];
	size_t chunk_bytes;
	uint64_t uses;
	struct view_file *open; /* files that were not closed yet */
};

/* A folder's tree, read or still at hand. Borrowed until the next call. */
int view_load(
	struct view *view, const uint8_t *digest, struct loaded **ret_loaded, struct why *why);

/* Entry number `i` of a loaded folder. */
int loaded_entry(
	const struct loaded *loaded, size_t i, struct tree_entry *ret_entry, struct why *why);

/* The entry of that name: its number, or -ENOENT. */
ssize_t loaded_find(const struct loaded *loaded, const char *name, struct why *why);

/* A content chunk, read or still at hand. Borrowed until the next call. */
int view_chunk(struct view *view, const struct digest *digest, const uint8_t **ret_bytes,
	size_t *ret_len, struct why *why);

void view_drop_caches(struct view *view);

/* Copies an entry with all that it points at into one piece of memory. Gives the bytes. */
int entry_copy(const struct tree_entry *entry, struct tree_entry *ret_entry, uint8_t **ret_bytes);

#endif
