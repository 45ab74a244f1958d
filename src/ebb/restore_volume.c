/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image into a new volume. We serve the point as an NBD export, and ebb-vold fills the volume
 * from it: at once under its name with --serve, else under another one, until all of it was read
 * back. Whoever calls again after a crash of either side goes on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/meter.h"
#include "ebb/restore.h"
#include "ebb/snap_nbd.h"
#include "ebb/vold.h"
#include "ebb/volume_link.h"
#include "os/clock.h"
#include "os/linux/world.h"
#include "os/world.h"
#include "ship/image_read.h"
#include "ship/image_restore.h"

#define LOOK_NS (100 * NS_PER_MS)

/* What the path of a Unix socket has room for. */
enum { SOCKET_MAX = 107, NAME_MAX_ = 64 };

struct volume_job {
	const struct call *call;
	struct keep *keep;
	const struct point *point;
	const char *volume; /* the name in the end */
	char name[NAME_MAX_ + 32];
	char export[33]; /* the point's id: nothing else can be taken for it */
	bool serve;
	struct vold vold;
	char address[sizeof("unix:") + CONF_PATH_MAX + 128];
	struct point_server *server;
	struct meter meter;
	struct timer look;
	bool whole, gone; /* nothing is missing any more; the volume is not there any more */
	uint64_t fetched;
};

static void job_done(struct volume_job *job)
{
	if (job->look.fn)
		timer_cancel(job->keep->world->loop, &job->look);
	point_server_close(job->server);
	vold_done(&job->vold);
}

/* ---- what ebb-vold says ---- */

/* NULL in *ret_volume: there is none of that name. */
static int find_volume(struct volume_job *job, const char *name, const json_t **ret_volume)
{
	const char *const words[] = {"status"};
	const json_t *at;
	size_t i;
	int code = vold_ask(&job->vold, words, 1);
	*ret_volume = NULL;
	json_array_foreach (json_object_get(job->vold.answer, "volumes"), i, at) {
		const char *has = json_string_value(json_object_get(at, "name"));
		if (!code && has && strcmp(has, name) == 0)
			*ret_volume = at;
	}
	return code;
}

static bool fills_from_here(const struct volume_job *job, const json_t *volume)
{
	const char *export = json_string_value(
		json_object_get(json_object_get(volume, "fills"), "export"));
	return export && strcmp(export, job->export) == 0;
}

/* The volume that is filled is there, now or from an earlier try. */
static int make_volume(struct volume_job *job)
{
	char size[24];
	const char *const words[] = {"fill", job->name, size, job->address, job->export};
	const json_t *volume;
	uint64_t bytes = image_size(point_server_reader(job->server));
	int code = find_volume(job, job->volume, &volume);
	if (!code && volume && !(job->serve && fills_from_here(job, volume)))
		return call_fail(
			EXIT_GUARDED, "there is a volume %s; give another name", job->volume);
	if (!code && !job->serve)
		code = find_volume(job, job->name, &volume);
	if (code || volume)
		return code;
	snprintf(size, sizeof(size), "%" PRIu64, (bytes + 511) / 512 * 512);
	return vold_ask(&job->vold, words, 5);
}

static void on_look(struct timer *timer)
{
	struct volume_job *job = container_of(timer, struct volume_job, look);
	struct loop *loop = job->keep->world->loop;
	const json_t *volume, *fills;
	/* One that does not answer may be on its way up again. */
	if (find_volume(job, job->name, &volume) == EXIT_OK) {
		const char *state = json_string_value(json_object_get(volume, "state"));
		fills = json_object_get(volume, "fills");
		job->gone = !volume;
		job->whole = volume && !fills && state && strcmp(state, "open") == 0;
		if (fills) {
			uint64_t looked = (uint64_t)json_integer_value(
				json_object_get(fills, "looked"));
			job->fetched = (uint64_t)json_integer_value(
				json_object_get(fills, "fetched"));
			meter_tick(&job->meter,
				&(struct meter_now){1, looked, job->fetched, job->volume});
		}
	}
	if (job->whole || job->gone)
		loop_stop(loop);
	else
		timer_set(loop, timer, clock_mono_ns(job->keep->world->clock) + LOOK_NS);
}

/* ---- one restore ---- */

static int begin(struct volume_job *job)
{
	const struct point_served what = {
		job->keep, job->point, job->address, job->export, job->vold.state};
	object_show_id(&job->point->id, job->export);
	if (job->serve)
		snprintf(job->name, sizeof(job->name), "%s", job->volume);
	else
		snprintf(job->name, sizeof(job->name), "%s.restore-%.8s", job->volume, job->export);
	if (strlen(job->name) >= NAME_MAX_)
		return call_fail(EXIT_USAGE, "'%.60s' is too long for this", job->volume);
	int code = vold_find(job->call, &job->vold);
	if (code)
		return code;
	int len = snprintf(job->address, sizeof(job->address), "unix:%s/fill-%s.sock",
		job->vold.state, job->name);
	if (len - 5 > SOCKET_MAX)
		return call_fail(EXIT_FAILED,
			"%s: longer than the path of a socket may be; is there a shorter way to "
			"the state folder?",
			job->address + 5);
	code = point_server_open(&what, &job->server);
	return code ? code : make_volume(job);
}

static int say_served(const struct volume_job *job)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&job->call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:s,s:s,s:s}", "type", "served", "volume",
			job->volume, "export", job->name, "socket", job->vold.state));
	str_addf(&text,
		"vol/%s is served: nbd+unix:///%s?socket=%s/nbd.sock\nIt fills meanwhile. If this "
		"program ends before, what is missing waits until the same call is made again.\n",
		job->volume, job->volume, job->vold.state);
	return call_print(&text);
}

static int compare(struct volume_job *job)
{
	OWN(volume_link_close) struct volume_link link = {0};
	char address[sizeof(job->vold.state) + sizeof("unix:/nbd.sock")];
	struct why why = {"no memory"};
	snprintf(address, sizeof(address), "unix:%s/nbd.sock", job->vold.state);
	if (volume_link_open(job->vold.lw, address, job->name, &link, &why))
		return call_fail(EXIT_FAILED, "volume %s: %s", job->name, why.text);
	const struct image_target target = {.file = &link.file, .data = &link.data};
	int err = image_compare(point_server_reader(job->server), &target, &why);
	return err ? call_fail(EXIT_DAMAGED, "volume %s: %s", job->name, why.text) : EXIT_OK;
}

static int say_whole(const struct volume_job *job)
{
	OWN(str_done) struct str text = {0};
	uint64_t bytes = image_size(point_server_reader(job->server));
	if (args_given(&job->call->args, OPTION_JSON))
		return call_print_json(
			json_pack("{s:s,s:I,s:I,s:I,s:s,s:I}", "type", "restore", "entries",
				(json_int_t)1, "bytes", (json_int_t)bytes, "failed", (json_int_t)0,
				"volume", job->volume, "fetched_bytes", (json_int_t)job->fetched));
	str_addf(&text, "vol/%s has all of the point, %s%s\n", job->volume, BYTES(bytes),
		job->serve ? "" : ", and was read back");
	return call_print(&text);
}

static int finish(struct volume_job *job)
{
	const char *const words[] = {"rename", job->name, job->volume};
	meter_clear(&job->meter);
	job->vold.quiet = false;
	if (job->gone)
		return call_fail(EXIT_FAILED, "volume %s was removed", job->name);
	if (!job->whole)
		return call_fail(EXIT_PARTIAL,
			"ended before vol/%s was whole; the same call goes on with it",
			job->volume);
	int code = job->serve ? EXIT_OK : compare(job);
	if (!code && !job->serve)
		code = vold_ask(&job->vold, words, 3);
	return code ? code : say_whole(job);
}

int restore_to_volume(const struct call *call, struct keep *keep, const struct point *point)
{
	const char *to = call->args.values[OPTION_TO];
	OWN(job_done)
	struct volume_job job = {.call = call,
		.keep = keep,
		.point = point,
		.serve = args_given(&call->args, OPTION_SERVE)};
	if (strncmp(to, "vol/", 4) != 0 || !to[4] || strlen(to) > NAME_MAX_)
		return call_fail(EXIT_USAGE, "--to: '%.80s' is not vol/NAME", to);
	job.volume = to + 4;
	int code = begin(&job);
	if (!code)
		code = meter_begin(call, keep, &job.meter);
	if (!code && job.serve)
		code = say_served(&job);
	if (code)
		return code;
	job.meter.expected_bytes = image_size(point_server_reader(job.server));
	job.vold.quiet = true;
	job.look.fn = on_look;
	timer_set(keep->world->loop, &job.look, 0);
	linux_run(keep->lw);
	return finish(&job);
}
