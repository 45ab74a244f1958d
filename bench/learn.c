/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to learn many series: each has a model that knows six weeks and lies on disk; a day
 * has passed, and all are read, scored, refitted, forecast and kept again, as ebbd does at
 * midnight.
 *
 *     learn [FOLDER [SERIES]]     a folder that is not there yet; 10,000 series
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/container.h"
#include "base/must.h"
#include "base/why.h"
#include "foresee/kept.h"
#include "foresee/learn.h"
#include "model/network.h"
#include "os/clock.h"
#include "os/linux/disk.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"

enum { DAYS = 42, DAY_MS = 86400000 };

/* A midnight in UTC. */
static const int64_t first_ms = INT64_C(1704067200000);
static const uint8_t identity[IDENTITY_SIZE] = "a benchmark";

struct rig {
	struct linux_disk disk;
	struct clock clock;
	struct world world;
	struct series *series;
	int64_t now_ms;
	uint32_t count;
};

static int64_t rig_time(struct clock *clock)
{
	return container_of(clock, struct rig, clock)->now_ms * 1000000;
}

static void must_ok(int err, const struct why *why)
{
	if (!err)
		return;
	fprintf(stderr, "learn: %s\n", why->text);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double peak_mib(void)
{
	struct rusage usage;
	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (double)usage.ru_maxrss / 1024;
}

/* A load with days, weeks and noise of its own. */
static double load(uint32_t series, int64_t hour)
{
	uint32_t noise = (uint32_t)hour * 2654435761U ^ (series + 1) * 40503U;
	double day = sin(2 * M_PI * (double)((hour + series) % 24) / 24);
	double job = hour % 24 == series % 24 ? 80 : 0;
	return 100 + 40 * day + job + (double)(noise >> 16 & 63) - (hour / 24 % 7 > 4 ? 30 : 0);
}

static void open_rig(struct rig *rig, const char *folder)
{
	static const struct clock_ops ops = {.mono_ns = rig_time, .wall_ns = rig_time};
	struct why why = {""};
	rig->clock.ops = &ops;
	rig->now_ms = first_ms + (int64_t)DAYS * DAY_MS + 3600000;
	must_ok(linux_disk_init(&rig->disk, folder, &why), &why);
	rig->world = (struct world){.disk = &rig->disk.base, .clock = &rig->clock};
	struct series_options options = {
		.world = &rig->world, .folder = "series", .create = true, .series_max = rig->count};
	memcpy(options.identity, identity, sizeof(identity));
	must_ok(series_open(&options, &rig->series, &why), &why);
}

/* The day that has passed. */
static void put_day(struct rig *rig, uint32_t i, struct kept *kept, char text[NAME_TEXT])
{
	struct why why = {""};
	struct name name;
	uint32_t id;
	snprintf(text, NAME_TEXT, "load{unit=\"%u\"}", i);
	must_ok(name_parse(text, &name, &why), &why);
	must_ok(series_make(rig->series, &name, SERIES_GAUGE, &id, &why), &why);
	must(id == i);
	for (int64_t hour = (DAYS - 1) * 24; hour <= DAYS * 24; hour++)
		(void)series_put(rig->series, id, first_ms + hour * 3600000, load(i, hour));
	kept->name = text;
}

/* One model that has lived through six weeks, under every name. */
static void keep_models(struct rig *rig)
{
	struct why why = {""};
	struct work *work = work_new();
	struct ahead *ahead = malloc(sizeof(*ahead));
	struct model *model = model_new();
	struct kept kept = {.disk = &rig->disk.base};
	struct fed fed = {.model = model};
	bool more = true;
	must(work && ahead && model);
	memcpy(kept.identity, identity, sizeof(identity));
	for (int64_t hour = 0; hour < (DAYS - 1) * 24; hour++) {
		model_add(model, first_ms / 1000 + hour * 3600, load(7, hour));
		if (hour % 24 == 23) {
			history_reach(&model->history, first_ms / 1000 + (hour + 1) * 3600);
			(void)model_refit(model, work, NULL, ahead);
		}
	}
	fed.until_ms = first_ms + (int64_t)(DAYS - 1) * DAY_MS;
	for (uint32_t i = 0; i < rig->count; i++) {
		char text[NAME_TEXT];
		put_day(rig, i, &kept, text);
		fed.id = i;
		must_ok(kept_write(&kept, &fed, &why), &why);
	}
	must_ok(series_sync(rig->series, &why), &why);
	while (more)
		must_ok(series_tend(rig->series, 1 << 22, &more, &why), &why);
	model_free(model);
	free(ahead);
	work_free(work);
}

static void learn_all(struct rig *rig)
{
	struct learn learn;
	must(learn_open(&learn, &rig->disk.base, identity, NULL) == 0);
	double began = cpu_seconds(), before = peak_mib(), longest = 0;
	for (bool more = true; more;) {
		double step = cpu_seconds();
		more = learn_step(&learn, rig->series, rig->now_ms);
		longest = fmax(longest, cpu_seconds() - step);
	}
	double spent = cpu_seconds() - began;
	must(!learn.stopped && learn.models == rig->count && !learn.damaged);
	printf("%u series: %" PRIu64 " days taken in, %" PRIu64 " models kept\n"
	       "%.1f s CPU, %.2f ms a series, longest step %.1f ms\n"
	       "peak memory %.0f MiB, %.0f MiB before\n"
	       "at 2 %% of one core all of them take %.1f hours of the day\n",
		rig->count, learn.days, learn.models, spent, 1e3 * spent / rig->count,
		1e3 * longest, peak_mib(), before, spent / 0.02 / 3600);
	learn_close(&learn);
}

int main(int argc, char **argv)
{
	struct rig rig = {.count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10000};
	open_rig(&rig, argc > 1 ? argv[1] : "bench-learn");
	keep_models(&rig);
	learn_all(&rig);
	series_close(rig.series);
	linux_disk_done(&rig.disk);
	return 0;
}
