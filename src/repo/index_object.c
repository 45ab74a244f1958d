/* SPDX-License-Identifier: Apache-2.0 */
/* Index objects: what an index says of some packs, as bytes and back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/plant.h"
#include "base/why.h"
#include "repo/fields.h"
#include "repo/index.h"

/* Since the second version the lengths of packs are told. */
enum { PLAIN = 1, LENGTHS = 2, ENTRY = 52, PACK = 17 };

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
	bool lengths = false;
	for (size_t i = first; i < next; i++)
		lengths = lengths || index->packs.at[i].length;
	out_u32(out, lengths ? LENGTHS : PLAIN);
	out_u32(out, next - first);
	for (size_t i = first; i < next; i++) {
		out_bytes(out, index->packs.at[i].id.b, sizeof(struct object_id));
		out_u8(out, index->packs.at[i].kind == OBJECT_DATA);
		if (lengths)
			out_u64(out, index->packs.at[i].length);
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

static int get_packs(struct fields_in *in, uint32_t version, struct index *index)
{
	uint32_t count = in_u32(in);
	if (!in_has(in, count, version == LENGTHS ? PACK + 8 : PACK) &&
		!planted(INDEX_COUNT_BELIEVED))
		return -EBADMSG;
	int err = vec_reserve(&index->packs, count + 1u);
	for (uint32_t i = 0; !err && i < count; i++) {
		struct index_pack *pack = &index->packs.at[index->packs.len++];
		*pack = (struct index_pack){0};
		in_bytes(in, pack->id.b, sizeof(pack->id.b));
		pack->kind = in_u8(in) ? OBJECT_DATA : OBJECT_META;
		if (version == LENGTHS)
			pack->length = in_u64(in);
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
	int err = index_reserve(index, more->packs.len, more->entries.len);
	if (err)
		return err;
	vec_each (pack, &more->packs) {
		uint32_t number;
		err = index_add_pack(index, pack, &number);
	}
	vec_each (entry, &more->entries) {
		if (!err)
			err = index_add(index, first + entry->pack, &entry->at);
	}
	return err;
}

int index_get(struct index *index, const uint8_t *body, size_t len, struct why *why)
{
	struct fields_in in = {.at = body, .end = body + len};
	OWN(index_done) struct index more = {0};
	uint32_t version = in_u32(&in);
	if (!in.bad && version != PLAIN && version != LENGTHS)
		return why_set(
			why, -ENOTSUP, "written by a newer ebb (index %u): use that one", version);
	int err = get_packs(&in, version, &more);
	if (!err)
		err = get_entries(&in, &more);
	if (!err && !only_zeros_left(&in))
		err = -EBADMSG;
	if (err)
		return why_set(why, err, "the index is damaged");
	return merge(index, &more);
}
