/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks by their digest: the piece of the pack alone, or the whole pack mended when that fails. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "place/place.h"
#include "repo/client_inner.h"
#include "repo/inner.h"

int repo_point(
	struct repo *repo, const struct object_id *id, struct point *ret_point, struct why *why)
{
	OWN(own_free) uint8_t *plain = NULL;
	size_t len;
	char name[OBJECT_NAME];
	if (repo->client)
		return client_point(repo, id, ret_point, why);
	const struct head_point *named = head_find_point(&repo->head, id);
	object_name(OBJECT_POINT, id, name);
	if (!named)
		return why_set(why, -ENOENT, "%s: the newest head does not name it", name);
	int err = repo_fetch(repo, OBJECT_POINT, id, &plain, &len, why);
	if (err)
		return err;
	err = body_is(plain, len, named->sum)
		? point_get(plain, len, ret_point, why)
		: why_set(why, -EBADMSG, "it is not the one that the head names");
	if (err)
		return why_prefix(why, err, "%s", name);
	ret_point->id = *id;
	return 0;
}

/* In a pack at the place that is not known as damaged. */
static int find_good(
	const struct repo *repo, const struct digest *digest, struct index_entry *ret_entry)
{
	int found = index_find(&repo->index, digest, ret_entry);
	return found == 1 ? !repo->index.packs.at[ret_entry->pack].bad : found;
}

bool repo_has(const struct repo *repo, const struct digest *digest)
{
	struct index_entry entry;
	return find_good(repo, digest, &entry) == 1 || packing_has(repo, digest) ||
		squeeze_has(repo, digest);
}

int repo_rely(struct repo *repo, const struct digest *digest)
{
	struct index_entry entry;
	int found = find_good(repo, digest, &entry);
	if (!found)
		return packing_has(repo, digest) || squeeze_has(repo, digest);
	if (found == 1)
		repo->index.packs.at[entry.pack].relied = true;
	return found;
}

int repo_opener(struct repo *repo, uint32_t pack, struct opener **ret_opener, struct why *why)
{
	char name[OBJECT_NAME];
	uint8_t start[SEAL_BODY];
	struct object_header header;
	const struct index_pack *known = &repo->index.packs.at[pack];
	for (size_t i = 0; i < OPENERS; i++) {
		if (repo->openers[i].opener && repo->openers[i].pack == pack) {
			*ret_opener = repo->openers[i].opener;
			return 0;
		}
	}
	object_name(known->kind, &known->id, name);
	ssize_t n = place_get(repo->world.place, name, 0, start, sizeof(start));
	if (n < 0)
		return why_errno(why, (int)n, "%s", name);
	int err = object_get_header(start, (size_t)n, &header, why);
	if (!err)
		err = object_is(&header, known->kind, &repo->id, &known->id, why);
	struct opener_slot *slot = &repo->openers[repo->next_opener];
	struct opener *opener;
	if (!err)
		err = opener_new(start, (size_t)n, repo->ring, &opener, why);
	if (err)
		return why_prefix(why, err, "%s", name);
	repo->next_opener = (repo->next_opener + 1) % OPENERS;
	opener_free(slot->opener);
	*slot = (struct opener_slot){opener, pack};
	*ret_opener = opener;
	return 0;
}

/* Memory that is asked for in ever longer pieces is all new each time: not if it can be helped. */
enum { ROOM_STEP = 512 << 10 };

/* Shorter pieces are read as they lie. */
enum { GRAIN_FROM = 64 << 10 };

static int reserve(const struct place *place, struct room *room, size_t len)
{
	if (len <= room->cap && room->bytes)
		return 0;
	if (room->bytes)
		len = (len + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
	free(TAKE(room->bytes));
	room->bytes = place_memory(place, len);
	room->cap = room->bytes ? len : 0;
	return room->bytes ? 0 : -ENOMEM;
}

/* From the sealed blob, which is opened where it lies, to plain bytes that have the digest's name.
 */
static int unpack(struct reading *reading, struct opener *opener, uint8_t *sealed)
{
	const struct pack_entry *at = &reading->entry.at;
	size_t blob_len = at->length - SEAL_TAG, len;
	struct digest digest;
	int err = open_segment(opener, at->segment, sealed, at->length, sealed);
	if (!err)
		err = codec_plain_len(at->kind, sealed, blob_len, &len);
	if (!err)
		err = reserve(reading->place, &reading->plain, len);
	if (!err)
		err = codec_unpack(reading->codec, sealed, blob_len, reading->plain.bytes, len);
	if (!err)
		err = digest_of(reading->digester, at->kind, reading->plain.bytes, len, &digest);
	if (err)
		return err;
	return len == at->plain_length && digest_equal(&digest, &at->digest) ? 0 : -EBADMSG;
}

void reading_done(struct reading *reading)
{
	free(reading->sealed.bytes);
	free(reading->plain.bytes);
}

int reading_run(struct reading *reading, struct opener *opener, struct why *why)
{
	const struct pack_entry *at = &reading->entry.at;
	if (at->length < BLOB_HEADER + SEAL_TAG || at->length > 2 * CONTENT_MAX)
		return why_set(why, -EBADMSG, "%s: the index claims a wrong length", reading->name);
	struct place *place = reading->place;
	size_t grain = place->grain && at->length >= GRAIN_FROM ? place->grain : 1;
	size_t before = at->offset % grain;
	size_t len = (before + at->length + grain - 1) / grain * grain;
	int err = reserve(place, &reading->sealed, len);
	if (err)
		return err;
	uint8_t *sealed = reading->sealed.bytes;
	ssize_t n = place_get(place, reading->name, at->offset - before, sealed, len);
	if (n < 0)
		return why_errno(why, (int)n, "%s", reading->name);
	if ((size_t)n < before + at->length)
		return why_set(why, -EBADMSG, "%s: it is too short", reading->name);
	err = unpack(reading, opener, sealed + before);
	return err ? why_set(why, err, "%s: a chunk in it is damaged", reading->name) : 0;
}

static struct reading begin_reading(struct repo *repo, const struct index_entry *entry)
{
	const struct index_pack *pack = &repo->index.packs.at[entry->pack];
	struct reading reading = {
		.place = repo->world.place,
		.entry = *entry,
		.codec = repo->codec,
		.digester = repo->digester,
	};
	object_name(pack->kind, &pack->id, reading.name);
	return reading;
}

/* The usual way: only the bytes of this chunk are read. */
int repo_piece(
	struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes, struct why *why)
{
	OWN(reading_done) struct reading reading = begin_reading(repo, entry);
	struct opener *opener = NULL;
	int err = repo_opener(repo, entry->pack, &opener, why);
	if (!err)
		err = reading_run(&reading, opener, why);
	if (!err)
		*ret_bytes = TAKE(reading.plain.bytes);
	return err;
}

/* The hard way. */
int repo_piece_mended(
	struct repo *repo, const struct index_entry *entry, uint8_t **ret_bytes, struct why *why)
{
	const struct index_pack *pack = &repo->index.packs.at[entry->pack];
	struct object_header want = {.kind = pack->kind, .repo = repo->id, .id = pack->id};
	OWN(reading_done) struct reading reading = begin_reading(repo, entry);
	OWN(own_free) uint8_t *bytes = NULL;
	struct opener *opener;
	size_t len;
	bool mended;
	int err = object_fetch(repo->world.place, &want, &bytes, &len, &mended, why);
	if (!err)
		err = opener_new(bytes, len, repo->ring, &opener, why);
	if (err)
		return err;
	uint64_t end = (uint64_t)entry->at.offset + entry->at.length;
	err = entry->at.length >= BLOB_HEADER + SEAL_TAG && end <= len
		? unpack(&reading, opener, bytes + entry->at.offset)
		: -EBADMSG;
	opener_free(opener);
	if (err)
		return why_set(why, err, "a chunk is damaged beyond what its pack's parity mends");
	repo->mended++;
	*ret_bytes = TAKE(reading.plain.bytes);
	return 0;
}

int repo_chunk(struct repo *repo, const struct digest *digest, enum chunk_kind kind,
	uint8_t **ret_bytes, size_t *ret_len, struct why *why)
{
	struct index_entry entry;
	if (repo->client)
		return client_chunk(repo, digest, kind, ret_bytes, ret_len, why);
	int err = index_find(&repo->index, digest, &entry);
	if (err < 0)
		return why_errno(why, err, "reading the index");
	if (!err || entry.at.kind != kind)
		return why_set(why, -ENOENT, "no index knows a chunk that is needed");
	err = repo_piece(repo, &entry, ret_bytes, why);
	if (err == -EBADMSG)
		err = repo_piece_mended(repo, &entry, ret_bytes, why);
	if ((err == -EBADMSG || err == -ENOENT || err == -EIO) &&
		!repo_elsewhere(repo, &entry, ret_bytes)) {
		repo->mended++;
		err = 0;
	}
	if (!err)
		*ret_len = entry.at.plain_length;
	return err;
}

bool repo_chunk_len(const struct repo *repo, const struct digest *digest, size_t *ret_len)
{
	struct index_entry entry;
	if (index_find(&repo->index, digest, &entry) != 1)
		return false;
	*ret_len = entry.at.plain_length;
	return true;
}

int repo_chunk_pack(
	const struct repo *repo, const struct digest *digest, struct object_id *ret_pack)
{
	struct index_entry entry;
	int found = index_find(&repo->index, digest, &entry);
	if (found == 1)
		*ret_pack = repo->index.packs.at[entry.pack].id;
	return found;
}

int repo_digest(struct repo *repo, enum chunk_kind kind, const void *bytes, size_t len,
	struct digest *ret_digest)
{
	return digest_of(repo->digester, kind, bytes, len, ret_digest);
}
