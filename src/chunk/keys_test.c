/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets on paper, derivation against known vectors, bundles. */
#include "chunk/keys.h"

#include <errno.h>

#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"

TEST(derivation_follows_rfc_5869_case_1)
{
	uint8_t secret[22], salt[13], key[32];
	memset(secret, 0x0b, sizeof(secret));
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	static const char info[] = "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9";
	static const uint8_t want[32] = {0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43,
		0x4f, 0x64, 0xd0, 0x36, 0x2f, 0x2a, 0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a, 0x5a, 0x4c,
		0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf};
	CHECK_EQ(key_derive(secret, sizeof(secret), salt, sizeof(salt), info, key), 0);
	CHECK(memcmp(key, want, sizeof(want)) == 0);
}

TEST(a_secret_survives_paper)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		uint8_t secret[SECRET_SIZE], again[SECRET_SIZE];
		char text[SECRET_TEXT];
		rng_fill(&rng, secret, sizeof(secret));
		CHECK_EQ(secret_show(secret, text), 0);
		CHECK_EQ(strlen(text), SECRET_TEXT - 6);
		CHECK_EQ(secret_read(text, again, NULL), 0);
		CHECK(memcmp(secret, again, sizeof(secret)) == 0);
	}
}

TEST(every_misread_digit_is_noticed)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint8_t secret[SECRET_SIZE] = {1, 2, 3}, again[SECRET_SIZE];
	char text[SECRET_TEXT];
	CHECK_EQ(secret_show(secret, text), 0);
	for (size_t i = 5; text[i]; i++) {
		char right = text[i];
		for (const char *d = digits; right != '-' && *d; d++) {
			text[i] = *d;
			CHECK_EQ(secret_read(text, again, NULL), *d == right ? 0 : -EINVAL);
		}
		text[i] = right;
	}
}

TEST(a_secret_is_read_as_people_type_it)
{
	uint8_t secret[SECRET_SIZE] = {0xff, 0x08, 0x42}, again[SECRET_SIZE];
	char text[SECRET_TEXT], typed[2 * SECRET_TEXT];
	struct why why;
	CHECK_EQ(secret_show(secret, text), 0);
	size_t n = 0;
	for (const char *c = text; *c; c++) {
		if (c > text + 5 && *c == '-')
			continue;
		typed[n++] = (char)(*c == '0' ? 'o' : *c == '1' && c > text + 4 ? 'l' : *c);
		if (n % 7 == 0)
			typed[n++] = ' ';
	}
	typed[n] = '\0';
	memcpy(typed, "EBB1-", 5);
	CHECK_EQ(secret_read(typed, again, &why), 0);
	CHECK(memcmp(secret, again, sizeof(secret)) == 0);
	CHECK_EQ(secret_read("ebb1-0000", again, &why), -EINVAL);
	CHECK_STR(why.text, "the secret key has 4 digits, not 56: some are missing");
	CHECK_EQ(secret_read("ebb1-0000-00U0", again, &why), -EINVAL);
	CHECK_STR(why.text, "the secret key is wrong in group 2");
}

TEST(a_ring_survives_its_bundle_and_rotation)
{
	struct test_dice dice;
	struct test_clock clock;
	struct key_ring *ring, *again;
	uint8_t bundle[KEY_BUNDLE_MAX];
	struct why why;
	test_world_init(&dice, &clock, 1);
	CHECK_EQ(key_ring_make(&dice.dice, &ring), 0);
	for (int i = 1; i < KEY_EPOCHS_MAX; i++)
		CHECK_EQ(key_ring_rotate(ring, &dice.dice, &why), 0);
	CHECK_EQ(key_ring_rotate(ring, &dice.dice, &why), -ENOSPC);
	size_t len = key_ring_put(ring, bundle);
	CHECK_EQ(len, KEY_BUNDLE_MAX);
	CHECK_EQ(key_ring_get(bundle, len, &again, &why), 0);
	CHECK(memcmp(ring, again, sizeof(*ring)) == 0);
	for (size_t cut = 0; cut < len; cut++)
		CHECK_EQ(key_ring_get(bundle, cut, &(struct key_ring *){NULL}, &why), -EBADMSG);
	key_ring_free(ring);
	key_ring_free(again);
}

TEST_MAIN
