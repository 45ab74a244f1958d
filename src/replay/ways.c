/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to decide when, and how hard, a backup runs. */
#include <math.h>

#include "replay/replay.h"

enum { HOUR = 12, MARGIN = 2 * HOUR };

static const double sure = 0.9, forget = 0.999, any = 1e9;

static void nothing(struct replay_job *job)
{
	(void)job;
}

static double whole(struct replay_job *job)
{
	return job->world->most;
}

/* ---- by the clock ---- */

static double at_two(struct replay_job *job)
{
	return job->slot >= job->start + 2 * HOUR ? whole(job) : 0;
}

static void draw_start(struct replay_job *job)
{
	job->opens = job->start + (int64_t)rng_below(&job->rng, 6 * HOUR);
}

static double from_opening(struct replay_job *job)
{
	return job->slot >= job->opens ? whole(job) : 0;
}

/* ---- by what is measured ---- */

static double thresholds(struct replay_job *job)
{
	if (job->seen.busy < 0.3)
		job->running = true;
	else if (job->seen.busy > 0.5)
		job->running = false;
	return job->running ? whole(job) : 0;
}

/* What a queue for idle times gives: all that the users leave, and they wait for one of ours. */
static double all_idle(struct replay_job *job)
{
	return 1 - job->seen.busy;
}

static double paced(struct replay_job *job, double price)
{
	const struct replay_world *world = job->world;
	struct pacer_order order = {.price = price,
		.needed = job->left / fmax(1, (double)(job->due - HOUR - job->slot)),
		.most = world->most,
		.pressed = job->pressed};
	bool first = job->outlook.view.shares == &world->shares_first;
	pacer_step(&job->pacer, first ? &world->disk_first : &world->disk, &job->seen, &order);
	return job->pacer.share;
}

static double feedback(struct replay_job *job)
{
	return paced(job, any);
}

static double feedback_from_two(struct replay_job *job)
{
	return job->slot >= job->start + 2 * HOUR ? feedback(job) : 0;
}

/* ---- by yesterday: the window of lowest load (as published for Seagull) ---- */

static void find_window(struct replay_job *job)
{
	const float *busy = job->world->site->host[job->host].busy - DAYS_DAY;
	int64_t length = (int64_t)ceil(job->left / job->world->most) + 1;
	double least = (double)INFINITY;
	job->opens = job->start;
	for (int64_t from = job->start; from + length <= job->due; from++) {
		double sum = 0;
		for (int64_t slot = from; slot < from + length; slot++)
			sum += isnan(busy[slot]) ? 1 : (double)busy[slot];
		if (sum < least) {
			least = sum;
			job->opens = from;
		}
	}
}

static double feedback_in_window(struct replay_job *job)
{
	return job->slot >= job->opens ? feedback(job) : 0;
}

/* ---- by prices ---- */

static struct days_past past_of(const struct replay_job *job, size_t host)
{
	const struct replay_host *of = &job->world->site->host[host % job->world->site->hosts];
	return (struct days_past){.busy = of->busy, .size = of->size};
}

/* What lies further back than may be known is cut off: slots then count from there. */
static void look(struct replay_job *job, const struct price_shares *shares, size_t host)
{
	struct outlook_view view = {.shares = shares, .past = past_of(job, host)};
	bool cut = job->blind || (job->known && job->known < job->start);
	job->cut = cut ? job->start - job->known : 0;
	view.past.busy += job->cut;
	view.past.size += job->cut;
	outlook_begin(&job->outlook, &view, job->start - job->cut, job->due - MARGIN - job->cut);
}

static void look_ahead(struct replay_job *job)
{
	look(job, &job->world->shares, job->host);
}

static void look_first(struct replay_job *job)
{
	look(job, &job->world->shares_first, job->host);
}

static void look_elsewhere(struct replay_job *job)
{
	look(job, &job->world->shares, job->host + 1);
}

static void look_after(struct replay_job *job, int64_t days)
{
	job->known = days * DAYS_DAY;
	job->blind = !days;
	look_ahead(job);
}

static void look_blind(struct replay_job *job)
{
	look_after(job, 0);
}

static void look_one(struct replay_job *job)
{
	look_after(job, 1);
}

static void look_three(struct replay_job *job)
{
	look_after(job, 3);
}

static void look_seven(struct replay_job *job)
{
	look_after(job, 7);
}

/* What this slot will bring, by the same table from which the price stems. */
static void promise(struct replay_job *job)
{
	const struct replay_world *world = job->world;
	bool first = job->outlook.view.shares == &world->shares_first;
	const struct harm_device *disk = first ? &world->disk_first : &world->disk;
	double busy = (double)world->site->host[job->host].busy[job->slot];
	job->before = job->left;
	job->expected = 0;
	if (isnan(busy) || isinf(job->price))
		return;
	double share = harm_share_at(disk, busy, job->price);
	if (!job->pressed)
		share = fmin(share, harm_share_allowed(disk, busy));
	if (share < job->left)
		job->expected = fmin(share, world->most);
}

/* What it takes when the threshold cannot be kept: the same rule, without it. */
static double price_beyond(struct replay_job *job, double part)
{
	const struct outlook *of = &job->outlook;
	if (job->slot - job->cut >= of->due)
		return (double)INFINITY;
	if (!job->looked_beyond) {
		bool first = of->view.shares == &job->world->shares_first;
		struct outlook_view view = of->view;
		view.shares = first ? of->view.shares : &job->world->best;
		outlook_begin(&job->beyond, &view, job->slot - job->cut, of->due);
		job->looked_beyond = true;
	}
	while (job->beyond.now + job->cut < job->slot && job->beyond.now < job->beyond.due)
		outlook_step(&job->beyond);
	return outlook_price(&job->beyond, job->left / part, sure).price;
}

static void reprice(struct replay_job *job)
{
	struct outlook *outlook = &job->outlook;
	while (outlook->now + job->cut < job->slot && outlook->now < outlook->due)
		outlook_step(outlook);
	struct replay_lag *lag = job->lag;
	if (job->expected > 0) {
		lag->done = (lag->done + job->before - job->left) * forget;
		lag->promised = (lag->promised + job->expected) * forget;
	}
	double part = lag->promised > 0 ? fmin(1, fmax(0.2, lag->done / lag->promised)) : 1;
	/* Of a past of which nothing is known no price comes: feedback drives. */
	job->price = outlook->count > 1 ? outlook_price(outlook, job->left / part, sure).price
					: any;
	job->pressed = isinf(job->price);
	if (job->pressed)
		job->price = price_beyond(job, part);
	promise(job);
}

static double priced(struct replay_job *job)
{
	return paced(job, job->price);
}

/* The price of the day as it will be, and perfect control. */
static void foresee(struct replay_job *job)
{
	struct price_day day = {.weight = 1};
	const float *busy = job->world->site->host[job->host].busy;
	for (int64_t slot = job->slot; slot < job->due; slot++)
		price_day_add(&day, price_shares_row(&job->world->best, (double)busy[slot]), 1);
	job->price = price_find(&day, 1, job->left, 1).price;
}

static double at_price(struct replay_job *job)
{
	return fmin(job->world->most, harm_share_at(&job->world->disk, job->seen.busy, job->price));
}

const struct replay_way replay_ways[] = {
	{"fixed 02:00", nothing, nothing, at_two, false, false},
	{"staggered 0-6 h", draw_start, nothing, from_opening, false, false},
	{"start < 30 %, stop > 50 %", nothing, nothing, thresholds, false, false},
	{"idle priority", nothing, nothing, all_idle, true, false},
	{"yesterday's window", find_window, nothing, from_opening, false, false},
	{"  and feedback", find_window, nothing, feedback_in_window, false, false},
	{"feedback", nothing, nothing, feedback, false, false},
	{"feedback from 02:00", nothing, nothing, feedback_from_two, false, false},
	{"ebb", look_ahead, reprice, priced, false, false},
	{"ebb, users first", look_first, reprice, priced, true, false},
	{"ebb, another's past", look_elsewhere, reprice, priced, false, false},
	{"ebb, knows nothing", look_blind, reprice, priced, false, false},
	{"ebb, knows 1 day", look_one, reprice, priced, false, false},
	{"ebb, knows 3 days", look_three, reprice, priced, false, false},
	{"ebb, knows 7 days", look_seven, reprice, priced, false, false},
	{"knows the day", nothing, foresee, at_price, false, true},
};
const size_t replay_way_count = sizeof(replay_ways) / sizeof(replay_ways[0]);
const size_t replay_feedback = 6, replay_ours = 8, replay_wrong = 10;
const size_t replay_best = sizeof(replay_ways) / sizeof(replay_ways[0]) - 1;
