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

/* The words VERB NAME BYTES of a call with NAME SIZE. */
struct sizing {
	struct vold vold;
	char number[24];
	const char *words[4];
};

static void sizing_done(struct sizing *sizing)
{
	vold_done(&sizing->vold);
}

static int read_size(const struct call *call, const char *verb, struct sizing *sizing)
{
	struct why why;
	uint64_t bytes;
	if (call->args.operand_count != 2)
		return call_fail(EXIT_USAGE, "volume %s wants a NAME and a SIZE", verb);
	if (units_size(call->args.operands[1], &bytes, &why))
		return call_fail(EXIT_USAGE, "%s", why.text);
	snprintf(sizing->number, sizeof(sizing->number), "%llu", (unsigned long long)bytes);
	sizing->words[0] = verb;
	sizing->words[1] = call->args.operands[0];
	sizing->words[2] = sizing->number;
	sizing->words[3] = "force";
	return vold_find(call, &sizing->vold);
}

int call_volume_create(const struct call *call)
{
	OWN(sizing_done) struct sizing sizing = {0};
	int code = read_size(call, "create", &sizing);
	return code ? code : vold_ask(&sizing.vold, sizing.words, 3);
}

int call_volume_resize(const struct call *call)
{
	OWN(sizing_done) struct sizing sizing = {0};
	int code = read_size(call, "resize", &sizing);
	size_t count = args_given(&call->args, OPTION_YES) ? 4 : 3;
	return code ? code : vold_act(&sizing.vold, sizing.words, count);
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

/* All named VOLUME@SNAPSHOT with the same SNAPSHOT. */
static int cut_group(const struct call *call)
{
	OWN(vold_done) struct vold vold = {0};
	OWN(str_done) struct str names = {0};
	const struct args *args = &call->args;
	const char *words[OPERANDS_MAX + 2] = {"group"};
	const char *snapshot = strchr(args->operands[0], '@');
	for (size_t i = 0; i < args->operand_count; i++) {
		const char *at = strchr(args->operands[i], '@');
		if (!at || !snapshot || strcmp(at, snapshot) != 0)
			return call_fail(EXIT_USAGE,
				"'%.80s': volumes that are cut together get snapshots of one name, "
				"VOLUME@SNAPSHOT each",
				args->operands[i]);
		str_add_bytes(&names, args->operands[i], (size_t)(at - args->operands[i]) + 1);
	}
	words[1] = snapshot + 1;
	char *at = names.failed ? NULL : names.at;
	if (!at)
		return call_fail(EXIT_FAILED, "no memory");
	for (size_t i = 0; i < args->operand_count; i++) {
		words[2 + i] = at;
		at = strchr(at, '@');
		*at++ = '\0';
	}
	int code = vold_find(call, &vold);
	return code ? code : vold_act(&vold, words, 2 + args->operand_count);
}

int call_volume_cut(const struct call *call)
{
	return call->args.operand_count > 1 ? cut_group(call) : act_on_snapshot(call, "cut");
}

int call_volume_drop(const struct call *call)
{
	return act_on_snapshot(call, "drop");
}
