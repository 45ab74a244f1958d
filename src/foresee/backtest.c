/* SPDX-License-Identifier: Apache-2.0 */
/* A trace lived through, and what was said on the way. */
#include "foresee/backtest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/vec.h"
#include "base/why.h"
#include "num/array.h"

enum { DAY = HISTORY_DAY, DAYS_MAX = 28, DAYS_MIN = 2, SAME_DAYS = 28 };

/* A leap in time beyond this is a mistake of the trace, not a gap: ten years of hours. */
enum { SPAN_MAX = 10 * 366 * DAY };

/* The trace by local hours. */
struct hours {
	int64_t first; /* since 1970, local */
	VEC(double) list;
};

struct run {
	const struct backtest_options *options;
	struct hours hours;
	struct model *model;
	struct work *work;
	struct ahead *ahead;
	struct backtest *result;
};

static void run_done(struct run *run)
{
	vec_done(&run->hours.list);
	model_free(run->model);
	work_free(run->work);
	free(run->ahead);
}

static int64_t local_hour(const struct backtest_options *options, int64_t ms)
{
	int64_t utc_s = ms / 1000;
	return (options->local ? options->local(utc_s) : utc_s) / 3600;
}

static int into_hours(const struct samples *trace, const struct backtest_options *options,
	struct hours *ret, struct why *why)
{
	int64_t first = local_hour(options, trace->at[0].ms) / DAY * DAY;
	int64_t span = local_hour(options, trace->at[trace->len - 1].ms) + 1 - first;
	if (span < DAYS_MIN * DAY || span > SPAN_MAX)
		return why_set(why, -EINVAL,
			"a trace of %lld hours: a back-test takes two days to ten years",
			(long long)span);
	OWN(own_free) uint32_t *counts = calloc((size_t)span, sizeof(*counts));
	if (!counts || vec_reserve(&ret->list, (size_t)span))
		return why_set(why, -ENOMEM, "out of memory");
	ret->first = first;
	ret->list.len = (size_t)span;
	for (size_t h = 0; h < ret->list.len; h++)
		ret->list.at[h] = 0;
	for (size_t i = 0; i < trace->len; i++) {
		size_t h = (size_t)(local_hour(options, trace->at[i].ms) - first);
		/* A clock put back in a trace of one day may lead out of it. */
		if (h >= ret->list.len)
			continue;
		ret->list.at[h] += trace->at[i].value;
		counts[h]++;
	}
	for (size_t h = 0; h < ret->list.len; h++)
		ret->list.at[h] = counts[h] ? ret->list.at[h] / counts[h] : NUM_GAP;
	return 0;
}

static double truth_at(const struct run *run, size_t hour)
{
	return hour < run->hours.list.len ? run->hours.list.at[hour] : NUM_GAP;
}

static double pinball(const double *quantiles, double truth)
{
	double sum = 0;
	for (size_t q = 0; q < AHEAD_QUANTILES; q++) {
		double off = truth - quantiles[q], tau = ahead_taus[q];
		sum += (off > 0 ? tau : tau - 1) * off / AHEAD_QUANTILES;
	}
	return sum;
}

/* The same hour on days before `from`, as quantiles. False: there is none. */
static bool same_hour(const struct run *run, size_t from, size_t ahead, double *ret)
{
	double seen[SAME_DAYS];
	size_t count = 0;
	for (size_t d = 1; d <= SAME_DAYS && d * DAY <= from; d++) {
		double y = truth_at(run, from + ahead - d * DAY);
		if (!isnan(y))
			seen[count++] = y;
	}
	num_sort(seen, count);
	for (size_t q = 0; q < AHEAD_QUANTILES; q++)
		ret[q] = num_quantile(seen, count, ahead_taus[q]);
	return count > 0;
}

static void judge_bands(struct run *run, size_t from, size_t h, double truth)
{
	struct backtest *result = run->result;
	const double *q = run->ahead->quantile[h];
	double simple[AHEAD_QUANTILES];
	result->inside_80 += truth >= q[1] && truth <= q[AHEAD_QUANTILES - 2];
	result->inside_95 += truth >= q[0] && truth <= q[AHEAD_QUANTILES - 1];
	result->pinball += pinball(q, truth);
	if (same_hour(run, from, h, simple))
		result->same_hour_pinball += pinball(simple, truth);
}

static void add_error(struct backtest_score *score, double said, double truth)
{
	if (isnan(said))
		return;
	score->error += fabs(said - truth);
	score->hours++;
}

/* What was said at midnight `from` against what came. */
static void judge(struct run *run, size_t from)
{
	struct backtest *result = run->result;
	const struct ahead *ahead = run->ahead;
	for (size_t h = 0; h < AHEAD_HOURS; h++) {
		double truth = truth_at(run, from + h);
		if (isnan(truth) || isnan(ahead->said.by[EXPERT_DAY][h]))
			continue;
		for (size_t range = h < DAY ? 0 : 1; range < BACKTEST_RANGES; range++) {
			result->judged[range]++;
			add_error(&result->mix[range], ahead->mix[h], truth);
			for (size_t e = 0; e < EXPERTS; e++)
				add_error(&result->by[range][e], ahead->said.by[e][h], truth);
		}
		if (h < DAY)
			judge_bands(run, from, h, truth);
	}
}

static void live(struct run *run, size_t first_day, size_t first_test)
{
	size_t days = run->hours.list.len / DAY;
	for (size_t day = first_day; day < days + (run->hours.list.len % DAY != 0); day++) {
		int64_t midnight = (run->hours.first + (int64_t)(day * DAY)) * 3600;
		history_reach(&run->model->history, midnight);
		bool said = model_refit(run->model, run->work, NULL, run->ahead);
		run->result->refits += said;
		if (said && run->options->on_midnight)
			run->options->on_midnight(run->options->arg, day, run->ahead);
		if (said && day >= first_test)
			judge(run, day * DAY);
		for (size_t h = 0; h < DAY; h++) {
			double y = truth_at(run, day * DAY + h);
			if (!isnan(y))
				model_add(run->model, midnight + (int64_t)h * 3600, y);
		}
	}
}

int backtest_run(const struct samples *trace, const struct backtest_options *options,
	struct backtest *ret, struct why *why)
{
	struct backtest result = {0};
	OWN(run_done) struct run run = {.options = options, .result = &result};
	if (!trace->len)
		return why_set(why, -EINVAL, "an empty trace");
	int err = into_hours(trace, options, &run.hours, why);
	if (err)
		return err;
	run.model = model_new();
	run.work = work_new();
	run.ahead = malloc(sizeof(*run.ahead));
	if (!run.model || !run.work || !run.ahead)
		return why_set(why, -ENOMEM, "out of memory");
	work_calendar(run.work, options->calendar);
	size_t days = (run.hours.list.len + DAY - 1) / DAY;
	size_t wanted = options->days ? options->days : days / 2 < DAYS_MAX ? days / 2 : DAYS_MAX;
	if (wanted >= days)
		return why_set(
			why, -EINVAL, "%zu days to forecast, of a trace of %zu", wanted, days);
	size_t first_test = days - wanted, learn = HISTORY_HOURS / DAY;
	/* What is older than a history has left no trace in it but the record. */
	live(&run, first_test > 2 * learn ? first_test - 2 * learn : 0, first_test);
	result.days = wanted;
	result.hours = num_count(run.hours.list.at, run.hours.list.len);
	result.restarts = run.model->record.restarts;
	if (!result.judged[0])
		return why_set(why, -EINVAL, "no hour of the last %zu days can be judged", wanted);
	*ret = result;
	return 0;
}
