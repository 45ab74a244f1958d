/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted quantiles of a few dozen values. */
#include "node/bands.h"

#include <math.h>

const double bands_taus[BANDS_QUANTILES] = {0.025, 0.1, 0.5, 0.9, 0.975};

/* As the planner has it: what it may leave uncovered, and a little less. */
static const double share_of_hour = 0.09;

enum { CAST_MAX = DAYS_BACK + BANDS_HOUR + 1 };

struct cast {
	double value, weight;
};

/* A day of which a quarter is missing is not remembered. */
static bool is_known(struct days_past past, int64_t now, int age)
{
	int64_t from = now - (int64_t)age * DAYS_DAY, gaps = 0;
	if (from < 0)
		return false;
	for (int64_t slot = from; slot < from + DAYS_DAY; slot++)
		gaps += isnan(past.busy[slot]);
	return gaps <= DAYS_DAY / 4;
}

void bands_view(struct bands_view *view, struct days_past past, int64_t now, double busy)
{
	double sum = 0;
	*view = (struct bands_view){.past = past, .now = now, .busy = busy};
	for (int age = 1; age <= DAYS_BACK; age++) {
		if (!is_known(past, now, age))
			continue;
		view->weights[age] = days_weight(past, now, age);
		sum += view->weights[age];
		view->days++;
	}
	view->hour_weight = (sum > 0 ? sum * share_of_hour / (1 - share_of_hour) : 1) / BANDS_HOUR;
}

static void add(struct cast *cast, size_t *count, double value, double weight)
{
	size_t at = *count;
	if (isnan(value) || weight <= 0)
		return;
	for (; at > 0 && cast[at - 1].value > value; at--)
		cast[at] = cast[at - 1];
	cast[at] = (struct cast){value, weight};
	(*count)++;
}

/* Values stand in the middle of their weights; between two of them it goes in a line. */
static double quantile(const struct cast *cast, size_t count, double sum, double tau)
{
	double before = 0, wanted = tau * sum, last_at = 0;
	for (size_t i = 0; i < count; i++) {
		double at = before + cast[i].weight / 2;
		if (at >= wanted)
			return i ? cast[i - 1].value +
					(cast[i].value - cast[i - 1].value) * (wanted - last_at) /
						(at - last_at)
				 : cast[0].value;
		before += cast[i].weight;
		last_at = at;
	}
	return cast[count - 1].value;
}

bool bands_of(const struct bands_view *view, int64_t slot, double ret[BANDS_QUANTILES])
{
	struct cast cast[CAST_MAX];
	size_t count = 0;
	double sum = 0;
	for (int age = 1; age <= DAYS_BACK; age++) {
		int64_t then = slot - (int64_t)age * DAYS_DAY;
		if (then >= 0 && then < view->now && view->weights[age] > 0)
			add(cast, &count, (double)view->past.busy[then], view->weights[age]);
	}
	for (int64_t then = view->now - BANDS_HOUR; then < view->now; then++)
		if (then >= 0)
			add(cast, &count, (double)view->past.busy[then], view->hour_weight);
	add(cast, &count, view->busy, view->hour_weight);
	for (size_t i = 0; i < count; i++)
		sum += cast[i].weight;
	for (size_t q = 0; q < BANDS_QUANTILES && count; q++)
		ret[q] = quantile(cast, count, sum, bands_taus[q]);
	return count > 0;
}
