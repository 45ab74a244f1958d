/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing packs and reading their directories.
 *
 * A blob waits in plain in `waiting` until chance picks it; then it is sealed at the end of the
 * object. Invariants:
 *   1. entries[0 .. count) are sealed, in the order of their segments, without gaps from SEAL_BODY
 *   2. at - SEAL_BODY is the sum of the entries' lengths
 *   3. at most WAITING blobs wait, and none is also sealed
 */
#include "chunk/pack.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/own.h"
#include "base/plant.h"
#include "base/rng.h"
#include "base/vec.h"
#include "base/why.h"
#include "chunk/codec.h"
#include "chunk/keys.h"
#include "chunk/memory.h"
#include "chunk/parity.h"
#include "chunk/seal.h"
#include "os/dice.h"

/* How many blobs wait for their place: enough to hide an order, few enough to hold. */
enum { WAITING = 16, WAITING_LONG = 8, WAITING_BYTES = 2 << 20 };

/* Behind the entries: who wrote it. */
enum { MARK = 32 };

struct blob {
	struct pack_entry entry;
	struct piece *pieces;
	size_t len;
};

struct pack_writer {
	struct pack_options options;
	struct object_header header;
	struct sealer *sealer;
	struct rng shuffle;
	struct blob waiting[WAITING];
	size_t waiting_count, waiting_bytes;
	VEC(struct pack_entry) entries;
	struct piece *free; /* pieces of blobs that are sealed, for the next ones */
	struct span span;
	uint8_t *bytes; /* of the span */
	size_t at;
	int failed; /* a seal did: there will be no pack */
};

/* Lengths that packs may have: see FORMATS-REPOSITORY.md. */
static size_t rounded_length(size_t len)
{
	size_t step = 1;
	if (planted(PACK_NOT_FILLED))
		return len;
	if (len >= 4u << 20)
		step = 1u << 20;
	else
		while (len / step >= 8)
			step *= 2;
	return (len + step - 1) / step * step;
}

/* What the object takes when `count` blobs of `bytes` sealed bytes are closed. */
static size_t closed_length(size_t sealed_bytes, size_t count)
{
	return SEAL_BODY + sealed_bytes + 4 + MARK + count * PACK_DIRECTORY_ENTRY + SEAL_TAG +
		PACK_TAIL;
}

/* The object with its parity when it is closed with so many blobs of so many sealed bytes. */
static size_t whole_length(const struct pack_writer *writer, size_t sealed_bytes, size_t count)
{
	size_t length = rounded_length(closed_length(sealed_bytes, count));
	return length + parity_size(length, writer->options.parity_percent);
}

size_t pack_full(uint32_t size, unsigned parity_percent)
{
	return size + parity_size(size, parity_percent);
}

/* Room for `need` bytes. Only here, never while it is closed, memory is taken from others. */
static int make_room(struct pack_writer *writer, size_t need)
{
	size_t full = pack_full(writer->options.size, writer->options.parity_percent);
	int err = span_grow(writer->options.memory, &writer->span, need, full);
	if (!err)
		writer->bytes = writer->span.bytes;
	return err;
}

int pack_writer_new(const struct pack_options *options, struct pack_writer **ret_writer)
{
	must(options->kind == OBJECT_DATA || options->kind == OBJECT_META);
	struct pack_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->options = *options;
	if (!writer->options.size)
		writer->options.size = PACK_SIZE;
	writer->header = (struct object_header){.kind = options->kind, .repo = options->repo};
	dice_fill(options->with->dice, writer->header.id.b, sizeof(writer->header.id.b));
	rng_seed(&writer->shuffle, dice_u64(options->with->dice));
	int err = make_room(writer, whole_length(writer, 0, 0));
	if (!err)
		err = sealer_new(&writer->header, options->with, writer->bytes + OBJECT_HEADER,
			&writer->sealer);
	writer->at = SEAL_BODY;
	if (err)
		pack_writer_free(writer);
	else
		*ret_writer = writer;
	return err;
}

void pack_writer_free(struct pack_writer *writer)
{
	if (!writer)
		return;
	struct pack_memory *memory = writer->options.memory;
	for (size_t i = 0; i < writer->waiting_count; i++)
		pieces_give(memory, writer->waiting[i].pieces);
	pieces_give(memory, writer->free);
	span_give(memory, &writer->span);
	sealer_free(writer->sealer);
	vec_done(&writer->entries);
	free(writer);
}

size_t pack_count(const struct pack_writer *writer)
{
	return writer->entries.len + writer->waiting_count;
}

/* The sealed bytes of all blobs and one more. */
static size_t sealed_with(const struct pack_writer *writer, size_t blob_len)
{
	return writer->at - SEAL_BODY + writer->waiting_bytes + writer->waiting_count * SEAL_TAG +
		blob_len + SEAL_TAG;
}

bool pack_fits(const struct pack_writer *writer, size_t blob_len)
{
	size_t count = pack_count(writer) + 1;
	size_t sealed = sealed_with(writer, blob_len);
	return count == 1 ||
		(count < SEAL_SEGMENTS_MAX && closed_length(sealed, count) <= writer->options.size);
}

size_t pack_growth(const struct pack_writer *writer, size_t blob_len)
{
	size_t count = pack_count(writer) + 1;
	size_t need = whole_length(writer, sealed_with(writer, blob_len), count);
	return span_growth(&writer->span, need);
}

/* Copies the blob's pieces to where they are sealed, and keeps them for the next blob. */
static void gather(struct pack_writer *writer, struct blob *blob, uint8_t *to)
{
	for (size_t left = blob->len; blob->pieces;) {
		struct piece *piece = blob->pieces;
		size_t n = left < PIECE_SIZE ? left : PIECE_SIZE;
		memcpy(to, piece->bytes, n);
		to += n;
		left -= n;
		blob->pieces = piece->next;
		piece->next = writer->free;
		writer->free = piece;
	}
}

/* Seals the waiting blob `i` at the end of the object and closes the gap it leaves. */
static int seal_waiting(struct pack_writer *writer, size_t i)
{
	struct blob *blob = &writer->waiting[planted(PACK_ORDER_KEPT) ? 0 : i];
	uint8_t *to = writer->bytes + writer->at;
	blob->entry.segment = sealer_next(writer->sealer);
	blob->entry.offset = (uint32_t)writer->at;
	blob->entry.length = (uint32_t)(blob->len + SEAL_TAG);
	gather(writer, blob, to);
	writer->failed = seal_segment(writer->sealer, to, blob->len, to);
	writer->at += blob->len + SEAL_TAG;
	writer->entries.at[writer->entries.len++] = blob->entry;
	writer->waiting_bytes -= blob->len;
	*blob = writer->waiting[--writer->waiting_count];
	return writer->failed;
}

static int scatter(
	struct pack_writer *writer, const uint8_t *bytes, size_t len, struct piece **ret_pieces)
{
	struct piece *first = NULL, **end = &first;
	for (size_t at = 0; at < len; at += PIECE_SIZE) {
		struct piece *piece = writer->free;
		if (piece)
			writer->free = piece->next;
		else
			piece = piece_take(writer->options.memory);
		if (!piece) {
			pieces_give(writer->options.memory, first);
			return -ENOMEM;
		}
		memcpy(piece->bytes, bytes + at, len - at < PIECE_SIZE ? len - at : PIECE_SIZE);
		piece->next = NULL;
		*end = piece;
		end = &piece->next;
	}
	*ret_pieces = first;
	return 0;
}

/* Memory for all that closing the pack takes: that is done on another thread. */
static int reserve_all(struct pack_writer *writer, size_t blob_len)
{
	size_t count = pack_count(writer) + 1;
	int err = make_room(writer, whole_length(writer, sealed_with(writer, blob_len), count));
	return err ? err : vec_reserve(&writer->entries, count);
}

/* Of long blobs fewer wait. */
static bool waits_enough(const struct pack_writer *writer)
{
	return writer->waiting_count == WAITING ||
		(writer->waiting_count >= WAITING_LONG && writer->waiting_bytes > WAITING_BYTES);
}

int pack_add(struct pack_writer *writer, const struct digest *digest, enum chunk_kind kind,
	const uint8_t *blob, size_t blob_len)
{
	must(blob_len >= BLOB_HEADER && blob_len <= CONTENT_MAX + BLOB_HEADER);
	int err = writer->failed ? writer->failed : reserve_all(writer, blob_len);
	while (!err && waits_enough(writer))
		err = seal_waiting(writer, rng_below(&writer->shuffle, writer->waiting_count));
	struct piece *pieces;
	if (!err)
		err = scatter(writer, blob, blob_len, &pieces);
	if (err)
		return err;
	struct pack_entry entry = {
		.digest = *digest,
		.kind = kind,
		.plain_length = get_le32(blob + 1),
	};
	writer->waiting[writer->waiting_count++] = (struct blob){entry, pieces, blob_len};
	writer->waiting_bytes += blob_len;
	return 0;
}

static void put_entry(uint8_t *at, const struct pack_entry *entry)
{
	memset(at, 0, PACK_DIRECTORY_ENTRY);
	memcpy(at, entry->digest.b, DIGEST_SIZE);
	at[32] = (uint8_t)entry->kind;
	put_le32(at + 36, entry->segment);
	put_le64(at + 40, entry->offset);
	put_le32(at + 48, entry->length);
	put_le32(at + 52, entry->plain_length);
}

/* Seals the directory, filled up to the pack's rounded length, and writes the tail. */
static int put_directory(struct pack_writer *writer)
{
	size_t count = writer->entries.len;
	size_t length = rounded_length(closed_length(writer->at - SEAL_BODY, count));
	size_t plain_len = length - writer->at - SEAL_TAG - PACK_TAIL;
	uint8_t *plain = writer->bytes + writer->at; /* sealed where it lies */
	int err = 0;
	must(length + parity_size(length, writer->options.parity_percent) <= writer->span.grown);
	memset(plain, 0, plain_len);
	put_le32(plain, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		put_entry(plain + 4 + i * PACK_DIRECTORY_ENTRY, &writer->entries.at[i]);
	const struct key_ring *ring = writer->options.ring;
	if (ring && !ring->write_only)
		err = key_ring_mark(
			ring, &writer->header.id, plain + 4 + count * PACK_DIRECTORY_ENTRY);
	if (!err)
		err = seal_segment(writer->sealer, plain, plain_len, writer->bytes + writer->at);
	if (err)
		return err;
	uint8_t *tail = writer->bytes + length - PACK_TAIL;
	put_le64(tail, writer->at);
	put_le32(tail + 8, (uint32_t)(plain_len + SEAL_TAG));
	put_le32(tail + 12, (uint32_t)count);
	put_le64(tail + 16, 0);
	put_le64(tail + 24, hash64(tail, 24, get_le64(writer->header.id.b)));
	writer->at = length;
	return 0;
}

int pack_seal(struct pack_writer *writer)
{
	int err = writer->failed;
	while (!err && writer->waiting_count)
		err = seal_waiting(writer, rng_below(&writer->shuffle, writer->waiting_count));
	pieces_give(writer->options.memory, TAKE(writer->free));
	return err;
}

struct pack_result pack_sealed(const struct pack_writer *writer)
{
	must(!writer->waiting_count);
	return (struct pack_result){
		.id = writer->header.id,
		.len = whole_length(writer, writer->at - SEAL_BODY, writer->entries.len),
		.entries = writer->entries.at,
		.count = writer->entries.len,
	};
}

int pack_finish(struct pack_writer *writer, struct pack_result *ret_result)
{
	struct pack_result result = pack_sealed(writer);
	int err = writer->failed;
	if (!err)
		err = put_directory(writer);
	if (err)
		return err;
	writer->header.length = writer->at;
	object_put_header(writer->bytes, &writer->header);
	err = parity_add(
		writer->bytes, writer->at, writer->options.parity_percent, &writer->header.id);
	if (err)
		return err;
	must(result.len == writer->at + parity_size(writer->at, writer->options.parity_percent));
	result.bytes = writer->bytes;
	*ret_result = result;
	return 0;
}

void pack_spend(struct pack_writer *writer, size_t upto)
{
	span_spend(writer->options.memory, &writer->span, upto);
}

/* The plain directory's entries, each checked to lie where segments may lie. */
static int parse_directory(
	const uint8_t *plain, size_t count, size_t directory_at, struct pack_entry *ret_entries)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = plain + 4 + i * PACK_DIRECTORY_ENTRY;
		struct pack_entry entry = {
			.kind = (enum chunk_kind)at[32],
			.segment = get_le32(at + 36),
			.length = get_le32(at + 48),
			.plain_length = get_le32(at + 52),
		};
		uint64_t offset = get_le64(at + 40), end;
		memcpy(entry.digest.b, at, DIGEST_SIZE);
		if (entry.kind < CHUNK_CONTENT || entry.kind >= CHUNK_KINDS ||
			entry.segment >= count || offset < SEAL_BODY ||
			entry.length < BLOB_HEADER + SEAL_TAG ||
			!add_fits(offset, entry.length, &end) || end > directory_at)
			return -EBADMSG;
		entry.offset = (uint32_t)offset;
		ret_entries[i] = entry;
	}
	return 0;
}

/* Where the tail says that the directory lies; checked against the object. */
static int read_tail(
	const uint8_t *bytes, size_t len, uint64_t *ret_at, size_t *ret_len, size_t *ret_count)
{
	const uint8_t *tail = bytes + len - PACK_TAIL;
	if (len < SEAL_BODY + SEAL_TAG + 4 + PACK_TAIL || len > UINT32_MAX ||
		get_le64(tail + 24) != hash64(tail, 24, get_le64(bytes + 32)))
		return -EBADMSG;
	uint64_t at = get_le64(tail), end;
	size_t directory_len = get_le32(tail + 8), count = get_le32(tail + 12), need;
	if (at < SEAL_BODY || !add_fits(at, directory_len, &end) || end != len - PACK_TAIL)
		return -EBADMSG;
	if (count >= SEAL_SEGMENTS_MAX || !mul_fits(count, (size_t)PACK_DIRECTORY_ENTRY, &need) ||
		(directory_len < need + 4 + MARK + SEAL_TAG && !planted(PACK_COUNT_BELIEVED)))
		return -EBADMSG;
	*ret_at = at;
	*ret_len = directory_len;
	*ret_count = count;
	return 0;
}

static int read_mark(
	const uint8_t *bytes, const uint8_t *told, const struct key_ring *ring, bool *ret_trusted)
{
	struct object_id id;
	uint8_t mark[MARK];
	memcpy(id.b, bytes + 32, sizeof(id.b));
	int err = key_ring_mark(ring, &id, mark);
	*ret_trusted = !err && CRYPTO_memcmp(mark, told, MARK) == 0;
	return err;
}

static void opener_own(struct opener **opener)
{
	opener_free(*opener);
}

int pack_read_directory(const uint8_t *bytes, size_t len, const struct key_ring *ring,
	struct pack_directory *ret_directory, struct why *why)
{
	OWN(opener_own) struct opener *opener = NULL;
	return pack_open(bytes, len, ring, ret_directory, &opener, why);
}

int pack_open(const uint8_t *bytes, size_t len, const struct key_ring *ring,
	struct pack_directory *ret_directory, struct opener **ret_opener, struct why *why)
{
	uint64_t at;
	size_t directory_len, count;
	OWN(opener_own) struct opener *opener = NULL;
	int err = opener_new(bytes, len, ring, &opener, why);
	if (err)
		return err;
	if (read_tail(bytes, len, &at, &directory_len, &count))
		return why_set(why, -EBADMSG, "the pack's tail is damaged");
	OWN(own_free) uint8_t *plain = malloc(directory_len);
	OWN(own_free) struct pack_entry *entries = calloc(count + 1, sizeof(*entries));
	if (!plain || !entries)
		return -ENOMEM;
	if (open_segment(opener, (uint32_t)count, bytes + at, directory_len, plain) ||
		get_le32(plain) != count || parse_directory(plain, count, at, entries))
		return why_set(why, -EBADMSG, "the pack's directory is damaged or forged");
	err = read_mark(
		bytes, plain + 4 + count * PACK_DIRECTORY_ENTRY, ring, &ret_directory->trusted);
	if (err)
		return err;
	ret_directory->entries = TAKE(entries);
	ret_directory->count = count;
	*ret_opener = TAKE(opener);
	return 0;
}

void pack_directory_done(struct pack_directory *directory)
{
	free(directory->entries);
	*directory = (struct pack_directory){0};
}
