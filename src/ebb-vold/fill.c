/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extents from the source into the volume: those that a request waits for first, then one after the
 * other. Everything goes on in one step, which comes whenever something has changed.
 *
 *   free -> asked of the source -> there -> written, run after run of missing blocks -> free
 *
 * An extent that is there waits until no client writes to it; while we write, clients wait.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb-vold/fill_inner.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/world.h"

#define FLUSH_EVERY (UINT64_C(64) << 20)
#define ROUND_NS (10 * NS_PER_SEC)
#define LOOK_AT_ONCE (UINT64_C(1) << 30)

static const char file_name[] = "fill";

/* ---- the file ---- */

int fill_note(struct disk *disk, const char *address, const char *name, struct why *why)
{
	char text[2 * FILL_TEXT];
	OWN(file_close_own) struct file *file = NULL;
	int len = snprintf(text, sizeof(text), "%s\n%s\n", address, name);
	if (strlen(address) >= FILL_TEXT || strlen(name) >= FILL_TEXT || strchr(address, '\n') ||
		strchr(name, '\n'))
		return why_set(why, -EINVAL, "what to fill from is a line of text, not too long");
	int err = disk_open(disk, file_name, FILE_READ | FILE_WRITE | FILE_CREATE, &file);
	if (!err)
		err = file_truncate(file, 0);
	if (!err)
		err = file_write_full(file, text, (size_t)len, 0);
	if (!err)
		err = file_sync(file);
	if (!err)
		err = disk_sync_dir(disk, ".");
	return err ? why_errno(why, err, "%s", file_name) : 0;
}

/* -ENOENT: it is an ordinary volume. */
static int read_note(struct fill *fill, struct why *why)
{
	char text[2 * FILL_TEXT];
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size = 0;
	int err = disk_open(fill->parts.disk, file_name, FILE_READ, &file);
	if (err == -ENOENT)
		return err;
	if (!err)
		err = file_size(file, &size);
	if (!err && size >= sizeof(text))
		err = -EBADMSG;
	if (!err)
		err = file_read_full(file, text, (size_t)size, 0);
	if (err)
		return why_errno(why, err, "%s", file_name);
	text[size] = '\0';
	char *second = strchr(text, '\n'), *end = second ? strchr(second + 1, '\n') : NULL;
	if (!end || end[1] || second - text >= FILL_TEXT || end - second > FILL_TEXT)
		return why_set(why, -EBADMSG, "%s is not two lines of text", file_name);
	*second = *end = '\0';
	memcpy(fill->address, text, strlen(text) + 1);
	memcpy(fill->name, second + 1, strlen(second + 1) + 1);
	return 0;
}

/* Only now is what is not present zeros. */
static int forget_note(struct fill *fill)
{
	int err = disk_unlink(fill->parts.disk, file_name);
	return err && err != -ENOENT ? err : disk_sync_dir(fill->parts.disk, ".");
}

/* ---- one extent ---- */

static const struct vol_map *map_of(const struct fill *fill)
{
	return engine_map(fill->parts.engine);
}

static uint32_t bytes_of(const struct fill *fill, uint32_t extent)
{
	uint64_t from = (uint64_t)extent * VOL_EXTENT, size = map_of(fill)->size;
	return (uint32_t)(size - from < VOL_EXTENT ? size - from : VOL_EXTENT);
}

static bool is_missing(const struct fill *fill, uint32_t extent, unsigned block)
{
	uint64_t at = (uint64_t)extent * VOL_EXTENT_BLOCKS + block;
	return map_find(map_of(fill), map_of(fill)->era, at).slot == SLOT_NONE;
}

static bool misses_any(const struct fill *fill, uint32_t extent)
{
	unsigned count = (bytes_of(fill, extent) + VOL_BLOCK - 1) / VOL_BLOCK;
	for (unsigned i = 0; i < count; i++)
		if (is_missing(fill, extent, i))
			return true;
	return false;
}

static bool all_zeros(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static void on_written(struct engine_request *request, int err);

/* The next run of missing blocks that are no zeros; when there is none the extent is settled. */
static void write_on(struct fetch *fetch)
{
	struct fill *fill = fetch->fill;
	uint32_t bytes = bytes_of(fill, fetch->extent);
	unsigned count = (bytes + VOL_BLOCK - 1) / VOL_BLOCK, from, to;
	for (from = fetch->block; from < count; from++)
		if (is_missing(fill, fetch->extent, from) &&
			!all_zeros(fetch->bytes + (size_t)from * VOL_BLOCK, VOL_BLOCK))
			break;
	for (to = from; to < count; to++)
		if (!is_missing(fill, fetch->extent, to) ||
			all_zeros(fetch->bytes + (size_t)to * VOL_BLOCK, VOL_BLOCK))
			break;
	if (from == count) {
		fill_settle(fill, fetch->extent);
		fetch->state = FETCH_FREE;
		fill_kick(fill);
		return;
	}
	uint64_t at = (uint64_t)from * VOL_BLOCK, end = (uint64_t)to * VOL_BLOCK;
	end = end < bytes ? end : bytes;
	fetch->block = to;
	fetch->write = (struct engine_request){.kind = ENGINE_WRITE,
		.at = (uint64_t)fetch->extent * VOL_EXTENT + at,
		.len = end - at,
		.bytes = fetch->bytes + at,
		.done = on_written};
	engine_submit(fill->parts.engine, &fetch->write);
}

static void on_written(struct engine_request *request, int err)
{
	struct fetch *fetch = container_of(request, struct fetch, write);
	struct fill *fill = fetch->fill;
	if (!err) {
		fill->fetched += request->len;
		fill->unflushed += request->len;
		write_on(fetch);
		return;
	}
	/* A full disk, say: whoever waits learns it, and the next round tries again. */
	fetch->state = FETCH_FREE;
	fill->failed++;
	gate_fail(fill, fetch->extent, err);
	fill_kick(fill);
}

static void on_fetched(struct nbd_asked *asked, int err)
{
	struct fetch *fetch = container_of(asked, struct fetch, asked);
	struct fill *fill = fetch->fill;
	fetch->state = err ? FETCH_FREE : FETCH_THERE;
	if (err && err != -EPIPE) {
		fill->failed++;
		gate_fail(fill, fetch->extent, err);
	}
	/* It is asked for again when the source is back. */
	if (err && fetch->extent < fill->cursor)
		fill->cursor = fetch->extent;
}

static void start(struct fill *fill, struct fetch *fetch, uint32_t extent, bool behind)
{
	fetch->state = FETCH_ASKED;
	fetch->extent = extent;
	fetch->behind = behind;
	fetch->block = 0;
	/* Behind the end of the source are zeros. */
	uint64_t at = (uint64_t)extent * VOL_EXTENT, size = nbd_client_facts(fill->client)->size;
	uint64_t left = at < size ? size - at : 0, length = bytes_of(fill, extent);
	length = length < left ? length : left;
	memset(fetch->bytes + length, 0, VOL_EXTENT - length);
	fetch->asked = (struct nbd_asked){.type = NBD_READ,
		.offset = at,
		.length = (uint32_t)length,
		.bytes = fetch->bytes,
		.done = on_fetched};
	if (length)
		nbd_client_ask(fill->client, &fetch->asked);
	else
		on_fetched(&fetch->asked, 0);
}

/* ---- holes ---- */

static void on_hole(struct nbd_asked *asked, unsigned context, uint64_t len, uint32_t flags)
{
	struct fill *fill = container_of(asked, struct fill, look);
	uint64_t from = fill->look_at, end = from + len, size = map_of(fill)->size;
	(void)context;
	end = end < size ? end : size;
	fill->look_at = end;
	if (!(flags & NBD_ZEROES))
		return;
	uint64_t extent = (from + VOL_EXTENT - 1) / VOL_EXTENT;
	while (extent < fill->extents &&
		extent * VOL_EXTENT + bytes_of(fill, (uint32_t)extent) <= end)
		fill_settle(fill, (uint32_t)extent++);
}

static void on_looked(struct nbd_asked *asked, int err)
{
	struct fill *fill = container_of(asked, struct fill, look);
	fill->looking = false;
	/* A source that does not tell is read all through. */
	fill->looked_to = err == -EPIPE                 ? fill->looked_to
		: err || fill->look_at == asked->offset ? UINT64_MAX
							: fill->look_at;
}

static void look(struct fill *fill, uint64_t at)
{
	uint64_t left = nbd_client_facts(fill->client)->size - at;
	fill->looking = true;
	fill->look_at = at;
	fill->look = (struct nbd_asked){.type = NBD_STATUS,
		.offset = at,
		.length = (uint32_t)(left < LOOK_AT_ONCE ? left : LOOK_AT_ONCE),
		.on_extent = on_hole,
		.done = on_looked};
	nbd_client_ask(fill->client, &fill->look);
}

/* ---- the step ---- */

static unsigned busy(const struct fill *fill, bool behind)
{
	unsigned count = 0;
	for (unsigned i = 0; i < FILL_SLOTS; i++)
		count += fill->fetches[i].state != FETCH_FREE &&
			(!behind || fill->fetches[i].behind);
	return count;
}

static bool is_fetched(const struct fill *fill, uint32_t extent)
{
	for (unsigned i = 0; i < FILL_SLOTS; i++)
		if (fill->fetches[i].state != FETCH_FREE && fill->fetches[i].extent == extent)
			return true;
	return false;
}

static bool wants_look(const struct fill *fill, uint64_t at)
{
	const struct nbd_client_facts *facts = nbd_client_facts(fill->client);
	return at >= fill->looked_to && at < facts->size && facts->contexts;
}

/* What nobody waits for. False: nothing of it now. */
static bool next_behind(struct fill *fill, uint32_t *ret_extent)
{
	for (; !fill->looking && fill->cursor < fill->extents; fill->cursor++) {
		uint64_t at = (uint64_t)fill->cursor * VOL_EXTENT;
		if (fill_settled(fill, fill->cursor) || is_fetched(fill, fill->cursor))
			continue;
		if (!misses_any(fill, fill->cursor)) {
			fill_settle(fill, fill->cursor);
			continue;
		}
		if (wants_look(fill, at)) {
			look(fill, at);
			return false;
		}
		if (busy(fill, true) >= FILL_BEHIND)
			return false;
		*ret_extent = fill->cursor++;
		return true;
	}
	return false;
}

static void start_fetches(struct fill *fill)
{
	uint32_t extent;
	for (unsigned i = 0; source_ready(fill) && i < FILL_SLOTS; i++) {
		struct fetch *fetch = &fill->fetches[i];
		if (fetch->state != FETCH_FREE)
			continue;
		bool wanted = gate_wants(fill, &extent);
		if (!wanted && !next_behind(fill, &extent))
			break;
		start(fill, fetch, extent, !wanted);
	}
	source_push(fill);
}

static void start_writes(struct fill *fill)
{
	for (unsigned i = 0; i < FILL_SLOTS; i++) {
		struct fetch *fetch = &fill->fetches[i];
		if (fetch->state != FETCH_THERE || gate_writes(fill, fetch->extent))
			continue;
		fetch->state = FETCH_WRITES;
		write_on(fetch);
	}
}

static void on_flushed(struct engine_request *request, int err)
{
	struct fill *fill = container_of(request, struct fill, flush);
	fill->flushing = false;
	fill->flush_err = err;
	fill_kick(fill);
}

static void flush(struct fill *fill)
{
	fill->flushing = true;
	fill->unflushed = 0;
	fill->flush = (struct engine_request){.kind = ENGINE_FLUSH, .done = on_flushed};
	engine_submit(fill->parts.engine, &fill->flush);
}

static bool all_settled(const struct fill *fill)
{
	for (uint32_t i = 0; i < fill->extents; i++)
		if (!fill_settled(fill, i))
			return false;
	return true;
}

/* All was looked at: either all is there, or what failed is tried again in a while. */
static void end_round(struct fill *fill)
{
	if (fill->failed || !all_settled(fill)) {
		fill->failed = 0;
		fill->cursor = 0;
		timer_set(fill->parts.world->loop, &fill->step,
			clock_mono_ns(fill->parts.world->clock) + ROUND_NS);
		return;
	}
	if (!fill->whole) {
		/* What was flushed before may be less than all. */
		fill->whole = true;
		flush(fill);
		return;
	}
	if (fill->flush_err || forget_note(fill)) {
		fill->whole = false;
		fill->failed = 1;
		return;
	}
	fill->stopped = true;
	fill->parts.whole(fill->parts.arg);
}

static void on_step(struct timer *timer)
{
	struct fill *fill = container_of(timer, struct fill, step);
	if (fill->stopped)
		return;
	start_writes(fill);
	gate_wake(fill);
	start_fetches(fill);
	if (fill->unflushed >= FLUSH_EVERY && !fill->flushing)
		flush(fill);
	if (fill->cursor == fill->extents && !busy(fill, false) && !fill->flushing)
		end_round(fill);
}

void fill_kick(struct fill *fill)
{
	if (!fill->stopped)
		timer_set(fill->parts.world->loop, &fill->step, 0);
}

/* ---- the whole ---- */

static int fill_init(struct fill *fill)
{
	fill->extents = (uint32_t)((map_of(fill)->size + VOL_EXTENT - 1) / VOL_EXTENT);
	fill->settled = calloc(fill->extents / 64 + 1, sizeof(*fill->settled));
	fill->gated_end = &fill->gated;
	fill->step.fn = on_step;
	for (unsigned i = 0; i < FILL_SLOTS; i++) {
		fill->fetches[i].fill = fill;
		fill->fetches[i].bytes = aligned_alloc(VOL_BLOCK, VOL_EXTENT);
		if (!fill->fetches[i].bytes)
			return -ENOMEM;
	}
	return fill->settled ? 0 : -ENOMEM;
}

int fill_open(const struct fill_parts *parts, struct fill **ret_fill, struct why *why)
{
	struct fill *fill = calloc(1, sizeof(*fill));
	if (!fill)
		return why_set(why, -ENOMEM, "no memory");
	fill->parts = *parts;
	int err = read_note(fill, why);
	if (!err && fill_init(fill))
		err = why_set(why, -ENOMEM, "no memory");
	if (!err) {
		source_open(fill);
		*ret_fill = fill;
		return 0;
	}
	fill_close(fill);
	if (err != -ENOENT)
		return err;
	*ret_fill = NULL;
	return 0;
}

void fill_go_on(struct fill *fill)
{
	fill->stopped = false;
	source_open(fill);
	fill_kick(fill);
}

void fill_stop(struct fill *fill)
{
	source_close(fill);
	timer_cancel(fill->parts.world->loop, &fill->step);
	gate_refuse(fill, -ESHUTDOWN);
}

bool fill_idle(const struct fill *fill)
{
	bool writes = false;
	for (unsigned i = 0; i < FILL_SLOTS; i++)
		writes |= fill->fetches[i].state == FETCH_WRITES;
	return !writes && !fill->running && !fill->flushing;
}

static void fill_free(struct fill *fill)
{
	for (unsigned i = 0; i < FILL_SLOTS; i++)
		free(fill->fetches[i].bytes);
	while (fill->gated) {
		struct gated *next = fill->gated->next;
		free(fill->gated);
		fill->gated = next;
	}
	free(fill->settled);
	free(fill);
}

void fill_close(struct fill *fill)
{
	if (!fill)
		return;
	/* The loop may have ended since it was stopped. */
	if (fill->step.fn && !fill->stopped)
		fill_stop(fill);
	fill_free(fill);
}

void fill_retire(struct fill *fill)
{
	fill_stop(fill);
	fill->retired = true;
	if (!fill->running)
		fill_free(fill);
}

void fill_ran(struct fill *fill)
{
	if (fill->retired && !fill->running)
		fill_free(fill);
	else
		fill_kick(fill);
}

struct fill_facts fill_facts(const struct fill *fill)
{
	return (struct fill_facts){.address = fill->address,
		.name = fill->name,
		.connected = source_ready(fill),
		.looked = (uint64_t)fill->cursor * VOL_EXTENT,
		.fetched = fill->fetched,
		.failed = fill->failed};
}
