/* SPDX-License-Identifier: Apache-2.0 */
/* Sums by price, and a quantile over days. */
#include "plan/price.h"

#include <math.h>

#include "base/must.h"

static const double lowest = 1e-5, per_e = 10;

double price_of_step(size_t step)
{
	return lowest * exp((double)step / per_e);
}

void price_shares_make(struct price_shares *shares, const struct harm_device *device, double most)
{
	for (size_t level = 0; level <= PRICE_LEVELS; level++) {
		double busy = (double)level / PRICE_LEVELS;
		double allowed = fmin(most, harm_share_allowed(device, busy));
		for (size_t step = 0; step < PRICE_STEPS; step++)
			shares->at[level][step] = (float)fmin(
				allowed, harm_share_at(device, busy, price_of_step(step)));
	}
}

/* Upwards: what is nearly as busy as the next level is taken for that. */
const float *price_shares_row(const struct price_shares *shares, double busy)
{
	if (!(busy < 1)) /* a gap too */
		return shares->at[PRICE_LEVELS];
	return shares->at[busy > 0 ? (size_t)ceil(busy * PRICE_LEVELS) : 0];
}

void price_day_add(struct price_day *day, const float *row, double slots)
{
	for (size_t step = 0; step < PRICE_STEPS; step++)
		day->work[step] += slots * (double)row[step];
}

void price_day_add_capped(struct price_day *day, const float *row, float cap, double slots)
{
	for (size_t step = 0; cap > 0 && step < PRICE_STEPS; step++)
		day->work[step] += slots * (double)(row[step] < cap ? row[step] : cap);
}

void price_day_pass(struct price_day *day, const float *row, double slots)
{
	price_day_add(day, row, -slots);
}

/* The lowest step at which the work is done; PRICE_STEPS: none. */
static size_t step_for(const struct price_day *day, double work)
{
	size_t low = 0, high = PRICE_STEPS;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (day->work[middle] >= work)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct price price_find(const struct price_day *days, size_t count, double work, double sure)
{
	must(count <= PRICE_DAYS);
	double by_step[PRICE_STEPS + 1] = {0}, total = 0, reached = 0;
	size_t day_of[PRICE_STEPS + 1] = {0}, step = 0;
	for (size_t i = 0; i < count; i++) {
		if (!(days[i].weight > 0))
			continue;
		size_t of = step_for(&days[i], work);
		/* Of several days that ask the same the weightiest is named. */
		if (!(by_step[of] > 0) || days[i].weight > days[day_of[of]].weight)
			day_of[of] = i;
		by_step[of] += days[i].weight;
		total += days[i].weight;
	}
	/* Sums of weights are not exact: the last day must count as reached. */
	for (; step < PRICE_STEPS; step++) {
		reached += by_step[step];
		if (total > 0 && reached >= sure * total * (1 - 1e-9))
			break;
	}
	struct price price = {.binding = day_of[step], .infeasible = step == PRICE_STEPS};
	price.price = price.infeasible ? (double)INFINITY : price_of_step(step);
	price.in_time = total > 0 ? reached / total : 0;
	return price;
}
