/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quantile sketch of fixed size: any quantile within a known relative error, merged with others
 * without loss of that bound, the same bits whatever the order of values.
 *
 * Bins grow geometrically (DDSketch: Masson, Rim and Lee, PVLDB 12, 2019); when the range does not
 * fit any more every two bins become one and the error doubles (UDDSketch: Epicoco et al., IEEE
 * Access 8, 2020). Values of both signs, and zero, are kept apart.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_NUM_SKETCH_H
#define EBB_NUM_SKETCH_H

#include <stddef.h>
#include <stdint.h>

enum { SKETCH_BINS = 200, SKETCH_COLLAPSE_MAX = 12 };

struct sketch_side {
	int32_t first; /* index of count[0] */
	uint32_t used; /* bins in use from first on */
	uint64_t count[SKETCH_BINS];
};

/* An all-zero struct is an empty sketch. */
struct sketch {
	uint32_t collapses;
	uint64_t zeros, refused;    /* refused: NaN and infinities */
	double low, high;           /* the extremes, exactly */
	struct sketch_side side[2]; /* positive, negative */
};

void sketch_add(struct sketch *sketch, double value);
void sketch_merge(struct sketch *into, const struct sketch *other);
uint64_t sketch_count(const struct sketch *sketch);

/* Makes one bin of every two: half the memory when it is written down, twice the error. */
void sketch_collapse(struct sketch *sketch);

/* NaN when empty; the extremes are exact, all else within a relative error of sketch_error(). */
double sketch_quantile(const struct sketch *sketch, double p);
double sketch_error(const struct sketch *sketch);

#endif
