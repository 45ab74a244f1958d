/* SPDX-License-Identifier: Apache-2.0 */
/* Rot of every kind on a volume: it is found, told, never served, and healed by writing. */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "sim/disk.h"
#include "vol/volume.h"
#include "vol/volume_inner.h"

enum { EXTENTS = 80, SEEN = 70 };

static void sim_free_own(struct sim_disk **sim)
{
	sim_disk_free(*sim);
}

static struct volume *open_volume(struct sim_disk *sim, size_t pages)
{
	struct volume *volume = NULL;
	struct why why;
	struct volume_options options = {.disk = sim_disk_seam(sim),
		.identity = "a volume to rot",
		.make_size = (uint64_t)EXTENTS * VOL_EXTENT,
		.sums_pages = pages};
	CHECK_EQ(volume_open(&options, &volume, &why), 0);
	return volume;
}

static void put(struct volume *volume, uint64_t block, unsigned blocks, uint8_t content)
{
	static uint8_t bytes[VOL_EXTENT];
	struct why why;
	memset(bytes, content, sizeof(bytes));
	CHECK_EQ(volume_write(volume, block * VOL_BLOCK, bytes, (size_t)blocks * VOL_BLOCK, &why),
		0);
}

static int get(struct volume *volume, uint64_t block, struct why *why)
{
	uint8_t bytes[VOL_BLOCK];
	int err = volume_read(volume, 0, block * VOL_BLOCK, bytes, sizeof(bytes), why);
	return err ? err : bytes[0];
}

static void rest(struct volume *volume)
{
	struct why why;
	CHECK_EQ(volume_rest(volume, true, &why), 0);
}

static int scrub(struct volume *volume)
{
	struct why why;
	int more;
	while ((more = volume_scrub(volume, &why)) > 0)
		;
	return more;
}

/* Exchanges or copies blocks of `data` behind the volume's back. */
static void copy_in_data(struct sim_disk *sim, uint64_t from, uint64_t to)
{
	OWN(file_close_own) struct file *file = NULL;
	uint8_t bytes[VOL_BLOCK];
	CHECK_EQ(disk_open(sim_disk_seam(sim), "data", FILE_READ | FILE_WRITE, &file), 0);
	CHECK_EQ(file_read_full(file, bytes, sizeof(bytes), from * VOL_BLOCK), 0);
	CHECK_EQ(file_write_full(file, bytes, sizeof(bytes), to * VOL_BLOCK), 0);
}

TEST(each_flipped_byte_of_data_is_found)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	OWN(volume_close_own) struct volume *volume = open_volume(sim, 0);
	struct why why;
	put(volume, 0, 16, 7);
	rest(volume);
	for (uint64_t at = 0; at < (uint64_t)16 * VOL_BLOCK; at++) {
		uint8_t mask = (uint8_t)(1U << at % 8);
		CHECK_EQ(sim_disk_flip(sim, "data", at, mask), 0);
		CHECK_EQ(get(volume, at / VOL_BLOCK, &why), -EIO);
		CHECK_EQ(sim_disk_flip(sim, "data", at, mask), 0);
		CHECK_EQ(get(volume, at / VOL_BLOCK, &why), 7);
	}
	CHECK_STR(why.text, "data: block 15 of slot 0 is not what was written");
	CHECK_EQ(volume_sums(volume)->bad, 16);
}

TEST(each_flipped_byte_of_sums_costs_its_block_and_no_other)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	struct volume *volume = open_volume(sim, 0);
	struct why why;
	put(volume, 0, VOL_EXTENT_BLOCKS, 7);
	rest(volume);
	volume_close(volume);
	for (unsigned at = 0; at < VOL_EXTENT_BLOCKS * 4; at++) {
		CHECK_EQ(sim_disk_flip(sim, "sums", at, 1), 0);
		volume = open_volume(sim, 0);
		for (unsigned block = 0; block < VOL_EXTENT_BLOCKS; block++)
			CHECK_EQ(get(volume, block, &why), block == at / 4 ? -EIO : 7);
		volume_close(volume);
		CHECK_EQ(sim_disk_flip(sim, "sums", at, 1), 0);
	}
}

TEST(a_block_in_the_wrong_place_and_one_of_yesterday_are_found)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	OWN(volume_close_own) struct volume *volume = open_volume(sim, 0);
	struct why why;
	put(volume, 0, 1, 7);
	put(volume, 1, 1, 7); /* the same bytes, and yet another block */
	put(volume, 2, 1, 8);
	rest(volume);
	copy_in_data(sim, 0, 40); /* kept aside as what was there yesterday */
	copy_in_data(sim, 2, 1);
	CHECK_EQ(get(volume, 1, &why), -EIO);
	put(volume, 0, 1, 9);
	CHECK_EQ(volume_flush(volume, &why), 0);
	copy_in_data(sim, 40, 0);
	CHECK_EQ(get(volume, 0, &why), -EIO);
	CHECK_EQ(get(volume, 2, &why), 8);
}

TEST(writing_heals_a_whole_block_and_no_part_of_one)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	OWN(volume_close_own) struct volume *volume = open_volume(sim, 0);
	struct why why;
	put(volume, 0, 4, 7);
	rest(volume);
	CHECK_EQ(sim_disk_flip(sim, "data", VOL_BLOCK + 100, 4), 0);
	CHECK_EQ(scrub(volume), 0);
	CHECK_EQ(volume_sums(volume)->bad, 1);
	CHECK_EQ(volume_write(volume, VOL_BLOCK, "part", 4, &why), -EIO);
	CHECK_EQ(get(volume, 1, &why), -EIO);
	put(volume, 1, 1, 9);
	CHECK_EQ(get(volume, 1, &why), 9);
	CHECK_EQ(volume_sums(volume)->healed, 1);
	CHECK_EQ(scrub(volume), 0);
	CHECK_EQ(volume_sums(volume)->bad, 1);
}

/* A merge copies blocks: the copy of a bad one has no right to a sum of its own. */
TEST(a_bad_block_stays_bad_through_a_merge)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	OWN(volume_close_own) struct volume *volume = open_volume(sim, 0);
	struct why why;
	put(volume, 0, 3, 7);
	CHECK_EQ(volume_cut(volume, "s", 0, &why), 0);
	put(volume, 4, 8, 8);
	CHECK_EQ(volume_cut(volume, "t", 0, &why), 0);
	rest(volume);
	CHECK_EQ(sim_disk_flip(sim, "data", VOL_BLOCK, 1), 0);
	CHECK_EQ(volume_drop(volume, "s", &why), 0);
	while (volume_merge(volume, &why) > 0)
		;
	CHECK_EQ(volume_map(volume)->slots.at[0].era, 0); /* the three were copied */
	CHECK_EQ(get(volume, 0, &why), 7);
	CHECK_EQ(get(volume, 1, &why), -EIO);
	CHECK_EQ(get(volume, 2, &why), 7);
}

/* After a crash only regions that were active are believed. */
TEST(what_was_at_rest_is_not_believed_after_a_crash)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	struct volume *volume = open_volume(sim, 0);
	struct why why;
	for (unsigned extent = 0; extent < SEEN; extent++)
		put(volume, (uint64_t)extent * VOL_EXTENT_BLOCKS, 1, 7);
	rest(volume);
	put(volume, 0, 1, 8);
	CHECK_EQ(volume_flush(volume, &why), 0);
	CHECK_EQ(volume_sums(volume)->active, 1);
	volume_close(volume); /* as a kill: the region of the first slots is active */

	CHECK_EQ(sim_disk_flip(sim, "data", 5, 1), 0);
	CHECK_EQ(sim_disk_flip(sim, "data", (uint64_t)(SEEN - 1) * VOL_EXTENT, 1), 0);
	volume = open_volume(sim, 0);
	CHECK_EQ(volume_sums(volume)->suspect, 1);
	CHECK_EQ(get(volume, 0, &why), 8);
	CHECK_EQ(volume_sums(volume)->resummed, 1);
	CHECK_EQ(get(volume, (uint64_t)(SEEN - 1) * VOL_EXTENT_BLOCKS, &why), -EIO);
	CHECK_EQ(scrub(volume), 0);
	rest(volume);
	CHECK_EQ(volume_sums(volume)->suspect + volume_sums(volume)->active, 0);
	CHECK_EQ(sim_disk_flip(sim, "data", 5, 1), 0);
	CHECK_EQ(get(volume, 0, &why), -EIO);
	volume_close(volume);
}

/* Five pages take turns in one frame. */
TEST(pages_come_and_go)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	struct volume *volume = open_volume(sim, 1);
	struct why why;
	for (unsigned round = 1; round < 4; round++)
		for (unsigned extent = 0; extent < SEEN; extent += 3 - round % 2)
			put(volume, (uint64_t)extent * VOL_EXTENT_BLOCKS, round, (uint8_t)round);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned extent = 0; extent < SEEN; extent++)
			CHECK(get(volume, (uint64_t)extent * VOL_EXTENT_BLOCKS, &why) >= 0);
		CHECK_EQ(scrub(volume), 0);
		CHECK_EQ(volume_sums(volume)->bad, 0);
		rest(volume);
		volume_close(volume);
		volume = open_volume(sim, 1);
	}
	CHECK_EQ(volume_sums(volume)->active, 0);
	volume_close(volume);
}

struct failing {
	unsigned writes; /* of data: this one fails, and half of it is there */
};

static int fail_write(void *arg, enum sim_op op, const char *name, bool done)
{
	struct failing *failing = arg;
	if (op != SIM_WRITE || done || strcmp(name, "data") != 0 || !failing->writes)
		return 0;
	failing->writes--;
	return failing->writes == 1 ? 2048 : failing->writes == 0 ? -EIO : 0;
}

/* Neither the old block nor the new: it may be read, and that is counted. */
TEST(a_write_that_failed_leaves_its_region_suspect)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	OWN(volume_close_own) struct volume *volume = open_volume(sim, 0);
	struct failing failing = {0};
	struct why why;
	put(volume, 0, 1, 7);
	rest(volume);
	sim_disk_set_hook(sim, fail_write, &failing);
	failing.writes = 2;
	CHECK_EQ(volume_write(volume, 0, (uint8_t[VOL_BLOCK]){1}, VOL_BLOCK, &why), -EIO);
	CHECK_EQ(volume_sums(volume)->suspect, 1);
	CHECK_EQ(get(volume, 0, &why), 1);
	CHECK_EQ(volume_sums(volume)->resummed, 1);
	CHECK_EQ(scrub(volume), 0);
	CHECK_EQ(volume_sums(volume)->suspect, 0);
	sim_disk_set_hook(sim, NULL, NULL);
}

TEST(a_volume_may_have_no_sums)
{
	OWN(sim_free_own) struct sim_disk *sim = sim_disk_new();
	struct volume_options options = {.disk = sim_disk_seam(sim),
		.identity = "unchecked",
		.make_size = VOL_EXTENT,
		.no_sums = true};
	struct why why;
	for (int i = 0; i < 2; i++) {
		OWN(volume_close_own) struct volume *volume = NULL;
		CHECK_EQ(volume_open(&options, &volume, &why), 0);
		CHECK_EQ(get(volume, 0, &why), i * 7);
		put(volume, 0, 1, 7);
		rest(volume);
		CHECK_EQ(scrub(volume), 0);
		options.no_sums = false; /* the volume knows what it has */
	}
	struct file *file;
	CHECK_EQ(disk_open(sim_disk_seam(sim), "sums", FILE_READ, &file), -ENOENT);
}

TEST_MAIN
