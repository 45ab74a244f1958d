/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as columns, columns as bits, and the head before them. */
#include "series/block.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/plant.h"
#include "series/bitstream.h"
#include "series/column.h"

enum { IDENTITY = 16 };

uint64_t block_seed(const uint8_t *identity, uint64_t file)
{
	uint8_t bytes[8];
	put_le64(bytes, file);
	return hash64(identity, IDENTITY, hash64(bytes, sizeof(bytes), 0));
}

static uint64_t checksum_of(const uint8_t *bytes, size_t len, uint64_t seed, uint64_t offset)
{
	uint8_t place[8];
	put_le64(place, offset);
	return hash64(bytes + 8, len - 8, hash64(place, sizeof(place), seed));
}

static void put_head(const struct block *block, uint8_t *bytes)
{
	memset(bytes, 0, BLOCK_HEAD);
	put_le32(bytes + 8, block->series);
	put_le32(bytes + 12, block->length);
	put_le64(bytes + 16, (uint64_t)block->first);
	put_le64(bytes + 24, (uint64_t)block->last);
	put_le32(bytes + 32, block->count);
	bytes[36] = (uint8_t)block->level;
}

void block_seal(uint8_t *bytes, size_t len, uint64_t seed, uint64_t offset)
{
	put_le64(bytes, checksum_of(bytes, len, seed, offset));
}

bool block_head(const uint8_t *bytes, struct block *ret)
{
	struct block block = {
		.series = get_le32(bytes + 8),
		.length = get_le32(bytes + 12),
		.first = (int64_t)get_le64(bytes + 16),
		.last = (int64_t)get_le64(bytes + 24),
		.count = get_le32(bytes + 32),
		.level = bytes[36],
	};
	uint32_t most = block.level == LEVEL_RAW ? BLOCK_ROWS : BLOCK_BUCKETS;
	if (block.level >= LEVELS || !block.count || block.count > most ||
		block.length <= BLOCK_HEAD || block.length > BLOCK_MAX ||
		block.first > block.last || bytes[37] || bytes[38] || bytes[39])
		return false;
	*ret = block;
	return true;
}

bool block_whole(const struct block *block, const uint8_t *bytes, uint64_t seed, uint64_t offset)
{
	return planted(BLOCK_UNCHECKED) ||
		get_le64(bytes) == checksum_of(bytes, block->length, seed, offset);
}

/* ---- samples ---- */

struct block block_put_samples(
	uint32_t series, const struct sample *rows, size_t count, uint8_t *bytes)
{
	int64_t times[BLOCK_ROWS];
	double values[BLOCK_ROWS];
	struct bit_writer writer = {.bytes = bytes + BLOCK_HEAD, .cap = BLOCK_MAX - BLOCK_HEAD};
	must(count >= 1 && count <= BLOCK_ROWS);
	for (size_t i = 0; i < count; i++) {
		times[i] = rows[i].ms;
		values[i] = rows[i].value;
	}
	ints_write(&writer, times, count);
	column_write(&writer, values, count);
	size_t len = bits_end(&writer);
	must(len > 0);
	struct block block = {.series = series,
		.count = (uint32_t)count,
		.first = rows[0].ms,
		.last = rows[count - 1].ms,
		.length = (uint32_t)(BLOCK_HEAD + len),
		.level = LEVEL_RAW};
	put_head(&block, bytes);
	return block;
}

static bool times_ok(const struct block *block, const int64_t *times)
{
	for (size_t i = 1; i < block->count; i++)
		if (times[i] <= times[i - 1])
			return false;
	return times[0] == block->first && times[block->count - 1] == block->last;
}

bool block_samples(const struct block *block, const uint8_t *bytes, struct sample *ret)
{
	int64_t times[BLOCK_ROWS];
	double values[BLOCK_ROWS];
	struct bit_reader reader = {.bytes = bytes + BLOCK_HEAD, .len = block->length - BLOCK_HEAD};
	if (block->level != LEVEL_RAW || !ints_read(&reader, block->count, times) ||
		!times_ok(block, times) || !column_read(&reader, block->count, values) ||
		!bits_done(&reader))
		return false;
	for (size_t i = 0; i < block->count; i++)
		ret[i] = (struct sample){times[i], values[i]};
	return true;
}

/* ---- buckets ---- */

/* Which columns say nothing that the mean does not say. */
enum { LOW_IS_MEAN = 1, HIGH_IS_MEAN = 2 };

struct columns {
	int64_t times[BLOCK_BUCKETS], counts[BLOCK_BUCKETS], lengths[BLOCK_BUCKETS];
	double means[BLOCK_BUCKETS], lows[BLOCK_BUCKETS], highs[BLOCK_BUCKETS];
	unsigned same;
};

static void take_columns(const struct bucket *rows, size_t count, int64_t step, struct columns *ret)
{
	ret->same = LOW_IS_MEAN | HIGH_IS_MEAN;
	for (size_t i = 0; i < count; i++) {
		ret->times[i] = rows[i].ms / step;
		ret->counts[i] = rows[i].count;
		ret->lengths[i] = rows[i].sketch_len;
		ret->means[i] = rows[i].mean;
		ret->lows[i] = rows[i].low;
		ret->highs[i] = rows[i].high;
		if (rows[i].low < rows[i].mean)
			ret->same &= ~(unsigned)LOW_IS_MEAN;
		if (rows[i].high > rows[i].mean)
			ret->same &= ~(unsigned)HIGH_IS_MEAN;
	}
}

struct block block_put_buckets(uint32_t series, enum series_level level,
	const struct buckets *buckets, size_t from, size_t count, uint8_t *bytes)
{
	const struct bucket *rows = buckets->rows.at + from;
	struct columns columns;
	struct bit_writer writer = {.bytes = bytes + BLOCK_HEAD, .cap = BLOCK_MAX - BLOCK_HEAD};
	must(count >= 1 && count <= BLOCK_BUCKETS && level != LEVEL_RAW);
	take_columns(rows, count, level_step_ms(level), &columns);
	bits_put(&writer, columns.same, 2);
	ints_write(&writer, columns.times, count);
	ints_write(&writer, columns.counts, count);
	column_write(&writer, columns.means, count);
	if (!(columns.same & LOW_IS_MEAN))
		column_write(&writer, columns.lows, count);
	if (!(columns.same & HIGH_IS_MEAN))
		column_write(&writer, columns.highs, count);
	ints_write(&writer, columns.lengths, count);
	size_t len = BLOCK_HEAD + bits_end(&writer);
	must(!writer.full);
	for (size_t i = 0; i < count; i++) {
		must(rows[i].sketch_len <= BLOCK_MAX - len);
		if (rows[i].sketch_len)
			memcpy(bytes + len, buckets->sketches.at + rows[i].sketch_at,
				rows[i].sketch_len);
		len += rows[i].sketch_len;
	}
	struct block block = {.series = series,
		.count = (uint32_t)count,
		.first = rows[0].ms,
		.last = rows[count - 1].ms,
		.length = (uint32_t)len,
		.level = level};
	put_head(&block, bytes);
	return block;
}

static bool read_columns(struct bit_reader *reader, size_t count, struct columns *ret)
{
	ret->same = (unsigned)bits_read(reader, 2);
	if (!ints_read(reader, count, ret->times) || !ints_read(reader, count, ret->counts) ||
		!column_read(reader, count, ret->means))
		return false;
	if (ret->same & LOW_IS_MEAN)
		memcpy(ret->lows, ret->means, sizeof(ret->lows));
	else if (!column_read(reader, count, ret->lows))
		return false;
	if (ret->same & HIGH_IS_MEAN)
		memcpy(ret->highs, ret->means, sizeof(ret->highs));
	else if (!column_read(reader, count, ret->highs))
		return false;
	return ints_read(reader, count, ret->lengths);
}

/* Row i of the columns. False: it is none. */
static bool take_row(const struct columns *columns, size_t i, int64_t step, struct bucket *ret)
{
	if (columns->counts[i] < 1 || columns->counts[i] > UINT32_MAX || columns->lengths[i] < 0 ||
		columns->lengths[i] > BUCKET_SKETCH || !(columns->lows[i] <= columns->means[i]) ||
		!(columns->means[i] <= columns->highs[i]))
		return false;
	*ret = (struct bucket){.count = (uint32_t)columns->counts[i],
		.mean = columns->means[i],
		.low = columns->lows[i],
		.high = columns->highs[i],
		.sketch_len = (uint32_t)columns->lengths[i]};
	return mul_fits(columns->times[i], step, &ret->ms);
}

int block_buckets(const struct block *block, const uint8_t *bytes, struct buckets *ret)
{
	struct columns columns;
	struct bit_reader reader = {.bytes = bytes + BLOCK_HEAD, .len = block->length - BLOCK_HEAD};
	if (block->level == LEVEL_RAW || block->count > BLOCK_BUCKETS ||
		!read_columns(&reader, block->count, &columns))
		return -EBADMSG;
	if (reader.invented > reader.held_bits)
		return -EBADMSG;
	/* Whole bytes that were made ready and not taken are the sketches'. */
	size_t at = BLOCK_HEAD + reader.at - (reader.held_bits - reader.invented) / 8;
	int64_t before = 0;
	for (size_t i = 0; i < block->count; i++) {
		struct bucket row;
		struct sketch sketch;
		if (!take_row(&columns, i, level_step_ms(block->level), &row) ||
			(i && row.ms <= before) || row.sketch_len > block->length - at ||
			(row.sketch_len &&
				!sketch_unpack(bytes + at, row.sketch_len, &row, &sketch)))
			return -EBADMSG;
		if ((i == 0 && row.ms != block->first) ||
			(i + 1 == block->count && row.ms != block->last))
			return -EBADMSG;
		before = row.ms;
		if (buckets_add(ret, &row, bytes + at))
			return -ENOMEM;
		at += row.sketch_len;
	}
	return at == block->length ? 0 : -EBADMSG;
}
