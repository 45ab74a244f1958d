/* SPDX-License-Identifier: Apache-2.0 */
/* The promises of a disk kept by Linux, and what only Linux can do to it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/why.h"
#include "os/disk_contract_test.h"
#include "os/linux/disk.h"
#include "os/linux/file.h"
#include "os/linux/scratch_test.h"

static struct scratch scratch;

static struct disk *disk_begin(void)
{
	scratch_open(&scratch, NULL);
	return scratch.world->disk;
}

static void disk_end(void)
{
	scratch_close(&scratch);
}

/* A path beneath the state folder, for what the test does behind the disk's back. */
static const char *behind(const char *name, char path[128])
{
	char within[64];
	snprintf(within, sizeof(within), "state/%s", name);
	return scratch_path(&scratch, within, path);
}

TEST(symbolic_links_are_never_followed)
{
	char path[128], outside[128];
	struct seen seen = {0};
	struct disk *disk = disk_begin();
	scratch_path(&scratch, "outside", outside);
	CHECK_EQ(mkdir(outside, 0700), 0);
	CHECK_EQ(symlink("../outside", behind("out", path)), 0);
	CHECK_EQ(symlink("inside", behind("in", path)), 0);
	CHECK_EQ(symlink("/etc/passwd", behind("file", path)), 0);
	CHECK_EQ(symlink("new", behind("dangling", path)), 0);
	CHECK_EQ(disk_mkdir(disk, "inside"), 0);
	CHECK_EQ(try_open(disk, "out/a", NEW), -ELOOP);
	CHECK_EQ(try_open(disk, "in/a", NEW), -ELOOP);
	CHECK_EQ(try_open(disk, "file", FILE_READ), -ELOOP);
	CHECK_EQ(try_open(disk, "dangling", NEW), -ELOOP);
	CHECK_EQ(disk_mkdir(disk, "out/a"), -ELOOP);
	CHECK_EQ(disk_list(disk, "out", see, &seen), -ELOOP);
	CHECK_EQ(disk_sync_dir(disk, "in"), -ELOOP);
	put_file(disk, "a", "x");
	CHECK_EQ(disk_rename(disk, "a", "out/a"), -ELOOP);
	CHECK_EQ(disk_rename(disk, "out/a", "b"), -ELOOP);
	CHECK_EQ(rmdir(outside), 0); /* nothing came to lie there */
	CHECK_EQ(disk_unlink(disk, "file"), 0);
	CHECK_EQ(access("/etc/passwd", F_OK), 0); /* the link went, not what it named */
	disk_end();
}

TEST(only_plain_files_are_opened_and_none_is_waited_for)
{
	char path[128];
	struct disk *disk = disk_begin();
	CHECK_EQ(mkfifo(behind("pipe", path), 0600), 0);
	CHECK_EQ(try_open(disk, "pipe", FILE_READ), -EINVAL);
	CHECK_EQ(try_open(disk, "pipe", RW), -EINVAL);
	CHECK_EQ(try_open(disk, "pipe", FILE_WRITE), -ENXIO);
	disk_end();
}

TEST(files_and_folders_are_the_owners_alone)
{
	char path[128];
	struct stat about;
	OWN(file_close_own) struct file *file = NULL;
	mode_t before = umask(0);
	struct disk *disk = disk_begin();
	CHECK_EQ(stat(scratch.state, &about), 0);
	CHECK_EQ(about.st_mode, S_IFDIR | 0700);
	CHECK_EQ(disk_mkdir(disk, "folder"), 0);
	CHECK_EQ(stat(behind("folder", path), &about), 0);
	CHECK_EQ(about.st_mode, S_IFDIR | 0700);
	CHECK_EQ(disk_open(disk, "folder/a", NEW, &file), 0);
	CHECK_EQ(stat(behind("folder/a", path), &about), 0);
	CHECK_EQ(about.st_mode, S_IFREG | 0600);
	CHECK_EQ(fcntl(linux_file_fd(file), F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(linux_file_fd(file), F_GETFL) & O_NONBLOCK, 0);
	file_close(TAKE(file));
	umask(before);
	disk_end();
}

TEST(direct_files_move_whole_blocks_only)
{
	OWN(file_close_own) struct file *file = NULL;
	struct disk *disk = disk_begin();
	OWN(own_free) char *block = aligned_alloc(DISK_BLOCK, DISK_BLOCK);
	CHECK(block);
	memset(block, 'x', DISK_BLOCK);
	int err = disk_open(disk, "a", NEW | FILE_DIRECT, &file);
	if (err == -EINVAL) {
		disk_end();
		test_skip("this file system has no O_DIRECT");
	}
	CHECK_EQ(err, 0);
	CHECK(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT);
	CHECK_EQ(file_write_full(file, block, DISK_BLOCK, DISK_BLOCK), 0);
	memset(block, 0, DISK_BLOCK);
	CHECK_EQ(file_read_full(file, block, DISK_BLOCK, DISK_BLOCK), 0);
	CHECK_EQ(block[77], 'x');
	CHECK_EQ(file_write_at(file, block, 100, 0), -EINVAL);
	file_close(TAKE(file));
	disk_end();
}

TEST(only_long_transfers_of_blocks_go_past_the_page_cache)
{
	enum { LONG = 128 << 10 };
	OWN(file_close_own) struct file *file = NULL;
	struct disk *disk = disk_begin();
	OWN(own_free) char *bytes = aligned_alloc(DISK_BLOCK, LONG + DISK_BLOCK);
	CHECK(bytes);
	memset(bytes, 'x', LONG + DISK_BLOCK);
	CHECK_EQ(disk_open(disk, "a", NEW, &file), 0);
	CHECK_EQ(file_write_at(file, bytes, LONG, 0), LONG);
	CHECK_EQ(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT, 0);
	file_once(file);
	CHECK_EQ(file_write_at(file, bytes, LONG + 7, 0), LONG); /* the rest by another call */
	if (!(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT)) {
		file_close(TAKE(file));
		disk_end();
		test_skip("this file system has no O_DIRECT");
	}
	CHECK_EQ(file_write_at(file, bytes, 7, LONG), 7);
	CHECK_EQ(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT, 0);
	CHECK_EQ(file_write_at(file, bytes, LONG, DISK_BLOCK), LONG);
	CHECK(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT);
	CHECK_EQ(file_write_at(file, bytes + 1, LONG, DISK_BLOCK), LONG);
	CHECK_EQ(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT, 0);
	CHECK_EQ(file_write_at(file, bytes, LONG, 1), LONG);
	CHECK_EQ(fcntl(linux_file_fd(file), F_GETFL) & O_DIRECT, 0);
	file_close(TAKE(file));
	disk_end();
}

/* Writes until something stops it: the error. */
static int fill_up(struct file *file)
{
	char bytes[10000] = {0};
	for (uint64_t at = 0; at < 100 * sizeof(bytes); at += sizeof(bytes)) {
		int err = file_write_full(file, bytes, sizeof(bytes), at);
		if (err)
			return err;
	}
	return 0;
}

TEST(a_full_file_system_is_told)
{
	char path[128];
	struct why why;
	struct linux_disk small;
	OWN(file_close_own) struct file *file = NULL;
	disk_begin();
	scratch_path(&scratch, "small", path);
	CHECK_EQ(mkdir(path, 0700), 0);
	if (mount("none", path, "tmpfs", 0, "size=100k,mode=0700") < 0) {
		disk_end();
		test_skip("mounting is not allowed here");
	}
	CHECK_EQ(linux_disk_init(&small, path, &why), 0);
	CHECK_EQ(disk_open(&small.base, "a", NEW, &file), 0);
	int err = fill_up(file);
	file_close(TAKE(file));
	linux_disk_done(&small);
	CHECK_EQ(umount(path), 0);
	CHECK_EQ(err, -ENOSPC);
	disk_end();
}

TEST(the_limit_of_file_sizes_is_told)
{
	struct rlimit before, tight;
	struct disk *disk = disk_begin();
	OWN(file_close_own) struct file *file = NULL;
	CHECK_EQ(disk_open(disk, "a", NEW, &file), 0);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = (struct rlimit){.rlim_cur = 54321, .rlim_max = before.rlim_max};
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN); /* as signals_open() does for programs */
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
	int err = fill_up(file);
	int truncate_err = file_truncate(file, 54322);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	uint64_t size;
	CHECK_EQ(err, -EFBIG);
	CHECK_EQ(truncate_err, -EFBIG);
	CHECK_EQ(file_size(file, &size), 0);
	CHECK_EQ(size, 54321);
	file_close(TAKE(file));
	disk_end();
}

TEST(offsets_beyond_all_files_are_refused)
{
	OWN(file_close_own) struct file *file = NULL;
	struct disk *disk = disk_begin();
	char byte = 0;
	CHECK_EQ(disk_open(disk, "a", NEW, &file), 0);
	CHECK_EQ(file_read_at(file, &byte, 1, UINT64_MAX), -EINVAL);
	CHECK_EQ(file_write_at(file, &byte, 1, UINT64_MAX), -EFBIG);
	CHECK_EQ(file_truncate(file, UINT64_MAX), -EFBIG);
	file_close(TAKE(file));
	disk_end();
}

TEST(a_state_folder_everybody_may_write_to_is_refused)
{
	char path[128], expected[300];
	struct why why;
	struct linux_disk open_to_all;
	disk_begin();
	scratch_path(&scratch, "common", path);
	CHECK_EQ(mkdir(path, 0700), 0);
	CHECK_EQ(chmod(path, 0777), 0);
	CHECK_EQ(linux_disk_init(&open_to_all, path, &why), -EPERM);
	snprintf(expected, sizeof(expected),
		"%s: everybody may write to this folder: chmod o-w it, or name another", path);
	CHECK_STR(why.text, expected);
	disk_end();
}

TEST_MAIN
