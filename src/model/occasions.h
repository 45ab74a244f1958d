/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calendar's events do to a series: by how much its hours in an event were above or below
 * the same hours of other days. The history that experts look at has events taken out, so that
 * yesterday's month end is not expected again today; what they say of hours to come has the events
 * put in.
 *
 * An effect is a ratio, on log(y + offset). It is learnt for each hour of the day from the weeks
 * that are remembered, leaning on the event as a whole, and on what the calendar itself says, which
 * is all there is of an event that was never seen. One that neither was seen nor has a number does
 * nothing.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_MODEL_OCCASIONS_H
#define EBB_MODEL_OCCASIONS_H

#include <stddef.h>
#include <stdint.h>

#include "calendar/calendar.h"

struct occasions {
	const struct calendar *calendar; /* borrowed */
	double offset;                   /* of the logarithm */
	double effect[CALENDAR_EVENTS][24];
	size_t seen[CALENDAR_EVENTS]; /* hours that it was learnt from */
};

/*
 * Learns from `n` hours, the first of which is `first` (hours since 1970, local), gaps NaN, and
 * replaces those in events by what other days were. Values below zero have no ratio: such a series
 * is left as it is, and knows no effect.
 */
void occasions_take_out(struct occasions *occasions, const struct calendar *calendar, int64_t first,
	double *y, size_t n);

/* `y`, said of that hour without knowing of events, with what its event does. */
double occasions_put_in(const struct occasions *occasions, int64_t hour, double y);

#endif
