/* SPDX-License-Identifier: Apache-2.0 */
/* statvfs(3) of each folder. */
#include "ebbd/tiers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/container.h"
#include "base/str.h"
#include "base/units.h"
#include "conf/protect.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/world.h"
#include "series/name.h"
#include "watch/watch.h"

#define LOOK_NS NS_PER_MIN

struct tier {
	char path[CONF_PATH_MAX + 1];
	bool known;
	double size_bytes, free_bytes;
};

struct tiers {
	struct world *world;
	struct task task;
	bool asks; /* the worker has `asked` */
	struct tier set[CONF_PROTECTED_MAX], asked[CONF_PROTECTED_MAX], told[CONF_PROTECTED_MAX];
	size_t set_count, asked_count, told_count;
	int64_t look_ns;
};

/* On a worker. */
static void ask(struct task *task)
{
	struct tiers *tiers = container_of(task, struct tiers, task);
	for (size_t i = 0; i < tiers->asked_count; i++) {
		struct tier *tier = &tiers->asked[i];
		struct statvfs about;
		const char *path = tier->path;
		if (str_starts(path, "file://"))
			path += strlen("file://");
		tier->known = statvfs(path, &about) == 0;
		if (!tier->known)
			continue;
		tier->size_bytes = (double)about.f_blocks * (double)about.f_frsize;
		tier->free_bytes = (double)about.f_bavail * (double)about.f_frsize;
	}
}

static void on_told(struct task *task)
{
	struct tiers *tiers = container_of(task, struct tiers, task);
	memcpy(tiers->told, tiers->asked, tiers->asked_count * sizeof(*tiers->told));
	tiers->told_count = tiers->asked_count;
	tiers->asks = false;
}

static bool is_there(const struct tiers *tiers, const char *path)
{
	for (size_t i = 0; i < tiers->set_count; i++)
		if (strcmp(tiers->set[i].path, path) == 0)
			return true;
	return false;
}

void tiers_set(struct tiers *tiers, const struct conf_protects *protects)
{
	tiers->set_count = 0;
	tiers->look_ns = 0;
	vec_each (how, &protects->list) {
		if ((*how->to != '/' && !str_starts(how->to, "file:///")) ||
			is_there(tiers, how->to))
			continue;
		struct tier *tier = &tiers->set[tiers->set_count++];
		*tier = (struct tier){0};
		snprintf(tier->path, sizeof(tier->path), "%s", how->to);
	}
}

static void look(struct tiers *tiers)
{
	memcpy(tiers->asked, tiers->set, tiers->set_count * sizeof(*tiers->set));
	tiers->asked_count = tiers->set_count;
	tiers->asks = task_start(tiers->world->loop, &tiers->task) == 0;
}

static void put(struct watch *watch, const char *metric, const char *tier, double value)
{
	struct name name;
	if (name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "tier", tier, NULL) == 0)
		watch_put(watch, &name, SERIES_GAUGE, value);
}

void tiers_observe(struct tiers *tiers, struct watch *watch)
{
	int64_t now_ns = clock_mono_ns(tiers->world->clock);
	for (size_t i = 0; i < tiers->told_count; i++) {
		const struct tier *tier = &tiers->told[i];
		if (!tier->known)
			continue;
		put(watch, "ebb_tier_size_bytes", tier->path, tier->size_bytes);
		put(watch, "ebb_tier_free_bytes", tier->path, tier->free_bytes);
	}
	if (now_ns < tiers->look_ns || tiers->asks)
		return;
	tiers->look_ns = now_ns + LOOK_NS;
	look(tiers);
}

struct tiers *tiers_new(struct world *world)
{
	struct tiers *tiers = calloc(1, sizeof(*tiers));
	if (!tiers)
		return NULL;
	tiers->world = world;
	tiers->task = (struct task){.work = ask, .done = on_told};
	return tiers;
}

void tiers_free(struct tiers *tiers)
{
	free(tiers);
}
