/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, blocks and sketches: every bit comes back, in few bytes, and nothing else is believed.
 */
#include "series/column.h"

#include <errno.h>
#include <math.h>

#include "base/rng.h"
#include "base/test.h"
#include "series/bitstream.h"
#include "series/block.h"

static uint8_t bytes[BLOCK_MAX];

static size_t write_ints(const int64_t *numbers, size_t count)
{
	struct bit_writer writer = {.bytes = bytes, .cap = sizeof(bytes)};
	ints_write(&writer, numbers, count);
	return bits_end(&writer);
}

static bool ints_come_back(const int64_t *numbers, size_t count, size_t *ret_len)
{
	static int64_t got[COLUMN_MAX];
	*ret_len = write_ints(numbers, count);
	struct bit_reader reader = {.bytes = bytes, .len = *ret_len};
	return ints_read(&reader, count, got) && bits_done(&reader) &&
		memcmp(got, numbers, count * sizeof(*got)) == 0;
}

/* Numbers of all the shapes that the coders are made for, and of none. */
static int64_t some_number(struct rng *rng, unsigned shape, size_t i, int64_t last)
{
	switch (shape) {
	case 0:
		return 42;
	case 1:
		return (int64_t)(1000 * i);
	case 2:
		return (int64_t)(1000 * i + rng_below(rng, 5));
	case 3:
		return last + (int64_t)rng_below(rng, 100) - 50;
	case 4:
		return rng_chance(rng, 10000) ? (int64_t)rng_u64(rng) : 7;
	case 5:
		return (int64_t)rng_below(rng, 20) * 1000003;
	case 6:
		return (int64_t)(rng_u64(rng) >> rng_below(rng, 64));
	case 7:
		return rng_chance(rng, 500000) ? INT64_MAX : INT64_MIN;
	default:
		return (int64_t)rng_u64(rng);
	}
}

TEST(whole_numbers_come_back)
{
	struct rng rng;
	int64_t numbers[COLUMN_MAX];
	size_t len;
	rng_seed(&rng, test_seed());
	for (unsigned round = 0; round < 4000; round++) {
		size_t count = round % 5 ? 1 + (size_t)rng_below(&rng, COLUMN_MAX) : 1 + round % 4;
		int64_t last = 0;
		for (size_t i = 0; i < count; i++)
			numbers[i] = last = some_number(&rng, round % 9, i, last);
		CHECK(ints_come_back(numbers, count, &len));
		CHECK(len <= 16 + count * 11);
		CHECK(round % 9 > 1 || len <= 24);
	}
}

static bool values_come_back(const double *values, size_t count, size_t *ret_len)
{
	static double got[COLUMN_MAX];
	struct bit_writer writer = {.bytes = bytes, .cap = sizeof(bytes)};
	column_write(&writer, values, count);
	*ret_len = bits_end(&writer);
	struct bit_reader reader = {.bytes = bytes, .len = *ret_len};
	return column_read(&reader, count, got) && bits_done(&reader) &&
		memcmp(got, values, count * sizeof(*got)) == 0;
}

static double any_bits(struct rng *rng)
{
	double value;
	do {
		uint64_t bits = rng_u64(rng);
		memcpy(&value, &bits, sizeof(value));
	} while (!isfinite(value) || !(value < 0 || value > 0));
	return value;
}

static double some_value(struct rng *rng, unsigned shape)
{
	double small = (double)rng_below(rng, 100000) - 50000;
	switch (shape) {
	case 0:
		return small / 100 + 0.0;
	case 1:
		return (double)rng_below(rng, 16) / 15;
	case 2:
		return rng_chance(rng, 50000) ? any_bits(rng) : small / 1000 + 0.0;
	case 3:
		return (double)(float)(small / 3) + 0.0;
	case 4:
		return any_bits(rng);
	case 5:
		return ldexp(small, (int)rng_below(rng, 40) - 20) + 0.0;
	case 6:
		return nextafter((double)(float)(small / 100), rng_chance(rng, 500000) ? 0 : 2e9);
	case 7:
		return small * 0.0001 + 0.0;
	case 8:
		return rng_chance(rng, 500000) ? 1.7976931348623157e308 : 4.9e-324;
	default:
		return small * 4096 + 0.0;
	}
}

TEST(measured_values_come_back_bit_by_bit)
{
	struct rng rng;
	double values[COLUMN_MAX];
	size_t len;
	rng_seed(&rng, test_seed());
	for (unsigned round = 0; round < 4000; round++) {
		size_t count = round % 5 ? 1 + (size_t)rng_below(&rng, COLUMN_MAX) : 1 + round % 4;
		for (size_t i = 0; i < count; i++)
			values[i] = some_value(&rng, round % 10);
		CHECK(values_come_back(values, count, &len));
		CHECK(len <= 32 + count * 11);
	}
}

/* Percentages of two digits that wander cost less than a byte each: divided, computed, narrowed,
 * and printed a digit too short. */
TEST(decimals_cost_little_however_they_were_made)
{
	struct rng rng;
	double values[COLUMN_MAX];
	size_t len;
	rng_seed(&rng, test_seed());
	for (unsigned way = 0; way < 4; way++) {
		for (size_t i = 0; i < COLUMN_MAX; i++) {
			double wave = 300 * sin((double)i / 40) + (double)rng_below(&rng, 30);
			double number = round(2000 + wave);
			values[i] = way == 1 ? number * 0.01 : number / 100;
			if (way >= 2)
				values[i] = (double)(float)values[i];
			if (way == 3 && rng_chance(&rng, 250000))
				values[i] = nextafter(values[i], 0);
		}
		CHECK(values_come_back(values, COLUMN_MAX, &len));
		CHECK(len < (way % 2 ? 5 : 4) * COLUMN_MAX / 4);
	}
}

/* Whatever the bytes are, reading ends and gives finite numbers or none. */
TEST(any_bytes_end_well)
{
	struct rng rng;
	double values[COLUMN_MAX];
	rng_seed(&rng, test_seed());
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)rng_below(&rng, 200), count = 1 + rng_below(&rng, COLUMN_MAX);
		rng_fill(&rng, bytes, len);
		struct bit_reader reader = {.bytes = bytes, .len = len};
		if (!column_read(&reader, count, values))
			continue;
		for (size_t i = 0; i < count; i++)
			CHECK(isfinite(values[i]));
	}
}

/* ---- blocks ---- */

static const uint8_t identity[16] = "whose it is";

TEST(a_block_counts_only_in_its_place_and_file)
{
	struct sample rows[100], got[BLOCK_ROWS];
	struct block found;
	for (size_t i = 0; i < 100; i++)
		rows[i] = (struct sample){(int64_t)i * 10000 - 300000, (double)i / 4};
	struct block block = block_put_samples(7, rows, 100, bytes);
	uint64_t seed = block_seed(identity, 3);
	block_seal(bytes, block.length, seed, 4096);
	CHECK(block_head(bytes, &found) && memcmp(&found, &block, sizeof(found)) == 0);
	CHECK(block_whole(&block, bytes, seed, 4096));
	CHECK(!block_whole(&block, bytes, seed, 4097));
	CHECK(!block_whole(&block, bytes, block_seed(identity, 4), 4096));
	CHECK(!block_whole(&block, bytes, block_seed((const uint8_t *)"another's......", 3), 4096));
	CHECK(block_samples(&block, bytes, got));
	CHECK(memcmp(got, rows, sizeof(rows)) == 0);
	for (size_t i = 0; i < block.length * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		CHECK(!block_head(bytes, &found) || found.length != block.length ||
			!block_whole(&found, bytes, seed, 4096));
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

TEST(buckets_come_back_with_their_sketches)
{
	struct rng rng;
	struct buckets rows = {0}, got = {0};
	struct roller roller = {.level = LEVEL_5MIN, .kind = SERIES_GAUGE, .buckets = &rows};
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 200 * 30; i++) {
		const struct sample sample = {i * 10000, some_value(&rng, i % 3000 < 1500 ? 0 : 2)};
		CHECK_EQ(roller_add(&roller, &sample), 0);
	}
	CHECK_EQ(roller_end(&roller), 0);
	CHECK_EQ(rows.rows.len, 200);
	struct block block = block_put_buckets(9, LEVEL_5MIN, &rows, 0, 200, bytes);
	CHECK_EQ(block_buckets(&block, bytes, &got), 0);
	CHECK_EQ(got.rows.len, 200);
	for (size_t i = 0; i < 200; i++) {
		const struct bucket *a = &rows.rows.at[i], *b = &got.rows.at[i];
		CHECK(a->ms == b->ms && a->count == 30 && b->count == 30);
		CHECK(memcmp(&a->mean, &b->mean, 3 * sizeof(double)) == 0);
		CHECK_EQ(a->sketch_len, b->sketch_len);
		CHECK(memcmp(rows.sketches.at + a->sketch_at, got.sketches.at + b->sketch_at,
			      a->sketch_len) == 0);
	}
	buckets_done(&rows);
	buckets_done(&got);
}

TEST(a_packed_sketch_keeps_its_bound)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 300; round++) {
		struct sketch sketch = {0}, got;
		uint8_t packed[BUCKET_SKETCH];
		for (int i = 0; i < 360; i++)
			sketch_add(&sketch,
				round % 3 ? some_value(&rng, (unsigned)round % 6)
					  : ldexp(round % 2 ? 1 : -1, i * 4 - 700));
		size_t len = sketch_pack(&sketch, packed);
		const struct bucket row = {.count = 360, .low = sketch.low, .high = sketch.high};
		CHECK(len <= sizeof(packed) && sketch_unpack(packed, len, &row, &got));
		for (double p = 0; p <= 1; p += 0.125)
			CHECK(!(sketch_quantile(&sketch, p) < sketch_quantile(&got, p)) &&
				!(sketch_quantile(&sketch, p) > sketch_quantile(&got, p)));
		CHECK(!sketch_unpack(packed, len - 1, &row, &got));
	}
}

TEST_MAIN
