/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the table to runs. Four runs of about one size become one, so that there are few of them and
 * each entry is written few times.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "os/dice.h"
#include "os/disk.h"
#include "repo/index.h"
#include "repo/index_disk.h"
#include "repo/merge.h"

enum { TOGETHER = 4 };

bool index_is_heavy(const struct index *index)
{
	return index->disk && !index->disk->full && index->entries.len >= index->disk->table;
}

int index_open_scratch(const struct index_disk *disk, struct file **ret_file)
{
	char name[40];
	struct file *file;
	snprintf(name, sizeof(name), "scratch-%016llx", (unsigned long long)dice_u64(disk->dice));
	int err = disk_open(
		disk->disk, name, FILE_READ | FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file);
	if (err)
		return err;
	err = disk_unlink(disk->disk, name);
	if (err) {
		file_close(file);
		return err;
	}
	*ret_file = file;
	return 0;
}

static void writer_own(struct run_writer **writer)
{
	run_writer_free(*writer);
}

/* All that the merge gives, in a run without a name. */
static int write_run(
	const struct index_disk *disk, struct merge *merge, uint64_t most, struct run **ret_run)
{
	OWN(writer_own) struct run_writer *writer = NULL;
	struct run_tables none = {0};
	struct run_entry entry;
	struct object_id id;
	struct file *file;
	int got = 0;
	dice_fill(disk->dice, id.b, sizeof(id.b));
	int err = index_open_scratch(disk, &file);
	if (!err)
		err = run_writer_new(file, &disk->key, &id, most, &writer);
	if (!err)
		err = merge_begin(merge);
	while (!err && (got = merge_next(merge, &entry)) == 1)
		err = run_writer_add(writer, &entry);
	if (!err)
		err = got < 0 ? got : run_writer_finish(writer, &none, ret_run);
	return err;
}

/* The last four as one, where they are alike. 1: they were. */
static int join(struct index_disk *disk)
{
	OWN(merge_done) struct merge merge = {0};
	size_t first = disk->runs.len - TOGETHER;
	struct run **runs = disk->runs.at + first, *joined;
	uint64_t most = 0;
	int err = 0;
	if (disk->runs.len < disk->kept + TOGETHER ||
		runs[0]->count / 2 > runs[TOGETHER - 1]->count)
		return 0;
	for (int i = 0; !err && i < TOGETHER; i++) {
		err = merge_add_run(&merge, runs[i], NULL);
		most += runs[i]->count;
	}
	if (!err)
		err = write_run(disk, &merge, most, &joined);
	if (err)
		return err;
	for (int i = 0; i < TOGETHER; i++)
		run_free(runs[i]);
	runs[0] = joined;
	disk->runs.len = first + 1;
	return 1;
}

static int spill(struct index *index)
{
	OWN(merge_done) struct merge merge = {0};
	OWN(own_free) struct run_entry *entries = NULL;
	struct index_disk *disk = index->disk;
	struct run *run;
	size_t count = index->entries.len;
	if (disk->numbered + count > UINT32_MAX / 2)
		return -ENOMEM;
	int err = vec_reserve(&disk->runs, disk->runs.len + 1);
	if (!err)
		err = index_sort_table(index, &entries);
	if (!err)
		err = merge_add_array(&merge, entries, count);
	if (!err)
		err = write_run(disk, &merge, count, &run);
	if (err)
		return err;
	disk->runs.at[disk->runs.len++] = run;
	disk->numbered += (uint32_t)count;
	index->entries.len = 0;
	memset(index->slots, 0, index->slot_count * sizeof(*index->slots));
	return 0;
}

int index_spill(struct index *index)
{
	struct index_disk *disk = index->disk;
	int err = index->entries.len ? spill(index) : 0;
	while (!err && (err = join(disk)) == 1)
		err = 0;
	if (err && err != -ENOMEM) {
		disk->full = true;
		err = 0;
	}
	return err;
}
