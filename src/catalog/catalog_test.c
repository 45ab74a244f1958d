/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog on a simulated disk, beside a repository on another one. */
#include "catalog/catalog.h"

#include <errno.h>
#include <stdio.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/disk.h"
#include "os/world.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/repo.h"
#include "sim/disk.h"

struct fixture {
	struct test_dice dice;
	struct test_clock clock;
	struct sim_disk *store, *state;
	struct repo_world repo_world;
	struct world world;
	uint8_t secret[SECRET_SIZE];
	struct repo *repo;
	struct catalog *catalog;
	struct why why;
};

static void open_catalog(struct fixture *f)
{
	if (catalog_open(&f->world, true, &f->catalog, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
}

static void begin(struct fixture *f)
{
	static const struct repo_options options = {.parity_percent = 3, .pack_size = 1 << 20};
	memset(f, 0, sizeof(*f));
	test_world_init(&f->dice, &f->clock, 1);
	f->store = sim_disk_new();
	f->state = sim_disk_new();
	CHECK(f->store && f->state);
	f->world = (struct world){
		.disk = sim_disk_seam(f->state), .clock = &f->clock.clock, .dice = &f->dice.dice};
	f->repo_world.dice = &f->dice.dice;
	f->repo_world.clock = &f->clock.clock;
	CHECK_EQ(place_dir_open(sim_disk_seam(f->store), &f->repo_world.place), 0);
	CHECK_EQ(repo_init(&f->repo_world, &options, f->secret, &f->why), 0);
	CHECK_EQ(repo_open(&f->repo_world, f->secret, 0, &f->repo, &f->why), 0);
	open_catalog(f);
}

static void end(struct fixture *f)
{
	catalog_close(f->catalog);
	repo_close(f->repo);
	place_close(f->repo_world.place);
	sim_disk_free(f->store);
	sim_disk_free(f->state);
}

static struct point save_point(struct fixture *f, const char *resource, int64_t start)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .start_ns = start};
	struct digest digest;
	snprintf(point.resource, sizeof(point.resource), "%s", resource);
	point.end_ns = start + 1;
	CHECK_EQ(repo_put_chunk(f->repo, CHUNK_TREE, resource, strlen(resource), &digest, &f->why),
		0);
	point.root = digest;
	CHECK_EQ(repo_commit(f->repo, &point, &f->why), 0);
	return point;
}

TEST(points_of_a_repository_are_known_after_a_sync_and_only_read_once)
{
	struct fixture f;
	struct catalog_synced synced;
	struct point known;
	uint64_t copies;
	begin(&f);
	struct point a = save_point(&f, "dir/a", 100), b = save_point(&f, "dir/b", 200);
	CHECK_EQ(catalog_point(f.catalog, repo_id(f.repo), &a.id, &known, &f.why), -ENOENT);
	CHECK_EQ(catalog_sync(f.catalog, f.repo, &synced, &f.why), 0);
	CHECK_EQ(synced.added, 2);
	CHECK_EQ(catalog_sync(f.catalog, f.repo, &synced, &f.why), 0);
	CHECK_EQ(synced.added + synced.forgotten + synced.unreadable, 0);
	CHECK_EQ(catalog_point(f.catalog, repo_id(f.repo), &b.id, &known, &f.why), 0);
	CHECK_STR(known.resource, "dir/b");
	CHECK(object_id_equal(&known.id, &b.id));
	CHECK_EQ(catalog_copies(f.catalog, &a, &copies, &f.why), 0);
	CHECK_EQ(copies, 1);
	end(&f);
}

TEST(what_is_removed_or_damaged_is_made_anew_from_the_repository)
{
	struct fixture f;
	struct catalog_synced synced;
	struct point known;
	struct file *file;
	begin(&f);
	struct point a = save_point(&f, "dir/a", 100);
	CHECK_EQ(catalog_sync(f.catalog, f.repo, &synced, &f.why), 0);
	catalog_close(TAKE(f.catalog));
	CHECK_EQ(catalog_remove(&f.world, &f.why), 0);
	CHECK_EQ(catalog_open(&f.world, false, &f.catalog, &f.why), -ENOENT);
	open_catalog(&f);
	CHECK_EQ(catalog_point(f.catalog, repo_id(f.repo), &a.id, &known, &f.why), -ENOENT);
	catalog_close(TAKE(f.catalog));

	CHECK_EQ(disk_open(f.world.disk, "catalog.db", FILE_READ | FILE_WRITE, &file), 0);
	CHECK_EQ(file_write_full(file, "not what SQLite wrote", 21, 0), 0);
	file_close(file);
	CHECK_EQ(catalog_open(&f.world, true, &f.catalog, &f.why), -EBADMSG);
	CHECK_EQ(catalog_remove(&f.world, &f.why), 0);
	open_catalog(&f);
	CHECK_EQ(catalog_sync(f.catalog, f.repo, &synced, &f.why), 0);
	CHECK_EQ(synced.added, 1);
	CHECK_EQ(catalog_point(f.catalog, repo_id(f.repo), &a.id, &known, &f.why), 0);
	end(&f);
}

TEST(a_generation_falls_only_when_somebody_says_so)
{
	struct fixture f;
	uint64_t seen;
	begin(&f);
	struct catalog_sight sight = {
		.repo = *repo_id(f.repo), .place = "/srv/store", .generation = 7};
	CHECK_EQ(catalog_seen(f.catalog, &sight.repo, &seen, &f.why), 0);
	CHECK_EQ(seen, 0);
	CHECK_EQ(catalog_note_seen(f.catalog, &sight, &f.why), 0);
	sight.generation = 5;
	CHECK_EQ(catalog_note_seen(f.catalog, &sight, &f.why), 0);
	CHECK_EQ(catalog_seen(f.catalog, &sight.repo, &seen, &f.why), 0);
	CHECK_EQ(seen, 7);
	sight.forced = true;
	CHECK_EQ(catalog_note_seen(f.catalog, &sight, &f.why), 0);
	CHECK_EQ(catalog_seen(f.catalog, &sight.repo, &seen, &f.why), 0);
	CHECK_EQ(seen, 5);
	end(&f);
}

struct told {
	int64_t ends[8];
	size_t count;
};

static bool tell_job(void *arg, const struct catalog_job *job)
{
	struct told *told = arg;
	told->ends[told->count++] = job->end_ns;
	return true;
}

TEST(jobs_come_back_newest_first_by_resource)
{
	struct fixture f;
	struct told told = {{0}, 0};
	begin(&f);
	struct catalog_job job = {.kind = JOB_BACKUP, .repo = *repo_id(f.repo)};
	for (int64_t i = 1; i <= 6; i++) {
		job.end_ns = i;
		job.resource = i % 2 ? "dir/odd" : "dir/even";
		CHECK_EQ(catalog_add_job(f.catalog, &job, &f.why), 0);
	}
	job.resource = "dir/odd";
	CHECK_EQ(catalog_jobs(f.catalog, &job, 2, tell_job, &told), 0);
	CHECK_EQ(told.count, 2);
	CHECK_EQ(told.ends[0], 5);
	CHECK_EQ(told.ends[1], 3);
	told.count = 0;
	job.resource = NULL;
	CHECK_EQ(catalog_jobs(f.catalog, &job, 8, tell_job, &told), 0);
	CHECK_EQ(told.count, 6);
	job.kind = JOB_VERIFY;
	CHECK_EQ(catalog_jobs(f.catalog, &job, 8, tell_job, &told), 0);
	CHECK_EQ(told.count, 6);
	end(&f);
}

static bool tell_proof(void *arg, const struct catalog_proof *proof)
{
	struct told *told = arg;
	told->ends[told->count++] = proof->at_ns;
	return true;
}

TEST(proofs_come_back_oldest_first_and_damage_takes_them_away)
{
	struct fixture f;
	struct told told = {{0}, 0};
	begin(&f);
	struct catalog_proof proofs[] = {
		{OBJECT_DATA, {{1}}, 30}, {OBJECT_DATA, {{2}}, 10}, {OBJECT_META, {{1}}, 20}};
	CHECK_EQ(catalog_prove(f.catalog, repo_id(f.repo), proofs, 3, &f.why), 0);
	proofs[1].at_ns = 40;
	proofs[0].at_ns = 0;
	CHECK_EQ(catalog_prove(f.catalog, repo_id(f.repo), proofs, 2, &f.why), 0);
	CHECK_EQ(catalog_proofs(f.catalog, repo_id(f.repo), tell_proof, &told), 0);
	CHECK_EQ(told.count, 2);
	CHECK_EQ(told.ends[0], 20);
	CHECK_EQ(told.ends[1], 40);
	CHECK_EQ(catalog_forget(f.catalog, repo_id(f.repo), &f.why), 0);
	CHECK_EQ(catalog_proofs(f.catalog, repo_id(f.repo), tell_proof, &told), 0);
	CHECK_EQ(told.count, 2);
	end(&f);
}

TEST(two_processes_do_not_have_it_open_at_once)
{
	struct fixture f;
	struct catalog *other;
	begin(&f);
	CHECK_EQ(catalog_open(&f.world, true, &other, &f.why), -EWOULDBLOCK);
	catalog_close(TAKE(f.catalog));
	CHECK_EQ(catalog_open(&f.world, true, &other, &f.why), 0);
	catalog_close(other);
	end(&f);
}

TEST_MAIN
