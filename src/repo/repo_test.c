/* SPDX-License-Identifier: Apache-2.0 */
/* A repository on a simulated disk: what was committed is there, whatever happens to the disk. */
#include "repo/repo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/disk.h"
#include "repo/renew.h"
#include "repo/rig_test.h"

enum { LONG = 70000 };

static size_t content(uint64_t i, uint8_t *bytes)
{
	struct rng rng;
	rng_seed(&rng, i);
	size_t len = i % 5 ? rng_below(&rng, 3000) : LONG - rng_below(&rng, 3000);
	rng_fill(&rng, bytes, len);
	return len;
}

static void put_chunks(
	struct rig *f, struct repo *repo, uint64_t from, uint64_t to, struct digest *digests)
{
	static uint8_t bytes[LONG];
	for (uint64_t i = from; i < to; i++) {
		size_t len = content(i, bytes);
		CHECK_EQ(repo_put_chunk(repo, i % 3 ? CHUNK_CONTENT : CHUNK_TREE, bytes, len,
				 &digests[i], &f->why),
			0);
	}
}

static void check_chunks(
	struct rig *f, struct repo *repo, uint64_t from, uint64_t to, const struct digest *digests)
{
	static uint8_t want[LONG];
	for (uint64_t i = from; i < to; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		size_t want_len = content(i, want), len;
		if (repo_chunk(repo, &digests[i], i % 3 ? CHUNK_CONTENT : CHUNK_TREE, &bytes, &len,
			    &f->why))
			test_fail(__FILE__, __LINE__, "chunk %d: %s", (int)i, f->why.text);
		CHECK_EQ(len, want_len);
		CHECK(memcmp(bytes, want, len) == 0);
	}
}

static struct point a_point(const char *resource)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL};
	snprintf(point.resource, sizeof(point.resource), "%s", resource);
	return point;
}

TEST(chunks_come_back_from_a_fresh_opening)
{
	enum { N = 200 };
	struct rig f;
	struct digest digests[N];
	struct point point = a_point("home"), again;
	rig_begin(&f, 1);
	struct repo *repo = rig_open(&f, f.secret);
	put_chunks(&f, repo, 0, N, digests);
	struct repo_written first = repo_written(repo);
	put_chunks(&f, repo, 0, N, digests);
	CHECK_EQ(repo_written(repo).new_bytes, first.new_bytes);
	CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	repo_close(repo);

	repo = rig_open(&f, f.secret);
	CHECK_EQ(repo_head(repo)->generation, 2);
	CHECK_EQ(repo_head(repo)->points.len, 1);
	CHECK_EQ(repo_point(repo, &repo_head(repo)->points.at[0].id, &again, &f.why), 0);
	CHECK_STR(again.resource, "home");
	check_chunks(&f, repo, 0, N, digests);
	put_chunks(&f, repo, 0, N, digests);
	CHECK_EQ(repo_written(repo).new_chunks, 0);
	CHECK_EQ(repo_mended(repo), 0);
	repo_close(repo);
	rig_end(&f);
}

/* As its writer's death right after the rename leaves a pack: whole, its name not durable. */
static bool unsettle(void *arg, const char *name, uint64_t size)
{
	struct rig *f = arg;
	struct disk *disk = sim_disk_seam(f->disk);
	char folder[80];
	OWN(own_free) uint8_t *bytes = malloc(size);
	OWN(file_close_own) struct file *file = NULL;
	CHECK(bytes && place_get(f->world.place, name, 0, bytes, size) == (ssize_t)size);
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(name, '/') - name), name);
	CHECK_EQ(disk_unlink(disk, name), 0);
	CHECK_EQ(disk_sync_dir(disk, folder), 0);
	CHECK_EQ(disk_open(disk, name, FILE_WRITE | FILE_CREATE, &file), 0);
	CHECK_EQ(file_write_full(file, bytes, size, 0), 0);
	CHECK_EQ(file_sync(file), 0);
	return true;
}

static uint64_t as_durable(void *arg, enum sim_thing thing, uint64_t options_count)
{
	(void)arg;
	(void)thing;
	(void)options_count;
	return 0;
}

TEST(an_ended_runs_packs_are_found_again_and_stay)
{
	enum { N = 700 };
	struct rig f;
	static struct digest digests[N];
	struct point point = a_point("home");
	rig_begin(&f, 7);
	struct repo *repo = rig_open(&f, f.secret);
	put_chunks(&f, repo, 0, N, digests);
	uint64_t sent = repo_written(repo).written_bytes;
	CHECK(sent > 2 << 20);
	repo_close(repo); /* as a kill: what is in open packs is lost */
	CHECK_EQ(place_list(f.world.place, "data", unsettle, &f), 0);
	CHECK_EQ(place_list(f.world.place, "meta", unsettle, &f), 0);

	place_close(f.world.place);
	CHECK_EQ(place_dir_open(sim_disk_seam(f.disk), &f.world.place), 0);
	repo = rig_open(&f, f.secret);
	put_chunks(&f, repo, 0, N, digests);
	CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	/* Two open packs, index, point and head. */
	CHECK(repo_written(repo).written_bytes < 3 << 20);
	CHECK(repo_written(repo).adopted_packs > 2);
	repo_close(repo);

	struct sim_disk *crashed = sim_disk_new();
	CHECK(crashed && sim_disk_crash(f.disk, as_durable, NULL, crashed) == 0);
	place_close(f.world.place);
	sim_disk_free(f.disk);
	f.disk = crashed;
	CHECK_EQ(place_dir_open(sim_disk_seam(f.disk), &f.world.place), 0);
	repo = rig_open(&f, f.secret);
#ifdef PLANTED
	static uint8_t *bytes;
	size_t len;
	CHECK(repo_chunk(repo, &digests[1], CHUNK_CONTENT, &bytes, &len, &f.why) == -ENOENT);
#else
	check_chunks(&f, repo, 0, N, digests);
#endif
	repo_close(repo);
	rig_end(&f);
}

TEST(two_writers_both_get_their_point)
{
	struct rig f;
	struct digest digests[20];
	struct point a = a_point("a"), b = a_point("b");
	rig_begin(&f, 2);
	struct repo *one = rig_open(&f, f.secret), *two = rig_open(&f, f.secret);
	put_chunks(&f, one, 0, 10, digests);
	put_chunks(&f, two, 5, 20, digests);
	CHECK_EQ(repo_commit(one, &a, &f.why), 0);
	CHECK_EQ(repo_commit(two, &b, &f.why), 0);
	repo_close(one);
	repo_close(two);
	struct repo *repo = rig_open(&f, f.secret);
	CHECK_EQ(repo_head(repo)->generation, 3);
	CHECK_EQ(repo_head(repo)->points.len, 2);
	check_chunks(&f, repo, 0, 20, digests);
	repo_close(repo);
	rig_end(&f);
}

static struct point committed(struct rig *f, struct repo *repo, const char *resource)
{
	struct point point = a_point(resource);
	CHECK_EQ(repo_commit(repo, &point, &f->why), 0);
	return point;
}

TEST(points_are_held_released_and_removed)
{
	struct rig f;
	rig_begin(&f, 5);
	struct repo *one = rig_open(&f, f.secret), *two = rig_open(&f, f.secret);
	struct point a = committed(&f, one, "x"), b = committed(&f, two, "y");
	struct head_point *named = head_find_point(repo_head(two), &a.id);
	CHECK(named && named->source == POINT_DIR && named->resource == repo_resource(one, "x"));
	CHECK(named->resource != head_find_point(repo_head(two), &b.id)->resource);

	/* The other one has seen neither the newer point nor the hold. */
	CHECK_EQ(repo_change_points(one, &(struct point_change){b.id, POINT_HOLD}, 1, &f.why), 0);
	uint64_t generation = repo_head(one)->generation;
	CHECK_EQ(repo_change_points(one, &(struct point_change){b.id, POINT_HOLD}, 1, &f.why), 0);
	CHECK_EQ(repo_head(one)->generation, generation);
	const struct point_change both[] = {{a.id, POINT_REMOVE}, {b.id, POINT_REMOVE}};
	CHECK_EQ(repo_change_points(two, both, 2, &f.why), -EPERM);
	CHECK(strstr(f.why.text, "is held: release it first"));
	CHECK_EQ(repo_head(two)->points.len, 2);
	CHECK_EQ(
		repo_change_points(two, &(struct point_change){b.id, POINT_RELEASE}, 1, &f.why), 0);
	CHECK_EQ(repo_change_points(two, both, 2, &f.why), 0);
	CHECK_EQ(repo_head(two)->points.len, 0);
	CHECK_EQ(repo_head(two)->retired.len, 2);
	CHECK_EQ(repo_change_points(one, both, 2, &f.why), 0);
	CHECK_EQ(repo_change_points(one, &(struct point_change){a.id, POINT_HOLD}, 1, &f.why),
		-ENOENT);
	repo_close(one);
	repo_close(two);
	rig_end(&f);
}

TEST(wrong_keys_missing_and_rolled_back_repositories_are_told)
{
	struct rig f;
	struct digest digests[1];
	struct point point = a_point("x");
	struct repo *repo;
	uint8_t wrong[SECRET_SIZE] = {1}, secret[SECRET_SIZE];
	rig_begin(&f, 3);
	CHECK_EQ(repo_open(&f.world, wrong, 0, &repo, &f.why), -EACCES);
	CHECK_STR(f.why.text, "this key opens none of the 1 key slots");
	CHECK_EQ(repo_init(&f.world, &rig_options, secret, &f.why), -EEXIST);
	repo = rig_open(&f, f.secret);
	put_chunks(&f, repo, 0, 1, digests);
	CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	repo_close(repo);
	CHECK_EQ(place_remove(f.world.place, "head/0000000000000002"), 0);
	CHECK_EQ(repo_open(&f.world, f.secret, 2, &repo, &f.why), -ESTALE);
	CHECK_STR(f.why.text,
		"the repository is at generation 1, but was at 2 before: it was "
		"rolled back, or heads were deleted");
	CHECK_EQ(place_remove(f.world.place, "head/0000000000000001"), 0);
	CHECK_EQ(repo_open(&f.world, f.secret, 0, &repo, &f.why), -EBADMSG);
	CHECK_STR(f.why.text, "head: all heads are gone, and data are there");
	rig_end(&f);

	struct sim_disk *empty = sim_disk_new();
	CHECK_EQ(place_dir_open(sim_disk_seam(empty), &f.world.place), 0);
	CHECK_EQ(repo_open(&f.world, f.secret, 0, &repo, &f.why), -ENOENT);
	CHECK_STR(f.why.text, "there is no repository");
	place_close(f.world.place);
	sim_disk_free(empty);
}

struct names {
	char at[64][80];
	uint64_t sizes[64];
	size_t count;
};

static bool note_name(void *arg, const char *name, uint64_t size)
{
	struct names *names = arg;
	CHECK(names->count < 64);
	snprintf(names->at[names->count], sizeof(names->at[0]), "%s", name);
	names->sizes[names->count++] = size;
	return true;
}

static void list_objects(struct rig *f, struct names *names)
{
	static const char *const folders[] = {"key", "data", "meta", "index", "point", "head"};
	memset(names, 0, sizeof(*names));
	CHECK_EQ(place_size(f->world.place, "repo", &names->sizes[0]), 0);
	snprintf(names->at[names->count++], sizeof(names->at[0]), "repo");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		CHECK_EQ(place_list(f->world.place, folders[i], note_name, names), 0);
}

/* Bytes of every object are flipped in turn: all is read back right. */
TEST(a_flipped_byte_is_mended)
{
	struct rig f;
	struct digest digests[4];
	struct point point = a_point("x");
	struct names names;
	uint64_t flips = 0;
	rig_begin(&f, 4);
	struct repo *repo = rig_open(&f, f.secret);
	put_chunks(&f, repo, 1, 4, digests);
	CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
	repo_close(repo);
	list_objects(&f, &names);
	for (size_t i = 0; i < names.count; i++) {
		uint64_t size = names.sizes[i], step = size > 2000 ? 31 : 3;
		for (uint64_t at = 0; at < size; at += step) {
			CHECK_EQ(sim_disk_flip(f.disk, names.at[i], at, 0x40), 0);
			repo = rig_open(&f, f.secret);
			check_chunks(&f, repo, 1, 4, digests);
			CHECK_EQ(repo_point(repo, &point.id, &(struct point){0}, &f.why), 0);
			repo_close(repo);
			CHECK_EQ(sim_disk_flip(f.disk, names.at[i], at, 0x40), 0);
			flips++;
		}
	}
	test_note("%" PRIu64 " flips in %zu objects", flips, names.count);
	rig_end(&f);
}

/* Damages or removes the pack in which the index finds the chunk, beyond its parity. */
static void spoil_pack(
	struct rig *f, const struct repo *repo, const struct digest *digest, bool gone)
{
	OWN(file_close_own) struct file *file = NULL;
	static const uint8_t junk[1 << 16];
	struct index_entry entry;
	char name[OBJECT_NAME];
	uint64_t size;
	CHECK_EQ(index_find(&repo->index, digest, &entry), 1);
	const struct index_pack *pack = &repo->index.packs.at[entry.pack];
	object_name(pack->kind, &pack->id, name);
	CHECK_EQ(place_size(f->world.place, name, &size), 0);
	if (gone) {
		CHECK_EQ(place_remove(f->world.place, name), 0);
		return;
	}
	CHECK_EQ(disk_open(sim_disk_seam(f->disk), name, FILE_READ | FILE_WRITE, &file), 0);
	for (uint64_t at = SEAL_BODY; at < size; at += sizeof(junk))
		CHECK_EQ(file_write_full(file, junk,
				 size - at < sizeof(junk) ? (size_t)(size - at) : sizeof(junk), at),
			0);
}

/* Two writers at once bring the same: what is damaged at the one place is read at the other. */
static void read_at_the_other_place(bool gone)
{
	enum { N = 12 };
	struct rig f;
	struct digest digests[N];
	struct point one = a_point("one"), two = a_point("two");
	struct renew_result renewed = {0};
	rig_begin(&f, 5);
	struct repo *a = rig_open(&f, f.secret), *b = rig_open(&f, f.secret);
	put_chunks(&f, b, 0, 1, digests); /* now it has looked what is there */
	put_chunks(&f, a, 0, N, digests);
	CHECK_EQ(repo_commit(a, &one, &f.why), 0);
	put_chunks(&f, b, 0, N, digests);
	CHECK_EQ(repo_commit(b, &two, &f.why), 0);
	repo_close(a);
	repo_close(b);
	a = rig_open(&f, f.secret);
	const struct object_id bad[] = {
		a->index.packs.at[a->index.packs.len - 1].id,
		a->index.packs.at[a->index.packs.len - 2].id,
	};
	spoil_pack(&f, a, &digests[1], gone);
	spoil_pack(&f, a, &digests[3], gone);
	check_chunks(&f, a, 0, N, digests);
	CHECK_EQ(repo_mended(a), N);
	repo_close(a);
	/* A repair takes it from there, and nothing is lost. */
	a = rig_open(&f, f.secret);
	CHECK_EQ(repo_renew_packs(a, bad, 2, NULL, &renewed, &f.why), 0);
	CHECK(renewed.lost == 0 && renewed.rescued == N);
	repo_close(a);
	a = rig_open(&f, f.secret);
	check_chunks(&f, a, 0, N, digests);
	CHECK_EQ(repo_mended(a), 0);
	repo_close(a);
	rig_end(&f);
}

TEST(a_chunk_with_two_places_outlives_one_of_them)
{
	read_at_the_other_place(false);
	read_at_the_other_place(true);
}

/* ---- under the explorer ---- */

enum { ROUNDS = 2, PER_ROUND = 3 };

struct commit_state {
	struct test_dice dice;
	struct test_clock clock;
	uint8_t secret[SECRET_SIZE];
	bool made, made_maybe;
	int committed, begun; /* rounds */
	struct digest digests[ROUNDS * PER_ROUND];
	uint64_t generation;
};

static int commit_round(struct commit_state *s, struct repo *repo, int round, struct why *why)
{
	static uint8_t bytes[LONG];
	struct point point = a_point("x");
	int err = 0;
	for (int i = round * PER_ROUND; !err && i < (round + 1) * PER_ROUND; i++) {
		size_t len = content((uint64_t)i + 1, bytes);
		err = repo_put_chunk(repo, CHUNK_CONTENT, bytes, len, &s->digests[i], why);
	}
	if (err)
		return err;
	s->begun = round + 1;
	err = repo_commit(repo, &point, why);
	if (!err) {
		s->committed = round + 1;
		s->generation = repo_head(repo)->generation;
	}
	return err;
}

static int run(void *state, struct world *world, struct why *why)
{
	struct commit_state *s = state;
	struct place *place;
	struct repo *repo = NULL;
	test_world_init(&s->dice, &s->clock, 9);
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	struct repo_world rw = {.place = place, .dice = &s->dice.dice, .clock = &s->clock.clock};
	s->made_maybe = true;
	err = repo_init(&rw, &rig_options, s->secret, why);
	s->made = !err;
	if (!err)
		err = repo_open(&rw, s->secret, 0, &repo, why);
	for (int round = 0; !err && round < ROUNDS; round++)
		err = commit_round(s, repo, round, why);
	repo_close(repo);
	place_close(place);
	return err;
}

static int check_round(const struct commit_state *s, struct repo *repo, int round, struct why *why)
{
	static uint8_t want[LONG];
	for (int i = round * PER_ROUND; i < (round + 1) * PER_ROUND; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		size_t want_len = content((uint64_t)i + 1, want), len;
		int err = repo_chunk(repo, &s->digests[i], CHUNK_CONTENT, &bytes, &len, why);
		if (err)
			return why_prefix(why, err, "round %d, chunk %d", round, i);
		if (len != want_len || memcmp(bytes, want, len) != 0)
			return why_set(why, -EBADMSG, "chunk %d has other bytes", i);
	}
	return 0;
}

static int check_repo(const struct commit_state *s, struct repo *repo, struct why *why)
{
	int points = (int)repo_head(repo)->points.len;
	if (points < s->committed || points > s->begun)
		return why_set(why, -EBADMSG, "%d points, but %d were committed and %d begun",
			points, s->committed, s->begun);
	for (int round = 0; round < points; round++) {
		struct point point;
		int err = repo_point(repo, &repo_head(repo)->points.at[round].id, &point, why);
		if (!err)
			err = check_round(s, repo, round, why);
		if (err)
			return err;
	}
	return 0;
}

static int check(void *state, struct world *world, bool faulty, struct why *why)
{
	struct commit_state *s = state;
	struct place *place;
	struct repo *repo = NULL;
	(void)faulty;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	struct repo_world rw = {.place = place, .dice = &s->dice.dice, .clock = &s->clock.clock};
	/* The secret is in the hands of its owner only when repo_init() returned. */
	if (s->made)
		err = repo_open(&rw, s->secret, s->generation, &repo, why);
	if (!err && repo)
		err = check_repo(s, repo, why);
	repo_close(repo);
	place_close(place);
	return err;
}

TEST(no_committed_point_is_lost_to_a_crash)
{
	struct scenario scenario = {"repo", sizeof(struct commit_state), run, check, NULL};
	rig_explore(&scenario,
		(struct explore_options){
			.seed = 1, .exhaustive = 32, .samples = 8, .recovery_points = 2});
}

/* The next run after the crash, with the same content: its point has to be whole. */
static int check_going_on(void *state, struct world *world, bool faulty, struct why *why)
{
	struct commit_state *s = state;
	struct commit_state next = *s;
	struct place *place;
	struct repo *repo = NULL;
	(void)faulty;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	struct repo_world rw = {
		.place = place, .dice = &next.dice.dice, .clock = &next.clock.clock};
	if (s->made)
		err = repo_open(&rw, s->secret, s->generation, &repo, why);
	if (!err && repo)
		err = commit_round(&next, repo, 0, why);
	repo_close(repo);
	repo = NULL;
	if (!err && s->made)
		err = repo_open(&rw, s->secret, next.generation, &repo, why);
	if (!err && repo)
		err = check_round(&next, repo, 0, why);
	repo_close(repo);
	place_close(place);
	return err;
}

TEST(a_run_after_a_crash_is_whole)
{
	struct scenario scenario = {
		"repo again", sizeof(struct commit_state), run, check_going_on, NULL};
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 4,
			.samples = 4,
			.recovery_points = 1,
			.no_faults = true});
}

static int die_at_sync(void *arg, enum sim_op op, const char *name, bool done)
{
	bool *dead = arg;
	(void)done;
	*dead = *dead || (op == SIM_SYNC && strncmp(name, "data/", 5) == 0);
	return *dead ? -EIO : 0;
}

/* Names and lengths came to the disk, and of the bytes all but some behind the first. */
struct hole {
	uint64_t at, from, to;
};

static uint64_t as_latest_but(void *arg, enum sim_thing thing, uint64_t options)
{
	struct hole *hole = arg;
	if (thing != SIM_THING_SECTOR)
		return options - 1;
	hole->at++;
	return hole->at >= hole->from && hole->at < hole->to ? 0 : options - 1;
}

/* Machines that went down in the sync of a pack; the next run may find it long enough. */
TEST(what_a_crash_left_is_taken_up_only_whole)
{
	enum { N = 60, TRIES = 20 };
	static struct digest digests[N];
	struct point point = a_point("home");
	struct rng rng;
	rng_seed(&rng, test_seed());
	for (int i = 0; i < TRIES; i++) {
		struct rig f;
		bool dead = false;
		rig_begin(&f, 7);
		struct repo *repo = rig_open(&f, f.secret);
		sim_disk_set_hook(f.disk, die_at_sync, &dead);
		put_chunks(&f, repo, 0, N, digests);
		CHECK(repo_commit(repo, &point, &f.why) && dead);
		repo_close(repo);
		struct hole hole = {.from = 3 + rng_below(&rng, 30)};
		hole.to = hole.from + 1 + rng_below(&rng, 60);
		struct sim_disk *crashed = sim_disk_new();
		CHECK(crashed && sim_disk_crash(f.disk, as_latest_but, &hole, crashed) == 0);
		place_close(f.world.place);
		sim_disk_free(f.disk);
		f.disk = crashed;
		CHECK_EQ(place_dir_open(sim_disk_seam(f.disk), &f.world.place), 0);
		repo = rig_open(&f, f.secret);
		put_chunks(&f, repo, 0, N, digests);
		CHECK_EQ(repo_commit(repo, &point, &f.why), 0);
		repo_close(repo);
		repo = rig_open(&f, f.secret);
		check_chunks(&f, repo, 0, N, digests);
		repo_close(repo);
		rig_end(&f);
	}
}

/* ---- indexes of a run that was ended ---- */

static int die_at_head(void *arg, enum sim_op op, const char *name, bool done)
{
	bool *dead = arg;
	(void)op;
	(void)done;
	*dead = *dead || strncmp(name, "head/", 5) == 0;
	return *dead ? -EIO : 0;
}

enum { TOLD = 700 };

static bool note_id(void *arg, const char *name, uint64_t size)
{
	enum object_kind kind;
	(void)size;
	CHECK(object_parse_name(name, &kind, arg) && kind == OBJECT_INDEX);
	return true;
}

static bool count_one(void *arg, const char *name, uint64_t size)
{
	(void)name;
	(void)size;
	++*(unsigned *)arg;
	return true;
}

static unsigned count_indexes(struct rig *f)
{
	unsigned count = 0;
	CHECK_EQ(place_list(f->world.place, "index", count_one, &count), 0);
	return count;
}

/* A run that has put everything but its head. Gives the id of its only index. */
static struct object_id end_before_head(struct rig *f, struct digest digests[TOLD])
{
	struct point point = a_point("home");
	struct object_id id;
	bool dead = false;
	struct repo *repo = rig_open(f, f->secret);
	put_chunks(f, repo, 0, TOLD, digests);
	sim_disk_set_hook(f->disk, die_at_head, &dead);
	CHECK(repo_commit(repo, &point, &f->why) && dead);
	sim_disk_set_hook(f->disk, NULL, NULL);
	repo_close(repo);
	place_close(f->world.place);
	CHECK_EQ(place_dir_open(sim_disk_seam(f->disk), &f->world.place), 0);
	CHECK_EQ(count_indexes(f), 1);
	CHECK_EQ(place_list(f->world.place, "index", note_id, &id), 0);
	return id;
}

static void run_after(struct rig *f, struct digest digests[TOLD], unsigned indexes)
{
	struct point point = a_point("home");
	struct repo *repo = rig_open(f, f->secret);
	put_chunks(f, repo, 0, TOLD, digests);
	CHECK_EQ(repo_commit(repo, &point, &f->why), 0);
	CHECK(repo_written(repo).adopted_packs > 2);
	CHECK_EQ(count_indexes(f), indexes);
	repo_close(repo);
	repo = rig_open(f, f->secret);
	CHECK_EQ(repo_head(repo)->indexes.len, 1);
	check_chunks(f, repo, 0, TOLD, digests);
	repo_close(repo);
}

TEST(an_ended_runs_indexes_tell_of_its_packs)
{
	static struct digest digests[TOLD];
	struct rig f;
	rig_begin(&f, 8);
	end_before_head(&f, digests);
	run_after(&f, digests, 1);
	rig_end(&f);
}

/* Whoever has a key that only writes can make an index object that says what he likes. */
static void lie(struct rig *f, const struct object_id *id)
{
	struct repo *repo = rig_open(f, f->secret);
	OWN(index_done) struct index index = {0};
	OWN(own_free) uint8_t *plain = NULL;
	OWN(own_free) uint8_t *body = NULL;
	struct object_header header = {.kind = OBJECT_INDEX, .id = *id};
	uint32_t next;
	size_t len;
	CHECK_EQ(repo_fetch(repo, OBJECT_INDEX, id, &plain, &len, &f->why), 0);
	CHECK_EQ(index_get(&index, plain, len, &f->why), 0);
	index.entries.at[index.entries.len / 2].at.offset += 16;
	CHECK_EQ(index_put(&index, 0, &body, &len, &next), 0);
	CHECK_EQ(repo_store(repo, &header, body, len, &f->why), 0);
	repo_close(repo);
}

TEST(an_index_that_lies_tells_of_nothing)
{
	static struct digest digests[TOLD];
	struct rig f;
	rig_begin(&f, 9);
	struct object_id id = end_before_head(&f, digests);
	lie(&f, &id);
	run_after(&f, digests, 2);
	rig_end(&f);
}

TEST_MAIN
