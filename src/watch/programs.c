/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs and their parts: a part is one process or one control group, whose counters are taken as
 * they grow; a program is all parts of one name.
 */
#include "watch/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/map.h"
#include "base/own.h"
#include "base/units.h"
#include "os/host.h"
#include "series/name.h"
#include "watch/watch.h"

enum counter { CPU, READ, WRITTEN, RECEIVED, SENT, COUNTERS };

static const struct {
	const char *metric;
	unsigned has;
} kinds[COUNTERS] = {
	{"ebb_program_cpu_seconds_total", HOST_HAS_CPU},
	{"ebb_program_read_bytes_total", HOST_HAS_IO},
	{"ebb_program_written_bytes_total", HOST_HAS_IO},
	{"ebb_program_received_bytes_total", HOST_HAS_NET},
	{"ebb_program_sent_bytes_total", HOST_HAS_NET},
};

#define USE_MEMORY_NS (6 * NS_PER_HOUR) /* over which use is averaged */
#define FORGET_NS NS_PER_DAY
#define ABSENT_NS NS_PER_HOUR /* after which a place may go to one that is there */
#define MUCH_MORE 1.5
enum {
	LOOKS_BEFORE = 6, /* until one may put out another */
	NAMES_A_DAY = 24, /* that are taken up at the least */
};

/* No counter of this world has reached it. */
static const uint64_t absurd = UINT64_C(1) << 62;

struct one {
	char name[HOST_PROGRAM + 8];
	unsigned has;
	uint64_t total[COUNTERS], grown[COUNTERS]; /* grown: in this look */
	uint64_t memory;
	uint64_t first_look, last_look;
	int64_t seen_ns;
	uint32_t looks;
	double use;
	bool kept;
	bool taken; /* was kept at some time: its series are there */
};

struct part {
	struct one *one;
	bool process;
	unsigned has;
	uint64_t life, look;
	uint64_t last[COUNTERS];
};

struct watch_programs {
	uint32_t max;
	struct map ones, parts;
	uint64_t look;
	int64_t mono_ns, span_ns; /* of this look; since the one before, 0 at the first */
	unsigned cpus;
	bool skip;        /* this look lies not behind the one before */
	double allowance; /* new names that may be taken up now */
	struct watch_programs_facts facts;
};

struct watch_programs *watch_programs_new(uint32_t max)
{
	struct watch_programs *programs = calloc(1, sizeof(*programs));
	if (programs)
		watch_programs_max(programs, max);
	return programs;
}

void watch_programs_free(struct watch_programs *programs)
{
	if (!programs)
		return;
	map_each (entry, &programs->parts)
		free(entry->value);
	map_each (entry, &programs->ones)
		free(entry->value);
	map_done(&programs->parts);
	map_done(&programs->ones);
	free(programs);
}

void watch_programs_max(struct watch_programs *programs, uint32_t max)
{
	max = max < WATCH_PROGRAMS_MAX ? max : WATCH_PROGRAMS_MAX;
	/* What more may be kept may be taken up at once, and changed for better ones. */
	if (max > programs->max)
		programs->allowance += 2 * (max - programs->max);
	programs->max = max;
}

void watch_programs_begin(struct watch_programs *programs, int64_t mono_ns, unsigned cpus)
{
	programs->facts.left_out = programs->facts.waiting = 0;
	programs->skip = programs->look && mono_ns <= programs->mono_ns;
	if (programs->skip) {
		programs->facts.poisoned++;
		return;
	}
	programs->span_ns = programs->look ? mono_ns - programs->mono_ns : 0;
	programs->mono_ns = mono_ns;
	programs->cpus = cpus;
	programs->look++;
}

/* ---- one part, seen ---- */

/* Makes what is not there, while there is room; NULL: there is none. */
static void *find(struct map *map, const char *name, size_t size, size_t max)
{
	void *there = map_get(map, name);
	if (there || map->live >= max)
		return there;
	there = calloc(1, size);
	if (there && map_put(map, name, there) != 0) {
		free(there);
		return NULL;
	}
	return there;
}

static struct one *find_one(struct watch_programs *programs, const struct host_program *program)
{
	char name[sizeof(((struct one *)0)->name)];
	if (program->kind == HOST_PID)
		snprintf(name, sizeof(name), "pid/%u", program->pid);
	else
		snprintf(name, sizeof(name), "%s/%s", host_kinds[program->kind], program->name);
	struct one *one = find(&programs->ones, name, sizeof(*one), WATCH_PROGRAMS_KNOWN);
	if (!one)
		return NULL;
	if (!one->first_look) {
		memcpy(one->name, name, sizeof(name));
		one->first_look = programs->look;
	}
	if (one->last_look != programs->look) {
		one->last_look = programs->look;
		one->looks++;
		one->has = 0;
		one->memory = 0;
		memset(one->grown, 0, sizeof(one->grown));
	}
	one->seen_ns = programs->mono_ns;
	return one;
}

static struct part *find_part(
	struct watch_programs *programs, struct one *one, const struct host_program *program)
{
	char name[sizeof(one->name) + 16];
	snprintf(name, sizeof(name), "%s\n%u", one->name, program->pid);
	struct part *part = find(&programs->parts, name, sizeof(*part), WATCH_PROGRAMS_PARTS);
	if (part && !part->one) {
		part->one = one;
		part->process = program->pid != 0;
	}
	return part;
}

/* More CPU time than there was is no measurement. */
static bool believable(const struct watch_programs *programs, enum counter counter, uint64_t grown)
{
	uint64_t there;
	if (grown >= absurd)
		return false;
	if (counter != CPU || !programs->cpus || !programs->span_ns)
		return true;
	return !mul_fits((uint64_t)programs->span_ns, programs->cpus, &there) ||
		grown <= there + there / 4 + NS_PER_SEC;
}

/* One counter of a part; `whole`: all that it shows was used since the last look. */
static void grow(struct watch_programs *programs, struct part *part, enum counter counter,
	uint64_t value, bool whole)
{
	struct one *one = part->one;
	bool first = one->first_look == programs->look;
	uint64_t last = part->last[counter];
	part->last[counter] = value;
	if (!whole && !(part->has & kinds[counter].has))
		return; /* told for the first time */
	if (!whole && value < last) {
		programs->facts.resets++;
		return;
	}
	uint64_t grown = whole ? value : value - last, total;
	if ((!first && !believable(programs, counter, grown)) || grown >= absurd ||
		!add_fits(one->total[counter], grown, &total)) {
		programs->facts.poisoned++;
		return;
	}
	one->total[counter] = total;
	if (!first)
		one->grown[counter] += grown;
}

void watch_programs_see(void *arg, const struct host_program *program)
{
	struct watch_programs *programs = arg;
	if (programs->skip)
		return;
	struct one *one = find_one(programs, program);
	struct part *part = one ? find_part(programs, one, program) : NULL;
	if (!part) {
		programs->facts.left_out++;
		return;
	}
	bool first = one->first_look == programs->look;
	bool born = program->age_ns >= 0 && program->age_ns <= programs->span_ns;
	bool whole = part->look ? part->life != program->life : first || born;
	const uint64_t values[COUNTERS] = {program->cpu_ns, program->read_bytes,
		program->write_bytes, program->rx_bytes, program->tx_bytes};
	for (enum counter i = 0; i < COUNTERS; i++)
		if (program->has & kinds[i].has)
			grow(programs, part, i, values[i], whole);
	part->has = program->has;
	part->life = program->life;
	part->look = programs->look;
	one->has |= program->has;
	if (program->memory_bytes < absurd &&
		add_fits(one->memory, program->memory_bytes, &one->memory))
		return;
	one->has &= ~(unsigned)HOST_HAS_MEMORY;
	programs->facts.poisoned++;
}

/* ---- a look is over ---- */

/* Ended processes, and programs that were not there for a day. */
static void forget(struct watch_programs *programs)
{
	map_each (entry, &programs->parts) {
		struct part *part = entry->value;
		bool gone = programs->mono_ns - part->one->seen_ns > FORGET_NS;
		if (gone || (part->process && part->look != programs->look))
			free(map_remove(&programs->parts, entry->name));
	}
	map_each (entry, &programs->ones) {
		struct one *one = entry->value;
		if (programs->mono_ns - one->seen_ns > FORGET_NS)
			free(map_remove(&programs->ones, entry->name));
	}
}

/* The largest of its shares of what all used, averaged over hours. */
static void rate(struct watch_programs *programs)
{
	double sums[COUNTERS] = {0}, memory = 0;
	double span = (double)programs->span_ns, weight = span / (span + (double)USE_MEMORY_NS);
	map_each (entry, &programs->ones) {
		const struct one *one = entry->value;
		for (enum counter i = 0; i < COUNTERS && one->last_look == programs->look; i++)
			sums[i] += (double)one->grown[i];
		memory += one->last_look == programs->look ? (double)one->memory : 0;
	}
	map_each (entry, &programs->ones) {
		struct one *one = entry->value;
		bool there = one->last_look == programs->look;
		double most = there && memory > 0 ? (double)one->memory / memory : 0;
		for (enum counter i = 0; there && i < COUNTERS; i++)
			if (sums[i] > 0 && (double)one->grown[i] / sums[i] > most)
				most = (double)one->grown[i] / sums[i];
		one->use += weight * (most - one->use);
		/* At first there is nothing else to go by. */
		if (programs->look <= 2)
			one->use = most;
	}
}

static bool absent(const struct watch_programs *programs, const struct one *one)
{
	return programs->mono_ns - one->seen_ns > ABSENT_NS;
}

static bool may_take(const struct watch_programs *programs, const struct one *one)
{
	return one->taken || programs->allowance >= 1;
}

static void keep(struct watch_programs *programs, struct one *one)
{
	if (!one->taken)
		programs->allowance -= 1;
	one->kept = one->taken = true;
	programs->facts.kept++;
}

/* The best of those that are there and not kept, and the worst of those that are. */
static void look_at_the_edge(
	struct watch_programs *programs, struct one **ret_best, struct one **ret_worst)
{
	double least = 0;
	*ret_best = *ret_worst = NULL;
	map_each (entry, &programs->ones) {
		struct one *one = entry->value;
		double use = absent(programs, one) ? -1 : one->use;
		if (one->kept && (!*ret_worst || use < least)) {
			*ret_worst = one;
			least = use;
		}
		if (!one->kept && one->last_look == programs->look && may_take(programs, one) &&
			(!*ret_best || one->use > (*ret_best)->use))
			*ret_best = one;
	}
}

static void choose(struct watch_programs *programs)
{
	struct one *best, *worst;
	double a_day = programs->max > NAMES_A_DAY ? programs->max : NAMES_A_DAY;
	programs->allowance += a_day * (double)programs->span_ns / (double)NS_PER_DAY;
	if (programs->allowance > 2.0 * programs->max)
		programs->allowance = 2.0 * programs->max;
	/* The first look shows no use: who is kept of many is chosen at the second. */
	if (programs->look == 1 && programs->ones.live > programs->max)
		return;
	for (;;) {
		look_at_the_edge(programs, &best, &worst);
		if (programs->facts.kept > programs->max) {
			worst->kept = false;
			programs->facts.kept--;
		} else if (programs->facts.kept < programs->max && best) {
			keep(programs, best);
		} else {
			break;
		}
	}
	if (!best || !worst || best->looks < LOOKS_BEFORE)
		return;
	if (!absent(programs, worst) && best->use <= MUCH_MORE * worst->use)
		return;
	worst->kept = false;
	programs->facts.kept--;
	keep(programs, best);
}

static void put(struct watch *watch, const char *metric, const char *program, enum series_kind kind,
	double value)
{
	struct name name;
	if (name_start(&name, metric, strlen(metric), NULL) ||
		(program && name_label(&name, "program", program, NULL)))
		watch->refused++;
	else
		watch_put(watch, &name, kind, value);
}

static void put_one(struct watch *watch, const struct one *one)
{
	for (enum counter i = 0; i < COUNTERS; i++) {
		/* To the microsecond: finer times cost bytes and say nothing. */
		double value = i == CPU ? (double)(one->total[i] / 1000) / 1e6
					: (double)one->total[i];
		if (one->has & kinds[i].has)
			put(watch, kinds[i].metric, one->name, SERIES_COUNTER, value);
	}
	if (one->has & HOST_HAS_MEMORY)
		put(watch, "ebb_program_memory_bytes", one->name, SERIES_GAUGE,
			(double)one->memory);
}

void watch_programs_end(
	struct watch_programs *programs, const struct host_look *look, struct watch *watch)
{
	if (programs->skip)
		return;
	uint64_t kept = 0, waiting = 0;
	programs->facts.left_out += look->left_out;
	programs->facts.poisoned += look->strange;
	forget(programs);
	rate(programs);
	map_each (entry, &programs->ones)
		kept += ((const struct one *)entry->value)->kept;
	programs->facts.kept = kept;
	choose(programs);
	map_each (entry, &programs->ones) {
		const struct one *one = entry->value;
		if (one->last_look != programs->look)
			continue;
		if (one->kept)
			put_one(watch, one);
		else
			waiting++;
	}
	programs->facts.known = programs->ones.live;
	programs->facts.waiting = programs->facts.kept < programs->max && programs->max ? waiting
											: 0;
	put(watch, "ebb_watch_programs", NULL, SERIES_GAUGE, (double)programs->facts.kept);
	put(watch, "ebb_watch_programs_left_out", NULL, SERIES_GAUGE,
		(double)programs->facts.left_out);
}

struct watch_programs_facts watch_programs_facts(const struct watch_programs *programs)
{
	return programs->facts;
}
