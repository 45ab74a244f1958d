/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles from residuals. */
#include "model/bands.h"

#include <math.h>

#include "num/array.h"

enum { DAY = HISTORY_DAY, REACH = 2, NEIGHBOURS = RECORD_DAYS * (2 * REACH + 1) };

static size_t rows(const struct residuals *residuals)
{
	return residuals->days < RECORD_DAYS ? residuals->days : RECORD_DAYS;
}

void bands_begin(struct bands *bands, const struct record *record, const struct history *history,
	size_t lead)
{
	bands->residuals = &record->residuals[lead];
	bands->history = history;
	bands->lead = lead;
	bands->count = 0;
	for (size_t day = 0; day < rows(bands->residuals); day++)
		for (size_t h = 0; h < DAY; h++) {
			double r = (double)bands->residuals->of[day][h];
			if (!isnan(r))
				bands->pooled[bands->count++] = r;
		}
	num_sort(bands->pooled, bands->count);
}

static size_t neighbours(const struct residuals *residuals, size_t hour, double *ret)
{
	size_t count = 0;
	for (size_t day = 0; day < rows(residuals); day++)
		for (size_t h = hour + DAY - REACH; h <= hour + DAY + REACH; h++) {
			double r = (double)residuals->of[day][h % DAY];
			if (!isnan(r))
				ret[count++] = r;
		}
	num_sort(ret, count);
	return count;
}

/* The same hour of the day on the last 28 days. */
static size_t same_hours(const struct history *history, size_t ahead, double *ret)
{
	size_t count = 0;
	int64_t hour = history->next + (int64_t)(ahead % DAY) - DAY;
	for (size_t day = 0; day < RECORD_DAYS; day++, hour -= DAY) {
		double y = history_at(history, hour);
		if (!isnan(y))
			ret[count++] = y;
	}
	num_sort(ret, count);
	return count;
}

/* Empirical tails end at the worst that was seen: beyond 5 and 95 % they are drawn on a little. */
static double tail(double tau)
{
	return 1 + 4 * fmax(0, fabs(tau - 0.5) - 0.45);
}

/* Few residuals say little about tails: the band is widened as if by Student's law. */
static double widening(size_t days)
{
	return days >= RECORD_DAYS ? 1 : 1 + 1.5 / (1 + (double)days);
}

void bands_at(const struct bands *bands, size_t ahead, double mix, const double *taus, size_t count,
	double *ret)
{
	double near[NEIGHBOURS], same[RECORD_DAYS];
	const struct residuals *residuals = bands->residuals;
	bool sign = bands->history->negative;
	size_t hour_of_day = (size_t)(bands->history->next + (int64_t)ahead) % DAY;
	size_t near_count = neighbours(residuals, hour_of_day, near);
	size_t same_count = same_hours(bands->history, ahead, same);
	double root = to_root(mix, sign), wide = widening(rows(residuals));
	double stretch_below = exp((double)residuals->below.offset);
	double stretch_above = exp((double)residuals->above.offset);
	for (size_t i = 0; i < count; i++) {
		double tau = taus[i], hour = num_quantile(same, same_count, tau);
		double off = 0;
		if (bands->count) {
			double local = num_quantile(near, near_count, tau);
			double all = num_quantile(bands->pooled, bands->count, tau);
			off = wide * (isnan(local) ? all : 0.5 * (local + all));
		} else {
			hour = isnan(hour) ? mix : hour;
			off = to_root(hour, sign) - root;
		}
		off *= tail(tau) * (tau < 0.5 ? stretch_below : stretch_above);
		ret[i] = from_root(root + off, sign);
		if (tau > 0.5 && same_count >= 14)
			ret[i] = 0.5 * (ret[i] + hour);
	}
	num_sort(ret, count);
}
