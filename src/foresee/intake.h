/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other programs have measured, on its way into the store: samples by series, gathered while
 * an answer or a file is read, and put when all of it was understood.
 *
 * What the store knows already stays. A sample whose moment is there, or lies between two samples
 * less than an hour apart, is not put: two sources of one counter would make nonsense of it. So the
 * same import may come again, and goes on where it ended.
 *
 * A rate becomes a counter, since that is what the store keeps of such quantities: the counter goes
 * on from the sample where the rate's span begins, else it begins anew at INTAKE_BASE, which is
 * above what counters of machines reach. So where the machine's own counter follows it falls, and
 * that is a reset, not a burst.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_FORESEE_INTAKE_H
#define EBB_FORESEE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "series/series.h"

struct name;
struct why;

enum intake_form { INTAKE_GAUGE, INTAKE_COUNTER, INTAKE_RATE };

#define INTAKE_BASE 35184372088832.0 /* 2^45: a quarter of a thousandth is still told apart */

enum { INTAKE_SERIES = 20000, INTAKE_SAMPLES = 64 << 20 };

struct intake_sample {
	int64_t ms, span_ms; /* of a rate: the span that ends at ms */
	double value;
};

struct intake_series {
	struct name *name;
	enum intake_form form;
	bool sum; /* samples of one moment are parts of one (several CPUs), else the first counts */
	VEC(struct intake_sample) samples;
	uint64_t put[SERIES_PUTS];
};

struct intake {
	struct map by_name; /* struct intake_series; in order of arrival */
	uint64_t gaps;      /* values that are none */
	uint64_t left_out;  /* values of things that have no series here */
	size_t samples;
};

void intake_done(struct intake *intake);

struct intake_how {
	enum intake_form form;
	bool sum;
};

/* Adds a sample; one that is not finite is a gap. -ENOMEM; -EFBIG: more than is taken at once. */
int intake_add(struct intake *intake, const struct name *name, const struct intake_how *how,
	const struct intake_sample *sample, struct why *why);

/* Puts all and makes it durable; counts go up in each series, whose samples are gone then. */
int intake_put(struct intake *intake, struct series *series, struct why *why);

#endif
