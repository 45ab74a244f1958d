/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing, ordering and reading the files. */
#include "conf/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"

void conf_files_done(struct conf_files *files)
{
	vec_each (memory, &files->owned)
		free(*memory);
	vec_done(&files->owned);
	vec_done(&files->list);
}

/* Takes `path`, which may be NULL for want of memory. */
static int read_one(
	const struct conf_reader *reader, char *path, struct conf_files *files, struct why *why)
{
	OWN(own_free) char *name = path;
	OWN(own_free) char *text = NULL;
	size_t len = 0;
	if (!name)
		return why_set(why, -ENOMEM, "no memory");
	int err = reader->read(name, CONF_FILE_MAX, &text, &len, why);
	if (err)
		return err;
	if (vec_reserve(&files->owned, files->owned.len + 2) ||
		vec_push(&files->list, ((struct conf_file){name, text, len})))
		return why_set(why, -ENOMEM, "no memory");
	files->owned.at[files->owned.len++] = TAKE(name);
	files->owned.at[files->owned.len++] = TAKE(text);
	return 0;
}

struct names {
	VEC(char *) list;
	int err;
};

static void names_done(struct names *names)
{
	vec_each (name, &names->list)
		free(*name);
	vec_done(&names->list);
}

static bool on_name(void *arg, const char *name)
{
	static const char suffix[] = ".yaml";
	struct names *names = arg;
	size_t len = strlen(name), end = sizeof(suffix) - 1;
	if (name[0] == '.' || len <= end || strcmp(name + len - end, suffix) != 0)
		return true;
	if (names->list.len == CONF_FILES_MAX)
		names->err = -E2BIG;
	char *copy = names->err ? NULL : strdup(name);
	if (!names->err && (!copy || vec_push(&names->list, copy))) {
		free(copy);
		names->err = -ENOMEM;
	}
	return !names->err;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_folder(const struct conf_reader *reader, const char *folder,
	struct conf_files *files, struct why *why)
{
	OWN(names_done) struct names names = {0};
	int err = reader->list(folder, on_name, &names, why);
	if (err == -ENOENT)
		return 0;
	if (names.err == -E2BIG)
		return why_set(why, -E2BIG, "%s: holds more than %d files", folder, CONF_FILES_MAX);
	if (names.err)
		return why_set(why, names.err, "no memory");
	if (err)
		return err;
	if (names.list.len)
		qsort(names.list.at, names.list.len, sizeof(names.list.at[0]), by_bytes);
	vec_each (name, &names.list) {
		OWN(str_done) struct str path = {0};
		str_addf(&path, "%s/%s", folder, *name);
		err = read_one(reader, str_take(&path), files, why);
		if (err)
			return err;
	}
	return 0;
}

int conf_files_load(const struct conf_reader *reader, const char *path, bool optional,
	struct conf_files *ret_files, struct why *why)
{
	OWN(conf_files_done) struct conf_files files = {0};
	OWN(str_done) struct str folder = {0};
	const char *slash = strrchr(path, '/');
	if (slash)
		str_add_bytes(&folder, path, (size_t)(slash - path) + 1);
	str_add(&folder, "conf.d");
	if (str_error(&folder))
		return why_set(why, -ENOMEM, "no memory");
	int err = read_one(reader, strdup(path), &files, why);
	if (!err || (err == -ENOENT && optional))
		err = read_folder(reader, str_text(&folder), &files, why);
	if (!err) {
		*ret_files = files;
		files = (struct conf_files){0};
	}
	return err;
}
