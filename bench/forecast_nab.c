/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anomalies on the files at hand of the Numenta Anomaly Benchmark, scored as NAB scores (standard
 * profile: a detection early in its window counts most, a false one costs 0.11, a missed window 1;
 * one threshold for all files, the best one; 100 is perfect, 0 is silence). Beside it two of NAB's
 * own detectors, recomputed: windowed Gaussian and relative entropy (Wang et al. 2011).
 */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/forecast.h"
#include "model/odd.h"

enum { STAMP = 20, WINDOWS = 16, DETECTORS = 3, ROWS_MAX = 40000, FILES = 64 };

struct nab_file {
	size_t rows, probation, windows;
	char (*stamps)[STAMP];
	double *y;
	float *score[DETECTORS];
	size_t from[WINDOWS], to[WINDOWS];
	uint32_t period;
};

static bool read_rows(struct nab_file *file, const char *path)
{
	char line[256];
	FILE *in = fopen(path, "r");
	if (!in)
		return false;
	file->stamps = calloc(ROWS_MAX, STAMP);
	file->y = calloc(ROWS_MAX, sizeof(*file->y));
	if (!file->stamps || !file->y)
		abort();
	if (fgets(line, sizeof(line), in))
		while (file->rows < ROWS_MAX && fgets(line, sizeof(line), in)) {
			snprintf(file->stamps[file->rows], STAMP, "%.19s", line);
			const char *comma = strchr(line, ',');
			file->y[file->rows++] = comma ? strtod(comma + 1, NULL) : (double)NAN;
		}
	fclose(in);
	return file->rows > 100;
}

static long seconds_of(const char *stamp)
{
	int day = 0, hour = 0, minute = 0, second = 0;
	sscanf(stamp + 8, "%d %d:%d:%d", &day, &hour, &minute, &second);
	return ((day * 24L + hour) * 60 + minute) * 60 + second;
}

static size_t row_of(const struct nab_file *file, const char *stamp)
{
	size_t row = 0;
	while (row + 1 < file->rows && strncmp(file->stamps[row], stamp, 19) < 0)
		row++;
	return row;
}

static void set_up(struct nab_file *file, const json_t *windows)
{
	for (size_t i = 0; i < json_array_size(windows) && i < WINDOWS; i++) {
		const json_t *window = json_array_get(windows, i);
		file->from[i] = row_of(file, json_string_value(json_array_get(window, 0)));
		file->to[i] = row_of(file, json_string_value(json_array_get(window, 1)));
		file->windows++;
	}
	file->probation = file->rows < 5000 ? file->rows * 15 / 100 : 750;
	long step = seconds_of(file->stamps[11]) - seconds_of(file->stamps[10]);
	file->period = step >= 300 && step <= 43200 ? (uint32_t)(86400 / step) : ODD_PERIOD_MAX;
	for (size_t d = 0; d < DETECTORS; d++) {
		file->score[d] = calloc(file->rows, sizeof(float));
		if (!file->score[d])
			abort();
	}
}

/* ---- detectors ---- */

static double own(const struct nab_file *file, float *ret)
{
	struct odd *odd = malloc(sizeof(*odd));
	if (!odd)
		abort();
	odd_begin(odd, file->period);
	double before = cpu_seconds();
	for (size_t i = 0; i < file->rows; i++)
		ret[i] = (float)odd_add(odd, file->y[i]).alarm;
	free(odd);
	return cpu_seconds() - before;
}

/* NAB's detector/gaussian: a window of 6,400 values that moves in steps of 100. */
static void gaussian(const struct nab_file *file, float *ret)
{
	enum { WINDOW = 6400, STEP = 100 };
	double sum = 0, square = 0;
	size_t from = 0, until = 0;
	for (size_t i = 0; i < file->rows; i++) {
		double n = (double)(until - from), mean = n > 0 ? sum / n : 0;
		double variance = n > 0 ? square / n - mean * mean : 0;
		double deviation = variance > 1e-12 ? sqrt(variance) : 1e-6;
		double tail = 0.5 * erfc(fabs(file->y[i] - mean) / deviation / sqrt(2));
		ret[i] = n > 0 ? (float)(1 - tail) : 0;
		if (i >= WINDOW && (i + 1 - until) < STEP)
			continue;
		for (; until <= i; until++) {
			sum += file->y[until];
			square += file->y[until] * file->y[until];
		}
		for (; until - from > WINDOW; from++) {
			sum -= file->y[from];
			square -= file->y[from] * file->y[from];
		}
	}
}

/* Five bins, 52 values, hypotheses that agree by a chi-squared test at one in a hundred. */
enum { BINS = 5, LENGTH = 52, HYPOTHESES = 4096 };

static double divergence(const double *p, const double *q)
{
	double sum = 0;
	for (size_t b = 0; b < BINS; b++)
		if (p[b] > 0)
			sum += q[b] > 0 ? p[b] * log(p[b] / q[b]) : HUGE_VAL;
	return 2 * LENGTH * sum;
}

static void entropy(const struct nab_file *file, float *ret)
{
	double(*known)[BINS] = calloc(HYPOTHESES, sizeof(*known)), low = HUGE_VAL, high = -HUGE_VAL;
	size_t *seen = calloc(HYPOTHESES, sizeof(*seen)), count = 0;
	if (!known || !seen)
		abort();
	for (size_t i = 0; i < file->rows; i++) {
		low = fmin(low, file->y[i]);
		high = fmax(high, file->y[i]);
	}
	for (size_t i = LENGTH - 1; high > low && i < file->rows; i++) {
		double now[BINS] = {0}, least = 13.2767;
		size_t best = HYPOTHESES;
		for (size_t k = i + 1 - LENGTH; k <= i; k++) {
			double bin = ceil((file->y[k] - low) / (high - low) * BINS);
			now[bin >= BINS ? BINS - 1 : (size_t)bin] += 1.0 / LENGTH;
		}
		for (size_t h = 0; h < count; h++)
			if (divergence(now, known[h]) < least) {
				least = divergence(now, known[h]);
				best = h;
			}
		if (best < HYPOTHESES) {
			ret[i] = ++seen[best] <= 1 ? 1 : 0;
		} else if (count < HYPOTHESES) {
			ret[i] = count ? 1 : 0;
			memcpy(known[count], now, sizeof(now));
			seen[count++] = 1;
		}
	}
	free(known);
	free(seen);
}

/* ---- the score ---- */

static double sigmoid(double x)
{
	return x > 3 ? -1 : 2 / (1 + exp(5 * x)) - 1;
}

static double false_alarm(const struct nab_file *file, size_t row)
{
	size_t w = file->windows;
	while (w > 0 && file->to[w - 1] >= row)
		w--;
	if (!w)
		return -0.11;
	double length = (double)(file->to[w - 1] - file->from[w - 1]);
	double past = (double)(row - file->to[w - 1]);
	return 0.11 * sigmoid(length > 0 ? past / length : 9);
}

static double file_score(const struct nab_file *file, size_t detector, double threshold)
{
	bool hit[WINDOWS] = {false};
	double score = 0;
	for (size_t i = file->probation; i < file->rows; i++) {
		if ((double)file->score[detector][i] < threshold)
			continue;
		size_t w = 0;
		while (w < file->windows && !(i >= file->from[w] && i <= file->to[w]))
			w++;
		if (w == file->windows) {
			score += false_alarm(file, i);
		} else if (!hit[w]) {
			double length = (double)(file->to[w] - file->from[w] + 1);
			hit[w] = true;
			score += sigmoid(-(double)(file->to[w] - i + 1) / length) / sigmoid(-1);
		}
	}
	for (size_t w = 0; w < file->windows; w++)
		score -= hit[w] ? 0 : 1;
	return score;
}

static int descending(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return a > b ? -1 : a < b;
}

/* The best threshold of all: among the greatest scores of all files together. */
static double best(const struct nab_file *files, size_t count, size_t detector, double *ret_at)
{
	size_t total = 0, used = 0;
	for (size_t f = 0; f < count; f++)
		total += files[f].rows;
	float *all = malloc(total * sizeof(*all));
	if (!all)
		abort();
	for (size_t f = 0; f < count; f++)
		for (size_t i = files[f].probation; i < files[f].rows; i++)
			all[used++] = files[f].score[detector][i];
	qsort(all, used, sizeof(*all), descending);
	double top = -HUGE_VAL, windows = 0;
	for (size_t f = 0; f < count; f++)
		windows += (double)files[f].windows;
	for (size_t i = 0; i < used / 10; i += 1 + i / 16) {
		double sum = 0;
		for (size_t f = 0; f < count; f++)
			sum += file_score(&files[f], detector, (double)all[i]);
		if (sum > top) {
			top = sum;
			*ret_at = (double)all[i];
		}
	}
	free(all);
	/* Silence scores minus one a window, perfection one. */
	return fmax(0, 100 * (top + windows) / (2 * windows));
}

static size_t read_all(const char *data, struct nab_file *files)
{
	char path[4096];
	json_error_t error;
	size_t count = 0;
	snprintf(path, sizeof(path), "%s/nab/combined_windows.json", data);
	json_t *labels = json_load_file(path, 0, &error);
	for (void *at = json_object_iter(labels); at && count < FILES;
		at = json_object_iter_next(labels, at)) {
		snprintf(path, sizeof(path), "%s/nab/data/%s", data, json_object_iter_key(at));
		if (!read_rows(&files[count], path))
			continue;
		set_up(&files[count++], json_object_iter_value(at));
	}
	json_decref(labels);
	return count;
}

bool nab(const struct options *options)
{
	static const char *const names[DETECTORS] = {
		"ebb", "windowed Gaussian", "relative entropy"};
	struct nab_file *files = calloc(FILES, sizeof(*files));
	double spent = 0, rows = 0;
	size_t count = files ? read_all(options->data, files) : 0;
	for (size_t f = 0; f < count; f++) {
		spent += own(&files[f], files[f].score[0]);
		gaussian(&files[f], files[f].score[1]);
		entropy(&files[f], files[f].score[2]);
		rows += (double)files[f].rows;
	}
	if (count)
		printf("\n== Anomalies on %zu files of NAB, standard profile\n", count);
	for (size_t d = 0; count && d < DETECTORS; d++) {
		double at = 0, score = best(files, count, d, &at);
		printf("%-20s%7.1f  at %.4f\n", names[d], score, at);
	}
	if (count)
		printf("%.2f us CPU a value, %zu bytes a series\n", 1e6 * spent / rows,
			sizeof(struct odd));
	for (size_t f = 0; f < count; f++) {
		free(files[f].stamps);
		free(files[f].y);
		for (size_t d = 0; d < DETECTORS; d++)
			free(files[f].score[d]);
	}
	free(files);
	return count > 0;
}
