/* SPDX-License-Identifier: Apache-2.0 */
/* Five-minute experts and their mix. */
#include "model/near.h"

#include <math.h>
#include <string.h>

#include "num/array.h"

const char *const near_names[NEAR_EXPERTS] = {
	[NEAR_LAST] = "last",
	[NEAR_SHORT] = "quarter-hour",
	[NEAR_HOURLY] = "hour",
	[NEAR_LONG] = "six-hours",
	[NEAR_SMOOTH] = "smooth",
	[NEAR_DAY_BEFORE] = "day-before",
	[NEAR_SAME] = "same-half-hour",
	[NEAR_SHIFTED] = "same-shifted",
	[NEAR_LINE] = "line",
};

enum { EARLY = 3, BLOCKS = 4, BLOCK = NEAR_HOUR / BLOCKS, FRESH = 6 };

static const double sane = 1e18;    /* as in history.c */
static const float forget = 0.985F; /* of errors, an hour */
static const float fade = 0.998F;   /* of the normal equations, an hour */

static size_t place(int64_t step)
{
	return (size_t)(step % NEAR_STEPS);
}

static double at(const struct near *near, int64_t step)
{
	if (step < near->first || step >= near->next)
		return NUM_GAP;
	return (double)near->steps[place(step)];
}

static void close_step(struct near *near)
{
	double mean = near->count ? near->sum / near->count : NUM_GAP;
	near->steps[place(near->next)] = (float)mean;
	if (near->count)
		near->smooth = near->started ? near->smooth + 0.15F * ((float)mean - near->smooth)
					     : (float)mean;
	near->started = near->started || near->count;
	near->sum = 0;
	near->count = 0;
	near->next++;
	if (near->next - near->first > NEAR_STEPS)
		near->first = near->next - NEAR_STEPS;
}

static bool reach(struct near *near, int64_t step)
{
	if (step < 0 || step > INT64_C(70389528) * NEAR_HOUR)
		return false;
	if (!near->next || step - near->next > NEAR_STEPS) {
		near->first = near->next = step;
		near->sum = 0;
		near->count = 0;
	}
	while (near->next < step)
		close_step(near);
	return true;
}

void near_add(struct near *near, int64_t local_s, double value)
{
	int64_t step = local_s / NEAR_STEP_S;
	if (!(fabs(value) <= sane) || local_s < 0 || (near->next && step < near->next) ||
		!reach(near, step))
		return;
	near->sum += value;
	near->count++;
	near->negative = near->negative || value < 0;
}

void near_reach(struct near *near, int64_t local_s)
{
	if (near->next && local_s / NEAR_STEP_S > near->next)
		reach(near, local_s / NEAR_STEP_S);
}

/* The median of steps from .. from + count - 1 that are there. */
static double median_of(const struct near *near, int64_t from, size_t count)
{
	double some[6 * NEAR_HOUR];
	size_t found = 0;
	for (size_t i = 0; i < count; i++) {
		double y = at(near, from + (int64_t)i);
		if (!isnan(y))
			some[found++] = y;
	}
	return num_median(some, found);
}

static double mean_of(const struct near *near, int64_t from, size_t count)
{
	double some[NEAR_HOUR];
	for (size_t i = 0; i < count; i++)
		some[i] = at(near, from + (int64_t)i);
	return num_mean(some, count);
}

/* The median of the half hour that begins at `from`, over the days kept. */
static double same_half_hour(const struct near *near, int64_t from)
{
	double some[7 * NEAR_HOUR / 2];
	size_t found = 0;
	for (int64_t day = 1; day <= 7; day++)
		for (int64_t i = 0; i < NEAR_HOUR / 2; i++) {
			double y = at(near, from + i - day * NEAR_DAY);
			if (!isnan(y))
				some[found++] = y;
		}
	return num_median(some, found);
}

static double to_scale(const struct near *near, double y)
{
	return near->negative ? y : sqrt(fmax(y, 0));
}

static double from_scale(const struct near *near, double x)
{
	return near->negative ? x : x > 0 ? x * x : 0;
}

static void say_constant(double value, double *ret)
{
	for (size_t h = 0; h < NEAR_HOUR; h++)
		ret[h] = value;
}

static bool say_simple(const struct near *near, struct near_ahead *ret)
{
	int64_t now = near->next;
	double last = at(near, now - 1);
	double hour = median_of(near, now - NEAR_HOUR, NEAR_HOUR);
	if (isnan(last))
		last = isnan(hour) ? (double)near->smooth : hour;
	if (isnan(last))
		return false;
	if (isnan(hour))
		hour = last;
	double quarter = median_of(near, now - EARLY, EARLY);
	double longer = median_of(near, now - 6 * NEAR_HOUR, 6 * NEAR_HOUR);
	say_constant(last, ret->by[NEAR_LAST]);
	say_constant(isnan(quarter) ? last : quarter, ret->by[NEAR_SHORT]);
	say_constant(hour, ret->by[NEAR_HOURLY]);
	say_constant(isnan(longer) ? last : longer, ret->by[NEAR_LONG]);
	say_constant((double)near->smooth, ret->by[NEAR_SMOOTH]);
	double before = same_half_hour(near, now - NEAR_HOUR / 2);
	for (int64_t h = 0; h < NEAR_HOUR; h++) {
		double same = h % FRESH ? ret->by[NEAR_SAME][h - 1] : same_half_hour(near, now + h);
		double level = to_scale(near, hour) - to_scale(near, before);
		ret->by[NEAR_DAY_BEFORE][h] = at(near, now + h - NEAR_DAY);
		ret->by[NEAR_SAME][h] = same;
		ret->by[NEAR_SHIFTED][h] = from_scale(near, to_scale(near, same) + level);
	}
	return true;
}

/* What NEAR_LINE looks at, on its scale; false when the last hour is not there. */
static bool features(const struct near *near, const struct near_ahead *said, double *ret)
{
	int64_t now = near->next;
	double same = said->by[NEAR_SAME][0], later = said->by[NEAR_SAME][NEAR_HOUR - 1];
	double day = mean_of(near, now - NEAR_DAY, NEAR_HOUR);
	double hour = mean_of(near, now - NEAR_HOUR, NEAR_HOUR);
	ret[0] = 1;
	ret[1] = to_scale(near, said->by[NEAR_LAST][0]);
	ret[2] = to_scale(near, said->by[NEAR_SHORT][0]);
	ret[3] = to_scale(near, said->by[NEAR_HOURLY][0]);
	ret[4] = to_scale(near, said->by[NEAR_LONG][0]);
	ret[5] = to_scale(near, isnan(hour) ? said->by[NEAR_HOURLY][0] : hour);
	ret[6] = isnan(same) ? ret[4] : to_scale(near, same);
	ret[7] = isnan(later) ? ret[4] : to_scale(near, later);
	ret[8] = isnan(day) ? ret[6] : to_scale(near, day);
	return !isnan(at(near, now - 1));
}

static void learn_line(struct near *near, const double *truth)
{
	for (size_t i = 0; i < NEAR_FEATURES; i++)
		for (size_t j = 0; j < NEAR_FEATURES; j++)
			near->gram[i * NEAR_FEATURES + j] = fade *
					near->gram[i * NEAR_FEATURES + j] +
				near->asked[i] * near->asked[j];
	for (size_t b = 0; b < BLOCKS; b++) {
		double target = to_scale(near, num_mean(truth + b * BLOCK, BLOCK));
		for (size_t i = 0; i < NEAR_FEATURES; i++)
			near->right[b][i] = fade * near->right[b][i] +
				near->asked[i] * (float)target;
	}
}

/* Ridge towards "the last hour goes on": the penalty pulls feature 5's share to 1, others to 0. */
static void say_line(const struct near *near, const double *row, double *ret)
{
	enum { N = NEAR_FEATURES, PRIOR = 5 };
	double factor[N * N], beta[N], trace = 0;
	for (size_t i = 0; i < N; i++)
		trace += (double)near->gram[i * N + i];
	double ridge = 0.01 * trace / N + 1e-9;
	for (size_t i = 0; i < N * N; i++)
		factor[i] = (double)near->gram[i] + (i % (N + 1) == 0 ? ridge : 0);
	bool solved = num_cholesky(factor, N);
	for (size_t b = 0; b < BLOCKS; b++) {
		double value = row[PRIOR];
		if (solved) {
			for (size_t i = 0; i < N; i++)
				beta[i] = (double)near->right[b][i] + (i == PRIOR ? ridge : 0);
			num_cholesky_solve(factor, N, beta);
			value = num_dot(beta, row, N);
		}
		/* Not beyond what was just seen: a regression must not explode. */
		double top = 0, low = 0;
		for (size_t i = 1; i < N; i++) {
			top = fmax(top, row[i]);
			low = fmin(low, row[i]);
		}
		value = fmin(fmax(value, 1.5 * low), 1.5 * top);
		for (size_t h = b * BLOCK; h < (b + 1) * BLOCK; h++)
			ret[h] = from_scale(near, value);
	}
}

static void learn(struct near *near)
{
	double truth[NEAR_HOUR];
	for (size_t h = 0; h < NEAR_HOUR; h++)
		truth[h] = at(near, near->said_at + (int64_t)h);
	if (num_count(truth, NEAR_HOUR) < NEAR_HOUR)
		return;
	for (size_t e = 0; e < NEAR_EXPERTS; e++) {
		double sum[2] = {0};
		for (size_t h = 0; h < NEAR_HOUR; h++)
			sum[h >= EARLY] += fabs((double)near->said[e][h] - truth[h]);
		for (size_t part = 0; part < 2; part++) {
			double mean = sum[part] / (part ? NEAR_HOUR - EARLY : EARLY);
			if (isnan(mean))
				continue;
			near->error[part][e] = forget * near->error[part][e] + (float)mean;
			near->weight[part][e] = forget * near->weight[part][e] + 1;
		}
	}
	if (near->asked_real)
		learn_line(near, truth);
}

static void mix(const struct near *near, struct near_ahead *ret)
{
	for (size_t h = 0; h < NEAR_HOUR; h++) {
		double value[NEAR_EXPERTS], weight[NEAR_EXPERTS], best = HUGE_VAL;
		size_t count = 0, part = h >= EARLY;
		for (size_t e = 0; e < NEAR_EXPERTS; e++) {
			if (isnan(ret->by[e][h]))
				continue;
			/* Without a record: half an hour's worth of an average expert. */
			double loss = (double)near->error[part][e] + 1e-12;
			value[count] = ret->by[e][h];
			weight[count] = near->weight[part][e] > 0
				? loss / (double)near->weight[part][e]
				: HUGE_VAL;
			best = fmin(best, weight[count++]);
		}
		for (size_t i = 0; i < count; i++)
			weight[i] = isinf(best) ? 1 : pow(best / weight[i], 4);
		ret->mix[h] = num_weighted_median(value, weight, count);
	}
}

bool near_say(struct near *near, struct near_ahead *ret)
{
	if (!near->started)
		return false;
	bool due = near->said_at && near->said_at + NEAR_HOUR <= near->next;
	if (due)
		learn(near);
	double row[NEAR_FEATURES];
	ret->start = near->next;
	if (!say_simple(near, ret))
		return false;
	bool real = features(near, ret, row);
	say_line(near, row, ret->by[NEAR_LINE]);
	mix(near, ret);
	if (near->said_at && !due)
		return true;
	near->said_at = near->next;
	near->asked_real = real;
	for (size_t i = 0; i < NEAR_FEATURES; i++)
		near->asked[i] = (float)row[i];
	for (size_t e = 0; e < NEAR_EXPERTS; e++)
		for (size_t h = 0; h < NEAR_HOUR; h++)
			near->said[e][h] = (float)ret->by[e][h];
	return true;
}
