/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps: an image as a tree of slots, each a chunk of 256 KiB with single blocks of 4 KiB laid over
 * it. FORMATS-REPOSITORY.md, "Maps", has the bytes.
 *
 * A node that changed a little is stored as a patch upon the node that it was made from, one deep:
 * so a run's map costs what changed and not what the image measures.
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_MAP_H
#define EBB_SHIP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "chunk/digest.h"
#include "repo/fields.h"

struct repo;
struct why;

enum {
	MAP_CHUNK_SHIFT = 18,
	MAP_CHUNK = 1 << MAP_CHUNK_SHIFT, /* bytes that a slot of a leaf stands for */
	MAP_BLOCK = 4096,
	MAP_BLOCKS = MAP_CHUNK / MAP_BLOCK, /* in a slot, and at most in a blocks chunk */
	MAP_FAN_SHIFT = 8,
	MAP_FAN = 1 << MAP_FAN_SHIFT,
	MAP_LEVELS = 6, /* enough for 2^63 bytes */
	MAP_LISTS_MAX = 8,
	MAP_SUM_SIZE = 8,
	MAP_PIECE = MAP_BLOCKS * MAP_SUM_SIZE, /* the sums of one slot in a list of sums */
};

/* Where a block of a slot comes from; above these, MAP_SOURCE + number in the node's sources. */
enum { MAP_BELOW, MAP_ZEROS, MAP_SOURCE };

/* Single blocks that lie over a slot's chunk, or over nothing. */
struct map_overlay {
	uint16_t from[MAP_BLOCKS];
	uint8_t at[MAP_BLOCKS]; /* number of the block within its blocks chunk */
	uint64_t sums[MAP_BLOCKS];
};

struct map_slot {
	bool present; /* digest names the chunk, or the node below */
	bool summed;  /* list and piece tell where the sums of the chunk's blocks are */
	uint8_t list, piece;
	struct digest digest;
	struct map_overlay *overlay; /* NULL: none */
};

struct map_source {
	struct digest digest;
	uint64_t waiting; /* not 0: number of the blocks chunk, whose digest is not known yet */
};

struct map_node {
	unsigned level; /* 0: leaf */
	uint64_t first; /* number of the first chunk that it covers */
	bool based;     /* base is a whole node, from which only the patched slots differ */
	struct digest base;
	uint64_t patched[MAP_FAN / 64];
	bool stored; /* self is the chunk that it was read from ... */
	struct digest self;
	bool changed; /* ... and it has changed since */
	struct map_slot slots[MAP_FAN];
	VEC(struct map_source) sources;
	VEC(struct digest) lists; /* of sums: CHUNK_SUMS, MAP_PIECE bytes for each summed slot */
};

/* Chunks that a slot of that level covers. */
static inline uint64_t map_span(unsigned level)
{
	return UINT64_C(1) << (level * MAP_FAN_SHIFT);
}

/* Gives a node of holes; NULL: no memory. */
struct map_node *map_node_new(unsigned level, uint64_t first);

/* Gives a copy; NULL: no memory. */
struct map_node *map_node_dup(const struct map_node *node);
void map_node_free(struct map_node *node);

/* For OWN(). */
void map_node_free_own(struct map_node **node);

static inline bool map_slot_hole(const struct map_slot *slot)
{
	return !slot->present && !slot->overlay;
}

/* Whether the node is nothing but holes. */
bool map_node_hole(const struct map_node *node);

/* Makes the slot a hole, and remembers that it changed. */
void map_slot_clear(struct map_node *node, unsigned slot);

/* The slot's overlay, made when there is none; NULL: no memory. The slot counts as changed. */
struct map_overlay *map_slot_overlay(struct map_node *node, unsigned slot);

void map_slot_touch(struct map_node *node, unsigned slot);

/*
 * Its bytes: a patch when that is much shorter, else whole. Every source's digest is known. 0 or
 * -ENOMEM.
 */
int map_encode(const struct map_node *node, struct fields_out *out);

/* Whether these bytes are a patch, and upon what. */
bool map_is_patch(const uint8_t *bytes, size_t len, struct digest *ret_base);

/*
 * Reads a node's bytes into `node`: of a whole one into holes, of a patch over its base. Level and
 * first must be those of `node`. -EBADMSG leaves it in a state fit for map_node_free() alone.
 */
int map_decode(const uint8_t *bytes, size_t len, struct map_node *node, struct why *why);

/* ---- the root ---- */

/* What the kernel said of the file when it was read; all zeros: nothing to go by. */
struct map_stamp {
	uint64_t device, inode;
	int64_t mtime_ns, ctime_ns;
};

struct map_root {
	uint64_t size; /* of the image, in bytes */
	struct map_stamp stamp;
	bool present; /* else all of it is a hole */
	struct digest top;
};

/* Chunks that the size needs, and the level of the topmost node over them. */
uint64_t map_chunks(uint64_t size);
unsigned map_top_level(uint64_t size);

int map_root_store(
	struct repo *repo, const struct map_root *root, struct digest *ret_digest, struct why *why);
int map_root_load(
	struct repo *repo, const struct digest *digest, struct map_root *ret_root, struct why *why);

/* ---- reading ---- */

/* Keeps the path to the leaf that was asked for last. */
struct map_reader {
	struct repo *repo; /* borrowed */
	struct map_root root;
	struct map_node *path[MAP_LEVELS];
};

int map_open(struct repo *repo, const struct digest *root, struct map_reader *ret_reader,
	struct why *why);
void map_close(struct map_reader *reader);

/* The slot that names the node of that level whose first chunk is `first`. */
int map_slot_of(struct map_reader *reader, unsigned level, uint64_t first,
	struct map_slot *ret_slot, struct why *why);

/*
 * The node of that level that covers chunk `chunk`, NULL for a hole. Borrowed until the next call
 * for another one of its level.
 */
int map_node_at(struct map_reader *reader, unsigned level, uint64_t chunk,
	const struct map_node **ret_node, struct why *why);

/* The first leaf at or after chunk `chunk` that is not a hole: its first chunk. -ENXIO: none. */
int map_next_leaf(struct map_reader *reader, uint64_t chunk, uint64_t *ret_first, struct why *why);

/*
 * Every chunk that a map needs, each node before what lies below it. `leads_on`: this node is gone
 * into when the answer is 1, and passed over when it is 0, because whoever was in it before has
 * seen the rest. Without it the chunk alone is needed, a patch's base for one: having seen it so
 * says nothing about what lies below. A negative answer stops the walk.
 */
typedef int map_visit_fn(
	void *arg, const struct digest *digest, enum chunk_kind kind, bool leads_on);
int map_walk(struct repo *repo, const struct digest *root, map_visit_fn *visit, void *arg,
	struct why *why);

/* ---- changing ---- */

/* A new map out of an old one, leaf after leaf in rising order. What no leaf touches is shared. */
struct map_edit {
	struct repo *repo;                 /* borrowed */
	struct map_reader *old;            /* borrowed; NULL: there is none */
	struct map_root root;              /* the new one; its stamp is the caller's to set */
	unsigned top;                      /* its level */
	struct map_node *open[MAP_LEVELS]; /* above the last leaf, from level 1 up */
	bool any;                          /* a leaf came */
	uint64_t last;                     /* first chunk of the last one */
};

/* `old` is changed where the image has grown: it then stands for the old image at the new size. */
int map_edit_begin(struct repo *repo, struct map_reader *old, uint64_t size,
	struct map_edit *ret_edit, struct why *why);

/* The old leaf that covers a chunk, as far as the new size goes. Gives it. */
int map_edit_leaf(
	struct map_edit *edit, uint64_t chunk, struct map_node **ret_leaf, struct why *why);

/* Stores a leaf if it has changed, and everything that no later leaf can touch. */
int map_edit_put(struct map_edit *edit, const struct map_node *leaf, struct why *why);

/* Stores what is open, and the root. */
int map_edit_finish(struct map_edit *edit, struct digest *ret_root, struct why *why);
void map_edit_done(struct map_edit *edit);

#endif
