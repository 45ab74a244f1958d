/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of requests and their I/O, done at once where that can be.
 *
 * Invariants:
 *   1. the map shows blocks when their bytes are written, not before
 *   2. a slot in which a piece reads is not used again before it is done with it
 */
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/plant.h"
#include "os/disk.h"
#include "vol/engine_inner.h"

/* ---- I/O ---- */

void piece_hold(struct piece *piece)
{
	struct engine *engine = piece->engine;
	if (piece->holds)
		return;
	piece->holds = true;
	piece->phase = engine->phase;
	engine->reading[piece->phase]++;
}

void piece_let_go(struct piece *piece)
{
	struct engine *engine = piece->engine;
	if (!piece->holds)
		return;
	piece->holds = false;
	if (--engine->reading[piece->phase] == 0)
		clean_read_done(engine, piece->phase);
}

static void on_io(struct aio_request *io, ssize_t result)
{
	struct piece *piece = container_of(io, struct piece, io);
	struct engine *engine = piece->engine;
	bool page = piece->frame != NULL;
	if (result > 0 && (size_t)result > io->len)
		result = -EIO;
	/* A file of sums ends where none was written yet; data never does where a slot is. */
	if (result < 0 || (!page && !result) || engine->volume->stopped) {
		piece_end(piece, result < 0 ? (int)result : -EIO);
	} else {
		if (!page)
			piece->part.done += (size_t)result;
		else if (result)
			piece->frame_done += (size_t)result;
		else {
			memset(piece->frame + piece->frame_done, 0, SUMS_PAGE - piece->frame_done);
			piece->frame_done = SUMS_PAGE;
		}
		piece_go_on(piece);
	}
	if (page)
		pages_wake(engine, 0);
}

static void aim(struct piece *piece, enum aio_kind kind)
{
	struct volume *volume = piece->engine->volume;
	const struct part *part = &piece->part;
	size_t end = kind == AIO_READ ? part->end : part->len;
	piece->io = (struct aio_request){.kind = kind, .done = on_io};
	if (piece->frame) {
		piece->io.file = volume->sums_file;
		piece->io.bytes = piece->frame + piece->frame_done;
		piece->io.len = SUMS_PAGE - piece->frame_done;
		piece->io.at = (uint64_t)piece->page * SUMS_PAGE + piece->frame_done;
	} else {
		piece->io.file = volume->data;
		piece->io.bytes = part->bytes + part->done;
		piece->io.len = end - part->done;
		piece->io.at = (uint64_t)part->slot * VOL_EXTENT + part->from + part->done;
	}
}

ssize_t piece_move(struct piece *piece, enum aio_kind kind)
{
	struct engine_pool *pool = piece->engine->pool;
	aim(piece, kind);
	/* What the engine does by itself leaves the loop to others. */
	ssize_t n = piece->request || piece->at_once ? aio_now(pool->aio, &piece->io) : -EAGAIN;
	if (n > 0 && (size_t)n > piece->io.len)
		n = -EIO;
	if (n != -EAGAIN || piece->at_once)
		return n || piece->frame ? n : -EIO; /* what was never written is not asked for */
	/* Before it can come back. */
	piece_list(piece);
	if (kind == AIO_READ)
		piece_hold(piece);
	if (aio_submit(pool->aio, &piece->io))
		return -EBUSY; /* the pool is smaller than what an aio takes: its world has ended */
	return -EAGAIN;
}

/* ---- reads ---- */

static void set_part(struct piece *piece, uint32_t slot, uint64_t at, uint8_t *bytes, size_t len)
{
	piece->part = (struct part){.slot = slot,
		.from = (uint32_t)(at % VOL_EXTENT),
		.bytes = bytes,
		.len = len,
		.end = len};
}

static void advance(struct piece *piece, size_t n)
{
	piece->at += n;
	piece->bytes += n;
	piece->len -= n;
}

/* What comes next lies in one slot, or is zeros and done. Sums are of whole blocks. */
static void find_part(struct piece *piece)
{
	const struct vol_map *map = &piece->engine->volume->map;
	uint32_t view = piece->request->view ? piece->request->view : map->era;
	struct map_run run = map_find(map, view, piece->at / VOL_BLOCK);
	uint64_t room = (piece->at / VOL_BLOCK + run.blocks) * VOL_BLOCK - piece->at;
	size_t len = room < piece->len ? (size_t)room : piece->len;
	if (run.slot == SLOT_NONE) {
		memset(piece->bytes, 0, len);
		advance(piece, len);
		return;
	}
	piece->in_block = map->sums && (piece->at | len) % VOL_BLOCK;
	if (piece->in_block)
		set_part(piece, run.slot, piece->at - piece->at % VOL_BLOCK, piece->block,
			VOL_BLOCK);
	else
		set_part(piece, run.slot, piece->at, piece->bytes, len);
}

static int read_on(struct piece *piece)
{
	while (piece->len > 0) {
		if (!piece->part.len)
			find_part(piece);
		if (!piece->part.len)
			continue;
		int err = piece_read_part(piece);
		if (err)
			return err;
		if (piece->in_block)
			memcpy(piece->bytes, piece->block + piece->at % VOL_BLOCK, piece->len);
		advance(piece, piece->in_block ? piece->len : piece->part.len);
		piece->part.len = 0;
		piece_let_go(piece);
	}
	return 0;
}

/* ---- writes ---- */

static int write_on(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err = piece_write_part(piece);
	if (err)
		return err;
	if (volume->stopped)
		return -EIO;
	/* Since the sync that may have begun meanwhile: it need not have seen this. */
	if (!planted(ENGINE_UNSYNCED_LOST))
		volume->unsynced = true;
	volume_wrote(volume, piece->slot, piece->blocks);
	return 0;
}

static int fill_on(struct piece *piece)
{
	const struct vol_map *map = &piece->engine->volume->map;
	uint64_t at = piece->at - piece->at % VOL_BLOCK;
	if (!piece->part.len) {
		struct map_run run = map_find(map, map->era, at / VOL_BLOCK);
		if (run.slot == SLOT_NONE)
			memset(piece->block, 0, VOL_BLOCK);
		else
			set_part(piece, run.slot, at, piece->block, VOL_BLOCK);
	}
	int err = piece->part.len ? piece_read_part(piece) : 0;
	if (err)
		return err;
	piece_let_go(piece);
	memcpy(piece->block + piece->at % VOL_BLOCK, piece->bytes, piece->len);
	set_part(piece, piece->slot, at, piece->block, VOL_BLOCK);
	piece->in_block = true;
	piece->state = PIECE_WRITE;
	return write_on(piece);
}

static int go_on(struct piece *piece)
{
	if (piece->state == PIECE_READ)
		return read_on(piece);
	if (piece->state == PIECE_FILL)
		return fill_on(piece);
	if (piece->state == PIECE_COPY)
		return piece_copy_on(piece);
	if (piece->state == PIECE_CHECK)
		return piece_check_on(piece);
	return write_on(piece);
}

void piece_go_on(struct piece *piece)
{
	int err = piece->engine->volume->stopped ? -EIO : 0;
	if (!err && piece->frame)
		err = piece_read_page(piece);
	if (!err)
		err = go_on(piece);
	if (err != -EAGAIN)
		piece_end(piece, err == -EBUSY ? -EIO : err);
}

/* ---- starts ---- */

/* The slot, and a note of what a sync that fails would leave unsure. */
static int place(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err = map_place(&volume->map, piece->extent, &piece->slot);
	if (!err)
		err = volume_note_written(volume, piece->extent);
	if (!err && planted(ENGINE_MAP_BEFORE_DATA))
		map_wrote(&volume->map, piece->slot, piece->blocks);
	if (!err && piece->state == PIECE_WRITE)
		set_part(piece, piece->slot, piece->at, piece->bytes, piece->len);
	return err;
}

void piece_run(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	int err = volume->stopped ? -EIO : 0;
	if (!err && piece->state == PIECE_ZERO) {
		piece_end(piece, volume_zeroed(volume, piece->extent, piece->blocks));
		return;
	}
	if (!err && (piece->state == PIECE_WRITE || piece->state == PIECE_FILL))
		err = place(piece);
	if (err)
		piece_end(piece, err);
	else
		piece_go_on(piece);
}

void piece_start(struct piece *piece)
{
	if (piece_must_wait(piece)) {
		piece->waits = true;
		piece_list(piece);
		return;
	}
	piece_run(piece);
}

int piece_now(struct piece *piece)
{
	piece->at_once = true;
	if (piece_must_wait(piece))
		return -EAGAIN;
	int err = piece->state == PIECE_READ ? 0 : place(piece);
	if (err)
		return err;
	return piece->state == PIECE_READ ? read_on(piece) : write_on(piece);
}
