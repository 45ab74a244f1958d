/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attack matrix: a repository of about 1 MiB with some of everything in it, and what somebody
 * who owns the place can do to it. Every byte of every object is flipped, every object deleted, cut
 * short, exchanged with each other of its kind, replaced by another repository's; all of it is
 * taken back to an older state. Each must be noticed by verify, healed where parity or another copy
 * allows, and no restore may give a wrong byte.
 *
 * Most flips go through the check of the object alone; that this tells the same as the whole verify
 * is shown on a sample.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/disk.h"
#include "os/linux/files.h"
#include "repo/gc.h"
#include "repo/keys.h"
#include "repo/renew.h"
#include "repo/repo.h"
#include "repo/test_mem.h"
#include "ship/backup.h"
#include "ship/image.h"
#include "ship/image_read.h"
#include "ship/need.h"
#include "ship/restore.h"
#include "ship/verify.h"

enum { POINTS = 16, FILES = 6, FILE_LEN = 18000, IMAGE_LEN = 200000, STATES = 32 };

static const char *const file_names[FILES] = {"alpha", "beta", "gamma", "delta", "omega", "empty"};

struct image {
	struct file file;
	uint8_t bytes[IMAGE_LEN];
};

struct world {
	char dir[64], source[80], target[80];
	struct rng rng;
	struct test_dice dice;
	struct test_clock clock;
	struct files files;
	struct mem_place mem, base, twin_mem, other_mem, copy_mem;
	struct mem_place states[STATES]; /* older ones */
	size_t state_count;
	struct repo_world at, twin_at, other_at, copy_at;
	uint8_t secret[SECRET_SIZE], writer[SECRET_SIZE], other_secret[SECRET_SIZE];
	struct repo *repo; /* opened while all was whole */
	uint64_t generation;
	struct point points[POINTS], image_point;
	uint64_t versions[POINTS][FILES];
	struct image image;
	struct why why;
	unsigned troubles;
	struct check_list list;
};

/* ---- making it ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

/* The bytes of one version of a file. */
static size_t content(int file, uint64_t version, uint8_t bytes[FILE_LEN])
{
	struct rng rng;
	rng_seed(&rng, version * FILES + (uint64_t)file);
	if (file == FILES - 1)
		return 0;
	rng_fill(&rng, bytes, FILE_LEN);
	return FILE_LEN - 1000 * (size_t)file;
}

static void write_version(struct world *w, int file, uint64_t version)
{
	char path[200];
	uint8_t bytes[FILE_LEN];
	size_t len = content(file, version, bytes);
	snprintf(path, sizeof(path), "%s/%s", w->source, file_names[file]);
	FILE *out = fopen(path, "wb");
	CHECK(out && fwrite(bytes, 1, len, out) == len && fclose(out) == 0);
}

static struct repo *must_open(struct world *w, const struct repo_world *at, const uint8_t *secret)
{
	struct repo *repo;
	if (repo_open(at, secret, 0, &repo, &w->why))
		test_fail(__FILE__, __LINE__, "%s", w->why.text);
	return repo;
}

static struct point must_backup(struct world *w, struct repo *repo, const char *resource)
{
	struct point point;
	struct backup_options options = {
		.path = w->source, .resource = resource, .host = "here", .writer = "test"};
	if (backup_dir(repo, &w->files, &w->clock.clock, &options, &point, &w->why))
		test_fail(__FILE__, __LINE__, "%s", w->why.text);
	return point;
}

static ssize_t image_read_at(struct file *file, void *bytes, size_t len, uint64_t at)
{
	const struct image *image = container_of(file, struct image, file);
	size_t n = at >= IMAGE_LEN ? 0 : IMAGE_LEN - at < len ? (size_t)(IMAGE_LEN - at) : len;
	memcpy(bytes, image->bytes + at, n);
	return (ssize_t)n;
}

static const struct file_ops image_ops = {.read_at = image_read_at};

static void keep_state(struct world *w)
{
	CHECK(w->state_count < STATES);
	mem_init(&w->states[w->state_count]);
	mem_copy(&w->states[w->state_count++], &w->mem);
}

static void make_points(struct world *w)
{
	for (int i = 0; i < POINTS; i++) {
		for (int file = 0; file < FILES; file++) {
			bool fresh = !i || file % 2 == i % 2;
			w->versions[i][file] = fresh ? (uint64_t)i + 1 : w->versions[i - 1][file];
			if (fresh)
				write_version(w, file, w->versions[i][file]);
		}
		struct repo *repo = must_open(w, &w->at, w->secret);
		w->points[i] = must_backup(w, repo, "dir/test");
		repo_close(repo);
		keep_state(w);
	}
}

static void make_image(struct world *w)
{
	struct image_result result;
	struct repo *repo = must_open(w, &w->at, w->secret);
	rng_fill(&w->rng, w->image.bytes, IMAGE_LEN / 2);
	w->image.file.ops = &image_ops;
	for (int i = 0; i < 2; i++) {
		struct image_options options = {.file = &w->image.file,
			.size = IMAGE_LEN,
			.resource = "image/test",
			.host = "here",
			.path = "/dev/test",
			.writer = "test"};
		rng_fill(&w->rng, w->image.bytes + 40000, 9000);
		if (backup_image(
			    repo, &w->clock.clock, &options, &w->image_point, &result, &w->why))
			test_fail(__FILE__, __LINE__, "%s", w->why.text);
	}
	repo_close(repo);
	keep_state(w);
}

static void add_key(struct world *w, struct repo *repo, enum slot_type type, uint8_t *secret)
{
	struct unlock unlock = {.secret = secret};
	struct key_new key = {.type = type, .label = "key", .unlock = &unlock};
	struct object_id id;
	if (type == SLOT_PASSPHRASE) {
		unlock = (struct unlock){.passphrase = "low tide", .passphrase_len = 8};
		key.cost = passphrase_floor;
	}
	dice_fill(&w->dice.dice, secret, SECRET_SIZE);
	if (repo_key_add(repo, &key, &id, &w->why))
		test_fail(__FILE__, __LINE__, "%s", w->why.text);
}

/* Keys of all types and a rotation; a point less, and a collection that has it wait. */
static void make_rest(struct world *w)
{
	uint8_t secret[SECRET_SIZE];
	struct repo *repo = must_open(w, &w->at, w->secret);
	add_key(w, repo, SLOT_RECOVERY, secret);
	add_key(w, repo, SLOT_PASSPHRASE, secret);
	add_key(w, repo, SLOT_WRITER, w->writer);
	keep_state(w);
	CHECK_EQ(repo_key_rotate(repo, &w->why), 0);
	keep_state(w);
	struct point_change gone = {.id = w->points[1].id, .what = POINT_REMOVE};
	struct point_change held = {.id = w->points[2].id, .what = POINT_HOLD};
	CHECK_EQ(repo_change_points(repo, &gone, 1, &w->why), 0);
	CHECK_EQ(repo_change_points(repo, &held, 1, &w->why), 0);
	struct gc_options how = {.walk = need_walk, .soak_ns = INT64_MAX / 4, .reserve = 4096};
	struct gc_result collected;
	if (repo_gc(repo, &how, &collected, &w->why))
		test_fail(__FILE__, __LINE__, "%s", w->why.text);
	CHECK(repo_head(repo)->retired.len > 0);
	repo_close(repo);
}

/* A writer's word of a point that nobody adopted so far. */
static void make_inbox(struct world *w)
{
	struct repo *repo = must_open(w, &w->at, w->writer);
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "dir/brought"};
	CHECK_EQ(repo_put_chunk(repo, CHUNK_TREE, "no tree", 7, &point.root, &w->why), 0);
	if (repo_commit(repo, &point, &w->why))
		test_fail(__FILE__, __LINE__, "%s", w->why.text);
	repo_close(repo);
}

/* The twin has the same keys and points; the stranger has neither. */
static void make_others(struct world *w)
{
	struct repo_options like = {.parity_percent = 3, .pack_size = 1 << 20};
	CHECK_EQ(repo_init(&w->other_at, &like, w->other_secret, &w->why), 0);
	struct repo *other = must_open(w, &w->other_at, w->other_secret);
	must_backup(w, other, "dir/test");
	repo_close(other);
	struct repo *repo = must_open(w, &w->at, w->secret);
	struct unlock unlock = {.secret = w->secret};
	like.ring = repo_ring(repo);
	CHECK_EQ(repo_init_with(&w->twin_at, &like, &unlock, &w->why), 0);
	struct repo *twin = must_open(w, &w->twin_at, w->secret);
	vec_each (point, &repo_head(repo)->points)
		if (repo_copy_point(repo, twin, &point->id, need_walk, &w->why))
			test_fail(__FILE__, __LINE__, "%s", w->why.text);
	repo_close(twin);
	repo_close(repo);
}

static size_t total(const struct mem_place *mem)
{
	size_t sum = 0;
	vec_each (object, &mem->objects)
		sum += object->len;
	return sum;
}

static void begin_place(struct world *w, struct mem_place *mem, struct repo_world *ret_at)
{
	mem_init(mem);
	*ret_at = (struct repo_world){
		.place = &mem->place, .dice = &w->dice.dice, .clock = &w->clock.clock};
}

static struct world *begin(void)
{
	static const struct repo_options options = {
		.parity_percent = 3, .pack_size = 1 << 20, .reserve = 4096};
	struct stat st;
	struct world *w = calloc(1, sizeof(*w));
	CHECK(w);
	rng_seed(&w->rng, test_seed());
	test_world_init(&w->dice, &w->clock, rng_u64(&w->rng));
	snprintf(w->dir, sizeof(w->dir), "/tmp/ebb-attack-XXXXXX");
	CHECK(mkdtemp(w->dir));
	snprintf(w->source, sizeof(w->source), "%s/source", w->dir);
	snprintf(w->target, sizeof(w->target), "%s/target", w->dir);
	CHECK(mkdir(w->source, 0755) == 0 && stat(w->source, &st) == 0);
	w->clock.now = (st.st_ctim.tv_sec + 1000) * INT64_C(1000000000);
	w->files = linux_files();
	begin_place(w, &w->mem, &w->at);
	begin_place(w, &w->twin_mem, &w->twin_at);
	begin_place(w, &w->other_mem, &w->other_at);
	begin_place(w, &w->copy_mem, &w->copy_at);
	mem_init(&w->base);
	CHECK_EQ(repo_init(&w->at, &options, w->secret, &w->why), 0);
	keep_state(w);
	make_points(w);
	make_image(w);
	make_rest(w);
	make_inbox(w);
	make_others(w);
	mem_copy(&w->base, &w->mem);
	mem_copy(&w->copy_mem, &w->mem);
	w->repo = must_open(w, &w->at, w->secret);
	w->generation = repo_head(w->repo)->generation;
	CHECK_EQ(repo_check_list(w->repo, &w->list, &w->why), 0);
	/* All but the reserve, whose bytes have no meaning. */
	CHECK_EQ(w->list.objects.len, w->base.objects.len - 1);
	test_note("%zu objects, %zu bytes, generation %d", w->base.objects.len, total(&w->base),
		(int)w->generation);
	return w;
}

static void end(struct world *w)
{
	repo_close(w->repo);
	check_list_done(&w->list);
	for (size_t i = 0; i < w->state_count; i++)
		mem_done(&w->states[i]);
	mem_done(&w->mem);
	mem_done(&w->base);
	mem_done(&w->twin_mem);
	mem_done(&w->other_mem);
	mem_done(&w->copy_mem);
	remove_all(w->dir);
	free(w);
}

/* ---- what is found ---- */

static const char *name_of(const struct check_object *object, char name[OBJECT_NAME])
{
	return object_name(object->kind, &object->id, name);
}

static void note_trouble(void *arg, const char *what)
{
	struct world *w = arg;
	(void)what;
	w->troubles++;
}

struct states {
	struct world *w;
	enum check_state last;
	enum check_state *all; /* beside w->list; NULL: only the last */
};

static bool note_state(void *arg, const struct check_object *object, enum check_state state)
{
	struct states *states = arg;
	states->last = state;
	for (size_t i = 0; states->all && i < states->w->list.objects.len; i++)
		if (object->kind == states->w->list.objects.at[i].kind &&
			object_id_equal(&object->id, &states->w->list.objects.at[i].id))
			states->all[i] = state;
	return true;
}

/* The short way: this object alone, by the repository that was opened before. */
static enum check_state look(struct world *w, const struct check_object *object, bool repair)
{
	struct states states = {.w = w, .last = CHECK_WHOLE};
	struct check_options how = {.repair = repair, .on_object = note_state, .arg = &states};
	struct check_result result = {0};
	repo_check_some(w->repo, object, 1, &how, &result);
	return states.last;
}

/* What a person runs: opens it and verifies all. True: it does not say that all is whole. */
static bool noticed(struct world *w, struct verify_result *ret_result)
{
	struct repo *repo;
	struct verify_options how = {.follow = true, .on_trouble = note_trouble, .arg = w};
	w->troubles = 0;
	*ret_result = (struct verify_result){0};
	if (repo_open(&w->at, w->secret, w->generation, &repo, &w->why))
		return true;
	int err = verify_repo(repo, &how, ret_result, &w->why);
	repo_close(repo);
	return err || w->troubles;
}

/* The same, telling of every object. False: it did not open. */
static bool states_of_all(struct world *w, enum check_state *ret_all)
{
	struct repo *repo;
	struct states states = {.w = w, .all = ret_all};
	struct verify_options how = {.follow = true, .on_object = note_state, .arg = &states};
	struct verify_result result;
	if (repo_open(&w->at, w->secret, w->generation, &repo, &w->why))
		return false;
	CHECK_EQ(verify_repo(repo, &how, &result, &w->why), 0);
	repo_close(repo);
	return true;
}

/* ---- no wrong byte ---- */

static void check_file(struct world *w, int point, int file, bool must_be_there)
{
	char path[200];
	uint8_t want[FILE_LEN], have[FILE_LEN + 1];
	size_t len = content(file, w->versions[point][file], want);
	snprintf(path, sizeof(path), "%s/%s", w->target, file_names[file]);
	FILE *in = fopen(path, "rb");
	if (!in && !must_be_there)
		return;
	CHECK(in);
	size_t n = fread(have, 1, sizeof(have), in);
	fclose(in);
	CHECK(n == len && memcmp(have, want, len) == 0);
}

static void check_image(struct world *w, struct repo *repo, bool must_be_there)
{
	struct image_reader *reader = calloc(1, sizeof(*reader));
	uint8_t *have = malloc(IMAGE_LEN);
	struct point point;
	CHECK(reader && have);
	int err = repo_point(repo, &w->image_point.id, &point, &w->why);
	if (!err)
		err = image_open(repo, &point.root, reader, &w->why);
	if (!err)
		err = image_read(reader, 0, have, IMAGE_LEN, &w->why);
	CHECK(err || memcmp(have, w->image.bytes, IMAGE_LEN) == 0);
	CHECK(!err || !must_be_there);
	image_close(reader);
	free(reader);
	free(have);
}

/* Restores a point and the image, through what is left. */
static void check_restore(struct world *w, int which, bool must_be_there)
{
	struct repo *repo;
	struct point point;
	struct restore_result result;
	struct restore_options options = {.target = w->target};
	int err = repo_open(&w->at, w->secret, w->generation, &repo, &w->why);
	CHECK(!err || !must_be_there);
	if (err)
		return;
	CHECK_EQ(mkdir(w->target, 0755), 0);
	err = repo_point(repo, &w->points[which].id, &point, &w->why);
	if (!err)
		err = restore_dir(repo, &w->files, &point, &options, &result, &w->why);
	CHECK(!must_be_there || (!err && !result.failed));
	for (int file = 0; file < FILES; file++)
		check_file(w, which, file, must_be_there);
	check_image(w, repo, must_be_there);
	repo_close(repo);
	remove_all(w->target);
}

/* ---- flips ---- */

static bool is_root(const struct world *w, const struct check_object *object)
{
	return object->kind == OBJECT_REPO || object->kind == OBJECT_KEY ||
		object->kind == OBJECT_INDEX ||
		(object->kind == OBJECT_HEAD &&
			object_head_generation(&object->id) == w->generation);
}

struct count {
	uint64_t tried, detected, healed, opened, restored;
};

/* One byte: noticed, mended, and then every byte is as it was. Opening must not need the repair. */
static void flip_one(struct world *w, const struct check_object *object, size_t at,
	struct count *count, bool restore)
{
	char name[OBJECT_NAME];
	struct repo *repo;
	struct mem_object *here = mem_find(&w->mem, name_of(object, name));
	const struct mem_object *was = mem_find(&w->base, name);
	here->bytes[at] ^= (uint8_t)(1u << rng_below(&w->rng, 8));
	if (is_root(w, object)) {
		if (repo_open(&w->at, w->secret, w->generation, &repo, &w->why))
			test_fail(__FILE__, __LINE__, "%s byte %zu: %s", name, at, w->why.text);
		repo_close(repo);
		count->opened++;
	}
	if (restore) {
		check_restore(w, POINTS - 1, true);
		count->restored++;
	}
	enum check_state state = look(w, object, true);
	count->tried++;
	count->detected += state != CHECK_WHOLE;
	here = mem_find(&w->mem, name);
	bool healed = state == CHECK_MENDED && here->len == was->len &&
		memcmp(here->bytes, was->bytes, was->len) == 0;
	count->healed += healed;
	if (!healed)
		test_fail(__FILE__, __LINE__, "%s byte %zu of %zu: state %u", name, at, was->len,
			state);
}

static void flip(struct world *w, size_t from, size_t step, size_t restore_every)
{
	struct count count = {0};
	size_t at = from;
	vec_each (object, &w->list.objects) {
		char name[OBJECT_NAME];
		size_t len = mem_find(&w->base, name_of(object, name))->len;
		for (; at < len; at += step)
			flip_one(w, object, at, &count,
				count.tried % restore_every == restore_every - 1);
		at -= len;
	}
	test_note("bytes flipped: %" PRIu64 " tried, %" PRIu64 " detected, %" PRIu64
		  " healed; opened damaged: %" PRIu64 ", restored damaged: %" PRIu64,
		count.tried, count.detected, count.healed, count.opened, count.restored);
	CHECK(count.tried && count.tried == count.detected && count.tried == count.healed);
	CHECK(mem_same(&w->mem, &w->base));
}

TEST(flips_sampled)
{
	struct world *w = begin();
	flip(w, rng_below(&w->rng, 97), 97, 500);
	end(w);
}

TEST(flips_even)
{
	struct world *w = begin();
	flip(w, 0, 2, 5000);
	end(w);
}

TEST(flips_odd)
{
	struct world *w = begin();
	flip(w, 1, 2, 5000);
	end(w);
}

/* ---- the short way tells what the whole verify tells ---- */

static void spoil(struct world *w, struct mem_object *here)
{
	size_t at = rng_below(&w->rng, here->len);
	if (rng_chance(&w->rng, 500000))
		here->bytes[at] ^= 1;
	else if (rng_chance(&w->rng, 500000))
		here->len = at;
	else
		memset(here->bytes, 0x55, here->len);
}

static void short_way(struct world *w, size_t rounds)
{
	size_t count = w->list.objects.len, same = 0, closed = 0;
	enum check_state *all = calloc(count, sizeof(*all));
	CHECK(all);
	for (size_t round = 0; round < rounds; round++) {
		char name[OBJECT_NAME];
		size_t which = rng_below(&w->rng, count);
		const struct check_object *object = &w->list.objects.at[which];
		spoil(w, mem_find(&w->mem, name_of(object, name)));
		enum check_state state = look(w, object, false);
		memset(all, 0, count * sizeof(*all));
		bool opened = states_of_all(w, all);
		closed += !opened;
		for (size_t i = 0; opened && i < count; i++)
			CHECK_EQ(all[i], i == which ? state : CHECK_WHOLE);
		CHECK(opened || state == CHECK_DAMAGED);
		CHECK(opened || is_root(w, object));
		same++;
		const struct mem_object *was = mem_find(&w->base, name);
		mem_set(&w->mem, name, was->bytes, was->len);
	}
	test_note("the whole verify tells the same of %zu; %zu of them did not open", same, closed);
	free(all);
}

TEST(the_short_way_is_the_whole_verify_sampled)
{
	struct world *w = begin();
	short_way(w, 60);
	end(w);
}

TEST(the_short_way_is_the_whole_verify_much)
{
	struct world *w = begin();
	short_way(w, 300);
	end(w);
}

/* ---- whole objects ---- */

/* Puts back what was spoiled, and sees to it that nothing else had changed. */
static void put_back(struct world *w)
{
	mem_copy(&w->mem, &w->base);
}

static void must_notice(struct world *w, const char *what, const char *name, struct count *count)
{
	struct verify_result result;
	count->tried++;
	if (noticed(w, &result))
		count->detected++;
	else
		test_note("unnoticed: %s %s", what, name);
}

/* From another copy, object for object: what opening needs comes back first. */
static bool healed_by_copy(struct world *w)
{
	struct repo *repo = NULL, *copy;
	struct check_options roots = {.repair = true};
	struct check_result check = {0};
	struct verify_result result = {0};
	if (repo_open(&w->copy_at, w->secret, w->generation, &copy, &w->why))
		return false;
	struct verify_options how = {.repair = true, .follow = true, .from = copy};
	int err = repo_open(&w->at, w->secret, w->generation, &repo, &w->why);
	if (err)
		err = repo_check_roots(copy, &w->mem.place, &roots, &check, &w->why);
	if (!err && !repo)
		err = repo_open(&w->at, w->secret, w->generation, &repo, &w->why);
	if (!err)
		err = verify_repo(repo, &how, &result, &w->why);
	repo_close(repo);
	repo_close(copy);
	return !err && mem_same(&w->mem, &w->base);
}

/* Whether all is whole by now, as a person sees it. */
static bool is_clean(struct world *w)
{
	struct verify_result result;
	return !noticed(w, &result) && verify_is_whole(&result) && !result.broken;
}

/* From a twin: the same chunks in other objects. Indexes are made anew from packs first. */
static bool healed_by_twin(struct world *w)
{
	struct repo *repo = NULL, *twin;
	struct repo_world at = w->at;
	struct rebuild_result rebuilt;
	struct verify_result result = {0};
	if (repo_open(&w->twin_at, w->secret, 0, &twin, &w->why))
		return false;
	struct verify_options how = {.repair = true, .follow = true, .from = twin};
	int err = repo_open(&w->at, w->secret, w->generation, &repo, &w->why);
	at.without_index = true;
	if (err)
		err = repo_open(&at, w->secret, w->generation, &repo, &w->why);
	if (!err && at.without_index)
		err = repo_rebuild(repo, &rebuilt, &w->why);
	if (!err)
		err = verify_repo(repo, &how, &result, &w->why);
	repo_close(repo);
	repo_close(twin);
	return !err && is_clean(w);
}

enum spoiling { DELETED, HALVED, SCRAMBLED, EMPTIED, SPOILINGS };

static const char *const spoilings[SPOILINGS] = {"deleted", "halved", "scrambled", "emptied"};

static void spoil_as(struct world *w, const char *name, enum spoiling how)
{
	struct mem_object *here = mem_find(&w->mem, name);
	if (how == DELETED)
		mem_remove(&w->mem, name);
	else if (how == SCRAMBLED)
		rng_fill(&w->rng, here->bytes, here->len);
	else
		here->len = how == HALVED ? here->len / 2 : 0;
}

struct heals {
	struct count count;
	uint64_t idle_gone; /* what nothing needs may vanish: collections remove it */
	uint64_t twin_tried[OBJECT_KINDS], twin_healed[OBJECT_KINDS];
};

static void spoil_one(
	struct world *w, const struct check_object *object, enum spoiling how, struct heals *heals)
{
	char name[OBJECT_NAME];
	spoil_as(w, name_of(object, name), how);
	if (object->idle && how == DELETED) {
		heals->idle_gone++;
		check_restore(w, POINTS - 1, true);
		put_back(w);
		return;
	}
	must_notice(w, spoilings[how], name, &heals->count);
	check_restore(w, POINTS - 1, false);
	heals->count.restored++;
	if (healed_by_copy(w))
		heals->count.healed++;
	else
		test_note("not healed by the copy: %s %s: %s", spoilings[how], name, w->why.text);
	put_back(w);
	if (object->idle)
		return;
	spoil_as(w, name, how);
	heals->twin_tried[object->kind]++;
	heals->twin_healed[object->kind] += healed_by_twin(w);
	put_back(w);
}

static void spoil_all(struct world *w, int hows)
{
	static const char *const kinds[OBJECT_KINDS] = {
		"", "repo", "key", "data", "meta", "index", "point", "head", "inbox"};
	struct heals heals = {.idle_gone = 0};
	vec_each (object, &w->list.objects)
		for (int how = 0; how < hows; how++)
			spoil_one(w, object, (enum spoiling)how, &heals);
	test_note("objects deleted, halved, scrambled, emptied: %" PRIu64 " tried, %" PRIu64
		  " detected, %" PRIu64 " healed by a copy, %" PRIu64
		  " restored from damaged; %" PRIu64 " deleted that nothing needs",
		heals.count.tried, heals.count.detected, heals.count.healed, heals.count.restored,
		heals.idle_gone);
	for (int kind = 1; kind < OBJECT_KINDS; kind++)
		test_note("healed by a twin: %s %" PRIu64 " of %" PRIu64, kinds[kind],
			heals.twin_healed[kind], heals.twin_tried[kind]);
	CHECK_EQ(heals.count.detected, heals.count.tried);
	CHECK_EQ(heals.count.healed, heals.count.tried);
	static const enum object_kind by_twin[] = {OBJECT_DATA, OBJECT_META, OBJECT_INDEX};
	for (size_t i = 0; i < sizeof(by_twin) / sizeof(by_twin[0]); i++)
		CHECK_EQ(heals.twin_healed[by_twin[i]], heals.twin_tried[by_twin[i]]);
}

TEST(objects_sampled)
{
	struct world *w = begin();
	spoil_all(w, 1);
	end(w);
}

TEST(objects_whole)
{
	struct world *w = begin();
	spoil_all(w, SPOILINGS);
	end(w);
}

/* ---- cut short, or longer than it was ---- */

/* Borders of what an object is made of: header, envelope, body, shards, tables, marks. */
static bool is_border(const struct mem_object *was, size_t at)
{
	static const size_t front[] = {0, 8, 16, 32, 48, 56, 64, 68, 72, 152};
	size_t end = was->len - at;
	struct object_header header;
	CHECK_EQ(object_get_header(was->bytes, was->len, &header, NULL), 0);
	for (size_t i = 0; i < sizeof(front) / sizeof(front[0]); i++)
		if (at == front[i] || at == front[i] + 1)
			return true;
	size_t gap = at > header.length ? at - header.length : header.length - at;
	return gap <= 1 || end <= 2 || (end >= 63 && end <= 65) || (end >= 127 && end <= 129) ||
		at % 4096 <= 1 || at % 4096 == 4095;
}

static void cut_one(
	struct world *w, const struct check_object *object, size_t at, struct count *count)
{
	char name[OBJECT_NAME];
	struct mem_object *here = mem_find(&w->mem, name_of(object, name));
	const struct mem_object *was = mem_find(&w->base, name);
	here->len = at;
	count->tried++;
	if (look(w, object, false) != CHECK_WHOLE)
		count->detected++;
	else
		test_note("unnoticed: %s cut at %zu of %zu", name, at, was->len);
	struct states states = {.w = w};
	struct check_options how = {.repair = true,
		.copy = &w->copy_mem.place,
		.on_object = note_state,
		.arg = &states};
	struct check_result result = {0};
	repo_check_some(w->repo, object, 1, &how, &result);
	here = mem_find(&w->mem, name);
	count->healed += here->len == was->len && memcmp(here->bytes, was->bytes, was->len) == 0;
	mem_set(&w->mem, name, was->bytes, was->len);
}

static void grow_one(struct world *w, const struct check_object *object, struct count *count)
{
	char name[OBJECT_NAME];
	const struct mem_object *was = mem_find(&w->base, name_of(object, name));
	uint8_t *longer = calloc(1, was->len + 64);
	CHECK(longer);
	memcpy(longer, was->bytes, was->len);
	for (size_t more = 1; more <= 64; more += 63) {
		mem_set(&w->mem, name, longer, was->len + more);
		count->tried++;
		count->detected += look(w, object, false) != CHECK_WHOLE;
	}
	free(longer);
	mem_set(&w->mem, name, was->bytes, was->len);
}

static void cut_all(struct world *w, uint32_t per_million)
{
	struct count cut = {0}, grown = {0};
	vec_each (object, &w->list.objects) {
		char name[OBJECT_NAME];
		const struct mem_object *was = mem_find(&w->base, name_of(object, name));
		for (size_t at = 0; at < was->len; at++)
			if (is_border(was, at) && rng_chance(&w->rng, per_million))
				cut_one(w, object, at, &cut);
		grow_one(w, object, &grown);
	}
	test_note("objects cut short: %" PRIu64 " tried, %" PRIu64 " detected, %" PRIu64
		  " healed by a copy; made longer: %" PRIu64 " tried, %" PRIu64 " detected",
		cut.tried, cut.detected, cut.healed, grown.tried, grown.detected);
	CHECK(cut.detected == cut.tried && cut.healed == cut.tried);
	CHECK_EQ(grown.detected, grown.tried);
	CHECK(mem_same(&w->mem, &w->base));
}

TEST(cut_sampled)
{
	struct world *w = begin();
	cut_all(w, 100000);
	end(w);
}

TEST(cut_everywhere)
{
	struct world *w = begin();
	cut_all(w, 1000000);
	end(w);
}

/* ---- exchanged, and another repository's ---- */

/* Puts the bytes under the object's name: noticed in the short way, and by the sample in the other.
 */
static void replace_one(struct world *w, const struct check_object *object,
	const struct mem_object *by, struct count *count)
{
	struct verify_result result;
	char name[OBJECT_NAME];
	const struct mem_object *was = mem_find(&w->base, name_of(object, name));
	mem_set(&w->mem, name, by->bytes, by->len);
	count->tried++;
	bool found = look(w, object, false) != CHECK_WHOLE;
	if (found && rng_chance(&w->rng, 50000)) {
		found = noticed(w, &result);
		check_restore(w, POINTS - 1, false);
		count->restored++;
	}
	if (found)
		count->detected++;
	else
		test_note("unnoticed: %s replaced by %s", name, by->name);
	mem_set(&w->mem, name, was->bytes, was->len);
}

static void swap_all(struct world *w, uint32_t per_million)
{
	struct count count = {0};
	vec_each (object, &w->list.objects) {
		vec_each (other, &w->list.objects) {
			char name[OBJECT_NAME];
			if (other != object && other->kind == object->kind &&
				rng_chance(&w->rng, per_million))
				replace_one(w, object, mem_find(&w->base, name_of(other, name)),
					&count);
		}
	}
	test_note("exchanged with another of its kind: %" PRIu64 " tried, %" PRIu64
		  " detected, %" PRIu64 " restored from",
		count.tried, count.detected, count.restored);
	CHECK_EQ(count.detected, count.tried);
}

static void foreign_all(struct world *w, const struct mem_place *from, const char *whose)
{
	struct count count = {0};
	vec_each (by, &from->objects) {
		enum object_kind kind = OBJECT_REPO;
		struct object_id id;
		if (strcmp(by->name, "repo") != 0 && !object_parse_name(by->name, &kind, &id))
			continue;
		vec_each (object, &w->list.objects)
			if (object->kind == kind)
				replace_one(w, object, by, &count);
	}
	test_note("replaced by that of %s: %" PRIu64 " tried, %" PRIu64 " detected, %" PRIu64
		  " restored from",
		whose, count.tried, count.detected, count.restored);
	CHECK(count.tried && count.detected == count.tried);
}

/* Under its own name, where nothing of ours has that name. */
static void planted_all(struct world *w, const struct mem_place *from, const char *whose)
{
	struct count count = {0};
	vec_each (by, &from->objects) {
		if (mem_find(&w->base, by->name))
			continue;
		mem_set(&w->mem, by->name, by->bytes, by->len);
		must_notice(w, whose, by->name, &count);
		check_restore(w, POINTS - 1, false);
		put_back(w);
	}
	test_note("an object of %s put beside ours: %" PRIu64 " tried, %" PRIu64 " detected", whose,
		count.tried, count.detected);
	CHECK_EQ(count.detected, count.tried);
}

TEST(exchanged_sampled)
{
	struct world *w = begin();
	swap_all(w, 100000);
	planted_all(w, &w->other_mem, "a stranger");
	end(w);
}

TEST(exchanged_all)
{
	struct world *w = begin();
	swap_all(w, 1000000);
	foreign_all(w, &w->twin_mem, "a twin with the same keys");
	foreign_all(w, &w->other_mem, "a stranger");
	planted_all(w, &w->twin_mem, "a twin with the same keys");
	planted_all(w, &w->other_mem, "a stranger");
	end(w);
}

/* ---- older states ---- */

/* The whole place goes back: whoever remembers the generation notices. */
TEST(older_states_sampled)
{
	struct world *w = begin();
	struct repo *repo;
	unsigned refused = 0;
	for (size_t i = 0; i < w->state_count; i++) {
		mem_copy(&w->mem, &w->states[i]);
		int err = repo_open(&w->at, w->secret, w->generation, &repo, &w->why);
		CHECK_EQ(err, -ESTALE);
		refused++;
	}
	put_back(w);
	test_note("older states of the whole place: %zu tried, %u refused by the generation that "
		  "is remembered",
		w->state_count, refused);
	end(w);
}

/* What each object was before comes back under its name, and heads are taken away from the end. */
TEST(older_objects_sampled)
{
	struct world *w = begin();
	struct count count = {0};
	for (size_t i = 0; i < w->state_count; i++) {
		/* Names of today that an older state lacks, missing all together. */
		vec_each (object, &w->base.objects)
			if (!mem_find(&w->states[i], object->name))
				mem_remove(&w->mem, object->name);
		must_notice(w, "taken back", "all newer objects", &count);
		put_back(w);
		vec_each (old, &w->states[i].objects) {
			const struct mem_object *now = mem_find(&w->base, old->name);
			CHECK(!now || strcmp(old->name, "reserve") == 0 ||
				(now->len == old->len &&
					!memcmp(now->bytes, old->bytes, old->len)));
			if (now)
				continue;
			/* Removed since: beside ours it is nothing, or is noticed. */
			mem_set(&w->mem, old->name, old->bytes, old->len);
			check_restore(w, POINTS - 1, true);
			put_back(w);
		}
	}
	test_note("newer objects taken away: %" PRIu64 " tried, %" PRIu64 " detected", count.tried,
		count.detected);
	CHECK_EQ(count.detected, count.tried);
	end(w);
}

TEST_MAIN
