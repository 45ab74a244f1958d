/* SPDX-License-Identifier: Apache-2.0 */
/* Packs, blobs and names: round trips, lying directories, lengths that tell nothing. */
#include "chunk/pack.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/codec.h"
#include "chunk/keys.h"
#include "chunk/parity.h"
#include "chunk/seal.h"
#include "chunk/test_world.h"

struct fixture {
	struct test_dice dice;
	struct test_clock clock;
	struct key_ring *ring;
	struct seal_with with;
	struct pack_options options;
	struct digester *digester;
	struct codec *codec;
};

static void begin(struct fixture *f, uint64_t seed)
{
	test_world_init(&f->dice, &f->clock, seed);
	CHECK_EQ(key_ring_make(&f->dice.dice, &f->ring), 0);
	f->with = seal_with_ring(f->ring, &f->dice.dice, &f->clock.clock);
	f->options = (struct pack_options){
		.kind = OBJECT_DATA,
		.with = &f->with,
		.parity_percent = 3,
	};
	CHECK_EQ(digester_new(f->ring->id_key, &f->digester), 0);
	CHECK_EQ(codec_new(3, &f->codec), 0);
}

static void end(struct fixture *f)
{
	digester_free(f->digester);
	codec_free(f->codec);
	key_ring_free(f->ring);
}

/* The content of chunk `i`: some compress, some do not. */
static size_t content(uint64_t i, uint8_t *bytes)
{
	struct rng rng;
	rng_seed(&rng, i);
	size_t len = rng_below(&rng, 100000);
	rng_fill(&rng, bytes, len);
	if (i % 2)
		for (size_t b = 0; b < len; b++)
			bytes[b] &= 3;
	return len;
}

static void add(struct fixture *f, struct pack_writer *writer, uint64_t i)
{
	static uint8_t plain[100000], blob[100000 + BLOB_HEADER];
	size_t len = content(i, plain), blob_len;
	struct digest digest;
	CHECK_EQ(digest_of(f->digester, CHUNK_CONTENT, plain, len, &digest), 0);
	CHECK_EQ(codec_pack(f->codec, plain, len, blob, &blob_len), 0);
	CHECK(blob_len <= codec_bound(len));
	CHECK_EQ(pack_add(writer, &digest, CHUNK_CONTENT, blob, blob_len), 0);
}

/* Reads the chunk back through seal, codec and digest. */
static void check_chunk(
	struct fixture *f, const struct pack_result *pack, const struct pack_entry *entry)
{
	struct opener *opener;
	OWN(own_free) uint8_t *blob = malloc(entry->length);
	OWN(own_free) uint8_t *plain = malloc(entry->plain_length + 1);
	struct digest digest;
	size_t len, blob_len = entry->length - SEAL_TAG;
	CHECK(blob && plain);
	CHECK_EQ(opener_new(pack->bytes, pack->len, f->ring, &opener, NULL), 0);
	CHECK_EQ(open_segment(
			 opener, entry->segment, pack->bytes + entry->offset, entry->length, blob),
		0);
	CHECK_EQ(codec_plain_len(entry->kind, blob, blob_len, &len), 0);
	CHECK_EQ(len, entry->plain_length);
	CHECK_EQ(codec_unpack(f->codec, blob, blob_len, plain, len), 0);
	CHECK_EQ(digest_of(f->digester, entry->kind, plain, len, &digest), 0);
	CHECK(digest_equal(&digest, &entry->digest));
	opener_free(opener);
}

TEST(a_pack_gives_back_every_chunk)
{
	struct fixture f;
	struct pack_writer *writer;
	struct pack_result pack;
	struct pack_directory directory;
	struct object_header header;
	begin(&f, test_seed());
	CHECK_EQ(pack_writer_new(&f.options, &writer), 0);
	for (uint64_t i = 0; i < 100; i++)
		add(&f, writer, i);
	CHECK_EQ(pack_seal(writer), 0);
	CHECK_EQ(pack_finish(writer, &pack), 0);
	CHECK_EQ(object_get_header(pack.bytes, pack.len, &header, NULL), 0);
	CHECK_EQ(header.length + parity_size(header.length, 3), pack.len);
	CHECK_EQ(pack_read_directory(pack.bytes, header.length, f.ring, &directory, NULL), 0);
	CHECK_EQ(directory.count, 100);
	for (size_t i = 0; i < directory.count; i++) {
		CHECK(digest_equal(&directory.entries[i].digest, &pack.entries[i].digest));
		check_chunk(&f, &pack, &directory.entries[i]);
	}
	pack_directory_done(&directory);
	pack_writer_free(writer);
	end(&f);
}

TEST(every_flipped_byte_of_a_pack_is_noticed_or_harmless)
{
	struct fixture f;
	struct pack_writer *writer;
	struct pack_result pack;
	begin(&f, 3);
	CHECK_EQ(pack_writer_new(&f.options, &writer), 0);
	for (uint64_t i = 0; i < 3; i++) {
		uint8_t blob[BLOB_HEADER + 8] = {0, 8};
		struct digest digest;
		put_le64(blob + BLOB_HEADER, i);
		CHECK_EQ(digest_of(f.digester, CHUNK_CONTENT, blob + BLOB_HEADER, 8, &digest), 0);
		CHECK_EQ(pack_add(writer, &digest, CHUNK_CONTENT, blob, sizeof(blob)), 0);
	}
	CHECK_EQ(pack_seal(writer), 0);
	CHECK_EQ(pack_finish(writer, &pack), 0);
	struct object_header header;
	CHECK_EQ(object_get_header(pack.bytes, pack.len, &header, NULL), 0);
	for (size_t at = 0; at < pack.len; at++) {
		struct parity_report report;
		pack.bytes[at] ^= 1;
		CHECK_EQ(parity_repair(pack.bytes, pack.len, &pack.id, &report, NULL), 0);
		CHECK(report.damaged || report.marks_damaged);
	}
	/* Without repair: the directory refuses what it stands on. */
	for (size_t at = header.length - PACK_TAIL - 40; at < header.length; at++) {
		struct pack_directory directory;
		pack.bytes[at] ^= 1;
		CHECK_EQ(pack_read_directory(pack.bytes, header.length, f.ring, &directory, NULL),
			-EBADMSG);
		pack.bytes[at] ^= 1;
	}
	pack_writer_free(writer);
	end(&f);
}

/* The length of a pack takes few values, whatever lengths its chunks have. */
TEST(lengths_of_packs_tell_little)
{
	struct fixture f;
	size_t lengths[64], count = 0;
	begin(&f, 5);
	for (uint64_t i = 0; i < 200; i++) {
		struct pack_writer *writer;
		struct pack_result pack;
		struct object_header header;
		CHECK_EQ(pack_writer_new(&f.options, &writer), 0);
		add(&f, writer, i * 2);
		add(&f, writer, i * 2 + 1);
		CHECK_EQ(pack_seal(writer), 0);
		CHECK_EQ(pack_finish(writer, &pack), 0);
		CHECK_EQ(object_get_header(pack.bytes, pack.len, &header, NULL), 0);
		size_t known = 0;
		while (known < count && lengths[known] != header.length)
			known++;
		CHECK(known < 64);
		lengths[known] = header.length;
		count += known == count;
		pack_writer_free(writer);
	}
	test_note("200 packs have %zu lengths", count);
	CHECK(count <= 24);
	end(&f);
}

/* Chunks added in one order lie in another, and not always in the same. */
TEST(places_in_a_pack_are_drawn)
{
	struct fixture f;
	begin(&f, test_seed());
	int first_is_first = 0;
	for (int round = 0; round < 40; round++) {
		struct pack_writer *writer;
		struct pack_result pack;
		uint8_t blob[BLOB_HEADER + 1] = {0, 1};
		struct digest digests[10];
		CHECK_EQ(pack_writer_new(&f.options, &writer), 0);
		for (uint8_t i = 0; i < 10; i++) {
			blob[BLOB_HEADER] = i;
			CHECK_EQ(digest_of(f.digester, CHUNK_CONTENT, &i, 1, &digests[i]), 0);
			CHECK_EQ(pack_add(writer, &digests[i], CHUNK_CONTENT, blob, sizeof(blob)),
				0);
		}
		CHECK_EQ(pack_seal(writer), 0);
		CHECK_EQ(pack_finish(writer, &pack), 0);
		first_is_first += digest_equal(&pack.entries[0].digest, &digests[0]);
		pack_writer_free(writer);
	}
	CHECK(first_is_first < 20);
	end(&f);
}

TEST(claims_of_length_are_checked_before_memory)
{
	uint8_t blob[BLOB_HEADER + 4] = {1, 0xff, 0xff, 0xff, 0xff};
	size_t len;
	CHECK_EQ(codec_plain_len(CHUNK_CONTENT, blob, sizeof(blob), &len), -EBADMSG);
	put_le32(blob + 1, CHUNK_MAX + 1);
	CHECK_EQ(codec_plain_len(CHUNK_TREE, blob, sizeof(blob), &len), -EBADMSG);
	CHECK_EQ(codec_plain_len(CHUNK_CONTENT, blob, sizeof(blob), &len), 0);
	blob[0] = 0;
	CHECK_EQ(codec_plain_len(CHUNK_CONTENT, blob, sizeof(blob), &len), -EBADMSG);
	blob[0] = 2;
	CHECK_EQ(codec_plain_len(CHUNK_CONTENT, blob, sizeof(blob), &len), -EBADMSG);
	CHECK_EQ(codec_plain_len(CHUNK_CONTENT, blob, 4, &len), -EBADMSG);
}

TEST(names_are_read_back)
{
	struct rng rng;
	enum object_kind kind, again_kind;
	struct object_id id, again;
	char name[OBJECT_NAME];
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		kind = (enum object_kind)(OBJECT_KEY + rng_below(&rng, OBJECT_KINDS - OBJECT_KEY));
		rng_fill(&rng, id.b, sizeof(id.b));
		if (kind == OBJECT_HEAD)
			id = object_head_id(rng_u64(&rng));
		object_name(kind, &id, name);
		CHECK(object_parse_name(name, &again_kind, &again));
		CHECK_EQ(again_kind, kind);
		CHECK(object_id_equal(&again, &id));
	}
	CHECK(!object_parse_name("data/00/0000000000000000000000000000000x", &kind, &id));
	CHECK(!object_parse_name("data/01/00000000000000000000000000000000", &kind, &id));
	CHECK(!object_parse_name("head/00", &kind, &id));
	CHECK(!object_parse_name("../../etc/passwd", &kind, &id));
	CHECK(!object_parse_name("", &kind, &id));
}

TEST_MAIN
