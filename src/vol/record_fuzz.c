/* SPDX-License-Identifier: Apache-2.0 */
/* Any records: they are refused, or give a map in which every view ends and nothing is outside. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/why.h"
#include "vol/record.h"
#include "vol/sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { BLOCKS_MAX = 4096 };

static void look(struct vol_map *map)
{
	uint64_t blocks = map->size / VOL_BLOCK;
	for (uint64_t block = 0; block < blocks && block < BLOCKS_MAX;) {
		struct map_run run = map_find(map, map->era, block);
		must(run.blocks > 0 && run.blocks <= VOL_EXTENT_BLOCKS);
		must(run.slot == SLOT_NONE || run.slot < map->slots.len);
		block += run.blocks;
	}
	struct map_merge merge;
	struct map_change change;
	for (int i = 0; i < 64 && map_next_merge(map, &merge); i++)
		if (map_merged(map, &merge, &change))
			break;
}

/* What is active is suspect, can be verified, and can rest. */
static void look_at_sums(struct sums *sums)
{
	uint8_t record[64];
	uint32_t region;
	while ((region = sums_suspect(sums, 0)) != UINT32_MAX) {
		must(region < sums->regions.len);
		sums_verify(sums, region);
		sums_verified(sums, region);
	}
	sums_rest_begin(sums, true);
	while (sums_rest_end(sums, record, sizeof(record)) > 0)
		;
	must(sums->facts.active == 0);
}

/* Sizes and slot numbers that only cost memory. */
static bool is_large(uint8_t kind, const uint8_t *record, size_t len)
{
	if (kind == RECORD_MADE)
		return len == 20 && get_le64(record) > 1U << 30;
	if (kind == RECORD_RESIZE)
		return len == 8 && get_le64(record) > 1U << 30;
	for (size_t at = 0; kind == RECORD_SLOTS && at + 4 <= len; at += RECORD_SLOT_SIZE)
		if (get_le32(record + at) > 1U << 16)
			return true;
	for (size_t at = 0; kind == RECORD_REGIONS && at + 4 <= len; at += SUMS_REGION_SIZE)
		if ((get_le32(record + at) & INT32_MAX) > 1U << 16)
			return true;
	return false;
}

/* Each record: u8 kind, u8 length, the bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vol_map map = {0};
	struct sums sums;
	sums_begin(&sums, (const uint8_t *)"what is the same", 1);
	struct why why;
	int err = 0;
	for (size_t at = 0; !err && at + 2 <= len;) {
		uint8_t kind = data[at];
		size_t size = data[at + 1] < len - at - 2 ? data[at + 1] : len - at - 2;
		if (is_large(kind, data + at + 2, size))
			break;
		err = kind == RECORD_REGIONS ? sums_load_regions(&sums, data + at + 2, size)
					     : record_apply(&map, kind, data + at + 2, size, &why);
		at += 2 + size;
	}
	if (!err && map.size && map_loaded(&map) == 0)
		look(&map);
	if (!err)
		look_at_sums(&sums);
	map_end(&map);
	sums_end(&sums);
	return 0;
}
