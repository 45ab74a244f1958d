/* SPDX-License-Identifier: Apache-2.0 */
/* Saving, and the disk before and after. */
#include "tests/faults/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/container.h"
#include "os/linux/files.h"
#include "place/dir.h"
#include "place/place.h"
#include "ship/backup.h"
#include "ship/image.h"
#include "ship/verify.h"
#include "source/stream.h"

/* ---- what is saved ---- */

int save_dir(struct rig *rig, struct repo *repo)
{
	struct point point;
	struct backup_options options = {
		.path = rig->dir, .resource = "dir/test", .host = "here", .writer = "test"};
	return backup_dir(repo, &rig->files, &rig->clock.clock, &options, &point, &rig->why);
}

static ssize_t bytes_read_at(struct file *file, void *bytes, size_t len, uint64_t at)
{
	const struct bytes *from = container_of(file, struct bytes, file);
	size_t n = at >= from->len ? 0 : from->len - at < len ? from->len - (size_t)at : len;
	memcpy(bytes, from->at + at, n);
	return (ssize_t)n;
}

int save_image(struct rig *rig, struct repo *repo)
{
	struct point point;
	struct image_result result;
	struct image_options options = {.file = &rig->bytes.file,
		.size = rig->len,
		.resource = "image/test",
		.host = "here",
		.path = "/dev/test",
		.writer = "test"};
	return backup_image(repo, &rig->clock.clock, &options, &point, &result, &rig->why);
}

/* As of a pipe. */
static int no_size(struct file *file, uint64_t *ret_size)
{
	(void)file;
	*ret_size = 0;
	return 0;
}

int save_stream(struct rig *rig, struct repo *repo)
{
	static const struct file_ops ops = {.read_at = bytes_read_at, .size = no_size};
	struct bytes stream = {.file.ops = &ops, .at = rig->bytes.at, .len = rig->bytes.len};
	struct point point;
	struct stream_options options = {
		.name = "test", .from = "-", .host = "here", .writer = "test"};
	return stream_backup(repo, &rig->clock.clock, &stream.file, &options, &point, &rig->why);
}

void rig_change(struct rig *rig)
{
	size_t part = rig->len / FILES;
	char path[100];
	rng_fill(&rig->rng, rig->bytes.at, rig->len);
	for (size_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/file%zu", rig->dir, i);
		FILE *out = fopen(path, "wb");
		CHECK(out && fwrite(rig->bytes.at + i * part, 1, part, out) == part &&
			fclose(out) == 0);
	}
}

/* ---- the place ---- */

static uint64_t as_latest(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg;
	(void)thing;
	return options - 1;
}

static void open_place(struct rig *rig)
{
	CHECK_EQ(place_dir_open(sim_disk_seam(rig->disk), &rig->place), 0);
	rig->at.place = rig->place;
}

void rig_start_again(struct rig *rig)
{
	place_close(rig->place);
	sim_disk_set_hook(rig->disk, NULL, NULL);
	CHECK_EQ(sim_disk_crash(rig->base, as_latest, NULL, rig->disk), 0);
	open_place(rig);
}

void rig_restart(struct rig *rig)
{
	place_close(rig->place);
	sim_disk_set_hook(rig->disk, NULL, NULL);
	open_place(rig);
}

struct repo *rig_open(struct rig *rig)
{
	struct repo *repo;
	if (repo_open(&rig->at, rig->secret, 0, &repo, &rig->why))
		test_fail(__FILE__, __LINE__, "%s", rig->why.text);
	return repo;
}

int rig_save(struct rig *rig, save_fn *how)
{
	struct repo *repo;
	int err = repo_open(&rig->at, rig->secret, 0, &repo, &rig->why);
	if (err)
		return err;
	err = how(rig, repo);
	rig->written = repo_written(repo);
	repo_close(repo);
	return err;
}

static void on_trouble(void *arg, const char *what)
{
	test_fail(__FILE__, __LINE__, "%s: %s", (const char *)arg, what);
}

uint64_t rig_verify(struct rig *rig, char *when)
{
	struct verify_options how = {.follow = true, .on_trouble = on_trouble, .arg = when};
	struct verify_result result;
	struct repo *repo = rig_open(rig);
	if (verify_repo(repo, &how, &result, &rig->why))
		test_fail(__FILE__, __LINE__, "%s: %s", when, rig->why.text);
	CHECK(verify_is_whole(&result) && !result.broken && !result.check.idle);
	repo_close(repo);
	return result.points;
}

void rig_begin(struct rig *rig, size_t len, bool filled)
{
	static const struct repo_options options = {
		.parity_percent = 3, .pack_size = 1 << 20, .reserve = RESERVE};
	static const struct file_ops ops = {.read_at = bytes_read_at};
	static save_fn *const saves[] = {save_dir, save_image, save_stream};
	struct stat st;
	memset(rig, 0, sizeof(*rig));
	rng_seed(&rig->rng, test_seed());
	test_world_init(&rig->dice, &rig->clock, rng_u64(&rig->rng));
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/ebb-faults-XXXXXX");
	CHECK(mkdtemp(rig->dir) && stat(rig->dir, &st) == 0);
	rig->clock.now = (st.st_ctim.tv_sec + 1000) * INT64_C(1000000000);
	rig->files = linux_files();
	rig->len = len;
	rig->bytes = (struct bytes){.file.ops = &ops, .at = malloc(len), .len = len};
	CHECK(rig->bytes.at);
	rig->at = (struct repo_world){.dice = &rig->dice.dice, .clock = &rig->clock.clock};
	rig->base = sim_disk_new();
	rig->disk = sim_disk_new();
	CHECK(rig->base && rig->disk);
	open_place(rig);
	CHECK_EQ(repo_init(&rig->at, &options, rig->secret, &rig->why), 0);
	rig_change(rig);
	for (size_t i = 0; filled && i < sizeof(saves) / sizeof(*saves); i++)
		CHECK_EQ(rig_save(rig, saves[i]), 0);
	CHECK_EQ(sim_disk_crash(rig->disk, as_latest, NULL, rig->base), 0);
	if (filled)
		rig_change(rig);
}

void rig_end(struct rig *rig)
{
	char path[100];
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/file%d", rig->dir, i);
		CHECK_EQ(unlink(path), 0);
	}
	CHECK_EQ(rmdir(rig->dir), 0);
	place_close(rig->place);
	sim_disk_free(rig->disk);
	sim_disk_free(rig->base);
	free(rig->bytes.at);
}
