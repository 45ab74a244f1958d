/* SPDX-License-Identifier: Apache-2.0 */
/* Records survive their bytes; what cannot follow on what was before is refused. */
#include "node/life.h"

#include <errno.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"

static const struct life_record boot_1 = {LIFE_BOOT, 100, 1, "0.1.0"};
static const struct life_record config = {LIFE_CONFIG, 200, 0xabcdef, ""};
static const struct life_record close_1 = {LIFE_CLOSE, 300, 1, ""};

TEST(a_record_survives_its_bytes)
{
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int round = 0; round < 1000; round++) {
		struct life_record read,
			record = {
				.kind = (enum life_kind)(1 + rng_below(&rng, 3)),
				.wall_ns = (int64_t)rng_u64(&rng),
				.number = rng_u64(&rng),
			};
		if (record.kind == LIFE_BOOT)
			snprintf(record.version, sizeof(record.version), "%d.%d",
				(int)rng_below(&rng, 1000000), (int)rng_below(&rng, 1000000));
		uint8_t bytes[LIFE_RECORD];
		life_record_put(&record, bytes);
		CHECK_EQ(
			life_record_get((uint16_t)record.kind, bytes, LIFE_RECORD, &read, NULL), 0);
		CHECK_EQ(read.kind, record.kind);
		CHECK_EQ(read.wall_ns, record.wall_ns);
		CHECK_EQ(read.number, record.number);
		CHECK_STR(read.version, record.version);
	}
}

TEST(bytes_that_are_no_record_are_refused)
{
	uint8_t bytes[LIFE_RECORD];
	struct life_record read;
	struct why why = {""};
	life_record_put(&boot_1, bytes);
	CHECK_EQ(life_record_get(LIFE_BOOT, bytes, LIFE_RECORD - 1, &read, &why), -EBADMSG);
	CHECK_STR(why.text, "a record that no ebb has written");
	CHECK_EQ(life_record_get(0, bytes, LIFE_RECORD, &read, &why), -EBADMSG);
	CHECK_EQ(life_record_get(LIFE_CLOSE, bytes, LIFE_RECORD, &read, &why), -EBADMSG);
	memset(bytes + 16, 'x', LIFE_VERSION);
	CHECK_EQ(life_record_get(LIFE_BOOT, bytes, LIFE_RECORD, &read, &why), -EBADMSG);
	CHECK_EQ(life_record_get(4, bytes, LIFE_RECORD, &read, &why), -ENOTSUP);
	CHECK_STR(why.text, "a record of kind 4: written by a newer ebb");
}

TEST(a_life_adds_up)
{
	struct life life = {0};
	CHECK_EQ(life_add(&life, &boot_1, NULL), 0);
	CHECK_EQ(life.boot, 1);
	CHECK_STR(life.version, "0.1.0");
	CHECK_EQ(life_add(&life, &config, NULL), 0);
	CHECK_EQ(life.config, 0xabcdef);
	CHECK(!life.closed);
	CHECK_EQ(life_add(&life, &close_1, NULL), 0);
	CHECK(life.closed);
	struct life_record boot_7 = {LIFE_BOOT, 400, 7, "0.2.0"};
	CHECK_EQ(life_add(&life, &boot_7, NULL), 0);
	CHECK_EQ(life.boot, 7);
	CHECK(!life.closed);
	CHECK_EQ(life.config, 0xabcdef);
}

static void refuses(struct life *life, const struct life_record *record, const char *sentence)
{
	struct life before = *life;
	struct why why = {""};
	CHECK_EQ(life_add(life, record, &why), -EBADMSG);
	CHECK_STR(why.text, sentence);
	CHECK(memcmp(&before, life, sizeof(before)) == 0);
}

TEST(what_cannot_follow_is_refused)
{
	struct life life = {0};
	refuses(&life, &config, "something is recorded while no boot was under way");
	refuses(&life, &close_1, "something is recorded while no boot was under way");
	CHECK_EQ(life_add(&life, &boot_1, NULL), 0);
	refuses(&life, &boot_1, "boot 1 is recorded after boot 1");
	struct life_record close_2 = {LIFE_CLOSE, 300, 2, ""};
	refuses(&life, &close_2, "the end of boot 2 is recorded in boot 1");
	CHECK_EQ(life_add(&life, &close_1, NULL), 0);
	refuses(&life, &close_1, "something is recorded while no boot was under way");
}

TEST_MAIN
