/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles from residuals. */
#include "model/bands.h"

#include <math.h>

#include "num/array.h"

enum {
	DAY = HISTORY_DAY,
	REACH = 2,
	NEIGHBOURS = RECORD_DAYS * (2 * REACH + 1),
	FEW_DAYS = 7,
	SAME_MAX = FEW_DAYS * DAY
};

static size_t rows(const struct residuals *residuals)
{
	return residuals->days < RECORD_DAYS ? residuals->days : RECORD_DAYS;
}

/* The level of the last six hours, and the range of all that is kept. */
static void look_back(struct bands *bands)
{
	enum { LATELY = 6 };
	const struct history *history = bands->history;
	double low = HUGE_VAL, high = -HUGE_VAL, sum = 0;
	size_t count = 0;
	for (int64_t hour = history->first; hour < history->next; hour++) {
		double y = history_at(history, hour);
		if (isnan(y))
			continue;
		low = fmin(low, y);
		high = fmax(high, y);
		sum += hour >= history->next - LATELY ? y : 0;
		count += hour >= history->next - LATELY;
	}
	bands->level = count ? sum / (double)count : 0;
	bands->widest = high >= low ? high - fmin(low, 0) : 0;
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
	look_back(bands);
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

/* The same hour of the day on the last 28 days; while there are few, all hours of the last days. */
static size_t same_hours(const struct history *history, size_t ahead, double *ret)
{
	size_t count = 0;
	int64_t hour = history->next + (int64_t)(ahead % DAY) - DAY, step = DAY;
	if (history_len(history) < FEW_DAYS * DAY) {
		hour = history->next - 1;
		step = 1;
	}
	for (size_t i = 0; i < (step == 1 ? SAME_MAX : RECORD_DAYS) && hour >= history->first;
		i++, hour -= step) {
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
	return days >= RECORD_DAYS ? 1 : 1 + 1.0 / (1 + (double)days);
}

/* Hours of a young series count for parts of days. */
static struct bands_basis basis_of(size_t record_days, const struct history *history)
{
	size_t len = history_len(history), kept = (size_t)RECORD_DAYS * DAY;
	double known_days = (double)(len < kept ? len : kept) / DAY;
	struct bands_basis basis = {.record_days = record_days, .days_known = known_days};
	double class = PRIOR_DAYS *
		(record_days >= RECORD_DAYS ? 0 : 1 - (double)record_days / RECORD_DAYS);
	double record = (double)record_days, days = record_days ? 0 : known_days;
	double sum = record + days + class;
	basis.record = record / sum;
	basis.days = days / sum;
	basis.class = class / sum;
	return basis;
}

struct bands_basis bands_basis(const struct bands *bands)
{
	return basis_of(rows(bands->residuals), bands->history);
}

/* What a departure of the class is a share of: the level, and of what is nearly nothing now a part
 * of what it was. */
static double class_scale(const struct bands *bands, double mix)
{
	bool sign = bands->history->negative;
	if (sign)
		return fmax(0.1 * fabs(mix), 0.5 * bands->widest);
	return to_root(fmax(fmax(mix, bands->level), 0.1 * bands->widest), sign);
}

void bands_at(const struct bands *bands, size_t ahead, double mix, const double *taus, size_t count,
	double *ret)
{
	double near[NEIGHBOURS], same[SAME_MAX];
	const struct residuals *residuals = bands->residuals;
	bool sign = bands->history->negative;
	size_t hour_of_day = (size_t)(bands->history->next + (int64_t)ahead) % DAY;
	size_t near_count = neighbours(residuals, hour_of_day, near);
	size_t same_count = same_hours(bands->history, ahead, same);
	double root = to_root(mix, sign), wide = widening(rows(residuals));
	double stretch_below = exp((double)residuals->below.offset);
	double stretch_above = exp((double)residuals->above.offset);
	struct bands_basis basis = basis_of(rows(residuals), bands->history);
	double scale = class_scale(bands, mix);
	for (size_t i = 0; i < count; i++) {
		double tau = taus[i], hour = num_quantile(same, same_count, tau);
		double local = num_quantile(near, near_count, tau);
		double all = num_quantile(bands->pooled, bands->count, tau);
		double off = 0;
		if (basis.record > 0)
			off += basis.record * wide * (isnan(local) ? all : 0.5 * (local + all));
		if (basis.days > 0 && same_count)
			off += basis.days * (to_root(hour, sign) - root);
		if (basis.class > 0)
			off += basis.class * scale *
				prior_departure(bands->history->class, ahead + 1, tau);
		off *= tail(tau) * (tau < 0.5 ? stretch_below : stretch_above);
		ret[i] = from_root(root + off, sign);
		if (tau > 0.5 && same_count >= 14 && rows(residuals) >= 14)
			ret[i] = 0.5 * (ret[i] + hour);
	}
	num_sort(ret, count);
}
