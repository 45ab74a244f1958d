/* SPDX-License-Identifier: Apache-2.0 */
/* Ratios of hours in events to the same hours of days like theirs. */
#include "model/occasions.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "num/array.h"

enum { DAY = 24, BESIDE = 10, REACH_DAYS = 28, ALIKE_MIN = 3 };

/* What the calendar says counts for so many hours, and that nothing happens for one. */
#define SAID_HOURS 6.0
#define CALM_HOURS 1.0

/* e^5 is 150 times: more is no peak but another quantity. */
#define EFFECT_MAX 5.0

struct hours {
	const struct calendar *calendar;
	int64_t first;
	const double *y;
	size_t n;
};

static bool is_weekend(int64_t hour)
{
	int64_t day = (hour / DAY + 3) % 7; /* 0 is Monday */
	return day >= 5;
}

/* Whether an hour says what days without events are. */
static bool is_plain(const struct hours *hours, int64_t i)
{
	return i >= 0 && i < (int64_t)hours->n && !isnan(hours->y[i]) &&
		calendar_at(hours->calendar, hours->first + i) < 0;
}

/* The median of that hour on the nearest plain days; of working days or weekends, as it is. */
static double beside(const struct hours *hours, size_t at, bool alike)
{
	double found[BESIDE];
	size_t count = 0;
	bool weekend = is_weekend(hours->first + (int64_t)at);
	for (int64_t days = 1; days <= REACH_DAYS; days++) {
		for (int side = -1; side <= 1 && count < BESIDE; side += 2) {
			int64_t i = (int64_t)at + side * days * DAY;
			if (is_plain(hours, i) &&
				(!alike || is_weekend(hours->first + i) == weekend))
				found[count++] = hours->y[i];
		}
	}
	return count >= ALIKE_MIN ? num_median(found, count) : NUM_GAP;
}

/* What the hour would have been; a gap: nobody can say. */
static double otherwise(const struct hours *hours, size_t at)
{
	double value = beside(hours, at, true);
	return isnan(value) ? beside(hours, at, false) : value;
}

/* The effects of one event from its sums by hour of the day. */
static void settle(const struct calendar_event *event, const double sum[DAY],
	const size_t count[DAY], double effect[DAY])
{
	bool said = event->times >= 0;
	double all = 0, hours = said ? SAID_HOURS : CALM_HOURS;
	double expected = said ? fmax(log(fmax(event->times, 1e-9)), -EFFECT_MAX) : 0;
	all = expected * hours;
	for (int h = 0; h < DAY; h++) {
		all += sum[h];
		hours += (double)count[h];
	}
	double mean = all / hours;
	for (int h = 0; h < DAY; h++) {
		double here = (sum[h] + mean) / ((double)count[h] + 1);
		effect[h] = fmin(fmax(here, -EFFECT_MAX), EFFECT_MAX);
	}
}

static double offset_of(const double *y, size_t n)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (isnan(y[i]))
			continue;
		if (y[i] < 0)
			return NUM_GAP;
		sum += y[i];
		count++;
	}
	return count && sum > 0 ? 0.02 * sum / (double)count : NUM_GAP;
}

void occasions_take_out(struct occasions *occasions, const struct calendar *calendar, int64_t first,
	double *y, size_t n)
{
	double sum[CALENDAR_EVENTS][DAY] = {{0}}, plain[DAY * 7 * 6];
	size_t count[CALENDAR_EVENTS][DAY] = {{0}};
	const struct hours hours = {calendar, first, y, n};
	*occasions = (struct occasions){.calendar = calendar, .offset = offset_of(y, n)};
	if (isnan(occasions->offset) || n > sizeof(plain) / sizeof(plain[0]))
		return;
	memcpy(plain, y, n * sizeof(*y));
	for (size_t i = 0; i < n; i++) {
		int event = calendar_at(calendar, first + (int64_t)i);
		double other = event >= 0 ? otherwise(&hours, i) : NUM_GAP;
		if (isnan(other))
			continue;
		size_t h = (size_t)((first + (int64_t)i) % DAY);
		plain[i] = other;
		if (isnan(y[i]))
			continue;
		sum[event][h] += log((y[i] + occasions->offset) / (other + occasions->offset));
		count[event][h]++;
		occasions->seen[event]++;
	}
	memcpy(y, plain, n * sizeof(*y));
	for (size_t e = 0; e < calendar->count; e++)
		settle(&calendar->at[e], sum[e], count[e], occasions->effect[e]);
}

double occasions_put_in(const struct occasions *occasions, int64_t hour, double y)
{
	if (isnan(occasions->offset))
		return y;
	int event = calendar_at(occasions->calendar, hour);
	if (event < 0)
		return y;
	double effect = occasions->effect[event][hour % DAY];
	return fmax((y + occasions->offset) * exp(effect) - occasions->offset, 0);
}
