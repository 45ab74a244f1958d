/* SPDX-License-Identifier: Apache-2.0 */
/* A folder into a repository, once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "ship/backup.h"
#include "ship/exclude.h"

enum { EXCLUDES_MAX = 1 << 20 };

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

int backup_folder(const struct call *call, struct made_point *ret_made)
{
	OWN(backup_run_done) struct backup_run run = {0};
	OWN(excludes_free_own) struct excludes *excludes = NULL;
	char path[KEEP_PATH], resource[KEEP_PATH + 8];
	struct why why = {""};
	if (!keep_absolute(call, call->args.operands[0], path))
		return call_fail(EXIT_USAGE, "PATH is too long");
	int code = read_excludes(call, path, &excludes);
	snprintf(resource, sizeof(resource), "dir%s", path);
	if (!code)
		code = backup_begin(call, resource, &run);
	if (code)
		return code;
	struct backup_options how = {
		.path = path,
		.resource = resource,
		.host = run.host,
		.writer = "ebb " EBB_VERSION,
		.excludes = excludes,
		.one_file_system = args_given(&call->args, OPTION_ONE_FILE_SYSTEM),
		.exclude_caches = args_given(&call->args, OPTION_EXCLUDE_CACHES),
		.force_full = args_given(&call->args, OPTION_FULL),
		.differential = args_given(&call->args, OPTION_DIFFERENTIAL),
		.on_trouble = meter_on_trouble,
		.estimate = run.dry ? &run.estimate : NULL,
		.pace = run.keep.limit.source,
		.on_progress = meter_on_backup,
		.arg = &run.meter,
	};
	int err = backup_dir(
		run.keep.repo, &run.keep.files, run.keep.world->clock, &how, &run.point, &why);
	return backup_done(&run, err, &why, ret_made);
}
