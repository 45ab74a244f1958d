/* SPDX-License-Identifier: Apache-2.0 */
/* What a life that is killed leaves to the next one. */
#include <errno.h>
#include <string.h>

#include "base/why.h"
#include "store/journal.h"
#include "vol/map_inner.h"
#include "vol/record.h"
#include "vol/volume_inner.h"

static uint64_t present_of(const struct vol_map *map, uint32_t slot)
{
	return slot == SLOT_NONE ? 0 : map->slots.at[slot].present;
}

/* A block that was there before is no news. */
void volume_wrote(struct volume *volume, uint32_t slot, uint64_t blocks)
{
	bool news = (present_of(&volume->map, slot) & blocks) != blocks;
	map_wrote(&volume->map, slot, blocks);
	if (news)
		recent_note(&volume->recent, &volume->map, volume->map.slots.at[slot].extent);
}

int volume_zeroed(struct volume *volume, uint32_t extent, uint64_t blocks)
{
	const struct vol_map *map = &volume->map;
	uint32_t own = map_era_slot(map, extent, map->era, false),
		 zeros = map_era_slot(map, extent, map->era, true);
	uint64_t had = present_of(map, own), hid = present_of(map, zeros);
	int err = map_zero(&volume->map, extent, blocks);
	if (err)
		return err;
	zeros = map_era_slot(map, extent, map->era, true);
	if (present_of(map, own) != had || present_of(map, zeros) != hid)
		recent_note(&volume->recent, map, extent);
	return 0;
}

void volume_forget_recent(struct volume *volume)
{
	if (volume->recent.head)
		recent_empty(&volume->recent, journal_facts(volume->journal).sequence);
}

/* ---- taking over ---- */

/* A cut began, and was not recorded: nobody was told of it, but blocks were written behind it. */
static int end_era(struct volume *volume, struct why *why)
{
	uint8_t record[RECORD_SMALL];
	size_t len = record_put_cut(record, volume->map.era, 0, "");
	int err = record_apply(&volume->map, RECORD_CUT, record, len, why);
	return err ? err : journal_append(volume->journal, RECORD_CUT, record, len, why);
}

static int take_over(
	struct volume *volume, uint32_t slot, const struct map_slot *state, struct why *why)
{
	int err = 0;
	if (state->era == volume->map.era + 1)
		err = end_era(volume, why);
	if (err)
		return err;
	err = map_load_recent(&volume->map, slot, state);
	if (!err && volume->map.sums && state->present && !state->zeros)
		err = sums_doubt(&volume->sums, slot);
	return err ? why_errno(why, err, "what was written before the last life was killed") : 0;
}

int volume_load_recent(struct volume *volume, const struct volume_options *options, struct why *why)
{
	struct recent_of of;
	if (!options->recent)
		return 0;
	memcpy(of.boot, options->boot, sizeof(of.boot));
	memcpy(of.identity, options->identity, sizeof(of.identity));
	int err = recent_begin(&volume->recent, options->recent, &of);
	if (err)
		return why_set(why, err, "no memory for a volume");
	uint32_t count = recent_count(&volume->recent, journal_facts(volume->journal).sequence);
	for (uint32_t n = 0; !err && n < count; n++) {
		struct map_slot state;
		uint32_t slot = recent_get(&volume->recent, n, &state);
		err = take_over(volume, slot, &state, why);
	}
	return err;
}
