/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a tar archive as PostgreSQL sends it (ustar with GNU's base-256 sizes): entry by entry,
 * from bytes that come in pieces.
 *
 * One thread for each struct.
 */
#ifndef EBB_SOURCE_TAR_H
#define EBB_SOURCE_TAR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/disk.h"
#include "os/files.h"

struct why;

/* Where the archive's bytes come from: up to `len`, 0 at its end, negative errno. */
typedef ssize_t tar_read_fn(void *arg, void *bytes, size_t len, struct why *why);

enum { TAR_NAME = 260, TAR_TARGET = 101 };

struct tar_entry {
	char name[TAR_NAME]; /* without a slash at its end */
	char target[TAR_TARGET];
	struct files_meta meta;
};

struct tar {
	struct file content; /* of the entry that tar_next() gave, read from its start on */
	tar_read_fn *read;
	void *arg;
	struct why *why;
	uint64_t left, at, padding; /* of that entry */
	int err;                    /* of the last reading */
};

void tar_init(struct tar *tar, tar_read_fn *read, void *arg, struct why *why);

/* 1 and the next entry; what was left of the one before is passed over. 0 at the end, -EBADMSG. */
int tar_next(struct tar *tar, struct tar_entry *ret_entry);

#endif
