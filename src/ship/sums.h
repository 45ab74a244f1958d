/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums: 8 bytes for each 4 KiB block of an image, by which the next run tells what changed without
 * reading what is stored. Keyed by the repository and kept only where everything is sealed; they
 * find changes, they prove nothing: what is read back is proved by digests.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_SHIP_SUMS_H
#define EBB_SHIP_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "ship/map.h"

struct repo;
struct why;

struct sums {
	struct repo *repo; /* borrowed */
	uint64_t key;
	/* The lists that were fetched last. */
	struct sums_list {
		struct digest digest;
		uint8_t *bytes;
		size_t len;
	} kept[2 * MAP_LISTS_MAX + 1];
	unsigned next;
};

int sums_init(struct repo *repo, struct sums *ret_sums);
void sums_done(struct sums *sums);

bool sums_zero(const uint8_t *block);

/* Of one block; 0 for nothing but zeros, and for nothing else. */
uint64_t sums_of(const struct sums *sums, const uint8_t *block);

/*
 * The sums of all blocks of a leaf's slot. `fetch`: also when a list must be read for that. 1 when
 * they are known, 0 when not, or an error.
 */
int sums_of_slot(struct sums *sums, const struct map_node *leaf, unsigned slot, bool fetch,
	uint64_t ret_sums[MAP_BLOCKS], struct why *why);

#endif
