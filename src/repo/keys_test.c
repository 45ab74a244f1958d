/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come, go and rotate: who may read what, and that no crash locks anybody out. */
#include "repo/keys.h"

#include <errno.h>
#include <stdio.h>

#include "chunk/box.h"
#include "os/disk.h"
#include "repo/rig_test.h"

static struct object_id must_add(
	struct rig *f, struct repo *repo, enum slot_type type, uint8_t secret[SECRET_SIZE])
{
	struct object_id id;
	CHECK_EQ(rig_add_key(repo, type, &f->dice, secret, &id), 0);
	return id;
}

static struct digest must_put(struct rig *f, struct repo *repo, const char *text)
{
	struct digest digest;
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
	CHECK_EQ(repo_put_chunk(repo, CHUNK_CONTENT, text, strlen(text), &digest, &f->why), 0);
	if (repo_commit(repo, &point, &f->why))
		test_fail(__FILE__, __LINE__, "%s", f->why.text);
	return digest;
}

static bool reads(struct rig *f, struct repo *repo, const struct digest *digest)
{
	uint8_t *bytes = NULL;
	size_t len;
	int err = repo_chunk(repo, digest, CHUNK_CONTENT, &bytes, &len, &f->why);
	free(bytes);
	return !err;
}

TEST(each_key_opens_and_none_other_does)
{
	struct rig f;
	uint8_t second[SECRET_SIZE], wrong[SECRET_SIZE] = {1};
	struct repo *repo;
	struct object_id id;
	struct unlock word = {.passphrase = "correct horse", .passphrase_len = 13};
	struct key_new by_word = {SLOT_PASSPHRASE, "head", &word, passphrase_floor};
	rig_begin(&f, 1);
	repo = rig_open(&f, f.secret);
	must_add(&f, repo, SLOT_RECOVERY, second);
	CHECK_EQ(repo_key_add(repo, &by_word, &id, &f.why), 0);
	CHECK_EQ(repo_head(repo)->keys.len, 3);
	CHECK_STR(repo_head(repo)->keys.at[2].label, "head");
	CHECK_STR(repo_key_type(repo_head(repo)->keys.at[2].type), "passphrase");
	struct digest digest = must_put(&f, repo, "tide");
	repo_close(repo);
	repo = rig_open(&f, second);
	CHECK(reads(&f, repo, &digest));
	repo_close(repo);
	CHECK_EQ(repo_open_with(&f.world, &word, 0, &repo, &f.why), 0);
	CHECK(reads(&f, repo, &digest));
	repo_close(repo);
	word.passphrase_len = 12;
	CHECK_EQ(repo_open_with(&f.world, &word, 0, &repo, &f.why), -EACCES);
	CHECK_EQ(repo_open(&f.world, wrong, 0, &repo, &f.why), -EACCES);
	CHECK_STR(f.why.text, "this key opens none of the 3 key slots");
	rig_end(&f);
}

TEST(the_last_key_and_the_one_in_use_stay)
{
	struct rig f;
	uint8_t second[SECRET_SIZE], writer[SECRET_SIZE];
	rig_begin(&f, 2);
	struct repo *repo = rig_open(&f, f.secret);
	struct object_id first = repo_head(repo)->keys.at[0].id, none = {{9}};
	must_add(&f, repo, SLOT_WRITER, writer);
	CHECK_EQ(repo_key_rm(repo, &first, &f.why), -EPERM);
	CHECK(strstr(f.why.text, "is the last one that can read"));
	must_add(&f, repo, SLOT_SECRET, second);
	CHECK_EQ(repo_key_rm(repo, &first, &f.why), -EPERM);
	CHECK(strstr(f.why.text, "is the one in use"));
	CHECK_EQ(repo_key_rm(repo, &none, &f.why), -ENOENT);
	repo_close(repo);
	repo = rig_open(&f, second);
	CHECK_EQ(repo_key_rm(repo, &first, &f.why), 0);
	repo_close(repo);
	CHECK_EQ(repo_open(&f.world, f.secret, 0, &repo, &f.why), -EACCES);
	rig_end(&f);
}

/* ---- the place's owner, with everything that was ever there ---- */

struct hoard {
	char names[64][80];
	uint8_t *bytes[64];
	size_t lens[64], count;
	struct place *place;
};

static bool hoard_one(void *arg, const char *name, uint64_t size)
{
	struct hoard *hoard = arg;
	(void)size;
	CHECK(hoard->count < 64);
	size_t i = hoard->count++;
	snprintf(hoard->names[i], sizeof(hoard->names[i]), "%s", name);
	CHECK_EQ(
		place_get_whole(hoard->place, name, 1 << 24, &hoard->bytes[i], &hoard->lens[i]), 0);
	return true;
}

static void hoard_slots(struct rig *f, struct hoard *hoard)
{
	*hoard = (struct hoard){.place = f->world.place};
	CHECK_EQ(place_list(f->world.place, "key", hoard_one, hoard), 0);
}

static void bring_back(struct rig *f, struct hoard *hoard)
{
	uint64_t size;
	for (size_t i = 0; i < hoard->count; i++) {
		if (place_size(f->world.place, hoard->names[i], &size))
			CHECK_EQ(place_put(f->world.place, hoard->names[i], hoard->bytes[i],
					 hoard->lens[i], &f->why),
				0);
		free(hoard->bytes[i]);
	}
	hoard->count = 0;
}

TEST(a_key_that_was_taken_away_stays_out_whatever_comes_back)
{
	struct rig f;
	struct hoard hoard;
	uint8_t second[SECRET_SIZE];
	struct repo *repo;
	rig_begin(&f, 3);
	repo = rig_open(&f, f.secret);
	struct object_id id = must_add(&f, repo, SLOT_SECRET, second);
	hoard_slots(&f, &hoard);
	CHECK_EQ(repo_key_rm(repo, &id, &f.why), 0);
	bring_back(&f, &hoard);
	struct repo *other;
	CHECK_EQ(repo_open(&f.world, second, 0, &other, &f.why), -EACCES);
	CHECK(strstr(f.why.text, "this key was taken away from the repository"));
	CHECK_EQ(repo_key_rotate(repo, &f.why), 0);
	must_put(&f, repo, "new words");
	repo_close(repo);
	/* With its slot of old it gets the old keys, and those do not open the newest head. */
	CHECK_EQ(repo_open(&f.world, second, 0, &other, &f.why), -EACCES);
	rig_end(&f);
}

TEST(all_keys_go_on_after_a_rotation_and_old_words_stay_readable)
{
	struct rig f;
	uint8_t second[SECRET_SIZE];
	struct repo *repo, *running;
	rig_begin(&f, 4);
	repo = rig_open(&f, f.secret);
	must_add(&f, repo, SLOT_SECRET, second);
	struct digest before = must_put(&f, repo, "before");
	running = rig_open(&f, second);
	CHECK_EQ(repo_key_rotate(repo, &f.why), 0);
	CHECK_EQ(repo_ring(repo)->epoch_count, 2);
	struct digest after = must_put(&f, repo, "after");
	/* A run that had begun before comes through, and goes on with the new keys. */
	struct digest late = must_put(&f, running, "late");
	CHECK_EQ(repo_ring(running)->epoch_count, 2);
	CHECK_EQ(repo_key_rotate(running, &f.why), 0);
	repo_close(repo);
	repo_close(running);
	for (int i = 0; i < 2; i++) {
		repo = rig_open(&f, i ? f.secret : second);
		CHECK_EQ(repo_ring(repo)->epoch_count, 3);
		CHECK(reads(&f, repo, &before));
		CHECK(reads(&f, repo, &after));
		CHECK(reads(&f, repo, &late));
		repo_close(repo);
	}
	struct hoard left;
	hoard_slots(&f, &left);
	CHECK_EQ(left.count, 2);
	bring_back(&f, &left);
	rig_end(&f);
}

/* A box is made for a public key that anybody at the place can see; only the proof tells. */
TEST(an_outsider_cannot_fill_a_slot)
{
	struct rig f;
	struct hoard hoard;
	struct key_ring *ring;
	struct unlock unlock = {.secret = f.secret};
	struct slot_opened opened;
	struct object_header header;
	OWN(own_free) uint8_t *bytes = NULL;
	rig_begin(&f, 5);
	hoard_slots(&f, &hoard);
	CHECK_EQ(hoard.count, 1);
	CHECK_EQ(object_get_header(hoard.bytes[0], hoard.lens[0], &header, &f.why), 0);
	CHECK_EQ(slot_open(hoard.bytes[0], header.length, &unlock, &opened, &f.why), 0);
	slot_opened_done(&opened);
	CHECK_EQ(key_ring_make(&f.dice.dice, &ring), 0);
	struct box_chance chance = {&header.id, f.world.dice, f.world.clock};
	CHECK_EQ(slot_renew(&header, ring, hoard.bytes[0], header.length, &chance, &bytes), 0);
	CHECK_EQ(slot_open(bytes, header.length, &unlock, &opened, &f.why), -EACCES);
	CHECK_STR(f.why.text,
		"the keys in this slot were put there by somebody who does not hold them");
	key_ring_free(ring);
	bring_back(&f, &hoard);
	rig_end(&f);
}

TEST(a_slot_that_was_slipped_in_gets_no_keys)
{
	struct rig f;
	uint8_t second[SECRET_SIZE];
	struct hoard hoard;
	rig_begin(&f, 6);
	struct repo *repo = rig_open(&f, f.secret);
	must_add(&f, repo, SLOT_SECRET, second);
	struct object_id slot = repo_head(repo)->keys.at[1].slot;
	char name[OBJECT_NAME];
	object_name(OBJECT_KEY, &slot, name);
	hoard_slots(&f, &hoard);
	/* A slot of the attacker's own making, under the name of the second key's. */
	struct key_ring *ring;
	struct object_header header = {.kind = OBJECT_KEY, .repo = *repo_id(repo), .id = slot};
	struct unlock unlock = {.secret = (const uint8_t *)"0123456789abcdef0123456789abcdef"};
	struct slot_want want = {SLOT_SECRET, repo_head(repo)->keys.at[1].id, &unlock, {0}};
	struct box_chance chance = {&header.id, f.world.dice, f.world.clock};
	OWN(own_free) uint8_t *bytes = NULL;
	CHECK_EQ(key_ring_make(&f.dice.dice, &ring), 0);
	CHECK_EQ(slot_make(&header, ring, &want, &chance, &bytes, &f.why), 0);
	CHECK_EQ(place_remove(f.world.place, name), 0);
	CHECK_EQ(place_put(f.world.place, name, bytes, header.length, &f.why), 0);
	CHECK_EQ(repo_key_rotate(repo, &f.why), -EBADMSG);
	CHECK(strstr(f.why.text, "its slot is not the one that the head names"));
	CHECK_EQ(repo_ring(repo)->epoch_count, 1);
	key_ring_free(ring);
	repo_close(repo);
	CHECK_EQ(place_remove(f.world.place, name), 0);
	bring_back(&f, &hoard);
	rig_end(&f);
}

/* ---- under the explorer ---- */

enum { FIRST, SECOND, WRITER, SECRETS };
enum hold { OUT, MAYBE, IN };

struct key_state {
	struct test_dice dice;
	struct test_clock clock;
	uint8_t secrets[SECRETS][SECRET_SIZE];
	enum hold holds[SECRETS];
	struct object_id ids[SECRETS];
	struct digest chunks[4];
	int committed;
};

static int step_add(struct key_state *s, struct repo *repo, int which, struct why *why)
{
	struct unlock unlock = {.secret = s->secrets[which]};
	struct key_new key = {which == WRITER ? SLOT_WRITER : SLOT_SECRET, "k", &unlock, {0}};
	dice_fill(&s->dice.dice, s->secrets[which], SECRET_SIZE);
	s->holds[which] = MAYBE;
	int err = repo_key_add(repo, &key, &s->ids[which], why);
	if (!err)
		s->holds[which] = IN;
	return err;
}

static int step_rm(struct key_state *s, struct repo *repo, int which, struct why *why)
{
	s->holds[which] = MAYBE;
	int err = repo_key_rm(repo, &s->ids[which], why);
	if (!err)
		s->holds[which] = OUT;
	return err;
}

static int step_commit(struct key_state *s, struct repo *repo, struct why *why)
{
	struct point point = {.source = POINT_DIR, .kind = POINT_FULL, .resource = "x"};
	char text[32];
	snprintf(text, sizeof(text), "words %d", s->committed);
	int err = repo_put_chunk(
		repo, CHUNK_CONTENT, text, strlen(text), &s->chunks[s->committed], why);
	if (!err)
		err = repo_commit(repo, &point, why);
	if (!err)
		s->committed++;
	return err;
}

static int steps(struct key_state *s, struct repo *repo, struct why *why)
{
	int err = step_add(s, repo, SECOND, why);
	if (!err)
		err = step_commit(s, repo, why);
	if (!err)
		err = repo_key_rotate(repo, why);
	if (!err)
		err = step_add(s, repo, WRITER, why);
	if (!err)
		err = step_rm(s, repo, SECOND, why);
	return err ? err : step_commit(s, repo, why);
}

static int run(void *state, struct world *world, struct why *why)
{
	struct key_state *s = state;
	struct place *place;
	struct repo *repo = NULL;
	test_world_init(&s->dice, &s->clock, 9);
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	struct repo_world rw = {place, &s->dice.dice, &s->clock.clock, NULL};
	err = repo_init(&rw, &rig_options, s->secrets[FIRST], why);
	if (!err) {
		s->holds[FIRST] = IN;
		err = repo_open(&rw, s->secrets[FIRST], 0, &repo, why);
	}
	if (!err)
		err = steps(s, repo, why);
	repo_close(repo);
	place_close(place);
	return err;
}

static int check_reads(const struct key_state *s, struct repo *repo, struct why *why)
{
	for (int i = 0; !repo_ring(repo)->write_only && i < s->committed; i++) {
		OWN(own_free) uint8_t *bytes = NULL;
		size_t len;
		int err = repo_chunk(repo, &s->chunks[i], CHUNK_CONTENT, &bytes, &len, why);
		if (err)
			return why_prefix(why, err, "chunk %d", i);
	}
	return 0;
}

static int check_key(const struct key_state *s, const struct repo_world *rw, int which,
	const char *when, struct why *why)
{
	struct repo *repo;
	int err = repo_open(rw, s->secrets[which], 0, &repo, why);
	if (err == -EACCES && s->holds[which] != IN)
		return 0;
	if (err)
		return why_prefix(why, err == -EACCES ? -EBADMSG : err, "key %d %s", which, when);
	err = s->holds[which] == OUT && which != WRITER
		? why_set(why, -EBADMSG, "key %d opens %s, though it was taken away", which, when)
		: check_reads(s, repo, why);
	repo_close(repo);
	return err;
}

static int check_all(
	const struct key_state *s, const struct repo_world *rw, const char *when, struct why *why)
{
	int err = 0;
	for (int which = 0; !err && which < SECRETS; which++)
		if (s->holds[which] != OUT || which != WRITER)
			err = check_key(s, rw, which, when, why);
	return err;
}

/* All that hold a key get in, and can rotate and write from there. */
static int check(void *state, struct world *world, bool faulty, struct why *why)
{
	struct key_state *s = state;
	struct place *place;
	struct repo *repo = NULL;
	(void)faulty;
	if (!s->holds[FIRST])
		return 0;
	int err = place_dir_open(world->disk, &place);
	if (err)
		return err;
	struct repo_world rw = {place, &s->dice.dice, &s->clock.clock, NULL};
	err = check_all(s, &rw, "after the crash", why);
	if (!err)
		err = repo_open(&rw, s->secrets[FIRST], 0, &repo, why);
	if (!err)
		err = repo_key_rotate(repo, why);
	repo_close(repo);
	if (!err)
		err = check_all(s, &rw, "after another rotation", why);
	place_close(place);
	return err;
}

static const struct scenario scenario = {"keys", sizeof(struct key_state), run, check, NULL};

TEST(no_key_is_lost_to_a_crash)
{
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 4,
			.samples = 1,
			.recovery_points = 1,
			.no_faults = true});
}

TEST(no_key_is_lost_to_a_failing_disk)
{
	rig_explore(&scenario,
		(struct explore_options){.seed = 1,
			.exhaustive = 2,
			.samples = 1,
			.recovery_points = 1,
			.no_crashes = true});
}

TEST_MAIN
