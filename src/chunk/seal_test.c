/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: round trips, every flipped bit, and no nonce twice under a key. */
#include "chunk/seal.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/keys.h"
#include "chunk/test_world.h"

struct fixture {
	struct test_dice dice;
	struct test_clock clock;
	struct key_ring *ring;
	struct seal_with with;
	struct object_header header;
};

static void begin(struct fixture *f, uint64_t seed)
{
	test_world_init(&f->dice, &f->clock, seed);
	CHECK_EQ(key_ring_make(&f->dice.dice, &f->ring), 0);
	f->with = seal_with_ring(f->ring, &f->dice.dice, &f->clock.clock);
	f->header = (struct object_header){.kind = OBJECT_POINT};
	dice_fill(&f->dice.dice, f->header.repo.b, sizeof(f->header.repo.b));
	dice_fill(&f->dice.dice, f->header.id.b, sizeof(f->header.id.b));
}

static void seal_text(struct fixture *f, const char *text, uint8_t **ret_bytes, size_t *ret_len)
{
	CHECK_EQ(seal_whole(&f->header, &f->with, text, strlen(text), ret_bytes, ret_len), 0);
}

TEST(what_was_sealed_opens_again)
{
	struct fixture f;
	begin(&f, 1);
	OWN(own_free) uint8_t *bytes = NULL;
	OWN(own_free) uint8_t *plain = NULL;
	size_t len, plain_len;
	seal_text(&f, "the tide is low at four", &bytes, &len);
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, NULL), 0);
	CHECK_EQ(plain_len, 23);
	CHECK(memcmp(plain, "the tide is low at four", 23) == 0);
	CHECK(!memmem(bytes, len, "tide", 4));
	key_ring_free(f.ring);
}

TEST(every_flipped_bit_is_refused)
{
	struct fixture f;
	begin(&f, 2);
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len, plain_len;
	seal_text(&f, "x", &bytes, &len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		uint8_t *plain = NULL;
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		int err = open_whole(bytes, len, f.ring, &plain, &plain_len, NULL);
		/* A checksummed header whose version or capability bits rise reads as newer; here
		 * the checksum no longer fits, so all flips are damage. */
		CHECK_EQ(err, -EBADMSG);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *plain = NULL;
		CHECK_EQ(open_whole(bytes, cut, f.ring, &plain, &plain_len, NULL), -EBADMSG);
	}
	key_ring_free(f.ring);
}

/* A header with a valid checksum but other content must not open: it is bound into the seal. */
TEST(a_forged_header_does_not_open)
{
	struct fixture f;
	begin(&f, 3);
	OWN(own_free) uint8_t *bytes = NULL;
	size_t len, plain_len;
	uint8_t *plain = NULL;
	struct object_header forged;
	seal_text(&f, "a point", &bytes, &len);
	forged = f.header;
	forged.kind = OBJECT_HEAD;
	object_put_header(bytes, &forged);
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, NULL), -EBADMSG);
	forged = f.header;
	forged.id.b[0] ^= 1;
	object_put_header(bytes, &forged);
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, NULL), -EBADMSG);
	forged = f.header;
	forged.repo.b[0] ^= 1;
	object_put_header(bytes, &forged);
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, NULL), -EBADMSG);
	object_put_header(bytes, &f.header);
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, NULL), 0);
	free(plain);
	key_ring_free(f.ring);
}

TEST(segments_do_not_change_places)
{
	struct fixture f;
	begin(&f, 4);
	uint8_t start[SEAL_BODY], a[3 + SEAL_TAG], b[3 + SEAL_TAG], plain[3];
	struct sealer *sealer;
	struct opener *opener;
	object_put_header(start,
		&(struct object_header){.kind = OBJECT_POINT,
			.repo = f.header.repo,
			.id = f.header.id,
			.length = SEAL_BODY});
	CHECK_EQ(sealer_new(&f.header, &f.with, start + OBJECT_HEADER, &sealer), 0);
	CHECK_EQ(seal_segment(sealer, "one", 3, a), 0);
	CHECK_EQ(seal_segment(sealer, "two", 3, b), 0);
	CHECK_EQ(opener_new(start, sizeof(start), f.ring, &opener, NULL), 0);
	CHECK_EQ(open_segment(opener, 0, a, sizeof(a), plain), 0);
	CHECK_EQ(open_segment(opener, 1, a, sizeof(a), plain), -EBADMSG);
	CHECK_EQ(open_segment(opener, 0, b, sizeof(b), plain), -EBADMSG);
	CHECK_EQ(open_segment(opener, 1, b, sizeof(b), plain), 0);
	sealer_free(sealer);
	opener_free(opener);
	key_ring_free(f.ring);
}

TEST(another_ring_and_an_older_one_are_refused)
{
	struct fixture f;
	begin(&f, 5);
	struct key_ring *other;
	uint8_t *bytes = NULL, *plain = NULL;
	size_t len, plain_len;
	struct why why;
	CHECK_EQ(key_ring_make(&f.dice.dice, &other), 0);
	seal_text(&f, "old", &bytes, &len);
	CHECK_EQ(open_whole(bytes, len, other, &plain, &plain_len, &why), -EBADMSG);
	free(bytes);
	CHECK_EQ(key_ring_rotate(f.ring, &f.dice.dice, &why), 0);
	f.with = seal_with_ring(f.ring, &f.dice.dice, &f.clock.clock);
	seal_text(&f, "new", &bytes, &len);
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, &why), 0);
	free(plain);
	f.ring->epoch_count = 1;
	CHECK_EQ(open_whole(bytes, len, f.ring, &plain, &plain_len, &why), -EBADMSG);
	CHECK_STR(why.text, "sealed under key epoch 1, and these keys end at 0: they are older");
	free(bytes);
	key_ring_free(f.ring);
	key_ring_free(other);
}

/*
 * Equal plain text under an equal pair of key and nonce gives equal bytes. A machine that is cloned
 * and goes on from the same dice must not repeat its twin: time differs.
 */
TEST(twins_with_the_same_dice_do_not_repeat_keys)
{
	struct fixture f, twin;
	begin(&f, 6);
	begin(&twin, 6);
	twin.clock.now = f.clock.now + 1;
	OWN(own_free) uint8_t *a = NULL;
	OWN(own_free) uint8_t *b = NULL;
	size_t a_len, b_len;
	seal_text(&f, "the same words, sixteen and more", &a, &a_len);
	seal_text(&twin, "the same words, sixteen and more", &b, &b_len);
	CHECK_EQ(a_len, b_len);
	CHECK(memcmp(a + SEAL_BODY, b + SEAL_BODY, 32) != 0);
	key_ring_free(f.ring);
	key_ring_free(twin.ring);
}

static int compare_blocks(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/*
 * The first 16 bytes of cipher text of zeros are the key stream of (key, nonce). Among many objects
 * and segments none may appear twice.
 */
TEST(no_key_stream_repeats)
{
	enum { OBJECTS = 200, SEGMENTS = 500 };
	struct fixture f;
	begin(&f, test_seed());
	OWN(own_free) uint8_t *streams = malloc((size_t)OBJECTS * SEGMENTS * 16);
	uint8_t envelope[SEAL_ENVELOPE], sealed[16 + SEAL_TAG];
	static const uint8_t zeros[16];
	CHECK(streams);
	for (size_t i = 0; i < OBJECTS; i++) {
		struct sealer *sealer;
		dice_fill(&f.dice.dice, f.header.id.b, sizeof(f.header.id.b));
		CHECK_EQ(sealer_new(&f.header, &f.with, envelope, &sealer), 0);
		for (size_t s = 0; s < SEGMENTS; s++) {
			CHECK_EQ(seal_segment(sealer, zeros, sizeof(zeros), sealed), 0);
			memcpy(streams + (i * SEGMENTS + s) * 16, sealed, 16);
		}
		sealer_free(sealer);
	}
	qsort(streams, (size_t)OBJECTS * SEGMENTS, 16, compare_blocks);
	for (size_t i = 1; i < (size_t)OBJECTS * SEGMENTS; i++)
		CHECK(memcmp(streams + (i - 1) * 16, streams + i * 16, 16) != 0);
	key_ring_free(f.ring);
}

TEST_MAIN
