/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: questions to ebb-vold over its command socket, and its answers shown. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/consent.h"
#include "ebb/exit.h"
#include "ebb/vold.h"

enum { SIZE_TEXT = 24 };

static uint64_t number_of(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

/* With two digits behind the point at most. */
static const char *show_size(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	unsigned unit = 0;
	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	snprintf(text, SIZE_TEXT, "%.4g %s", value, units[unit]);
	return text;
}

/* ---- volume ls ---- */

static void add_volume(struct str *text, const json_t *volume)
{
	char size[SIZE_TEXT], used[SIZE_TEXT];
	if (strcmp(text_of(volume, "state"), "closed") == 0) {
		str_addf(text, "%-20s %-8s %s\n", text_of(volume, "name"), "closed",
			text_of(volume, "why"));
		return;
	}
	str_addf(text, "%-20s %-8s %11s %11s %9llu %8llu\n", text_of(volume, "name"),
		text_of(volume, "state"), show_size(number_of(volume, "bytes"), size),
		show_size(number_of(volume, "used"), used),
		(unsigned long long)number_of(volume, "snapshots"),
		(unsigned long long)number_of(volume, "clients"));
}

static void add_snapshots(struct str *text, const json_t *volume)
{
	size_t i;
	const json_t *snapshot;
	json_array_foreach (json_object_get(volume, "snapshots"), i, snapshot)
		str_addf(text, "%s@%-20s %s\n", text_of(volume, "name"), text_of(snapshot, "name"),
			text_of(snapshot, "at"));
}

int call_volume_ls(const struct call *call)
{
	OWN(vold_done) struct vold vold = {0};
	OWN(str_done) struct str text = {0};
	const char *const words[] = {
		call->args.operand_count ? "show" : "status", call->args.operands[0]};
	int code = vold_find(call, &vold);
	if (!code)
		code = vold_ask(&vold, words, 1 + call->args.operand_count);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_JSON)) {
		json_object_del(vold.answer, "ok");
		return call_print_json(json_incref(vold.answer));
	}
	if (call->args.operand_count) {
		add_snapshots(&text, json_object_get(vold.answer, "volume"));
		return call_print(&text);
	}
	size_t i;
	const json_t *volume;
	str_addf(&text, "%-20s %-8s %11s %11s %9s %8s\n", "VOLUME", "STATE", "SIZE", "USED",
		"SNAPSHOTS", "CLIENTS");
	json_array_foreach (json_object_get(vold.answer, "volumes"), i, volume)
		add_volume(&text, volume);
	return call_print(&text);
}

/* ---- volume create, resize, rm ---- */

static int change_size(const struct call *call, const char *verb, bool force)
{
	OWN(vold_done) struct vold vold = {0};
	struct why why;
	uint64_t bytes;
	char number[24];
	const char *const words[] = {verb, call->args.operands[0], number, "force"};
	if (call->args.operand_count != 2)
		return call_fail(EXIT_USAGE, "volume %s wants a NAME and a SIZE", verb);
	if (units_size(call->args.operands[1], &bytes, &why))
		return call_fail(EXIT_USAGE, "%s", why.text);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)bytes);
	int code = vold_find(call, &vold);
	return code ? code : vold_ask(&vold, words, force ? 4 : 3);
}

int call_volume_create(const struct call *call)
{
	return change_size(call, "create", false);
}

int call_volume_resize(const struct call *call)
{
	return change_size(call, "resize", args_given(&call->args, OPTION_YES));
}

int call_volume_rm(const struct call *call)
{
	OWN(vold_done) struct vold vold = {0};
	const char *const words[] = {"rm", call->args.operands[0]};
	char what[128];
	int code = vold_find(call, &vold);
	snprintf(what, sizeof(what), "removes volume %.60s with all its snapshots", words[1]);
	if (!code)
		code = consent(call, what);
	return code ? code : vold_ask(&vold, words, 2);
}

/* ---- volume cut, drop ---- */

static int act_on_snapshot(const struct call *call, const char *verb)
{
	OWN(vold_done) struct vold vold = {0};
	OWN(own_free) char *volume = strdup(call->args.operands[0]);
	char *at = volume ? strchr(volume, '@') : NULL;
	if (volume && !at)
		return call_fail(EXIT_USAGE, "'%.80s' is not VOLUME@SNAPSHOT", volume);
	if (!at)
		return call_fail(EXIT_FAILED, "no memory");
	*at = '\0';
	const char *const words[] = {verb, volume, at + 1};
	int code = vold_find(call, &vold);
	return code ? code : vold_act(&vold, words, 3);
}

int call_volume_cut(const struct call *call)
{
	return act_on_snapshot(call, "cut");
}

int call_volume_drop(const struct call *call)
{
	return act_on_snapshot(call, "drop");
}

/* ---- top ---- */

static const json_t *of_name(const json_t *volumes, const char *name)
{
	size_t i;
	const json_t *volume;
	json_array_foreach (volumes, i, volume)
		if (strcmp(text_of(volume, "name"), name) == 0)
			return volume;
	return NULL;
}

static json_t *rates(const json_t *before, const json_t *now, double seconds)
{
	static const char *const names[] = {
		"reads", "read_bytes", "writes", "write_bytes", "zeros", "flushes", "errors"};
	json_t *shown = json_pack("{s:s,s:I}", "name", text_of(now, "name"), "queue",
		(json_int_t)number_of(now, "queue"));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t count = number_of(now, names[i]) - number_of(before, names[i]);
		json_object_set_new(shown, names[i], json_real((double)count / seconds));
	}
	/* Of all that was since the volume was opened. */
	static const char *const times[] = {"p50_ns", "p99_ns", "p999_ns"};
	for (size_t i = 0; i < 3; i++)
		json_object_set(shown, times[i], json_object_get(now, times[i]));
	return shown;
}

static double real_of(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static int show_top(const struct call *call, json_t *volumes)
{
	OWN(str_done) struct str text = {0};
	size_t i;
	const json_t *at;
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:o}", "type", "top", "volumes", volumes));
	str_addf(&text, "%-20s %9s %9s %9s %9s %6s %9s %9s %9s\n", "VOLUME", "READ/s", "MB/s",
		"WRITE/s", "MB/s", "QUEUE", "P50 us", "P99 us", "P99.9 us");
	json_array_foreach (volumes, i, at)
		str_addf(&text, "%-20s %9.0f %9.1f %9.0f %9.1f %6llu %9.1f %9.1f %9.1f\n",
			text_of(at, "name"), real_of(at, "reads"), real_of(at, "read_bytes") / 1e6,
			real_of(at, "writes"), real_of(at, "write_bytes") / 1e6,
			(unsigned long long)number_of(at, "queue"), real_of(at, "p50_ns") / 1e3,
			real_of(at, "p99_ns") / 1e3, real_of(at, "p999_ns") / 1e3);
	json_decref(volumes);
	return call_print(&text);
}

int call_top(const struct call *call)
{
	OWN(vold_done) struct vold vold = {0};
	const char *const words[] = {"stats"};
	int code = vold_find(call, &vold);
	if (!code)
		code = vold_ask(&vold, words, 1);
	if (code)
		return code;
	json_t *before = json_incref(vold.answer), *shown = json_array();
	vold_wait(&vold, NS_PER_SEC);
	code = vold_ask(&vold, words, 1);
	double seconds = code ? 1 : real_of(vold.answer, "at") - real_of(before, "at");
	size_t i;
	const json_t *now;
	json_array_foreach (json_object_get(vold.answer, "volumes"), i, now)
		json_array_append_new(shown,
			rates(of_name(json_object_get(before, "volumes"), text_of(now, "name")),
				now, seconds));
	json_decref(before);
	if (!code)
		return show_top(call, shown);
	json_decref(shown);
	return code;
}
