/* SPDX-License-Identifier: Apache-2.0 */
/* Collections on a simulated disk: what points need stays, all else goes, whoever writes beside. */
#include "repo/gc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "repo/rig_test.h"

static const struct rig_chunks like = {.least = 20000, .most = 60000};

static struct digest put_number(struct rig *f, struct repo *repo, unsigned number)
{
	static uint8_t bytes[RIG_LONG];
	struct digest digest;
	size_t len = rig_content(&like, number, bytes);
	CHECK_EQ(repo_put_chunk(repo, CHUNK_CONTENT, bytes, len, &digest, &f->why), 0);
	return digest;
}

/* A list of the chunks from .. to - 1, and a point whose root it is. */
static struct point begin_point(struct rig *f, struct repo *repo, unsigned from, unsigned to)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
	CHECK_EQ(rig_put_list(repo, (struct rig_chunks){from, to, like.least, like.most},
			 &point.root, &f->why),
		0);
	return point;
}

static struct point save(struct rig *f, struct repo *repo, unsigned from, unsigned to)
{
	struct point point = begin_point(f, repo, from, to);
	if (repo_commit(repo, &point, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	return point;
}

static void save_apart(struct rig *f, unsigned from, unsigned to)
{
	struct repo *repo = rig_open(f, f->secret);
	save(f, repo, from, to);
	repo_close(repo);
}

static void check_point(struct rig *f, struct repo *repo, const struct object_id *id)
{
	struct point point;
	if (rig_read_point(repo, id, &point, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
}

/* Every point, by somebody who opens the repository now. */
static size_t check_all(struct rig *f)
{
	struct repo *repo = rig_open(f, f->secret);
	size_t count = repo_head(repo)->points.len;
	for (size_t i = 0; i < count; i++)
		check_point(f, repo, &repo_head(repo)->points.at[i].id);
	repo_close(repo);
	return count;
}

static struct gc_options how(int64_t soak_ns)
{
	return (struct gc_options){
		.walk = rig_walk, .soak_ns = soak_ns, .rewrite_below = GC_REWRITE_BELOW};
}

static struct gc_result collect(struct rig *f, const struct gc_options *options_of)
{
	struct gc_result result;
	struct repo *repo = rig_open(f, f->secret);
	if (repo_gc(repo, options_of, &result, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	repo_close(repo);
	return result;
}

static void remove_point(struct rig *f, size_t which)
{
	struct repo *repo = rig_open(f, f->secret);
	struct point_change change = {repo_head(repo)->points.at[which].id, POINT_REMOVE};
	CHECK_EQ(repo_change_points(repo, &change, 1, &f->why), 0);
	repo_close(repo);
}

static bool add_size(void *arg, const char *name, uint64_t size)
{
	uint64_t *sum = arg;
	(void)name;
	*sum += size;
	return true;
}

static uint64_t bytes_in(struct rig *f, const char *folder)
{
	uint64_t sum = 0;
	CHECK_EQ(place_list(f->world.place, folder, add_size, &sum), 0);
	return sum;
}

static bool add_sectors(void *arg, const char *name, uint64_t size)
{
	uint64_t *sum = arg;
	(void)name;
	*sum += (size + SIM_SECTOR - 1) / SIM_SECTOR * SIM_SECTOR;
	return true;
}

/* What all files of the repository take on the simulated disk. */
static uint64_t used_sectors(struct rig *f)
{
	static const char *const folders[] = {"data", "meta", "index", "point", "head", "key"};
	static const char *const alone[] = {"repo", "reserve"};
	uint64_t sum = 0, size;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		CHECK_EQ(place_list(f->world.place, folders[i], add_sectors, &sum), 0);
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
		if (!place_size(f->world.place, alone[i], &size))
			add_sectors(&sum, alone[i], size);
	return sum;
}

TEST(what_no_point_needs_soaks_and_goes)
{
	struct rig f;
	rig_begin(&f, 1);
	save_apart(&f, 0, 40);
	save_apart(&f, 40, 80);
	uint64_t before = bytes_in(&f, "data");
	struct gc_options day = how(NS_PER_DAY);
	CHECK_EQ(collect(&f, &day).waiting, 0);
	remove_point(&f, 0);
	CHECK_EQ(check_all(&f), 1);

	/* A dry run tells, and touches nothing. */
	struct gc_options dry = day;
	dry.dry_run = true;
	struct gc_result result = collect(&f, &dry);
	CHECK(result.waiting_bytes > before / 3);
	CHECK_EQ(bytes_in(&f, "data"), before);

	result = collect(&f, &day);
	CHECK_EQ(result.removed, 0);
	CHECK(result.waiting_bytes > before / 3);
	CHECK_EQ(bytes_in(&f, "data"), before);
	f.clock.now += NS_PER_DAY - 1000;
	CHECK_EQ(collect(&f, &day).removed, 0);
	f.clock.now += 2000;
	result = collect(&f, &day);
	CHECK(result.removed > 1 && result.removed_bytes > before / 3);
	CHECK(bytes_in(&f, "data") < before * 2 / 3);
	CHECK_EQ(check_all(&f), 1);

	/* The clock goes back: nothing that is younger than now can have soaked. */
	remove_point(&f, 0);
	f.clock.now -= NS_PER_DAY / 2;
	collect(&f, &day);
	CHECK_EQ(check_all(&f), 0);
	f.clock.now += 3 * NS_PER_DAY;
	collect(&f, &day);
	f.clock.now += 3 * NS_PER_DAY;
	collect(&f, &day);
	CHECK_EQ(bytes_in(&f, "data") + bytes_in(&f, "meta") + bytes_in(&f, "point"), 0);
	rig_end(&f);
}

TEST(what_would_come_free_is_told_before_points_go)
{
	struct rig f;
	rig_begin(&f, 2);
	save_apart(&f, 0, 40);
	save_apart(&f, 20, 60);
	struct repo *repo = rig_open(&f, f.secret);
	struct gc_options dry = how(NS_PER_DAY);
	struct gc_result none, one, both;
	struct object_id ids[2] = {
		repo_head(repo)->points.at[0].id, repo_head(repo)->points.at[1].id};
	dry.dry_run = true;
	CHECK_EQ(repo_gc(repo, &dry, &none, &f.why), 0);
	dry.without = ids;
	dry.without_count = 1;
	CHECK_EQ(repo_gc(repo, &dry, &one, &f.why), 0);
	dry.without_count = 2;
	CHECK_EQ(repo_gc(repo, &dry, &both, &f.why), 0);
	CHECK_EQ(none.waiting_bytes, 0);
	CHECK(one.waiting_bytes < both.waiting_bytes);
	CHECK_EQ(both.waiting_bytes, bytes_in(&f, "data") + bytes_in(&f, "meta"));
	CHECK_EQ(repo_head(repo)->points.len, 2);
	repo_close(repo);
	rig_end(&f);
}

TEST(packs_of_which_little_is_needed_are_copied_together)
{
	struct rig f;
	rig_begin(&f, 3);
	/* One chunk in ten outlives its neighbours. */
	for (unsigned i = 0; i < 3; i++)
		save_apart(&f, i * 80, i * 80 + 80);
	struct repo *repo = rig_open(&f, f.secret);
	struct digest list[24];
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
	for (unsigned i = 0; i < 24; i++)
		list[i] = put_number(&f, repo, i * 10);
	CHECK_EQ(repo_put_chunk(repo, CHUNK_LIST, list, sizeof(list), &point.root, &f.why), 0);
	CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	repo_close(repo);
	for (unsigned i = 0; i < 3; i++)
		remove_point(&f, 0);
	uint64_t before = bytes_in(&f, "data");
	struct gc_options at_once = how(0);
	struct gc_result result = collect(&f, &at_once);
	CHECK(result.rewritten > 0 && result.removed > result.rewritten);
	CHECK(bytes_in(&f, "data") < before / 3);
	CHECK_EQ(check_all(&f), 1);
	CHECK_EQ(collect(&f, &at_once).removed, 0);
	rig_end(&f);
}

/* Their rows in the directory weigh more than they do, and so does what belongs to the pack. */
TEST(packs_of_tiny_chunks_are_left_alone)
{
	enum { LISTS = 24, IN_LIST = 256 };
	struct rig f;
	struct gc_options at_once = how(0);
	struct digest list[IN_LIST];
	rig_begin(&f, 11);
	struct repo *repo = rig_open(&f, f.secret);
	for (unsigned i = 0; i < LISTS * IN_LIST; i++) {
		struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
		CHECK_EQ(repo_put_chunk(
				 repo, CHUNK_CONTENT, &i, sizeof(i), &list[i % IN_LIST], &f.why),
			0);
		if (i != IN_LIST * LISTS - 1 && i % IN_LIST != IN_LIST - 1)
			continue;
		CHECK_EQ(repo_put_chunk(repo, CHUNK_LIST, list, sizeof(list), &point.root, &f.why),
			0);
		/* All in one pack: only the last list becomes a point, and names few of them. */
		if (i == IN_LIST * LISTS - 1)
			CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	}
	repo_close(repo);
	CHECK(collect(&f, &at_once).rewritten <= 1);
	CHECK_EQ(collect(&f, &at_once).rewritten, 0);
	CHECK_EQ(check_all(&f), 1);
	rig_end(&f);
}

/* A pack of nothing but tiny chunks that are needed: by its own weight it would look empty. */
TEST(a_full_pack_of_tiny_chunks_is_not_copied)
{
	enum { POINTS = 24, IN_LIST = 256 };
	struct rig f;
	struct gc_options at_once = how(0);
	struct digest list[IN_LIST], roots[POINTS];
	rig_begin(&f, 12);
	struct repo *repo = rig_open(&f, f.secret);
	for (unsigned i = 0; i < POINTS * IN_LIST; i++) {
		CHECK_EQ(repo_put_chunk(
				 repo, CHUNK_CONTENT, &i, sizeof(i), &list[i % IN_LIST], &f.why),
			0);
		if (i % IN_LIST == IN_LIST - 1)
			CHECK_EQ(repo_put_chunk(repo, CHUNK_LIST, list, sizeof(list),
					 &roots[i / IN_LIST], &f.why),
				0);
	}
	for (unsigned i = 0; i < POINTS; i++) {
		struct point point = {
			.source = POINT_DIR, .kind = POINT_FULL, .root = roots[i], .resource = "x"};
		CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	}
	repo_close(repo);
	CHECK_EQ(collect(&f, &at_once).rewritten, 0);
	CHECK_EQ(check_all(&f), POINTS);
	rig_end(&f);
}

TEST(many_small_packs_become_few)
{
	struct rig f;
	struct gc_options at_once = how(0);
	rig_begin(&f, 4);
	for (unsigned i = 0; i < 40; i++)
		save_apart(&f, i, i + 1);
	struct gc_result before = collect(
		&f, &(struct gc_options){.walk = rig_walk, .dry_run = true});
	CHECK_EQ(before.packs, 80);
	collect(&f, &at_once);
	struct repo *repo = rig_open(&f, f.secret);
	CHECK(repo_head(repo)->indexes.len < 5);
	repo_close(repo);
	CHECK(collect(&f, &at_once).packs < 12);
	CHECK_EQ(check_all(&f), 40);
	rig_end(&f);
}

/* ---- beside a backup ---- */

TEST(a_writer_takes_back_what_it_relied_on)
{
	struct rig f;
	struct gc_options day = how(NS_PER_DAY);
	rig_begin(&f, 5);
	save_apart(&f, 0, 30);
	struct repo *slow = rig_open(&f, f.secret);
	remove_point(&f, 0);
	struct point point = begin_point(&f, slow, 0, 40);
	CHECK(collect(&f, &day).waiting > 0);
	CHECK_EQ(repo_commit(slow, &point, &f.why), 0);
	repo_close(slow);
	CHECK_EQ(check_all(&f), 1);
	f.clock.now += 2 * NS_PER_DAY;
	collect(&f, &day);
	CHECK_EQ(check_all(&f), 1);
	rig_end(&f);
}

TEST(a_writer_that_was_too_slow_makes_no_point)
{
	struct rig f;
	struct gc_options at_once = how(0);
	rig_begin(&f, 6);
	save_apart(&f, 0, 30);
	struct repo *slow = rig_open(&f, f.secret);
	remove_point(&f, 0);
	struct point point = begin_point(&f, slow, 0, 40);
	CHECK(collect(&f, &at_once).removed > 0);
	CHECK_EQ(repo_commit(slow, &point, &f.why), -ESTALE);
	CHECK_STR(f.why.text,
		"a collection removed what this run relied on: it took longer than the collection "
		"lets things soak; run it again");
	repo_close(slow);
	CHECK_EQ(check_all(&f), 0);
	save_apart(&f, 0, 40);
	CHECK_EQ(check_all(&f), 1);
	rig_end(&f);
}

TEST(packs_that_no_head_named_yet_are_the_writers_for_a_while)
{
	struct rig f;
	struct gc_options day = how(NS_PER_DAY);
	rig_begin(&f, 7);
	struct repo *slow = rig_open(&f, f.secret);
	struct point point = begin_point(&f, slow, 0, 60); /* its first packs are at the place */
	CHECK(collect(&f, &day).orphans > 0);
	CHECK_EQ(repo_commit(slow, &point, &f.why), 0);
	repo_close(slow);
	f.clock.now += 2 * NS_PER_DAY;
	collect(&f, &day);
	CHECK_EQ(check_all(&f), 1);

	struct repo *killed = rig_open(&f, f.secret);
	begin_point(&f, killed, 100, 160);
	repo_close(killed);
	uint64_t before = bytes_in(&f, "data");
	collect(&f, &day);
	f.clock.now += 2 * NS_PER_DAY;
	collect(&f, &day);
	CHECK(bytes_in(&f, "data") < before);
	CHECK_EQ(check_all(&f), 1);
	rig_end(&f);
}

TEST(a_point_that_cannot_be_followed_stops_everything)
{
	struct rig f;
	struct gc_options at_once = how(0);
	struct gc_result result;
	rig_begin(&f, 8);
	save_apart(&f, 0, 10);
	save_apart(&f, 10, 20);
	struct repo *repo = rig_open(&f, f.secret);
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .root = {{1}}};
	CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	repo_close(repo);
	remove_point(&f, 0);
	uint64_t before = bytes_in(&f, "data");
	repo = rig_open(&f, f.secret);
	CHECK_EQ(repo_gc(repo, &at_once, &result, &f.why), -EBADMSG);
	CHECK(strstr(f.why.text, "nothing was removed: point "));
	repo_close(repo);
	CHECK_EQ(bytes_in(&f, "data"), before);
	remove_point(&f, 1);
	collect(&f, &at_once);
	CHECK_EQ(check_all(&f), 1);
	rig_end(&f);
}

TEST(a_full_place_is_collected_out_of_its_reserve)
{
	struct rig f;
	struct gc_options at_once = how(0);
	uint64_t size;
	rig_begin(&f, 9);
	at_once.reserve = 256 << 10;
	for (unsigned i = 0; i < 4; i++)
		save_apart(&f, i * 60, i * 60 + 60);
	collect(&f, &at_once);
	CHECK_EQ(place_size(f.world.place, "reserve", &size), 0);
	remove_point(&f, 0);
	remove_point(&f, 0);
	/* Not a byte is free any more. */
	uint64_t used = bytes_in(&f, "data");
	sim_disk_set_capacity(f.disk, used_sectors(&f));
	struct gc_result result = collect(&f, &at_once);
	CHECK(result.reserve_used && result.removed > 0);
	CHECK(bytes_in(&f, "data") < used * 2 / 3);
	CHECK_EQ(place_size(f.world.place, "reserve", &size), 0);
	CHECK_EQ(check_all(&f), 2);
	rig_end(&f);
}

TEST(a_full_place_without_a_reserve_is_left_as_it_is)
{
	struct rig f;
	struct gc_options at_once = how(0);
	struct gc_result result;
	rig_begin(&f, 10);
	save_apart(&f, 0, 60);
	save_apart(&f, 60, 120);
	remove_point(&f, 0);
	sim_disk_set_capacity(f.disk, used_sectors(&f));
	struct repo *repo = rig_open(&f, f.secret);
	CHECK_EQ(repo_gc(repo, &at_once, &result, &f.why), -ENOSPC);
	repo_close(repo);
	CHECK_EQ(check_all(&f), 1);
	rig_end(&f);
}

TEST_MAIN
