/* SPDX-License-Identifier: Apache-2.0 */
/* The segments of the manifest: which there are, which are open, which files are nobody's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "os/disk.h"
#include "os/world.h"
#include "series/inner.h"

enum { OPEN_MAX = 96 };

static bool before(const struct segment_facts *a, const struct segment_facts *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->number < b->number;
}

int held_reserve(struct series *series, struct held **spare, size_t count)
{
	if (vec_reserve(&series->segments, series->segments.len + count))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		spare[i] = calloc(1, sizeof(*spare[i]));
		if (spare[i])
			continue;
		while (i-- > 0)
			free(spare[i]);
		return -ENOMEM;
	}
	return 0;
}

void held_put(struct series *series, struct held *held, const struct segment_facts *facts)
{
	held->segment.facts = *facts;
	struct held **at = series->segments.at;
	size_t i = series->segments.len++;
	for (; i > 0 && before(facts, &at[i - 1]->segment.facts); i--)
		at[i] = at[i - 1];
	at[i] = held;
	series->facts.segments[facts->level]++;
	series->facts.bytes[facts->level] += facts->size;
	series->facts.rows[facts->level] += facts->rows;
}

int held_add(struct series *series, const struct segment_facts *facts)
{
	struct held *held;
	int err = held_reserve(series, &held, 1);
	if (!err)
		held_put(series, held, facts);
	return err;
}

static void close_file(struct series *series, struct held *held)
{
	if (!held->segment.file)
		return;
	segment_close(&held->segment);
	series->open_files--;
}

void held_drop(struct series *series, struct held *held)
{
	const struct segment_facts *facts = &held->segment.facts;
	size_t i = 0;
	while (series->segments.at[i] != held)
		i++;
	memmove(series->segments.at + i, series->segments.at + i + 1,
		(--series->segments.len - i) * sizeof(*series->segments.at));
	series->facts.segments[facts->level]--;
	series->facts.bytes[facts->level] -= facts->size;
	series->facts.rows[facts->level] -= facts->rows;
	close_file(series, held);
	free(held);
}

void held_done(struct series *series)
{
	while (series->segments.len)
		held_drop(series, series->segments.at[series->segments.len - 1]);
	vec_done(&series->segments);
}

static void make_room(struct series *series)
{
	struct held *oldest = NULL;
	vec_each (held, &series->segments)
		if ((*held)->segment.file && !(*held)->busy &&
			(!oldest || (*held)->used < oldest->used))
			oldest = *held;
	if (oldest)
		close_file(series, oldest);
}

int held_use(struct series *series, struct held *held, struct why *why)
{
	held->used = ++series->uses;
	if (held->segment.file)
		return 0;
	if (series->open_files >= OPEN_MAX)
		make_room(series);
	const struct segment_facts facts = held->segment.facts;
	int err = segment_open(&series->home, &facts, &held->segment, why);
	if (err == -EBADMSG && !held->damaged) {
		held->damaged = true;
		series->facts.damaged++;
	}
	series->open_files += !err;
	return err;
}

void held_unlink(struct series *series, uint64_t number)
{
	char name[SEGMENT_NAME];
	if (segment_name(&series->home, number, name) == 0)
		(void)disk_unlink(series->world->disk, name);
}

/* ---- files that are nobody's ---- */

struct sweep {
	const struct series *series;
	VEC(char *) names;
	int err;
};

static bool is_live(const struct series *series, const char *file)
{
	char name[SEGMENT_NAME];
	vec_each (held, &series->segments)
		if (segment_name(&series->home, (*held)->segment.facts.number, name) == 0 &&
			strcmp(name + strlen(series->folder) + 1, file) == 0)
			return true;
	return false;
}

static bool sweep_one(void *arg, const char *name, bool is_dir)
{
	struct sweep *sweep = arg;
	if (is_dir || !strstr(name, ".seg") || is_live(sweep->series, name))
		return true;
	char *copy = strdup(name);
	if (copy && vec_push(&sweep->names, copy) == 0)
		return true;
	free(copy);
	sweep->err = -ENOMEM;
	return false;
}

int held_sweep(struct series *series, struct why *why)
{
	struct sweep sweep = {.series = series};
	char path[SEGMENT_NAME + DISK_NAME_MAX];
	int err = disk_list(series->world->disk, series->folder, sweep_one, &sweep);
	if (!err)
		err = sweep.err;
	vec_each (name, &sweep.names) {
		snprintf(path, sizeof(path), "%s/%s", series->folder, *name);
		if (!err)
			(void)disk_unlink(series->world->disk, path);
		free(*name);
	}
	vec_done(&sweep.names);
	return err ? why_errno(why, err, "%s: cannot be listed", series->folder) : 0;
}
