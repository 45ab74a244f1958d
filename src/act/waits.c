/* SPDX-License-Identifier: Apache-2.0 */
/* Means of requests, and what they were when nothing of ours ran. */
#include "act/waits.h"

#include <math.h>

/* Until a disk was seen with nobody else on it: what the kernel reads ahead, and packs. */
static const double first_size[WAITS_WAYS] = {128 << 10, 512 << 10};
static const double least_size = 4096, most_size = 4 << 20;

/* Shares of the weight of what is new. */
static const double lately = 0.4, long_ago = 0.05;
/*
 * Of the bytes: hardly anybody else was there, or nobody. Who asks little all the same makes the
 * mean of all smaller, so that it is believed up at once and down slowly.
 */
static const double hardly = 0.97, alone = 0.995, down = 0.01;
/* Of the requests: too few to tell anything. */
static const double too_few = 0.15;
/* Requests of users a second with which anybody is there at all. */
static const double somebody = 2;
/* Of those who asked before us, so many are believed to be gone after each second unseen. */
static const double leaves = 0.02;
/* A moment is not unusual before it is so many times further away than single moments are. */
static const double unusual = 2;

void waits_begin(struct waits *waits)
{
	*waits = (struct waits){0};
	for (int way = 0; way < WAITS_WAYS; way++)
		waits->own_size[way] = first_size[way];
}

static void learn_size(double *size, const struct waits_way *way)
{
	double mean = way->requests >= 1 ? way->bytes / way->requests : 0;
	double least = mean > *size ? hardly : alone;
	if (way->requests < 1 || way->own_bytes < least * way->bytes)
		return;
	*size += (mean > *size ? long_ago : down) * (mean - *size);
	*size = fmin(fmax(*size, least_size), most_size);
}

double waits_own_requests(const struct waits *waits, const struct waits_way *way, int number)
{
	return fmin(fmin(way->own_bytes, way->bytes) / waits->own_size[number], way->requests);
}

static struct waits_quiet *quiet_at(struct waits *waits, double rate)
{
	double at = log2(fmax(rate, 1));
	return &waits->quiet[(int)fmin(at, WAITS_RATES - 1)];
}

/* What users would wait at this rate, or at the nearest one that is known. */
static const struct waits_quiet *quiet_near(struct waits *waits, double rate)
{
	struct waits_quiet *at = quiet_at(waits, rate), *all = waits->quiet;
	for (int apart = 0; apart < WAITS_RATES; apart++) {
		if (at - apart >= all && at[-apart].s > 0)
			return at - apart;
		if (at + apart < all + WAITS_RATES && at[apart].s > 0)
			return at + apart;
	}
	return at;
}

static void learn_quiet(struct waits_quiet *quiet, double s)
{
	if (!(quiet->s > 0)) {
		*quiet = (struct waits_quiet){s, 0};
		return;
	}
	double off = s - quiet->s;
	quiet->s += long_ago * off;
	quiet->apart += long_ago * (fabs(off) - quiet->apart);
}

static void remember_asked(struct waits *waits, double rate, bool ours)
{
	if (!ours || rate > waits->asked)
		waits->asked += lately * (rate - waits->asked);
	else
		waits->asked += leaves * (rate - waits->asked);
}

static void take(struct waits *waits, double rate, double s, bool ours)
{
	waits->now_s = waits->now_s > 0 ? waits->now_s + lately * (s - waits->now_s) : s;
	if (!ours)
		learn_quiet(quiet_at(waits, rate), waits->now_s);
	*(ours ? &waits->backup_s : &waits->idle_s) = waits->now_s;
	const struct waits_quiet *quiet = quiet_near(waits, rate);
	waits->without_s = quiet->s;
	waits->apart_s = quiet->apart;
}

void waits_observe_users(
	struct waits *waits, double span_s, double requests, double seconds, bool ours)
{
	double rate = span_s > 0 ? requests / span_s : 0;
	waits->ours = ours;
	remember_asked(waits, rate, ours);
	if (rate >= somebody)
		take(waits, rate, seconds / requests, ours);
	else
		waits->now_s = 0;
}

void waits_observe(struct waits *waits, const struct waits_span *span)
{
	double users = 0, seconds = 0, all = 0;
	for (int i = 0; i < WAITS_WAYS; i++)
		all += span->ways[i].requests - waits_own_requests(waits, &span->ways[i], i);
	double user_service = all > 0 ? span->users_busy_s / all : 0;
	for (int i = 0; i < WAITS_WAYS; i++) {
		const struct waits_way *way = &span->ways[i];
		double own = waits_own_requests(waits, way, i), theirs = way->requests - own;
		learn_size(&waits->own_size[i], way);
		if (theirs < 1 || theirs < too_few * way->requests)
			continue;
		double longer = fmax(0, waits->own_size[i] / span->capacity - user_service);
		double mean = way->seconds / way->requests;
		users += theirs;
		/* Ours weigh in the mean by how many they are. */
		seconds += theirs * fmax(mean - own / way->requests * longer, mean / 100);
	}
	waits_observe_users(waits, span->s, users, seconds, span->ours);
}

double waits_felt(const struct waits *waits, double threshold, double floor_s)
{
	if (!(waits->now_s > 0))
		return waits->asked >= somebody ? 1 : 0;
	if (!(waits->without_s > 0))
		return 0;
	double more = fmax(waits->without_s * threshold, unusual * waits->apart_s);
	return waits->now_s / fmax(waits->without_s + more, floor_s);
}
