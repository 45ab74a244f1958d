/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of several volumes at one point of their common order of writes: all of them exist, or
 * none, whatever crashes.
 *
 * Each volume's record of its cut says that it belongs to a group, and of how many volumes.
 * When all have cut durably, each notes that the group is whole. Who opens the volumes after an
 * unclean end settles: a group that is whole in one of them, or cut in all, is whole; what is left
 * of another goes, which nobody was ever told of.
 *
 * Calls block. One thread at a time for all volumes of a call.
 */
#ifndef EBB_VOL_VOLUME_GROUP_H
#define EBB_VOL_VOLUME_GROUP_H

#include <stddef.h>
#include <stdint.h>

struct volume;
struct why;

struct group_cut {
	const char *name; /* of each snapshot; not "" */
	int64_t at_ns;
	uint64_t group; /* a number that was never used before, not 0 */
};

/*
 * All that was written before is in the snapshots, and nothing that is written later. -EEXIST: one
 * of the volumes has that name, and nothing was changed. After another error the group exists
 * nowhere, or waits for volume_group_settle() because a volume stopped.
 */
int volume_group_cut(
	struct volume **volumes, size_t count, const struct group_cut *cut, struct why *why);

/*
 * After opening all volumes that may be of one group, before anything is done with their snapshots.
 * Once it answered 0, no group is half there.
 */
int volume_group_settle(struct volume **volumes, size_t count, struct why *why);

#endif
