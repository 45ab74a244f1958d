/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide [--hosts N] [--seed N] [--beta X] [--ideal]     when backups hurt least, on $EBB_DATA
 * decide --score [--hosts N] [--seed N]                  is the Contention Score true?
 * decide --years                                         how long is a simulated year?
 *
 * The virtual machines of bitbrains are packed onto hosts at random; each host has one job a day,
 * released at midnight and due at the next, that reads `beta` of a day of the device. Every way to
 * decide meets the same days: 1 to 29 August and 1 to 28 September, the time before is its past.
 * Load moves within each slot of five minutes, what is measured is noisy and comes late; --ideal
 * leaves that out. A row of the table: harm in device slots a job (lower is better), the share of
 * the avoidable harm that was avoided, requests pushed over the floor, jobs that came too late.
 */
#include "bench/decide.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "base/str.h"
#include "bench/forecast_data.h"
#include "replay/replay.h"
#include "replay/report.h"

/* ---- the hosts ---- */

static bool column_of(const struct table *table, size_t column, double *sum, uint8_t *known)
{
	for (size_t r = 0; r < table->rows; r++) {
		double value = (double)table->at[column * table->rows + r];
		if (isnan(value))
			continue;
		sum[r] += value;
		known[r] = 1;
	}
	return true;
}

static bool make_host(struct replay_host *host, double *sum, const uint8_t *known, size_t rows)
{
	for (size_t r = 0; r < rows; r++)
		sum[r] = known[r] ? sum[r] : (double)NAN;
	return replay_scale(host, sum, rows) == 0;
}

static bool pack(
	struct replay_site *site, const struct table *rd, const struct table *wr, uint64_t seed)
{
	struct rng rng;
	rng_seed(&rng, seed);
	double *sum = calloc(site->hosts * rd->rows, sizeof(*sum));
	uint8_t *known = calloc(site->hosts, rd->rows);
	site->host = calloc(site->hosts, sizeof(*site->host));
	if (!sum || !known || !site->host)
		return false;
	for (size_t c = 1; c < rd->columns; c++) {
		size_t at = rng_below(&rng, site->hosts) * rd->rows;
		column_of(rd, c, sum + at, known + at);
		column_of(wr, c, sum + at, known + at);
	}
	bool fine = true;
	for (size_t h = 0; h < site->hosts && fine; h++)
		fine = make_host(
			&site->host[h], sum + h * rd->rows, known + h * rd->rows, rd->rows);
	free(sum);
	free(known);
	return fine;
}

static bool load(struct replay_site *site, uint64_t seed, int64_t *ret_first_s)
{
	const char *data = getenv("EBB_DATA");
	char path[2][4096];
	struct table rd = {0}, wr = {0};
	if (!data)
		return false;
	snprintf(path[0], sizeof(path[0]), "%s/bitbrains/rd_kbs.csv.gz", data);
	snprintf(path[1], sizeof(path[1]), "%s/bitbrains/wr_kbs.csv.gz", data);
	bool fine = table_read(&rd, path[0]) && table_read(&wr, path[1]) && rd.rows == wr.rows &&
		rd.columns == wr.columns && pack(site, &rd, &wr, seed);
	if (fine) {
		site->slots = (int64_t)rd.rows;
		*ret_first_s = (int64_t)rd.first[0] + 7200; /* the hoster's summer time */
	}
	table_done(&rd);
	table_done(&wr);
	return fine;
}

/* 1 to 29 August and 1 to 28 September. */
static bool day_counts(const struct replay_world *world, size_t host, int64_t start)
{
	(void)host;
	int64_t day = *(const int64_t *)world->arg / 86400 + start / DAYS_DAY;
	return (day >= 15918 && day <= 15946) || (day >= 15949 && day <= 15976);
}

static double cpu_now(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

static int table(const struct replay_world *world)
{
	struct str text = {0};
	struct replay_row rows[REPLAY_ROWS];
	double before = cpu_now();
	size_t count = replay_report(world, rows);
	if (!count)
		return fprintf(stderr, "decide: no day counts\n"), 1;
	replay_table(rows, count, &text);
	printf("%.0f jobs; work %.2f of a day of the device\n%s%.2f CPU s\n", rows[0].jobs,
		world->beta, str_text(&text), cpu_now() - before);
	str_done(&text);
	return 0;
}

/* What is lived through in an hour of CPU, with this planner, in years of 16 volumes. */
static int years(const struct replay_world *world)
{
	struct replay_day *days = calloc(replay_days_max(world), sizeof(*days));
	double before = cpu_now();
	size_t count = days ? replay_run(world, &replay_ways[replay_ours], days) : 0;
	double took = cpu_now() - before;
	free(days);
	printf("%zu days of a volume in %.2f CPU s: %.0f years of 16 volumes in an hour of CPU\n",
		count, took, took > 0 ? (double)count / 16 / 365.25 / took * 3600 : 0);
	return 0;
}

int main(int argc, char **argv)
{
	static struct replay_world world = {
		.beta = 0.05, .most = 0.8, .noise = 0.1, .bursts = 0.5, .delay = 1, .seed = 1};
	struct replay_site site = {.hosts = 10};
	int64_t first_s = 0;
	world.site = &site;
	world.counts = day_counts;
	world.arg = &first_s;
	bool score = false, only_years = false;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(argv[i], "--score")) {
			score = true;
			continue;
		}
		if (!strcmp(argv[i], "--years")) {
			only_years = true;
			continue;
		}
		if (!strcmp(argv[i], "--ideal")) {
			world.noise = world.bursts = 0;
			world.delay = 0;
			continue;
		}
		i++;
		if (!strcmp(argv[i - 1], "--hosts"))
			site.hosts = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--seed"))
			world.seed = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i - 1], "--beta"))
			world.beta = strtod(value, NULL);
		else
			return fprintf(stderr, "decide: what is %s?\n", argv[i - 1]), 2;
	}
	if (!site.hosts || !load(&site, world.seed, &first_s)) {
		printf("skipped: EBB_DATA is not set, or has no bitbrains\n");
		return 0;
	}
	replay_prepare(&world);
	if (only_years)
		return years(&world);
	if (score)
		score_table(&world);
	return score ? 0 : table(&world);
}
