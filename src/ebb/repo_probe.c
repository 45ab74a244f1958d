/* SPDX-License-Identifier: Apache-2.0 */
/* How far away the place of a repository is, how fast, and how full. No key is needed. */
#include <jansson.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/world.h"
#include "place/probe.h"

struct probed {
	struct place_probe place;
	uint64_t size, room; /* bytes; 0: not told */
};

static json_t *known(double value)
{
	return value > 0 ? json_real(value) : json_null();
}

static json_t *probed_json(const struct probed *probed)
{
	return json_pack("{s:s,s:f,s:o,s:o,s:o,s:o}", "type", "repo-probe", "latency_seconds",
		(double)probed->place.latency_ns / NS_PER_SEC, "write_bytes_per_second",
		known(probed->place.writes), "read_bytes_per_second", known(probed->place.reads),
		"size_bytes", known((double)probed->size), "free_bytes",
		known((double)probed->room));
}

static void add_rate(struct str *text, const char *what, double rate)
{
	if (rate > 0)
		str_addf(text, "%s %s/s\n", what, BYTES((uint64_t)rate));
}

static int say(const struct call *call, const struct probed *probed)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_INTO)) {
		const char *into = call->args.values[OPTION_INTO];
		json_t *document = probed_json(probed);
		int err = document ? json_dump_file(document, into, JSON_COMPACT) : -1;
		json_decref(document);
		return err ? call_fail(EXIT_FAILED, "%s: cannot be written", into) : EXIT_OK;
	}
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(probed_json(probed));
	str_addf(&text, "answers in %.1f ms\n", (double)probed->place.latency_ns / 1e6);
	add_rate(&text, "writes    ", probed->place.writes);
	add_rate(&text, "reads     ", probed->place.reads);
	if (probed->size)
		str_addf(&text, "free       %s of %s\n", BYTES(probed->room), BYTES(probed->size));
	return call_print(&text);
}

int call_repo_probe(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	struct probed probed = {0};
	struct why why = {""};
	int code = keep_begin(call, false, &keep);
	if (code)
		return code;
	const struct place_probe_how how = {
		.clock = keep.world->clock, .leave = keep.place.bucket, .cold = keep.place.cold};
	int err = place_probe(keep.place.place, &how, &probed.place, &why);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", keep.where, why.text);
	if (keep.place.disk_open)
		linux_disk_space(&keep.place.disk, &probed.size, &probed.room);
	return say(call, &probed);
}
