/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every disk promises, as tests: each world's test program includes this once, behind its own
 * disk_begin() and disk_end(), so that what passes in the simulator means something on Linux.
 *
 * One thread.
 */
#ifndef EBB_OS_DISK_CONTRACT_TEST_H
#define EBB_OS_DISK_CONTRACT_TEST_H

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "os/disk.h"

/* An empty disk, and its end. */
static struct disk *disk_begin(void);
static void disk_end(void);

enum { RW = FILE_READ | FILE_WRITE, NEW = RW | FILE_CREATE };

/* Makes a file that holds `text`. */
static void put_file(struct disk *disk, const char *name, const char *text)
{
	OWN(file_close_own) struct file *file = NULL;
	CHECK_EQ(disk_open(disk, name, NEW, &file), 0);
	CHECK_EQ(file_truncate(file, 0), 0);
	CHECK_EQ(file_write_full(file, text, strlen(text), 0), 0);
}

static void check_file(struct disk *disk, const char *name, const char *text)
{
	OWN(file_close_own) struct file *file = NULL;
	char bytes[64] = {0};
	CHECK_EQ(disk_open(disk, name, FILE_READ, &file), 0);
	CHECK(file_read_at(file, bytes, sizeof(bytes) - 1, 0) >= 0);
	CHECK_STR(bytes, text);
}

static int try_open(struct disk *disk, const char *name, unsigned flags)
{
	struct file *file = NULL;
	int err = disk_open(disk, name, flags, &file);
	CHECK((err == 0) == (file != NULL));
	file_close(file);
	return err;
}

TEST(opening_says_what_stands_there)
{
	struct disk *disk = disk_begin();
	CHECK_EQ(try_open(disk, "a", RW), -ENOENT);
	CHECK_EQ(try_open(disk, "a", NEW), 0);
	CHECK_EQ(try_open(disk, "a", NEW), 0);
	CHECK_EQ(try_open(disk, "a", NEW | FILE_EXCLUSIVE), -EEXIST);
	CHECK_EQ(try_open(disk, "b", NEW | FILE_EXCLUSIVE), 0);
	CHECK_EQ(try_open(disk, "a/b", NEW), -ENOTDIR);
	CHECK_EQ(try_open(disk, "none/b", NEW), -ENOENT);
	CHECK_EQ(disk_mkdir(disk, "folder"), 0);
	CHECK_EQ(try_open(disk, "folder", RW), -EISDIR);
	CHECK_EQ(try_open(disk, "folder", FILE_READ), -EISDIR);
	CHECK_EQ(try_open(disk, "folder/b", NEW), 0);
	disk_end();
}

TEST(names_that_are_none_are_refused_everywhere)
{
	static const char *const bad[] = {
		"", ".", "..", "/", "/etc", "a/", "a//b", "./a", "a/.", "../a", "a/..", "a/../b"};
	struct disk *disk = disk_begin();
	CHECK_EQ(disk_mkdir(disk, "a"), 0);
	put_file(disk, "file", "x");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(!disk_name_ok(bad[i]));
		CHECK_EQ(try_open(disk, bad[i], NEW), -EINVAL);
		CHECK_EQ(disk_rename(disk, "file", bad[i]), -EINVAL);
		CHECK_EQ(disk_rename(disk, bad[i], "other"), -EINVAL);
		CHECK_EQ(disk_unlink(disk, bad[i]), -EINVAL);
		CHECK_EQ(disk_mkdir(disk, bad[i]), -EINVAL);
		CHECK_EQ(disk_rmdir(disk, bad[i]), -EINVAL);
		CHECK_EQ(disk_sync_dir(disk, bad[i]), strcmp(bad[i], ".") == 0 ? 0 : -EINVAL);
	}
	char longest[DISK_NAME_MAX + 2];
	memset(longest, 'x', sizeof(longest));
	longest[DISK_NAME_MAX] = '\0';
	CHECK_EQ(try_open(disk, longest, NEW), 0);
	longest[DISK_NAME_MAX] = 'x';
	longest[DISK_NAME_MAX + 1] = '\0';
	CHECK_EQ(try_open(disk, longest, NEW), -EINVAL);
	disk_end();
}

TEST(what_a_file_was_opened_for_is_all_that_it_does)
{
	struct disk *disk = disk_begin();
	OWN(file_close_own) struct file *reader = NULL;
	OWN(file_close_own) struct file *writer = NULL;
	char byte;
	put_file(disk, "a", "text");
	CHECK_EQ(disk_open(disk, "a", FILE_READ, &reader), 0);
	CHECK_EQ(disk_open(disk, "a", FILE_WRITE, &writer), 0);
	CHECK_EQ(file_write_at(reader, "x", 1, 0), -EBADF);
	CHECK_EQ(file_read_at(writer, &byte, 1, 0), -EBADF);
	CHECK_EQ(file_truncate(reader, 0), -EINVAL);
	CHECK_EQ(file_read_at(reader, &byte, 1, 4), 0);
	CHECK_EQ(file_read_full(reader, &byte, 1, 4), -ENODATA);
	CHECK_EQ(file_sync(writer), 0);
	file_close(TAKE(reader));
	file_close(TAKE(writer));
	disk_end();
}

enum { MODEL = 20000 };

static void check_content(struct file *file, const uint8_t *model, uint64_t len)
{
	uint8_t bytes[MODEL + 1];
	uint64_t size;
	CHECK_EQ(file_size(file, &size), 0);
	CHECK_EQ(size, len);
	CHECK_EQ(file_read_full(file, bytes, len, 0), 0);
	CHECK(memcmp(bytes, model, len) == 0);
}

TEST(bytes_and_sizes_match_a_model)
{
	struct disk *disk = disk_begin();
	OWN(file_close_own) struct file *file = NULL;
	uint8_t model[MODEL] = {0}, bytes[3000];
	uint64_t len = 0;
	struct rng rng;
	rng_seed(&rng, test_seed());
	CHECK_EQ(disk_open(disk, "a", NEW, &file), 0);
	for (int i = 0; i < 500; i++) {
		uint64_t at = rng_below(&rng, MODEL), n = rng_below(&rng, sizeof(bytes));
		n = n < MODEL - at ? n : MODEL - at;
		if (rng_chance(&rng, 200000)) {
			CHECK_EQ(file_truncate(file, at), 0);
			memset(model + at, 0, MODEL - at);
			len = at;
		} else {
			rng_fill(&rng, bytes, n);
			CHECK_EQ(file_write_full(file, bytes, n, at), 0);
			memcpy(model + at, bytes, n);
			len = n && at + n > len ? at + n : len;
		}
		check_content(file, model, len);
	}
	file_close(TAKE(file));
	disk_end();
}

/* Long and short transfers, on blocks and beside them, by one file that is for once and one not. */
TEST(a_file_for_once_answers_as_any_other)
{
	enum { ROOM = 640 << 10 };
	struct disk *disk = disk_begin();
	OWN(file_close_own) struct file *file = NULL;
	OWN(file_close_own) struct file *other = NULL;
	OWN(own_free) uint8_t *model = calloc(1, ROOM);
	OWN(own_free) uint8_t *bytes = aligned_alloc(DISK_BLOCK, ROOM);
	uint64_t len = 0, size;
	struct rng rng;
	rng_seed(&rng, test_seed());
	CHECK(model && bytes);
	CHECK_EQ(disk_open(disk, "a", NEW, &file), 0);
	CHECK_EQ(disk_open(disk, "a", RW, &other), 0);
	file_once(file);
	for (int i = 0; i < 60; i++) {
		uint64_t block = rng_chance(&rng, 700000) ? DISK_BLOCK : 1;
		uint64_t at = rng_below(&rng, ROOM / block) * block;
		uint64_t n = rng_below(&rng, ROOM - at) + 1;
		rng_fill(&rng, bytes, n);
		memcpy(model + at, bytes, n);
		CHECK_EQ(file_write_full(rng_chance(&rng, 700000) ? file : other, bytes, n, at), 0);
		len = at + n > len ? at + n : len;
		at = rng_below(&rng, len / block + 1) * block;
		CHECK_EQ(file_read_full(file, bytes, len - at, at), 0);
		CHECK(memcmp(bytes, model + at, len - at) == 0);
		CHECK_EQ(file_read_at(file, bytes, ROOM, len), 0);
	}
	CHECK_EQ(file_sync(file), 0);
	CHECK_EQ(file_size(other, &size), 0);
	CHECK_EQ(size, len);
	file_close(TAKE(file));
	file_close(TAKE(other));
	disk_end();
}

TEST(a_rename_replaces_and_open_files_go_along)
{
	struct disk *disk = disk_begin();
	OWN(file_close_own) struct file *old = NULL;
	char bytes[4] = {0};
	put_file(disk, "a", "new");
	put_file(disk, "b", "old");
	CHECK_EQ(disk_open(disk, "b", FILE_READ, &old), 0);
	CHECK_EQ(disk_rename(disk, "a", "b"), 0);
	CHECK_EQ(disk_rename(disk, "b", "b"), 0);
	CHECK_EQ(try_open(disk, "a", RW), -ENOENT);
	check_file(disk, "b", "new");
	CHECK_EQ(file_read_full(old, bytes, 3, 0), 0);
	CHECK_STR(bytes, "old");
	CHECK_EQ(disk_unlink(disk, "b"), 0);
	CHECK_EQ(disk_unlink(disk, "b"), -ENOENT);
	CHECK_EQ(disk_rename(disk, "b", "c"), -ENOENT);
	file_close(TAKE(old));
	disk_end();
}

TEST(folders_and_files_do_not_replace_each_other)
{
	struct disk *disk = disk_begin();
	put_file(disk, "file", "x");
	CHECK_EQ(disk_mkdir(disk, "folder"), 0);
	CHECK_EQ(disk_mkdir(disk, "folder"), -EEXIST);
	CHECK_EQ(disk_mkdir(disk, "file"), -EEXIST);
	CHECK_EQ(disk_mkdir(disk, "none/folder"), -ENOENT);
	CHECK_EQ(disk_rename(disk, "file", "folder"), -EISDIR);
	CHECK_EQ(disk_rename(disk, "folder", "file"), -ENOTDIR);
	CHECK_EQ(disk_unlink(disk, "folder"), -EISDIR);
	CHECK_EQ(disk_rmdir(disk, "file"), -ENOTDIR);
	CHECK_EQ(disk_rmdir(disk, "none"), -ENOENT);
	CHECK_EQ(disk_rename(disk, "folder", "folder/within"), -EINVAL);
	CHECK_EQ(disk_rename(disk, "file", "folder/file"), 0);
	CHECK_EQ(disk_rmdir(disk, "folder"), -ENOTEMPTY);
	CHECK_EQ(disk_mkdir(disk, "other"), 0);
	CHECK_EQ(disk_rename(disk, "other", "folder"), -ENOTEMPTY);
	CHECK_EQ(disk_rename(disk, "folder", "other"), 0);
	check_file(disk, "other/file", "x");
	CHECK_EQ(disk_unlink(disk, "other/file"), 0);
	CHECK_EQ(disk_rmdir(disk, "other"), 0);
	disk_end();
}

struct seen {
	int names, folders, stop_after;
	bool strange;
};

static bool see(void *arg, const char *name, bool is_dir)
{
	struct seen *seen = arg;
	seen->strange |= is_dir != (name[0] == 'd') || strlen(name) != 2;
	seen->names++;
	seen->folders += is_dir;
	return seen->names != seen->stop_after;
}

TEST(a_list_has_each_name_once)
{
	struct disk *disk = disk_begin();
	struct seen seen = {0};
	CHECK_EQ(disk_list(disk, ".", see, &seen), 0);
	CHECK_EQ(seen.names, 0);
	CHECK_EQ(disk_mkdir(disk, "d0"), 0);
	for (char c = '0'; c <= '9'; c++) {
		char file[] = {'d', '0', '/', 'f', c, '\0'};
		put_file(disk, file, "x");
	}
	CHECK_EQ(disk_mkdir(disk, "d0/d1"), 0);
	CHECK_EQ(disk_mkdir(disk, "d0/d2"), 0);
	CHECK_EQ(disk_list(disk, "d0", see, &seen), 0);
	CHECK_EQ(seen.names, 12);
	CHECK_EQ(seen.folders, 2);
	CHECK(!seen.strange);
	seen = (struct seen){.stop_after = 3};
	CHECK_EQ(disk_list(disk, "d0", see, &seen), 0);
	CHECK_EQ(seen.names, 3);
	CHECK_EQ(disk_list(disk, "none", see, &seen), -ENOENT);
	CHECK_EQ(disk_list(disk, "d0/f1", see, &seen), -ENOTDIR);
	CHECK_EQ(disk_list(disk, "../x", see, &seen), -EINVAL);
	CHECK_EQ(disk_sync_dir(disk, "d0"), 0);
	CHECK_EQ(disk_sync_dir(disk, "none"), -ENOENT);
	CHECK_EQ(disk_sync_dir(disk, "d0/f1"), -ENOTDIR);
	disk_end();
}

TEST(a_lock_keeps_out_other_openings)
{
	struct disk *disk = disk_begin();
	OWN(file_close_own) struct file *first = NULL;
	OWN(file_close_own) struct file *second = NULL;
	CHECK_EQ(disk_open(disk, "lock", NEW, &first), 0);
	CHECK_EQ(disk_open(disk, "lock", NEW, &second), 0);
	CHECK_EQ(file_lock(first), 0);
	CHECK_EQ(file_lock(first), 0);
	CHECK_EQ(file_lock(second), -EWOULDBLOCK);
	file_close(TAKE(first));
	CHECK_EQ(file_lock(second), 0);
	file_close(TAKE(second));
	disk_end();
}

#endif
