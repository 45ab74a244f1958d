/* SPDX-License-Identifier: Apache-2.0 */
/* Seasonal naive, same-phase medians, analogue days. */
#include "num/season.h"

#include <math.h>

#include "base/must.h"
#include "num/array.h"

/* The index of the newest value with the phase of step h ahead, then `back` periods before it.
 * Past the beginning: n. */
static size_t phase_index(size_t n, size_t period, size_t h, size_t back)
{
	size_t ahead = h % period;
	size_t distance = (back + 1) * period - ahead;
	return distance <= n ? n - distance : n;
}

void season_naive(const double *y, size_t n, size_t period, double *ret, size_t horizon)
{
	must(period > 0);
	for (size_t h = 0; h < horizon; h++) {
		ret[h] = NUM_GAP;
		for (size_t back = 0; back < SEASON_PERIODS && isnan(ret[h]); back++) {
			size_t at = phase_index(n, period, h, back);
			if (at == n)
				break;
			ret[h] = y[at];
		}
	}
}

void season_median(
	const double *y, size_t n, size_t period, size_t periods, double *ret, size_t horizon)
{
	must(period > 0 && periods <= SEASON_PERIODS);
	for (size_t h = 0; h < horizon; h++) {
		if (h >= period) {
			ret[h] = ret[h - period];
			continue;
		}
		double found[SEASON_PERIODS];
		size_t count = 0;
		for (size_t back = 0; back < periods; back++) {
			size_t at = phase_index(n, period, h, back);
			if (at < n && !isnan(y[at]))
				found[count++] = y[at];
		}
		ret[h] = num_median(found, count);
	}
}

double season_level(const double *y, size_t n, size_t window, double *scratch)
{
	size_t take = window < n ? window : n;
	size_t count = num_present(y + (n - take), take, scratch);
	return num_median(scratch, count);
}

static double distance(const double *y, size_t n, size_t look, size_t shift)
{
	double sum = 0;
	size_t count = 0;
	for (size_t i = n - look; i < n; i++) {
		double difference = fabs(y[i] - y[i - shift]);
		if (isnan(difference))
			continue;
		sum += difference;
		count++;
	}
	return 2 * count >= look && count ? sum / (double)count : NUM_GAP;
}

void season_likeness(
	const double *y, size_t n, const struct season_analogue *how, double *ret_weights)
{
	must(how->periods <= SEASON_PERIODS && how->look > 0);
	double sum = 0;
	for (size_t day = 1; day <= how->periods; day++) {
		double weight = 0;
		if (day * how->period + how->look <= n) {
			double apart = distance(y, n, how->look, day * how->period);
			if (!isnan(apart))
				weight = exp2(-(double)day / how->half_life) *
					exp(-apart / how->width);
		}
		ret_weights[day - 1] = weight;
		sum += weight;
	}
	for (size_t i = 0; sum > 0 && i < how->periods; i++)
		ret_weights[i] /= sum;
}

void season_analogues(
	const double *y, size_t n, const struct season_analogue *how, double *ret, size_t horizon)
{
	double weights[SEASON_PERIODS];
	season_likeness(y, n, how, weights);
	for (size_t h = 0; h < horizon; h++) {
		if (h >= how->period) {
			ret[h] = ret[h - how->period];
			continue;
		}
		double found[SEASON_PERIODS], weight[SEASON_PERIODS];
		size_t count = 0;
		for (size_t back = 0; back < how->periods; back++) {
			size_t at = phase_index(n, how->period, h, back);
			if (at == n || isnan(y[at]))
				continue;
			found[count] = y[at];
			weight[count++] = weights[back];
		}
		ret[h] = num_weighted_median(found, weight, count);
	}
}
