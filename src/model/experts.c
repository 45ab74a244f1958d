/* SPDX-License-Identifier: Apache-2.0 */
/* The portfolio: who the experts are and what each is given to look at. */
#include "model/experts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "model/occasions.h"
#include "num/array.h"
#include "num/lag.h"
#include "num/season.h"
#include "num/theta.h"
#include "num/trend.h"

const char *const expert_names[EXPERTS] = {
	[EXPERT_LAST] = "last",
	[EXPERT_DAY] = "day-before",
	[EXPERT_WEEK] = "week-before",
	[EXPERT_LEVEL] = "level",
	[EXPERT_HOUR] = "same-hour",
	[EXPERT_WEEK_HOUR] = "same-hour-of-week",
	[EXPERT_ANALOGUE] = "analogue-days",
	[EXPERT_HW_LOG] = "smooth-day-log",
	[EXPERT_DSHW_LOG] = "smooth-week-log",
	[EXPERT_DSHW] = "smooth-week",
	[EXPERT_THETA] = "theta",
	[EXPERT_THETA_LOG] = "theta-log",
	[EXPERT_LAG_LOG] = "lags-log",
	[EXPERT_LAG] = "lags",
	[EXPERT_TREND_LOG] = "trend-log",
	[EXPERT_PROFILE] = "profile",
	[EXPERT_PHASES] = "phases",
	[EXPERT_GUEST] = "network",
};

enum { DAY = HISTORY_DAY, WEEK = HISTORY_WEEK, N_MAX = HISTORY_HOURS, H = AHEAD_HOURS };

static const struct lag_ridge lags_week = {.lags = WEEK, .base = DAY, .lambda = 0.3};

/* Two weeks are enough for a day and its week to be told from noise, and all that a young series
 * has. */
static const struct trend trend_weeks = {.period = {DAY, WEEK},
	.pairs = {6, 3},
	.bends = 8,
	.half_life = 14 * DAY,
	.ridge_bend = 3e-3,
	.ridge_season = 1e-3};

struct work {
	double y[N_MAX], log_y[N_MAX], full[N_MAX], log_full[N_MAX], some[N_MAX];
	bool filled[N_MAX];
	double season[2 * SMOOTH_PERIOD_MAX];
	double offset, shift, log_low, log_high, low, high;
	size_t n;
	const struct calendar *calendar; /* NULL: none */
	struct occasions occasions;
	double *lag;
	double *trend;
};

void work_free(struct work *work)
{
	if (!work)
		return;
	free(work->lag);
	free(work->trend);
	free(work);
}

struct work *work_new(void)
{
	struct work *work = calloc(1, sizeof(*work));
	if (!work)
		return NULL;
	work->lag = calloc(lag_scratch(&lags_week, N_MAX, H), sizeof(double));
	work->trend = calloc(trend_scratch(&trend_weeks), sizeof(double));
	if (!work->lag || !work->trend) {
		work_free(work);
		return NULL;
	}
	return work;
}

void work_calendar(struct work *work, const struct calendar *calendar)
{
	work->calendar = calendar && calendar->count ? calendar : NULL;
}

/* Offset of the logarithm: a tenth of the median, of the mean where most is zero. */
static void choose_scale(struct work *work, struct said *ret)
{
	size_t count = num_present(work->y, work->n, work->some);
	double mean = 0, low = work->some[0], high = work->some[0];
	for (size_t i = 0; i < count; i++) {
		low = fmin(low, work->some[i]);
		high = fmax(high, work->some[i]);
	}
	work->low = low;
	work->high = high;
	work->shift = fmin(low, 0);
	for (size_t i = 0; i < count; i++)
		mean += (work->some[i] - work->shift) / (double)count;
	double median = num_median(work->some, count) - work->shift;
	work->offset = 0.1 * (median > 0.05 * mean ? median : mean);
	if (!(work->offset > 1e-12))
		work->offset = 1e-12;
	ret->level = median + work->shift;
	ret->spread = high - low;
}

static double to_log(const struct work *work, double y)
{
	return log(y - work->shift + work->offset);
}

static void from_log(const struct work *work, double *x, size_t n)
{
	/* Past the range ever seen an exponential soon says nonsense: half as much again is
	 * allowed. */
	double top = work->log_high + log(1.5);
	for (size_t i = 0; i < n; i++)
		if (!isnan(x[i]))
			x[i] = exp(fmin(fmax(x[i], work->log_low), top)) - work->offset +
				work->shift;
}

static bool prepare(const struct history *history, struct work *work, struct said *ret)
{
	work->n = history_len(history);
	if (!history_copy(history, work->n, work->y))
		return false;
	if (work->calendar)
		occasions_take_out(&work->occasions, work->calendar,
			history->next - (int64_t)work->n, work->y, work->n);
	if (!history_fill(work->y, work->n, work->full, work->filled))
		return false;
	choose_scale(work, ret);
	for (size_t i = 0; i < work->n; i++) {
		work->log_y[i] = isnan(work->y[i]) ? NUM_GAP : to_log(work, work->y[i]);
		work->log_full[i] = to_log(work, work->full[i]);
	}
	work->log_low = to_log(work, work->low);
	work->log_high = to_log(work, work->high);
	ret->hours = work->n;
	return true;
}

static void say_constant(double value, double *ret)
{
	for (size_t h = 0; h < H; h++)
		ret[h] = value;
}

/* Means of the same hour on a square root scale, newer days weighing more: near an expectation, yet
 * not owned by one spike. */
static void say_profile(const struct work *work, double half_life, double *ret)
{
	for (size_t h = 0; h < DAY; h++) {
		double sum = 0, total = 0, weight = 1;
		for (size_t back = DAY - h; back <= work->n && back <= 28 * DAY; back += DAY) {
			double y = work->y[work->n - back];
			weight *= exp2(-1 / half_life);
			if (isnan(y))
				continue;
			sum += weight * sqrt(y - work->shift);
			total += weight;
		}
		double root = total > 0 ? sum / total : NUM_GAP;
		for (size_t at = h; at < H; at += DAY)
			ret[at] = root * root + work->shift;
	}
}

static void say_memories(struct work *work, struct said *ret)
{
	const double *y = work->y;
	size_t n = work->n, two = n < 2 ? n : 2;
	double last = num_mean(y + n - two, two);
	if (isnan(last))
		last = work->full[n - 1];
	say_constant(last, ret->by[EXPERT_LAST]);
	say_constant(season_level(y, n, 7 * DAY, work->some), ret->by[EXPERT_LEVEL]);
	if (n < DAY)
		return;
	season_naive(y, n, DAY, ret->by[EXPERT_DAY], H);
	season_median(y, n, DAY, 7, ret->by[EXPERT_HOUR], H);
	say_profile(work, 10, ret->by[EXPERT_PROFILE]);
	struct season_analogue how = {
		.period = DAY, .look = 6, .periods = 28, .half_life = 10, .width = 0.5};
	/* Likeness is told on logarithms, and so is the median: it does not mind the scale. */
	season_analogues(work->log_y, n, &how, ret->by[EXPERT_ANALOGUE], H);
	from_log(work, ret->by[EXPERT_ANALOGUE], H);
	if (n < WEEK)
		return;
	season_naive(y, n, WEEK, ret->by[EXPERT_WEEK], H);
	season_median(y, n, WEEK, 4, ret->by[EXPERT_WEEK_HOUR], H);
}

static void say_smooth(
	struct smooth *smooth, const double *y, struct work *work, int evaluations, double *ret)
{
	struct smooth_state state = {.season = work->season};
	if (evaluations)
		smooth_fit(smooth, y, work->n, evaluations, work->season);
	smooth_run(smooth, y, work->n, &state);
	smooth_ahead(smooth, &state, ret, H);
}

void experts_begin(struct expert_fits *fits)
{
	fits->hw_log = (struct smooth){{DAY, 0}, 0.1, {0.1, 0}, 0.3};
	fits->dshw_log = (struct smooth){{DAY, WEEK}, 0.05, {0.05, 0.1}, 0.4};
	fits->dshw = fits->dshw_log;
}

static void say_smoothers(struct expert_fits *fits, bool fit, struct work *work, struct said *ret)
{
	if (!fits->fitted)
		experts_begin(fits);
	int evaluations = !fit ? 0 : fits->fitted ? 24 : 60;
	if (num_count(work->y, work->n) >= 2 * DAY) {
		say_smooth(&fits->hw_log, work->log_y, work, evaluations, ret->by[EXPERT_HW_LOG]);
		from_log(work, ret->by[EXPERT_HW_LOG], H);
	}
	if (num_count(work->y, work->n) < WEEK)
		return;
	say_smooth(&fits->dshw_log, work->log_y, work, evaluations, ret->by[EXPERT_DSHW_LOG]);
	from_log(work, ret->by[EXPERT_DSHW_LOG], H);
	say_smooth(&fits->dshw, work->y, work, evaluations, ret->by[EXPERT_DSHW]);
	fits->fitted = fits->fitted || fit;
}

/*
 * Departures from the same hour, on logarithms, move between phases: a busy day, a batch that runs
 * late, an idle weekend. The phase that the model is in now fades as its own law says.
 */
static void say_phases(struct expert_fits *fits, bool fit, struct work *work, double *ret)
{
	enum { STATES = 3, ROUNDS = 3 };
	size_t n = work->n, span = n < 14 * DAY ? n : 14 * DAY;
	const double *y = work->log_y + (n - span);
	double profile[DAY], states[HMM_STATES], *off = work->some;
	season_median(y, span, DAY, 14, profile, DAY);
	for (size_t i = 0; i < span; i++)
		off[i] = y[i] - profile[(i + 14 * DAY - span) % DAY];
	if (num_count(off, span) < 5 * DAY)
		return;
	if (!fits->phased)
		hmm_begin(&fits->phases, STATES, off, span, work->lag);
	for (int round = 0; fit && round < ROUNDS; round++)
		hmm_learn(&fits->phases, off, span, work->lag);
	fits->phased = fits->phased || fit;
	hmm_now(&fits->phases, off, span, states);
	for (size_t h = 0; h < H; h++) {
		hmm_step(&fits->phases, states);
		ret[h] = profile[h % DAY] + num_dot(states, fits->phases.mean, STATES);
	}
	from_log(work, ret, H);
}

static void say_lines(struct work *work, struct said *ret)
{
	size_t n = work->n, span = n < 14 * DAY ? n : 14 * DAY;
	const double *y = work->y + (n - span), *log_y = work->log_y + (n - span);
	theta_forecast(y, span, DAY, work->season, ret->by[EXPERT_THETA], H);
	if (theta_forecast(log_y, span, DAY, work->season, ret->by[EXPERT_THETA_LOG], H))
		from_log(work, ret->by[EXPERT_THETA_LOG], H);
	struct lag_out out = {.scratch = work->lag, .ahead = ret->by[EXPERT_LAG_LOG], .horizon = H};
	if (lag_forecast(&lags_week, work->log_full, work->filled, n, &out))
		from_log(work, ret->by[EXPERT_LAG_LOG], H);
	out.ahead = ret->by[EXPERT_LAG];
	lag_forecast(&lags_week, work->full, work->filled, n, &out);
	double *trend = ret->by[EXPERT_TREND_LOG];
	if (n >= 2 * WEEK && trend_forecast(&trend_weeks, work->log_y, n, work->trend, trend, H))
		from_log(work, trend, H);
}

/* No expert leaves the range seen by more than its own width, nor goes below zero without sign. */
static void contain(const struct history *history, const struct work *work, struct said *ret)
{
	double room = work->high - work->low;
	double low = history->negative ? work->low - room : 0, high = work->high + room;
	for (size_t e = 0; e < EXPERTS; e++)
		for (size_t h = 0; h < H; h++)
			if (!isnan(ret->by[e][h]))
				ret->by[e][h] = fmin(fmax(ret->by[e][h], low), high);
}

/* Experts know nothing of the calendar: what its days do is added to what they all say. */
static void put_occasions(const struct history *history, const struct work *work, struct said *ret)
{
	for (size_t e = 0; e < EXPERTS; e++)
		for (size_t h = 0; h < H; h++)
			if (!isnan(ret->by[e][h]))
				ret->by[e][h] = occasions_put_in(&work->occasions,
					history->next + (int64_t)h, ret->by[e][h]);
}

bool experts_say(const struct history *history, struct expert_fits *fits, bool fit,
	const double *guest, struct work *work, struct said *ret)
{
	if (!history_len(history) || !prepare(history, work, ret))
		return false;
	for (size_t e = 0; e < EXPERTS; e++)
		say_constant(NUM_GAP, ret->by[e]);
	say_memories(work, ret);
	say_smoothers(fits, fit, work, ret);
	say_phases(fits, fit, work, ret->by[EXPERT_PHASES]);
	say_lines(work, ret);
	if (guest)
		memcpy(ret->by[EXPERT_GUEST], guest, H * sizeof(*guest));
	contain(history, work, ret);
	if (work->calendar)
		put_occasions(history, work, ret);
	return true;
}
