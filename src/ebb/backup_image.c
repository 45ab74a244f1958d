/* SPDX-License-Identifier: Apache-2.0 */
/* An image into a repository, once: a file that is a disk, or a block device. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/image_file.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "ship/changed.h"
#include "ship/image.h"

enum { CHANGED_MAX = 256 << 20 };

static void on_trouble(void *arg, const char *path, const char *what)
{
	(void)arg;
	keep_say_trouble(path, what);
}

struct showing {
	struct clock *clock;
	int64_t next_ns;
	bool shown;
};

static void on_progress(void *arg, const struct image_progress *now)
{
	struct showing *showing = arg;
	int64_t t = clock_mono_ns(showing->clock);
	if (t < showing->next_ns)
		return;
	showing->next_ns = t + NS_PER_SEC / 5;
	showing->shown = true;
	fprintf(stderr, "\r\033[K%.1f of %.1f MiB, %.1f MiB read", (double)now->at / 1048576,
		(double)now->size / 1048576, (double)now->read_bytes / 1048576);
}

static int read_changed(const struct call *call, struct changed *ret_changed)
{
	OWN(own_free) char *text = NULL;
	const char *path = call->args.values[OPTION_CHANGED];
	struct why why;
	size_t len;
	if (!path)
		return args_given(&call->args, OPTION_CHECK_CHANGED)
			? call_fail(EXIT_USAGE, "--check-changed wants --changed FILE, to check it")
			: EXIT_OK;
	if (textfile_read(path, CHANGED_MAX, &text, &len, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	if (changed_read(text, len, ret_changed, &why))
		return call_fail(EXIT_USAGE, "%s: %s", path, why.text);
	return EXIT_OK;
}

/*
 * A change in the same tick of the kernel's coarse clock as the one before leaves no other stamp:
 * only a file that has been quiet for a while is told by its stamp.
 */
static struct map_stamp stamp_of(const struct files_meta *meta, struct clock *clock)
{
	if (meta->type != FILES_FILE || meta->ctime_ns > clock_wall_ns(clock) - NS_PER_SEC)
		return (struct map_stamp){0};
	return (struct map_stamp){meta->device, meta->inode, meta->mtime_ns, meta->ctime_ns};
}

/* What a map of changes was worth. */
static int say_changes(const struct image_result *result)
{
	if (result->read_all)
		call_fail(0,
			"the map of changes was not gone by: there is no whole point that it "
			"could be about, so everything was read");
	if (result->missed_blocks)
		return call_fail(EXIT_FAILED,
			"the map of changes misses %" PRIu64
			" blocks of 4 KiB: do not go by it. This point is right all the same",
			result->missed_blocks);
	return EXIT_OK;
}

static int save(const struct call *call, struct keep *keep, const struct image_options *how,
	struct made_point *ret_made)
{
	struct why why = {"no memory"};
	struct image_result result = {0};
	struct showing *showing = how->arg;
	struct point point;
	struct catalog_job job = ledger_begin(keep, JOB_BACKUP);
	int err = backup_image(keep->repo, keep->world->clock, how, &point, &result, &why);
	if (showing->shown)
		fputs("\r\033[K", stderr);
	job.resource = how->resource;
	if (err == -ESTALE)
		return ledger_end(keep, &job, call_fail(EXIT_GUARDED, "%s", why.text));
	int code = err ? EXIT_OK : say_changes(&result);
	struct backup_end end = {err, &why, &point, ret_made};
	int done = backup_done(call, keep, &job, &end);
	return done ? done : code;
}

int backup_image_file(const struct call *call, struct made_point *ret_made)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(changed_done) struct changed changed = {0};
	OWN(image_file_done) struct image_file image = {0};
	char path[KEEP_PATH], resource[KEEP_PATH + 8], host[BACKUP_HOST];
	struct why why;
	if (!keep_absolute(call, call->args.operands[0], path))
		return call_fail(EXIT_USAGE, "PATH is too long");
	int code = read_changed(call, &changed);
	if (!code)
		code = keep_open(call, &keep);
	if (code)
		return code;
	/* Few scattered blocks, written a moment ago, are best read from where they are. */
	bool map = changed.ranges.next && !args_given(&call->args, OPTION_CHECK_CHANGED);
	if (image_file_open(&keep.files, path, FILE_READ | (map ? 0 : FILE_DIRECT), &image, &why))
		return call_fail(EXIT_FAILED, "no point was made: %s", why.text);
	backup_host(host);
	snprintf(resource, sizeof(resource), "image%s", path);
	struct showing showing = {.clock = keep.world->clock};
	bool terminal = isatty(STDERR_FILENO) && !args_given(&call->args, OPTION_JSON);
	struct image_options how = {
		.file = image.file,
		.size = image.size,
		.stamp = stamp_of(&image.meta, keep.world->clock),
		.data = &image.data,
		.changed = changed.ranges.next ? &changed.ranges : NULL,
		.since = changed.has_since ? &changed.since : NULL,
		.check_changed = args_given(&call->args, OPTION_CHECK_CHANGED),
		.fold = args_given(&call->args, OPTION_FOLD),
		.full = args_given(&call->args, OPTION_FULL),
		.resource = resource,
		.host = host,
		.path = path,
		.writer = "ebb " EBB_VERSION,
		.on_trouble = on_trouble,
		.on_progress = terminal ? on_progress : NULL,
		.arg = &showing,
	};
	return save(call, &keep, &how, ret_made);
}
