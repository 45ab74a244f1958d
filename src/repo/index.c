/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table is open addressing by the first bytes of the digest, which are as good as random: a
 * digest is keyed, so nobody without the key can aim at one slot.
 */
#include "repo/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "repo/index_disk.h"
#include "repo/merge.h"

void index_done(struct index *index)
{
	if (index->disk) {
		vec_each (run, &index->disk->runs)
			run_free(*run);
		vec_done(&index->disk->runs);
		index->disk->kept = 0;
		index->disk->numbered = 0;
	}
	vec_done(&index->packs);
	vec_done(&index->entries);
	vec_done(&index->retired);
	free(index->slots);
	*index = (struct index){0};
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_id));
}

int index_set_retired(struct index *index, const struct object_id *ids, size_t count)
{
	index->retired.len = 0;
	for (size_t i = 0; i < count; i++)
		if (vec_push(&index->retired, ids[i]))
			return -ENOMEM;
	if (count)
		qsort(index->retired.at, count, sizeof(*ids), by_id);
	return 0;
}

static bool is_retired(const struct index *index, const struct object_id *id)
{
	return index->retired.len &&
		bsearch(id, index->retired.at, index->retired.len, sizeof(*id), by_id);
}

/* ---- the table ---- */

/* The slot that holds the digest, or the free one where it belongs. */
static size_t find_slot(const struct index *index, const struct digest *digest)
{
	size_t mask = index->slot_count - 1;
	size_t s = get_le64(digest->b) & mask;
	while (index->slots[s] &&
		memcmp(index->entries.at[index->slots[s] - 1].at.digest.b, digest->b, DIGEST_SIZE))
		s = (s + 1) & mask;
	return s;
}

/* Slots for `count` entries, at most half full. */
static int make_slots(struct index *index, size_t count)
{
	size_t want = 1024;
	while (want < count * 2)
		want *= 2;
	if (want <= index->slot_count)
		return 0;
	if (want > UINT32_MAX / 2)
		return -ENOMEM;
	uint32_t *slots = calloc(want, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(index->slots);
	index->slots = slots;
	index->slot_count = want;
	for (size_t i = 0; i < index->entries.len; i++)
		slots[find_slot(index, &index->entries.at[i].at.digest)] = (uint32_t)i + 1;
	return 0;
}

int index_reserve(struct index *index, size_t packs, size_t entries)
{
	int err = make_slots(index, index->entries.len + entries);
	if (!err)
		err = vec_reserve(&index->entries, index->entries.len + entries);
	return err ? err : vec_reserve(&index->packs, index->packs.len + packs);
}

int index_add_pack(struct index *index, const struct index_pack *pack, uint32_t *ret_number)
{
	struct index_pack added = *pack;
	added.retired = is_retired(index, &pack->id);
	int err = vec_push(&index->packs, added);
	if (!err)
		*ret_number = (uint32_t)(index->packs.len - 1);
	return err;
}

/* An index of what waits in open packs knows no packs. */
static bool in_retired(const struct index *index, const struct index_entry *entry)
{
	return entry->pack < index->packs.len && index->packs.at[entry->pack].retired;
}

/* Whether the one place counts and the other does not. */
static bool is_better(
	const struct index *index, const struct index_entry *one, const struct index_entry *other)
{
	bool retired = in_retired(index, one);
	return retired != in_retired(index, other) ? !retired : one->pack >= other->pack;
}

int index_add(struct index *index, uint32_t pack, const struct pack_entry *at)
{
	const struct index_entry entry = {.at = *at, .pack = pack};
	int err = make_slots(index, index->entries.len + 1);
	if (err)
		return err;
	size_t slot = find_slot(index, &at->digest);
	if (index->slots[slot]) {
		struct index_entry *known = &index->entries.at[index->slots[slot] - 1];
		if (is_better(index, &entry, known))
			*known = entry;
		return 0;
	}
	err = vec_push(&index->entries, entry);
	if (!err)
		index->slots[slot] = (uint32_t)index->entries.len;
	return err;
}

/* ---- finding ---- */

static uint32_t numbered(const struct index *index)
{
	return index->disk ? index->disk->numbered : 0;
}

size_t index_count(const struct index *index)
{
	return numbered(index) + index->entries.len;
}

/* The place that counts among those that were found so far, and the least number. */
struct finding {
	const struct index *index;
	const struct run *run;
	struct index_entry entry;
	uint32_t number;
	bool found;
};

static void consider(struct finding *f, const struct index_entry *entry, uint32_t number)
{
	if (!f->found || is_better(f->index, entry, &f->entry))
		f->entry = *entry;
	if (!f->found || number < f->number)
		f->number = number;
	f->found = true;
}

static void on_place(void *arg, const struct run_entry *place)
{
	struct finding *f = arg;
	uint32_t pack = f->run->map ? f->run->map[place->pack] : place->pack;
	const struct index_entry entry = {.at = place->at, .pack = pack};
	if (pack < f->index->packs.len)
		consider(f, &entry, f->run->first + place->number);
}

static int look_in(struct finding *f, struct run *run, const struct digest *digest)
{
	const struct index_disk *disk = f->index->disk;
	const struct finding before = *f;
	f->run = run;
	int err = run_look(run, digest, on_place, f);
	if (err != -EBADMSG || !disk->heal)
		return err;
	err = disk->heal(disk->arg, run);
	if (err)
		return err;
	*f = before;
	f->run = run;
	return run_look(run, digest, on_place, f);
}

static int find(const struct index *index, const struct digest *digest, struct finding *f)
{
	uint32_t in_table = index->slot_count ? index->slots[find_slot(index, digest)] : 0;
	int err = 0;
	*f = (struct finding){.index = index};
	if (in_table)
		consider(f, &index->entries.at[in_table - 1], numbered(index) + in_table - 1);
	for (size_t i = 0; !err && index->disk && i < index->disk->runs.len; i++)
		err = look_in(f, index->disk->runs.at[i], digest);
	return err ? err : f->found;
}

int index_find(
	const struct index *index, const struct digest *digest, struct index_entry *ret_entry)
{
	struct finding f;
	int found = find(index, digest, &f);
	if (found == 1)
		*ret_entry = f.entry;
	return found;
}

int index_find_number(const struct index *index, const struct digest *digest, uint32_t *ret_number)
{
	struct finding f;
	int found = find(index, digest, &f);
	if (found == 1)
		*ret_number = f.number;
	return found;
}

/* ---- all of it ---- */

int index_sort_table(const struct index *index, struct run_entry **ret_entries)
{
	struct run_entry *entries = calloc(index->entries.len + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < index->entries.len; i++)
		entries[i] = (struct run_entry){
			.at = index->entries.at[i].at,
			.pack = index->entries.at[i].pack,
			.number = numbered(index) + (uint32_t)i,
		};
	qsort(entries, index->entries.len, sizeof(*entries), merge_order);
	*ret_entries = entries;
	return 0;
}

static int walk_merge(const struct index *index, struct merge *merge, index_walk_fn *fn, void *arg)
{
	struct finding f = {.index = index};
	struct run_entry place;
	int got, err = 0;
	while (!err && (got = merge_next(merge, &place)) == 1) {
		const struct index_entry entry = {.at = place.at, .pack = place.pack};
		if (f.found && !digest_equal(&f.entry.at.digest, &entry.at.digest)) {
			err = fn(arg, f.number, &f.entry);
			f.found = false;
		}
		if (entry.pack < index->packs.len)
			consider(&f, &entry, place.number);
	}
	if (err || got < 0)
		return err ? err : got;
	return f.found ? fn(arg, f.number, &f.entry) : 0;
}

int index_walk(const struct index *index, index_walk_fn *fn, void *arg)
{
	OWN(merge_done) struct merge merge = {0};
	OWN(own_free) struct run_entry *entries = NULL;
	int err = index_sort_table(index, &entries);
	if (!err)
		err = merge_add_array(&merge, entries, index->entries.len);
	if (index->disk) {
		merge.heal = index->disk->heal;
		merge.arg = index->disk->arg;
		vec_each (run, &index->disk->runs)
			err = err ? err : merge_add_run(&merge, *run, (*run)->map);
	}
	if (!err)
		err = merge_begin(&merge);
	return err ? err : walk_merge(index, &merge, fn, arg);
}
