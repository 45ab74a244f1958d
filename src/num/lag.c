/* SPDX-License-Identifier: Apache-2.0 */
/* Ridge on lags: Gram matrix by recurrence, one solve a forecast. */
#include "num/lag.h"

#include <math.h>
#include <string.h>

#include "base/must.h"
#include "num/array.h"

/* Windows from .. to - 1 whose targets are all real. */
struct stretch {
	size_t from, to;
};

static bool real_targets(const struct lag_ridge *lag, const bool *filled, size_t window)
{
	return !filled || !memchr(filled + window + lag->lags, true, lag->base);
}

/* Returns how many stretches there are; more than LAG_STRETCHES: too many gaps. */
static size_t find_stretches(
	const struct lag_ridge *lag, const bool *filled, size_t windows, struct stretch *ret)
{
	size_t count = 0;
	bool inside = false;
	for (size_t t = 0; t < windows; t++) {
		bool real = real_targets(lag, filled, t);
		if (real && !inside) {
			if (count == LAG_STRETCHES)
				return count + 1;
			ret[count++].from = t;
		}
		if (real)
			ret[count - 1].to = t + 1;
		inside = real;
	}
	return count;
}

/*
 * Moments of the windows, lags rows by lags + base columns: m[i][j] is the sum over all windows t
 * of y[t + i] * y[t + j]; columns from `lags` on are targets.
 */
static void moments(const struct lag_ridge *lag, const double *y, const struct stretch *stretches,
	size_t count, double *m)
{
	size_t width = lag->lags + lag->base;
	memset(m, 0, width * sizeof(*m));
	for (size_t s = 0; s < count; s++) {
		const double *from = y + stretches[s].from;
		for (size_t j = 0; j < width; j++)
			m[j] += num_dot(from, from + j, stretches[s].to - stretches[s].from);
	}
	for (size_t i = 1; i < lag->lags; i++) {
		double *row = m + i * width;
		/* Left of the diagonal the matrix is symmetric. */
		for (size_t j = 0; j < i; j++)
			row[j] = m[j * width + i];
		memcpy(row + i, row - width + i - 1, (width - i) * sizeof(*row));
		for (size_t s = 0; s < count; s++) {
			const double *gone = y + stretches[s].from, *come = y + stretches[s].to;
			num_axpy(row + i, -gone[i - 1], gone + i - 1, width - i);
			num_axpy(row + i, come[i - 1], come + i - 1, width - i);
		}
	}
}

/* Windows count as departures from the mean of their last `base` lags: that is a linear map of the
 * window, so the moments of departures follow from the moments. g: lags x lags. */
static void centre(const struct lag_ridge *lag, const double *m, double *g, double *c, double *w)
{
	size_t lags = lag->lags, base = lag->base, width = lags + base;
	for (size_t j = 0; j < width; j++) {
		double sum = 0;
		for (size_t k = lags - base; k < lags; k++)
			sum += m[k * width + j];
		w[j] = sum / (double)base;
	}
	double ww = num_mean(w + (lags - base), base);
	for (size_t i = 0; i < lags; i++)
		for (size_t j = 0; j < lags; j++)
			g[i * lags + j] = m[i * width + j] - w[j] - w[i] + ww;
	for (size_t h = 0; h < base; h++)
		for (size_t i = 0; i < lags; i++) {
			size_t now = lags + h, before = now - base;
			c[h * lags + i] = (m[i * width + now] - m[i * width + before]) -
				(w[now] - w[before]);
		}
}

/* One day ahead of `window`; x is scratch for it. */
static void day_ahead(const struct lag_ridge *lag, const double *factor, const double *c,
	const double *window, double *x)
{
	size_t lags = lag->lags, base = lag->base;
	double level = num_mean(window + (lags - base), base);
	double *ret = x + lags;
	for (size_t i = 0; i < lags; i++)
		x[i] = window[i] - level;
	num_cholesky_solve(factor, lags, x);
	for (size_t h = 0; h < base; h++)
		ret[h] = window[lags - base + h] + num_dot(c + h * lags, x, lags);
}

size_t lag_scratch(const struct lag_ridge *lag, size_t n, size_t horizon)
{
	size_t lags = lag->lags, base = lag->base, width = lags + base;
	return n + lags * width + lags * lags + base * lags + 2 * width + lags + horizon + base;
}

bool lag_forecast(const struct lag_ridge *lag, const double *y, const bool *filled, size_t n,
	const struct lag_out *out)
{
	size_t lags = lag->lags, base = lag->base, width = lags + base;
	must(base > 0 && lags % base == 0);
	if (n < lags + 4 * base)
		return false;
	/* Only departures count, so the level may go: products of small numbers cancel less. */
	double *level_free = out->scratch, level = num_mean(y, n);
	for (size_t i = 0; i < n; i++)
		level_free[i] = y[i] - level;
	double *m = level_free + n, *g = m + lags * width, *c = g + lags * lags;
	double *w = c + base * lags, *x = w + width, *window = x + width;
	struct stretch stretches[LAG_STRETCHES];
	size_t stretch_count = find_stretches(lag, filled, n - width + 1, stretches);
	if (!stretch_count || stretch_count > LAG_STRETCHES)
		return false;
	moments(lag, level_free, stretches, stretch_count, m);
	centre(lag, m, g, c, w);
	double trace = 0;
	for (size_t i = 0; i < lags; i++)
		trace += g[i * lags + i];
	double penalty = lag->lambda * trace / (double)lags;
	if (!(penalty > 0) || isinf(penalty))
		return false;
	for (size_t i = 0; i < lags; i++)
		g[i * lags + i] += penalty;
	if (!num_cholesky(g, lags))
		return false;
	/* Further days come from the days forecast before them. */
	memcpy(window, y + (n - lags), lags * sizeof(*y));
	for (size_t done = 0; done < out->horizon; done += base) {
		day_ahead(lag, g, c, window + done, x);
		memcpy(window + lags + done, x + lags, base * sizeof(*x));
	}
	memcpy(out->ahead, window + lags, out->horizon * sizeof(*y));
	return true;
}
