/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots, changes and background work, as both explorations see them. */
#include "vol/crash_model_test.h"

#include <errno.h>

#include "base/why.h"
#include "vol/volume.h"

const uint16_t picked[PICKED] = {0, 1, 5, 63, 64, 70};

int crash_find_kept(const struct crash_kept *kept, const struct volume *volume,
	const struct map_snapshot **ret_snapshot, struct why *why)
{
	const struct map_snapshot *snapshot = map_snapshot(volume_map(volume), kept->name);
	if (!snapshot && kept->is == IS_THERE)
		return why_set(why, -EBADMSG, "snapshot %s is gone", kept->name);
	if (snapshot && kept->is == NOT_THERE)
		return why_set(why, -EBADMSG, "%s never was", kept->name);
	*ret_snapshot = snapshot;
	return 0;
}

int crash_check_told(const struct volume *volume, const bool differs[PICKED], struct why *why)
{
	const struct vol_map *map = volume_map(volume);
	const struct map_consumer *consumer = map_consumer(map, "c");
	for (size_t i = 0; consumer && i < PICKED; i++) {
		uint64_t told = map_changed(
			map, picked[i] / VOL_EXTENT_BLOCKS, consumer->passed, map->era);
		bool is_told = told >> picked[i] % VOL_EXTENT_BLOCKS & 1;
		if (differs[i] && !is_told && picked[i] < map->size / VOL_BLOCK)
			return why_set(
				why, -EBADMSG, "block %u changed and nobody says so", picked[i]);
	}
	return 0;
}

int crash_merge(struct volume *volume, struct why *why)
{
	int done = 1;
	while (done > 0)
		done = volume_merge(volume, why);
	return done;
}

int crash_scrub(struct volume *volume, struct why *why)
{
	int more = 1;
	while (more > 0)
		more = volume_scrub(volume, why);
	if (!more && volume_sums(volume)->bad)
		return why_set(why, -EBADMSG, "%llu blocks are said to be bad",
			(unsigned long long)volume_sums(volume)->bad);
	return more;
}
