/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the blocks of a volume should be: a CRC-32C for each block of each slot, and which regions
 * of the data may differ from theirs after a crash. Pure memory: it says what is to be read,
 * written and made durable, and somebody else does it. docs/FORMATS-VOLUME.md has the words
 * ("Sums").
 *
 * A page holds the sums of 16 slots; a bounded number of pages is in memory. A region is 64 slots,
 * whose 4 pages no other region shares:
 *
 *   at rest --sums_want()--> wanted --sums_put_wanted()--> logged --sums_synced()--> active
 *      ^                                                                               |
 *      +--------- sums_rest_end() <-- data and pages are durable <-- sums_rest_begin() +
 *
 * At rest, the sums on disk are those of all blocks that a durable map shows. While active they may
 * be older or newer than the block: after a crash the region is *suspect*, a block in it that does
 * not match is believed and summed anew (counted), until sums_verified() says that all of it was
 * read. Elsewhere, and in all that this process wrote, a block that does not match is bad: an error
 * for who reads it, until all of it is written again.
 *
 * One thread for each of them. Memory is taken in sums_begin(), sums_reserve(), sums_load() and the
 * calls that say so.
 */
#ifndef EBB_VOL_SUMS_H
#define EBB_VOL_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

enum {
	SUMS_PAGE = 4096,
	SUMS_PAGE_SLOTS = 16,
	SUMS_REGION_SLOTS = 64,
	SUMS_REGION_SIZE = 4, /* of a region in a record */
};

/* A write under way; the caller keeps it, and looks into it never. */
struct sums_write {
	struct sums_write *next, **at;
	uint64_t blocks;
	uint32_t slot;
};

enum sums_state { SUMS_AT_REST, SUMS_WANTED, SUMS_LOGGED, SUMS_ACTIVE };

struct sums_region {
	uint16_t writes; /* under way */
	uint8_t state;
	bool suspect : 1; /* of an earlier life, or a write failed */
	bool resting : 1; /* not written since sums_rest_begin() */
	bool recent : 1;  /* written since the one before */
	bool verifying : 1;
};

struct sums_frame {
	uint8_t *bytes;
	uint32_t page;
	bool loading, dirty, writing, recent;
};

/* Blocks of a slot that are known to be bad. */
struct sums_bad {
	uint64_t blocks;
	uint32_t slot;
};

struct sums_logged {
	uint64_t ticket;
	uint32_t region;
};

struct sums_facts {
	uint64_t resummed;        /* blocks of suspect regions that did not match */
	uint64_t bad;             /* blocks that were found bad */
	uint64_t healed;          /* of them, those that were written again */
	uint32_t active, suspect; /* regions, now */
};

struct sums {
	uint32_t seed;
	size_t frames_max;
	uint32_t hand; /* where the search for a frame goes on */
	VEC(struct sums_frame) frames;
	VEC(uint32_t) frame_of; /* by page: its frame + 1; 0: not in memory */
	VEC(struct sums_region) regions;
	VEC(uint32_t) wanted;
	VEC(struct sums_logged) logged;
	VEC(struct sums_bad) bad;
	struct sums_write *writes;
	struct sums_facts facts;
};

/* `frames`: so many pages in memory at most. The identity goes into every sum. */
void sums_begin(struct sums *sums, const uint8_t identity[16], size_t frames);
void sums_end(struct sums *sums);

/* From now on, slots below `slots` may be named in the other calls. 0 or -ENOMEM. */
int sums_reserve(struct sums *sums, size_t slots);

/* Block b of the slot has this sum when these 4096 bytes are in it. */
uint32_t sum_of_block(const struct sums *sums, uint32_t slot, unsigned block, const void *bytes);

/* ---- pages ---- */

enum sums_here { SUMS_ABSENT, SUMS_LOADING, SUMS_HERE };

static inline uint32_t sums_page(uint32_t slot)
{
	return slot / SUMS_PAGE_SLOTS;
}

enum sums_here sums_look(const struct sums *sums, uint32_t slot);

/*
 * The memory into which an absent page is to be read (what the file does not have is zeros); it is
 * there after sums_loaded(). -EAGAIN: pages have to be written back before; -ENOMEM.
 */
int sums_load(struct sums *sums, uint32_t page, void **ret_bytes);
void sums_loaded(struct sums *sums, uint32_t page, bool ok);

/*
 * The next page that has to be written back, from frame *cursor on, all or those of resting
 * regions; false: there is none. Its bytes stay where they are until sums_written().
 */
bool sums_next_dirty(struct sums *sums, bool resting, uint32_t *cursor, uint32_t *ret_page,
	const void **ret_bytes);
void sums_written(struct sums *sums, uint32_t page, bool ok);

/* ---- reading; the slot's page is here ---- */

/* The first of the blocks that does not match; `count` when all do. */
unsigned sums_match(
	struct sums *sums, uint32_t slot, unsigned first, unsigned count, const void *bytes);

/* Whether a write of the block is under way. */
bool sums_busy(const struct sums *sums, uint32_t slot, unsigned block);

/*
 * A block that did not match, read once more while no write of it was under way: true when it is
 * to be believed all the same. False: an error for who reads it.
 */
bool sums_judge(struct sums *sums, uint32_t slot, unsigned block, const void *bytes);

/* ---- writing; the slot's page is here ---- */

/*
 * Right before sums_write(): true when the slot's region is durably active. Otherwise it is wanted
 * now, and a slot that a record told of must not be written before it is active; one that none told
 * of may, and its record follows that of the region. Two writes of one block are never under way at
 * the same time.
 */
bool sums_want(struct sums *sums, uint32_t slot);

/* The blocks are being written: they match from now on. */
void sums_write(struct sums *sums, struct sums_write *write, uint32_t slot, unsigned first,
	unsigned count, const void *bytes);

/* The write ended. When it failed nobody knows what is there: the region is suspect. */
void sums_wrote(struct sums *sums, struct sums_write *write, bool ok);

/* Whether the block was found bad, and not written since. */
bool sums_is_bad(const struct sums *sums, uint32_t slot, unsigned block);

/* The block, which was just written, is a copy of a bad one: it must not become a good one. */
void sums_spoil(struct sums *sums, uint32_t slot, unsigned block);

/* The slot is free: nothing in it is bad any more. */
void sums_forget(struct sums *sums, uint32_t slot);

/* ---- the journal ---- */

/*
 * A life that was killed wrote to the slot, and no record may tell so: its region is suspect, and
 * wanted if it was at rest. -ENOMEM.
 */
int sums_doubt(struct sums *sums, uint32_t slot);

/*
 * Puts wanted regions as the bytes of a record; 0: there are none. `ticket` grows from call to
 * call. -ENOMEM.
 */
int sums_put_wanted(struct sums *sums, uint64_t ticket, uint8_t *to, size_t room, size_t *ret_len);

/* All records up to that ticket are durable. */
void sums_synced(struct sums *sums, uint64_t ticket);

/* For a journal that is rewritten: the regions from *cursor on that are not at rest; 0: no more. */
size_t sums_put_active(const struct sums *sums, uint32_t *cursor, uint8_t *to, size_t room);

/* A record as it is read back. What is active at the end is suspect. -EBADMSG, -ENOMEM. */
int sums_load_regions(struct sums *sums, const void *bytes, size_t len);

/* ---- rest ---- */

/*
 * Chooses the active regions that shall rest: all without writes under way, or those besides that
 * were not written since the last choice. Suspect ones are none of them. True: there are some.
 */
bool sums_rest_begin(struct sums *sums, bool all);

/*
 * All data that was written before sums_rest_begin() is durable, and so is every page that
 * sums_next_dirty() ever gave, those of resting regions asked for since: puts the bytes of a
 * record, whose regions are at rest. 0: no more. A region that was written in between stays active.
 */
size_t sums_rest_end(struct sums *sums, uint8_t *to, size_t room);

/* The next suspect region at or after `region`, UINT32_MAX for none. */
uint32_t sums_suspect(const struct sums *sums, uint32_t region);

/* The slot's page will be written back although it did not change: it may be not on the disk. */
void sums_renew(struct sums *sums, uint32_t slot);

/*
 * Between these two, all present blocks of a suspect region were matched or judged, and all pages
 * with any of them renewed. A write that failed in between leaves it suspect.
 */
void sums_verify(struct sums *sums, uint32_t region);
void sums_verified(struct sums *sums, uint32_t region);

#endif
