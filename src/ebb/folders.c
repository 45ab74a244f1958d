/* SPDX-License-Identifier: Apache-2.0 */
/* mkdir -p, rm -r. */
#include "ebb/folders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/vec.h"
#include "ebb/call.h"
#include "os/linux/files.h"

int folders_make(const char *path)
{
	char part[CALL_PATH];
	for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		int len = slash ? (int)(slash - path) : (int)strlen(path);
		snprintf(part, sizeof(part), "%.*s", len, path);
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (!slash)
			return 0;
	}
}

/* What is removed while a folder is listed may hide what comes behind it: first all names. */
struct names {
	VEC(char *) list;
	bool failed;
};

static void names_done(struct names *names)
{
	vec_each (name, &names->list)
		free(*name);
	vec_done(&names->list);
}

static bool add_name(void *arg, const char *name)
{
	struct names *names = arg;
	char *copy = strdup(name);
	names->failed = !copy || vec_push(&names->list, copy);
	if (names->failed)
		free(copy);
	return !names->failed;
}

static int empty(struct folder *folder)
{
	OWN(names_done) struct names names = {0};
	int err = folder_list(folder, add_name, &names);
	if (!err && names.failed)
		err = -ENOMEM;
	vec_each (name, &names.list) {
		OWN(folder_close_own) struct folder *below = NULL;
		if (err)
			break;
		bool is_folder = folder_enter(folder, *name, &below) == 0;
		err = is_folder ? empty(below) : 0;
		if (!err)
			err = folder_remove(folder, *name, is_folder);
	}
	return err;
}

int folders_remove(const char *path)
{
	OWN(folder_close_own) struct folder *parent = NULL, *folder = NULL;
	struct files files = linux_files();
	char above[CALL_PATH];
	const char *slash = strrchr(path, '/');
	int len = slash > path ? (int)(slash - path) : 1;
	if (snprintf(above, sizeof(above), "%.*s", len, path) >= (int)sizeof(above))
		return -ENAMETOOLONG;
	int err = files_open(&files, above, &parent);
	if (!err)
		err = folder_enter(parent, slash + 1, &folder);
	if (!err)
		err = empty(folder);
	return err ? err : folder_remove(parent, slash + 1, true);
}
