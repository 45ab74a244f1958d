/* SPDX-License-Identifier: Apache-2.0 */
/* Which files are read, in which order, and what stops it; on a folder in memory. */
#include "conf/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/scarce.h"
#include "base/test.h"
#include "base/why.h"

/* "PATH" of a file that holds its own path, or of a folder that lists names. */
static const char *const there[] = {"/etc/ebb/ebb.yaml", "/etc/ebb/conf.d/10-b.yaml",
	"/etc/ebb/conf.d/9-a.yaml", "/etc/ebb/conf.d/B.yaml", "here.yaml", "conf.d/x.yaml"};

static int read_memory(
	const char *path, size_t max, char **ret_text, size_t *ret_len, struct why *why)
{
	CHECK_EQ(max, CONF_FILE_MAX);
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		if (strcmp(path, there[i]) == 0) {
			char *text = strdup(path);
			if (!text)
				return why_set(why, -ENOMEM, "no memory");
			*ret_text = text;
			*ret_len = strlen(path);
			return 0;
		}
	}
	return why_set(why, -ENOENT, "%s: is not there", path);
}

static int list_memory(const char *folder, conf_list_fn *fn, void *arg, struct why *why)
{
	static const char *const names[] = {"B.yaml", ".hidden.yaml", "10-b.yaml", "note.txt",
		"9-a.yaml", ".yaml", "x.yaml~", "c.yml"};
	if (strcmp(folder, "/etc/ebb/conf.d") == 0) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!fn(arg, names[i]))
				break;
		return 0;
	}
	if (strcmp(folder, "/denied/conf.d") == 0)
		return why_set(why, -EACCES, "%s: denied", folder);
	if (strcmp(folder, "/dangling/conf.d") == 0) {
		fn(arg, "gone.yaml");
		return 0;
	}
	for (int i = 0; strcmp(folder, "/many/conf.d") == 0 && i <= CONF_FILES_MAX; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%d.yaml", i);
		if (!fn(arg, name))
			return 0;
	}
	if (strcmp(folder, "conf.d") == 0) {
		fn(arg, "x.yaml");
		return 0;
	}
	return why_set(why, -ENOENT, "%s: is not there", folder);
}

static const struct conf_reader memory = {read_memory, list_memory};

TEST(main_file_comes_first_then_the_folder_by_name)
{
	OWN(conf_files_done) struct conf_files files = {0};
	struct why why;
	CHECK_EQ(conf_files_load(&memory, "/etc/ebb/ebb.yaml", false, &files, &why), 0);
	CHECK_EQ(files.list.len, 4);
	CHECK_STR(files.list.at[0].name, "/etc/ebb/ebb.yaml");
	CHECK_STR(files.list.at[1].name, "/etc/ebb/conf.d/10-b.yaml");
	CHECK_STR(files.list.at[2].name, "/etc/ebb/conf.d/9-a.yaml");
	CHECK_STR(files.list.at[3].name, "/etc/ebb/conf.d/B.yaml");
	CHECK_STR(files.list.at[3].text, "/etc/ebb/conf.d/B.yaml");
}

TEST(relative_path_has_its_folder_beside_it)
{
	OWN(conf_files_done) struct conf_files files = {0};
	struct why why;
	CHECK_EQ(conf_files_load(&memory, "here.yaml", false, &files, &why), 0);
	CHECK_EQ(files.list.len, 2);
	CHECK_STR(files.list.at[1].name, "conf.d/x.yaml");
}

TEST(missing_main_file_is_allowed_only_where_asked)
{
	OWN(conf_files_done) struct conf_files files = {0};
	struct why why;
	CHECK_EQ(conf_files_load(&memory, "/etc/ebb/no.yaml", false, &files, &why), -ENOENT);
	CHECK_STR(why.text, "/etc/ebb/no.yaml: is not there");
	CHECK(!files.list.at);
	CHECK_EQ(conf_files_load(&memory, "/etc/ebb/no.yaml", true, &files, &why), 0);
	CHECK_EQ(files.list.len, 3);
}

TEST(what_cannot_be_read_stops_all)
{
	OWN(conf_files_done) struct conf_files files = {0};
	struct why why;
	CHECK_EQ(conf_files_load(&memory, "/denied/ebb.yaml", true, &files, &why), -EACCES);
	CHECK_STR(why.text, "/denied/conf.d: denied");
	CHECK_EQ(conf_files_load(&memory, "/dangling/ebb.yaml", true, &files, &why), -ENOENT);
	CHECK_STR(why.text, "/dangling/conf.d/gone.yaml: is not there");
	CHECK_EQ(conf_files_load(&memory, "/many/ebb.yaml", true, &files, &why), -E2BIG);
	CHECK_STR(why.text, "/many/conf.d: holds more than 64 files");
	CHECK(!files.list.at);
}

TEST(memory_that_runs_out_leaves_nothing_behind)
{
	struct why why;
	int err = -ENOMEM;
	uint64_t nth = 0;
	while (err) {
		OWN(conf_files_done) struct conf_files files = {0};
		scarce_arm(++nth, false);
		err = conf_files_load(&memory, "/etc/ebb/ebb.yaml", false, &files, &why);
		scarce_arm(0, false);
		CHECK(err == 0 || err == -ENOMEM);
		CHECK_EQ(err == 0, files.list.len == 4);
		CHECK(!err || strcmp(why.text, "no memory") == 0);
	}
	CHECK(nth > 10);
}

TEST_MAIN
