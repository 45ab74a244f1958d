/* SPDX-License-Identifier: Apache-2.0 */
/* Distances, and p-values of each. */
#include "model/odd.h"

#include <math.h>

#include "base/must.h"
#include "num/array.h"

const char *const odd_names[ODD_WAYS] = {
	[ODD_LEVEL] = "level", [ODD_STEP] = "step", [ODD_HABIT] = "habit", [ODD_SHAPE] = "shape"};

/* An alarm fades by half in 230 values, the greatest distance in 1,400. */
static const float fade = 0.997F, top_fade = 0.9995F, quiet = 0.05F;

void odd_begin(struct odd *odd, uint32_t period)
{
	must(period >= 2 && period <= ODD_PERIOD_MAX);
	*odd = (struct odd){.period = period};
}

static double back(const struct odd *odd, uint64_t steps)
{
	if (steps > odd->steps || steps > ODD_RING)
		return NUM_GAP;
	return (double)odd->ring[(odd->steps - steps) % ODD_RING];
}

/* Median absolute deviation, as a standard deviation of a normal law. */
static double spread_of(double *x, size_t count, double middle)
{
	for (size_t i = 0; i < count; i++)
		x[i] = fabs(x[i] - middle);
	return count ? 1.4826 * num_median(x, count) : 0;
}

static void refresh(struct odd *odd)
{
	double levels[ODD_PERIOD_MAX], steps[ODD_PERIOD_MAX];
	size_t level_count = 0, step_count = 0;
	for (uint64_t i = 1; i <= odd->period && i <= odd->steps; i++) {
		double y = back(odd, i), before = back(odd, i + 1);
		if (!isnan(y))
			levels[level_count++] = y;
		if (!isnan(y - before))
			steps[step_count++] = y - before;
	}
	if (!level_count)
		return;
	odd->middle = (float)num_median(levels, level_count);
	odd->spread = (float)spread_of(levels, level_count, (double)odd->middle);
	odd->step_spread = (float)spread_of(steps, step_count, 0);
}

/* The median of this time on the days before; NaN: there is none. */
static double habit(const struct odd *odd)
{
	double days[3 * ODD_DAYS];
	size_t count = 0;
	for (uint64_t day = 1; day <= ODD_DAYS; day++)
		for (uint64_t i = day * odd->period - 1; i <= day * odd->period + 1; i++) {
			double y = back(odd, i);
			if (!isnan(y))
				days[count++] = y;
		}
	return count ? num_median(days, count) : NUM_GAP;
}

/* Where nearly all is one value, a departure is measured by the value itself. */
static double in_units(const struct odd *odd, double off, double spread)
{
	return fabs(off) / (spread + 0.1 * fabs((double)odd->middle) + 1e-9);
}

/* Shares of the newest values, `value` among them, between the least and the greatest ever seen.
 * False: too few of them are there. */
static bool lately(const struct odd *odd, double value, double *ret)
{
	double low = (double)odd->low, width = (double)odd->high - low;
	size_t count = 0;
	for (size_t b = 0; b < ODD_BINS; b++)
		ret[b] = 0;
	for (uint64_t i = 0; i < ODD_LATELY; i++) {
		double y = i ? back(odd, i) : value;
		if (isnan(y))
			continue;
		double bin = fmax((y - low) / width, 0) * ODD_BINS;
		ret[bin >= ODD_BINS ? ODD_BINS - 1 : (size_t)bin] += 1;
		count++;
	}
	for (size_t b = 0; count && b < ODD_BINS; b++)
		ret[b] /= (double)count;
	return 2 * count > ODD_LATELY;
}

/* How far the nearest known distribution is, as the statistic of a likelihood-ratio test; one that
 * none comes near is known from now on. */
static double shape_distance(struct odd *odd, double value)
{
	/* chi-squared, four degrees of freedom, one in a hundred: as in the paper's setting */
	static const double agree = 13.2767, least_share = 0.01, least = 0.1;
	double now[ODD_BINS], best = HUGE_VAL;
	odd->low = fminf(odd->low, (float)value);
	odd->high = fmaxf(odd->high, (float)value);
	if (odd->steps < ODD_LATELY || !(odd->high > odd->low) || !lately(odd, value, now))
		return NUM_GAP;
	for (size_t k = 0; k < odd->shapes; k++) {
		double sum = 0;
		for (size_t b = 0; b < ODD_BINS; b++)
			if (now[b] > 0)
				sum += now[b] *
					log(now[b] / fmax((double)odd->shape[k][b], least_share));
		best = fmin(best, 2 * ODD_LATELY * sum);
	}
	bool first = odd->shapes <= 1;
	if (best > agree && odd->shapes < ODD_SHAPES) {
		for (size_t b = 0; b < ODD_BINS; b++)
			odd->shape[odd->shapes][b] = (float)now[b];
		odd->shapes++;
	}
	return first ? NUM_GAP : fmax(best, least) / 4;
}

static void distances(struct odd *odd, double value, double *ret)
{
	double usual = habit(odd);
	ret[ODD_LEVEL] = in_units(odd, value - (double)odd->middle, (double)odd->spread);
	ret[ODD_STEP] = in_units(odd, value - back(odd, 1), (double)odd->step_spread);
	ret[ODD_HABIT] = in_units(odd, value - usual, (double)odd->habit_spread);
	ret[ODD_SHAPE] = shape_distance(odd, value);
	if (isnan(usual))
		return;
	float off = (float)fabs(value - usual);
	odd->habit_spread += 0.01F * (off - odd->habit_spread);
}

static double score_of(struct odd *odd, enum odd_way way, double distance, double *ret_p)
{
	*ret_p = surprise_add(&odd->past[way], distance, 1);
	double score = -log10(*ret_p), top = (double)odd->top[way];
	if (isnan(distance))
		return 0;
	/* Beyond all that was seen the p-value cannot tell how far. */
	if (top > 0 && distance > top)
		score += fmin(log2(distance / top), 3) * 0.5;
	odd->top[way] = (float)fmax(distance, top * (double)top_fade);
	return score;
}

struct odd_view odd_add(struct odd *odd, double value)
{
	struct odd_view view = {.p = 1};
	double distance[ODD_WAYS];
	bool sane = fabs(value) <= 1e18;
	if (sane && !odd->steps)
		odd->low = odd->high = (float)value;
	if (sane && odd->steps) {
		refresh(odd);
		distances(odd, value, distance);
		for (enum odd_way way = 0; way < ODD_WAYS; way++) {
			double p, score = score_of(odd, way, distance[way], &p);
			if (score > view.score)
				view = (struct odd_view){.p = p, .way = way, .score = score};
		}
	}
	odd->held *= fade;
	view.alarm = view.score > (double)odd->held ? view.score : view.score * (double)quiet;
	odd->held = fmaxf(odd->held, (float)view.score);
	odd->ring[odd->steps++ % ODD_RING] = sane ? (float)value : (float)NUM_GAP;
	return view;
}
