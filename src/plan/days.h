/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days that were, as days that could come. A day counts for more when it is recent, of the same
 * weekday, and when its last two hours were like ours.
 *
 * Slots are five minutes of local time, counted from any midnight. Any thread.
 */
#ifndef EBB_PLAN_DAYS_H
#define EBB_PLAN_DAYS_H

#include <stdint.h>

enum { DAYS_DAY = 288, DAYS_BACK = 21 };

/* What is known of a device, by slot; a gap is NaN. */
struct days_past {
	const float *busy; /* share of time that it works for its users */
	const float *size; /* days_size() of it, taken once and not at every step */
};

/* On the scale on which two loads are compared: a device that idles is like one that nearly does.
 */
float days_size(float busy);

/* Of the day `age` days ago, to one for whom all before the slot `now` is known. */
double days_weight(struct days_past past, int64_t now, int age);

/* That without the likeness of the last hours: for windows that lie far ahead. */
double days_weight_far(int age);

#endif
