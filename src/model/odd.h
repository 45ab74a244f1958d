/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How odd is the newest value of a series? Four ways to be odd: the level against that of the last
 * day, the step from the value before, the departure from what this time of day usually is, and the
 * distribution of the last 52 values against all distributions seen before (after Wang et al.,
 * "Statistical techniques for online anomaly detection in data centers", IM 2011). Each distance is
 * turned into a conformal p-value against its own past (num/conform.h), and the oddest one speaks:
 * p is small when hardly anything as odd was seen before.
 *
 * One event is told once: what follows an alarm has to be odder than it was, less as time goes by.
 *
 * Values come at equal steps; NaN is a gap. Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_ODD_H
#define EBB_MODEL_ODD_H

#include <stddef.h>
#include <stdint.h>

#include "num/conform.h"

enum { ODD_DAYS = 7, ODD_PERIOD_MAX = 288, ODD_RING = ODD_DAYS * ODD_PERIOD_MAX };

enum { ODD_BINS = 8, ODD_SHAPES = 48, ODD_LATELY = 52 };

enum odd_way { ODD_LEVEL, ODD_STEP, ODD_HABIT, ODD_SHAPE, ODD_WAYS };

extern const char *const odd_names[ODD_WAYS];

struct odd {
	float ring[ODD_RING];
	uint32_t period; /* steps a day */
	uint64_t steps;  /* ever added */
	/* Of the last day: its middle and the spread of levels and steps. */
	float middle, spread, step_spread;
	float habit_spread; /* mean of departures from the habit, forgetting */
	float low, high;    /* all that was seen */
	uint32_t shapes;    /* distributions that differ, as shares of bins between low and high */
	float shape[ODD_SHAPES][ODD_BINS];
	struct surprise past[ODD_WAYS];
	float top[ODD_WAYS]; /* the greatest distance seen, forgetting */
	float held;          /* the last alarm, fading */
};

/* `period`: steps a day, 2 .. ODD_PERIOD_MAX. */
void odd_begin(struct odd *odd, uint32_t period);

struct odd_view {
	double p; /* of the oddest way */
	enum odd_way way;
	double score; /* -log10(p), higher beyond all that was seen */
	double alarm; /* the score, or nearly nothing while an alarm as odd is still fresh */
};

/* Always finite; a gap is not odd. */
struct odd_view odd_add(struct odd *odd, double value);

#endif
