/* SPDX-License-Identifier: Apache-2.0 */
/* Making a repository, and the key without which nobody reads it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/disk.h"
#include "os/files.h"
#include "place/s3.h"

enum { PARITY_PERCENT = 3 };

/* A new file of mode 0600 in the folder that it names, durable. One that is there stays. */
static int write_key(struct keep *keep, const char *path, const char *text, struct why *why)
{
	OWN(folder_close_own) struct folder *folder = NULL;
	OWN(file_close_own) struct file *file = NULL;
	char parent[KEEP_PATH];
	const char *slash = strrchr(path, '/');
	snprintf(parent, sizeof(parent), "%.*s", slash > path ? (int)(slash - path) : 1, path);
	int err = files_open(&keep->files, parent, &folder);
	if (!err)
		err = folder_make_file(folder, slash + 1, &file);
	if (!err)
		err = file_write_full(file, text, strlen(text), 0);
	if (!err)
		err = file_write_full(file, "\n", 1, strlen(text));
	if (!err)
		err = file_sync(file);
	if (!err)
		err = folder_sync(folder);
	return err ? why_errno(why, err, "%s", path) : 0;
}

/* What a store of objects makes of conditions, in words for people. "" for other places. */
static const char *try_store(const struct keep *keep)
{
	bool conditional;
	if (!keep->place.bucket || place_s3_probe(keep->place.place, &conditional, NULL))
		return "";
	return conditional
		? "The store keeps a name from being put twice.\n"
		: "The store does not keep a name from being put twice; that two writers "
		  "do not harm\neach other rests on claims alone.\n";
}

static int say_made(const struct call *call, const struct keep *keep, const char *path)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return keep_print_json(json_pack("{s:s,s:s,s:s}", "type", "repo-init", "repo",
			keep->where, "key_file", path));
	str_addf(&text,
		"A repository is at %s, its key in %s.\n"
		"Whoever has both can read everything; without the key nobody can. Keep a copy of "
		"the\nkey where this machine is not: it is one line that can be printed.\n%s",
		keep->where, path, try_store(keep));
	return call_print(&text);
}

int call_repo_init(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	uint8_t secret[SECRET_SIZE];
	char text[SECRET_TEXT], path[KEEP_PATH];
	struct why why;
	const struct repo_options how = {.parity_percent = PARITY_PERCENT, .reserve = REPO_RESERVE};
	const char *key_file = keep_key_file(call);
	if (!key_file || !keep_absolute(call, key_file, path))
		return EXIT_USAGE;
	int code = keep_begin(call, true, &keep);
	if (code)
		return code;
	if (access(path, F_OK) == 0)
		return call_fail(EXIT_GUARDED,
			"%s: this file is there already; a new key wants a new file", key_file);
	int err = repo_init(&keep.repo_world, &how, secret, &why);
	if (err)
		return keep_fail(&keep, err, &why);
	err = secret_show(secret, text);
	if (!err)
		err = write_key(&keep, path, text, &why);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
	if (err)
		return call_fail(EXIT_FAILED,
			"the key could not be kept, so the repository is of no use; remove %s: %s",
			keep.where, why.text);
	return say_made(call, &keep, key_file);
}
