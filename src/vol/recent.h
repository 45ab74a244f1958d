/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the map of a volume has and its journal has not yet, in memory that outlives the process and
 * not the machine: a process that is killed loses no write that it answered. The page cache keeps
 * the bytes, this keeps where they lie. After a machine that went down nothing of it counts.
 *
 * Two tables of slots: the one is filled, the other is what a commit under way makes durable. A
 * commit that began turns them, and one that is over empties the older. Whoever is killed within a
 * call has not noted what it was about to.
 *
 * One thread at a time for each struct.
 */
#ifndef EBB_VOL_RECENT_H
#define EBB_VOL_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;
struct recent_head;
struct vol_map;

/* Who it belongs to, and the boot of the machine: another one's is worth nothing. */
struct recent_of {
	uint8_t boot[16], identity[16];
};

/*
 * Where it lies. What is not ready must not be touched: grow() makes at least so many bytes of it
 * ready, from the beginning, and tells how many are; fewer than asked for when it cannot. NULL: all
 * are.
 */
struct recent_memory {
	void *bytes; /* aligned to 8; RECENT_LEAST of it are ready */
	size_t len;
	size_t (*grow)(void *arg, size_t bytes);
	void *arg;
};

struct recent {
	struct recent_head
		*head;        /* borrowed memory; NULL: there is none, and all calls do nothing */
	uint32_t room, ready; /* entries of a table: at most, and whose memory can be touched */
	const struct recent_memory *memory;
	uint32_t *index;     /* of the table that is filled: entry + 1 by slot */
	uint32_t index_size; /* a power of two */
};

/* The least memory of any use, and how much serves well: for 43,000 extents between two commits. */
enum { RECENT_LEAST = 512, RECENT_BYTES = 2 << 20 };

/*
 * Borrows the memory; all zeros are as good as what an earlier life left. What another boot or
 * volume left is emptied. -ENOMEM.
 */
int recent_begin(
	struct recent *recent, const struct recent_memory *memory, const struct recent_of *of);
void recent_done(struct recent *recent);

/* Room for that many more extents. */
bool recent_has_room(struct recent *recent, size_t extents);

/* Notes the slots of the open era of this extent, which changed. There must be room. */
void recent_note(struct recent *recent, const struct vol_map *map, uint32_t extent);

/* A commit takes all that was noted; `sequence` is the journal's by now. */
void recent_turn(struct recent *recent, uint64_t sequence);

/* It is durable. */
void recent_over(struct recent *recent);

/* Nothing of it counts any more. */
void recent_empty(struct recent *recent, uint64_t sequence);

/*
 * What an earlier life left, oldest first, when the journal is not older than that: how many, and
 * each of them. Only `present`, `extent`, `era` and `zeros` of a state are set.
 */
uint32_t recent_count(const struct recent *recent, uint64_t sequence);
uint32_t recent_get(const struct recent *recent, uint32_t n, struct map_slot *ret_state);

#endif
