/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about what changed since when and for whom, and how fast work in the background goes. */
#include <jansson.h>
#include <string.h>

#include "ebb-vold/control_inner.h"
#include "ebb-vold/volumes.h"
#include "talk/reply.h"

/*
 * Of one reply, because clients wait meanwhile: 4 GiB of the volume are looked at, and so many runs
 * are told. Who asks goes on at `next`.
 */
enum { EXTENTS_AT_ONCE = 16384, RUNS_AT_ONCE = 4096 };

/* ---- what changed ---- */

struct runs {
	json_t *list;
	size_t count;
	uint64_t from, end; /* of the one in hand, in blocks */
	uint64_t size;      /* of the view, in bytes */
};

static void tell_run(struct runs *runs)
{
	if (runs->from == runs->end)
		return;
	uint64_t at = runs->from * VOL_BLOCK, end = runs->end * VOL_BLOCK;
	end = end < runs->size ? end : runs->size;
	json_array_append_new(
		runs->list, json_pack("[I,I]", (json_int_t)at, (json_int_t)(end - at)));
	runs->count++;
	runs->from = runs->end;
}

static void add_blocks(struct runs *runs, uint32_t extent, uint64_t blocks)
{
	uint64_t first = (uint64_t)extent * VOL_EXTENT_BLOCKS;
	unsigned n = 0;
	while (n < VOL_EXTENT_BLOCKS && blocks >> n) {
		n += (unsigned)__builtin_ctzll(blocks >> n);
		uint64_t rest = ~(blocks >> n);
		unsigned len = rest ? (unsigned)__builtin_ctzll(rest) : VOL_EXTENT_BLOCKS;
		if (runs->end != first + n) {
			tell_run(runs);
			runs->from = first + n;
		}
		runs->end = first + n + len;
		n += len;
	}
}

struct eras {
	uint64_t since, upto, from;
};

static void show_changed(const struct vol_map *map, const struct eras *eras, struct str *ret_reply)
{
	uint32_t upto = (uint32_t)eras->upto, since = (uint32_t)eras->since;
	struct runs runs = {.list = json_array(), .size = map_view_size(map, upto)};
	uint64_t extents = (runs.size + VOL_EXTENT - 1) / VOL_EXTENT;
	uint64_t extent = eras->from / VOL_EXTENT, last = extent + EXTENTS_AT_ONCE;
	last = last < extents ? last : extents;
	for (; extent < last && runs.count + VOL_EXTENT_BLOCKS < RUNS_AT_ONCE; extent++)
		add_blocks(
			&runs, (uint32_t)extent, map_changed(map, (uint32_t)extent, since, upto));
	tell_run(&runs);
	json_t *members = json_pack("{s:s,s:I,s:I,s:b,s:I,s:o}", "type", "changed", "since",
		(json_int_t)since, "upto", (json_int_t)upto, "exact", since >= map->forgotten,
		"bytes", (json_int_t)runs.size, "runs", runs.list);
	if (extent < extents)
		json_object_set_new(
			members, "next", json_integer((json_int_t)(extent * VOL_EXTENT)));
	talk_reply_ok(ret_reply, members);
}

void verb_changed(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct eras eras = {0};
	struct served *served = control_find_open(arg, argc, argv, ret_reply);
	if (!served)
		return;
	const struct vol_map *map = engine_map(served->engine);
	if (argc < 3 || !control_number(argv[2], map->era, &eras.since) ||
		(argc > 3 && !control_number(argv[3], map->era, &eras.upto)) ||
		(argc > 4 && !control_number(argv[4], VOL_SIZE_MAX, &eras.from))) {
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"changed wants a volume, the era since which, perhaps the last era (0: the "
			"open one), and a byte to go on from; volume %s is in era %u",
			served->name, map->era);
		return;
	}
	eras.upto = eras.upto ? eras.upto : map->era;
	show_changed(map, &eras, ret_reply);
}

/* ---- consumers ---- */

static void act_on_consumer(struct control *control, struct served *served, const char *name,
	struct engine_act act, struct str *ret_reply)
{
	if (!*name || strlen(name) >= VOL_NAME_MAX) {
		talk_reply_refuse(ret_reply, TALK_USAGE, "a consumer has a name of 1 to %d bytes",
			VOL_NAME_MAX - 1);
		return;
	}
	act.name = name;
	control_act(control, served, &act, ret_reply);
}

void verb_passed(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	uint64_t era = 0;
	struct served *served = control_find_open(arg, argc, argv, ret_reply);
	if (!served)
		return;
	uint32_t open = engine_map(served->engine)->era;
	if (argc != 4 || !control_number(argv[3], open - 1, &era)) {
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"passed wants a volume, a consumer, and an era that is closed, or 0; era "
			"%u of volume %s is open",
			open, served->name);
		return;
	}
	act_on_consumer(arg, served, argv[2],
		(struct engine_act){.kind = ENGINE_PASSED, .era = (uint32_t)era}, ret_reply);
}

void verb_gone(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find_open(arg, argc, argv, ret_reply);
	if (served && argc != 3)
		talk_reply_refuse(ret_reply, TALK_USAGE, "gone wants a volume and a consumer");
	else if (served)
		act_on_consumer(
			arg, served, argv[2], (struct engine_act){.kind = ENGINE_GONE}, ret_reply);
}

/* ---- work in the background ---- */

static void set_pace(struct served *served, unsigned steps, const char *type, struct str *ret_reply)
{
	volumes_pace(served, steps);
	control_reply(ret_reply, type, 0, NULL);
}

void verb_pace(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	uint64_t steps = 0;
	struct served *served = control_find(arg, argc, argv, ret_reply);
	if (!served)
		return;
	if (argc != 3 || !control_number(argv[2], PACE_MAX, &steps) || !steps)
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"pace wants a volume and steps a second, 1 to %d, of 256 KiB at most each",
			PACE_MAX);
	else
		set_pace(served, (unsigned)steps, "pace", ret_reply);
}

void verb_pause(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find(arg, argc, argv, ret_reply);
	if (served)
		set_pace(served, 0, "pause", ret_reply);
}

void verb_resume(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find(arg, argc, argv, ret_reply);
	if (served)
		set_pace(served, PACE_USUAL, "resume", ret_reply);
}
