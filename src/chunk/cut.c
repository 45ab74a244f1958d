/* SPDX-License-Identifier: Apache-2.0 */
/* The gear hash: shift left, add the table's value for the next byte. */
#include "chunk/cut.h"

#include <stdbool.h>

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

/* One byte more; true where a cut is. */
static inline bool step(const uint64_t *gear, uint8_t byte, uint64_t mask, uint64_t *hash)
{
	*hash = (*hash << 1) + gear[byte];
	return !(*hash & mask);
}

/*
 * Goes on from state->at to `to`; true when it ends at a cut. Each byte costs about a cycle, so
 * that counting them one by one would be a third of it.
 */
static bool scan(const uint64_t *gear, struct cut_state *state, const uint8_t *bytes, size_t to,
	uint64_t mask)
{
	uint64_t h = state->hash;
	size_t i = state->at;
	bool found = false;
	while (!found && to - i >= 4) {
		if (step(gear, bytes[i++], mask, &h) || step(gear, bytes[i++], mask, &h) ||
			step(gear, bytes[i++], mask, &h) || step(gear, bytes[i++], mask, &h))
			found = true;
	}
	while (!found && i < to)
		found = step(gear, bytes[i++], mask, &h);
	*state = (struct cut_state){i, h};
	return found;
}

/* 64 bytes fill the hash: starting so early makes it independent of where the chunk began. */
static void begin(const struct cutter *cutter, struct cut_state *state, const uint8_t *bytes)
{
	*state = (struct cut_state){.at = CUT_MIN};
	for (size_t i = CUT_MIN - 64; i < CUT_MIN; i++)
		state->hash = (state->hash << 1) + cutter->gear[bytes[i]];
}

size_t cut_more(
	const struct cutter *cutter, struct cut_state *state, const uint8_t *bytes, size_t len)
{
	if (len <= CUT_MIN)
		return 0;
	if (!state->at)
		begin(cutter, state, bytes);
	size_t end = len < CUT_MAX ? len : CUT_MAX;
	size_t normal = end < CUT_NORMAL ? end : CUT_NORMAL;
	if (state->at < normal && scan(cutter->gear, state, bytes, normal, MASK_HARD))
		return state->at;
	if (state->at >= CUT_NORMAL && scan(cutter->gear, state, bytes, end, MASK_EASY))
		return state->at;
	return state->at == CUT_MAX ? CUT_MAX : 0;
}

size_t cut_next(const struct cutter *cutter, const uint8_t *bytes, size_t len)
{
	struct cut_state state = {0};
	size_t cut = cut_more(cutter, &state, bytes, len);
	return cut ? cut : len < CUT_MAX ? len : CUT_MAX;
}
