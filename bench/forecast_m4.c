/* SPDX-License-Identifier: Apache-2.0 */
/*
 * M4 Hourly (Makridakis, Spiliotis, Assimakopoulos, "The M4 Competition", International Journal of
 * Forecasting 36, 2020): 48 hours ahead, OWA relative to Naive2, MSIS at 95 %. The official tests
 * are used when Hourly-test.csv.gz lies beside the training part; else the last 48 hours of the
 * training part are the test.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/forecast.h"
#include "model/model.h"
#include "num/array.h"

enum { DAY = 24, AHEAD = 48, LONGEST = 1100 };

struct score {
	double smape, mase, msis, covered, count;
};

static double seasonal_scale(const double *y, size_t n)
{
	double sum = 0;
	for (size_t i = DAY; i < n; i++)
		sum += fabs(y[i] - y[i - DAY]);
	return sum / (double)(n - DAY);
}

static double autocorrelation(const double *y, size_t n, size_t lag, double mean)
{
	double cross = 0, square = 0;
	for (size_t i = 0; i < n; i++) {
		square += (y[i] - mean) * (y[i] - mean);
		if (i >= lag)
			cross += (y[i] - mean) * (y[i - lag] - mean);
	}
	return square > 0 ? cross / square : 0;
}

/* The 90 % test of the competition's code. */
static bool seasonal(const double *y, size_t n)
{
	double mean = num_mean(y, n), squares = 0;
	for (size_t lag = 1; lag < DAY; lag++)
		squares += pow(autocorrelation(y, n, lag, mean), 2);
	double limit = 1.645 * sqrt((1 + 2 * squares) / (double)n);
	return fabs(autocorrelation(y, n, DAY, mean)) > limit;
}

/* Classical multiplicative decomposition: ratios to a centred moving average, mean by phase. */
static void naive2(const double *y, size_t n, double *ret)
{
	double index[DAY], sum = 0;
	for (size_t phase = 0; phase < DAY; phase++) {
		double ratios = 0, count = 0;
		for (size_t i = DAY / 2; i + DAY / 2 < n; i++) {
			if (i % DAY != phase)
				continue;
			double average = 0.5 * (y[i - DAY / 2] + y[i + DAY / 2]);
			for (size_t j = i - DAY / 2 + 1; j < i + DAY / 2; j++)
				average += y[j];
			average /= DAY;
			if (average > 0) {
				ratios += y[i] / average;
				count += 1;
			}
		}
		index[phase] = count > 0 ? ratios / count : 1;
		sum += index[phase] / DAY;
	}
	bool use = seasonal(y, n);
	for (size_t phase = 0; phase < DAY; phase++)
		index[phase] = use && sum > 0 && index[phase] > 0 ? index[phase] / sum : 1;
	for (size_t h = 0; h < AHEAD; h++)
		ret[h] = y[n - 1] / index[(n - 1) % DAY] * index[(n + h) % DAY];
}

static void add_point(struct score *score, const double *said, const double *truth, double scale)
{
	for (size_t h = 0; h < AHEAD; h++) {
		double size = fabs(said[h]) + fabs(truth[h]), error = fabs(said[h] - truth[h]);
		score->smape += size > 0 ? 200 * error / size / AHEAD : 0;
		score->mase += error / scale / AHEAD;
	}
	score->count += 1;
}

static void add_interval(
	struct score *score, const struct ahead *ahead, const double *truth, double scale)
{
	for (size_t h = 0; h < AHEAD; h++) {
		double low = ahead->quantile[h][0], high = ahead->quantile[h][AHEAD_QUANTILES - 1];
		double width = high - low;
		if (truth[h] < low)
			width += 40 * (low - truth[h]);
		else if (truth[h] > high)
			width += 40 * (truth[h] - high);
		else
			score->covered += 1.0 / AHEAD;
		score->msis += width / scale / AHEAD;
	}
}

/* Replays the training part day by day, counted back from its end. */
static void replay(
	struct model *model, struct work *work, const double *y, size_t n, struct ahead *ahead)
{
	for (size_t i = 0; i < n; i++) {
		int64_t local_s = (int64_t)(400 * DAY + i) * 3600;
		if ((n - i) % DAY == 0 && i >= 2 * DAY && (n - i) / DAY <= 21)
			model_refit(model, work, NULL, ahead);
		model_add(model, local_s, y[i]);
		history_reach(&model->history, local_s + 3600);
	}
	model_refit(model, work, NULL, ahead);
}

struct m4 {
	struct score mix, naive, experts[EXPERTS];
};

static void run_one(struct m4 *m4, const double *y, size_t n, const double *truth)
{
	struct model *model = model_new();
	struct work *work = work_new();
	struct ahead *ahead = malloc(sizeof(*ahead));
	if (!model || !work || !ahead)
		abort();
	double scale = seasonal_scale(y, n), simple[AHEAD];
	replay(model, work, y, n, ahead);
	naive2(y, n, simple);
	if (scale > 0) {
		add_point(&m4->mix, ahead->mix, truth, scale);
		add_point(&m4->naive, simple, truth, scale);
		for (size_t e = 0; e < EXPERTS - 1; e++)
			add_point(&m4->experts[e], ahead->said.by[e], truth, scale);
		add_interval(&m4->mix, ahead, truth, scale);
	}
	free(ahead);
	work_free(work);
	model_free(model);
}

static size_t row_of(const struct table *table, size_t row, double *ret)
{
	size_t n = 0;
	for (size_t c = 1; c < table->columns && n < LONGEST; c++) {
		double v = (double)table->at[c * table->rows + row];
		if (!isnan(v))
			ret[n++] = v;
	}
	return n;
}

static void print_line(const char *name, const struct score *s, const struct score *naive)
{
	double owa = 0.5 * (s->smape / naive->smape + s->mase / naive->mase);
	printf("%-20s%8.3f%8.3f%8.3f\n", name, s->smape / s->count, s->mase / s->count, owa);
}

bool m4_hourly(const struct options *options)
{
	char path[4096];
	struct table train, test;
	snprintf(path, sizeof(path), "%s/m4_hourly/Hourly-train.csv.gz", options->data);
	if (!table_read(&train, path))
		return false;
	snprintf(path, sizeof(path), "%s/m4_hourly/Hourly-test.csv.gz", options->data);
	bool official = table_read(&test, path);
	struct m4 m4 = {0};
	for (size_t row = 0; row < train.rows; row += options->stride) {
		double y[LONGEST], truth[LONGEST];
		size_t n = row_of(&train, row, y);
		if (official && row_of(&test, row, truth) == AHEAD) {
			run_one(&m4, y, n, truth);
		} else if (n > 2 * AHEAD) {
			for (size_t h = 0; h < AHEAD; h++)
				truth[h] = y[n - AHEAD + h];
			run_one(&m4, y, n - AHEAD, truth);
		}
	}
	printf("\n== M4 Hourly, 48 hours ahead, %s\n%-20s%8s%8s%8s\n",
		official ? "official tests" : "last 48 hours of the training part", "", "sMAPE",
		"MASE", "OWA");
	print_line("mix", &m4.mix, &m4.naive);
	for (size_t e = 0; e < EXPERTS - 1; e++)
		print_line(expert_names[e], &m4.experts[e], &m4.naive);
	print_line("Naive2", &m4.naive, &m4.naive);
	printf("MSIS %.3f, coverage of 95 %%: %.1f %%\n", m4.mix.msis / m4.mix.count,
		100 * m4.mix.covered / m4.mix.count);
	table_done(&train);
	table_done(&test);
	return true;
}
