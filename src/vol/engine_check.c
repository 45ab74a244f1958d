/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of slots, with their sums: what is read is compared, what is written is summed. And what
 * the engine does with slots by itself: copying blocks for a merge, and reading back.
 *
 * A block that does not match is read once more. No write of it is under way: those of requests are
 * in the bucket, and a copy writes what no view shows.
 */
#include <errno.h>

#include "vol/engine_inner.h"

/* ---- reading ---- */

static int read_to_end(struct piece *piece)
{
	struct part *part = &piece->part;
	while (part->done < part->end) {
		ssize_t n = piece_move(piece, AIO_READ);
		if (n < 0)
			return (int)n;
		part->done += (size_t)n;
	}
	return 0;
}

/* 0: all match; -EIO: the next one is bad; 1: it is to be read once more. */
static int compare(struct sums *sums, struct part *part)
{
	unsigned first = part->from / VOL_BLOCK, count = (unsigned)(part->len / VOL_BLOCK);
	const uint8_t *at = part->bytes + (size_t)part->checked * VOL_BLOCK;
	if (part->again) {
		if (!sums_judge(sums, part->slot, first + part->checked, at))
			return -EIO;
		part->again = false;
		part->checked++;
		at += VOL_BLOCK;
	}
	if (part->checked < count)
		part->checked += sums_match(
			sums, part->slot, first + part->checked, count - part->checked, at);
	if (part->checked == count)
		return 0;
	part->again = true;
	part->done = (size_t)part->checked * VOL_BLOCK;
	part->end = part->done + VOL_BLOCK;
	return 1;
}

int piece_read_part(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err;
	do {
		err = read_to_end(piece);
		if (err || !volume->map.sums)
			return err;
		err = piece_want_page(piece, piece->part.slot);
		if (err)
			return err;
		err = compare(&volume->sums, &piece->part);
	} while (err > 0 && !piece->at_once);
	return err > 0 ? -EAGAIN : err;
}

/* ---- writing ---- */

static void begin_sums(struct piece *piece)
{
	const struct part *part = &piece->part;
	sums_write(&piece->engine->volume->sums, &piece->write, part->slot, part->from / VOL_BLOCK,
		(unsigned)(part->len / VOL_BLOCK), part->bytes);
	piece->summed = true;
}

static void end_sums(struct piece *piece, bool ok)
{
	sums_wrote(&piece->engine->volume->sums, &piece->write, ok);
	piece->summed = false;
}

/*
 * At once: its sums come behind it, because a write that cannot be done at once must not have
 * happened. One that was cut short leaves the region in doubt.
 */
static int write_now(struct piece *piece)
{
	struct part *part = &piece->part;
	ssize_t n = 0;
	while (part->done < part->len && n >= 0) {
		n = piece_move(piece, AIO_WRITE);
		part->done += n > 0 ? (size_t)n : 0;
	}
	if (n >= 0 || n != -EAGAIN || part->done) {
		begin_sums(piece);
		end_sums(piece, n >= 0);
	}
	return n < 0 ? (int)n : 0;
}

int piece_write_part(struct piece *piece)
{
	struct part *part = &piece->part;
	bool sums = piece->engine->volume->map.sums;
	if (sums && !piece->summed) {
		int err = piece_want_write(piece);
		if (err)
			return err;
		if (piece->at_once)
			return write_now(piece);
		begin_sums(piece);
	}
	while (part->done < part->len) {
		ssize_t n = piece_move(piece, AIO_WRITE);
		if (n < 0)
			return (int)n;
		part->done += (size_t)n;
	}
	if (sums)
		end_sums(piece, true);
	return 0;
}

/* ---- copying, one block after the other ---- */

static void aim_at(struct piece *piece, uint32_t slot, unsigned block)
{
	piece->part = (struct part){.slot = slot,
		.from = block * (uint32_t)VOL_BLOCK,
		.bytes = piece->block,
		.len = VOL_BLOCK,
		.end = VOL_BLOCK};
}

/* A bad block stays bad where it is copied to. */
static int copied_read(struct piece *piece, unsigned block)
{
	struct volume *volume = piece->engine->volume;
	int err = piece_read_part(piece);
	piece->spoilt = err == -EIO && volume->map.sums &&
		sums_is_bad(&volume->sums, piece->slot, block);
	return piece->spoilt ? 0 : err;
}

static int spoil(struct piece *piece, unsigned block)
{
	int err = piece->spoilt ? piece_want_page(piece, piece->into) : 0;
	if (!err && piece->spoilt)
		sums_spoil(&piece->engine->volume->sums, piece->into, block);
	return err;
}

int piece_copy_on(struct piece *piece)
{
	int err = 0;
	while (!err && piece->blocks) {
		unsigned block = (unsigned)__builtin_ctzll(piece->blocks);
		switch (piece->step) {
		case COPY_READ:
			if (!piece->part.len)
				aim_at(piece, piece->slot, block);
			err = copied_read(piece, block);
			if (err)
				break;
			aim_at(piece, piece->into, block);
			piece->step = COPY_WRITE;
			break;
		case COPY_WRITE:
			err = piece_write_part(piece);
			piece->step = err ? COPY_WRITE : COPY_SPOIL;
			break;
		case COPY_SPOIL:
			err = spoil(piece, block);
			if (err)
				break;
			piece->blocks &= piece->blocks - 1;
			piece->part.len = 0;
			piece->step = COPY_READ;
			break;
		}
	}
	return err;
}

/* ---- reading back ---- */

/* The next blocks of the slot that lie side by side. */
static void next_run(struct piece *piece)
{
	unsigned first = (unsigned)__builtin_ctzll(piece->blocks);
	uint64_t gaps = ~(piece->blocks >> first);
	unsigned count = gaps ? (unsigned)__builtin_ctzll(gaps) : VOL_EXTENT_BLOCKS;
	aim_at(piece, piece->slot, first);
	piece->part.bytes = piece->engine->pool->checks;
	piece->part.len = piece->part.end = (size_t)count * VOL_BLOCK;
}

static void pass(struct piece *piece, unsigned count)
{
	unsigned first = piece->part.from / VOL_BLOCK;
	uint64_t run = count == VOL_EXTENT_BLOCKS ? UINT64_MAX : (UINT64_C(1) << count) - 1;
	piece->blocks &= ~(run << first);
	piece->part.len = 0;
}

/* What is bad is counted by the sums, and is no error here. */
int piece_check_on(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err = 0;
	while (!err && piece->blocks) {
		if (!piece->part.len)
			next_run(piece);
		err = piece_read_part(piece);
		unsigned checked = piece->part.checked;
		unsigned block = piece->part.from / VOL_BLOCK + checked;
		bool bad = err == -EIO && piece->part.again &&
			sums_is_bad(&volume->sums, piece->slot, block);
		if (!err || bad)
			pass(piece, checked + bad);
		err = bad ? 0 : err;
	}
	if (err || !piece->renew)
		return err;
	err = piece_want_page(piece, piece->slot);
	if (!err)
		sums_renew(&volume->sums, piece->slot);
	return err;
}
