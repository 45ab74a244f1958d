/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Next day and next week at hourly steps: rolling origins at local midnight, only data before the
 * origin, only hours that were really there. Errors are relative to those of the day before,
 * geometric mean over series.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/forecast.h"
#include "model/model.h"
#include "model/network.h"
#include "num/array.h"

enum { DAY = 24, TAUS = 8, TALL = AHEAD_HOURS };

/* Who chooses windows: the window score, the mix, each expert. */
enum { BY_SCORE, BY_MIX, BY_EXPERT, CHOOSERS = BY_EXPERT + EXPERTS - 1 };

static const double taus[TAUS] = {.05, .1, .25, .5, .75, .9, .95, .99};

/* Sums over the test days of one series. */
struct sums {
	double mix[2], by[2][EXPERTS]; /* absolute errors: next day, next week */
	double hours[2], spoken[2][EXPERTS];
	double pinball, same_pinball, quantile_hours;
	double covered[TAUS], same_covered[TAUS];
	double chosen[2][CHOOSERS], best[2], random[2]; /* window loads */
	double correct[2][CHOOSERS], days[2];
	double naive_scale, naive_count; /* in-sample seasonal naive error, for MASE */
	double refit_s, refits, ahead_s;
};

struct run {
	const float *y; /* hourly, from the first local midnight */
	size_t hours;
	size_t test_days, warm_days;
	bool seagull; /* per cent of CPU: Seagull's bounds make sense */
	bool busy;    /* of a machine that bitbrains_busy() names */
	double p95;
	uint8_t ok[CHOOSERS][64]; /* by method and test day: window right 1, load accurate 2 */
};

static double window(const double *y, size_t start, size_t width)
{
	double sum = 0;
	for (size_t h = start; h < start + width; h++)
		sum += y[h];
	return sum / (double)width;
}

static size_t lowest(const double *y, size_t width)
{
	size_t best = 0;
	for (size_t s = 1; s + width <= DAY; s++)
		if (window(y, s, width) < window(y, best, width))
			best = s;
	return best;
}

static size_t lowest_score(const double *score, size_t starts)
{
	size_t best = 0;
	for (size_t s = 1; s < starts; s++)
		if (score[s] < score[best])
			best = s;
	return best;
}

/* Poppe et al.: within +10 and -5 points of the truth, for at least nine tenths of the window. */
static bool accurate(const double *said, const double *truth, size_t start, size_t width)
{
	size_t inside = 0;
	for (size_t h = start; h < start + width; h++)
		if (said[h] - truth[h] <= 10 && said[h] - truth[h] >= -5)
			inside++;
	return 10 * inside >= 9 * width;
}

static void score_windows(struct run *run, struct sums *sums, const struct model *model,
	const struct ahead *ahead, const double *truth, size_t day)
{
	if (num_count(truth, DAY) < DAY)
		return;
	for (size_t w = 0; w < 2; w++) {
		size_t width = (size_t)width_hours[w];
		double score[DAY];
		mix_windows(&model->mix, &ahead->said, w, score);
		double best = window(truth, lowest(truth, width), width), mean = 0;
		for (size_t s = 0; s + width <= DAY; s++)
			mean += window(truth, s, width) / (double)(DAY - width + 1);
		for (size_t m = 0; m < CHOOSERS; m++) {
			const double *said = m < BY_EXPERT ? ahead->mix
							   : ahead->said.by[m - BY_EXPERT];
			size_t start = m == BY_SCORE ? lowest_score(score, DAY - width + 1)
						     : lowest(said, width);
			double load = window(truth, start, width);
			sums->chosen[w][m] += load;
			sums->correct[w][m] += load - best <= 0.05 * run->p95;
			/* Seagull's bound for the window is its own: 10 points. */
			if (w == 0)
				run->ok[m][day] = (uint8_t)(4 | (load - best <= 10) |
					accurate(said, truth, start, width) << 1);
		}
		sums->best[w] += best;
		sums->random[w] += mean;
		sums->days[w] += 1;
	}
}

static double pinball(double truth, double quantile, double tau)
{
	double off = truth - quantile;
	return off > 0 ? tau * off : (tau - 1) * off;
}

static void score_bands(struct sums *sums, const struct model *model, const struct ahead *ahead,
	const double *truth)
{
	struct bands bands;
	bands_begin(&bands, &model->record, &model->history, 0);
	for (size_t h = 0; h < DAY; h++) {
		double quantile[TAUS], same[28];
		if (isnan(truth[h]))
			continue;
		bands_at(&bands, h, ahead->mix[h], taus, TAUS, quantile);
		size_t count = 0;
		for (size_t d = 1; d <= 28; d++) {
			double y = history_at(
				&model->history, ahead->start + (int64_t)h - (int64_t)d * DAY);
			if (!isnan(y))
				same[count++] = y;
		}
		num_sort(same, count);
		for (size_t i = 0; i < TAUS; i++) {
			double simple = num_quantile(same, count, taus[i]);
			sums->pinball += 2 * pinball(truth[h], quantile[i], taus[i]) / TAUS;
			sums->same_pinball += 2 * pinball(truth[h], simple, taus[i]) / TAUS;
			sums->covered[i] += truth[h] <= quantile[i];
			sums->same_covered[i] += truth[h] <= simple;
		}
		sums->quantile_hours += 1;
	}
}

static void score_levels(struct sums *sums, const struct ahead *ahead, const double *truth)
{
	for (size_t h = 0; h < TALL; h++) {
		/* Hours for which the day before has no value would be won or lost by nobody. */
		if (isnan(truth[h]) || isnan(ahead->said.by[EXPERT_DAY][h]))
			continue;
		for (size_t range = h >= DAY; range < 2; range++) {
			sums->mix[range] += fabs(ahead->mix[h] - truth[h]);
			sums->hours[range] += 1;
			for (size_t e = 0; e < EXPERTS; e++)
				if (!isnan(ahead->said.by[e][h])) {
					sums->by[range][e] += fabs(ahead->said.by[e][h] - truth[h]);
					sums->spoken[range][e] += 1;
				}
		}
	}
}

static double percentile95(const float *y, size_t n)
{
	double *copy = malloc(n * sizeof(*copy));
	if (!copy)
		return 0;
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		if (!isnan(y[i]))
			copy[count++] = (double)y[i];
	num_sort(copy, count);
	double p = num_quantile(copy, count, 0.95);
	free(copy);
	return isnan(p) ? 0 : p;
}

static void truth_from(const struct run *run, size_t hour, double *ret)
{
	for (size_t h = 0; h < TALL; h++)
		ret[h] = hour + h < run->hours ? (double)run->y[hour + h] : NUM_GAP;
}

/* What one series after the other uses; the network is one for all of a set and learns only from
 * days before the test days of each. */
struct bench {
	struct model *model;
	struct work *work;
	struct ahead *ahead;
	struct network *network;
};

static bool refit(struct bench *bench, bool learn)
{
	double guest[AHEAD_HOURS];
	if (learn)
		network_learn(bench->network, &bench->model->history);
	bool heard = network_say(bench->network, &bench->model->history, guest);
	return model_refit(bench->model, bench->work, heard ? guest : NULL, bench->ahead);
}

static void run_series(struct run *run, struct sums *sums, struct bench *bench)
{
	struct model *model = bench->model;
	struct ahead *ahead = bench->ahead;
	size_t days = run->hours / DAY, first_test = days - run->test_days;
	size_t first_fit = first_test > run->warm_days ? first_test - run->warm_days : 1;
	size_t first_day = first_test > 42 ? first_test - 42 : 0;
	double truth[TALL];
	run->p95 = percentile95(run->y, run->hours);
	for (size_t day = first_day; day < days; day++) {
		if (day >= first_fit && day > first_day) {
			double before = cpu_seconds();
			bool said = refit(bench, day < first_test);
			sums->refit_s += cpu_seconds() - before;
			sums->refits += 1;
			if (said && day >= first_test) {
				truth_from(run, day * DAY, truth);
				score_levels(sums, ahead, truth);
				score_windows(run, sums, model, ahead, truth, day - first_test);
				if (day + 14 >= days)
					score_bands(sums, model, ahead, truth);
			}
		}
		for (size_t h = 0; h < DAY; h++) {
			double y = (double)run->y[day * DAY + h];
			int64_t local_s = (int64_t)(400 * DAY + day * DAY + h) * 3600;
			if (!isnan(y))
				model_add(model, local_s, y);
			history_reach(&model->history, local_s + 3600);
		}
	}
}

/* Series worth a forecast: there in the test days, and not nearly always the same. */
static bool active(const float *y, size_t hours, size_t test_days)
{
	size_t from = hours > (test_days + 14) * DAY ? hours - (test_days + 14) * DAY : 0;
	size_t present = 0, live = 0;
	for (size_t i = from; i < hours; i++) {
		present += isnan(y[i]) ? 0 : 1;
		live += fabs((double)y[i]) > 1e-6 ? 1 : 0;
	}
	return 2 * present > hours - from && 10 * live > present;
}

struct results {
	struct network *network;
	struct sums *sums;
	struct run *runs;
	int *group;
	size_t count, cap;
};

static void collect(struct results *results, const struct run *proto, int group)
{
	if (!active(proto->y, proto->hours, proto->test_days))
		return;
	if (results->count == results->cap) {
		results->cap = results->cap ? 2 * results->cap : 256;
		results->sums = realloc(results->sums, results->cap * sizeof(*results->sums));
		results->runs = realloc(results->runs, results->cap * sizeof(*results->runs));
		results->group = realloc(results->group, results->cap * sizeof(*results->group));
	}
	results->network = results->network ? results->network : network_new(1);
	struct bench bench = {
		model_new(), work_new(), malloc(sizeof(struct ahead)), results->network};
	if (!bench.model || !bench.work || !bench.ahead || !bench.network || !results->sums ||
		!results->runs || !results->group)
		abort();
	struct sums *sums = &results->sums[results->count];
	struct run *run = &results->runs[results->count];
	memset(sums, 0, sizeof(*sums));
	*run = *proto;
	run_series(run, sums, &bench);
	if (sums->by[0][EXPERT_DAY] > 0)
		results->group[results->count++] = group;
	free(bench.ahead);
	work_free(bench.work);
	model_free(bench.model);
}

/* Leaves only what belongs to busy machines. */
static void pick_busy(struct results *results)
{
	size_t kept = 0;
	for (size_t i = 0; i < results->count; i++) {
		if (!results->runs[i].busy)
			continue;
		results->sums[kept] = results->sums[i];
		results->runs[kept] = results->runs[i];
		results->group[kept++] = results->group[i];
	}
	results->count = kept;
}

static void drop(struct results *results)
{
	free(results->sums);
	free(results->runs);
	free(results->group);
	network_free(results->network);
}

/* Of one group, or of all when group < 0: geometric mean of errors relative to the day before. */
static double relative(const struct results *results, int group, size_t range, int expert)
{
	double *x = malloc((results->count + 1) * sizeof(*x));
	size_t count = 0;
	for (size_t i = 0; x && i < results->count; i++) {
		const struct sums *s = &results->sums[i];
		if ((group >= 0 && results->group[i] != group) || !(s->by[range][EXPERT_DAY] > 0))
			continue;
		/* One who was silent for some hours cannot be compared on this series. */
		if (expert >= 0 && s->spoken[range][expert] < s->hours[range])
			continue;
		double own = expert < 0 ? s->mix[range] : s->by[range][expert];
		x[count++] = own / s->by[range][EXPERT_DAY];
	}
	double mean = geometric(x, count);
	free(x);
	return mean;
}

static void print_levels(const struct results *results, const char *const *groups, int group_count)
{
	for (size_t range = 0; range < 2; range++) {
		printf("\nnext %s, error relative to the day before (geometric mean of "
		       "series)\n%-20s",
			range ? "7 days" : "24 h", "");
		for (int g = 0; g < group_count; g++)
			printf("%8.8s", groups[g]);
		printf("%8s\n", "all");
		for (int e = -1; e < (int)EXPERTS; e++) {
			printf("%-20s", e < 0 ? "mix" : expert_names[e]);
			for (int g = 0; g < group_count; g++)
				printf("%8.3f", relative(results, g, range, e));
			printf("%8.3f\n", relative(results, -1, range, e));
		}
	}
}

static void print_bands(const struct results *results)
{
	double *own = calloc(results->count + 1, sizeof(*own));
	double *same = calloc(results->count + 1, sizeof(*same));
	double covered[TAUS] = {0}, simple[TAUS] = {0}, hours = 0;
	for (size_t i = 0; own && same && i < results->count; i++) {
		const struct sums *s = &results->sums[i];
		double naive = s->by[0][EXPERT_DAY] / s->hours[0];
		own[i] = s->pinball / s->quantile_hours / naive;
		same[i] = s->same_pinball / s->quantile_hours / naive;
		hours += s->quantile_hours;
		for (size_t t = 0; t < TAUS; t++) {
			covered[t] += s->covered[t];
			simple[t] += s->same_covered[t];
		}
	}
	printf("\nquantiles, last 14 days: scaled pinball (median of series) %.3f, same-hour "
	       "quantiles "
	       "%.3f\n%-20s",
		middle(own, results->count), middle(same, results->count), "share below");
	for (size_t t = 0; t < TAUS; t++)
		printf("%8.2f", taus[t]);
	printf("\n%-20s", "mix");
	for (size_t t = 0; t < TAUS; t++)
		printf("%8.3f", covered[t] / hours);
	printf("\n%-20s", "same-hour quantiles");
	for (size_t t = 0; t < TAUS; t++)
		printf("%8.3f", simple[t] / hours);
	printf("\n");
	free(own);
	free(same);
}

static const char *chooser_name(size_t m)
{
	return m == BY_SCORE ? "window score" : m == BY_MIX ? "mix" : expert_names[m - BY_EXPERT];
}

static void print_windows(const struct results *results, int group_count)
{
	printf("\nlow-load windows: share right, regret (median of series, mean of metrics)\n");
	for (size_t m = 0; m < CHOOSERS; m++) {
		printf("%-20s", chooser_name(m));
		for (size_t w = 0; w < 2; w++) {
			double correct = 0, days = 0, regret = 0;
			for (int g = 0; g < group_count; g++) {
				double *x = calloc(results->count + 1, sizeof(*x));
				size_t count = 0;
				for (size_t i = 0; x && i < results->count; i++) {
					const struct sums *s = &results->sums[i];
					if (results->group[i] != g)
						continue;
					correct += s->correct[w][m];
					days += s->days[w];
					if (s->random[w] > s->best[w])
						x[count++] = (s->chosen[w][m] - s->best[w]) /
							(s->random[w] - s->best[w]);
				}
				regret += middle(x, count) / group_count;
				free(x);
			}
			printf("   %d h: %5.1f %% %.3f", width_hours[w], 100 * correct / days,
				regret);
		}
		printf("\n");
	}
}

/* A server is predictable on a weekday when its last three such days all went right. */
static void print_seagull(const struct results *results)
{
	printf("\nSeagull's measures on CPU: all servers [those with a 95th percentile over 15 "
	       "%%]\n");
	for (size_t m = 0; m <= BY_EXPERT + EXPERT_DAY; m++) {
		double right[2] = {0}, exact[2] = {0}, days[2] = {0}, good[2] = {0}, asked[2] = {0};
		for (size_t i = 0; i < results->count; i++) {
			const struct run *run = &results->runs[i];
			if (!run->seagull)
				continue;
			bool busy = run->p95 > 15;
			for (size_t d = 0; d < run->test_days; d++)
				for (size_t b = 0; b <= (size_t)busy; b++) {
					right[b] += run->ok[m][d] & 1;
					exact[b] += run->ok[m][d] >> 1 & 1;
					days[b] += run->ok[m][d] >> 2;
				}
			for (size_t d = 14; d < run->test_days; d++) {
				uint8_t all = run->ok[m][d] & run->ok[m][d - 7] &
					run->ok[m][d - 14];
				for (size_t b = 0; b <= (size_t)busy && (all & 4); b++) {
					good[b] += (all & 3) == 3;
					asked[b] += 1;
				}
			}
		}
		printf("%-20s", chooser_name(m));
		for (size_t b = 0; b < 2; b++)
			printf("%s window right %5.1f  load accurate %5.1f  predictable %5.1f%s",
				b ? "  [" : "", 100 * right[b] / days[b], 100 * exact[b] / days[b],
				100 * good[b] / asked[b], b ? "]\n" : "");
	}
}

static void print_cost(const struct results *results)
{
	double seconds = 0, refits = 0;
	for (size_t i = 0; i < results->count; i++) {
		seconds += results->sums[i].refit_s;
		refits += results->sums[i].refits;
	}
	printf("\n%zu series; %.2f ms CPU a refit with forecast and bands; %zu bytes a series\n",
		results->count, 1000 * seconds / refits, sizeof(struct model));
}

static void report(const struct results *results, const char *title, const char *const *groups,
	int group_count)
{
	printf("\n== %s\n", title);
	if (!results->count) {
		printf("no active series\n");
		return;
	}
	print_levels(results, groups, group_count);
	print_bands(results);
	print_windows(results, group_count);
	if (results->runs[0].seagull)
		print_seagull(results);
	print_cost(results);
}

enum { METRICS = 6, TEST_DAYS = 28 };

static const char *const vm_metrics[METRICS] = {
	"cpu_pct", "mem_kb", "rd_kbs", "wr_kbs", "rx_kbs", "tx_kbs"};

static bool read_metric(const struct options *options, int metric, struct table *ret)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/bitbrains/%s.csv.gz", options->data, vm_metrics[metric]);
	return table_read(ret, path) && ret->columns <= BITBRAINS_MAX;
}

/* Hours of a VM from the first local midnight, which is 22:00 UTC; returns how many. */
static size_t hours_of(const struct table *table, size_t column, float *ret)
{
	size_t skip = (size_t)(86400 - ((int64_t)table->first[0] + 7200) % 86400) / 300 % 288;
	struct table part = {.rows = table->rows - skip,
		.columns = 1,
		.at = table->at + column * table->rows + skip};
	table_means(&part, 0, 12, ret);
	return part.rows / 12 / DAY * DAY;
}

bool bitbrains_busy(const struct options *options, bool ret[BITBRAINS_MAX])
{
	for (size_t c = 0; c < BITBRAINS_MAX; c++)
		ret[c] = true;
	for (int g = 0; g < METRICS; g++) {
		struct table table;
		if (!read_metric(options, g, &table))
			return false;
		float *hours = malloc(table.rows * sizeof(*hours));
		for (size_t c = 1; hours && c < table.columns; c++) {
			size_t n = hours_of(&table, c, hours), count = 0;
			double sum = 0;
			for (size_t h = 0; h < n; h++)
				if (!isnan(hours[h])) {
					sum += (double)hours[h];
					count++;
				}
			ret[c] = ret[c] && active(hours, n, TEST_DAYS) &&
				(g > 0 || sum > (double)count);
		}
		free(hours);
		table_done(&table);
	}
	return true;
}

bool hourly_bitbrains(const struct options *options)
{
	struct results results = {0};
	bool busy[BITBRAINS_MAX];
	if (!bitbrains_busy(options, busy))
		return false;
	for (int g = 0; g < METRICS; g++) {
		struct table table;
		if (!read_metric(options, g, &table))
			return false;
		float *hours = malloc(table.rows * sizeof(*hours));
		for (size_t c = 1; hours && c < table.columns; c += options->stride) {
			struct run run = {.y = hours,
				.test_days = TEST_DAYS,
				.warm_days = 14,
				.seagull = g == 0,
				.busy = busy[c]};
			run.hours = hours_of(&table, c, hours);
			collect(&results, &run, g);
		}
		free(hours);
		table_done(&table);
	}
	report(&results, "Bitbrains VMs, hourly", vm_metrics, METRICS);
	pick_busy(&results);
	report(&results, "Bitbrains VMs, hourly, busy ones", vm_metrics, METRICS);
	drop(&results);
	return true;
}

/* Several files of one service or machine, one after the other; step_s is that of a row. */
struct source {
	const char *title, *folder, *group;
	const char *before[2], *after[2]; /* of a file's name around the item's number */
	size_t first, count, rows_an_hour, test_days;
};

static bool hourly_items(const struct options *options, const struct source *source)
{
	struct results results = {0};
	for (size_t item = source->first; item < source->first + source->count; item++) {
		struct table parts[2];
		size_t rows[2];
		for (size_t p = 0; p < 2; p++) {
			char path[4096];
			snprintf(path, sizeof(path), "%s/%s/%s%zu%s.csv.gz", options->data,
				source->folder, source->before[p], item, source->after[p]);
			rows[p] = table_read(&parts[p], path) ? parts[p].rows : 0;
		}
		if (!rows[0] || !rows[1])
			return false;
		struct table joined = {.rows = rows[0] + rows[1], .columns = 1};
		joined.at = malloc(joined.rows * sizeof(float));
		float *hours = malloc(joined.rows * sizeof(float));
		for (size_t c = 0; joined.at && hours && c < parts[0].columns;
			c += options->stride) {
			for (size_t p = 0; p < 2; p++)
				memcpy(joined.at + p * rows[0], parts[p].at + c * rows[p],
					rows[p] * sizeof(float));
			table_means(&joined, 0, source->rows_an_hour, hours);
			struct run run = {.y = hours,
				.hours = joined.rows / source->rows_an_hour / DAY * DAY,
				.test_days = source->test_days,
				.warm_days = 28};
			collect(&results, &run, 0);
		}
		free(hours);
		table_done(&joined);
		table_done(&parts[0]);
		table_done(&parts[1]);
	}
	report(&results, source->title, &source->group, 1);
	drop(&results);
	return true;
}

bool hourly_services(const struct options *options)
{
	struct source source = {.title = "JumpStarter services, hourly",
		.folder = "jumpstarter_Dataset2",
		.group = "all19",
		.before = {"train_service", "test_service"},
		.after = {"", ""},
		.count = 30,
		.rows_an_hour = 12,
		.test_days = 14};
	return hourly_items(options, &source);
}

bool hourly_asd(const struct options *options)
{
	struct source source = {.title = "ASD application servers, hourly",
		.folder = "asd",
		.group = "all19",
		.before = {"omi-", "omi-"},
		.after = {"_train", "_test"},
		.first = 1,
		.count = 6,
		.rows_an_hour = 12,
		.test_days = 14};
	return hourly_items(options, &source);
}

/* A week at half hours: three test days on four of history. */
bool hourly_volumes(const struct options *options)
{
	static const char *const metrics[] = {"", "reqs", "reads", "writes", "bytes"};
	struct results results = {0};
	for (size_t item = 1; item <= 50; item++) {
		char path[4096];
		struct table table;
		snprintf(path, sizeof(path), "%s/cloudphysics/w%02zu.csv", options->data, item);
		if (!table_read(&table, path))
			return false;
		float *hours = malloc(table.rows * sizeof(*hours));
		for (size_t c = 1; hours && c < 5; c++) {
			table_means(&table, c, 2, hours);
			size_t days = table.rows / 2 / DAY;
			struct run run = {
				.y = hours, .hours = days * DAY, .test_days = 3, .warm_days = 28};
			if (days >= 6)
				collect(&results, &run, (int)c - 1);
		}
		free(hours);
		table_done(&table);
	}
	report(&results, "CloudPhysics volumes, hourly", metrics + 1, 4);
	drop(&results);
	return true;
}

static bool hourly_file(const char *path, const char *title, size_t rows_an_hour, size_t from)
{
	struct results results = {0};
	struct table table;
	if (!table_read(&table, path))
		return false;
	float *hours = malloc(table.rows * sizeof(*hours));
	for (size_t c = from; hours && c < table.columns; c++) {
		table_means(&table, c, rows_an_hour, hours);
		struct run run = {.y = hours,
			.hours = table.rows / rows_an_hour / DAY * DAY,
			.test_days = 28,
			.warm_days = 28};
		if (run.hours >= 35 * DAY)
			collect(&results, &run, 0);
	}
	const char *group = "columns";
	report(&results, title, &group, 1);
	free(hours);
	table_done(&table);
	drop(&results);
	return true;
}

bool hourly_ett(const struct options *options)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/ett/ETTh1.csv.gz", options->data);
	return hourly_file(path, "ETTh1, next day by rolling origins", 1, 1);
}

bool hourly_csv(const char *path, size_t step_s)
{
	return hourly_file(path, path, 3600 / step_s, 1);
}
