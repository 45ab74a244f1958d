/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup that kill -9 ends at any operation on the place, and that is run again: what came to the
 * place before is not sent again, but for the one pack at most that was on its way: less than one,
 * or all of one that only lacked its name. Of a folder, an image and a stream.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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
};

/* From that operation on nothing happens any more, whatever the program still tries. */
static int on_operation(void *arg, enum sim_op op, const char *name, bool done)
{
	struct death *death = arg;
	(void)op;
	(void)name;
	return !done && ++death->seen >= death->nth ? -EIO : 0;
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

static bool note_largest(void *arg, const char *name, uint64_t size)
{
	struct whole *whole = arg;
	(void)name;
	if (size > whole->largest_pack)
		whole->largest_pack = size;
	return true;
}

/* False: it was done before it could be killed. */
static bool kill_at(
	struct rig *rig, save_fn *how, uint64_t nth, const struct whole *whole, uint64_t *most)
{
	struct death death = {.nth = nth};
	char when[64];
	snprintf(when, sizeof(when), "killed at operation %d", (int)nth);
	rig_start_again(rig);
	sim_disk_set_hook(rig->disk, on_operation, &death);
	bool done = rig_save(rig, how) == 0;
	rig_restart(rig);
	if (done)
		return false;
	uint64_t there = bytes_there(rig);
	if (rig_save(rig, how))
		test_fail(__FILE__, __LINE__, "%s: %s", when, rig->why.text);
	uint64_t sent = there + rig->written.written_bytes;
	uint64_t again = sent > whole->bytes ? sent - whole->bytes : 0;
	if (again > whole->largest_pack)
		test_fail(__FILE__, __LINE__, "%s: %d bytes there, %d sent, %d are enough", when,
			(int)there, (int)rig->written.written_bytes, (int)whole->bytes);
	if (again > *most)
		*most = again;
	return true;
}

static void kill_each(save_fn *how)
{
	OWN(own_free) struct rig *rig = malloc(sizeof(*rig));
	uint64_t nth = 1, most = 0;
	CHECK(rig);
	rig_begin(rig, LEN, false);
	rig_start_again(rig);
	CHECK_EQ(rig_save(rig, how), 0);
	struct whole whole = {.bytes = rig->written.written_bytes};
	CHECK_EQ(place_list(rig->place, "data", note_largest, &whole), 0);
	CHECK(bytes_there(rig) > 3 * whole.largest_pack);
	while (kill_at(rig, how, nth, &whole, &most))
		nth++;
	test_note("killed at %d operations, sent again at most %d of %d bytes; a pack has %d",
		(int)nth - 1, (int)most, (int)whole.bytes, (int)whole.largest_pack);
	rig_end(rig);
}

TEST(a_killed_backup_of_files_sends_one_pack_again_at_most)
{
	kill_each(save_dir);
}

TEST(a_killed_backup_of_an_image_sends_one_pack_again_at_most)
{
	kill_each(save_image);
}

TEST(a_killed_backup_of_a_stream_sends_one_pack_again_at_most)
{
	kill_each(save_stream);
}

TEST_MAIN
