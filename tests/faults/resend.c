/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup that kill -9 ends at any operation on the place, or in the middle of a pack that is
 * written, and that is run again: what came to the place before is not sent again, but for what had
 * come of that one pack. Of a folder, an image and a stream.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "place/place.h"
#include "tests/faults/rig.h"

/* Bytes that do not compress, in packs of 1 MiB: three whole ones and some. */
enum { LEN = 3500000 };

/* What is sent when nothing happens. */
struct whole {
	uint64_t bytes, largest_pack;
};

struct death {
	uint64_t nth, seen;
	bool after;                  /* it had its effect */
	char written[DISK_NAME_MAX]; /* the pack that it was writing; "": none */
};

/* From that operation on nothing happens any more, whatever the program still tries. */
static int on_operation(void *arg, enum sim_op op, const char *name, bool done)
{
	struct death *death = arg;
	bool pack = op == SIM_WRITE &&
		(strncmp(name, "data/", 5) == 0 || strncmp(name, "meta/", 5) == 0);
	death->seen += !done;
	if (!done && death->seen == death->nth)
		snprintf(death->written, sizeof(death->written), "%s", pack ? name : "");
	return !done && death->seen >= death->nth + death->after ? -EIO : 0;
}

/* Of what it was writing only so much had come. */
static void tear(struct rig *rig, const struct death *death)
{
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size;
	CHECK_EQ(disk_open(sim_disk_seam(rig->disk), death->written, FILE_WRITE, &file), 0);
	CHECK_EQ(file_size(file, &size), 0);
	CHECK_EQ(file_truncate(file, 1 + rng_below(&rig->rng, size - 1)), 0);
}

struct sizes {
	struct disk *disk;
	const char *folder;
	uint64_t sum;
};

static bool add_size(void *arg, const char *name, bool is_dir)
{
	struct sizes *sizes = arg;
	char path[DISK_NAME_MAX];
	OWN(file_close_own) struct file *file = NULL;
	uint64_t size;
	snprintf(path, sizeof(path), "%s/%s", sizes->folder, name);
	struct sizes below = {.disk = sizes->disk, .folder = path};
	if (is_dir) {
		CHECK_EQ(disk_list(sizes->disk, path, add_size, &below), 0);
		sizes->sum += below.sum;
		return true;
	}
	CHECK_EQ(disk_open(sizes->disk, path, FILE_READ, &file), 0);
	CHECK_EQ(file_size(file, &size), 0);
	sizes->sum += size;
	return true;
}

/* What was sent for packs; also what has no name of a pack's yet. */
static uint64_t bytes_there(struct rig *rig)
{
	static const char *const folders[] = {"data", "meta"};
	uint64_t sum = 0;
	for (size_t i = 0; i < 2; i++) {
		struct sizes sizes = {.disk = sim_disk_seam(rig->disk), .folder = folders[i]};
		int err = disk_list(sizes.disk, folders[i], add_size, &sizes);
		CHECK(!err || err == -ENOENT);
		sum += sizes.sum;
	}
	return sum;
}

static bool add_named(void *arg, const char *name, uint64_t size)
{
	(void)name;
	*(uint64_t *)arg += size;
	return true;
}

/* What packs there are. The rest was sent in vain. */
static uint64_t bytes_of_use(struct rig *rig)
{
	uint64_t sum = 0;
	CHECK_EQ(place_list(rig->place, "data", add_named, &sum), 0);
	CHECK_EQ(place_list(rig->place, "meta", add_named, &sum), 0);
	return sum;
}

static bool note_largest(void *arg, const char *name, uint64_t size)
{
	struct whole *whole = arg;
	(void)name;
	if (size > whole->largest_pack)
		whole->largest_pack = size;
	return true;
}

/* What the second run fills its last packs up with, and what it tells of the first one's. */
enum { FILLING = 300000 };

/* The killed run is on the disk. */
static void run_again(
	struct rig *rig, save_fn *how, const struct whole *whole, const char *when, uint64_t *most)
{
	uint64_t there = bytes_there(rig);
	if (rig_save(rig, how))
		test_fail(__FILE__, __LINE__, "%s: %s", when, rig->why.text);
	uint64_t twice = bytes_there(rig) - bytes_of_use(rig);
	uint64_t sent = there + rig->written.written_bytes;
	uint64_t again = sent > whole->bytes ? sent - whole->bytes : 0;
	if (twice >= whole->largest_pack || again > twice + FILLING)
		test_fail(__FILE__, __LINE__,
			"%s: %d bytes there, %d sent, %d of them in vain; %d are enough", when,
			(int)there, (int)rig->written.written_bytes, (int)twice, (int)whole->bytes);
	if (twice > *most)
		*most = twice;
}

/* False: it was done before it could be killed. */
static bool kill_at(struct rig *rig, save_fn *how, struct death *death, const struct whole *whole,
	uint64_t *most)
{
	char when[80];
	snprintf(when, sizeof(when), "killed %s operation %d", death->after ? "in" : "at",
		(int)death->nth);
	rig_start_again(rig);
	sim_disk_set_hook(rig->disk, on_operation, death);
	bool done = rig_save(rig, how) == 0;
	rig_restart(rig);
	if (done)
		return false;
	/* Folders are new or not as their random names are: then it was another operation. */
	if (death->after && *death->written)
		tear(rig, death);
	run_again(rig, how, whole, when, most);
	return true;
}

static void kill_each(save_fn *how)
{
	OWN(own_free) struct rig *rig = malloc(sizeof(*rig));
	uint64_t most = 0;
	bool killed = true;
	unsigned torn = 0, times = 0;
	CHECK(rig);
	rig_begin(rig, LEN, false);
	rig_start_again(rig);
	CHECK_EQ(rig_save(rig, how), 0);
	struct whole whole = {.bytes = rig->written.written_bytes};
	CHECK_EQ(place_list(rig->place, "data", note_largest, &whole), 0);
	CHECK(bytes_there(rig) > 3 * whole.largest_pack);
	for (uint64_t nth = 1; killed; nth++) {
		struct death death = {.nth = nth};
		killed = kill_at(rig, how, &death, &whole, &most);
		times += killed;
		if (!killed || !*death.written)
			continue;
		death = (struct death){.nth = nth, .after = true};
		kill_at(rig, how, &death, &whole, &most);
		torn += *death.written != '\0';
	}
	CHECK(torn > 3);
	test_note("killed %u times, in %u packs; sent twice at most %d of %d bytes; a pack has %d",
		times + torn, torn, (int)most, (int)whole.bytes, (int)whole.largest_pack);
	rig_end(rig);
}

TEST(a_killed_backup_of_files_sends_less_than_one_pack_again)
{
	kill_each(save_dir);
}

TEST(a_killed_backup_of_an_image_sends_less_than_one_pack_again)
{
	kill_each(save_image);
}

TEST(a_killed_backup_of_a_stream_sends_less_than_one_pack_again)
{
	kill_each(save_stream);
}

TEST_MAIN
