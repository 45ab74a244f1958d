/* SPDX-License-Identifier: Apache-2.0 */
/* Rolling up, and sketches as bytes. */
#include "series/bucket.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "series/varint.h"

int64_t level_step_ms(enum series_level level)
{
	static const int64_t steps[LEVELS] = {0, 10 * 1000, 300 * 1000, 3600 * 1000};
	return steps[level];
}

void buckets_done(struct buckets *buckets)
{
	vec_done(&buckets->rows);
	vec_done(&buckets->sketches);
}

int buckets_add(struct buckets *buckets, const struct bucket *row, const uint8_t *sketch)
{
	struct bucket added = *row;
	added.sketch_at = (uint32_t)buckets->sketches.len;
	if (buckets->sketches.len > UINT32_MAX - BUCKET_SKETCH ||
		vec_reserve(&buckets->sketches, buckets->sketches.len + row->sketch_len) ||
		vec_push(&buckets->rows, added))
		return -ENOMEM;
	if (row->sketch_len)
		memcpy(buckets->sketches.at + added.sketch_at, sketch, row->sketch_len);
	buckets->sketches.len += row->sketch_len;
	return 0;
}

/* ---- sketches as bytes ---- */

static size_t bins_of(const struct sketch *sketch)
{
	size_t bins = 0;
	for (size_t side = 0; side < 2; side++)
		for (uint32_t i = 0; i < sketch->side[side].used; i++)
			bins += sketch->side[side].count[i] != 0;
	return bins;
}

static uint8_t *pack_side(const struct sketch_side *side, uint8_t *at)
{
	size_t bins = 0;
	int64_t last = 0;
	for (uint32_t i = 0; i < side->used; i++)
		bins += side->count[i] != 0;
	at = varint_put(at, bins);
	for (uint32_t i = 0; i < side->used; i++) {
		if (!side->count[i])
			continue;
		int64_t index = (int64_t)side->first + i;
		at = varint_put(at, zigzag((uint64_t)(index - last)));
		at = varint_put(at, side->count[i]);
		last = index;
	}
	return at;
}

size_t sketch_pack(struct sketch *sketch, uint8_t *bytes)
{
	while (bins_of(sketch) > BUCKET_BINS)
		sketch_collapse(sketch);
	uint8_t *at = varint_put(bytes, sketch->collapses);
	at = varint_put(at, sketch->zeros);
	at = pack_side(&sketch->side[0], at);
	at = pack_side(&sketch->side[1], at);
	return (size_t)(at - bytes);
}

/* No double has a bin further out, whatever the collapses; so many make few bins of any two. */
enum { INDEX_MAX = 1 << 17, COLLAPSES_MAX = 16 };

static const uint8_t *unpack_side(
	const uint8_t *at, const uint8_t *end, uint64_t *total, struct sketch_side *ret)
{
	uint64_t bins = 0, step, count;
	int64_t index = 0;
	at = varint_get(at, end, &bins);
	if (!at || bins > BUCKET_BINS)
		return NULL;
	for (uint64_t i = 0; i < bins; i++) {
		at = varint_get(at, end, &step);
		at = at ? varint_get(at, end, &count) : NULL;
		if (!at || !count || count > UINT32_MAX)
			return NULL;
		int64_t change = (int64_t)unzigzag(step);
		if (change < -2 * INDEX_MAX || change > 2 * INDEX_MAX)
			return NULL;
		index += change;
		if (index < -INDEX_MAX || index > INDEX_MAX || (i && change <= 0))
			return NULL;
		if (i == 0)
			ret->first = (int32_t)index;
		if (index - ret->first >= SKETCH_BINS)
			return NULL;
		ret->count[index - ret->first] = count;
		ret->used = (uint32_t)(index - ret->first + 1);
		*total += count;
	}
	return at;
}

bool sketch_unpack(const uint8_t *bytes, size_t len, const struct bucket *row, struct sketch *ret)
{
	const uint8_t *at = bytes, *end = bytes + len;
	uint64_t collapses, total;
	memset(ret, 0, sizeof(*ret));
	at = varint_get(at, end, &collapses);
	at = at ? varint_get(at, end, &ret->zeros) : NULL;
	if (!at || collapses > COLLAPSES_MAX || ret->zeros > UINT32_MAX)
		return false;
	ret->collapses = (uint32_t)collapses;
	ret->low = row->low;
	ret->high = row->high;
	total = ret->zeros;
	at = unpack_side(at, end, &total, &ret->side[0]);
	at = at ? unpack_side(at, end, &total, &ret->side[1]) : NULL;
	return at == end && total == row->count;
}

/* ---- rolling up ---- */

bool sample_rate(const struct sample *from, const struct sample *to, double *ret)
{
	int64_t ms;
	if (__builtin_sub_overflow(to->ms, from->ms, &ms) || ms <= 0 || ms > RATE_GAP_MS ||
		to->value < from->value)
		return false;
	double rate = (to->value - from->value) * 1000 / (double)ms;
	if (!isfinite(rate))
		return false;
	*ret = rate;
	return true;
}

/* Seven digits: a mean is no measurement, and its other bits would cost more than all else. */
static double short_mean(double mean)
{
	if (mean > -1e-100 && mean < 1e-100)
		return 0;
	int digits = 6 - (int)floor(log10(fabs(mean)));
	if (digits > 15 || digits < -15)
		return mean;
	double power = pow(10, abs(digits));
	double rounded = digits >= 0 ? nearbyint(mean * power) / power
				     : nearbyint(mean / power) * power;
	return isfinite(rounded) ? rounded : mean;
}

int roller_end(struct roller *roller)
{
	uint8_t packed[BUCKET_SKETCH];
	if (!roller->count)
		return 0;
	struct bucket row = {
		.ms = roller->ms, .count = roller->count, .low = roller->low, .high = roller->high};
	bool one = !(roller->low < roller->high);
	double mean = one ? roller->low : short_mean(roller->sum / roller->count);
	row.mean = fmin(fmax(mean, row.low), row.high);
	if (roller->level >= LEVEL_5MIN)
		row.sketch_len = (uint32_t)sketch_pack(&roller->sketch, packed);
	roller->count = 0;
	return buckets_add(roller->buckets, &row, packed);
}

static int add_value(struct roller *roller, int64_t ms, double value)
{
	int64_t step = level_step_ms(roller->level);
	int64_t begin = ms - ((ms % step) + step) % step;
	if (roller->count && begin != roller->ms) {
		int err = roller_end(roller);
		if (err)
			return err;
	}
	if (begin < roller->from)
		return 0;
	if (!roller->count) {
		roller->ms = begin;
		roller->sum = 0;
		roller->low = roller->high = value;
		memset(&roller->sketch, 0, sizeof(roller->sketch));
	}
	roller->count++;
	roller->sum += value;
	roller->low = fmin(roller->low, value);
	roller->high = fmax(roller->high, value);
	if (roller->level >= LEVEL_5MIN)
		sketch_add(&roller->sketch, value);
	return 0;
}

int roller_add(struct roller *roller, const struct sample *sample)
{
	struct sample last = roller->last;
	bool before = roller->before;
	double rate;
	roller->last = *sample;
	roller->before = true;
	if (roller->kind != SERIES_COUNTER)
		return add_value(roller, sample->ms, sample->value);
	if (!before || !sample_rate(&last, sample, &rate))
		return 0;
	return add_value(roller, sample->ms, rate);
}
