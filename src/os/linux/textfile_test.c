/* SPDX-License-Identifier: Apache-2.0 */
/* Small files read whole, and what is refused instead of waited for. */
#include "os/linux/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "os/linux/scratch_test.h"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_EQ(close(fd), 0);
}

TEST(files_links_and_pipes_are_read_whole)
{
	struct scratch s;
	struct why why;
	char file[128], link[128];
	OWN(own_free) char *text = NULL, *again = NULL, *piped = NULL;
	size_t len;
	int ends[2];
	scratch_open(&s, NULL);
	write_file(scratch_path(&s, "file", file), "state: /x\n");
	CHECK_EQ(symlink("file", scratch_path(&s, "link", link)), 0);
	CHECK_EQ(textfile_read(file, 10, &text, &len, &why), 0);
	CHECK_EQ(len, 10);
	CHECK_STR(text, "state: /x\n");
	CHECK_EQ(textfile_read(link, 10, &again, &len, &why), 0);
	CHECK_STR(again, text);

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], "ab", 2), 2);
	CHECK_EQ(close(ends[1]), 0);
	snprintf(link, sizeof(link), "/dev/fd/%d", ends[0]);
	CHECK_EQ(textfile_read(link, 10, &piped, &len, &why), 0);
	CHECK_STR(piped, "ab");
	close(ends[0]);
	scratch_close(&s);
}

TEST(what_is_not_a_small_file_is_refused)
{
	struct scratch s;
	struct why why;
	char path[128], expected[200];
	char *text = NULL;
	size_t len = 7;
	scratch_open(&s, NULL);
	CHECK_EQ(textfile_read(s.dir, 10, &text, &len, &why), -EISDIR);
	snprintf(expected, sizeof(expected), "%s: is a folder, not a file", s.dir);
	CHECK_STR(why.text, expected);
	CHECK_EQ(textfile_read("/dev/zero", 10, &text, &len, &why), -EFBIG);
	CHECK_EQ(textfile_read(scratch_path(&s, "no", path), 10, &text, &len, &why), -ENOENT);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	CHECK_STR(why.text, expected);
	write_file(path, "01234567890");
	CHECK_EQ(textfile_read(path, 10, &text, &len, &why), -EFBIG);
	snprintf(expected, sizeof(expected), "%s: is longer than 10 bytes", path);
	CHECK_STR(why.text, expected);
	CHECK(!text && len == 7);
	scratch_close(&s);
}

/* Read as empty instead of waited for. */
TEST(null_and_a_named_pipe_without_a_writer_are_empty)
{
	struct scratch s;
	struct why why;
	char path[128];
	OWN(own_free) char *text = NULL, *none = NULL;
	size_t len;
	scratch_open(&s, NULL);
	CHECK_EQ(textfile_read("/dev/null", 10, &none, &len, &why), 0);
	CHECK_EQ(len, 0);
	CHECK_EQ(mkfifo(scratch_path(&s, "pipe", path), 0600), 0);
	CHECK_EQ(textfile_read(path, 10, &text, &len, &why), 0);
	CHECK_EQ(len, 0);
	scratch_close(&s);
}

static bool count_names(void *arg, const char *name)
{
	int *counts = arg;
	counts[0]++;
	counts[1] += strcmp(name, "a") == 0 || strcmp(name, "b") == 0;
	return counts[0] < counts[2];
}

TEST(folders_are_listed_until_told_to_stop)
{
	struct scratch s;
	struct why why;
	char path[128];
	int all[3] = {0, 0, 100}, one[3] = {0, 0, 1};
	scratch_open(&s, NULL);
	CHECK_EQ(mkdir(scratch_path(&s, "d", path), 0700), 0);
	write_file(scratch_path(&s, "d/a", path), "");
	write_file(scratch_path(&s, "d/b", path), "");
	scratch_path(&s, "d", path);
	CHECK_EQ(textfile_list(path, count_names, all, &why), 0);
	CHECK_EQ(all[0], 2);
	CHECK_EQ(all[1], 2);
	CHECK_EQ(textfile_list(path, count_names, one, &why), 0);
	CHECK_EQ(one[0], 1);
	CHECK_EQ(textfile_list("/dev/null", count_names, all, &why), -ENOTDIR);
	CHECK_STR(why.text, "/dev/null: Not a directory");
	scratch_close(&s);
}

TEST_MAIN
