/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One volume in a folder: blocks that are read, written and made durable, cut into snapshots, asked
 * what changed, and merged when snapshots go. docs/FORMATS-VOLUME.md has its files.
 *
 * What is promised:
 *   - after volume_flush() answered 0, all that was written before it survives any crash
 *   - a snapshot holds exactly what was written before its cut, as long as it is kept
 *   - volume_changed() never misses a block, whatever crashed in between
 * After the first failed write of metadata or sync the volume stops: every later call answers -EIO
 * until it is opened anew.
 *
 * Calls block. One thread at a time for each volume.
 */
#ifndef EBB_VOL_VOLUME_H
#define EBB_VOL_VOLUME_H

#include "vol/map.h"
#include "vol/sums.h"

struct disk;
struct recent_memory;
struct volume;
struct why;

struct volume_options {
	struct disk *disk; /* its root is the volume's folder */
	uint8_t identity[16];
	uint64_t make_size; /* bytes of a volume that is new; 0: it must be there */
	bool no_sums;       /* of a volume that is new: its blocks are not checked */
	/*
	 * Memory that outlives the process (recent.h), borrowed until the volume is closed, and the
	 * boot of the machine; NULL: what is not flushed may be lost when the process is killed.
	 */
	const struct recent_memory *recent;
	uint8_t boot[16];
	size_t sums_pages; /* of 4 KiB in memory at most, each for 4 MiB; 0: 3072 */
};

/*
 * Opens it, or makes it. -ENOENT; -EEXIST: it is there, of another size; -EWOULDBLOCK: another
 * process has it; -EBADMSG: damaged, or another's.
 */
int volume_open(const struct volume_options *options, struct volume **ret_volume, struct why *why);

/* Takes the volume; NULL is allowed. What was not flushed may be lost. */
void volume_close(struct volume *volume);

const struct vol_map *volume_map(const struct volume *volume);

/* Any offset and length within the size: -EINVAL beyond. `view`: an era, 0 for the volume itself.
 */
int volume_read(struct volume *volume, uint32_t view, uint64_t at, void *bytes, size_t len,
	struct why *why);
int volume_write(
	struct volume *volume, uint64_t at, const void *bytes, size_t len, struct why *why);
int volume_zero(struct volume *volume, uint64_t at, uint64_t len, struct why *why);
int volume_flush(struct volume *volume, struct why *why);

/* As map_cut(), durably. */
int volume_cut(struct volume *volume, const char *name, int64_t at_ns, struct why *why);
int volume_drop(struct volume *volume, const char *name, struct why *why);
int volume_passed(struct volume *volume, const char *consumer, uint32_t era, struct why *why);
int volume_consumer_gone(struct volume *volume, const char *consumer, struct why *why);

/*
 * A new size, durably: all of it or nothing survives a crash. What is added reads as zeros.
 * Snapshots keep their size. -EBUSY: without `force`, there is data in what would be cut off.
 * -EINVAL.
 */
int volume_resize(struct volume *volume, uint64_t size, bool force, struct why *why);

/* One step of merging what dropped snapshots leave. 1: done, 0: there is nothing to merge. */
int volume_merge(struct volume *volume, struct why *why);

/*
 * One step of reading back what is there: 1: there is more, 0: a round is through. Blocks that are
 * not what was written are counted, and are errors for who reads them; what cannot be read is an
 * error here, and the next step goes on behind it.
 */
int volume_scrub(struct volume *volume, struct why *why);
const struct sums_facts *volume_sums(const struct volume *volume);

/*
 * Flushes, and brings regions to rest, so that a crash leaves no block of them in doubt: all,
 * before a clean end, or those that were not written since the last call, now and then.
 */
int volume_rest(struct volume *volume, bool all, struct why *why);

/* Rewrites the journal when that makes it much smaller. */
int volume_tidy(struct volume *volume, struct why *why);

#endif
