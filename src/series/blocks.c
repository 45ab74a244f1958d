/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one series into blocks of a segment, and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "series/inner.h"

int put_samples(struct series *series, struct segment_writer *writer, uint32_t id,
	const struct sample *rows, size_t count, struct why *why)
{
	for (size_t i = 0; i < count; i += BLOCK_ROWS) {
		size_t some = count - i < BLOCK_ROWS ? count - i : BLOCK_ROWS;
		struct block block = block_put_samples(id, rows + i, some, series->block);
		int err = segment_add(writer, &block, series->block, why);
		if (err)
			return err;
	}
	return 0;
}

int put_buckets(struct series *series, struct segment_writer *writer, uint32_t id,
	enum series_level level, const struct buckets *buckets, struct why *why)
{
	size_t count = buckets->rows.len;
	for (size_t i = 0; i < count; i += BLOCK_BUCKETS) {
		size_t some = count - i < BLOCK_BUCKETS ? count - i : BLOCK_BUCKETS;
		struct block block = block_put_buckets(id, level, buckets, i, some, series->block);
		int err = segment_add(writer, &block, series->block, why);
		if (err)
			return err;
	}
	return 0;
}

/* ---- joining ---- */

int join_samples(struct series *series, struct samples *all, size_t from)
{
	struct samples *spare = &series->spare;
	size_t added = all->len - from, i = from, j = 0, at;
	if (!from || !added || all->at[from - 1].ms < all->at[from].ms)
		return 0;
	if (vec_reserve(spare, added))
		return -ENOMEM;
	memcpy(spare->at, all->at + from, added * sizeof(*spare->at));
	/* From behind, so that nothing is overwritten before it is moved; then duplicates go. */
	at = all->len;
	j = added;
	while (j > 0) {
		if (i > 0 && all->at[i - 1].ms > spare->at[j - 1].ms)
			all->at[--at] = all->at[--i];
		else
			all->at[--at] = spare->at[--j];
	}
	size_t kept = 1;
	for (i = 1; i < all->len; i++)
		if (all->at[i].ms != all->at[kept - 1].ms)
			all->at[kept++] = all->at[i];
	all->len = kept;
	return 0;
}

int join_buckets(struct buckets *all, size_t from, bool new_wins)
{
	size_t len = all->rows.len, i = 0, j = from, n = 0;
	if (!from || from == len || all->rows.at[from - 1].ms < all->rows.at[from].ms)
		return 0;
	struct bucket *joined = calloc(len, sizeof(*joined));
	if (!joined)
		return -ENOMEM;
	while (i < from || j < len) {
		const struct bucket *had = i < from ? &all->rows.at[i] : NULL;
		const struct bucket *added = j < len ? &all->rows.at[j] : NULL;
		bool both = had && added && had->ms == added->ms;
		bool first = had && (!added || had->ms < added->ms || (both && !new_wins));
		joined[n++] = first ? *had : *added;
		i += first || both;
		j += !first || both;
	}
	memcpy(all->rows.at, joined, n * sizeof(*joined));
	all->rows.len = n;
	free(joined);
	return 0;
}

/* ---- reading ---- */

/* The next block of the wanted series and time: 1, 0 or an error. */
static int next_block(struct series *series, struct segment_cursor *cursor,
	const struct wanted *wanted, struct block *ret, struct why *why)
{
	struct segment_entry entry;
	for (;;) {
		int some = segment_peek(cursor, &entry, why);
		if (some <= 0 || entry.series > wanted->id)
			return some < 0 ? some : 0;
		cursor->entry++;
		if (entry.series < wanted->id || entry.last < wanted->from ||
			entry.first >= wanted->to)
			continue;
		int err = segment_read(cursor->segment, &entry, ret, series->block, why);
		return err ? err : 1;
	}
}

static int undecodable(const struct segment_cursor *cursor, int err, struct why *why)
{
	return why_errno(why, err, "segment %016llx.seg: a block cannot be decoded",
		(unsigned long long)cursor->segment->facts.number);
}

/* Cuts what was added from `from` on to the wanted time. */
static void cut_samples(struct samples *all, size_t from, const struct wanted *wanted)
{
	size_t first = from;
	while (first < all->len && all->at[first].ms < wanted->from)
		first++;
	while (all->len > first && all->at[all->len - 1].ms >= wanted->to)
		all->len--;
	if (first > from)
		memmove(all->at + from, all->at + first, (all->len - first) * sizeof(*all->at));
	all->len -= first - from;
}

int get_samples(struct series *series, struct segment_cursor *cursor, const struct wanted *wanted,
	struct samples *ret, struct why *why)
{
	struct block block;
	int some;
	while ((some = next_block(series, cursor, wanted, &block, why)) > 0) {
		size_t from = ret->len;
		if (vec_reserve(ret, from + block.count))
			return undecodable(cursor, -ENOMEM, why);
		if (!block_samples(&block, series->block, ret->at + from))
			return undecodable(cursor, -EBADMSG, why);
		ret->len += block.count;
		cut_samples(ret, from, wanted);
		if (join_samples(series, ret, from))
			return undecodable(cursor, -ENOMEM, why);
	}
	return some;
}

static void cut_buckets(struct buckets *all, size_t from, const struct wanted *wanted)
{
	size_t kept = from;
	for (size_t i = from; i < all->rows.len; i++)
		if (all->rows.at[i].ms >= wanted->from && all->rows.at[i].ms < wanted->to)
			all->rows.at[kept++] = all->rows.at[i];
	all->rows.len = kept;
}

int get_buckets(struct series *series, struct segment_cursor *cursor, const struct wanted *wanted,
	struct buckets *ret, struct why *why)
{
	struct block block;
	int some;
	while ((some = next_block(series, cursor, wanted, &block, why)) > 0) {
		size_t from = ret->rows.len;
		int err = block_buckets(&block, series->block, ret);
		if (!err) {
			cut_buckets(ret, from, wanted);
			err = join_buckets(ret, from, true);
		}
		if (err)
			return undecodable(cursor, err, why);
	}
	return some;
}
