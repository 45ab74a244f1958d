/* SPDX-License-Identifier: Apache-2.0 */
/* Loss-weighted median of experts, regret-weighted window scores. */
#include "model/mix.h"

#include <math.h>

#include "num/array.h"

const int lead_days[LEADS] = {1, 2, 4, 7};
const int width_hours[WIDTHS] = {2, 4};

/* What is left of a loss after a day. Windows are chosen once a day: their record needs longer. */
static const float forget_error = 0.85F, forget_regret = 0.93F;

/*
 * What is believed of experts before they have a record: typical errors on servers and volumes,
 * relative to the same-hour median. They count like half a day of record.
 */
static const double prior_error[EXPERTS] = {
	[EXPERT_LAST] = 1.5,
	[EXPERT_DAY] = 1.3,
	[EXPERT_WEEK] = 1.4,
	[EXPERT_LEVEL] = 1.2,
	[EXPERT_HOUR] = 1.0,
	[EXPERT_WEEK_HOUR] = 1.2,
	[EXPERT_ANALOGUE] = 1.0,
	[EXPERT_HW_LOG] = 1.0,
	[EXPERT_DSHW_LOG] = 1.0,
	[EXPERT_DSHW] = 1.2,
	[EXPERT_THETA] = 1.2,
	[EXPERT_THETA_LOG] = 1.1,
	[EXPERT_LAG_LOG] = 1.1,
	[EXPERT_LAG] = 1.2,
	[EXPERT_TREND_LOG] = 1.2,
	[EXPERT_PROFILE] = 1.1,
	[EXPERT_PHASES] = 1.0,
	[EXPERT_GUEST] = 1.2,
};
static const double prior_days = 0.5;

enum { PROOF_HOURS = 6 };

size_t lead_of(size_t ahead_hour)
{
	size_t day = ahead_hour / HISTORY_DAY;
	return day == 0 ? 0 : day == 1 ? 1 : day <= 4 ? 2 : 3;
}

static void tally_add(struct tally *tally, double loss, float forget)
{
	tally->loss = forget * tally->loss + (float)loss;
	tally->days = forget * tally->days + 1;
}

static double mean_error(const float *said, const double *truth)
{
	double sum = 0;
	size_t count = 0;
	for (size_t h = 0; h < HISTORY_DAY; h++) {
		double error = fabs((double)said[h] - truth[h]);
		if (isnan(error))
			continue;
		sum += error;
		count++;
	}
	return count >= PROOF_HOURS ? sum / (double)count : NUM_GAP;
}

/* Mean over `width` hours from `start`, a gap when one of them is. */
static double window_mean(const double *y, size_t start, size_t width)
{
	double sum = 0;
	for (size_t h = start; h < start + width; h++)
		sum += y[h];
	return sum / (double)width;
}

/* The load that the expert's choice would have cost above the best window, where 1 is what a
 * random choice costs; NaN when the day tells nothing. */
static double regret(const float *said, const double *truth, size_t width)
{
	double own[HISTORY_DAY], best = HUGE_VAL, sum = 0, low = HUGE_VAL, chosen = NUM_GAP;
	size_t count = 0;
	for (size_t h = 0; h < HISTORY_DAY; h++)
		own[h] = (double)said[h];
	for (size_t s = 0; s + width <= HISTORY_DAY; s++) {
		double real = window_mean(truth, s, width), mine = window_mean(own, s, width);
		if (isnan(real) || isnan(mine))
			continue;
		best = fmin(best, real);
		sum += real;
		count++;
		if (mine < low) {
			low = mine;
			chosen = real;
		}
	}
	double mean = count ? sum / (double)count : NUM_GAP;
	if (count < PROOF_HOURS || !(mean - best > 1e-9 * fabs(mean)))
		return NUM_GAP;
	return fmin((chosen - best) / (mean - best), 3);
}

void mix_learn(
	struct mix *mix, size_t lead, const float said[EXPERTS][HISTORY_DAY], const double *truth)
{
	for (size_t e = 0; e < EXPERTS; e++) {
		double error = mean_error(said[e], truth);
		if (!isnan(error))
			tally_add(&mix->error[lead][e], error, forget_error);
		for (size_t w = 0; lead == 0 && w < WIDTHS; w++) {
			double cost = regret(said[e], truth, (size_t)width_hours[w]);
			if (!isnan(cost))
				tally_add(&mix->regret[w][e], cost, forget_regret);
		}
	}
}

static void scale_down(struct tally *tally, float factor)
{
	tally->loss *= factor;
	tally->days *= factor;
}

void mix_restart(struct mix *mix)
{
	for (size_t e = 0; e < EXPERTS; e++) {
		for (size_t lead = 0; lead < LEADS; lead++)
			scale_down(&mix->error[lead][e], 0.4F);
		for (size_t w = 0; w < WIDTHS; w++)
			scale_down(&mix->regret[w][e], 0.4F);
	}
}

/* Errors in units of `prior`, mixed with the prior itself; experts who cannot speak are gaps. */
static void beliefs(const struct tally *tallies, const struct said *said, size_t at, double *ret)
{
	double scale = 0, scaled = 0;
	for (size_t e = 0; e < EXPERTS; e++) {
		if (isnan(said->by[e][at]) || !(tallies[e].days > 0))
			continue;
		scale += (double)tallies[e].loss / (double)tallies[e].days / prior_error[e];
		scaled += 1;
	}
	scale = scaled > 0 && scale > 0 ? scale / scaled : 1;
	for (size_t e = 0; e < EXPERTS; e++) {
		double loss = (double)tallies[e].loss + prior_days * prior_error[e] * scale;
		ret[e] = isnan(said->by[e][at])
			? NUM_GAP
			: loss / (((double)tallies[e].days + prior_days) * scale);
	}
}

static void normalise(double *weights, double power)
{
	double best = HUGE_VAL, sum = 0;
	for (size_t e = 0; e < EXPERTS; e++)
		if (!isnan(weights[e]))
			best = fmin(best, weights[e]);
	for (size_t e = 0; e < EXPERTS; e++) {
		weights[e] = isnan(weights[e]) ? 0 : pow(best / weights[e], power);
		sum += weights[e];
	}
	for (size_t e = 0; sum > 0 && e < EXPERTS; e++)
		weights[e] /= sum;
}

void mix_weights(const struct mix *mix, size_t lead, const struct said *said, double *ret_weights)
{
	size_t at = (size_t)(lead_days[lead] - 1) * HISTORY_DAY;
	beliefs(mix->error[lead], said, at, ret_weights);
	/* Even means are drawn up by peaks: they speak of windows, not of levels. */
	ret_weights[EXPERT_PROFILE] = NUM_GAP;
	normalise(ret_weights, lead == 0 ? 6 : 4);
}

void mix_forecast(const struct mix *mix, const struct said *said, double *ret)
{
	double weights[LEADS][EXPERTS];
	for (size_t lead = 0; lead < LEADS; lead++)
		mix_weights(mix, lead, said, weights[lead]);
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		double value[EXPERTS], weight[EXPERTS];
		size_t count = 0;
		for (size_t e = 0; e < EXPERTS; e++) {
			if (isnan(said->by[e][h]))
				continue;
			value[count] = said->by[e][h];
			weight[count++] = weights[lead_of(h)][e];
		}
		ret[h] = num_weighted_median(value, weight, count);
	}
}

/* The share of windows that an expert takes for lower than this one. */
static double rank(const double *load, size_t starts, size_t s)
{
	size_t lower = 0;
	for (size_t other = 0; other < starts; other++)
		lower += load[other] < load[s];
	return (double)lower / (double)starts;
}

void mix_windows(const struct mix *mix, const struct said *said, size_t width, double *ret)
{
	double weights[EXPERTS];
	size_t hours = (size_t)width_hours[width], starts = HISTORY_DAY - hours + 1;
	beliefs(mix->regret[width], said, 0, weights);
	for (size_t e = 0; e < EXPERTS; e++)
		weights[e] += 0.05; /* no regret at all is luck */
	normalise(weights, 4);
	for (size_t s = 0; s < starts; s++)
		ret[s] = 0;
	for (size_t e = 0; e < EXPERTS; e++) {
		double load[HISTORY_DAY];
		for (size_t s = 0; weights[e] > 0 && s < starts; s++)
			load[s] = window_mean(said->by[e], s, hours);
		for (size_t s = 0; weights[e] > 0 && s < starts; s++)
			ret[s] += weights[e] * sqrt(rank(load, starts, s));
	}
}
