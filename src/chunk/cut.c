/* SPDX-License-Identifier: Apache-2.0 */
/* The gear hash: shift left, add the table's value for the next byte. */
#include "chunk/cut.h"

#include "base/bytes.h"
#include "base/rng.h"

/*
 * Before the normal length a cut needs 20 zero bits, after it 16: 18 bits is 256 KiB, two up, two
 * down. The bits are the highest, which the most bytes (the last 64) have reached.
 */
#define MASK_HARD (UINT64_C(0xfffff) << 44)
#define MASK_EASY (UINT64_C(0xffff) << 48)

void cutter_init(struct cutter *cutter, const uint8_t cut_key[32])
{
	struct rng rng;
	for (size_t i = 0; i < 4; i++)
		rng.s[i] = get_le64(cut_key + i * 8);
	for (size_t i = 0; i < 256; i++)
		cutter->gear[i] = rng_u64(&rng);
}

/* The first cut in from .. to under `mask`, `to` when there is none. */
static size_t scan(const uint64_t *gear, const uint8_t *bytes, size_t from, size_t to,
	uint64_t mask, uint64_t *hash)
{
	uint64_t h = *hash;
	size_t i = from;
	for (; i < to; i++) {
		h = (h << 1) + gear[bytes[i]];
		if (!(h & mask)) {
			i++;
			break;
		}
	}
	*hash = h;
	return i;
}

size_t cut_next(const struct cutter *cutter, const uint8_t *bytes, size_t len)
{
	uint64_t hash = 0;
	if (len <= CUT_MIN)
		return len;
	size_t end = len < CUT_MAX ? len : CUT_MAX;
	size_t normal = end < CUT_NORMAL ? end : CUT_NORMAL;
	/* 64 bytes fill the hash: starting so early makes it independent of where the chunk began.
	 */
	for (size_t i = CUT_MIN - 64; i < CUT_MIN; i++)
		hash = (hash << 1) + cutter->gear[bytes[i]];
	size_t cut = scan(cutter->gear, bytes, CUT_MIN, normal, MASK_HARD, &hash);
	if (cut < normal || (cut == normal && !(hash & MASK_HARD)))
		return cut;
	return scan(cutter->gear, bytes, normal, end, MASK_EASY, &hash);
}
