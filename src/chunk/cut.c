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

/* How far the second of two scans is ahead: what it looked at is lost when the first one cuts. */
enum { AHEAD = 8 << 10, WINDOW = 64 };

static inline uint64_t roll(const uint64_t *gear, uint64_t hash, uint8_t byte)
{
	return (hash << 1) + gear[byte];
}

/* The hash at `end`. What is more than 64 bytes back was shifted out of it. */
static uint64_t hash_at(const uint64_t *gear, const uint8_t *end)
{
	uint64_t hash = 0;
	for (const uint8_t *at = end - WINDOW; at < end; at++)
		hash = roll(gear, hash, *at);
	return hash;
}

/* Goes on from state->at to `to`; true when it ends at a cut. */
static bool scan(const uint64_t *gear, struct cut_state *state, const uint8_t *bytes, size_t to,
	uint64_t mask)
{
	uint64_t h = state->hash;
	size_t i = state->at;
	while (i < to) {
		h = roll(gear, h, bytes[i++]);
		if (!(h & mask)) {
			*state = (struct cut_state){i, h};
			return true;
		}
	}
	*state = (struct cut_state){i, h};
	return false;
}

/*
 * The same for the next two times AHEAD bytes. Each hash waits for the one before it, so that a
 * processor does two scans in the time of one. A cut of the second counts when the first meets
 * none.
 */
static bool scan_twice(
	const uint64_t *gear, struct cut_state *state, const uint8_t *bytes, uint64_t mask)
{
	const uint8_t *at = bytes + state->at, *ahead = at + AHEAD;
	uint64_t h = state->hash, h_ahead = hash_at(gear, ahead);
	struct cut_state second;
	for (size_t i = 0; i < AHEAD; i++) {
		h = roll(gear, h, at[i]);
		h_ahead = roll(gear, h_ahead, ahead[i]);
		if (!(h & mask)) {
			*state = (struct cut_state){state->at + i + 1, h};
			return true;
		}
		if (!(h_ahead & mask)) {
			second = (struct cut_state){state->at + AHEAD + i + 1, h_ahead};
			*state = (struct cut_state){state->at + i + 1, h};
			if (!scan(gear, state, bytes, second.at - i - 1, mask))
				*state = second;
			return true;
		}
	}
	*state = (struct cut_state){state->at + 2 * (size_t)AHEAD, h_ahead};
	return false;
}

static bool find(const uint64_t *gear, struct cut_state *state, const uint8_t *bytes, size_t to,
	uint64_t mask)
{
	while (to - state->at >= 2 * (size_t)AHEAD)
		if (scan_twice(gear, state, bytes, mask))
			return true;
	return scan(gear, state, bytes, to, mask);
}

size_t cut_more(
	const struct cutter *cutter, struct cut_state *state, const uint8_t *bytes, size_t len)
{
	if (len <= CUT_MIN)
		return 0;
	/* Starting 64 bytes before makes it independent of where the chunk began. */
	if (!state->at)
		*state = (struct cut_state){CUT_MIN, hash_at(cutter->gear, bytes + CUT_MIN)};
	size_t end = len < CUT_MAX ? len : CUT_MAX;
	size_t normal = end < CUT_NORMAL ? end : CUT_NORMAL;
	if (state->at < normal && find(cutter->gear, state, bytes, normal, MASK_HARD))
		return state->at;
	if (state->at >= CUT_NORMAL && find(cutter->gear, state, bytes, end, MASK_EASY))
		return state->at;
	return state->at == CUT_MAX ? CUT_MAX : 0;
}

size_t cut_next(const struct cutter *cutter, const uint8_t *bytes, size_t len)
{
	struct cut_state state = {0};
	size_t cut = cut_more(cutter, &state, bytes, len);
	return cut ? cut : len < CUT_MAX ? len : CUT_MAX;
}
