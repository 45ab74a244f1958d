/* SPDX-License-Identifier: Apache-2.0 */
/* Page's test, binary segmentation, PELT. */
#include "num/change.h"

#include <math.h>

#include "num/array.h"

bool page_add(struct page *page, double x, double slack, double limit)
{
	if (isnan(x))
		return false;
	page->up = (float)fmax(0, (double)page->up + x - slack);
	page->down = (float)fmax(0, (double)page->down - x - slack);
	if ((double)page->up <= limit && (double)page->down <= limit)
		return false;
	page->up = page->down = 0;
	return true;
}

/* Running sums and squares, the best costs, and the change before each. */
size_t change_scratch(size_t n)
{
	return 5 * (n + 1);
}

struct sums {
	double *sum, *square;
};

static struct sums running(const double *y, size_t n, double *scratch)
{
	struct sums sums = {scratch, scratch + n + 1};
	double mean = num_mean(y, n);
	sums.sum[0] = sums.square[0] = 0;
	for (size_t i = 0; i < n; i++) {
		double x = y[i] - mean;
		sums.sum[i + 1] = sums.sum[i] + x;
		sums.square[i + 1] = sums.square[i] + x * x;
	}
	return sums;
}

/* Squared error of one level over from .. to - 1. */
static double cost(const struct sums *sums, size_t from, size_t to)
{
	double sum = sums->sum[to] - sums->sum[from];
	return fmax(0, sums->square[to] - sums->square[from] - sum * sum / (double)(to - from));
}

/* The median absolute first difference of noise is 0.954 of its deviation. */
static double noise_variance(const double *y, size_t n, double *scratch)
{
	for (size_t i = 1; i < n; i++)
		scratch[i - 1] = fabs(y[i] - y[i - 1]);
	double middle = n > 1 ? num_median(scratch, n - 1) / 0.954 : 0;
	double mean = 0;
	for (size_t i = 1; i < n; i++)
		mean += fabs(y[i] - y[i - 1]) / (double)(n - 1);
	/* Mostly constant series have a median of zero: then the mean difference must do. */
	double deviation = middle > 1e-9 * mean ? middle : mean;
	return deviation * deviation + 1e-300;
}

/* The best single split of from .. to - 1; 0: none pays. */
static size_t split_point(
	const struct sums *sums, size_t from, size_t to, size_t shortest, double *ret_gain)
{
	size_t best = 0;
	*ret_gain = 0;
	for (size_t at = from + shortest; at + shortest <= to; at++) {
		double gain = cost(sums, from, to) - cost(sums, from, at) - cost(sums, at, to);
		if (gain > *ret_gain) {
			*ret_gain = gain;
			best = at;
		}
	}
	return best;
}

size_t change_split(
	const double *y, size_t n, const struct change_opts *opts, size_t *ret, size_t max)
{
	if (n < 2)
		return 0;
	double penalty = opts->penalty * noise_variance(y, n, opts->scratch);
	struct sums sums = running(y, n, opts->scratch);
	size_t count = 0;
	/* Each round splits the segment that gains most. */
	while (count < max) {
		double best_gain = penalty;
		size_t best = 0, place = 0;
		for (size_t s = 0; s <= count; s++) {
			size_t from = s ? ret[s - 1] : 0, to = s < count ? ret[s] : n;
			double gain;
			size_t at = split_point(&sums, from, to, opts->shortest, &gain);
			if (at && gain > best_gain) {
				best_gain = gain;
				best = at;
				place = s;
			}
		}
		if (!best)
			break;
		for (size_t i = count++; i > place; i--)
			ret[i] = ret[i - 1];
		ret[place] = best;
	}
	return count;
}

size_t change_best(
	const double *y, size_t n, const struct change_opts *opts, size_t *ret, size_t max)
{
	if (n < 2)
		return 0;
	double penalty = opts->penalty * noise_variance(y, n, opts->scratch);
	struct sums sums = running(y, n, opts->scratch);
	double *best = opts->scratch + 2 * (n + 1), *last = best + n + 1, *alive = last + n + 1;
	size_t count = 1, shortest = opts->shortest;
	best[0] = -penalty;
	alive[0] = 0;
	for (size_t t = 1; t <= n; t++) {
		best[t] = HUGE_VAL;
		last[t] = 0;
		for (size_t i = 0; i < count; i++) {
			size_t s = (size_t)alive[i];
			if (t - s < shortest || !isfinite(best[s]))
				continue;
			double total = best[s] + cost(&sums, s, t) + penalty;
			if (total < best[t]) {
				best[t] = total;
				last[t] = (double)s;
			}
		}
		/* A start that is already worse by more than the penalty never wins again. */
		size_t kept = 0;
		for (size_t i = 0; i < count; i++) {
			size_t s = (size_t)alive[i];
			if (t - s < shortest || best[s] + cost(&sums, s, t) <= best[t])
				alive[kept++] = alive[i];
		}
		count = kept;
		alive[count++] = (double)t;
	}
	size_t found = 0;
	for (size_t t = (size_t)last[n]; t > 0; t = (size_t)last[t])
		found++;
	size_t at = found;
	for (size_t t = (size_t)last[n]; t > 0; t = (size_t)last[t])
		if (--at < max)
			ret[at] = t;
	return found < max ? found : max;
}
