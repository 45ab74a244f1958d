/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories, objects and heads of an ebb to come: refused with clear words, and left alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "repo/rig_test.h"

/* Stores an object over the one that is there, with parity and header as a newer ebb would. */
static void store_changed(struct rig *f, const struct object_header *header, uint8_t *bytes)
{
	char name[OBJECT_NAME];
	uint64_t written = 0;
	place_remove(f->world.place, object_name(header->kind, &header->id, name));
	put_le64(bytes + 56, hash64(bytes, 56, 0));
	CHECK_EQ(object_store(f->world.place, header, bytes, 3, &written, &f->why), 0);
}

/* Opens it in vain, with these words, and nothing at the place has changed. */
static void check_refused(struct rig *f, const char *words)
{
	struct repo *repo;
	uint64_t before = sim_disk_image(f->disk);
	CHECK_EQ(repo_open(&f->world, f->secret, 0, &repo, &f->why), -ENOTSUP);
	if (!strstr(f->why.text, words))
		test_fail(__FILE__, __LINE__, "told \"%s\", not \"%s\"", f->why.text, words);
	CHECK(sim_disk_image(f->disk) == before);
}

static uint8_t *get_repo(struct rig *f, struct object_header *ret_header)
{
	struct object_header want = {.kind = OBJECT_REPO};
	struct repo *repo = rig_open(f, f->secret);
	uint8_t *bytes;
	size_t len;
	bool mended;
	want.repo = want.id = *repo_id(repo);
	repo_close(repo);
	CHECK_EQ(object_fetch(f->world.place, &want, &bytes, &len, &mended, &f->why), 0);
	CHECK_EQ(object_get_header(bytes, len, ret_header, &f->why), 0);
	return bytes;
}

TEST(a_repository_of_a_newer_ebb_is_refused_and_left_alone)
{
	/* Version, capabilities, the 9 of "ebb 9.1", and the same in the header. */
	enum { VERSION = OBJECT_HEADER, BITS = VERSION + 4, DIGIT = VERSION + 8 + 2 + 4 };
	static const struct {
		size_t at;
		uint8_t byte;
		const char *words;
	} cases[] = {
		{VERSION, 2,
			"this repository needs ebb 9.1 or newer (format 2, capabilities 0x0); this "
			"ebb knows format 1"},
		{BITS, 1, "(format 1, capabilities 0x1); this ebb knows format 1"},
		{BITS + 3, 0x80, "(format 1, capabilities 0x80000000)"},
		{8, 2, "written by a newer ebb (format 2, capabilities 0x0): use that one"},
		{12, 4, "written by a newer ebb (format 1, capabilities 0x4): use that one"},
	};
	struct rig f;
	rig_begin(&f, 17);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct object_header header;
		OWN(own_free) uint8_t *kept = get_repo(&f, &header);
		OWN(own_free) uint8_t *newer = malloc(header.length);
		CHECK(newer);
		memcpy(newer, kept, header.length);
		newer[DIGIT] = '9';
		newer[cases[i].at] = cases[i].byte;
		store_changed(&f, &header, newer);
		check_refused(&f, cases[i].words);
		store_changed(&f, &header, kept);
	}
	repo_close(rig_open(&f, f.secret));
	rig_end(&f);
}

/* Who has the repository open writes none behind it. */
TEST(a_head_of_a_newer_ebb_stops_old_ones)
{
	static const struct {
		uint8_t body[16];
		const char *words;
	} cases[] = {
		{{2}, "generation 2: written by a newer ebb (head 2): use that one"},
		{{1, 0, 0, 0, 8}, "(head with capabilities 0x8): use that one"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig f;
		struct point point = {.source = POINT_DIR, .kind = POINT_FULL};
		struct object_header header = {.kind = OBJECT_HEAD};
		OWN(own_free) uint8_t *bytes = NULL;
		uint64_t newest;
		size_t len;
		rig_begin(&f, 18);
		struct repo *repo = rig_open(&f, f.secret);
		header.repo = *repo_id(repo);
		header.id = object_head_id(2);
		CHECK_EQ(seal_whole(&header, &repo->with, cases[i].body, sizeof(cases[i].body),
				 &bytes, &len),
			0);
		store_changed(&f, &header, bytes);
		CHECK_EQ(repo_commit(repo, &point, &f.why), -ENOTSUP);
		CHECK(strstr(f.why.text, cases[i].words));
		CHECK_EQ(repo_newest_generation(repo, 0, &newest, &f.why), 0);
		CHECK_EQ(newest, 2);
		repo_close(repo);
		check_refused(&f, cases[i].words);
		rig_end(&f);
	}
}

TEST_MAIN
