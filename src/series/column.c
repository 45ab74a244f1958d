/* SPDX-License-Identifier: Apache-2.0 */
/* Measured values as whole numbers at a power of ten, or as changes of bits. */
#include "series/column.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/must.h"
#include "series/bitstream.h"
#include "series/varint.h"

enum { MODE_DECIMAL = 0, MODE_BITS = 1 };

/* Above, a double's whole numbers have holes. 10^SCALE_MAX is exact, and more digits than fifteen
 * are not told apart. */
#define WHOLE_MAX 9007199254740992.0
enum { SCALE_MAX = 15 };

static const double powers[SCALE_MAX + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/*
 * How far a decimal may miss its value and still be told by it: so many units of the last place. A
 * percentage that was computed misses by one or two, as 1440 * 0.0001 does.
 */
enum { NEAR = 4, NEAR_BITS = 18, FAR_BITS = 80 };

struct shape {
	unsigned scale;
	bool single; /* decimals that were rounded to single precision, then widened */
};

struct decimals {
	struct shape shape;
	int64_t numbers[COLUMN_MAX]; /* in units of `unit` */
	int64_t off[COLUMN_MAX];     /* zigzag: units of the last place above the decimal */
	uint64_t unit;               /* divides them all; 0: all are zero */
	uint16_t odd[COLUMN_MAX];    /* the exceptions' places */
	size_t odd_count, near_count;
};

enum likeness { EXACT, CLOSE, FAR };

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static double value_of(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Division rounds once, so that a whole number that gives the value gives exactly its bits. */
static double decimal(double whole, const struct shape *shape)
{
	double value = whole / powers[shape->scale];
	return shape->single ? (double)(float)value : value;
}

static enum likeness fits(double value, const struct shape *shape, int64_t *ret, int64_t *ret_off)
{
	double scaled = value * powers[shape->scale];
	if (!(fabs(scaled) < WHOLE_MAX))
		return FAR;
	double whole = nearbyint(scaled), back = decimal(whole, shape);
	*ret = (int64_t)whole;
	int64_t off = (int64_t)(bits_of(value) - bits_of(back));
	/* Adding zero makes a negative zero positive: its bits are then those of the value. */
	if (!off || !(back + 0.0 < value || back + 0.0 > value))
		return EXACT;
	*ret_off = off;
	return off >= -NEAR && off <= NEAR ? CLOSE : FAR;
}

/*
 * The scale that costs least: each step costs all numbers log2(10) bits, each value that does not
 * fit what its difference or its exception takes.
 */
static struct shape choose_shape(const double *values, size_t count, bool single)
{
	uint16_t left[COLUMN_MAX];
	size_t some = count;
	struct shape best = {0, single}, shape = {0, single};
	double least = HUGE_VAL;
	for (size_t i = 0; i < count; i++)
		left[i] = (uint16_t)i;
	for (; shape.scale <= SCALE_MAX && some; shape.scale++) {
		size_t kept = 0, close = 0;
		int64_t number, off;
		for (size_t i = 0; i < some; i++) {
			enum likeness likeness = fits(values[left[i]], &shape, &number, &off);
			close += likeness == CLOSE;
			if (likeness != EXACT)
				left[kept++] = left[i];
		}
		some = kept;
		double cost = 3.33 * shape.scale * (double)(count - (some - close)) +
			NEAR_BITS * (double)close + FAR_BITS * (double)(some - close);
		if (cost < least) {
			least = cost;
			best = shape;
		}
	}
	return best;
}

static uint64_t common(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static void take_unit(struct decimals *decimals, size_t count)
{
	uint64_t unit = 0;
	for (size_t i = 0; i < count && unit != 1; i++) {
		int64_t number = decimals->numbers[i];
		uint64_t size = number < 0 ? -(uint64_t)number : (uint64_t)number;
		if (unit == 0 || size % unit)
			unit = common(size, unit);
	}
	decimals->unit = unit;
	for (size_t i = 0; i < count && unit > 1; i++)
		decimals->numbers[i] /= (int64_t)unit;
}

static void take_decimals(const double *values, size_t count, bool single, struct decimals *ret)
{
	int64_t last = 0;
	ret->shape = choose_shape(values, count, single);
	ret->odd_count = ret->near_count = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t off = 0;
		enum likeness likeness = fits(values[i], &ret->shape, &ret->numbers[i], &off);
		ret->off[i] = likeness == CLOSE ? (int64_t)zigzag((uint64_t)off) : 0;
		ret->near_count += likeness == CLOSE;
		if (likeness != FAR) {
			last = ret->numbers[i];
			continue;
		}
		ret->odd[ret->odd_count++] = (uint16_t)i;
		ret->numbers[i] = last;
	}
	take_unit(ret, count);
}

static void write_decimals(struct bit_writer *writer, const struct decimals *decimals,
	const double *values, size_t count)
{
	bits_put(writer, MODE_DECIMAL, 1);
	bits_put(writer, decimals->shape.scale, 4);
	bits_put(writer, decimals->shape.single, 1);
	bits_put(writer, decimals->unit > 1, 1);
	if (decimals->unit > 1)
		bits_put(writer, decimals->unit, 53);
	bits_put(writer, decimals->near_count > 0, 1);
	bits_put(writer, decimals->odd_count, 10);
	ints_write(writer, decimals->numbers, count);
	if (decimals->near_count)
		ints_write(writer, decimals->off, count);
	for (size_t i = 0; i < decimals->odd_count; i++) {
		bits_put(writer, decimals->odd[i], 10);
		bits_put_64(writer, bits_of(values[decimals->odd[i]]));
	}
}

/* ---- changes of bits ---- */

struct window {
	unsigned above, length; /* zero bits above, then so many that count */
};

static void put_window(struct bit_writer *writer, uint64_t change, const struct window *window)
{
	uint64_t bits = change >> (64 - window->above - window->length);
	unsigned low = window->length > 32 ? 32 : window->length;
	bits_put(writer, bits & ((UINT64_C(1) << low) - 1), low);
	if (window->length > 32)
		bits_put(writer, bits >> 32, window->length - 32);
}

static void write_bits(struct bit_writer *writer, const double *values, size_t count)
{
	struct window window = {0, 64};
	uint64_t last = 0;
	bits_put(writer, MODE_BITS, 1);
	for (size_t i = 0; i < count; i++) {
		uint64_t now = bits_of(values[i]), change = now ^ last;
		last = now;
		if (!change) {
			bits_put(writer, 0, 1);
			continue;
		}
		unsigned above = (unsigned)__builtin_clzll(change);
		unsigned below = (unsigned)__builtin_ctzll(change);
		struct window tight = {above, 64 - above - below};
		bool inside = above >= window.above && below >= 64 - window.above - window.length;
		if (inside && window.length <= tight.length + 12) {
			bits_put(writer, 1, 2);
		} else {
			bits_put(writer, 3, 2);
			bits_put(writer, above, 6);
			bits_put(writer, tight.length - 1, 6);
			window = tight;
		}
		put_window(writer, change, &window);
	}
}

static bool read_bits(struct bit_reader *reader, size_t count, double *ret)
{
	struct window window = {0, 64};
	uint64_t last = 0;
	for (size_t i = 0; i < count; i++) {
		if (bits_read(reader, 1)) {
			if (bits_read(reader, 1)) {
				window.above = (unsigned)bits_read(reader, 6);
				window.length = (unsigned)bits_read(reader, 6) + 1;
				if (window.above + window.length > 64)
					return false;
			}
			unsigned low = window.length > 32 ? 32 : window.length;
			uint64_t bits = bits_read(reader, low);
			if (window.length > 32)
				bits |= bits_read(reader, window.length - 32) << 32;
			last ^= bits << (64 - window.above - window.length);
		}
		ret[i] = value_of(last);
		if (!isfinite(ret[i]))
			return false;
	}
	return true;
}

/* ---- the choice ---- */

/* So many exceptions of a column are no decimals; such long ones may be none. */
enum { ODD_SHARE = 3, LONG_SCALE = 10 };

static size_t bits_written(const struct bit_writer *writer)
{
	return writer->len * 8 + writer->held_bits;
}

static bool all_single(const double *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fabs(values[i]) > (double)FLT_MAX)
			return false;
		double narrow = (double)(float)values[i];
		int64_t off = (int64_t)(bits_of(values[i]) - bits_of(narrow));
		if (off < -NEAR || off > NEAR)
			return false;
	}
	return true;
}

static bool doubtful(const struct decimals *decimals, size_t count)
{
	return decimals->shape.scale >= LONG_SCALE || decimals->odd_count >= count / 8 + 1;
}

void column_write(struct bit_writer *writer, const double *values, size_t count)
{
	struct decimals decimals;
	must(count >= 1 && count <= COLUMN_MAX);
	take_decimals(values, count, false, &decimals);
	if (doubtful(&decimals, count) && all_single(values, count))
		take_decimals(values, count, true, &decimals);
	if (decimals.odd_count > count / ODD_SHARE) {
		write_bits(writer, values, count);
		return;
	}
	struct bit_writer before = *writer, shorter = *writer;
	write_decimals(writer, &decimals, values, count);
	if (!doubtful(&decimals, count) && !decimals.shape.single)
		return;
	/* Both ways fill the same bytes behind `before`: the shorter one is written last. */
	size_t cost = writer->full ? SIZE_MAX : bits_written(writer);
	write_bits(&shorter, values, count);
	if (!shorter.full && bits_written(&shorter) < cost) {
		*writer = shorter;
		return;
	}
	*writer = before;
	write_decimals(writer, &decimals, values, count);
}

/* Adds what decimals missed by. */
static bool read_off(struct bit_reader *reader, size_t count, double *values)
{
	int64_t off[COLUMN_MAX];
	if (!ints_read(reader, count, off))
		return false;
	for (size_t i = 0; i < count; i++) {
		values[i] = value_of(bits_of(values[i]) + unzigzag((uint64_t)off[i]));
		if (!isfinite(values[i]))
			return false;
	}
	return true;
}

static bool read_decimals(struct bit_reader *reader, size_t count, double *ret)
{
	int64_t numbers[COLUMN_MAX], unit = 1;
	struct shape shape = {.scale = (unsigned)bits_read(reader, 4)};
	shape.single = bits_read(reader, 1);
	if (bits_read(reader, 1))
		unit = (int64_t)bits_read(reader, 53);
	bool near = bits_read(reader, 1);
	size_t odd_count = (size_t)bits_read(reader, 10);
	if (!ints_read(reader, count, numbers) || odd_count > count)
		return false;
	for (size_t i = 0; i < count; i++)
		ret[i] = decimal(
			(double)((int64_t)((uint64_t)numbers[i] * (uint64_t)unit)), &shape);
	if (near && !read_off(reader, count, ret))
		return false;
	for (size_t i = 0; i < odd_count; i++) {
		size_t at = (size_t)bits_read(reader, 10);
		if (at >= count)
			return false;
		ret[at] = value_of(bits_read_64(reader));
		if (!isfinite(ret[at]))
			return false;
	}
	return true;
}

bool column_read(struct bit_reader *reader, size_t count, double *ret)
{
	if (count < 1 || count > COLUMN_MAX)
		return false;
	if (bits_read(reader, 1) == MODE_BITS)
		return read_bits(reader, count, ret);
	return read_decimals(reader, count, ret);
}
