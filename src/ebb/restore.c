/* SPDX-License-Identifier: Apache-2.0 */
/* A recovery point back into a folder; images are restore_image.c's. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/consent.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "ebb/meter.h"
#include "ebb/postgres.h"
#include "ebb/restore.h"
#include "os/disk.h"
#include "os/linux/pipe.h"
#include "repo/point.h"
#include "ship/restore.h"
#include "source/stream.h"

static void on_trouble(void *arg, const char *path, const char *what)
{
	meter_clear(arg);
	keep_say_trouble(path, what);
}

static void on_progress(void *arg, const struct restore_result *now, const char *path)
{
	struct meter_now seen = {now->entries, now->bytes + now->kept_bytes, now->bytes, path};
	meter_tick(arg, &seen);
}

static int say_result(
	const struct call *call, const struct keep *keep, const struct restore_result *result)
{
	OWN(str_done) struct str text = {0};
	uint64_t mended = repo_mended(keep->repo);
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "type",
			"restore", "entries", (json_int_t)result->entries, "bytes",
			(json_int_t)result->bytes, "kept", (json_int_t)result->kept, "kept_bytes",
			(json_int_t)result->kept_bytes, "deleted", (json_int_t)result->deleted,
			"failed", (json_int_t)result->failed, "mended", (json_int_t)mended));
	str_addf(&text, "restored %s, %s", COUNT(result->entries, "entry", "entries"),
		BYTES(result->bytes));
	if (result->kept)
		str_addf(&text, "; %s right already, %s",
			COUNT(result->kept, "file was", "files were"), BYTES(result->kept_bytes));
	if (result->deleted)
		str_addf(&text, "; %" PRIu64 " removed", result->deleted);
	if (result->failed)
		str_addf(&text, "; %" PRIu64 " could not be restored", result->failed);
	if (mended)
		str_addf(&text,
			"; %s damaged and mended while reading: "
			"`ebb verify --repair` mends at the place, too",
			COUNT(mended, "object was", "objects were"));
	str_add(&text, "\n");
	return call_print(&text);
}

/* One file, for another program to read. What was written before an error was right. */
static int restore_to_stdout(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(file_close_own) struct file *out = NULL;
	struct point point;
	uint64_t bytes;
	struct why why = {"no memory"};
	if (call->args.operand_count != 1)
		return call_fail(EXIT_USAGE, "with --stdout restore wants a point and no TARGET");
	int code = keep_open(call, &keep);
	if (!code)
		code = keep_find_point(&keep, call->args.operands[0], &point);
	if (code)
		return code;
	if (point.source == POINT_IMAGE)
		return call_fail(EXIT_USAGE, "this point is not one of files");
	int err = linux_output_file(&out);
	if (!err)
		err = stream_restore(
			keep.repo, &point, call->args.values[OPTION_PATH], out, &bytes, &why);
	if (err == -ENOENT)
		return call_fail(EXIT_NO_OBJECT, "%s", why.text);
	return err ? keep_fail(&keep, err, &why) : EXIT_OK;
}

static bool is_in_place(const struct call *call)
{
	return args_given(&call->args, OPTION_IN_PLACE);
}

/* What is wrong with the words themselves. */
static int check_words(const struct call *call)
{
	const struct args *args = &call->args;
	bool to = args_given(args, OPTION_TO);
	if (to && (args->operand_count != 1 || is_in_place(call) || args_given(args, OPTION_PATH)))
		return call_fail(EXIT_USAGE, "with --to restore wants a point and nothing else");
	if (args_given(args, OPTION_SERVE) && !to)
		return call_fail(EXIT_USAGE, "--serve goes with --to vol/NAME");
	if (!to && args->operand_count != 2 && !(is_in_place(call) && args->operand_count == 1))
		return call_fail(EXIT_USAGE,
			"restore wants a point and a folder: ebb restore latest DIR; see `ebb help "
			"restore`");
	if (args_given(args, OPTION_DELETE) &&
		(!is_in_place(call) || args_given(args, OPTION_PATH)))
		return call_fail(
			EXIT_USAGE, "--delete goes with --in-place and without --path only");
	return EXIT_OK;
}

/* Where to, and whether what is there may be replaced. */
static int find_target(const struct call *call, const struct point *point, char target[KEEP_PATH])
{
	char what[KEEP_PATH + 80];
	if (call->args.operand_count == 1 && point->source != POINT_DIR)
		return call_fail(EXIT_USAGE, "this point is not one of a folder: give a TARGET");
	if (call->args.operand_count == 1)
		snprintf(target, KEEP_PATH, "%s", point->path);
	else if (!keep_absolute(call, call->args.operands[1], target))
		return call_fail(EXIT_USAGE, "TARGET is too long");
	if (!is_in_place(call))
		return EXIT_OK;
	snprintf(what, sizeof(what), "makes %s as it was then%s", target,
		args_given(&call->args, OPTION_DELETE) ? " and removes everything else in it" : "");
	return consent(call, what);
}

int call_restore(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	char target[KEEP_PATH];
	struct linux_disk made;
	struct restore_result result;
	struct meter meter;
	struct point point;
	struct why why = {""};
	if (args_given(&call->args, OPTION_STDOUT))
		return restore_to_stdout(call);
	int code = check_words(call);
	if (!code && postgres_is_moment(call->args.operands[0]) &&
		!args_given(&call->args, OPTION_PATH))
		return postgres_restore_moment(call);
	if (!code)
		code = keep_open(call, &keep);
	if (!code)
		code = keep_find_point(&keep, call->args.operands[0], &point);
	if (code)
		return code;
	if (point.source == POINT_IMAGE) {
		bool to = args_given(&call->args, OPTION_TO);
		if ((!to && call->args.operand_count != 2) ||
			args_given(&call->args, OPTION_DELETE))
			return call_fail(EXIT_USAGE, "an image wants a TARGET, and no --delete");
		struct catalog_job images = ledger_begin(&keep, JOB_RESTORE);
		images.resource = point.resource;
		images.entries = 1;
		images.source_bytes = point.source_bytes;
		return ledger_end(&keep, &images,
			to ? restore_to_volume(call, &keep, &point)
			   : restore_image_point(call, &keep, &point));
	}
	if (args_given(&call->args, OPTION_TO))
		return call_fail(EXIT_USAGE, "--to: only images become volumes, and this is none");
	if (point.source == POINT_POSTGRES && !args_given(&call->args, OPTION_PATH))
		return postgres_restore_point(call, &keep, &point);
	code = find_target(call, &point, target);
	if (code)
		return code;
	if (linux_disk_init(&made, target, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	linux_disk_done(&made);
	struct restore_options how = {
		.target = target,
		.only = call->args.values[OPTION_PATH],
		.no_owner = args_given(&call->args, OPTION_NO_OWNER),
		.in_place = is_in_place(call),
		.delete = args_given(&call->args, OPTION_DELETE),
		.on_trouble = on_trouble,
		.on_progress = on_progress,
		.arg = &meter,
	};
	struct catalog_job job = ledger_begin(&keep, JOB_RESTORE);
	code = meter_begin(call, &keep, &meter);
	if (code)
		return code;
	meter.expected_bytes = how.only ? 0 : point.source_bytes;
	int err = restore_dir(keep.repo, &keep.files, &point, &how, &result, &why);
	meter_clear(&meter);
	if (err == -ENOENT)
		return call_fail(EXIT_NO_OBJECT, "%s", why.text);
	if (err)
		return keep_fail(&keep, err, &why);
	job.resource = point.resource;
	job.entries = result.entries;
	job.source_bytes = result.bytes;
	code = say_result(call, &keep, &result);
	return ledger_end(&keep, &job, code ? code : result.failed ? EXIT_PARTIAL : EXIT_OK);
}
