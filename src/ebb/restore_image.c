/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image back into a file, which gets its name when all of it was read back; or in place, onto a
 * file or device that is there.
 */
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
#include "ebb/keep.h"
#include "ebb/meter.h"
#include "ebb/restore.h"
#include "os/disk.h"
#include "repo/repo.h"
#include "ship/image_read.h"
#include "ship/image_restore.h"

struct image_job {
	const struct call *call;
	struct keep *keep;
	const struct point *point;
	struct image_reader reader;
	struct image_restored restored;
	struct meter meter;
};

static void job_done(struct image_job *job)
{
	image_close(&job->reader);
}

static int say_result(const struct image_job *job)
{
	OWN(str_done) struct str text = {0};
	uint64_t mended = repo_mended(job->keep->repo);
	if (args_given(&job->call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "restore",
			"entries", (json_int_t)1, "bytes", (json_int_t)image_size(&job->reader),
			"failed", (json_int_t)0, "mended", (json_int_t)mended, "written_bytes",
			(json_int_t)job->restored.written_bytes, "fetched_bytes",
			(json_int_t)job->restored.fetched_bytes));
	str_addf(&text, "restored an image of %s: %s written, %s right already\n",
		BYTES(image_size(&job->reader)), BYTES(job->restored.written_bytes),
		BYTES(job->restored.kept_bytes));
	if (mended)
		str_addf(&text,
			"%s damaged and mended while reading: `ebb verify --repair` mends at the "
			"place, too\n",
			COUNT(mended, "object was", "objects were"));
	return call_print(&text);
}

/* Writes what differs, makes it durable, and reads it back past the page cache where that can be.
 */
static int fill(struct image_job *job, const char *path, unsigned flags)
{
	OWN(image_file_done) struct image_file image = {0}, again = {0};
	struct files *files = &job->keep->files;
	struct why why = {"no memory"};
	int err = image_file_open(files, path, FILE_READ | FILE_WRITE | flags, &image, &why);
	if (err)
		return call_fail(err == -EBUSY ? EXIT_GUARDED : EXIT_FAILED, "%s", why.text);
	uint64_t size = image_size(&job->reader);
	if (image.meta.type == FILES_BLOCK && image.size < size)
		return call_fail(EXIT_GUARDED,
			"%s: the device holds %" PRIu64 " bytes, the image has %" PRIu64, path,
			image.size, size);
	if (image.meta.type == FILES_FILE && image.size != size)
		err = file_truncate(image.file, size);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", path, strerror(-err));
	struct image_target target = {.file = image.file,
		.data = &image.data,
		.on_progress = meter_on_backup,
		.arg = &job->meter};
	err = image_restore(&job->reader, &target, &job->restored, &why);
	meter_clear(&job->meter);
	if (err)
		return keep_fail(job->keep, err, &why);
	err = file_sync(image.file);
	if (err)
		return call_fail(EXIT_FAILED, "%s: making it durable: %s", path, strerror(-err));
	if (image_file_open(files, path, FILE_READ | FILE_DIRECT, &again, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	target = (struct image_target){.file = again.file, .data = &again.data};
	if (image_compare(&job->reader, &target, &why))
		return call_fail(EXIT_FAILED, "%s: %s", path, why.text);
	return EXIT_OK;
}

/* Into a file of a temporary name beside the target, which an earlier try may have begun. */
static int fill_new(struct image_job *job, const char *path)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	OWN(file_close_own) struct file *made = NULL;
	char parent[IMAGE_PATH], temporary[FILES_NAME_MAX + 1], whole[IMAGE_PATH + 300], hex[33];
	const char *name;
	struct files_meta meta;
	image_file_split(path, parent, &name);
	int err = files_open(&job->keep->files, parent, &folder);
	object_show_id(&job->point->id, hex);
	snprintf(temporary, sizeof(temporary), ".%.200s.ebb-%s", name, hex);
	snprintf(whole, sizeof(whole), "%s/%s", parent, temporary);
	if (!err)
		err = folder_make_file(folder, temporary, &made);
	if (err && err != -EEXIST)
		return call_fail(EXIT_FAILED, "%s: %s", whole, strerror(-err));
	int code = fill(job, whole, 0);
	if (code)
		return code;
	/* Whoever made the name meanwhile keeps it. */
	if (folder_meta(folder, name, &meta) != -ENOENT)
		return call_fail(
			EXIT_GUARDED, "%s: it is there by now; the image is in %s", path, whole);
	err = folder_rename(folder, temporary, name);
	if (!err)
		err = folder_sync(folder);
	return err ? call_fail(EXIT_FAILED, "%s: %s", path, strerror(-err)) : EXIT_OK;
}

/* What the target is: where a folder is named, a file in it of the name that the image had. */
static int find_target(struct image_job *job, char target[KEEP_PATH], bool *ret_there)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	char parent[IMAGE_PATH];
	const char *name;
	struct files_meta meta;
	if (files_open(&job->keep->files, target, &folder) == 0) {
		size_t len = strlen(target);
		const char *slash = strrchr(job->point->path, '/');
		int n = snprintf(target + len, KEEP_PATH - len, "%s", slash ? slash : "/image");
		folder_close(TAKE(folder));
		if (n >= (int)(KEEP_PATH - len))
			return call_fail(EXIT_USAGE, "TARGET is too long");
	}
	image_file_split(target, parent, &name);
	int err = files_open(&job->keep->files, parent, &folder);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", parent, strerror(-err));
	err = folder_meta(folder, name, &meta);
	if (err && err != -ENOENT)
		return call_fail(EXIT_FAILED, "%s: %s", target, strerror(-err));
	*ret_there = !err;
	return EXIT_OK;
}

int restore_image_point(const struct call *call, struct keep *keep, const struct point *point)
{
	OWN(job_done) struct image_job job = {.call = call, .keep = keep, .point = point};
	char target[KEEP_PATH];
	struct why why = {"no memory"};
	bool there = false, in_place = args_given(&call->args, OPTION_IN_PLACE);
	if (args_given(&call->args, OPTION_PATH))
		return call_fail(EXIT_USAGE, "--path: this point is an image, which has none");
	if (!keep_absolute(call, call->args.operands[1], target))
		return call_fail(EXIT_USAGE, "TARGET is too long");
	int code = find_target(&job, target, &there);
	if (code)
		return code;
	if (there && !in_place)
		return call_fail(EXIT_GUARDED,
			"%s: it is there. With --in-place what differs in it is overwritten, and "
			"it is "
			"of no use until that ends; or give another name",
			target);
	if (!there && in_place)
		return call_fail(EXIT_NO_OBJECT, "%s: --in-place wants one that is there", target);
	int err = image_open(keep->repo, &point->root, &job.reader, &why);
	if (err)
		return keep_fail(keep, err, &why);
	code = meter_begin(call, keep, &job.meter);
	if (code)
		return code;
	code = in_place ? fill(&job, target, FILE_EXCLUSIVE) : fill_new(&job, target);
	return code ? code : say_result(&job);
}
