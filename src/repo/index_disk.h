/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of an index that takes no memory: runs, and where they are made. For this room only.
 *
 * One thread for each struct.
 */
#ifndef EBB_REPO_INDEX_DISK_H
#define EBB_REPO_INDEX_DISK_H

#include "repo/index.h"
#include "repo/run.h"

struct dice;
struct disk;

struct index_disk {
	struct disk *disk; /* borrowed, for files without names */
	struct dice *dice;
	struct run_key key;
	VEC(struct run *) runs;
	size_t kept;    /* the first of runs: of index objects. The rest: of what was added since */
	uint32_t table; /* so many entries stay in memory */
	uint32_t numbered; /* below: numbers of entries in runs */
	bool full;         /* the disk took no more: what is added stays in memory */
	/* merge.h; of a kept run that was found damaged */
	int (*heal)(void *arg, struct run *run);
	void *arg;
};

/* Of entries in memory, unless somebody wants otherwise: some 5 MiB. */
enum { INDEX_TABLE = 64 << 10 };

/* The table in order. Gives the entries. */
int index_sort_table(const struct index *index, struct run_entry **ret_entries);

/* A file without a name. Gives the file. */
int index_open_scratch(const struct index_disk *disk, struct file **ret_file);

#endif
