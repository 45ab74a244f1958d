/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index on disk says what one in memory says: over random additions, and over random lives of a
 * repository whose files on this machine are damaged, lost, exchanged or another's.
 */
#include "repo/index.h"

#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/disk.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/inner.h"
#include "sim/disk.h"

enum { TABLE = 40, UNIVERSE = 900, RETIRED = 8 };

/* ---- additions ---- */

struct pair {
	struct test_dice dice;
	struct test_clock clock;
	struct sim_disk *sim;
	struct index_disk disk;
	struct index model, index;
	uint32_t numbers[UNIVERSE]; /* as first told, plus 1 */
	struct rng rng;
};

static struct digest digest_number(uint64_t i)
{
	struct digest digest;
	struct rng rng;
	rng_seed(&rng, i);
	rng_fill(&rng, digest.b, sizeof(digest.b));
	return digest;
}

static void pair_begin(struct pair *p, uint64_t seed)
{
	struct object_id retired[RETIRED];
	memset(p, 0, sizeof(*p));
	rng_seed(&p->rng, seed);
	test_world_init(&p->dice, &p->clock, seed);
	p->sim = sim_disk_new();
	p->disk = (struct index_disk){
		.disk = sim_disk_seam(p->sim), .dice = &p->dice.dice, .table = TABLE};
	p->index.disk = &p->disk;
	for (int i = 0; i < RETIRED; i++)
		memset(retired[i].b, i, sizeof(retired[i].b));
	CHECK_EQ(index_set_retired(&p->model, retired, RETIRED), 0);
	CHECK_EQ(index_set_retired(&p->index, retired, RETIRED), 0);
}

static void pair_end(struct pair *p)
{
	index_done(&p->model);
	index_done(&p->index);
	sim_disk_free(p->sim);
}

/* Packs of few names: some are retired, some come more than once. */
static void add_pack(struct pair *p)
{
	struct index_pack pack = {.kind = OBJECT_DATA};
	uint32_t number, same;
	memset(pack.id.b, (int)rng_below(&p->rng, 40), sizeof(pack.id.b));
	CHECK_EQ(index_add_pack(&p->model, &pack, &number), 0);
	CHECK_EQ(index_add_pack(&p->index, &pack, &same), 0);
	CHECK_EQ(number, same);
	for (uint64_t i = rng_below(&p->rng, 30); i > 0; i--) {
		struct pack_entry at = {.digest = digest_number(rng_below(&p->rng, UNIVERSE)),
			.kind = CHUNK_CONTENT,
			.offset = (uint32_t)rng_below(&p->rng, 1000)};
		CHECK_EQ(index_add(&p->model, number, &at), 0);
		CHECK_EQ(index_add(&p->index, number, &at), 0);
	}
	if (index_is_heavy(&p->index))
		CHECK_EQ(index_spill(&p->index), 0);
	CHECK(p->index.entries.len < TABLE);
	CHECK(!p->disk.full);
}

static void check_same(const struct index_entry *one, const struct index_entry *other)
{
	CHECK(digest_equal(&one->at.digest, &other->at.digest));
	CHECK_EQ(one->pack, other->pack);
	CHECK_EQ(one->at.offset, other->at.offset);
}

static void check_each(struct pair *p)
{
	for (uint64_t i = 0; i < UNIVERSE; i++) {
		const struct digest digest = digest_number(i);
		struct index_entry wanted, entry;
		uint32_t number;
		int known = index_find(&p->model, &digest, &wanted);
		CHECK_EQ(index_find(&p->index, &digest, &entry), known);
		CHECK_EQ(index_find_number(&p->index, &digest, &number), known);
		if (!known)
			continue;
		check_same(&wanted, &entry);
		CHECK(number < index_count(&p->index));
		if (!p->numbers[i])
			p->numbers[i] = number + 1;
		CHECK_EQ(p->numbers[i], number + 1);
	}
}

struct walking {
	struct pair *p;
	size_t count;
};

static int check_walked(void *arg, uint32_t number, const struct index_entry *entry)
{
	struct walking *w = arg;
	struct index_entry wanted;
	uint32_t same;
	CHECK_EQ(index_find(&w->p->model, &entry->at.digest, &wanted), 1);
	check_same(&wanted, entry);
	CHECK_EQ(index_find_number(&w->p->index, &entry->at.digest, &same), 1);
	CHECK_EQ(number, same);
	w->count++;
	return 0;
}

TEST(an_index_on_disk_says_what_one_in_memory_says)
{
	for (uint64_t round = 0; round < 6; round++) {
		struct pair p;
		pair_begin(&p, test_seed() + round);
		for (int i = 0; i < 120; i++) {
			add_pack(&p);
			if (i % 10 == 9)
				check_each(&p);
		}
		struct walking w = {.p = &p};
		CHECK_EQ(index_walk(&p.index, check_walked, &w), 0);
		CHECK_EQ(w.count, index_count(&p.model));
		CHECK(p.disk.runs.len > 1 && p.disk.runs.len < 12);
		pair_end(&p);
	}
}

/* ---- lives ---- */

enum { CHUNKS = 400 };

struct life {
	struct test_dice dice;
	struct test_clock clock;
	struct sim_disk *store, *cache;
	struct repo_world world;
	uint8_t secret[SECRET_SIZE];
	struct digest digests[CHUNKS]; /* of the chunks with these numbers */
	bool put[CHUNKS];
	struct rng rng;
	struct why why;
	int points;
};

static const struct repo_options options = {.parity_percent = 3, .pack_size = 1 << 20};

static void life_begin(struct life *l, uint64_t seed)
{
	memset(l, 0, sizeof(*l));
	rng_seed(&l->rng, seed);
	test_world_init(&l->dice, &l->clock, seed);
	l->store = sim_disk_new();
	l->cache = sim_disk_new();
	CHECK_EQ(place_dir_open(sim_disk_seam(l->store), &l->world.place), 0);
	l->world.dice = &l->dice.dice;
	l->world.clock = &l->clock.clock;
	CHECK_EQ(repo_init(&l->world, &options, l->secret, &l->why), 0);
	l->world.cache = sim_disk_seam(l->cache);
}

static void life_end(struct life *l)
{
	place_close(l->world.place);
	sim_disk_free(l->store);
	sim_disk_free(l->cache);
}

/* With a small table, so that little is much. */
static struct repo *open_small(struct life *l)
{
	struct repo *repo;
	if (repo_open(&l->world, l->secret, 0, &repo, &l->why))
		test_fail(__FILE__, __LINE__, "%s", l->why.text);
	if (l->world.cache) {
		repo->disk.table = TABLE;
		CHECK_EQ(repo_read_indexes(repo, &l->why), 0);
	}
	return repo;
}

static struct repo *open_plain(struct life *l)
{
	struct disk *cache = l->world.cache;
	l->world.cache = NULL;
	struct repo *repo = open_small(l);
	l->world.cache = cache;
	return repo;
}

static void save_some(struct life *l)
{
	struct repo *repo = open_small(l);
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL};
	uint8_t bytes[300];
	snprintf(point.resource, sizeof(point.resource), "dir/%d", l->points++);
	for (uint64_t n = 1 + rng_below(&l->rng, 3 * TABLE), i = 0; i < n; i++) {
		uint64_t which = rng_below(&l->rng, CHUNKS);
		struct rng rng;
		rng_seed(&rng, which);
		rng_fill(&rng, bytes, sizeof(bytes));
		CHECK_EQ(repo_put_chunk(repo, CHUNK_LIST, bytes, sizeof(bytes), &l->digests[which],
				 &l->why),
			0);
		l->put[which] = true;
		if (i % 20 == 19)
			CHECK_EQ(repo_close_packs(repo, &l->why), 0);
		point.root = l->digests[which];
	}
	CHECK_EQ(repo_commit(repo, &point, &l->why), 0);
	repo_close(repo);
}

static int walk_root(
	struct repo *repo, const struct point *point, gc_chunk_fn *fn, void *arg, struct why *why)
{
	(void)repo;
	(void)why;
	int err = fn(arg, &point->root, CHUNK_LIST, false);
	return err < 0 ? err : 0;
}

/* Only roots are needed: most of each pack is not. */
static void collect(struct life *l)
{
	struct repo *repo = open_small(l);
	struct gc_options how = {.walk = walk_root, .rewrite_below = 90, .small_packs = 3};
	struct gc_result result;
	if (repo_gc(repo, &how, &result, &l->why))
		test_fail(__FILE__, __LINE__, "%s", l->why.text);
	repo_close(repo);
}

struct names {
	char at[64][64];
	size_t count;
};

static bool note_name(void *arg, const char *name, bool is_dir)
{
	struct names *names = arg;
	CHECK(!is_dir && names->count < 64);
	snprintf(names->at[names->count++], 64, "%s", name);
	return true;
}

static struct names list_cache(struct life *l)
{
	struct names names = {.count = 0};
	CHECK_EQ(disk_list(l->world.cache, ".", note_name, &names), 0);
	return names;
}

static void flip_at(struct life *l, const char *name, uint64_t at)
{
	struct file *file;
	uint8_t byte;
	CHECK_EQ(disk_open(l->world.cache, name, FILE_READ | FILE_WRITE, &file), 0);
	CHECK_EQ(file_read_full(file, &byte, 1, at), 0);
	byte ^= (uint8_t)(1 << rng_below(&l->rng, 8));
	CHECK_EQ(file_write_full(file, &byte, 1, at), 0);
	file_close(file);
}

static uint64_t size_of(struct life *l, const char *name)
{
	struct file *file;
	uint64_t size;
	CHECK_EQ(disk_open(l->world.cache, name, FILE_READ, &file), 0);
	CHECK_EQ(file_size(file, &size), 0);
	file_close(file);
	return size;
}

/* A byte, the end, the whole, or the place of one of them changes. */
static void damage(struct life *l)
{
	struct names names = list_cache(l);
	if (!names.count)
		return;
	const char *name = names.at[rng_below(&l->rng, names.count)];
	const char *other = names.at[rng_below(&l->rng, names.count)];
	uint64_t size = size_of(l, name);
	struct file *file;
	switch (rng_below(&l->rng, 4)) {
	case 0:
		if (size)
			flip_at(l, name, rng_below(&l->rng, size));
		break;
	case 1:
		CHECK_EQ(disk_open(l->world.cache, name, FILE_READ | FILE_WRITE, &file), 0);
		CHECK_EQ(file_truncate(file, rng_below(&l->rng, size + 1)), 0);
		file_close(file);
		break;
	case 2:
		CHECK_EQ(disk_unlink(l->world.cache, name), 0);
		break;
	default:
		CHECK_EQ(disk_rename(l->world.cache, name, other), 0);
		break;
	}
}

struct same {
	const struct repo *plain;
	size_t count;
};

static int check_place(void *arg, uint32_t number, const struct index_entry *entry)
{
	struct same *same = arg;
	struct index_entry wanted;
	(void)number;
	CHECK_EQ(index_find(&same->plain->index, &entry->at.digest, &wanted), 1);
	check_same(&wanted, entry);
	same->count++;
	return 0;
}

/* `again`: the files are damaged while the repository is open. */
static void check_life(struct life *l, bool again)
{
	struct repo *plain = open_plain(l), *repo = open_small(l);
	struct same same = {.plain = plain};
	if (again)
		damage(l);
	CHECK_EQ(repo->index.packs.len, plain->index.packs.len);
	for (size_t i = 0; i < plain->index.packs.len; i++)
		CHECK(object_id_equal(&repo->index.packs.at[i].id, &plain->index.packs.at[i].id));
	for (int i = 0; i < CHUNKS; i++) {
		struct index_entry entry, wanted;
		if (!l->put[i])
			continue;
		int known = index_find(&plain->index, &l->digests[i], &wanted);
		CHECK_EQ(index_find(&repo->index, &l->digests[i], &entry), known);
		if (known)
			check_same(&wanted, &entry);
	}
	if (again)
		damage(l);
	CHECK_EQ(index_walk(&repo->index, check_place, &same), 0);
	CHECK_EQ(same.count, index_count(&plain->index));
	repo_close(plain);
	repo_close(repo);
}

TEST(a_life_with_damaged_files_goes_on_as_without_them)
{
	/* A life may happen to keep its cache nearly empty: it counts when enough files were met.
	 */
	size_t files = 0;
	for (uint64_t round = 0; round < 4 || (files <= 20 && round < 40); round++) {
		struct life l;
		life_begin(&l, test_seed() + round);
		for (int i = 0; i < 14; i++) {
			uint64_t what = rng_below(&l.rng, 8);
			if (what < 5)
				save_some(&l);
			else if (what < 6)
				collect(&l);
			else
				damage(&l);
			check_life(&l, rng_below(&l.rng, 2));
			files += list_cache(&l).count;
		}
		life_end(&l);
	}
	CHECK(files > 20);
}

/* What another repository, or the same one under other keys, wrote is no use here. */
TEST(the_files_of_another_repository_are_not_believed)
{
	struct life one, other;
	life_begin(&one, 1);
	life_begin(&other, 2);
	for (int i = 0; i < 4; i++) {
		save_some(&one);
		save_some(&other);
	}
	check_life(&one, false);
	check_life(&other, false);
	struct names names = list_cache(&one), mine = list_cache(&other);
	CHECK(names.count && mine.count);
	/* Under a name that it looks for: only what is in it tells. */
	uint64_t size = size_of(&one, names.at[0]);
	OWN(own_free) uint8_t *bytes = malloc(size);
	struct file *file;
	CHECK_EQ(disk_open(one.world.cache, names.at[0], FILE_READ, &file), 0);
	CHECK_EQ(file_read_full(file, bytes, size, 0), 0);
	file_close(file);
	CHECK_EQ(disk_open(other.world.cache, mine.at[0], FILE_READ | FILE_WRITE, &file), 0);
	CHECK_EQ(file_truncate(file, 0), 0);
	CHECK_EQ(file_write_full(file, bytes, size, 0), 0);
	file_close(file);
	check_life(&other, false);
	life_end(&one);
	life_end(&other);
}

/* Nothing of the place is read again when nothing changed. */
TEST(what_is_kept_is_not_read_from_the_place)
{
	struct life l;
	life_begin(&l, 3);
	for (int i = 0; i < 6; i++)
		save_some(&l);
	repo_close(open_small(&l));
	/* An index that cannot be read would be told of, if anybody read it. */
	struct repo *repo = open_small(&l);
	for (size_t i = 0; i < repo->head.indexes.len; i++) {
		char name[OBJECT_NAME];
		object_name(OBJECT_INDEX, &repo->head.indexes.at[i].id, name);
		if (i < repo->head.indexes.len / 2)
			CHECK_EQ(place_remove(l.world.place, name), 0);
	}
	CHECK(repo->disk.kept > 0);
	repo_close(repo);
	repo_close(open_small(&l));
	life_end(&l);
}

static int take_nothing(void *arg, enum sim_op op, const char *name, bool done)
{
	int *left = arg;
	(void)name;
	if (done || (op != SIM_WRITE && op != SIM_CREATE && op != SIM_RENAME && op != SIM_UNLINK))
		return 0;
	return --*left < 0 ? -ENOSPC : 0;
}

/* From each moment on: the index is in memory then, or where it had come to. */
TEST(a_folder_that_takes_no_more_is_no_error)
{
	for (int moment = 0; moment < 12; moment++) {
		struct life l;
		int left = moment;
		life_begin(&l, 4);
		sim_disk_set_hook(l.cache, take_nothing, &left);
		for (int i = 0; i < 4; i++)
			save_some(&l);
		collect(&l);
		check_life(&l, false);
		life_end(&l);
	}
}

static void make_file(struct life *l, const char *name, struct file **ret_file)
{
	CHECK_EQ(
		disk_open(l->world.cache, name, FILE_READ | FILE_WRITE | FILE_CREATE, ret_file), 0);
	CHECK_EQ(file_write_full(*ret_file, name, strlen(name), 0), 0);
}

/* A process that was killed leaves a file that is no run; another one is at work. */
TEST(what_a_killed_process_left_is_removed_and_what_is_being_written_is_not)
{
	struct life l;
	struct file *dead, *live;
	char start[40], name[80], other[80];
	life_begin(&l, 5);
	for (int i = 0; i < 3; i++)
		save_some(&l);
	struct names names = list_cache(&l);
	CHECK(names.count > 0);
	snprintf(start, sizeof(start), "%.15s", names.at[0]);
	CHECK_EQ(start[14], '-');
	snprintf(name, sizeof(name), "%s0000000000000001.new", start);
	snprintf(other, sizeof(other), "%s0000000000000002.new", start);
	make_file(&l, name, &dead);
	file_close(dead);
	make_file(&l, other, &live);
	CHECK_EQ(file_lock(live), 0);
	check_life(&l, false);
	CHECK_EQ(disk_open(l.world.cache, name, FILE_READ, &dead), -ENOENT);
	CHECK_EQ(disk_open(l.world.cache, other, FILE_READ, &dead), 0);
	file_close(dead);
	file_close(live);
	life_end(&l);
}

TEST_MAIN
