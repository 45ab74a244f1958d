/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as a place, on a real file system, with several threads at once. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "base/why.h"
#include "os/linux/disk.h"
#include "place/contract_test.h"
#include "place/dir.h"
#include "place/place.h"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

TEST(a_folder_serves_several_threads_at_once)
{
	char folder[] = "/tmp/ebb-place-test-XXXXXX";
	struct linux_disk disk;
	struct place *place;
	struct why why;
	CHECK(mkdtemp(folder));
	CHECK_EQ(linux_disk_init(&disk, folder, &why), 0);
	CHECK_EQ(place_dir_open(&disk.base, &place), 0);
	contract_threads(place, place);
	place_close(place);
	linux_disk_done(&disk);
	CHECK_EQ(nftw(folder, remove_one, 20, FTW_DEPTH | FTW_PHYS), 0);
}

TEST(a_folder_has_no_locks)
{
	struct linux_disk disk;
	struct place *place;
	char folder[] = "/tmp/ebb-place-test-XXXXXX";
	struct why why;
	CHECK(mkdtemp(folder));
	CHECK_EQ(linux_disk_init(&disk, folder, &why), 0);
	CHECK_EQ(place_dir_open(&disk.base, &place), 0);
	CHECK_EQ(place_lock(place, "repo", 1, &why), -EOPNOTSUPP);
	CHECK_STR(why.text, "this place cannot lock objects");
	place_close(place);
	linux_disk_done(&disk);
	CHECK_EQ(rmdir(folder), 0);
}

TEST_MAIN
