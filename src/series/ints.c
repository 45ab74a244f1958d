/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers: what is left of them after prediction, and three ways to write that. */
#include "series/ints.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "series/bitstream.h"
#include "series/varint.h"

/* Rice codes: so many numbers share a parameter; a quotient of QUOTIENTS means that the number
 * follows by its length instead, and no parameter is above RICE_MAX. */
enum { GROUP = 64, QUOTIENTS = 16, RICE_MAX = 39, RICE_ZEROS = 63 };

enum { CODER_SPARSE = 0, CODER_RICE = 1, CODER_RANKS = 2 };
enum { DISTINCT_MAX = 128, DISTINCT_SLOTS = 512 };

/* What prediction leaves of a column: `rest` from `first` numbers on. */
struct rest {
	unsigned order; /* 0: above the least; 1: differences; 2: differences of differences */
	uint64_t start[2];
	uint64_t rest[COLUMN_MAX];
	size_t count;
};

struct ranks {
	uint64_t numbers[DISTINCT_MAX]; /* the most frequent first */
	size_t count;
	uint64_t rank[COLUMN_MAX];
};

static unsigned length_of(uint64_t n)
{
	return n ? 64 - (unsigned)__builtin_clzll(n) : 0;
}

/* ---- a number by itself: its length, then its bits below the highest ---- */

static unsigned plain_cost(uint64_t n)
{
	unsigned length = length_of(n);
	return 7 + (length > 1 ? length - 1 : 0);
}

static void put_long(struct bit_writer *writer, uint64_t n, unsigned count)
{
	if (count > 32) {
		bits_put(writer, n & 0xffffffff, 32);
		n >>= 32;
		count -= 32;
	}
	bits_put(writer, n, count);
}

static void plain_put(struct bit_writer *writer, uint64_t n)
{
	unsigned length = length_of(n);
	bits_put(writer, length, 7);
	if (length > 1)
		put_long(writer, n & ~(UINT64_C(1) << (length - 1)), length - 1);
}

static uint64_t read_long(struct bit_reader *reader, unsigned count)
{
	if (count <= 32)
		return bits_read(reader, count);
	uint64_t low = bits_read(reader, 32);
	return low | bits_read(reader, count - 32) << 32;
}

static bool plain_read(struct bit_reader *reader, uint64_t *ret)
{
	unsigned length = (unsigned)bits_read(reader, 7);
	if (length > 64)
		return false;
	*ret = length < 2 ? length : read_long(reader, length - 1) | UINT64_C(1) << (length - 1);
	return true;
}

/* ---- prediction ---- */

static void take_least(struct rest *rest, const int64_t *numbers, size_t count)
{
	int64_t least = numbers[0];
	for (size_t i = 1; i < count; i++)
		least = numbers[i] < least ? numbers[i] : least;
	rest->order = 0;
	rest->count = count;
	rest->start[0] = (uint64_t)least;
	for (size_t i = 0; i < count; i++)
		rest->rest[i] = (uint64_t)numbers[i] - (uint64_t)least;
}

static void take_differences(
	struct rest *rest, const int64_t *numbers, size_t count, unsigned order)
{
	uint64_t last = (uint64_t)numbers[0], step = 0;
	rest->order = order;
	rest->count = count - order;
	rest->start[0] = last;
	for (size_t i = 1; i < count; i++) {
		uint64_t now = (uint64_t)numbers[i], change = now - last;
		if (order == 1)
			rest->rest[i - 1] = zigzag(change);
		else if (i == 1)
			rest->start[1] = change;
		else
			rest->rest[i - 2] = zigzag(change - step);
		last = now;
		step = change;
	}
}

/* ---- Rice codes ---- */

static uint64_t rice_number_cost(uint64_t n, unsigned k)
{
	uint64_t quotient = n >> k;
	return quotient < QUOTIENTS ? quotient + 1 + k : QUOTIENTS + plain_cost(n);
}

static uint64_t rice_cost(const uint64_t *n, size_t count, unsigned k)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += rice_number_cost(n[i], k);
	return sum;
}

/* The best parameter is near the usual length, whatever a few outliers are. */
static unsigned usual_length(const uint64_t *n, size_t count)
{
	uint8_t seen[65] = {0};
	for (size_t i = 0; i < count; i++)
		seen[length_of(n[i])]++;
	size_t below = 0;
	unsigned length = 0;
	while ((below += seen[length]) * 2 < count)
		length++;
	return length;
}

static unsigned rice_choose(const uint64_t *n, size_t count, uint64_t *ret_cost)
{
	uint64_t any = 0;
	for (size_t i = 0; i < count; i++)
		any |= n[i];
	*ret_cost = 0;
	if (!any)
		return RICE_ZEROS;
	unsigned usual = usual_length(n, count), best = RICE_MAX;
	uint64_t least = UINT64_MAX;
	for (unsigned k = usual > 2 ? usual - 2 : 0; k <= usual + 1 && k <= RICE_MAX; k++) {
		uint64_t cost = rice_cost(n, count, k);
		if (cost >= least)
			break;
		least = cost;
		best = k;
	}
	if (least == UINT64_MAX)
		least = rice_cost(n, count, best);
	*ret_cost = least;
	return best;
}

static uint64_t rice_total(const uint64_t *n, size_t count)
{
	uint64_t total = 0, cost;
	for (size_t i = 0; i < count; i += GROUP) {
		rice_choose(n + i, count - i < GROUP ? count - i : GROUP, &cost);
		total += 6 + cost;
	}
	return total;
}

static void rice_put(struct bit_writer *writer, const uint64_t *n, size_t count)
{
	for (size_t i = 0; i < count; i += GROUP) {
		uint64_t cost;
		size_t end = count - i < GROUP ? count : i + GROUP;
		unsigned k = rice_choose(n + i, end - i, &cost);
		bits_put(writer, k, 6);
		if (k == RICE_ZEROS)
			continue;
		for (size_t j = i; j < end; j++) {
			uint64_t quotient = n[j] >> k;
			if (quotient < QUOTIENTS) {
				uint64_t low = n[j] & ((UINT64_C(1) << k) - 1);
				bits_put(writer, UINT64_C(1) << quotient, (unsigned)quotient + 1);
				bits_put(writer, low, k);
			} else {
				bits_put(writer, 0, QUOTIENTS);
				plain_put(writer, n[j]);
			}
		}
	}
}

static bool rice_group(struct bit_reader *reader, unsigned k, size_t count, uint64_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (reader->held_bits < QUOTIENTS + RICE_MAX)
			bits_fill(reader);
		unsigned head = (unsigned)reader->held & ((1u << QUOTIENTS) - 1);
		if (head) {
			unsigned quotient = (unsigned)__builtin_ctz(head);
			bits_take(reader, quotient + 1);
			ret[i] = (uint64_t)quotient << k | bits_take(reader, k);
			continue;
		}
		bits_take(reader, QUOTIENTS);
		if (!plain_read(reader, &ret[i]))
			return false;
	}
	return true;
}

static bool rice_read(struct bit_reader *reader, size_t count, uint64_t *ret)
{
	for (size_t i = 0; i < count; i += GROUP) {
		size_t some = count - i < GROUP ? count - i : GROUP;
		unsigned k = (unsigned)bits_read(reader, 6);
		if (k == RICE_ZEROS)
			memset(ret + i, 0, some * sizeof(*ret));
		else if (k > RICE_MAX || !rice_group(reader, k, some, ret + i))
			return false;
	}
	return true;
}

/* ---- exceptions from zero: how many, then for each how far it is and what ---- */

static uint64_t sparse_total(const uint64_t *n, size_t count)
{
	uint64_t total = 11;
	for (size_t i = 0; i < count; i++)
		if (n[i])
			total += 10 + plain_cost(n[i]);
	return total;
}

static void sparse_put(struct bit_writer *writer, const uint64_t *n, size_t count)
{
	size_t some = 0;
	for (size_t i = 0; i < count; i++)
		some += n[i] != 0;
	bits_put(writer, some, 11);
	for (size_t i = 0; i < count; i++) {
		if (!n[i])
			continue;
		bits_put(writer, i, 10);
		plain_put(writer, n[i]);
	}
}

static bool sparse_read(struct bit_reader *reader, size_t count, uint64_t *ret)
{
	size_t some = (size_t)bits_read(reader, 11);
	if (some > count)
		return false;
	memset(ret, 0, count * sizeof(*ret));
	size_t next = 0;
	for (size_t i = 0; i < some; i++) {
		size_t at = (size_t)bits_read(reader, 10);
		if (at < next || at >= count || !plain_read(reader, &ret[at]))
			return false;
		next = at + 1;
	}
	return true;
}

/* ---- ranks ---- */

struct distinct {
	uint64_t number;
	uint16_t times; /* 0: free */
	uint16_t rank;
};

static size_t slot_of(const struct distinct *slots, uint64_t number)
{
	size_t slot = (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 55);
	while (slots[slot].times && slots[slot].number != number)
		slot = (slot + 1) % DISTINCT_SLOTS;
	return slot;
}

static int by_times(const void *a, const void *b)
{
	const struct distinct *const *x = a, *const *y = b;
	if ((*x)->times != (*y)->times)
		return (*x)->times > (*y)->times ? -1 : 1;
	return (*x)->number < (*y)->number ? -1 : 1;
}

/* False: there are too many different numbers for it to be worth while. */
static bool take_ranks(const int64_t *numbers, size_t count, struct ranks *ret)
{
	struct distinct slots[DISTINCT_SLOTS] = {0};
	struct distinct *found[DISTINCT_MAX];
	size_t most = count / 4 < DISTINCT_MAX ? count / 4 : DISTINCT_MAX;
	ret->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct distinct *slot = &slots[slot_of(slots, (uint64_t)numbers[i])];
		if (!slot->times) {
			if (ret->count == most)
				return false;
			found[ret->count++] = slot;
			slot->number = (uint64_t)numbers[i];
		}
		slot->times++;
	}
	qsort(found, ret->count, sizeof(struct distinct *), by_times);
	for (size_t i = 0; i < ret->count; i++) {
		found[i]->rank = (uint16_t)i;
		ret->numbers[i] = found[i]->number;
	}
	for (size_t i = 0; i < count; i++)
		ret->rank[i] = slots[slot_of(slots, (uint64_t)numbers[i])].rank;
	return true;
}

static uint64_t ranks_total(const struct ranks *ranks, size_t count)
{
	uint64_t total = 7, last = 0;
	for (size_t i = 0; i < ranks->count; i++) {
		total += plain_cost(zigzag(ranks->numbers[i] - last));
		last = ranks->numbers[i];
	}
	return total + rice_total(ranks->rank, count);
}

static void ranks_put(struct bit_writer *writer, const struct ranks *ranks, size_t count)
{
	uint64_t last = 0;
	bits_put(writer, ranks->count - 1, 7);
	for (size_t i = 0; i < ranks->count; i++) {
		plain_put(writer, zigzag(ranks->numbers[i] - last));
		last = ranks->numbers[i];
	}
	rice_put(writer, ranks->rank, count);
}

static bool ranks_read(struct bit_reader *reader, size_t count, int64_t *ret)
{
	uint64_t numbers[DISTINCT_MAX], rank[COLUMN_MAX], last = 0, change;
	size_t some = (size_t)bits_read(reader, 7) + 1;
	for (size_t i = 0; i < some; i++) {
		if (!plain_read(reader, &change))
			return false;
		numbers[i] = last += unzigzag(change);
	}
	if (!rice_read(reader, count, rank))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rank[i] >= some)
			return false;
		ret[i] = (int64_t)numbers[rank[i]];
	}
	return true;
}

/* ---- the choice ---- */

struct choice {
	uint64_t cost;
	unsigned order, coder;
};

static void consider(struct choice *best, const struct rest *rest)
{
	uint64_t start = plain_cost(zigzag(rest->start[0])) +
		(rest->order == 2 ? plain_cost(zigzag(rest->start[1])) : 0);
	uint64_t sparse = start + sparse_total(rest->rest, rest->count);
	uint64_t rice = start + rice_total(rest->rest, rest->count);
	if (sparse < best->cost)
		*best = (struct choice){sparse, rest->order, CODER_SPARSE};
	if (rice < best->cost)
		*best = (struct choice){rice, rest->order, CODER_RICE};
}

/* Bits that a choice must cost for each number before ranks are tried. */
enum { RANKS_FROM = 2 };

void ints_write(struct bit_writer *writer, const int64_t *numbers, size_t count)
{
	struct rest rest;
	struct ranks ranks;
	struct choice best = {.cost = UINT64_MAX};
	must(count >= 1 && count <= COLUMN_MAX);
	for (unsigned order = 0; order <= 2 && order < count; order++) {
		if (order == 0)
			take_least(&rest, numbers, count);
		else
			take_differences(&rest, numbers, count, order);
		consider(&best, &rest);
	}
	if (best.cost > RANKS_FROM * count && take_ranks(numbers, count, &ranks) &&
		ranks_total(&ranks, count) < best.cost) {
		bits_put(writer, CODER_RANKS, 4);
		ranks_put(writer, &ranks, count);
		return;
	}
	if (best.order == 0)
		take_least(&rest, numbers, count);
	else if (rest.order != best.order)
		take_differences(&rest, numbers, count, best.order);
	bits_put(writer, best.coder | best.order << 2, 4);
	plain_put(writer, zigzag(rest.start[0]));
	if (rest.order == 2)
		plain_put(writer, zigzag(rest.start[1]));
	if (best.coder == CODER_SPARSE)
		sparse_put(writer, rest.rest, rest.count);
	else
		rice_put(writer, rest.rest, rest.count);
}

static void put_together(const struct rest *rest, size_t count, int64_t *ret)
{
	uint64_t last = rest->start[0], step = rest->start[1];
	size_t i = 0;
	if (rest->order > 0)
		ret[i++] = (int64_t)last;
	if (rest->order == 2)
		ret[i++] = (int64_t)(last += step);
	for (const uint64_t *from = rest->rest; i < count; i++, from++) {
		if (rest->order == 0)
			ret[i] = (int64_t)(last + *from);
		else if (rest->order == 1)
			ret[i] = (int64_t)(last += unzigzag(*from));
		else
			ret[i] = (int64_t)(last += step += unzigzag(*from));
	}
}

bool ints_read(struct bit_reader *reader, size_t count, int64_t *ret)
{
	struct rest rest = {.count = 0};
	uint64_t start;
	if (count < 1 || count > COLUMN_MAX)
		return false;
	unsigned mode = (unsigned)bits_read(reader, 4), coder = mode & 3;
	if (mode == CODER_RANKS)
		return ranks_read(reader, count, ret);
	rest.order = mode >> 2;
	if (coder > CODER_RICE || rest.order > 2 || (rest.order && rest.order >= count))
		return false;
	rest.count = count - rest.order;
	for (unsigned i = 0; i < (rest.order == 2 ? 2 : 1); i++) {
		if (!plain_read(reader, &start))
			return false;
		rest.start[i] = unzigzag(start);
	}
	if (coder == CODER_SPARSE ? !sparse_read(reader, rest.count, rest.rest)
				  : !rice_read(reader, rest.count, rest.rest))
		return false;
	put_together(&rest, count, ret);
	return true;
}
