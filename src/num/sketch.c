/* SPDX-License-Identifier: Apache-2.0 */
/* Geometric bins that halve their number when they must. */
#include "num/sketch.h"

#include <math.h>
#include <string.h>

#include "num/array.h"

/* One per cent before any collapse: gamma = (1 + a) / (1 - a). */
static const double first_error = 0.01;

static double log_gamma(uint32_t collapses)
{
	return ldexp(log1p(2 * first_error / (1 - first_error)), (int)collapses);
}

double sketch_error(const struct sketch *sketch)
{
	double gamma = exp(log_gamma(sketch->collapses));
	return (gamma - 1) / (gamma + 1);
}

/* Values below 1e-100 are nothing; the index then fits easily. */
static int32_t index_of(double size, uint32_t collapses)
{
	return (int32_t)ceil(log(size) / log_gamma(collapses));
}

/* Index i covers gamma^(i-1) .. gamma^i; of pairs (2j - 1, 2j) the upper index halves exactly. */
static int32_t halved(int32_t index)
{
	return index > 0 ? (index + 1) / 2 : -(-index / 2);
}

static void collapse_side(struct sketch_side *side)
{
	if (!side->used)
		return;
	struct sketch_side old = *side;
	int32_t first = halved(old.first);
	memset(side, 0, sizeof(*side));
	side->first = first;
	for (uint32_t i = 0; i < old.used; i++) {
		uint32_t at = (uint32_t)(halved(old.first + (int32_t)i) - first);
		side->count[at] += old.count[i];
		side->used = at + 1;
	}
}

void sketch_collapse(struct sketch *sketch)
{
	collapse_side(&sketch->side[0]);
	collapse_side(&sketch->side[1]);
	sketch->collapses++;
}

/* Adds to one bin; false: it does not fit. */
static bool put(struct sketch_side *side, int32_t index, uint64_t count)
{
	if (!side->used) {
		side->first = index;
		side->used = 1;
		side->count[0] = count;
		return true;
	}
	int64_t first = side->first < index ? side->first : index;
	int64_t last = (int64_t)side->first + side->used - 1;
	last = last > index ? last : index;
	if (last - first >= SKETCH_BINS)
		return false;
	if (first < side->first) {
		size_t move = (size_t)(side->first - first);
		memmove(side->count + move, side->count, side->used * sizeof(*side->count));
		memset(side->count, 0, move * sizeof(*side->count));
		side->first = (int32_t)first;
	}
	side->used = (uint32_t)(last - first + 1);
	side->count[index - side->first] += count;
	return true;
}

void sketch_add(struct sketch *sketch, double value)
{
	if (!isfinite(value)) {
		sketch->refused++;
		return;
	}
	bool empty = !sketch_count(sketch);
	sketch->low = empty ? value : fmin(sketch->low, value);
	sketch->high = empty ? value : fmax(sketch->high, value);
	double size = fabs(value);
	if (size < 1e-100) {
		sketch->zeros++;
		return;
	}
	struct sketch_side *side = &sketch->side[value < 0];
	while (!put(side, index_of(size, sketch->collapses), 1))
		sketch_collapse(sketch);
}

void sketch_merge(struct sketch *into, const struct sketch *other)
{
	if (!sketch_count(other)) {
		into->refused += other->refused;
		return;
	}
	struct sketch theirs = *other;
	bool empty = !sketch_count(into);
	into->low = empty ? theirs.low : fmin(into->low, theirs.low);
	into->high = empty ? theirs.high : fmax(into->high, theirs.high);
	into->zeros += theirs.zeros;
	into->refused += theirs.refused;
	while (into->collapses < theirs.collapses)
		sketch_collapse(into);
	while (theirs.collapses < into->collapses)
		sketch_collapse(&theirs);
	for (size_t s = 0; s < 2; s++) {
		uint32_t i = 0;
		while (i < theirs.side[s].used) {
			int32_t index = theirs.side[s].first + (int32_t)i;
			uint64_t count = theirs.side[s].count[i];
			if (!count || put(&into->side[s], index, count)) {
				theirs.side[s].count[i++] = 0;
				continue;
			}
			/* What is left of theirs is collapsed along; what was added stays added. */
			sketch_collapse(into);
			sketch_collapse(&theirs);
			i = 0;
		}
	}
}

uint64_t sketch_count(const struct sketch *sketch)
{
	uint64_t count = sketch->zeros;
	for (size_t s = 0; s < 2; s++)
		for (uint32_t i = 0; i < sketch->side[s].used; i++)
			count += sketch->side[s].count[i];
	return count;
}

static double value_of(const struct sketch *sketch, int32_t index)
{
	double step = log_gamma(sketch->collapses), gamma = exp(step);
	return 2 * exp(step * (double)index) / (gamma + 1);
}

double sketch_quantile(const struct sketch *sketch, double p)
{
	uint64_t count = sketch_count(sketch);
	if (!count)
		return NUM_GAP;
	double rank = fmin(fmax(p, 0), 1) * (double)(count - 1), passed = 0;
	if (!(rank > 0))
		return sketch->low;
	if (rank >= (double)(count - 1))
		return sketch->high;
	const struct sketch_side *negative = &sketch->side[1], *positive = &sketch->side[0];
	double value = 0;
	bool found = false;
	for (uint32_t i = negative->used; !found && i-- > 0;) {
		passed += (double)negative->count[i];
		found = passed > rank;
		value = -value_of(sketch, negative->first + (int32_t)i);
	}
	passed += (double)sketch->zeros;
	if (!found && passed > rank) {
		found = true;
		value = 0;
	}
	for (uint32_t i = 0; !found && i < positive->used; i++) {
		passed += (double)positive->count[i];
		found = passed > rank;
		value = value_of(sketch, positive->first + (int32_t)i);
	}
	return fmin(fmax(value, sketch->low), sketch->high);
}
