/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies where in a volume: slots, eras, snapshots, and who has seen which changes. Pure memory:
 * it does no I/O, knows no clock, and takes memory only in the calls that say so. The words and the
 * rules are those of docs/FORMATS-VOLUME.md.
 *
 * One thread for each map.
 */
#ifndef EBB_VOL_MAP_H
#define EBB_VOL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

enum { VOL_BLOCK = 4096, VOL_EXTENT_BLOCKS = 64, VOL_EXTENT = VOL_BLOCK * VOL_EXTENT_BLOCKS };

/* 8 TiB, and twice as many slots: what a journal of 1 GiB has room for. */
#define VOL_SIZE_MAX (UINT64_C(1) << 43)
#define VOL_SLOTS_MAX (UINT32_C(1) << 26)

enum { VOL_NAME_MAX = 64, VOL_NAMES = 4096 };

#define SLOT_NONE UINT32_MAX

struct map_slot {
	uint64_t present;
	uint32_t extent;
	uint32_t era;   /* 0: free, or out of every view and soon to be */
	uint32_t older; /* the next slot of the same extent, SLOT_NONE at the end */
	bool zeros;
	bool touched; /* since the last map_take_touched() */
	bool told;    /* of by a record, perhaps with other blocks than now */
};

/* Snapshots of several volumes at one moment: volume_group.h. */
struct map_group_of {
	uint64_t id;      /* 0: none */
	uint32_t members; /* volumes that are to have it; 0: they have, or there is no group */
};

struct map_snapshot {
	uint32_t era;
	struct map_group_of group;
	uint64_t size;
	int64_t at_ns; /* wall time of the cut */
	char name[VOL_NAME_MAX];
};

struct map_consumer {
	uint32_t passed; /* has seen all eras up to it */
	char name[VOL_NAME_MAX];
};

/* Blocks that were written in an era although no slot of it says so any more. */
struct map_change {
	uint64_t blocks;
	uint32_t era, extent;
	uint32_t next; /* of the same extent: number + 1 in `changes`; 0: none */
};

struct map_chain;

struct vol_map {
	uint64_t
		size; /* of the volume; snapshots have their own, and extents are for the largest */
	bool sums;    /* its blocks have sums */
	uint32_t extents;
	uint32_t era;       /* the open one */
	uint32_t forgotten; /* eras up to it are not told apart any more */
	uint32_t *newest;   /* by extent: its newest slot + 1; 0: none */
	uint32_t *changed;  /* by extent: its first change + 1; NULL while there is none at all */
	VEC(struct map_slot) slots;
	VEC(uint32_t) free;                 /* slots that may be taken */
	VEC(uint32_t) touched;              /* slots whose state no record tells yet */
	VEC(struct map_snapshot) snapshots; /* by era */
	VEC(struct map_consumer) consumers;
	VEC(struct map_change) changes;
	uint32_t *chained; /* by extent: its chain + 1; NULL while there is none at all */
	VEC(struct map_chain) chains;
	uint32_t merge_at; /* the extent where map_next_merge() goes on */
};

/* An empty volume in era 1. 0, -EINVAL for the size, -ENOMEM. */
int map_begin(struct vol_map *map, uint64_t size);
void map_end(struct vol_map *map);

/*
 * What lies beyond a smaller size stays, and shows again in a larger one: see map_next_shown().
 * -EINVAL, -ENOMEM.
 */
int map_resize(struct vol_map *map, uint64_t size);

/* ---- looking ---- */

/* Bytes of a view; of the volume for an era whose view nobody keeps. */
uint64_t map_view_size(const struct vol_map *map, uint32_t view);

/* The first of the blocks, in or beyond the volume, that does not read as zeros; UINT64_MAX. */
uint64_t map_next_shown(const struct vol_map *map, uint64_t block, uint64_t end);

/* Where a block lies in a view; slot SLOT_NONE: it reads as zeros. */
struct map_run {
	uint32_t slot;
	uint32_t blocks; /* so many from the first on lie the same way; none beyond the extent */
};

/* `view`: an era whose view is kept; the open one's is the volume. */
struct map_run map_find(const struct vol_map *map, uint32_t view, uint64_t block);

/* NULL when there is none of that era. */
const struct map_snapshot *map_snapshot_of(const struct vol_map *map, uint32_t era);
/* NULL when there is none of that name. */
const struct map_snapshot *map_snapshot(const struct vol_map *map, const char *name);
const struct map_consumer *map_consumer(const struct vol_map *map, const char *name);

/* ---- writing ---- */

/* Room for `slots` more slots: after it, so many map_place() need no memory. 0 or -ENOMEM. */
int map_reserve(struct vol_map *map, size_t slots);

/* The slot of the open era in which blocks of this extent are written. -ENOMEM. */
int map_place(struct vol_map *map, uint32_t extent, uint32_t *ret_slot);

/* The blocks of a placed slot are there from now on. */
void map_wrote(struct vol_map *map, uint32_t slot, uint64_t blocks);

/* The blocks read as zeros from now on. Takes a slot only where something older would show. */
int map_zero(struct vol_map *map, uint32_t extent, uint64_t blocks);

/* Passes on every slot whose state changed since the last call, and forgets that it did. */
typedef int map_slot_fn(void *arg, uint32_t slot, const struct map_slot *state);
int map_take_touched(struct vol_map *map, map_slot_fn *fn, void *arg);

/* ---- eras ---- */

/*
 * Ends the open era; `name` names the snapshot that stays, "" leaves none. -EEXIST: the name is
 * taken, -ENOSPC: VOL_NAMES snapshots are there or eras have run out, -ENOMEM.
 */
int map_cut(struct vol_map *map, const char *name, int64_t at_ns);

/* The snapshot of that era is of a group. -ENOENT. */
int map_note_group(struct vol_map *map, uint32_t era, struct map_group_of group);

/* -ENOENT. */
int map_drop(struct vol_map *map, uint32_t era);

/* A consumer that is new begins with nothing seen. -ENOSPC, -ENOMEM; -EINVAL for an open era. */
int map_passed(struct vol_map *map, const char *name, uint32_t era);
int map_consumer_gone(struct vol_map *map, const char *name);

/*
 * Blocks of the extent that were written in eras above `since` and not above `upto`. All that are
 * there when the eras after `since` are not told apart any more: that does not happen to a consumer
 * who asks for what it has not passed.
 */
uint64_t map_changed(const struct vol_map *map, uint32_t extent, uint32_t since, uint32_t upto);

/* ---- merging ---- */

/* Blocks of one slot that are to be copied into another; none when slots can be merged as they
 * are. */
struct map_merge {
	uint32_t newer, base; /* slots; base may be SLOT_NONE */
	uint32_t from, into;
	uint64_t copy;
};

/*
 * The next slots, all of closed eras, that no kept view tells apart. False: there are none now.
 */
bool map_next_merge(struct vol_map *map, struct map_merge *ret_merge);

/* Looks through at most so many extents. True: map_next_merge() knows by now and answers at once.
 */
bool map_seek_merge(struct vol_map *map, uint32_t most);

/*
 * The blocks are copied. The slots change and are touched, and *ret_change is to be recorded before
 * them (era 0: nothing is). A slot that got out of every view has era 0; it may be taken again
 * after map_free(): when that is durable, and the reads under way are done. -ENOMEM leaves all as
 * it was.
 */
int map_merged(struct vol_map *map, const struct map_merge *merge, struct map_change *ret_change);
void map_free(struct vol_map *map, uint32_t slot);

/* ---- reading records back ---- */

/* A slot's state as a record has it; the last one counts. -EBADMSG, -ENOMEM. */
int map_load_slot(struct vol_map *map, uint32_t slot, const struct map_slot *state);
/* Extent SLOT_NONE: eras up to change->era are not told apart. -EBADMSG, -ENOMEM. */
int map_load_change(struct vol_map *map, const struct map_change *change);
/*
 * As a life that was killed left it, which no record tells: the slot is touched. After all records.
 */
int map_load_recent(struct vol_map *map, uint32_t slot, const struct map_slot *state);
/* All records are in: links the slots and finds the free ones. -EBADMSG, -ENOMEM. */
int map_loaded(struct vol_map *map);

#endif
