/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the crash explorations of volumes and of engines say about snapshots and changes in the same
 * words. For tests only; one thread.
 */
#ifndef EBB_VOL_CRASH_MODEL_TEST_H
#define EBB_VOL_CRASH_MODEL_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_snapshot;
struct volume;
struct why;

/* The blocks that the scripts use; the others are never written. */
enum { PICKED = 6 };
extern const uint16_t picked[PICKED];

/* A volume of two extents; and the blocks of one that grew again: another size than the first. */
enum { EXTENTS = 2, GROWN = 127 };

/* As the model has it: what was asked for may have happened, and what was answered has. */
struct crash_kept {
	char name[8];
	enum { NOT_THERE, MAY_BE, IS_THERE, MAY_GO } is;
};

/* Whether it may be as it is; NULL: there is nothing to be compared. */
int crash_find_kept(const struct crash_kept *kept, const struct volume *volume,
	const struct map_snapshot **ret_snapshot, struct why *why);

/* Blocks that differ from what consumer "c" saw must be told, as far as the volume goes. */
int crash_check_told(const struct volume *volume, const bool differs[PICKED], struct why *why);

/* Merges, reads all back, brings all to rest; nothing may be found bad. */
int crash_merge(struct volume *volume, struct why *why);
int crash_scrub(struct volume *volume, struct why *why);

#endif
