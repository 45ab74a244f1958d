/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer stands for a stretch of the file from a block on. It is written when it is full, when
 * bytes belong elsewhere, and at the end.
 */
#include "ship/pour.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "os/disk.h"

/* A file shorter than GATHER_FROM is written as it comes. */
enum { GATHERED = 1 << 20, GATHER_FROM = 256 << 10 };

void pour_begin(struct pour *pour, struct file *file, uint64_t size)
{
	pour->file = file;
	pour->base = pour->from = pour->to = 0;
	pour->gathers = size >= GATHER_FROM;
	if (pour->gathers && !pour->bytes)
		pour->bytes = aligned_alloc(DISK_BLOCK, GATHERED);
	pour->gathers = pour->gathers && pour->bytes;
	if (pour->gathers)
		file_once(file);
}

/* The part of a block at the front by itself, so that the rest begins on a block. */
static int flush(struct pour *pour)
{
	size_t from = pour->from, to = pour->to;
	size_t block = (from + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
	size_t middle = block < to ? block : to;
	int err = 0;
	pour->from = pour->to = 0;
	if (from < middle)
		err = file_write_full(
			pour->file, pour->bytes + from, middle - from, pour->base + from);
	if (!err && middle < to)
		err = file_write_full(
			pour->file, pour->bytes + middle, to - middle, pour->base + middle);
	return err;
}

int pour_write(struct pour *pour, const uint8_t *bytes, size_t len, uint64_t at)
{
	if (!pour->gathers)
		return file_write_full(pour->file, bytes, len, at);
	while (len) {
		if (pour->to == GATHERED || at != pour->base + pour->to) {
			int err = flush(pour);
			if (err)
				return err;
			pour->from = pour->to = at % DISK_BLOCK;
			pour->base = at - pour->from;
		}
		size_t n = GATHERED - pour->to < len ? GATHERED - pour->to : len;
		memcpy(pour->bytes + pour->to, bytes, n);
		pour->to += n;
		bytes += n;
		len -= n;
		at += n;
	}
	return 0;
}

int pour_end(struct pour *pour)
{
	int err = pour->gathers ? flush(pour) : 0;
	pour->file = NULL;
	return err;
}

void pour_done(struct pour *pour)
{
	free(TAKE(pour->bytes));
}
