/* SPDX-License-Identifier: Apache-2.0 */
/* What a disk shows and what a crash leaves of it, rule by rule. */
#include "sim/disk.h"

#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "base/test.h"
#include "sim/alloc_fault.h"

static void free_disk(struct sim_disk **sim)
{
	sim_disk_free(*sim);
}

static struct sim_disk *new_disk(void)
{
	struct sim_disk *sim = sim_disk_new();
	CHECK(sim);
	return sim;
}

static uint64_t choose_durable(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg;
	(void)thing;
	(void)options;
	return 0;
}

static uint64_t choose_latest(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg;
	(void)thing;
	return options - 1;
}

static struct file *must_open(struct sim_disk *sim, const char *name, unsigned flags)
{
	struct file *file;
	int err = disk_open(sim_disk_seam(sim), name, flags, &file);
	CHECK_EQ(err, 0);
	return file;
}

enum { RW = FILE_READ | FILE_WRITE, NEW = RW | FILE_CREATE };

static void put(struct file *file, const char *text, uint64_t at)
{
	CHECK_EQ(file_write_full(file, text, strlen(text), at), 0);
}

/* The file's bytes as text, "(none)" when it is not there. Valid until the next call. */
static const char *show(struct sim_disk *sim, const char *name)
{
	static char text[2048];
	struct file *file;
	int err = disk_open(sim_disk_seam(sim), name, FILE_READ, &file);
	if (err)
		return err == -ENOENT ? "(none)" : "(error)";
	ssize_t n = file_read_at(file, text, sizeof(text) - 1, 0);
	file_close(file);
	CHECK(n >= 0);
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '.';
	text[n] = '\0';
	return text;
}

static struct sim_disk *crash(struct sim_disk *from, sim_choose *choose, struct sim_disk *to)
{
	CHECK_EQ(sim_disk_crash(from, choose, NULL, to), 0);
	return to;
}

/* Answers one kind of operation, and counts all. */
struct script {
	enum sim_op op;
	int answer;
	int begun, ended;
	char name[20];
};

static int script_hook(void *arg, enum sim_op op, const char *name, bool done)
{
	struct script *script = arg;
	script->begun += !done;
	script->ended += done;
	snprintf(script->name, sizeof(script->name), "%s", name);
	return op == script->op ? script->answer : 0;
}

TEST(nothing_is_durable_unasked)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct file *file = must_open(sim, "a", NEW);
	put(file, "hello", 0);
	CHECK_STR(show(sim, "a"), "hello");
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "(none)");
	CHECK_STR(show(crash(sim, choose_latest, to), "a"), "hello");
	CHECK_EQ(sim_disk_crash_count(sim, 100, to),
		1 + 3); /* no name; size 0; size 5 with 2 sectors */
	CHECK_EQ(disk_sync_dir(sim_disk_seam(sim), "."), 0);
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "");
	CHECK_EQ(file_sync(file), 0);
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "hello");
	CHECK_EQ(sim_disk_crash_count(sim, 100, to), 1);
	file_close(file);
}

static int open_err(struct sim_disk *sim, const char *name, unsigned flags)
{
	struct file *file;
	int err = disk_open(sim_disk_seam(sim), name, flags, &file);
	if (!err)
		file_close(file);
	return err;
}

TEST(refuses_what_a_kernel_refuses)
{
	OWN(free_disk) struct sim_disk *sim = new_disk();
	struct disk *disk = sim_disk_seam(sim);
	CHECK_EQ(disk_mkdir(disk, "d"), 0);
	CHECK_EQ(open_err(sim, "d/f", NEW), 0);
	CHECK_EQ(open_err(sim, "a", RW), -ENOENT);
	CHECK_EQ(open_err(sim, "d", RW), -EISDIR);
	CHECK_EQ(open_err(sim, "d/f", NEW | FILE_EXCLUSIVE), -EEXIST);
	CHECK_EQ(open_err(sim, "d/f", FILE_CREATE), -EINVAL);
	CHECK_EQ(open_err(sim, "d/f/g", NEW), -ENOTDIR);
	CHECK_EQ(open_err(sim, "e/f", NEW), -ENOENT);
	CHECK_EQ(open_err(sim, "../f", NEW), -EINVAL);
	CHECK_EQ(disk_mkdir(disk, "d"), -EEXIST);
	CHECK_EQ(disk_rmdir(disk, "d"), -ENOTEMPTY);
	CHECK_EQ(disk_rmdir(disk, "d/f"), -ENOTDIR);
	CHECK_EQ(disk_unlink(disk, "d"), -EISDIR);
	CHECK_EQ(disk_unlink(disk, "d/x"), -ENOENT);
	CHECK_EQ(disk_rename(disk, "x", "y"), -ENOENT);
	CHECK_EQ(disk_rename(disk, "d", "d/e"), -EINVAL);
	CHECK_EQ(disk_rename(disk, "d/f", "d"), -EISDIR);
	CHECK_EQ(disk_rename(disk, "d", "d/f"), -EINVAL);
	CHECK_EQ(disk_mkdir(disk, "e"), 0);
	CHECK_EQ(disk_rename(disk, "e", "d/f"), -ENOTDIR);
	CHECK_EQ(disk_rename(disk, "e", "d"), -ENOTEMPTY);
	CHECK_EQ(disk_rename(disk, "d", "e"), 0);
	CHECK_EQ(disk_sync_dir(disk, "d"), -ENOENT);
	CHECK_EQ(disk_sync_dir(disk, "e/f"), -ENOTDIR);
	CHECK_EQ(disk_sync_dir(disk, ".."), -EINVAL);
	CHECK_EQ(sim_disk_open_files(sim), 0);
}

TEST(files_keep_to_how_they_were_opened)
{
	OWN(free_disk) struct sim_disk *sim = new_disk();
	_Alignas(DISK_BLOCK) static char block[2 * DISK_BLOCK];
	struct file *file = must_open(sim, "a", NEW);
	put(file, "hello", 0);
	struct file *reader = must_open(sim, "a", FILE_READ);
	CHECK_EQ(file_write_at(reader, "x", 1, 0), -EBADF);
	CHECK_EQ(file_truncate(reader, 0), -EINVAL);
	struct file *writer = must_open(sim, "a", FILE_WRITE);
	CHECK_EQ(file_read_at(writer, block, 1, 0), -EBADF);
	struct file *direct = must_open(sim, "a", RW | FILE_DIRECT);
	CHECK_EQ(file_read_at(direct, block, DISK_BLOCK, 0), 5);
	CHECK_EQ(file_read_at(direct, block + 1, DISK_BLOCK, 0), -EINVAL);
	CHECK_EQ(file_read_at(direct, block, DISK_BLOCK - 1, 0), -EINVAL);
	CHECK_EQ(file_write_at(direct, block, DISK_BLOCK, 512), -EINVAL);
	CHECK_EQ(file_write_at(direct, block, 2 * DISK_BLOCK, 0), 2 * DISK_BLOCK);
	CHECK_EQ(file_write_at(file, "x", 1, UINT64_MAX), -EINVAL);
	CHECK_EQ(file_write_at(file, "x", 1, INT64_MAX), -EFBIG);
	CHECK_EQ(file_truncate(file, UINT64_MAX), -EFBIG);
	CHECK_EQ(file_lock(file), 0);
	CHECK_EQ(file_lock(file), 0);
	CHECK_EQ(file_lock(reader), -EWOULDBLOCK);
	CHECK_EQ(sim_disk_open_files(sim), 4);
	file_close(file);
	CHECK_EQ(file_lock(reader), 0);
	file_close(reader);
	file_close(writer);
	file_close(direct);
}

TEST(an_unlinked_file_lives_while_it_is_open)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct file *file = must_open(sim, "a", NEW);
	put(file, "hello", 0);
	CHECK_EQ(file_sync(file), 0);
	CHECK_EQ(disk_sync_dir(sim_disk_seam(sim), "."), 0);
	CHECK_EQ(disk_unlink(sim_disk_seam(sim), "a"), 0);
	put(file, "J", 0);
	CHECK_STR(show(sim, "a"), "(none)");
	char text[6] = "";
	CHECK_EQ(file_read_full(file, text, 5, 0), 0);
	CHECK_STR(text, "Jello");
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "hello");
	CHECK_STR(show(crash(sim, choose_latest, to), "a"), "(none)");
	CHECK_EQ(file_sync(file), 0);
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "Jello");
	file_close(file);
}

TEST(what_a_failed_sync_covered_is_never_durable)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct file *file = must_open(sim, "a", NEW);
	put(file, "old", 0);
	CHECK_EQ(file_sync(file), 0);
	CHECK_EQ(disk_sync_dir(sim_disk_seam(sim), "."), 0);
	put(file, "new", 0);
	struct script fails = {.op = SIM_SYNC, .answer = -EIO};
	sim_disk_set_hook(sim, script_hook, &fails);
	CHECK_EQ(file_sync(file), -EIO);
	sim_disk_set_hook(sim, NULL, NULL);
	CHECK_EQ(file_sync(file), 0);
	CHECK_STR(show(sim, "a"), "new");
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "old");
	CHECK_STR(show(crash(sim, choose_latest, to), "a"), "new");
	put(file, "new", 0);
	CHECK_EQ(file_sync(file), 0);
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "new");
	file_close(file);
}

TEST(the_hook_meets_every_operation_twice)
{
	OWN(free_disk) struct sim_disk *sim = new_disk();
	struct script cuts = {.op = SIM_WRITE, .answer = 3};
	sim_disk_set_hook(sim, script_hook, &cuts);
	struct file *file = must_open(sim, "a", NEW);
	CHECK_EQ(file_write_at(file, "hello", 5, 0), 3);
	CHECK_STR(cuts.name, "a");
	CHECK_EQ(cuts.begun, 2);
	CHECK_EQ(cuts.ended, 2);
	cuts.answer = -ENOSPC;
	CHECK_EQ(file_write_at(file, "hello", 5, 0), -ENOSPC);
	cuts.op = SIM_UNLINK;
	CHECK_EQ(disk_unlink(sim_disk_seam(sim), "a"), -ENOSPC);
	CHECK_EQ(disk_mkdir(sim_disk_seam(sim), "a"), -EEXIST);
	CHECK_EQ(cuts.begun, 5);
	CHECK_EQ(cuts.ended, 5);
	sim_disk_set_hook(sim, NULL, NULL);
	CHECK_STR(show(sim, "a"), "hel");
	file_close(file);
}

TEST(a_full_disk_cuts_writes_then_refuses_them)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct disk *disk = sim_disk_seam(sim);
	static char bytes[4096];
	sim_disk_set_capacity(sim, 2048);
	struct file *file = must_open(sim, "a", NEW);
	CHECK_EQ(file_write_at(file, bytes, 1000, 0), 1000);
	CHECK_EQ(file_write_at(file, bytes, 4096, 1000), 1048);
	CHECK_EQ(file_write_at(file, bytes, 1, 2048), -ENOSPC);
	CHECK_EQ(file_write_at(file, bytes, 100, 0), 100);
	CHECK_EQ(file_truncate(file, 2049), -ENOSPC);
	CHECK_EQ(open_err(sim, "b", NEW), -ENOSPC);
	CHECK_EQ(disk_mkdir(disk, "d"), -ENOSPC);
	CHECK_EQ(file_truncate(file, 512), 0);
	CHECK_EQ(file_write_at(file, bytes, 4096, 512), 1536);
	CHECK_EQ(disk_unlink(disk, "a"), 0);
	CHECK_EQ(open_err(sim, "b", NEW), -ENOSPC); /* it is still open */
	file_close(file);
	CHECK_EQ(open_err(sim, "b", NEW), 0);
	CHECK_EQ(sim_disk_crash(sim, choose_latest, NULL, to), 0);
	file = must_open(to, "b", RW);
	CHECK_EQ(file_write_at(file, bytes, 4096, 0), 2048);
	file_close(file);
}

static bool remove_each(void *arg, const char *name, bool is_dir)
{
	struct disk *disk = arg;
	CHECK(!is_dir);
	CHECK_EQ(disk_unlink(disk, name), 0);
	return true;
}

TEST(a_listing_allows_changes_on_the_way)
{
	OWN(free_disk) struct sim_disk *sim = new_disk();
	struct disk *disk = sim_disk_seam(sim);
	for (char name[2] = "a"; *name <= 'z'; ++*name)
		CHECK_EQ(open_err(sim, name, NEW), 0);
	CHECK_EQ(disk_list(disk, ".", remove_each, disk), 0);
	CHECK_STR(show(sim, "a"), "(none)");
	CHECK_STR(show(sim, "z"), "(none)");
	CHECK_EQ(sim_disk_hash(sim), 0);
}

TEST(the_hash_tells_contents_apart_and_nothing_else)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct disk *disk = sim_disk_seam(sim);
	CHECK_EQ(disk_mkdir(disk, "d"), 0);
	struct file *file = must_open(sim, "d/a", NEW);
	put(file, "hello", 1000);
	uint64_t hash = sim_disk_hash(sim);
	CHECK_EQ(sim_disk_hash(crash(sim, choose_latest, to)), hash);
	CHECK_EQ(disk_rename(disk, "d/a", "a"), 0);
	CHECK(sim_disk_hash(sim) != hash);
	CHECK_EQ(disk_rename(disk, "a", "d/a"), 0);
	CHECK_EQ(sim_disk_hash(sim), hash);
	CHECK_EQ(sim_disk_flip(sim, "d/a", 1001, 1), 0);
	CHECK(sim_disk_hash(sim) != hash);
	CHECK_EQ(sim_disk_flip(sim, "d/a", 1001, 1), 0);
	CHECK_EQ(sim_disk_hash(sim), hash);
	CHECK_EQ(sim_disk_flip(sim, "d/a", 1005, 1), -EINVAL);
	CHECK_EQ(sim_disk_flip(sim, "d/b", 0, 1), -ENOENT);
	CHECK_EQ(file_truncate(file, 1006), 0);
	CHECK(sim_disk_hash(sim) != hash);
	file_close(file);
}

TEST(damage_reaches_every_version)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct file *file = must_open(sim, "a", NEW);
	put(file, "AA", 0);
	CHECK_EQ(file_sync(file), 0);
	CHECK_EQ(disk_sync_dir(sim_disk_seam(sim), "."), 0);
	put(file, "BB", 0);
	CHECK_EQ(sim_disk_flip(sim, "a", 1, 0x20), 0);
	CHECK_STR(show(sim, "a"), "Bb");
	CHECK_STR(show(crash(sim, choose_durable, to), "a"), "Aa");
	file_close(file);
}

static int step_open(struct sim_disk *sim)
{
	return open_err(sim, "d/a-new-name", NEW);
}

static int step_write(struct sim_disk *sim)
{
	struct file *file = must_open(sim, "a", RW);
	int err = file_write_full(file, "hello", 5, 9000);
	file_close(file);
	return err;
}

static int step_truncate(struct sim_disk *sim)
{
	struct file *file = must_open(sim, "a", RW);
	int err = file_truncate(file, 1);
	if (!err)
		err = file_truncate(file, 700);
	file_close(file);
	return err;
}

static int step_rename(struct sim_disk *sim)
{
	return disk_rename(sim_disk_seam(sim), "a", "d/a-new-name");
}

static int step_mkdir(struct sim_disk *sim)
{
	return disk_mkdir(sim_disk_seam(sim), "d/a-new-folder");
}

static int step_crash(struct sim_disk *sim)
{
	OWN(free_disk) struct sim_disk *to = sim_disk_new();
	return to ? sim_disk_crash(sim, choose_latest, NULL, to) : -ENOMEM;
}

/* The nth allocation of the step fails: it says so and has done nothing, then or later. */
static bool out_of_memory(int (*step)(struct sim_disk *sim), uint64_t nth)
{
	OWN(free_disk) struct sim_disk *sim = new_disk(), *to = new_disk();
	struct file *file = must_open(sim, "a", NEW);
	put(file, "0123456789", 300);
	file_close(file);
	CHECK_EQ(disk_mkdir(sim_disk_seam(sim), "d"), 0);
	uint64_t hash = sim_disk_hash(sim), ways = sim_disk_crash_count(sim, 1000, to);
	alloc_faults.arm(nth, false);
	int err = step(sim);
	bool failed = alloc_faults.failed();
	alloc_faults.arm(0, false);
	CHECK_EQ(err, failed ? -ENOMEM : 0);
	if (!failed)
		return false;
	CHECK_EQ(sim_disk_hash(sim), hash);
	CHECK_EQ(sim_disk_crash_count(sim, 1000, to), ways);
	CHECK_EQ(step(sim), 0);
	return true;
}

TEST(without_memory_nothing_happens)
{
	static int (*const steps[])(struct sim_disk * sim) = {
		step_open, step_write, step_truncate, step_rename, step_mkdir, step_crash};
	uint64_t failed = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		for (uint64_t nth = 1; out_of_memory(steps[i], nth); nth++)
			failed++;
	CHECK(failed > 10);
}

TEST_MAIN
