/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing by the first bytes of the digest, which are as good as random: a digest is keyed,
 * so nobody without the key can aim at one slot.
 */
#include "repo/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "repo/fields.h"

enum { VERSION = 1, ENTRY = 52, PACK = 17 };

void index_done(struct index *index)
{
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

bool index_find(
	const struct index *index, const struct digest *digest, struct index_entry *ret_entry)
{
	if (!index->slot_count)
		return false;
	uint32_t number = index->slots[find_slot(index, digest)];
	if (number)
		*ret_entry = index->entries.at[number - 1];
	return number != 0;
}

size_t index_count(const struct index *index)
{
	return index->entries.len;
}

bool index_find_number(const struct index *index, const struct digest *digest, uint32_t *ret_number)
{
	if (!index->slot_count)
		return false;
	uint32_t number = index->slots[find_slot(index, digest)];
	if (number)
		*ret_number = number - 1;
	return number != 0;
}

struct index_entry index_at(const struct index *index, uint32_t number)
{
	return index->entries.at[number];
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

static int put_entry(struct index *index, const struct index_entry *entry)
{
	int err = make_slots(index, index->entries.len + 1);
	if (err)
		return err;
	size_t slot = find_slot(index, &entry->at.digest);
	if (index->slots[slot]) {
		struct index_entry *known = &index->entries.at[index->slots[slot] - 1];
		if (in_retired(index, known) || !in_retired(index, entry))
			*known = *entry;
		return 0;
	}
	err = vec_push(&index->entries, *entry);
	if (!err)
		index->slots[slot] = (uint32_t)index->entries.len;
	return err;
}

int index_add(struct index *index, uint32_t pack, const struct pack_entry *entry)
{
	return put_entry(index, &(struct index_entry){.at = *entry, .pack = pack});
}

/* Where an index object that begins with pack `first` has to end, and how many entries it has. */
static int find_end(
	const struct index *index, uint32_t first, uint32_t *ret_next, uint32_t *ret_entries)
{
	size_t packs = index->packs.len - first;
	OWN(own_free) uint32_t *counts = calloc(packs + 1, sizeof(*counts));
	uint32_t next = 0, entries = 0;
	if (!counts)
		return -ENOMEM;
	vec_each (entry, &index->entries)
		if (entry->pack >= first)
			counts[entry->pack - first]++;
	do
		entries += counts[next++];
	while (next < packs && entries + counts[next] <= INDEX_OBJECT_ENTRIES);
	*ret_next = first + (packs ? next : 0);
	*ret_entries = entries;
	return 0;
}

static void put_packs(
	const struct index *index, uint32_t first, uint32_t next, struct fields_out *out)
{
	out_u32(out, next - first);
	for (size_t i = first; i < next; i++) {
		out_bytes(out, index->packs.at[i].id.b, sizeof(struct object_id));
		out_u8(out, index->packs.at[i].kind == OBJECT_DATA);
	}
}

/* So the object's length tells the number of chunks to a factor of two only. */
static void fill_up(struct fields_out *out)
{
	static const uint8_t zeros[1024];
	size_t length = sizeof(zeros);
	while (length < out->len)
		length *= 2;
	while (!planted(INDEX_NOT_FILLED) && !out->failed && out->len < length) {
		size_t more = length - out->len;
		out_bytes(out, zeros, more < sizeof(zeros) ? more : sizeof(zeros));
	}
}

static bool only_zeros_left(struct fields_in *in)
{
	while (!in->bad && in->at < in->end)
		if (in_u8(in))
			return false;
	return in_done(in);
}

int index_put(const struct index *index, uint32_t first, uint8_t **ret_body, size_t *ret_len,
	uint32_t *ret_next)
{
	OWN(out_done) struct fields_out out = {0};
	uint32_t next, count;
	int err = find_end(index, first, &next, &count);
	if (err)
		return err;
	out_u32(&out, VERSION);
	put_packs(index, first, next, &out);
	out_u32(&out, count);
	vec_each (entry, &index->entries) {
		if (entry->pack < first || entry->pack >= next)
			continue;
		out_bytes(&out, entry->at.digest.b, DIGEST_SIZE);
		out_u32(&out, entry->pack - first);
		out_u32(&out, entry->at.offset);
		out_u32(&out, entry->at.length);
		out_u32(&out, entry->at.plain_length);
		out_u32(&out, (uint32_t)entry->at.kind << 24 | entry->at.segment);
	}
	fill_up(&out);
	if (out.failed)
		return -ENOMEM;
	*ret_next = next;
	*ret_len = out.len;
	*ret_body = TAKE(out.at);
	return 0;
}

static int get_packs(struct fields_in *in, struct index *index)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, PACK) && !planted(INDEX_COUNT_BELIEVED))
		return -EBADMSG;
	int err = vec_reserve(&index->packs, count + 1u);
	for (uint32_t i = 0; !err && i < count; i++) {
		struct index_pack *pack = &index->packs.at[index->packs.len++];
		*pack = (struct index_pack){0};
		in_bytes(in, pack->id.b, sizeof(pack->id.b));
		pack->kind = in_u8(in) ? OBJECT_DATA : OBJECT_META;
	}
	return err;
}

static int get_entries(struct fields_in *in, struct index *index)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, ENTRY))
		return -EBADMSG;
	int err = vec_reserve(&index->entries, count + 1u);
	for (uint32_t i = 0; !err && i < count; i++) {
		struct index_entry *entry = &index->entries.at[index->entries.len++];
		in_bytes(in, entry->at.digest.b, DIGEST_SIZE);
		entry->pack = in_u32(in);
		entry->at.offset = in_u32(in);
		entry->at.length = in_u32(in);
		entry->at.plain_length = in_u32(in);
		uint32_t word = in_u32(in);
		entry->at.kind = (enum chunk_kind)(word >> 24);
		entry->at.segment = word & 0xffffff;
		if (entry->pack >= index->packs.len || entry->at.kind < CHUNK_CONTENT ||
			entry->at.kind >= CHUNK_KINDS)
			err = -EBADMSG;
	}
	return err;
}

/* Adds all of `more`, whose packs get numbers behind ours. */
static int merge(struct index *index, const struct index *more)
{
	uint32_t first = (uint32_t)index->packs.len;
	int err = make_slots(index, index->entries.len + more->entries.len);
	if (!err)
		err = vec_reserve(&index->entries, index->entries.len + more->entries.len);
	if (!err)
		err = vec_reserve(&index->packs, index->packs.len + more->packs.len);
	if (err)
		return err;
	vec_each (pack, &more->packs) {
		uint32_t number;
		err = index_add_pack(index, pack, &number);
	}
	vec_each (entry, &more->entries) {
		struct index_entry copy = *entry;
		copy.pack += first;
		if (!err)
			err = put_entry(index, &copy);
	}
	return err;
}

int index_get(struct index *index, const uint8_t *body, size_t len, struct why *why)
{
	struct fields_in in = {.at = body, .end = body + len};
	OWN(index_done) struct index more = {0};
	uint32_t version = in_u32(&in);
	if (!in.bad && version != VERSION)
		return why_set(
			why, -ENOTSUP, "written by a newer ebb (index %u): use that one", version);
	int err = get_packs(&in, &more);
	if (!err)
		err = get_entries(&in, &more);
	if (!err && !only_zeros_left(&in))
		err = -EBADMSG;
	if (err)
		return why_set(why, err, "the index is damaged");
	return merge(index, &more);
}
