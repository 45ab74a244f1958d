/* SPDX-License-Identifier: Apache-2.0 */
/* A job lived through, tick by tick; and all of them. */
#include "replay/replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/array.h"
#include "plan/gate.h"

enum { BURST = 3 }; /* ticks for which the load stays where it is */

static const double full = 0.98;

int replay_scale(struct replay_host *host, double *load, size_t slots)
{
	double *sorted = malloc((slots + 1) * sizeof(*sorted));
	*host = (struct replay_host){.busy = malloc((slots + 1) * sizeof(*host->busy)),
		.size = malloc((slots + 1) * sizeof(*host->size))};
	if (!sorted || !host->busy || !host->size) {
		free(sorted);
		replay_host_done(host);
		return -ENOMEM;
	}
	size_t n = 0;
	for (size_t i = 0; i < slots; i++)
		if (isfinite(load[i]))
			sorted[n++] = load[i];
	num_sort(sorted, n);
	double capacity = n ? fmax(num_quantile(sorted, n, 0.995) / 0.8, 1e-9) : 1;
	for (size_t i = 0; i < slots; i++) {
		double busy = fmax(0, fmin(full, load[i] / capacity));
		host->busy[i] = isfinite(load[i]) ? (float)busy : (float)NAN;
		host->size[i] = days_size(host->busy[i]);
	}
	free(sorted);
	return 0;
}

void replay_host_done(struct replay_host *host)
{
	free(host->busy);
	free(host->size);
	*host = (struct replay_host){0};
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

static double shaken(struct replay_job *job, double value)
{
	double u = (double)(rng_u64(&job->rng) >> 11) * 0x1p-53;
	return value * (1 + job->world->noise * sqrt(12) * (u - 0.5));
}

static void tick(
	struct replay_job *job, const struct replay_way *way, double busy, struct replay_day *out)
{
	const struct replay_world *world = job->world;
	const struct harm_device *disk = way->users_first ? &world->disk_first : &world->disk;
	double part = 1. / REPLAY_TICKS;
	if (way->knows || !world->delay)
		job->seen.busy = busy;
	double share = job->left > 0 ? way->share(job) : 0;
	share = fmin(fmin(share, full - busy), job->left / part);
	share = fmax(share, 0);
	job->left -= share * part;
	double waiting = harm_waiting(disk, busy, share);
	if (share > 0)
		out->harm += harm_rate(disk, busy, share) * part;
	out->requests += busy * part;
	if (share > 0 && waiting > disk->floor * (1 + 1e-9) &&
		harm_waiting(disk, busy, 0) <= disk->floor)
		out->over += busy * part;
	job->seen = (struct pacer_seen){.busy = way->knows ? busy : fmin(1, shaken(job, busy)),
		.waiting = shaken(job, waiting),
		.used = share};
}

static void run_job(struct replay_job *job, const struct replay_way *way, struct replay_day *out)
{
	const struct replay_world *world = job->world;
	const float *busy = world->site->host[job->host].busy;
	struct rng shape;
	double jump = 1;
	bool done = false;
	rng_seed(&shape, world->seed + (uint64_t)job->start * 1000 + job->host);
	way->begin(job);
	for (job->slot = job->start; job->slot < job->due; job->slot++) {
		double mean = isnan(busy[job->slot]) ? 0 : (double)busy[job->slot];
		/* Of a job that is done nothing changes any more. */
		if (done) {
			out->requests += fmin(full, mean);
			continue;
		}
		done = job->left <= 0;
		way->slot(job);
		for (int i = 0; i < REPLAY_TICKS; i++) {
			if (i % BURST == 0)
				jump = burst(&shape, world->bursts);
			double before = job->left;
			tick(job, way, fmin(full, mean * jump), out);
			if (world->taken && !job->host)
				world->taken[job->slot] += (float)(before - job->left);
		}
	}
	out->late = job->left > 1e-6;
}

/* ---- all days ---- */

static bool is_known(const struct replay_world *world, size_t host, int64_t start)
{
	int64_t gaps = 0;
	for (int64_t slot = start; slot < start + DAYS_DAY; slot++)
		gaps += slot >= world->site->slots || isnan(world->site->host[host].busy[slot]);
	return gaps * 10 < DAYS_DAY;
}

size_t replay_days_max(const struct replay_world *world)
{
	return world->site->hosts * (size_t)(world->site->slots / DAYS_DAY + 1);
}

size_t replay_run(
	const struct replay_world *world, const struct replay_way *way, struct replay_day *ret_days)
{
	struct replay_job *job = malloc(sizeof(*job));
	size_t count = 0;
	for (size_t host = 0; job && host < world->site->hosts; host++) {
		struct replay_lag lag = {0};
		for (int64_t start = world->from; start + DAYS_DAY <= world->site->slots;
			start += DAYS_DAY) {
			if (!is_known(world, host, start) ||
				(world->counts && !world->counts(world, host, start)))
				continue;
			*job = (struct replay_job){.world = world,
				.host = host,
				.start = start,
				.due = start + DAYS_DAY,
				.lag = &lag,
				.left = world->beta * DAYS_DAY};
			job->outlook.view.shares = way->users_first ? &world->shares_first
								    : &world->shares;
			rng_seed(&job->rng, world->seed ^ (uint64_t)start ^ host << 40);
			ret_days[count] = (struct replay_day){.host = host, .start = start};
			run_job(job, way, &ret_days[count++]);
		}
	}
	free(job);
	return count;
}

void replay_gated(const struct replay_day *ours, const struct replay_day *feedback, size_t count,
	struct replay_day *ret_days)
{
	struct gate gate = {0};
	for (size_t i = 0; i < count; i++) {
		if (i && ours[i].host != ours[i - 1].host)
			gate = (struct gate){0};
		ret_days[i] = gate_driver(&gate) == DRIVER_PLANNER ? ours[i] : feedback[i];
		gate_note(&gate, gate_cost(ours[i].harm, ours[i].late),
			gate_cost(feedback[i].harm, feedback[i].late));
	}
}

void replay_prepare(struct replay_world *world)
{
	if (!(world->disk.size > 0))
		world->disk = (struct harm_device){.size = 4, .threshold = 0.1, .floor = 3};
	world->disk_first = world->disk;
	world->disk_first.users_first = true;
	price_shares_make(&world->shares, &world->disk, world->most);
	struct harm_device any = world->disk;
	any.threshold = 1e6;
	price_shares_make(&world->best, &any, world->most);
	price_shares_make(&world->shares_first, &world->disk_first, world->most);
}
