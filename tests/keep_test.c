/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup, restore and verify on real files: what comes back is what was there, a second run reads
 * nothing, damage is found and mended, and no damaged byte gets a final name.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/own.h"
#include "base/test.h"
#include "base/why.h"
#include "chunk/test_world.h"
#include "os/linux/crew.h"
#include "os/linux/disk.h"
#include "os/linux/files.h"
#include "place/dir.h"
#include "place/place.h"
#include "repo/repo.h"
#include "ship/backup.h"
#include "ship/restore.h"
#include "ship/verify.h"

struct fixture {
	char dir[64], source[80], target[80], store[80];
	struct test_dice dice;
	struct test_clock clock;
	struct linux_disk disk;
	struct linux_crew *crew;
	struct files files;
	struct repo_world world;
	uint8_t secret[SECRET_SIZE];
	struct repo *repo;
	struct why why;
	int troubles;
	char last_trouble[600];
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void reopen(struct fixture *f)
{
	repo_close(f->repo);
	f->repo = NULL;
	if (repo_open(&f->world, f->secret, 0, &f->repo, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
}

static void begin(struct fixture *f)
{
	static const struct repo_options options = {.parity_percent = 3};
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/ebb-keep-test-XXXXXX");
	CHECK(mkdtemp(f->dir));
	snprintf(f->source, sizeof(f->source), "%s/source", f->dir);
	snprintf(f->target, sizeof(f->target), "%s/target", f->dir);
	snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	CHECK(mkdir(f->source, 0755) == 0 && mkdir(f->target, 0755) == 0);
	test_world_init(&f->dice, &f->clock, 1);
	/* Later than all that the tests write: a file as young as its backup is read again. */
	struct stat st;
	CHECK(stat(f->source, &st) == 0);
	f->clock.now = (st.st_ctim.tv_sec + 1000) * INT64_C(1000000000);
	CHECK_EQ(linux_disk_init(&f->disk, f->store, &f->why), 0);
	f->files = linux_files();
	CHECK_EQ(place_dir_open(&f->disk.base, &f->world.place), 0);
	CHECK_EQ(linux_crew_open(3, &f->crew, &f->why), 0);
	f->world.crew = linux_crew(f->crew);
	f->world.dice = &f->dice.dice;
	f->world.clock = &f->clock.clock;
	CHECK_EQ(repo_init(&f->world, &options, f->secret, &f->why), 0);
	reopen(f);
}

static void end(struct fixture *f)
{
	repo_close(f->repo);
	place_close(f->world.place);
	linux_crew_close(f->crew);
	linux_disk_done(&f->disk);
	nftw(f->dir, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

static const char *path_in(const char *folder, const char *name, char path[512])
{
	snprintf(path, 512, "%s/%s", folder, name);
	return path;
}

static void write_file(struct fixture *f, const char *name, const void *bytes, size_t len)
{
	char path[512];
	FILE *file = fopen(path_in(f->source, name, path), "wb");
	CHECK(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static void write_random(struct fixture *f, const char *name, size_t len, uint64_t seed)
{
	struct rng rng;
	OWN(own_free) uint8_t *bytes = malloc(len + 1);
	CHECK(bytes);
	rng_seed(&rng, seed);
	rng_fill(&rng, bytes, len);
	write_file(f, name, bytes, len);
}

static void on_trouble(void *arg, const char *path, const char *what)
{
	struct fixture *f = arg;
	f->troubles++;
	snprintf(f->last_trouble, sizeof(f->last_trouble), "%s: %s", path, what);
}

static struct point backup(struct fixture *f)
{
	struct point point;
	struct backup_options options = {
		.path = f->source,
		.resource = "dir/test",
		.host = "here",
		.writer = "test",
		.on_trouble = on_trouble,
		.arg = f,
	};
	f->troubles = 0;
	if (backup_dir(f->repo, &f->files, &f->clock.clock, &options, &point, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	return point;
}

static struct restore_result restore(struct fixture *f, const struct point *point, const char *only)
{
	struct restore_result result;
	struct restore_options options = {
		.target = f->target, .only = only, .on_trouble = on_trouble, .arg = f};
	f->troubles = 0;
	if (restore_dir(f->repo, &f->files, point, &options, &result, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	return result;
}

static void check_same(struct fixture *f)
{
	char command[600];
	/* rsync and diff are not to be relied on; find and sha256sum are on every Debian. */
	snprintf(command, sizeof(command),
		"cd %s && for d in source target; do (cd $d && find . -printf "
		"'%%P %%y %%m %%U %%G %%s %%l %%T@ %%n\\n' | sed 's/ [0-9]* *$//;/^ d/d' | sort && "
		"find . -type f -print0 | sort -z | xargs -0 -r sha256sum) > $d.list; done; "
		"cmp source.list target.list",
		f->dir);
	CHECK_EQ(system(command), 0);
}

static void make_source(struct fixture *f)
{
	char path[512], other[512];
	write_file(f, "empty", "", 0);
	write_file(f, "small", "low tide", 8);
	write_random(f, "large", 5000000, 1);
	CHECK_EQ(mkdir(path_in(f->source, "sub", path), 0710), 0);
	CHECK_EQ(mkdir(path_in(f->source, "sub/deep", path), 0700), 0);
	write_random(f, "sub/deep/file", 300000, 2);
	write_file(f, "sub/new\nline \xff", "x", 1);
	CHECK_EQ(symlink("../nowhere", path_in(f->source, "sub/link", path)), 0);
	CHECK_EQ(link(path_in(f->source, "small", path), path_in(f->source, "sub/hard", other)), 0);
	CHECK_EQ(mkfifo(path_in(f->source, "pipe", path), 0640), 0);
	CHECK_EQ(chmod(path_in(f->source, "small", path), 04755), 0);
	struct timespec times[2] = {{100, 5}, {-5, 999999999}};
	CHECK_EQ(utimensat(AT_FDCWD, path_in(f->source, "empty", path), times, 0), 0);
}

TEST(what_was_saved_comes_back)
{
	struct fixture f;
	struct stat a, b;
	char path[512];
	begin(&f);
	make_source(&f);
	struct point point = backup(&f);
	CHECK_EQ(point.kind, POINT_FULL);
	CHECK_EQ(point.unreadable, 0);
	CHECK_EQ(f.troubles, 0);
	CHECK_EQ(point.entries, 10);
	reopen(&f);
	struct restore_result result = restore(&f, &point, NULL);
	if (f.troubles)
		test_fail(__FILE__, __LINE__, "%s", f.last_trouble);
	CHECK_EQ(result.failed, 0);
	CHECK_EQ(result.entries, 10);
	check_same(&f);
	CHECK_EQ(stat(path_in(f.target, "small", path), &a), 0);
	CHECK_EQ(stat(path_in(f.target, "sub/hard", path), &b), 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	end(&f);
}

TEST(a_second_run_reads_nothing_and_a_third_only_what_changed)
{
	struct fixture f;
	begin(&f);
	make_source(&f);
	struct point first = backup(&f);
	reopen(&f);
	struct point second = backup(&f);
	CHECK_EQ(second.kind, POINT_INCREMENTAL);
	CHECK(object_id_equal(&second.parent, &first.id));
	CHECK_EQ(second.read_bytes, 0);
	CHECK_EQ(second.new_bytes, 0);
	CHECK(digest_equal(&second.root, &first.root));
	write_random(&f, "sub/deep/file", 300001, 3);
	reopen(&f);
	struct point third = backup(&f);
	CHECK_EQ(third.read_bytes, 300001);
	CHECK(third.new_bytes < 320000);
	reopen(&f);
	CHECK_EQ(restore(&f, &third, NULL).failed, 0);
	check_same(&f);
	end(&f);
}

TEST(holes_stay_holes)
{
	struct fixture f;
	struct stat st;
	char path[512];
	begin(&f);
	int fd = open(path_in(f.source, "sparse", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, "middle", 6, 50 << 20), 6);
	CHECK_EQ(ftruncate(fd, 200 << 20), 0);
	close(fd);
	fd = open(path_in(f.source, "hole", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK_EQ(ftruncate(fd, 3 << 20), 0);
	close(fd);
	struct point point = backup(&f);
	CHECK(point.read_bytes < 1 << 20);
	CHECK_EQ(restore(&f, &point, NULL).failed, 0);
	check_same(&f);
	CHECK_EQ(stat(path_in(f.target, "sparse", path), &st), 0);
	CHECK_EQ(st.st_size, 200 << 20);
	CHECK(st.st_blocks * 512 < 1 << 20);
	end(&f);
}

TEST(one_path_alone_comes_back)
{
	struct fixture f;
	struct restore_result result;
	char path[512];
	begin(&f);
	make_source(&f);
	struct point point = backup(&f);
	CHECK_EQ(restore(&f, &point, "sub/deep").failed, 0);
	CHECK_EQ(access(path_in(f.target, "sub/deep/file", path), F_OK), 0);
	CHECK_EQ(access(path_in(f.target, "small", path), F_OK), -1);
	CHECK_EQ(access(path_in(f.target, "sub/link", path), F_OK), -1);
	struct restore_options options = {.target = f.target, .only = "sub/de"};
	CHECK_EQ(restore_dir(f.repo, &f.files, &point, &options, &result, &f.why), -ENOENT);
	CHECK_STR(f.why.text, "sub/de: no such path in this point");
	end(&f);
}

TEST(what_stands_in_the_way_is_not_followed)
{
	struct fixture f;
	char path[512], outside[512];
	begin(&f);
	make_source(&f);
	struct point point = backup(&f);
	/* The target's "sub" leads elsewhere: nothing may be written there. */
	snprintf(outside, sizeof(outside), "%s/outside", f.dir);
	CHECK_EQ(mkdir(outside, 0700), 0);
	CHECK_EQ(symlink(outside, path_in(f.target, "sub", path)), 0);
	CHECK_EQ(restore(&f, &point, NULL).failed, 1);
	CHECK_STR(f.last_trouble, "sub: opening: Not a directory");
	CHECK_EQ(rmdir(outside), 0);
	end(&f);
}

static void note(void *arg, const char *what)
{
	on_trouble(arg, "", what);
}

/* One byte in the middle of every file of the store. */
static int damage_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	uint8_t byte;
	(void)ftw;
	if (flag != FTW_F || st->st_size == 0)
		return 0;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && pread(fd, &byte, 1, st->st_size / 3) == 1);
	byte ^= 4;
	CHECK_EQ(pwrite(fd, &byte, 1, st->st_size / 3), 1);
	close(fd);
	return 0;
}

TEST(verify_finds_and_mends_a_flip_in_every_object)
{
	struct fixture f;
	struct verify_result result;
	struct verify_options options = {.follow = true, .on_trouble = note, .arg = &f};
	begin(&f);
	make_source(&f);
	struct point point = backup(&f);
	reopen(&f);
	CHECK_EQ(verify_repo(f.repo, &options, &result, &f.why), 0);
	CHECK_EQ(f.troubles, 0);
	CHECK_EQ(result.check.objects, 8);
	nftw(f.store, damage_one, 20, FTW_PHYS);
	reopen(&f);
	CHECK_EQ(restore(&f, &point, NULL).failed, 0);
	check_same(&f);
	CHECK_EQ(verify_repo(f.repo, &options, &result, &f.why), 0);
	CHECK_EQ(result.check.mendable, 8);
	CHECK_EQ(result.check.mended, 0);
	CHECK_EQ(result.check.damaged, 0);
	options.repair = true;
	CHECK_EQ(verify_repo(f.repo, &options, &result, &f.why), 0);
	CHECK_EQ(result.check.mended, 8);
	CHECK_EQ(verify_repo(f.repo, &options, &result, &f.why), 0);
	CHECK_EQ(result.check.mendable, 0);
	end(&f);
}

static int cut_pack(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)ftw;
	if (flag == FTW_F && strstr(path, "/data/"))
		CHECK_EQ(truncate(path, st->st_size / 2), 0);
	return 0;
}

/* Half of the data is gone: files in it are reported and absent, the others come back whole. */
TEST(no_wrong_byte_gets_a_final_name)
{
	struct fixture f;
	struct verify_result result;
	struct verify_options options = {.follow = true, .on_trouble = note, .arg = &f};
	char command[300];
	begin(&f);
	make_source(&f);
	struct point point = backup(&f);
	nftw(f.store, cut_pack, 20, FTW_PHYS);
	reopen(&f);
	struct restore_result restored = restore(&f, &point, NULL);
	CHECK(restored.failed > 0);
	snprintf(command, sizeof(command),
		"cd %s/target && find . -type f | while IFS= read -r n; do "
		"[ ! -f \"../source/$n\" ] || cmp -s \"$n\" \"../source/$n\" || exit 1; done",
		f.dir);
	CHECK_EQ(system(command), 0);
	CHECK_EQ(verify_repo(f.repo, &options, &result, &f.why), 0);
	CHECK(result.check.damaged > 0);
	end(&f);
}

TEST_MAIN
