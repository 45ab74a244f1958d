/* SPDX-License-Identifier: Apache-2.0 */
/* Parity: every byte flipped, every run of shards lost up to the limit, truncation. */
#include "chunk/parity.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"

struct object {
	uint8_t *bytes, *damaged;
	size_t body, len;
	struct object_id id;
};

static void make(struct object *o, size_t body, unsigned percent, uint64_t seed)
{
	struct rng rng;
	rng_seed(&rng, seed);
	o->body = body;
	o->len = body + parity_size(body, percent);
	o->bytes = malloc(o->len);
	o->damaged = malloc(o->len);
	CHECK(o->bytes && o->damaged);
	rng_fill(&rng, o->bytes, body);
	rng_fill(&rng, o->id.b, sizeof(o->id.b));
	CHECK_EQ(parity_add(o->bytes, body, percent, &o->id), 0);
	memcpy(o->damaged, o->bytes, o->len);
}

static void done(struct object *o)
{
	free(o->bytes);
	free(o->damaged);
}

static void check_mended(struct object *o)
{
	struct parity_report report;
	struct why why = {""};
	int err = parity_repair(o->damaged, o->len, &o->id, &report, &why);
	if (err)
		test_fail(__FILE__, __LINE__, "not repaired: %s", why.text);
	CHECK(report.damaged || report.marks_damaged);
	CHECK_EQ(report.length, o->body);
	CHECK(memcmp(o->damaged, o->bytes, o->len) == 0);
}

TEST(every_flipped_byte_is_found_and_mended)
{
	static const size_t sizes[] = {64, 65, 4096, 4097, 20000};
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct object o;
		make(&o, sizes[s], 3, s);
		for (size_t i = 0; i < o.len; i++) {
			o.damaged[i] ^= 0x10;
			check_mended(&o);
		}
		done(&o);
	}
}

TEST(as_many_shards_as_parity_mends)
{
	struct object o;
	struct rng rng;
	struct parity_report report;
	struct why why;
	make(&o, 3000000, 3, 7);
	rng_seed(&rng, test_seed());
	CHECK_EQ(parity_repair(o.damaged, o.len, &o.id, &report, &why), 0);
	CHECK_EQ(report.damaged, 0);
	unsigned m = 8;
	size_t shard = (3000000 / 240 + 63) / 64 * 64;
	for (int round = 0; round < 50; round++) {
		for (unsigned i = 0; i < m; i++)
			o.damaged[rng_below(&rng, 240) * shard + 5] ^= 1;
		parity_repair(o.damaged, o.len, &o.id, &report, &why);
		CHECK(memcmp(o.damaged, o.bytes, o.len) == 0);
	}
	for (unsigned i = 0; i <= m; i++)
		o.damaged[i * shard] ^= 1;
	CHECK_EQ(parity_repair(o.damaged, o.len, &o.id, &report, &why), -EBADMSG);
	CHECK_STR(why.text, "9 of 248 parts are damaged, and parity mends 8");
	done(&o);
}

TEST(a_truncated_or_foreign_object_is_refused)
{
	struct object o;
	struct parity_report report;
	struct object_id other = {{1}};
	make(&o, 5000, 3, 9);
	for (size_t cut = 0; cut < o.len; cut += 13)
		CHECK_EQ(parity_repair(o.damaged, cut, &o.id, &report, NULL), -EBADMSG);
	CHECK_EQ(parity_repair(o.damaged, o.len, &other, &report, NULL), -EBADMSG);
	CHECK(memcmp(o.damaged, o.bytes, o.len) == 0);
	done(&o);
}

/* One parity shard as long as the object, and 240 in thought: 240 times its length in memory. */
TEST(a_table_that_claims_shards_it_has_not_is_refused)
{
	enum { SHARD = 1 << 20, LEN = OBJECT_HEADER + SHARD + 2 * 241 * 8 + 2 * 64 };
	struct object_id id = {{7}};
	struct parity_report report;
	struct why why;
	uint8_t *bytes = calloc(1, LEN), *mark = bytes + LEN - 64;
	CHECK(bytes);
	memcpy(mark, "EBBPAR\r\n", 8);
	put_le16(mark + 8, 1);
	put_le16(mark + 10, 240);
	put_le16(mark + 12, 1);
	put_le64(mark + 16, SHARD);
	put_le64(mark + 24, OBJECT_HEADER);
	memcpy(mark + 32, id.b, sizeof(id.b));
	put_le64(mark + 56, hash64(mark, 56, 0));
	CHECK_EQ(parity_repair(bytes, LEN, &id, &report, &why), -EBADMSG);
	CHECK_STR(why.text, "the end of the object is cut off or damaged");
	free(bytes);
}

TEST_MAIN
