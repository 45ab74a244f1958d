/* SPDX-License-Identifier: Apache-2.0 */
/* An image into a repository, once: a file that is a disk, or a block device. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/image_file.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "ship/changed.h"
#include "ship/image.h"

enum { CHANGED_MAX = 256 << 20 };

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

static int save(
	struct backup_run *run, const struct image_options *how, struct made_point *ret_made)
{
	struct why why = {"no memory"};
	struct image_result result = {0};
	run->point.source = POINT_IMAGE;
	int err = backup_image(
		run->keep.repo, run->keep.world->clock, how, &run->point, &result, &why);
	int code = err || run->dry ? EXIT_OK : say_changes(&result);
	int done = backup_done(run, err, &why, ret_made);
	return done ? done : code;
}

int backup_image_file(const struct call *call, struct made_point *ret_made)
{
	OWN(backup_run_done) struct backup_run run = {0};
	OWN(changed_done) struct changed changed = {0};
	OWN(image_file_done) struct image_file image = {0};
	char path[KEEP_PATH], resource[KEEP_PATH + 8];
	struct why why;
	if (!keep_absolute(call, call->args.operands[0], path))
		return call_fail(EXIT_USAGE, "PATH is too long");
	snprintf(resource, sizeof(resource), "image%s", path);
	int code = read_changed(call, &changed);
	if (!code)
		code = backup_begin(call, resource, &run);
	if (code)
		return code;
	/* Few scattered blocks, written a moment ago, are best read from where they are. */
	bool map = changed.ranges.next && !args_given(&call->args, OPTION_CHECK_CHANGED);
	if (image_file_open(
		    &run.keep.files, path, FILE_READ | (map ? 0 : FILE_DIRECT), &image, &why))
		return call_fail(EXIT_FAILED, "no point was made: %s", why.text);
	struct image_options how = {
		.file = image.file,
		.size = image.size,
		.stamp = stamp_of(&image.meta, run.keep.world->clock),
		.data = &image.data,
		.changed = changed.ranges.next ? &changed.ranges : NULL,
		.since = changed.has_since ? &changed.since : NULL,
		.check_changed = args_given(&call->args, OPTION_CHECK_CHANGED),
		.fold = args_given(&call->args, OPTION_FOLD),
		.full = args_given(&call->args, OPTION_FULL),
		.differential = args_given(&call->args, OPTION_DIFFERENTIAL),
		.resource = resource,
		.host = run.host,
		.path = path,
		.writer = "ebb " EBB_VERSION,
		.estimate = run.dry ? &run.estimate : NULL,
		.pace = run.keep.limit.source,
		.on_trouble = meter_on_trouble,
		.on_progress = meter_on_backup,
		.arg = &run.meter,
	};
	return save(&run, &how, ret_made);
}
