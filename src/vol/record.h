/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a volume's journal: docs/FORMATS-VOLUME.md, "Records of `map`". What is read is
 * applied to a map at once; nothing in it is believed before it was checked.
 *
 * Any thread, one at a time for each map.
 */
#ifndef EBB_VOL_RECORD_H
#define EBB_VOL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "vol/map.h"

struct why;

enum record_kind {
	RECORD_MADE = 1,
	RECORD_SLOTS = 3,
	RECORD_CUT = 4,
	RECORD_DROP = 5,
	RECORD_CONSUMER = 6,
	RECORD_CHANGED = 7,
	RECORD_UNSURE = 8,  /* volume_unsure.c reads it */
	RECORD_REGIONS = 9, /* sums_regions.c reads it */
	RECORD_RESIZE = 10,
	RECORD_WHOLE = 11,
};

enum { RECORD_SLOT_SIZE = 20, RECORD_CHANGE_SIZE = 16, RECORD_SMALL = 96 };

/* These write into at least RECORD_SMALL bytes and tell how many they were. */
size_t record_put_made(uint8_t *to, uint64_t size, bool sums);
size_t record_put_resize(uint8_t *to, uint64_t size);
size_t record_put_cut(uint8_t *to, uint32_t era, int64_t at_ns, const char *name);
/* Behind the bytes of a cut: its snapshot is of a group. */
size_t record_put_group(uint8_t *to, struct map_group_of group);
size_t record_put_whole(uint8_t *to, uint32_t era);
size_t record_put_drop(uint8_t *to, uint32_t era);
size_t record_put_consumer(uint8_t *to, const struct map_consumer *consumer, bool exists);
void record_put_slot(uint8_t to[RECORD_SLOT_SIZE], uint32_t slot, const struct map_slot *state);
void record_put_change(uint8_t to[RECORD_CHANGE_SIZE], const struct map_change *change);

/*
 * Applies one record. `map` is all zero before the first, which says how large the volume is; after
 * the last comes map_loaded(). -EBADMSG, -ENOMEM.
 */
int record_apply(
	struct vol_map *map, uint16_t kind, const void *bytes, size_t len, struct why *why);

#endif
