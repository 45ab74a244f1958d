/* SPDX-License-Identifier: Apache-2.0 */
/* The radix heap: buckets are chains of chunks, chunks come from one growing pool. */
#include "sim/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/must.h"

/*
 * In each bucket only the last chunk, and in bucket 0 also the first, is less than full; while
 * events move, one more chunk is half emptied; number 0 is never used. So many chunks beyond the
 * full ones are enough.
 */
enum { QUEUE_SPARE = QUEUE_BUCKETS + 4, QUEUE_FEW = 256 };

void queue_done(struct queue *queue)
{
	free(queue->chunks);
	free(queue->whats);
	*queue = (struct queue){0};
}

static void chunk_give_back(struct queue *queue, uint32_t number)
{
	queue->chunks[number].next = queue->free_chunk;
	queue->free_chunk = number;
}

static int grow_chunks(struct queue *queue)
{
	if (queue->len + queue->cancelled < queue->room)
		return 0;
	size_t count = queue->chunk_count ? (size_t)queue->chunk_count * 2 : 2 * QUEUE_SPARE;
	if (count > UINT32_MAX)
		return -ENOMEM;
	struct queue_chunk *chunks = realloc(queue->chunks, count * sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	queue->chunks = chunks;
	uint32_t from = queue->chunk_count ? queue->chunk_count : 1;
	for (uint32_t i = (uint32_t)count; i-- > from;)
		chunk_give_back(queue, i);
	queue->chunk_count = (uint32_t)count;
	queue->room = (count - QUEUE_SPARE) * QUEUE_CHUNK;
	return 0;
}

/* A free handle's entry is odd, which no pointer to a struct is. */
static bool handle_is_free(const struct queue *queue, uint32_t handle)
{
	return (uintptr_t)queue->whats[handle] & 1;
}

static void handle_give_back(struct queue *queue, uint32_t handle)
{
	queue->whats[handle] = (void *)((uintptr_t)queue->free_handle << 1 | 1);
	queue->free_handle = handle;
}

static int grow_handles(struct queue *queue)
{
	if (queue->free_handle)
		return 0;
	size_t count = queue->handle_count ? (size_t)queue->handle_count * 2 : 64;
	if (count > UINT32_MAX)
		return -ENOMEM;
	void **whats = realloc(queue->whats, count * sizeof(*whats));
	if (!whats)
		return -ENOMEM;
	queue->whats = whats;
	uint32_t from = queue->handle_count ? queue->handle_count : 1;
	whats[0] = NULL;
	for (uint32_t i = (uint32_t)count; i-- > from;)
		handle_give_back(queue, i);
	queue->handle_count = (uint32_t)count;
	return 0;
}

static void add(struct queue *queue, struct queue_item item)
{
	uint64_t differ = (uint64_t)(item.at_ns ^ queue->now_ns);
	unsigned number = differ ? 64 - (unsigned)__builtin_clzll(differ) : 0;
	struct queue_bucket *bucket = &queue->buckets[number];
	struct queue_chunk *chunk = &queue->chunks[bucket->last];
	if (!bucket->last || chunk->count == QUEUE_CHUNK) {
		uint32_t fresh = queue->free_chunk;
		must(fresh);
		queue->free_chunk = queue->chunks[fresh].next;
		if (bucket->last)
			chunk->next = fresh;
		else
			bucket->first = fresh;
		bucket->last = fresh;
		chunk = &queue->chunks[fresh];
		chunk->next = 0;
		chunk->count = 0;
		queue->filled |= UINT64_C(1) << number;
	}
	chunk->items[chunk->count++] = item;
}

int queue_push(struct queue *queue, int64_t at_ns, uint32_t tag, void *what, uint32_t *ret_handle)
{
	must(at_ns >= queue->now_ns && at_ns < INT64_MAX && what && !((uintptr_t)what & 1));
	int err = grow_chunks(queue);
	if (!err)
		err = grow_handles(queue);
	if (err)
		return err;
	uint32_t handle = queue->free_handle;
	queue->free_handle = (uint32_t)((uintptr_t)queue->whats[handle] >> 1);
	queue->whats[handle] = what;
	queue->len++;
	add(queue, (struct queue_item){at_ns, handle, tag});
	*ret_handle = handle;
	return 0;
}

bool queue_holds(const struct queue *queue, uint32_t handle, const void *what)
{
	return handle < queue->handle_count && queue->whats[handle] == what;
}

void queue_cancel(struct queue *queue, uint32_t handle)
{
	must(handle && handle < queue->handle_count && queue->whats[handle] &&
		!handle_is_free(queue, handle));
	queue->whats[handle] = NULL;
	queue->len--;
	queue->cancelled++;
	/* What is cancelled stays where it is until its bucket is opened; many are not worth it. */
	if (queue->cancelled > queue->len + QUEUE_FEW)
		queue_sweep(queue, NULL, NULL);
}

/* True when the item was cancelled; then its handle is free again. */
static bool drop_cancelled(struct queue *queue, const struct queue_item *item)
{
	if (!queue->cancelled || queue->whats[item->handle])
		return false;
	handle_give_back(queue, item->handle);
	queue->cancelled--;
	return true;
}

static int64_t earliest(const struct queue *queue, uint32_t number)
{
	int64_t at_ns = INT64_MAX;
	for (; number; number = queue->chunks[number].next) {
		const struct queue_chunk *chunk = &queue->chunks[number];
		for (uint32_t i = 0; i < chunk->count; i++) {
			const struct queue_item *item = &chunk->items[i];
			if (item->at_ns < at_ns && queue->whats[item->handle])
				at_ns = item->at_ns;
		}
	}
	return at_ns;
}

/* Moves the lowest bucket's events down, so that the earliest lie in bucket 0. */
static bool open_lowest(struct queue *queue, int64_t until_ns)
{
	if (!queue->filled)
		return false;
	unsigned lowest = (unsigned)__builtin_ctzll(queue->filled);
	uint32_t number = queue->buckets[lowest].first;
	int64_t at_ns = earliest(queue, number);
	if (at_ns != INT64_MAX) { /* else all of them are cancelled */
		if (at_ns > until_ns)
			return false;
		queue->now_ns = at_ns;
	}
	queue->buckets[lowest] = (struct queue_bucket){0};
	queue->filled &= ~(UINT64_C(1) << lowest);
	while (number) {
		struct queue_chunk *chunk = &queue->chunks[number];
		uint32_t next = chunk->next;
		for (uint32_t i = 0; i < chunk->count; i++) {
			if (!drop_cancelled(queue, &chunk->items[i]))
				add(queue, chunk->items[i]);
		}
		chunk_give_back(queue, number);
		number = next;
	}
	return true;
}

bool queue_pop(struct queue *queue, int64_t until_ns, struct queue_event *ret_event)
{
	for (;;) {
		while (!(queue->filled & 1)) {
			if (!open_lowest(queue, until_ns))
				return false;
		}
		if (queue->now_ns > until_ns)
			return false;
		uint32_t number = queue->buckets[0].first;
		struct queue_chunk *chunk = &queue->chunks[number];
		struct queue_item item = chunk->items[queue->head++];
		if (queue->head == chunk->count) {
			queue->head = 0;
			queue->buckets[0].first = chunk->next;
			if (!chunk->next) {
				queue->buckets[0].last = 0;
				queue->filled &= ~UINT64_C(1);
			}
			chunk_give_back(queue, number);
		}
		if (drop_cancelled(queue, &item))
			continue;
		void *what = queue->whats[item.handle];
		handle_give_back(queue, item.handle);
		queue->len--;
		*ret_event = (struct queue_event){item.at_ns, item.handle, item.tag, what};
		return true;
	}
}

/* All chunks as one chain, the earliest bucket first; the buckets are empty afterwards. */
static uint32_t detach_all(struct queue *queue)
{
	uint32_t first = 0, last = 0;
	for (unsigned i = 0; i < QUEUE_BUCKETS; i++) {
		struct queue_bucket *bucket = &queue->buckets[i];
		if (!bucket->first)
			continue;
		if (last)
			queue->chunks[last].next = bucket->first;
		else
			first = bucket->first;
		last = bucket->last;
		*bucket = (struct queue_bucket){0};
	}
	queue->filled = 0;
	return first;
}

static void sweep_item(struct queue *queue, struct queue_item item, queue_sweep_fn *fn, void *arg)
{
	if (drop_cancelled(queue, &item))
		return;
	if (fn) {
		struct queue_event event = {
			item.at_ns, item.handle, item.tag, queue->whats[item.handle]};
		if (!fn(arg, &event)) {
			handle_give_back(queue, item.handle);
			queue->len--;
			return;
		}
		must(event.at_ns >= queue->now_ns && event.at_ns < INT64_MAX);
		item.at_ns = event.at_ns;
	}
	add(queue, item);
}

void queue_sweep(struct queue *queue, queue_sweep_fn *fn, void *arg)
{
	uint32_t skip = queue->head;
	queue->head = 0;
	for (uint32_t number = detach_all(queue); number;) {
		struct queue_chunk *chunk = &queue->chunks[number];
		uint32_t next = chunk->next;
		for (uint32_t i = skip; i < chunk->count; i++)
			sweep_item(queue, chunk->items[i], fn, arg);
		skip = 0;
		chunk_give_back(queue, number);
		number = next;
	}
}
