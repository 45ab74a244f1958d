/* SPDX-License-Identifier: Apache-2.0 */
/* State, age, habit; survival by age. */
#include "model/burst.h"

#include <math.h>

#include "num/array.h"

static const uint32_t ages[BURST_AGES] = {1, 2, 3, 6, 12, 24, 48, 96};

enum { STEP_S = 300, DAY = 288, SLOT_STEPS = 288 / BURST_SLOTS, AGE_HOUR = 4 };

/* A habit is an average over about two weeks of days, the rest over about a month of steps. */
static const float slot_gain = 0.012F, share_gain = 1 / 4000.0F;
static const float change_gain = 0.01F, usual_gain = 0.2F;

/* Before anything was seen: survival as it is on most volumes. */
static const double prior_on[BURST_AGES] = {.05, .12, .2, .4, .58, .75, .85, .9};
static const double prior_count = 4;

/* Fitted on writes, reads and CPU of machines in steps of five minutes: half a million of them. */
const struct logit burst_shared = {.dims = BURST_FEATURES,
	.beta = {-1.159, 0.985, 0.078, -0.140, 0.094, 0.112, 1.815, 0.116, -0.028, 0.329, -0.135,
		-0.050, 0.939, 3.901, -1.469, 0.192, -0.149, -0.252, 0.245, -0.030, -0.049, 0.129,
		0.227}};

static size_t slot_of(int64_t step)
{
	return (size_t)(step / SLOT_STEPS % BURST_SLOTS);
}

void burst_level(struct burst *burst, const float *y, uint32_t n, double *scratch)
{
	size_t count = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!isnan(y[i]))
			scratch[count++] = (double)y[i];
	if (!count)
		return;
	num_sort(scratch, count);
	double middle = num_quantile(scratch, count, 0.5);
	burst->middle = (float)middle;
	burst->high = (float)fmax(num_quantile(scratch, count, 0.9), 3 * middle);
}

/* Steps after each age was reached, did the burst go on for half an hour? Known when it did, or
 * when it ended. */
static void count_survival(struct burst *burst, uint32_t length, bool over)
{
	for (size_t i = 0; i < BURST_AGES; i++) {
		bool lasted = length == ages[i] + BURST_AHEAD && !over;
		bool ended = over && length >= ages[i] && length < ages[i] + BURST_AHEAD;
		if (!lasted && !ended)
			continue;
		burst->reached[i] = 0.99F * burst->reached[i] + 1;
		burst->went_on[i] = 0.99F * burst->went_on[i] + (lasted ? 1 : 0);
	}
}

/* Averages that forget; the first value is all that is known. */
static void follow(struct burst *burst, int64_t step, float value, float seen)
{
	float *usual = &burst->usual[step % DAY];
	bool first = !burst->steps;
	if (!first) {
		float before = burst->recent[(burst->steps - 1) % BURST_HOUR];
		burst->change += change_gain * (fabsf(value - before) - burst->change);
	}
	burst->share6 += (first ? 1 : 1 / 36.0F) * (seen - burst->share6);
	burst->share24 += (first ? 1 : 1 / 288.0F) * (seen - burst->share24);
	*usual += (burst->steps < DAY ? 1 : usual_gain) * (value - *usual);
}

void burst_add(struct burst *burst, int64_t step, double value)
{
	if (isnan(value) || step < 0)
		return;
	bool above = value > (double)burst->high;
	if (burst->above && !above)
		count_survival(burst, burst->run, true);
	burst->run = burst->steps && above == burst->above ? burst->run + 1 : 1;
	burst->above = above;
	if (above) {
		count_survival(burst, burst->run, false);
		float level = (float)value;
		burst->height = burst->height > 0 ? burst->height + 0.02F * (level - burst->height)
						  : level;
	}
	float seen = above ? 1 : 0, *slot = &burst->slot[slot_of(step)];
	*slot += slot_gain * (seen - *slot);
	uint8_t *days = &burst->days[step % DAY];
	*days = (uint8_t)(*days << 1 | above);
	burst->share += (burst->steps < 4000 ? 1 / (float)(burst->steps + 1) : share_gain) *
		(seen - burst->share);
	follow(burst, step, (float)value, seen);
	burst->recent[burst->steps % BURST_HOUR] = (float)value;
	burst->steps++;
}

static double odds(double p)
{
	double inside = fmin(fmax(p, 1e-3), 1 - 1e-3);
	return log(inside / (1 - inside));
}

/* Level relative to the threshold, bounded, on a logarithmic scale. */
static double relative(const struct burst *burst, double value)
{
	double scale = fmax((double)burst->high, 1e-9), floor = 0.01;
	return fmin(fmax(log(fmax(value, 0) / scale + floor), -5), 4);
}

/* By how many usual changes a value is above the threshold: near to it that tells more than the
 * ratio. */
static double in_changes(const struct burst *burst, double value)
{
	double high = (double)burst->high;
	double unit = (double)burst->change + 0.02 * fmax(high, 1e-9);
	return fmin(fmax((value - high) / unit, -6), 6) / 2;
}

static double survival(const struct burst *burst, uint32_t age)
{
	size_t i = 0;
	while (i + 1 < BURST_AGES && ages[i + 1] <= age)
		i++;
	return ((double)burst->went_on[i] + prior_count * prior_on[i]) /
		((double)burst->reached[i] + prior_count);
}

/* Yesterday at this step, the last eight days at it, and half an hour around it. */
static void add_days(const struct burst *burst, int64_t step, double ret[3])
{
	uint8_t here = burst->days[step % DAY];
	int around = 0;
	for (int64_t i = step + DAY - 3; i <= step + DAY + 3; i++)
		around += __builtin_popcount(burst->days[i % DAY]);
	ret[0] = here & 1;
	ret[1] = __builtin_popcount(here) / 8.0;
	ret[2] = around / 56.0;
}

/* The last hour: its mean, that of its last quarter, its greatest, how much of it was high. */
struct hour {
	double mean, quarter, top, high, last;
};

static struct hour last_hour(const struct burst *burst)
{
	uint32_t kept = burst->steps < BURST_HOUR ? burst->steps : BURST_HOUR;
	struct hour hour = {0};
	for (uint32_t i = 0; i < kept; i++) {
		double y = (double)burst->recent[(burst->steps - 1 - i) % BURST_HOUR];
		hour.last = i ? hour.last : y;
		hour.mean += y / kept;
		hour.quarter += i < 3 ? y / 3 : 0;
		hour.high += y > (double)burst->high ? 1.0 / kept : 0;
		hour.top = fmax(hour.top, y);
	}
	return hour;
}

/* What is usual at the step in question, and around it. */
static void add_usual(const struct burst *burst, int64_t step, double ret[3])
{
	double around = 0;
	for (int64_t i = step + DAY - 3; i <= step + DAY + 3; i++)
		around += (double)burst->usual[i % DAY] / 7;
	ret[0] = in_changes(burst, (double)burst->usual[step % DAY]);
	ret[1] = in_changes(burst, around);
	ret[2] = relative(burst, around);
}

void burst_features(const struct burst *burst, int64_t step, double ret[BURST_FEATURES])
{
	const struct hour hour = last_hour(burst);
	int64_t then = step + BURST_AHEAD - 1;
	double age = log((double)burst->run + 1);
	bool above = burst->above;
	ret[0] = 1;
	ret[1] = above;
	ret[2] = above ? age : 0;
	ret[3] = above ? 0 : age;
	ret[4] = relative(burst, hour.last);
	ret[5] = relative(burst, hour.mean);
	ret[6] = hour.high;
	ret[7] = odds((double)burst->slot[slot_of(then)]);
	ret[8] = odds((double)burst->share);
	ret[9] = above ? odds(survival(burst, burst->run)) : 0;
	ret[10] = relative(burst, hour.top);
	ret[11] = relative(burst, hour.quarter);
	add_days(burst, then, ret + 12);
	ret[15] = in_changes(burst, hour.last);
	ret[16] = in_changes(burst, hour.mean);
	ret[17] = above ? ret[16] : 0;
	add_usual(burst, then, ret + 18);
	ret[21] = odds((double)burst->share24);
	ret[22] = odds((double)burst->share6);
}

static double expected_rest(const struct burst *burst)
{
	if (!burst->above)
		return 0;
	/* Half hours as long as survival by the age then reached lets them follow each other. */
	double rest = 0, alive = 1;
	uint32_t age = burst->run;
	for (int i = 0; i < 48 && alive > 0.01; i++) {
		alive *= survival(burst, age);
		rest += alive * BURST_AHEAD * STEP_S;
		age += BURST_AHEAD;
	}
	return rest + 0.5 * STEP_S;
}

/* Chance that a burst of this age lasts to an hour in all. */
static double chance_of_hour(const struct burst *burst)
{
	uint32_t age = burst->above ? burst->run : 1;
	double chance = 1;
	for (; age < ages[AGE_HOUR]; age += BURST_AHEAD)
		chance *= survival(burst, age);
	return chance;
}

void burst_look(
	const struct burst *burst, const struct logit *logit, int64_t step, struct burst_view *ret)
{
	double features[BURST_FEATURES];
	burst_features(burst, step, features);
	if (logit->dims == BURST_FEATURES)
		ret->probability = logit_at(logit, features);
	else
		ret->probability = burst->above
			? survival(burst, burst->run)
			: (double)burst->slot[slot_of(step + BURST_AHEAD - 1)];
	ret->sustained = chance_of_hour(burst);
	ret->more_s = expected_rest(burst);
	ret->height = fmax((double)burst->height, (double)burst->high);
}
