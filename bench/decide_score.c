/* SPDX-License-Identifier: Apache-2.0 */
/* Is the Contention Score true? Hours of September, for one who learnt on August. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/decide.h"
#include "plan/score.h"
#include "replay/replay.h"

enum { HOUR = 12, KINDS = 6, BINS = 10 };

static const char *const kinds[KINDS] = {"how often it happens", "yesterday", "a day ahead",
	"  made true", "an hour ahead", "  made true"};

struct told {
	double said;
	int happened;
};

struct tally {
	struct told *told[KINDS];
	size_t count;
	struct score_record record[2];
	double base, bases; /* how often it has happened so far */
};

static int by_said(const void *a, const void *b)
{
	double x = ((const struct told *)a)->said, y = ((const struct told *)b)->said;
	return (x > y) - (x < y);
}

/* Of all pairs of one that happened and one that did not: how many stand in the right order. */
static double auc(struct told *told, size_t n)
{
	double happened = 0, below = 0, right = 0;
	qsort(told, n, sizeof(*told), by_said);
	for (size_t i = 0; i < n;) {
		size_t end = i;
		double yes = 0, no = 0;
		for (; end < n && told[end].said <= told[i].said; end++) {
			yes += told[end].happened;
			no += !told[end].happened;
		}
		right += yes * (below + no / 2);
		below += no;
		happened += yes;
		i = end;
	}
	return right / (happened * below);
}

static void line(const char *name, struct told *told, size_t n)
{
	double base = 0, brier = 0, error = 0, said[BINS] = {0}, did[BINS] = {0};
	for (size_t i = 0; i < n; i++) {
		size_t bin = (size_t)fmin(told[i].said * BINS, BINS - 1);
		base += told[i].happened;
		brier += pow(told[i].said - told[i].happened, 2);
		said[bin] += told[i].said;
		did[bin] += told[i].happened;
	}
	base /= (double)n;
	for (size_t i = 0; i < BINS; i++)
		error += fabs(said[i] - did[i]);
	printf("%-22s %6.3f %7.4f %7.1f%% %7.3f\n", name, auc(told, n), brier / (double)n,
		100 * (1 - brier / (double)n / (base * (1 - base))), error / (double)n);
}

static void note(struct tally *tally, const double *said, int happened, bool counts)
{
	for (int i = 0; i < 2; i++)
		score_learn(&tally->record[i], said[i ? 4 : 2], happened, 1);
	tally->base += happened;
	tally->bases += 1;
	if (!counts)
		return;
	for (int kind = 0; kind < KINDS; kind++)
		tally->told[kind][tally->count] = (struct told){said[kind], happened};
	tally->count++;
}

static void one_hour(const struct replay_world *world, struct tally *tally,
	struct score_window window, size_t host)
{
	const struct replay_host *of = &world->site->host[host];
	struct days_past past = {.busy = of->busy, .size = of->size};
	int64_t day = *(const int64_t *)world->arg / 86400 + window.from / DAYS_DAY;
	int did = score_happens(&world->disk, of->busy, &window);
	struct score_window before = window;
	before.from -= DAYS_DAY;
	int yesterday = score_happens(&world->disk, of->busy, &before);
	if (did < 0 || yesterday < 0)
		return;
	double far = score_raw(&world->disk, past, window.from - DAYS_DAY + HOUR, &window);
	double near = score_raw(&world->disk, past, window.from, &window);
	double said[KINDS] = {tally->bases > 0 ? tally->base / tally->bases : 0.5, yesterday, far,
		score_true(&tally->record[0], far), near, score_true(&tally->record[1], near)};
	note(tally, said, did, day >= 15949);
}

void score_table(const struct replay_world *world)
{
	struct tally tally = {0};
	const struct replay_site *site = world->site;
	bool fine = true;
	for (int kind = 0; kind < KINDS; kind++) {
		tally.told[kind] = calloc(
			(size_t)site->slots * site->hosts / HOUR + 1, sizeof(*tally.told[kind]));
		fine = fine && tally.told[kind];
	}
	/* Day by day over all hosts: the map is fitted anew each night. */
	for (int64_t from = 22 * DAYS_DAY; fine && from + HOUR <= site->slots; from += HOUR) {
		for (size_t host = 0; host < site->hosts; host++)
			one_hour(world, &tally,
				(struct score_window){.from = from, .slots = HOUR, .share = 0.15},
				host);
		if (from % DAYS_DAY == 0)
			for (int i = 0; i < 2; i++)
				score_fit(&tally.record[i]);
	}
	double base = 0;
	for (size_t i = 0; i < tally.count; i++)
		base += tally.told[0][i].happened;
	printf("%zu hours, it happened in %.1f %%\n", tally.count,
		100 * base / (double)tally.count);
	printf("%-22s %6s %7s %8s %7s\n", "", "AUC", "Brier", "skill", "ECE");
	for (int kind = 0; kind < KINDS && fine && tally.count; kind++)
		line(kinds[kind], tally.told[kind], tally.count);
	for (int kind = 0; kind < KINDS; kind++)
		free(tally.told[kind]);
}
