/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of blocks, and the lists of them. */
#include "ship/sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/why.h"
#include "chunk/keys.h"
#include "repo/repo.h"

int sums_init(struct repo *repo, struct sums *ret_sums)
{
	uint8_t key[32];
	int err = key_derive(repo_ring(repo)->id_key, 32, NULL, 0, "ebb sums 1", key);
	if (err)
		return err;
	*ret_sums = (struct sums){.repo = repo, .key = get_le64(key)};
	explicit_bzero(key, sizeof(key));
	return 0;
}

void sums_done(struct sums *sums)
{
	for (unsigned i = 0; i < sizeof(sums->kept) / sizeof(sums->kept[0]); i++)
		free(sums->kept[i].bytes);
	*sums = (struct sums){0};
}

bool sums_zero(const uint8_t *block)
{
	return !block[0] && memcmp(block, block + 1, MAP_BLOCK - 1) == 0;
}

uint64_t sums_of(const struct sums *sums, const uint8_t *block)
{
	if (sums_zero(block))
		return 0;
	uint64_t sum = hash64(block, MAP_BLOCK, sums->key);
	return sum ? sum : 1;
}

static int find_list(struct sums *sums, const struct digest *digest, bool fetch,
	const struct sums_list **ret_list, struct why *why)
{
	enum { KEPT = sizeof(sums->kept) / sizeof(sums->kept[0]) };
	uint8_t *bytes;
	size_t len;
	*ret_list = NULL;
	for (unsigned i = 0; i < KEPT; i++) {
		if (sums->kept[i].bytes && digest_equal(&sums->kept[i].digest, digest)) {
			*ret_list = &sums->kept[i];
			return 0;
		}
	}
	if (!fetch)
		return 0;
	int err = repo_chunk(sums->repo, digest, CHUNK_SUMS, &bytes, &len, why);
	if (err)
		return err;
	struct sums_list *list = &sums->kept[sums->next];
	sums->next = (sums->next + 1) % KEPT;
	free(list->bytes);
	*list = (struct sums_list){*digest, bytes, len};
	*ret_list = list;
	return 0;
}

/* Of the chunk beneath the overlay. */
static int sums_below(struct sums *sums, const struct map_node *leaf, const struct map_slot *slot,
	bool fetch, uint64_t ret_sums[MAP_BLOCKS], struct why *why)
{
	const struct sums_list *list;
	if (!slot->present) {
		memset(ret_sums, 0, MAP_BLOCKS * sizeof(*ret_sums));
		return 1;
	}
	if (!slot->summed)
		return 0;
	int err = find_list(sums, &leaf->lists.at[slot->list], fetch, &list, why);
	if (err || !list)
		return err;
	size_t at = (size_t)slot->piece * MAP_PIECE;
	if (at + MAP_PIECE > list->len)
		return why_set(why, -EBADMSG, "a list of sums is shorter than its map says");
	memcpy(ret_sums, list->bytes + at, MAP_PIECE);
	return 1;
}

int sums_of_slot(struct sums *sums, const struct map_node *leaf, unsigned slot, bool fetch,
	uint64_t ret_sums[MAP_BLOCKS], struct why *why)
{
	const struct map_slot *at = &leaf->slots[slot];
	int known = sums_below(sums, leaf, at, fetch, ret_sums, why);
	if (known <= 0)
		return known;
	for (unsigned i = 0; at->overlay && i < MAP_BLOCKS; i++)
		if (at->overlay->from[i] != MAP_BELOW)
			ret_sums[i] = at->overlay->sums[i];
	return 1;
}
