/* SPDX-License-Identifier: Apache-2.0 */
/* Each table ends with one store, so that what is noted together is there together. */
#include "vol/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/plant.h"
#include "vol/map_inner.h"

#define MAGIC UINT64_C(0x31746e6563657265) /* "erecent1" */
#define ZEROS_BIT (UINT32_C(1) << 31)

struct entry {
	uint32_t slot, extent;
	uint32_t era;     /* with ZEROS_BIT */
	uint32_t indexed; /* where in the index */
	uint64_t present;
};

struct table {
	uint64_t sequence; /* of the journal when it was begun */
	uint32_t count, spare;
};

struct recent_head {
	uint64_t magic;
	struct recent_of of;
	uint32_t filled; /* which of the tables */
	uint32_t room;
	struct table tables[2];
	struct entry entries[]; /* of the first and of the second, in turn */
};

_Static_assert(sizeof(struct recent_head) + 2 * 8 * sizeof(struct entry) <= RECENT_LEAST,
	"the least has room");

static struct table *filled(const struct recent *recent)
{
	return &recent->head->tables[recent->head->filled];
}

static struct table *older(const struct recent *recent)
{
	return &recent->head->tables[!recent->head->filled];
}

static struct entry *entry_of(const struct recent *recent, const struct table *table, uint32_t n)
{
	return &recent->head->entries[2 * (size_t)n + (table != recent->head->tables)];
}

/* After it, all that was stored before is there whenever this is. */
static void set_count(struct table *table, uint32_t count)
{
	__atomic_store_n(&table->count, count, __ATOMIC_RELEASE);
}

static bool is_ours(const struct recent *recent, const struct recent_of *of)
{
	const struct recent_head *head = recent->head;
	return head->magic == MAGIC && head->room == recent->room && head->filled <= 1 &&
		head->tables[0].count <= recent->room && head->tables[1].count <= recent->room &&
		(memcmp(&head->of, of, sizeof(*of)) == 0 || planted(RECENT_ANY_BOOT));
}

static uint32_t entries_in(size_t bytes)
{
	size_t head = sizeof(struct recent_head);
	return bytes < head ? 0 : (uint32_t)((bytes - head) / sizeof(struct entry) / 2);
}

/* Memory for so many entries of each table, if there is any. */
static void make_ready(struct recent *recent, size_t entries)
{
	const struct recent_memory *memory = recent->memory;
	size_t bytes = sizeof(struct recent_head) + 2 * entries * sizeof(struct entry);
	size_t ready = memory->grow ? memory->grow(memory->arg, bytes) : memory->len;
	uint32_t now = entries_in(ready < memory->len ? ready : memory->len);
	recent->ready = now > recent->ready ? now : recent->ready;
}

int recent_begin(
	struct recent *recent, const struct recent_memory *memory, const struct recent_of *of)
{
	must(memory->len >= RECENT_LEAST && (uintptr_t)memory->bytes % 8 == 0);
	uint32_t room = entries_in(memory->len);
	uint32_t size = 1;
	while (size < 2 * room)
		size *= 2;
	uint32_t *index = calloc(size, sizeof(*index));
	if (!index)
		return -ENOMEM;
	*recent = (struct recent){.head = memory->bytes,
		.room = room,
		.ready = entries_in(RECENT_LEAST),
		.memory = memory,
		.index = index,
		.index_size = size};
	if (is_ours(recent, of)) {
		uint32_t a = filled(recent)->count, b = older(recent)->count;
		make_ready(recent, a > b ? a : b);
		return recent->ready < a || recent->ready < b ? -ENOMEM : 0;
	}
	memset(recent->head, 0, sizeof(struct recent_head));
	recent->head->of = *of;
	recent->head->room = room;
	recent->head->magic = MAGIC;
	return 0;
}

void recent_done(struct recent *recent)
{
	free(recent->index);
	*recent = (struct recent){0};
}

/* An extent has two slots in an era, one of them of zeros. */
bool recent_has_room(struct recent *recent, size_t extents)
{
	if (!recent->head)
		return true;
	size_t want = filled(recent)->count + 2 * extents;
	if (want > recent->ready && want <= recent->room)
		make_ready(recent, want);
	return want <= recent->ready;
}

/* Its place in the index, or the one where it belongs. */
static uint32_t *find(const struct recent *recent, uint32_t slot)
{
	uint32_t mask = recent->index_size - 1, at = slot * UINT32_C(0x9e3779b1) & mask;
	while (recent->index[at] &&
		entry_of(recent, filled(recent), recent->index[at] - 1)->slot != slot)
		at = (at + 1) & mask;
	return &recent->index[at];
}

/* It counts when set_count() says so. */
static void add(struct recent *recent, const struct vol_map *map, uint32_t slot, uint32_t n)
{
	const struct map_slot *state = &map->slots.at[slot];
	struct entry *entry = entry_of(recent, filled(recent), n);
	uint32_t *index = find(recent, slot);
	*entry = (struct entry){.slot = slot,
		.extent = state->extent,
		.era = state->era | (state->zeros ? ZEROS_BIT : 0),
		.indexed = (uint32_t)(index - recent->index),
		.present = state->present};
	*index = n + 1;
}

void recent_note(struct recent *recent, const struct vol_map *map, uint32_t extent)
{
	if (!recent->head || planted(RECENT_NOT_NOTED))
		return;
	struct table *table = filled(recent);
	uint32_t slots[2] = {map_era_slot(map, extent, map->era, false),
		map_era_slot(map, extent, map->era, true)};
	unsigned count = 0;
	for (unsigned i = 0; i < 2; i++)
		if (slots[i] != SLOT_NONE && map->slots.at[slots[i]].touched)
			slots[count++] = slots[i];
	uint32_t known = count == 1 ? *find(recent, slots[0]) : 0;
	if (known) {
		__atomic_store_n(&entry_of(recent, table, known - 1)->present,
			map->slots.at[slots[0]].present, __ATOMIC_RELEASE);
		return;
	}
	must(table->count + count <= recent->ready);
	for (unsigned i = 0; i < count; i++)
		add(recent, map, slots[i], table->count + i);
	set_count(table, table->count + count);
}

static void forget_index(struct recent *recent)
{
	for (uint32_t n = 0; n < filled(recent)->count; n++)
		recent->index[entry_of(recent, filled(recent), n)->indexed &
			(recent->index_size - 1)] = 0;
}

void recent_turn(struct recent *recent, uint64_t sequence)
{
	if (!recent->head)
		return;
	struct table *next = older(recent);
	must(next->count == 0);
	next->sequence = sequence;
	forget_index(recent);
	__atomic_store_n(&recent->head->filled, !recent->head->filled, __ATOMIC_RELEASE);
	if (planted(RECENT_OVER_EARLY))
		recent_over(recent);
}

void recent_over(struct recent *recent)
{
	if (recent->head)
		set_count(older(recent), 0);
}

void recent_empty(struct recent *recent, uint64_t sequence)
{
	if (!recent->head)
		return;
	forget_index(recent);
	set_count(older(recent), 0);
	set_count(filled(recent), 0);
	filled(recent)->sequence = sequence;
}

uint32_t recent_count(const struct recent *recent, uint64_t sequence)
{
	if (!recent->head || older(recent)->sequence > sequence ||
		filled(recent)->sequence > sequence)
		return 0;
	return older(recent)->count + filled(recent)->count;
}

uint32_t recent_get(const struct recent *recent, uint32_t n, struct map_slot *ret_state)
{
	const struct table *table = n < older(recent)->count ? older(recent) : filled(recent);
	const struct entry *entry = entry_of(
		recent, table, table == filled(recent) ? n - older(recent)->count : n);
	*ret_state = (struct map_slot){.present = entry->present,
		.extent = entry->extent,
		.era = entry->era & ~ZEROS_BIT,
		.older = SLOT_NONE,
		.zeros = entry->era & ZEROS_BIT};
	return entry->slot;
}
