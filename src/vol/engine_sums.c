/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of sums, read by the piece that wants them first and written back one at a time, and
 * writes that wait until their region is durably active.
 *
 * Pieces wait in two lines. Those of `held` go on when a page was read or written, and look anew;
 * those of `parked` when a commit has ended, and a commit begins as long as there are some.
 */
#include <errno.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "os/disk.h"
#include "vol/engine_inner.h"

static void wait_in(struct piece **line, struct piece *piece)
{
	piece_list(piece);
	if (piece->state != PIECE_WRITE)
		piece_hold(piece);
	while (*line)
		line = &(*line)->next_held;
	piece->next_held = NULL;
	*line = piece;
}

/* ---- reading pages ---- */

void piece_drop_page(struct piece *piece)
{
	sums_loaded(&piece->engine->volume->sums, piece->page, false);
	piece->frame = NULL;
}

int piece_read_page(struct piece *piece)
{
	ssize_t n = 1;
	while (piece->frame_done < SUMS_PAGE && n > 0) {
		n = piece_move(piece, AIO_READ);
		piece->frame_done += n > 0 ? (size_t)n : 0;
	}
	if (n == -EAGAIN && !piece->at_once)
		return -EAGAIN;
	if (n < 0) {
		piece_drop_page(piece);
		return (int)n;
	}
	memset(piece->frame + piece->frame_done, 0, SUMS_PAGE - piece->frame_done);
	sums_loaded(&piece->engine->volume->sums, piece->page, true);
	piece->frame = NULL;
	return 0;
}

static int make_room(struct piece *piece)
{
	struct engine *engine = piece->engine;
	if (piece->at_once)
		return -EAGAIN;
	piece->for_room = true;
	wait_in(&engine->held, piece);
	engine->writer.asked = true;
	pages_write(engine);
	return -EAGAIN;
}

static int load(struct piece *piece, uint32_t slot)
{
	void *bytes;
	int err = sums_load(&piece->engine->volume->sums, sums_page(slot), &bytes);
	if (err == -EAGAIN)
		return make_room(piece);
	if (err)
		return err;
	piece->page = sums_page(slot);
	piece->frame = bytes;
	piece->frame_done = 0;
	return piece_read_page(piece);
}

int piece_want_page(struct piece *piece, uint32_t slot)
{
	struct volume *volume = piece->engine->volume;
	int err = sums_reserve(&volume->sums, volume->map.slots.len);
	if (err)
		return err;
	switch (sums_look(&volume->sums, slot)) {
	case SUMS_HERE:
		return 0;
	case SUMS_ABSENT:
		return load(piece, slot);
	case SUMS_LOADING:
		break;
	}
	if (!piece->at_once)
		wait_in(&piece->engine->held, piece);
	return -EAGAIN;
}

/* An error is for those that waited for what failed. */
void pages_wake(struct engine *engine, int err)
{
	struct piece *next = TAKE(engine->held);
	while (next) {
		struct piece *piece = next;
		next = piece->next_held;
		bool failed = err && piece->for_room;
		piece->for_room = false;
		if (failed)
			piece_end(piece, err);
		else
			piece_go_on(piece);
	}
}

/* ---- regions ---- */

int piece_want_write(struct piece *piece)
{
	struct volume *volume = piece->engine->volume;
	uint32_t slot = piece->part.slot;
	int err = piece_want_page(piece, slot);
	if (err)
		return err;
	if (sums_want(&volume->sums, slot) || !volume->map.slots.at[slot].told ||
		planted(VOL_SUMS_LOG_NOT_SYNCED))
		return 0;
	if (piece->at_once)
		return -EAGAIN;
	wait_in(&piece->engine->parked, piece);
	commit_drained(piece->engine);
	return -EAGAIN;
}

void parked_wake(struct engine *engine)
{
	struct piece *next = TAKE(engine->parked);
	while (next) {
		struct piece *piece = next;
		next = piece->next_held;
		piece_go_on(piece);
	}
}

/* ---- writing pages ---- */

static void write_on(struct engine *engine);

static void written(struct engine *engine, int err)
{
	struct page_writer *writer = &engine->writer;
	writer->busy = writer->asked = false;
	sums_written(&engine->volume->sums, writer->page, !err);
	if (err && engine->rest.stage == REST_PAGES)
		rest_pages_done(engine, err);
	pages_wake(engine, err);
	pages_write(engine);
}

static void on_io(struct aio_request *io, ssize_t result)
{
	struct engine *engine = container_of(io, struct engine, writer.io);
	struct page_writer *writer = &engine->writer;
	pool_give_side(engine);
	if (result <= 0 || (size_t)result > io->len) {
		written(engine, result < 0 ? (int)result : -EIO);
		return;
	}
	writer->done += (size_t)result;
	if (writer->done < SUMS_PAGE)
		write_on(engine);
	else
		written(engine, 0);
}

static void write_on(struct engine *engine)
{
	struct page_writer *writer = &engine->writer;
	writer->io = (struct aio_request){.kind = AIO_WRITE,
		.file = engine->volume->sums_file,
		.bytes = writer->bytes + writer->done,
		.len = SUMS_PAGE - writer->done,
		.at = (uint64_t)writer->page * SUMS_PAGE + writer->done,
		.done = on_io};
	writer->waits = !pool_take_side(engine, &writer->io);
}

/* Those that room is asked for are the ones that are taken next. */
static bool find_page(struct engine *engine, const void **ret_bytes)
{
	struct sums *sums = &engine->volume->sums;
	struct page_writer *writer = &engine->writer;
	uint32_t cursor = sums->hand;
	if (writer->asked && sums_next_dirty(sums, false, &cursor, &writer->page, ret_bytes))
		return true;
	cursor = 0;
	if (writer->asked && sums_next_dirty(sums, false, &cursor, &writer->page, ret_bytes))
		return true;
	writer->asked = false;
	return engine->rest.stage == REST_PAGES && !planted(VOL_SUMS_NOT_WRITTEN) &&
		sums_next_dirty(sums, true, &writer->cursor, &writer->page, ret_bytes);
}

void pages_write(struct engine *engine)
{
	struct page_writer *writer = &engine->writer;
	const void *bytes;
	if (writer->busy)
		return;
	if (!find_page(engine, &bytes)) {
		if (engine->rest.stage == REST_PAGES)
			rest_pages_done(engine, 0);
		return;
	}
	/* It may change while it is being written. */
	memcpy(writer->bytes, bytes, SUMS_PAGE);
	writer->busy = true;
	writer->done = 0;
	write_on(engine);
}

void pages_again(struct engine *engine)
{
	if (engine->writer.waits)
		write_on(engine);
}
