/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/disk.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/test.h"

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

TEST_MAIN
