/* SPDX-License-Identifier: Apache-2.0 */
/* Two weeks of steps, lived through. */
#include "foresee/soon.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "foresee/apps.h"
#include "model/occasions.h"
#include "num/array.h"
#include "series/series.h"

enum {
	STEP_MS = NEAR_STEP_S * 1000,
	DAYS = 14,
	STEPS = DAYS * NEAR_DAY,
	RECORD = 24 * 7, /* hours whose words are held against what came */
	SUSTAINED = NEAR_HOUR,
};

/* ---- the next hour ---- */

struct residual {
	float of[NEAR_HOUR][RECORD];
	size_t count[NEAR_HOUR];
};

static void settle(const float *y, size_t n, size_t at, const struct near_ahead *said, bool sign,
	struct residual *residual)
{
	for (size_t h = 0; h < NEAR_HOUR && at + h < n; h++) {
		double truth = (double)y[at + h];
		if (isnan(truth) || isnan(said->mix[h]) || residual->count[h] == RECORD)
			continue;
		double off = to_root(truth, sign) - to_root(said->mix[h], sign);
		residual->of[h][residual->count[h]++] = (float)off;
	}
}

/* Half from this step's errors, half from all; a class's departures while there are few. */
static void quantiles(
	const struct residual *residual, size_t h, double value, bool sign, double *ret)
{
	double own[RECORD];
	size_t count = residual->count[h];
	double root = to_root(value, sign), class = 6 / (6 + (double)count);
	for (size_t i = 0; i < count; i++)
		own[i] = (double)residual->of[h][i];
	num_sort(own, count);
	for (size_t q = 0; q < AHEAD_QUANTILES; q++) {
		double off = class * fabs(root) * prior_departure(PRIOR_LIVELY, 1, ahead_taus[q]);
		if (count)
			off += (1 - class) * num_quantile(own, count, ahead_taus[q]);
		ret[q] = from_root(root + off, sign);
	}
	num_sort(ret, AHEAD_QUANTILES);
}

static int near_hour(const float *y, size_t n, int64_t next, struct soon *ret)
{
	OWN(own_free) struct near *near = calloc(1, sizeof(*near));
	OWN(own_free) struct residual *residual = calloc(1, sizeof(*residual));
	struct near_ahead said;
	size_t from = n > NEAR_STEPS ? n - NEAR_STEPS : 0;
	if (!near || !residual)
		return -ENOMEM;
	for (size_t i = from; i < n; i++) {
		int64_t local_s = (next - (int64_t)(n - i)) * NEAR_STEP_S;
		near_reach(near, local_s);
		if ((n - i) % NEAR_HOUR == 0 && near_say(near, &said))
			settle(y, n, i, &said, near->negative, residual);
		if (!isnan(y[i]))
			near_add(near, local_s, (double)y[i]);
	}
	near_reach(near, next * NEAR_STEP_S);
	if (!near_say(near, &said))
		return -ENODATA;
	for (size_t h = 0; h < NEAR_HOUR; h++) {
		ret->value[h] = said.mix[h];
		quantiles(residual, h, said.mix[h], near->negative, ret->quantile[h]);
	}
	ret->hours = residual->count[0];
	return 0;
}

/* ---- the next half hour ---- */

struct rows {
	float features[STEPS * BURST_FEATURES];
	uint8_t truth[STEPS];
	size_t count;
};

/* Own days move shared coefficients as far as pays on real load: chosen among 5, 30, 100, 300. */
static const double held = 100;

static void keep_row(struct rows *rows, const double *features, double truth, double high)
{
	if (isnan(truth))
		return;
	for (size_t i = 0; i < BURST_FEATURES; i++)
		rows->features[rows->count * BURST_FEATURES + i] = (float)features[i];
	rows->truth[rows->count++] = truth > high;
}

int soon_burst(const float *steps, size_t n, int64_t next, struct burst *ret_burst,
	struct logit *ret_logit)
{
	OWN(own_free) struct rows *rows = malloc(sizeof(*rows));
	OWN(own_free) double *scratch = calloc(n, sizeof(*scratch));
	struct burst *burst = ret_burst;
	if (!rows || !scratch)
		return -ENOMEM;
	*burst = (struct burst){0};
	*ret_logit = burst_shared;
	rows->count = 0;
	burst_level(burst, steps, (uint32_t)n, scratch);
	for (size_t i = 0; i < n; i++) {
		double features[BURST_FEATURES];
		int64_t step = next - (int64_t)(n - i);
		if (i >= NEAR_DAY && i + BURST_AHEAD <= n && rows->count < STEPS) {
			burst_features(burst, step, features);
			keep_row(rows, features, (double)steps[i + BURST_AHEAD - 1],
				(double)burst->high);
		}
		burst_add(burst, step, (double)steps[i]);
	}
	const struct logit_data data = {
		.rows = rows->features, .truth = rows->truth, .n = rows->count, .ridge = held};
	/* What cannot be solved leaves the shared ones. */
	logit_fit(ret_logit, &data);
	return 0;
}

static int half_hour(const float *y, size_t n, int64_t next, struct soon *ret)
{
	OWN(own_free) struct burst *burst = malloc(sizeof(*burst));
	struct logit logit;
	int err = burst ? soon_burst(y, n, next, burst, &logit) : -ENOMEM;
	if (err)
		return err;
	burst_look(burst, &logit, next, &ret->now);
	ret->high = (double)burst->high;
	return 0;
}

/* ---- the next day ---- */

/* The run of high steps around i: how long it is; a gap ends it. */
static size_t run_around(const float *y, size_t n, size_t i, double high)
{
	size_t from = i, to = i + 1;
	while (from > 0 && (double)y[from - 1] > high)
		from--;
	while (to < n && (double)y[to] > high)
		to++;
	return to - from;
}

struct window_sums {
	double weight, hit, sustained, length, height, steps;
};

/* One hour of a day that was. */
static void add_hour(
	const float *y, size_t n, size_t at, double high, double weight, struct window_sums *sums)
{
	size_t longest = 0, seen = 0;
	for (size_t i = at; i < at + NEAR_HOUR && i < n; i++) {
		seen += isnan(y[i]) ? 0 : 1;
		if (!((double)y[i] > high))
			continue;
		size_t run = run_around(y, n, i, high);
		longest = run > longest ? run : longest;
		sums->height += weight * (double)y[i];
		sums->steps += weight;
	}
	if (!seen)
		return;
	sums->weight += weight;
	sums->hit += longest ? weight : 0;
	sums->sustained += longest >= SUSTAINED ? weight : 0;
	sums->length += weight * (double)longest * NEAR_STEP_S;
}

/* Shrunk towards what all hours of the day do, which counts like a day and a half. */
static void say_window(const struct window_sums *own, const struct window_sums *all, double high,
	struct soon_window *ret)
{
	double prior = 1.5 / (all->weight + 1e-9);
	double hit = own->hit + prior * all->hit, weight = own->weight + prior * all->weight;
	double steps = own->steps + prior * all->steps;
	ret->probability = weight > 0 ? hit / weight : 0;
	ret->sustained = hit > 0 ? (own->sustained + prior * all->sustained) / hit : 0;
	ret->length_s = hit > 0 ? (own->length + prior * all->length) / hit : 0;
	ret->height = steps > 0 ? (own->height + prior * all->height) / steps : high;
}

void soon_windows(const float *steps, size_t n, int64_t next, double high,
	struct soon_window ret[SOON_WINDOWS])
{
	static const double forget = 0.9, again = 2;
	struct window_sums own[SOON_WINDOWS] = {0}, all = {0};
	size_t lead = (size_t)((NEAR_HOUR - next % NEAR_HOUR) % NEAR_HOUR);
	for (size_t h = 0; h < SOON_WINDOWS; h++)
		for (size_t day = 1; day <= DAYS; day++) {
			size_t back = day * NEAR_DAY - lead - h * NEAR_HOUR;
			/* The same day of the week weighs twice. */
			double weight = pow(forget, (double)day) * (day % 7 == 0 ? again : 1);
			if (back > n)
				continue;
			add_hour(steps, n, n - back, high, weight, &own[h]);
			add_hour(steps, n, n - back, high, weight, &all);
		}
	for (size_t h = 0; h < SOON_WINDOWS; h++)
		say_window(&own[h], &all, high, &ret[h]);
}

static void next_day(const float *y, size_t n, int64_t next, struct soon *ret)
{
	soon_windows(y, n, next, ret->high, ret->windows);
	/* What goes on now reaches into the first one. */
	struct soon_window *first = &ret->windows[0];
	first->probability = fmax(first->probability, ret->now.probability);
}

/* ---- the calendar ---- */

/* Steps as they would have been without events, and what events do. */
struct special {
	float steps[STEPS];
	struct occasions occasions;
	double hours[STEPS / NEAR_HOUR + 2];
};

static double without(const struct occasions *occasions, int64_t step, double y)
{
	int64_t hour = step / NEAR_HOUR;
	int event = calendar_at(occasions->calendar, hour);
	if (event < 0 || isnan(occasions->offset) || isnan(y))
		return y;
	double effect = occasions->effect[event][hour % 24];
	return fmax((y + occasions->offset) * exp(-effect) - occasions->offset, 0);
}

/* Effects are learnt from hours, as those of hourly forecasts are. */
static void take_out(struct special *special, const struct calendar *calendar, const float *y,
	size_t n, int64_t next)
{
	int64_t first = (next - (int64_t)n) / NEAR_HOUR;
	size_t hours = (size_t)((next - 1) / NEAR_HOUR - first + 1);
	for (size_t h = 0; h < hours; h++) {
		double sum = 0, count = 0;
		for (int64_t step = (first + (int64_t)h) * NEAR_HOUR, i = 0; i < NEAR_HOUR; i++) {
			int64_t at = step + i - (next - (int64_t)n);
			if (at < 0 || at >= (int64_t)n || isnan(y[at]))
				continue;
			sum += (double)y[at];
			count += 1;
		}
		special->hours[h] = count > 0 ? sum / count : NUM_GAP;
	}
	occasions_take_out(&special->occasions, calendar, first, special->hours, hours);
	for (size_t i = 0; i < n; i++)
		special->steps[i] = (float)without(
			&special->occasions, next - (int64_t)(n - i), (double)y[i]);
}

static void put_in(const struct special *special, int64_t next, struct soon *ret)
{
	for (size_t h = 0; h < NEAR_HOUR; h++) {
		int64_t hour = (next + (int64_t)h) / NEAR_HOUR;
		ret->value[h] = occasions_put_in(&special->occasions, hour, ret->value[h]);
		for (size_t q = 0; q < AHEAD_QUANTILES; q++)
			ret->quantile[h][q] = occasions_put_in(
				&special->occasions, hour, ret->quantile[h][q]);
	}
}

/* Remembered days as the coming one would have made them: each step with what the calendar does to
 * the same clock time of it. */
static void as_coming(struct special *special, size_t n, int64_t next)
{
	int64_t begin = (next + NEAR_HOUR - 1) / NEAR_HOUR * NEAR_HOUR;
	for (size_t i = 0; i < n; i++) {
		int64_t step = next - (int64_t)(n - i);
		int64_t ahead = ((step - begin) % NEAR_DAY + NEAR_DAY) % NEAR_DAY;
		if (!isnan(special->steps[i]))
			special->steps[i] = (float)occasions_put_in(&special->occasions,
				(begin + ahead) / NEAR_HOUR, (double)special->steps[i]);
	}
}

/* ---- the last hour ---- */

static int last_hour(const float *y, size_t n, struct soon *ret)
{
	OWN(own_free) struct odd *odd = malloc(sizeof(*odd));
	ret->odd = ret->odd_hour = (struct odd_view){.p = 1};
	if (!odd)
		return -ENOMEM;
	odd_begin(odd, NEAR_DAY);
	for (size_t i = 0; i < n; i++) {
		ret->odd = odd_add(odd, (double)y[i]);
		if (n - i <= NEAR_HOUR && ret->odd.score > ret->odd_hour.score)
			ret->odd_hour = ret->odd;
	}
	return 0;
}

const char *soon_class(const struct soon_window *window)
{
	return window->probability < 0.5 ? "calm" : window->sustained < 0.5 ? "burst" : "sustained";
}

int soon_from(const float *steps, size_t n, int64_t next, const struct calendar *calendar,
	struct soon *ret)
{
	bool plain = !calendar || !calendar->count || n > STEPS;
	OWN(own_free) struct special *special = plain ? NULL : malloc(sizeof(*special));
	*ret = (struct soon){0};
	if (!plain && !special)
		return -ENOMEM;
	if (special)
		take_out(special, calendar, steps, n, next);
	int err = n ? near_hour(special ? special->steps : steps, n, next, ret) : -ENODATA;
	/* What is high, or odd, now is so whatever the reason. */
	if (!err)
		err = half_hour(steps, n, next, ret);
	if (!err)
		err = last_hour(steps, n, ret);
	if (err)
		return err;
	if (special) {
		put_in(special, next, ret);
		as_coming(special, n, next);
	}
	next_day(special ? special->steps : steps, n, next, ret);
	return 0;
}

/* What is known of the days of the application that a series belongs to; NULL: nothing. */
static const struct calendar *calendar_of(const struct feed *feed, uint32_t id)
{
	struct series_one one;
	const struct app *app = series_one(feed->series, id, &one) ? apps_of(feed->apps, one.name)
								   : NULL;
	return app ? &app->calendar : NULL;
}

int soon_look(
	const struct feed *feed, int64_t now_ms, uint32_t id, struct soon *ret, struct why *why)
{
	OWN(buckets_done) struct buckets rows = {0};
	OWN(own_free) float *steps = malloc(STEPS * sizeof(*steps));
	const int64_t end = now_ms - now_ms % STEP_MS;
	const struct series_span span = {LEVEL_5MIN, end - (int64_t)STEPS * STEP_MS, end};
	if (!steps)
		return why_set(why, -ENOMEM, "out of memory");
	int err = series_roll(feed->series, id, &span, &rows, why);
	if (err)
		return err;
	for (size_t i = 0; i < STEPS; i++)
		steps[i] = (float)NUM_GAP;
	size_t first = STEPS;
	vec_each (row, &rows.rows) {
		size_t at = (size_t)((row->ms - span.from) / STEP_MS);
		steps[at] = (float)row->mean;
		first = at < first ? at : first;
	}
	if (first == STEPS)
		return why_set(why, -ENODATA, "no five-minute step of the last two weeks");
	int64_t local_s = feed->local ? feed->local(end / 1000) : end / 1000;
	err = soon_from(
		steps + first, STEPS - first, local_s / NEAR_STEP_S, calendar_of(feed, id), ret);
	ret->start_ms = end;
	ret->windows_ms = (end + 3600000 - 1) / 3600000 * 3600000;
	return err ? why_set(why, err, "out of memory") : 0;
}
