/* SPDX-License-Identifier: Apache-2.0 */
/* Making the repositories: points, an image, keys of all types, a collection, an inbox. */
#include "tests/attack/rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "os/linux/files.h"
#include "repo/gc.h"
#include "repo/keys.h"
#include "ship/backup.h"
#include "ship/image.h"
#include "ship/need.h"

const char *const rig_files[FILES] = {"alpha", "beta", "gamma", "delta", "omega", "empty"};

/* ---- making it ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void rig_remove_all(const char *path)
{
	nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

size_t rig_content(int file, uint64_t version, uint8_t bytes[FILE_LEN])
{
	struct rng rng;
	rng_seed(&rng, version * FILES + (uint64_t)file);
	if (file == FILES - 1)
		return 0;
	rng_fill(&rng, bytes, FILE_LEN);
	return FILE_LEN - 1000 * (size_t)file;
}

static void write_version(struct rig *rig, int file, uint64_t version)
{
	char path[200];
	uint8_t bytes[FILE_LEN];
	size_t len = rig_content(file, version, bytes);
	snprintf(path, sizeof(path), "%s/%s", rig->source, rig_files[file]);
	FILE *out = fopen(path, "wb");
	CHECK(out && fwrite(bytes, 1, len, out) == len && fclose(out) == 0);
}

struct repo *rig_open(struct rig *rig, const struct repo_world *at, const uint8_t *secret)
{
	struct repo *repo;
	if (repo_open(at, secret, 0, &repo, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	return repo;
}

static struct point must_backup(struct rig *rig, struct repo *repo, const char *resource)
{
	struct point point;
	struct backup_options options = {
		.path = rig->source, .resource = resource, .host = "here", .writer = "test"};
	if (backup_dir(repo, &rig->files, &rig->clock.clock, &options, &point, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
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

void rig_keep_state(struct rig *rig)
{
	CHECK(rig->state_count < STATES);
	mem_init(&rig->states[rig->state_count]);
	mem_copy(&rig->states[rig->state_count++], &rig->mem);
}

static void make_points(struct rig *rig)
{
	for (int i = 0; i < POINTS; i++) {
		for (int file = 0; file < FILES; file++) {
			bool fresh = !i || file % 2 == i % 2;
			rig->versions[i][file] = fresh ? (uint64_t)i + 1
						       : rig->versions[i - 1][file];
			if (fresh)
				write_version(rig, file, rig->versions[i][file]);
		}
		struct repo *repo = rig_open(rig, &rig->at, rig->secret);
		rig->points[i] = must_backup(rig, repo, "dir/test");
		repo_close(repo);
		rig_keep_state(rig);
	}
}

static void make_image(struct rig *rig)
{
	struct image_result result;
	struct repo *repo = rig_open(rig, &rig->at, rig->secret);
	rng_fill(&rig->rng, rig->image.bytes, IMAGE_LEN / 2);
	rig->image.file.ops = &image_ops;
	for (int i = 0; i < 2; i++) {
		struct image_options options = {.file = &rig->image.file,
			.size = IMAGE_LEN,
			.resource = "image/test",
			.host = "here",
			.path = "/dev/test",
			.writer = "test"};
		rng_fill(&rig->rng, rig->image.bytes + 40000, 9000);
		if (backup_image(repo, &rig->clock.clock, &options, &rig->image_point, &result,
			    &rig->why))
			test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	}
	repo_close(repo);
	rig_keep_state(rig);
}

static void add_key(struct rig *rig, struct repo *repo, enum slot_type type, uint8_t *secret)
{
	struct unlock unlock = {.secret = secret};
	struct key_new key = {.type = type, .label = "key", .unlock = &unlock};
	struct object_id id;
	if (type == SLOT_PASSPHRASE) {
		unlock = (struct unlock){.passphrase = "low tide", .passphrase_len = 8};
		key.cost = passphrase_floor;
	}
	dice_fill(&rig->dice.dice, secret, SECRET_SIZE);
	if (repo_key_add(repo, &key, &id, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
}

/* Keys of all types and a rotation; a point less, and a collection that has it wait. */
static void make_rest(struct rig *rig)
{
	uint8_t secret[SECRET_SIZE];
	struct repo *repo = rig_open(rig, &rig->at, rig->secret);
	add_key(rig, repo, SLOT_RECOVERY, secret);
	add_key(rig, repo, SLOT_PASSPHRASE, secret);
	add_key(rig, repo, SLOT_WRITER, rig->writer);
	rig_keep_state(rig);
	CHECK_EQ(repo_key_rotate(repo, &rig->why), 0);
	rig_keep_state(rig);
	struct point_change gone = {.id = rig->points[1].id, .what = POINT_REMOVE};
	struct point_change held = {.id = rig->points[2].id, .what = POINT_HOLD};
	CHECK_EQ(repo_change_points(repo, &gone, 1, &rig->why), 0);
	CHECK_EQ(repo_change_points(repo, &held, 1, &rig->why), 0);
	struct gc_options how = {.walk = need_walk, .soak_ns = INT64_MAX / 4, .reserve = 4096};
	struct gc_result collected;
	if (repo_gc(repo, &how, &collected, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	CHECK(repo_head(repo)->retired.len > 0);
	repo_close(repo);
}

/* A writer's word of a point that nobody adopted so far. */
static void make_inbox(struct rig *rig)
{
	struct repo *repo = rig_open(rig, &rig->at, rig->writer);
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "dir/brought"};
	CHECK_EQ(repo_put_chunk(repo, CHUNK_TREE, "no tree", 7, &point.root, &rig->why), 0);
	if (repo_commit(repo, &point, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	repo_close(repo);
}

/* The twin has the same keys and points; the stranger has neither. */
static void make_others(struct rig *rig)
{
	struct repo_options like = {.parity_percent = PARITY, .pack_size = 1 << 20};
	CHECK_EQ(repo_init(&rig->other_at, &like, rig->other_secret, &rig->why), 0);
	struct repo *other = rig_open(rig, &rig->other_at, rig->other_secret);
	must_backup(rig, other, "dir/test");
	repo_close(other);
	struct repo *repo = rig_open(rig, &rig->at, rig->secret);
	struct unlock unlock = {.secret = rig->secret};
	like.ring = repo_ring(repo);
	CHECK_EQ(repo_init_with(&rig->twin_at, &like, &unlock, &rig->why), 0);
	struct repo *twin = rig_open(rig, &rig->twin_at, rig->secret);
	vec_each (point, &repo_head(repo)->points)
		if (repo_copy_point(repo, twin, &point->id, need_walk, &rig->why))
			test_fail(__FILE__, __LINE__, "%s", rig->why.text);
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

static void begin_place(struct rig *rig, struct mem_place *mem, struct repo_world *ret_at)
{
	mem_init(mem);
	*ret_at = (struct repo_world){
		.place = &mem->place, .dice = &rig->dice.dice, .clock = &rig->clock.clock};
}

struct rig *rig_begin(void)
{
	static const struct repo_options options = {
		.parity_percent = PARITY, .pack_size = 1 << 20, .reserve = 4096};
	struct stat st;
	struct rig *rig = calloc(1, sizeof(*rig));
	CHECK(rig);
	rng_seed(&rig->rng, test_seed());
	test_world_init(&rig->dice, &rig->clock, rng_u64(&rig->rng));
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/ebb-attack-XXXXXX");
	CHECK(mkdtemp(rig->dir));
	snprintf(rig->source, sizeof(rig->source), "%s/source", rig->dir);
	snprintf(rig->target, sizeof(rig->target), "%s/target", rig->dir);
	CHECK(mkdir(rig->source, 0755) == 0 && stat(rig->source, &st) == 0);
	rig->clock.now = (st.st_ctim.tv_sec + 1000) * INT64_C(1000000000);
	rig->files = linux_files();
	begin_place(rig, &rig->mem, &rig->at);
	begin_place(rig, &rig->twin_mem, &rig->twin_at);
	begin_place(rig, &rig->other_mem, &rig->other_at);
	begin_place(rig, &rig->copy_mem, &rig->copy_at);
	mem_init(&rig->base);
	CHECK_EQ(repo_init(&rig->at, &options, rig->secret, &rig->why), 0);
	rig_keep_state(rig);
	make_points(rig);
	make_image(rig);
	make_rest(rig);
	make_inbox(rig);
	make_others(rig);
	mem_copy(&rig->base, &rig->mem);
	mem_copy(&rig->copy_mem, &rig->mem);
	rig->repo = rig_open(rig, &rig->at, rig->secret);
	rig->generation = repo_head(rig->repo)->generation;
	CHECK_EQ(repo_check_list(rig->repo, &rig->list, &rig->why), 0);
	/* All but the reserve, whose bytes have no meaning. */
	CHECK_EQ(rig->list.objects.len, rig->base.objects.len - 1);
	test_note("%zu objects, %zu bytes, generation %d", rig->base.objects.len, total(&rig->base),
		(int)rig->generation);
	return rig;
}

void rig_end(struct rig *rig)
{
	repo_close(rig->repo);
	check_list_done(&rig->list);
	for (size_t i = 0; i < rig->state_count; i++)
		mem_done(&rig->states[i]);
	mem_done(&rig->mem);
	mem_done(&rig->base);
	mem_done(&rig->twin_mem);
	mem_done(&rig->other_mem);
	mem_done(&rig->copy_mem);
	rig_remove_all(rig->dir);
	free(rig);
}

void rig_put_back(struct rig *rig)
{
	mem_copy(&rig->mem, &rig->base);
}
