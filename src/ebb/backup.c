/* SPDX-License-Identifier: Apache-2.0 */
/* What all sources share, and which source a call means. */
#include "ebb/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/image_file.h"
#include "ebb/ledger.h"
#include "ebb/memory.h"
#include "ebb/price.h"
#include "os/linux/files.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "repo/alarm.h"

void backup_host(char host[BACKUP_HOST])
{
	OWN(own_free) char *text = NULL;
	size_t len;
	host[0] = '\0';
	if (textfile_read("/proc/sys/kernel/hostname", BACKUP_HOST, &text, &len, NULL) == 0)
		snprintf(host, BACKUP_HOST, "%.*s", (int)strcspn(text, "\n"), text);
}

/* A point that jumps out of its resource's row is told where people look, whatever is printed. */
static void say_jump(const struct keep *keep, const struct point *point)
{
	char hex[33];
	const struct head_point *named = head_find_point(repo_head(keep->repo), &point->id);
	if (!named || !(named->flags & HEAD_POINT_SUSPICIOUS))
		return;
	fprintf(stderr,
		"ebb: suspicious: far more than usual is new (%.0f %%%s). Look at it; when it is "
		"right, say `ebb snap accept %.8s`. Until then `ebb repo gc` removes no point of "
		"%s.\n",
		named->changed * 100.0 / SHARE_ALL,
		named->dense > SHARE_ALL / 2 && named->dense != SHARE_UNKNOWN
			? ", most of it does not compress"
			: "",
		object_show_id(&point->id, hex), point->resource);
}

static int say_point(const struct call *call, const struct keep *keep, const struct point *point)
{
	bool blind = repo_ring(keep->repo)->write_only;
	OWN(str_done) struct str text = {0};
	char hex[33];
	if (args_given(&call->args, OPTION_JSON)) {
		json_t *document = keep_point_json(point);
		if (document)
			json_object_set_new(document, "type", json_string("backup"));
		json_t *places = twins_json(keep);
		if (document && places)
			json_object_set_new(document, "places", places);
		if (document)
			json_object_set_new(document, "state",
				json_string(blind ? "written, not proved" : "committed"));
		return call_print_json(document);
	}
	double seconds = (double)(point->end_ns - point->start_ns) / 1e9;
	str_addf(&text, "point %.8s: %s, %s; read %s, wrote %s in %.1f s\n",
		object_show_id(&point->id, hex), COUNT(point->entries, "entry", "entries"),
		BYTES(point->source_bytes), BYTES(point->read_bytes), BYTES(point->written_bytes),
		seconds);
	if (blind)
		str_add(&text,
			"written, not proved: this key may only write; the point exists when a "
			"holder of\na full key has run `ebb repo adopt`\n");
	if (point->unreadable)
		str_addf(&text, "%s could not be read: the point is partial\n",
			COUNT(point->unreadable, "entry", "entries"));
	if (point->changed)
		str_addf(&text, "%s while it was read, and is so marked\n",
			COUNT(point->changed, "entry changed", "entries changed"));
	return call_print(&text);
}

int backup_begin(const struct call *call, const char *resource, struct backup_run *ret_run)
{
	struct backup_run *run = ret_run;
	struct price price;
	*run = (struct backup_run){.call = call, .dry = args_given(&call->args, OPTION_DRY_RUN)};
	int code = price_read(call, &price);
	if (!code)
		code = keep_open(call, &run->keep);
	if (code)
		return code;
	backup_host(run->host);
	run->job = ledger_begin(&run->keep, JOB_BACKUP);
	run->job.resource = resource;
	code = meter_begin(call, &run->keep, &run->meter);
	if (!code)
		meter_expect(&run->meter, &run->keep, &run->job);
	return code;
}

void backup_run_done(struct backup_run *run)
{
	estimate_done(&run->estimate);
	keep_done(&run->keep);
}

int backup_done(struct backup_run *run, int err, const struct why *why, struct made_point *ret_made)
{
	const struct point *point = &run->point;
	struct catalog_job *job = &run->job;
	struct keep *keep = &run->keep;
	meter_clear(&run->meter);
	if (err && run->dry)
		return call_fail(EXIT_FAILED, "%s", why->text);
	if (run->dry)
		return backup_say_estimate(run);
	if (err)
		return ledger_end(keep, job,
			call_fail(err == -ESTALE && point->source == POINT_IMAGE ? EXIT_GUARDED
										 : EXIT_FAILED,
				"no point was made: %s", why->text));
	*ret_made = (struct made_point){true, point->id};
	job->entries = point->entries;
	job->source_bytes = point->source_bytes;
	job->read_bytes = point->read_bytes;
	job->written_bytes = point->written_bytes;
	memory_save(keep);
	int code = say_point(run->call, keep, point);
	say_jump(keep, point);
	code = twins_end(keep, code ? code : point->partial ? EXIT_PARTIAL : EXIT_OK);
	return ledger_end(keep, job, code);
}

/* Hooks freeze and snapshot things: nothing of that for an estimate. */
static int run_one(
	const struct call *call, backup_fn *backup, const char *resource, const char *path)
{
	struct made_point none;
	return args_given(&call->args, OPTION_DRY_RUN) ? backup(call, &none)
						       : hooks_around(call, backup, resource, path);
}

int call_backup(const struct call *call)
{
	const struct args *args = &call->args;
	char path[KEEP_PATH], resource[KEEP_PATH + 8];
	if (args_given(args, OPTION_POSTGRES)) {
		const char *name = args->values[OPTION_NAME];
		snprintf(resource, sizeof(resource), "pg/%s", name ? name : "");
		return run_one(call, backup_postgres, resource, "");
	}
	if (args_given(args, OPTION_STDIN) || args_given(args, OPTION_STDIN_NAME) ||
		args_given(args, OPTION_COMMAND)) {
		const char *name = args->values[OPTION_STDIN_NAME];
		snprintf(resource, sizeof(resource), "stream/%s", name ? name : "");
		return run_one(call, backup_stream, resource, "");
	}
	if (args->operand_count != 1)
		return call_fail(EXIT_USAGE, "backup wants one PATH; see `ebb help backup`");
	if (!keep_absolute(call, args->operands[0], path))
		return call_fail(EXIT_USAGE, "PATH is too long");
	struct files files = linux_files();
	/* Everything else is walked as a folder, or fails as one. */
	bool image = image_file_is(&files, path);
	if (!image &&
		(args_given(args, OPTION_CHANGED) || args_given(args, OPTION_CHECK_CHANGED) ||
			args_given(args, OPTION_FOLD)))
		return call_fail(EXIT_USAGE,
			"--changed, --check-changed and --fold are for images, and %s is none",
			path);
	if (args_given(args, OPTION_FULL) && args_given(args, OPTION_DIFFERENTIAL))
		return call_fail(EXIT_USAGE, "--full or --differential, not both");
	if (args_given(args, OPTION_CHANGED) && args_given(args, OPTION_DIFFERENTIAL))
		return call_fail(EXIT_USAGE,
			"--changed tells what changed since the newest point, and --differential "
			"does not build on that");
	snprintf(resource, sizeof(resource), "%s%s", image ? "image" : "dir", path);
	return run_one(call, image ? backup_image_file : backup_folder, resource, path);
}
