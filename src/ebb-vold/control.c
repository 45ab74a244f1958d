/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of ebb-vold. What takes its time (cuts, drops) is an act: the reply says its number,
 * and `act NUMBER` how it went.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "ebb-vold/control_inner.h"
#include "ebb-vold/fill.h"
#include "ebb-vold/serve.h"
#include "ebb-vold/volumes.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"
#include "talk/line.h"
#include "talk/reply.h"
#include "talk/server.h"

/* ---- volumes ---- */

static json_t *show_snapshots(const struct vol_map *map)
{
	json_t *list = json_array();
	vec_each (snapshot, &map->snapshots) {
		char when[UNITS_TEXT];
		units_show_time(snapshot->at_ns, when);
		json_array_append_new(list,
			json_pack("{s:o,s:I,s:s}", "name", talk_json_text(snapshot->name), "era",
				(json_int_t)snapshot->era, "at", when));
	}
	return list;
}

static json_t *show_consumers(const struct vol_map *map)
{
	json_t *list = json_array();
	vec_each (consumer, &map->consumers)
		json_array_append_new(list,
			json_pack("{s:o,s:I}", "name", talk_json_text(consumer->name), "passed",
				(json_int_t)consumer->passed));
	return list;
}

static json_t *show_identity(const struct served *served)
{
	char text[2 * sizeof(served->identity) + 1];
	for (size_t i = 0; i < sizeof(served->identity); i++)
		snprintf(text + 2 * i, 3, "%02x", served->identity[i]);
	return json_string(text);
}

static json_t *show_fill(const struct fill *fill)
{
	struct fill_facts facts = fill_facts(fill);
	return json_pack("{s:o,s:o,s:b,s:I,s:I,s:I}", "address", talk_json_text(facts.address),
		"export", talk_json_text(facts.name), "connected", facts.connected, "looked",
		(json_int_t)facts.looked, "fetched", (json_int_t)facts.fetched, "failed",
		(json_int_t)facts.failed);
}

static json_t *show_volume(const struct served *served, bool snapshots)
{
	json_t *shown = json_pack("{s:s,s:s}", "name", served->name, "state",
		!served->engine                          ? "closed"
			: engine_stopped(served->engine) ? "stopped"
							 : "open");
	if (!served->engine) {
		json_object_set_new(shown, "why", talk_json_text(served->why.text));
		return shown;
	}
	const struct vol_map *map = engine_map(served->engine);
	uint64_t used = (map->slots.len - map->free.len) * (uint64_t)VOL_EXTENT;
	json_object_set_new(shown, "bytes", json_integer((json_int_t)map->size));
	json_object_set_new(shown, "used", json_integer((json_int_t)used));
	json_object_set_new(shown, "era", json_integer(map->era));
	json_object_set_new(shown, "clients", json_integer(served->holds));
	json_object_set_new(shown, "pace", json_integer(served->pace));
	json_object_set_new(shown, "survives_kill", json_boolean(served->share.bytes != NULL));
	if (served->fill)
		json_object_set_new(shown, "fills", show_fill(served->fill));
	if (snapshots) {
		json_object_set_new(shown, "id", show_identity(served));
		json_object_set_new(shown, "snapshots", show_snapshots(map));
		json_object_set_new(shown, "consumers", show_consumers(map));
	} else {
		json_object_set_new(
			shown, "snapshots", json_integer((json_int_t)map->snapshots.len));
	}
	return shown;
}

static json_t *show_volumes(const struct control *control)
{
	json_t *list = json_array();
	for (struct served *at = volumes_first(control->parts.volumes); at; at = at->next)
		json_array_append_new(list, show_volume(at, false));
	return list;
}

static void verb_status(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	const struct control *control = arg;
	char started[UNITS_TEXT];
	units_show_time(control->started_wall_ns, started);
	int64_t up_ns = clock_mono_ns(control->parts.world->clock) - control->started_mono_ns;
	talk_reply_ok(ret_reply,
		json_pack("{s:s,s:s,s:s,s:f,s:o}", "type", "vold-status", "version", EBB_VERSION,
			"started", started, "uptime", (double)up_ns / (double)NS_PER_SEC, "volumes",
			show_volumes(control)));
}

struct served *control_find(
	struct control *control, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = argc > 1 ? volumes_find(control->parts.volumes, argv[1]) : NULL;
	if (argc < 2)
		talk_reply_refuse(ret_reply, TALK_USAGE, "%s wants the name of a volume", argv[0]);
	else if (!served)
		talk_reply_refuse(ret_reply, TALK_NONE,
			"there is no volume %.80s: `ebb volume ls` lists those there are", argv[1]);
	return served;
}

struct served *control_find_open(
	struct control *control, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find(control, argc, argv, ret_reply);
	if (!served || served->engine)
		return served;
	talk_reply_refuse(ret_reply, TALK_FAILED, "volume %s is not open: %s", served->name,
		served->why.text);
	return NULL;
}

bool control_number(const char *word, uint64_t most, uint64_t *ret_number)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end || errno || number > most)
		return false;
	*ret_number = number;
	return true;
}

static enum talk_code code_of(int err)
{
	switch (err) {
	case -EBUSY:
	case -EEXIST:
		return TALK_GUARDED;
	case -ENOENT:
		return TALK_NONE;
	case -EINVAL:
		return TALK_USAGE;
	default:
		return TALK_FAILED;
	}
}

void control_reply(struct str *ret_reply, const char *type, int err, const struct why *why)
{
	if (err)
		talk_reply_refuse(ret_reply, code_of(err), "%s", why->text);
	else
		talk_reply_ok(ret_reply, json_pack("{s:s}", "type", type));
}

static void verb_show(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find(arg, argc, argv, ret_reply);
	if (served)
		talk_reply_ok(ret_reply,
			json_pack("{s:s,s:o}", "type", "volume", "volume",
				show_volume(served, true)));
}

static void verb_fill(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct control *control = arg;
	struct why why;
	uint64_t size = 0;
	if (argc != 5 || !control_number(argv[2], UINT64_MAX, &size)) {
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"fill wants a name, a size in bytes, and the address and name of an "
			"export");
		return;
	}
	const struct volumes_source source = {argv[3], argv[4]};
	int err = volumes_fill(control->parts.volumes, argv[1], size, &source, &why);
	control_reply(ret_reply, "fill", err, &why);
}

static void verb_rename(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct control *control = arg;
	struct served *served = control_find(control, argc, argv, ret_reply);
	struct why why;
	if (!served)
		return;
	if (argc != 3) {
		talk_reply_refuse(ret_reply, TALK_USAGE, "rename wants a volume and a name");
		return;
	}
	int err = volumes_rename(control->parts.volumes, served, argv[2], &why);
	control_reply(ret_reply, "rename", err, &why);
}

static void verb_create(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct control *control = arg;
	struct why why;
	uint64_t size = 0;
	if (argc != 3 || !control_number(argv[2], UINT64_MAX, &size)) {
		talk_reply_refuse(ret_reply, TALK_USAGE, "create wants a name and a size in bytes");
		return;
	}
	int err = volumes_create(control->parts.volumes, argv[1], size, &why);
	control_reply(ret_reply, "create", err, &why);
}

static void verb_open(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct control *control = arg;
	struct served *served = control_find(control, argc, argv, ret_reply);
	struct why why;
	if (served) {
		int err = volumes_open_one(control->parts.volumes, served, &why);
		control_reply(ret_reply, "open", err, &why);
	}
}

static void verb_close(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find(arg, argc, argv, ret_reply);
	struct why why;
	if (served) {
		int err = volumes_close_one(served, &why);
		control_reply(ret_reply, "close", err, &why);
	}
}

static void verb_rm(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct control *control = arg;
	struct served *served = control_find(control, argc, argv, ret_reply);
	struct why why;
	if (served) {
		int err = volumes_remove(control->parts.volumes, served, &why);
		control_reply(ret_reply, "rm", err, &why);
	}
}

/* ---- acts ---- */

void control_done(struct asked_act *asked, int err, const struct why *why)
{
	asked->done = true;
	asked->err = err;
	asked->why = *why;
	free(TAKE(asked->members));
}

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	control_done(container_of(act, struct asked_act, act), err, why);
}

struct asked_act *control_asked(struct control *control, struct str *ret_reply)
{
	struct asked_act *asked = &control->act[control->acts % ACTS];
	if (asked->number && !asked->done) {
		talk_reply_busy(ret_reply);
		return NULL;
	}
	*asked = (struct asked_act){.number = ++control->acts};
	return asked;
}

void control_act(struct control *control, struct served *served, const struct engine_act *act,
	struct str *ret_reply)
{
	if (act->kind == ENGINE_CUT && served->fill) {
		talk_reply_refuse(ret_reply, TALK_GUARDED,
			"volume %s fills: a snapshot of it would miss what is not there yet",
			served->name);
		return;
	}
	struct asked_act *asked = control_asked(control, ret_reply);
	if (!asked)
		return;
	asked->act = *act;
	memcpy(asked->name, act->name, strlen(act->name) + 1);
	asked->act.name = asked->name;
	asked->act.at_ns = clock_wall_ns(control->parts.world->clock);
	asked->act.done = on_act;
	engine_do(served->engine, &asked->act);
	talk_reply_ok(ret_reply,
		json_pack("{s:s,s:I}", "type", "act", "number", (json_int_t)asked->number));
}

static void act_on_snapshot(struct control *control, size_t argc, const char *const *argv,
	enum engine_act_kind kind, struct str *ret_reply)
{
	struct served *served = control_find_open(control, argc, argv, ret_reply);
	if (!served)
		return;
	if (argc != 3 || !*argv[2] || strlen(argv[2]) >= VOL_NAME_MAX) {
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"%s wants a volume and the name of a snapshot, below %d bytes", argv[0],
			VOL_NAME_MAX);
		return;
	}
	const struct map_snapshot *snapshot = map_snapshot(engine_map(served->engine), argv[2]);
	bool used = snapshot && server_uses(control->parts.server, argv[1], snapshot->era);
	if (kind == ENGINE_DROP && used)
		talk_reply_refuse(ret_reply, TALK_GUARDED,
			"a client reads %s@%s: drop it when that has gone", argv[1], argv[2]);
	else if (kind == ENGINE_CUT && snapshot)
		talk_reply_refuse(ret_reply, TALK_GUARDED,
			"volume %s has a snapshot %s: choose another name, or drop that one",
			argv[1], argv[2]);
	else
		control_act(control, served, &(struct engine_act){.kind = kind, .name = argv[2]},
			ret_reply);
}

/* Clients see a new size when they come anew: what they know of is cut off only by force. */
static void verb_resize(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct served *served = control_find_open(arg, argc, argv, ret_reply);
	struct engine_act act = {.kind = ENGINE_RESIZE, .name = ""};
	if (!served)
		return;
	act.force = argc == 4 && strcmp(argv[3], "force") == 0;
	if (argc < 3 || !control_number(argv[2], UINT64_MAX, &act.size) ||
		(argc == 4 && !act.force)) {
		talk_reply_refuse(ret_reply, TALK_USAGE,
			"resize wants a volume, a size in bytes, and perhaps the word force");
		return;
	}
	bool shrinks = act.size < engine_map(served->engine)->size;
	if (served->fill)
		talk_reply_refuse(ret_reply, TALK_GUARDED,
			"volume %s fills: wait until it is whole", served->name);
	else if (shrinks && served->holds && !act.force)
		talk_reply_refuse(ret_reply, TALK_GUARDED,
			"volume %s: %u clients are connected to what would be cut off",
			served->name, served->holds);
	else
		control_act(arg, served, &act, ret_reply);
}

static void verb_cut(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	act_on_snapshot(arg, argc, argv, ENGINE_CUT, ret_reply);
}

static void verb_drop(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	act_on_snapshot(arg, argc, argv, ENGINE_DROP, ret_reply);
}

static void verb_act(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct control *control = arg;
	uint64_t number = 0;
	bool given = argc == 2 && control_number(argv[1], UINT64_MAX, &number);
	const struct asked_act *asked = &control->act[(number + ACTS - 1) % ACTS];
	if (!given)
		talk_reply_refuse(ret_reply, TALK_USAGE, "act wants the number of an act");
	else if (!number || asked->number != number)
		talk_reply_refuse(ret_reply, TALK_NONE, "no act of that number is remembered");
	else if (asked->done && asked->err)
		control_reply(ret_reply, "act", asked->err, &asked->why);
	else
		talk_reply_ok(
			ret_reply, json_pack("{s:s,s:b}", "type", "act", "done", asked->done));
}

/* ---- counters ---- */

static json_t *show_counts(const struct served *served)
{
	const struct trace_counts *counts = &served->place->counts, none = {0};
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "name",
		served->name, "reads", (json_int_t)counts->operations[TRACE_READ], "read_bytes",
		(json_int_t)counts->bytes[TRACE_READ], "writes",
		(json_int_t)counts->operations[TRACE_WRITE], "write_bytes",
		(json_int_t)counts->bytes[TRACE_WRITE], "zeros",
		(json_int_t)counts->operations[TRACE_ZERO], "flushes",
		(json_int_t)counts->operations[TRACE_FLUSH], "errors", (json_int_t)counts->errors,
		"sequential", (json_int_t)counts->sequential, "queue",
		(json_int_t)served->place->queue, "p50_ns",
		(json_int_t)trace_latency(&none, counts, 500), "p99_ns",
		(json_int_t)trace_latency(&none, counts, 990), "p999_ns",
		(json_int_t)trace_latency(&none, counts, 999));
}

static void verb_stats(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	const struct control *control = arg;
	(void)argc, (void)argv;
	json_t *list = json_array();
	for (struct served *at = volumes_first(control->parts.volumes); at; at = at->next)
		json_array_append_new(list, show_counts(at));
	talk_reply_ok(ret_reply,
		json_pack("{s:s,s:f,s:o}", "type", "stats", "at",
			(double)clock_mono_ns(control->parts.world->clock) / (double)NS_PER_SEC,
			"volumes", list));
}

/* ---- the program ---- */

static void verb_ping(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)arg, (void)argc, (void)argv;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "pong"));
}

static void verb_stop(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	const struct control *control = arg;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "stop"));
	control->parts.stop(control->parts.arg);
}

static const struct talk_verb verbs[] = {
	{"status", "", 0, "which volumes are served, and how they are doing", verb_status},
	{"show", "NAME", 1, "one volume, with its snapshots", verb_show},
	{"create", "NAME BYTES", 2, "makes a volume", verb_create},
	{"fill", "NAME BYTES ADDRESS EXPORT", 4,
		"makes a volume that is served at once, and fills from another NBD export",
		verb_fill},
	{"rename", "NAME NAME", 2, "gives a volume that nobody uses another name", verb_rename},
	{"resize", "NAME BYTES [force]", 3,
		"begins to grow or shrink a volume; with force also where data is, or clients are",
		verb_resize},
	{"open", "NAME", 1, "opens a volume that was closed, or stopped after a failure",
		verb_open},
	{"close", "NAME", 1, "closes a volume that nobody uses", verb_close},
	{"rm", "NAME", 1, "removes a volume that nobody uses", verb_rm},
	{"cut", "NAME SNAPSHOT", 2, "begins to cut a snapshot", verb_cut},
	{"group", "SNAPSHOT NAME...", TALK_WORDS_MAX - 1,
		"begins to cut volumes at one point of their writes: all have the snapshot, or "
		"none",
		verb_group},
	{"drop", "NAME SNAPSHOT", 2, "begins to drop a snapshot", verb_drop},
	{"changed", "NAME SINCE [UPTO [FROM]]", 4,
		"runs of bytes written in eras above SINCE and not above UPTO, from byte FROM on",
		verb_changed},
	{"passed", "NAME CONSUMER ERA", 3,
		"begins to note that a consumer has all up to ERA; with 0 one that is new is "
		"registered",
		verb_passed},
	{"gone", "NAME CONSUMER", 2, "begins to forget a consumer", verb_gone},
	{"pace", "NAME STEPS", 2, "how many steps a second work in the background takes",
		verb_pace},
	{"pause", "NAME", 1, "no work in the background, until resume or pace", verb_pause},
	{"resume", "NAME", 1, "work in the background at its usual pace", verb_resume},
	{"act", "NUMBER", 1, "whether what was begun is done", verb_act},
	{"stats", "", 0, "what each volume was asked, and how long it took", verb_stats},
	{"ping", "", 0, "answers pong", verb_ping},
	{"stop", "", 0, "ends the program in order", verb_stop},
};

int control_open(const struct control_parts *parts, struct listener *listener, uint32_t uid,
	struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	if (!control) {
		listener_close(listener);
		return -ENOMEM;
	}
	control->parts = *parts;
	control->started_mono_ns = clock_mono_ns(parts->world->clock);
	control->started_wall_ns = clock_wall_ns(parts->world->clock);
	struct talk_options options = {
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(*verbs),
		.arg = control,
		.uid = uid,
	};
	int err = talk_server_open(parts->world, listener, &options, &control->server);
	if (err) {
		free(control);
		return err;
	}
	*ret_control = control;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	talk_server_close(control->server);
	free(control);
}
