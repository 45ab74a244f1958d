/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a repository's listing tells of the lengths of its chunks, to somebody who knows the total
 * of the content to the byte.
 *
 * Lengths: pairs of data sets of one total, one cut evenly into 100 chunks, the other unevenly into
 * 101. The statistic guesses that the listing with more objects, or with as many and the larger sum
 * of sizes, is that of more chunks, and tosses a coin between equals. By chance alone it is right
 * in PAIRS / 2 +- sqrt(PAIRS) / 2 of them; the bound is four such deviations (one in 30,000).
 *
 * Order: how often a blob that was added as number i lies at place j of its pack, against the
 * same number everywhere: chi-square with (BLOBS - 1)^2 degrees of freedom f, whose mean is f and
 * whose deviation is sqrt(2 f); the bound is f + 6 sqrt(2 f).
 */
#include <math.h>

#include "base/test.h"
#include "base/why.h"
#include "chunk/codec.h"
#include "chunk/pack.h"
#include "chunk/seal.h"
#include "chunk/test_world.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/repo.h"
#include "sim/disk.h"

enum { PAIRS = 400, CHUNKS = 100, TOTAL_MIN = 500000, TOTAL_MORE = 400000 };
enum { BLOBS = 16, PACKS = 3200 };

struct listing {
	uint64_t objects, bytes;
};

static bool count_object(void *arg, const char *name, uint64_t size)
{
	struct listing *listing = arg;
	(void)name;
	listing->objects++;
	listing->bytes += size;
	return true;
}

/* `count` lengths of at least 1 that make `total`: even ones, or such as two dice choose. */
static void cut(struct rng *rng, bool even, size_t total, size_t count, size_t *ret_lengths)
{
	size_t left = total;
	for (size_t i = 0; i + 1 < count; i++) {
		size_t most = left - (count - i - 1), mean = left / (count - i);
		size_t len = even ? mean : 1 + rng_below(rng, mean) * (rng_below(rng, 8) ? 1 : 4);
		len = len < most ? len : most;
		ret_lengths[i] = len;
		left -= len;
	}
	ret_lengths[count - 1] = left;
}

static void go_well(int err, const struct why *why)
{
	if (err)
		test_fail(__FILE__, __LINE__, "%d %s", err, why->text);
}

/* Chunks that do not compress, and the list of their names, saved as one point. */
static void save(struct repo_world *world, struct rng *rng, const size_t *lengths, size_t count)
{
	static uint8_t bytes[TOTAL_MIN + TOTAL_MORE];
	static const struct repo_options options = {.parity_percent = 1, .pack_size = 1 << 20};
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
	struct digest names[CHUNKS + 1];
	uint8_t secret[SECRET_SIZE];
	struct repo *repo;
	struct why why = {""};
	go_well(repo_init(world, &options, secret, &why), &why);
	go_well(repo_open(world, secret, 0, &repo, &why), &why);
	for (size_t i = 0; i < count; i++) {
		rng_fill(rng, bytes, lengths[i]);
		go_well(repo_put_chunk(repo, CHUNK_CONTENT, bytes, lengths[i], &names[i], &why),
			&why);
	}
	go_well(repo_put_chunk(repo, CHUNK_LIST, names, count * DIGEST_SIZE, &point.root, &why),
		&why);
	go_well(repo_commit(repo, &point, &why), &why);
	repo_close(repo);
}

static struct listing list_of(struct rng *rng, bool even, size_t total)
{
	static const char *const folders[] = {"data", "meta", "index", "point", "head", "key"};
	struct test_dice dice;
	struct test_clock clock;
	struct listing listing = {0};
	size_t lengths[CHUNKS + 1], count = even ? CHUNKS : CHUNKS + 1;
	struct sim_disk *disk = sim_disk_new();
	struct repo_world world = {.dice = &dice.dice, .clock = &clock.clock};
	CHECK(disk);
	test_world_init(&dice, &clock, rng_u64(rng));
	CHECK_EQ(place_dir_open(sim_disk_seam(disk), &world.place), 0);
	cut(rng, even, total, count, lengths);
	save(&world, rng, lengths, count);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		CHECK_EQ(place_list(world.place, folders[i], count_object, &listing), 0);
	place_close(world.place);
	sim_disk_free(disk);
	return listing;
}

TEST(a_listing_does_not_tell_where_was_cut)
{
	struct rng rng;
	int right = 0, equal = 0, bound = PAIRS / 2 + 4 * (int)sqrt(PAIRS) / 2;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < PAIRS; i++) {
		size_t total = TOTAL_MIN + rng_below(&rng, TOTAL_MORE);
		struct listing even = list_of(&rng, true, total);
		struct listing uneven = list_of(&rng, false, total);
		bool same = even.objects == uneven.objects && even.bytes == uneven.bytes;
		equal += same;
		if (same)
			right += (int)rng_below(&rng, 2);
		else if (even.objects != uneven.objects)
			right += uneven.objects > even.objects;
		else
			right += uneven.bytes > even.bytes;
	}
	test_note("%d of %d pairs list the same; %d guessed right, the bound is %d", equal, PAIRS,
		right, bound);
	CHECK(right <= bound);
}

/* One pack with BLOBS blobs, each a byte that tells its number, and where each came to lie. */
static void lay(const struct pack_options *options, uint32_t counts[BLOBS][BLOBS])
{
	struct pack_writer *writer;
	struct pack_result pack;
	uint8_t blob[BLOB_HEADER + 1] = {0, 1};
	CHECK_EQ(pack_writer_new(options, &writer), 0);
	for (uint8_t i = 0; i < BLOBS; i++) {
		struct digest name = {{i}};
		blob[BLOB_HEADER] = i;
		CHECK_EQ(pack_add(writer, &name, CHUNK_CONTENT, blob, sizeof(blob)), 0);
	}
	CHECK_EQ(pack_seal(writer), 0);
	CHECK_EQ(pack_finish(writer, &pack), 0);
	CHECK_EQ(pack.count, BLOBS);
	for (size_t at = 0; at < BLOBS; at++)
		counts[pack.entries[at].digest.b[0]][at]++;
	pack_writer_free(writer);
}

TEST(each_order_of_blobs_in_a_pack_is_as_likely)
{
	struct test_dice dice;
	struct test_clock clock;
	struct key_ring *ring;
	uint32_t counts[BLOBS][BLOBS] = {0};
	double chi = 0, expected = (double)PACKS / BLOBS, freedom = (BLOBS - 1) * (BLOBS - 1);
	double bound = freedom + 6 * sqrt(2 * freedom);
	test_world_init(&dice, &clock, test_seed());
	CHECK_EQ(key_ring_make(&dice.dice, &ring), 0);
	struct seal_with with = seal_with_ring(ring, &dice.dice, &clock.clock);
	struct pack_options options = {.kind = OBJECT_DATA, .with = &with, .parity_percent = 1};
	for (int i = 0; i < PACKS; i++)
		lay(&options, counts);
	for (size_t i = 0; i < BLOBS; i++)
		for (size_t at = 0; at < BLOBS; at++)
			chi += (counts[i][at] - expected) * (counts[i][at] - expected) / expected;
	test_note("chi-square %.0f with %.0f degrees of freedom, the bound is %.0f", chi, freedom,
		bound);
	key_ring_free(ring);
	CHECK(chi <= bound);
}

TEST_MAIN
