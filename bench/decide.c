/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide [--hosts N] [--seed N] [--beta X] [--ideal]     when backups hurt least, on $EBB_DATA
 * decide --score [--hosts N] [--seed N]                  is the Contention Score true?
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

#include "bench/forecast_data.h"
#include "num/array.h"

enum { BURST = 3 }; /* ticks for which the load stays where it is */

static const double full = 0.98;

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

/* Load over what the device can do: its 99.5th percentile is four fifths of that. */
static bool scale(struct host *host, const double *sum, const uint8_t *known, size_t rows)
{
	double *sorted = malloc(rows * sizeof(*sorted));
	host->busy = malloc(rows * sizeof(*host->busy));
	host->size = malloc(rows * sizeof(*host->size));
	if (!sorted || !host->busy || !host->size)
		return false;
	size_t n = 0;
	for (size_t r = 0; r < rows; r++)
		if (known[r])
			sorted[n++] = sum[r];
	num_sort(sorted, n);
	double capacity = fmax(num_quantile(sorted, n, 0.995) / 0.8, 1e-9);
	for (size_t r = 0; r < rows; r++) {
		host->busy[r] = known[r] ? (float)fmin(full, sum[r] / capacity) : (float)NAN;
		host->size[r] = days_size(host->busy[r]);
	}
	free(sorted);
	return true;
}

static bool pack(struct site *site, const struct table *rd, const struct table *wr, uint64_t seed)
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
		fine = scale(&site->host[h], sum + h * rd->rows, known + h * rd->rows, rd->rows);
	free(sum);
	free(known);
	return fine;
}

static bool load(struct site *site, uint64_t seed)
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
		site->first_s = (int64_t)rd.first[0] + 7200; /* the hoster's summer time */
	}
	table_done(&rd);
	table_done(&wr);
	return fine;
}

/* ---- a job ---- */

/* Gamma of mean 1 by its variation (Marsaglia and Tsang 2000, for shapes from 1 on). */
static double burst(struct rng *rng, double variation)
{
	if (variation <= 0)
		return 1;
	double shape = 1 / (variation * variation), d = shape - 1. / 3, c = 1 / sqrt(9 * d);
	for (;;) {
		double u = ((double)(rng_u64(rng) >> 11) + 0.5) * 0x1p-53;
		double w = (double)(rng_u64(rng) >> 11) * 0x1p-53;
		double x = sqrt(-2 * log(u)) * cos(2 * M_PI * w), v = 1 + c * x;
		if (v <= 0)
			continue;
		v = v * v * v;
		u = ((double)(rng_u64(rng) >> 11) + 0.5) * 0x1p-53;
		if (log(u) < x * x / 2 + d - d * v + d * log(v))
			return d * v / shape;
	}
}

static double shaken(struct job *job, double value)
{
	double u = (double)(rng_u64(&job->rng) >> 11) * 0x1p-53;
	return value * (1 + job->world->noise * sqrt(12) * (u - 0.5));
}

static void tick(struct job *job, const struct way *way, double busy, struct outcome *out)
{
	const struct world *world = job->world;
	const struct harm_device *disk = way->users_first ? &world->disk_first : &world->disk;
	double part = 1. / TICKS;
	if (way->knows || !world->delay)
		job->seen.busy = busy;
	double share = job->left > 0 ? way->share(job) : 0;
	share = fmin(fmin(share, full - busy), job->left / part);
	share = fmax(share, 0);
	job->left -= share * part;
	out->harm += harm_rate(disk, busy, share) * part;
	out->requests += busy * part;
	if (harm_waiting(disk, busy, share) > disk->floor * (1 + 1e-9) &&
		harm_waiting(disk, busy, 0) <= disk->floor)
		out->over += busy * part;
	job->seen = (struct pacer_seen){.busy = way->knows ? busy : fmin(1, shaken(job, busy)),
		.waiting = shaken(job, harm_waiting(disk, busy, share)),
		.used = share};
}

static void run_job(struct job *job, const struct way *way, struct outcome *out)
{
	const struct world *world = job->world;
	const float *busy = world->site->host[job->host].busy;
	struct rng shape;
	double jump = 1;
	rng_seed(&shape, world->seed + (uint64_t)job->start * 1000 + job->host);
	way->begin(job);
	for (job->slot = job->start; job->slot < job->due; job->slot++) {
		double mean = isnan(busy[job->slot]) ? 0 : (double)busy[job->slot];
		way->slot(job);
		for (int i = 0; i < TICKS; i++) {
			if (i % BURST == 0)
				jump = burst(&shape, world->bursts);
			tick(job, way, fmin(full, mean * jump), out);
		}
	}
	out->late += job->left > 1e-6;
	out->jobs += 1;
}

/* ---- all days ---- */

static bool day_counts(const struct site *site, size_t host, int64_t start)
{
	int64_t day = (site->first_s / 86400) + start / DAYS_DAY, gaps = 0;
	int64_t first[] = {15918, 15949}, last[] = {15946, 15976}; /* days since 1970 */
	if (!((day >= first[0] && day <= last[0]) || (day >= first[1] && day <= last[1])))
		return false;
	for (int64_t slot = start; slot < start + DAYS_DAY; slot++)
		gaps += slot >= site->slots || isnan(site->host[host].busy[slot]);
	return gaps * 10 < DAYS_DAY;
}

static struct outcome replay(const struct world *world, const struct way *way)
{
	struct outcome out = {0};
	static struct job job;
	for (size_t host = 0; host < world->site->hosts; host++) {
		struct lag lag = {0};
		for (int64_t start = 0; start + DAYS_DAY <= world->site->slots; start += DAYS_DAY) {
			if (!day_counts(world->site, host, start))
				continue;
			job = (struct job){.world = world,
				.host = host,
				.start = start,
				.due = start + DAYS_DAY,
				.lag = &lag,
				.left = world->beta * DAYS_DAY};
			job.outlook.view.shares = way->users_first ? &world->shares_first
								   : &world->shares;
			rng_seed(&job.rng, world->seed ^ (uint64_t)start ^ host << 40);
			run_job(&job, way, &out);
		}
	}
	return out;
}

static double cpu_now(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

static void table(const struct world *world)
{
	struct outcome all[32] = {0};
	double cpu[32];
	for (size_t i = 0; i < ways_count; i++) {
		double before = cpu_now();
		all[i] = replay(world, &ways[i]);
		cpu[i] = cpu_now() - before;
	}
	double worst = all[0].harm / all[0].jobs, best = all[ways_count - 1].harm / all[0].jobs;
	printf("%.0f jobs; work %.2f of a day of the device\n", all[0].jobs, world->beta);
	printf("%-28s %9s %9s %9s %8s %8s %8s\n", "", "harm/job", "avoided", "of best", "over %",
		"late %", "CPU s");
	for (size_t i = 0; i < ways_count; i++) {
		double harm = all[i].harm / all[i].jobs;
		printf("%-28s %9.2f %8.2f%% %9.2f %8.3f %8.2f %8.2f\n", ways[i].name, harm,
			100 * (worst - harm) / (worst - best), harm / best,
			100 * all[i].over / all[i].requests, 100 * all[i].late / all[i].jobs,
			cpu[i]);
	}
}

static void prepare(struct world *world)
{
	world->disk = (struct harm_device){.size = 4, .threshold = 0.1, .floor = 3};
	world->disk_first = world->disk;
	world->disk_first.users_first = true;
	price_shares_make(&world->shares, &world->disk, world->most);
	struct harm_device any = world->disk;
	any.threshold = 1e6;
	price_shares_make(&world->best, &any, world->most);
	price_shares_make(&world->shares_first, &world->disk_first, world->most);
}

int main(int argc, char **argv)
{
	static struct world world = {
		.beta = 0.05, .most = 0.8, .noise = 0.1, .bursts = 0.5, .delay = 1, .seed = 1};
	struct site site = {.hosts = 10};
	world.site = &site;
	bool score = false;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(argv[i], "--score")) {
			score = true;
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
	if (!site.hosts || !load(&site, world.seed)) {
		printf("skipped: EBB_DATA is not set, or has no bitbrains\n");
		return 0;
	}
	prepare(&world);
	if (score)
		score_table(&world);
	else
		table(&world);
	return 0;
}
