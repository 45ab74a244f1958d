/* SPDX-License-Identifier: Apache-2.0 */
/* A folder into a repository, once; and which source a call means. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/image_file.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "ebb/memory.h"
#include "ebb/meter.h"
#include "os/linux/files.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "repo/alarm.h"
#include "repo/point.h"
#include "ship/backup.h"
#include "ship/estimate.h"
#include "ship/exclude.h"

enum { EXCLUDES_MAX = 1 << 20 };

static void on_trouble(void *arg, const char *path, const char *what)
{
	meter_clear(arg);
	keep_say_trouble(path, what);
}

static void on_progress(void *arg, const struct backup_progress *now)
{
	struct meter_now seen = {now->entries, now->bytes, now->read_bytes, now->path};
	meter_tick(arg, &seen);
}

/* Patterns as they were given, and the files that some of them came from. */
struct patterns {
	VEC(const char *) list;
	VEC(char *) files;
};

static void patterns_done(struct patterns *patterns)
{
	vec_each (file, &patterns->files)
		free(*file);
	vec_done(&patterns->files);
	vec_done(&patterns->list);
}

/* Lines of a file, without empty ones and those that begin with #. */
static int add_file(struct patterns *patterns, const char *path)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	struct why why;
	if (textfile_read(path, EXCLUDES_MAX, &text, &len, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (*line && *line != '#' && vec_push(&patterns->list, line))
			return call_fail(EXIT_FAILED, "no memory");
	if (vec_push(&patterns->files, text))
		return call_fail(EXIT_FAILED, "no memory");
	text = NULL;
	return EXIT_OK;
}

/* Those of the files first, so that one on the command line may keep what a file leaves out. */
static int read_excludes(const struct call *call, const char *root, struct excludes **ret_excludes)
{
	OWN(patterns_done) struct patterns patterns = {0};
	struct why why = {"no memory"};
	const char *given;
	int code = EXIT_OK;
	for (size_t at = 0; !code && (given = args_next(&call->args, OPTION_EXCLUDE_FILE, &at));)
		code = add_file(&patterns, given);
	if (code)
		return code;
	for (size_t at = 0; (given = args_next(&call->args, OPTION_EXCLUDE, &at));)
		if (vec_push(&patterns.list, given))
			return call_fail(EXIT_FAILED, "no memory");
	int err = excludes_new(patterns.list.at, patterns.list.len, root, ret_excludes, &why);
	return err ? call_fail(err == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", why.text) : EXIT_OK;
}

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
	str_addf(&text,
		"point %.8s: %" PRIu64
		" entries, %.1f MiB; read %.1f MiB, wrote %.1f MiB in %.1f s\n",
		object_show_id(&point->id, hex), point->entries,
		(double)point->source_bytes / 1048576, (double)point->read_bytes / 1048576,
		(double)point->written_bytes / 1048576, seconds);
	if (blind)
		str_add(&text,
			"written, not proved: this key may only write; the point exists when a "
			"holder of\na full key has run `ebb repo adopt`\n");
	if (point->unreadable)
		str_addf(&text, "%" PRIu64 " entries could not be read: the point is partial\n",
			point->unreadable);
	if (point->changed)
		str_addf(&text,
			"%" PRIu64 " entries changed while they were read, and are so marked\n",
			point->changed);
	return call_print(&text);
}

int backup_done(const struct call *call, struct keep *keep, struct catalog_job *job,
	const struct backup_end *end)
{
	const struct point *point = end->point;
	if (end->err)
		return ledger_end(
			keep, job, call_fail(EXIT_FAILED, "no point was made: %s", end->why->text));
	*end->ret_made = (struct made_point){true, point->id};
	job->entries = point->entries;
	job->source_bytes = point->source_bytes;
	job->read_bytes = point->read_bytes;
	job->written_bytes = point->written_bytes;
	memory_save(keep);
	int code = say_point(call, keep, point);
	say_jump(keep, point);
	code = twins_end(keep, code ? code : point->partial ? EXIT_PARTIAL : EXIT_OK);
	return ledger_end(keep, job, code);
}

/* How fast the last jobs of this resource read: what ended, and had something to read. */
static bool take_rate(void *arg, const struct catalog_job *job)
{
	double seconds = (double)(job->end_ns - job->start_ns) / 1e9;
	if (job->outcome != EXIT_OK || !job->read_bytes || seconds <= 0)
		return true;
	*(double *)arg = (double)job->read_bytes / seconds;
	return false;
}

static double last_rate(struct keep *keep, struct catalog_job like)
{
	enum { HISTORY = 20 };
	struct ledger ledger;
	double rate = 0;
	like.repo = *repo_id(keep->repo);
	if (!ledger_open(keep, false, &ledger))
		return 0;
	(void)catalog_jobs(ledger.catalog, &like, HISTORY, take_rate, &rate);
	like.resource = NULL; /* else that of any other in this repository */
	if (rate <= 0)
		(void)catalog_jobs(ledger.catalog, &like, HISTORY, take_rate, &rate);
	ledger_close(&ledger);
	return rate;
}

static int say_estimate(const struct call *call, const struct point *point,
	const struct estimate *estimate, double rate)
{
	OWN(str_done) struct str text = {0};
	uint64_t stored = estimate_stored(estimate);
	double seconds = rate > 0 ? (double)estimate->read_bytes / rate : -1;
	uint64_t objects = estimate_objects(estimate);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "type",
			"estimate", "entries", (json_int_t)point->entries, "source_bytes",
			(json_int_t)point->source_bytes, "files_to_read",
			(json_int_t)estimate->files, "bytes_to_read",
			(json_int_t)estimate->read_bytes, "bytes_to_store", (json_int_t)stored,
			"objects_to_put", (json_int_t)objects, "seconds", seconds));
	str_addf(&text,
		"%" PRIu64 " entries, %.1f MiB; would read %.1f MiB in %" PRIu64
		" files and store about %.1f MiB, duplicates not counted, in about %" PRIu64
		" objects\n",
		point->entries, (double)point->source_bytes / 1048576,
		(double)estimate->read_bytes / 1048576, estimate->files, (double)stored / 1048576,
		objects);
	if (seconds >= 0)
		str_addf(&text, "about %.0f s, at the %.1f MiB/s of the last run\n", seconds,
			rate / 1048576);
	else
		str_add(&text, "how long that takes nobody knows: nothing was saved here yet\n");
	return call_print(&text);
}

int backup_folder(const struct call *call, struct made_point *ret_made)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(excludes_free_own) struct excludes *excludes = NULL;
	char path[KEEP_PATH], resource[KEEP_PATH + 8], host[BACKUP_HOST];
	OWN(estimate_done) struct estimate estimate = {0};
	struct meter meter;
	struct point point;
	struct why why = {""};
	if (!keep_absolute(call, call->args.operands[0], path))
		return call_fail(EXIT_USAGE, "PATH is too long");
	int code = read_excludes(call, path, &excludes);
	if (!code)
		code = keep_open(call, &keep);
	if (code)
		return code;
	backup_host(host);
	snprintf(resource, sizeof(resource), "dir%s", path);
	struct catalog_job job = ledger_begin(&keep, JOB_BACKUP);
	code = meter_begin(call, &keep, &meter);
	if (code)
		return code;
	job.resource = resource;
	meter_expect(&meter, &keep, &job);
	struct backup_options how = {
		.path = path,
		.resource = resource,
		.host = host,
		.writer = "ebb " EBB_VERSION,
		.excludes = excludes,
		.one_file_system = args_given(&call->args, OPTION_ONE_FILE_SYSTEM),
		.exclude_caches = args_given(&call->args, OPTION_EXCLUDE_CACHES),
		.force_full = args_given(&call->args, OPTION_FULL),
		.on_trouble = on_trouble,
		.estimate = args_given(&call->args, OPTION_DRY_RUN) ? &estimate : NULL,
		.pace = keep.source_pace,
		.on_progress = on_progress,
		.arg = &meter,
	};
	int err = backup_dir(keep.repo, &keep.files, keep.world->clock, &how, &point, &why);
	meter_clear(&meter);
	if (how.estimate && !err)
		return say_estimate(call, &point, &estimate, last_rate(&keep, job));
	struct backup_end end = {err, &why, &point, ret_made};
	return backup_done(call, &keep, &job, &end);
}

int call_backup(const struct call *call)
{
	const struct args *args = &call->args;
	char path[KEEP_PATH], resource[KEEP_PATH + 8];
	bool dry = args_given(args, OPTION_DRY_RUN);
	if (dry && (args->operand_count != 1 || args_given(args, OPTION_POSTGRES)))
		return call_fail(EXIT_USAGE, "--dry-run tells of folders only");
	if (args_given(args, OPTION_POSTGRES)) {
		const char *name = args->values[OPTION_NAME];
		snprintf(resource, sizeof(resource), "pg/%s", name ? name : "");
		return hooks_around(call, backup_postgres, resource, "");
	}
	if (args_given(args, OPTION_STDIN) || args_given(args, OPTION_STDIN_NAME) ||
		args_given(args, OPTION_COMMAND)) {
		const char *name = args->values[OPTION_STDIN_NAME];
		snprintf(resource, sizeof(resource), "stream/%s", name ? name : "");
		if (dry)
			return call_fail(EXIT_USAGE, "--dry-run tells of folders only");
		return hooks_around(call, backup_stream, resource, "");
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
	/* Hooks freeze and snapshot things: nothing of that for an estimate. */
	if (dry)
		return image ? call_fail(EXIT_USAGE, "--dry-run tells of folders only")
			     : backup_folder(call, &(struct made_point){0});
	snprintf(resource, sizeof(resource), "%s%s", image ? "image" : "dir", path);
	return hooks_around(call, image ? backup_image_file : backup_folder, resource, path);
}
