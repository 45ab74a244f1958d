/* SPDX-License-Identifier: Apache-2.0 */
/* Best answers in turn (Gauss-Seidel on marginal prices). */
#include "plan/settle.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/must.h"

enum { TRIES = 20, NEWTON = 2 };

static const float full = 0.999f, late = 1e30f;
static const float enough = 0.002f, near = 1e-4f;

/* What a job meets in each slot of its window. */
struct view {
	float idle[SETTLE_SLOTS]; /* of its host */
	float bend[SETTLE_SLOTS]; /* marginal harm there is bend / (idle - share)^2 */
	float tier_idle[SETTLE_SLOTS],
		tier_bend[SETTLE_SLOTS]; /* likewise, for a share of the host */
	float toll[SETTLE_SLOTS];        /* marginal harm on the tier without us */
	float most[SETTLE_SLOTS];
	float width;
	int slots;
	bool large; /* we are not small beside the tier */
};

static float least(float a, float b)
{
	return a < b ? a : b;
}

static float largest(float a, float b)
{
	return a > b ? a : b;
}

static float bend_of(const struct settle_device *device, int slot)
{
	float busy = device->busy[slot];
	return busy * (device->size * (1 - busy) + busy);
}

static float idle_of(const struct settle_device *device, int slot)
{
	return largest(full - device->busy[slot] - device->taken[slot], 1 - full);
}

static void take(struct settle *settle, const struct settle_job *job, float sign)
{
	struct settle_device *host = &settle->hosts[job->host];
	struct settle_device *tier = &settle->tiers[job->tier];
	for (int slot = job->release; slot < job->due; slot++) {
		host->taken[slot] += sign * job->share[slot];
		tier->taken[slot] += sign * job->share[slot] * job->width[job->tier];
	}
}

static void look_at_host(
	const struct settle *settle, const struct settle_job *job, struct view *ret_view)
{
	const struct settle_device *host = &settle->hosts[job->host];
	ret_view->slots = job->due - job->release;
	for (int i = 0; i < ret_view->slots; i++) {
		ret_view->idle[i] = idle_of(host, job->release + i);
		ret_view->bend[i] = bend_of(host, job->release + i);
	}
}

static void look_at_tier(const struct settle *settle, uint32_t number, const struct settle_job *job,
	struct view *ret_view)
{
	const struct settle_device *tier = &settle->tiers[number];
	float reach = 0, width = job->width[number];
	ret_view->width = width;
	for (int i = 0; i < ret_view->slots; i++) {
		float idle = idle_of(tier, job->release + i);
		ret_view->tier_idle[i] = idle;
		ret_view->tier_bend[i] = width * bend_of(tier, job->release + i);
		ret_view->toll[i] = ret_view->tier_bend[i] / (idle * idle);
		float most = job->caps ? least(job->most, job->caps[job->release + i]) : job->most;
		ret_view->most[i] = least(most, 0.98f * idle / width);
		reach = largest(reach, ret_view->most[i] / idle);
	}
	ret_view->large = reach * width > 0.02f;
}

/*
 * The share at which host and tier together ask the price: from one that is a little too large,
 * Newton's steps go down and never too far, the slope being convex.
 */
static float share_down(const struct view *view, int i, float price, float share)
{
	float bend = view->bend[i], tier_bend = view->tier_bend[i];
	for (int step = 0; step < NEWTON; step++) {
		float host = 1 / (view->idle[i] - share);
		float tier = 1 / (view->tier_idle[i] - view->width * share);
		float host_at = bend * host * host, tier_at = tier_bend * tier * tier;
		float over = host_at + tier_at - price;
		float slope = 2 * (host_at * host + tier_at * tier * view->width);
		share = largest(share - largest(over, 0) / largest(slope, 1e-20f), 0);
	}
	return share;
}

/* Returns the work that gets done at the price. The first loop is one that compilers make wide. */
static float shares_at(const struct view *view, float price, float *restrict ret_share)
{
	float sum = 0;
	for (int i = 0; i < view->slots; i++) {
		float left = largest(price - view->toll[i], 1e-12f);
		float share = view->idle[i] - sqrtf(view->bend[i] / left);
		ret_share[i] = least(largest(share, 0), view->most[i]);
	}
	for (int i = 0; view->large && i < view->slots; i++)
		ret_share[i] = share_down(view, i, price, ret_share[i]);
	for (int i = 0; i < view->slots; i++)
		sum += ret_share[i];
	return sum;
}

/*
 * The price on a logarithmic scale, between two that are too low and too high: where a straight
 * line says, with the end that stays counted half each time (the Illinois method; Dowell and
 * Jarratt 1971). Gives the shares, which do at least the work.
 */
static float price_for(const struct view *view, const struct settle_job *job, float *ret_share)
{
	float low = -16, high = 16, below = -job->work;
	float above = shares_at(view, expf(high), ret_share) - job->work;
	if (above < 0)
		return INFINITY;
	for (int i = 0, side = 0; i < TRIES && above > enough * job->work; i++) {
		/* Far away the line is no guide. */
		float part = high - low > 4 ? 0.5f : below / (below - above);
		float middle = low + part * (high - low);
		float off = shares_at(view, expf(middle), ret_share) - job->work;
		if (off >= 0) {
			above = off;
			below = side > 0 ? below / 2 : below;
			high = middle;
			side = 1;
		} else {
			below = off;
			above = side < 0 ? above / 2 : above;
			low = middle;
			side = -1;
		}
		if (high - low < near)
			break;
	}
	shares_at(view, expf(high), ret_share);
	return expf(high);
}

/* What the job's shares cost those who are there. */
static float cost_of(const struct view *view, const float *share)
{
	float sum = 0;
	for (int i = 0; i < view->slots; i++) {
		float idle = view->idle[i], tier_idle = view->tier_idle[i];
		sum += view->bend[i] * share[i] / (idle * (idle - share[i]));
		sum += view->tier_bend[i] * share[i] /
			(tier_idle * (tier_idle - view->width * share[i]));
	}
	return sum;
}

/* No more than the work, of which the price lets a little more through. */
static void trim(struct settle_job *job)
{
	float sum = 0;
	for (int slot = job->release; slot < job->due; slot++)
		sum += job->share[slot];
	float part = sum > job->work ? job->work / sum : 1;
	for (int slot = job->release; slot < job->due; slot++)
		job->share[slot] *= part;
}

void settle_job(struct settle *settle, struct settle_job *job)
{
	struct view view;
	float share[SETTLE_SLOTS], best = INFINITY;
	must(job->release <= job->due && job->due <= SETTLE_SLOTS);
	take(settle, job, -1);
	memset(job->share, 0, sizeof(job->share));
	job->price = INFINITY;
	look_at_host(settle, job, &view);
	for (uint32_t tier = 0; tier < settle->tier_count; tier++) {
		if (isinf(job->money[tier]))
			continue;
		look_at_tier(settle, tier, job, &view);
		float price = price_for(&view, job, share);
		float cost = job->money[tier] + (isinf(price) ? late : cost_of(&view, share));
		if (cost >= best)
			continue;
		best = cost;
		job->tier = tier;
		job->price = price;
		memcpy(job->share + job->release, share, (size_t)view.slots * sizeof(share[0]));
	}
	trim(job);
	take(settle, job, 1);
}

void settle_leave(struct settle *settle, struct settle_job *job)
{
	take(settle, job, -1);
	memset(job->share, 0, sizeof(job->share));
}

void settle_turn(struct settle *settle)
{
	for (size_t i = 0; i < settle->job_count; i++)
		settle_job(settle, &settle->jobs[settle->order[i]]);
}

static float slack(const struct settle_job *job)
{
	return (float)(job->due - job->release) - job->work / fmaxf(job->most, 1e-6f);
}

/* Down to its place, below those with more slack (heap sort: no memory, and no worst case). */
static void sink(const struct settle *settle, size_t at, size_t count)
{
	uint32_t *order = settle->order;
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count &&
			slack(&settle->jobs[order[child + 1]]) > slack(&settle->jobs[order[child]]))
			child++;
		if (slack(&settle->jobs[order[at]]) >= slack(&settle->jobs[order[child]]))
			return;
		uint32_t swap = order[at];
		order[at] = order[child];
		order[child] = swap;
	}
}

void settle_order(struct settle *settle)
{
	for (size_t i = 0; i < settle->job_count; i++)
		settle->order[i] = (uint32_t)i;
	for (size_t i = settle->job_count / 2; i--;)
		sink(settle, i, settle->job_count);
	for (size_t count = settle->job_count; count > 1; count--) {
		uint32_t swap = settle->order[0];
		settle->order[0] = settle->order[count - 1];
		settle->order[count - 1] = swap;
		sink(settle, 0, count - 1);
	}
}

static double device_cost(const struct settle_device *device)
{
	double sum = 0;
	for (int slot = 0; slot < SETTLE_SLOTS; slot++) {
		double busy = (double)device->busy[slot], taken = (double)device->taken[slot];
		double idle = fmax((double)full - busy - taken, 1 - (double)full);
		sum += (double)bend_of(device, slot) * taken / (((double)full - busy) * idle);
	}
	return sum;
}

double settle_cost(const struct settle *settle)
{
	double sum = 0;
	uint32_t hosts = 0;
	for (size_t i = 0; i < settle->job_count; i++) {
		const struct settle_job *job = &settle->jobs[i];
		sum += (double)job->money[job->tier];
		hosts = job->host >= hosts ? job->host + 1 : hosts;
	}
	for (uint32_t i = 0; i < hosts; i++)
		sum += device_cost(&settle->hosts[i]);
	for (size_t i = 0; i < settle->tier_count; i++)
		sum += device_cost(&settle->tiers[i]);
	return sum;
}
